/*
 * What this kernel, these privileges and this container allow. Every fact that can be tried is tried, in a child with a
 * time limit, since a system call that a container forbids may fail, be killed for, or never return.
 */
#ifndef TRAPLINE_TRACER_DOCTOR_H
#define TRAPLINE_TRACER_DOCTOR_H

#include <stddef.h>

#include "base/errors.h"
#include "tracer/session.h"

enum finding_state {
	FINDING_OK,
	FINDING_NO,
	FINDING_NA,		/* has no meaning here */
	FINDING_INFO,		/* a fact, neither good nor bad */
};

struct finding;

struct check {
	const char *group;
	const char *name;	/* for programs: stable, [a-z0-9_] */
	const char *title;	/* for people */
	const char *cost;	/* what the lack of it costs; NULL: nothing that needs saying */
	void (*run)(struct finding *f);
};

struct finding {
	const struct check *check;
	enum finding_state state;
	int error;		/* 0, or the negative errno that trying gave */
	char detail[112];	/* what was seen; may be empty */
};

size_t doctor_check_count(void);
/* Run the i-th check. Takes at most a few seconds, even where the kernel or a container misbehaves. */
void doctor_check(size_t i, struct finding *ret);
/* mechanism_info(), asked in a child, since to try what an outer filter kills for is deadly. */
void doctor_mechanism(enum mechanism m, struct mechanism_info *ret);
const char *finding_state_name(enum finding_state s);

#endif
