/* Orphans and double forks: a grandchild goes on after its parent, and its new parent is the reaper. */
#include <sys/prctl.h>

#include "guest.h"

int main(void)
{
	int fds[2], status;
	char c;

	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	for (int i = 0; i < 20; i++) {
		pid_t self = getpid(), middle;

		CHECK(pipe(fds) == 0);
		middle = guest_fork();
		if (middle == 0) {
			CHECK(setsid() == getpid());
			if (guest_fork() != 0)
				_exit(0);
			while (getppid() != self)
				guest_sleep_ms(1);
			CHECK(write(fds[1], "k", 1) == 1);
			_exit(18);
		}
		guest_wait_exit(middle, 0);
		CHECK_EQ(read(fds[0], &c, 1), 1);
		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 18);
		close(fds[0]);
		close(fds[1]);
	}
	return 0;
}
