/* A stopped process of many threads that is killed, or whose threads were blocked in calls, ends as it should. */
#include <pthread.h>

#include "guest.h"

static void *blocked(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

int main(void)
{
	int status;

	for (int i = 0; i < 15; i++) {
		pid_t pid = guest_fork();
		pthread_t t;

		if (pid == 0) {
			for (int k = 0; k < 4; k++)
				CHECK_EQ(pthread_create(&t, NULL, blocked, NULL), 0);
			raise(SIGSTOP);
			_exit(61);
		}
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		if (i % 3 == 0) {
			CHECK(kill(pid, SIGKILL) == 0);
			guest_wait_signal(pid, SIGKILL);
			continue;
		}
		for (int k = 0; k < i % 3; k++) {	/* continued and stopped again at once */
			CHECK(kill(pid, SIGCONT) == 0);
			CHECK(kill(pid, SIGSTOP) == 0);
			CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
			if (WIFEXITED(status))
				break;
			CHECK(WIFSTOPPED(status));
		}
		if (WIFSTOPPED(status)) {
			CHECK(kill(pid, SIGCONT) == 0);
			status = guest_wait(pid);
		}
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 61);
	}
	return 0;
}
