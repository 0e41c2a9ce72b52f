/*
 * Checked copies: memory of the guest's that the supervisor alone can write, for the arguments of calls that pass after
 * they were looked at.
 */
#ifndef TRAPLINE_TRACER_PTRACE_CARRY_H
#define TRAPLINE_TRACER_PTRACE_CARRY_H

#include "tracer/policy/apply.h"
#include "tracer/session_private.h"

/*
 * 0; -EFBIG: RLIMIT_FSIZE leaves no room; or the negative errno of trying it on this kernel: mseal(2) came with Linux
 * 6.10.
 */
int carry_available(void);

/*
 * Put the copies of what was decided in place and add their addresses to the changed arguments. The task stands at the
 * entry of its call. -ESRCH: it died; another negative errno: there is no room, and the call must not be made.
 */
MUST_CHECK int carry_place(struct session *s, struct tracee *t, struct applied *a);
/* Change bytes of what was placed, at this address of the guest's. */
void carry_patch(struct tracee *t, uint64_t addr, const void *bytes, size_t len);
/* The call is over. */
void carry_release(struct tracee *t);
/* A new task has what its maker has; after execve nothing is left. */
void carry_inherit(struct tracee *child, const struct tracee *parent);
void carry_forget(struct tracee *t);

#endif
