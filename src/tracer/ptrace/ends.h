/*
 * The end of a call, without a stop.
 *
 * A traced call stops twice: at its entry for its arguments, at its end for the result. Where the kernel takes a BPF
 * program from us (CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN) the second is not needed: at the entry the task's slot is
 * armed (ends_program.h), the task goes on as if the call were not wanted, and the program writes down the result, the
 * time and what the kernel has put into the guest's memory (decode.h, decode_late_range). The record is made at the
 * trap thread's next event, before that is served, so that records keep their order. Then a call costs a stop where it
 * cost two.
 *
 * While its end was not taken a call is pending, with the trap thread whose task makes it. If no event comes (the guest
 * computes, or sleeps in the call) the watcher pokes the thread: it looks every few milliseconds at what is pending,
 * has calls that last tell it through the ring, and sleeps while nothing is pending or all will be told.
 *
 * A task's ends are believed once the slot said the same as an exit stop (a task in another PID namespace is not
 * heard). Used by sessions that only record, under the mechanism trace. The program is loaded when it is likely to be
 * worth it.
 */
#ifndef TRAPLINE_TRACER_PTRACE_ENDS_H
#define TRAPLINE_TRACER_PTRACE_ENDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/errors.h"
#include "tracer/ptrace/ends_program.h"

struct session;
struct session_options;
struct trap_thread;
struct tracee;
struct ptrace_syscall_info;

enum { ENDS_PENDING = 16 };

/* Of a trap thread. Others look, too, while it has nothing to do. */
struct ends_pending {
	pthread_mutex_t lock;				/* not a leaf: records are put under it */
	struct tracee *tracees[ENDS_PENDING];		/* lock */
	_Atomic(struct end_slot *) slots[ENDS_PENDING];	/* written with lock; NULL behind the last */
	_Atomic unsigned count;				/* written with lock */
	unsigned waited;				/* exit stops before the program was loaded; the thread's own */
};

enum end_trust { END_UNTRIED, END_TRIED, END_TRUSTED, END_NEVER };

/* Of a tracee. */
struct task_end {
	struct end_slot *slot;
	enum end_trust trust;
	_Atomic bool pending;		/* cleared under the lock of its trap thread's ends */
};

/* Of a session. */
struct ends {
	bool wanted;			/* fixed when the session starts */
	bool at_once;			/* the program is loaded at the first call */
	pthread_mutex_t lock;		/* who loads the program */
	_Atomic bool open;
	_Atomic bool closed;		/* it cannot be had, or was found to lose ends */
	struct ends_program program;
	pthread_t watcher;
	int wake_fd;			/* owned; eventfd(2) of the watcher */
	_Atomic bool asleep;		/* the watcher, until something is pending */
	_Atomic bool finished;		/* the watcher is to end */
};

/* Whether such a session, if it can have a filter, could do with one stop a call. */
bool ends_suit(const struct session_options *o);

void ends_init(struct session *s);
/* Before trap threads end: nothing is loaded any more, and nobody is poked. */
void ends_stop(struct session *s);
void ends_finish(struct session *s);
void ends_thread_init(struct ends_pending *p);
void ends_thread_finish(struct ends_pending *p);

/* The task stands at the entry of a call whose end is to be recorded: true if it need not stop there. */
bool ends_take(struct session *s, struct tracee *t, uint64_t now);
/* It stopped there all the same: is it heard? */
void ends_compare(struct tracee *t, const struct ptrace_syscall_info *info);
/* Records of all ends that were written down. Before an event is served, and when the thread was poked. */
void ends_collect(struct trap_thread *by);
/* The task stopped again: what is pending now was lost. */
void ends_missed(struct session *s, struct tracee *t);
/* It is gone, or gets another id. */
void ends_forget(struct tracee *t);

#endif
