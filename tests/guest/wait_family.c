/* The wait calls of a parent whose children are traced by someone else: nothing extra, nothing missing. */
#include "guest.h"

static volatile int chld;

static void on_chld(int sig)
{
	(void)sig;
	chld++;
}

/* A child reports to its parent exactly once, by SIGCHLD and by wait. */
static void once(void)
{
	siginfo_t info = {0};
	pid_t pid;
	int status;

	chld = 0;
	pid = guest_fork();
	if (pid == 0)
		_exit(31);
	CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 || errno == EINTR);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0)
		CHECK_EQ(errno, EINTR);
	CHECK_EQ(info.si_status, 31);
	CHECK_EQ(waitpid(-1, &status, WNOHANG), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 31);
	CHECK_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
	CHECK_EQ(chld, 1);
}

/* With SIGCHLD ignored children leave no zombie, and wait waits for all of them. */
static void ignored(void)
{
	guest_handle(SIGCHLD, SIG_IGN, 0);
	for (int i = 0; i < 3; i++) {
		if (guest_fork() == 0)
			_exit(i);
	}
	CHECK_ERRNO(wait(NULL), ECHILD);
	guest_handle(SIGCHLD, on_chld, 0);
}

static void by_group(void)
{
	pid_t a = guest_fork(), b;

	if (a == 0) {
		pause();
		_exit(0);
	}
	CHECK(setpgid(a, a) == 0);
	b = guest_fork();
	if (b == 0) {
		pause();
		_exit(0);
	}
	CHECK(setpgid(b, a) == 0);
	CHECK_EQ(waitpid(-a, NULL, WNOHANG), 0);
	CHECK_ERRNO(waitpid(0, NULL, WNOHANG), ECHILD);
	CHECK(kill(-a, SIGTERM) == 0);
	for (int i = 0; i < 2; i++) {
		int status;
		pid_t got;

		while ((got = waitpid(-a, &status, 0)) < 0)
			CHECK_EQ(errno, EINTR);
		CHECK(got == a || got == b);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	}
}

/* A child without an exit signal is invisible to plain wait and reaped by __WALL. */
static void clone_child(void)
{
	long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(32);
	CHECK_ERRNO(waitpid((pid_t)pid, NULL, 0), ECHILD);
	guest_wait_exit((pid_t)pid, 32);
}

int main(void)
{
	guest_handle(SIGCHLD, on_chld, 0);
	for (int i = 0; i < 30; i++) {
		once();
		ignored();
		by_group();
		clone_child();
	}
	return 0;
}
