/*
 * Duplicates of guests' descriptors (pidfd_getfd(2)), and their number, through descriptors that are kept for the tasks
 * that ask often.
 * Locks: each slot's guards it and is held while a duplicate is made; leaves.
 */
#ifndef TRAPLINE_TRACER_GUEST_FDS_H
#define TRAPLINE_TRACER_GUEST_FDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/errors.h"

enum { GUEST_FDS_SLOTS = 64 };

struct guest_fds {
	atomic_bool no_threads;		/* the kernel has no pidfds of threads (Linux 6.9): thread groups are asked */
	struct guest_fds_slot {
		pthread_mutex_t lock;
		pid_t tid;		/* lock; 0: empty */
		int pidfd;		/* lock; owned */
		int dir;		/* lock; owned; O_PATH of /proc/TID/fd, or -1 */
	} slots[GUEST_FDS_SLOTS];	/* by tid, the last one that asked */
};

void guest_fds_init(struct guest_fds *g);
void guest_fds_finish(struct guest_fds *g);
/*
 * The same open file description as the task's fd, owned by the caller. -EBADF, -ESRCH: the task is gone, -ENFILE: no
 * descriptor is left here. That tid is still the task that was meant is for the caller to check, afterwards.
 */
MUST_CHECK int guest_fds_get(struct guest_fds *g, pid_t tid, int fd, int *ret);
/* How many the task has open, which is what the size of /proc/TID/fd is since Linux 6.2 (before: 0). */
int64_t guest_fds_count(struct guest_fds *g, pid_t tid);
void guest_fds_ended(struct guest_fds *g, pid_t tid);

#endif
