/*
 * What bench latency measured on this machine, kept for policy explain: $XDG_CACHE_HOME/trapline/costs.json (without
 * the variable: ~/.cache).
 */
#ifndef TRAPLINE_CLI_COSTS_H
#define TRAPLINE_CLI_COSTS_H

#include "policy/compile.h"

enum {
	COSTS_WHY_MAX = 512,
	COSTS_CALLS_MIN = 1000,	/* of fewer a median says little: not kept */
};

/*
 * Keep what was measured (.ns > 0) with today's date, beside what is kept already; the file is replaced as a whole or
 * not at all. 0 with the file's name in path; a negative errno with the reason in why.
 */
MUST_CHECK int costs_store(const struct plan_costs *measured, char *path, size_t size, char why[COSTS_WHY_MAX]);

/*
 * The design's table, and over it what is kept for this machine; why: in words, which of them, and what is wrong with
 * the file. 0, or a negative errno when there is a file that cannot be used.
 */
int costs_load(struct plan_costs *ret, char why[COSTS_WHY_MAX]);

#endif
