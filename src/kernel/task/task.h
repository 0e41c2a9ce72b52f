/*
 * Tasks: one for each guest thread that the tracer knows, by its host thread id.
 *
 * Locks: tasks.lock guards the table and each task's pointers; it is a leaf and held for moments. A task_view is a
 * snapshot with references, taken under it, so that handlers work without a lock.
 */
#ifndef TRAPLINE_KERNEL_TASK_TASK_H
#define TRAPLINE_KERNEL_TASK_TASK_H

#include <sched.h>

#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"

struct tasks;

/* vfs borrowed; may be NULL */
MUST_CHECK int tasks_create(struct vfs *vfs, const struct cred *cred, struct tasks **ret);
void tasks_destroy(struct tasks *t);

/* ---- told by the tracer ---- */
/* The first task: root and cwd "/" until task_set_cwd. */
MUST_CHECK int task_add_first(struct tasks *t, pid_t tid);
/* flags: CLONE_FS and CLONE_THREAD count. A child that is already known is left as it is. */
MUST_CHECK int task_forked(struct tasks *t, pid_t parent, pid_t child, unsigned long flags);
/*
 * tid was exec'ed by former (another thread of the group, whose id it was, or itself). exe: a reference is taken; NULL:
 * not known. The fs context stays shared with other processes, as on Linux. Threads end one by one (task_ended).
 */
void task_execed(struct tasks *t, pid_t former, pid_t tid, const struct path *exe);
/*
 * tid is about to exec exe, of which a reference is taken; NULL: that came to nothing. When the kernel has done it
 * others know at once (what is closed by it, vfork's end), before it is reported: from then on the host's exe of tid is
 * the file dev, ino.
 */
void task_execs(struct tasks *t, pid_t tid, const struct path *exe, dev_t dev, ino_t ino);
void task_ended(struct tasks *t, pid_t tid);
/* A group stop (job control) begins or ends: what the host shows of it is that it is traced. */
void task_set_stopped(struct tasks *t, pid_t tid, bool stopped);

/*
 * Where tid may run as far as it can tell, if its tracer has narrowed that for a while; false: it has not. ctx is the
 * tracer's. By any thread, so it is told before there are others: NULL afterwards.
 */
typedef bool (*cpus_teller)(void *ctx, pid_t tid, cpu_set_t *ret);
void tasks_tell_cpus(struct tasks *t, cpus_teller tell, void *ctx);

/* ---- for handlers ---- */
bool task_narrowed(const struct tasks *t, pid_t tid, cpu_set_t *ret);	/* cpus_teller */
/* What a call of this task depends on; task_view_finish drops the references. -ESRCH: unknown. */
struct task_view {
	struct walk_env env;
	struct cred *cred;		/* a reference; env.cred */
	pid_t tid, tgid;
	bool stopped;			/* in a group stop */
};
MUST_CHECK int task_view(struct tasks *t, pid_t tid, struct task_view *ret);
void task_view_finish(struct task_view *v);

/* These take references of their own. They change the context that CLONE_FS shares. -ESRCH */
MUST_CHECK int task_set_cwd(struct tasks *t, pid_t tid, const struct path *cwd);
MUST_CHECK int task_set_root(struct tasks *t, pid_t tid, const struct path *root);
/* unshare(2) with CLONE_FS. -ESRCH, -ENOMEM. */
MUST_CHECK int task_unshare_fs(struct tasks *t, pid_t tid);
mode_t task_set_umask(struct tasks *t, pid_t tid, mode_t mask);		/* the old one */
/* Credentials are never changed in place: a copy replaces the old. Takes over the reference. */
MUST_CHECK int task_set_cred(struct tasks *t, pid_t tid, struct cred *cred);
/*
 * PR_SET_DUMPABLE of prctl(2), of the process. It is kept here alone: the host's would take a guest's memory and
 * descriptors away from a supervisor without privileges. execve sets it to 1.
 */
MUST_CHECK int task_set_dumpable(struct tasks *t, pid_t tid, int dumpable);	/* -ESRCH */
int task_dumpable(struct tasks *t, pid_t tid);		/* 1 where the task is not known */
/* A reference. -ENOENT: no execve yet. */
MUST_CHECK int task_exe(struct tasks *t, pid_t tid, struct path *ret);
/* An exec_checker; ctx is a struct tasks. */
bool tasks_execute(void *ctx, const struct inode *inode);
bool task_known(struct tasks *t, pid_t tid);
/*
 * Thread group leaders and threads, ascending: the first id > after, 0 at the end. tgid 0: leaders, else threads of it.
 */
pid_t task_next(struct tasks *t, pid_t tgid, pid_t after);

#endif
