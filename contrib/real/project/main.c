#include "calc.h"

#include <stdio.h>

int main(void)
{
	char line[1024];
	while (fgets(line, sizeof(line), stdin)) {
		struct node *n = parse_line(line);
		long value;
		if (!n)
			puts("not an expression");
		else if (!eval_node(n, &value))
			puts("division by zero");
		else
			printf("%ld\n", value);
		node_destroy(n);
	}
	return 0;
}
