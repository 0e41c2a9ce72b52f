/*
 * What is made has its mode from the umask, nothing is made over what is there, and descriptors change the object that
 * they are of.
 */
#include "files.h"

static void made(const char *name)
{
	struct stat st;

	CHECK(lstat(name, &st) == 0);
	printf("%s 0%o\n", name, st.st_mode);
}

static void make_each(mode_t mask)
{
	umask(mask);
	int fd = open("file", O_CREAT | O_EXCL | O_WRONLY, 0666);
	int special = open("special", O_CREAT | O_WRONLY, 06777);
	CHECK(fd >= 0 && special >= 0);
	CHECK(mkdir("dir", 01777) == 0);
	CHECK(mkfifo("fifo", 0666) == 0);
	CHECK(mknod("node", S_IFREG | 0777, 0) == 0);
	CHECK(symlink("nowhere", "link") == 0);
	made("file");
	made("special");
	made("dir");
	made("fifo");
	made("node");
	umask(0);
	CHECK(close(fd) == 0 && close(special) == 0);
}

static void refused_over(const char *name)
{
	errno = 0;
	CHECK(open(name, O_CREAT | O_EXCL | O_WRONLY, 0666) < 0);
	CHECK_EQ(errno, EEXIST);
}

static void remove_each(void)
{
	CHECK(unlink("file") == 0 && unlink("special") == 0 && rmdir("dir") == 0 && unlink("fifo") == 0);
	CHECK(unlink("node") == 0 && unlink("link") == 0);
}

/* Under another name by then. */
static void by_descriptor(void)
{
	const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 6}};
	struct stat st;
	int fd = open("file", O_RDONLY);
	int path = open("file", O_PATH);

	CHECK(fd >= 0 && path >= 0);
	CHECK(rename("file", "moved") == 0);
	CHECK(close(open("file", O_CREAT | O_EXCL | O_WRONLY, 0644)) == 0);
	CHECK(fchmod(fd, 0751) == 0 && fchown(fd, geteuid(), (gid_t)-1) == 0 && futimens(fd, times) == 0);
	CHECK(stat("moved", &st) == 0);
	printf("0%o %lld %lld\n", st.st_mode, (long long)st.st_atime, (long long)st.st_mtime);
	made("file");
	CHECK(fchmod(path, 0700) < 0);
	CHECK_EQ(errno, EBADF);
	CHECK(futimens(path, times) < 0);
	CHECK_EQ(errno, EBADF);
	CHECK(close(fd) == 0 && close(path) == 0 && unlink("moved") == 0);
}

int main(void)
{
	static const mode_t masks[] = {022, 077, 0, 0777};

	files_enter();
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		make_each(masks[i]);
		refused_over("file");
		refused_over("dir");
		refused_over("link");
		if (masks[i] == 022)
			by_descriptor();
		remove_each();
	}
	files_leave();
	return 0;
}
