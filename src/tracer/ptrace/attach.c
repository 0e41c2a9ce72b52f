/* Attaching to running processes and letting them go again. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "observe/record.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

/* The leader of a process stays as a zombie until its last thread has ended. */
static bool has_ended(pid_t tid)
{
	char state = proc_status_state(tid);
	return state == 'Z' || state == 'X';
}

/* Seize and interrupt one thread. 1 if it is new, 0 if known or gone; *ret_any is set for what is ours then. */
static int attach_thread(struct session *s, pid_t tid, pid_t tgid, bool *ret_any)
{
	if (tracee_find(s, tid)) {
		*ret_any = true;
		return 0;
	}
	int r = ops_seize(tid, 0);
	if (r == -ESRCH)
		return 0;
	/* A thread that one of ours created meanwhile is traced already; it will report itself. */
	if (r == -EPERM && ((tgid != tid && s->tracee_count) || has_ended(tid)))
		return 0;
	if (r < 0)
		return r;
	*ret_any = true;
	struct tracee *t;
	r = tracee_add(&s->traps[0], tid, &t);
	if (r < 0)
		return r;
	t->tgid = tgid;
	t->announced = true;
	t->attached = true;
	t->launching = s->options->attach_launching;
	emit_task(s, t, RECORD_TASK_NEW, 0, false);
	cpu_set_t mask;
	t->placed.own_mask = sched_getaffinity(tid, sizeof(mask), &mask) < 0 || !CPU_EQUAL(&mask, &s->placement.base);
	r = ops_interrupt(tid);
	if (r < 0 && r != -ESRCH)
		return r;
	return 1;
}

/* One pass over a process's threads: how many were new, or a negative errno. It may be named by any of them. */
static int attach_pass(struct session *s, pid_t pid, bool *ret_any)
{
	char path[64];
	pid_t tgid = proc_status_pid(pid, "Tgid");
	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	int new = 0;
	struct dirent *entry;
	while (new >= 0 && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (tid <= 0)
			continue;
		int r = attach_thread(s, tid, tgid ? tgid : pid, ret_any);
		new = r < 0 ? r : new + r;
	}
	(void)closedir(dir);
	return new;
}

static void explain(pid_t pid, int err)
{
	pid_t tracer = proc_status_pid(pid, "TracerPid");
	if (err == -EPERM && tracer)
		log_error("cannot attach to process %d: process %d already traces it", pid, tracer);
	else if (err == -ESRCH && access("/proc/self", F_OK) < 0)
		log_error("cannot attach to process %d: /proc is not mounted", pid);
	else if (err == -ESRCH && has_ended(pid))
		log_error("cannot attach to process %d: it has ended, its parent has not asked for its status", pid);
	else if (err == -ESRCH)
		log_error("cannot attach to process %d: no such process", pid);
	else
		log_error("cannot attach to process %d: %s (see `trapline doctor`)", pid, strerror(-err));
}

int attach_all(struct session *s)
{
	for (size_t i = 0; i < s->options->attach_count; i++) {
		pid_t pid = s->options->attach[i];
		bool any = false;
		int r;
		/* Again until a pass finds no new thread: the last ones created before all were caught. */
		do {
			r = attach_pass(s, pid, &any);
		} while (r > 0);
		if (r < 0 || !any) {
			explain(pid, r < 0 ? r : -ESRCH);
			return r < 0 ? r : -ESRCH;
		}
	}
	if (s->options->attach_launching && write(s->options->attach_ready, "", 1) < 0)
		return -errno;
	return 0;
}

static void interrupt_one(struct session *s, struct tracee *t)
{
	t->detaching = true;
	(void)s;
	/* A task in a stop that wait has not reported yet needs none; ESRCH is a task that is ending. */
	int r = ops_interrupt(t->tid);
	(void)r;
}

/* Ask every task to stop; each is detached at its next stop, whatever that is (loop.c). */
void detach_begin(struct session *s)
{
	atomic_store(&s->detach_wanted, true);
	atomic_store(&s->trap_acknowledged, true);
	tracee_each(s, interrupt_one);
}
