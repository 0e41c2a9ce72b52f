#include "policy/compile.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "policy/lower.h"
#include "policy/sim.h"

#define CHAIN_BUDGET 3400	/* of the kernel's 4 096: the rest is for numbers, ABIs and long jumps */

struct compiler {
	struct plan *plan;
	const struct policy *p;
	const struct plan_options *options;
	struct call_rules rules;
	struct filter_chain *chains;	/* malloc'ed while it grows */
	size_t chain_cap;
	int error;
	bool keeps_children;
};

/* ---- what a call needs ---- */

/* What stops and answers an action that the filter alone cannot carry out. */
static enum plan_mechanism action_mechanism(const struct policy_action *a, const char **why)
{
	switch (a->kind) {
	case ACTION_NATIVE:
		return PLAN_NATIVE;
	case ACTION_ERRNO:
	case ACTION_KILL:
		return PLAN_FILTER;
	case ACTION_VALUE:
		if (a->value == 0)	/* SECCOMP_RET_ERRNO with 0 is a success that returns 0 */
			return PLAN_FILTER;
		*why = "a filter can return an errno or 0, no other value";
		return PLAN_NOTIFY;
	case ACTION_EMULATE:
		*why = "a handler answers";
		return PLAN_NOTIFY;
	case ACTION_LOG:
		*why = "somebody must be told of the call";
		return PLAN_NOTIFY;
	case ACTION_MODULE:
		*why = "a module answers";
		return PLAN_NOTIFY;
	case ACTION_INJECT:
		if (a->inject->signal || a->inject->delay_exit_ns || a->inject->short_count || a->inject->poke_count ||
		    a->inject->has_stand_in) {
			*why = "the injection needs the call's registers, its memory or its exit";
			return PLAN_TRACE;
		}
		if (a->inject->delay_enter_ns) {
			*why = "a delay must not hold up the worker that other calls wait for";
			return PLAN_TRACE;
		}
		*why = "the injection counts calls";
		return PLAN_NOTIFY;
	case ACTION_REDIRECT:
		*why = "a path argument is replaced, which needs the call's registers";
		return PLAN_TRACE;
	default:
		*why = "an argument is replaced, which needs the call's registers";
		return PLAN_TRACE;
	}
}

static void raise(struct plan_call *c, enum plan_mechanism m, const char *why)
{
	if (m > c->mechanism) {
		c->mechanism = m;
		c->why = why;
	}
}

/* What the tests of a rule look at beyond registers. */
static void note_facts(struct plan_call *c, const struct policy *p, enum call_id id, const struct policy_rule *r)
{
	for (uint32_t t = 0; t < r->term_count; t++) {
		for (uint32_t i = 0; i < r->terms[t].count; i++) {
			const struct policy_atom *a = r->terms[t].atoms[i];
			unsigned params;
			enum param_kind kind;

			if (atom_is_register(a) || a->source != OPERAND_PARAM || id < 0)
				continue;
			params = p->symbols[a->symbol]->params[id];
			kind = params ? call_desc(id)->params[__builtin_ctz(params)].kind : PARAM_PATH;
			if (a->field != FIELD_NONE && kind != PARAM_SOCKADDR)
				c->reads_fd = true;
			else
				c->reads_memory = true;
		}
	}
}

static bool rule_needs_user_space(const struct policy_rule *r)
{
	for (uint32_t t = 0; t < r->term_count; t++) {
		for (uint32_t i = 0; i < r->terms[t].count; i++) {
			if (!atom_is_register(r->terms[t].atoms[i]))
				return true;
		}
	}
	return false;
}

/* An outcome that can be reached: after a look at more than registers (late), or by the filter alone. */
static void note_outcome(struct plan_call *c, const struct policy_action *a, bool late)
{
	const char *why = "";
	enum plan_mechanism m = action_mechanism(a, &why);

	if (late && m <= PLAN_FILTER) {
		raise(c, PLAN_NOTIFY,
		      c->reads_memory ? "the decision needs the guest's memory, which a filter cannot read"
				      : "the decision needs a fact that a filter does not have");
	} else {
		raise(c, m, why);
	}
	if (late && policy_action_passes(a) && c->reads_memory) {
		raise(c, PLAN_TRACE, "a call that passes after its memory was looked at is made with the checked copy: "
		      "by \"continue\" another thread could change what was checked");
		c->carry = CARRY_REWRITE;
	}
}

static void survey_call(struct compiler *k, enum call_id id, struct plan_call *c)
{
	const struct policy *p = k->p;
	size_t place = id >= 0 ? (size_t)id : CALL_COUNT;
	bool late = false;

	for (size_t i = k->rules.first[place]; i < k->rules.first[place + 1]; i++) {
		const struct policy_rule *r = &p->rules[k->rules.rules[i]];

		c->rules += c->rules < UINT16_MAX;
		note_facts(c, p, id, r);
		late = late || rule_needs_user_space(r);
		note_outcome(c, &r->action, late);
		if (!r->term_count && r->action.kind != ACTION_INJECT)
			return;
	}
	if (policy_is_off(p, id))
		note_outcome(c, &(struct policy_action){.kind = ACTION_ERRNO, .err = ENOSYS}, late);
	else
		note_outcome(c, &p->default_action, late);
}

/* What user space wants to see itself. */
static void survey_stopped(struct compiler *k, const struct call_set *set, enum plan_mechanism m, const char *why)
{
	for (int i = 0; set && i <= CALL_COUNT; i++) {
		enum call_id id = i < CALL_COUNT ? (enum call_id)i : CALL_NONE;
		struct plan_call *c = &k->plan->calls[i];

		if (!call_set_has(set, id))
			continue;
		c->spilled = true;
		raise(c, m, why);
	}
}

/* A refusal that is to be logged. */
static void survey_said(struct compiler *k, enum call_id id, struct plan_call *c)
{
	size_t place = id >= 0 ? (size_t)id : CALL_COUNT;

	for (size_t i = k->rules.first[place]; i < k->rules.first[place + 1]; i++) {
		enum action_kind kind = k->p->rules[k->rules.rules[i]].action.kind;

		if (kind == ACTION_ERRNO || kind == ACTION_KILL)
			raise(c, PLAN_NOTIFY, "its refusals are logged");
	}
}

static bool any_stops(const struct plan *plan, enum plan_mechanism least)
{
	for (int i = 0; i <= CALL_COUNT; i++) {
		if (plan->calls[i].mechanism >= least)
			return true;
	}
	return false;
}

/* An injection that works on registers or memory at a stop, which a call of the kernel layer does not have. */
static bool injects_at_a_stop(struct compiler *k, size_t place)
{
	const char *why;

	for (size_t i = k->rules.first[place]; i < k->rules.first[place + 1]; i++) {
		const struct policy_action *a = &k->p->rules[k->rules.rules[i]].action;

		if (a->kind == ACTION_INJECT && action_mechanism(a, &why) == PLAN_TRACE)
			return true;
	}
	return false;
}

static void survey_owned(struct compiler *k)
{
	for (int i = 0; k->options->owned && i < CALL_COUNT; i++) {
		struct plan_call *c = &k->plan->calls[i];

		if (!call_set_has(k->options->owned, (enum call_id)i))
			continue;
		if (injects_at_a_stop(k, (size_t)i) && !k->plan->refusal[0])
			snprintf(k->plan->refusal, sizeof(k->plan->refusal), "%s is answered by the file kernel: an injection "
				 "can give it an error or a value, nothing else", call_desc((enum call_id)i)->name);
		c->spilled = true;
		c->mechanism = PLAN_NOTIFY;
		c->carry = c->reads_memory ? CARRY_ANSWER : CARRY_NONE;
		c->why = "the file kernel answers, with a descriptor where the call makes one";
	}
}

static void survey(struct compiler *k)
{
	for (int i = 0; i <= CALL_COUNT; i++) {
		enum call_id id = i < CALL_COUNT ? (enum call_id)i : CALL_NONE;

		survey_call(k, id, &k->plan->calls[i]);
		if (k->options->say_denials)
			survey_said(k, id, &k->plan->calls[i]);
	}
	survey_stopped(k, k->options->answered, PLAN_NOTIFY, "a handler answers, as the identity wants it");
	survey_stopped(k, k->options->stopped, k->options->may_trace ? PLAN_TRACE : PLAN_NOTIFY,
		       "the session records it");
	if (any_stops(k->plan, PLAN_TRACE))
		survey_stopped(k, k->options->stopped_if_traced, PLAN_TRACE,
			       "the session needs to see it where it traces");
	survey_owned(k);
}

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

static void stop_first(struct compiler *k, struct filter_chain *chain, const struct filter_clause *clause)
{
	struct filter_rule *rules = arena_alloc(&k->plan->arena, (chain->count + 1) * sizeof(*rules));

	if (!rules) {
		k->error = -ENOMEM;
		return;
	}
	rules[0] = (struct filter_rule){clause, 1, SECCOMP_RET_TRACE | k->options->trace_data};
	if (chain->count)
		memcpy(rules + 1, chain->rules, chain->count * sizeof(*rules));
	chain->rules = rules;
	chain->count++;
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
	struct filter_chain chain;
	int r;

	if (c->spilled) {
		chain = (struct filter_chain){.otherwise = l.stop};
		r = 0;
	} else {
		r = lower_rules(&l, &chain);
	}
	if (r < 0) {
		k->error = r;
		return SECCOMP_RET_KILL_PROCESS;
	}
	if (abi == policy_own_abi() && id == CALL_clone && k->keeps_children && !c->spilled)
		stop_first(k, &chain, &hidden_clone);
	if (abi == policy_own_abi() && k->options->stop_path_opens && id == CALL_open)
		stop_first(k, &chain, &path_open);
	if (abi == policy_own_abi() && k->options->stop_path_opens && id == CALL_openat)
		stop_first(k, &chain, &path_openat);
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
	k->keeps_children = k->options->keep_children && any_stops(k->plan, PLAN_NOTIFY);
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
		survey(&k);
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
