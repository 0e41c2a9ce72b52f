/* Every descriptor in use: an open fails with EMFILE and makes no file; names still work; thousands open at once. */
#include <sys/resource.h>

#include "files.h"

static void none_left(void)
{
	struct rlimit r = {.rlim_cur = 20, .rlim_max = 4096}, old;
	struct stat st;
	char buf[100];
	int fd;

	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	r.rlim_max = old.rlim_max;
	files_write("there", "x");
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	while ((fd = dup(2)) >= 0)
		;
	CHECK_EQ(errno, EMFILE);
	CHECK_ERRNO(open("there", O_RDONLY), EMFILE);
	CHECK_ERRNO(open("made", O_RDWR | O_CREAT, 0600), EMFILE);
	CHECK_ERRNO(access("made", F_OK), ENOENT);
	CHECK_ERRNO(open("none", O_RDONLY), EMFILE);
	CHECK_ERRNO(open(".", O_RDONLY | O_DIRECTORY), EMFILE);
	CHECK_ERRNO(open(".", O_PATH), EMFILE);
	CHECK(stat("there", &st) == 0 && mkdir("dir", 0755) == 0 && rename("dir", "dir2") == 0 && rmdir("dir2") == 0);
	CHECK(symlink("there", "l") == 0 && readlink("l", buf, sizeof(buf)) == 5 && unlink("l") == 0);
	CHECK(close(7) == 0);
	CHECK_EQ(open("there", O_RDONLY), 7);
	CHECK(close(7) == 0);
	CHECK_EQ(open(".", O_RDONLY | O_DIRECTORY), 7);
	CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
}

static void many(void)
{
	struct rlimit r;
	char name[32];
	int n, fd;

	CHECK(getrlimit(RLIMIT_NOFILE, &r) == 0);
	if (r.rlim_max < 10100)
		return;
	r.rlim_cur = 10100;
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	for (n = 0; n < 10000; n++) {
		snprintf(name, sizeof(name), "f%d", n % 100);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0)
			dprintf(2, "the %dth\n", n);
		CHECK(fd >= 0);
	}
	CHECK_EQ(pwrite(fd, "last", 4, 0), 4);
	files_want("f99", "last");
}

int main(void)
{
	pid_t pid;

	files_enter();
	pid = guest_fork();
	if (pid == 0) {
		none_left();
		many();
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	files_leave();
	return 0;
}
