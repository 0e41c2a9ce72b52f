/* Who answers an intercepted call: the embedding program's handler first, then the handlers of syscalls/dispatch.h. */
#ifndef TRAPLINE_TRACER_HANDLERS_H
#define TRAPLINE_TRACER_HANDLERS_H

#include "kernel/kernel.h"
#include "tracer/session.h"

/* probe and k may be NULL. VERDICT_PASS: nobody answers, the host carries the call out. */
static inline struct verdict handlers_ask(const struct session_probe *probe, struct kernel *k, struct call_event *ev)
{
	struct verdict v = probe && probe->answer ? probe->answer(probe->ctx, ev) : verdict_pass();
	return v.kind == VERDICT_PASS && k ? syscalls_dispatch(k, ev) : v;
}

#endif
