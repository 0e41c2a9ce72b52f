/*
 * bench latency: what one system call costs, by mechanism. A guest of ours times each call and checks each value;
 * it
 * shares its findings through a memfd whose number it is told, so nothing but the measured call enters the kernel.
 */
#ifndef TRAPLINE_BENCH_LATENCY_H
#define TRAPLINE_BENCH_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errors.h"
#include "base/histogram.h"
#include "tracer/session.h"

enum latency_kind {
	LATENCY_ALONE,		/* no supervisor at all: native */
	LATENCY_ERRNO,		/* no supervisor: a BPF filter answers with an errno */
	LATENCY_FILTERED,	/* no supervisor: a BPF filter looks at an argument and lets the call pass */
	LATENCY_ANSWERED,	/* a made-up value, different for each call */
	/* traced with arguments and, where the mechanism can, result; carried out by the host */
	LATENCY_WATCHED,
	LATENCY_OUTSIDE,	/* the plan intercepts another call than this one */
	/* a policy decides on a path: notify refuses, trace passes the call with the checked copy */
	LATENCY_PATH,
	LATENCY_KINDS,
};

const char *latency_kind_name(enum latency_kind k);

enum latency_placement {
	LATENCY_SAME_CPU,	/* supervisor and guest are bound to one CPU */
	LATENCY_FREE,		/* as people run it: trapline places its threads */
	LATENCY_SCHEDULER,	/* where the scheduler puts them, trapline keeps out of it */
	LATENCY_PLACEMENTS,
};

const char *latency_placement_name(enum latency_placement p);

struct latency_row {
	enum mechanism mechanism;	/* NATIVE for ALONE, ERRNO and FILTERED */
	enum latency_kind kind;
	enum latency_placement placement;
	int unavailable;		/* not 0: the negative errno for which it cannot run here */
	uint64_t wrong;			/* values that were not the expected one */
	uint64_t timer_ns;		/* what reading the clock twice costs; taken off each sample */
	struct histogram ns;
};

/*
 * Measure calls more calls and add them to the row. guest_argv starts a program that passes the descriptor's number,
 * appended as its last argument, to latency_guest(). An error has been said on stderr.
 */
MUST_CHECK int latency_run(struct latency_row *row, uint64_t calls, char *const *guest_argv);

/* Whether the guest runs without a supervisor. */
static inline bool latency_is_alone(enum latency_kind k)
{
	return k == LATENCY_ALONE || k == LATENCY_ERRNO || k == LATENCY_FILTERED;
}

/*
 * How many calls one sample covers: 1 where a stop is measured; several where the call runs at native speed, since
 * reading the clock costs about as much as such a call and slows it besides.
 */
unsigned latency_batch(enum latency_kind k);

/* The guest's main: the exit status. */
int latency_guest(int shared_fd);

#endif
