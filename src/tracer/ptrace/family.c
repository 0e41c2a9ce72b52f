/*
 * What the task table of the file kernel is told: who was born of whom, with which flags.
 *
 * A new task may stop before the event of the call that made it is seen. It must not go on yet: its first call would
 * find a context that is not its own. So it is held in its first stop until the event comes. If it never comes (the
 * maker was killed in its own stop), the task is taken for a child of what /proc says, and goes on.
 */
#include <sched.h>
#include <string.h>

#include "base/log.h"
#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "tracer/memory.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"
#include "tracer/stub/stub.h"

enum { HOLD_NS = 50 * 1000 * 1000 };

/* Of the call in which a task stands that has just made another. */
static unsigned long flags_of_call(const struct tracee *parent)
{
	struct regs r;
	uint64_t nr, arg, flags;
	regs_init(&r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)parent->tid);
	if (regs_get(&r, REG_NR, &nr) < 0 || regs_get(&r, REG_ARG0, &arg) < 0)
		return 0;
	enum call_id id = call_from_nr(host_abi(), (int64_t)nr);
	if (id == CALL_vfork)
		return CLONE_VFORK | CLONE_VM;
	if (id == CALL_clone)
		return (unsigned long)arg;
	/* Another thread may have changed it since the kernel read it: then the guest deceives itself alone. */
	if (id == CALL_clone3 && memory_read(parent->tid, arg, &flags, sizeof(flags)) == 0)
		return (unsigned long)flags;
	return 0;
}

static void forked(struct session *s, pid_t parent, pid_t child, unsigned long flags)
{
	struct tasks *tasks = s->options->kernel->tasks;
	int r = task_forked(tasks, parent, child, flags);
	if (r == -ESRCH)
		r = task_forked(tasks, s->main_pid, child, 0);
	if (r < 0)
		log_debug("task %d is not known to the file kernel: %s", child, strerror(-r));
}

void family_hold(struct tracee *t)
{
	t->newborn = true;
	t->delay_ns = HOLD_NS;
}

pid_t family_guess(struct tracee *t)
{
	pid_t tgid = tracee_tgid(t);
	return tgid != t->tid ? tgid : proc_status_pid(t->tid, "PPid");
}

void family_born(struct session *s, struct tracee *t, const struct tracee *parent)
{
	if (!s->files)
		return;
	t->newborn = false;
	unsigned long flags = flags_of_call(parent);
	forked(s, parent->tid, t->tid, flags);
	stub_forked(s, parent->tid, t->tid, flags);
	t->delay_ns = 0;
	if (!t->wake_ns)
		return;
	held_remove(s, t);
	int r = tracee_resume(s, t, t->wake_signal);
	if (r < 0 && r != -ESRCH)
		session_fail(s, r, "cannot resume a guest");
}

void family_orphan(struct session *s, struct tracee *t)
{
	bool thread = tracee_tgid(t) != t->tid;
	t->newborn = false;
	forked(s, family_guess(t), t->tid, thread ? CLONE_FS | CLONE_THREAD : 0);
}
