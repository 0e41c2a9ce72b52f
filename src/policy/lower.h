/* From a call's rules to a filter chain. */
#ifndef TRAPLINE_POLICY_LOWER_H
#define TRAPLINE_POLICY_LOWER_H

#include "policy/decide.h"
#include "policy/filter.h"

/* The enabled rules about each call, in order, up to the first that decides it whatever its arguments. */
struct call_rules {
	uint32_t *first; /* CALL_COUNT + 2 of them: call id has rules[first[id]] to rules[first[id + 1]]; owned */
	uint32_t *rules;	/* indexes into policy.rules; owned */
};

/* The last but one place is for numbers that no table knows. */
MUST_CHECK int call_rules_init(struct call_rules *r, const struct policy *p);
void call_rules_finish(struct call_rules *r);

struct lowering {
	const struct policy *p;
	const struct call_rules *rules;
	struct arena *arena;	/* the chain's parts live here */
	enum call_id id;	/* CALL_NONE: unknown numbers */
	enum call_abi abi;
	uint32_t stop;		/* what the filter returns where user space has to decide */
	bool say_denials;	/* rules that refuse stop too */
};

/*
 * The chain for a call. Without rules in it, .otherwise is the call's one answer. A rule of which the filter can see
 * only some tests becomes a stop where these hold: user space then decides anew.
 */
MUST_CHECK int lower_rules(const struct lowering *l, struct filter_chain *ret);

/* The filter's own answer for an action, or stop if it has none. */
uint32_t filter_action_of(const struct policy_action *a, uint32_t stop);

#endif
