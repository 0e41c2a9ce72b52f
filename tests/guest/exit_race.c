/* exit_group while other threads are being born, dying and calling: the status is the caller's. */
#include <pthread.h>

#include "guest.h"

static void *busy(void *arg)
{
	pthread_t t;

	(void)arg;
	for (;;) {
		getppid();
		if (pthread_create(&t, NULL, (void *(*)(void *))(void *)getppid, NULL) == 0)
			pthread_join(t, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 25);

	for (long i = 0; i < n; i++) {
		pid_t pid = guest_fork();

		if (pid == 0) {
			pthread_t t;

			for (int k = 0; k < 3; k++)
				CHECK_EQ(pthread_create(&t, NULL, busy, NULL), 0);
			guest_sleep_ms(i % 4);
			_exit((int)i + 1);
		}
		guest_wait_exit(pid, (int)i + 1);
	}
	return 0;
}
