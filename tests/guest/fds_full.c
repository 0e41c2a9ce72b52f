/* Every descriptor in use, or all closed: calls work, nothing extra appears, and nothing of ours is closed by it. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "guest.h"

static void calls(void)
{
	struct utsname u;

	CHECK(uname(&u) == 0);
	CHECK_EQ(syscall(SYS_getuid), syscall(SYS_geteuid));
	CHECK(getppid() > 0);
}

static void full(void)
{
	struct rlimit r = {.rlim_cur = 64, .rlim_max = 64};
	int fd, n = 0;

	CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	/* 3 is the first free one, and they come in order: nobody else uses any */
	while ((fd = dup(2)) >= 0)
		CHECK_EQ(fd, 3 + n++);
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(n, 61);
	for (int i = 0; i < 20; i++) {
		pid_t pid = guest_fork();

		calls();
		if (pid == 0)
			_exit(0);
		guest_wait_exit(pid, 0);
	}
}

static void none(void)
{
	CHECK(syscall(SYS_close_range, 0, ~0U, 0) == 0);
	for (int i = 0; i < 20; i++) {
		pid_t pid = guest_fork();

		calls();
		if (pid == 0)
			_exit(0);
		guest_wait_exit(pid, 0);
		CHECK_EQ(open("/", O_RDONLY), 0);
		CHECK(close(0) == 0);
	}
}

int main(void)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		full();
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	pid = guest_fork();
	if (pid == 0) {
		none();
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	return 0;
}
