/* Descriptors by name: /proc/self/fd/N and /dev/stdin open anew, files without a name get one, removed ones say so. */
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "files.h"

static char *fd_name(int fd)
{
	static char name[2][64];
	static unsigned next;
	char *at = name[next++ % 2];

	snprintf(at, sizeof(name[0]), "/proc/self/fd/%d", fd);
	return at;
}

static void reopen(void)
{
	char want[PATH_MAX + 16];
	int fd, again;

	files_write("f", "first");
	fd = open("f", O_RDONLY);
	CHECK(fd >= 0);
	snprintf(want, sizeof(want), "%s/f", files_dir);
	files_want_link(fd_name(fd), want);
	again = open(fd_name(fd), O_RDWR);
	CHECK(again >= 0);
	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(lseek(again, 0, SEEK_CUR), 0);		/* another open file description */
	CHECK_EQ(write(again, "F", 1), 1);
	files_want_fd(fd, "First");
	CHECK(rename("f", "g") == 0);
	snprintf(want, sizeof(want), "%s/g", files_dir);
	files_want_link(fd_name(fd), want);
	CHECK(unlink("g") == 0);
	snprintf(want, sizeof(want), "%s/g (deleted)", files_dir);
	files_want_link(fd_name(fd), want);
	files_want(fd_name(fd), "First");
	CHECK(truncate(fd_name(fd), 2) == 0);
	files_want_fd(again, "Fi");
	CHECK_ERRNO(open(fd_name(fd), O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK(close(again) == 0 && close(fd) == 0);
}

static void standard_input(void)
{
	pid_t pid;

	files_write("in", "input");
	pid = guest_fork();
	if (pid == 0) {
		int fd = open("in", O_RDONLY);

		CHECK(dup2(fd, 0) == 0 && close(fd) == 0);
		files_want("/dev/stdin", "input");
		files_want("/dev/fd/0", "input");
		files_want("/proc/thread-self/fd/0", "input");
		_exit(0);
	}
	guest_wait_exit(pid, 0);
}

static void unnamed(void)
{
	struct stat st;
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "no name", 7), 7);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && (st.st_mode & 07777) == 0640);
	CHECK(linkat(AT_FDCWD, fd_name(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 1);
	files_want("named", "no name");
	CHECK_ERRNO(linkat(AT_FDCWD, fd_name(fd), AT_FDCWD, "named", AT_SYMLINK_FOLLOW), EEXIST);
	CHECK(close(fd) == 0);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	CHECK(fd >= 0);
	CHECK_ERRNO(linkat(AT_FDCWD, fd_name(fd), AT_FDCWD, "never", AT_SYMLINK_FOLLOW), ENOENT);
	CHECK(close(fd) == 0);
	CHECK_ERRNO(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERRNO(open("named", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
}

/* Through a directory's descriptor, and what a path descriptor is good for. */
static void directories(void)
{
	char path[128];
	struct stat st;
	int dir, at;

	CHECK(mkdir("d", 0755) == 0);
	files_write("d/in", "inside");
	dir = open("d", O_RDONLY | O_DIRECTORY);
	at = open("d", O_PATH);
	CHECK(dir >= 0 && at >= 0);
	snprintf(path, sizeof(path), "%s/in", fd_name(dir));
	files_want(path, "inside");
	snprintf(path, sizeof(path), "%s/../d/in", fd_name(at));
	files_want(path, "inside");
	CHECK(fstat(at, &st) == 0 && S_ISDIR(st.st_mode));
	CHECK_ERRNO(read(at, path, 1), EBADF);
	CHECK_ERRNO(fchmod(at, 0700), EBADF);
	CHECK_ERRNO(getdents64(at, path, sizeof(path)), EBADF);
	CHECK(fchdir(at) == 0);
	files_want("in", "inside");
	CHECK(chdir("..") == 0);
	CHECK_ERRNO(read(dir, path, 1), EISDIR);
	CHECK_ERRNO(open("d", O_WRONLY), EISDIR);
	CHECK(unlink("d/in") == 0 && rmdir("d") == 0);
	CHECK_ERRNO(openat(dir, "x", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK_ERRNO(mkdirat(dir, "x", 0700), ENOENT);
	CHECK(fstat(dir, &st) == 0 && st.st_nlink == 0);
	close(dir);
	close(at);
}

/* A mapped file has the name there that it has in the tree. */
static void numa_maps(void)
{
	char want[PATH_MAX + 16], line[PATH_MAX + 256];
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);
	bool found = false;
	volatile char *at;
	FILE *f;

	CHECK(fd >= 0 && ftruncate(fd, 4096) == 0);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(at != MAP_FAILED);
	at[0] = 1;
	snprintf(want, sizeof(want), " file=%s/mapped ", files_dir);
	f = fopen("/proc/self/numa_maps", "r");
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, want) != NULL;
	CHECK(!f || found);
	if (f)
		fclose(f);
	CHECK(munmap((void *)(uintptr_t)at, 4096) == 0 && close(fd) == 0 && unlink("mapped") == 0);
}

/* map_files has a link for each mapping of a file, which leads where maps says. */
static void map_files(void)
{
	char line[PATH_MAX + 128], link[128], name[PATH_MAX], want[PATH_MAX];
	unsigned long start, end, ino;
	int files = 0, links = 0;
	FILE *f = fopen("/proc/self/maps", "re");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %*s %*s %lu %4095[^\n]", &start, &end, &ino, want) != 4 || ino == 0)
			continue;
		files++;
		snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx", start, end);
		ssize_t n = readlink(link, name, sizeof(name) - 1);
		CHECK(n > 0);
		name[n] = '\0';
		CHECK(strcmp(name, want) == 0);
	}
	CHECK(fclose(f) == 0);
	DIR *d = opendir("/proc/self/map_files");
	CHECK(d != NULL);
	for (struct dirent *e; (e = readdir(d));)
		links += e->d_name[0] != '.';
	CHECK(closedir(d) == 0);
	CHECK(files > 0);
	CHECK_EQ(links, files);
	CHECK(readlink("/proc/self/map_files/1-2", name, sizeof(name)) == -1 && errno == ENOENT);
}

/* Memory that a program did not map itself does not show, whatever calls it made before. */
static void nothing_foreign(void)
{
	char line[PATH_MAX + 128];
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how));

	CHECK(fd >= 0 && close(fd) == 0);
	for (const char *const *name = (const char *const[]){"maps", "smaps", "numa_maps", NULL}; *name; name++) {
		snprintf(line, sizeof(line), "/proc/self/%s", *name);
		FILE *f = fopen(line, "re");

		while (f && fgets(line, sizeof(line), f))
			CHECK(!strstr(line, "memfd:"));
		CHECK(!f || fclose(f) == 0);
	}
}

int main(void)
{
	files_enter();
	reopen();
	standard_input();
	unnamed();
	directories();
	numa_maps();
	nothing_foreign();
	map_files();
	files_leave();
	return 0;
}
