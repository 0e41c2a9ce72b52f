/* A small seeded generator (xoshiro256++), so that a run can be repeated exactly. Not for secrets. */
#ifndef TRAPLINE_BENCH_GUEST_RANDOM_H
#define TRAPLINE_BENCH_GUEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct random {
	uint64_t s[4];
};

static inline uint64_t random_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline void random_init(struct random *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = random_mix(seed += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t *s = r->s, sum = s[0] + s[3], result = (sum << 23 | sum >> 41) + s[0], t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return result;
}

/* len is rounded down to whole words. */
static inline void random_fill(struct random *r, void *to, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t v = random_next(r);

		memcpy((uint8_t *)to + i, &v, 8);
	}
}

#endif
