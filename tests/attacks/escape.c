/*
 * A guest that tries to reach what lies outside of its root. The one thing outside is a file "secret" that holds
 * OUTSIDE, in the directory above the root; whoever reads that, or the host's own /etc/passwd, escaped. Statically
 * linked: the root is empty but for this program, /in (a directory), /in/secret and /secret, which hold INSIDE; what is
 * missing of that is made.
 *
 *	escape ATTACK [ROUNDS] [FD]
 *
 * Exit status: 0 it held, 1 it did not, 2 the attack could not be made as planned.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static long rounds = 1000;
static int given = -1;
static volatile int stop;

__attribute__((format(printf, 1, 2)))
static void escaped(const char *how, ...)
{
	va_list args;
	va_start(args, how);
	fputs("ESCAPED: ", stdout);
	vprintf(how, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	_exit(1);
}

static void unable(const char *what)
{
	printf("cannot %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(2);
}

/* Whatever can be read there must be of the inside. Takes over fd; a negative one is a refusal, which is fine. */
static void look_at(int fd, const char *how)
{
	char buf[64] = "";
	if (fd < 0)
		return;
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n > 0 && strncmp(buf, "INSIDE", 6) != 0)
		escaped("%s gave \"%.20s\", %zd bytes, byte 0 %d, fd %d", how, buf, n, buf[0], fd);
}

static void try_below(int dir, const char *how)
{
	static const char *const names[] = {
		"secret", "../secret", "../../secret", "../../../../../../../../../../secret", "in/../../secret",
		"../../../../../../../../../../../etc/passwd", "etc/passwd", "../outside/secret", "/../secret", "/etc/passwd",
	};
	char what[256];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(what, sizeof(what), "%s, %s", how, names[i]);
		look_at(openat(dir, names[i], O_RDONLY), what);
	}
}

/* ---- names ---- */

static void attack_dotdot(void)
{
	static const char *const mounts[] = {"/proc", "/dev", "/dev/pts", "/bin", "/host", "/proc/self", "/proc/self/fd"};
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	int in = open("/in", O_PATH | O_DIRECTORY);
	try_below(AT_FDCWD, "the root");
	try_below(in, "a directory");
	if (chdir("/in") < 0)
		unable("chdir");
	try_below(AT_FDCWD, "cwd");
	look_at((int)syscall(SYS_openat2, in, "../../secret", &how, sizeof(how)), "openat2 in root");
	symlink("../../secret", "/in/up");
	symlink("/../../secret", "/in/top");
	symlink("/proc/self/root/../secret", "/in/magic");
	look_at(open("/in/up", O_RDONLY), "link up");
	look_at(open("/in/top", O_RDONLY), "link to the top");
	look_at(open("/in/magic", O_RDONLY), "link through proc");
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		int top = open(mounts[i], O_RDONLY | O_DIRECTORY);
		try_below(top, mounts[i]);
		if (chdir(mounts[i]) == 0)
			try_below(AT_FDCWD, mounts[i]);
		look_at((int)syscall(SYS_openat2, top, "../../secret", &how, sizeof(how)), mounts[i]);
		close(top);
	}
}

static void attack_proc(void)
{
	static const char *const dirs[] = {
		"/proc/self/root", "/proc/self/cwd", "/proc/1/root", "/proc/1/cwd", "/proc/thread-self/root", "/proc/self/fd",
		"/proc/self/task/../..", "/proc/self/root/proc/self/root/..", "/proc/self/map_files", "/dev/fd/..",
		"/proc/self/fd/../root/..", "/proc/self/exe/..",
	};
	char name[64];
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int fd = open(dirs[i], O_PATH);
		if (fd < 0)
			continue;
		try_below(fd, dirs[i]);
		close(fd);
	}
	/* The supervisor is the parent, whatever its number. */
	const int pids[] = {1, 2, 3, getppid(), getpid() - 2, getpid() - 1, getpid(), getpid() + 1, getpid() + 2};
	static const char *const parts[] = {"root", "cwd", "exe", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7"};
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]) * 8; i++) {
		snprintf(name, sizeof(name), "/proc/%d/%s", pids[i / 8], parts[i % 8]);
		int fd = open(name, O_PATH);
		if (fd < 0)
			continue;
		try_below(fd, name);
		close(fd);
	}
	int in = open("/in", O_RDONLY | O_DIRECTORY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d/..", in);
	int above = open(name, O_PATH);
	try_below(above, name);
}

/* The old way out of a chroot, as root of our own making. */
static void attack_chroot(void)
{
	int old = open("/", O_RDONLY | O_DIRECTORY);
	mkdir("/jail", 0755);
	if (chroot("/jail") < 0 && errno != EPERM)
		unable("chroot");
	fchdir(old);
	for (int i = 0; i < 50; i++)
		chdir("..");
	try_below(AT_FDCWD, "out of a chroot");
	chroot(".");
	try_below(AT_FDCWD, "after a second chroot");
	try_below(old, "its descriptor");
}

/* ---- races inside ---- */

static void *swap_exchange(void *arg)
{
	(void)arg;
	mkdir("/race", 0755);
	symlink("../../..", "/race/link");
	symlink("/", "/race/absolute");
	mkdir("/race/dir", 0755);
	for (long i = 0; i < rounds; i++)
		if (renameat2(AT_FDCWD, "/race/dir", AT_FDCWD, i & 1 ? "/race/link" : "/race/absolute", RENAME_EXCHANGE) < 0)
			unable("exchange");
	stop = 1;
	return NULL;
}

/* All that changes a file or makes a name, through a component that is a link to elsewhere at times. */
static void change_below(const char *dir)
{
	char name[64], other[64];
	snprintf(name, sizeof(name), "%s/made", dir);
	snprintf(other, sizeof(other), "%s/sub/made", dir);
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	close(fd);
	link(name, other);
	rename(name, other);
	unlink(other);
	symlink("/in/secret", name);
	unlink(name);
	mkdir(name, 0700);
	rmdir(name);
	mknod(name, S_IFIFO | 0600, 0);
	unlink(name);
	snprintf(name, sizeof(name), "%s/secret", dir);
	chmod(name, 0640);
	chown(name, 7, 7);
	truncate(name, 7);
	utimensat(AT_FDCWD, name, (struct timespec[2]){{1, 0}, {1, 0}}, 0);
	setxattr(name, "user.made", "x", 1, 0);
	fd = open(name, O_WRONLY | O_APPEND);
	close(fd);
}

static void attack_swap(void)
{
	pthread_t t;
	struct open_how beneath = {.flags = O_RDONLY, .resolve = RESOLVE_BENEATH};
	if (pthread_create(&t, NULL, swap_exchange, NULL))
		unable("start a thread");
	int root = open("/", O_PATH);
	for (long i = 0; !stop; i++) {
		if (i % 16 == 0)
			change_below("/race/dir");
		look_at(open("/race/dir/secret", O_RDONLY), "a directory that is a link at times");
		look_at(open("/race/dir/../secret", O_RDONLY), "above a directory that is a link at times");
		look_at(open("/race/dir/etc/passwd", O_RDONLY), "a directory that is a link to / at times");
		look_at((int)syscall(SYS_openat2, root, "race/dir/../../secret", &beneath, sizeof(beneath)), "beneath");
	}
	pthread_join(t, NULL);
}

/* A directory that is open goes deeper and higher; ".." of it must stop at the root. */
static void *move_directory(void *arg)
{
	(void)arg;
	mkdir("/a", 0755);
	mkdir("/a/b", 0755);
	mkdir("/a/b/c", 0755);
	mkdir("/a/b/c/d", 0755);
	for (long i = 0; i < rounds; i++)
		if (rename(i & 1 ? "/d" : "/a/b/c/d", i & 1 ? "/a/b/c/d" : "/d") < 0)
			unable("rename");
	stop = 1;
	return NULL;
}

static void attack_move(void)
{
	pthread_t t;
	if (pthread_create(&t, NULL, move_directory, NULL))
		unable("start a thread");
	while (!stop) {
		int d = open("/a/b/c/d", O_RDONLY | O_DIRECTORY);
		look_at(openat(d, "../../../../secret", O_RDONLY), "a directory that moves");
		look_at(open("/a/b/c/d/../../../../secret", O_RDONLY), "a name that moves");
		close(d);
	}
	pthread_join(t, NULL);
}

/* The name's bytes change while the call is under way. */
static char name[64];

static void *change_name(void *arg)
{
	(void)arg;
	while (!stop) {
		memcpy(name, "/in/secret\0xxxxxxx", 18);
		memcpy(name, "/../../../secret", 17);
	}
	return NULL;
}

static void attack_bytes(void)
{
	pthread_t t;
	strcpy(name, "/in/secret");
	if (pthread_create(&t, NULL, change_name, NULL))
		unable("start a thread");
	for (long i = 0; i < rounds; i++)
		look_at(open(name, O_RDONLY), "a name that changes");
	stop = 1;
	pthread_join(t, NULL);
}

/* ---- races with the host: somebody out there swaps /host/dir for a link to the outside, and /host/deep/x ---- */

static void attack_host(void)
{
	for (long i = 0; i < rounds; i++) {
		look_at(open("/host/dir/secret", O_RDONLY), "a directory that the host replaces");
		look_at(open("/host/dir/sub/secret", O_RDONLY), "below it");
		look_at(open("/host/file", O_RDONLY), "a file that the host replaces");
		int d = open("/host/dir", O_RDONLY | O_DIRECTORY);
		if (d >= 0) {
			look_at(openat(d, "secret", O_RDONLY), "in an open one");
			look_at(openat(d, "../secret", O_RDONLY), "above an open one");
			look_at(openat(d, "../../secret", O_RDONLY), "high above an open one");
			close(d);
		}
		change_below("/host/dir");
		mkdir("/host/dir/newdir", 0755);
		rename("/host/dir/newdir", "/host/dir/moved");
		rmdir("/host/dir/moved");
		rmdir("/host/dir/newdir");
	}
}

/* The host moves /host/away out of the root when it sees /signal/open, and makes /signal/moved when it has. */
static void attack_moved_out(void)
{
	struct stat st;
	int d = open("/host/away", O_RDONLY | O_DIRECTORY);
	if (d < 0 || fchdir(d) < 0 || mkdir("/signal/open", 0755) < 0)
		unable("open the directory");
	for (int i = 0; i < 2000 && stat("/signal/moved", &st) < 0; i++)
		usleep(10000);
	if (stat("/signal/moved", &st) < 0)
		unable("see the host move it");
	try_below(d, "a directory that was moved out");
	try_below(AT_FDCWD, "a working directory that was moved out");
	chdir("..");
	try_below(AT_FDCWD, "above a working directory that was moved out");
	chdir("../..");
	try_below(AT_FDCWD, "far above it");
	/* Nothing is made out there either, above it. */
	int fd = openat(d, "../made", O_CREAT | O_WRONLY, 0644);
	if (fd >= 0)
		close(fd);
	mkdirat(d, "../made.d", 0755);
	linkat(d, "mine", d, "../linked", 0);
}

/* ---- descriptors from outside ---- */

static void try_foreign(int fd, const char *how)
{
	struct open_how open_how = {.flags = O_RDONLY};
	char proc[64];
	try_below(fd, how);
	look_at((int)syscall(SYS_openat2, fd, "etc/passwd", &open_how, sizeof(open_how)), how);
	if (fchdir(fd) == 0)
		try_below(AT_FDCWD, "fchdir to one from outside");
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	int again = open(proc, O_PATH);
	if (again >= 0)
		try_below(again, "reopened through proc");
	close(again);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/etc/passwd", fd);
	look_at(open(proc, O_RDONLY), "below it through proc");
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/../secret", fd);
	look_at(open(proc, O_RDONLY), "above it through proc");
	if (linkat(fd, "etc/passwd", AT_FDCWD, "/in/linked", 0) == 0)
		look_at(open("/in/linked", O_RDONLY), "linked from outside");
	if (renameat(fd, "nothing", AT_FDCWD, "/in/renamed") == 0 || mkdirat(fd, "in-the-way", 0755) == 0)
		escaped("a name was made outside");
	chroot(proc);
	fchdir(fd);
	try_below(AT_FDCWD, "after all");
}

static void attack_inherited(void)
{
	struct stat st;
	if (fstat(given, &st) < 0)
		unable("see the inherited descriptor");
	try_foreign(given, "an inherited directory");
}

static int receive(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec io = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd = -1;
	if (recvmsg(socket, &m, 0) <= 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void attack_received(void)
{
	int fd = receive(given);
	if (fd < 0)
		unable("receive a descriptor");
	try_foreign(fd, "a received directory");
}

/* ---- calls that lead elsewhere ---- */

static void attack_calls(void)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = {.h.handle_bytes = MAX_HANDLE_SZ};
	int mount_id;
	if (syscall(SYS_name_to_handle_at, AT_FDCWD, "/in", &handle, &mount_id, 0) == 0) {
		int fd = (int)syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY | O_DIRECTORY);
		if (fd >= 0)
			try_below(fd, "opened by handle");
	}
	if (syscall(SYS_io_uring_setup, 4, (char[256]){0}) >= 0)
		escaped("io_uring answers");
	if (syscall(SYS_mount, "/", "/in", NULL, 4096L /* MS_BIND */, NULL) == 0)
		try_below(AT_FDCWD, "mounted");
	if (syscall(SYS_pivot_root, "/", "/in") == 0)
		try_below(AT_FDCWD, "pivoted");
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "/", 0);
	if (tree >= 0)
		try_below(tree, "open_tree");
	if (syscall(SYS_unshare, 0x00020000L /* CLONE_NEWNS */) == 0)
		try_below(AT_FDCWD, "in a mount namespace of its own");
	if (execl("/../../../../bin/sh", "sh", "-c", "echo ESCAPED", NULL) == 0 || errno == 0)
		escaped("a program from outside ran");
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "../../../../made.socket"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)bind(s, (struct sockaddr *)&a, sizeof(a));
}

static void make_inside(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd >= 0 && write(fd, "INSIDE\n", 7) != 7)
		unable("write what is inside");
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} attacks[] = {
		{"dotdot", attack_dotdot}, {"proc", attack_proc}, {"chroot", attack_chroot}, {"swap", attack_swap},
		{"move", attack_move}, {"bytes", attack_bytes}, {"host", attack_host}, {"moved-out", attack_moved_out},
		{"inherited", attack_inherited}, {"received", attack_received}, {"calls", attack_calls},
	};
	mkdir("/in", 0755);
	make_inside("/in/secret");
	make_inside("/secret");
	if (argc > 2)
		rounds = atol(argv[2]);
	if (argc > 3)
		given = atoi(argv[3]);
	for (size_t i = 0; argc > 1 && i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(attacks[i].name, argv[1]) != 0)
			continue;
		attacks[i].run();
		puts("held");
		return 0;
	}
	return 2;
}
