/*
 * A received call: what is asked about it, and how the verdict reaches the guest.
 *
 * A verdict with a descriptor is two steps: it is installed, then we close ours, then the guest goes on. One step
 * (SECCOMP_ADDFD_FLAG_SEND) would be cheaper where guest and worker share a core, and dearer where they do not, since
 * it wakes up the guest on any core. But it loses descriptors: if the worker is stopped (SIGSTOP, a frozen cgroup, a
 * suspended machine) before the guest has run, the kernel takes the descriptor back, and the call is answered already,
 * with 0.
 *
 * ENOENT is an ordinary answer at every step: the task was killed, or interrupted before its call was received.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kernel/kernel.h"
#include "tracer/filter_plan.h"
#include "tracer/handlers.h"
#include "tracer/notify/notify_private.h"
#include "tracer/ptrace/exec.h"
#include "tracer/stub/stub.h"

/* What a decision says, as a verdict; owns what the decision owned. */
static struct verdict verdict_of(const struct applied *a)
{
	switch (a->kind) {
	case APPLIED_VALUE:
		return verdict_value(a->value);
	case APPLIED_KILL:
		return verdict_value(-EPERM);	/* for a process that is ending */
	case APPLIED_FAIL:
		return (struct verdict){.kind = VERDICT_FAIL, .value = a->value};
	case APPLIED_VERDICT:
		return a->verdict;
	default:
		break;
	}
	if (a->changed || a->carried || a->delay_enter_ns || a->delay_exit_ns || a->effect)
		return verdict_value(-EPERM);
	return verdict_pass();
}

/*
 * What the policy says. A worker cannot change arguments: the plan sends calls for which that matters to the trap loop,
 * and one that comes here all the same is refused, never passed on unchanged.
 */
static struct verdict decide(struct session *s, struct notified_event *ev)
{
	struct task_facts facts;
	struct applied a;
	task_facts_init(&facts, &ev->base, 0);
	apply_call(&s->apply, &facts, &a);
	if (a.kind == APPLIED_KILL)
		apply_kill(task_facts_tgid(&facts), ev->base.tid);
	struct verdict v = verdict_of(&a);
	if (a.signal)
		(void)syscall(SYS_tgkill, task_facts_tgid(&facts), ev->base.tid, a.signal);
	ev->injected = a.kind == APPLIED_VALUE && !a.handled;
	task_facts_finish(&facts);
	return v;
}

static struct verdict ask(struct session *s, struct notified_event *ev)
{
	struct call_event *call = &ev->base;
	const struct session_probe *probe = s->options->probe;
	if (probe && probe->entered)
		probe->entered(probe->ctx, call->tid, call->id, call->args, NULL);
	if (s->decides)
		return decide(s, ev);
	if (!call_set_has(&s->emulated, call->id))
		return verdict_pass();
	return handlers_ask(probe, s->options->kernel, call);
}

/* EINTR (a signal met the filter's lock) has sent nothing: the task still waits. */
static void send_response(struct notify *n, int listener, struct seccomp_notif_resp *resp)
{
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, resp) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != ENOENT)
			session_fail(n->session, -errno, "cannot answer a notification");
		return;
	}
}

static void reply(struct notify *n, const struct notified_event *ev, int64_t value, uint32_t flags)
{
	/* A kernel with a longer structure reads beyond ours: zeros. */
	union {
		struct seccomp_notif_resp resp;
		char room[256];
	} u = {.room = {0}};
	const struct verdict v = verdict_value(value);
	u.resp.id = ev->id;
	u.resp.flags = flags;
	if (verdict_is_error(&v))
		u.resp.error = (int)value;
	else
		u.resp.val = value;
	send_response(n, ev->listener, &u.resp);
}

static void record_exit(struct notify *n, const struct notified_event *ev, int64_t value)
{
	if (ev->recorded)
		emit_notified_exit(n->session, &ev->base, value, ev->injected);
}

static void answer_value(struct notify *n, const struct notified_event *ev, int64_t value)
{
	atomic_fetch_add_explicit(&n->session->answered, 1, memory_order_relaxed);
	record_exit(n, ev, value);
	reply(n, ev, value, 0);
}

/* The new descriptor's number, or a negative errno: the guest's (EMFILE), or -ENOENT. flags: SECCOMP_ADDFD_FLAG_* */
static int add_fd(const struct notified_event *ev, const struct verdict *v)
{
	struct seccomp_notif_addfd a = {
		.id = ev->id, .srcfd = (uint32_t)v->fd, .newfd_flags = v->cloexec ? O_CLOEXEC : 0,
	};
	int r;
	do {
		r = ioctl(ev->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

/* Every descriptor is in use, or there may be none: for the loader one more fits. */
static int add_fd_beyond(const struct notified_event *ev, const struct verdict *v)
{
	struct rlimit old;
	if (loads_raise_limit(ev->base.tid, &old) < 0)
		return -EMFILE;
	int r = add_fd(ev, v);
	loads_lower_limit(ev->base.tid, &old);
	return r;
}

/* In the place of the descriptor with this number. */
static int add_fd_at(const struct notified_event *ev, int number, int fd, bool cloexec)
{
	struct seccomp_notif_addfd a = {
		.id = ev->id, .flags = SECCOMP_ADDFD_FLAG_SETFD, .srcfd = (uint32_t)fd, .newfd = (uint32_t)number,
		.newfd_flags = cloexec ? O_CLOEXEC : 0,
	};
	int r;
	do {
		r = ioctl(ev->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : number;
}

/*
 * Nor can the limit be raised: the loader gets one of the program's numbers, and gives it back before the program runs.
 */
static int add_fd_borrowed(struct notify *n, const struct notified_event *ev, const struct verdict *v)
{
	int kept, number = loads_choose(ev->base.tid);
	if (number < 0 || guest_fds_get(&n->session->guest_fds, ev->base.tid, number, &kept) < 0)
		return -EMFILE;
	int r = loads_borrow(&n->session->loads, ev->base.tid, ev->base.ip, number, kept);
	if (r < 0) {
		(void)close(kept);
		return r;
	}
	r = add_fd_at(ev, number, v->fd, true);
	if (r < 0 && loads_return(&n->session->loads, ev->base.tid, &kept) >= 0)
		(void)close(kept);
	return r < 0 ? r : number | LOADER_BORROWED;
}

/* What survives an execve is not closed by it: no O_CLOEXEC. */
static struct verdict give_back(struct notify *n, const struct notified_event *ev)
{
	int fd;
	int number = loads_return(&n->session->loads, ev->base.tid, &fd);
	if (number < 0)
		return verdict_value(number);
	int r = add_fd_at(ev, number, fd, false);
	(void)close(fd);
	return verdict_value(r < 0 ? r : 0);
}

/*
 * Opened with O_PATH, which ADDFD does not take, on a kernel where the guest cannot open it itself (ptrace/lend.c needs
 * Linux 6.10): it is opened for reading, if it can be.
 */
static int add_readable(struct notify *n, const struct notified_event *ev, const struct verdict *v)
{
	char path[64];
	struct verdict other = {.kind = VERDICT_FD, .cloexec = v->cloexec};
	if (!(fcntl(v->fd, F_GETFL) & O_PATH))
		return -EBADF;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", v->fd);
	vfs_lend(n->session->options->kernel->vfs, v->fd);
	other.fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (other.fd < 0)
		return -errno;
	int r = add_fd(ev, &other);
	(void)close(other.fd);
	return r;
}

/* A loader that asks for its program gets the interpreter with it: what to add to the answer. */
static int64_t add_interp(struct notify *n, const struct notified_event *ev)
{
	if (!ev->loader || ev->base.args[1] != LOADER_ASK_PROGRAM)
		return 0;
	const struct verdict v = {.kind = VERDICT_FD, .fd = loads_take_interp(&n->session->loads, ev->base.tid), .cloexec = true};
	if (v.fd < 0)
		return 0;
	int r = add_fd(ev, &v);
	loads_gave_interp(&n->session->loads, ev->base.tid, v.fd, r >= 0);
	return r < 0 ? 0 : ((int64_t)r + 1) << LOADER_INTERP_SHIFT;
}

static void answer_fd(struct notify *n, const struct notified_event *ev, const struct verdict *v)
{
	int64_t interp = 0, r = add_fd(ev, v);
	if (r >= 0)
		interp = add_interp(n, ev);
	if (r == -EBADF)
		r = add_readable(n, ev, v);
	if (r == -EMFILE && ev->loader)
		r = add_fd_beyond(ev, v);
	if (r == -EMFILE && ev->loader)
		r = add_fd_borrowed(n, ev, v);
	(void)close(v->fd);
	if (r != -ENOENT)
		answer_value(n, ev, r + interp);
}

void notify_deliver(struct notify *n, struct notified_event *ev, struct verdict v)
{
	switch (v.kind) {
	case VERDICT_PASS:
		/* Nothing was decided on memory that another thread could change: the host judges its own copy. */
		reply(n, ev, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		return;
	case VERDICT_VALUE:
		answer_value(n, ev, v.value);
		return;
	case VERDICT_FD:
		answer_fd(n, ev, &v);
		return;
	case VERDICT_BLOCK:
		if (blocked_add(n, ev, v.block) < 0) {
			verdict_discard(&v);
			answer_value(n, ev, -ENFILE);
		}
		return;
	case VERDICT_CALL:
	case VERDICT_LEND:	/* a notified call cannot be changed, and is not offered to be */
		verdict_discard(&v);
		answer_value(n, ev, -ENOSYS);
		return;
	case VERDICT_FAIL:
		session_fail(n->session, (int)v.value, "a handler failed");
		reply(n, ev, -ENOSYS, 0);
		return;
	}
}

/* The loader's own calls are neither decided nor shown. */
static struct verdict ask_loader(struct notify *n, const struct notified_event *ev)
{
	if (!loads_is_call(&ev->base))
		return verdict_pass();
	return ev->base.args[1] == LOADER_ASK_RETURN ? give_back(n, ev) : loads_answer(&n->session->loads, &ev->base);
}

/*
 * What a call comes to that stopped by trace (aside.h). It is carried out in a stop: so sockets' addresses may be lent,
 * and opens that sleep are the guest's.
 */
static struct verdict ask_aside(struct session *s, struct notified_event *ev)
{
	struct aside_answer answer = {.verdict = verdict_pass()};
	struct call_event *call = &ev->base;
	int r = 0;
	call->lends = s->lends;
	if (call->id == CALL_execve || call->id == CALL_execveat)
		r = exec_prepare(s, call, NULL, &answer.plan);
	else if (call_set_has(&s->emulated, call->id))
		answer.verdict = handlers_ask(s->options->probe, s->options->kernel, call);
	if (r < 0)
		answer.verdict = verdict_value(r);
	aside_answer(&s->aside, call->tid, &answer);
	return verdict_value(0);
}

void notify_answer(struct notify *n, const struct seccomp_notif *req)
{
	struct session *s = n->session;
	int64_t number;
	enum call_abi abi = call_abi_of(req->data.arch, (uint64_t)req->data.nr, &number);
	struct notified_event ev = {
		.base = {
			.id = call_from_nr(abi, number), .abi = abi, .nr = req->data.nr,
			.ip = req->data.instruction_pointer, .tid = (pid_t)req->pid, .ops = &notified_guest_ops,
		},
		.notify = n,
		.listener = atomic_load_explicit(&n->listener, memory_order_relaxed),
		.id = req->id,
		.valid_ns = now_ns(),	/* it was received: so it waits */
	};
	for (int i = 0; i < 6; i++)
		ev.base.args[i] = req->data.args[i];
	if (ev.base.id == CALL_personality)
		atomic_store(&s->loads.personality_set, true);
	struct verdict handed;
	if (s->files && handed_take(&s->handed, ev.base.tid, &handed)) {
		notify_deliver(n, &ev, handed);
		return;
	}
	if (s->files && ev.base.id == CALL_nfsservctl && aside_asked(&s->aside, &ev.base)) {
		notify_deliver(n, &ev, ask_aside(s, &ev));
		return;
	}
	if (stub_asks(s, &ev.base)) {
		notify_deliver(n, &ev, stub_answer_ask(s, &ev.base));
		return;
	}
	ev.loader = s->files && loads_made(&s->loads, ev.base.tid, ev.base.ip, ev.base.id);
	struct verdict v = ev.loader ? ask_loader(n, &ev) : ask(s, &ev);
	ev.recorded = !ev.loader && call_set_has(&s->recorded, ev.base.id) && s->options->recorder;
	if (ev.recorded)
		emit_notified_enter(s, &ev.base, now_ns());
	stub_saw(s, &ev.base, &v);
	notify_deliver(n, &ev, v);
}
