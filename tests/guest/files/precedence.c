/*
 * Which error of several wins, and what little-used flags do: each line is printed and compared with Linux. Ways of
 * asking that random sequences of calls do not come upon.
 */
#include <linux/openat2.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "files.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

enum {
	CHECK_ONLY = 0x10000,	/* AT_EXECVE_CHECK: Linux 6.14 */
	MNT_ID_UNIQUE = 0x4000,	/* STATX_MNT_ID_UNIQUE: Linux 6.8 */
	MOUNT_ROOT = 0x2000,	/* STATX_ATTR_MOUNT_ROOT */
};

#define SHOW(call) show(#call, call)

static long show(const char *call, long result)
{
	printf("%s: %s\n", call, result < 0 ? strerrorname_np(errno) : "ok");
	return result;
}

/* An open whose descriptor is not kept. */
static long opened(long fd)
{
	return fd < 0 ? -1 : close((int)fd);
}

static char *page_end;	/* what is behind it cannot be read or written */

static void make_page(void)
{
	const size_t size = (size_t)getpagesize();
	char *m = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED);
	page_end = m + size;
	CHECK(mprotect(page_end, size, PROT_NONE) == 0);
}

static void watches(void)
{
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int file = open("f", O_RDONLY | O_CLOEXEC), only_path = open("f", O_PATH | O_CLOEXEC);

	CHECK(watch >= 0 && file >= 0 && only_path >= 0);
	SHOW(inotify_add_watch(watch, "missing", IN_CREATE | IN_MASK_ADD | IN_MASK_CREATE));
	SHOW(inotify_add_watch(watch, "f", IN_CREATE | IN_MASK_ADD | IN_MASK_CREATE));
	SHOW(inotify_add_watch(watch, "f", 0x00100000 | IN_CREATE));
	SHOW(inotify_add_watch(watch, "missing", 0));
	SHOW(inotify_add_watch(file, "missing", IN_CREATE));
	SHOW(inotify_add_watch(only_path, "missing", IN_CREATE));
	SHOW(inotify_add_watch(-1, "missing", IN_CREATE));
	SHOW(inotify_add_watch(watch, "missing", IN_CREATE));
	(void)close(watch);
	(void)close(file);
	(void)close(only_path);
}

/* A watch on a directory is no reading of it. */
static void watched_atime(void)
{
	const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	int watch = inotify_init1(IN_CLOEXEC);
	struct stat st;

	CHECK(utimensat(AT_FDCWD, "d", old, 0) == 0);
	CHECK(watch >= 0 && inotify_add_watch(watch, "d", IN_CREATE) >= 0);
	CHECK(stat("d", &st) == 0);
	printf("watched: %lld\n", (long long)st.st_atime);
	(void)close(watch);
}

static void listings(void)
{
	int d = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(d >= 0);
	/* "." fits, and after it nothing: what was given counts, and the next call goes on behind it. */
	printf("first: %ld\n", syscall(SYS_getdents64, d, page_end - 30, 400));
	printf("second: %ld\n", syscall(SYS_getdents64, d, page_end - 24, 400));
	printf("old: %ld\n", syscall(SYS_getdents, d, page_end - 33, 400));
	CHECK(lseek(d, 0, SEEK_SET) == 0);
	/* What fills an entry up is not written. */
	printf("short: %ld\n", syscall(SYS_getdents64, d, page_end - 22, 400));
	while (syscall(SYS_getdents64, d, page_end - 400, 400) > 0)
		;
	printf("end: %ld\n", syscall(SYS_getdents64, d, page_end, 400));
	CHECK(lseek(d, 0, SEEK_SET) == 0);
	SHOW(syscall(SYS_getdents64, d, page_end, 400));
	SHOW(syscall(SYS_getdents64, d, page_end - 400, 0xffffffffU));
	(void)close(d);
}

static void execs(void)
{
	char *argv[] = {(char[]){"x"}, NULL};
	int link = open("l", O_PATH | O_NOFOLLOW | O_CLOEXEC), script = open("script", O_RDONLY | O_CLOEXEC);

	CHECK(link >= 0 && script >= 0);
	SHOW(syscall(SYS_execveat, link, "", argv, NULL, AT_EMPTY_PATH));
	SHOW(syscall(SYS_execveat, script, "", argv, NULL, AT_EMPTY_PATH));
	if (syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, CHECK_ONLY) < 0)
		return;
	SHOW(syscall(SYS_execveat, script, "", argv, NULL, AT_EMPTY_PATH | CHECK_ONLY));
	SHOW(syscall(SYS_execveat, AT_FDCWD, "nonsense", argv, NULL, CHECK_ONLY));
	SHOW(syscall(SYS_execveat, AT_FDCWD, "f", argv, NULL, CHECK_ONLY));
	SHOW(syscall(SYS_execveat, AT_FDCWD, "d", argv, NULL, CHECK_ONLY));
	(void)close(link);
	(void)close(script);
}

static void full(void)
{
	struct rlimit old, few;
	const struct open_how bad = {.flags = O_RDONLY, .resolve = 0x1000};

	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	few = (struct rlimit){.rlim_cur = 3, .rlim_max = old.rlim_max};
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	SHOW(openat(-1, "f", O_RDONLY));
	SHOW(openat(-1, "", O_RDONLY));
	SHOW(openat(-1, page_end, O_RDONLY));
	SHOW(open("missing", O_RDONLY));
	SHOW(syscall(SYS_openat2, -1, "f", &bad, sizeof(bad)));
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
}

static void resolves(void)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_CACHED};
	struct stat st;

	CHECK(stat("f", &st) == 0);
	SHOW(opened(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how))));
	SHOW(opened(syscall(SYS_openat2, AT_FDCWD, "f/", &how, sizeof(how))));
	how.flags = O_RDWR | O_TRUNC;
	SHOW(opened(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how))));
	how = (struct open_how){.flags = O_RDWR | O_CREAT, .mode = 0600, .resolve = RESOLVE_CACHED};
	SHOW(opened(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof(how))));
}

static void capabilities(void)
{
	/* struct vfs_cap_data, revision 2 */
	char caps[20] = {1, 0, 0, 2, 1};

	SHOW(setxattr("f", "security.capability", "nonsense", 8, 0));
	SHOW(setxattr("f", "security.capability", NULL, 0, 0));
	if (getuid() != 0)
		return;
	SHOW(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	SHOW(setxattr("f", "security.capability", caps, sizeof(caps) - 1, 0));
	caps[3] = 3;
	SHOW(setxattr("f", "security.capability", caps, sizeof(caps), 0));
	SHOW(removexattr("f", "security.capability"));
	caps[3] = 2;
	for (int i = 0; i < 3; i++) {
		SHOW(setxattr("f", "security.capability", caps, sizeof(caps), 0));
		CHECK((i == 0 ? truncate("f", 1) : i == 1 ? chown("f", (uid_t)-1, (gid_t)-1) : chmod("f", 0644)) == 0);
		SHOW(getxattr("f", "security.capability", caps, sizeof(caps)));
	}
}

/* An open waits for who has a lease on the file, who is told; or it does not wait. */
static void leases(void)
{
	sigset_t set;
	int sig, fd = open("f", O_RDWR | O_CLOEXEC);
	pid_t pid;

	CHECK(fd >= 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGIO);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	pid = guest_fork();
	if (pid == 0) {
		(void)close(fd);
		_exit(open("f", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0);
	}
	CHECK(sigwait(&set, &sig) == 0);
	CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	guest_wait_exit(pid, 0);
	CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
	SHOW(opened(open("f", O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
	CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
	(void)close(fd);
}

/* A file without a name gets one, and when it has lost that none again. */
static void nameless(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char name[32];

	CHECK(fd >= 0);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
	SHOW(unlink("named"));
	SHOW(unlink("named2"));
	SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	(void)close(fd);
}

/* What an ordinary user may and may not, in which order. */
static void unprivileged(void)
{
	const char bad_acl[] = {1, 0, 0, 0};
	pid_t pid;
	int d;

	CHECK(mkdir("own", 0777) == 0 && chmod("own", 0777) == 0);
	fflush(stdout);
	pid = guest_fork();
	if (pid == 0) {
		if (getuid() == 0)
			CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
		SHOW(setxattr("f", "system.posix_acl_access", bad_acl, sizeof(bad_acl), 0));
		SHOW(setxattr("f", "system.posix_acl_access", bad_acl, 3, 0));
		/* Names of an overlay cannot be such devices, which mean that there is no name. */
		show("whiteout", files_tree("overlay") ? 0 : mknod("own/whiteout", S_IFCHR | 0600, 0));
		SHOW(mknod("own/block", S_IFBLK | 0600, 0));
		CHECK(mkdir("own/closed", 0700) == 0);
		d = open("own/closed", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(d >= 0 && fchmod(d, 0600) == 0);
		SHOW(opened(openat(d, ".", O_RDONLY)));
		SHOW(opened(openat(d, "..", O_RDONLY)));
		SHOW(faccessat(AT_FDCWD, "own/closed/.", F_OK, 0));
		fflush(stdout);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
}

/* A socket's name is told as long as it is, however long the address was that it was bound to. */
static void socket_names(void)
{
	struct sockaddr_un bound = {.sun_family = AF_UNIX, .sun_path = "s"}, told = {0};
	socklen_t len = sizeof(told);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), t = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(s, (const struct sockaddr *)&bound, sizeof(bound)) == 0);
	CHECK(getsockname(s, (struct sockaddr *)&told, &len) == 0);
	printf("name: %s, %u\n", told.sun_path, (unsigned)len);
	bound.sun_path[0] = 't';
	len = sizeof(told);
	CHECK(bind(t, (const struct sockaddr *)&bound, offsetof(struct sockaddr_un, sun_path) + 1) == 0);
	CHECK(getsockname(t, (struct sockaddr *)&told, &len) == 0);
	printf("name: %s, %u\n", told.sun_path, (unsigned)len);
	(void)close(s);
	(void)close(t);
}

static unsigned long mount_in_fdinfo(const char *name)
{
	char path[64], line[128];
	unsigned long id = 0;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *f = fopen(path, "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "mnt_id: %lu", &id);
	(void)fclose(f);
	(void)close(fd);
	return id;
}

/* struct statx of newer headers: stx_mnt_id is where Debian 12's has it too. */
static void mounts(void)
{
	struct statx x = {0}, unique = {0};

	CHECK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_MNT_ID, &x) == 0);
	CHECK(x.stx_mask & STATX_MNT_ID);
	CHECK_EQ(x.stx_mnt_id, mount_in_fdinfo("f"));
	CHECK(!(x.stx_attributes & MOUNT_ROOT) && x.stx_attributes_mask & MOUNT_ROOT);
	CHECK(statx(AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &x) == 0);
	CHECK(x.stx_attributes & MOUNT_ROOT);
	CHECK(statx(AT_FDCWD, "f", 0, MNT_ID_UNIQUE, &unique) == 0);
	if (unique.stx_mask & MNT_ID_UNIQUE)
		CHECK(unique.stx_mnt_id >> 31);
}

int main(void)
{
	files_enter();
	make_page();
	files_write("f", "x");
	files_write("script", "#!/bin/true\n");
	files_write("nonsense", "nonsense");
	CHECK(chmod("script", 0755) == 0 && chmod("nonsense", 0755) == 0);
	CHECK(mkdir("d", 0755) == 0);
	files_write("d/in", "x");
	CHECK(symlink("f", "l") == 0);
	watches();
	watched_atime();
	listings();
	execs();
	full();
	resolves();
	capabilities();
	nameless();
	leases();
	socket_names();
	mounts();
	unprivileged();
	files_leave();
	return 0;
}
