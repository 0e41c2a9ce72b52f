/* The plan in words. */
#include <string.h>

#include "base/log.h"
#include "policy/compile.h"

/*
 * Medians of docs/design.md's machine, supervisor and guest on one core; those of paths by their ratio to native
 * elsewhere.
 */
void plan_costs_init(struct plan_costs *costs)
{
	static const double ns[COST_KINDS] = {
		[COST_NATIVE] = 116,	    [COST_CACHED] = 147,	[COST_FILTERED] = 169, [COST_REFUSED] = 117,
		[COST_NOTIFY] = 3950,	    [COST_NOTIFY_MEMORY] = 9500, [COST_TRACE] = 8150,
		[COST_TRACE_MEMORY] = 15000,
	};

	memset(costs, 0, sizeof(*costs));
	for (int i = 0; i < COST_KINDS; i++)
		costs->of[i] = (struct plan_cost){.ns = ns[i], .native_ns = ns[COST_NATIVE]};
}

const char *plan_cost_name(enum plan_cost_kind kind)
{
	static const char *const names[COST_KINDS] = {
		[COST_NATIVE] = "native",	  [COST_CACHED] = "cached",
		[COST_FILTERED] = "filtered",	  [COST_REFUSED] = "refused",
		[COST_NOTIFY] = "notify",	  [COST_NOTIFY_MEMORY] = "notify-memory",
		[COST_TRACE] = "trace",		  [COST_TRACE_MEMORY] = "trace-memory",
	};

	return names[kind];
}

static enum plan_cost_kind cost_kind(const struct plan_call *c)
{
	switch (c->mechanism) {
	case PLAN_NATIVE:
		return c->arguments ? COST_FILTERED : COST_CACHED;
	case PLAN_FILTER:
		return COST_REFUSED;
	case PLAN_NOTIFY:
		return c->reads_memory ? COST_NOTIFY_MEMORY : COST_NOTIFY;
	default:
		return c->reads_memory ? COST_TRACE_MEMORY : COST_TRACE;
	}
}

static void add_cost(const char *head, enum plan_cost_kind kind, const struct plan_costs *costs, struct strbuf *out)
{
	static const char *const what[COST_KINDS] = {
		[COST_CACHED] = " (the action cache answers)",
		[COST_FILTERED] = " where it passes (the filter runs)",
		[COST_REFUSED] = " where it is refused",
	};
	const struct plan_cost *cost = &costs->of[kind];
	double times = cost->native_ns > 0 ? cost->ns / cost->native_ns : 0;

	strbuf_addf(out, "  %-11s  about %.*f native calls%s", head, times < 10 ? 1 : 0, times, what[kind] ? what[kind] : "");
	if (*cost->date)
		strbuf_addf(out, ": %.*f us, bench of %.10s\n", cost->ns < 1000 ? 2 : 1, cost->ns / 1000, cost->date);
	else
		strbuf_adds(out, ", by the design's table\n");
}

static void explain_cost(const struct plan_call *c, const struct plan_costs *costs, struct strbuf *out)
{
	enum plan_cost_kind kind = cost_kind(c);
	bool decides = c->mechanism == PLAN_FILTER && c->arguments;

	if (decides)
		add_cost("cost", COST_FILTERED, costs, out);
	add_cost(decides ? "" : "cost", kind, costs, out);
}

static void add_action(uint32_t action, struct strbuf *out)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		strbuf_adds(out, "ALLOW");
		break;
	case SECCOMP_RET_ERRNO:
		strbuf_addf(out, "ERRNO %u", action & SECCOMP_RET_DATA);
		break;
	case SECCOMP_RET_KILL_PROCESS:
		strbuf_adds(out, "KILL_PROCESS");
		break;
	case SECCOMP_RET_USER_NOTIF:
		strbuf_adds(out, "USER_NOTIF");
		break;
	case SECCOMP_RET_TRACE:
		strbuf_adds(out, "TRACE");
		break;
	default:
		strbuf_addf(out, "0x%08x", action);
	}
}

void plan_describe_call(const struct plan *plan, const struct decide_event *event, struct strbuf *out)
{
	uint32_t action = plan_simulate(plan, event);
	const struct plan_call *c = &plan->calls[event->id >= 0 ? (int)event->id : CALL_COUNT];

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		strbuf_adds(out, "native");
		break;
	case SECCOMP_RET_USER_NOTIF:
		strbuf_adds(out, "notify");
		break;
	case SECCOMP_RET_TRACE:
		strbuf_adds(out, "trace");
		break;
	default:
		strbuf_adds(out, "filter");
	}
	strbuf_adds(out, " (the filter says ");
	add_action(action, out);
	strbuf_addc(out, ')');
	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF ||
	    (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
		strbuf_addf(out, ": %s", c->why ? c->why : "");
}

static void explain_rules(const struct plan *plan, enum call_id id, struct strbuf *out)
{
	const struct policy *p = plan->policy;
	unsigned shown = 0;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (!r->enabled || !call_set_has(&r->calls, id))
			continue;
		if (shown++ == 20) {
			strbuf_adds(out, "               ...\n");
			break;
		}
		strbuf_addf(out, "  %-11s  ", shown == 1 ? "rules" : "");
		policy_span_format(p, r->at, out);
		strbuf_addf(out, "  %.*s\n", (int)r->at.len, p->diags->sources[r->at.source].text + r->at.offset);
		if (!r->term_count && r->action.kind != ACTION_INJECT)
			return;
	}
	strbuf_addf(out, "  %-11s  ", shown ? "" : "rules");
	if (policy_is_off(p, id))
		strbuf_adds(out, "errno ENOSYS: a ring's operations would pass by the rules for files and sockets");
	else
		policy_action_format(p, &p->default_action, out);
	strbuf_addf(out, "%s\n", policy_is_off(p, id) ? "" : "  (default)");
}

static void explain_filter(const struct plan_call *c, struct strbuf *out)
{
	strbuf_adds(out, "  filter       ");
	if (c->arguments)
		strbuf_addf(out, "by arguments, at most %u instructions", c->chain_size);
	else if (c->spilled)
		strbuf_adds(out, "stops every call: the arguments are compared in user space");
	else
		add_action(c->action, out);
	strbuf_addc(out, '\n');
}

static void explain_memory(const struct plan_call *c, struct strbuf *out)
{
	if (c->carry == CARRY_REWRITE)
		strbuf_adds(out, "  memory       read once; a call that passes is made with the checked copy\n");
	else if (c->carry == CARRY_ANSWER)
		strbuf_adds(out, "  memory       read once; the call is always answered, never continued\n");
	if (c->reads_fd)
		strbuf_adds(
			out,
			"  descriptors  looked up at the stop; another thread could replace one until the call runs\n");
}

void plan_explain_call(const struct plan *plan, enum call_id id, const struct plan_costs *costs, struct strbuf *out)
{
	const struct plan_call *c = &plan->calls[id >= 0 ? (int)id : CALL_COUNT];

	strbuf_addf(out, "%s\n", id >= 0 ? call_desc(id)->name : "(numbers that no table knows)");
	strbuf_addf(out, "  mechanism    %s\n", plan_mechanism_name(c->mechanism));
	if (c->mechanism == PLAN_FILTER)
		strbuf_adds(out, "  why          number and integer arguments decide: the kernel's filter refuses\n");
	else if (c->mechanism == PLAN_NATIVE)
		strbuf_adds(out, "  why          nothing is to be done\n");
	else
		strbuf_addf(out, "  why          %s\n", c->why);
	explain_rules(plan, id, out);
	if (id >= 0 && call_desc(id)->nr[policy_own_abi()] >= 0)
		explain_filter(c, out);
	explain_memory(c, out);
	explain_cost(c, costs, out);
}

static void explain_abi(const struct plan *plan, enum call_abi abi, struct strbuf *out)
{
	struct policy_abi t = policy_abi_treatment(plan->policy, abi);

	strbuf_addf(out, "%s calls: ", call_abi_name(abi));
	if (t.treatment == ABI_SAME)
		strbuf_adds(out, "the same rules, by name");
	else
		policy_action_format(plan->policy, &t.action, out);
	strbuf_addc(out, '\n');
}

void plan_explain(const struct plan *plan, struct strbuf *out)
{
	size_t chains = 0;

	for (int id = 0; id < CALL_COUNT; id++)
		chains += plan->calls[id].arguments;
	strbuf_addf(out,
		    "filter: %zu instructions of 4096; %zu calls by arguments; %zu calls let through by the kernel's "
		    "action cache\n",
		    plan->filter.count, chains, plan->const_allowed);
	strbuf_addf(out, "stops: %u calls by notify, %u by trace%s\n", plan->needs_notify, plan->needs_trace,
		    plan->needs_trace ? "" : ": no ptrace, so gdb and strace work inside");
	if (plan->spilled)
		strbuf_addf(out, "%u calls with too many conditions for a filter are decided in user space\n",
			    plan->spilled);
	if (policy_own_abi() == ABI_X86_64) {
		explain_abi(plan, ABI_I386, out);
		explain_abi(plan, ABI_X32, out);
	}
	if (plan->policy->uring_off)
		strbuf_adds(
			out,
			"io_uring_setup: ENOSYS unless a rule names it, since a ring's operations pass no filter\n");
	if (policy_own_abi() == ABI_X86_64 && policy_abi_treatment(plan->policy, ABI_I386).treatment == ABI_SAME &&
	    (plan->policy->socketcall_off || plan->policy->ipc_off))
		strbuf_addf(out, "i386's %s: ENOSYS unless a rule names it, since it stands for other calls\n",
			    !plan->policy->ipc_off ? "socketcall" : !plan->policy->socketcall_off ? "ipc" : "socketcall and ipc");
}
