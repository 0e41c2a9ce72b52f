/* Rules: an action, the calls, a condition, and what the action needs besides. */
#include <string.h>

#include "policy/calls.h"
#include "policy/parse_private.h"
#include "regs/regs.h"

static bool feature(const struct parser *ps, unsigned f)
{
	return ps->options->any_feature || (ps->options->features & f);
}

/* ---- what else an action needs ---- */

static bool parse_redirect(struct parser *ps, struct policy_rule *rule)
{
	struct policy_string path;

	if (!parse_take(ps, "to"))
		return parse_expected(ps, "\"to\" and the path to use instead");
	if (parse_token(ps)->kind != TOK_STRING)
		return parse_expected(ps, "a path in quotes");
	if (!parse_absolute_path(ps, parse_token(ps), true, &path))
		return false;
	rule->action.text = path.text;
	parse_next(ps);
	return true;
}

/* A redirected path keeps what is behind the prefix, so every alternative must name exactly one prefix or path. */
static bool check_redirect(struct parser *ps, const struct policy_rule *rule)
{
	for (uint32_t i = 0; i < rule->term_count; i++) {
		const struct policy_term *t = &rule->terms[i];
		bool found = false;

		for (uint32_t j = 0; j < t->count; j++) {
			const struct policy_atom *a = t->atoms[j];

			found = found || (!a->negated && a->field == FIELD_NONE && a->source == OPERAND_PARAM &&
					  (a->kind == ATOM_EXACT || a->kind == ATOM_UNDER));
		}
		if (!found)
			break;
		if (i + 1 == rule->term_count)
			return true;
	}
	diag_error(ps->p->diags, rule->at, "a redirect needs the path that it replaces");
	diag_hint(ps->p->diags, "redirect open* when path under \"/from\" to \"/to\"");
	return false;
}

static bool parse_rewrite(struct parser *ps, struct policy_rule *rule, struct rule_scope *scope)
{
	struct operand o;
	wide v;

	if (!parse_take(ps, "with"))
		return parse_expected(ps, "\"with\" ARGUMENT = VALUE");
	if (!parse_operand(ps, &o))
		return false;
	if (o.source != OPERAND_PARAM || o.field != FIELD_NONE) {
		diag_error(ps->p->diags, o.at, "only a parameter can be rewritten");
		return false;
	}
	if (!operand_narrow(ps, scope, &o, CLASS_INT))
		return false;
	if (!parse_take_punct(ps, PUNCT_SET))
		return parse_expected(ps, "\"=\"");
	if (!parse_operand_int(ps, scope, &o, &v))
		return false;
	rule->action.symbol = o.symbol;
	rule->action.value = (int64_t)(uint64_t)v;
	return true;
}

/* ---- where ---- */

static bool is_cap(const char *s, size_t len)
{
	return len > 4 && memcmp(s, "CAP_", 4) == 0;
}

/* A newer kernel may have more: nobody has such a one here. */
static void check_cap(struct parser *ps, const struct token *t)
{
	const struct flag_set *set = flag_set_find("capabilities");
	uint64_t ignored;

	if (set && flag_set_value(set, t->text, t->len, &ignored) < 0)
		diag_warning(ps->p->diags, t->at, "no capability is named %.*s", (int)t->len, t->text);
}

/* Words up to "and" or the end, as a NULL-terminated list. */
static bool parse_words(struct parser *ps, const char *what, bool caps, const char *const **ret)
{
	const char *words[64];
	size_t n = 0;
	const char **list;

	while (!parse_at_end(ps) && !parse_is(ps, "and")) {
		const struct token *t = parse_token(ps);

		if (t->kind != TOK_WORD || n == ARRAY_SIZE(words) || (caps && !is_cap(t->text, t->len)))
			return parse_expected(ps, what);
		if (caps)
			check_cap(ps, t);
		words[n++] = arena_strndup(&ps->p->arena, t->text, t->len);
		parse_next(ps);
	}
	if (!n)
		return parse_expected(ps, what);
	list = parse_alloc(ps, (n + 1) * sizeof(*list));
	if (!list)
		return false;
	memcpy(list, words, n * sizeof(*list));
	*ret = list;
	return true;
}

static bool parse_version(struct parser *ps, unsigned *major, unsigned *minor)
{
	const struct token *t = parse_token(ps);
	char text[16];

	snprintf(text, sizeof(text), "%.*s", t->kind == TOK_WORD && t->len < sizeof(text) ? (int)t->len : 0, t->text);
	if (sscanf(text, "%3u.%3u", major, minor) != 2)
		return parse_expected(ps, "a kernel version such as 4.8");
	parse_next(ps);
	return true;
}

static bool parse_fact(struct parser *ps, struct policy_where *w)
{
	bool no = parse_take(ps, "not");

	if (parse_take(ps, "cap"))
		return parse_words(ps, "a capability such as CAP_SYS_ADMIN", true, no ? &w->no_caps : &w->caps);
	if (parse_take(ps, "arch"))
		return parse_words(ps, "an architecture such as amd64", false, no ? &w->no_arches : &w->arches);
	if (!no && parse_take(ps, "kernel")) {
		if (!parse_take_punct(ps, PUNCT_GE))
			return parse_expected(ps, "\">=\"");
		return parse_version(ps, &w->kernel_major, &w->kernel_minor);
	}
	return parse_expected(ps, "cap, arch or kernel");
}

static bool has_word(const char *const *list, const char *word)
{
	for (; list && *list; list++) {
		if (strcmp(*list, word) == 0)
			return true;
	}
	return false;
}

static const char *own_arch(void)
{
	return regs_arch_host() == REGS_AARCH64 ? "arm64" : "amd64";
}

static bool where_holds(const struct policy_where *w, const struct policy_facts *f)
{
	const char *arch = f->arch ? f->arch : own_arch();

	for (const char *const *c = w->caps; c && *c; c++) {
		if (!has_word(f->caps, *c))
			return false;
	}
	for (const char *const *c = w->no_caps; c && *c; c++) {
		if (has_word(f->caps, *c))
			return false;
	}
	if ((w->arches && !has_word(w->arches, arch)) || has_word(w->no_arches, arch))
		return false;
	return !f->kernel_major || f->kernel_major > w->kernel_major ||
	       (f->kernel_major == w->kernel_major && f->kernel_minor >= w->kernel_minor);
}

bool parse_where(struct parser *ps, struct policy_rule *rule)
{
	struct policy_where *w;

	rule->enabled = true;
	if (!parse_take(ps, "where"))
		return true;
	w = parse_alloc(ps, sizeof(*w));
	if (!w)
		return false;
	do {
		if (!parse_fact(ps, w))
			return false;
	} while (parse_take(ps, "and"));
	rule->where = w;
	rule->enabled = where_holds(w, &ps->options->facts);
	return true;
}

/* ---- the rule ---- */

static bool parse_action_word(struct parser *ps, struct policy_action *a)
{
	const struct token *t;

	switch (a->kind) {
	case ACTION_ERRNO:
		return parse_errno(ps, &a->err);
	case ACTION_VALUE:
		return parse_i64(ps, "a return value", &a->value);
	case ACTION_MODULE:
		t = parse_token(ps);
		if (!feature(ps, FEATURE_MODULE)) {
			diag_error(ps->p->diags, t->at, "this build cannot load modules");
			return false;
		}
		if (t->kind != TOK_WORD)
			return parse_expected(ps, "a module's name");
		a->text = arena_strndup(&ps->p->arena, t->text, t->len);
		parse_next(ps);
		return a->text;
	default:
		return true;
	}
}

static const char *const *stop_words(enum action_kind kind)
{
	static const char *const plain[] = {"when", "where", NULL};
	static const char *const redirect[] = {"when", "where", "to", NULL};
	static const char *const rewrite[] = {"when", "where", "with", NULL};
	static const char *const inject[] = {
		"when",	 "where", "error", "retval", "signal",	    "delay-enter", "delay-exit", "poke-enter", "poke-exit",
		"short", "as",	  "every", "from",   "at",	    "first",	   "probability", "seed",      NULL,
	};

	switch (kind) {
	case ACTION_REDIRECT:
		return redirect;
	case ACTION_REWRITE:
		return rewrite;
	case ACTION_INJECT:
		return inject;
	default:
		return plain;
	}
}

/* What has no handler in this build leaves the rule; an error if it was written out, a warning if a group had it. */
static bool narrow_to_handlers(struct parser *ps, struct rule_scope *scope, struct span at)
{
	const char *first = NULL;
	unsigned lost = 0, kept = 0;

	scope->calls.unknown = false;
	FOR_EACH_CALL(i, &scope->calls) {
		const struct call_desc *d = call_desc((enum call_id)i);

		if (d->support == SUPPORT_EMULATED || d->support == SUPPORT_PARTIAL) {
			kept++;
			continue;
		}
		if (call_set_has(&scope->named, (enum call_id)i)) {
			diag_error(ps->p->diags, at, "this build has no handler that could emulate %s", d->name);
			return false;
		}
		call_set_remove(&scope->calls, (enum call_id)i);
		first = first ? first : d->name;
		lost++;
	}
	if (!kept)
		diag_error(ps->p->diags, at, "this build has no handler for any of these calls");
	else if (lost)
		diag_warning(ps->p->diags, at,
			     "this build has no handler for %u of these calls (%s, ...): later rules decide them", lost,
			     first);
	return kept;
}

static bool parse_extras(struct parser *ps, struct policy_rule *rule, struct rule_scope *scope)
{
	switch (rule->action.kind) {
	case ACTION_REDIRECT:
		return parse_redirect(ps, rule) && check_redirect(ps, rule);
	case ACTION_REWRITE:
		return parse_rewrite(ps, rule, scope);
	case ACTION_INJECT:
		return parse_inject(ps, rule, scope);
	default:
		return true;
	}
}

/* Whether the call has a parameter that some test of the condition is about. */
static bool is_tested(const struct policy *p, const struct dnf *when, enum call_id id)
{
	for (uint32_t t = 0; t < when->count; t++) {
		for (uint32_t i = 0; i < when->terms[t].count; i++) {
			const struct policy_atom *a = when->terms[t].atoms[i];
			const struct policy_symbol *s = a->source == OPERAND_PARAM ? p->symbols[a->symbol] : NULL;

			if (s && !s->raw && s->params[id])
				return true;
		}
	}
	return false;
}

/*
 * A call of a group that has one operand but not another leaves the rule: openat2 has a path, but its flags are in a
 * structure. Whoever denies by path and flags must hear of it.
 */
static void say_left_out(struct parser *ps, const struct call_set *meant, const struct rule_scope *scope,
			 const struct dnf *when, struct span at)
{
	char names[120] = "", without[160] = "";
	size_t used = 0, hinted = 0;
	unsigned count = 0;

	FOR_EACH_CALL(id, meant) {
		const char *name = call_desc((enum call_id)id)->name;

		if (call_set_has(&scope->calls, (enum call_id)id) || !is_tested(ps->p, when, (enum call_id)id))
			continue;
		if (count++ > 3)
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", name);
		hinted += (size_t)snprintf(without + hinted, sizeof(without) - hinted, " !%s", name);
		if (used >= sizeof(names) || hinted >= sizeof(without))
			break;
	}
	if (!count)
		return;
	diag_warning(ps->p->diags, at, "not covered, for want of what the condition asks for: %s%s", names,
		     count > 4 ? ", ..." : "");
	diag_hint(ps->p->diags, "give them a rule of their own, or exclude them:%s", without);
}

static bool parse_body(struct parser *ps, struct policy_rule *rule)
{
	struct rule_scope scope;
	struct call_set meant;
	struct dnf when = {0};
	struct span at;

	if (!parse_action_word(ps, &rule->action))
		return false;
	at = parse_token(ps)->at;
	if (!parse_targets(ps, &scope, stop_words(rule->action.kind)))
		return false;
	at.len = ps->last_end - at.offset;
	meant = scope.calls;
	if (parse_take(ps, "when") && !parse_condition(ps, &scope, &when))
		return false;
	if (when.count)
		say_left_out(ps, &meant, &scope, &when, at);
	rule->terms = when.terms;
	rule->term_count = when.count;
	if (rule->action.kind == ACTION_EMULATE && !ps->options->any_feature && !narrow_to_handlers(ps, &scope, at))
		return false;
	if (!parse_extras(ps, rule, &scope) || !parse_where(ps, rule))
		return false;
	if (!parse_at_end(ps))
		return parse_expected(ps, when.count ? "and, or or the end of the line" : "the end of the line");
	rule->calls = scope.calls;
	rule->foreign = scope.foreign;
	return true;
}

void parse_rule(struct parser *ps, enum action_kind kind, struct span at)
{
	struct policy *p = ps->p;
	struct policy_rule rule = {.action.kind = kind, .by_options = ps->by_options, .at = at};

	if (!parse_body(ps, &rule))
		return;
	rule.at.len = ps->last_end - at.offset;
	if (!parse_grow(ps, &p->rules, &p->rule_cap, p->rule_count, sizeof(rule)))
		return;
	p->rules[p->rule_count++] = rule;
}

/* native, errno NAME, value N, kill, log: what a default, an ABI or an expectation can be. */
bool parse_simple_action(struct parser *ps, struct policy_action *ret)
{
	static const enum action_kind kinds[] = {ACTION_NATIVE, ACTION_ERRNO, ACTION_VALUE, ACTION_KILL, ACTION_LOG};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!parse_take(ps, action_kind_name(kinds[i])))
			continue;
		*ret = (struct policy_action){.kind = kinds[i]};
		return parse_action_word(ps, ret);
	}
	return parse_expected(ps, "native, errno NAME, value N, kill or log");
}
