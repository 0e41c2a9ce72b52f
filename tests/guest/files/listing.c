/* A directory that changes while it is listed: what stayed is there exactly once; positions can be gone back to. */
#include <sys/syscall.h>

#include "files.h"

enum { COUNT = 1500 };

struct seen {
	unsigned char stays[COUNT];
	int odd;
};

static void make(const char *kind, int i)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%d", kind, i);
	files_write(name, "");
}

static void take(const char *kind, int i)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%d", kind, i);
	(void)unlink(name);
}

static void see(struct seen *s, const char *name)
{
	int i;

	if (sscanf(name, "stays-%d", &i) == 1) {
		CHECK(i >= 0 && i < COUNT);
		s->stays[i]++;
	} else {
		s->odd++;
	}
}

/* Small reads, with files coming and going between them. */
static void changing(void)
{
	struct seen s = {0};
	char buf[400];
	long n;
	int fd, round = 0;

	for (int i = 0; i < COUNT; i++)
		make("stays", i);
	for (int i = 0; i < 300; i++)
		make("goes", i);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			struct dirent64 *e = (struct dirent64 *)(void *)(buf + at);

			see(&s, e->d_name);
			at += e->d_reclen;
		}
		make("new", round);
		take("goes", round);
		take("new", round - 3);
		round++;
	}
	CHECK_EQ(n, 0);
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(s.stays[i], 1);
	close(fd);
}

/* What rm -r does: remove while reading. */
static void removing(void)
{
	DIR *d = opendir(".");
	struct dirent *e;
	int left = 0;

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			CHECK(unlink(e->d_name) == 0);
	}
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		left++;
	CHECK_EQ(left, 2);
	closedir(d);
}

static void positions(void)
{
	char name[300];
	struct dirent *e;
	long at = 0;
	DIR *d;

	for (int i = 0; i < 50; i++)
		make("p", i);
	d = opendir(".");
	CHECK(d != NULL);
	for (int i = 0; i < 20; i++) {
		at = telldir(d);
		e = readdir(d);
		CHECK(e != NULL);
		snprintf(name, sizeof(name), "%s", e->d_name);
	}
	while (readdir(d))
		;
	seekdir(d, at);
	e = readdir(d);
	CHECK(e != NULL && strcmp(e->d_name, name) == 0);
	closedir(d);
}

static void types_and_numbers(void)
{
	struct stat st;
	struct dirent *e;
	int found = 0;
	DIR *d;

	CHECK(mkdir("t", 0755) == 0 && chdir("t") == 0);
	files_write("file", "");
	CHECK(mkdir("dir", 0755) == 0 && symlink("x", "link") == 0 && mkfifo("fifo", 0600) == 0);
	d = opendir(".");
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		CHECK(lstat(e->d_name, &st) == 0);
		CHECK_EQ(e->d_ino, st.st_ino);
		CHECK(e->d_type == DT_UNKNOWN || e->d_type == IFTODT(st.st_mode));
		found++;
	}
	CHECK_EQ(found, 6);
	rewinddir(d);
	CHECK_ERRNO(syscall(SYS_getdents64, dirfd(d), &st, 10), EINVAL);
	CHECK_ERRNO(syscall(SYS_getdents64, dirfd(d), NULL, 4096), EFAULT);
	CHECK_ERRNO(syscall(SYS_getdents64, 0, &st, sizeof(st)), ENOTDIR);
	closedir(d);
	CHECK(chdir("..") == 0);
}

/* Two descriptors of one description share the position; a second open does not. */
static void sharing(void)
{
	char buf[300];
	int a = open(".", O_RDONLY | O_DIRECTORY), b = dup(a), c = open(".", O_RDONLY | O_DIRECTORY);
	long total = 0, n;

	while ((n = getdents64(a, buf, sizeof(buf))) > 0)
		total += n;
	CHECK_EQ(getdents64(b, buf, sizeof(buf)), 0);
	CHECK(getdents64(c, buf, sizeof(buf)) > 0);
	CHECK_EQ(lseek(b, 0, SEEK_SET), 0);
	CHECK(getdents64(a, buf, sizeof(buf)) > 0);
	CHECK(total > 0);
	close(a);
	close(b);
	close(c);
}

int main(void)
{
	files_enter();
	changing();
	removing();
	positions();
	types_and_numbers();
	sharing();
	files_leave();
	return 0;
}
