/* Threads that end at once, made by several threads at the same time: the tracer sees deaths before births. */
#include <pthread.h>

#include "guest.h"

static void *nothing(void *arg)
{
	return arg;
}

static void *maker(void *arg)
{
	long n = *(long *)arg;

	for (long i = 0; i < n; i++) {
		pthread_t t;

		CHECK_EQ(pthread_create(&t, NULL, nothing, NULL), 0);
		CHECK_EQ(pthread_join(t, NULL), 0);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 300);
	pthread_t makers[3];

	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&makers[i], NULL, maker, &n), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(makers[i], NULL), 0);
	return 0;
}
