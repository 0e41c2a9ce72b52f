/* Of a file's names it is the one it was opened or changed by that inotify tells who watches the directory. */
#include <poll.h>
#include <sys/inotify.h>

#include "files.h"

static int inotify;

/* One event, with this name. */
static void expect(uint32_t mask, const char *name)
{
	char buf[sizeof(struct inotify_event) + NAME_MAX + 1] __attribute__((aligned(8)));
	const struct inotify_event *e = (const struct inotify_event *)buf;
	struct pollfd p = {.fd = inotify, .events = POLLIN};

	CHECK_EQ(poll(&p, 1, 10000), 1);	/* those who answer calls may tell it a moment later */
	CHECK(read(inotify, buf, sizeof(struct inotify_event) + 16) > 0);
	CHECK_EQ(e->mask, mask);
	if (strcmp(e->name, name) != 0)
		fprintf(stderr, "an event of %s, not of %s\n", e->name, name);
	CHECK(strcmp(e->name, name) == 0);
}

static void change(const char *name, const char *told)
{
	int fd = open(name, O_WRONLY | O_APPEND);

	CHECK(fd >= 0);
	close(fd);
	expect(IN_CLOSE_WRITE, told);
	CHECK(chmod(name, 0600) == 0);
	expect(IN_ATTRIB, told);
	CHECK(truncate(name, 3) == 0);
	expect(IN_MODIFY, told);
}

int main(void)
{
	files_enter();
	CHECK(mkdir("d", 0755) == 0 && mkdir("elsewhere", 0755) == 0);
	files_write("d/a", "text");
	inotify = inotify_init1(IN_NONBLOCK);
	CHECK(inotify >= 0 && inotify_add_watch(inotify, "d", IN_CLOSE_WRITE | IN_ATTRIB | IN_MODIFY) >= 0);
	change("d/a", "a");
	CHECK(link("d/a", "d/b") == 0);
	change("d/b", "b");
	change("d/a", "a");
	CHECK(link("d/b", "elsewhere/c") == 0);
	CHECK(unlink("d/a") == 0);
	change("d/b", "b");
	/* The name by which it was known longest is gone: as mail is delivered. */
	CHECK(rename("d/b", "elsewhere/b") == 0 && link("elsewhere/c", "d/e") == 0 && unlink("elsewhere/b") == 0);
	change("d/e", "e");
	CHECK(rename("d/e", "d/f") == 0);
	change("d/f", "f");
	CHECK(chmod("elsewhere/c", 0640) == 0);
	CHECK(chmod("d/f", 0600) == 0);
	expect(IN_ATTRIB, "f");
	files_leave();
	return 0;
}
