/* Private to the table: the generated data (table_data.c, flag_data.c) as table.c sees it. */
#ifndef TRAPLINE_SYSCALLS_TABLE_DATA_H
#define TRAPLINE_SYSCALLS_TABLE_DATA_H

#include <string.h>

#include "syscalls/table.h"

/* The row of a call on an ABI whose parameters differ. */
struct call_variant {
	enum call_id id;
	enum call_abi abi;
	struct call_desc desc;
};

struct number_map {
	const int16_t *ids;	/* by number; -1 where there is no call */
	int limit;
};

/* Indexes, not pointers: a pointer costs every start of the program a relocation. */
struct constant_ref {
	uint16_t set;		/* of flag_sets_sorted */
	uint16_t flag;		/* of the set's names */
};

/* strcmp of a NUL-terminated name and a counted one. */
static inline int compare_name(const char *name, const char *key, size_t len)
{
	int order = strncmp(name, key, len);

	return order ? order : name[len] != '\0';
}

extern const struct call_desc call_descs[CALL_COUNT];
extern const struct call_variant call_variants[];	/* by id, ended by CALL_NONE */
extern const size_t call_variants_count;
extern const struct number_map number_maps[ABI_COUNT];
extern const int16_t calls_by_name[CALL_COUNT];		/* ids in strcmp order of their names */

extern const struct flag_set *const flag_sets_sorted[];
extern const size_t flag_sets_count;
extern const struct constant_ref constants_sorted[];	/* in strcmp order of their names */
extern const size_t constants_count;

#endif
