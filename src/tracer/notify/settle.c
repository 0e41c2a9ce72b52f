/*
 * Descriptors that a guest has and that we are about to close: what is installed in one step (answer.c).
 *
 * Each worker counts up when it begins and when it has closed. Who asks waits for those that were under way, and for no
 * later ones. What shows that somebody has the description still is asked about after such a wait: locks that belong to
 * descriptions (flock(2), F_OFD_* of fcntl(2)), leases, and whether a program is being written (execve). Where guests watch
 * files, nothing is installed so.
 */
#include <sched.h>

#include "tracer/notify/notify_private.h"

void settle_begin(struct worker *by)
{
	atomic_fetch_add(&by->installs, 1);
}

void settle_end(struct worker *by)
{
	atomic_fetch_add(&by->installs, 1);
}

void notify_settle(struct session *s)
{
	struct notify *n = s->notify;
	for (unsigned i = 0; n && i < n->max_workers; i++) {
		unsigned seen = atomic_load(&n->each[i].installs);
		while (seen & 1 && atomic_load(&n->each[i].installs) == seen)
			(void)sched_yield();
	}
}
