/* A process of root that took on other ids for files (a file server does) opens by openat2 and with O_PATH. */
#include <linux/openat2.h>
#include <signal.h>
#include <sys/fsuid.h>

#include "files.h"

static int open2(const char *name, uint64_t flags)
{
	struct open_how how = {.flags = flags, .resolve = RESOLVE_NO_SYMLINKS};

	return (int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(how));
}

static void want(int fd, const char *name)
{
	char link[64], target[PATH_MAX + 32];

	CHECK(fd >= 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(target, sizeof(target), "%s%s", files_dir, name);
	files_want_link(link, target);
}

static void open_all(void)
{
	struct open_how how;
	struct stat st;
	char byte;
	int made;
	int dir = open("d", O_PATH | O_DIRECTORY), file = open("d/f", O_PATH), list, read_only, both;

	want(dir, "/d");
	want(file, "/d/f");
	CHECK(fstat(file, &st) == 0 && S_ISREG(st.st_mode));
	CHECK_ERRNO(read(file, &byte, 1), EBADF);
	CHECK((fcntl(file, F_GETFL) & O_PATH) != 0);
	list = open2("d", O_RDONLY | O_DIRECTORY);
	want(list, "/d");
	CHECK(fstatat(list, "f", &st, 0) == 0 && st.st_size == 4);
	read_only = open2("d/f", O_RDONLY | O_CLOEXEC);
	want(read_only, "/d/f");
	files_want_fd(read_only, "text");
	CHECK_EQ(fcntl(read_only, F_GETFD), FD_CLOEXEC);
	both = open2("d/g", O_RDWR | O_APPEND);
	want(both, "/d/g");
	CHECK_EQ(fcntl(both, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR | O_APPEND);
	CHECK_ERRNO(open2("d/secret", O_RDONLY), EACCES);
	CHECK_ERRNO(open("closed/f", O_PATH), EACCES);
	CHECK(open("d/secret", O_PATH) >= 0);
	(void)umask(0777);
	CHECK(unlink("mine/new") == 0 || errno == ENOENT);
	how = (struct open_how){.flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600};
	made = (int)syscall(SYS_openat2, AT_FDCWD, "mine/new", &how, sizeof(how));
	want(made, "/mine/new");		/* whatever its mode is, its maker has it */
	CHECK(fstat(made, &st) == 0 && (st.st_mode & 07777) == 0);
	CHECK(write(made, "made", 4) == 4 && close(made) == 0);
	(void)umask(022);
	CHECK(close(dir) == 0 && close(file) == 0 && close(list) == 0 && close(read_only) == 0 && close(both) == 0);
}

/* fcntl(2) gives O_NOATIME to the owner alone, of a directory too, and whenever it became his. */
static void no_atime(void)
{
	int before = open("now_mine", O_RDONLY | O_DIRECTORY);
	pid_t pid;

	CHECK(before >= 0 && chown("now_mine", 1000, 1000) == 0 && chown("was_mine", 1000, 1000) == 0);
	pid = guest_fork();
	if (pid == 0) {
		int after;

		CHECK(setresuid(1000, 1000, 1000) == 0);
		after = open("was_mine", O_RDONLY | O_DIRECTORY);
		CHECK(fcntl(before, F_SETFL, O_NOATIME) == 0 && fcntl(after, F_SETFL, O_NOATIME) == 0);
		CHECK_ERRNO(fcntl(open("d", O_RDONLY | O_DIRECTORY), F_SETFL, O_NOATIME), EPERM);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(close(before) == 0);
}

static void as(int (*become)(void))
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		CHECK(become() == 0);
		open_all();
		_exit(0);
	}
	guest_wait_exit(pid, 0);
}

static int effective(void)
{
	return setresgid((gid_t)-1, 1000, (gid_t)-1) || setresuid((uid_t)-1, 1000, (uid_t)-1);
}

static int for_good(void)
{
	return setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000);
}

static int for_files(void)
{
	(void)setfsgid(1000);
	(void)setfsuid(1000);
	return setfsuid(1000) != 1000;
}

static void on_alarm(int sig)
{
	int saved = errno, fd = open2("d/f", O_RDONLY);

	(void)sig;
	CHECK(fd >= 0 && close(fd) == 0);
	guest_storm_signal();
	errno = saved;
}

/* A signal at any moment neither interrupts an openat2 nor makes it happen twice. */
static void under_signals(void)
{
	struct sigaction act = {.sa_handler = on_alarm};
	struct open_how how = {.flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0400};

	CHECK(sigaction(SIGALRM, &act, NULL) == 0);
	guest_storm(300);
	for (int i = 0; i < 1500; i++) {
		int fd = (int)syscall(SYS_openat2, AT_FDCWD, "mine/again", &how, sizeof(how));

		CHECK(fd >= 0);
		CHECK(unlink("mine/again") == 0 && close(fd) == 0);
		guest_storm_steps++;
	}
	guest_storm(0);
}

int main(void)
{
	if (geteuid() != 0)
		return 77;
	files_enter();
	CHECK(mkdir("d", 0755) == 0 && mkdir("closed", 0700) == 0 && mkdir("mine", 0777) == 0);
	CHECK(chmod("mine", 0777) == 0 && mkdir("now_mine", 0755) == 0 && mkdir("was_mine", 0755) == 0);
	no_atime();
	files_write("d/f", "text");
	files_write("d/g", "");
	files_write("d/secret", "");
	CHECK(chmod("d/secret", 0600) == 0 && chown("d/g", 1000, 1000) == 0);
	under_signals();
	as(effective);
	as(for_good);
	as(for_files);
	files_leave();
	return 0;
}
