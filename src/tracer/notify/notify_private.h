/*
 * The inside of the notify mechanism.
 *
 *   worker.c   threads that receive calls from the filter's listener
 *   answer.c   from a received call to its verdict, and the verdict carried out
 *   blocked.c  calls that sleep, each in a thread of its own
 *   guest.c    the caller's memory and descriptors
 */
#ifndef TRAPLINE_TRACER_NOTIFY_PRIVATE_H
#define TRAPLINE_TRACER_NOTIFY_PRIVATE_H

#include <linux/seccomp.h>

#include "tracer/session_private.h"

enum { MAX_WORKERS = 8 };

struct blocked;

struct worker {
	struct notify *notify;
	pthread_t thread;
	_Atomic bool joinable;
};

struct notify {
	struct session *session;
	_Atomic int listener;		/* owned; -1 before it is known */
	size_t request_size;
	_Atomic bool ends;
	_Atomic unsigned workers;	/* started */
	struct worker each[MAX_WORKERS];
	unsigned max_workers;

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
