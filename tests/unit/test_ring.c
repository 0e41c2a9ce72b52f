/* The ring: order, wrapping, blocking, closing, and a million messages of random sizes between two threads. */
#include <check.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/histogram.h"
#include "base/ring.h"
#include "run_suite.h"

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct ring *make(size_t capacity)
{
	struct ring *r;
	ck_assert_int_eq(ring_create(capacity, &r), 0);
	return r;
}

START_TEST(test_order)
{
	struct ring *r = make(1);
	size_t len;
	ck_assert_ptr_null(ring_peek(r, &len));
	for (unsigned round = 0; round < 3000; round++) {
		for (unsigned i = 0; i < 3; i++) {
			uint32_t *m = ring_reserve(r, 100);
			ck_assert_ptr_nonnull(m);
			*m = round * 3 + i;
			ring_commit(r, 4 + i * 40);
		}
		for (unsigned i = 0; i < 3; i++) {
			const uint32_t *m = ring_peek(r, &len);
			ck_assert_ptr_nonnull(m);
			ck_assert_uint_eq(*m, round * 3 + i);
			ck_assert_uint_eq(len, 4 + i * 40);
			ring_release(r);
		}
		ck_assert_ptr_null(ring_peek(r, &len));
	}
	ring_destroy(r);
}
END_TEST

START_TEST(test_uncommitted_is_invisible)
{
	struct ring *r = make(4096);
	size_t len;
	ck_assert_ptr_nonnull(ring_reserve(r, 8));
	ck_assert_ptr_null(ring_peek(r, &len));
	ck_assert(!ring_wait(r, 0));
	ring_commit(r, 0);
	ck_assert(ring_wait(r, 0));
	ck_assert_ptr_nonnull(ring_peek(r, &len));
	ck_assert_uint_eq(len, 0);
	ring_destroy(r);
}
END_TEST

START_TEST(test_too_large_and_closed)
{
	struct ring *r = make(4096);
	size_t len;
	ck_assert_ptr_null(ring_reserve(r, 2049));
	ck_assert_ptr_null(ring_reserve(r, SIZE_MAX));
	ck_assert_ptr_nonnull(ring_reserve(r, 2040));
	ring_commit(r, 2040);
	ck_assert_ptr_nonnull(ring_reserve(r, 2040));
	ring_commit(r, 2040);
	ring_close(r);
	ck_assert_ptr_null(ring_reserve(r, 1));
	for (int i = 0; i < 2; i++) {
		ck_assert(ring_wait(r, -1));
		ck_assert_ptr_nonnull(ring_peek(r, &len));
		ring_release(r);
	}
	ck_assert(!ring_wait(r, -1));
	ck_assert(!ring_gather(r, -1));
	ck_assert(ring_closed(r));
	ring_destroy(r);
	ring_destroy(NULL);
}
END_TEST

START_TEST(test_timeouts)
{
	struct ring *r = make(4096);
	int64_t before = now_ns();
	ck_assert(!ring_wait(r, 2000000));
	ck_assert(now_ns() - before >= 2000000);
	ck_assert_ptr_nonnull(ring_reserve(r, 8));
	ring_commit(r, 8);
	before = now_ns();
	ck_assert(ring_gather(r, 2000000));
	ck_assert(now_ns() - before >= 2000000);
	ck_assert_ptr_nonnull(ring_reserve(r, 2040));
	ring_commit(r, 2040);
	/* Over half full: no gathering any more. Without that this would never end. */
	ck_assert(ring_gather(r, -1));
	ring_destroy(r);
}
END_TEST

enum { MESSAGES = 1000000 };

struct stress {
	struct ring *ring;
	bool pauses;	/* the consumer sleeps now and then while the ring fills */
	uint64_t bytes;
	uint64_t messages;
	uint64_t wrong;
};

/* Message i: its number, then bytes that depend on it; lengths from the same seed on both sides. */
static size_t stress_len(uint64_t *seed)
{
	uint64_t v = random_next(seed);
	return 8 + (v % 1000 == 0 ? v / 1000 % 2000 : v % 120);
}

/*
 * Check's assertions each write a mark to a pipe, far too slow for every byte: failures are counted and asserted once.
 */
static bool stress_right(const uint8_t *m, size_t len, uint64_t expected, uint64_t *seed)
{
	uint64_t number;
	if (len != stress_len(seed))
		return false;
	memcpy(&number, m, 8);
	for (size_t i = 8; i < len; i++) {
		if (m[i] != (uint8_t)(number + i))
			return false;
	}
	return number == expected;
}

static void *consume(void *arg)
{
	struct stress *s = arg;
	uint64_t seed = 42, expected = 0;
	while (ring_wait(s->ring, -1)) {
		const uint8_t *m;
		size_t len;
		while ((m = ring_peek(s->ring, &len))) {
			s->wrong += !stress_right(m, len, expected, &seed);
			s->bytes += len;
			expected++;
			ring_release(s->ring);
		}
		if (s->pauses)
			(void)ring_gather(s->ring, 200000);
	}
	s->messages = expected;
	return NULL;
}

static void stress(size_t capacity, bool pauses)
{
	struct stress s = {.ring = make(capacity), .pauses = pauses};
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, consume, &s), 0);
	uint64_t seed = 42, bytes = 0, refused = 0;
	for (uint64_t number = 0; number < MESSAGES; number++) {
		size_t len = stress_len(&seed);
		uint8_t *m = ring_reserve(s.ring, len + 8);
		if (!m) {
			refused++;
			continue;
		}
		memcpy(m, &number, 8);
		for (size_t i = 8; i < len; i++)
			m[i] = (uint8_t)(number + i);
		ring_commit(s.ring, len);
		bytes += len;
	}
	ring_close(s.ring);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(refused, 0);
	ck_assert_uint_eq(s.wrong, 0);
	ck_assert_uint_eq(s.messages, MESSAGES);
	ck_assert_uint_eq(s.bytes, bytes);
	ring_destroy(s.ring);
}

START_TEST(test_stress_small_ring)
{
	stress(8192, false);
}
END_TEST

START_TEST(test_stress_gathering)
{
	stress(1 << 16, true);
}
END_TEST

static void *close_soon(void *arg)
{
	ring_close(arg);
	return NULL;
}

START_TEST(test_close_wakes_a_blocked_producer)
{
	struct ring *r = make(4096);
	for (int i = 0; i < 8; i++) {
		ck_assert_ptr_nonnull(ring_reserve(r, 500));
		ring_commit(r, 500);
	}
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, close_soon, r), 0);
	ck_assert_ptr_null(ring_reserve(r, 500));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ring_destroy(r);
}
END_TEST

START_TEST(test_histogram)
{
	static struct histogram h, other;
	histogram_init(&h);
	ck_assert_uint_eq(histogram_quantile(&h, 0.5), 0);
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v);
	ck_assert_uint_eq(h.count, 100000);
	ck_assert_uint_eq(h.min, 1);
	ck_assert_uint_eq(h.max, 100000);
	ck_assert_uint_eq(h.sum, UINT64_C(5000050000));
	const double quantiles[] = {0.01, 0.5, 0.9, 0.99, 0.999};
	for (unsigned i = 0; i < ARRAY_SIZE(quantiles); i++) {
		double truth = quantiles[i] * 100000;
		double got = (double)histogram_quantile(&h, quantiles[i]);
		ck_assert_double_ge(got, truth - 1);
		ck_assert_double_le(got, truth * 1.04);
	}
	ck_assert_uint_eq(histogram_quantile(&h, 0), 1);
	ck_assert_uint_eq(histogram_quantile(&h, 1), 100000);
	histogram_init(&other);
	histogram_add(&other, UINT64_MAX / 2);
	histogram_merge(&h, &other);
	ck_assert_uint_eq(h.count, 100001);
	ck_assert_uint_eq(h.max, UINT64_MAX / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ring");
	TCase *tc = tcase_create("ring");
	tcase_set_timeout(tc, 50);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_uncommitted_is_invisible);
	tcase_add_test(tc, test_too_large_and_closed);
	tcase_add_test(tc, test_timeouts);
	tcase_add_test(tc, test_close_wakes_a_blocked_producer);
	tcase_add_test(tc, test_stress_small_ring);
	tcase_add_test(tc, test_stress_gathering);
	tcase_add_test(tc, test_histogram);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
