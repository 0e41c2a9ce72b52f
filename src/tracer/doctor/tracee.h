/* A child to try ptrace on. Private to the doctor; used inside an attempt. */
#ifndef TRAPLINE_TRACER_DOCTOR_TRACEE_H
#define TRAPLINE_TRACER_DOCTOR_TRACEE_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include "base/errors.h"

#define TRACEE_SYSCALL_STOP (SIGTRAP | 0x80)
#define TRACEE_SECCOMP_STOP (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)

/*
 * Start a child that runs prepare() (may be NULL), is seized with the options, waits for the first
 * tracee_stop_at(), and then makes one getppid and exits with the errno that it gave. -errno.
 */
MUST_CHECK int tracee_start(int (*prepare)(void), long options, pid_t *ret);
/* Let it run by the request until the stop whose status >> 8 is wanted. -errno; -ECHILD: it ended before. */
MUST_CHECK int tracee_stop_at(pid_t pid, enum __ptrace_request request, int wanted);

#endif
