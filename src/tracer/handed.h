/*
 * Descriptors that were decided on in a ptrace stop and are installed behind a notification.
 *
 * Only a notification installs a descriptor of ours (SECCOMP_IOCTL_NOTIF_ADDFD), but what openat2 wants is known only
 * in a stop (ptrace/lend.c). So the stop makes the call another one, openat, which the filter is asked about anew and
 * notifies; the worker finds here what it is to answer. Whoever opens the object anew would be asked for permissions,
 * which the maker of a new file has whatever the file's mode is.
 *
 * A signal may interrupt the task before the worker has its notification. The call is then made again from its
 * beginning, and finds here what was decided: it is not carried out twice.
 *
 * Locks: handed.lock, a leaf. Any thread.
 */
#ifndef TRAPLINE_TRACER_HANDED_H
#define TRAPLINE_TRACER_HANDED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "syscalls/dispatch.h"

struct handed_call;

struct handed {
	pthread_mutex_t lock;
	struct handed_call *list;	/* lock */
	_Atomic unsigned count;
};

void handed_init(struct handed *h);
void handed_finish(struct handed *h);
/* The next notification of the call's task is answered with v, a descriptor, which is taken over; not on failure. */
MUST_CHECK int handed_add(struct handed *h, const struct call_event *call, const struct verdict *v);
/* For the worker. */
bool handed_take(struct handed *h, pid_t tid, struct verdict *ret);
/* The call is over. interrupted: before the worker had it; it may be made again. */
void handed_returned(struct handed *h, pid_t tid, bool interrupted);
/* Was this very call interrupted? */
bool handed_again(struct handed *h, const struct call_event *call, struct verdict *ret);
/* The task has ended. */
void handed_forget(struct handed *h, pid_t tid);

#endif
