/*
 * inotify on the tree: every event, in order, of what a guest does to names, objects and open descriptors. The output
 * is compared with that of Linux.
 */
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "files.h"

static char events[65536];
static int in, fence;
static const char *labels[64];		/* of watch descriptors */
static uint32_t cookies[64];
static int cookie_count;

static const struct {
	uint32_t bit;
	const char *name;
} bits[] = {
	{IN_ACCESS, "access"}, {IN_MODIFY, "modify"}, {IN_ATTRIB, "attrib"}, {IN_CLOSE_WRITE, "close_write"},
	{IN_CLOSE_NOWRITE, "close_nowrite"}, {IN_OPEN, "open"}, {IN_MOVED_FROM, "moved_from"}, {IN_MOVED_TO, "moved_to"},
	{IN_CREATE, "create"}, {IN_DELETE, "delete"}, {IN_DELETE_SELF, "delete_self"}, {IN_MOVE_SELF, "move_self"},
	{IN_UNMOUNT, "unmount"}, {IN_Q_OVERFLOW, "overflow"}, {IN_IGNORED, "ignored"}, {IN_ISDIR, "isdir"},
};

/* Cookies are numbered as they come. */
static int cookie_number(uint32_t cookie)
{
	for (int i = 0; i < cookie_count; i++) {
		if (cookies[i] == cookie)
			return i + 1;
	}
	cookies[cookie_count++ % 64] = cookie;
	return cookie_count;
}

/*
 * "loose": not what depends on nobody else having a file open or looking whether it is. trapline looks, on the host's
 * own files, and lets go of removed ones a little later.
 */
static uint32_t hidden;

static void show(const struct inotify_event *e)
{
	if (e->mask & hidden)
		return;
	printf("  %s", e->wd >= 0 && e->wd < 64 && labels[e->wd] ? labels[e->wd] : "?");
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (e->mask & bits[i].bit)
			printf(" %s", bits[i].name);
	}
	if (e->cookie)
		printf(" #%d", cookie_number(e->cookie));
	printf(e->len ? " '%s'\n" : "\n", e->name);
}

/*
 * What came until now: a directory is made and removed, and the events of that end it. Descriptors of which nobody is
 * told when they are used have told by then.
 */
static void step(const char *title)
{
	bool done = false;

	printf("%s\n", title);
	CHECK(mkdir("fence/x", 0755) == 0);
	CHECK(rmdir("fence/x") == 0);
	while (!done) {
		struct pollfd p = {.fd = in, .events = POLLIN};

		CHECK(poll(&p, 1, 10000) == 1);
		ssize_t n = read(in, events, sizeof(events));

		CHECK(n > 0);
		for (ssize_t at = 0; at < n;) {
			struct inotify_event *e = (struct inotify_event *)(void *)(events + at);

			if (e->wd != fence)
				show(e);
			else
				done = done || e->mask & IN_DELETE;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

static int watch(const char *name, uint32_t mask, const char *label)
{
	int wd = inotify_add_watch(in, name, mask);

	CHECK(wd > 0 && wd < 64);
	labels[wd] = label;
	return wd;
}

static void names(void)
{
	struct stat st;

	files_write("d/new", "n");
	step("a file is made");
	CHECK(mkdir("d/sub", 0755) == 0);
	CHECK(symlink("new", "d/link") == 0);
	CHECK(mkfifo("d/fifo", 0644) == 0);
	step("other things are made");
	CHECK(link("d/new", "d/hard") == 0);
	step("a link is made");
	CHECK(rename("d/new", "d/other") == 0);
	step("renamed in place");
	CHECK(rename("d/other", "e/other") == 0);
	step("renamed to another");
	CHECK(rename("e/other", "away") == 0);
	step("renamed away");
	CHECK(rename("away", "d/back") == 0);
	step("renamed to here");
	CHECK(rename("d/sub", "e/sub") == 0);
	CHECK(rename("e/sub", "d/sub") == 0);
	step("a directory, to and fro");
	files_write("d/victim", "v");
	CHECK(rename("d/back", "d/victim") == 0);
	step("over another");
	CHECK(renameat2(AT_FDCWD, "d/victim", AT_FDCWD, "d/sub", RENAME_EXCHANGE) == 0);
	step("exchanged");
	CHECK(renameat2(AT_FDCWD, "d/victim", AT_FDCWD, "d/sub", RENAME_EXCHANGE) == 0);
	CHECK_ERRNO(unlink("d/nothing"), ENOENT);
	CHECK_ERRNO(mkdir("d/sub", 0755), EEXIST);
	CHECK(unlink("d/victim") == 0);
	CHECK(rmdir("d/sub") == 0);
	CHECK(unlink("d/link") == 0);
	CHECK(unlink("d/fifo") == 0);
	CHECK(stat("d/hard", &st) == 0);
	CHECK(unlink("d/hard") == 0);
	step("removed");
}

static void attributes(void)
{
	const struct timespec first[2] = {{.tv_sec = 1}, {.tv_nsec = UTIME_OMIT}};
	const struct timespec second[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
	int fd;

	CHECK(chmod("d/f", 0600) == 0);
	CHECK(chmod("d", 0700) == 0);
	CHECK(chown("d/f", getuid(), getgid()) == 0);
	step("chmod and chown");
	CHECK(utimensat(AT_FDCWD, "d/f", NULL, 0) == 0);
	step("times");
	CHECK(utimensat(AT_FDCWD, "d/f", first, 0) == 0);
	CHECK(utimensat(AT_FDCWD, "d/f", second, 0) == 0);
	step("one time");
	CHECK(truncate("d/f", 3) == 0);
	step("truncate");
	fd = open("d/f", O_WRONLY | O_TRUNC);
	CHECK(fd >= 0);
	step("opened and emptied");
	CHECK(fchmod(fd, 0644) == 0);
	CHECK(ftruncate(fd, 5) == 0);
	step("by descriptor");
	CHECK(close(fd) == 0);
	step("closed");
	if (setxattr("d/f", "user.a", "1", 1, 0) == 0)
		CHECK(removexattr("d/f", "user.a") == 0);
	else
		CHECK(errno == EOPNOTSUPP);
	step("xattr");
}

static void descriptors(void)
{
	char buf[64];
	int fd, other, dup_fd;
	void *map;

	fd = open("d/f", O_RDONLY);
	CHECK(fd >= 0);
	CHECK(read(fd, buf, sizeof(buf)) > 0);
	step("read");
	CHECK(close(fd) == 0);
	step("closed");
	fd = open("d/f", O_RDWR);
	other = open("d/f", O_RDONLY);
	CHECK(fd >= 0 && other >= 0);
	CHECK_EQ(pwrite(fd, "abc", 3, 0), 3);
	CHECK_EQ(pread(other, buf, 3, 0), 3);
	step("two descriptions");
	dup_fd = dup(fd);
	CHECK(close(fd) == 0);
	step("a duplicate is left");
	CHECK(close(dup_fd) == 0);
	CHECK(close(other) == 0);
	step("both closed");
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	step("the directory is opened");
	CHECK(getdents64(fd, events, sizeof(events)) > 0);
	step("and listed");
	CHECK(close(fd) == 0);
	step("and closed");
	fd = open("d/f", O_PATH);
	CHECK(fd >= 0);
	CHECK(close(fd) == 0);
	step("O_PATH");
	fd = open("d/f", O_RDONLY);
	CHECK(fd >= 0);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(close(fd) == 0);
	step("mapped");
	CHECK(munmap(map, 4096) == 0);
	step("unmapped");
}

static void unlinked(void)
{
	int fd = open("d/gone", O_RDWR | O_CREAT, 0644);

	CHECK(fd >= 0);
	watch("d/gone", IN_ALL_EVENTS, "gone");
	CHECK(unlink("d/gone") == 0);
	step("unlinked while open");
	CHECK_EQ(write(fd, "x", 1), 1);
	step("written to");
	CHECK(close(fd) == 0);
	step("and closed");
	files_write("d/over", "1");
	files_write("d/under", "2");
	watch("d/over", IN_ALL_EVENTS, "over");
	watch("d/under", IN_ALL_EVENTS, "under");
	CHECK(rename("d/under", "d/over") == 0);
	step("one watched file over another");
	CHECK(unlink("d/over") == 0);
	step("and that is removed");
	CHECK(mkdir("d/sub", 0755) == 0);
	watch("d/sub", IN_ALL_EVENTS, "sub");
	CHECK(mkdir("d/sub/sub", 0755) == 0);
	CHECK(rmdir("d/sub/sub") == 0);
	CHECK(rename("d/sub", "d/moved") == 0);
	files_write("d/moved/f", "f");
	step("a watched directory in a watched directory");
	CHECK(unlink("d/moved/f") == 0);
	CHECK(rmdir("d/moved") == 0);
	step("removed");
}

/* Open before anybody watches. */
static void open_before(void)
{
	int wd, fd, dir;

	CHECK(mkdir("late", 0755) == 0);
	fd = open("late/f", O_RDWR | O_CREAT, 0644);
	dir = open("late", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && dir >= 0);
	wd = watch("late", IN_ALL_EVENTS, "late");
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(pread(fd, events, 3, 0), 3);
	CHECK(close(fd) == 0);
	step("what was open before");
	CHECK(close(dir) == 0);
	step("its directory");
	CHECK(inotify_rm_watch(in, wd) == 0);
	step("no watch any more");
	files_write("late/f", "x");
	step("nothing");
	CHECK(unlink("late/f") == 0);
	CHECK(rmdir("late") == 0);
}

static void want_mask(int from, int wd, uint32_t mask)
{
	bool seen = false;

	while (!seen) {
		struct pollfd p = {.fd = from, .events = POLLIN};

		CHECK(poll(&p, 1, 10000) == 1);
		ssize_t n = read(from, events, sizeof(events));

		CHECK(n > 0);
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)(events + at);

			seen = seen || (e->wd == wd && e->mask & mask);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
}

/* Its directory waits for a file that was open before both were watched, and closed right after it was removed. */
static void closed_when_removed(void)
{
	char byte;
	int from = inotify_init1(IN_CLOEXEC);

	CHECK(from >= 0 && mkdir("w", 0755) == 0);
	files_write("w/f", "x");
	int fd = open("w/f", O_RDONLY);

	CHECK(fd >= 0 && read(fd, &byte, 1) == 1);
	int file = inotify_add_watch(from, "w/f", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF);
	int dir = inotify_add_watch(from, "w", IN_DELETE | IN_DELETE_SELF | IN_CREATE);

	CHECK(file >= 0 && dir >= 0 && unlink("w/f") == 0 && inotify_rm_watch(from, file) == 0 && close(fd) == 0);
	CHECK(rmdir("w") == 0);
	want_mask(from, dir, IN_DELETE_SELF);
	CHECK(close(from) == 0);
}

static void masks(void)
{
	int wd, left = 0;

	CHECK(mkdir("m", 0755) == 0);
	files_write("m/f", "x");
	CHECK_ERRNO(inotify_add_watch(in, "nothing", IN_ALL_EVENTS), ENOENT);
	CHECK_ERRNO(inotify_add_watch(in, "m/f", IN_ALL_EVENTS | IN_ONLYDIR), ENOTDIR);
	CHECK_ERRNO(inotify_add_watch(in, "m", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(-1, "m", IN_CREATE), EBADF);
	CHECK_ERRNO(inotify_add_watch(1, "m", IN_CREATE), EINVAL);
	wd = watch("m", IN_CREATE | IN_MASK_CREATE, "m");
	CHECK_ERRNO(inotify_add_watch(in, "m", IN_CREATE | IN_MASK_CREATE), EEXIST);
	CHECK_ERRNO(inotify_add_watch(in, "m", IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
	files_write("m/g", "g");
	step("only what is made");
	CHECK_EQ(inotify_add_watch(in, "m", IN_DELETE | IN_MASK_ADD | IN_EXCL_UNLINK), wd);
	files_write("m/h", "h");
	CHECK(unlink("m/h") == 0);
	step("and removed");
	CHECK_EQ(inotify_add_watch(in, "m", IN_ATTRIB), wd);
	CHECK(unlink("m/g") == 0);
	CHECK(chmod("m/f", 0600) == 0);
	step("another mask");
	CHECK_EQ(inotify_add_watch(in, "m", IN_ATTRIB | IN_ONESHOT), wd);
	CHECK(chmod("m/f", 0644) == 0);
	CHECK(chmod("m/f", 0600) == 0);
	step("once");
	CHECK_ERRNO(inotify_rm_watch(in, wd), EINVAL);
	CHECK(symlink("m/f", "to-f") == 0);
	wd = watch("to-f", IN_ATTRIB | IN_DONT_FOLLOW, "link");
	CHECK(chmod("m/f", 0644) == 0);
	step("not of the target");
	CHECK(inotify_rm_watch(in, wd) == 0);
	wd = watch("m", IN_CREATE, "short");
	step("watch again");
	CHECK(mkdir("m/a-name-of-some-length", 0755) == 0);
	CHECK(ioctl(in, FIONREAD, &left) == 0);
	printf("%d bytes\n", left);
	CHECK_ERRNO((int)read(in, events, 8), EINVAL);
	step("a short buffer");
	for (int i = 0; i < 3; i++)
		CHECK(chmod("d/f", 0644) == 0);
	step("merged");
	CHECK(inotify_rm_watch(in, wd) == 0);
	CHECK(rmdir("m/a-name-of-some-length") == 0);
	CHECK(unlink("m/f") == 0);
	CHECK(rmdir("m") == 0);
	CHECK(unlink("to-f") == 0);
}

/* Another instance, and another process. */
static void others(void)
{
	int status, second = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int wd = inotify_add_watch(second, "d", IN_CREATE | IN_CLOSE_WRITE);
	pid_t pid;

	CHECK(wd == 1);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		files_write("d/child", "c");
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	step("another process");
	ssize_t n = read(second, events, sizeof(events));

	CHECK(n > 0);
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *e = (struct inotify_event *)(void *)(events + at);

		CHECK_EQ(e->wd, wd);
		printf("  second %#x '%s'\n", e->mask, e->name);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	CHECK(close(second) == 0);
	CHECK(unlink("d/child") == 0);
	step("one instance again");
}

/* What the descriptor itself looks like. */
static void the_descriptor(int wd)
{
	char path[64], line[256];
	unsigned long ino;
	struct stat st, fst;
	int found = 0, number;

	CHECK(fstat(in, &fst) == 0);
	printf("%#o\n", fst.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", in);
	files_want_link(path, "anon_inode:inotify");
	CHECK(stat("d", &st) == 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", in);
	FILE *f = fopen(path, "re");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "inotify wd:%x ino:%lx", &number, &ino) == 2 && number == wd) {
			found++;
			CHECK_EQ(ino, st.st_ino);
		}
	}
	CHECK_EQ(found, 1);
	fclose(f);
}

int main(int argc, char **argv)
{
	int d;

	if (argc > 1 && strcmp(argv[1], "loose") == 0)
		hidden = IN_OPEN | IN_CLOSE_NOWRITE | IN_DELETE_SELF | IN_IGNORED;
	setvbuf(stdout, NULL, _IOLBF, 0);
	files_enter();
	CHECK(mkdir("d", 0755) == 0);
	CHECK(mkdir("e", 0755) == 0);
	CHECK(mkdir("fence", 0755) == 0);
	files_write("d/f", "x");
	in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CHECK(in >= 0);
	fence = watch("fence", IN_CREATE | IN_DELETE, "fence");
	d = watch("d", IN_ALL_EVENTS, "d");
	watch("e", IN_ALL_EVENTS, "e");
	watch("d/f", IN_ALL_EVENTS, "f");
	step("start");
	names();
	attributes();
	descriptors();
	unlinked();
	open_before();
	for (int i = 0; i < 30; i++)
		closed_when_removed();
	masks();
	others();
	the_descriptor(d);
	close(in);
	files_leave();
	return 0;
}
