#include "policy/map.h"

#include <stdbool.h>
#include <string.h>

uint32_t map_hash(const void *key, size_t len)
{
	const unsigned char *p = key;
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ len;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		h = (h ^ w) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	for (; len; p++, len--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(h >> 32);
}

void map_finish(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

/* The slot of the key, or the free one where it would go. The map has a free slot. */
static struct map_slot *probe(const struct map *m, const void *key, size_t len, uint32_t hash)
{
	size_t i = hash & (m->cap - 1);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];

		if (!s->key || (s->hash == hash && s->len == len && memcmp(s->key, key, len) == 0))
			return s;
	}
}

static bool grow(struct map *m)
{
	struct map bigger = {.cap = m->cap ? m->cap * 2 : 16, .count = m->count};

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < m->cap; i++) {
		const struct map_slot *s = &m->slots[i];

		if (s->key)
			*probe(&bigger, s->key, s->len, s->hash) = *s;
	}
	free(m->slots);
	*m = bigger;
	return true;
}

void **map_place(struct map *m, const void *key, size_t len)
{
	uint32_t hash = map_hash(key, len);
	struct map_slot *s;

	/* At most half full: a look-up that finds nothing is the common one, and then looks at one or two places. */
	if (m->count >= m->cap / 2 && !grow(m))
		return NULL;
	s = probe(m, key, len, hash);
	if (!s->key) {
		*s = (struct map_slot){.key = key, .len = (uint32_t)len, .hash = hash};
		m->count++;
	}
	return &s->value;
}

void *map_find_hashed(const struct map *m, const void *key, size_t len, uint32_t hash)
{
	return m->count ? probe(m, key, len, hash)->value : NULL;
}

void *map_find(const struct map *m, const void *key, size_t len)
{
	return map_find_hashed(m, key, len, map_hash(key, len));
}
