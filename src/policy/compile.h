/*
 * The plan: for each system call the cheapest mechanism that can carry out what the policy says about it, with the
 * reason, and one seccomp filter for all of it.
 *
 * The filter comes from our own generator (filter.h says why not libseccomp). What numbers and integer arguments decide
 * is decided there; for the rest the filter stops the call, and policy_decide answers the whole question anew, so
 * filter and user space never have to agree on half a rule.
 */
#ifndef TRAPLINE_POLICY_COMPILE_H
#define TRAPLINE_POLICY_COMPILE_H

#include "policy/decide.h"
#include "policy/filter.h"
#include "syscalls/call_set.h"

enum plan_mechanism {
	PLAN_NATIVE,	/* BPF ALLOW */
	PLAN_FILTER,	/* BPF ERRNO or KILL_PROCESS, on number and integer arguments */
	PLAN_NOTIFY,
	PLAN_TRACE,
};

/*
 * How a call that user space lets pass after it looked at the guest's memory is made, so that the memory cannot change.
 */
enum plan_carry {
	CARRY_NONE,	/* memory decides nothing */
	CARRY_ANSWER,	/* never passes: always answered, or refused */
	CARRY_REWRITE,	/* with the checked copy as its argument */
};

struct plan_call {
	enum plan_mechanism mechanism;
	enum plan_carry carry;
	bool arguments;		/* the filter looks at arguments */
	bool spilled;		/* they would fit no filter: user space looks at them */
	/* with which arguments the kernel layer owns it; NULL: with any, if it does */
	const struct call_choice *choice;
	bool reads_memory;	/* a decision needs the guest's memory */
	bool reads_fd; /* a decision needs to know what a descriptor is: another thread can replace it meanwhile */
	uint16_t rules;		/* rules that are about the call (at most 65535 counted) */
	uint16_t chain_size;	/* BPF instructions at most, if arguments */
	const char *why;	/* why not a cheaper one; static, or in the plan's arena */
	uint32_t action;	/* in the own ABI: SECCOMP_RET_* or FILTER_CHAIN(n) */
};

struct plan_options {
	bool may_notify, may_trace;	/* what the session can use */
	uint16_t trace_data;		/* in SECCOMP_RET_TRACE */
	const struct call_set *stopped;	/* calls that user space wants to see in any case; NULL: none */
	const struct call_set *stopped_if_traced;	/* and these, if any call is traced; NULL: none */
	const struct call_set *answered;	/* user space answers them where no rule says otherwise; NULL: none */
	/*
	 * The kernel layer's own, whatever rules say: such a call never reaches the host. It is answered from the copy
	 * that was decided on, so a path that passes needs no carrying. NULL: none
	 */
	const struct call_set *owned;
	/*
	 * Of an owned call about which no rule looks at more than registers, user space wants only those that the
	 * choice names (NULL: all of it); the others are what the rules say, in the filter. NULL: all of any
	 */
	const struct call_choice *(*choice_of)(enum call_id id);
	bool stop_path_opens;		/* open and openat with O_PATH are traced */
	bool keep_children;		/* clone with CLONE_UNTRACED is traced, if any call stops */
	bool say_denials;		/* a rule's refusal is user space's, so that it can be logged */
};

struct plan {
	struct arena arena;
	const struct policy *policy;
	struct plan_call calls[CALL_COUNT + 1];	/* the last: numbers that no table knows */
	struct call_set owned;		/* of the options */
	struct filter_prog filter;
	struct filter_chain *chains;	/* in the arena */
	size_t chain_count;
	size_t const_allowed;		/* calls of the own ABI that the kernel's action cache lets through */
	unsigned needs_notify, needs_trace;	/* calls that stop so */
	unsigned spilled;
	bool kills;			/* some rule kills: the filter knows FILTER_KILL_NR */
	char refusal[256];		/* what cannot be carried out with these options */
};

/*
 * 0; -EOPNOTSUPP when the options forbid what a rule needs (*ret is then a plan of which only .refusal counts, to be
 * destroyed); -ENOMEM. The policy must be free of errors and outlive the plan.
 */
MUST_CHECK int plan_create(const struct policy *p, const struct plan_options *options, struct plan **ret);
void plan_destroy(struct plan *plan);

/* What explain knows of prices. */
enum plan_cost_kind {
	COST_NATIVE,		/* a call without any filter */
	COST_CACHED,		/* passes: the kernel's action cache answers */
	COST_FILTERED,		/* passes: the filter looks at arguments */
	COST_REFUSED,		/* the filter refuses */
	COST_NOTIFY,		/* answered by a worker */
	COST_NOTIFY_MEMORY,	/* after a look at a path in the guest's memory */
	COST_TRACE,		/* answered in a ptrace stop */
	COST_TRACE_MEMORY,	/* passes with the checked copy of a path */
	COST_KINDS,
};

struct plan_cost {
	double ns, native_ns;	/* and a native call in the same run */
	char date[24];		/* "2026-11-22"; "": from the design's table */
};

struct plan_costs {
	struct plan_cost of[COST_KINDS];
};

/* What the design measured, for machines that have not been measured. */
void plan_costs_init(struct plan_costs *costs);
const char *plan_cost_name(enum plan_cost_kind kind);

/* "trace: ..." for one call: what the filter returns for it and what then happens. */
void plan_describe_call(const struct plan *plan, const struct decide_event *event, struct strbuf *out);
/* What "policy explain" says about one call; id CALL_NONE: unknown numbers. */
void plan_explain_call(const struct plan *plan, enum call_id id, const struct plan_costs *costs, struct strbuf *out);
/* What it says about the whole. */
void plan_explain(const struct plan *plan, struct strbuf *out);
const char *plan_mechanism_name(enum plan_mechanism m);

/* The filter's answer for an event, in the simulator. */
uint32_t plan_simulate(const struct plan *plan, const struct decide_event *event);

#endif
