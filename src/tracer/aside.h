/*
 * Calls that stop by trace and ask a file system of the host which may not answer (a network's, FUSE).
 *
 * The trap thread must not wait for one: all its guests would stand still. So where such a file system is mounted the
 * stop makes the call a private one that is notified (as the loader's, loader/image.h). A worker asks what the call
 * itself comes to, and keeps that here; when the private call returns, the task is made to make its own again, and that
 * stop finds what it comes to. What becomes of workers that are kept, of tasks that are killed meanwhile and of signals
 * is then what becomes of any notified call.
 *
 * Locks: aside.lock, a leaf. Any thread, but for what is said.
 */
#ifndef TRAPLINE_TRACER_ASIDE_H
#define TRAPLINE_TRACER_ASIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "syscalls/dispatch.h"

struct aside_call;
struct exec_plan;

struct aside {
	pthread_mutex_t lock;
	struct aside_call *list;	/* lock */
	_Atomic unsigned count;
	int mounts;			/* /proc/self/mountinfo, from the first look on; owned; trap thread */
	bool slow;			/* what it said; trap thread */
};

/* What a call comes to. For an execve its plan, or .verdict is its error. */
struct aside_answer {
	struct verdict verdict;		/* owned */
	struct exec_plan *plan;		/* owned; NULL: none */
};

void aside_init(struct aside *a);
void aside_finish(struct aside *a);
/* Is something mounted that may not answer? Trap thread. */
bool aside_needed(struct aside *a);
/* The call's task is about to make a private call instead. */
MUST_CHECK int aside_add(struct aside *a, const struct call_event *call);
/* For the worker: a task's private call has come; ret gets the id and number of the call that it is about. */
bool aside_asked(struct aside *a, struct call_event *ret);
/* For the worker: this is what it comes to, taken over. */
void aside_answer(struct aside *a, pid_t tid, const struct aside_answer *answer);
/* Was this very call answered? */
bool aside_has(struct aside *a, const struct call_event *call);
bool aside_take(struct aside *a, const struct call_event *call, struct aside_answer *ret);
/* The task has ended. */
void aside_forget(struct aside *a, pid_t tid);

#endif
