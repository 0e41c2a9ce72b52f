#include "tracer/ptrace/yield.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/thread.h"
#include "tracer/session_private.h"

enum {
	DENSE_NS = 200 * 1000,		/* a guest that is alone on the core and does not compute stops after some 10 us */
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
	bool plain = s->placement.one_cpu && s->mechanism == MECHANISM_STEP && !s->decides && !s->emulates && !s->files &&
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

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;
	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* 0: it is no more. */
static uint64_t process_ns(pid_t process)
{
	clockid_t clock;
	return clock_getcpuclockid(process, &clock) == 0 ? clock_ns(clock) : 0;
}

static void watch(struct core_yield *y, pid_t process)
{
	y->watched = process;
	y->since_ns = y->stopped_ns;
	y->own_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	y->guest_ns = process_ns(process);
}

/* Whether thread and process used up the time since they are watched. A process that ended has used none. */
static bool had_core(const struct core_yield *y, pid_t process)
{
	uint64_t passed = y->stopped_ns - y->since_ns;
	uint64_t guest = process == y->watched ? process_ns(process) : 0;
	if (guest < y->guest_ns)
		return false;
	uint64_t used = clock_ns(CLOCK_THREAD_CPUTIME_ID) - y->own_ns + guest - y->guest_ns;
	return used >= passed / 4 * 3;
}

static void judge(struct trap_thread *by, pid_t process)
{
	struct core_yield *y = &by->yield;
	if (had_core(y, process)) {
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
		judge(by, tracee_tgid(t));
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
	if (++y->stops % ASK_EVERY == 0 && (y->back || y->kept)) {
		/* The guest is to be resumed as an equal for this. */
		uint8_t kept = y->back ? BACK_AFTER - 1 : y->kept;
		yield_end(by);
		y->kept = kept;
		y->asks = true;
	}
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
	count_running(t, t->phase != PHASE_INSIDE);
	bool alone = y->running == t->counted_running;
	y->process = alone && shares_core(by->session, t) ? tracee_tgid(t) : 0;
	if (!alone)
		yield_end(by);
}

void yield_forget(struct tracee *t)
{
	count_running(t, false);
}

bool yield_core(struct trap_thread *by)
{
	struct core_yield *y = &by->yield;
	if (y->asks)
		return false;
	pid_t process = y->process;
	y->process = 0;
	bool wanted = process && y->dense && y->same == SAME_STOPS && y->stopped_ns >= y->paused_until_ns;
	if (wanted && y->watched != process)
		watch(y, process);
	y->done = wanted;
	y->kept = wanted != y->back ? y->kept + 1 : 0;
	if (y->back && y->kept == FORWARD_AFTER)
		yield_end(by);
	else if (!y->back && y->kept == BACK_AFTER)
		stand_back(by);
	if (wanted && !y->back)
		(void)sched_yield();
	return true;
}

void yield_asked(struct trap_thread *by)
{
	by->yield.asks = false;
}
