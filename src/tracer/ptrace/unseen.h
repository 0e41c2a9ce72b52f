/* Tasks that were traced from their birth on, of which nobody has told us yet. */
#ifndef TRAPLINE_TRACER_PTRACE_UNSEEN_H
#define TRAPLINE_TRACER_PTRACE_UNSEEN_H

#include <stdbool.h>

/*
 * Has one something to tell the calling thread, which knows of no other task? Its maker was killed before it could tell, and it has
 * not had the time for its first stop: that is waited for, a while.
 */
bool unseen_come(void);

#endif
