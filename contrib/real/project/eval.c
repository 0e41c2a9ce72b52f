#include "calc.h"

bool eval_node(const struct node *n, long *ret)
{
	long a, b = 0;
	if (!n->operator) {
		*ret = n->number;
		return true;
	}
	if (!eval_node(n->left, &a) || (n->right && !eval_node(n->right, &b)))
		return false;
	if (n->operator == '/' && b == 0)
		return false;
	switch (n->operator) {
	case '~': *ret = -a; break;
	case '+': *ret = a + b; break;
	case '-': *ret = a - b; break;
	case '*': *ret = a * b; break;
	default: *ret = a / b; break;
	}
	return true;
}
