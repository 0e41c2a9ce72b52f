/*
 * A histogram of durations in nanoseconds with log-linear buckets: 32 for each power of two, so a quantile is at most
 * 3 % above the true value; below 32 ns it is exact. Sum, smallest and largest are exact. Not thread safe.
 */
#ifndef TRAPLINE_BASE_HISTOGRAM_H
#define TRAPLINE_BASE_HISTOGRAM_H

#include <stdint.h>

enum {
	HISTOGRAM_SUB_BITS = 5,
	HISTOGRAM_MAX_BITS = 44,	/* longer than 4.8 hours counts as that */
	HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t min;		/* UINT64_MAX while empty */
	uint64_t max;
	uint32_t bucket[HISTOGRAM_BUCKETS];	/* stays at its largest value rather than overflow */
};

void histogram_init(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t value);
/* Add all of from's values to into. */
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that a share q (0 to 1) of all values does not exceed; 0 while empty. Never below min or above max. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
