/* Fields of /proc/PID/status (proc_pid_status(5)), and of other files of lines "Key: value". */
#ifndef TRAPLINE_TRACER_PROC_STATUS_H
#define TRAPLINE_TRACER_PROC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The text behind "field:" and blanks; false when the file is gone or has no such field. */
bool proc_field(const char *path, const char *field, char *text, size_t size);
/* The same of /proc/TASK/fdinfo/FD (proc_pid_fdinfo(5)). */
bool proc_fdinfo_field(pid_t task, int fd, const char *field, char *text, size_t size);

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
