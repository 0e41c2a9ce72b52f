/* Files and statements: tokens, include, recovery. One statement a line; an error skips the rest of its line. */


#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/decide.h"
#include "policy/parse_private.h"

#define TEXT_MAX (64u << 20)	/* of all files together */

/* ---- tokens ---- */

const struct token *parse_token(const struct parser *ps)
{
	static const struct token end = {.kind = TOK_NEWLINE, .text = ""};

	if (!ps->expansion)
		return &ps->lex.token;
	return ps->expansion_at < ps->expansion->count ? &ps->expansion->tokens[ps->expansion_at] : &end;
}

void parse_next(struct parser *ps)
{
	if (ps->expansion) {
		if (ps->expansion_at < ps->expansion->count)
			ps->expansion_at++;
		return;
	}
	ps->last_end = ps->lex.token.at.offset + ps->lex.token.at.len;
	lex_next(&ps->lex);
}

bool parse_at_end(const struct parser *ps)
{
	return parse_token(ps)->kind == TOK_NEWLINE || parse_token(ps)->kind == TOK_END;
}

bool parse_is(const struct parser *ps, const char *word)
{
	return token_is(parse_token(ps), word);
}

bool parse_is_punct(const struct parser *ps, enum punct punct)
{
	return parse_token(ps)->kind == TOK_PUNCT && parse_token(ps)->punct == punct;
}

bool parse_take(struct parser *ps, const char *word)
{
	if (!parse_is(ps, word))
		return false;
	parse_next(ps);
	return true;
}

bool parse_take_punct(struct parser *ps, enum punct punct)
{
	if (!parse_is_punct(ps, punct))
		return false;
	parse_next(ps);
	return true;
}

bool parse_expected(struct parser *ps, const char *what)
{
	const struct token *t = parse_token(ps);
	struct span at = ps->expansion ? ps->lex.token.at : t->at;

	if (t->kind == TOK_NEWLINE || t->kind == TOK_END)
		diag_error(ps->p->diags, at, "%s expected, but the statement ends", what);
	else if (t->kind == TOK_STRING)
		diag_error(ps->p->diags, at, "%s expected, not \"%.*s\"", what, (int)(t->len < 64 ? t->len : 64),
			   t->text);
	else
		diag_error(ps->p->diags, at, "%s expected, not %.*s", what, (int)(t->len < 64 ? t->len : 64), t->text);
	return false;
}

void *parse_alloc(struct parser *ps, size_t size)
{
	void *p = arena_alloc(&ps->p->arena, size);

	if (!p)
		ps->p->diags->no_memory = true;
	return p;
}

bool parse_grow(struct parser *ps, void *vector, size_t *cap, size_t count, size_t size)
{
	size_t bigger = *cap ? *cap * 2 : 8;
	void *v;

	if (count < *cap)
		return true;
	memcpy(&v, vector, sizeof(v));
	v = reallocarray(v, bigger, size);
	if (!v) {
		ps->p->diags->no_memory = true;
		return false;
	}
	memcpy(vector, &v, sizeof(v));
	*cap = bigger;
	return true;
}

/* ---- statements ---- */

static const struct {
	const char *word;
	parse_statement_fn *parse;
} statements[] = {
	{"default", parse_default}, {"set", parse_set}, {"expect", parse_expect}, {"mount", parse_mount},
	{"identity", parse_identity}, {"limits", parse_limits}, {"memory", parse_memory}, {"abi", parse_abi},
	{"oci", parse_oci}, {"include", parse_include},
};

static void unknown_statement(struct parser *ps)
{
	const char *words[ARRAY_SIZE(statements) + ACTION_COUNT + 1];
	const struct token *t = parse_token(ps);
	size_t n = 0;
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
		words[n++] = statements[i].word;
	for (int k = 0; k < ACTION_COUNT; k++)
		words[n++] = action_kind_name((enum action_kind)k);
	words[n] = NULL;
	diag_error(ps->p->diags, t->at, "a statement does not begin with %.*s", (int)(t->len < 64 ? t->len : 64),
		   t->text);
	near = t->kind == TOK_WORD ? nearest_word(t->text, t->len, words) : NULL;
	if (near)
		diag_hint(ps->p->diags, "did you mean %s?", near);
	else if (t->kind == TOK_WORD && call_from_name(t->text, t->len) >= 0)
		diag_hint(ps->p->diags, "an action comes first: errno EPERM %.*s", (int)t->len, t->text);
}

static void parse_statement(struct parser *ps)
{
	const struct token first = *parse_token(ps);

	for (int k = 0; k < ACTION_COUNT; k++) {
		if (parse_take(ps, action_kind_name((enum action_kind)k))) {
			parse_rule(ps, (enum action_kind)k, first.at);
			return;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		if (parse_take(ps, statements[i].word)) {
			statements[i].parse(ps, first.at);
			return;
		}
	}
	unknown_statement(ps);
}

static void parse_source(struct parser *ps, unsigned source)
{
	lex_init(&ps->lex, ps->p->diags, &ps->p->arena, source);
	for (;;) {
		size_t errors = ps->p->diags->errors;

		while (parse_token(ps)->kind == TOK_NEWLINE)
			parse_next(ps);
		if (parse_token(ps)->kind == TOK_END || ps->p->diags->no_memory)
			break;
		ps->expansion = NULL;
		ps->nesting = 0;
		parse_statement(ps);
		ps->expansion = NULL;
		if (!parse_at_end(ps) && ps->p->diags->errors == errors)
			(void)parse_expected(ps, "the end of the line");
		while (!parse_at_end(ps))
			parse_next(ps);
	}
}

/* ---- files ---- */

static int read_fd(int fd, char **ret_text, size_t *ret_len)
{
	size_t cap = 65536, len = 0;
	AUTO_FREE char *text = malloc(cap);

	for (;;) {
		ssize_t n;

		if (!text)
			return -ENOMEM;
		n = read(fd, text + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > TEXT_MAX)
			return -EFBIG;
		if (len == cap) {
			char *bigger = realloc(text, cap * 2);

			if (!bigger)
				return -ENOMEM;
			text = bigger;
			cap *= 2;
		}
	}
	*ret_text = text;
	*ret_len = len;
	text = NULL;
	return 0;
}

static int read_file(const struct policy_options *options, const char *path, char **ret_text, size_t *ret_len)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (options->load)
		return options->load(options->load_ctx, path, ret_text, ret_len);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	return read_fd(fd, ret_text, ret_len);
}

/* Take text over as a new source: its index, or a negative errno. */
static int add_source(struct policy *p, const char *name, const char *text, size_t len)
{
	struct diags *d = p->diags;
	struct source *s = &d->sources[d->source_count];
	size_t total = len;

	for (unsigned i = 0; i < d->source_count; i++)
		total += d->sources[i].len;
	if (d->source_count == SOURCES_MAX || total > TEXT_MAX)
		return -EFBIG;
	s->name = arena_strndup(&p->arena, name, strlen(name));
	s->text = arena_strndup(&p->arena, text, len);
	s->len = len;
	if (!s->name || !s->text)
		return -ENOMEM;
	return (int)d->source_count++;
}

char *parse_beside(struct parser *ps, const char *path)
{
	const char *from = ps->by_options ? "" : ps->lex.source->name, *slash = strrchr(from, '/');
	size_t dir = path[0] == '/' || !slash ? 0 : (size_t)(slash - from) + 1;
	char *full = parse_alloc(ps, dir + strlen(path) + 1);

	if (full) {
		memcpy(full, from, dir);
		memcpy(full + dir, path, strlen(path) + 1);
	}
	return full;
}

void parse_include(struct parser *ps, struct span at)
{
	struct parser inner = *ps;
	AUTO_FREE char *text = NULL;
	const char *path;
	char *full;
	size_t len = 0;
	int r;

	if (!parse_string(ps, "a file in quotes", &path))
		return;
	if (ps->depth >= INCLUDE_DEPTH) {
		diag_error(ps->p->diags, at, "included more than %d deep: does the file include itself?",
			   INCLUDE_DEPTH);
		return;
	}
	full = parse_beside(ps, path);
	if (!full)
		return;
	/* Once it is too much, nothing more is read: a file that includes itself often would take long to fail. */
	r = ps->p->diags->full ? -EFBIG : read_file(ps->options, full, &text, &len);
	if (r >= 0)
		r = add_source(ps->p, full, text, len);
	ps->p->diags->full = ps->p->diags->full || r == -EFBIG;
	if (r < 0) {
		diag_error(ps->p->diags, at, "cannot read \"%s\": %s", full, strerror(-r));
		return;
	}
	inner.depth++;
	parse_source(&inner, (unsigned)r);
}

static int parse_text(struct parser *ps, const char *name, const char *text, size_t len)
{
	int r = add_source(ps->p, name, text, len);

	if (r >= 0)
		parse_source(ps, (unsigned)r);
	return r;
}

static int load(struct policy *p, const char *name, const char *text, size_t len, const struct policy_options *options)
{
	struct map sets = {0}, symbols = {0}, mounts = {0};
	struct parser ps = {.p = p, .options = options, .sets = &sets, .symbols = &symbols, .mounts = &mounts};
	int r = 0;

	if (options->prelude) {
		struct parser first = ps;

		first.by_options = true;
		r = parse_text(&first, options->prelude_name ? options->prelude_name : "command line", options->prelude, strlen(options->prelude));
	}
	if (r >= 0)
		r = parse_text(&ps, name, text, len);
	map_finish(&sets);
	map_finish(&symbols);
	map_finish(&mounts);
	if (r < 0 || p->diags->no_memory)
		return r < 0 ? r : -ENOMEM;
	parse_order_mounts(p);
	check_policy(p);
	if (p->diags->no_memory)
		return -ENOMEM;
	return p->diags->errors ? 0 : decide_index_create(p, &p->index);
}

int policy_load_text(const char *name, const char *text, size_t len, const struct policy_options *options,
		     struct policy **ret)
{
	struct policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->diags = diags_create();
	r = p->diags ? load(p, name, text, len, options) : -ENOMEM;
	if (r < 0) {
		policy_destroy(p);
		return r;
	}
	*ret = p;
	return 0;
}

int policy_load_file(const char *path, const struct policy_options *options, struct policy **ret)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r = read_file(options, path, &text, &len);

	if (r < 0)
		return r;
	return policy_load_text(path, text, len, options, ret);
}
