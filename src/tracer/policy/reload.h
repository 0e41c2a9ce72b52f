/* Whether another policy can take the place of the one whose filter is loaded: a filter can never be changed. */
#ifndef TRAPLINE_TRACER_POLICY_RELOAD_H
#define TRAPLINE_TRACER_POLICY_RELOAD_H

#include "policy/compile.h"

/*
 * A call may change if the loaded filter always stops it and user space can carry the new rules out from there; every
 * other call must get the answers from the filter that it gets. True, or false with what is in the way in why.
 */
bool reload_possible(const struct plan *loaded, const struct plan *next, char *why, size_t size);

#endif
