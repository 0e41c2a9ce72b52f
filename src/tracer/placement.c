#include "tracer/placement.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/thread.h"
#include "observe/recorder.h"

enum {
	SLOT_BUSY = -1,			/* being claimed or released */
	DENSE_STOPS = 6,		/* so many short gaps in a row place a task */
	DENSE_AGAIN = 2,		/* ... one that was placed before */
	SERIAL_FORKS = 2,		/* so many children one by one place their parent */
	DENSE_GAP_NS = 250 * 1000,	/* a stop that crossed cores costs about 100 us by itself */
	TICK_NS = 2 * 1000 * 1000,	/* a placed task that has not stopped for so long is looked at */
	/* ... and let go when it then ran, or waited for the core, for so long of a tick */
	COMPUTES_NS = TICK_NS / 2,
	/* ... of which for so long it waited: nobody is served by moving what is alone */
	WAITS_NS = TICK_NS / 8,
	ASLEEP_NS = 50 * 1000 * 1000,	/* ... or slept for so long: the settler must not tick for sleepers */
	SETTLED_NS = 250 * 1000 * 1000,	/* ... or did whatever it does for so long: nor for ever */
};

static uint64_t monotonic_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void set_mask(pid_t tid, const cpu_set_t *mask)
{
	/* ESRCH: it died. EPERM: it changed its user; then it was never narrowed. Both leave nothing to do. */
	(void)sched_setaffinity(tid, sizeof(*mask), mask);
}

/* Widen the mask of a slot's task unless the other thread did; the slot is free afterwards. */
static void free_slot(struct placement *p, struct placement_slot *slot, pid_t tid, bool widen)
{
	pid_t expected = tid;
	if (!atomic_compare_exchange_strong(&slot->tid, &expected, SLOT_BUSY)) {
		while (atomic_load(&slot->tid) == SLOT_BUSY)
			(void)sched_yield();
		return;
	}
	if (widen)
		set_mask(tid, &p->base);
	atomic_fetch_sub(&p->placed, 1);
	atomic_fetch_sub(&slot->core->placed, 1);
	atomic_store(&slot->tid, 0);
}

static void wake_settler(struct placement *p)
{
	if (atomic_exchange(&p->settler_word, 1) == 0)
		(void)syscall(SYS_futex, &p->settler_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The task has not stopped for a tick. Let it go if it wants the core and does not get it, or sleeps. */
static bool is_done_with_core(struct placement_slot *slot, pid_t tid, uint64_t seen, uint64_t now)
{
	struct sched_times times;
	if (now > seen + SETTLED_NS || sched_times(tid, &times) < 0)
		return true;
	uint64_t more_waited = times.waited_ns - slot->times.waited_ns;
	uint64_t more_busy = times.ran_ns - slot->times.ran_ns + more_waited;
	slot->times = times;
	if (slot->looked_at != seen) {
		slot->looked_at = seen;
		return false;
	}
	return more_busy > COMPUTES_NS ? more_waited > WAITS_NS : now > seen + ASLEEP_NS;
}

static void release_stale(struct placement *p)
{
	uint64_t now = monotonic_ns();
	for (size_t i = 0; i < PLACEMENT_SLOTS; i++) {
		struct placement_slot *slot = &p->slots[i];
		pid_t tid = atomic_load(&slot->tid);
		uint64_t seen = atomic_load(&slot->seen_ns);
		if (tid > 0 && now > seen + TICK_NS && is_done_with_core(slot, tid, seen, now))
			free_slot(p, slot, tid, true);
	}
}

/* Sleeps without a time-out while nothing is placed: an idle guest costs no wake-up. */
static void *settler_main(void *arg)
{
	struct placement *p = arg;
	const struct timespec tick = {.tv_nsec = TICK_NS};
	while (!atomic_load(&p->settler_ends)) {
		if (atomic_load(&p->placed) == 0) {
			atomic_store(&p->settler_word, 0);
			if (atomic_load(&p->placed) == 0 && !atomic_load(&p->settler_ends))
				(void)syscall(SYS_futex, &p->settler_word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
			continue;
		}
		(void)nanosleep(&tick, NULL);
		release_stale(p);
	}
	return NULL;
}

void placement_core_init(struct placement_core *core)
{
	atomic_store(&core->cpu, -1);
}

void placement_init(struct placement *p, bool wanted, struct recorder *recorder)
{
	p->recorder = recorder;
	(void)pthread_mutex_init(&p->lock, NULL);
	if (sched_getaffinity(0, sizeof(p->base), &p->base) < 0)
		return; /* more than 1024 CPUs: go without */
	p->one_cpu = CPU_COUNT(&p->base) == 1;
	p->enabled = wanted && !p->one_cpu;
}

/* The settler is started with the first task that is placed: a short command never needs one. */
static bool have_settler(struct placement *p)
{
	if (p->settler_runs)
		return true;
	(void)pthread_mutex_lock(&p->lock);
	if (!p->settler_runs && !p->settler_failed) {
		p->settler_failed = thread_start(&p->settler, settler_main, p) < 0;
		p->settler_runs = !p->settler_failed;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return p->settler_runs;
}

static bool is_taken(const struct placement *p, int cpu)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->cores); i++) {
		if (p->cores[i] && p->cores[i]->cpu == cpu)
			return true;
	}
	return false;
}

/*
 * The threads that nobody waits for leave the bound cores to those that somebody does, if there are others. The
 * scheduler would not see to it: on a virtual machine whose CPUs share no cache it wakes a thread where it slept. With
 * lock held.
 */
static void set_aside(struct placement *p)
{
	cpu_set_t rest = p->base;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (is_taken(p, cpu))
			CPU_CLR(cpu, &rest);
	}
	const cpu_set_t *mask = CPU_COUNT(&rest) ? &rest : &p->base;
	if (p->settler_runs)
		(void)pthread_setaffinity_np(p->settler, sizeof(*mask), mask);
	if (p->recorder)
		recorder_bind(p->recorder, mask);
}

void placement_finish(struct placement *p, struct placement_core *core)
{
	if (p->settler_runs) {
		atomic_store(&p->settler_ends, true);
		wake_settler(p);
		(void)pthread_join(p->settler, NULL);
		p->settler_runs = false;
		if (core->cpu >= 0)
			set_mask(0, &p->base);
		if (p->recorder)
			recorder_bind(p->recorder, &p->base);
	}
	(void)pthread_mutex_destroy(&p->lock);
}

static struct placement_slot *slot_of(struct placement *p, const struct placed *t)
{
	return &p->slots[t->slot - 1];
}

/* Forget a slot that the settler has freed meanwhile. */
static bool still_placed(struct placement *p, pid_t tid, struct placed *t)
{
	if (t->slot && atomic_load(&slot_of(p, t)->tid) != tid)
		t->slot = 0;
	return t->slot != 0;
}

static void take_slot(struct placement *p, struct placement_core *core, pid_t tid, struct placed *t, uint64_t now)
{
	for (int i = 0; i < PLACEMENT_SLOTS; i++) {
		struct placement_slot *slot = &p->slots[i];
		pid_t none = 0;
		if (!atomic_compare_exchange_strong(&slot->tid, &none, SLOT_BUSY))
			continue;
		atomic_store(&slot->seen_ns, now);
		slot->core = core;
		atomic_store(&slot->tid, tid);
		atomic_fetch_add(&p->placed, 1);
		atomic_fetch_add(&core->placed, 1);
		t->slot = i + 1;
		wake_settler(p);
		return;
	}
}

/* Where the thread runs now, if no trap thread is bound there; else a CPU that none is bound to. -1: none left. */
static int free_cpu(const struct placement *p)
{
	int here = sched_getcpu();
	if (here >= 0 && CPU_ISSET(here, &p->base) && !is_taken(p, here))
		return here;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &p->base) && !is_taken(p, cpu))
			return cpu;
	}
	return -1;
}

static void claim_cpu(struct placement *p, struct placement_core *core)
{
	size_t i = 0;
	(void)pthread_mutex_lock(&p->lock);
	while (i < ARRAY_SIZE(p->cores) && p->cores[i] && p->cores[i] != core)
		i++;
	/* Another thread that hands tasks to this one may have been quicker. */
	if (i < ARRAY_SIZE(p->cores) && core->cpu < 0) {
		p->cores[i] = core;
		core->cpu = free_cpu(p);
		set_aside(p);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

/* Bind the trap thread while any of its tasks is placed; let it go when none is. */
static void bind_trap_thread(struct placement *p, struct placement_core *core)
{
	if (core->cpu >= 0 || !core->tid)
		return;
	claim_cpu(p, core);
	if (core->cpu < 0)
		return;
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(core->cpu, &one);
	set_mask(core->tid, &one);
}

static void free_trap_thread(struct placement *p, struct placement_core *core)
{
	if (core->cpu < 0 || atomic_load(&core->placed) != 0)
		return;
	set_mask(0, &p->base);
	(void)pthread_mutex_lock(&p->lock);
	atomic_store(&core->cpu, -1);
	set_aside(p);
	(void)pthread_mutex_unlock(&p->lock);
}

static void place(struct placement *p, struct placement_core *core, pid_t tid, struct placed *t, uint64_t now)
{
	if (!have_settler(p))
		return;
	bind_trap_thread(p, core);
	if (core->cpu < 0)
		return;
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(core->cpu, &one);
	if (sched_setaffinity(tid, sizeof(one), &one) < 0) {
		t->own_mask = true; /* not ours to move (another user) */
		return;
	}
	t->was_placed = true;
	take_slot(p, core, tid, t, now);
	if (!t->slot)
		set_mask(tid, &p->base);
}

void placement_stopped(struct placement *p, struct placement_core *core, pid_t tid, struct placed *t, uint64_t now)
{
	if (!p->enabled || t->own_mask)
		return;
	bool dense = now - t->stopped_ns < DENSE_GAP_NS;
	t->stopped_ns = now;
	if (still_placed(p, tid, t)) {
		atomic_store_explicit(&slot_of(p, t)->seen_ns, now, memory_order_relaxed);
		return;
	}
	if (!dense) {
		t->dense = 0;
		free_trap_thread(p, core);
		return;
	}
	if (++t->dense >= (t->was_placed ? DENSE_AGAIN : DENSE_STOPS)) {
		t->dense = 0;
		place(p, core, tid, t, now);
	}
}

void placement_forked(struct placement *p, struct placement_core *core, pid_t child, struct placed *to,
		      const struct placed *parent)
{
	if (!p->enabled)
		return;
	to->own_mask = parent->own_mask;
	to->was_placed = parent->was_placed;
	if (parent->own_mask || !parent->was_placed)
		return;
	/*
	 * Born with the narrow mask, or with the wide one if the settler was quicker than the fork: both are put right.
	 */
	if (parent->slot)
		take_slot(p, core, child, to, monotonic_ns());
	if (!to->slot)
		set_mask(child, &p->base);
}

void placement_release(struct placement *p, pid_t tid, struct placed *t)
{
	t->dense = 0;
	if (!p->enabled || t->own_mask)
		return;
	if (still_placed(p, tid, t))
		free_slot(p, slot_of(p, t), tid, true);
	else if (t->was_placed)
		set_mask(tid, &p->base);
	t->slot = 0;
}

void placement_forks(struct placement *p, struct placement_core *core, pid_t parent, struct placed *of_parent,
		     pid_t child, struct placed *of_child, bool in_line)
{
	uint64_t now;
	if (!p->enabled)
		return;
	if (!in_line) {
		of_parent->serial = 0;
		/* Without a slot their masks are wide already: placement_forked, free_slot. */
		if (still_placed(p, parent, of_parent))
			placement_release(p, parent, of_parent);
		if (still_placed(p, child, of_child))
			placement_release(p, child, of_child);
		return;
	}
	now = monotonic_ns();
	of_parent->serial += of_parent->serial < UINT8_MAX;
	if (still_placed(p, parent, of_parent))
		atomic_store_explicit(&slot_of(p, of_parent)->seen_ns, now, memory_order_relaxed);
	else if (!of_parent->own_mask && of_parent->serial >= SERIAL_FORKS)
		place(p, core, parent, of_parent, now);
}

void placement_release_tid(struct placement *p, pid_t tid)
{
	for (size_t i = 0; i < PLACEMENT_SLOTS; i++) {
		if (atomic_load(&p->slots[i].tid) == tid)
			free_slot(p, &p->slots[i], tid, true);
	}
	set_mask(tid, &p->base);
}

void placement_handed_over(struct placement *p, pid_t tid, struct placed *t, struct placement_core *core)
{
	if (t->own_mask)
		return;
	if (still_placed(p, tid, t))
		free_slot(p, slot_of(p, t), tid, false);
	t->slot = 0;
	place(p, core, tid, t, monotonic_ns());
	if (!t->slot)
		set_mask(tid, &p->base);
}

bool placement_narrows(const struct placement *p, pid_t tid, cpu_set_t *ret)
{
	bool narrow = false;
	for (int i = 0; i < PLACEMENT_SLOTS && !narrow; i++)
		narrow = atomic_load(&p->slots[i].tid) == tid;
	*ret = p->base;
	return narrow;
}

void placement_exited(struct placement *p, pid_t tid, struct placed *t)
{
	if (still_placed(p, tid, t))
		free_slot(p, slot_of(p, t), tid, false);
	t->slot = 0;
}
