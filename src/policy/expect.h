/* The expect lines of a policy, run in the simulator: no kernel, no guest. */
#ifndef TRAPLINE_POLICY_EXPECT_H
#define TRAPLINE_POLICY_EXPECT_H

#include "policy/model.h"

/*
 * Run every expect line of an error-free policy; each that is not met becomes an error in its diags.
 * The number of lines that were met.
 */
size_t policy_run_expects(struct policy *p);

#endif
