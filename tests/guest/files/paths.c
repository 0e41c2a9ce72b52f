/* What a path may be: relative after fchdir, 40 symbolic links but not 41, PATH_MAX, any byte, slashes where they
 * count. */
#include <sys/utsname.h>

#include "files.h"

static void relative(void)
{
	int fd;

	CHECK(mkdir("one", 0755) == 0 && mkdir("one/two", 0755) == 0);
	files_write("one/two/f", "deep");
	fd = open("one/two", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0 && fchdir(fd) == 0);
	files_want("f", "deep");
	files_want("../two/./f", "deep");
	files_want("../../one/two//f", "deep");
	CHECK(chdir("../..") == 0);
	CHECK(rename("one", "uno") == 0);
	CHECK(fchdir(fd) == 0);			/* it moved with its parent */
	files_want("../../uno/two/f", "deep");
	CHECK(chdir(files_dir) == 0 && close(fd) == 0);
	CHECK(access("/../../../..", X_OK) == 0);
}

static void links(void)
{
	char from[16], to[16];
	int fd;

	files_write("l0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "l%d", i);
		snprintf(to, sizeof(to), "l%d", i - 1);
		CHECK(symlink(to, from) == 0);
	}
	files_want("l40", "end");
	CHECK_ERRNO(open("l41", O_RDONLY), ELOOP);
	CHECK(symlink("self", "self") == 0);
	CHECK_ERRNO(open("self", O_RDONLY), ELOOP);
	CHECK_ERRNO(open("self/x", O_RDONLY), ELOOP);
	CHECK_ERRNO(open("l1", O_RDONLY | O_NOFOLLOW), ELOOP);
	fd = open("l1", O_PATH | O_NOFOLLOW);
	CHECK(fd >= 0);
	CHECK_EQ(readlinkat(fd, "", from, sizeof(from)), 2);
	close(fd);
	CHECK(symlink("nothing", "dangling") == 0);
	CHECK_ERRNO(open("dangling", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("dangling", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERRNO(mkdir("dangling", 0755), EEXIST);
	fd = open("dangling", O_RDWR | O_CREAT, 0600);		/* makes what it leads to */
	CHECK(fd >= 0 && close(fd) == 0 && access("nothing", F_OK) == 0);
}

static void limits(void)
{
	char path[PATH_MAX + 8], name[260];
	size_t n = 0;

	while (n + 2 < PATH_MAX - 1) {
		path[n++] = '.';
		path[n++] = '/';
	}
	memcpy(path + n, "/", 2);
	CHECK_EQ(strlen(path), PATH_MAX - 1);
	CHECK(access(path, F_OK) == 0);
	memcpy(path + n, "//", 3);
	CHECK_ERRNO(access(path, F_OK), ENAMETOOLONG);
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	files_write(name, "long");
	files_want(name, "long");
	name[255] = 'n';
	name[256] = '\0';
	CHECK_ERRNO(open(name, O_RDONLY), ENAMETOOLONG);
	CHECK_ERRNO(mkdir(name, 0755), ENAMETOOLONG);
	CHECK_ERRNO(symlink("", "empty"), ENOENT);
	memset(path, 't', PATH_MAX);
	path[PATH_MAX] = '\0';
	CHECK_ERRNO(symlink(path, "toolong"), ENAMETOOLONG);
	path[PATH_MAX - 1] = '\0';
	if (symlink(path, "longest") == 0)
		CHECK_EQ(readlink("longest", path, sizeof(path)), PATH_MAX - 1);
	else
		CHECK_EQ(errno, ENAMETOOLONG);	/* a file system of 4 KiB blocks keeps the NUL in them, too */
}

/* Deeper than PATH_MAX, one step at a time. */
static void deep(void)
{
	char name[201], cwd[PATH_MAX];
	int i, home = open(".", O_RDONLY | O_DIRECTORY);

	memset(name, 'd', 200);
	name[200] = '\0';
	for (i = 0; i < 30; i++)
		CHECK(mkdir(name, 0755) == 0 && chdir(name) == 0);
	files_write("bottom", "b");
	CHECK_ERRNO(syscall(SYS_getcwd, cwd, sizeof(cwd)), ENAMETOOLONG);
	CHECK(unlink("bottom") == 0);
	for (i = 0; i < 30; i++)
		CHECK(chdir("..") == 0 && rmdir(name) == 0);
	CHECK(fchdir(home) == 0 && close(home) == 0);
}

static void bytes(void)
{
	char name[8] = "x?y";
	DIR *d;
	struct dirent *e;
	int seen = 0;

	CHECK(mkdir("bytes", 0755) == 0 && chdir("bytes") == 0);
	for (int c = 1; c < 256; c++) {
		name[1] = (char)c;
		if (c != '/')
			files_write(name, name);
	}
	d = opendir(".");
	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL) {
		if (strlen(e->d_name) == 3 && e->d_name[0] == 'x') {
			files_want(e->d_name, e->d_name);
			seen++;
		}
	}
	CHECK_EQ(seen, 254);
	closedir(d);
	CHECK(chdir(files_dir) == 0);
}

static void slashes(void)
{
	struct stat st;

	files_write("file", "f");
	CHECK(mkdir("dir/", 0755) == 0);
	CHECK(symlink("dir", "link") == 0);
	CHECK(lstat("link", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(lstat("link/", &st) == 0 && S_ISDIR(st.st_mode));
	CHECK_ERRNO(stat("file/", &st), ENOTDIR);
	CHECK_ERRNO(open("file/", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("none/", O_WRONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(unlink("link/"), ENOTDIR);
	CHECK_ERRNO(rmdir("link"), ENOTDIR);
	CHECK_ERRNO(rmdir("dir/."), EINVAL);
	CHECK_ERRNO(rmdir("dir/.."), ENOTEMPTY);
	CHECK_ERRNO(unlink("dir"), EISDIR);
	CHECK_ERRNO(rename("dir/.", "x"), EBUSY);
	CHECK_ERRNO(rename("file", "x/"), ENOTDIR);
	CHECK_ERRNO(rename("dir", "dir/sub"), EINVAL);
	CHECK_ERRNO(open("", O_RDONLY), ENOENT);
	CHECK_ERRNO(link("dir", "dir2"), EPERM);
	CHECK(rename("dir/", "dir3/") == 0);
	CHECK(rmdir("dir3/") == 0);
	CHECK_ERRNO(stat("link/", &st), ENOENT);
}

/* Linux 6.11: of a call about a descriptor alone no flag is looked at. */
static void descriptor_alone(void)
{
	int major = 0, minor = 0, fd = open(".", O_RDONLY);
	struct utsname u;
	struct stat st;

	CHECK(uname(&u) == 0 && sscanf(u.release, "%d.%d", &major, &minor) == 2);
	if (major > 6 || (major == 6 && minor >= 11))
		CHECK(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH | 0x800000) == 0);
	CHECK_ERRNO(syscall(SYS_newfstatat, AT_FDCWD, "", &st, AT_EMPTY_PATH | 0x800000), EINVAL);
	CHECK_ERRNO(syscall(SYS_newfstatat, fd, ".", &st, AT_EMPTY_PATH | 0x800000), EINVAL);
	close(fd);
}

int main(void)
{
	files_enter();
	relative();
	links();
	limits();
	deep();
	bytes();
	slashes();
	descriptor_alone();
	files_leave();
	return 0;
}
