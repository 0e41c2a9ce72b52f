/* Locks meet between processes: flock by open file description (directories too), fcntl by process, OFD by description.
 */
#include <sys/file.h>

#include "files.h"

static int set(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &l);
}

static void whole(const char *name)
{
	int a = open(name, O_RDONLY), b = open(name, O_RDONLY), c = dup(a);
	pid_t pid;

	CHECK(a >= 0 && b >= 0);
	CHECK(flock(a, LOCK_EX) == 0);
	CHECK_ERRNO(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(c, LOCK_EX | LOCK_NB) == 0);	/* the same description */
	pid = guest_fork();
	if (pid == 0) {
		int d = open(name, O_RDONLY);

		CHECK_ERRNO(flock(d, LOCK_EX | LOCK_NB), EWOULDBLOCK);
		CHECK(flock(a, LOCK_UN) == 0);		/* inherited: unlocks for the parent, too */
		CHECK(flock(d, LOCK_EX | LOCK_NB) == 0);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(flock(b, LOCK_EX | LOCK_NB) == 0);
	close(a);
	close(b);
	close(c);
}

static void ranges(void)
{
	int fd = open("f", O_RDWR), other;
	pid_t pid;

	CHECK(set(fd, F_SETLK, F_WRLCK, 10, 10) == 0);
	pid = guest_fork();
	if (pid == 0) {
		struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
		int mine = open("f", O_RDWR);

		CHECK_ERRNO(set(mine, F_SETLK, F_RDLCK, 15, 1), EAGAIN);
		CHECK(set(mine, F_SETLK, F_WRLCK, 20, 5) == 0);
		CHECK(fcntl(mine, F_GETLK, &l) == 0);
		CHECK(l.l_type == F_WRLCK && l.l_start == 10 && l.l_len == 10);
		CHECK_EQ(l.l_pid, getppid());
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	other = open("f", O_RDONLY);
	close(other);			/* and all locks of this process on the file are gone */
	pid = guest_fork();
	if (pid == 0) {
		CHECK(set(open("f", O_RDWR), F_SETLK, F_WRLCK, 10, 10) == 0);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	close(fd);
}

static void descriptions(void)
{
	int a = open("f", O_RDWR), b = open("f", O_RDWR);

	CHECK(set(a, F_OFD_SETLK, F_WRLCK, 0, 5) == 0);
	CHECK_ERRNO(set(b, F_OFD_SETLK, F_RDLCK, 2, 1), EAGAIN);
	CHECK_ERRNO(set(b, F_SETLK, F_RDLCK, 2, 1), EAGAIN);
	CHECK(set(b, F_OFD_SETLK, F_RDLCK, 5, 1) == 0);
	close(a);
	CHECK(set(b, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
	close(b);
}

/* One waits until the other lets go. */
static void waiting(void)
{
	int fd = open("f", O_RDWR), pipes[2];
	char byte;
	pid_t pid;

	CHECK(pipe(pipes) == 0 && flock(fd, LOCK_EX) == 0);
	pid = guest_fork();
	if (pid == 0) {
		int mine = open("f", O_RDWR);

		CHECK_EQ(write(pipes[1], "w", 1), 1);
		CHECK(flock(mine, LOCK_EX) == 0);
		files_want_fd(mine, "second");
		_exit(0);
	}
	CHECK_EQ(read(pipes[0], &byte, 1), 1);
	guest_sleep_ms(20);
	CHECK_EQ(pwrite(fd, "second", 6, 0), 6);
	CHECK(flock(fd, LOCK_UN) == 0);
	guest_wait_exit(pid, 0);
	close(fd);
}

/* With the last close of a description its lock is gone at once, whoever else may still be about to close it. */
static void let_go(void)
{
	enum { ROUNDS = 300 };
	int other = open("f", O_RDWR);

	for (int i = 0; i < ROUNDS; i++) {
		int fd = open("f", i % 2 ? O_RDONLY : O_RDWR);

		CHECK(flock(fd, LOCK_EX) == 0);
		close(fd);
		CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
		CHECK(flock(other, LOCK_UN) == 0);
		fd = open("f", O_RDWR);
		CHECK(set(fd, F_OFD_SETLK, F_WRLCK, 0, 5) == 0);
		close(fd);
		CHECK(set(other, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
		CHECK(set(other, F_OFD_SETLK, F_UNLCK, 0, 0) == 0);
	}
	close(other);
}

int main(void)
{
	files_enter();
	files_write("f", "first.");
	CHECK(mkdir("d", 0755) == 0);
	whole("f");
	whole("d");
	ranges();
	descriptions();
	waiting();
	let_go();
	files_leave();
	return 0;
}
