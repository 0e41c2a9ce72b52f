/* Locks, sockets with names, watches, descriptors that are passed on, and calls that most filesystems refuse. */
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
		say_path(o, name + 2);
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

/* A datagram to a name, who it says sent it, and what the socket says of its peer. */
static void op_datagram(struct op *o)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX}, from = {.sun_family = AF_UNIX};
	const char *path = arg_path(o, AT_FDCWD), *own = arg_path(o, AT_FDCWD);
	const socklen_t head = offsetof(struct sockaddr_un, sun_path);
	socklen_t len = sizeof(from);
	char byte;
	int in, out;

	if ((path != o->paths[0] && path != o->paths[1]) || (own != o->paths[0] && own != o->paths[1]) || own == path ||
	    !*path || strlen(path) >= sizeof(to.sun_path) || strlen(own) >= sizeof(from.sun_path))
		return;
	strcpy(to.sun_path, path);
	strcpy(from.sun_path, own);
	in = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	out = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	result(o, syscall(SYS_bind, in, &to, head + strlen(path) + 1));
	if (*own) {
		say(o, " own(");
		result(o, syscall(SYS_bind, out, &from, head + strlen(own) + 1));
	}
	say(o, " sendto(");
	result(o, syscall(SYS_sendto, out, "x", 1, 0, &to, head + strlen(path) + 1));
	memset(&from, 0, sizeof(from));
	say(o, " recvfrom(");
	if (result(o, syscall(SYS_recvfrom, in, &byte, 1, 0, &from, &len)) == 1 && len > head)
		say_path(o, from.sun_path);
	say(o, " connect(");
	if (result(o, syscall(SYS_connect, out, &to, head + strlen(path) + 1)) == 0) {
		memset(&from, 0, sizeof(from));
		len = sizeof(from);
		syscall(SYS_getpeername, out, &from, &len);
		say_path(o, from.sun_path);
	}
	syscall(SYS_close, in);
	syscall(SYS_close, out);
}

/* What another worker has open. */
static void op_pidfd_getfd(struct op *o)
{
	int whose = (int)arg_number(o, "of", draw(o, WORKERS));
	static const int tables[] = {0, 1, 1, 2};
	int slot = arg_slot(o), fd = o->sh->slots[tables[whose]][slot];
	long pidfd = syscall(SYS_pidfd_open, o->sh->pids[whose], 0), r;

	say(o, ", s%d:%d", slot, fd);
	r = result(o, syscall(SYS_pidfd_getfd, pidfd, fd, 0));
	syscall(SYS_close, pidfd);
	new_fd(o, arg_slot(o), r);
	if (r >= 0)
		say_flags(o, (int)r);
}

/* A descriptor that went through a socket. */
static void op_pass(struct op *o)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } room = {.bytes = {0}};
	char byte = 'x';
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room)};
	int fd = arg_fd(o), pair[2], got = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return;
	room.align = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&room.align), &fd, sizeof(int));
	if (result(o, syscall(SYS_sendmsg, pair[0], &m, 0)) == 1 && syscall(SYS_recvmsg, pair[1], &m, MSG_CMSG_CLOEXEC) == 1 &&
	    m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&got, CMSG_DATA(&room.align), sizeof(int));
	syscall(SYS_close, pair[0]);
	syscall(SYS_close, pair[1]);
	new_fd(o, arg_slot(o), got);
}

/* What a descriptor says of itself: errors, and values that all filesystems have in common. */
static void op_fcntl(struct op *o)
{
	enum { F_DUPFD_QUERY_ = 1027 };
	static const int commands[] = {F_GETLEASE, F_GETPIPE_SZ, F_GETOWN, F_GET_RW_HINT, F_DUPFD_QUERY_, F_SETOWN, F_SETLEASE, 4242};
	static const unsigned long requests[] = {0x541b /* FIONREAD */, 0x5460 /* FIOQSIZE */, 0x80086601 /* FS_IOC_GETFLAGS */,
						 0x5421 /* FIONBIO */, 0x40049409 /* FICLONE */};
	int fd = arg_fd(o), command;
	long value = 0;
	struct stat st;

	if (syscall(SYS_fstat, fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		say(o, ") left out");
		return;
	}
	if (one_in(o, 2)) {
		command = (int)arg_number(o, "cmd", commands[draw(o, 8)]);
		if (command == F_GET_RW_HINT)
			result(o, syscall(SYS_fcntl, fd, command, &value));
		else
			result(o, syscall(SYS_fcntl, fd, command, command == F_SETLEASE ? F_UNLCK : command == F_DUPFD_QUERY_ ? fd : 0));
		return;
	}
	command = (int)arg_number(o, "request", (long)draw(o, 5));
	if (command == 3)
		value = 1;
	/* overlayfs takes suid and sgid away before the layer below says that it cannot clone */
	if (command == 4 && !(o->sh->features & FEATURE_FAILED_WRITES) && !is_root(o)) {
		say(o, ") left out");
		return;
	}
	result(o, syscall(SYS_ioctl, fd, requests[command], command == 4 ? (void *)(intptr_t)fd : &value));
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
	{"flock", 10, op_flock, 0, false},
	{"lock", 14, op_lock, 0, false},
	{"getfl", 6, op_getfl, 0, false},
	{"setfl", 5, op_setfl, 0, false},
	{"socket", 10, op_socket, 0, false},
	{"inotify", 5, op_inotify, FEATURE_INOTIFY, false},
	{"datagram", 6, op_datagram, 0, false},
	{"pidfd_getfd", 6, op_pidfd_getfd, 0, false},
	{"pass", 6, op_pass, 0, false},
	{"fcntl", 8, op_fcntl, 0, false},
	{"refused", 6, op_refused, 0, false},
	{NULL, 0, NULL, 0, false},
};
