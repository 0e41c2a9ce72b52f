/*
 * bench fidelity: what each mechanism saw and left behind, against a guest that knows the truth (guest/shared.h).
 */
#ifndef TRAPLINE_BENCH_FIDELITY_H
#define TRAPLINE_BENCH_FIDELITY_H

#include "base/strbuf.h"
#include "bench/guest/shared.h"
#include "tracer/session.h"

enum fidelity_mode {
	FIDELITY_ALONE,		/* no supervisor: what Linux itself does; the oracle of the others */
	FIDELITY_TRACED,	/* the supervisor looks at each call and lets the host carry it out */
	FIDELITY_ANSWERED,	/* the supervisor answers each call */
};

struct fidelity_options {
	uint64_t calls;
	uint64_t seed;
	bool free_placement;
	/*
	 * For those who test the bench: damage one thing at every plant_every-th call and see it found. A register's
	 * name (regs.h), "value" (the answer) or "call" (the supervisor forgets that it saw it). NULL: nothing.
	 */
	const char *plant;
	uint64_t plant_every;
	char *const *guest_argv;	/* how to start the guest; the descriptor's number is appended */
};

struct fidelity_result {
	enum mechanism mechanism;
	enum fidelity_mode mode;
	int unavailable;		/* not 0: the negative errno for which this mechanism cannot run here */
	int guest_status;		/* wait status; not 0: the run is void */
	uint64_t calls;			/* made and compared by the guest */
	uint64_t seen;			/* intercepted while armed */
	uint64_t lost;			/* made and never seen */
	uint64_t repeated;		/* seen more than once */
	uint64_t answered;
	uint64_t planted;
	struct fidelity_tally left;	/* different from what Linux leaves behind, by register */
	/* passed by the guest, seen differently by the supervisor: by register or argument */
	struct fidelity_tally saw;
	double seconds;
	char parts[128];
};

/* One run. A difference is a result, not an error; an error has been said on stderr. */
MUST_CHECK int fidelity_run(const struct fidelity_options *options, enum mechanism mechanism, enum fidelity_mode mode,
			    struct fidelity_result *ret);

/* Nothing lost and nothing different; with something planted: that found, and nothing else. */
bool fidelity_passed(const struct fidelity_options *options, const struct fidelity_result *r);

void fidelity_text_head(struct strbuf *out, const struct fidelity_options *options);
void fidelity_text(struct strbuf *out, const struct fidelity_options *options, const struct fidelity_result *r);
void fidelity_json_head(struct strbuf *out, const struct fidelity_options *options);
void fidelity_json(struct strbuf *out, const struct fidelity_options *options, const struct fidelity_result *r, bool first);
void fidelity_json_end(struct strbuf *out, bool passed);

#endif
