#include "policy/compile_private.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "policy/choice.h"
#include "policy/sim.h"

#define CHAIN_BUDGET 3400	/* of the kernel's 4 096: the rest is for numbers, ABIs and long jumps */

/* ---- refusals ---- */

static int choose_available(struct compiler *k, enum call_id id, struct plan_call *c)
{
	const struct plan_options *o = k->options;
	const char *name = id >= 0 ? call_desc(id)->name : "unknown numbers";

	if (c->mechanism == PLAN_NOTIFY && !o->may_notify && o->may_trace)
		c->mechanism = PLAN_TRACE;
	if ((c->mechanism == PLAN_NOTIFY && !o->may_notify) || (c->mechanism == PLAN_TRACE && !o->may_trace)) {
		if (!k->plan->refusal[0])
			snprintf(k->plan->refusal, sizeof(k->plan->refusal), "%s needs the %s mechanism: %s", name,
				 plan_mechanism_name(c->mechanism), c->why);
		return -EOPNOTSUPP;
	}
	if (c->reads_memory && c->carry == CARRY_NONE)
		c->carry = CARRY_ANSWER;
	return 0;
}

/* ---- the filter ---- */

static uint32_t stop_action(const struct compiler *k, const struct plan_call *c)
{
	return c->mechanism == PLAN_TRACE ? SECCOMP_RET_TRACE | k->options->trace_data : SECCOMP_RET_USER_NOTIF;
}

static uint32_t add_chain(struct compiler *k, const struct filter_chain *chain)
{
	if (k->plan->chain_count == k->chain_cap) {
		size_t cap = k->chain_cap ? k->chain_cap * 2 : 64;
		struct filter_chain *v = reallocarray(k->chains, cap, sizeof(*v));

		if (!v) {
			k->error = -ENOMEM;
			return SECCOMP_RET_KILL_PROCESS;
		}
		k->chains = v;
		k->chain_cap = cap;
	}
	k->chains[k->plan->chain_count] = *chain;
	return FILTER_CHAIN(k->plan->chain_count++);
}

/* A child that its maker hides from the tracer would run without one: that clone stops, before any rule. */
static const struct filter_test hidden_child = {.op = FILTER_NE, .bits = 64, .mask = CLONE_UNTRACED};
static const struct filter_clause hidden_clone = {&hidden_child, 1};
/* So do opens of what a notification cannot install. */
static const struct filter_test path_flag[] = {
	{.arg = 1, .op = FILTER_NE, .bits = 64, .mask = O_PATH}, {.arg = 2, .op = FILTER_NE, .bits = 64, .mask = O_PATH},
};
static const struct filter_clause path_open = {&path_flag[0], 1}, path_openat = {&path_flag[1], 1};

static void stop_first(struct compiler *k, struct filter_chain *chain, const struct filter_clause *clause, uint32_t action)
{
	struct filter_rule *rules = arena_alloc(&k->plan->arena, (chain->count + 1) * sizeof(*rules));

	if (!rules) {
		k->error = -ENOMEM;
		return;
	}
	rules[0] = (struct filter_rule){clause, 1, action};
	if (chain->count)
		memcpy(rules + 1, chain->rules, chain->count * sizeof(*rules));
	chain->rules = rules;
	chain->count++;
}

/* With such arguments it is the kernel layer's, whatever rules say. */
static void choose_first(struct compiler *k, struct filter_chain *chain, const struct call_choice *choice, uint32_t action)
{
	struct {
		struct filter_test tests[CHOICE_TESTS_MAX];
		struct filter_clause clause;
	} *room = arena_alloc(&k->plan->arena, sizeof(*room));

	if (!room) {
		k->error = -ENOMEM;
		return;
	}
	room->clause = (struct filter_clause){room->tests, choice_tests(choice, room->tests)};
	stop_first(k, chain, &room->clause, action);
}

/* The action for one call through one ABI. */
static uint32_t lower_call(struct compiler *k, enum call_id id, enum call_abi abi)
{
	const struct plan_call *c = &k->plan->calls[id >= 0 ? (int)id : CALL_COUNT];
	struct lowering l = {
		.p = k->p,
		.rules = &k->rules,
		.arena = &k->plan->arena,
		.id = id,
		.abi = abi,
		.stop = stop_action(k, c),
		.say_denials = k->options->say_denials,
	};
	bool own = abi == policy_own_abi();
	uint32_t trace = SECCOMP_RET_TRACE | k->options->trace_data;
	struct filter_chain chain;
	int r;

	if (c->spilled || (c->choice && !own)) {
		chain = (struct filter_chain){.otherwise = l.stop};
		r = 0;
	} else {
		r = lower_rules(&l, &chain);
	}
	if (r < 0) {
		k->error = r;
		return SECCOMP_RET_KILL_PROCESS;
	}
	if (own && !c->spilled && c->choice)
		choose_first(k, &chain, c->choice, l.stop);
	if (own && id == CALL_clone && k->keeps_children && !c->spilled)
		stop_first(k, &chain, &hidden_clone, trace);
	if (own && k->options->stop_path_opens && id == CALL_open)
		stop_first(k, &chain, &path_open, trace);
	if (own && k->options->stop_path_opens && id == CALL_openat)
		stop_first(k, &chain, &path_openat, trace);
	return chain.count && id >= 0 ? add_chain(k, &chain) : chain.count ? l.stop : chain.otherwise;
}

struct abi_table {
	uint32_t *actions;	/* malloc'ed */
	struct filter_abi abi;
};

static int lower_abi(struct compiler *k, enum call_abi abi, struct abi_table *t)
{
	struct policy_abi treatment = policy_abi_treatment(k->p, abi);
	int limit = call_nr_limit(abi);

	t->abi = (struct filter_abi){.audit_arch = call_abi_audit_arch(abi), .x32 = abi == ABI_X32};
	if (treatment.treatment == ABI_ACTION) {
		t->abi.unknown = filter_action_of(&treatment.action, SECCOMP_RET_KILL_PROCESS);
		return 0;
	}
	t->abi.unknown = lower_call(k, CALL_NONE, abi);
	t->actions = calloc((size_t)limit + 1, sizeof(*t->actions));
	if (!t->actions)
		return -ENOMEM;
	for (int nr = 0; nr < limit; nr++) {
		enum call_id id = call_from_nr(abi, nr);

		t->actions[nr] = id >= 0 ? lower_call(k, id, abi) : t->abi.unknown;
		if (id >= 0 && abi == policy_own_abi())
			k->plan->calls[id].action = t->actions[nr];
	}
	t->abi.actions = t->actions;
	t->abi.count = (size_t)limit;
	return k->error;
}

static size_t abis(enum call_abi *ret)
{
	if (policy_own_abi() == ABI_AARCH64) {
		ret[0] = ABI_AARCH64;
		return 1;
	}
	ret[0] = ABI_X86_64;
	ret[1] = ABI_I386;
	ret[2] = ABI_X32;
	return 3;
}

/* Lower everything and build; -E2BIG when it does not fit. */
static int build(struct compiler *k)
{
	struct abi_table tables[3] = {0};
	struct filter_abi list[3];
	enum call_abi which[3];
	size_t n = abis(which);
	struct filter_spec spec = {.abis = list, .abi_count = n, .other_abi = SECCOMP_RET_ERRNO | ENOSYS,
				   .kills = k->plan->kills};
	int r = 0;

	k->plan->chain_count = 0;
	k->keeps_children = k->options->keep_children && compile_any_stops(k->plan, PLAN_NOTIFY);
	for (size_t i = 0; i < n && r >= 0; i++) {
		r = lower_abi(k, which[i], &tables[i]);
		list[i] = tables[i].abi;
	}
	spec.chains = k->chains;
	spec.chain_count = k->plan->chain_count;
	filter_prog_finish(&k->plan->filter);
	if (r >= 0)
		r = filter_build(&spec, &k->plan->filter);
	for (size_t i = 0; i < n; i++)
		free(tables[i].actions);
	return r;
}

/* ---- too long ---- */

/* Leave a call's arguments to user space. */
static void spill(struct compiler *k, struct plan_call *c)
{
	c->spilled = true;
	c->arguments = false;
	k->plan->spilled++;
	if (c->mechanism < PLAN_NOTIFY) {
		c->mechanism = k->options->may_notify ? PLAN_NOTIFY : PLAN_TRACE;
		c->why = "its conditions do not fit into the kernel's 4096 filter instructions beside the others'";
	}
}

static bool can_stop(const struct compiler *k)
{
	return k->options->may_notify || k->options->may_trace;
}

static struct plan_call *largest_chain(struct plan *plan)
{
	struct plan_call *largest = NULL;

	for (int id = 0; id < CALL_COUNT; id++) {
		struct plan_call *c = &plan->calls[id];

		if (c->arguments && !c->spilled && (!largest || c->chain_size > largest->chain_size))
			largest = c;
	}
	return largest;
}

/* How much each call's conditions take, from one lowering of the own ABI; the largest leave until the rest fits. */
static int spill_to_fit(struct compiler *k)
{
	struct plan *plan = k->plan;
	size_t total = 0;

	for (int id = 0; id < CALL_COUNT; id++) {
		struct plan_call *c = &plan->calls[id];
		uint32_t action;
		size_t size;

		if (!c->rules || call_desc((enum call_id)id)->nr[policy_own_abi()] < 0)
			continue;
		plan->chain_count = 0;
		action = lower_call(k, (enum call_id)id, policy_own_abi());
		if (k->error)
			return k->error;
		if (!filter_action_is_chain(action))
			continue;
		size = filter_chain_size(&k->chains[0]);
		c->arguments = true;
		c->chain_size = size < UINT16_MAX ? (uint16_t)size : UINT16_MAX;
		total += c->chain_size;
	}
	while (total > CHAIN_BUDGET) {
		struct plan_call *c = largest_chain(plan);

		total -= c->chain_size;
		if (!can_stop(k))
			return -E2BIG;
		spill(k, c);
	}
	return 0;
}

static int build_to_fit(struct compiler *k)
{
	int r = spill_to_fit(k);

	while (r >= 0) {
		struct plan_call *c;

		r = build(k);
		if (r != -E2BIG)
			break;
		c = largest_chain(k->plan);
		if (!c || !can_stop(k))
			break;
		spill(k, c);
		r = 0;
	}
	if (r == -E2BIG) {
		snprintf(k->plan->refusal, sizeof(k->plan->refusal),
			 "the filter would pass 4096 instructions and nothing else may decide");
		r = -EOPNOTSUPP;
	}
	return r;
}

static void count_calls(struct plan *plan)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		const struct plan_call *c = &plan->calls[id];
		int nr = call_desc((enum call_id)id)->nr[policy_own_abi()];

		if (nr < 0)
			continue;
		plan->needs_notify += c->mechanism == PLAN_NOTIFY;
		plan->needs_trace += c->mechanism == PLAN_TRACE;
		plan->const_allowed += sim_is_const_allow(plan->filter.insns, plan->filter.count,
							  call_abi_audit_arch(policy_own_abi()), nr);
	}
}

static bool kills(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		if (p->rules[i].enabled && p->rules[i].action.kind == ACTION_KILL)
			return true;
	}
	return p->default_action.kind == ACTION_KILL;
}

int plan_create(const struct policy *p, const struct plan_options *options, struct plan **ret)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	struct compiler k = {.plan = plan, .p = p, .options = options};
	int r = plan ? call_rules_init(&k.rules, p) : -ENOMEM;

	if (plan) {
		plan->policy = p;
		plan->kills = kills(p) && options->may_trace;
	}
	if (plan && options->owned)
		plan->owned = *options->owned;
	if (r >= 0)
		compile_survey(&k);
	if (r >= 0 && plan->refusal[0])
		r = -EOPNOTSUPP;
	for (int i = 0; i <= CALL_COUNT && r >= 0; i++) {
		enum call_id id = i < CALL_COUNT ? (enum call_id)i : CALL_NONE;

		r = choose_available(&k, id, &plan->calls[i]);
	}
	if (r >= 0)
		r = build_to_fit(&k);
	if (r >= 0) {
		count_calls(plan);
		plan->chains = arena_memdup(&plan->arena, k.chains, plan->chain_count * sizeof(*k.chains));
		r = plan->chains || !plan->chain_count ? 0 : -ENOMEM;
	}
	free(k.chains);
	call_rules_finish(&k.rules);
	if (r < 0 && r != -EOPNOTSUPP) {
		plan_destroy(plan);
		return r;
	}
	*ret = plan;
	return r;
}

void plan_destroy(struct plan *plan)
{
	if (!plan)
		return;
	filter_prog_finish(&plan->filter);
	arena_finish(&plan->arena);
	free(plan);
}

const char *plan_mechanism_name(enum plan_mechanism m)
{
	static const char *const names[] = {
		[PLAN_NATIVE] = "native", [PLAN_FILTER] = "filter", [PLAN_NOTIFY] = "notify", [PLAN_TRACE] = "trace",
	};

	return names[m];
}

uint32_t plan_simulate(const struct plan *plan, const struct decide_event *event)
{
	struct seccomp_data data = {.arch = call_abi_audit_arch(event->abi)};
	int nr = event->id >= 0 ? call_desc(event->id)->nr[event->abi] : call_nr_limit(event->abi) + 1000;

	data.nr = nr < 0 || event->abi != ABI_X32 ? nr : (int)((unsigned)nr | 0x40000000u);
	memcpy(data.args, event->args, sizeof(data.args));
	return sim_run(plan->filter.insns, plan->filter.count, &data, NULL);
}
