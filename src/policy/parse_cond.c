/*
 * Conditions. "not", "and", "or" and parentheses are multiplied out while they are read: the result is a list of
 * alternatives, each a list of tests that may be negated. Both are bounded, so that a hostile text costs an error.
 */
#include <string.h>

#include "policy/calls.h"
#include "policy/parse_private.h"

static bool parse_or(struct parser *ps, struct rule_scope *scope, bool negate, struct dnf *ret);

/* ---- alternatives ---- */

static bool too_many(struct parser *ps)
{
	diag_error(ps->p->diags, parse_token(ps)->at,
		   "the condition is too large once multiplied out (%d alternatives, %d tests)", TERMS_MAX, TESTS_MAX);
	diag_hint(ps->p->diags, "use a list: == {a, b, c}");
	return false;
}

static bool either(struct parser *ps, struct dnf *a, const struct dnf *b)
{
	struct policy_term *terms;

	if (a->count + b->count > TERMS_MAX)
		return too_many(ps);
	terms = parse_alloc(ps, (a->count + b->count) * sizeof(*terms));
	if (!terms)
		return false;
	memcpy(terms, a->terms, a->count * sizeof(*terms));
	memcpy(terms + a->count, b->terms, b->count * sizeof(*terms));
	a->terms = terms;
	a->count += b->count;
	return true;
}

static bool join(struct parser *ps, const struct policy_term *a, const struct policy_term *b, struct policy_term *ret)
{
	const struct policy_atom **atoms;

	if (a->count + b->count > ATOMS_MAX) {
		diag_error(ps->p->diags, parse_token(ps)->at, "the condition has more than %d tests", ATOMS_MAX);
		return false;
	}
	atoms = parse_alloc(ps, (a->count + b->count) * sizeof(*atoms));
	if (!atoms)
		return false;
	memcpy(atoms, a->atoms, a->count * sizeof(*atoms));
	memcpy(atoms + a->count, b->atoms, b->count * sizeof(*atoms));
	ret->atoms = atoms;
	ret->count = a->count + b->count;
	return true;
}

static uint32_t tests_of(const struct dnf *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->count; i++)
		n += d->terms[i].count;
	return n;
}

static bool both(struct parser *ps, struct dnf *a, const struct dnf *b)
{
	struct policy_term *terms;

	if (a->count * b->count > TERMS_MAX || a->count * tests_of(b) + b->count * tests_of(a) > TESTS_MAX)
		return too_many(ps);
	terms = parse_alloc(ps, a->count * b->count * sizeof(*terms));
	for (uint32_t i = 0; terms && i < a->count; i++) {
		for (uint32_t j = 0; j < b->count; j++) {
			if (!join(ps, &a->terms[i], &b->terms[j], &terms[i * b->count + j]))
				return false;
		}
	}
	a->terms = terms;
	a->count *= b->count;
	return terms;
}

static bool single(struct parser *ps, const struct policy_atom *atom, struct dnf *ret)
{
	const struct policy_atom **atoms = parse_alloc(ps, sizeof(*atoms));

	ret->terms = parse_alloc(ps, sizeof(*ret->terms));
	if (!atoms || !ret->terms)
		return false;
	atoms[0] = atom;
	ret->terms[0] = (struct policy_term){.atoms = atoms, .count = 1};
	ret->count = 1;
	return true;
}

/* ---- lists of values ---- */

struct list {
	bool braces;
	const struct named_set *outer;	/* what the tokens came from before */
	size_t outer_at;
	bool set;
};

static bool list_begin(struct parser *ps, struct list *l)
{
	const struct token *t = parse_token(ps);

	*l = (struct list){.outer = ps->expansion, .outer_at = ps->expansion_at};
	if (t->kind == TOK_WORD && t->text[0] == '@') {
		const struct named_set *set = parse_find_set(ps, t);

		if (!set)
			return false;
		ps->expansion = set;
		ps->expansion_at = 0;
		l->set = true;
	} else {
		l->braces = parse_take_punct(ps, PUNCT_LBRACE);
	}
	return true;
}

/* Past one item: whether another follows. *ret_ok: the list is as it should be. */
static bool list_more(struct parser *ps, struct list *l, bool *ret_ok)
{
	*ret_ok = true;
	if (l->set) {
		(void)parse_take_punct(ps, PUNCT_COMMA);
		if (ps->expansion_at < ps->expansion->count)
			return true;
		ps->expansion = l->outer;
		ps->expansion_at = l->outer_at;
		parse_next(ps);		/* the @set */
		return false;
	}
	if (!l->braces)
		return false;
	(void)parse_take_punct(ps, PUNCT_COMMA);
	if (parse_take_punct(ps, PUNCT_RBRACE))
		return false;
	if (parse_at_end(ps)) {
		*ret_ok = parse_expected(ps, "\"}\"");
		return false;
	}
	return true;
}

static void list_abandon(struct parser *ps, const struct list *l)
{
	if (l->set) {
		ps->expansion = l->outer;
		ps->expansion_at = l->outer_at;
	}
}

typedef bool item_fn(struct parser *ps, const struct rule_scope *scope, const struct operand *o, struct policy_atom *a,
		     void *item);

/* Read a list of items of size bytes each; the array goes into the arena. */
static void *parse_list(struct parser *ps, const struct rule_scope *scope, const struct operand *o,
			struct policy_atom *a, size_t size, item_fn *item)
{
	char *items = NULL;
	size_t cap = 0, count = 0;
	bool ok = true;
	struct list l;
	void *copy;

	if (!list_begin(ps, &l))
		return NULL;
	do {
		if (!parse_grow(ps, &items, &cap, count, size) || !item(ps, scope, o, a, items + count * size)) {
			list_abandon(ps, &l);
			free(items);
			return NULL;
		}
		count++;
	} while (list_more(ps, &l, &ok));
	copy = ok ? arena_memdup(&ps->p->arena, items, count * size) : NULL;
	free(items);
	a->count = (uint32_t)count;
	return copy;
}

static bool range_item(struct parser *ps, const struct rule_scope *scope, const struct operand *o,
		       struct policy_atom *a, void *item)
{
	struct int_range *r = item;
	struct span at = parse_token(ps)->at;

	(void)a;
	if (!parse_operand_int(ps, scope, o, &r->low))
		return false;
	r->high = r->low;
	if (!parse_take_punct(ps, PUNCT_RANGE))
		return true;
	if (!parse_operand_int(ps, scope, o, &r->high))
		return false;
	if (r->high < r->low) {
		diag_error(ps->p->diags, at, "the range is empty: its end is below its start");
		return false;
	}
	return true;
}

static bool path_item(struct parser *ps, const struct rule_scope *scope, const struct operand *o, struct policy_atom *a,
		      void *item)
{
	struct policy_string *s = item;
	const struct token t = *parse_token(ps);
	bool ok = true;

	(void)scope;
	if (t.kind != TOK_STRING) {
		parse_expected(ps, "a path in quotes");
		if (t.kind == TOK_WORD)
			diag_hint(ps->p->diags, "write \"%.*s\"", (int)t.len, t.text);
		return false;
	}
	*s = (struct policy_string){.text = t.text, .len = (uint32_t)t.len};
	if (a->kind == ATOM_BASENAME && memchr(t.text, '/', t.len)) {
		diag_error(ps->p->diags, t.at, "a basename has no \"/\"");
		diag_hint(ps->p->diags, "glob compares the whole path");
		ok = false;
	} else if (a->kind == ATOM_GLOB) {
		if (!t.len || !strchr("/*@~", t.text[0])) {
			diag_error(ps->p->diags, t.at,
				   "the glob can never match: it compares the whole path, from \"/\"");
			diag_hint(ps->p->diags, "did you mean basename?");
			ok = false;
		} else if (t.text[0] == '~') {
			ok = parse_absolute_path(ps, &t, false, s);
		}
	} else if (a->kind != ATOM_BASENAME) {
		ok = parse_absolute_path(ps, &t, a->kind == ATOM_UNDER, s);
	}
	(void)o;
	parse_next(ps);
	return ok;
}

static bool string_item(struct parser *ps, const struct rule_scope *scope, const struct operand *o,
			struct policy_atom *a, void *item)
{
	const struct token t = *parse_token(ps);

	(void)scope;
	(void)o;
	(void)a;
	if (t.kind != TOK_STRING)
		return parse_expected(ps, "a string in quotes");
	*(struct policy_string *)item = (struct policy_string){.text = t.text, .len = (uint32_t)t.len};
	parse_next(ps);
	return true;
}

static bool net_item(struct parser *ps, const struct rule_scope *scope, const struct operand *o, struct policy_atom *a,
		     void *item)
{
	const struct token t = *parse_token(ps);

	(void)scope;
	(void)o;
	(void)a;
	if (t.kind != TOK_WORD && t.kind != TOK_STRING)
		return parse_expected(ps, "an address or network such as 10.0.0.0/8");
	if (!parse_net(ps, &t, item))
		return false;
	parse_next(ps);
	return true;
}

static bool kind_item(struct parser *ps, const struct rule_scope *scope, const struct operand *o, struct policy_atom *a,
		      void *item)
{
	static const char *const kinds[] = {"file", "dir", "pipe", "socket", "char", "block", "anon", NULL};

	(void)scope;
	(void)o;
	(void)a;
	for (size_t i = 0; kinds[i]; i++) {
		if (parse_take(ps, kinds[i])) {
			*(struct int_range *)item = (struct int_range){.low = (wide)(FD_FILE + i),
								       .high = (wide)(FD_FILE + i)};
			return true;
		}
	}
	return parse_expected(ps, "file, dir, pipe, socket, char, block or anon");
}

/* ---- one test ---- */

/* Whether the value that follows is quoted: a list's or set's first item tells. */
static bool value_is_string(const struct parser *ps)
{
	const struct token *t = parse_token(ps);

	if (t->kind == TOK_STRING)
		return true;
	if (t->kind == TOK_PUNCT && t->punct == PUNCT_LBRACE && !ps->expansion) {
		const struct source *src = ps->lex.source;
		size_t at = ps->lex.offset;

		while (at < src->len && memchr(" \t\r\\\n", src->text[at], 5))
			at++;
		return at < src->len && src->text[at] == '"';
	}
	if (t->kind == TOK_WORD && t->text[0] == '@') {
		const struct named_set *set = map_find(ps->sets, t->text + 1, t->len - 1);

		return set && set->count && set->tokens[0].kind == TOK_STRING;
	}
	return false;
}

static bool is_path_field(const struct operand *o)
{
	return o->field == FIELD_PATH || o->source == OPERAND_TASK_EXE;
}

/* Every call of the scope has a path here, not a mere string. */
static bool is_path_everywhere(const struct parser *ps, const struct rule_scope *scope, const struct operand *o)
{
	FOR_EACH_CALL(id, &scope->calls) {
		const struct call_param *param = operand_param(ps->p, o, (enum call_id)id);

		if (param && param->kind == PARAM_STRING)
			return false;
	}
	return true;
}

static bool equals_strings(struct parser *ps, struct rule_scope *scope, const struct operand *o, struct policy_atom *a)
{
	bool path;

	a->kind = ATOM_EXACT;
	if (!is_path_field(o) && !operand_narrow(ps, scope, o, CLASS_STRING))
		return false;
	if (is_path_field(o) && !operand_narrow(ps, scope, o, CLASS_PATH))
		return false;
	path = is_path_field(o) || is_path_everywhere(ps, scope, o);
	a->strings = parse_list(ps, scope, o, a, sizeof(struct policy_string), path ? path_item : string_item);
	return a->strings;
}

/* "path == etc": the complaint should be about the quotes. */
static bool is_unquoted_path(const struct parser *ps, const struct rule_scope *scope, const struct operand *o)
{
	int first = call_set_next(&scope->calls, 0);
	const struct call_param *param = first >= 0 ? operand_param(ps->p, o, (enum call_id)first) : NULL;

	return o->field == FIELD_NONE && param && param->kind == PARAM_PATH && parse_token(ps)->kind == TOK_WORD;
}

static bool equals(struct parser *ps, struct rule_scope *scope, const struct operand *o, struct policy_atom *a)
{
	if (o->field == FIELD_IP) {
		a->kind = ATOM_IP;
		if (!operand_narrow(ps, scope, o, CLASS_IP))
			return false;
		a->nets = parse_list(ps, scope, o, a, sizeof(struct ip_net), net_item);
		return a->nets;
	}
	if (is_path_field(o) || value_is_string(ps) || is_unquoted_path(ps, scope, o))
		return equals_strings(ps, scope, o, a);
	a->kind = ATOM_INT;
	if (!operand_narrow(ps, scope, o, o->field == FIELD_KIND ? CLASS_KIND : CLASS_INT))
		return false;
	a->ranges = parse_list(ps, scope, o, a, sizeof(struct int_range),
			       o->field == FIELD_KIND ? kind_item : range_item);
	return a->ranges;
}

static bool paths(struct parser *ps, struct rule_scope *scope, const struct operand *o, struct policy_atom *a,
		  enum atom_kind kind)
{
	a->kind = kind;
	if (o->source != OPERAND_PARAM && o->source != OPERAND_TASK_EXE) {
		diag_error(ps->p->diags, o->at, "%s is a number, not a path", o->name);
		return false;
	}
	if (!operand_narrow(ps, scope, o, CLASS_PATH))
		return false;
	if (o->field != FIELD_NONE && o->field != FIELD_PATH) {
		diag_error(ps->p->diags, o->at, "%s is not a path", o->name);
		return false;
	}
	a->strings = parse_list(ps, scope, o, a, sizeof(struct policy_string), path_item);
	return a->strings;
}

static bool is_number(struct parser *ps, struct rule_scope *scope, const struct operand *o)
{
	if (o->field == FIELD_IP || is_path_field(o)) {
		diag_error(ps->p->diags, o->at, "%s has no order and no bits", o->name);
		diag_hint(ps->p->diags, o->field == FIELD_IP ? "compare it with ==, != or in" :
			  "compare it with ==, under, glob or basename");
		return false;
	}
	return operand_narrow(ps, scope, o, o->field == FIELD_KIND ? CLASS_KIND : CLASS_INT);
}

static bool ordered(struct parser *ps, struct rule_scope *scope, const struct operand *o, struct policy_atom *a,
		    enum punct op)
{
	struct int_range *r = parse_alloc(ps, sizeof(*r));
	wide v;

	a->kind = ATOM_INT;
	if (!r || !is_number(ps, scope, o) || !parse_operand_int(ps, scope, o, &v))
		return false;
	*r = (struct int_range){.low = WIDE_LOW, .high = WIDE_HIGH};
	if (op == PUNCT_LT || op == PUNCT_LE)
		r->high = op == PUNCT_LT ? v - 1 : v;
	else
		r->low = op == PUNCT_GT ? v + 1 : v;
	a->ranges = r;
	a->count = 1;
	return true;
}

/* "flags & MASK" or "flags & MASK == VALUE". */
static bool masked(struct parser *ps, struct rule_scope *scope, const struct operand *o, struct policy_atom *a)
{
	struct span at = parse_token(ps)->at;
	wide mask;

	if (!is_number(ps, scope, o) || !parse_operand_int(ps, scope, o, &mask))
		return false;
	a->mask = (uint64_t)mask;
	a->kind = ATOM_BITS;
	if (!a->mask) {
		diag_error(ps->p->diags, at, "no value has a bit of 0");
		diag_hint(ps->p->diags, "for flags that are zero: %s & MASK == 0", o->name);
		return false;
	}
	if (parse_is_punct(ps, PUNCT_EQ) || parse_is_punct(ps, PUNCT_NE)) {
		a->negated ^= parse_is_punct(ps, PUNCT_NE);
		parse_next(ps);
		a->kind = ATOM_INT;
		at = parse_token(ps)->at;
		a->ranges = parse_list(ps, scope, o, a, sizeof(struct int_range), range_item);
		if (a->ranges && (a->ranges[0].low == a->ranges[0].high) && ((uint64_t)a->ranges[0].low & ~a->mask)) {
			diag_error(ps->p->diags, at, "never equal: the value has bits that the mask does not");
			return false;
		}
		return a->ranges;
	}
	return true;
}

static bool parse_operator(struct parser *ps, struct rule_scope *scope, const struct operand *o, struct policy_atom *a)
{
	const struct token t = *parse_token(ps);

	if (parse_take_punct(ps, PUNCT_EQ) || parse_take(ps, "in"))
		return equals(ps, scope, o, a);
	if (parse_take_punct(ps, PUNCT_NE)) {
		a->negated = !a->negated;
		return equals(ps, scope, o, a);
	}
	if (parse_take(ps, "under"))
		return paths(ps, scope, o, a, ATOM_UNDER);
	if (parse_take(ps, "glob"))
		return paths(ps, scope, o, a, ATOM_GLOB);
	if (parse_take(ps, "basename"))
		return paths(ps, scope, o, a, ATOM_BASENAME);
	if (parse_take_punct(ps, PUNCT_AND))
		return masked(ps, scope, o, a);
	if (t.kind == TOK_PUNCT &&
	    (t.punct == PUNCT_LT || t.punct == PUNCT_LE || t.punct == PUNCT_GT || t.punct == PUNCT_GE)) {
		parse_next(ps);
		return ordered(ps, scope, o, a, t.punct);
	}
	parse_expected(ps, "==, !=, <, <=, >, >=, &, in, under, glob or basename");
	if (t.kind == TOK_PUNCT && t.punct == PUNCT_SET)
		diag_hint(ps->p->diags, "did you mean ==?");
	return false;
}

static bool parse_test(struct parser *ps, struct rule_scope *scope, bool negate, struct dnf *ret)
{
	struct policy_atom *a = parse_alloc(ps, sizeof(*a));
	struct operand o;

	if (!a || !parse_operand(ps, &o))
		return false;
	*a = (struct policy_atom){
		.source = o.source, .field = o.field, .symbol = o.symbol, .mask = UINT64_MAX, .at = o.at};
	if (parse_take(ps, "not"))
		a->negated = true;
	if (!parse_operator(ps, scope, &o, a))
		return false;
	a->negated ^= negate;
	a->at.len = ps->last_end > a->at.offset ? ps->last_end - a->at.offset : a->at.len;
	return single(ps, a, ret);
}

/* ---- and, or, not ---- */

static bool parse_primary(struct parser *ps, struct rule_scope *scope, bool negate, struct dnf *ret)
{
	bool ok;

	while (parse_is(ps, "not") || parse_is_punct(ps, PUNCT_NOT)) {
		parse_next(ps);
		negate = !negate;
	}
	if (!parse_is_punct(ps, PUNCT_LPAREN))
		return parse_test(ps, scope, negate, ret);
	if (ps->nesting >= NESTING_MAX) {
		diag_error(ps->p->diags, parse_token(ps)->at, "parentheses more than %d deep", NESTING_MAX);
		return false;
	}
	parse_next(ps);
	ps->nesting++;
	ok = parse_or(ps, scope, negate, ret);
	ps->nesting--;
	if (ok && !parse_take_punct(ps, PUNCT_RPAREN))
		ok = parse_expected(ps, "\")\", and or or");
	return ok;
}

static bool parse_and(struct parser *ps, struct rule_scope *scope, bool negate, struct dnf *ret)
{
	struct dnf right;

	if (!parse_primary(ps, scope, negate, ret))
		return false;
	while (parse_take(ps, "and")) {
		if (!parse_primary(ps, scope, negate, &right) || !(negate ? either : both)(ps, ret, &right))
			return false;
	}
	return true;
}

static bool parse_or(struct parser *ps, struct rule_scope *scope, bool negate, struct dnf *ret)
{
	struct dnf right;

	if (!parse_and(ps, scope, negate, ret))
		return false;
	while (parse_take(ps, "or")) {
		if (!parse_and(ps, scope, negate, &right) || !(negate ? both : either)(ps, ret, &right))
			return false;
	}
	return true;
}

bool parse_condition(struct parser *ps, struct rule_scope *scope, struct dnf *ret)
{
	return parse_or(ps, scope, false, ret);
}
