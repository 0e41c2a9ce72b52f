/* What "where" asks about, for a guest that this trapline would start on this machine. */
#ifndef TRAPLINE_TRACER_POLICY_GUEST_FACTS_H
#define TRAPLINE_TRACER_POLICY_GUEST_FACTS_H

#include "policy/model.h"

struct guest_facts {
	struct policy_facts facts;	/* points into the rest */
	const char *caps[65];
};

/* The kernel that runs and the capabilities that a command has once it is executed (capabilities(7)). */
void guest_facts_init(struct guest_facts *g);

#endif
