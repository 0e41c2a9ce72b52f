/*
 * Directories of processes in /proc are immutable: nobody changes them or what is in them, and that is said before
 * anything about types. What belongs to a process takes owners, times and lengths and forgets them. And access(2) goes
 * by the real ids where it leads through another process' directory.
 */
#include <signal.h>
#include <sys/xattr.h>

#include "files.h"

static void names_of_a_process(void)
{
	CHECK_ERRNO(unlink("/proc/self/status"), EPERM);
	CHECK_ERRNO(rmdir("/proc/self/status"), EPERM);
	CHECK_ERRNO(unlink("/proc/self/fd"), EPERM);
	CHECK_ERRNO(rmdir("/proc/self/fd"), EPERM);
	CHECK_ERRNO(rmdir("/proc/self/cwd"), EPERM);
	CHECK_ERRNO(rename("/proc/self/fd", "/proc/self/io"), EPERM);
	CHECK_ERRNO(rename("/proc/self/io", "/proc/self/fd"), EPERM);
	CHECK_ERRNO(renameat2(AT_FDCWD, "/proc/self/fd", AT_FDCWD, "/proc/self/io", RENAME_EXCHANGE), EPERM);
	CHECK_ERRNO(unlink("/proc/self/nothing"), ENOENT);
	CHECK_ERRNO(mkdir("/proc/self/nothing", 0755), ENOENT);
	CHECK_ERRNO(open("/proc/self", O_TMPFILE | O_RDWR, 0600), EPERM);
	CHECK_ERRNO(access("/proc/self", W_OK), EPERM);
	CHECK(access("/proc/self", R_OK | X_OK) == 0);
}

static void attributes(void)
{
	static const char *const own[] = {"/proc/self/status", "/proc/self/fd", "/proc/self/attr", "/proc/self/task", "/proc/self/comm"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		CHECK_ERRNO(chmod(own[i], 0755), EPERM);
		CHECK(chown(own[i], getuid(), getgid()) == 0);
		CHECK(utimensat(AT_FDCWD, own[i], NULL, 0) == 0);
		CHECK_ERRNO(setxattr(own[i], "user.a", "b", 1, 0), EOPNOTSUPP);
	}
	CHECK(lchown("/proc/self", getuid(), getgid()) == 0);
	CHECK_ERRNO(chown("/proc/self", getuid(), getgid()), EPERM);
	CHECK(chown("/proc/self", (uid_t)-1, (gid_t)-1) == 0);
	CHECK_ERRNO(utimensat(AT_FDCWD, "/proc/self/", NULL, 0), EPERM);
	CHECK_ERRNO(setxattr("/proc/self", "user.a", "b", 1, 0), EPERM);
	CHECK_ERRNO(setxattr("/proc/self", "trusted.a", "b", 1, 0), EPERM);
	CHECK(truncate("/proc/self/status", 0) == 0);
}

/* What needs root, whom others' files obey. */
static void names_below(void)
{
	char name[64];
	pid_t pid = guest_fork();

	if (pid == 0)
		for (;;)
			pause();
	snprintf(name, sizeof(name), "/proc/%d", pid);
	CHECK_ERRNO(unlink(name), EPERM);
	CHECK_ERRNO(rmdir(name), EPERM);
	CHECK_ERRNO(rmdir("/proc/self/fdinfo/0"), ENOTDIR);
	CHECK_ERRNO(unlink("/proc/self/fdinfo/0"), EPERM);
	/* access(2) by the real ids, which may look into the other process; the ones for files may not. */
	CHECK(setresuid((uid_t)-1, 1000, (uid_t)-1) == 0);
	snprintf(name, sizeof(name), "/proc/%d/cwd/nothing", pid);
	CHECK_ERRNO(access(name, W_OK), ENOENT);
	CHECK_ERRNO(faccessat(AT_FDCWD, name, W_OK, AT_EACCESS), EACCES);
	CHECK(setresuid((uid_t)-1, 0, (uid_t)-1) == 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(WIFSIGNALED(guest_wait(pid)));
}

int main(void)
{
	files_enter();
	if (geteuid() == 0) {
		names_of_a_process();
		attributes();
		names_below();
	}
	files_leave();
	return 0;
}
