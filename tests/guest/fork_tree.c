/* Processes that fork faster than a tracer can look: threads that fork, children that fork, none is lost. */
#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"

static _Atomic long *born;

/* A tree of the given depth and width, counted in shared memory by each of its processes. */
static void grow(int depth, int width)
{
	pid_t pids[8];

	for (int i = 0; i < width; i++) {
		pids[i] = guest_fork();
		if (pids[i] == 0) {
			atomic_fetch_add(born, 1);
			if (depth > 1)
				grow(depth - 1, width);
			_exit(0);
		}
	}
	for (int i = 0; i < width; i++)
		guest_wait_exit(pids[i], 0);
}

static void *forker(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		grow(2, 3);
	return NULL;
}

int main(int argc, char **argv)
{
	long rounds = guest_arg(argc, argv, 1, 2);
	long expected = 0;

	born = guest_shared(sizeof(*born));
	for (long r = 0; r < rounds; r++) {
		pthread_t threads[4];

		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_create(&threads[i], NULL, forker, NULL), 0);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
		expected += 4L * 4 * (3 + 9);
		grow(4, 3);
		expected += 3 + 9 + 27 + 81;
		CHECK_EQ(atomic_load(born), expected);
	}
	return 0;
}
