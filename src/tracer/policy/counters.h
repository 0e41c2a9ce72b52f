/*
 * What is counted for each guest process (or thread): how often it made each call, and the schedules of injections.
 *
 * An id comes again when its process has ended. Where ptrace tells of ends, counters_ended drops the counts; else each
 * counted process has a pidfd, which says at the next call by that id, and from time to time, that it is another's.
 */
#ifndef TRAPLINE_TRACER_POLICY_COUNTERS_H
#define TRAPLINE_TRACER_POLICY_COUNTERS_H

#include <pthread.h>

#include "policy/decide.h"

struct counted {
	struct counted *next;
	pid_t id;
	int pidfd;			/* owned; -1: none */
	struct decide_state *injections;
	uint32_t calls[CALL_COUNT];
};

struct counters {
	pthread_mutex_t lock;		/* guards all below and every struct counted */
	struct counted **buckets;
	size_t bucket_count, count, sweep_at;
	bool watches;			/* nobody tells of ends */
};

MUST_CHECK int counters_init(struct counters *c, bool watches);
void counters_finish(struct counters *c);
/* Forget all: they belong to rules that are no more. The lock is held. */
void counters_clear(struct counters *c);
/* Of an id that made no call before: new, for the rules of p. NULL: no memory. The lock is held. */
struct counted *counters_of(struct counters *c, const struct policy *p, pid_t id);
void counters_ended(struct counters *c, pid_t id);

#endif
