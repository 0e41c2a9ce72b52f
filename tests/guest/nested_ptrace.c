/*
 * A guest that traces its own child: works natively and where trapline needs no ptrace; where it does, the guest gets
 * EPERM as under any tracer, and everything goes on. Both are right, a hang or another errno is not.
 */
#include <sys/ptrace.h>

#include "guest.h"

static void traces_me(void)
{
	pid_t pid = guest_fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(errno == EPERM ? 10 : 1);
		raise(SIGSTOP);
		_exit(10);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (WIFSTOPPED(status)) {
		CHECK_EQ(WSTOPSIG(status), SIGSTOP);
		CHECK(ptrace(PTRACE_CONT, pid, 0, 0) == 0);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 10);
}

static void seizes(void)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		CHECK_EQ(errno, EPERM);
	CHECK(kill(pid, SIGKILL) == 0);
	guest_wait_signal(pid, SIGKILL);
}

int main(void)
{
	for (int i = 0; i < 20; i++) {
		traces_me();
		seizes();
	}
	return 0;
}
