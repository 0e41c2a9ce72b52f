/* System calls that a stopped task makes for the supervisor, before it goes on with its own. Trap thread only. */
#ifndef TRAPLINE_TRACER_PTRACE_REMOTE_H
#define TRAPLINE_TRACER_PTRACE_REMOTE_H

#include "tracer/session_private.h"

/* A task that stands at the entry of a call (an entry stop, or a filter stop). */
struct remote {
	struct session *s;
	struct tracee *t;
	struct regs regs;
	uint64_t args[6];	/* the call's own */
	uint64_t mask;		/* the task's signals, all blocked meanwhile */
	int stopped_by;		/* a stop signal that came meanwhile */
	bool left;		/* the stop at the call's entry was left */
};

MUST_CHECK int remote_begin(struct remote *r, struct session *s, struct tracee *t);
/* *ret is what the call returned, a negative errno as it is. -ESRCH: the task died. */
MUST_CHECK int remote_call(struct remote *r, enum call_id id, const uint64_t args[6], int64_t *ret);
/* Back to a stop at the entry of the task's own call, as it was. -ESRCH. */
MUST_CHECK int remote_end(struct remote *r);

#endif
