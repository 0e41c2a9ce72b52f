/* Statements that are not rules: default, set, abi, identity, limits, memory, oci, expect. */
#include <string.h>

#include "policy/parse_private.h"

bool parse_can(struct parser *ps, unsigned feature, struct span at, const char *what)
{
	if (ps->options->any_feature || (ps->options->features & feature))
		return true;
	diag_error(ps->p->diags, at, "this build cannot carry out \"%s\" statements yet", what);
	return false;
}

void parse_say_twice(struct parser *ps, struct span at, struct span before, const char *what)
{
	diag_error(ps->p->diags, at, "a second %s", what);
	diag_hint(ps->p->diags, "the first is in line %u of %s", before.line,
		  ps->p->diags->sources[before.source].name);
}

void parse_default(struct parser *ps, struct span at)
{
	struct policy *p = ps->p;
	struct policy_action a;

	if (!parse_simple_action(ps, &a) || (p->has_default && p->default_by_options && !ps->by_options))
		return;
	/* An included file may say the same default: it can stand alone then. */
	if (p->has_default && (p->default_action.kind != a.kind || p->default_action.err != a.err ||
			       p->default_action.value != a.value)) {
		parse_say_twice(ps, at, p->default_at, "default");
		return;
	}
	p->default_action = a;
	p->has_default = true;
	p->default_at = at;
	p->default_by_options = ps->by_options;
}

/* ---- set NAME = ... ---- */

static bool add_token(struct parser *ps, struct token **v, size_t *cap, size_t *count, const struct token *t)
{
	if (!parse_grow(ps, v, cap, *count, sizeof(*t)))
		return false;
	(*v)[(*count)++] = *t;
	return true;
}

static bool collect_tokens(struct parser *ps, struct token **v, size_t *cap, size_t *count)
{
	for (; !parse_at_end(ps); parse_next(ps)) {
		const struct token *t = parse_token(ps);
		const struct named_set *inner;

		if (t->kind == TOK_PUNCT && t->punct == PUNCT_COMMA)
			continue;
		if (t->kind == TOK_PUNCT && t->punct != PUNCT_RANGE && t->punct != PUNCT_OR)
			return parse_expected(ps, "a name, a number, an address or a string");
		if (t->kind != TOK_WORD || t->text[0] != '@') {
			if (!add_token(ps, v, cap, count, t))
				return false;
			continue;
		}
		inner = parse_find_set(ps, t);
		for (size_t i = 0; inner && i < inner->count; i++) {
			/* Doubling by reference could make a short file long. */
			if (*count > 100000 || !add_token(ps, v, cap, count, &inner->tokens[i]))
				return parse_expected(ps, "a set of at most 100000 items");
		}
		if (!inner)
			return false;
	}
	return *count || parse_expected(ps, "at least one item");
}

void parse_set(struct parser *ps, struct span at)
{
	const struct token name = *parse_token(ps);
	struct named_set *set = parse_alloc(ps, sizeof(*set));
	AUTO_FREE struct token *v = NULL;
	size_t cap = 0;
	void **place;

	if (!set)
		return;
	if (name.kind != TOK_WORD) {
		(void)parse_expected(ps, "the set's name");
		return;
	}
	parse_next(ps);
	if (!parse_take_punct(ps, PUNCT_SET)) {
		(void)parse_expected(ps, "\"=\"");
		return;
	}
	if (!collect_tokens(ps, &v, &cap, &set->count))
		return;
	set->tokens = arena_memdup(&ps->p->arena, v, set->count * sizeof(*v));
	set->at = at;
	place = map_place(ps->sets, name.text, name.len);
	if (!set->tokens || !place) {
		ps->p->diags->no_memory = true;
		return;
	}
	if (*place) {
		parse_say_twice(ps, name.at, ((struct named_set *)*place)->at, "set of this name");
		return;
	}
	*place = set;
}

/* ---- abi ---- */

void parse_abi(struct parser *ps, struct span at)
{
	static const enum call_abi abis[] = {ABI_I386, ABI_X32};
	struct policy *p = ps->p;

	for (size_t i = 0; i < ARRAY_SIZE(abis); i++) {
		struct policy_abi a = {.treatment = ABI_SAME};

		if (!parse_take(ps, call_abi_name(abis[i])))
			continue;
		if (!parse_take(ps, "same")) {
			a.treatment = ABI_ACTION;
			if (!parse_simple_action(ps, &a.action))
				return;
			if (a.action.kind == ACTION_VALUE || a.action.kind == ACTION_LOG) {
				diag_error(p->diags, at, "a foreign ABI is same, native, errno NAME or kill");
				return;
			}
		}
		if (p->abis[abis[i]].treatment != ABI_DEFAULT && p->abis[abis[i]].by_options && !ps->by_options)
			return;
		if (p->abis[abis[i]].treatment != ABI_DEFAULT)
			diag_error(p->diags, at, "a second statement about this ABI");
		a.by_options = ps->by_options;
		p->abis[abis[i]] = a;
		return;
	}
	(void)parse_expected(ps, "i386 or x32");
}

/* ---- NAME=VALUE statements ---- */

bool parse_key(struct parser *ps, const char *key)
{
	if (!parse_is(ps, key))
		return false;
	parse_next(ps);
	return parse_take_punct(ps, PUNCT_SET) || !parse_expected(ps, "\"=\"");
}

static bool parse_id(struct parser *ps, bool *has, uint32_t *ret)
{
	uint64_t v;

	if (!parse_u64(ps, "an id", &v))
		return false;
	if (v >= UINT32_MAX)
		return parse_expected(ps, "an id below 4294967295");
	*has = true;
	*ret = (uint32_t)v;
	return true;
}

/* What was said before, by options, wins. The result counts as the file's: a second statement in it is an error. */
static struct policy_identity merge_identity(const struct policy_identity *said, const struct policy_identity *before)
{
	struct policy_identity id = *said;

	if (before->has_uid) {
		id.has_uid = true;
		id.uid = before->uid;
	}
	if (before->has_gid) {
		id.has_gid = true;
		id.gid = before->gid;
	}
	if (before->hostname)
		id.hostname = before->hostname;
	if (before->release)
		id.release = before->release;
	return id;
}

void parse_identity(struct parser *ps, struct span at)
{
	const struct policy_identity before = ps->p->identity;
	struct policy_identity id = {.given = true, .at = at, .by_options = ps->by_options};
	bool ok = true;

	if (before.given && (!before.by_options || ps->by_options)) {
		parse_say_twice(ps, at, before.at, "identity");
		return;
	}
	while (ok && !parse_at_end(ps)) {
		if (parse_key(ps, "uid"))
			ok = parse_id(ps, &id.has_uid, &id.uid);
		else if (parse_key(ps, "gid"))
			ok = parse_id(ps, &id.has_gid, &id.gid);
		else if (parse_key(ps, "hostname"))
			ok = parse_string(ps, "a name in quotes", &id.hostname);
		else if (parse_key(ps, "release"))
			ok = parse_string(ps, "a name in quotes", &id.release);
		else
			ok = parse_expected(ps, "uid=N, gid=N, hostname=\"NAME\" or release=\"NAME\"");
	}
	if (ok && id.hostname && strlen(id.hostname) > 64) {
		diag_error(ps->p->diags, at, "a host name has at most 64 bytes");
		return;
	}
	if (ok && id.release && strlen(id.release) > 64) {
		diag_error(ps->p->diags, at, "a kernel's release has at most 64 bytes");
		return;
	}
	if (ok && parse_can(ps, FEATURE_IDENTITY, at, "identity"))
		ps->p->identity = merge_identity(&id, &before);
}

void parse_limits(struct parser *ps, struct span at)
{
	const struct policy_limits before = ps->p->limits;
	struct policy_limits l = {.given = true, .at = at, .by_options = ps->by_options};
	bool ok = true;

	if (before.given && (!before.by_options || ps->by_options)) {
		parse_say_twice(ps, at, before.at, "limits");
		return;
	}
	while (ok && !parse_at_end(ps)) {
		if (parse_key(ps, "memory"))
			ok = parse_u64(ps, "a size", &l.memory);
		else if (parse_key(ps, "tasks"))
			ok = parse_u64(ps, "a count", &l.tasks);
		else if (parse_key(ps, "files"))
			ok = parse_u64(ps, "a count", &l.files);
		else
			ok = parse_expected(ps, "memory=BYTES, tasks=N or files=N");
	}
	l.memory = before.memory ? before.memory : l.memory;
	l.tasks = before.tasks ? before.tasks : l.tasks;
	l.files = before.files ? before.files : l.files;
	if (ok && parse_can(ps, FEATURE_LIMITS, at, "limits"))
		ps->p->limits = l;
}

void parse_memory(struct parser *ps, struct span at)
{
	struct policy_memory m = ps->p->memory;

	do {
		if (parse_take(ps, "frames"))
			m.frames = true;
		else if (parse_take(ps, "no-write-exec"))
			m.wx = true;
		else if (!parse_expected(ps, "frames or no-write-exec"))
			return;
	} while (!parse_at_end(ps));
	m.at = at;
	if (parse_can(ps, FEATURE_MEMORY, at, "memory"))
		ps->p->memory = m;
}

/* ---- oci KEY "JSON" ---- */

void parse_oci(struct parser *ps, struct span at UNUSED)
{
	struct policy *p = ps->p;
	const struct token *key = parse_token(ps);
	struct policy_kept k;

	if (key->kind != TOK_WORD) {
		(void)parse_expected(ps, "the name of a member of an OCI profile");
		return;
	}
	k.key = arena_strndup(&p->arena, key->text, key->len);
	parse_next(ps);
	if (!k.key || !parse_string(ps, "its JSON in quotes", &k.json))
		return;
	if (parse_grow(ps, &p->kept, &p->kept_cap, p->kept_count, sizeof(k)))
		p->kept[p->kept_count++] = k;
}

/* ---- expect ---- */

static bool parse_expected_result(struct parser *ps, struct policy_expect *e)
{
	static const enum action_kind kinds[] = {ACTION_EMULATE, ACTION_REDIRECT, ACTION_REWRITE, ACTION_INJECT,
						 ACTION_MODULE};
	const struct token t = *parse_token(ps);
	wide v;

	if (t.kind == TOK_WORD && t.len > 2 && t.text[0] == '-' && t.text[1] == 'E') {
		struct token name = {.kind = TOK_WORD, .at = t.at, .text = t.text + 1, .len = t.len - 1};

		ps->lex.token = name;
		e->result.kind = ACTION_ERRNO;
		return parse_errno(ps, &e->result.err);
	}
	if (t.kind == TOK_WORD && parse_number_text(t.text, t.len, &v)) {
		e->result.kind = ACTION_VALUE;
		return parse_i64(ps, "a return value", &e->result.value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!parse_take(ps, action_kind_name(kinds[i])))
			continue;
		e->result.kind = kinds[i];
		e->any_value = true;
		if (parse_token(ps)->kind == TOK_STRING && kinds[i] == ACTION_REDIRECT)
			return parse_string(ps, "a path", &e->result.text);
		return true;
	}
	return parse_simple_action(ps, &e->result);
}

void parse_expect(struct parser *ps, struct span at)
{
	struct policy *p = ps->p;
	struct policy_expect e = {.at = at};
	struct lexer back = ps->lex;
	struct token call;

	/* The call is in strace's syntax, not in ours: read from the raw line, behind "expect". */
	back.offset = at.offset + at.len;
	back.line = at.line;
	call = lex_call(&back);
	ps->lex = back;
	e.call = call.text;
	e.call_len = call.len;
	e.at = call.at;
	if (!call.len) {
		(void)parse_expected(ps, "a call such as openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY)");
		return;
	}
	if (!parse_take_punct(ps, PUNCT_SET)) {
		(void)parse_expected(ps, "\"=\" and what the policy should decide");
		return;
	}
	e.result_at = parse_token(ps)->at;
	if (parse_expected_result(ps, &e) &&
	    parse_grow(ps, &p->expects, &p->expect_cap, p->expect_count, sizeof(e)))
		p->expects[p->expect_count++] = e;
}
