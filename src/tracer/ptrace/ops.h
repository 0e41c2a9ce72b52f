/* ptrace(2) requests as functions that return 0 or a negative errno. Only the thread that attached may call them. */
#ifndef TRAPLINE_TRACER_PTRACE_OPS_H
#define TRAPLINE_TRACER_PTRACE_OPS_H

#include <linux/ptrace.h>
#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"
#include "regs/regs.h"

/* linux/ptrace.h and sys/ptrace.h cannot both be included: the few values of the latter that callers need. */
enum ops_event {
	OPS_EVENT_NONE = 0,
	OPS_EVENT_FORK = 1,
	OPS_EVENT_VFORK = 2,
	OPS_EVENT_CLONE = 3,
	OPS_EVENT_EXEC = 4,
	OPS_EVENT_EXIT = 6,
	OPS_EVENT_SECCOMP = 7,
	OPS_EVENT_STOP = 128,
};

/* How a stopped task goes on. */
enum ops_resume {
	OPS_CONT,	/* to the next event or filter stop */
	OPS_SYSCALL,	/* to the next entry or exit of a call */
	OPS_SYSEMU,	/* to the next entry, which will not be carried out */
	OPS_LISTEN,	/* stay in the group-stop, but report its end */
};

enum ops_seize_flags {
	OPS_FILTER_STOPS = 1,	/* SECCOMP_RET_TRACE stops it */
	OPS_EXIT_KILL = 2,	/* it dies with us: for what we started, never for what we attached to */
};

/*
 * Who has something to tell the calling thread; it is left to be waited for. 0: nobody yet; -1: there is nobody to wait for. Stops
 * are told of the traced alone.
 */
pid_t ops_teller(void);
/* Attach without stopping, with the options of a session. */
MUST_CHECK int ops_seize(pid_t tid, unsigned flags);
MUST_CHECK int ops_interrupt(pid_t tid);
MUST_CHECK int ops_resume(pid_t tid, enum ops_resume how, int sig);
MUST_CHECK int ops_detach(pid_t tid, int sig);
MUST_CHECK int ops_event_message(pid_t tid, uint64_t *ret);
MUST_CHECK int ops_get_sigmask(pid_t tid, uint64_t *ret);
MUST_CHECK int ops_set_sigmask(pid_t tid, uint64_t mask);
MUST_CHECK int ops_siginfo(pid_t tid, siginfo_t *ret);
/* Fills info; returns 0 also for a stop that is no system call (info->op says which). */
MUST_CHECK int ops_syscall_info(pid_t tid, struct ptrace_syscall_info *ret);

/* Registers of a stopped task of this thread through ptrace; ctx is (void *)(intptr_t)tid. */
extern const struct regs_io ops_regs_io;

#endif
