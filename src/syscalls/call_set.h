/* A set of system calls: what -e trace= selects, what a plan intercepts. */
#ifndef TRAPLINE_SYSCALLS_CALL_SET_H
#define TRAPLINE_SYSCALLS_CALL_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "syscalls/table.h"

struct call_set {
	uint64_t bits[(CALL_COUNT + 63) / 64];
	bool unknown;	/* numbers that no table knows (CALL_NONE) */
};

static inline void call_set_clear(struct call_set *s)
{
	memset(s, 0, sizeof(*s));
}

static inline void call_set_fill(struct call_set *s)
{
	memset(s->bits, 0xff, sizeof(s->bits));
	s->unknown = true;
}

static inline void call_set_add(struct call_set *s, enum call_id id)
{
	if (id >= 0)
		s->bits[id / 64] |= UINT64_C(1) << (id % 64);
	else
		s->unknown = true;
}

static inline void call_set_remove(struct call_set *s, enum call_id id)
{
	if (id >= 0)
		s->bits[id / 64] &= ~(UINT64_C(1) << (id % 64));
	else
		s->unknown = false;
}

static inline bool call_set_has(const struct call_set *s, enum call_id id)
{
	return id >= 0 ? s->bits[id / 64] >> (id % 64) & 1 : s->unknown;
}

static inline bool call_set_empty(const struct call_set *s)
{
	/* Behind the last call call_set_fill may have set some. */
	const unsigned last = CALL_COUNT / 64;
	uint64_t any = CALL_COUNT % 64 ? s->bits[last] & ((UINT64_C(1) << (CALL_COUNT % 64)) - 1) : 0;
	for (unsigned i = 0; i < last; i++)
		any |= s->bits[i];
	return !any && !s->unknown;
}

/* True when every call of the table and every unknown number is in the set. */
static inline bool call_set_full(const struct call_set *s)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		if (!call_set_has(s, (enum call_id)id))
			return false;
	}
	return s->unknown;
}

/*
 * Of a call: those whose argument is one of the values, or is not 0. Of the host's own ABI: another has other values.
 */
struct call_choice {
	enum call_id id;
	uint8_t arg;
	const unsigned *values;	/* 32 bits each; NULL: anything but 0, in 64 bits */
	size_t count;
};

#endif
