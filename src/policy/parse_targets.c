/* Which calls a rule is about: names, globs, %groups, @sets, !exclusions. */
#include <fnmatch.h>
#include <string.h>

#include "policy/parse_private.h"

struct targets {
	struct rule_scope *scope;
	size_t count;
	bool failed;
};

static bool is_glob(const struct token *t)
{
	return memchr(t->text, '*', t->len) || memchr(t->text, '?', t->len) || memchr(t->text, '[', t->len);
}

static void apply(struct rule_scope *scope, const struct call_set *set, bool remove)
{
	for (size_t i = 0; i < ARRAY_SIZE(set->bits); i++) {
		if (remove) {
			scope->calls.bits[i] &= ~set->bits[i];
			scope->named.bits[i] &= ~set->bits[i];
		} else {
			scope->calls.bits[i] |= set->bits[i];
		}
	}
	if (set->unknown)
		scope->calls.unknown = !remove;
}

static bool by_glob(struct parser *ps, const struct token *t, struct call_set *ret)
{
	char pattern[64];
	bool any = false;

	if (t->len < sizeof(pattern)) {
		snprintf(pattern, sizeof(pattern), "%.*s", (int)t->len, t->text);
		for (int id = 0; id < CALL_COUNT; id++) {
			if (fnmatch(pattern, call_desc((enum call_id)id)->name, 0) == 0) {
				call_set_add(ret, (enum call_id)id);
				any = true;
			}
		}
	}
	if (!any)
		diag_error(ps->p->diags, t->at, "no system call matches %.*s", (int)t->len, t->text);
	return any;
}

/* %since-5.6: what Linux 5.6 and later brought. */
static bool by_version(struct parser *ps, const struct token *t, struct call_set *ret)
{
	unsigned major, minor;
	char text[24], rest;

	snprintf(text, sizeof(text), "%.*s", (int)t->len, t->text);
	if (sscanf(text, "%%since-%3u.%3u%c", &major, &minor, &rest) != 2) {
		diag_error(ps->p->diags, t->at, "a version is expected behind %%since-, such as %%since-5.6");
		return false;
	}
	for (int id = 0; id < CALL_COUNT; id++) {
		const char *since = call_desc((enum call_id)id)->since;
		unsigned a, b;

		if (since && sscanf(since, "%3u.%3u", &a, &b) == 2 && (a > major || (a == major && b >= minor)))
			call_set_add(ret, (enum call_id)id);
	}
	return true;
}

static bool by_group(struct parser *ps, const struct token *t, struct call_set *ret)
{
	int group;

	if (token_is(t, "%all")) {
		call_set_fill(ret);
		return true;
	}
	if (token_is(t, "%unknown")) {
		ret->unknown = true;
		return true;
	}
	if (t->len > 7 && memcmp(t->text, "%since-", 7) == 0)
		return by_version(ps, t, ret);
	group = call_group_from_name(t->text, t->len);
	if (group < 0) {
		const char *near = diags_room(ps->p->diags) ? call_nearest(t->text, t->len) : NULL;

		diag_error(ps->p->diags, t->at, "no group of system calls is named %.*s", (int)t->len, t->text);
		if (near)
			diag_hint(ps->p->diags, "did you mean %s?", near);
		return false;
	}
	for (int id = 0; id < CALL_COUNT; id++) {
		if (call_in_group((enum call_id)id, (enum call_group)group))
			call_set_add(ret, (enum call_id)id);
	}
	return true;
}

static bool by_name(struct parser *ps, const struct token *t, struct call_set *ret)
{
	enum call_id id = call_from_name(t->text, t->len);
	const char *near;

	if (id >= 0) {
		call_set_add(ret, id);
		return true;
	}
	diag_error(ps->p->diags, t->at, "no system call is named \"%.*s\"", (int)t->len, t->text);
	near = diags_room(ps->p->diags) ? call_nearest(t->text, t->len) : NULL;
	if (near)
		diag_hint(ps->p->diags, "did you mean %s?", near);
	return false;
}

struct named_set *parse_find_set(struct parser *ps, const struct token *t)
{
	struct named_set *set = map_find(ps->sets, t->text + 1, t->len - 1);

	if (set) {
		set->used = true;
		return set;
	}
	diag_error(ps->p->diags, t->at, "no set is named %.*s", (int)t->len, t->text);
	diag_hint(ps->p->diags, "a set is defined before its use: set %.*s = ...", (int)t->len - 1, t->text + 1);
	return NULL;
}

/* ~vm86: a call that some other architecture has. If this one has it too, it counts. */
static bool add_foreign(struct parser *ps, const struct token *t, bool remove, struct rule_scope *scope)
{
	enum call_id id = call_from_name(t->text + 1, t->len - 1);
	const char **list;

	if (id >= 0) {
		if (remove)
			call_set_remove(&scope->calls, id);
		else
			call_set_add(&scope->calls, id);
		return true;
	}
	if (scope->foreign_count % 64 == 0) {
		list = parse_alloc(ps, (scope->foreign_count + 65) * sizeof(*list));
		if (!list)
			return false;
		if (scope->foreign_count)
			memcpy(list, scope->foreign, scope->foreign_count * sizeof(*list));
		scope->foreign = list;
	}
	scope->foreign[scope->foreign_count] = arena_strndup(&ps->p->arena, t->text + 1, t->len - 1);
	return scope->foreign[scope->foreign_count++];
}

static bool add_item(struct parser *ps, const struct token *t, bool remove, struct targets *to)
{
	struct call_set set;
	bool ok, by_hand = false;

	call_set_clear(&set);
	if (t->text[0] == '~')
		return add_foreign(ps, t, remove, to->scope);
	if (t->text[0] == '%') {
		ok = by_group(ps, t, &set);
	} else if (is_glob(t)) {
		ok = by_glob(ps, t, &set);
	} else {
		ok = by_name(ps, t, &set);
		by_hand = true;
	}
	if (!ok)
		return false;
	apply(to->scope, &set, remove);
	for (size_t i = 0; by_hand && !remove && i < ARRAY_SIZE(set.bits); i++)
		to->scope->named.bits[i] |= set.bits[i];
	return true;
}

static bool add_set(struct parser *ps, const struct token *t, bool remove, struct targets *to)
{
	const struct named_set *set = parse_find_set(ps, t);
	bool ok = set;

	for (size_t i = 0; set && i < set->count; i++) {
		const struct token *item = &set->tokens[i];

		if (item->kind != TOK_WORD) {
			diag_error(ps->p->diags, t->at, "%.*s is not a set of system calls", (int)t->len, t->text);
			return false;
		}
		ok = add_item(ps, item, remove, to) && ok;
	}
	return ok;
}

static bool stops(const struct token *t, const char *const *stop)
{
	for (; *stop; stop++) {
		if (token_is(t, *stop))
			return true;
	}
	return false;
}

bool parse_targets(struct parser *ps, struct rule_scope *scope, const char *const *stop)
{
	struct targets to = {.scope = scope};
	bool ok = true;

	call_set_clear(&scope->calls);
	call_set_clear(&scope->named);
	scope->foreign = NULL;
	scope->foreign_count = 0;
	for (; !parse_at_end(ps); to.count++) {
		const struct token *next = parse_token(ps);
		/* signal is an effect and a call: the first word is what the rule is about. */
		bool names_call = !to.count && next->kind == TOK_WORD && call_from_name(next->text, next->len) >= 0;
		if (stops(next, stop) && !names_call)
			break;
		bool remove = parse_take_punct(ps, PUNCT_NOT);
		const struct token t = *parse_token(ps);

		if (t.kind == TOK_STRING) {
			parse_expected(ps, "a system call");
			diag_hint(ps->p->diags, "a path belongs behind \"when path under\"");
			return false;
		}
		if (t.kind != TOK_WORD)
			return parse_expected(ps, "a system call, a %group, a @set or \"when\"");
		if (remove && !to.count)
			call_set_fill(&scope->calls);
		parse_next(ps);
		ok = (t.text[0] == '@' ? add_set(ps, &t, remove, &to) : add_item(ps, &t, remove, &to)) && ok;
		(void)parse_take_punct(ps, PUNCT_COMMA);
	}
	if (!to.count)
		return parse_expected(ps, "a system call or a %group");
	return ok;
}
