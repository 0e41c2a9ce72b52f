/* inotify on the tree: what a guest does itself, and what another process does, is told. */
#include <poll.h>
#include <sys/inotify.h>

#include "files.h"

static char events[65536];

/* Read what is there, waiting for the first a moment; collect the masks of events about name (NULL: about the watch).
 */
static uint32_t collect(int in, const char *name)
{
	struct pollfd p = {.fd = in, .events = POLLIN};
	uint32_t mask = 0;

	while (poll(&p, 1, mask ? 0 : 2000) == 1) {
		ssize_t n = read(in, events, sizeof(events));

		CHECK(n > 0);
		for (ssize_t at = 0; at < n;) {
			struct inotify_event *e = (struct inotify_event *)(void *)(events + at);

			if (name ? e->len && strcmp(e->name, name) == 0 : !e->len)
				mask |= e->mask;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
	return mask;
}

int main(void)
{
	int in, wd, fd;
	uint32_t mask;

	files_enter();
	files_write("f", "x");
	CHECK(mkdir("d", 0755) == 0);
	in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CHECK(in >= 0);
	CHECK_ERRNO(inotify_add_watch(in, "nothing", IN_ALL_EVENTS), ENOENT);
	CHECK_ERRNO(inotify_add_watch(in, "f", IN_ALL_EVENTS | IN_ONLYDIR), ENOTDIR);

	wd = inotify_add_watch(in, "f", IN_MODIFY | IN_ATTRIB);
	CHECK(wd >= 0);
	fd = open("f", O_WRONLY);
	CHECK_EQ(write(fd, "y", 1), 1);
	close(fd);
	CHECK(collect(in, NULL) & IN_MODIFY);
	CHECK(chmod("f", 0600) == 0);
	CHECK(collect(in, NULL) & IN_ATTRIB);
	CHECK(inotify_rm_watch(in, wd) == 0);
	(void)collect(in, NULL);

	if (files_tree("tmpfs") || files_tree("overlay")) {
		/* no host directory has these entries, so none can be watched; programs then poll */
		CHECK_ERRNO(inotify_add_watch(in, "d", IN_CREATE), ENOSPC);
		files_leave();
		return 0;
	}
	wd = inotify_add_watch(in, "d", IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE);
	CHECK(wd >= 0);
	files_write("d/new", "n");
	mask = collect(in, "new");
	CHECK(mask & IN_CREATE);
	CHECK(mask & IN_CLOSE_WRITE);
	CHECK(mkdir("d/sub", 0755) == 0);
	CHECK_EQ(collect(in, "sub"), IN_CREATE | IN_ISDIR);
	CHECK(rename("d/new", "d/other") == 0);
	CHECK(collect(in, "other") & IN_MOVED_TO);
	CHECK(unlink("d/other") == 0);
	CHECK(collect(in, "other") & IN_DELETE);
	close(in);
	files_leave();
	return 0;
}
