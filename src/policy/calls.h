/* Walking over a set of calls, for code that runs once for each rule: a policy may have thousands. */
#ifndef TRAPLINE_POLICY_CALLS_H
#define TRAPLINE_POLICY_CALLS_H

#include "syscalls/call_set.h"

/* The first call of the set at or after from, or -1. Unknown numbers are not visited. */
static inline int call_set_next(const struct call_set *s, int from)
{
	while (from < CALL_COUNT) {
		uint64_t word = s->bits[from / 64] >> (from % 64);

		if (word) {
			from += __builtin_ctzll(word);
			return from < CALL_COUNT ? from : -1;
		}
		from = (from / 64 + 1) * 64;
	}
	return -1;
}

#define FOR_EACH_CALL(id, set) for (int id = call_set_next(set, 0); id >= 0; id = call_set_next(set, id + 1))

#endif
