/* What the parts of the compiler share. */
#ifndef TRAPLINE_POLICY_COMPILE_PRIVATE_H
#define TRAPLINE_POLICY_COMPILE_PRIVATE_H

#include "policy/compile.h"
#include "policy/lower.h"

struct compiler {
	struct plan *plan;
	const struct policy *p;
	const struct plan_options *options;
	struct call_rules rules;
	struct filter_chain *chains;	/* malloc'ed while it grows */
	size_t chain_cap;
	int error;
	bool keeps_children;
};

/* What each call needs, by what the rules say and the session wants: plan->calls, or plan->refusal. */
void compile_survey(struct compiler *k);

/* Does any call need at least that? */
bool compile_any_stops(const struct plan *plan, enum plan_mechanism least);

#endif
