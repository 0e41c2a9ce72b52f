/*
 * The inside of the notify mechanism.
 *
 *   worker.c   threads that receive calls from the filter's listener
 *   stuck.c    workers whose call takes long
 *   answer.c   from a received call to its verdict, and the verdict carried out
 *   blocked.c  calls that sleep, each in a thread of its own
 *   guest.c    the caller's memory and descriptors
 */
#ifndef TRAPLINE_TRACER_NOTIFY_PRIVATE_H
#define TRAPLINE_TRACER_NOTIFY_PRIVATE_H

#include <linux/seccomp.h>

#include "tracer/session_private.h"

enum {
	MAX_SERVING = 8,		/* workers, while none is stuck */
	MAX_WORKERS = MAX_SERVING + 128,
};

struct blocked;

enum stuck_watch { STUCK_SLEEPS, STUCK_WATCHES, STUCK_ENDS };

enum worker_state {
	WORKER_NONE,
	WORKER_RUNS,
	WORKER_LEFT,			/* makes no calls any more: to be joined */
	WORKER_JOINED,			/* is waited for: the session ends */
	WORKER_JOINED_LEFT,
};

struct worker {
	struct notify *notify;
	pthread_t thread;		/* workers_lock, these two */
	enum worker_state state;
	_Atomic uint32_t serial;	/* one more when a call begins, and when it ends: odd while it is made */
	uint32_t seen;			/* stuck.c: .serial at the last look */
};

struct notify {
	struct session *session;
	_Atomic int listener;		/* owned; -1 before it is known */
	size_t request_size;
	_Atomic bool ends;
	pthread_mutex_t workers_lock;	/* a leaf */
	struct worker each[MAX_WORKERS];
	unsigned workers;		/* workers_lock; those that run */
	unsigned wanted;		/* workers_lock; so many, and one more for each that is stuck ... */
	unsigned stuck;			/* workers_lock; as stuck.c saw them last */
	_Atomic bool crowded;		/* ... and there are more */
	unsigned max_workers;		/* .wanted at most */

	/* stuck.c */
	_Atomic uint32_t watched;	/* a futex: enum stuck_watch */
	bool stuck_runs;		/* workers_lock, these two */
	pthread_t stuck_thread;

	/* blocked.c */
	pthread_mutex_t blocked_lock;	/* a leaf */
	pthread_cond_t blocked_some;
	struct blocked *blocked;	/* blocked_lock */
	unsigned blocked_count;		/* blocked_lock */
	bool watcher_runs;		/* blocked_lock */
	bool blocked_end;		/* blocked_lock; the session is over */
	pthread_t watcher;
	pid_t *interrupted;		/* blocked_lock; tasks whose call was given up for a signal, on purpose */
	size_t interrupted_count, interrupted_room;
};

/* A call_event that knows its request, so that memory reads can be checked against it. */
struct notified_event {
	struct call_event base;		/* first */
	struct notify *notify;
	int listener;
	uint64_t id;
	uint64_t valid_ns;	/* when it was last seen to wait; 0: never */
	bool recorded;
	bool loader;		/* made by our loader, not by the guest's program */
	uint32_t injected;
};

/* worker.c */
/* for_good: there shall be one more from now on; else if one is stuck. */
void notify_start_worker(struct notify *n, bool for_good);
/* Collects the threads of workers that left. */
void notify_join_left(struct notify *n);
/* Has the last task under the filter ended? */
bool notify_hung_up(int listener);

/* stuck.c */
void stuck_watch(struct notify *n);
void stuck_finish(struct notify *n);

static inline void stuck_call_begins(struct worker *w)
{
	/* The watcher, before it sleeps, looks at what we write before we look whether it sleeps. */
	atomic_store(&w->serial, atomic_load_explicit(&w->serial, memory_order_relaxed) + 1);
	if (atomic_load(&w->notify->watched) != STUCK_WATCHES)
		stuck_watch(w->notify);
}

static inline void stuck_call_ends(struct worker *w)
{
	atomic_store_explicit(&w->serial, atomic_load_explicit(&w->serial, memory_order_relaxed) + 1, memory_order_release);
}

/* guest.c */
extern const struct guest_ops notified_guest_ops;
/* Was what we read the caller's memory? After its death the tid may be another task's. 0 or -ESRCH. */
MUST_CHECK int notified_still_waits(struct notified_event *ev);

/* answer.c */
void notify_answer(struct notify *n, const struct seccomp_notif *req);
/* Carries the verdict out and frees what it owns. */
void notify_deliver(struct notify *n, struct notified_event *ev, struct verdict v);

/* blocked.c */
void blocked_init(struct notify *n);
/* Wakes and ends all of them. */
void blocked_finish(struct notify *n);
/* Run it in a thread of its own and deliver its verdict. On failure (-EAGAIN) the caller keeps block. */
MUST_CHECK int blocked_add(struct notify *n, const struct notified_event *ev, struct blocking *block);

#endif
