#include "calc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void lex_start(struct lexer *l, const char *line)
{
	l->at = line;
	lex_next(l);
}

void lex_next(struct lexer *l)
{
	while (isspace((unsigned char)*l->at))
		l->at++;
	struct token t = {.kind = TOKEN_BAD};
	char c = *l->at;
	if (isdigit((unsigned char)c)) {
		char *end;
		t = (struct token){.kind = TOKEN_NUMBER, .number = strtol(l->at, &end, 10)};
		l->at = end;
		l->token = t;
		return;
	}
	if (c == '\0')
		t.kind = TOKEN_END;
	else if (strchr("+-*/", c))
		t = (struct token){.kind = TOKEN_OPERATOR, .operator = c};
	else if (c == '(' || c == ')')
		t.kind = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
	if (c)
		l->at++;
	l->token = t;
}
