/* What a process id of a live task's namespace stands for in ours: pid_namespaces(7). */
#ifndef TRAPLINE_TRACER_LIVE_PID_H
#define TRAPLINE_TRACER_LIVE_PID_H

#include <sys/types.h>

#include "base/errors.h"
#include "syscalls/decode.h"

/* pid as task tid knows it. 0, or -ESRCH if nothing has that id, as a thread, process, group or session. */
MUST_CHECK int live_pid_note(pid_t tid, pid_t pid, struct pid_note *ret);

#endif
