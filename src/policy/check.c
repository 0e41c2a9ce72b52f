/*
 * What a policy says that cannot be meant: rules that never apply, conditions that never hold. Every look-up here is a
 * hash, so that a long file costs no more a line than a short one.
 */
#include <string.h>

#include "policy/calls.h"
#include "policy/decide.h"
#include "policy/parse_private.h"

#define SAME_KEY_MAX 8	/* earlier rules looked at for one directory or condition */

struct earlier {
	uint32_t rules[SAME_KEY_MAX];
	unsigned count;
};

struct checker {
	struct policy *p;
	struct arena arena;
	struct call_set covered;		/* calls that an earlier rule decides whatever their arguments */
	uint32_t cover[CALL_COUNT + 1];		/* by which rule */
	struct map conditions;			/* bytes of a condition to struct earlier */
	struct map paths;			/* directory or path to struct earlier */
};

static bool subset(const struct call_set *a, const struct call_set *of)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->bits); i++) {
		if (a->bits[i] & ~of->bits[i])
			return false;
	}
	return !a->unknown || of->unknown;
}

static bool same_action(const struct policy_action *a, const struct policy_action *b)
{
	if (a->kind != b->kind || a->err != b->err || a->value != b->value || a->symbol != b->symbol ||
	    a->kind == ACTION_INJECT)
		return false;
	return !a->text || !b->text ? a->text == b->text : strcmp(a->text, b->text) == 0;
}

/* Whether the rule decides every call that its condition selects. */
static bool is_final(const struct policy_rule *r)
{
	const struct policy_inject *j = r->action.inject;

	if (!r->enabled || r->where)
		return false;
	return !j || (j->first == 1 && j->step == 1 && !j->last && j->probability >= 1000000);
}

static void say_unreachable(struct checker *c, const struct policy_rule *r, const struct policy_rule *first)
{
	struct diags *d = c->p->diags;

	if (first->by_options && !r->by_options)
		return;		/* meant so */
	if (same_action(&r->action, &first->action)) {
		diag_warning(d, r->at, "this rule never applies: line %u of %s already says so", first->at.line,
			     d->sources[first->at.source].name);
	} else {
		diag_error(d, r->at, "this rule never applies: line %u of %s decides first, and otherwise",
			   first->at.line, d->sources[first->at.source].name);
		diag_hint(d, "the first rule that fits wins: move this one up");
	}
}

/* ---- calls decided whatever their arguments ---- */

static const struct policy_rule *cover_of(const struct checker *c, const struct policy_rule *r)
{
	uint32_t last = 0;

	if (r->foreign || !subset(&r->calls, &c->covered))
		return NULL;
	FOR_EACH_CALL(id, &r->calls) {
		if (c->cover[id] > last)
			last = c->cover[id];
	}
	return &c->p->rules[last];
}

static void cover(struct checker *c, uint32_t index)
{
	const struct policy_rule *r = &c->p->rules[index];

	FOR_EACH_CALL(id, &r->calls) {
		if (call_set_has(&c->covered, (enum call_id)id))
			continue;
		call_set_add(&c->covered, (enum call_id)id);
		c->cover[id] = index;
	}
	c->covered.unknown = c->covered.unknown || r->calls.unknown;
}

/* ---- the same condition twice ---- */

static void add_value(struct strbuf *b, const void *v, size_t size)
{
	strbuf_add(b, v, size);
}

static void describe_atom(const struct policy_atom *a, struct strbuf *b)
{
	uint8_t head[5] = {(uint8_t)a->kind, (uint8_t)a->source, (uint8_t)a->field, a->negated, (uint8_t)a->symbol};

	add_value(b, head, sizeof(head));
	add_value(b, &a->mask, sizeof(a->mask));
	add_value(b, &a->count, sizeof(a->count));
	for (uint32_t i = 0; i < a->count && a->kind != ATOM_BITS; i++) {
		if (a->kind == ATOM_INT) {
			add_value(b, &a->ranges[i].low, sizeof(wide));
			add_value(b, &a->ranges[i].high, sizeof(wide));
		} else if (a->kind == ATOM_IP) {
			add_value(b, a->nets[i].bytes, 16);
			add_value(b, &a->nets[i].bits, 1);
		} else {
			strbuf_add(b, a->strings[i].text, a->strings[i].len + 1);
		}
	}
}

static void describe(const struct policy_rule *r, struct strbuf *b)
{
	add_value(b, r->calls.bits, sizeof(r->calls.bits));
	for (uint32_t t = 0; t < r->term_count; t++) {
		add_value(b, &r->terms[t].count, sizeof(r->terms[t].count));
		for (uint32_t i = 0; i < r->terms[t].count; i++)
			describe_atom(r->terms[t].atoms[i], b);
	}
}

static struct earlier *remember(struct checker *c, struct map *m, const void *key, size_t len, uint32_t index)
{
	void **place = map_place(m, key, len);
	struct earlier *e;

	if (place && !*place)
		*place = arena_alloc(&c->arena, sizeof(*e));
	if (!place || !*place) {
		c->p->diags->no_memory = true;
		return NULL;
	}
	e = *place;
	if (e->count < SAME_KEY_MAX)
		e->rules[e->count++] = index;
	return e;
}

/* The earlier rule with the same calls and condition, or NULL; the rule is remembered if it is final. */
static const struct policy_rule *same_condition(struct checker *c, uint32_t index, struct strbuf *scratch)
{
	const struct policy_rule *r = &c->p->rules[index];
	const struct earlier *e;
	char *key;

	strbuf_clear(scratch);
	describe(r, scratch);
	e = map_find(&c->conditions, strbuf_str(scratch), scratch->len);
	if (e)
		return &c->p->rules[e->rules[0]];
	if (!is_final(r))
		return NULL;
	key = arena_memdup(&c->arena, strbuf_str(scratch), scratch->len);
	if (!key || strbuf_error(scratch))
		c->p->diags->no_memory = true;
	else
		(void)remember(c, &c->conditions, key, scratch->len, index);
	return NULL;
}

/* ---- a directory of an earlier rule holds this one's ---- */

/* The rule's only test, if it is a plain test on paths; else NULL. */
static const struct policy_atom *only_path_test(const struct policy_rule *r)
{
	const struct policy_atom *a;

	if (r->term_count != 1 || r->terms[0].count != 1)
		return NULL;
	a = r->terms[0].atoms[0];
	return !a->negated && (a->kind == ATOM_UNDER || a->kind == ATOM_EXACT) ? a : NULL;
}

static bool permits(const struct policy_rule *r)
{
	return policy_action_passes(&r->action) || r->action.kind == ACTION_EMULATE;
}

static bool several_paths(const struct checker *c, const struct policy_rule *r, const struct policy_atom *a)
{
	if (a->source != OPERAND_PARAM)
		return false;
	FOR_EACH_CALL(id, &r->calls) {
		if (__builtin_popcount(c->p->symbols[a->symbol]->params[id]) > 1)
			return true;
	}
	return false;
}

static const struct policy_rule *holder(const struct checker *c, const struct policy_rule *r,
					const struct policy_atom *a, const char *dir, size_t len, bool whole)
{
	const struct earlier *e = map_find(&c->paths, dir, len);

	for (unsigned i = 0; e && i < e->count; i++) {
		const struct policy_rule *first = &c->p->rules[e->rules[i]];
		const struct policy_atom *b = only_path_test(first);

		if (!b || b->source != a->source || b->symbol != a->symbol || b->field != a->field ||
		    !subset(&r->calls, &first->calls))
			continue;
		if (b->kind == ATOM_EXACT && !(whole && a->kind == ATOM_EXACT))
			continue;
		/* "All paths below" of a rule that lets pass is no cover for "any path below" of one that denies. */
		if (permits(first) && !permits(r) && several_paths(c, r, a))
			continue;
		return first;
	}
	return NULL;
}

static const struct policy_rule *holder_of_path(const struct checker *c, const struct policy_rule *r,
						const struct policy_atom *a, const struct policy_string *s)
{
	const struct policy_rule *first = s->len && s->text[0] == '/' ? holder(c, r, a, "/", 1, s->len == 1) : NULL;

	for (size_t i = 1; !first && i <= s->len; i++) {
		if (i == s->len || s->text[i] == '/')
			first = holder(c, r, a, s->text, i, i == s->len);
	}
	return first;
}

static const struct policy_rule *inside_earlier(const struct checker *c, const struct policy_rule *r)
{
	const struct policy_atom *a = only_path_test(r);
	const struct policy_rule *first = NULL;

	for (uint32_t i = 0; a && i < a->count; i++) {
		const struct policy_rule *f = holder_of_path(c, r, a, &a->strings[i]);

		if (!f)
			return NULL;
		first = f;
	}
	return first;
}

static void remember_paths(struct checker *c, uint32_t index)
{
	const struct policy_atom *a = only_path_test(&c->p->rules[index]);

	for (uint32_t i = 0; a && i < a->count; i++)
		(void)remember(c, &c->paths, a->strings[i].text, a->strings[i].len, index);
}

/* ---- conditions that never hold ---- */

static bool same_operand(const struct policy_atom *a, const struct policy_atom *b)
{
	return a->source == b->source && a->symbol == b->symbol && a->field == b->field;
}

static bool ranges_meet(const struct policy_atom *a, const struct policy_atom *b)
{
	if (a->mask != b->mask || a->count > 16 || b->count > 16)
		return true;
	for (uint32_t i = 0; i < a->count; i++) {
		for (uint32_t j = 0; j < b->count; j++) {
			if (a->ranges[i].low <= b->ranges[j].high && b->ranges[j].low <= a->ranges[i].high)
				return true;
		}
	}
	return false;
}

static bool strings_meet(const struct policy_atom *a, const struct policy_atom *b)
{
	if (a->count > 16 || b->count > 16)
		return true;
	for (uint32_t i = 0; i < a->count; i++) {
		if (atom_matches_string(b, &a->strings[i], NULL))
			return true;
	}
	for (uint32_t j = 0; a->kind == ATOM_UNDER && j < b->count; j++) {
		if (atom_matches_string(a, &b->strings[j], NULL))
			return true;
	}
	return false;
}

static bool is_plain_path(const struct policy_atom *a)
{
	return a->kind == ATOM_EXACT || a->kind == ATOM_UNDER;
}

static bool contradict(const struct policy_atom *a, const struct policy_atom *b)
{
	if (!same_operand(a, b) || a->negated || b->negated)
		return false;
	if (a->kind == ATOM_INT && b->kind == ATOM_INT)
		return !ranges_meet(a, b);
	if (is_plain_path(a) && is_plain_path(b))
		return !strings_meet(a, b) && !(b->kind == ATOM_UNDER && strings_meet(b, a));
	return false;
}

/* A name that is several parameters of a call ("path" of rename) can be two things at once. */
static bool term_never_holds(const struct checker *c, const struct policy_rule *r, const struct policy_term *t,
			     struct span *ret_at)
{
	if (t->count > 8)
		return false;
	for (uint32_t i = 0; i < t->count; i++) {
		for (uint32_t j = i + 1; j < t->count; j++) {
			if (contradict(t->atoms[i], t->atoms[j]) && !several_paths(c, r, t->atoms[i])) {
				*ret_at = t->atoms[j]->at;
				return true;
			}
		}
	}
	return false;
}

static void check_terms(struct checker *c, const struct policy_rule *r)
{
	for (uint32_t i = 0; i < r->term_count; i++) {
		struct span at;

		if (!term_never_holds(c, r, &r->terms[i], &at))
			continue;
		diag_error(c->p->diags, at,
			   r->term_count == 1 ? "the condition never holds: this contradicts an earlier test"
					      : "one alternative never holds: this contradicts another test of it");
		return;
	}
}

static void check_rule(struct checker *c, uint32_t index, struct strbuf *scratch)
{
	const struct policy_rule *r = &c->p->rules[index], *first;

	check_terms(c, r);
	if (!r->enabled)
		return;
	first = cover_of(c, r);
	if (!first && r->term_count)
		first = same_condition(c, index, scratch);
	if (!first)
		first = inside_earlier(c, r);
	if (first) {
		say_unreachable(c, r, first);
		return;
	}
	if (!is_final(r))
		return;
	if (!r->term_count)
		cover(c, index);
	else
		remember_paths(c, index);
}

/* What io_uring has an operation for. */
static bool is_ring_call(enum call_id id)
{
	return call_in_group(id, GROUP_FILE) || call_in_group(id, GROUP_NETWORK) || call_in_group(id, GROUP_DESC);
}

/* The detours that lead past what stands between the guest and a call. */
static void close_detours(struct policy *p, const struct policy_rule *r)
{
	if (!r->enabled || policy_action_passes(&r->action))
		return;
	FOR_EACH_CALL(id, &r->calls) {
		p->uring_off |= is_ring_call((enum call_id)id);
		p->socketcall_off |= call_in_group((enum call_id)id, GROUP_NETWORK);
		p->ipc_off |= call_in_group((enum call_id)id, GROUP_IPC);
	}
}

static void decide_detours(struct policy *p)
{
	if (!policy_action_passes(&p->default_action))
		return;		/* nothing passes that no rule names */
	for (size_t i = 0; i < p->rule_count; i++)
		close_detours(p, &p->rules[i]);
}

void check_policy(struct policy *p)
{
	struct checker *c = calloc(1, sizeof(*c));
	AUTO_STRBUF struct strbuf scratch;

	strbuf_init(&scratch);
	if (!c) {
		p->diags->no_memory = true;
		return;
	}
	c->p = p;
	for (uint32_t i = 0; i < p->rule_count; i++)
		check_rule(c, i, &scratch);
	decide_detours(p);
	map_finish(&c->conditions);
	map_finish(&c->paths);
	arena_finish(&c->arena);
	free(c);
}
