#include "syscalls/sys_received.h"

#include <stddef.h>
#include <string.h>
#include <sys/param.h>
#include <sys/un.h>

#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "kernel/unix_names.h"
#include "syscalls/copyio.h"
#include "syscalls/handlers.h"
#include "syscalls/sys_socket.h"

enum { CONTROL_MAX = 20480 };	/* net.core.optmem_max */

bool received_is(enum call_id id)
{
	return id == CALL_recvfrom || id == CALL_recvmsg || id == CALL_recvmmsg || id == CALL_accept || id == CALL_accept4;
}

/* ---- who ---- */

static bool is_faked(const struct kernel *k)
{
	return k->cred->faked;
}

void peer_ids(struct kernel *k, bool real, struct ucred *c)
{
	struct task_view v;
	if (!is_faked(k))
		return;
	if (k->tasks && task_view(k->tasks, c->pid, &v) == 0) {
		c->uid = real ? v.cred->ruid : v.cred->euid;
		c->gid = real ? v.cred->rgid : v.cred->egid;
		task_view_finish(&v);
		return;
	}
	/* It is gone, or is no guest: whoever has our own ids outside seems to have the guests' here, as with files. */
	c->uid = c->uid == geteuid() ? k->cred->fsuid : c->uid;
	c->gid = c->gid == getegid() ? k->cred->fsgid : c->gid;
}

/* ---- at the entry ---- */

static bool is_unix(struct call_event *ev)
{
	int socket, domain = 0;
	socklen_t len = sizeof(domain);
	if (ev->ops->get_fd(ev, (int)ev->args[0], &socket) < 0)
		return false;
	bool yes = getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
	(void)close(socket);
	return yes;
}

/* Where the address and its length are, for calls that have them as arguments. */
static void address_args(const struct call_event *ev, struct guest_ptr *name, struct guest_ptr *len)
{
	int first = ev->id == CALL_recvfrom ? 4 : 1;
	*name = arg_ptr(ev, first);
	*len = arg_ptr(ev, first + 1);
}

bool received_wants(struct kernel *k, struct call_event *ev, uint32_t *ret_room)
{
	struct msghdr h;
	*ret_room = 0;
	if (ev->id == CALL_recvmsg || ev->id == CALL_recvmmsg) {
		/* The first of several speaks for all. */
		if (copy_in(ev, &h, arg_ptr(ev, 1), sizeof(h)) < 0)
			return false;
		*ret_room = h.msg_name ? h.msg_namelen : 0;
		if (!*ret_room && !(is_faked(k) && h.msg_control && h.msg_controllen))
			return false;
	} else {
		struct guest_ptr name, len;
		address_args(ev, &name, &len);
		if (!name.addr || copy_in(ev, ret_room, len, sizeof(*ret_room)) < 0)
			return false;
	}
	return is_unix(ev);
}

/* ---- behind the call ---- */

/* len: what the host has told. *ret_len: what is to be told, if that is another name. */
static bool mend_name(struct kernel *k, struct call_event *ev, struct guest_ptr to, uint32_t room, socklen_t len,
		      socklen_t *ret_len)
{
	struct sockaddr_un addr = {0};
	/* Of a name that was cut off nobody knows whose it is. */
	if (!to.addr || len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(addr) || len > room ||
	    copy_in(ev, &addr, to, len) < 0 || !unix_names_show(k->files->unix_names, &addr, &len))
		return false;
	*ret_len = len;
	return copy_out(ev, to, &addr, MIN(room, len)) == 0;
}

static void mend_credentials(struct kernel *k, struct call_event *ev, const struct msghdr *h)
{
	_Alignas(struct cmsghdr) char control[CONTROL_MAX];
	const struct guest_ptr from = {(uintptr_t)h->msg_control};
	if (!is_faked(k) || !from.addr || !h->msg_controllen || h->msg_controllen > sizeof(control) ||
	    copy_in(ev, control, from, h->msg_controllen) < 0)
		return;
	struct msghdr copy = {.msg_control = control, .msg_controllen = h->msg_controllen};
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&copy); at; at = CMSG_NXTHDR(&copy, at)) {
		struct ucred c;
		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_CREDENTIALS || at->cmsg_len < CMSG_LEN(sizeof(c)) ||
		    !control_fits(&copy, at))
			continue;
		memcpy(&c, CMSG_DATA(at), sizeof(c));
		peer_ids(k, true, &c);
		if (copy_out(ev, (struct guest_ptr){from.addr + (size_t)((char *)CMSG_DATA(at) - control)}, &c, sizeof(c)) < 0)
			return;
	}
}

static void mend_message(struct kernel *k, struct call_event *ev, struct guest_ptr at, uint32_t room)
{
	struct msghdr h;
	if (copy_in(ev, &h, at, sizeof(h)) < 0)
		return;
	if (mend_name(k, ev, (struct guest_ptr){(uintptr_t)h.msg_name}, room, h.msg_namelen, &h.msg_namelen) &&
	    copy_out(ev, (struct guest_ptr){at.addr + offsetof(struct msghdr, msg_namelen)}, &h.msg_namelen,
		     sizeof(h.msg_namelen)) < 0)
		return;
	mend_credentials(k, ev, &h);
}

void received_mend(struct kernel *k, struct call_event *ev, uint32_t room, int64_t value)
{
	enum { MESSAGES_MAX = 1024 };	/* UIO_MAXIOV */
	struct guest_ptr name, len;
	socklen_t told;
	if (ev->id == CALL_recvmsg) {
		mend_message(k, ev, arg_ptr(ev, 1), room);
		return;
	}
	if (ev->id == CALL_recvmmsg) {
		for (int64_t i = 0; i < MIN(value, MESSAGES_MAX); i++)
			mend_message(k, ev, (struct guest_ptr){ev->args[1] + (uint64_t)i * sizeof(struct mmsghdr)}, room);
		return;
	}
	address_args(ev, &name, &len);
	if (copy_in(ev, &told, len, sizeof(told)) == 0 && mend_name(k, ev, name, room, told, &told)) {
		int r = copy_out(ev, len, &told, sizeof(told));
		(void)r;
	}
}

/* ---- getsockopt ---- */

/* With a virtual identity: SO_PEERCRED of AF_UNIX sockets. */
struct verdict sys_getsockopt(struct kernel *k, struct call_event *ev)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	int socket AUTO_CLOSE = -1;
	int room;
	if (!is_faked(k) || (int)ev->args[1] != SOL_SOCKET || (int)ev->args[2] != SO_PEERCRED || !is_unix(ev) ||
	    ev->ops->get_fd(ev, (int)ev->args[0], &socket) < 0)
		return verdict_pass();
	int r = copy_in(ev, &room, arg_ptr(ev, 4), sizeof(room));
	if (r < 0 || room < 0)
		return verdict_value(r < 0 ? r : -EINVAL);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
		return verdict_value(-errno);
	if (c.pid)	/* else there is no peer */
		peer_ids(k, false, &c);
	len = MIN((socklen_t)room, sizeof(c));
	r = copy_out(ev, arg_ptr(ev, 3), &c, len);
	return verdict_value(r < 0 ? r : copy_out(ev, arg_ptr(ev, 4), &len, sizeof(len)));
}
