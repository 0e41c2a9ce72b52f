/*
 * The memory that a fidelity guest shares with its supervisor (a memfd, inherited): what to do, what the guest has in
 * its registers right now, and what it found. So both sides can compare without any call besides those that are
 * measured.
 */
#ifndef TRAPLINE_BENCH_GUEST_SHARED_H
#define TRAPLINE_BENCH_GUEST_SHARED_H

#include <stdatomic.h>

#include "bench/guest/state.h"

#define FIDELITY_TALLY_MAX 256

/* How often each register differed. */
struct fidelity_tally {
	uint32_t used;
	uint64_t total;
	struct {
		char name[16];
		uint64_t count;
	} row[FIDELITY_TALLY_MAX];
};

struct fidelity_shared {
	/* Written by the supervisor before the guest starts. */
	uint64_t seed;
	uint64_t calls;
	bool answered;			/* the supervisor answers with fidelity_answer(); otherwise Linux answers */

	/* Written by the guest. */
	_Atomic uint64_t armed;		/* the number, from 1, of the call in hand; 0 between calls */
	_Atomic uint64_t done;		/* calls made and compared */
	struct fidelity_call call;	/* the call in hand */
	struct fidelity_tally left;	/* what calls left different */
	char parts[128];		/* fidelity_state_describe */
	_Alignas(64) uint8_t state[FIDELITY_STATE_MAX];	/* struct fidelity_state: the registers of the call in hand */
};

void fidelity_tally_add(struct fidelity_tally *t, const char *name);

/* What an answering supervisor returns: a function of all it was passed, a plain value or an errno. */
int64_t fidelity_answer(int64_t nr, const uint64_t args[6]);

/* Choose the call number n of a run. parent: what getppid returns; self: what getpid does. */
struct fidelity_identity {
	int64_t self, parent;
};
void fidelity_choose(uint64_t n, bool answered, const struct fidelity_identity *who, struct random *random,
		     struct fidelity_call *ret);

/* The numbers that fidelity_choose uses and a table knows; *ret_count of them. Unknown numbers are used besides. */
const int *fidelity_numbers(size_t *ret_count);

/* The guest's program: makes shared->calls calls. Its exit status: 0, or 1 after a message. */
int fidelity_guest(int shared_fd);

#endif
