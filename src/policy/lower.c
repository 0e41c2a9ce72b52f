#include "policy/lower.h"

#include <string.h>

#include "policy/calls.h"

/* What an integer test becomes for one parameter. */
enum lowered {
	LOWERED_ALWAYS,		/* holds for every value of the type */
	LOWERED_NEVER,
	LOWERED_CLAUSES,
	LOWERED_UNSEEN,		/* the filter cannot see it: user space has to */
};

struct clause_list {
	struct filter_clause *v;	/* malloc'ed */
	size_t count, cap;
	bool no_memory;
};

uint32_t filter_action_of(const struct policy_action *a, uint32_t stop)
{
	switch (a->kind) {
	case ACTION_NATIVE:
		return SECCOMP_RET_ALLOW;
	case ACTION_ERRNO:
		return SECCOMP_RET_ERRNO | (uint32_t)a->err;
	case ACTION_KILL:
		return SECCOMP_RET_KILL_PROCESS;
	case ACTION_VALUE:
		return a->value == 0 ? SECCOMP_RET_ERRNO : stop;
	default:
		return stop;
	}
}

static void add_clause(struct clause_list *l, const struct lowering *w, const struct filter_test *tests, size_t count)
{
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		struct filter_clause *v = reallocarray(l->v, cap, sizeof(*v));

		if (!v) {
			l->no_memory = true;
			return;
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->count].tests = arena_memdup(w->arena, tests, count * sizeof(*tests));
	l->v[l->count].count = count;
	l->no_memory = l->no_memory || !l->v[l->count].tests;
	l->count++;
}

/* ---- one integer test ---- */

struct int_type {
	struct filter_test test;	/* argument, width, sign; the rest to be filled in */
	wide min, max;
};

/* The register that holds the test's parameter; false if there is not exactly one. */
static bool find_register(const struct lowering *l, const struct policy_atom *a, struct int_type *ret)
{
	unsigned params = l->p->symbols[a->symbol]->params[l->id >= 0 ? l->id : 0];
	const struct call_param *param = NULL;
	unsigned bits = 64;
	bool is_signed = false;

	if (__builtin_popcount(params) != 1)
		return false;
	ret->test = (struct filter_test){.arg = (uint8_t)__builtin_ctz(params), .mask = UINT64_MAX};
	if (!l->p->symbols[a->symbol]->raw) {
		param = decide_param_for(l->id, l->abi, ret->test.arg);
		if (!param || param->regs > 1)
			return false;
		ret->test.arg = param->reg;
		bits = param->bits;
		is_signed = param->is_signed;
	}
	if (l->abi == ABI_I386 || (!param && l->abi == ABI_X32))
		bits = 32;
	ret->test.bits = (uint8_t)bits;
	ret->test.is_signed = is_signed;
	ret->min = is_signed ? -((wide)1 << (bits - 1)) : 0;
	ret->max = is_signed ? ((wide)1 << (bits - 1)) - 1 : ((wide)1 << bits) - 1;
	return true;
}

static struct filter_test compare(const struct int_type *t, enum filter_op op, wide value)
{
	struct filter_test test = t->test;

	test.op = (uint8_t)op;
	test.value = (uint64_t)value;
	return test;
}

static int by_low(const void *a, const void *b)
{
	const struct int_range *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

/* The ranges cut to the type, in order, without overlaps; their number. v has room for all. */
static size_t normal_ranges(const struct policy_atom *a, const struct int_type *t, struct int_range *v)
{
	size_t n = 0, out = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		struct int_range r = a->ranges[i];

		r.low = r.low < t->min ? t->min : r.low;
		r.high = r.high > t->max ? t->max : r.high;
		if (r.low <= r.high)
			v[n++] = r;
	}
	qsort(v, n, sizeof(*v), by_low);
	for (size_t i = 0; i < n; i++) {
		if (out && v[i].low <= v[out - 1].high + 1)
			v[out - 1].high = v[i].high > v[out - 1].high ? v[i].high : v[out - 1].high;
		else
			v[out++] = v[i];
	}
	return out;
}

static bool all_points(const struct int_range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].low != v[i].high)
			return false;
	}
	return true;
}

/* In one of the ranges: above the lowest, below the highest, in none of the gaps between. */
static void inside(struct clause_list *out, const struct lowering *l, const struct int_type *t,
		   const struct int_range *v, size_t n)
{
	struct filter_test tests[2];

	if (v[0].low > t->min) {
		tests[0] = compare(t, FILTER_GE, v[0].low);
		add_clause(out, l, tests, 1);
	}
	if (v[n - 1].high < t->max) {
		tests[0] = compare(t, FILTER_LE, v[n - 1].high);
		add_clause(out, l, tests, 1);
	}
	for (size_t i = 0; i + 1 < n; i++) {
		tests[0] = compare(t, FILTER_LE, v[i].high);
		tests[1] = compare(t, FILTER_GE, v[i + 1].low);
		add_clause(out, l, tests, 2);
	}
}

static bool points(struct clause_list *out, const struct lowering *l, const struct int_type *t,
		   const struct int_range *v, size_t n)
{
	AUTO_FREE struct filter_test *tests = calloc(n, sizeof(*tests));

	if (!tests)
		return false;
	for (size_t i = 0; i < n; i++)
		tests[i] = compare(t, FILTER_EQ, v[i].low);
	add_clause(out, l, tests, n);
	return true;
}

/* In none of the ranges. */
static void outside(struct clause_list *out, const struct lowering *l, const struct int_type *t,
		    const struct int_range *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct filter_test tests[2];
		size_t count = 0;

		if (v[i].low == v[i].high) {
			tests[count++] = compare(t, FILTER_NE, v[i].low);
		} else {
			if (v[i].low > t->min)
				tests[count++] = compare(t, FILTER_LT, v[i].low);
			if (v[i].high < t->max)
				tests[count++] = compare(t, FILTER_GT, v[i].high);
		}
		add_clause(out, l, tests, count);
	}
}

static enum lowered lower_ranges(struct clause_list *out, const struct lowering *l, const struct policy_atom *a,
				 const struct int_type *t)
{
	AUTO_FREE struct int_range *v = calloc(a->count, sizeof(*v));
	size_t n;

	if (!v) {
		out->no_memory = true;
		return LOWERED_NEVER;
	}
	n = normal_ranges(a, t, v);
	if (!n)
		return a->negated ? LOWERED_ALWAYS : LOWERED_NEVER;
	if (n == 1 && v[0].low == t->min && v[0].high == t->max)
		return a->negated ? LOWERED_NEVER : LOWERED_ALWAYS;
	if (a->negated)
		outside(out, l, t, v, n);
	else if (all_points(v, n))
		out->no_memory = !points(out, l, t, v, n) || out->no_memory;
	else
		inside(out, l, t, v, n);
	return LOWERED_CLAUSES;
}

static enum lowered lower_test(struct clause_list *out, const struct lowering *l, const struct policy_atom *a)
{
	struct int_type t;
	struct filter_test test;

	if (!atom_is_register(a) || !find_register(l, a, &t))
		return LOWERED_UNSEEN;
	if (a->kind == ATOM_BITS || a->mask != UINT64_MAX) {
		/* A masked value has no sign, and no more bits than its parameter. */
		t.test.is_signed = false;
		t.test.mask = t.test.bits == 32 ? (uint32_t)a->mask : a->mask;
		t.min = 0;
		t.max = t.test.mask;
	}
	if (a->kind != ATOM_BITS)
		return lower_ranges(out, l, a, &t);
	test = compare(&t, a->negated ? FILTER_EQ : FILTER_NE, 0);
	add_clause(out, l, &test, 1);
	return LOWERED_CLAUSES;
}

/* ---- rules ---- */

struct rule_list {
	struct filter_rule *v;	/* malloc'ed */
	size_t count, cap;
};

static int add_rule(struct rule_list *rules, const struct lowering *l, const struct clause_list *clauses,
		    uint32_t action)
{
	struct filter_rule *r;

	if (rules->count == rules->cap) {
		size_t cap = rules->cap ? rules->cap * 2 : 8;
		struct filter_rule *v = reallocarray(rules->v, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		rules->v = v;
		rules->cap = cap;
	}
	r = &rules->v[rules->count++];
	r->clauses = arena_memdup(l->arena, clauses->v, clauses->count * sizeof(*clauses->v));
	r->count = clauses->count;
	r->action = action;
	return r->clauses || !r->count ? 0 : -ENOMEM;
}

/* 1: the term always holds, nothing behind it is reached; 0 or a negative errno. */
static int lower_term(struct rule_list *rules, const struct lowering *l, const struct policy_term *t, uint32_t action,
		      uint32_t *ret_otherwise)
{
	struct clause_list clauses = {0};
	bool never = false;
	int r = 0;

	for (uint32_t i = 0; i < t->count && !never; i++) {
		enum lowered how = lower_test(&clauses, l, t->atoms[i]);

		never = how == LOWERED_NEVER;
		if (how == LOWERED_UNSEEN)
			action = l->stop;
	}
	if (clauses.no_memory) {
		r = -ENOMEM;
	} else if (!never && !clauses.count) {
		*ret_otherwise = action;
		r = 1;
	} else if (!never) {
		r = add_rule(rules, l, &clauses, action);
	}
	free(clauses.v);
	return r;
}

/* Whether the rule leaves calls that its condition selects to later rules. */
static bool may_pass_on(const struct policy_rule *r)
{
	return r->action.kind == ACTION_INJECT;
}

static uint32_t rule_action(const struct lowering *l, const struct policy_rule *r)
{
	bool refuses = r->action.kind == ACTION_ERRNO || r->action.kind == ACTION_KILL;

	return may_pass_on(r) || (refuses && l->say_denials) ? l->stop : filter_action_of(&r->action, l->stop);
}

/* Count (rules NULL) or file the rules of each call; place[id] moves on by one for each. */
static void file_rules(const struct policy *p, uint32_t *place, uint32_t *rules)
{
	struct call_set decided;

	call_set_clear(&decided);
	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *r = &p->rules[i];
		struct call_set open = r->calls;

		if (!r->enabled)
			continue;
		for (size_t w = 0; w < ARRAY_SIZE(open.bits); w++)
			open.bits[w] &= ~decided.bits[w];
		open.unknown = open.unknown && !decided.unknown;
		FOR_EACH_CALL(id, &open) {
			if (rules)
				rules[place[id]] = i;
			place[id]++;
			if (!r->term_count && !may_pass_on(r))
				call_set_add(&decided, (enum call_id)id);
		}
		if (open.unknown) {
			if (rules)
				rules[place[CALL_COUNT]] = i;
			place[CALL_COUNT]++;
			decided.unknown = !r->term_count && !may_pass_on(r);
		}
	}
}

int call_rules_init(struct call_rules *r, const struct policy *p)
{
	AUTO_FREE uint32_t *place = calloc(CALL_COUNT + 2, sizeof(*place));
	uint32_t total = 0;

	r->first = calloc(CALL_COUNT + 2, sizeof(*r->first));
	r->rules = NULL;
	if (!r->first || !place)
		return -ENOMEM;
	file_rules(p, place, NULL);
	for (int i = 0; i <= CALL_COUNT; i++) {
		r->first[i] = total;
		total += place[i];
	}
	r->first[CALL_COUNT + 1] = total;
	r->rules = calloc((size_t)total + 1, sizeof(*r->rules));
	if (!r->rules)
		return -ENOMEM;
	memcpy(place, r->first, (CALL_COUNT + 1) * sizeof(*place));
	file_rules(p, place, r->rules);
	return 0;
}

void call_rules_finish(struct call_rules *r)
{
	free(r->first);
	free(r->rules);
}

static int lower_all(struct rule_list *rules, const struct lowering *l, uint32_t *ret_otherwise)
{
	const struct policy *p = l->p;
	size_t id = l->id >= 0 ? (size_t)l->id : CALL_COUNT;

	for (size_t i = l->rules->first[id]; i < l->rules->first[id + 1]; i++) {
		const struct policy_rule *rule = &p->rules[l->rules->rules[i]];
		uint32_t action = rule_action(l, rule);

		if (!rule->term_count) {
			*ret_otherwise = action;
			return 0;
		}
		for (uint32_t t = 0; t < rule->term_count; t++) {
			int r = lower_term(rules, l, &rule->terms[t], action, ret_otherwise);

			if (r)
				return r < 0 ? r : 0;
		}
	}
	if (policy_is_off(p, l->id))
		*ret_otherwise = SECCOMP_RET_ERRNO | ENOSYS;
	else
		*ret_otherwise = filter_action_of(&p->default_action, l->stop);
	return 0;
}

int lower_rules(const struct lowering *l, struct filter_chain *ret)
{
	struct rule_list rules = {0};
	uint32_t otherwise = SECCOMP_RET_KILL_PROCESS;
	int r = lower_all(&rules, l, &otherwise);

	/* Rules at the end that answer what the end answers decide nothing. */
	while (rules.count && rules.v[rules.count - 1].action == otherwise)
		rules.count--;
	ret->rules = arena_memdup(l->arena, rules.v, rules.count * sizeof(*rules.v));
	ret->count = rules.count;
	ret->otherwise = otherwise;
	if (r >= 0 && rules.count && !ret->rules)
		r = -ENOMEM;
	free(rules.v);
	return r;
}
