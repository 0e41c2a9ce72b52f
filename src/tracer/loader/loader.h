/* What the loader's files share. No libc is behind them. */
#ifndef TRAPLINE_TRACER_LOADER_H
#define TRAPLINE_TRACER_LOADER_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

#include "tracer/loader/image.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static inline void copy(void *to, const void *from, size_t len)
{
	unsigned char *d = to;
	const unsigned char *s = from;
	/* Towards lower addresses too, where they overlap. */
	for (size_t i = 0; i < len; i++) {
		d[i] = s[i];
		__asm__ volatile("" : : : "memory");	/* no call of memcpy */
	}
}

static inline size_t length(const char *s)
{
	size_t n = 0;
	while (((const volatile char *)s)[n])
		n++;
	return n;
}

/* The program's first stack: argc, argv, NULL, envp, NULL, auxiliary vector; above it the strings. */
struct stack {
	uint64_t *sp;
	uint64_t argc;
	uint64_t *argv, *envp;
	Elf64_auxv_t *aux;
	uint64_t *end;		/* behind the vector */
};

void stack_look(uint64_t *sp, struct stack *s);
Elf64_auxv_t *stack_aux(const struct stack *s, uint64_t type);
void stack_set_aux(const struct stack *s, uint64_t type, uint64_t value);
/*
 * Put the program's name, and what a script has in the place of argv[0], on the stack; s is the new one. Returns where
 * the name is.
 */
uint64_t stack_add_strings(const struct loader_param *p, const char *prefix, struct stack *s);

#endif
