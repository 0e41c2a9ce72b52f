/*
 * Giving the core to the guest that was just resumed.
 *
 * Where trap thread and guest share a core, a trap thread that sleeps in wait is taken from the run queue at each stop
 * and put back by the next. If the guest runs first, its stop finds the thread runnable, and the wait returns at once.
 * Two ways to have it so: the thread yields before it waits, 6 to 9 % of the price of a stop; or it stands back: under
 * SCHED_IDLE whoever wakes up goes first, 15 %, with no call more. The second only where there is but one core, and the
 * kernel lets it come back.
 *
 * But everybody else on the core goes first too, for a time slice each (3 ms): a hundred times the price of
 * the stop. So it is done only while the two have the core for themselves. While a second guest of the thread runs
 * its own code it is not done at all. For others, a stop that comes late is a reason to look: if others had the core
 * for a quarter of the time since the last look, it is not done for a while, each time for longer.
 *
 * A guest that went first has mostly stopped by the time that the thread goes on: its stop is asked for by name, and
 * not waited for (loop.c). A second guest that stopped would starve. So it is done only for one that made the last
 * stops all by itself, and now and then its stop is waited for, and then what else there is.
 */
#ifndef TRAPLINE_TRACER_PTRACE_YIELD_H
#define TRAPLINE_TRACER_PTRACE_YIELD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tracer/sched_times.h"

struct trap_thread;
struct tracee;

struct core_times {
	struct sched_times guest, own;
};

/* Of one trap thread, its own. All zero at the start. */
struct core_yield {
	pid_t resumed;		/* last, on this core, with nothing else done since; 0: nobody */
	pid_t tid;		/* that stopped last at a call */
	uint8_t same;		/* ... and so often before, with no other in between */
	unsigned stops;		/* ... of its, in all */
	bool asks;		/* what else there is, at the next stop */
	unsigned running;	/* guests of the thread that were resumed into their own code, not into a call */
	/* the last two stops at calls were close to each other, or the next is the end of a call */
	bool dense;
	bool done;		/* a yield was made since the last stop */
	uint64_t stopped_ns;	/* the last stop at a call */
	bool back;		/* the thread stands back */
	bool probed;		/* it may come back */
	bool stays;		/* it may not, or must not */
	uint8_t kept;		/* so often in a row there was a reason to let the guest go first, or if .back, none */
	uint64_t paused_until_ns;
	uint64_t pause_ns;	/* the last pause; 0: none since the core was last theirs */
	pid_t watched;		/* the guest whose times .since has; 0: nobody */
	uint64_t since_ns;
	struct core_times since;
};

/* A guest stopped at a call. */
void yield_stopped(struct trap_thread *by, struct tracee *t, uint64_t now);
/* It goes on. */
void yield_resumed(struct trap_thread *by, struct tracee *t);
/* It has come back from its call, as was heard without a stop. By its own thread. */
void yield_returned(struct tracee *t);
/* It is no longer the thread's. */
void yield_forget(struct tracee *t);
/* Before the thread waits: who is likely to have stopped first. 0: nobody in particular. */
pid_t yield_first(struct trap_thread *by);
/* Let it go first, if that is good for something. False: nobody was let. */
bool yield_core(struct trap_thread *by);
/* A stop was waited for: is it time to ask what else there is? */
bool yield_asks(struct trap_thread *by);
/* Before it does anything else than serve its guests: what it makes inherits how it is scheduled. */
void yield_end(struct trap_thread *by);

#endif
