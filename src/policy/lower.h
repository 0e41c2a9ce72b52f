/* From a call's rules to a filter chain. */
#ifndef TRAPLINE_POLICY_LOWER_H
#define TRAPLINE_POLICY_LOWER_H

#include "policy/decide.h"
#include "policy/filter.h"

struct lowering {
	const struct policy *p;
	struct arena *arena;	/* the chain's parts live here */
	enum call_id id;	/* CALL_NONE: unknown numbers */
	enum call_abi abi;
	uint32_t stop;		/* what the filter returns where user space has to decide */
};

/*
 * The chain for a call. Without rules in it, .otherwise is the call's one answer. A rule of which the filter can see
 * only some tests becomes a stop where these hold: user space then decides anew.
 */
MUST_CHECK int lower_rules(const struct lowering *l, struct filter_chain *ret);

/* The filter's own answer for an action, or stop if it has none. */
uint32_t filter_action_of(const struct policy_action *a, uint32_t stop);

#endif
