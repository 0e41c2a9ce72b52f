/* The index's tables, for decide_index.c (filing) and decide_lookup.c. */
#ifndef TRAPLINE_POLICY_DECIDE_INDEX_H
#define TRAPLINE_POLICY_DECIDE_INDEX_H

#include "policy/decide_private.h"
#include "policy/map.h"

struct entry {
	uint32_t rule;
	struct entry *next;
	const struct policy_term *term;
};

struct bucket {
	struct entry *head, *tail;
};

/* What a path can be of: each has tables of its own. */
enum path_class {
	PATH_PARAM, PATH_FD, PATH_ADDR, PATH_EXE, PATH_CLASSES,
};

#define HAS_INTS (1u << PATH_CLASSES)
#define HAS_NETS (2u << PATH_CLASSES)

struct path_tables {
	struct map exact, under, base, extension;
	uint64_t depths;	/* bit n: a directory of n components is in under; the last bit: of 63 or more */
};

struct int_key {
	uint64_t value;
	uint16_t symbol;
	int16_t call;		/* -1: the rule is about several */
	uint32_t field;
};

struct net_key {
	uint8_t bytes[16];
	uint64_t bits;
};

struct int_symbol {
	uint16_t symbol;
	enum operand_field field;
};

struct decide_index {
	struct arena arena;
	const struct policy *p;
	struct path_tables paths[PATH_CLASSES];
	struct map ints, nets;
	uint64_t net_bits[3];		/* prefix lengths that are used */
	uint16_t net_symbol[64];	/* operands with networks */
	size_t net_symbols;
	struct int_symbol int_symbols[64];
	size_t int_symbol_count;
	uint8_t kinds[CALL_COUNT +
		      1]; /* bits: which tables have rules about the call, so that nothing else is asked of it */
	struct bucket calls[CALL_COUNT + 1];	/* the last: numbers that no table knows */
	struct bucket wide;
	bool no_memory;
};

static inline unsigned depth_bit(unsigned depth)
{
	return depth < 63 ? depth : 63;
}

#endif
