/* The plan of a policy for one session: what the session can use, and what it needs to see for itself. */
#include <string.h>

#include "base/log.h"
#include "policy/sim.h"
#include "syscalls/files.h"
#include "tracer/filter_plan.h"
#include "tracer/ptrace/carry.h"
#include "tracer/session_private.h"

static int refuse(struct plan *plan, int err, const char *why)
{
	log_error("this policy cannot be carried out here: %s", why);
	plan_destroy(plan);
	return err;
}

/* The calls that set up the memory for checked copies in the guest must not be refused to it. */
static const char *refused_to_carry(const struct plan *plan)
{
	static const enum call_id needed[] = {CALL_memfd_create, CALL_mmap, CALL_close, CALL_mseal};
	static const struct decide_event none = {0};
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		struct decide_event event = none;
		event.id = needed[i];
		event.abi = policy_own_abi();
		uint32_t action = plan_simulate(plan, &event) & SECCOMP_RET_ACTION_FULL;
		if (action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_KILL_PROCESS)
			return call_desc(needed[i])->name;
	}
	return NULL;
}

static bool carries(const struct plan *plan)
{
	for (size_t i = 0; i < plan->policy->rule_count; i++) {
		if (plan->policy->rules[i].enabled && plan->policy->rules[i].action.kind == ACTION_REDIRECT)
			return true;
	}
	for (int i = 0; i <= CALL_COUNT; i++) {
		if (plan->calls[i].carry == CARRY_REWRITE)
			return true;
	}
	return false;
}

/* A decision on memory is only as good as the memory: it is carried out on a copy, or not at all. */
static int check_carry(const struct session_options *o, struct plan *plan)
{
	char why[160];
	if (!carries(plan))
		return 0;
	if (!session_has_proc())
		return refuse(plan, -ENOENT, "rules about paths and addresses need the /proc of this process's own PID namespace");
	int r = carry_available();
	if (r == -EFBIG)
		return refuse(plan, r, "no file of 16 KiB may be written here (ulimit -f), which rules about paths and addresses need");
	if (r < 0)
		return refuse(plan, r, "rules about paths and addresses need mseal(2), which came with Linux 6.10");
	if (o->mechanism == MECHANISM_SYSEMU)
		return refuse(plan, -EOPNOTSUPP, "rules about paths and addresses need the mechanism trace or step");
	const char *name = refused_to_carry(plan);
	if (!name)
		return 0;
	(void)snprintf(why, sizeof(why), "it refuses %s, which trapline makes in the guest to hold the checked copies of "
		       "paths and addresses", name);
	return refuse(plan, -EOPNOTSUPP, why);
}

static void owned_calls(const struct session_options *o, struct call_set *ret)
{
	static const struct files_needs all = {.tree = true, .descriptors = true, .faked = true, .limits = true};
	files_calls(ret, &all);
	for (size_t i = 0; i < ARRAY_SIZE(ret->bits); i++)
		ret->bits[i] &= o->emulated.bits[i];
	call_set_add(ret, CALL_nfsservctl);	/* the loader's own */
	call_set_remove(ret, CALL_execve);
	call_set_remove(ret, CALL_execveat);
}

int session_plan(const struct session_options *o, const struct policy *policy, bool say_denials, struct plan **ret)
{
	struct call_set watched = {0};
	struct call_set owned = {0};
	struct call_set stopped = o->recorder ? o->recorded : (struct call_set){0};
	struct call_set answered = o->emulated;
	bool files = call_set_has(&o->emulated, CALL_openat);
	bool filters = o->mechanism != MECHANISM_STEP && o->mechanism != MECHANISM_SYSEMU;
	bool can_trace = mechanism_info(MECHANISM_STEP)->available == 0 && !o->without_ptrace;
	struct plan_options options = {
		.may_notify = o->mechanism != MECHANISM_TRACE && mechanism_info(MECHANISM_NOTIFY)->available == 0,
		.may_trace = (o->mechanism != MECHANISM_NOTIFY || files) && can_trace,
		.trace_data = FILTER_STOP_DATA, .keep_children = can_trace, .say_denials = say_denials,
		.answered = call_set_empty(&o->emulated) ? NULL : &answered,
		.stopped_if_traced = &watched,
	};
	/* Another file tree: execve is carried out in a stop, what else its handlers answer by them alone. */
	if (files) {
		owned_calls(o, &owned);
		options.owned = &owned;
		options.choice_of = files_choice_of;
		call_set_add(&answered, CALL_nfsservctl);	/* the loader's own */
		struct call_set workers = session_worker_calls();
		for (size_t i = 0; i < ARRAY_SIZE(stopped.bits); i++)
			stopped.bits[i] &= ~(workers.bits[i] & answered.bits[i]);
		call_set_add(&stopped, CALL_execve);
		call_set_add(&stopped, CALL_execveat);
		options.stop_path_opens = carry_available() == 0;
		/* No filter sees whether it wants O_PATH: ptrace/lend.c. */
		if (options.stop_path_opens)
			call_set_add(&stopped, CALL_openat2);
	}
	options.stopped = call_set_empty(&stopped) ? NULL : &stopped;
	apply_root_calls(&watched);
	if (!o->free_placement) {
		call_set_add(&watched, CALL_sched_getaffinity);
		call_set_add(&watched, CALL_sched_setaffinity);
	}
	if (!filters)
		options.may_notify = options.may_trace = true;
	if (o->mechanism == MECHANISM_NATIVE) {
		log_error("mechanism 'native' carries out no policy");
		return -EINVAL;
	}
	struct plan *plan;
	int r = plan_create(policy, &options, &plan);
	if (r == -EOPNOTSUPP)
		return refuse(plan, r, plan->refusal);
	if (r == 0)
		r = check_carry(o, plan);
	else
		log_error("cannot make a plan of the policy: %s", strerror(-r));
	if (r == 0)
		*ret = plan;
	return r;
}
