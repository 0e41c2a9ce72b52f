/* Memory that is freed in one go: what a policy is made of lives exactly as long as the policy. */
#ifndef TRAPLINE_POLICY_ARENA_H
#define TRAPLINE_POLICY_ARENA_H

#include <stddef.h>

#include "base/errors.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;	/* newest first */
	char *next;			/* free bytes of the newest block */
	size_t left;
};

/* Begin with memory of the caller's: zeroed, aligned for any type, and there as long as the arena. */
void arena_init(struct arena *a, void *memory, size_t size);
void arena_finish(struct arena *a);
/* Zeroed, aligned for any type; NULL when memory is out. */
void *arena_alloc(struct arena *a, size_t size);
/* A NUL-terminated copy of len bytes, or NULL. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
/* A copy of size bytes, or NULL. */
void *arena_memdup(struct arena *a, const void *p, size_t size);

#endif
