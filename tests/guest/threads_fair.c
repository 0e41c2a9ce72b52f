/* Threads that do nothing but call the kernel do not keep others from it, whichever began first. */
#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"

enum { THREADS = 16, CALLS = 100 };

static _Atomic int calls[THREADS];
static _Atomic int waiting = THREADS;
static pthread_barrier_t begin;

/* All go on until all have made their calls. */
static void *call_and_call(void *arg)
{
	_Atomic int *mine = arg;
	pthread_barrier_wait(&begin);
	while (atomic_load(&waiting) > 0) {
		(void)syscall(SYS_getuid);
		if (++*mine == CALLS)
			atomic_fetch_sub(&waiting, 1);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	CHECK(pthread_barrier_init(&begin, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, call_and_call, &calls[i]) == 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	return 0;
}
