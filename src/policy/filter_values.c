/* Many values of one argument: searched for, where a chain would compare it with one after the other. */
#include <string.h>

#include "policy/filter_private.h"

/* Whether a rule compares one argument with values and nothing else; *ret is one of the tests. */
static bool compares_values(const struct filter_rule *r, const struct filter_test **ret)
{
	if (r->count != 1 || !r->clauses[0].count)
		return false;
	*ret = &r->clauses[0].tests[0];
	for (size_t i = 0; i < r->clauses[0].count; i++) {
		const struct filter_test *t = &r->clauses[0].tests[i];

		if (t->op != FILTER_EQ || t->mask != UINT64_MAX || t->arg != (*ret)->arg || t->bits != (*ret)->bits)
			return false;
	}
	return true;
}

size_t filter_run_begin(const struct filter_chain *c, size_t end, size_t *ret_values)
{
	const struct filter_test *last = NULL, *t;
	size_t begin = end;

	for (*ret_values = 0; begin > 0 && compares_values(&c->rules[begin - 1], &t); begin--) {
		if (last && (t->arg != last->arg || t->bits != last->bits))
			break;
		last = t;
		*ret_values += c->rules[begin - 1].clauses[0].count;
	}
	return begin;
}

struct value {
	uint64_t value;
	uint32_t action;
	uint32_t order;
};

static int by_value(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorted, each once: with the action of the first rule that has it. */
static size_t collect_values(const struct filter_rule *rules, size_t count, struct value *v)
{
	size_t n = 0, out = 0;

	for (size_t i = 0; i < count; i++) {
		const struct filter_clause *c = &rules[i].clauses[0];

		for (size_t j = 0; j < c->count; j++, n++)
			v[n] = (struct value){c->tests[j].bits == 32 ? (uint32_t)c->tests[j].value : c->tests[j].value,
					      rules[i].action, (uint32_t)i};
	}
	qsort(v, n, sizeof(*v), by_value);
	for (size_t i = 0; i < n; i++) {
		if (!out || v[out - 1].value != v[i].value)
			v[out++] = v[i];
	}
	return out;
}

/* The same place, nearer: every jump to it that comes now reaches it. */
static place bring_near(struct builder *b, place *at)
{
	if (filter_distance(b, *at) > FAR - 8)
		*at = filter_emit(b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)filter_distance(b, *at)));
	return *at;
}

/* Values with one high half, by the low half in the accumulator: search down to a few, then one by one. */
static place emit_low_halves(struct builder *b, const struct value *v, size_t n, place *no)
{
	size_t half = n / 2;
	place next, upper;

	if (n > VALUES_LEAF && !b->error) {
		upper = emit_low_halves(b, v + half, n - half, no);
		next = emit_low_halves(b, v, half, no);
		return filter_emit_jump(b, BPF_JGE, (uint32_t)v[half].value, upper, next);
	}
	next = bring_near(b, no);
	for (size_t i = n; i-- > 0;) {
		place yes = filter_emit_ret(b, v[i].action);

		next = filter_emit_jump(b, BPF_JEQ, (uint32_t)v[i].value, yes, next);
	}
	return next;
}

place filter_emit_values(struct builder *b, const struct filter_rule *rules, size_t count, size_t values, place no)
{
	AUTO_FREE struct value *v = calloc(values, sizeof(*v));
	const struct filter_test *t = &rules[0].clauses[0].tests[0];
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	size_t low = offsetof(struct seccomp_data, args) + 8u * t->arg + (little ? 0 : 4);
	size_t high = low + (little ? 4 : -(size_t)4);
	place next = no;

	if (!v) {
		b->error = -ENOMEM;
		return no;
	}
	for (size_t n = collect_values(rules, count, v), from = n; n && !b->error; n = from) {
		place body;

		while (from && v[from - 1].value >> 32 == v[n - 1].value >> 32)
			from--;
		(void)emit_low_halves(b, v + from, n - from, &no);
		body = filter_emit_load(b, low);
		if (t->bits == 32)
			return body;
		bring_near(b, &no);
		next = filter_emit_jump(b, BPF_JEQ, (uint32_t)(v[from].value >> 32), body, next == no ? no : next);
	}
	return filter_emit_load(b, high);
}
