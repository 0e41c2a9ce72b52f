/* The arguments with which the kernel layer wants a call (struct call_choice), as a filter's tests. */
#ifndef TRAPLINE_POLICY_CHOICE_H
#define TRAPLINE_POLICY_CHOICE_H

#include "policy/filter.h"
#include "syscalls/call_set.h"

enum { CHOICE_TESTS_MAX = 16 };

/* How many tests there are, any of which holds. A choice has at most CHOICE_TESTS_MAX values. */
size_t choice_tests(const struct call_choice *choice, struct filter_test ret[CHOICE_TESTS_MAX]);

#endif
