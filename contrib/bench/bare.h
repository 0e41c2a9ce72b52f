/*
 * What the bare loops share: options, placement, the guest's timed loop and the printed line. Header only, so that each
 * program builds alone:  cc -O2 -o bare_trace bare_trace.c
 *
 * The guest makes the same call again and again and times each with the cycle counter; the supervisor answers with a
 * value that changes from call to call, so a lost, doubled or swapped answer is seen and counted as wrong. Samples live
 * in shared memory and nothing but the measured call enters the kernel between the first sample and the last.
 */
#ifndef CONTRIB_BENCH_BARE_H
#define CONTRIB_BENCH_BARE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BARE_WARMUP 2000L
#define BARE_MADE_UP 0x5eed0000L	/* no pid is that large, so the host cannot have answered */

struct bare_shared {
	uint64_t wrong;			/* answers that were not the expected value */
	uint64_t timer;			/* ticks of reading the clock twice, taken off each sample */
	char text[64];			/* what --read lets the supervisor copy */
	uint64_t sample[];		/* ticks */
};

struct bare {
	const char *name;
	long calls;
	long call_number;		/* the guest's call; getppid unless the program says otherwise */
	int cpu;			/* both sides on this one; -1: where the scheduler puts them */
	/* calls for each sample; more than 1 where they cost little more than the clock */
	int batch;
	bool closes_result;		/* the answer is a descriptor: any will do, and it is closed untimed */
	bool fixed_result;		/* the answer is .expected each time */
	long expected;
	double ns_per_tick;
	struct bare_shared *shared;
};

__attribute__((noreturn)) static inline void bare_die(const char *what)
{
	int status = errno == EPERM || errno == ENOSYS ? 77 : 1;	/* not allowed here: a test that is skipped */

	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(status);
}

static inline uint64_t bare_ticks(void)
{
#if defined(__x86_64__)
	uint32_t low, high, aux;

	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux) : : "memory");
	return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t) : : "memory");
	return t;
#else
#error "no cycle counter known here"
#endif
}

static inline uint64_t bare_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double bare_calibrate(void)
{
	uint64_t ticks = bare_ticks(), ns = bare_clock_ns();

	while (bare_clock_ns() - ns < 4000000u)
		;
	return (double)(bare_clock_ns() - ns) / (double)(bare_ticks() - ticks);
}

static inline int bare_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static inline uint64_t bare_timer_cost(void)
{
	uint64_t cost[1001];

	for (size_t i = 0; i < 1001; i++) {
		uint64_t start = bare_ticks();

		cost[i] = bare_ticks() - start;
	}
	qsort(cost, 1001, sizeof(cost[0]), bare_compare);
	return cost[500];
}

/* The answer to the n-th intercepted call, counted from 0 with the warm-up. */
static inline long bare_answer(long n)
{
	return BARE_MADE_UP + (n & 0xffff);
}

static inline long bare_total(const struct bare *b)
{
	return BARE_WARMUP + b->calls;
}

static inline bool bare_is_right(const struct bare *b, long n, long result)
{
	if (b->closes_result)
		return result >= 0 && close((int)result) == 0;
	return result == (b->fixed_result ? b->expected : bare_answer(n));
}

/* One raw call; glibc's wrapper would add its own work and, on a wrong answer, touch errno. */
static inline long bare_call(long number, long arg)
{
	long result;

#if defined(__x86_64__)
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(arg) : "rcx", "r11", "memory");
#else
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = arg;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory");
	result = x0;
#endif
	return result;
}

/* The guest's side: every call of the run, timed and checked. */
static inline void bare_guest(const struct bare *b)
{
	struct bare_shared *s = b->shared;
	long total = bare_total(b);

	for (long n = 0; n < total; n++) {
		uint64_t start = bare_ticks();
		long result = bare_call(b->call_number, (long)(intptr_t)s->text);
		uint64_t end = bare_ticks();

		if (!bare_is_right(b, n, result))
			s->wrong++;
		if (n >= BARE_WARMUP)
			s->sample[n - BARE_WARMUP] = end - start;
	}
}

/* The same with the clock read once for .batch calls; .calls counts the batches. */
static inline void bare_guest_in_batches(const struct bare *b)
{
	struct bare_shared *s = b->shared;

	for (long n = 0; n < b->calls; n++) {
		uint64_t start = bare_ticks();

		for (int i = 0; i < b->batch; i++)
			if (!bare_is_right(b, n, bare_call(b->call_number, (long)(intptr_t)s->text)))
				s->wrong++;
		s->sample[n] = bare_ticks() - start;
	}
}

static inline void bare_usage(const struct bare *b, const char *extra)
{
	printf("usage: %s [--calls N] [--cpu N | --free]%s\n"
	       "  --calls N  measured calls (%ld)\n"
	       "  --cpu N    guest and supervisor both on this CPU (default: the first one allowed)\n"
	       "  --free     where the scheduler puts them, within the affinity inherited\n",
	       program_invocation_short_name, extra, b->calls);
}

static inline int bare_first_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		bare_die("sched_getaffinity");
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			return i;
	return 0;
}

/* Reads the common options; asks option() about the others (flags without a value: the name without dashes). */
static inline void bare_init(struct bare *b, int argc, char **argv, const char *extra_usage,
			     bool (*option)(struct bare *b, const char *name))
{
	b->cpu = bare_first_cpu();
	if (!b->calls)
		b->calls = 100000;
	if (!b->call_number)
		b->call_number = SYS_getppid;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!strcmp(a, "--help")) {
			bare_usage(b, extra_usage);
			exit(0);
		} else if (!strcmp(a, "--calls") && i + 1 < argc) {
			b->calls = atol(argv[++i]);
		} else if (!strcmp(a, "--cpu") && i + 1 < argc) {
			b->cpu = atoi(argv[++i]);
		} else if (!strcmp(a, "--free")) {
			b->cpu = -1;
		} else if (strncmp(a, "--", 2) || !option || !option(b, a + 2)) {
			bare_usage(b, extra_usage);
			exit(2);
		}
	}
	if (b->calls < 1 || b->calls > 100000000) {
		errno = ERANGE;
		bare_die("--calls");
	}
	b->ns_per_tick = bare_calibrate();
	b->shared = mmap(NULL, sizeof(*b->shared) + (size_t)b->calls * sizeof(uint64_t), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (b->shared == MAP_FAILED)
		bare_die("mmap");
	strcpy(b->shared->text, "/etc/passwd");
	if (b->cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(b->cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) < 0)
			bare_die("sched_setaffinity");
	}
	/* Here and not in the guest: its sort may allocate, and that would be calls of the guest's. */
	b->shared->timer = bare_timer_cost();
}

static inline double bare_ns(const struct bare *b, uint64_t ticks)
{
	uint64_t timer = b->shared->timer;

	return ticks > timer ? (double)(ticks - timer) * b->ns_per_tick / (b->batch ? b->batch : 1) : 0;
}

/* One line of key=value words; the exit status: 0 if every answer was right. */
static inline int bare_report(const struct bare *b)
{
	struct bare_shared *s = b->shared;
	size_t n = (size_t)b->calls;
	int digits = b->batch > 1;
	char place[32] = "free";

	if (b->cpu >= 0)
		snprintf(place, sizeof(place), "cpu%d", b->cpu);
	qsort(s->sample, n, sizeof(s->sample[0]), bare_compare);
	printf("%s place=%s median_ns=%.*f p99_ns=%.*f p999_ns=%.*f calls=%zu wrong=%llu\n", b->name, place,
	       digits, bare_ns(b, s->sample[n / 2]), digits, bare_ns(b, s->sample[n - 1 - n / 100]), digits,
	       bare_ns(b, s->sample[n - 1 - n / 1000]), n, (unsigned long long)s->wrong);
	return s->wrong != 0;
}

#endif
