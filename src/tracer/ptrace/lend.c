/*
 * A descriptor, or a socket's address, for a task that stands at the entry of its call. A notification could install a
 * descriptor (notify/answer.c), but not one that was opened with O_PATH (kernel/seccomp.c takes it with fget): such
 * opens stop, and so does openat2, whose flags no filter sees.
 *
 * The task opens it itself: its call is made with the supervisor's descriptor as the name, in memory that no other task
 * can change (carry.c), and flags that only say how. So it is a new open file description of the same object.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "kernel/kernel.h"
#include "kernel/task/cred.h"
#include "kernel/task/task.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/lend.h"
#include "tracer/ptrace/lender.h"

/* What the guest's own open file description keeps of how it was opened. */
static int flags_of(const struct verdict *v)
{
	int flags = fcntl(v->fd, F_GETFL);
	if (flags < 0)
		return -errno;
	int kept = flags & O_PATH ? O_PATH | v->path_flags : flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_SYNC | O_NOATIME);
	return kept | (v->cloexec ? O_CLOEXEC : 0);
}

/* An open that may sleep becomes a descriptor to be opened: the guest sleeps in its own call. */
static int take_open(struct verdict *v, int *mark)
{
	int flags = v->block->flags;
	*mark = v->block->mark;
	int fd = fcntl(v->block->fd, F_DUPFD_CLOEXEC, 3);
	int err = fd < 0 ? -errno : flags;
	v->block->drop(v->block);
	*v = fd < 0 ? verdict_value(err) : verdict_fd(fd, flags & O_CLOEXEC);
	return err;
}

/* Whose descriptors the task may open: the supervisor's, or a lender's. */
int lend_path(struct session *s, struct tracee *t, int fd, char *path, size_t size)
{
	struct task_view view;
	int r = task_view(s->options->kernel->tasks, t->tid, &view);
	if (r < 0)
		return r;
	if (!lender_needless(view.cred))
		r = lender_start(view.cred->fsuid, view.cred->fsgid, &t->lender);
	task_view_finish(&view);
	if (t->lender)
		return snprintf(path, size, "/proc/%d/task/%d/fd/%d", getpid(), lender_tid(t->lender), fd);
	return r < 0 ? r : snprintf(path, size, "/proc/%d/fd/%d", getpid(), fd);
}

static int place(struct session *s, struct tracee *t, const struct verdict *v, int flags, struct applied *a)
{
	char path[64];
	if (flags < 0)
		return flags;
	int len = lend_path(s, t, v->fd, path, sizeof(path));
	if (len < 0)
		return len;
	/* The name of a descriptor is a link. */
	if (flags & O_NOFOLLOW)
		len += snprintf(path + len, sizeof(path) - (size_t)len, "/.");
	vfs_lend(s->options->kernel->vfs, v->fd);
	const struct open_how how = {.flags = (uint64_t)flags};
	unsigned reg = t->call.id == CALL_open ? 0 : 1;
	a->copies[reg] = (struct fact_copy){.data = path, .len = (size_t)len + 1};
	a->carried = (uint8_t)(1u << reg);
	if (t->call.id == CALL_openat2) {
		a->copies[2] = (struct fact_copy){.data = &how, .len = sizeof(how)};
		a->carried |= 1u << 2;
		a->args[3] = sizeof(how);
		a->changed |= 1u << 3;
	} else {
		a->args[reg + 1] = (uint64_t)flags;
		a->changed |= (uint8_t)(1u << (reg + 1));
	}
	int r = carry_place(s, t, a);
	a->carried = 0;
	return r;
}

static int place_at(struct session *s, struct tracee *t, unsigned reg, const void *bytes, size_t len, struct applied *a)
{
	a->copies[reg] = (struct fact_copy){.data = bytes, .len = len};
	a->carried = (uint8_t)(1u << reg);
	int r = carry_place(s, t, a);
	a->carried = 0;
	return r;
}

/* Header, name and control data one behind the other; the header says where they have come to be. */
static int place_message(struct session *s, struct tracee *t, const struct lent_address *l, struct applied *a)
{
	enum { NAME_AT = 64, CONTROL_AT = NAME_AT + sizeof(l->address) };
	_Static_assert(sizeof(l->header) <= NAME_AT, "the header has room");
	struct msghdr h = l->header;
	size_t size = CONTROL_AT + (l->control ? h.msg_controllen : 0);
	AUTO_FREE char *all = calloc(1, size);
	if (!all)
		return -ENOMEM;
	memcpy(all + NAME_AT, l->address, sizeof(l->address));
	if (l->control)
		memcpy(all + CONTROL_AT, l->control, h.msg_controllen);
	int r = place_at(s, t, 1, all, size, a);
	if (r < 0)
		return r == -ENAMETOOLONG ? -ENOBUFS : r;
	h.msg_name = l->len ? (void *)(uintptr_t)(a->args[1] + NAME_AT) : NULL;
	h.msg_namelen = l->len;
	if (l->control)
		h.msg_control = (void *)(uintptr_t)(a->args[1] + CONTROL_AT);
	carry_patch(t, a->args[1], &h, sizeof(h));
	return 0;
}

static int place_address(struct session *s, struct tracee *t, const struct lent_address *l, struct applied *a)
{
	if (l->arg < 0)
		return place_message(s, t, l, a);
	int r = place_at(s, t, (unsigned)l->arg, l->address, l->len, a);
	a->args[l->arg + 1] = l->len;
	a->changed |= (uint8_t)(1u << (l->arg + 1));
	return r;
}

/* The address of a socket's file is that of our descriptor. */
static int name_lent(struct session *s, struct tracee *t, struct lent_address *l)
{
	struct sockaddr_un u = {.sun_family = AF_UNIX};
	if (l->fd < 0)
		return 0;
	int len = lend_path(s, t, l->fd, u.sun_path, sizeof(u.sun_path));
	if (len < 0)
		return len;
	_Static_assert(sizeof(u) <= sizeof(l->address), "an address has room");
	memcpy(l->address, &u, sizeof(u));
	l->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + 1);
	return 0;
}

static void lend_address(struct session *s, struct tracee *t, struct applied *a)
{
	struct lent_address *l = a->verdict.lent;
	int r = name_lent(s, t, l);
	if (r == 0)
		r = place_address(s, t, l, a);
	if (r < 0) {
		lend_end(t);
		*a = (struct applied){.kind = APPLIED_VALUE, .value = r};
	} else {
		a->kind = APPLIED_PASS;
		t->lent = l->fd + 1;
		l->fd = -1;
	}
	lent_address_destroy(l);
}

/*
 * Can a notification install it? What else stops at openat would let the call through (recheck_after_trace of
 * kernel/seccomp.c).
 */
static bool can_hand(const struct session *s, const struct verdict *v)
{
	bool notified = call_set_has(&s->notified, CALL_openat) && !call_set_has(&s->stopping, CALL_openat);
	return notified && s->notify && s->uses_filter && !(fcntl(v->fd, F_GETFL) & O_PATH);
}

static int hand(struct session *s, struct tracee *t, const struct verdict *v)
{
	struct call_event call = {.tid = t->tid, .ip = t->ip};
	struct regs r;
	memcpy(call.args, t->call.args, sizeof(call.args));
	int err = handed_add(&s->handed, &call, v);
	if (err < 0)
		return err;
	calls_regs(t, &r);
	regs_set(&r, REG_NR, (uint64_t)call_desc(CALL_openat)->nr[host_abi()]);
	/* Flags, of which the filter looks for O_PATH. */
	calls_change_arg(t, &r, 2, 0);
	calls_flush(s, &r);
	t->handed = true;
	return 0;
}

void lend_handed(struct session *s, struct tracee *t, int64_t value)
{
	enum { RESTARTSYS = -512, RESTARTNOINTR = -513 };
	struct regs r;
	if (!t->handed)
		return;
	t->handed = false;
	calls_regs(t, &r);
	regs_set(&r, REG_NR, (uint64_t)t->call.nr);
	if (value == RESTARTSYS)
		regs_set(&r, REG_RET, (uint64_t)(int64_t)RESTARTNOINTR);
	handed_returned(&s->handed, t->tid, value == RESTARTSYS);
	calls_flush(s, &r);
}

/*
 * The filter looks at the other call again, but for us (kernel/seccomp.c, recheck_after_trace): it stops no second
 * time.
 */
static void make_instead(struct session *s, struct tracee *t, struct applied *a)
{
	const struct verdict v = a->verdict;
	struct regs r;
	calls_regs(t, &r);
	regs_set(&r, REG_NR, (uint64_t)call_desc(v.call)->nr[t->call.abi]);
	calls_flush(s, &r);
	memcpy(a->args, v.args, sizeof(v.args));
	a->changed |= (1u << ARRAY_SIZE(v.args)) - 1;
	a->kind = APPLIED_PASS;
}

void lend_fd(struct session *s, struct tracee *t, struct applied *a)
{
	const enum call_id id = t->call.id;
	struct verdict v = a->verdict;
	lend_end(t);
	bool can = id == CALL_open || id == CALL_openat || id == CALL_openat2;
	int r = -ENOSYS, mark = 0;
	if (v.kind == VERDICT_LEND) {
		lend_address(s, t, a);
		return;
	}
	if (v.kind == VERDICT_CALL) {
		make_instead(s, t, a);
		return;
	}
	if (can && v.kind == VERDICT_FD && can_hand(s, &v) && hand(s, t, &v) == 0) {
		a->kind = APPLIED_PASS;
		return;
	}
	if (can && v.kind == VERDICT_FD) {
		mark = vfs_mark_of(v.fd);
		r = place(s, t, &v, flags_of(&v), a);
	} else if (can && v.kind == VERDICT_BLOCK && v.block->opens) {
		int flags = take_open(&v, &mark);
		r = place(s, t, &v, flags, a);
	}
	if (r < 0) {
		lend_end(t);
		verdict_discard(&v);
		*a = (struct applied){.kind = APPLIED_VALUE, .value = r};
		return;
	}
	a->kind = APPLIED_PASS;
	t->lent = v.fd + 1;
	t->lent_mark = mark;
}

void lend_returned(struct session *s, struct tracee *t, int64_t value)
{
	int fd;
	if (!t->lent_mark || value < 0 || guest_fds_get(&s->guest_fds, t->tid, (int)value, &fd) < 0)
		return;
	vfs_mark(fd, t->lent_mark);
	(void)close(fd);
}

void lend_end(struct tracee *t)
{
	if (t->lent)
		(void)close(t->lent - 1);
	t->lent = t->lent_mark = 0;
	lender_end(t->lender);
	t->lender = NULL;
}
