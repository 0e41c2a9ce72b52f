/* CLONE_UNTRACED hides a child from a tracer that follows forks; the child must work all the same. */
#include <sched.h>
#include <sys/utsname.h>

#include "guest.h"

int main(void)
{
	for (int i = 0; i < 20; i++) {
		struct utsname u;
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);

		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK(uname(&u) == 0);
			CHECK(getppid() > 0);
			CHECK_EQ(syscall(SYS_getuid), syscall(SYS_geteuid));
			_exit(9);
		}
		guest_wait_exit(pid, 9);
	}
	return 0;
}
