#include "calc.h"

#include <stdlib.h>

static struct node *sum(struct lexer *l);

static struct node *make(char operator, long number, struct node *left, struct node *right)
{
	struct node *n = malloc(sizeof(*n));
	if (n)
		*n = (struct node){operator, number, left, right};
	return n;
}

void node_destroy(struct node *n)
{
	if (!n)
		return;
	node_destroy(n->left);
	node_destroy(n->right);
	free(n);
}

static struct node *atom(struct lexer *l)
{
	struct token t = l->token;
	lex_next(l);
	if (t.kind == TOKEN_NUMBER)
		return make(0, t.number, NULL, NULL);
	if (t.kind == TOKEN_OPERATOR && t.operator == '-') {
		struct node *n = atom(l);
		return n ? make('~', 0, n, NULL) : NULL;
	}
	if (t.kind != TOKEN_OPEN)
		return NULL;
	struct node *n = sum(l);
	if (n && l->token.kind == TOKEN_CLOSE) {
		lex_next(l);
		return n;
	}
	node_destroy(n);
	return NULL;
}

static struct node *chain(struct lexer *l, struct node *(*operand)(struct lexer *), char a, char b)
{
	struct node *n = operand(l);
	while (n && l->token.kind == TOKEN_OPERATOR && (l->token.operator == a || l->token.operator == b)) {
		char operator = l->token.operator;
		lex_next(l);
		struct node *right = operand(l);
		if (!right) {
			node_destroy(n);
			return NULL;
		}
		n = make(operator, 0, n, right);
	}
	return n;
}

static struct node *product(struct lexer *l)
{
	return chain(l, atom, '*', '/');
}

static struct node *sum(struct lexer *l)
{
	return chain(l, product, '+', '-');
}

struct node *parse_line(const char *line)
{
	struct lexer l;
	lex_start(&l, line);
	struct node *n = sum(&l);
	if (n && l.token.kind != TOKEN_END) {
		node_destroy(n);
		return NULL;
	}
	return n;
}
