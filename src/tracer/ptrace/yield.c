#include "tracer/ptrace/yield.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "tracer/sched_times.h"
#include "tracer/session_private.h"

enum {
	/* a guest that is alone on the core and does not compute stops after some 10 us */
	DENSE_NS = 200 * 1000,
	LATE_NS = 500 * 1000,		/* somebody else may have had a time slice */
	SAME_STOPS = 8,			/* so many in a row are one guest's that has the core to itself */
	ASK_EVERY = 32,			/* stops */
	BACK_AFTER = 24,		/* so many yields in a row, and it stands back */
	FORWARD_AFTER = 8,		/* so many waits that are not for such a guest, and it stands back no more */
	PAUSE_NS = 2 * 1000 * 1000,
	PAUSE_MAX_NS = 1000 * 1000 * 1000,
};

/* ---- standing back ---- */

static int set_policy(int policy)
{
	const struct sched_param none = {0};
	return sched_setscheduler(0, policy, &none) < 0 ? -errno : 0;
}

/* Coming back from SCHED_IDLE needs the right to a better priority: a thread that may not is of no use any more. */
static void *try_to_come_back(void *arg)
{
	*(bool *)arg = set_policy(SCHED_IDLE) == 0 && set_policy(SCHED_OTHER) == 0;
	return NULL;
}

static bool may_come_back(void)
{
	pthread_t thread;
	bool may = false;
	if (sched_getscheduler(0) != SCHED_OTHER || thread_start(&thread, try_to_come_back, &may) < 0)
		return false;
	(void)pthread_join(thread, NULL);
	return may;
}

/* Only of a thread that starts no others, but by handover.c. */
static void stand_back(struct trap_thread *by)
{
	const struct session *s = by->session;
	struct core_yield *y = &by->yield;
	/* Where there are other cores the scheduler would take this one for idle and bring others to it. */
	bool plain = s->placement.one_cpu && session_follows_all(s) && !s->decides && !s->emulates && !s->files &&
		     !s->unwinder;
	y->kept = 0;
	y->back = !y->stays && plain && (y->probed || may_come_back()) && set_policy(SCHED_IDLE) == 0;
	y->probed = y->back;
	y->stays = !y->back;
}

void yield_end(struct trap_thread *by)
{
	struct core_yield *y = &by->yield;
	y->kept = 0;
	if (!y->back)
		return;
	y->back = false;
	if (set_policy(SCHED_OTHER) < 0) {
		y->stays = true;
		log_warning("a trap thread keeps the priority of an idle one: %s", strerror(errno));
	}
}

/* ---- whose the core is ---- */

/* The guest and the thread itself, as they are now. */
static bool look(const struct core_yield *y, struct core_times *ret)
{
	return sched_times(y->watched, &ret->guest) == 0 && sched_times(gettid(), &ret->own) == 0;
}

static void watch(struct core_yield *y, pid_t tid)
{
	y->watched = tid;
	y->since_ns = y->stopped_ns;
	if (!look(y, &y->since))
		y->since = (struct core_times){0};
}

static uint64_t beyond(uint64_t waited, uint64_t ran)
{
	return waited > ran ? waited - ran : 0;
}

/*
 * Whether nobody else had the core while one of the two wanted it, but for a quarter of the time since the guest is
 * watched: each waits while the other runs, and what is beyond that others had. A core that idles is nobody's.
 */
static bool had_core(const struct core_yield *y, pid_t tid)
{
	struct core_times now;
	if (tid != y->watched || !y->since.own.ran_ns || !look(y, &now))
		return false;
	uint64_t lost = beyond(now.guest.waited_ns - y->since.guest.waited_ns, now.own.ran_ns - y->since.own.ran_ns) +
			beyond(now.own.waited_ns - y->since.own.waited_ns, now.guest.ran_ns - y->since.guest.ran_ns);
	return lost < (y->stopped_ns - y->since_ns) / 4;
}

static void judge(struct trap_thread *by, pid_t tid)
{
	struct core_yield *y = &by->yield;
	if (had_core(y, tid)) {
		y->pause_ns = 0;
	} else {
		yield_end(by);
		y->pause_ns = y->pause_ns ? y->pause_ns * 4 : PAUSE_NS;
		if (y->pause_ns > PAUSE_MAX_NS)
			y->pause_ns = PAUSE_MAX_NS;
		y->paused_until_ns = y->stopped_ns + y->pause_ns;
	}
	y->watched = 0;
}

void yield_stopped(struct trap_thread *by, struct tracee *t, uint64_t now)
{
	struct core_yield *y = &by->yield;
	uint64_t gap = now - y->stopped_ns;
	y->dense = gap < DENSE_NS;
	y->stopped_ns = now;
	if (y->done && gap > LATE_NS)
		judge(by, t->tid);
	y->done = false;
	if (t->tid != y->tid) {
		y->tid = t->tid;
		y->same = 0;
		y->stops = 0;
		yield_end(by);
		return;
	}
	if (y->same < SAME_STOPS)
		y->same++;
	if (++y->stops % ASK_EVERY == 0)
		y->asks = true;
}

static bool shares_core(const struct session *s, const struct tracee *t)
{
	if (t->placed.own_mask)
		return false;
	return s->placement.enabled ? t->placed.slot : s->placement.one_cpu && !s->options->attach_count;
}

static void count_running(struct tracee *t, bool runs)
{
	t->by->yield.running += (unsigned)runs - (unsigned)t->counted_running;
	t->counted_running = runs;
}

void yield_resumed(struct trap_thread *by, struct tracee *t)
{
	struct core_yield *y = &by->yield;
	count_running(t, t->phase != PHASE_INSIDE && !t->end.pending);
	bool alone = y->running == t->counted_running;
	y->resumed = alone && shares_core(by->session, t) ? t->tid : 0;
	y->dense |= t->phase == PHASE_INSIDE;
	if (!alone)
		yield_end(by);
}

void yield_returned(struct tracee *t)
{
	count_running(t, true);
}

void yield_forget(struct tracee *t)
{
	count_running(t, false);
}

/* Whether it is to go first from now on. */
static void choose(struct trap_thread *by, pid_t tid)
{
	struct core_yield *y = &by->yield;
	bool wanted = tid && y->stopped_ns >= y->paused_until_ns;
	if (wanted && y->watched != tid)
		watch(y, tid);
	y->done = wanted;
	y->kept = wanted != y->back ? y->kept + 1 : 0;
	if (y->back && y->kept == FORWARD_AFTER)
		yield_end(by);
	else if (!y->back && y->kept == BACK_AFTER)
		stand_back(by);
}

pid_t yield_first(struct trap_thread *by)
{
	struct core_yield *y = &by->yield;
	pid_t tid = y->dense && y->same == SAME_STOPS ? y->resumed : 0;
	y->resumed = 0;
	choose(by, tid);
	return y->asks ? 0 : tid;
}

bool yield_core(struct trap_thread *by)
{
	bool yields = by->yield.done && !by->yield.back;
	if (yields)
		(void)sched_yield();
	return yields;
}

bool yield_asks(struct trap_thread *by)
{
	bool asks = by->yield.asks;
	by->yield.asks = false;
	return asks;
}
