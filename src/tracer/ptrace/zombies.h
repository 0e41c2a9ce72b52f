/* Ends that a guest can know of, and that were not told to us yet. */
#ifndef TRAPLINE_TRACER_PTRACE_ZOMBIES_H
#define TRAPLINE_TRACER_PTRACE_ZOMBIES_H

#include "tracer/session_private.h"

/* Is the call that this task is stopped at waitid(2) with WNOHANG? */
bool zombies_asked_for(const struct tracee *t);

/* Collect another task of the asker's trap thread that has ended, with its wait status; 0: there is none. */
pid_t zombies_next(const struct tracee *asker, int *ret_status);

#endif
