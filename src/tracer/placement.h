/*
 * Placement: keep the trap thread and the guests that stop often on one core.
 *
 * A stop is a wake-up of the trap thread and a wake-up of the guest. Where the two are on different cores of a virtual
 * machine each wake-up interrupts a halted core: measured here, one system call costs 117 us free and 19 us on one
 * core. The scheduler cannot know that the two never run at the same time, so the trap thread tells it: a task that
 * stops densely is bound with it to one core, and let go as soon as it has to wait there (settler thread) or asks about
 * affinity.
 *
 * The guest must not see it: sched_getaffinity and sched_setaffinity always stop, and placement_release gives the task
 * its own mask back before the call is carried out. /proc/PID/status shows the narrow mask while a task is placed.
 *
 * Invariant: slot[i].tid != 0 means that the task's affinity is narrowed. A slot is claimed by compare-and-swap to
 * SLOT_BUSY before the task's mask is widened, by whichever of trap and settler thread comes first.
 */
#ifndef TRAPLINE_TRACER_PLACEMENT_H
#define TRAPLINE_TRACER_PLACEMENT_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"
#include "tracer/sched_times.h"

struct recorder;

struct placed {
	int slot;		/* index + 1 into placement.slots, 0: not placed */
	_Atomic bool own_mask;	/* the task chose its affinity: never placed */
	bool was_placed;	/* it or an ancestor was: its mask may be narrow without a slot */
	uint8_t dense;		/* consecutive short gaps between stops */
	uint64_t stopped_ns;	/* its last stop */
	uint8_t serial;		/* consecutive children that it made with nobody else there: placement_forks */
};

enum { PLACEMENT_SLOTS = 64 };

/* Where one trap thread and the tasks that stop for it are bound. */
struct placement_core {
	_Atomic int cpu;		/* or -1; stored under placement.lock */
	_Atomic unsigned placed;	/* slots in use */
	_Atomic pid_t tid;		/* of the thread */
};

struct placement_slot {
	_Atomic pid_t tid;
	struct placement_core *core;
	_Atomic uint64_t seen_ns;	/* last stop */
	uint64_t looked_at;		/* settler only: the .seen_ns at which it took .times */
	struct sched_times times;
};

struct placement {
	bool enabled;
	bool one_cpu;			/* is all there is: nothing to place, but everything shares it */
	cpu_set_t base;			/* the supervisor's own mask: what guests inherit */
	pthread_mutex_t lock;		/* cores choose and leave their CPUs one at a time */
	struct placement_core *cores[8];	/* that ever were bound; lock */
	struct placement_slot slots[PLACEMENT_SLOTS];
	_Atomic unsigned placed;	/* slots in use */
	_Atomic uint32_t settler_word;	/* futex: 1 while the settler has work */
	_Atomic bool settler_ends;
	pthread_t settler;
	_Atomic bool settler_runs;	/* set with lock held */
	bool settler_failed;		/* lock */
	struct recorder *recorder;	/* whose writer makes room; NULL: none */
};

void placement_core_init(struct placement_core *core);
/* The recorder's writer is kept off the cores that are bound; NULL: there is none. */
void placement_init(struct placement *p, bool wanted, struct recorder *recorder);
/* By the thread of the core, which gets its own mask back. */
void placement_finish(struct placement *p, struct placement_core *core);
/* The task stopped at now for the calling trap thread. May bind it and the thread. */
void placement_stopped(struct placement *p, struct placement_core *core, pid_t tid, struct placed *t, uint64_t now);
/* A new task inherited its parent's mask. */
void placement_forked(struct placement *p, struct placement_core *core, pid_t child, struct placed *to,
		      const struct placed *parent);
/*
 * Behind placement_forked, where calls seldom stop. in_line: each task has one child at most, as where a shell runs one
 * command after the other. Then one of them runs at a time, and each command is a dozen wake-ups, of guests that the
 * scheduler starts on the core where nobody is; after the second such child its parent is bound, and what it makes is
 * born so. Where two may run at once they are let go.
 */
void placement_forks(struct placement *p, struct placement_core *core, pid_t parent, struct placed *of_parent,
		     pid_t child, struct placed *of_child, bool in_line);
/* Give the task its own mask back, before it can look. */
void placement_release(struct placement *p, pid_t tid, struct placed *t);
/* The same from another thread than the task's trap thread. */
void placement_release_tid(struct placement *p, pid_t tid);
/* Its stops will be another thread's: it is bound where that one is. */
void placement_handed_over(struct placement *p, pid_t tid, struct placed *t, struct placement_core *core);
/* By any thread: is the task's mask narrow, and what would it be. */
bool placement_narrows(const struct placement *p, pid_t tid, cpu_set_t *ret);
void placement_exited(struct placement *p, pid_t tid, struct placed *t);

#endif
