/* What the guest of bench latency and its supervisor share. Private to the two. */
#ifndef TRAPLINE_BENCH_LATENCY_SHARED_H
#define TRAPLINE_BENCH_LATENCY_SHARED_H

#include "bench/latency.h"

enum { LATENCY_WARMUP = 512 };

#define LATENCY_PATH_ASKED "/dev/null"

struct latency_shared {
	uint64_t calls;		/* for the guest: how many to measure after the warm-up */
	enum latency_kind kind;
	int64_t path_result;	/* for the guest: what LATENCY_PATH is to give */
	bool done;		/* by the guest: it got to its end */
	uint64_t wrong;
	uint64_t timer_ns;
	struct histogram ns;
};

/* The answer to the call with this first argument. No pid is that large, so the host cannot have given it. */
static inline int64_t latency_answer(uint64_t n)
{
	return INT64_C(0x5eed00000000) + (int64_t)(n * 2654435761u & 0xffffff);
}

#endif
