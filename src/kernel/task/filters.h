/* Seccomp filters as a guest knows them: without the one of ours that it runs under. */
#ifndef TRAPLINE_KERNEL_TASK_FILTERS_H
#define TRAPLINE_KERNEL_TASK_FILTERS_H

#include <stdbool.h>
#include <sys/types.h>

struct task_filters {
	int mode;		/* as PR_GET_SECCOMP of prctl(2) tells it */
	unsigned count;
	bool no_new_privs;	/* the host's: of the guest's own doing, or needed for ours */
};

/* From the text of the host's /proc/TID/status (proc_pid_status(5)). */
struct task_filters filters_of_status(const char *text);
struct task_filters filters_of_task(pid_t tid);
/*
 * What PR_GET_NO_NEW_PRIVS tells. set: what the task's credentials say. The filter of another thread that came with
 * SECCOMP_FILTER_FLAG_TSYNC brought it along (kernel/seccomp.c, seccomp_sync_threads).
 */
bool filters_no_new_privs(const struct task_filters *f, bool set);

#endif
