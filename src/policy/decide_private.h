/* What decide.c (tests on one call) and decide_index.c (candidates) share. */
#ifndef TRAPLINE_POLICY_DECIDE_PRIVATE_H
#define TRAPLINE_POLICY_DECIDE_PRIVATE_H

#include "policy/decide.h"

/* What was asked about the call so far. */
struct facts {
	const struct decide_event *event;
	uint8_t paths_asked, strings_asked, addrs_asked, fds_asked, task_asked;	/* bit: parameter */
	int path_err[6], string_err[6], addr_err[6], fd_err[6], task_err;
	struct policy_string paths[6], strings[6];
	struct decide_addr addrs[6];
	struct decide_fd fds[6];
	struct decide_task task;
	bool lack;			/* some fact could not be had */
};

/* Pointers into facts, or NULL when the fact cannot be had. */
const struct policy_string *facts_path(struct facts *f, unsigned param);
const struct decide_addr *facts_addr(struct facts *f, unsigned param);
const struct decide_fd *facts_fd(struct facts *f, unsigned param);
const struct decide_task *facts_task(struct facts *f);
/* The value of a parameter as its type has it; raw: of the register of this index. */
wide facts_int(const struct facts *f, unsigned param, bool raw);

/* Whether the rule is about the call and the term (NULL: none) holds. */
bool rule_applies(const struct policy *p, const struct policy_rule *r, const struct policy_term *t, struct facts *f);

/*
 * The first rule at or after *rule that the call meets, through the index; false when there is none.
 * Sets *lack when a fact was missing, so that the index may have missed a rule.
 */
bool index_first(const struct policy *p, struct facts *f, uint32_t from, uint32_t *ret_rule,
		 const struct policy_term **ret_term);

#endif
