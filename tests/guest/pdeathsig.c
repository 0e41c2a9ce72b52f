/* PR_SET_PDEATHSIG: a child is signalled when its parent dies, and only then; a subreaper takes over orphans. */
#include <sys/prctl.h>

#include "guest.h"

static void dies_with_parent(void)
{
	int fds[2];
	pid_t middle, orphan;
	char c;

	CHECK(pipe(fds) == 0);
	middle = guest_fork();
	if (middle == 0) {
		pid_t child = guest_fork();

		if (child == 0) {
			pid_t parent = getppid();

			CHECK(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
			CHECK(write(fds[1], &parent, sizeof(parent)) == sizeof(parent));
			for (;;)
				pause();
		}
		CHECK(read(fds[0], &orphan, sizeof(orphan)) == sizeof(orphan));
		CHECK_EQ(orphan, getpid());
		CHECK(write(fds[1], &child, sizeof(child)) == sizeof(child));
		_exit(0);
	}
	guest_wait_exit(middle, 0);
	CHECK(read(fds[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	guest_wait_signal(orphan, SIGUSR1);	/* ours by now: we are the subreaper */
	close(fds[1]);
	CHECK_EQ(read(fds[0], &c, 1), 0);
	close(fds[0]);
}

int main(void)
{
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	for (int i = 0; i < 20; i++)
		dies_with_parent();
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	return 0;
}
