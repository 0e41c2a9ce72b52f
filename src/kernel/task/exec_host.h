/*
 * Does the host's own execve(2) do what a plan says? Then it may be left to it: names that lead to the same files on
 * the host, found there by the same process. What was executed is looked at afterwards, since names can change
 * meanwhile.
 */
#ifndef TRAPLINE_KERNEL_TASK_EXEC_HOST_H
#define TRAPLINE_KERNEL_TASK_EXEC_HOST_H

#include <sys/stat.h>

#include "kernel/task/exec.h"

/* Does name lead to this file, of which fstat tells, for this task on the host (in its working directory there)? */
bool exec_host_finds(pid_t tid, const char *name, const struct stat *opened);
/* Does the host execute this file for us, and nobody gains by it (set-user-ID, set-group-ID, file capabilities)? */
bool exec_host_may_run(int fd);
/*
 * Take down what the host's execve must end with: plan->exe_id, plan->interp_id. The files are closed. A negative errno
 * if that cannot be told.
 */
MUST_CHECK int exec_host_expect(struct exec_plan *p);
/* Did it? ip: where the task stands at the end of its execve. -EPERM: something else was executed. */
MUST_CHECK int exec_host_check(pid_t tid, const struct exec_plan *p, uint64_t ip);
/* What the host calls the files that were executed and begun in; they may have gone by these names. */
MUST_CHECK int exec_host_names(pid_t tid, uint64_t ip, char exe[VFS_PATH_MAX], char interp[VFS_PATH_MAX]);

#endif
