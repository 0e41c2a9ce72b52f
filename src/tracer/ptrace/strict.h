/*
 * SECCOMP_MODE_STRICT for a guest that runs under a filter of ours: the kernel has one mode for a task, and ours is the
 * other one. What the guest asks for becomes a second filter, which lets the same four calls through. Trap thread only.
 */
#ifndef TRAPLINE_TRACER_PTRACE_STRICT_H
#define TRAPLINE_TRACER_PTRACE_STRICT_H

#include <signal.h>

#include "tracer/session_private.h"

/* At the entry of a call: one that asks for strict mode is changed into one that gives it. */
void strict_entered(struct session *s, struct tracee *t);
/*
 * At a signal: is it the strict filter's? Then the task stands as it is to go on, with *ret_sig, and nobody is told of
 * a signal: strict mode kills the thread by SIGKILL (kernel/seccomp.c, __secure_computing_strict).
 */
bool strict_broken(struct session *s, struct tracee *t, const siginfo_t *info, int *ret_sig);

#endif
