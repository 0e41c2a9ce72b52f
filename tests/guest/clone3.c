/* clone3: a process with a pidfd, one with cleared handlers, a thread-like child on its own stack, and bad input. */
#include <linux/sched.h>
#include <sched.h>

#include "guest.h"

static long clone3(struct clone_args *args)
{
	return syscall(SYS_clone3, args, sizeof(*args));
}

static void handler(int sig)
{
	(void)sig;
}

static void with_pidfd(void)
{
	int fd = -1;
	struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
	siginfo_t info = {0};
	long pid = clone3(&args);

	if (pid == 0)
		_exit(11);
	CHECK(pid > 0 && fd >= 0);
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 11);
	CHECK_EQ(info.si_code, CLD_EXITED);
	close(fd);
}

static void with_cleared_handlers(void)
{
	struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	struct sigaction sa;
	long pid;

	guest_handle(SIGUSR2, handler, 0);
	pid = clone3(&args);
	if (pid == 0) {
		CHECK(sigaction(SIGUSR2, NULL, &sa) == 0);
		CHECK(sa.sa_handler == SIG_DFL);
		_exit(12);
	}
	CHECK(pid > 0);
	guest_wait_exit((pid_t)pid, 12);
}

static void vfork_like(void)
{
	struct clone_args args = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
	volatile int *ran = guest_shared(sizeof(*ran));
	long pid = clone3(&args);

	if (pid == 0) {
		guest_sleep_ms(1);
		*ran = 1;
		_exit(13);
	}
	CHECK(pid > 0);
	CHECK_EQ(*ran, 1);		/* the parent went on only after the child had let go of its memory */
	munmap((void *)(uintptr_t)ran, sizeof(*ran));
	guest_wait_exit((pid_t)pid, 13);
}

int main(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	CHECK_ERRNO(syscall(SYS_clone3, &args, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone3, 8, sizeof(args)), EFAULT);
	for (int i = 0; i < 20; i++) {
		with_pidfd();
		with_cleared_handlers();
		vfork_like();
	}
	return 0;
}
