/* Seccomp filters as a guest knows them: without the one of ours that it runs under. */
#ifndef TRAPLINE_KERNEL_TASK_FILTERS_H
#define TRAPLINE_KERNEL_TASK_FILTERS_H

#include <sys/types.h>

struct task_filters {
	int mode;		/* as PR_GET_SECCOMP of prctl(2) tells it */
	unsigned count;
};

/* From the text of the host's /proc/TID/status (proc_pid_status(5)). */
struct task_filters filters_of_status(const char *text);
struct task_filters filters_of_task(pid_t tid);

#endif
