/* Immutable and append-only files and directories (FS_IOC_SETFLAGS): what is refused to everybody. */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "files.h"

static int flags_of(const char *path)
{
	int fd = open(path, O_RDONLY), flags = 0;

	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
	close(fd);
	return flags & (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL);
}

/* The result of the ioctl, and its errno. */
static int set(const char *path, int flags)
{
	int fd = open(path, O_RDONLY), old = 0, r;

	CHECK(fd >= 0);
	CHECK_EQ(ioctl(fd, FS_IOC_GETFLAGS, &old), 0);
	old = (old & ~(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL)) | flags;
	r = ioctl(fd, FS_IOC_SETFLAGS, &old);
	close(fd);
	return r;
}

static void make(const char *name, int flags)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(set(name, flags), 0);
	CHECK_EQ(flags_of(name), flags);
}

static int opens(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

/* Of what is immutable and of what is append-only. */
static void unchanged(const char *name)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	int fd = open(name, O_RDONLY);

	CHECK(fd >= 0);
	CHECK_ERRNO(chmod(name, 0600), EPERM);
	CHECK_ERRNO(fchmod(fd, 0600), EPERM);
	CHECK_ERRNO(chown(name, 1, 1), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, name, times, 0), EPERM);
	CHECK_ERRNO(setxattr(name, "user.a", "1", 1, 0), EPERM);
	CHECK_ERRNO(fsetxattr(fd, "user.a", "1", 1, 0), EPERM);
	CHECK_ERRNO(rename(name, "elsewhere"), EPERM);
	CHECK_ERRNO(rename("other", name), EPERM);
	CHECK_ERRNO(link(name, "linked"), EPERM);
	CHECK_ERRNO(unlink(name), EPERM);
	CHECK_ERRNO(truncate(name, 0), EPERM);
	CHECK_ERRNO(opens(name, O_WRONLY), EPERM);
	CHECK_ERRNO(opens(name, O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	close(fd);
}

/* fd was opened before the file became append-only: it writes where it likes, but is not changed. */
static void by_descriptors(int fd, const char *name)
{
	int own = open(name, O_RDWR | O_APPEND);

	CHECK(own >= 0);
	CHECK_EQ(write(own, "text", 4), 4);
	CHECK_EQ(fcntl(own, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	CHECK_ERRNO(fcntl(own, F_SETFL, 0), EPERM);
	CHECK(fcntl(own, F_GETFL) & O_APPEND);
	CHECK_ERRNO(ftruncate(own, 0), EPERM);
	CHECK_ERRNO(fallocate(own, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0) == MAP_FAILED && errno == EACCES);
	CHECK_EQ(pwrite(fd, "T", 1, 0), 1);
	CHECK_ERRNO(fcntl(fd, F_SETFL, O_APPEND), EPERM);
	CHECK_ERRNO(ftruncate(fd, 0), EPERM);
	close(own);
}

static void directory(int flags)
{
	struct stat st;

	CHECK_EQ(mkdir("d", 0755), 0);
	make("d/f", 0);
	CHECK_EQ(set("d", flags), 0);
	CHECK_EQ(flags_of("d"), flags);
	CHECK_ERRNO(unlink("d/f"), EPERM);
	CHECK_ERRNO(rename("d/f", "d/g"), EPERM);
	CHECK_ERRNO(rmdir("d"), EPERM);
	CHECK_ERRNO(chmod("d", 0700), EPERM);
	CHECK_EQ(opens("d/f", O_WRONLY), 0);
	if (flags == FS_IMMUTABLE_FL) {
		CHECK_ERRNO(opens("d/new", O_CREAT | O_WRONLY), EPERM);
		CHECK_ERRNO(mkdir("d/sub", 0755), EPERM);
		CHECK_ERRNO(link("other", "d/linked"), EPERM);
	} else {
		CHECK_EQ(opens("d/new", O_CREAT | O_WRONLY), 0);
		CHECK_EQ(lstat("d/new", &st), 0);
	}
	CHECK_EQ(set("d", 0), 0);
	CHECK(unlink("d/f") == 0 && (unlink("d/new") == 0 || errno == ENOENT));
	CHECK_EQ(rmdir("d"), 0);
}

static void not_for_others(void)
{
	pid_t pid;

	make("mine", FS_NODUMP_FL);
	pid = guest_fork();
	if (pid == 0) {
		CHECK(setresuid(65534, 65534, 65534) == 0);
		CHECK_ERRNO(set("mine", 0), EPERM);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(chown("mine", 65534, 65534) == 0);
	pid = guest_fork();
	if (pid == 0) {
		CHECK(setresuid(65534, 65534, 65534) == 0);
		CHECK_EQ(set("mine", 0), 0);
		CHECK_ERRNO(set("mine", FS_IMMUTABLE_FL), EPERM);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK_EQ(flags_of("mine"), 0);
}

int main(void)
{
	int fd;

	if (getuid() != 0)
		guest_skip("only CAP_LINUX_IMMUTABLE sets these flags");
	files_enter();
	make("other", 0);
	if (set("other", FS_IMMUTABLE_FL) < 0)
		guest_skip("this file system has no such flags");
	CHECK_EQ(set("other", 0), 0);

	make("i", FS_IMMUTABLE_FL);
	unchanged("i");
	CHECK_ERRNO(opens("i", O_WRONLY | O_APPEND), EPERM);
	CHECK_ERRNO(access("i", W_OK), EPERM);
	CHECK_ERRNO(utimensat(AT_FDCWD, "i", NULL, 0), EPERM);
	CHECK_EQ(opens("i", O_RDONLY), 0);
	CHECK_EQ(set("i", 0), 0);
	CHECK_EQ(opens("i", O_WRONLY), 0);
	CHECK_EQ(unlink("i"), 0);

	make("a", FS_APPEND_FL);
	unchanged("a");
	CHECK_EQ(opens("a", O_WRONLY | O_APPEND), 0);
	CHECK_EQ(access("a", W_OK), 0);
	CHECK_EQ(utimensat(AT_FDCWD, "a", NULL, 0), 0);
	CHECK_EQ(set("a", 0), 0);
	fd = open("a", O_WRONLY);
	CHECK(fd >= 0);
	CHECK_EQ(set("a", FS_APPEND_FL), 0);
	by_descriptors(fd, "a");
	CHECK_EQ(set("a", 0), 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	close(fd);
	CHECK_EQ(unlink("a"), 0);

	directory(FS_IMMUTABLE_FL);
	directory(FS_APPEND_FL);
	not_for_others();
	files_leave();
	return 0;
}
