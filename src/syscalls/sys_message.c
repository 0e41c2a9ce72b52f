/*
 * Datagrams of AF_UNIX sockets: sendto(2), sendmsg(2), sendmmsg(2), recvfrom(2). net/socket.c of Linux. Only a datagram
 * socket of this family takes a name with a message, so all else passes. What it sends is sent from here, with copies
 * of all that memory says: a name that another thread changes behind our back must not lead into the host's tree.
 * Descriptors that travel along (SCM_RIGHTS) are the same open files; SCM_CREDENTIALS says who really sends, which is
 * this process.
 */
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/param.h>
#include <sys/uio.h>

#include "syscalls/handlers.h"
#include "syscalls/sys_socket.h"

enum {
	DATA_MAX = 8 << 20,	/* larger than any socket buffer that an administrator allows */
	CONTROL_MAX = 20480,	/* net.core.optmem_max */
	RIGHTS_MAX = 253,	/* SCM_MAX_FD */
	MESSAGES_MAX = 1024,	/* UIO_MAXIOV, for sendmmsg */
};

/* A message on its way: everything in our memory. */
struct message {
	int socket;			/* owned */
	int flags;
	struct unix_address to;
	char *data;			/* owned */
	size_t len;
	_Alignas(struct cmsghdr) char control[CONTROL_MAX];
	size_t control_len;
	int rights[RIGHTS_MAX];		/* owned */
	size_t right_count;
};

static void message_destroy(struct message *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->right_count; i++)
		(void)close(m->rights[i]);
	if (m->socket >= 0)
		(void)close(m->socket);
	unix_address_put(&m->to);
	free(m->data);
	free(m);
}

static void cleanup_message(struct message **m)
{
	message_destroy(*m);
}

#define AUTO_MESSAGE CLEANUP(cleanup_message)

static struct message *message_create(int flags)
{
	struct message *m = calloc(1, sizeof(*m));
	if (m) {
		m->socket = -1;
		m->to.host = -1;
		m->flags = flags;
	}
	return m;
}

/* 1: a socket that takes no names. */
static int take_socket(struct file_call *c, int fd, struct message *m)
{
	int r = unix_socket_get(c, fd, &m->socket);
	if (r != 0)
		return r;
	int type = 0;
	socklen_t len = sizeof(type);
	if (getsockopt(m->socket, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	return type == SOCK_DGRAM ? 0 : 1;
}

static int take_address(struct file_call *c, struct guest_ptr from, uint64_t len, struct message *m)
{
	if (!from.addr)
		return 0;
	int r = unix_address_copy_in(c, from, len, &m->to);
	return r < 0 ? r : unix_address_find(c, &m->to);
}

/* ---- sending ---- */

static int64_t send_now(const struct message *m, int more_flags)
{
	struct iovec iov = {m->data, m->len};
	struct msghdr h = {
		.msg_name = m->to.len ? (void *)&m->to.addr : NULL, .msg_namelen = m->to.len,
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = m->control_len ? (void *)m->control : NULL, .msg_controllen = m->control_len,
	};
	ssize_t n = sendmsg(m->socket, &h, m->flags | more_flags | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

struct blocking_send {
	struct blocking base;
	struct message *m;	/* owned */
	bool one_of_many;	/* sendmmsg counts messages */
};

static void drop_send(struct blocking *b)
{
	message_destroy(((struct blocking_send *)b)->m);
	free(b);
}

static struct verdict run_send(struct blocking *b)
{
	const struct blocking_send *s = (const struct blocking_send *)b;
	int64_t n = send_now(s->m, 0);
	if (n >= 0 && s->one_of_many)
		n = 1;
	drop_send(b);
	return verdict_value(n);
}

static bool waits(const struct message *m)
{
	return !(m->flags & MSG_DONTWAIT) && !(fcntl(m->socket, F_GETFL) & O_NONBLOCK);
}

/* The receiver's queue is full: wait where nobody waits for us. */
static struct verdict send_later(struct message **m, bool one_of_many)
{
	struct blocking_send *b = malloc(sizeof(*b));
	if (!b)
		return verdict_value(-ENOMEM);
	*b = (struct blocking_send){
		.base = {.run = run_send, .drop = drop_send}, .m = *m, .one_of_many = one_of_many,
	};
	*m = NULL;
	return verdict_block(&b->base);
}

static struct verdict send_message(struct message **m)
{
	int64_t n = send_now(*m, MSG_DONTWAIT);
	return n == -EAGAIN && waits(*m) ? send_later(m, false) : verdict_value(n);
}

struct verdict sys_sendto(struct kernel *k, struct call_event *ev)
{
	struct guest_ptr to = arg_ptr(ev, 4);
	/* Registers do not change: without an address it is a send, which has no name. */
	if (!to.addr || !ev->args[5])
		return verdict_pass();
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct message *m AUTO_MESSAGE = message_create((int)ev->args[3]);
	if (!m)
		return answer(-ENOMEM);
	int r = take_socket(&c, (int)ev->args[0], m);
	if (r > 0)
		return verdict_pass();
	if (r == 0)
		r = take_address(&c, to, ev->args[5], m);
	if (r == 0 && unix_address_lends(&c, &m->to)) {
		struct lent_address *lent = unix_address_lend(&m->to, 4);
		return lent ? verdict_lend(lent) : answer(-ENOMEM);
	}
	m->len = ev->args[2];
	if (r == 0 && m->len > DATA_MAX)
		r = -EMSGSIZE;
	if (r < 0)
		return answer(r);
	m->data = malloc(m->len + 1);
	r = m->data ? copy_in(ev, m->data, arg_ptr(ev, 1), m->len) : -ENOMEM;
	return r < 0 ? answer(r) : send_message(&m);
}

/* ---- copying a struct msghdr ---- */

static int take_data(struct file_call *c, const struct msghdr *h, struct message *m)
{
	if (h->msg_iovlen > IOV_MAX)
		return -EMSGSIZE;
	AUTO_FREE struct iovec *iov = calloc(h->msg_iovlen + 1, sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	int r = copy_in(c->ev, iov, (struct guest_ptr){(uintptr_t)h->msg_iov}, h->msg_iovlen * sizeof(*iov));
	for (size_t i = 0; r == 0 && i < h->msg_iovlen; i++) {
		if (iov[i].iov_len > DATA_MAX - m->len)
			return -EMSGSIZE;
		m->len += iov[i].iov_len;
	}
	if (r < 0)
		return r;
	m->data = malloc(m->len + 1);
	if (!m->data)
		return -ENOMEM;
	char *to = m->data;
	for (size_t i = 0; r == 0 && i < h->msg_iovlen; i++) {
		r = copy_in(c->ev, to, (struct guest_ptr){(uintptr_t)iov[i].iov_base}, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	return r;
}

/* The guest's descriptors become ours; the receiver gets the same open files. */
static int take_rights(struct file_call *c, struct cmsghdr *h, struct message *m)
{
	size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
		if (m->right_count == RIGHTS_MAX)
			return -EINVAL;
		int r = c->ev->ops->get_fd(c->ev, fd, &m->rights[m->right_count]);
		if (r < 0)
			return r;
		memcpy(CMSG_DATA(h) + i * sizeof(int), &m->rights[m->right_count++], sizeof(fd));
	}
	return 0;
}

static void take_credentials(const struct cmsghdr *h)
{
	const struct ucred own = {.pid = getpid(), .uid = getuid(), .gid = getgid()};
	if (h->cmsg_len >= CMSG_LEN(sizeof(own)))
		memcpy(CMSG_DATA((struct cmsghdr *)h), &own, sizeof(own));
}

static int take_control(struct file_call *c, const struct msghdr *from, struct message *m)
{
	if (!from->msg_control || !from->msg_controllen)
		return 0;
	if (from->msg_controllen > CONTROL_MAX)
		return -ENOBUFS;
	m->control_len = from->msg_controllen;
	int r = copy_in(c->ev, m->control, (struct guest_ptr){(uintptr_t)from->msg_control}, m->control_len);
	struct msghdr h = {.msg_control = m->control, .msg_controllen = m->control_len};
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&h); r == 0 && at; at = CMSG_NXTHDR(&h, at)) {
		if (!control_fits(&h, at))
			return -EINVAL;
		if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
			r = take_rights(c, at, m);
		else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_CREDENTIALS)
			take_credentials(at);
	}
	return r;
}

/* 1: pass. */
static int take_message(struct file_call *c, struct guest_ptr from, int flags, struct message **ret)
{
	struct message *m AUTO_MESSAGE = message_create(flags);
	if (!m)
		return -ENOMEM;
	int r = take_socket(c, (int)c->ev->args[0], m);
	if (r != 0)
		return r;
	struct msghdr h;
	r = copy_in(c->ev, &h, from, sizeof(h));
	if (r == 0 && (int)h.msg_namelen < 0)
		r = -EINVAL;
	if (r == 0 && h.msg_namelen)
		r = take_address(c, (struct guest_ptr){(uintptr_t)h.msg_name},
				 MIN(h.msg_namelen, sizeof(struct sockaddr_storage)), m);
	if (r == 0)
		r = take_data(c, &h, m);
	if (r == 0)
		r = take_control(c, &h, m);
	if (r < 0)
		return r;
	*ret = m;
	m = NULL;
	return 0;
}

/* Who says so must be it, or may say so (net/core/scm.c, scm_check_creds); the host knows it by other ids. */
static int translate_credentials(const struct file_call *c, struct cmsghdr *h)
{
	const struct cred *cred = c->task.cred;
	struct ucred u;
	if (h->cmsg_len != CMSG_LEN(sizeof(u)))
		return -EINVAL;
	memcpy(&u, CMSG_DATA(h), sizeof(u));
	bool pid = u.pid == c->task.tgid || cred_capable(cred, CAP_SYS_ADMIN);
	bool uid = u.uid == cred->ruid || u.uid == cred->euid || u.uid == cred->suid || cred_capable(cred, CAP_SETUID);
	bool gid = u.gid == cred->rgid || u.gid == cred->egid || u.gid == cred->sgid || cred_capable(cred, CAP_SETGID);
	if (!pid || !uid || !gid)
		return -EPERM;
	u.uid = getuid();
	u.gid = getgid();
	memcpy(CMSG_DATA(h), &u, sizeof(u));
	return 0;
}

/* With a virtual identity: a copy of control data in which ids are, or NULL. */
static int take_own_credentials(struct file_call *c, const struct msghdr *from, void **ret)
{
	bool has = false;
	*ret = NULL;
	if (!c->task.cred->faked || !from->msg_control || !from->msg_controllen || from->msg_controllen > CONTROL_MAX)
		return 0;
	AUTO_FREE char *control = malloc(from->msg_controllen);
	if (!control)
		return -ENOMEM;
	int r = copy_in(c->ev, control, (struct guest_ptr){(uintptr_t)from->msg_control}, from->msg_controllen);
	struct msghdr h = {.msg_control = control, .msg_controllen = from->msg_controllen};
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&h); r == 0 && at; at = CMSG_NXTHDR(&h, at)) {
		if (!control_fits(&h, at))
			return -EINVAL;
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_CREDENTIALS)
			continue;
		has = true;
		r = translate_credentials(c, at);
	}
	if (r == 0 && has) {
		*ret = control;
		control = NULL;
	}
	return r;
}

/* The caller sends it itself, by a header that we have looked at. 1: it has no name to be looked up, nor ids: pass. */
static int lend_message(struct file_call *c, struct message *m, bool datagram, struct verdict *ret)
{
	struct msghdr h;
	void *control = NULL;
	int r = copy_in(c->ev, &h, arg_ptr(c->ev, 1), sizeof(h));
	if (r == 0 && (int)h.msg_namelen < 0)
		r = -EINVAL;
	if (r == 0 && datagram && h.msg_namelen)
		r = take_address(c, (struct guest_ptr){(uintptr_t)h.msg_name},
				 MIN(h.msg_namelen, sizeof(struct sockaddr_storage)), m);
	if (r == 0 && m->to.len > sizeof(m->to.addr))
		r = -EINVAL;
	if (r == 0)
		r = take_own_credentials(c, &h, &control);
	if (r < 0 || (!datagram && !control)) {
		free(control);
		return r < 0 ? r : 1;
	}
	struct lent_address *lent = unix_address_lend(&m->to, -1);
	if (!lent) {
		free(control);
		return -ENOMEM;
	}
	lent->header = h;
	lent->control = control;
	*ret = verdict_lend(lent);
	return 0;
}

static struct verdict send_by_caller(struct file_call *c)
{
	struct verdict v = verdict_pass();
	int type = 0;
	socklen_t len = sizeof(type);
	struct message *m AUTO_MESSAGE = message_create(0);
	if (!m)
		return answer(-ENOMEM);
	int r = unix_socket_get(c, (int)c->ev->args[0], &m->socket);
	if (r == 0 && getsockopt(m->socket, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && (type == SOCK_DGRAM || c->task.cred->faked))
		r = lend_message(c, m, type == SOCK_DGRAM, &v);
	return r < 0 ? answer(r) : v;
}

struct verdict sys_sendmsg(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	if (ev->lends)
		return send_by_caller(&c);
	struct message *m AUTO_MESSAGE = NULL;
	int r = take_message(&c, arg_ptr(ev, 1), (int)ev->args[2], &m);
	if (r > 0)
		return verdict_pass();
	return r < 0 ? answer(r) : send_message(&m);
}

static int tell_sent(struct call_event *ev, struct guest_ptr at, size_t n)
{
	unsigned len = (unsigned)n;
	return copy_out(ev, (struct guest_ptr){at.addr + offsetof(struct mmsghdr, msg_len)}, &len, sizeof(len));
}

/* The first of several may wait; that it went out is told before another waits. A datagram goes out as a whole. */
struct verdict sys_sendmmsg(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	unsigned count = MIN((unsigned)ev->args[2], MESSAGES_MAX);
	unsigned sent = 0;
	int64_t r = 0;
	for (; sent < count; sent++) {
		struct message *m AUTO_MESSAGE = NULL;
		const struct guest_ptr at = {ev->args[1] + sent * sizeof(struct mmsghdr)};
		r = take_message(&c, at, (int)ev->args[3], &m);
		if (r > 0)
			return verdict_pass();
		if (r == 0)
			r = send_now(m, MSG_DONTWAIT);
		if (r == -EAGAIN && sent == 0 && waits(m)) {
			r = tell_sent(ev, at, m->len);
			return r < 0 ? answer(r) : send_later(&m, true);
		}
		if (r >= 0)
			r = tell_sent(ev, at, (size_t)r);
		if (r < 0)
			break;
	}
	return answer(sent ? sent : r);
}

/* ---- receiving ---- */

/* Is a message there, whose sender has a name that the guest knows otherwise? */
static bool sender_is_ours(struct file_call *c, int socket)
{
	char none;
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(socket, &none, 0, MSG_PEEK | MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	return n >= 0 && unix_names_show(c->k->files->unix_names, &from, &len);
}

static struct verdict receive(struct file_call *c, int socket)
{
	struct call_event *ev = c->ev;
	size_t size = MIN(ev->args[2], DATA_MAX);
	AUTO_FREE char *data = malloc(size + 1);
	if (!data)
		return answer(-ENOMEM);
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(socket, data, size, (int)ev->args[3] | MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	if (n < 0)
		return errno == EAGAIN ? verdict_pass() : answer(-errno);
	(void)unix_names_show(c->k->files->unix_names, &from, &len);
	int r = copy_out(ev, arg_ptr(ev, 1), data, MIN((size_t)n, size));
	if (r == 0)
		r = unix_address_copy_out(ev, arg_ptr(ev, 4), arg_ptr(ev, 5), &from, len);
	return answer(r < 0 ? r : n);
}

/*
 * Only to say who sent it. Who has to wait, waits natively and is told the host's name, which leads to the same socket
 * (unix_address_find).
 */
struct verdict sys_recvfrom(struct kernel *k, struct call_event *ev)
{
	/* Where the call has an end that we see, the name is mended there (sys_received.c). */
	if (!ev->args[4] || ev->lends)
		return verdict_pass();
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int socket AUTO_CLOSE = -1;
	int type = 0;
	socklen_t len = sizeof(type);
	int r = unix_socket_get(&c, (int)ev->args[0], &socket);
	if (r < 0)
		return answer(r);
	if (r > 0 || getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_DGRAM ||
	    !sender_is_ours(&c, socket))
		return verdict_pass();
	return receive(&c, socket);
}
