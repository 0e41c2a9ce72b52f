/* Of a file's names /proc/self/fd/N shows the one that was opened, where that is now, through dup, fork and SCM_RIGHTS;
 * and what is removed is known as long as it is open. */
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "files.h"

static void want(int fd, const char *name)
{
	char link[64], target[PATH_MAX + 32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(target, sizeof(target), "%s/%s", files_dir, name);
	files_want_link(link, target);
}

static int open_it(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	CHECK(fd >= 0);
	return fd;
}

/*
 * What has no name in any tree is its maker's to change, by descriptor and by the link in /proc, also when it was
 * reopened.
 */
static void without_tree(void)
{
	char link[64];
	struct stat st;
	int again, pipes[2], fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0 && write(fd, "abc", 3) == 3);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = open_it(link, O_RDONLY);
	CHECK(fchmod(fd, 0540) == 0 && fstat(again, &st) == 0 && (st.st_mode & 07777) == 0540);
	CHECK(fchmod(again, 0640) == 0 && fchown(again, getuid(), getgid()) == 0);
	CHECK(chmod(link, 0600) == 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600);
	CHECK(truncate(link, 2) == 0 && stat(link, &st) == 0 && st.st_size == 2);
	CHECK(utimensat(AT_FDCWD, link, (struct timespec[2]){{5, 0}, {6, 0}}, 0) == 0 && fstat(fd, &st) == 0 && st.st_mtime == 6);
	CHECK(fsetxattr(again, "user.x", "1", 1, 0) == 0 || errno == EOPNOTSUPP);
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK) == 0);
	close(again);
	close(fd);
	CHECK(pipe(pipes) == 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", pipes[1]);
	again = open_it(link, O_WRONLY);
	CHECK(fchmod(again, 0622) == 0 && fstat(pipes[1], &st) == 0 && (st.st_mode & 07777) == 0622);
	CHECK(write(again, "x", 1) == 1 && read(pipes[0], link, sizeof(link)) == 1);
	close(again);
	close(pipes[0]);
	close(pipes[1]);
}

static void two_names(void)
{
	int a = open_it("a", O_RDWR | O_CREAT), b, again;
	char link_of[64];
	struct stat st, other;

	CHECK(link("a", "b") == 0);
	b = open_it("b", O_RDONLY);
	want(a, "a");
	want(b, "b");
	snprintf(link_of, sizeof(link_of), "/proc/self/fd/%d", b);
	again = open_it(link_of, O_RDWR);
	want(again, "b");
	CHECK(fstat(a, &st) == 0 && fstat(again, &other) == 0 && st.st_ino == other.st_ino && st.st_dev == other.st_dev);
	CHECK(mkdir("d", 0755) == 0 && rename("b", "d/c") == 0);
	want(again, "d/c");
	want(a, "a");
	CHECK(rename("d", "e") == 0);
	want(b, "e/c");
	CHECK(unlink("a") == 0);
	want(a, "a (deleted)");
	want(b, "e/c");
	CHECK(link("e/c", "a") == 0);
	want(a, "a (deleted)");
	close(a);
	a = open_it("a", O_RDONLY);
	want(a, "a");
	files_write("f", "");
	CHECK(rename("f", "e/c") == 0);
	want(b, "e/c (deleted)");
	want(a, "a");
	CHECK(unlink("a") == 0 && unlink("e/c") == 0 && rmdir("e") == 0);
	want(again, "e/c (deleted)");
	close(a);
	close(b);
	close(again);
}

static int through_socket(int fd)
{
	int pair[2], got;
	char byte = 0;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} u = {.room = {0}};
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof(u.room)};

	u.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&u.align), &fd, sizeof(fd));
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK_EQ(sendmsg(pair[0], &m, 0), 1);
	close(fd);
	CHECK_EQ(recvmsg(pair[1], &m, 0), 1);
	memcpy(&got, CMSG_DATA(&u.align), sizeof(got));
	close(pair[0]);
	close(pair[1]);
	return got;
}

static void passed_on(void)
{
	int a = open_it("a", O_RDWR | O_CREAT), b, other;
	pid_t pid;

	CHECK(link("a", "b") == 0);
	b = open_it("b", O_RDWR);
	other = dup(b);
	CHECK(other >= 0 && close(b) == 0);
	want(other, "b");
	pid = guest_fork();
	if (pid == 0) {
		CHECK(close(a) == 0);
		want(other, "b");
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(dup2(other, 50) == 50 && close(other) == 0);
	want(through_socket(50), "b");
	want(through_socket(a), "a");
	CHECK(unlink("a") == 0 && unlink("b") == 0);
}

static void other_opens(void)
{
	struct open_how how = {.flags = O_RDONLY};
	struct stat st, path;
	int a = open_it("a", O_RDWR | O_CREAT), b, p, q;

	CHECK(link("a", "b") == 0);
	b = (int)syscall(SYS_openat2, AT_FDCWD, "b", &how, sizeof(how));
	CHECK(b >= 0);
	want(b, "b");
	p = open_it("b", O_PATH);
	q = open_it("a", O_PATH);
	want(p, "b");
	want(q, "a");
	want(a, "a");
	want(b, "b");
	CHECK(fstat(b, &st) == 0 && fstat(p, &path) == 0);
	CHECK(st.st_ino == path.st_ino && st.st_mode == path.st_mode && path.st_nlink == 2);
	CHECK_ERRNO(pread(p, &st, 1, 0), EBADF);
	CHECK(unlink("b") == 0);
	want(p, "b (deleted)");
	want(q, "a");
	CHECK(unlink("a") == 0 && close(p) == 0 && close(q) == 0);
	close(a);
	close(b);
}

/* More names than there are marks (src/kernel/vfs/registry_names.c), one after the other. */
static void many_names(void)
{
	char name[32];
	int first = open_it("n0", O_RDWR | O_CREAT);

	for (int i = 1; i < 200; i++) {
		int fd;

		snprintf(name, sizeof(name), "n%d", i);
		CHECK(link("n0", name) == 0);
		fd = open_it(name, O_RDONLY);
		want(fd, name);
		if (i % 3)
			CHECK(unlink(name) == 0);
		close(fd);
	}
	want(first, "n0");
	close(first);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		(void)unlink(name);
	}
}

/* A directory is known as long as it is open, however it was opened and whichever of its descriptors were closed. */
static void removed_directories(void)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY};
	struct stat st, parent, up;
	int fd[3], other;

	CHECK(mkdir("d", 0750) == 0 && mkdir("e", 0700) == 0 && stat(".", &parent) == 0);
	for (int i = 0; i < 3; i++) {
		fd[i] = (int)syscall(SYS_openat2, AT_FDCWD, "d", &how, sizeof(how));
		CHECK(fd[i] >= 0);
	}
	other = dup(fd[0]);
	CHECK(close(fd[0]) == 0 && close(fd[1]) == 0);
	CHECK(rename("e", "d") == 0);
	want(fd[2], "d (deleted)");
	CHECK(close(fd[2]) == 0 && mkdir("f", 0700) == 0 && rmdir("f") == 0);
	want(other, "d (deleted)");
	CHECK(fstat(other, &st) == 0 && st.st_nlink == 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0750);
	CHECK_EQ(st.st_dev, parent.st_dev);
	CHECK_ERRNO(mkdirat(other, "x", 0700), ENOENT);
	CHECK(fchmod(other, 0700) == 0 && fstat(other, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFDIR | 0700);
	CHECK(fstatat(other, "..", &up, 0) == 0);
	CHECK_EQ(up.st_ino, parent.st_ino);
	CHECK(close(other) == 0 && rmdir("d") == 0);
}

/* The disk gives a new file the number of one that is gone, of which much was known. */
static void numbers_used_again(void)
{
	for (int i = 0; i < 20; i++) {
		char link_of[64], shown[PATH_MAX] = "";
		int a = open_it("a", O_RDWR | O_CREAT), b, path, fd;

		CHECK(link("a", "b") == 0);
		b = open_it("b", O_RDONLY);
		path = open_it("b", O_PATH);
		want(b, "b");
		CHECK(unlink("a") == 0 && unlink("b") == 0 && close(a) == 0 && close(b) == 0 && close(path) == 0);
		fd = open(".", O_TMPFILE | O_RDWR, 0600);
		CHECK(fd >= 0);
		snprintf(link_of, sizeof(link_of), "/proc/self/fd/%d", fd);
		CHECK(readlink(link_of, shown, sizeof(shown) - 1) > 0 && strstr(shown, "/#"));
		close(fd);
		fd = open_it("c", O_RDONLY | O_CREAT);
		want(fd, "c");
		CHECK(link("c", "d") == 0 && unlink("c") == 0);
		want(fd, "c (deleted)");
		b = open_it("d", O_RDONLY);
		want(b, "d");
		want(fd, "c (deleted)");
		CHECK(unlink("d") == 0 && close(fd) == 0 && close(b) == 0);
	}
}

/* A descriptor of the link in /proc/self/fd: where that leads now, and as it was when somebody looked it up last. */
static void links_themselves(void)
{
	char link_of[64], shown[PATH_MAX] = "", name[PATH_MAX + 32];
	struct stat st;
	int fd = open_it("a", O_RDWR | O_CREAT), link_fd, other;

	snprintf(link_of, sizeof(link_of), "/proc/self/fd/%d", fd);
	link_fd = open(link_of, O_PATH | O_NOFOLLOW);
	CHECK(link_fd >= 0 && fstat(link_fd, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFLNK | 0700);
	CHECK_EQ(st.st_size, 64);
	CHECK(readlinkat(link_fd, "", shown, sizeof(shown)) > 0);
	snprintf(name, sizeof(name), "%s/a", files_dir);
	CHECK(strcmp(shown, name) == 0);
	snprintf(name, sizeof(name), "/proc/%d/fd/%d", getpid(), fd);
	snprintf(link_of, sizeof(link_of), "/proc/self/fd/%d", link_fd);
	files_want_link(link_of, name);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(readlinkat(link_fd, "", shown, sizeof(shown)), ENOENT);
	CHECK(fstat(link_fd, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFLNK | 0700);
	other = open_it("a", O_RDONLY);
	CHECK(other == fd && fstat(link_fd, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFLNK | 0700);
	snprintf(link_of, sizeof(link_of), "/proc/self/fd/%d", fd);
	CHECK(lstat(link_of, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFLNK | 0500);
	CHECK(fstat(link_fd, &st) == 0);
	CHECK_EQ(st.st_mode, S_IFLNK | 0500);
	CHECK_ERRNO(rename(link_of, "/proc/self/fd/-1"), ENOENT);
	CHECK_ERRNO(rename(link_of, "/proc/self/fd/0"), EPERM);
	CHECK_ERRNO(rename("/proc/self/stat", "/proc/self/none"), ENOENT);
	CHECK(close(other) == 0 && close(link_fd) == 0 && unlink("a") == 0);
}

/* Two nodes of one device are two files. */
static void device_nodes(void)
{
	struct stat a, b, st;
	int first, second;

	if (mknod("n1", S_IFCHR | 0640, makedev(1, 3)) < 0)
		return;		/* not root's */
	CHECK(mknod("n2", S_IFCHR | 0600, makedev(1, 3)) == 0 && stat("n1", &a) == 0 && stat("n2", &b) == 0);
	CHECK(a.st_ino != b.st_ino);
	first = open_it("n1", O_RDWR);
	CHECK(rename("n1", "n3") == 0 && link("n3", "n1") == 0 && unlink("n3") == 0);
	want(first, "n3 (deleted)");
	CHECK(fstat(first, &st) == 0 && st.st_ino == a.st_ino && close(first) == 0);
	first = open_it("n1", O_RDWR);
	second = open_it("n2", O_RDWR);
	want(first, "n1");
	want(second, "n2");
	CHECK(fstat(first, &st) == 0 && st.st_ino == a.st_ino && st.st_mode == (S_IFCHR | 0640));
	CHECK(fstat(second, &st) == 0 && st.st_ino == b.st_ino && st.st_mode == (S_IFCHR | 0600));
	CHECK(unlink("n1") == 0);
	files_write("f", "");
	CHECK(rename("f", "n2") == 0);
	want(first, "n1 (deleted)");
	want(second, "n2 (deleted)");
	CHECK(fstat(first, &st) == 0 && st.st_ino == a.st_ino && st.st_nlink == 0);
	CHECK(fchmod(second, 0644) == 0 && fstat(second, &st) == 0 && st.st_mode == (S_IFCHR | 0644));
	CHECK(close(first) == 0 && close(second) == 0 && unlink("n2") == 0);
}

/* A hard link of a fifo, whose open may wait. */
static void fifo(void)
{
	int r, w;
	pid_t pid;

	CHECK(mkfifo("p", 0600) == 0 && link("p", "q") == 0);
	r = open_it("p", O_RDONLY | O_NONBLOCK);
	w = open_it("q", O_WRONLY | O_NONBLOCK);
	want(r, "p");
	want(w, "q");
	close(r);
	close(w);
	pid = guest_fork();
	if (pid == 0) {
		want(open_it("q", O_WRONLY), "q");
		_exit(0);
	}
	r = open_it("p", O_RDONLY);
	want(r, "p");
	guest_wait_exit(pid, 0);
	close(r);
	CHECK(unlink("p") == 0 && unlink("q") == 0);
}

int main(void)
{
	files_enter();
	without_tree();
	two_names();
	passed_on();
	other_opens();
	many_names();
	fifo();
	device_nodes();
	links_themselves();
	numbers_used_again();
	removed_directories();
	files_leave();
	return 0;
}
