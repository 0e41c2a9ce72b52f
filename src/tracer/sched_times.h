/* How long a task has run and waited for a core (Documentation/scheduler/sched-stats.rst). */
#ifndef TRAPLINE_TRACER_SCHED_TIMES_H
#define TRAPLINE_TRACER_SCHED_TIMES_H

#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"

struct sched_times {
	uint64_t ran_ns;
	uint64_t waited_ns;	/* for a core, being able to run */
};

/* -ENOENT: it is gone, or the kernel does not count them; -EIO: it counts them in some other way. */
MUST_CHECK int sched_times(pid_t tid, struct sched_times *ret);

#endif
