/* A hash map from bytes to a pointer. Keys are not copied and must outlive the map. */
#ifndef TRAPLINE_POLICY_MAP_H
#define TRAPLINE_POLICY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

struct map_slot {
	const void *key;	/* NULL: free */
	uint32_t len;
	uint32_t hash;
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t cap, count;	/* cap: 0 or a power of two */
};

uint32_t map_hash(const void *key, size_t len);
void map_finish(struct map *m);
/* The value's place, made (holding NULL) if the key is new. NULL when memory is out. Valid until the next new key. */
void **map_place(struct map *m, const void *key, size_t len);
/* The value, or NULL. */
void *map_find(const struct map *m, const void *key, size_t len);
/* The same with the key's map_hash known. */
void *map_find_hashed(const struct map *m, const void *key, size_t len, uint32_t hash);

#endif
