/* Locks, sockets with names, watches, handles, ids, and calls that most filesystems refuse. */
#include <stddef.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fsops.h"

static void op_flock(struct op *o)
{
	static const int how[] = {LOCK_SH, LOCK_EX, LOCK_UN, LOCK_UN, 0};
	int fd = arg_fd(o);

	result(o, syscall(SYS_flock, fd, arg_number(o, "how", how[draw(o, 5)]) | LOCK_NB));
}

static void say_lock(struct op *o, const struct flock *l)
{
	say(o, " type=%d", l->l_type);
	if (l->l_type == F_UNLCK)
		return;
	say(o, " start=%lld len=%lld", (long long)l->l_start, (long long)l->l_len);
	for (int i = 0; i < WORKERS; i++) {
		if (o->sh->pids[i] == l->l_pid && i != 2)
			say(o, " of w%d", i);
	}
	if (l->l_pid < 0)
		say(o, " of a description");
}

static void op_lock(struct op *o)
{
	static const int commands[] = {F_SETLK, F_SETLK, F_GETLK, F_OFD_SETLK, F_OFD_GETLK};
	static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
	int fd = arg_fd(o);
	int command = commands[draw(o, 5)];
	struct flock l = {
		.l_type = types[draw(o, 3)], .l_whence = SEEK_SET, .l_start = draw(o, 20), .l_len = draw(o, 10)};

	arg_number(o, "cmd", command);
	say(o, ", type=%d start=%lld len=%lld", l.l_type, (long long)l.l_start, (long long)l.l_len);
	if (result(o, syscall(SYS_fcntl, fd, command, &l)) == 0 && (command == F_GETLK || command == F_OFD_GETLK))
		say_lock(o, &l);
}

static void op_getfl(struct op *o)
{
	int fd = arg_fd(o);

	say(o, ")");
	say_flags(o, fd);
}

static void op_setfl(struct op *o)
{
	int fd = arg_fd(o);
	long flags = O_NONBLOCK | (one_in(o, 2) ? O_APPEND : 0) | (one_in(o, 8) ? O_NOATIME : 0);

	result(o, syscall(SYS_fcntl, fd, F_SETFL, arg_number(o, "flags", flags)));
}

/* Bind, and what another socket then finds there. */
static void op_socket(struct op *o)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *path = arg_path(o, AT_FDCWD);
	char name[PATH_BYTES];
	size_t n;
	int fd, peer;

	/* a pointer that faults cannot be put into an address */
	if (path != o->paths[0] && path != o->paths[1])
		return;
	n = strlen(path);
	if (n == 0 || n >= sizeof(addr.sun_path))
		return;
	memcpy(addr.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (one_in(o, 3)) {
		say(o, " connect");
		result(o, syscall(SYS_connect, peer, &addr, offsetof(struct sockaddr_un, sun_path) + n + 1));
	} else if (result(o, syscall(SYS_bind, fd, &addr, offsetof(struct sockaddr_un, sun_path) + n + 1)) == 0) {
		socklen_t len = sizeof(addr);

		syscall(SYS_listen, fd, 1);
		say(o, " connect");
		result(o, syscall(SYS_connect, peer, &addr, offsetof(struct sockaddr_un, sun_path) + n + 1));
		memset(name, 0, sizeof(name));
		syscall(SYS_getsockname, fd, name, &len);
		say(o, " name ");
		say_bytes(o, name + 2, strlen(name + 2));
	}
	syscall(SYS_close, fd);
	syscall(SYS_close, peer);
}

/* A watch for one change that this operation makes itself. */
static void op_inotify(struct op *o)
{
	char events[4096];
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	const char *path = arg_path(o, AT_FDCWD);
	struct stat st;
	long n, wd;

	/* a directory of a tmpfs, which has no object of the host behind it (way.left_out) */
	if (stat(path, &st) == 0 && st.st_dev == o->sh->dev_second) {
		say(o, ") left out");
		close(in);
		return;
	}
	wd = result(o, syscall(SYS_inotify_add_watch, in, path, IN_ATTRIB | (one_in(o, 4) ? IN_ONLYDIR : 0)));

	if (wd >= 0) {
		result(o, syscall(SYS_fchmodat, AT_FDCWD, path, 0755));
		n = syscall(SYS_read, in, events, sizeof(events));
		say(o, n > 0 ? " event" : " none");
		if (n > 0)
			say(o, " %#x", ((struct inotify_event *)(void *)events)->mask);
	}
	syscall(SYS_close, in);
}

/* Effective ids of this thread alone, with the raw calls; the saved ids stay 0 and bring them back. */
static void op_ids(struct op *o)
{
	long to = o->worker == 1 || o->worker == 2 ? (one_in(o, 3) ? 1000 : 0) : 0;

	arg_number(o, "to", to);
	if (to)
		syscall(SYS_setresgid, -1, to, -1);
	result(o, syscall(SYS_setresuid, -1, to, -1));
	if (!to)
		syscall(SYS_setresgid, -1, to, -1);
	say(o, " uid=%ld gid=%ld", syscall(SYS_geteuid), syscall(SYS_getegid));
}

/* Calls that Linux gives one errno for, whatever the filesystem. */
static void op_refused(struct op *o)
{
	int fd = arg_fd(o);

	switch (draw(o, 5)) {
	case 0:
		say(o, " renameat2 flags");
		result(o, syscall(SYS_renameat2, fd, "a", fd, "b", 0xf0));
		break;
	case 1:
		say(o, " faccessat2 flags");
		result(o, syscall(SYS_faccessat2, fd, "a", 0, 0x10000));
		break;
	case 2:
		say(o, " utimensat flags");
		result(o, syscall(SYS_utimensat, fd, "a", NULL, 0x10000));
		break;
	case 3:
		say(o, " ioctl");
		result(o, syscall(SYS_ioctl, fd, 0x1234, 0));
		break;
	default:
		say(o, " fchownat flags");
		result(o, syscall(SYS_fchownat, fd, "a", 0, 0, 0x10000));
	}
}

const struct operation other_operations[] = {
	{"flock", 10, op_flock, 0},
	{"lock", 14, op_lock, 0},
	{"getfl", 6, op_getfl, 0},
	{"setfl", 5, op_setfl, 0},
	{"socket", 10, op_socket, 0},
	{"inotify", 5, op_inotify, FEATURE_INOTIFY},
	{"ids", 10, op_ids, FEATURE_IDS},
	{"refused", 6, op_refused, 0},
	{NULL, 0, NULL, 0},
};
