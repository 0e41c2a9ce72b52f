/*
 * Who a peer is, over AF_UNIX: SO_PEERCRED, SCM_CREDENTIALS and names, in calls that have to wait and in calls that
 * have not; for a process that changed its ids too.
 */
#include <grp.h>

#include "unix.h"

enum { OTHER_UID = 4001, OTHER_GID = 5001 };

static int bound(int type, const char *path)
{
	int s = unix_bound(type, path);

	CHECK(chmod(path, 0777) == 0);
	return s;
}

static void want_name(const struct sockaddr_un *a, socklen_t len, const char *path)
{
	if (len != offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1 || strcmp(a->sun_path, path) != 0)
		dprintf(2, "the name is '%s' (%u bytes), not '%s'\n", a->sun_path, len, path);
	CHECK(a->sun_family == AF_UNIX && strcmp(a->sun_path, path) == 0);
	CHECK_EQ(len, offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static void become(bool other)
{
	if (!other)
		return;
	CHECK(setgroups(0, NULL) == 0 && setresgid(OTHER_GID, OTHER_GID, OTHER_GID) == 0);
	CHECK(setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0);
}

static void want_ids(const struct ucred *c, pid_t pid, bool other)
{
	if (pid)
		CHECK_EQ(c->pid, pid);
	CHECK_EQ(c->uid, other ? OTHER_UID : geteuid());
	CHECK_EQ(c->gid, other ? OTHER_GID : getegid());
}

static struct ucred peer(int s)
{
	struct ucred c = {0};
	socklen_t len = sizeof(c);

	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0);
	CHECK_EQ(len, sizeof(c));
	return c;
}

/* The client has a name, and comes when the server waits already. */
static void streams(bool other)
{
	int server = bound(SOCK_STREAM, "server"), s;
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	struct ucred c;
	char byte;
	pid_t pid;

	CHECK(listen(server, 5) == 0);
	pid = guest_fork();
	if (pid == 0) {
		int client = bound(SOCK_STREAM, "client");

		guest_sleep_ms(50);
		become(other);
		unix_connect(client, "server");
		c = peer(client);
		CHECK(c.pid == getppid() && c.uid == 0 && c.gid == 0);
		CHECK_EQ(read(client, &byte, 1), 1);
		_exit(0);
	}
	s = accept(server, (struct sockaddr *)&a, &len);
	CHECK(s >= 0);
	want_name(&a, len, "client");
	len = sizeof(a);
	CHECK(getpeername(s, (struct sockaddr *)&a, &len) == 0);
	want_name(&a, len, "client");
	c = peer(s);
	want_ids(&c, pid, other);
	CHECK_EQ(write(s, "x", 1), 1);
	guest_wait_exit(pid, 0);
	close(s);
	close(server);
	CHECK(unlink("server") == 0 && unlink("client") == 0);
}

enum { CONTROL = CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) };

struct message {
	struct sockaddr_un from;
	char text[16];
	struct iovec iov;
	_Alignas(struct cmsghdr) char control[CONTROL];
	struct msghdr h;
};

static struct msghdr *ready(struct message *m)
{
	m->iov = (struct iovec){m->text, sizeof(m->text)};
	m->h = (struct msghdr){
		.msg_name = &m->from, .msg_namelen = sizeof(m->from), .msg_iov = &m->iov, .msg_iovlen = 1,
		.msg_control = m->control, .msg_controllen = sizeof(m->control),
	};
	return &m->h;
}

static void want_message(struct message *m, const char *name, pid_t pid, bool other)
{
	struct cmsghdr *at = CMSG_FIRSTHDR(&m->h);
	struct ucred c;

	want_name(&m->from, m->h.msg_namelen, name);
	CHECK(at && at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_CREDENTIALS);
	memcpy(&c, CMSG_DATA(at), sizeof(c));
	want_ids(&c, pid, other);
}

/* By name, three messages; the third says itself who it is from. */
static void send_messages(const char *own, const char *to, bool other)
{
	struct sockaddr_un a;
	socklen_t len = unix_address(&a, to);
	int s = bound(SOCK_DGRAM, own);
	struct ucred c = {.pid = getpid(), .uid = other ? OTHER_UID : geteuid(), .gid = other ? OTHER_GID : getegid()};
	struct iovec iov = {(char *)"three", 5};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(c))] = {0};
	struct msghdr h = {
		.msg_name = &a, .msg_namelen = len, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *at = CMSG_FIRSTHDR(&h);

	become(other);
	guest_sleep_ms(50);
	CHECK_EQ(sendto(s, "one", 3, 0, (struct sockaddr *)&a, len), 3);
	guest_sleep_ms(50);
	CHECK_EQ(sendto(s, "two", 3, 0, (struct sockaddr *)&a, len), 3);
	guest_sleep_ms(50);
	*at = (struct cmsghdr){CMSG_LEN(sizeof(c)), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(at), &c, sizeof(c));
	CHECK_EQ(sendmsg(s, &h, 0), 5);
	CHECK_EQ(sendmsg(s, &h, 0), 5);
	CHECK(shutdown(s, SHUT_RDWR) == 0 || errno == ENOTCONN);
	if (other) {
		c.uid++;
		memcpy(CMSG_DATA(at), &c, sizeof(c));
		CHECK_ERRNO(sendmsg(s, &h, 0), EPERM);
	}
	close(s);
}

static void datagrams(bool other)
{
	int s = bound(SOCK_DGRAM, "receiver"), on = 1;
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	struct message m;
	char buf[16];
	pid_t pid;

	CHECK(setsockopt(s, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	pid = guest_fork();
	if (pid == 0) {
		send_messages("sender", "receiver", other);
		_exit(0);
	}
	CHECK_EQ(recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&a, &len), 3);
	want_name(&a, len, "sender");
	CHECK_EQ(recvmsg(s, ready(&m), 0), 3);
	want_message(&m, "sender", pid, other);
	CHECK_EQ(recvmsg(s, ready(&m), 0), 5);
	want_message(&m, "sender", pid, other);
	struct mmsghdr more = {.msg_hdr = *ready(&m)};
	CHECK_EQ(recvmmsg(s, &more, 1, 0, NULL), 1);
	m.h = more.msg_hdr;
	want_message(&m, "sender", pid, other);
	guest_wait_exit(pid, 0);
	/* nothing has to wait for what is there */
	pid = guest_fork();
	if (pid == 0) {
		CHECK(unlink("sender") == 0);
		send_messages("sender", "receiver", other);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	len = sizeof(a);
	CHECK_EQ(recvfrom(s, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&a, &len), 3);
	want_name(&a, len, "sender");
	/* too little room: its length is told all the same */
	len = 5;
	memset(&a, 'x', sizeof(a));
	CHECK_EQ(recvfrom(s, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&a, &len), 3);
	CHECK(len > 5 && ((char *)&a)[5] == 'x');
	close(s);
	CHECK(unlink("sender") == 0 && unlink("receiver") == 0);
}

/* A stream's messages say who sent them, if that is wanted. */
static void pairs(bool other)
{
	int pair[2], on = 1;
	struct message m;
	struct cmsghdr *at;
	struct ucred c;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	c = peer(pair[0]);
	CHECK(c.pid == getpid() && c.uid == 0);
	CHECK(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	pid = guest_fork();
	if (pid == 0) {
		become(other);
		guest_sleep_ms(20);
		CHECK_EQ(write(pair[1], "w", 1), 1);
		CHECK_EQ(read(pair[1], &on, 1), 1);
		_exit(0);
	}
	CHECK_EQ(recvmsg(pair[0], ready(&m), 0), 1);
	at = CMSG_FIRSTHDR(&m.h);
	CHECK(at && at->cmsg_type == SCM_CREDENTIALS);
	memcpy(&c, CMSG_DATA(at), sizeof(c));
	want_ids(&c, pid, other);
	CHECK_EQ(write(pair[0], "w", 1), 1);
	guest_wait_exit(pid, 0);
	close(pair[0]);
	close(pair[1]);
}

/* A wait for a client that a signal ends, and one that goes on behind it. */
static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	int server = bound(SOCK_DGRAM, "server");
	struct sigaction act = {.sa_handler = on_alarm};
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	char buf[16];
	pid_t pid;

	CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
	pid = guest_fork();
	if (pid == 0) {
		for (;;) {	/* until one comes in the middle of the call, and not before it */
			guest_sleep_ms(50);
			CHECK(kill(getppid(), SIGUSR1) == 0);
		}
	}
	CHECK_ERRNO(recvfrom(server, buf, sizeof(buf), 0, (struct sockaddr *)&a, &len), EINTR);
	CHECK(kill(pid, SIGKILL) == 0);
	guest_wait_signal(pid, SIGKILL);
	act.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGUSR1, &act, NULL) == 0);
	pid = guest_fork();
	if (pid == 0) {
		int s = bound(SOCK_DGRAM, "sender");

		guest_sleep_ms(50);
		CHECK(kill(getppid(), SIGUSR1) == 0);
		guest_sleep_ms(50);
		unix_connect(s, "server");
		CHECK_EQ(send(s, "x", 1, 0), 1);
		_exit(0);
	}
	CHECK_EQ(recvfrom(server, buf, sizeof(buf), 0, (struct sockaddr *)&a, &len), 1);
	want_name(&a, len, "sender");
	guest_wait_exit(pid, 0);
	close(server);
	CHECK(unlink("server") == 0 && unlink("sender") == 0);
}

int main(void)
{
	if (geteuid() != 0)
		guest_skip("not root");
	files_enter();
	CHECK(chmod(".", 0777) == 0);
	streams(false);
	datagrams(false);
	pairs(false);
	pairs(true);
	interrupted();
	streams(true);
	datagrams(true);
	files_leave();
	return 0;
}
