/*
 * execve with every descriptor in use, up to the hard limit: the program starts, and finds all of them as they were,
 * with locks and places in files.
 */
#include <sys/resource.h>

#include "files.h"

enum { LIMIT = 24, LOCKED = 5, PLACE = 7 };

static int program(void)
{
	struct stat st, other;
	struct flock l = {.l_type = F_WRLCK, .l_len = 10};
	pid_t pid;

	CHECK(fstat(3, &other) == 0 && S_ISFIFO(other.st_mode));
	for (int fd = 0; fd < LIMIT; fd++) {
		CHECK(fstat(fd, &st) == 0);
		if (fd >= 3 && fd != LOCKED)
			CHECK(st.st_ino == other.st_ino && fcntl(fd, F_GETFD) == 0);
	}
	CHECK_ERRNO(dup(1), EMFILE);
	CHECK_EQ(lseek(LOCKED, 0, SEEK_CUR), PLACE);
	CHECK(fstat(LOCKED, &st) == 0 && S_ISREG(st.st_mode));
	pid = guest_fork();
	if (pid == 0) {
		CHECK(fcntl(LOCKED, F_GETLK, &l) == 0);
		CHECK_EQ(l.l_type, F_WRLCK);
		CHECK_EQ(l.l_pid, getppid());
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	return 42;
}

static void child(void)
{
	const struct rlimit r = {LIMIT, LIMIT};
	struct flock l = {.l_type = F_WRLCK, .l_len = 10};
	int file, pair[2];

	CHECK(close_range(3, ~0U, 0) == 0 && pipe(pair) == 0);
	file = open("locked", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(file, LOCKED);
	CHECK_EQ(write(file, "0123456789", 10), 10);
	CHECK(lseek(file, PLACE, SEEK_SET) == PLACE && fcntl(file, F_SETLK, &l) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &r) == 0);
	while (dup(pair[0]) >= 0)
		;
	CHECK_EQ(errno, EMFILE);
	execl("prog", "prog", "full", NULL);
	_exit(100 + errno);
}

int main(int argc, char **argv)
{
	pid_t pid;

	(void)argv;
	if (argc > 1)
		return program();
	files_enter();
	files_copy_program("/proc/self/exe", "prog", O_EXCL);
	pid = guest_fork();
	if (pid == 0)
		child();
	guest_wait_exit(pid, 42);
	files_leave();
	return 0;
}
