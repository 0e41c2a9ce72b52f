/* The leader's thread ends first: the process lives on as its other threads, and ends with their status. */
#include <pthread.h>
#include <sched.h>

#include "guest.h"

static char self[4096];		/* /proc/self/exe leads nowhere once the leader is a zombie */

static void *goes_on(void *arg)
{
	int code = *(int *)arg;

	while (guest_state(getpid()) != 'Z')	/* the leader is a zombie until the group ends */
		sched_yield();
	for (int i = 0; i < 100; i++)
		CHECK(getppid() > 0);
	if (code < 0) {
		char *argv[] = {(char *)"leader_exits", (char *)"--new", NULL};

		execv(self, argv);
		_exit(1);
	}
	if (code == 100)
		kill(getpid(), SIGKILL);
	exit(code);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return syscall(SYS_gettid) == getpid() ? 44 : 1;
	CHECK(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	for (int i = 0; i < 12; i++) {
		int code = i % 4 == 3 ? -1 : i % 4 == 2 ? 100 : 5 + i;
		pid_t pid = guest_fork();

		if (pid == 0) {
			pthread_t t;

			CHECK_EQ(pthread_create(&t, NULL, goes_on, &code), 0);
			syscall(SYS_exit, 99);
		}
		if (code == 100)
			guest_wait_signal(pid, SIGKILL);
		else
			guest_wait_exit(pid, code < 0 ? 44 : code);
	}
	return 0;
}
