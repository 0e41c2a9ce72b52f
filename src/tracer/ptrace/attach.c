/* Attaching to running processes and letting them go again. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "observe/record.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

/* Seize and interrupt one thread. 1 if it is new, 0 if known or gone. */
static int attach_thread(struct session *s, pid_t tid, pid_t tgid)
{
	if (tracee_find(s, tid))
		return 0;
	int r = ops_seize(tid, 0);
	if (r == -ESRCH)
		return 0;
	/* A thread that one of ours created meanwhile is traced already; it will report itself. */
	if (r == -EPERM && tgid != tid && s->tracee_count)
		return 0;
	if (r < 0)
		return r;
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

/* One pass over a process's threads: how many were new, or a negative errno. */
static int attach_pass(struct session *s, pid_t pid)
{
	char path[64];
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
		int r = attach_thread(s, tid, pid);
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
	else if (err == -ESRCH)
		log_error("cannot attach to process %d: no such process", pid);
	else
		log_error("cannot attach to process %d: %s (see `trapline doctor`)", pid, strerror(-err));
}

int attach_all(struct session *s)
{
	for (size_t i = 0; i < s->options->attach_count; i++) {
		pid_t pid = s->options->attach[i];
		int r;
		/* Again until a pass finds no new thread: the last ones created before all were caught. */
		do {
			r = attach_pass(s, pid);
		} while (r > 0);
		if (r < 0 || !s->tracee_count) {
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
