#include "policy/lex.h"

#include <string.h>

static int peek(const struct lexer *l, size_t ahead)
{
	size_t at = l->offset + ahead;

	return at < l->source->len ? (unsigned char)l->source->text[at] : -1;
}

static void skip_blanks(struct lexer *l)
{
	for (;;) {
		int c = peek(l, 0);

		if (c == '\\' && peek(l, 1) == '\n') {
			l->offset += 2;
			l->line++;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			l->offset++;
		} else {
			break;
		}
	}
	if (peek(l, 0) == '#') {
		const char *from = l->source->text + l->offset;
		const char *nl = memchr(from, '\n', l->source->len - l->offset);

		l->offset = nl ? (size_t)(nl - l->source->text) : l->source->len;
	}
}

static bool is_word_byte(int c)
{
	static const bool word[256] = {
		['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true, [0x80 ... 0xff] = true,
		['_'] = true, ['%'] = true, ['@'] = true, ['*'] = true, ['?'] = true, ['.'] = true, [':'] = true,
		['/'] = true, ['-'] = true, ['+'] = true, ['['] = true, [']'] = true, ['^'] = true, ['~'] = true,
		['$'] = true,
	};

	return c >= 0 && word[c];
}

/* A word ends before "..", so that 1..10 is a range. */
static size_t word_length(const struct lexer *l)
{
	const char *from = l->source->text + l->offset, *end = l->source->text + l->source->len, *p = from;

	while (p < end && is_word_byte((unsigned char)*p) && !(*p == '.' && p + 1 < end && p[1] == '.'))
		p++;
	return (size_t)(p - from);
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t octal_escape(const char *s, size_t len, char *ret)
{
	unsigned v = 0;
	size_t n = 1;

	while (n < len && n < 4 && s[n] >= '0' && s[n] <= '7')
		v = v * 8 + (unsigned)(s[n++] - '0');
	*ret = (char)v;
	return v < 256 ? n : 0;
}

size_t lex_escape(const char *s, size_t len, char *ret)
{
	static const char from[] = "ntrfvabe\"\\'", to[] = "\n\t\r\f\v\a\b\033\"\\'";
	const char *p;

	if (len < 2 || !s[1])
		return 0;
	if (s[1] >= '0' && s[1] <= '7')
		return octal_escape(s, len, ret);
	if (s[1] == 'x') {
		if (len < 4 || hex_digit(s[2]) < 0 || hex_digit(s[3]) < 0)
			return 0;
		*ret = (char)(hex_digit(s[2]) * 16 + hex_digit(s[3]));
		return 4;
	}
	p = strchr(from, s[1]);
	if (!p)
		return 0;
	*ret = to[p - from];
	return 2;
}

static struct span span_here(const struct lexer *l, size_t len)
{
	return (struct span){
		.source = l->source_index, .line = l->line, .offset = (uint32_t)l->offset, .len = (uint32_t)len};
}

/* The length of the literal at the offset, both quotes included; an unclosed one ends with the line. */
static size_t literal_length(const struct lexer *l, bool *ret_closed)
{
	const char *from = l->source->text + l->offset, *end = l->source->text + l->source->len, *p = from + 1;

	for (; p < end && *p != '\n' && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end && p[1] != '\n')
			p++;
	}
	*ret_closed = p < end && *p == '"';
	return (size_t)(p - from) + *ret_closed;
}

static size_t unescape(struct lexer *l, const char *s, size_t len, char *to)
{
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		size_t used;

		if (s[i] != '\\') {
			const char *escape = memchr(s + i, '\\', len - i);
			size_t plain = escape ? (size_t)(escape - s) - i : len - i;

			memcpy(to + out, s + i, plain);
			out += plain;
			i += plain;
			continue;
		}
		used = lex_escape(s + i, len - i, &to[out]);
		if (!used) {
			struct span at = l->token.at;

			at.offset += (uint32_t)i + 1;
			at.len = 2;
			diag_error(l->diags, at, "no such escape in a string");
			diag_hint(l->diags, "write \\\\ for a backslash");
			to[out] = s[i];
			used = 1;
		}
		out++;
		i += used;
	}
	return out;
}

static void read_string(struct lexer *l)
{
	struct token *t = &l->token;
	bool closed;
	size_t n = literal_length(l, &closed);
	size_t inner = n - 1 - (closed ? 1 : 0);
	char *bytes = arena_alloc(l->arena, inner + 1);

	t->kind = TOK_STRING;
	t->at = span_here(l, n);
	if (!closed) {
		diag_error(l->diags, t->at, "the string is not closed on its line");
		diag_hint(l->diags, "a \" is missing");
	}
	t->text = "";
	t->len = 0;
	if (bytes) {
		t->text = bytes;
		t->len = unescape(l, l->source->text + l->offset + 1, inner, bytes);
		if (memchr(bytes, 0, t->len))
			diag_error(l->diags, t->at, "a string cannot have a NUL byte in it");
	} else {
		l->diags->no_memory = true;
	}
	l->offset += n;
}

static bool read_punct(struct lexer *l)
{
	static const struct {
		char text[3];
		enum punct punct;
	} puncts[] = {	/* the longer ones first */
		{"==", PUNCT_EQ}, {"!=", PUNCT_NE}, {"<=", PUNCT_LE}, {">=", PUNCT_GE}, {"..", PUNCT_RANGE},
		{"(", PUNCT_LPAREN}, {")", PUNCT_RPAREN}, {"{", PUNCT_LBRACE}, {"}", PUNCT_RBRACE}, {",", PUNCT_COMMA},
		{"=", PUNCT_SET}, {"!", PUNCT_NOT}, {"<", PUNCT_LT}, {">", PUNCT_GT}, {"&", PUNCT_AND}, {"|", PUNCT_OR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(puncts); i++) {
		size_t n = strlen(puncts[i].text);

		if (l->source->len - l->offset < n || memcmp(l->source->text + l->offset, puncts[i].text, n) != 0)
			continue;
		l->token = (struct token){.kind = TOK_PUNCT, .punct = puncts[i].punct, .at = span_here(l, n),
					  .text = l->source->text + l->offset, .len = n};
		l->offset += n;
		return true;
	}
	return false;
}

static void read_word(struct lexer *l, size_t n)
{
	l->token = (struct token){
		.kind = TOK_WORD, .at = span_here(l, n), .text = l->source->text + l->offset, .len = n};
	l->offset += n;
}

void lex_next(struct lexer *l)
{
	for (;;) {
		size_t n;
		int c;

		skip_blanks(l);
		c = peek(l, 0);
		if (c < 0) {
			l->token = (struct token){.kind = TOK_END, .at = span_here(l, 0), .text = ""};
			return;
		}
		if (c == '\n') {
			l->token = (struct token){.kind = TOK_NEWLINE, .at = span_here(l, 1), .text = ""};
			l->offset++;
			l->line++;
			return;
		}
		if (c == '"') {
			read_string(l);
			return;
		}
		n = word_length(l);
		if (n) {
			read_word(l, n);
			return;
		}
		if (read_punct(l))
			return;
		diag_error(l->diags, span_here(l, 1), "the byte 0x%02x has no meaning here", (unsigned)c);
		l->offset++;
	}
}

struct token lex_call(struct lexer *l)
{
	unsigned depth = 0;
	struct token call;
	size_t n = 0;

	skip_blanks(l);
	while (peek(l, n) >= 0 && peek(l, n) != '\n') {
		struct lexer at = *l;
		bool closed;
		int c = peek(l, n);

		at.offset += n;
		n += c == '"' ? literal_length(&at, &closed) : 1;
		depth += c == '(';
		if (c == ')' && (depth == 0 || --depth == 0))
			break;
	}
	call = (struct token){.kind = TOK_WORD, .at = span_here(l, n), .text = l->source->text + l->offset, .len = n};
	l->offset += n;
	lex_next(l);
	return call;
}

bool token_is(const struct token *t, const char *word)
{
	/* Asked of many words in a row, most of which differ at once. */
	return t->kind == TOK_WORD && t->len && *t->text == *word && t->len == strlen(word) &&
	       memcmp(t->text, word, t->len) == 0;
}

void lex_init(struct lexer *l, struct diags *diags, struct arena *arena, unsigned source)
{
	*l = (struct lexer){.diags = diags, .arena = arena, .source = &diags->sources[source],
			    .source_index = (uint16_t)source, .line = 1};
	lex_next(l);
}
