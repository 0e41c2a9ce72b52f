/* Every thread of a process calls execve at once: exactly one wins, and the process goes on as it. */
#include <pthread.h>

#include "guest.h"

static pthread_barrier_t start;
static char *again[] = {(char *)"exec_race", (char *)"--winner", NULL};

static void *racer(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&start);
	execv("/proc/self/exe", again);
	return NULL;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 33;
	for (int i = 0; i < 15; i++) {
		pid_t pid = guest_fork();

		if (pid == 0) {
			pthread_t t;

			pthread_barrier_init(&start, NULL, 6);
			for (int k = 0; k < 5; k++)
				CHECK_EQ(pthread_create(&t, NULL, racer, NULL), 0);
			racer(NULL);
			_exit(1);
		}
		guest_wait_exit(pid, 33);
	}
	return 0;
}
