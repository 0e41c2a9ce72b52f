/* A vfork child that execs, that exits and that dies: the parent goes on each time, and saw the child's writes. */
#include "guest.h"

/* The child runs in the parent's memory, so what it did must be read back through a volatile. */
static volatile int seen;

static void child_exits(int i)
{
	pid_t pid = vfork();

	if (pid == 0) {
		seen = i;
		_exit(i);
	}
	CHECK(pid > 0);
	CHECK_EQ(seen, i);
	guest_wait_exit(pid, i);
}

static void child_dies(int sig)
{
	pid_t pid = vfork();

	if (pid == 0) {
		seen = -sig;
		kill((pid_t)syscall(SYS_getpid), sig);
		_exit(1);
	}
	CHECK(pid > 0);
	CHECK_EQ(seen, -sig);
	guest_wait_signal(pid, sig);
}

static void child_execs(const char *path, char *const argv[], int code)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execv(path, argv);
		seen = errno;
		_exit(99);
	}
	CHECK(pid > 0);
	guest_wait_exit(pid, code);
}

int main(int argc, char **argv)
{
	char *again[] = {argv[0], (char *)"--child", NULL};
	char *nothing[] = {(char *)"nothing", NULL};

	if (argc > 1)
		return 42;
	for (int i = 0; i < 30; i++) {
		child_exits(i);
		child_dies(SIGKILL);
		child_dies(SIGTERM);
		child_execs("/proc/self/exe", again, 42);
		child_execs("/does/not/exist", nothing, 99);
		CHECK_EQ(seen, ENOENT);
	}
	return 0;
}
