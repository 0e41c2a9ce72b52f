/* A line of arithmetic becomes tokens, a tree, a number. */
#ifndef CALC_H
#define CALC_H

#include <stdbool.h>

enum token_kind { TOKEN_NUMBER, TOKEN_OPERATOR, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_END, TOKEN_BAD };

struct token {
	enum token_kind kind;
	char operator;
	long number;
};

struct lexer {
	const char *at;
	struct token token;	/* the one not yet used */
};

struct node {
	char operator;		/* 0: a number; '~': the negative of .left */
	long number;
	struct node *left, *right;
};

void lex_start(struct lexer *l, const char *line);
void lex_next(struct lexer *l);

/* NULL when the line is not an expression. */
struct node *parse_line(const char *line);
void node_destroy(struct node *n);

/* False: a division by zero. */
bool eval_node(const struct node *n, long *ret);

#endif
