#include "base/histogram.h"

#include <string.h>

enum { SUB_COUNT = 1 << HISTOGRAM_SUB_BITS };

static unsigned bucket_of(uint64_t value)
{
	if (value < SUB_COUNT)
		return (unsigned)value;
	unsigned top = 63 - (unsigned)__builtin_clzll(value);
	if (top >= HISTOGRAM_MAX_BITS)
		return HISTOGRAM_BUCKETS - 1;
	unsigned shift = top - HISTOGRAM_SUB_BITS;
	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift) - SUB_COUNT;
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_top(unsigned bucket)
{
	if (bucket < SUB_COUNT)
		return bucket;
	unsigned shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	uint64_t sub = (bucket & (SUB_COUNT - 1)) + SUB_COUNT;
	return ((sub + 1) << shift) - 1;
}

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

static void bucket_add(uint32_t *bucket, uint32_t n)
{
	if (__builtin_add_overflow(*bucket, n, bucket))
		*bucket = UINT32_MAX;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	bucket_add(&h->bucket[bucket_of(value)], 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum += from->sum;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		bucket_add(&into->bucket[i], from->bucket[i]);
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	if (!h->count)
		return 0;
	double want = q * (double)h->count;
	uint64_t seen = 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (!seen || (double)seen < want)
			continue;
		uint64_t top = bucket_top(i);
		if (top > h->max)
			return h->max;
		return top < h->min ? h->min : top;
	}
	return h->max;
}
