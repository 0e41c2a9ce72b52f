/* Fields of /proc/PID/status (proc_pid_status(5)). */
#ifndef TRAPLINE_TRACER_PROC_STATUS_H
#define TRAPLINE_TRACER_PROC_STATUS_H

#include <sys/types.h>

/* A field that is one process id ("PPid", "Tgid", "TracerPid"); 0 when the task is gone or has no such field. */
pid_t proc_status_pid(pid_t task, const char *field);

#endif
