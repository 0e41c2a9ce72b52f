/*
 * Threads: a slot is its task's trap thread's while it is not armed, the program's while it is. What is pending is
 * guarded by the trap thread's ends_pending.lock, which other trap threads only try to take.
 */
#include "tracer/ptrace/ends.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "base/thread.h"
#include "observe/recorder.h"
#include "syscalls/decode.h"
#include "tracer/ptrace/handover.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

enum {
	WORTH_IT = 60,			/* exit stops; to load and attach costs as much */
	TICK_MS = 10,
	LATE_NS = 10 * 1000 * 1000,	/* so long an end may wait to be seen, and a call may last without telling */
	QUIET_TICKS = 10,		/* with nothing pending, and the watcher sleeps */
};

/* ---- whether ---- */

bool ends_suit(const struct session_options *o)
{
	return o->recorder && o->record_exits && !o->record_stack && !o->record_cpu && !o->policy && !o->kernel &&
	       call_set_empty(&o->emulated) && o->ends != ENDS_STOP;
}

void ends_init(struct session *s)
{
	struct ends *e = &s->ends;
	(void)pthread_mutex_init(&e->lock, NULL);
	e->wake_fd = -1;
	e->at_once = s->options->ends == ENDS_OBSERVED;
	/* Where only some calls are recorded the others would pay for it, and mostly more than is saved. */
	e->wanted = s->mechanism == MECHANISM_TRACE && ends_suit(s->options) && (e->at_once || call_set_full(&s->recorded));
}

void ends_thread_init(struct ends_pending *p)
{
	(void)pthread_mutex_init(&p->lock, NULL);
}

void ends_thread_finish(struct ends_pending *p)
{
	(void)pthread_mutex_destroy(&p->lock);
}

/* ---- the watcher ---- */

static bool is_over(const struct end_slot *e)
{
	return !atomic_load(&((struct end_slot *)e)->armed);
}

/* What is pending with a trap thread, at now. True: look again soon. */
static bool look_at(struct trap_thread *by, uint64_t now, bool *ret_any)
{
	bool again = false;
	bool late = false;
	for (size_t i = 0; i < ENDS_PENDING; i++) {
		struct end_slot *e = atomic_load(&by->ends.slots[i]);
		if (!e)
			break;
		*ret_any = true;
		bool over = is_over(e);
		if (!over && now > atomic_load(&e->since_ns) + LATE_NS && !atomic_exchange(&e->tells, 1))
			over = is_over(e);
		late = late || (over && now > e->time_ns + LATE_NS);
		again = again || over || !atomic_load(&e->tells);
	}
	if (late)
		(void)pthread_kill(by->thread, SIGRTMAX);
	return again;
}

static bool look(struct session *s, bool *ret_any)
{
	uint64_t now = now_ns();
	bool again = false;
	*ret_any = false;
	for (size_t i = 0; i < ARRAY_SIZE(s->traps); i++) {
		if (atomic_load(&s->traps[i].ends.count))
			again |= look_at(&s->traps[i], now, ret_any);
	}
	return again;
}

static void *watch(void *arg)
{
	struct session *s = arg;
	struct ends *e = &s->ends;
	struct pollfd fds[] = {{.fd = e->program.ring_fd, .events = POLLIN}, {.fd = e->wake_fd, .events = POLLIN}};
	unsigned quiet = 0;
	bool any;
	while (!atomic_load(&e->finished)) {
		bool again = look(s, &any);
		quiet = any ? 0 : quiet + 1;
		if (!again && (any || quiet > QUIET_TICKS)) {
			atomic_store(&e->asleep, true);
			/* What became pending before it could be seen that we sleep. */
			again = look(s, &any) || atomic_load(&e->finished);
			if (again)
				atomic_store(&e->asleep, false);
		}
		bool sleeps = atomic_load(&e->asleep);
		(void)poll(fds, ARRAY_SIZE(fds), sleeps && !again ? -1 : TICK_MS);
		atomic_store(&e->asleep, false);
		uint64_t ignored;
		if (fds[1].revents & POLLIN)
			(void)!read(e->wake_fd, &ignored, sizeof(ignored));
		if (fds[0].revents & POLLIN)
			ends_program_drain(&e->program);
	}
	return NULL;
}

static void wake_watcher(struct ends *e)
{
	static const uint64_t one = 1;
	if (atomic_load(&e->asleep) && atomic_exchange(&e->asleep, false))
		(void)!write(e->wake_fd, &one, sizeof(one));
}

/* Signals are the trap loop's and the signals thread's. It runs wherever there is room. */
static int start_watcher(struct session *s)
{
	int r = thread_start_deaf(&s->ends.watcher, watch, s);
	if (r < 0)
		return r;
	(void)pthread_setname_np(s->ends.watcher, "trapline-ends");
	if (s->placement.enabled)
		(void)pthread_setaffinity_np(s->ends.watcher, sizeof(s->placement.base), &s->placement.base);
	return 0;
}

static int load(struct session *s)
{
	struct ends *e = &s->ends;
	int r = ends_program_open(&e->program);
	if (r < 0)
		return r;
	e->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = e->wake_fd < 0 ? -errno : start_watcher(s);
	if (r < 0)
		ends_program_close(&e->program);
	return r;
}

static bool is_open(struct session *s, struct trap_thread *by)
{
	struct ends *e = &s->ends;
	if (atomic_load_explicit(&e->open, memory_order_acquire))
		return !atomic_load_explicit(&e->closed, memory_order_relaxed);
	if (atomic_load_explicit(&e->closed, memory_order_relaxed) || (!e->at_once && by->ends.waited++ < WORTH_IT))
		return false;
	yield_end(by);
	(void)pthread_mutex_lock(&e->lock);
	if (!e->open && !e->closed) {
		int r = load(s);
		if (r < 0)
			log_debug("ends of calls are waited for: %s", strerror(-r));
		atomic_store(r < 0 ? &e->closed : &e->open, true);
	}
	(void)pthread_mutex_unlock(&e->lock);
	return !e->closed;
}

void ends_stop(struct session *s)
{
	static const uint64_t one = 1;
	struct ends *e = &s->ends;
	(void)pthread_mutex_lock(&e->lock);
	atomic_store(&e->closed, true);
	(void)pthread_mutex_unlock(&e->lock);
	if (!e->open || atomic_exchange(&e->finished, true))
		return;
	(void)!write(e->wake_fd, &one, sizeof(one));
	(void)pthread_join(e->watcher, NULL);
}

void ends_finish(struct session *s)
{
	struct ends *e = &s->ends;
	ends_stop(s);
	if (e->open)
		ends_program_close(&e->program);
	if (e->wake_fd >= 0)
		close(e->wake_fd);
	(void)pthread_mutex_destroy(&e->lock);
}

/* ---- calls ---- */

static struct end_slot *claim(struct ends *e, struct tracee *t)
{
	struct end_slot *slot = &e->program.slots[(unsigned)t->tid % ENDS_SLOTS];
	uint32_t nobody = 0;
	if (!t->end.slot && atomic_compare_exchange_strong(&slot->tid, &nobody, (uint32_t)t->tid))
		t->end.slot = slot;
	return t->end.slot;
}

static bool add_pending(struct trap_thread *by, struct tracee *t)
{
	struct ends_pending *p = &by->ends;
	(void)pthread_mutex_lock(&p->lock);
	unsigned at = atomic_load_explicit(&p->count, memory_order_relaxed);
	bool fits = at < ENDS_PENDING;
	if (fits) {
		p->tracees[at] = t;
		t->end.pending = true;
		atomic_store(&p->slots[at], t->end.slot);
		atomic_store(&p->count, at + 1);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return fits;
}

/* With lock held. */
static void remove_pending(struct ends_pending *p, unsigned at)
{
	unsigned last = atomic_load_explicit(&p->count, memory_order_relaxed) - 1;
	p->tracees[at]->end.pending = false;
	p->tracees[at] = p->tracees[last];
	atomic_store(&p->slots[at], atomic_load_explicit(&p->slots[last], memory_order_relaxed));
	atomic_store(&p->slots[last], NULL);
	p->tracees[last] = NULL;
	atomic_store_explicit(&p->count, last, memory_order_release);
}

/* The result is all that is to be done behind it, and all that it takes is known now. */
static bool is_simple(const struct session *s, const struct tracee *t, struct decode_range *ret)
{
	static const enum call_id ends_elsewhere[] = {
		CALL_execve, CALL_execveat, CALL_clone, CALL_clone3, CALL_fork, CALL_vfork, CALL_exit, CALL_exit_group,
		CALL_rt_sigreturn, CALL_ptrace, CALL_seccomp, CALL_prctl, CALL_sched_setaffinity,
	};
	if (!t->inside_recorded || t->saved || t->delay_exit_ns || t->poke_exit || t->stood_in || t->call.id < 0 || s->steps ||
	    t->shown.id != t->call.id)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ends_elsewhere); i++) {
		if (ends_elsewhere[i] == t->call.id)
			return false;
	}
	return decode_late_range(&t->shown, s->options->decode, ret) && ret->len <= ENDS_DATA;
}

static void arm(struct end_slot *e, const struct decode_range *range, uint64_t now)
{
	e->addr = range->addr;
	e->want = range->len;
	e->by_result = range->by_result;
	atomic_store_explicit(&e->tells, 0, memory_order_relaxed);
	atomic_store_explicit(&e->since_ns, now, memory_order_relaxed);
	atomic_store_explicit(&e->armed, 1, memory_order_release);
}

bool ends_take(struct session *s, struct tracee *t, uint64_t now)
{
	struct ends *e = &s->ends;
	struct decode_range range;
	if (!e->wanted || t->end.trust == END_NEVER || !is_simple(s, t, &range) || !is_open(s, t->by) || !claim(e, t))
		return false;
	arm(t->end.slot, &range, now);
	if (t->end.trust != END_TRUSTED) {
		t->end.trust = END_TRIED;
		return false;
	}
	if (!add_pending(t->by, t)) {
		atomic_store(&t->end.slot->armed, 0);
		return false;
	}
	t->inside_recorded = false;
	wake_watcher(e);
	return true;
}

void ends_compare(struct tracee *t, const struct ptrace_syscall_info *info)
{
	struct task_end *end = &t->end;
	if (end->trust != END_TRIED)
		return;
	bool heard = is_over(end->slot) && end->slot->result == info->exit.rval;
	end->trust = heard ? END_TRUSTED : END_NEVER;
	if (!heard)
		ends_forget(t);
}

/* The call that ended first, of those that have; count: none has. With lock held. */
static unsigned first_over(const struct ends_pending *p, unsigned count)
{
	unsigned first = count;
	for (unsigned i = 0; i < count; i++) {
		const struct end_slot *e = p->tracees[i]->end.slot;
		if (is_over(e) && (first == count || e->time_ns < p->tracees[first]->end.slot->time_ns))
			first = i;
	}
	return first;
}

static void take_ended(struct trap_thread *by, struct ends_pending *p)
{
	for (;;) {
		unsigned count = atomic_load_explicit(&p->count, memory_order_relaxed);
		unsigned at = first_over(p, count);
		if (at == count)
			return;
		struct tracee *t = p->tracees[at];
		if (t->by == by)
			yield_returned(t);
		atomic_store_explicit(&t->active_ns, UINT64_MAX, memory_order_relaxed);
		/* In this order: its own trap thread may use the tracee when it finds nothing pending. */
		emit_late_exit(by, t, t->end.slot);
		remove_pending(p, at);
	}
}

/*
 * What another trap thread's guests did meanwhile, so that it is told in its turn; if that is busy, it tells it itself.
 */
static void collect_others(struct trap_thread *by)
{
	struct session *s = by->session;
	for (size_t i = 0; i < ARRAY_SIZE(s->traps); i++) {
		struct ends_pending *p = &s->traps[i].ends;
		if (&s->traps[i] == by || !atomic_load_explicit(&p->count, memory_order_relaxed) || pthread_mutex_trylock(&p->lock))
			continue;
		take_ended(by, p);
		(void)pthread_mutex_unlock(&p->lock);
	}
}

void ends_collect(struct trap_thread *by)
{
	struct ends_pending *p = &by->ends;
	if (!atomic_load_explicit(&by->session->ends.open, memory_order_relaxed))
		return;
	if (atomic_load_explicit(&p->count, memory_order_acquire)) {
		(void)pthread_mutex_lock(&p->lock);
		take_ended(by, p);
		(void)pthread_mutex_unlock(&p->lock);
	}
	if (handover_several(by->session))
		collect_others(by);
}

static void withdraw(struct tracee *t)
{
	struct ends_pending *p = &t->by->ends;
	(void)pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->count; i++) {
		if (p->tracees[i] == t) {
			remove_pending(p, i);
			break;
		}
	}
	(void)pthread_mutex_unlock(&p->lock);
}

void ends_missed(struct session *s, struct tracee *t)
{
	if (!t->end.pending)
		return;
	withdraw(t);
	atomic_store(&t->end.slot->armed, 0);
	t->end.trust = END_NEVER;
	if (!atomic_exchange(&s->ends.closed, true))
		log_warning("task %d: the end of a call was not heard; calls stop twice from now on", t->tid);
}

void ends_forget(struct tracee *t)
{
	struct end_slot *slot = t->end.slot;
	if (!slot)
		return;
	if (t->end.pending)
		withdraw(t);
	atomic_store(&slot->armed, 0);
	t->end.slot = NULL;
	if (t->end.trust != END_NEVER)
		t->end.trust = END_UNTRIED;
	atomic_store(&slot->tid, 0);
}
