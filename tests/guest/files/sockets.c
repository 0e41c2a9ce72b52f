/* AF_UNIX sockets with names in the tree: bind, connect, send, names told back, and descriptors that travel through
 * them. */

#include "unix.h"

static void streams(void)
{
	struct sockaddr_un a, b;
	socklen_t len = unix_address(&a, "stream"), got = sizeof(b);
	struct stat st;
	char byte;
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), peer;

	CHECK_ERRNO(connect(client, (struct sockaddr *)&a, len), ENOENT);
	CHECK(bind(server, (struct sockaddr *)&a, len) == 0);
	CHECK_ERRNO(connect(client, (struct sockaddr *)&a, len), ECONNREFUSED);
	CHECK(listen(server, 5) == 0);
	CHECK(stat("stream", &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0755);
	CHECK_ERRNO(open("stream", O_RDWR), ENXIO);
	CHECK(getsockname(server, (struct sockaddr *)&b, &got) == 0);
	CHECK_EQ(got, len);
	CHECK(strcmp(b.sun_path, "stream") == 0);
	CHECK(connect(client, (struct sockaddr *)&a, len) == 0);
	peer = accept(server, NULL, NULL);
	CHECK(peer >= 0 && write(client, "x", 1) == 1 && read(peer, &byte, 1) == 1 && byte == 'x');
	got = sizeof(b);
	CHECK(getpeername(client, (struct sockaddr *)&b, &got) == 0);
	CHECK(strcmp(b.sun_path, "stream") == 0);
	close(peer);
	close(client);
	peer = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(bind(peer, (struct sockaddr *)&a, len), EADDRINUSE);
	CHECK(rename("stream", "moved") == 0);
	CHECK_ERRNO(connect(peer, (struct sockaddr *)&a, len), ENOENT);
	len = unix_address(&a, "moved");
	CHECK(connect(peer, (struct sockaddr *)&a, len) == 0);
	close(peer);
	close(server);
	files_write("plain", "");
	len = unix_address(&a, "plain");
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(connect(client, (struct sockaddr *)&a, len), ECONNREFUSED);
	CHECK(unlink("moved") == 0);
	close(client);
}

static void datagrams(void)
{
	struct sockaddr_un a, b, from;
	socklen_t la = unix_address(&a, "dgram-a"), lb = unix_address(&b, "dgram-b"), lf = sizeof(from);
	char buf[16];
	int one = socket(AF_UNIX, SOCK_DGRAM, 0), two = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(bind(one, (struct sockaddr *)&a, la) == 0 && bind(two, (struct sockaddr *)&b, lb) == 0);
	CHECK_EQ(sendto(two, "hello", 5, 0, (struct sockaddr *)&a, la), 5);
	CHECK_EQ(recvfrom(one, buf, sizeof(buf), 0, (struct sockaddr *)&from, &lf), 5);
	CHECK_EQ(sendto(one, "back", 4, 0, (struct sockaddr *)&from, lf), 4);
	CHECK_EQ(recv(two, buf, sizeof(buf), 0), 4);
	struct iovec iov = {(char *)"msg", 3};
	struct msghdr m = {.msg_name = &b, .msg_namelen = lb, .msg_iov = &iov, .msg_iovlen = 1};

	CHECK_EQ(sendmsg(one, &m, 0), 3);
	CHECK_EQ(recv(two, buf, sizeof(buf), 0), 3);
	CHECK(unlink("dgram-b") == 0);
	CHECK_ERRNO(sendto(one, "x", 1, 0, (struct sockaddr *)&b, lb), ENOENT);
	close(one);
	close(two);
}

/* No name in the tree at all. */
static void abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len;
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			  (size_t)snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "trapline-%d", getpid()));
	CHECK(bind(server, (struct sockaddr *)&a, len) == 0 && listen(server, 1) == 0);
	CHECK(connect(client, (struct sockaddr *)&a, len) == 0);
	close(server);
	close(client);
}

static void send_fd(int via, int fd)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
	struct iovec iov = {(char *)"f", 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(via, &m, 0), 1);
}

static int receive_fd(int via)
{
	union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
	int fd;

	CHECK_EQ(recvmsg(via, &m, 0), 1);
	CHECK(CMSG_FIRSTHDR(&m) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* A directory that arrives through a socket is still that directory, although its name changed on the way. */
static void travelling(void)
{
	int pair[2];
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(mkdir("sent", 0755) == 0);
	files_write("sent/f", "through");
	pid = guest_fork();
	if (pid == 0) {
		char buf[1000];
		int dir = receive_fd(pair[1]), fd;

		CHECK(chdir("/") == 0);
		fd = openat(dir, "f", O_RDONLY);
		CHECK(fd >= 0);
		files_want_fd(fd, "through");
		CHECK(getdents64(dir, buf, sizeof(buf)) > 0);
		CHECK(mkdirat(dir, "made", 0755) == 0);
		CHECK(fchdir(dir) == 0 && access("made", F_OK) == 0);
		_exit(0);
	}
	int dir = open("sent", O_RDONLY | O_DIRECTORY);

	send_fd(pair[0], dir);
	close(dir);
	guest_wait_exit(pid, 0);
	CHECK(access("sent/made", F_OK) == 0);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	files_enter();
	streams();
	datagrams();
	abstract();
	travelling();
	files_leave();
	return 0;
}
