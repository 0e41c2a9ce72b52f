/* Times: set to the nanosecond, omitted, now; changed by what changes a file, and not by what does not. */
#include <sys/time.h>

#include "files.h"

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static struct stat now(const char *name)
{
	struct stat st;

	CHECK(lstat(name, &st) == 0);
	return st;
}

static void set(void)
{
	struct timespec ts[2] = {{12345, 678901234}, {98765, 432100001}};
	struct stat st, before;
	struct statx x;

	files_write("f", "x");
	CHECK(utimensat(AT_FDCWD, "f", ts, 0) == 0);
	st = now("f");
	CHECK(same(st.st_atim, ts[0]) && same(st.st_mtim, ts[1]));
	CHECK(statx(AT_FDCWD, "f", 0, STATX_ALL, &x) == 0);
	CHECK(x.stx_mtime.tv_sec == 98765 && x.stx_mtime.tv_nsec == 432100001);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = 5;
	CHECK(utimensat(AT_FDCWD, "f", ts, 0) == 0);
	st = now("f");
	CHECK(st.st_atim.tv_sec == 12345 && st.st_mtim.tv_sec == 5);
	ts[1].tv_nsec = UTIME_NOW;
	CHECK(utimensat(AT_FDCWD, "f", ts, 0) == 0);
	CHECK(now("f").st_mtim.tv_sec > 1600000000);
	ts[1].tv_nsec = 1000000000;
	CHECK_ERRNO(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	CHECK(symlink("f", "l") == 0);
	ts[0] = ts[1] = (struct timespec){77, 0};
	before = now("f");
	CHECK(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(now("l").st_mtim.tv_sec == 77 && same(now("f").st_mtim, before.st_mtim));
}

static void changes(void)
{
	struct stat file, dir, after;
	int fd;

	CHECK(mkdir("d", 0755) == 0);
	dir = now("d");
	guest_sleep_ms(15);
	files_write("d/f", "x");
	after = now("d");
	CHECK(!same(dir.st_mtim, after.st_mtim) && !same(dir.st_ctim, after.st_ctim));
	file = now("d/f");
	guest_sleep_ms(15);
	CHECK(chmod("d/f", 0600) == 0);
	after = now("d/f");
	CHECK(same(file.st_mtim, after.st_mtim) && !same(file.st_ctim, after.st_ctim));
	dir = now("d");
	guest_sleep_ms(15);
	fd = open("d/f", O_RDWR);
	CHECK_EQ(write(fd, "more", 4), 4);
	CHECK(fstat(fd, &after) == 0);
	CHECK(!same(file.st_mtim, after.st_mtim));
	CHECK(same(now("d").st_mtim, dir.st_mtim));
	guest_sleep_ms(15);
	CHECK(rename("d/f", "d/g") == 0);
	CHECK(!same(now("d").st_mtim, dir.st_mtim));
	CHECK(same(now("d/g").st_mtim, after.st_mtim));
	dir = now("d");
	guest_sleep_ms(15);
	CHECK(unlink("d/g") == 0 && !same(now("d").st_mtim, dir.st_mtim));
	close(fd);
}

/*
 * By a descriptor that was opened with O_NOATIME, directories too; nor does a question that asks for no time tell one.
 */
static void no_access(void)
{
	const struct timespec ts[2] = {{1000, 0}, {2000, 0}};
	struct statx x;
	int fd;
	DIR *d;

	CHECK(mkdir("e", 0755) == 0 && utimensat(AT_FDCWD, "e", ts, 0) == 0);
	fd = open("e", O_RDONLY | O_DIRECTORY | O_NOATIME);
	d = fdopendir(fd);
	while (readdir(d))
		;
	closedir(d);
	CHECK_EQ(now("e").st_atim.tv_sec, 1000);
	CHECK(statx(AT_FDCWD, "e", 0, STATX_SIZE, &x) == 0 && statx(AT_FDCWD, "e", 0, STATX_SIZE | STATX_CTIME, &x) == 0);
	CHECK_EQ(x.stx_mtime.tv_sec, 2000);
}

int main(void)
{
	files_enter();
	set();
	changes();
	no_access();
	files_leave();
	return 0;
}
