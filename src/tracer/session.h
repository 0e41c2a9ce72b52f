/*
 * A session: one guest (a program and everything it starts, or running processes attached to), caught by one or more
 * mechanisms, until its last task ends or is detached. The library's entry point; the CLI is a thin user of it.
 */
#ifndef TRAPLINE_TRACER_SESSION_H
#define TRAPLINE_TRACER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/errors.h"
#include "syscalls/call_set.h"
#include "syscalls/dispatch.h"

enum mechanism {
	MECHANISM_AUTO,		/* the cheapest that suffices */
	MECHANISM_NATIVE,	/* no interception */
	MECHANISM_NOTIFY,	/* SECCOMP_RET_USER_NOTIF */
	MECHANISM_TRACE,	/* SECCOMP_RET_TRACE and a ptrace stop */
	MECHANISM_SYSEMU,	/* PTRACE_SYSEMU */
	MECHANISM_STEP,		/* PTRACE_SYSCALL */
	MECHANISM_COUNT,
};

const char *mechanism_name(enum mechanism m);
/* By name; -ENOENT if there is none. */
int mechanism_from_name(const char *name, enum mechanism *ret);

struct recorder;
struct decode_options;
struct kernel;
struct regs;
struct plan;
struct policy;
struct policy_runtime;

/*
 * Bench and tests look at each intercepted call through this (NULL operations are skipped). Called from supervisor
 * threads.
 */
struct session_probe {
	/* A call was intercepted, before any verdict. regs is NULL under notify. */
	void (*entered)(void *ctx, pid_t tid, enum call_id id, const uint64_t args[6], struct regs *regs);
	/*
	 * Asked before the handlers of syscalls/dispatch.h about each call in .emulated: VERDICT_PASS leaves it to them
	 * (and they, to the host), anything else is the answer. Lets bench answer with a value that the guest can
	 * check.
	 */
	struct verdict (*answer)(void *ctx, struct call_event *ev);
	void *ctx;
};

/* The identity that the command starts with, as a login gives it. Needs privileges. */
struct session_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
};

/* How the ends of recorded calls are heard of, under the mechanism trace. */
enum session_ends {
	ENDS_AUTO,	/* by a BPF program, where the kernel takes one and enough calls are made */
	ENDS_STOP,	/* by stops */
	ENDS_OBSERVED,	/* by a BPF program, from the first call on */
};

/*
 * When calls go by shared memory (stub/stub.h). Always: whenever they can, which is for tests; execve is never the
 * host's then.
 */
enum stub_use { STUB_AUTO, STUB_NEVER, STUB_ALWAYS };

struct session_options {
	enum mechanism mechanism;
	char *const *argv;		/* the command; NULL: only attach */
	char *const *envp;		/* NULL: this process's environment */
	/* processes to attach to (all their threads), beside the command if there is one */
	const pid_t *attach;
	size_t attach_count;
	const struct session_user *user;	/* who the command is; NULL: who we are */
	const char *program;		/* what the command is found by; NULL: argv[0] */
	/*
	 * The process of .attach is about to execute the command: nothing of it is shown before, and it waits for a
	 * byte from attach_ready, which is sent when it is attached to.
	 */
	bool attach_launching;
	int attach_ready;
	bool uninterruptible;		/* signals that would end an attachment are ignored */
	bool interruptible;		/* they let all go though the command is our own child, which gets them, too */
	/* with the command's start, its standard input and output are no longer ours, too */
	bool release_standard;
	/* a task that executes another program is let go; the command's first is none */
	bool detach_on_exec;

	/* Observation. Only these calls stop for it; all other calls run free (trace) or are passed on (step). */
	struct call_set recorded;
	bool record_exits;		/* false: only entries are wanted, no stop on return */
	enum session_ends ends;
	bool record_tasks;		/* signals, exits and other events of tasks */
	uint64_t recorded_signals;	/* bit sig - 1: which signals, when record_tasks */
	bool record_stack;		/* -k */
	bool record_ip;			/* where a signal comes, too: of calls it is always known */
	bool record_cpu;		/* fill in record.cpu_ns, from wait4(2) (not under notify) */
	struct recorder *recorder;	/* NULL: nothing is recorded. Not owned. */
	const struct decode_options *decode;	/* what the recorder's sinks will decode with; NULL without recorder */

	/* Emulation. The calls in .emulated are answered by the handlers of syscalls/dispatch.h from .kernel. */
	struct call_set emulated;
	struct kernel *kernel;		/* not owned; NULL when .emulated is empty */

	/*
	 * A policy (tracer/policy/apply.h), not owned, with session_plan's plan: .emulated holds where no rule says
	 * otherwise.
	 */
	const struct policy_runtime *policy;

	bool without_ptrace;		/* notify alone: gdb and strace work inside; see doctor for what is lost */
	bool free_placement;		/* leave every thread where the scheduler puts it (bench and comparison) */
	enum stub_use stub;
	const struct session_probe *probe;
};

/* How it ended. */
struct session_result {
	int status;		/* wait(2) status of the command (0 when attached and detached) */
	int detached_by;	/* the signal that let go what was attached to; 0: none did */
	int exec_errno;		/* != 0: the command could not be executed, and why */
	uint64_t stops;		/* ptrace stops and notifications received */
	uint64_t answered;	/* calls answered by a handler */
	uint64_t without_stop;	/* of these, by the stub's line */
};

/*
 * The plan of a policy for a session with these options (all but .policy): what the session itself needs to see is in
 * it. The caller destroys it, and the policy outlives it. A negative errno after a message that says why it cannot be.
 */
MUST_CHECK int session_plan(const struct session_options *options, const struct policy *policy, bool say_denials,
			    struct plan **ret);

/*
 * Run a session to its end in the calling thread. 0, or a negative errno after a message on stderr that says what
 * failed and where; no guest is left behind then. Not re-entrant: one session at a time in a process (it handles
 * signals).
 */
MUST_CHECK int session_run(const struct session_options *options, struct session_result *ret);

/* ---- the capability query: what each mechanism can do here (session.c; used by auto, doctor, bench) ---- */
struct mechanism_info {
	const char *name;
	bool can_answer;	/* a value */
	bool can_read_regs;
	bool can_write_regs;
	bool sees_result;	/* the value that the host gave */
	bool needs_ptrace;
	bool needs_seccomp;
	bool can_attach;
	/* 0, or the negative errno that trying it gave on this kernel and with these privileges */
	int available;
};

/* Tries each mechanism once with a child of its own (a few ms), then remembers. */
const struct mechanism_info *mechanism_info(enum mechanism m);

#endif
