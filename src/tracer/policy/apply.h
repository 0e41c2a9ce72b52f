/*
 * A policy at run time: from a call that stopped to what is done about it. Knows no mechanism: the trap loop and the
 * notify workers carry out what comes back.
 *
 * Locks: the counters' lock is held while a decision that counts is made; the audit's lock is a leaf under it.
 * Decisions of policies that count nothing take no lock but the policy's, shared.
 */
#ifndef TRAPLINE_TRACER_POLICY_APPLY_H
#define TRAPLINE_TRACER_POLICY_APPLY_H

#include "policy/compile.h"
#include "tracer/policy/audit.h"
#include "tracer/policy/counters.h"
#include "tracer/policy/facts.h"

struct kernel;
struct session_options;
struct session_probe;

/* What a session is given beside the plan. */
struct policy_runtime {
	const struct plan *plan;
	const char *audit_file;		/* JSON lines are appended here; NULL: denials go to stderr */
	bool quiet;			/* no denials on stderr */
	bool per_thread;		/* injections are counted for each thread, as strace counts */
	/*
	 * Read the policy anew, for SIGHUP: 0 with a plan that lives as long as the session, or a negative errno after
	 * a message. Called from the signals thread. NULL: SIGHUP is the command's.
	 */
	int (*reload)(void *ctx, const struct plan **ret);
	void *reload_ctx;
};

struct apply {
	const struct policy_runtime *runtime;
	pthread_rwlock_t policy_lock;	/* taken before the counters' lock; for writing by a reload only */
	const struct policy *policy;	/* policy_lock */
	const struct call_set *answered;	/* by handlers, where no rule says otherwise */
	struct kernel *kernel;
	const struct session_probe *probe;
	bool counts;			/* policy_lock; some rule counts calls */
	struct counters counters;
	_Atomic bool roots_differ;	/* some guest may have another root than ours: each is asked at each path */
	struct audit audit;
};

enum applied_kind {
	APPLIED_PASS,		/* the host carries the call out, with what changed below */
	APPLIED_VALUE,		/* answered with .value; a negative errno is an error */
	APPLIED_KILL,		/* the thread group ends */
	APPLIED_FAIL,		/* the host failed trapline with .value */
	APPLIED_VERDICT,	/* a handler's .verdict with a descriptor, or that blocks; owned by the receiver */
};

struct applied {
	enum applied_kind kind;
	int64_t value;
	struct verdict verdict;
	bool handled;			/* by a handler, so .value is no rule's */
	bool injected;			/* by an inject rule */
	uint8_t changed;		/* bit: argument register with a new value in .args */
	/* bit: argument register that points to memory which must be .copies[] from now on */
	uint8_t carried;
	uint64_t args[6];
	struct fact_copy copies[6];	/* by register; live as long as the facts */
	int signal;			/* sent to the task as it enters the call */
	uint64_t delay_enter_ns, delay_exit_ns;
	const struct policy_inject *effect;	/* with pokes or a stand-in, else NULL; lives as long as the session */
	/* of effect->pokes: the argument register with the address; POKE_NOWHERE: none */
	uint8_t poke_regs[POKES_MAX];
};

enum { POKE_NOWHERE = 0xff };

/* Of the session's options the policy, the kernel and the probe are used, for as long as *a lives. */
MUST_CHECK int apply_init(struct apply *a, const struct session_options *options, const struct call_set *answered,
			  bool without_ptrace);
void apply_finish(struct apply *a);
/* Before any call: ptrace turned out not to be allowed, nobody will tell of tasks. */
void apply_without_ptrace(struct apply *a);

/*
 * Decide about one call. f is initialised and finished by the caller and must live as long as *ret is used. Any thread.
 */
void apply_call(struct apply *a, struct task_facts *f, struct applied *ret);
/*
 * To ask for a task's root costs more than all else about a path. A session whose trap loop sees every call that can
 * change one (it traces the calls of apply_root_calls, and all guests began under it) says so, and tells of each of
 * these calls and of each new task.
 */
void apply_watches_roots(struct apply *a);
void apply_root_calls(struct call_set *set);
void apply_call_entered(struct apply *a, enum call_id id);
void apply_new_task(struct apply *a, pid_t tid);
/*
 * SIGHUP: put another policy in place if the loaded filter (filtered: there is one) allows it, or say why not and
 * change nothing. Signals thread.
 */
void apply_reload(struct apply *a, bool filtered);
/*
 * End the process of a task that stands at a call, which must then not be made: by SIGSYS as a filter does where that
 * is sure to end it, else by SIGKILL.
 */
void apply_kill(pid_t tgid, pid_t tid);
/* A process (or, with per_thread, a thread) ended: its id may come again. */
static inline void apply_ended(struct apply *a, pid_t id)
{
	counters_ended(&a->counters, id);
}
#endif
