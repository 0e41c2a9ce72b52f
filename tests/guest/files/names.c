/* Names and objects are two things: rename over an open file, unlink while open, hard links, exchange, whole
 * directories. */
#include <linux/fs.h>
#include <sys/inotify.h>

#include "files.h"

static void rename_over_open(void)
{
	int old, new;
	struct stat a, b;

	files_write("old", "old text");
	files_write("new", "new text");
	old = open("old", O_RDWR);
	new = open("new", O_RDONLY);
	CHECK(old >= 0 && new >= 0);
	CHECK(rename("new", "old") == 0);
	files_want_fd(old, "old text");
	files_want("old", "new text");
	CHECK(fstat(old, &a) == 0 && a.st_nlink == 0);
	CHECK(fstat(new, &b) == 0 && b.st_nlink == 1 && stat("old", &a) == 0);
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_ERRNO(access("new", F_OK), ENOENT);
	CHECK_EQ(pwrite(old, "OLD", 3, 0), 3);
	files_want("old", "new text");
	close(old);
	close(new);
}

static void unlink_while_open(void)
{
	struct stat st;
	int fd = open("gone", O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0 && unlink("gone") == 0);
	CHECK_EQ(write(fd, "still here", 10), 10);
	files_want_fd(fd, "still here");
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && st.st_size == 10);
	CHECK(fchmod(fd, 0444) == 0 && ftruncate(fd, 5) == 0 && fstat(fd, &st) == 0);
	CHECK_EQ(st.st_mode & 07777, 0444);
	CHECK_EQ(st.st_size, 5);
	CHECK_ERRNO(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH), ENOENT);
	files_write("gone", "another");
	files_want_fd(fd, "still");
}

static void hard_links(void)
{
	struct stat a, b;

	files_write("one", "1");
	CHECK(link("one", "two") == 0 && mkdir("sub", 0755) == 0 && link("one", "sub/three") == 0);
	CHECK(stat("one", &a) == 0 && stat("sub/three", &b) == 0);
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_nlink == 3);
	CHECK(chmod("two", 0600) == 0 && stat("one", &a) == 0);
	CHECK_EQ(a.st_mode & 07777, 0600);
	files_write("two", "changed");
	files_want("sub/three", "changed");
	CHECK(rename("one", "two") == 0);	/* the same file: nothing happens */
	CHECK(access("one", F_OK) == 0);
	CHECK(unlink("one") == 0 && unlink("two") == 0 && stat("sub/three", &a) == 0);
	CHECK_EQ(a.st_nlink, 1);
	CHECK_ERRNO(link("sub/three", "sub/three"), EEXIST);
	CHECK(symlink("sub/three", "sym") == 0 && link("sym", "sym2") == 0);
	CHECK(lstat("sym2", &a) == 0 && S_ISLNK(a.st_mode));
}

static int rename2(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void flags(void)
{
	files_write("x", "x text");
	CHECK(mkdir("y", 0755) == 0);
	files_write("y/inner", "i");
	CHECK_ERRNO(rename2("x", "y", RENAME_NOREPLACE), EEXIST);
	CHECK_ERRNO(rename2("x", "nothing", RENAME_EXCHANGE), ENOENT);
	CHECK_ERRNO(rename2("x", "y", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
	CHECK(rename2("x", "y", RENAME_EXCHANGE) == 0);
	files_want("y", "x text");
	files_want("x/inner", "i");
	CHECK_ERRNO(rename2("x", "x/inner", RENAME_EXCHANGE), EINVAL);
	CHECK(rename2("y", "z", RENAME_NOREPLACE) == 0);
}

static void directories(void)
{
	struct stat before, after;
	int fd;

	CHECK(mkdir("a", 0755) == 0 && mkdir("a/b", 0755) == 0 && mkdir("c", 0755) == 0 && mkdir("e", 0755) == 0);
	files_write("a/b/f", "f");
	CHECK_ERRNO(rename("a", "a/b/x"), EINVAL);
	CHECK_ERRNO(rename("e", "a"), ENOTEMPTY);
	CHECK_ERRNO(rename("a", "a/b/f"), EINVAL);
	CHECK_ERRNO(rename("c", "a/b/f"), ENOTDIR);
	CHECK_ERRNO(rename("a/b/f", "c"), EISDIR);
	fd = open("a/b", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && fstat(fd, &before) == 0);
	CHECK(rename("a", "c") == 0);			/* over an empty one */
	files_want("c/b/f", "f");
	CHECK(stat("c/b", &after) == 0);
	CHECK_EQ(before.st_ino, after.st_ino);
	CHECK(rename("c/b", "b") == 0);
	CHECK(fstatat(fd, "..", &after, 0) == 0 && stat(".", &before) == 0);
	CHECK_EQ(after.st_ino, before.st_ino);		/* ".." is the new parent */
	CHECK(rmdir("c") == 0);
	CHECK_ERRNO(rmdir("b"), ENOTEMPTY);
	close(fd);
}

/* Onto itself: nothing happens, to what is open neither. */
static void rename_to_itself(void)
{
	struct stat st;
	int fd;

	CHECK(mkdir("self", 0755) == 0 && mkdir("self/in", 0755) == 0);
	fd = open("self", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && rename("self", "self/") == 0);
	CHECK(fstatat(fd, "in", &st, 0) == 0);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0755 && st.st_nlink > 0);
	CHECK(mkdirat(fd, "more", 0755) == 0 && close(fd) == 0);
}

/* In a removed directory nothing is made, and no name is too long to be told so. */
static void long_names_in_removed(void)
{
	char name[PATH_MAX];
	int dir;

	memset(name, 'n', sizeof(name));
	CHECK(mkdir("removed", 0755) == 0);
	dir = open("removed", O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0 && rmdir("removed") == 0);
	for (size_t len = sizeof(name) - 1; len > 8; len /= 2) {
		name[len] = '\0';
		CHECK_ERRNO(openat(dir, name, O_CREAT | O_RDWR, 0644), ENOENT);
		CHECK_ERRNO(mkdirat(dir, name, 0755), ENOENT);
		CHECK_ERRNO(symlinkat("to", dir, name), ENOENT);
	}
	close(dir);
}

/* A directory that was watched once is let go of at the host when it is removed, and looks as before. */
static void removed_while_open(void)
{
	struct stat before, after;
	int in = inotify_init1(IN_NONBLOCK), fd;

	CHECK(mkdir("removed", 0710) == 0 && inotify_add_watch(in, "removed", IN_ATTRIB) >= 0 && close(in) == 0);
	fd = open("removed", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && fstat(fd, &before) == 0 && rmdir("removed") == 0 && fstat(fd, &after) == 0);
	CHECK(after.st_nlink == 0 && after.st_mode == before.st_mode);
	CHECK(after.st_ino == before.st_ino && after.st_dev == before.st_dev);
	close(fd);
}

int main(void)
{
	files_enter();
	rename_over_open();
	unlink_while_open();
	hard_links();
	rename_to_itself();
	removed_while_open();
	flags();
	directories();
	long_names_in_removed();
	files_leave();
	return 0;
}
