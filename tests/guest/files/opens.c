/* open's own rules: O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, openat2's RESOLVE flags and its struct that may grow. */
#include <linux/openat2.h>

#include "files.h"

static int open2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve, .mode = flags & O_CREAT ? 0600 : 0};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static void flags(void)
{
	struct stat st;
	int fd;

	CHECK_ERRNO(open("f", O_RDONLY), ENOENT);
	fd = open("f", O_WRONLY | O_CREAT | O_EXCL, 0604);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0604);
	CHECK_ERRNO(read(fd, &st, 1), EBADF);
	CHECK_EQ(write(fd, "data", 4), 4);
	close(fd);
	CHECK_ERRNO(open("f", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERRNO(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open("f/g", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open(".", O_RDWR), EISDIR);
	CHECK_ERRNO(open(".", O_RDONLY | O_CREAT, 0600), EISDIR);
	fd = open("f", O_RDWR | O_TRUNC);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	close(fd);
	fd = open("f", O_RDWR | O_APPEND | O_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	fd = open("f", O_PATH);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	CHECK_ERRNO(write(fd, "", 1), EBADF);
	close(fd);
	fd = creat("g", 0640);
	CHECK(fd >= 0 && close(fd) == 0 && stat("g", &st) == 0 && (st.st_mode & 07777) == 0640);
}

static void resolve(void)
{
	struct { struct open_how how; uint64_t more; } longer = {.how = {.flags = O_RDONLY}};
	int dir, fd;

	CHECK(mkdir("r", 0755) == 0 && mkdir("r/s", 0755) == 0 && symlink("s", "r/link") == 0 &&
	      symlink("/", "r/root") == 0);
	CHECK(symlink("../..", "r/up") == 0);
	files_write("r/s/f", "f");
	files_write("r/top", "top");
	dir = open("r", O_PATH | O_DIRECTORY);
	fd = open2(dir, "link/f", O_RDONLY, RESOLVE_BENEATH);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK_ERRNO(open2(dir, "../f", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(dir, "up", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(dir, "root", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(dir, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(-1, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERRNO(open2(-1, "/", O_RDONLY, RESOLVE_IN_ROOT), EBADF);
	fd = open("r/top", O_RDONLY);
	CHECK_ERRNO(open2(fd, "/", O_RDONLY, RESOLVE_IN_ROOT), ENOTDIR);
	close(fd);
	fd = open2(dir, "/top", O_RDONLY, RESOLVE_IN_ROOT);
	CHECK(fd >= 0 && close(fd) == 0);
	fd = open2(dir, "root/top", O_RDONLY, RESOLVE_IN_ROOT);
	CHECK(fd >= 0 && close(fd) == 0);
	fd = open2(dir, "../../../top", O_RDONLY, RESOLVE_IN_ROOT);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK_ERRNO(open2(dir, "link/f", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERRNO(open2(dir, "link", O_RDONLY | O_NOFOLLOW, 0), ELOOP);
	CHECK_ERRNO(open2(AT_FDCWD, "/proc/self/fd/0", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
	CHECK_ERRNO(open2(AT_FDCWD, "/proc/self/status", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERRNO(open2(AT_FDCWD, "f", O_RDONLY, 0x4000), EINVAL);
	CHECK_ERRNO(open2(AT_FDCWD, "f", 1ULL << 40, 0), EINVAL);
	CHECK_ERRNO(open2(AT_FDCWD, "f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
	fd = (int)syscall(SYS_openat2, AT_FDCWD, "f", &longer, sizeof(longer));
	CHECK(fd >= 0 && close(fd) == 0);
	longer.more = 1;
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "f", &longer, sizeof(longer)), E2BIG);
	CHECK_ERRNO(syscall(SYS_openat2, AT_FDCWD, "f", &longer, 8), EINVAL);
	close(dir);
}

static void elsewhere(void)
{
	char buf[8];
	int fd = open("/dev/null", O_RDWR);

	CHECK(fd >= 0 && read(fd, buf, 8) == 0 && write(fd, buf, 8) == 8 && close(fd) == 0);
	fd = open("/dev/zero", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 8) == 8 && buf[7] == 0 && close(fd) == 0);
	CHECK_ERRNO(openat(999, "f", O_RDONLY), EBADF);
	fd = open("f", O_RDONLY);
	CHECK_ERRNO(openat(fd, "f", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(openat(fd, "", O_RDONLY), ENOENT);
	snprintf(buf, sizeof(buf), "%s", "/");
	CHECK(close(openat(fd, buf, O_RDONLY)) == 0);	/* an absolute path needs no directory */
	CHECK(close(openat(999, buf, O_RDONLY)) == 0);
	close(fd);
}

/* How a directory was opened is told by F_GETFL, and how it was not is not. */
static void told(void)
{
	static const int ways[] = {0, O_DIRECTORY, O_NOFOLLOW, O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK};
	const int kept = O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

	CHECK(mkdir("told", 0755) == 0);
	files_write("told/f", "x");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int fd = open("told", O_RDONLY | ways[i]);
		CHECK_EQ(fcntl(fd, F_GETFL) & kept, ways[i]);
		close(fd);
		fd = open("told", O_PATH | ways[i]);
		CHECK_EQ(fcntl(fd, F_GETFL) & (kept | O_PATH), O_PATH | (ways[i] & ~O_NONBLOCK));
		close(fd);
	}
	for (int i = O_RDONLY; i <= O_RDWR; i++) {
		int fd = open("told/f", i);
		CHECK_EQ(fcntl(fd, F_GETFL) & ~0100000, i);	/* O_LARGEFILE */
		close(fd);
		fd = open("told/f", i | O_NOFOLLOW);
		/* A memfd is not opened by a name. */
		CHECK_EQ(fcntl(fd, F_GETFL) & ~0100000, i | (files_tree("tmpfs") ? 0 : O_NOFOLLOW));
		close(fd);
	}
}

int main(void)
{
	files_enter();
	flags();
	resolve();
	elsewhere();
	told();
	files_leave();
	return 0;
}
