/*
 * Everything a call must leave as it was: one architecture's registers, filled, loaded, stored and compared. The same
 * files for each architecture are in the directory of its name; meson picks one.
 */
#ifndef TRAPLINE_BENCH_GUEST_STATE_H
#define TRAPLINE_BENCH_GUEST_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/guest/random.h"
#include "base/errors.h"

struct fidelity_state;
struct regs;
struct regs_snapshot;

#define FIDELITY_STATE_MAX 8192		/* bytes of the largest architecture's state */
#define FIDELITY_STACK_SIZE 65536	/* where the guest's stack pointer points around a call */
#define FIDELITY_RED_ZONE 128		/* bytes below it that no one may touch */

/* One call to make: its number, all six argument registers, and what it must return. */
struct fidelity_call {
	int64_t nr;
	uint64_t args[6];
	int64_t result;
};

/* Called for each register that differs. */
typedef void fidelity_differs_fn(void *ctx, const char *name);

/* What comparing needs besides the states: made once. */
struct fidelity_compare {
	struct regs_snapshot *expected, *found;
};

MUST_CHECK int fidelity_compare_init(struct fidelity_compare *c);
void fidelity_compare_finish(struct fidelity_compare *c);

/* Prepare what stays the same for all calls (which registers this processor has). */
void fidelity_state_init(struct fidelity_state *s);

/* Random values in every register, but the call's in the registers of the call, and sp somewhere in the stack. */
void fidelity_state_fill(struct fidelity_compare *c, struct fidelity_state *s, struct random *random,
			 const struct fidelity_call *call, uint64_t stack);

/* Make the call in s. Afterwards the registers are in fidelity_after. */
long fidelity_call(const struct fidelity_state *s);
extern struct fidelity_state fidelity_after;

/* Where the guest's stack pointer is in this state. */
uint64_t fidelity_state_sp(const struct fidelity_state *s);

/* In the guest: compare what the call left behind with what Linux would have left. */
void fidelity_state_left(struct fidelity_compare *c, const struct fidelity_state *s, int64_t result,
			 fidelity_differs_fn *fn, void *ctx);

/*
 * In the supervisor: compare the guest's registers at the entry to the call with what it loaded. 0 or a negative errno.
 */
MUST_CHECK int fidelity_state_seen(struct fidelity_compare *c, const struct fidelity_state *s, struct regs *regs,
				   fidelity_differs_fn *fn, void *ctx);

/* The names of the parts that are compared here, for people: "general x87 sse avx avx512 flags fs_base gs_base". */
void fidelity_state_describe(const struct fidelity_state *s, char *buf, size_t size);

#endif
