/* threads_many N: N threads alive at once, each makes calls of its own, meets the others, and is joined. */
#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"

static pthread_barrier_t all_here;
static atomic_long calls, tids;

static void *body(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		if (getppid() > 0)
			atomic_fetch_add(&calls, 1);
	}
	atomic_fetch_add(&tids, syscall(SYS_gettid) != getpid());
	pthread_barrier_wait(&all_here);
	return arg;
}

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 300);
	pthread_t *threads = calloc((size_t)n, sizeof(*threads));
	pthread_attr_t attr;

	CHECK(threads != NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	CHECK_EQ(pthread_barrier_init(&all_here, NULL, (unsigned)n + 1), 0);
	for (long i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&threads[i], &attr, body, (void *)(i + 1)), 0);
	pthread_barrier_wait(&all_here);
	for (long i = 0; i < n; i++) {
		void *got;

		CHECK_EQ(pthread_join(threads[i], &got), 0);
		CHECK_EQ((long)got, i + 1);
	}
	CHECK_EQ(atomic_load(&calls), 3 * n);
	CHECK_EQ(atomic_load(&tids), n);
	free(threads);
	return 0;
}
