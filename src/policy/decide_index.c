/*
 * Candidates for a call. Each alternative of a rule is filed once, under the one of its tests that narrows most: an
 * exact path, a directory, a base name, a network, an integer; what has no such test is in a list of its call (or, if
 * the rule is about many calls, in one list for all). A list is in the rules' order.
 */
#include <string.h>

#include "policy/calls.h"
#include "policy/decide_index.h"
#include "policy/glob.h"

#define WIDE_RULE 32	/* calls; a rule about more is not copied into a list for each */

static void append(struct decide_index *x, struct bucket *b, uint32_t rule, const struct policy_term *term)
{
	struct entry *e = arena_alloc(&x->arena, sizeof(*e));

	if (!e) {
		x->no_memory = true;
		return;
	}
	*e = (struct entry){.rule = rule, .term = term};
	if (b->tail)
		b->tail->next = e;
	else
		b->head = e;
	b->tail = e;
}

static void file_under(struct decide_index *x, struct map *m, const void *key, size_t len, uint32_t rule,
		       const struct policy_term *term)
{
	void **place = map_place(m, key, len);

	if (place && !*place)
		*place = arena_alloc(&x->arena, sizeof(struct bucket));
	if (!place || !*place) {
		x->no_memory = true;
		return;
	}
	append(x, *place, rule, term);
}

static void note_kind(struct decide_index *x, const struct policy_rule *r, unsigned kind)
{
	FOR_EACH_CALL(id, &r->calls)
		x->kinds[id] |= (uint8_t)kind;
	if (r->calls.unknown)
		x->kinds[CALL_COUNT] |= (uint8_t)kind;
}

/* ---- paths ---- */

static enum path_class path_class(const struct policy *p, const struct policy_rule *r, const struct policy_atom *a)
{
	if (a->source == OPERAND_TASK_EXE)
		return PATH_EXE;
	if (a->field != FIELD_PATH)
		return PATH_PARAM;
	FOR_EACH_CALL(id, &r->calls) {
		unsigned params = p->symbols[a->symbol]->params[id];

		if (params && call_desc((enum call_id)id)->params[__builtin_ctz(params)].kind == PARAM_SOCKADDR)
			return PATH_ADDR;
	}
	return PATH_FD;
}

/* The bytes behind the last dot of the last component, if no wildcard is among them. */
static size_t literal_extension(const struct policy_string *s)
{
	size_t n = 0;

	while (n < s->len && !strchr("*?[]\\/.", s->text[s->len - 1 - n]))
		n++;
	return n && n < s->len && s->text[s->len - 1 - n] == '.' ? n : 0;
}

static void file_dir(struct decide_index *x, struct path_tables *t, const char *dir, size_t len, uint32_t rule,
		     const struct policy_term *term)
{
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++)
		depth += dir[i] == '/';
	t->depths |= UINT64_C(1) << depth_bit(depth);
	file_under(x, &t->under, dir, len, rule, term);
}

static void file_glob(struct decide_index *x, struct path_tables *t, const struct policy_string *s, bool base,
		      uint32_t rule, const struct policy_term *term)
{
	size_t literal = glob_literal(s->text, s->len), extension = literal_extension(s);
	const char *slash;

	if (literal == s->len) {
		file_under(x, base ? &t->base : &t->exact, s->text, s->len, rule, term);
		return;
	}
	slash = base ? NULL : memrchr(s->text, '/', literal);
	if (slash && slash > s->text)
		file_dir(x, t, s->text, (size_t)(slash - s->text), rule, term);
	else if (extension)
		file_under(x, &t->extension, s->text + s->len - extension, extension, rule, term);
	else
		file_dir(x, t, "", 0, rule, term);
}

static void file_paths(struct decide_index *x, const struct policy_atom *a, uint32_t rule,
		       const struct policy_term *term)
{
	enum path_class class = path_class(x->p, &x->p->rules[rule], a);
	struct path_tables *t = &x->paths[class];

	note_kind(x, &x->p->rules[rule], 1u << class);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct policy_string *s = &a->strings[i];

		if (a->kind == ATOM_EXACT)
			file_under(x, &t->exact, s->text, s->len, rule, term);
		else if (a->kind == ATOM_UNDER && s->len == 1 && s->text[0] == '/')
			file_dir(x, t, "", 0, rule, term);
		else if (a->kind == ATOM_UNDER)
			file_dir(x, t, s->text, s->len, rule, term);
		else
			file_glob(x, t, s, a->kind == ATOM_BASENAME, rule, term);
	}
}

/* ---- integers and networks ---- */

static int16_t only_call(const struct call_set *s)
{
	int found = call_set_next(s, 0);

	return s->unknown || (found >= 0 && call_set_next(s, found + 1) >= 0) ? -1 : (int16_t)found;
}

static bool add_int_symbol(struct decide_index *x, const struct policy_atom *a)
{
	for (size_t i = 0; i < x->int_symbol_count; i++) {
		if (x->int_symbols[i].symbol == a->symbol && x->int_symbols[i].field == a->field)
			return true;
	}
	if (x->int_symbol_count == ARRAY_SIZE(x->int_symbols))
		return false;
	x->int_symbols[x->int_symbol_count++] = (struct int_symbol){.symbol = a->symbol, .field = a->field};
	return true;
}

static void file_ints(struct decide_index *x, const struct policy_atom *a, uint32_t rule,
		      const struct policy_term *term)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct int_key *k = arena_alloc(&x->arena, sizeof(*k));

		if (!k) {
			x->no_memory = true;
			return;
		}
		k->value = (uint64_t)a->ranges[i].low;
		k->symbol = a->symbol;
		k->field = a->field;
		k->call = only_call(&x->p->rules[rule].calls);
		file_under(x, &x->ints, k, sizeof(*k), rule, term);
	}
}

static bool add_net_symbol(struct decide_index *x, uint16_t symbol)
{
	for (size_t i = 0; i < x->net_symbols; i++) {
		if (x->net_symbol[i] == symbol)
			return true;
	}
	if (x->net_symbols == ARRAY_SIZE(x->net_symbol))
		return false;
	x->net_symbol[x->net_symbols++] = symbol;
	return true;
}

static void file_nets(struct decide_index *x, const struct policy_atom *a, uint32_t rule,
		      const struct policy_term *term)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct net_key *k = arena_alloc(&x->arena, sizeof(*k));

		if (!k) {
			x->no_memory = true;
			return;
		}
		memcpy(k->bytes, a->nets[i].bytes, 16);
		k->bits = a->nets[i].bits;
		x->net_bits[k->bits / 64] |= UINT64_C(1) << k->bits % 64;
		file_under(x, &x->nets, k, sizeof(*k), rule, term);
	}
}

/* ---- filing ---- */

static bool is_point_set(const struct policy_atom *a)
{
	if (a->mask != UINT64_MAX || a->count > 64)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->ranges[i].low != a->ranges[i].high)
			return false;
	}
	return true;
}

/* How well a test narrows: 0 not at all. */
static int rank(const struct policy_atom *a)
{
	if (a->negated)
		return 0;
	switch (a->kind) {
	case ATOM_EXACT:
		return a->source == OPERAND_PARAM || a->source == OPERAND_TASK_EXE ? 6 : 0;
	case ATOM_UNDER:
		return 5;
	case ATOM_IP:
		return 4;
	case ATOM_INT:
		return a->source == OPERAND_PARAM && a->field != FIELD_KIND && is_point_set(a) ? 3 : 0;
	case ATOM_GLOB:
	case ATOM_BASENAME:
		return 2;
	default:
		return 0;
	}
}

/* A string parameter that is no path has no table. */
static bool on_plain_string(const struct policy *p, const struct policy_rule *r, const struct policy_atom *a)
{
	if (a->kind != ATOM_EXACT || a->source != OPERAND_PARAM || a->field != FIELD_NONE)
		return false;
	FOR_EACH_CALL(id, &r->calls) {
		unsigned params = p->symbols[a->symbol]->params[id];

		if (params && call_desc((enum call_id)id)->params[__builtin_ctz(params)].kind != PARAM_PATH)
			return true;
	}
	return false;
}

static bool file_term(struct decide_index *x, uint32_t rule, const struct policy_term *term)
{
	const struct policy_atom *best = NULL;

	for (uint32_t i = 0; i < term->count; i++) {
		const struct policy_atom *a = term->atoms[i];

		if (rank(a) > (best ? rank(best) : 0) && !on_plain_string(x->p, &x->p->rules[rule], a))
			best = a;
	}
	if (!best)
		return false;
	switch (best->kind) {
	case ATOM_IP:
		if (!add_net_symbol(x, best->symbol))
			return false;
		note_kind(x, &x->p->rules[rule], HAS_NETS);
		file_nets(x, best, rule, term);
		return true;
	case ATOM_INT:
		if (!add_int_symbol(x, best))
			return false;
		note_kind(x, &x->p->rules[rule], HAS_INTS);
		file_ints(x, best, rule, term);
		return true;
	default:
		file_paths(x, best, rule, term);
		return true;
	}
}

static void file_by_call(struct decide_index *x, uint32_t rule, const struct policy_term *term)
{
	const struct call_set *s = &x->p->rules[rule].calls;
	unsigned count = s->unknown;

	for (size_t i = 0; i < ARRAY_SIZE(s->bits); i++)
		count += (unsigned)__builtin_popcountll(s->bits[i]);
	if (count > WIDE_RULE) {
		append(x, &x->wide, rule, term);
		return;
	}
	FOR_EACH_CALL(id, s)
		append(x, &x->calls[id], rule, term);
	if (s->unknown)
		append(x, &x->calls[CALL_COUNT], rule, term);
}

int decide_index_create(const struct policy *p, struct decide_index **ret)
{
	struct decide_index *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->p = p;
	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (!r->enabled)
			continue;
		if (!r->term_count)
			file_by_call(x, i, NULL);
		for (uint32_t t = 0; t < r->term_count; t++) {
			if (!file_term(x, i, &r->terms[t]))
				file_by_call(x, i, &r->terms[t]);
		}
	}
	if (x->no_memory) {
		decide_index_destroy(x);
		return -ENOMEM;
	}
	*ret = x;
	return 0;
}

void decide_index_destroy(struct decide_index *x)
{
	if (!x)
		return;
	for (int i = 0; i < PATH_CLASSES; i++) {
		map_finish(&x->paths[i].exact);
		map_finish(&x->paths[i].under);
		map_finish(&x->paths[i].base);
		map_finish(&x->paths[i].extension);
	}
	map_finish(&x->ints);
	map_finish(&x->nets);
	arena_finish(&x->arena);
	free(x);
}
