/*
 * A watched directory is removed, which was opened or not, is still open or not: its end is told once nobody has it,
 * and till then it is a directory like any other.
 */
#include <poll.h>
#include <sys/inotify.h>
#include <sys/xattr.h>

#include "files.h"

/* By its descriptor and by names that lead to that. */
static void change(int fd)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	char name[64], value[16];
	struct stat st;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK(fchmod(fd, 0751) == 0);
	CHECK(fchown(fd, geteuid(), (gid_t)-1) == 0);
	CHECK(futimens(fd, times) == 0);
	CHECK(fsetxattr(fd, "user.a", "one", 3, 0) == 0);
	CHECK(chmod(name, 0711) == 0);
	CHECK(fgetxattr(fd, "user.a", value, sizeof(value)) == 3);
	CHECK(fremovexattr(fd, "user.a") == 0);
	CHECK(fstat(fd, &st) == 0);
	printf("0%o, %lld and %lld\n", st.st_mode & 07777, (long long)st.st_atime, (long long)st.st_mtime);
	CHECK(stat(name, &st) == 0);
	printf("0%o, %lld and %lld\n", st.st_mode & 07777, (long long)st.st_atime, (long long)st.st_mtime);
}

static void removed(int in, bool opened, bool still_open)
{
	char events[4096];
	int fd = -1;

	CHECK(mkdir("d", 0755) == 0);
	CHECK(inotify_add_watch(in, "d", IN_DELETE_SELF) > 0);
	if (opened)
		fd = open("d", O_RDONLY | O_DIRECTORY);
	if (opened && !still_open)
		close(fd);
	CHECK(rmdir("d") == 0);
	if (still_open) {
		change(fd);
		close(fd);
	}
	CHECK(poll(&(struct pollfd){.fd = in, .events = POLLIN}, 1, 10000) == 1);
	/* IN_DELETE_SELF and IN_IGNORED are made in one go, but may be read one by one. */
	for (uint32_t seen = 0; !(seen & IN_IGNORED);) {
		ssize_t n = read(in, events, sizeof(events));
		for (char *at = events; at < events + n; at += sizeof(struct inotify_event)) {
			const struct inotify_event *e = (const void *)at;
			printf("opened %d, still open %d: %s\n", opened, still_open,
			       e->mask & IN_DELETE_SELF ? "delete_self" : e->mask & IN_IGNORED ? "ignored" : "?");
			seen |= e->mask;
		}
		CHECK(n > 0);
	}
}

/*
 * What was open in it, and was removed before it, keeps it no longer than until it is closed. Nothing else is called
 * meanwhile.
 */
static void with_a_file(int in, bool watch_file)
{
	char events[4096], seen[64] = "";
	size_t count = 0;
	struct stat st;

	CHECK(mkdir("d", 0755) == 0);
	files_write("d/f", "text");
	int fd = open("d/f", O_RDWR);
	CHECK(fd >= 0);
	int dir = inotify_add_watch(in, "d", IN_DELETE_SELF);
	int file = watch_file ? inotify_add_watch(in, "d/f", IN_DELETE_SELF) : -1;
	CHECK(dir > 0 && unlink("d/f") == 0);
	CHECK(access("d/f", F_OK) == -1 && errno == ENOENT);
	CHECK(rmdir("d") == 0);
	CHECK(fchmod(fd, 0604) == 0 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode & 07777, 0604);
	files_want_fd(fd, "text");
	CHECK(close(fd) == 0);
	while (count < (watch_file ? 4 : 2)) {
		CHECK(poll(&(struct pollfd){.fd = in, .events = POLLIN}, 1, 10000) == 1);
		ssize_t n = read(in, events, sizeof(events));
		for (char *at = events; at < events + n; at += sizeof(struct inotify_event)) {
			const struct inotify_event *e = (const void *)at;
			char what = e->mask & IN_DELETE_SELF ? 's' : e->mask & IN_IGNORED ? 'i' : '?';
			CHECK(e->wd == dir || e->wd == file);
			CHECK(count < sizeof(seen) - 1);
			seen[count++] = e->wd == dir && what != '?' ? (char)(what - 'a' + 'A') : what;
		}
	}
	printf("with a file, watched %d: %s\n", watch_file, seen);
}

static void want(int fd, const char *name)
{
	char link[64], target[PATH_MAX + 32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(target, sizeof(target), "%s/%s (deleted)", files_dir, name);
	files_want_link(link, target);
}

/* Each descriptor shows the name that it was opened by, where that would be now. */
static void names(int in)
{
	char name[64];
	int a, b, again;

	CHECK(mkdir("d", 0755) == 0);
	a = open("d/a", O_RDWR | O_CREAT, 0644);
	CHECK(a >= 0 && link("d/a", "d/b") == 0);
	b = open("d/b", O_RDONLY);
	CHECK(b >= 0 && inotify_add_watch(in, "d", IN_DELETE_SELF) > 0);
	CHECK(unlink("d/a") == 0 && unlink("d/b") == 0);
	want(a, "d/a");
	want(b, "d/b");
	CHECK(rename("d", "e") == 0);
	want(a, "e/a");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", b);
	again = open(name, O_RDWR);
	CHECK(again >= 0 && write(again, "x", 1) == 1);
	want(again, "e/b");
	want(a, "e/a");
	CHECK(rmdir("e") == 0);
	want(b, "e/b");
	want(again, "e/b");
	close(again);
	again = open(name, O_PATH);
	CHECK(again >= 0 && (fcntl(again, F_GETFL) & O_PATH));
	want(again, "e/b");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", a);
	CHECK(close(again) == 0 && (again = open(name, O_PATH)) >= 0 && (fcntl(again, F_GETFL) & O_PATH));
	want(again, "e/a");
	close(a);
	close(b);
	close(again);
}

/* ".." of a removed directory is the directory that it was in, also when that is removed. */
static void parents(int in)
{
	struct stat above, below, st;
	int fd;

	CHECK(mkdir("d", 0751) == 0 && mkdir("d/in", 0755) == 0);
	fd = open("d/in", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && inotify_add_watch(in, "d/in", IN_DELETE_SELF) > 0);
	CHECK(stat("d", &above) == 0 && stat(".", &below) == 0 && rmdir("d/in") == 0);
	CHECK(fstatat(fd, "..", &st, 0) == 0 && st.st_ino == above.st_ino);
	CHECK(fstatat(fd, "../..", &st, 0) == 0 && st.st_ino == below.st_ino);
	CHECK(mkdirat(fd, "../made", 0755) == 0 && rmdir("d/made") == 0);
	CHECK(rename("d", "e") == 0);
	want(fd, "e/in");
	CHECK(rmdir("e") == 0);
	CHECK(fstatat(fd, "..", &st, 0) == 0 && st.st_ino == above.st_ino && (st.st_mode & 07777) == 0751);
	CHECK(fstatat(fd, "../..", &st, 0) == 0 && st.st_ino == below.st_ino);
	CHECK_ERRNO(mkdirat(fd, "../made", 0755), ENOENT);
	want(fd, "e/in");
	close(fd);
}

int main(void)
{
	int in;

	files_enter();
	in = inotify_init1(IN_CLOEXEC);
	CHECK(in >= 0);
	removed(in, false, false);
	removed(in, true, false);
	removed(in, true, true);
	with_a_file(in, false);
	with_a_file(in, true);
	names(in);
	parents(in);
	close(in);
	files_leave();
	return 0;
}
