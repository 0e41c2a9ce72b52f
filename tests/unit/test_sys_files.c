/* The handlers of file calls over a real tree, without a guest: flags, names, descriptors, errno, structures. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "files_guest.h"
#include "run_suite.h"
#include "syscalls/sys_received.h"

static void as_root(void)
{
	guest_start(0, 0);
}

static int make_file(const char *name, const char *text)
{
	int64_t fd = CALL(open, name, O_CREAT | O_RDWR, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write((int)fd, text, strlen(text)), (ssize_t)strlen(text));
	return (int)fd;
}

START_TEST(open_and_stat)
{
	int fd = make_file("/f", "hello");
	struct stat st;
	ck_assert_int_eq(CALL(stat, "/f", &st), 0);
	ck_assert_int_eq(st.st_size, 5);
	ck_assert_int_eq(st.st_mode, S_IFREG | 0644);
	ck_assert_int_eq(st.st_uid, 0);
	ck_assert_int_eq(CALL(fstat, fd, &st), 0);
	ck_assert_int_eq(st.st_size, 5);
	struct statx x;
	ck_assert_int_eq(CALL(statx, AT_FDCWD, "/f", 0, STATX_BASIC_STATS, &x), 0);
	ck_assert_uint_eq(x.stx_ino, st.st_ino);
	ck_assert_int_eq(CALL(statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x), 0);
	ck_assert_uint_eq(x.stx_size, 5);
	ck_assert_int_eq(CALL(newfstatat, fd, NULL, &st, AT_EMPTY_PATH), 0);
	ck_assert_int_eq(CALL(newfstatat, fd, "", &st, 0), -ENOENT);
	ck_assert_int_eq(CALL(newfstatat, fd, NULL, &st, 0), -EFAULT);
	ck_assert_int_eq(CALL(newfstatat, AT_FDCWD, "/f", &st, 0x80000), -EINVAL);
	ck_assert_int_eq(CALL(statx, AT_FDCWD, "/f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &x), -EINVAL);
	ck_assert_int_eq(CALL(statx, AT_FDCWD, "/f", 0, STATX__RESERVED, &x), -EINVAL);
	ck_assert_int_eq(CALL(stat, "/f", 8), -EFAULT);
	ck_assert_int_eq(CALL(stat, 8, &st), -EFAULT);
	ck_assert_int_eq(CALL(fstat, 9999, &st), -EBADF);
	close(fd);
}
END_TEST

START_TEST(open_errors)
{
	close(make_file("/f", ""));
	static char longest[5000];
	memset(longest, 'a', sizeof(longest) - 1);
	ck_assert_int_eq(CALL(open, "", O_RDONLY), -ENOENT);
	ck_assert_int_eq(CALL(open, longest, O_RDONLY), -ENAMETOOLONG);
	ck_assert_int_eq(CALL(open, 8, O_RDONLY), -EFAULT);
	ck_assert_int_eq(CALL(open, "/none", O_RDONLY), -ENOENT);
	ck_assert_int_eq(CALL(open, "/f", O_CREAT | O_EXCL, 0600), -EEXIST);
	ck_assert_int_eq(CALL(open, "/f/x", O_RDONLY), -ENOTDIR);
	ck_assert_int_eq(CALL(open, "/f", O_DIRECTORY), -ENOTDIR);
	ck_assert_int_eq(CALL(open, "/", O_RDWR), -EISDIR);
	ck_assert_int_eq(CALL(open, 8, O_CREAT | O_DIRECTORY, 0600), -EINVAL);
	ck_assert_int_eq(CALL(openat, 9999, "f", O_RDONLY), -EBADF);
	ck_assert_int_eq(CALL(openat, 9999, "/f", O_PATH | O_RDWR | O_TRUNC) >= 0, 1);
	int dir = (int)CALL(open, "/", O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(dir, 0);
	int64_t fd = CALL(openat, dir, "f", O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(CALL(openat, fd, "f", O_RDONLY), -ENOTDIR);
	close((int)fd);
	close(dir);
}
END_TEST

START_TEST(openat2_structure)
{
	close(make_file("/f", ""));
	struct {
		struct open_how how;
		uint64_t more[2];
	} h = {.how = {.flags = O_RDONLY}};
	int64_t fd = CALL(openat2, AT_FDCWD, "/f", &h, sizeof(h.how));
	ck_assert_int_ge(fd, 0);
	close((int)fd);
	fd = CALL(openat2, AT_FDCWD, "/f", &h, sizeof(h));
	ck_assert_int_ge(fd, 0);
	close((int)fd);
	h.more[1] = 1;
	ck_assert_int_eq(CALL(openat2, AT_FDCWD, "/f", &h, sizeof(h)), -E2BIG);
	ck_assert_int_eq(CALL(openat2, AT_FDCWD, "/f", &h, 16), -EINVAL);
	ck_assert_int_eq(CALL(openat2, AT_FDCWD, "/f", &h, 5000), -E2BIG);
	ck_assert_int_eq(CALL(openat2, AT_FDCWD, "/f", 8, sizeof(h.how)), -EFAULT);
	const struct open_how bad[] = {
		{.flags = O_RDONLY, .mode = 0600}, {.flags = UINT64_C(1) << 40}, {.resolve = 0x1000},
		{.resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT}, {.flags = O_CREAT, .mode = 010000},
		{.flags = O_PATH | O_RDWR}, {.flags = O_TMPFILE | O_RDONLY},
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(CALL(openat2, AT_FDCWD, "/f", &bad[i], sizeof(bad[i])), -EINVAL);
	const struct open_how beneath = {.resolve = RESOLVE_BENEATH};
	ck_assert_int_eq(CALL(openat2, AT_FDCWD, "/f", &beneath, sizeof(beneath)), -EXDEV);
}
END_TEST

START_TEST(directories_and_links)
{
	ck_assert_int_eq(CALL(umask, 022), 022);
	ck_assert_int_eq(CALL(mkdir, "/d", 0777), 0);
	struct stat st;
	ck_assert_int_eq(CALL(stat, "/d", &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFDIR | 0755);
	ck_assert_int_eq(CALL(mkdir, "/d", 0777), -EEXIST);
	close(make_file("/d/a", "a"));
	ck_assert_int_eq(CALL(link, "/d/a", "/d/b"), 0);
	ck_assert_int_eq(CALL(symlink, "a", "/d/l"), 0);
	char buf[16] = "";
	ck_assert_int_eq(CALL(readlink, "/d/l", buf, sizeof(buf)), 1);
	ck_assert_str_eq(buf, "a");
	ck_assert_int_eq(CALL(readlink, "/d/a", buf, sizeof(buf)), -EINVAL);
	ck_assert_int_eq(CALL(readlink, "/d/l", buf, 0), -EINVAL);
	int64_t l = CALL(open, "/d/l", O_PATH | O_NOFOLLOW);
	ck_assert_int_ge(l, 0);
	ck_assert_int_eq(CALL(readlinkat, l, "", buf, sizeof(buf)), 1);
	close((int)l);
	ck_assert_int_eq(CALL(stat, "/d/l", &st), 0);
	ck_assert_int_eq(st.st_nlink, 2);
	ck_assert_int_eq(CALL(lstat, "/d/l", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(CALL(rmdir, "/d"), -ENOTEMPTY);
	ck_assert_int_eq(CALL(unlink, "/d"), -EISDIR);
	ck_assert_int_eq(CALL(unlinkat, AT_FDCWD, "/d/a", 4), -EINVAL);
	ck_assert_int_eq(CALL(rename, "/d/a", "/d/c"), 0);
	ck_assert_int_eq(CALL(renameat2, AT_FDCWD, "/d/c", AT_FDCWD, "/d/b", RENAME_NOREPLACE), -EEXIST);
	ck_assert_int_eq(CALL(renameat2, AT_FDCWD, "/d/c", AT_FDCWD, "/d/b", RENAME_NOREPLACE | RENAME_EXCHANGE), -EINVAL);
	ck_assert_int_eq(CALL(linkat, AT_FDCWD, "/d/c", AT_FDCWD, "/d/z", 1), -EINVAL);
	ck_assert_int_eq(CALL(symlink, "", "/d/y"), -ENOENT);
	ck_assert_int_eq(CALL(rename, "/d/c", 8), -EFAULT);
}
END_TEST

static unsigned list_names(int fd, bool old, char names[16][32])
{
	static char buf[4096] __attribute__((aligned(8)));
	unsigned count = 0;
	int64_t n;
	while ((n = old ? CALL(getdents, fd, buf, sizeof(buf)) : CALL(getdents64, fd, buf, sizeof(buf))) > 0) {
		for (int64_t at = 0; at < n; count++) {
			const struct dirent64 *d = (const struct dirent64 *)(buf + at);
			snprintf(names[count], 32, "%c%.30s", old ? '0' + buf[at + d->d_reclen - 1] : '0' + d->d_type,
				 old ? (const char *)d + 18 : d->d_name);
			at += d->d_reclen;
		}
	}
	ck_assert_int_eq(n, 0);
	return count;
}

START_TEST(listing)
{
	ck_assert_int_eq(CALL(mkdir, "/d", 0755), 0);
	ck_assert_int_eq(CALL(mkdir, "/d/sub", 0755), 0);
	close(make_file("/d/file", ""));
	int fd = (int)CALL(open, "/d", O_RDONLY | O_DIRECTORY);
	char one[16][32], two[16][32];
	ck_assert_uint_eq(list_names(fd, false, one), 4);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_uint_eq(list_names(fd, true, two), 4);
	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(one[i], two[i]);
	char buf[64];
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(CALL(getdents64, fd, buf, 8), -EINVAL);
	ck_assert_int_eq(CALL(getdents64, fd, 8, 4096), -EFAULT);
	ck_assert_uint_eq(list_names(fd, false, one), 4);
	close(fd);
	fd = (int)CALL(open, "/d", O_PATH);
	ck_assert_int_eq(CALL(getdents64, fd, buf, sizeof(buf)), -EBADF);
	close(fd);
	fd = (int)CALL(open, "/d/file", O_RDONLY);
	ck_assert_int_eq(CALL(getdents64, fd, buf, sizeof(buf)), -ENOTDIR);
	close(fd);
}
END_TEST

START_TEST(where_a_task_is)
{
	char buf[64];
	ck_assert_int_eq(CALL(mkdir, "/a", 0755), 0);
	ck_assert_int_eq(CALL(mkdir, "/a/b", 0755), 0);
	ck_assert_int_eq(CALL(chdir, "/a"), 0);
	ck_assert_int_eq(CALL(getcwd, buf, sizeof(buf)), 3);
	ck_assert_str_eq(buf, "/a");
	ck_assert_int_eq(CALL(getcwd, buf, 2), -ERANGE);
	int fd = (int)CALL(open, "b", O_PATH);
	ck_assert_int_eq(CALL(fchdir, fd), 0);
	ck_assert_int_eq(CALL(getcwd, buf, sizeof(buf)), 5);
	ck_assert_int_eq(CALL(chdir, "none"), -ENOENT);
	ck_assert_int_eq(CALL(rmdir, "/a/b"), 0);
	ck_assert_int_eq(CALL(getcwd, buf, sizeof(buf)), -ENOENT);
	ck_assert_int_eq(CALL(chroot, "/a"), 0);
	ck_assert_int_eq(CALL(chdir, "/"), 0);
	ck_assert_int_eq(CALL(getcwd, buf, sizeof(buf)), 2);
	ck_assert_int_eq(CALL(fchdir, 9999), -EBADF);
	close(fd);
}
END_TEST

START_TEST(attributes)
{
	int fd = make_file("/f", "12345678");
	struct stat st;
	ck_assert_int_eq(CALL(chmod, "/f", 0600), 0);
	ck_assert_int_eq(CALL(fchmodat2, AT_FDCWD, "/f", 04711, 0), 0);
	ck_assert_int_eq(CALL(chown, "/f", 5, 6), 0);
	ck_assert_int_eq(CALL(stat, "/f", &st), 0);
	ck_assert_int_eq(st.st_uid, 5);
	ck_assert_int_eq(st.st_gid, 6);
	ck_assert_int_eq(st.st_mode & 07777, 0711);
	ck_assert_int_eq(CALL(fchown, fd, -1, 7), 0);
	ck_assert_int_eq(CALL(fchmod, fd, 0640), 0);
	const struct timespec times[2] = {{100, 5}, {200, 6}};
	ck_assert_int_eq(CALL(utimensat, AT_FDCWD, "/f", times, 0), 0);
	ck_assert_int_eq(CALL(fstat, fd, &st), 0);
	ck_assert_int_eq(st.st_gid, 7);
	ck_assert_int_eq(st.st_mtim.tv_sec, 200);
	ck_assert_int_eq(st.st_atim.tv_nsec, 5);
	const struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
	ck_assert_int_eq(CALL(utimensat, AT_FDCWD, 8, omit, 0x8000000), 0);
	const struct timespec bad[2] = {{0, -7}, {0, 0}};
	ck_assert_int_eq(CALL(utimensat, AT_FDCWD, "/f", bad, 0), -EINVAL);
	ck_assert_int_eq(CALL(utimensat, AT_FDCWD, "/none", bad, 0), -ENOENT);
	ck_assert_int_eq(CALL(utimensat, fd, NULL, times, 0), 0);
	ck_assert_int_eq(CALL(utimensat, AT_FDCWD, NULL, times, 0), -EFAULT);
	ck_assert_int_eq(CALL(utime, "/f", NULL), 0);
	ck_assert_int_eq(CALL(truncate, "/f", 3), 0);
	ck_assert_int_eq(CALL(fstat, fd, &st), 0);
	ck_assert_int_eq(st.st_size, 3);
	ck_assert_int_eq(CALL(truncate, "/f", -1), -EINVAL);
	ck_assert_int_eq(CALL(truncate, "/", 0), -EISDIR);
	int path = (int)CALL(open, "/f", O_PATH);
	ck_assert_int_eq(CALL(fchmod, path, 0600), -EBADF);
	ck_assert_int_eq(CALL(fchmodat2, path, "", 0600, AT_EMPTY_PATH), 0);
	ck_assert_int_eq(CALL(access, "/f", 8), -EINVAL);
	ck_assert_int_eq(CALL(access, "/f", R_OK | W_OK), 0);
	ck_assert_int_eq(CALL(access, "/f", X_OK), -EACCES);
	ck_assert_int_eq(CALL(mknod, "/n", S_IFCHR | 0666, makedev(1, 3)), 0);
	ck_assert_int_eq(CALL(stat, "/n", &st), 0);
	ck_assert_uint_eq(st.st_rdev, makedev(1, 3));
	ck_assert_int_eq(CALL(mknod, "/m", S_IFDIR | 0666, 0), -EPERM);
	ck_assert_int_eq(CALL(mknod, 8, S_IFLNK | 0666, 0), -EINVAL);
	struct statfs fs;
	ck_assert_int_eq(CALL(statfs, "/f", &fs), 0);
	ck_assert_int_eq(CALL(fstatfs, fd, &fs), 0);
	close(path);
	close(fd);
}
END_TEST

START_TEST(extended_attributes)
{
	int fd = make_file("/f", "");
	char buf[64] = "";
	ck_assert_int_eq(CALL(setxattr, "/f", "user.a", "xyz", 3, 0), 0);
	ck_assert_int_eq(CALL(setxattr, "/f", "user.a", "xyz", 3, XATTR_CREATE), -EEXIST);
	ck_assert_int_eq(CALL(setxattr, "/f", "user.b", "xyz", 3, XATTR_REPLACE), -ENODATA);
	ck_assert_int_eq(CALL(setxattr, "/f", "user.a", "xyz", 3, 8), -EINVAL);
	ck_assert_int_eq(CALL(setxattr, "/f", "", "xyz", 3, 0), -ERANGE);
	ck_assert_int_eq(CALL(setxattr, "/f", "user.a", "xyz", 70000, 0), -E2BIG);
	ck_assert_int_eq(CALL(getxattr, "/f", "user.a", buf, sizeof(buf)), 3);
	ck_assert_str_eq(buf, "xyz");
	ck_assert_int_eq(CALL(fgetxattr, fd, "user.a", NULL, 0), 3);
	ck_assert_int_eq(CALL(fgetxattr, fd, "user.a", buf, 1), -ERANGE);
	ck_assert_int_eq(CALL(listxattr, "/f", buf, sizeof(buf)), 7);
	ck_assert_str_eq(buf, "user.a");
	struct {
		uint64_t value;
		uint32_t size, flags;
	} args = {(uintptr_t)buf, sizeof(buf), 0};
	ck_assert_int_eq(CALL(getxattrat, AT_FDCWD, "/f", 0, "user.a", &args, sizeof(args)), 3);
	ck_assert_int_eq(CALL(getxattrat, fd, "", AT_EMPTY_PATH, "user.a", &args, sizeof(args)), 3);
	ck_assert_int_eq(CALL(getxattrat, AT_FDCWD, "/f", 0, "user.a", &args, 8), -EINVAL);
	ck_assert_int_eq(CALL(getxattrat, AT_FDCWD, "/f", 1, "user.a", &args, sizeof(args)), -EINVAL);
	ck_assert_int_eq(CALL(fremovexattr, fd, "user.a"), 0);
	ck_assert_int_eq(CALL(getxattr, "/f", "user.a", buf, sizeof(buf)), -ENODATA);
	close(fd);
}
END_TEST

START_TEST(descriptors_from_outside)
{
	int p[2];
	struct stat st;
	char buf[8];
	ck_assert_int_eq(pipe(p), 0);
	ck_assert_int_eq(CALL(fstat, p[0], &st), GUEST_PASSED);
	ck_assert_int_eq(CALL(fchmod, p[0], 0600), GUEST_PASSED);
	ck_assert_int_eq(CALL(newfstatat, p[0], "", &st, AT_EMPTY_PATH), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	ck_assert_int_eq(CALL(openat, p[0], "x", O_RDONLY), -ENOTDIR);
	ck_assert_int_eq(CALL(fchdir, p[0]), -ENOTDIR);
	int dir = open("/etc", O_PATH | O_DIRECTORY);
	ck_assert_int_eq(CALL(openat, dir, "passwd", O_RDONLY), -EACCES);
	ck_assert_int_eq(CALL(openat, dir, "..", O_RDONLY), -EACCES);
	ck_assert_int_eq(CALL(fchdir, dir), -EACCES);
	ck_assert_int_eq(CALL(readlinkat, dir, "", buf, sizeof(buf)), -ENOENT);
	ck_assert_int_eq(CALL(linkat, dir, "", AT_FDCWD, "/x", AT_EMPTY_PATH), -EXDEV);
	close(dir);
	close(p[0]);
	close(p[1]);
}
END_TEST

START_TEST(sockets)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/s"};
	socklen_t len = sizeof(a);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	int inet = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(CALL(connect, client, &a, sizeof(a)), -ENOENT);
	ck_assert_int_eq(CALL(bind, listener, &a, sizeof(a)), 0);
	ck_assert_int_eq(CALL(bind, client, &a, sizeof(a)), -EADDRINUSE);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(CALL(connect, client, &a, sizeof(a)), 0);
	struct sockaddr_un shown = {0};
	ck_assert_int_eq(CALL(getsockname, listener, &shown, &len), 0);
	ck_assert_str_eq(shown.sun_path, "/s");
	memset(&shown, 0, sizeof(shown));
	ck_assert_int_eq(CALL(getpeername, client, &shown, &len), 0);
	ck_assert_str_eq(shown.sun_path, "/s");
	struct stat st;
	ck_assert_int_eq(CALL(stat, "/s", &st), 0);
	ck_assert_int_eq(st.st_mode, S_IFSOCK | 0755);
	ck_assert_int_eq(CALL(connect, inet, &a, sizeof(a)), GUEST_PASSED);
	ck_assert_int_eq(CALL(unlink, "/s"), 0);
	close(make_file("/s", ""));
	ck_assert_int_eq(CALL(connect, inet, &a, 4000), GUEST_PASSED);
	ck_assert_int_eq(CALL(bind, client, &a, 4000), -EINVAL);
	int other = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(CALL(connect, other, &a, sizeof(a)), -ECONNREFUSED);
	close(other);
	close(inet);
	close(client);
	close(listener);
}
END_TEST

START_TEST(datagrams)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/dev-log"};
	int receiver = socket(AF_UNIX, SOCK_DGRAM, 0);
	int sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[16] = "";
	ck_assert_int_eq(CALL(bind, receiver, &a, sizeof(a)), 0);
	ck_assert_int_eq(CALL(sendto, sender, "one", 4, 0, &a, sizeof(a)), 4);
	ck_assert_int_eq(recv(receiver, buf, sizeof(buf), 0), 4);
	ck_assert_str_eq(buf, "one");
	struct sockaddr_un own = {.sun_family = AF_UNIX, .sun_path = "/own"};
	struct sockaddr_un from;
	socklen_t from_len = sizeof(from);
	ck_assert_int_eq(CALL(bind, sender, &own, sizeof(own)), 0);
	ck_assert_int_eq(CALL(recvfrom, receiver, buf, sizeof(buf), 0, &from, &from_len), GUEST_PASSED);
	ck_assert_int_eq(CALL(sendto, sender, "two", 4, 0, &a, sizeof(a)), 4);
	ck_assert_int_eq(CALL(recvfrom, receiver, buf, sizeof(buf), 0, &from, &from_len), 4);
	ck_assert_str_eq(buf, "two");
	ck_assert_str_eq(from.sun_path, "/own");
	int fds[2];
	ck_assert_int_eq(pipe(fds), 0);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	memcpy(CMSG_DATA(&control.head), &fds[1], sizeof(int));
	struct iovec iov[2] = {{(void *)"ab", 2}, {(void *)"cd", 3}};
	struct msghdr m = {
		.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = iov, .msg_iovlen = 2,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ck_assert_int_eq(CALL(sendmsg, sender, &m, 0), 5);
	struct iovec in = {buf, sizeof(buf)};
	memset(&control, 0, sizeof(control));
	struct msghdr got = {.msg_iov = &in, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ck_assert_int_eq(recvmsg(receiver, &got, 0), 5);
	ck_assert_str_eq(buf, "abcd");
	int passed;
	memcpy(&passed, CMSG_DATA(&control.head), sizeof(int));
	ck_assert_int_eq(write(passed, "!", 1), 1);
	ck_assert_int_eq(read(fds[0], buf, 1), 1);
	struct mmsghdr mm[2] = {
		{.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = iov, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = iov, .msg_iovlen = 2}},
	};
	ck_assert_int_eq(CALL(sendmmsg, sender, mm, 2, 0), 2);
	ck_assert_uint_eq(mm[0].msg_len, 2);
	ck_assert_uint_eq(mm[1].msg_len, 5);
	ck_assert_int_eq(CALL(sendto, sender, "x", 1, 0, NULL, 0), GUEST_PASSED);
	close(passed);
	close(fds[0]);
	close(fds[1]);
	close(sender);
	close(receiver);
}
END_TEST

static int drained;

static void drain(void)
{
	char buf[16];
	while (recv(drained, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
}

/* As sendmsg to a receiver whose queue is full: the first of several waits. */
START_TEST(several_datagrams_wait)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/s"};
	struct iovec iov = {(void *)"data", 4};
	struct mmsghdr mm[2] = {
		{.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1}},
		{.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &iov, .msg_iovlen = 1}},
	};
	int sender = socket(AF_UNIX, SOCK_DGRAM, 0);
	drained = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(CALL(bind, drained, &a, sizeof(a)), 0);
	while (CALL(sendto, sender, "x", 1, MSG_DONTWAIT, &a, sizeof(a)) == 1)
		;
	ck_assert_int_eq(CALL(sendmmsg, sender, mm, 2, MSG_DONTWAIT), -EAGAIN);
	guest_will_wait = drain;
	ck_assert_int_eq(CALL(sendmmsg, sender, mm, 2, 0), 1);
	guest_will_wait = NULL;
	ck_assert_uint_eq(mm[0].msg_len, 4);
	close(sender);
	close(drained);
}
END_TEST

/* Another thread may have written what is in the memory that the host filled. */
START_TEST(received_headers_may_lie)
{
	_Alignas(struct cmsghdr) char control[64];
	struct cmsghdr *head = (struct cmsghdr *)(void *)control;
	struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(*head)};
	memset(control, 7, sizeof(control));
	*head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS,
	};
	struct call_event ev = guest_event(CALL_recvmsg, 0, (uintptr_t)&m, 0);
	received_mend(&guest_kernel, &ev, 0, 1);
	for (size_t i = sizeof(*head); i < sizeof(control); i++)
		ck_assert_int_eq(control[i], 7);
	m.msg_controllen = sizeof(control);
	received_mend(&guest_kernel, &ev, 0, 1);
	ck_assert_int_eq(((struct ucred *)(void *)CMSG_DATA(head))->pid, 0x07070707);
}
END_TEST

START_TEST(refused)
{
	int fd = make_file("/f", "");
	ck_assert_int_eq(CALL(mount, "a", "/", "tmpfs", 0, 0), -EPERM);
	ck_assert_int_eq(CALL(io_uring_setup, 1, 8), -ENOSYS);
	ck_assert_int_eq(CALL(name_to_handle_at, AT_FDCWD, "/f", 8, 8, 0), -EOPNOTSUPP);
	ck_assert_int_eq(CALL(name_to_handle_at, AT_FDCWD, "/none", 8, 8, 0), -ENOENT);
	ck_assert_int_eq(CALL(open_by_handle_at, fd, 8, 0), -EFAULT);
	uint32_t handle[4] = {8, 1};
	ck_assert_int_eq(CALL(open_by_handle_at, fd, handle, 0), -EPERM);
	ck_assert_int_eq(CALL(unshare, 0x20000), -EPERM);
	ck_assert_int_eq(CALL(unshare, 0x200), GUEST_PASSED);
	ck_assert_int_eq(CALL(open_tree, AT_FDCWD, "/f", 0), -EPERM);
	close(fd);
}
END_TEST

START_TEST(watching)
{
	int fd = make_file("/f", "");
	int in = inotify_init1(IN_NONBLOCK);
	ck_assert_int_ge(CALL(inotify_add_watch, in, "/f", IN_MODIFY), 1);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	char buf[64] __attribute__((aligned(8)));
	/* A thread passes on what was done with a descriptor. */
	struct pollfd p = {.fd = in, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(read(in, buf, sizeof(buf)), (ssize_t)sizeof(struct inotify_event));
	ck_assert_uint_eq(((struct inotify_event *)(void *)buf)->mask, IN_MODIFY);
	ck_assert_int_ge(CALL(inotify_add_watch, in, "/", IN_CREATE | IN_DELETE), 2);
	ck_assert_int_eq(CALL(mkdir, "/made", 0755), 0);
	ck_assert_int_eq(read(in, buf, sizeof(buf)), (ssize_t)sizeof(struct inotify_event) + 16);
	ck_assert_uint_eq(((struct inotify_event *)(void *)buf)->mask, IN_CREATE | IN_ISDIR);
	ck_assert_str_eq(((struct inotify_event *)(void *)buf)->name, "made");
	ck_assert_int_eq(CALL(inotify_add_watch, in, "/none", IN_CREATE), -ENOENT);
	ck_assert_int_eq(CALL(inotify_add_watch, fd, "/f", IN_MODIFY), -EINVAL);
	ck_assert_int_eq(CALL(inotify_add_watch, in, "/f", 0), -EINVAL);
	close(in);
	close(fd);
}
END_TEST

START_TEST(identity)
{
	uint32_t ids[3];
	ck_assert_int_eq(CALL(setresuid, 5, 6, 7), 0);
	ck_assert_int_eq(CALL(getresuid, &ids[0], &ids[1], &ids[2]), 0);
	ck_assert_uint_eq(ids[1], 6);
	ck_assert_int_eq(CALL(geteuid), 6);
	ck_assert_int_eq(CALL(setuid, 0), -EPERM);
	ck_assert_int_eq(CALL(setfsuid, 5), 6);
	ck_assert_int_eq(CALL(chroot, "/"), -EPERM);
	ck_assert_int_eq(CALL(prctl, 23, 0), 1);
	ck_assert_int_eq(CALL(prctl, 23, 70), -EINVAL);
	ck_assert_int_eq(CALL(prctl, 15, "name"), GUEST_PASSED);
}
END_TEST

START_TEST(groups)
{
	const uint32_t wanted[3] = {9, 4, 6};
	uint32_t got[3];
	ck_assert_int_eq(CALL(setgroups, 3, wanted), 0);
	ck_assert_int_eq(CALL(getgroups, 0, NULL), 3);
	ck_assert_int_eq(CALL(getgroups, 2, got), -EINVAL);
	ck_assert_int_eq(CALL(getgroups, 3, got), 3);
	ck_assert_uint_eq(got[0], 4);
	ck_assert_int_eq(CALL(setgroups, 70000, wanted), -EINVAL);
	ck_assert_int_eq(CALL(setgroups, 1, 8), -EFAULT);
	uint32_t header[2] = {0x20080522, 0};
	uint32_t data[6];
	ck_assert_int_eq(CALL(capget, header, data), 0);
	ck_assert_uint_eq(data[0], 0xffffffff);
	ck_assert_int_eq(CALL(capget, header, NULL), 0);
	data[0] = 0;
	ck_assert_int_eq(CALL(capset, header, data), 0);
	ck_assert_int_eq(CALL(setgroups, 0, NULL), 0 - EPERM);
	header[0] = 1;
	ck_assert_int_eq(CALL(capget, header, data), -EINVAL);
	ck_assert_uint_eq(header[0], 0x20080522);
}
END_TEST

START_TEST(growth)
{
	enum { PAGE = 4096 };
	static char data[4 * PAGE];
	guest_mount_tmpfs("/small", 2 * PAGE);
	int fd = (int)CALL(open, "/small/f", O_CREAT | O_RDWR, 0600);
	int other = make_file("/f", "");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(CALL(write, other, data, sizeof(data)), GUEST_PASSED);
	ck_assert_int_eq(CALL(write, fd, data, PAGE), GUEST_PASSED);
	ck_assert_int_eq(write(fd, data, PAGE), PAGE);
	ck_assert_int_eq(CALL(write, fd, data, sizeof(data)), PAGE);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 2 * PAGE);
	ck_assert_int_eq(CALL(write, fd, data, 1), -ENOSPC);
	ck_assert_int_eq(CALL(pwrite64, fd, data, PAGE, PAGE), GUEST_PASSED);
	ck_assert_int_eq(CALL(pwrite64, fd, data, PAGE, 5 * PAGE), -ENOSPC);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
	ck_assert_int_eq(CALL(pwrite64, fd, data, PAGE, 0), -ENOSPC);
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	const struct iovec page = {data, PAGE};
	ck_assert_int_eq(CALL(pwritev2, fd, &page, 1, 0, 0, RWF_APPEND), -ENOSPC);
	ck_assert_int_eq(ftruncate(fd, PAGE + PAGE / 2), 0);
	memset(data, 1, PAGE);
	ck_assert_int_eq(CALL(pwritev2, fd, &page, 1, 0, 0, RWF_APPEND), PAGE / 2);
	memset(data, 1, PAGE);
	ck_assert_int_eq(pread(fd, data, PAGE, 0), PAGE);
	ck_assert_int_eq(data[0], 0);
	ck_assert_int_eq(pread(fd, data, PAGE, PAGE), PAGE);
	ck_assert_int_eq(data[PAGE / 2], 1);
	const struct iovec iov[2] = {{data, 10}, {data, sizeof(data)}};
	ck_assert_int_eq(CALL(writev, fd, iov, 2), -ENOSPC);
	ck_assert_int_eq(CALL(pwritev, fd, iov, 2, PAGE), PAGE);
	ck_assert_int_eq(CALL(fallocate, fd, 0, 0, 2 * PAGE), GUEST_PASSED);
	ck_assert_int_eq(CALL(fallocate, fd, 0, 0, 3 * PAGE), -ENOSPC);
	ck_assert_int_eq(write(other, data, sizeof(data)), (ssize_t)sizeof(data));
	off_t from = 0;
	ck_assert_int_eq(CALL(sendfile, fd, other, &from, PAGE), -ENOSPC);
	ck_assert_int_eq(lseek(fd, PAGE, SEEK_SET), PAGE);
	ck_assert_int_eq(CALL(sendfile, fd, other, &from, 3 * PAGE), PAGE);
	ck_assert_int_eq(from, PAGE);
	close(fd);
	close(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sys_files");
	TCase *t = tcase_create("root");
	tcase_add_checked_fixture(t, as_root, guest_finish);
	tcase_add_test(t, open_and_stat);
	tcase_add_test(t, open_errors);
	tcase_add_test(t, openat2_structure);
	tcase_add_test(t, directories_and_links);
	tcase_add_test(t, listing);
	tcase_add_test(t, where_a_task_is);
	tcase_add_test(t, attributes);
	tcase_add_test(t, extended_attributes);
	tcase_add_test(t, descriptors_from_outside);
	tcase_add_test(t, sockets);
	tcase_add_test(t, datagrams);
	tcase_add_test(t, several_datagrams_wait);
	tcase_add_test(t, received_headers_may_lie);
	tcase_add_test(t, refused);
	tcase_add_test(t, watching);
	tcase_add_test(t, identity);
	tcase_add_test(t, groups);
	tcase_add_test(t, growth);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
