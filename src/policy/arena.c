#include "policy/arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BLOCK_SIZE 65536
#define BLOCK_SIZE_LATER (256u << 10)	/* the allocator maps it: zeroed pages, that nobody has to zero once more */

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, void *memory, size_t size)
{
	*a = (struct arena){.next = memory, .left = size};
}

void arena_finish(struct arena *a)
{
	struct arena_block *b = a->blocks;

	while (b) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	*a = (struct arena){0};
}

static char *add_block(struct arena *a, size_t size)
{
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = a->blocks;
	a->blocks = b;
	return b->bytes;
}

void *arena_alloc(struct arena *a, size_t size)
{
	char *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size += !size;	/* an address of its own even for nothing */
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (size > BLOCK_SIZE / 4)	/* of its own, the block in use stays in use */
		return add_block(a, size);
	if (size > a->left) {
		size_t block = a->blocks ? BLOCK_SIZE_LATER : BLOCK_SIZE;

		a->next = add_block(a, block);
		a->left = a->next ? block : 0;
		if (!a->next)
			return NULL;
	}
	p = a->next;
	a->next += size;
	a->left -= size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy && len)
		memcpy(copy, s, len);
	return copy;
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size);

	if (copy && size)
		memcpy(copy, p, size);
	return copy;
}
