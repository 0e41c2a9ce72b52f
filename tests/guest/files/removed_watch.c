/*
 * A watched directory is removed, which was opened or not, is still open or not: its end is told once nobody has it, and till
 * then it is a directory like any other.
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

int main(void)
{
	int in;

	files_enter();
	in = inotify_init1(IN_CLOEXEC);
	CHECK(in >= 0);
	removed(in, false, false);
	removed(in, true, false);
	removed(in, true, true);
	close(in);
	files_leave();
	return 0;
}
