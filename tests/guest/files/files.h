/* What the guests about files share: each works in a new directory below its working directory, and removes it. */
#ifndef TRAPLINE_TESTS_GUEST_FILES_H
#define TRAPLINE_TESTS_GUEST_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>

#include "../guest.h"

/* The kind of tree that the runner says this is; natively none. For what is known not to be as on Linux. */
__attribute__((unused)) static bool files_tree(const char *name)
{
	const char *tree = getenv("TRAPLINE_TEST_TREE");

	return tree && strcmp(tree, name) == 0;
}

static char files_dir[PATH_MAX];

__attribute__((unused)) static int files_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A new directory, which becomes the working directory. */
__attribute__((unused)) static void files_enter(void)
{
	char name[] = "guest-XXXXXX";

	umask(022);
	CHECK(mkdtemp(name) != NULL);
	CHECK(realpath(name, files_dir) != NULL);
	CHECK(chdir(files_dir) == 0);
	CHECK(chmod(".", 0755) == 0);
}

__attribute__((unused)) static void files_leave(void)
{
	CHECK(chdir(files_dir) == 0);
	CHECK(chdir("..") == 0);
	CHECK(nftw(files_dir, files_remove_one, 64, FTW_DEPTH | FTW_PHYS) == 0);
}

__attribute__((unused)) static void files_write(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CHECK(close(fd) == 0);
}

__attribute__((unused)) static void files_want_fd(int fd, const char *text)
{
	char buf[4096];
	ssize_t n = pread(fd, buf, sizeof(buf), 0);

	CHECK_EQ(n, (ssize_t)strlen(text));
	CHECK(memcmp(buf, text, strlen(text)) == 0);
}

__attribute__((unused)) static void files_want(const char *name, const char *text)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	files_want_fd(fd, text);
	CHECK(close(fd) == 0);
}

__attribute__((unused)) static void files_want_link(const char *name, const char *target)
{
	char buf[PATH_MAX];
	ssize_t n = readlink(name, buf, sizeof(buf) - 1);

	CHECK(n >= 0);
	buf[n] = '\0';
	if (strcmp(buf, target) != 0)
		dprintf(2, "%s leads to '%s', not '%s'\n", name, buf, target);
	CHECK(strcmp(buf, target) == 0);
}

/* The program at from, which may be /proc/self/exe, once more under the name to. flags: O_EXCL or O_TRUNC. */
__attribute__((unused)) static void files_copy_program(const char *from, const char *to, int flags)
{
	static char buf[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | flags, 0755);
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK_EQ(write(out, buf, (size_t)n), n);
	CHECK(n == 0 && close(in) == 0 && close(out) == 0);
}

#endif
