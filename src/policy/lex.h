/* Policy text to tokens. A statement ends with its line; a backslash before the newline carries it on. */
#ifndef TRAPLINE_POLICY_LEX_H
#define TRAPLINE_POLICY_LEX_H

#include "policy/diag.h"

enum token_kind {
	TOK_END, /* of the source */
	TOK_NEWLINE,
	TOK_WORD,   /* anything bare: a name, glob, number, address, %group, @set; what it is depends on the place */
	TOK_STRING, /* "quoted"; .text and .len are the bytes it stands for */
	TOK_PUNCT,  /* .punct */
};

enum punct {
	PUNCT_LPAREN, PUNCT_RPAREN, PUNCT_LBRACE, PUNCT_RBRACE, PUNCT_COMMA, PUNCT_SET /* = */, PUNCT_EQ, PUNCT_NE,
	PUNCT_NOT, PUNCT_LT, PUNCT_LE, PUNCT_GT, PUNCT_GE, PUNCT_AND, PUNCT_OR, PUNCT_RANGE,
};

struct token {
	enum token_kind kind;
	enum punct punct;
	struct span at;
	const char *text;	/* words: into the source, not terminated; strings: NUL-terminated, in the arena */
	size_t len;
};

struct lexer {
	struct diags *diags;
	struct arena *arena;
	const struct source *source;
	uint16_t source_index;
	size_t offset;
	uint32_t line;
	struct token token;	/* the current one */
};

/* Start at the beginning of a source of diags and read its first token. */
void lex_init(struct lexer *l, struct diags *diags, struct arena *arena, unsigned source);
/* Go on to the next token. Bytes that are no token are reported and skipped. */
void lex_next(struct lexer *l);
/*
 * "openat(AT_FDCWD, "/x")": the raw text behind the current token through the parenthesis that closes it, or to the end
 * of the line if none does. l then is at what follows.
 */
struct token lex_call(struct lexer *l);

/* "errno" and the like: a word with exactly these bytes. */
bool token_is(const struct token *t, const char *word);

/* How a string literal's escapes read; the number of bytes used of s (the backslash and on), or 0 when it is none. */
size_t lex_escape(const char *s, size_t len, char *ret);

#endif
