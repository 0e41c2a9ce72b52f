/* Fields of /proc/PID/status (proc_pid_status(5)). */
#ifndef TRAPLINE_TRACER_PROC_STATUS_H
#define TRAPLINE_TRACER_PROC_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A field that is one process id ("PPid", "Tgid", "TracerPid"); 0 when the task is gone or has no such field. */
pid_t proc_status_pid(pid_t task, const char *field);
/* A field that is a set of signals ("SigPnd", "ShdPnd"); empty when the task is gone. */
uint64_t proc_status_signals(pid_t task, const char *field);
/* The letter of its state, '\0' when it is gone. */
char proc_status_state(pid_t task);

/*
 * Whether a signal with a default action that kills would end the task's process, and nobody could prevent it: the
 * process has one thread, which neither handles, ignores nor blocks it.
 */
bool proc_status_dies_of(pid_t task, int sig);

#endif
