/*
 * Who a peer is, as a pidfd: SO_PEERPIDFD and SO_PASSPIDFD over AF_UNIX, for named sockets, pairs and senders that are
 * gone.
 */
#include <poll.h>
#include <sys/syscall.h>

#include "unix.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

static int peer(int s)
{
	int fd = -1;
	socklen_t len = sizeof(fd);

	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0);
	CHECK(len == sizeof(fd) && fd >= 0);
	return fd;
}

/* What fdinfo says: its pid, -1 once it has been waited for. */
static void want_process(int fd, pid_t pid)
{
	char name[64], line[128];
	struct stat st, own;
	int got = 0, other;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Pid: %d", &got);
	CHECK(fclose(f) == 0);
	CHECK_EQ(got, pid);
	CHECK(fstat(fd, &st) == 0);
	if (pid < 0)
		return;
	other = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(other >= 0 && fstat(other, &own) == 0);
	CHECK(st.st_ino == own.st_ino && st.st_dev == own.st_dev);
	CHECK(close(other) == 0);
}

static void streams(void)
{
	int server = unix_bound(SOCK_STREAM, "server"), s, fd;
	struct pollfd ended = {.events = POLLIN};
	char byte;
	pid_t pid;

	CHECK(listen(server, 5) == 0);
	pid = guest_fork();
	if (pid == 0) {
		int client = socket(AF_UNIX, SOCK_STREAM, 0);

		unix_connect(client, "server");
		fd = peer(client);
		want_process(fd, getppid());
		CHECK(read(client, &byte, 1) <= 0);
		_exit(0);
	}
	s = accept(server, NULL, NULL);
	CHECK(s >= 0);
	fd = peer(s);
	want_process(fd, pid);
	CHECK(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0);
	ended.fd = fd;
	CHECK_EQ(poll(&ended, 1, -1), 1);
	guest_wait_signal(pid, SIGTERM);
	want_process(fd, -1);
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
	CHECK(close(fd) == 0 && close(s) == 0 && close(server) == 0 && unlink("server") == 0);
}

static int received(int s)
{
	_Alignas(struct cmsghdr) char control[256];
	char text[16];
	struct iovec iov = {text, sizeof(text)};
	struct sockaddr_un from;
	struct msghdr h = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	CHECK_EQ(recvmsg(s, &h, MSG_CMSG_CLOEXEC), 3);
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&h); at; at = CMSG_NXTHDR(&h, at)) {
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_PIDFD)
			memcpy(&fd, CMSG_DATA(at), sizeof(fd));
	}
	CHECK(fd >= 0);
	return fd;
}

/* By name, by a connected socket, and over a pair. */
static void messages(void)
{
	int receiver = unix_bound(SOCK_DGRAM, "receiver"), pair[2], on = 1, fd;
	struct sockaddr_un a;
	socklen_t len = unix_address(&a, "receiver");
	char byte;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(setsockopt(receiver, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0);
	CHECK(setsockopt(pair[0], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0);
	pid = guest_fork();
	if (pid == 0) {
		int s = unix_bound(SOCK_DGRAM, "sender");

		CHECK_EQ(sendto(s, "one", 3, 0, (struct sockaddr *)&a, len), 3);
		unix_connect(s, "receiver");
		CHECK_EQ(send(s, "two", 3, 0), 3);
		CHECK_EQ(write(pair[1], "six", 3), 3);
		CHECK_EQ(read(pair[1], &byte, 1), 1);
		CHECK_EQ(sendto(s, "ten", 3, 0, NULL, 0), 3);
		_exit(0);
	}
	for (int i = 0; i < 3; i++) {
		fd = received(i < 2 ? receiver : pair[0]);
		want_process(fd, pid);
		CHECK(close(fd) == 0);
	}
	CHECK_EQ(write(pair[0], "x", 1), 1);
	fd = received(receiver);
	guest_wait_exit(pid, 0);
	want_process(fd, -1);
	CHECK(close(fd) == 0 && close(pair[0]) == 0 && close(pair[1]) == 0 && close(receiver) == 0);
	CHECK(unlink("receiver") == 0 && unlink("sender") == 0);
}

static bool known(void)
{
	int pair[2], fd = -1, on = 1;
	socklen_t len = sizeof(fd);

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	bool yes = getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == 0 &&
		   setsockopt(pair[0], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) == 0;
	close(fd);
	close(pair[0]);
	close(pair[1]);
	return yes;
}

int main(void)
{
	if (!known())
		guest_skip("SO_PEERPIDFD and SO_PASSPIDFD came with Linux 6.5");
	files_enter();
	streams();
	messages();
	files_leave();
	return 0;
}
