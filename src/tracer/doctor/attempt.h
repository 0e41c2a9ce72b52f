/* Trying something that may fail, crash or hang, at no risk to the caller. Private to the doctor. */
#ifndef TRAPLINE_TRACER_DOCTOR_ATTEMPT_H
#define TRAPLINE_TRACER_DOCTOR_ATTEMPT_H

#include <stdbool.h>
#include <sys/types.h>

#include "tracer/doctor/doctor.h"

struct attempt {
	long result;		/* what the function returned: 0 or more, or a negative errno */
	int signal;		/* != 0: it died of this, and result is -EINTR */
	bool timed_out;		/* result is -ETIMEDOUT */
};

/*
 * Call fn(ctx) in a child in its own process group and wait for what it returns, two seconds at most. On time-out the
 * group is killed. The child's children must be started by attempt_fork(), so that they end with it.
 */
struct attempt attempt_run(long (*fn)(void *ctx), void *ctx);
/* fork(2) whose child dies when the caller does. */
pid_t attempt_fork(void);
/* OK or NO and why, from how it went. */
void finding_from_attempt(struct finding *f, const struct attempt *a);
/* attempt_run() of a function without context, told to f. The result, for those who want the number. */
long finding_try(struct finding *f, long (*fn)(void *ctx));

void finding_set(struct finding *f, enum finding_state s, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
