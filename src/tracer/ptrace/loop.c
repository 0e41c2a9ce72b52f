/*
 * The trap loop: wait for a traced task to stop or end, see what it is, resume it. The thread that runs it is the only
 * one that makes ptrace requests. ESRCH is an ordinary answer everywhere: a task may be killed while it is stopped, and
 * its end is then the next thing that wait reports.
 */
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "observe/record.h"
#include "tracer/auxv.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/ends.h"
#include "tracer/ptrace/handover.h"
#include "tracer/ptrace/exec.h"
#include "tracer/ptrace/ops.h"
#include "tracer/ptrace/strict.h"
#include "tracer/stub/stub.h"
#include "tracer/ptrace/unseen.h"
#include "tracer/ptrace/zombies.h"
#include "tracer/session_private.h"
#include "tracer/unwind.h"

enum { SYSCALL_STOP = SIGTRAP | 0x80 };

static void resume(struct session *s, struct tracee *t, int sig)
{
	if (t->delay_ns) {
		held_add(s, t, sig);
		return;
	}
	int r = tracee_resume(s, t, sig);
	if (r < 0 && r != -ESRCH)
		session_fail(s, r, "cannot resume a guest");
	yield_resumed(t->by, t);
}

/*
 * The changed arguments of the call that made it. An adopted task's maker is not known for certain: if the one that is
 * taken for it is in some other call, these are not the child's.
 */
static void inherit_call(struct tracee *t, const struct tracee *parent)
{
	enum call_id id = parent->call.id;
	if (id != CALL_clone && id != CALL_clone3 && id != CALL_fork && id != CALL_vfork)
		return;
	t->saved = parent->saved;
	memcpy(t->saved_args, parent->saved_args, sizeof(t->saved_args));
}

/* Are there no tasks but parent's new child, parent, and those that it comes from? */
static bool in_line(struct session *s, const struct tracee *parent)
{
	size_t above = 1;
	for (; parent && above <= s->tracee_count; parent = parent->parent ? tracee_find_own(parent->by, parent->parent) : NULL)
		above++;
	return above == s->tracee_count;
}

static void announce(struct session *s, struct tracee *t, struct tracee *parent)
{
	if (t->announced)
		return;
	t->announced = true;
	if (parent) {
		placement_forked(&s->placement, &t->by->core, t->tid, &t->placed, &parent->placed);
		if (s->files && s->placement.enabled)
			placement_forks(&s->placement, &t->by->core, parent->tid, &parent->placed, t->tid, &t->placed,
					in_line(s, parent));
		t->abi = parent->abi;
		t->attached = parent->attached;
		inherit_call(t, parent);
		carry_inherit(t, parent);
		t->loader_path = parent->loader_path;
	}
	emit_task(s, t, RECORD_TASK_NEW, parent ? parent->tid : 0, false);
}

/* A task that stops before its parent's event says that it exists: the parent is asked of /proc. */
static struct tracee *adopt(struct trap_thread *by, pid_t tid)
{
	struct session *s = by->session;
	struct tracee *t;
	if (tracee_add(by, tid, &t) < 0) {
		session_fail(s, -ENOMEM, "cannot follow a new task");
		return NULL;
	}
	t->adopted = true;
	if (s->files)
		family_hold(t);
	else
		announce(s, t, tracee_find_own(by, family_guess(t)));
	return t;
}

void loop_adopted(struct session *s, struct tracee *t)
{
	announce(s, t, tracee_find_own(t->by, family_guess(t)));
	family_orphan(s, t);
}

/* The parent's event may be the last that is told of a task: then it must not come to life again. */
static void note_early_end(struct trap_thread *by, pid_t tid)
{
	by->ended_early[by->ended_next++ % ARRAY_SIZE(by->ended_early)] = tid;
}

static bool has_ended_early(struct trap_thread *by, pid_t tid)
{
	for (size_t i = 0; i < ARRAY_SIZE(by->ended_early); i++) {
		if (by->ended_early[i] != tid)
			continue;
		by->ended_early[i] = 0;
		return true;
	}
	return false;
}

static void new_child(struct session *s, struct tracee *parent, enum ops_event event)
{
	uint64_t message;
	if (ops_event_message(parent->tid, &message) < 0)
		return;
	pid_t tid = (pid_t)message;
	if (has_ended_early(parent->by, tid))
		return;
	struct tracee *t = tracee_find_own(parent->by, tid);
	if (!t && tracee_add(parent->by, tid, &t) < 0) {
		session_fail(s, -ENOMEM, "cannot follow a new task");
		return;
	}
	if (event != OPS_EVENT_CLONE)
		t->tgid = tid;
	t->movable = event != OPS_EVENT_CLONE && !t->live;
	t->adopted = false;
	t->parent = parent->tid;
	t->by_clone3 = parent->call.id == CALL_clone3;
	t->clone_flags = parent->call.id == CALL_clone ? parent->call.args[0] : 0;
	announce(s, t, parent);
	family_born(s, t, parent);
}

static void drop(struct session *s, struct tracee *t)
{
	placement_exited(&s->placement, t->tid, &t->placed);
	if (t->wake_ns)
		held_remove(s, t);
	if (t->adopted)
		note_early_end(t->by, t->tid);
	tracee_remove(s, t);
}

/* Programs read their ids from the auxiliary vector too; those are not asked for by a call. */
static void tell_ids(struct session *s, struct tracee *t)
{
	if (!call_set_has(&s->emulated, CALL_getuid) && !call_set_has(&s->emulated, CALL_getgid))
		return;
	struct regs r;
	uint64_t sp;
	regs_init(&r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)t->tid);
	if (s->options->kernel && regs_get(&r, REG_SP, &sp) == 0 && auxv_set_ids(t->tid, sp, s->options->kernel->cred) < 0)
		log_debug("task %d: the auxiliary vector keeps the host's ids", t->tid);
}

/* A program of another ABI gets ENOSYS for every call under emulation and mostly dies of it at once: say why, once. */
static void warn_of_foreign(struct session *s, struct tracee *t)
{
	struct ptrace_syscall_info info;
	if (!s->emulates || s->warned_foreign || ops_syscall_info(t->tid, &info) < 0 ||
	    info.arch == call_abi_audit_arch(host_abi()))
		return;
	s->warned_foreign = true;
	log_warning("process %d runs a 32-bit program: its system calls fail with ENOSYS while calls are emulated", t->tid);
}

/*
 * exec by a thread that is not the leader: the thread takes the leader's id, and the leader's own end is not reported.
 * The call goes on under the new id.
 */
static void exec_event(struct session *s, struct tracee **tracee)
{
	struct tracee *t = *tracee;
	uint64_t message;
	if (ops_event_message(t->tid, &message) < 0)
		return;
	pid_t former = (pid_t)message;
	if (t->launching)
		launch_done(s);
	t->launching = false;
	if (s->unwinder)
		unwinder_forget(s->unwinder, tracee_tgid(t));
	if (former != t->tid) {
		struct trap_thread *by = t->by;
		struct tracee *execer = tracee_find_own(by, former);
		pid_t leader = t->tid;
		emit_task(s, t, RECORD_SUPERSEDED, former, false);
		drop(s, t);
		if (!execer && tracee_add(by, former, &execer) < 0) {
			session_fail(s, -ENOMEM, "cannot follow an execve");
			return;
		}
		/* The slot is under an id that no longer exists; the narrow mask goes on under the new one. */
		placement_exited(&s->placement, former, &execer->placed);
		placement_release(&s->placement, leader, &execer->placed);
		tracee_rename(s, execer, leader);
		execer->tgid = leader;
		execer->call.tid = leader;
		execer->live = true;
		*tracee = t = execer;
	}
	emit_comm(s, t, now_ns());
	t->saved = 0;
	carry_forget(t);
	if (s->files) {
		exec_done(s, t, former);
		/* Nobody waits for the end of the call itself unless it is recorded. */
		t->phase = calls_awaits_exit(t) ? PHASE_INSIDE : PHASE_OUTSIDE;
		return;
	}
	tell_ids(s, t);
	warn_of_foreign(s, t);
}

/* Of the command itself, which trapline asked for. */
static bool is_first_exec(struct session *s, const struct tracee *t)
{
	pid_t command = s->options->attach_launching ? s->options->attach[0] : s->main_pid;
	if (t->tid != command || s->command_executed)
		return false;
	s->command_executed = true;
	return true;
}

static bool is_group_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void set_stopped(struct session *s, struct tracee *t, bool stopped)
{
	t->group_stopped = stopped;
	if (s->files)
		task_set_stopped(s->options->kernel->tasks, t->tid, stopped);
}

static void event_stop(struct session *s, struct tracee *t, int sig)
{
	if (!is_group_stop(sig)) {
		if (t->group_stopped)
			set_stopped(s, t, false);
		if (t->tid == s->main_pid)
			job_continued(s);
		bool movable = t->movable;
		t->movable = false;
		if (!movable || !handover_offer(s, t))
			resume(s, t, 0);
		return;
	}
	emit_task(s, t, RECORD_GROUP_STOP, sig, false);
	set_stopped(s, t, true);
	t->movable = false;
	atomic_store_explicit(&t->active_ns, 0, memory_order_relaxed);
	int r = ops_resume(t->tid, OPS_LISTEN, 0);
	if (r < 0 && r != -ESRCH)
		session_fail(s, r, "PTRACE_LISTEN");
	job_stopped(s, t->tid == s->main_pid);
}

static void signal_stop(struct session *s, struct tracee *t, int sig)
{
	siginfo_t info;
	if (ops_siginfo(t->tid, &info) == 0) {
		if (stub_mends_fault(s, t, &info)) {
			resume(s, t, 0);
			return;
		}
		if (strict_broken(s, t, &info, &sig)) {
			resume(s, t, sig);
			return;
		}
		emit_signal(s, t, &info);
		if (is_group_stop(sig) && tracee_tgid(t) == s->main_pid)
			job_stop_sent(s, &info);
		if (tracee_tgid(t) == s->main_pid && info.si_pid != getpid())
			sightings_note(&s->main_saw, sig, info.si_pid);
	}
	calls_mend_interrupted(s, t);
	resume(s, t, sig);
}

/* Stops in the way of a detach end there. */
static bool detached(struct session *s, struct tracee *t, int sig, int event)
{
	if (!t->detaching)
		return false;
	bool delivery = event == 0 && sig != SYSCALL_STOP;
	placement_release(&s->placement, t->tid, &t->placed);
	calls_restore_args(s, t);
	int r = ops_detach(t->tid, delivery ? sig : 0);
	if (r == -ESRCH)
		return false; /* dying: its end will be reported */
	emit_task(s, t, RECORD_DETACHED, 0, false);
	tracee_remove(s, t);
	return true;
}

static void files_ended(struct session *s, pid_t tid)
{
	task_ended(s->options->kernel->tasks, tid);
	loads_forget(&s->loads, tid);
	stub_ended(s, tid);
}

static void ended(struct session *s, struct tracee *t, int status)
{
	handover_settle(t);
	if (WIFEXITED(status))
		emit_task(s, t, RECORD_TASK_EXITED, WEXITSTATUS(status), false);
	else
		emit_task(s, t, RECORD_TASK_KILLED, WTERMSIG(status), WCOREDUMP(status));
	if (t->tid == s->main_pid) {
		s->result->status = status;
		s->main_ended = true;
		job_command_ended(s);
		signals_command_ended(s);
	}
	if (s->decides)
		apply_ended(&s->apply, t->tid);
	if (s->files)
		files_ended(s, t->tid);
	if (!call_set_empty(&s->notified))
		notify_task_ended(s, t->tid);
	drop(s, t);
}

void loop_ended(struct tracee *t, int status)
{
	t->ended_status = status;
	t->ended = true;
}

static void reported(struct trap_thread *by, pid_t tid, int status);

static void collect_ended(struct tracee *asker)
{
	pid_t tid;
	int status;
	while ((tid = zombies_next(asker, &status)) > 0)
		reported(asker->by, tid, status);
}

static void stopped(struct session *s, struct tracee *t, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;
	atomic_fetch_add_explicit(&s->stops, 1, memory_order_relaxed);
	handover_settle(t);
	ends_missed(s, t);
	if (!t->live) {
		calls_restore_args(s, t);
		if (s->decides)
			apply_new_task(&s->apply, t->tid);
	}
	t->live = true;
	if (event == OPS_EVENT_FORK || event == OPS_EVENT_VFORK || event == OPS_EVENT_CLONE)
		new_child(s, t, (enum ops_event)event);
	if (event == OPS_EVENT_EXEC) {
		exec_event(s, &t);
		t->detaching |= s->options->detach_on_exec && !is_first_exec(s, t);
	}
	if (atomic_load_explicit(&s->detach_wanted, memory_order_relaxed))
		t->detaching = true;
	if (detached(s, t, sig, event))
		return;
	if (event == OPS_EVENT_STOP) {
		event_stop(s, t, sig);
		return;
	}
	if (event == OPS_EVENT_SECCOMP)
		calls_filter_stop(s, t);
	else if (event == OPS_EVENT_NONE && sig == SYSCALL_STOP)
		calls_syscall_stop(s, t);
	else if (event == OPS_EVENT_NONE) {
		signal_stop(s, t, sig);
		return;
	}
	if (zombies_asked_for(t))
		collect_ended(t);
	int signal = t->entry_signal;
	t->entry_signal = 0;
	if (t->ended)
		ended(s, t, t->ended_status);
	else
		resume(s, t, signal);
}

static void reported(struct trap_thread *by, pid_t tid, int status)
{
	struct session *s = by->session;
	ends_collect(by);
	struct tracee *t = tracee_find_own(by, tid);
	if (WIFSTOPPED(status)) {
		if (!t)
			t = adopt(by, tid);
		if (t)
			stopped(s, t, status);
		return;
	}
	if (t)
		ended(s, t, status);
	else
		note_early_end(by, tid);
}

/*
 * There is nothing to wait for: tracees that this thread still has in the table do not exist. No way to such a one is
 * known; but a thread that waited for it would do nothing else.
 */
static void forget_ghosts(struct trap_thread *by)
{
	struct tracee *t;
	while ((t = tracee_any_of(by))) {
		log_debug("task %d is gone unseen", t->tid);
		drop(by->session, t);
	}
}

/* It was killed on its way to this thread, when no tracer was there to be told: all but SIGKILL was blocked. */
static void lost(struct session *s, struct tracee *t)
{
	ended(s, t, SIGKILL);
}

static bool goes_on(const struct trap_thread *by)
{
	const struct session *s = by->session;
	if (by != &s->traps[0])
		return !atomic_load(&s->traps_end);
	/* A command that was let go may live on. */
	bool leaves = s->options->interruptible && atomic_load(&s->detach_wanted);
	return s->tracee_count || (s->main_pid && !s->main_ended && !leaves) || (!leaves && unseen_come());
}

/*
 * A guest that went first has mostly stopped at a call by now. The request that tells which also tells whether: it
 * fails for a task that runs. The stop is not waited for then; to resume the task takes the status back from wait
 * (kernel/ptrace.c, ptrace_resume). So it is for sessions that resume a task behind each such stop.
 */
static bool has_stopped(struct trap_thread *by, pid_t tid)
{
	struct session *s = by->session;
	struct tracee *t = tracee_find_own(by, tid);
	struct ptrace_syscall_info info;
	if (!t || !t->live || ops_syscall_info(tid, &info) < 0 || info.op == PTRACE_SYSCALL_INFO_NONE)
		return false;
	bool at_filter = info.op == PTRACE_SYSCALL_INFO_SECCOMP;
	ends_collect(by);
	by->told = &info;
	stopped(s, t, at_filter ? W_STOPCODE(SIGTRAP) | OPS_EVENT_SECCOMP << 16 : W_STOPCODE(SYSCALL_STOP));
	by->told = NULL;
	return true;
}

static bool resumes_each(const struct session *s)
{
	bool stops = s->mechanism == MECHANISM_STEP || s->mechanism == MECHANISM_TRACE;
	return stops && !s->decides && !s->emulates && !s->files && !s->options->record_cpu;
}

static int wait_for(struct trap_thread *by, pid_t who, int flags, int *ret_status)
{
	struct rusage usage = {0};
	pid_t tid = wait4(who, ret_status, __WALL | __WNOTHREAD | flags, by->session->options->record_cpu ? &usage : NULL);
	by->system_ns = (uint64_t)usage.ru_stime.tv_sec * 1000000000u + (uint64_t)usage.ru_stime.tv_usec * 1000u;
	return tid < 0 ? -errno : tid;
}

/*
 * Of several guests that have something to tell, wait gives the one that was attached last (kernel/ptrace.c,
 * __ptrace_link: new ones come first). A few that stop again as soon as they were served would keep all others waiting
 * for ever. So now and then some are asked by name, in turn: often while that finds any.
 */
static void serve_in_turn(struct trap_thread *by)
{
	enum { ASKED = 4, OFTEN = 4, SELDOM = 64, ENOUGH = 3 };
	struct turns *turns = &by->turns;
	pid_t tids[ASKED];
	bool any = false;
	int status;
	if (by->tracees < ENOUGH || ++turns->since < turns->every)
		return;
	size_t count = tracee_next_of(by, &turns->at, tids, ASKED);
	for (size_t i = 0; i < count; i++) {
		if (wait_for(by, tids[i], WNOHANG, &status) <= 0)
			continue;
		reported(by, tids[i], status);
		any = true;
	}
	turns->since = 0;
	turns->every = any ? OFTEN : turns->every < SELDOM ? turns->every + OFTEN : SELDOM;
}

/* Wait for one event. -ECHILD: there is nothing to wait for. */
static int next_event(struct trap_thread *by)
{
	struct session *s = by->session;
	pid_t first = yield_first(by);
	bool by_name = first && resumes_each(s);
	if (by_name && has_stopped(by, first))
		return 0;
	if (yield_core(by) && by_name && has_stopped(by, first))
		return 0;
	int status;
	pid_t tid = wait_for(by, -1, 0, &status);
	if (s->held)
		held_wake(s);
	if (tid < 0) {
		ends_collect(by);
		if (tid != -EINTR && tid != -ECHILD)
			session_fail(s, tid, "cannot wait for guests");
		return tid;
	}
	/* Asked before it goes on and is the first again. */
	pid_t other = yield_asks(by) ? ops_teller() : 0;
	reported(by, tid, status);
	if (other > 0 && wait_for(by, other, WNOHANG, &status) > 0)
		reported(by, other, status);
	serve_in_turn(by);
	return 0;
}

static int run(struct trap_thread *by)
{
	struct session *s = by->session;
	for (;;) {
		/* Alone, a thread without tracees has nothing to come. */
		bool alone = by == &s->traps[0] && !handover_several(s);
		if (!goes_on(by))
			return 0;
		if (!alone && !by->tracees)
			handover_sleep(by);
		else if (next_event(by) == -ECHILD) {
			if (alone)
				return 0;
			forget_ghosts(by);
		}
		handover_forget_lost(by, lost);
		if (!s->tracee_count && by != &s->traps[0])
			handover_wake(&s->traps[0]);
		int failure = atomic_load_explicit(&s->failure, memory_order_relaxed);
		if (failure < 0)
			return failure;
		if (atomic_load_explicit(&s->detach_wanted, memory_order_relaxed) && !atomic_load(&s->trap_acknowledged))
			detach_begin(s);
	}
}

int loop_run(struct trap_thread *by)
{
	bool ended = thread_rseq_end();
	int r = run(by);
	yield_end(by);
	thread_rseq_resume(ended);
	return r;
}
