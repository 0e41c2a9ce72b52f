/* What the generator's files share: see filter.c for how a program is emitted. */
#ifndef TRAPLINE_POLICY_FILTER_PRIVATE_H
#define TRAPLINE_POLICY_FILTER_PRIVATE_H

#include "policy/filter.h"

#define FAR 255				/* the reach of a conditional jump */
#define RET_CACHE 16
#define VALUES_MIN 4			/* so many values of one argument are searched for together */
#define VALUES_LEAF 12			/* so many are compared one by one */

typedef size_t place;			/* instructions emitted when the target had been */

struct builder {
	const struct filter_spec *spec;
	struct sock_filter *insns;	/* last instruction of the program first */
	size_t count, cap;
	int error;
	struct {
		uint32_t action;
		place at;		/* 0: none yet */
	} rets[RET_CACHE];		/* the nearest RET of an action, to share */
	unsigned next_ret;
};

/* How many instructions the one that is emitted next jumps over to land on at. */
static inline size_t filter_distance(const struct builder *b, place at)
{
	return b->count - at;
}

/* Each returns the place of the instruction it emitted last (or that is there already, for a RET). */
place filter_emit(struct builder *b, struct sock_filter insn);
place filter_emit_ret(struct builder *b, uint32_t action);
place filter_emit_jump(struct builder *b, unsigned op, uint32_t k, place yes, place no);
place filter_emit_load(struct builder *b, size_t offset);

/*
 * Of the rules that end at end, the first of those that compare one and the same argument; *ret_values: with how many.
 */
size_t filter_run_begin(const struct filter_chain *c, size_t end, size_t *ret_values);
place filter_emit_values(struct builder *b, const struct filter_rule *rules, size_t count, size_t values, place no);

#endif
