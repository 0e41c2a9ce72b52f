/* A pidfd that is ready to read belongs to a process that can be waited for: waitid(WNOHANG) has its status at once. */
#include <poll.h>

#include "guest.h"

enum { ROUNDS = 300 };
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void end(int how)
{
	if (how == 0)
		_exit(5);
	kill(getpid(), SIGKILL);
}

int main(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		siginfo_t info = {0};
		pid_t pid = guest_fork();

		if (pid == 0)
			end(i % 2);
		struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

		if (p.fd < 0 && errno == ENOSYS)
			guest_skip("no pidfd_open");
		CHECK(p.fd >= 0);
		CHECK_EQ(poll(&p, 1, -1), 1);
		CHECK(waitid((idtype_t)P_PIDFD, (id_t)p.fd, &info, WEXITED | WNOHANG) == 0);
		CHECK_EQ(info.si_pid, pid);
		CHECK_EQ(info.si_code, i % 2 ? CLD_KILLED : CLD_EXITED);
		CHECK_EQ(info.si_status, i % 2 ? SIGKILL : 5);
		close(p.fd);
	}
	return 0;
}
