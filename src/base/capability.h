#ifndef TRAPLINE_BASE_CAPABILITY_H
#define TRAPLINE_BASE_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errors.h"

/* capabilities(7), a bit for each. */
struct capability_sets {
	uint64_t effective, permitted, inheritable;
};

/* Those of the calling thread. -errno of capget(2) where the host refuses even that. */
MUST_CHECK int capability_sets(struct capability_sets *ret);
/* Whether the calling thread has it in its effective set. */
bool capability_effective(int capability);

#endif
