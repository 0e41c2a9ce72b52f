/*
 * The floor of the notify mechanism: receive, answer. SYNC_WAKE_UP and WAIT_KILLABLE_RECV are used when the kernel has
 * them (--no-sync, --no-killable: do without). --read adds one copy of guest memory and the check that the
 * notification still stands, which every copy needs; --addfd answers by installing a descriptor.
 */
#include "bare_filter.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS	/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND		/* Linux 5.14 */
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif

static bool reads, adds, no_sync, no_killable;

static bool option(struct bare *b, const char *name)
{
	if (!strcmp(name, "read")) {
		b->name = "notify_read";
		reads = true;
	} else if (!strcmp(name, "addfd")) {
		b->name = "notify_addfd";
		adds = b->closes_result = true;
	} else if (!strcmp(name, "no-sync")) {
		no_sync = true;
	} else if (!strcmp(name, "no-killable")) {
		no_killable = true;
	} else {
		return false;
	}
	return true;
}

union fd_message {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int sock, int fd)
{
	union fd_message control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(sock, &m, 0) != 1)
		bare_die("sendmsg");
}

static int receive_fd(int sock)
{
	union fd_message control = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &m, 0) != 1 || !CMSG_FIRSTHDR(&m)) {
		errno = EPROTO;
		bare_die("the guest sent no listener");
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void run_guest(const struct bare *b, int sock)
{
	unsigned long plain = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	unsigned long killable = plain | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int listener = -1;

	if (!no_killable)
		listener = bare_filter(b->call_number, SECCOMP_RET_USER_NOTIF, killable);
	if (listener < 0)
		listener = bare_filter(b->call_number, SECCOMP_RET_USER_NOTIF, plain);
	if (listener < 0)
		bare_die("seccomp");
	send_fd(sock, listener);
	close(listener);
	close(sock);
	bare_guest(b);
	_exit(0);
}

/* As a handler that looks at a path would: copy, then make sure that the copy was this call's memory. */
static void read_guest(int listener, const struct seccomp_notif *call)
{
	char copy[64];
	struct iovec local = { copy, sizeof(copy) };
	struct iovec remote = { (void *)(uintptr_t)call->data.args[0], sizeof(copy) };

	if (process_vm_readv((pid_t)call->pid, &local, 1, &remote, 1, 0) != (ssize_t)sizeof(copy))
		bare_die("process_vm_readv");
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) < 0)
		bare_die("SECCOMP_IOCTL_NOTIF_ID_VALID");
	if (strcmp(copy, "/etc/passwd")) {
		errno = EBADMSG;
		bare_die("guest memory");
	}
}

static void answer_with_fd(int listener, uint64_t id, int fd)
{
	struct seccomp_notif_addfd add = { .id = id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)fd };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0)
		bare_die("SECCOMP_IOCTL_NOTIF_ADDFD");
}

static void serve(const struct bare *b, int listener)
{
	int memfd = adds ? memfd_create("bare", MFD_CLOEXEC) : -1;

	for (long n = 0; n < bare_total(b); n++) {
		struct seccomp_notif call = { 0 };
		struct seccomp_notif_resp answer = { 0 };

		while (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
			if (errno != EINTR && errno != ENOENT)
				bare_die("SECCOMP_IOCTL_NOTIF_RECV");
		if (reads)
			read_guest(listener, &call);
		if (adds) {
			answer_with_fd(listener, call.id, memfd);
			continue;
		}
		answer.id = call.id;
		answer.val = bare_answer(n);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0)
			bare_die("SECCOMP_IOCTL_NOTIF_SEND");
	}
}

int main(int argc, char **argv)
{
	struct bare b = { .name = "notify" };
	int pair[2], listener, status;
	pid_t pid;

	bare_init(&b, argc, argv, " [--read] [--addfd] [--no-sync] [--no-killable]", option);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		bare_die("socketpair");
	pid = fork();
	if (pid < 0)
		bare_die("fork");
	if (pid == 0)
		run_guest(&b, pair[1]);
	close(pair[1]);
	listener = receive_fd(pair[0]);
	if (!no_sync)
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL);
	serve(&b, listener);
	if (waitpid(pid, &status, 0) != pid || status)
		bare_die("the guest failed");
	return bare_report(&b);
}
