/*
 * The guard: a small process between supervisor and command that kills every guest when the supervisor dies.
 *
 * With ptrace attached PTRACE_O_EXITKILL does that. Under notify alone nothing in the kernel ties the guests' lives to
 * ours, so the command becomes the child of a guard, which adopts all orphans below it (PR_SET_CHILD_SUBREAPER) and
 * hears of the supervisor's death (PR_SET_PDEATHSIG). A signal to the group reaches it as well as the command. If the
 * guard itself is killed, the supervisor ends the session.
 */
#ifndef TRAPLINE_TRACER_GUARD_H
#define TRAPLINE_TRACER_GUARD_H

#include <sys/types.h>

#include "base/errors.h"
#include "tracer/sightings.h"

struct guard_page;

/* What becomes of the guard's child: runs in it and does not return. */
typedef void guard_child(void *arg);

struct guard {
	_Atomic pid_t pid;	/* of the guard, 0: none */
	int statuses;		/* wait(2) statuses of the command come here; owned */
	struct guard_page *page;	/* shared with it; owned */
};

/*
 * Start a guard and, as its child, the command. *ret_command is the command's pid. Descriptors are shared with both
 * (CLONE_FILES) as launch.c needs it; the guard takes a table of its own before the command goes on.
 */
MUST_CHECK int guard_start(struct guard *g, guard_child *child, void *arg, pid_t *ret_command);
/* The next status (stopped, continued or ended). -EPIPE: the guard is gone. -EINTR. */
MUST_CHECK int guard_wait(struct guard *g, int *ret_status);
/*
 * What the guard got of the signals that were sent to its process group, which is the supervisor's: all that were sent
 * before this call. NULL: the guard does not answer.
 */
struct sightings *guard_sightings(struct guard *g);
/* Kill all guests if any are left, and the guard. */
void guard_end(struct guard *g);
/* Once nobody asks for its sightings any more. */
void guard_finish(struct guard *g);

#endif
