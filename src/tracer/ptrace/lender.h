/*
 * A thread of the supervisor with ids of a task's own, under which the task may open the supervisor's descriptors: for
 * what is behind /proc/PID/task/TID/fd the kernel asks whether the opener may look into that thread (ptrace(2), access
 * mode checking), that is for the same ids and no capability that the opener lacks.
 */
#ifndef TRAPLINE_TRACER_PTRACE_LENDER_H
#define TRAPLINE_TRACER_PTRACE_LENDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/errors.h"

struct cred;
struct lender;

/* May a task with these credentials look into the supervisor as it is? */
bool lender_needless(const struct cred *c);
/* -EAGAIN, -EPERM, -ENOMEM */
MUST_CHECK int lender_start(uid_t uid, gid_t gid, struct lender **ret);
pid_t lender_tid(const struct lender *l);
void lender_end(struct lender *l);	/* NULL is nothing */

#endif
