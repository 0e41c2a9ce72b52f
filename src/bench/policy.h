/*
 * bench policy: what many rules cost. A policy of paths, networks and integers is checked, compiled and loaded;
 * decisions are timed under many rules and under few; a call that a container's profile allows is timed beside one
 * under a filter of one rule. Everything runs in children: a filter cannot be taken off again.
 */
#ifndef TRAPLINE_BENCH_POLICY_H
#define TRAPLINE_BENCH_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"
#include "base/strbuf.h"

/* Append a policy of count rules: half about paths, a quarter about addresses, a quarter about integers. */
void policy_bench_text(size_t count, struct strbuf *out);

struct policy_bench_start {
	uint64_t check_ns, compile_ns, load_ns;	/* medians; load: seccomp(2) with the filter, no listener */
	uint64_t total_ns;			/* median of the sums */
	uint64_t cpu_ns; /* the same in processor time: what a machine with nothing else to do shows */
	size_t instructions;
	unsigned spilled;			/* calls whose conditions are left to user space */
	size_t peak_kib;			/* of the whole process */
};
/* 0 or a negative errno. */
MUST_CHECK int policy_bench_start(size_t count, unsigned rounds, struct policy_bench_start *ret);

enum policy_bench_question {
	QUESTION_PATH,
	QUESTION_PATH_MISS,
	QUESTION_ADDR,
	QUESTION_ADDR_MISS,
	QUESTION_INT,
	QUESTION_INT_MISS,
	QUESTIONS,
};
const char *policy_bench_question_name(enum policy_bench_question q);

/* Median time of one decision, in picoseconds, under few and under many rules, measured in turn. */
MUST_CHECK int policy_bench_decide(size_t few, size_t many, unsigned rounds, uint64_t few_ps[QUESTIONS],
				   uint64_t many_ps[QUESTIONS]);

struct policy_bench_profile {
	uint64_t number_ps, number_base_ps;	/* a call that needs only its number; under one rule */
	uint64_t args_ps, args_base_ps;		/* one whose arguments are checked; under one rule */
};
/* 0; -ENOENT when there is no profile at that path; another negative errno. */
MUST_CHECK int policy_bench_profile(const char *path, unsigned rounds, struct policy_bench_profile *ret);

#endif
