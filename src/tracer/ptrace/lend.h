/* Descriptors for tasks in ptrace stops. Trap thread only. */
#ifndef TRAPLINE_TRACER_PTRACE_LEND_H
#define TRAPLINE_TRACER_PTRACE_LEND_H

#include "tracer/session_private.h"

/*
 * Make of an answer with a descriptor or an address (APPLIED_VERDICT) a call that passes with changed arguments, or an
 * error. The task may have run to other stops meanwhile.
 */
void lend_fd(struct session *s, struct tracee *t, struct applied *a);
/* The name by which the task can open the supervisor's descriptor fd, until lend_end; its length. For execve too. */
MUST_CHECK int lend_path(struct session *s, struct tracee *t, int fd, char *path, size_t size);
/* The same about a call that was handed to a worker: put its number back, and make it again if a signal came before. */
void lend_handed(struct session *s, struct tracee *t, int64_t value);
/* The call returned this: the task's description is the one that was lent, with its mark (vfs_mark). */
void lend_returned(struct session *s, struct tracee *t, int64_t value);
/* The call is over, or the task. */
void lend_end(struct tracee *t);

#endif
