/* execve under the file kernel. Trap thread only. */
#ifndef TRAPLINE_TRACER_PTRACE_EXEC_H
#define TRAPLINE_TRACER_PTRACE_EXEC_H

#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

/* Is the call that was entered an execve that is ours to carry out? */
bool exec_is(const struct session *s, const struct tracee *t);
/*
 * Find what the call means; any thread. checked: a copy of the name, or NULL. *ret: owned by the caller; .native is
 * decided.
 */
MUST_CHECK int exec_prepare(struct session *s, struct call_event *ev, const struct fact_copy *checked, struct exec_plan **ret);
/*
 * Find what it means and have the kernel execute the loader instead: *a, which lets the call pass, gets changed
 * arguments or becomes an answer. A checked copy of the name in *a is used. The task may have run to other stops
 * meanwhile.
 */
void exec_redirect(struct session *s, struct tracee *t, struct call_event *ev, struct applied *a);
/* At the exec event: the loader is told, or the process is killed. The tracee has its new id already. */
void exec_done(struct session *s, struct tracee *t, pid_t former);
/* The execve failed, or the task ended. */
void exec_forget(struct tracee *t);

#endif
