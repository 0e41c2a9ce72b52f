/* A session from its options to its result: choosing the mechanism, starting and ending its threads. */
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/capability.h"
#include "base/log.h"
#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "tracer/ptrace/handover.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"
#include "tracer/stub/stub.h"
#include "tracer/unwind.h"

void session_fail(struct session *s, int err, const char *what)
{
	int none = 0;
	if (atomic_compare_exchange_strong(&s->failure, &none, err))
		log_error("%s: %s; the session ends", what, strerror(-err));
}

static bool emulates_files(const struct session_options *o)
{
	return o->kernel && o->kernel->vfs;
}

/* A process that runs can be given none, and one that is let go would be left with it and nobody to ask. */
static bool needs_no_filter(const struct session_options *o)
{
	return o->attach_count || o->detach_on_exec || o->interruptible;
}

/* The plan says what is needed; without a filter everything is decided at the stops of step. */
static enum mechanism planned_mechanism(const struct session_options *o)
{
	const struct plan *p = o->policy->plan;
	if (emulates_files(o))
		return p->needs_trace || o->record_tasks ? MECHANISM_TRACE : MECHANISM_NOTIFY;
	if (needs_no_filter(o) || call_set_full(&o->recorded) || mechanism_info(MECHANISM_NOTIFY)->available < 0)
		return MECHANISM_STEP;
	return p->needs_trace || o->record_tasks ? MECHANISM_TRACE : MECHANISM_NOTIFY;
}

/* A filter that needs no no_new_privs, and ends that are heard without a stop. */
static bool saves_ends(const struct session_options *o)
{
	if (o->ends == ENDS_OBSERVED)
		return true;
	return ends_suit(o) && capability_effective(CAP_SYS_ADMIN) && ends_program_allowed() == 0;
}

/*
 * The cheapest that suffices. Every call recorded: no filter can save the stop at its entry, but where the other one
 * can be saved the filter's is the cheaper, else step. Some recorded: their stops carry the answers too. Only answers:
 * notifications.
 */
static enum mechanism choose(const struct session_options *o)
{
	if (o->mechanism != MECHANISM_AUTO)
		return o->mechanism;
	if (emulates_files(o) && !o->policy)
		return call_set_empty(&o->recorded) && !o->record_tasks ? MECHANISM_NOTIFY : MECHANISM_TRACE;
	if (o->policy)
		return planned_mechanism(o);
	if (needs_no_filter(o) || (call_set_full(&o->recorded) && !saves_ends(o)))
		return MECHANISM_STEP;
	if (!call_set_empty(&o->recorded) || o->record_tasks)
		return mechanism_allowed(MECHANISM_TRACE) == 0 ? MECHANISM_TRACE : MECHANISM_STEP;
	if (call_set_empty(&o->emulated))
		return MECHANISM_NATIVE;
	if (mechanism_allowed(MECHANISM_NOTIFY) == 0)
		return MECHANISM_NOTIFY;
	return MECHANISM_STEP;
}

bool session_follows_all(const struct session *s)
{
	return s->mechanism == MECHANISM_STEP || (s->mechanism == MECHANISM_TRACE && call_set_full(&s->recorded));
}

unsigned session_seize_flags(const struct session *s)
{
	return OPS_EXIT_KILL | (s->uses_filter ? OPS_FILTER_STOPS : 0);
}

static int refuse(const struct session *s, int err, const char *why)
{
	log_error("mechanism '%s': %s", mechanism_name(s->mechanism), why);
	return err;
}

void session_unavailable(const struct session *s, int err)
{
	log_error("mechanism '%s' is not available here: %s (see `trapline doctor`)", mechanism_name(s->mechanism),
		  strerror(-err));
}

bool session_has_proc(void)
{
	char self[16];
	char want[16];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);
	if (n <= 0)
		return false;
	self[n] = '\0';
	(void)snprintf(want, sizeof(want), "%d", getpid());
	return strcmp(self, want) == 0;
}

/*
 * Files need both: notifications, since only they can install descriptors, and ptrace, for execve and to know each
 * task from its birth.
 */
static int check_files(const struct session *s)
{
	const struct session_options *o = s->options;
	if (!o->argv || o->attach_count)
		return refuse(s, -EINVAL, "another file tree can only be given to a command that is started");
	if (o->mechanism != MECHANISM_AUTO && o->mechanism != MECHANISM_NOTIFY)
		return refuse(s, -EOPNOTSUPP, "another file tree needs the mechanism notify (or auto)");
	if (o->without_ptrace)
		return refuse(s, -EOPNOTSUPP, "another file tree needs ptrace as well");
	int r = mechanism_allowed(MECHANISM_NOTIFY);
	if (r < 0)
		return refuse(s, r, "another file tree needs seccomp notifications (see `trapline doctor`)");
	if (!session_has_proc())
		return refuse(s, -ENOENT, "another file tree needs the /proc of this process's own PID namespace");
	return 0;
}

/* Asked for, it is had or refused. */
static int check_ends(const struct session *s)
{
	if (s->options->ends != ENDS_OBSERVED)
		return 0;
	if (s->mechanism != MECHANISM_TRACE || !ends_suit(s->options)) {
		log_error("observing with BPF is for a command that is only recorded, by the mechanism trace, without stacks or "
			  "system times");
		return -EOPNOTSUPP;
	}
	int r = ends_program_allowed();
	if (r < 0)
		log_error("observing with BPF: bpf(2): %s (it needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN)", strerror(-r));
	return r;
}

/* What can be known without trying; that ptrace is forbidden shows when the command is seized. */
static int check_mechanism(const struct session *s)
{
	if (needs_no_filter(s->options) && !mechanism_description(s->mechanism)->can_attach)
		return refuse(s, -EINVAL, s->options->attach_count ? "cannot attach to a running process (use step)" :
								      "cannot let go of a process (use step)");
	int r = s->files ? check_files(s) : 0;
	if (r < 0)
		return r;
	r = mechanism_allowed(s->mechanism);
	if (r < 0)
		session_unavailable(s, r);
	return r < 0 ? r : check_ends(s);
}

static void merge(struct call_set *into, const struct call_set *from)
{
	for (size_t i = 0; i < ARRAY_SIZE(into->bits); i++)
		into->bits[i] |= from->bits[i];
	into->unknown |= from->unknown;
}

/* What the filter of a policy's plan sends where. */
static void take_plan(struct session *s, const struct plan *p)
{
	for (int i = 0; i <= CALL_COUNT; i++) {
		enum call_id id = i < CALL_COUNT ? (enum call_id)i : CALL_NONE;
		if (p->calls[i].mechanism == PLAN_TRACE)
			call_set_add(&s->stopping, id);
		else if (p->calls[i].mechanism == PLAN_NOTIFY)
			call_set_add(&s->notified, id);
	}
}

struct call_set session_worker_calls(void)
{
	static const enum call_id ids[] = {
		CALL_open, CALL_openat, CALL_creat, CALL_connect, CALL_sendto, CALL_sendmsg, CALL_sendmmsg, CALL_nfsservctl,
	};
	struct call_set set = {0};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		call_set_add(&set, ids[i]);
	return set;
}

/* What is recorded stops, since a worker does not see what becomes of a call that it passes on. */
static void plan_files(struct session *s)
{
	static const enum call_id stopping[] = {CALL_execve, CALL_execveat};	/* carried out in a stop */
	/*
	 * No filter sees whether openat2 wants O_PATH. What names a socket is made by the guest itself, so that it is
	 * who is seen.
	 */
	static const enum call_id lending[] = {
		CALL_openat2, CALL_connect, CALL_sendto, CALL_sendmsg, CALL_recvfrom, CALL_recvmsg, CALL_recvmmsg, CALL_accept,
		CALL_accept4, CALL_pidfd_send_signal,
	};
	static const enum call_id affinity[] = {CALL_sched_getaffinity, CALL_sched_setaffinity};
	const struct call_set workers = session_worker_calls();
	merge(&s->notified, &s->emulated);
	call_set_add(&s->notified, CALL_nfsservctl);	/* the loader's own */
	for (size_t i = 0; i < ARRAY_SIZE(stopping); i++)
		call_set_add(&s->stopping, stopping[i]);
	for (size_t i = 0; s->lends && i < ARRAY_SIZE(lending); i++)
		call_set_add(&s->stopping, lending[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->stopping.bits); i++) {
		s->stopping.bits[i] |= s->recorded.bits[i] & ~(workers.bits[i] & s->notified.bits[i]);
		s->notified.bits[i] &= ~s->stopping.bits[i];
	}
	s->stopping.unknown |= s->recorded.unknown;
	for (size_t i = 0; s->places && i < ARRAY_SIZE(affinity); i++)
		call_set_add(&s->stopping, affinity[i]);
}

/* What the filter sends where. */
static void plan(struct session *s)
{
	const struct session_options *o = s->options;
	if (o->recorder || o->probe)
		s->recorded = o->recorded;
	s->decides = o->policy;
	s->emulated = o->emulated;
	s->emulates = !o->policy && !call_set_empty(&o->emulated);
	s->uses_filter = s->mechanism == MECHANISM_TRACE || s->mechanism == MECHANISM_NOTIFY;
	s->uses_ptrace = s->mechanism != MECHANISM_NATIVE && s->mechanism != MECHANISM_NOTIFY;
	/* Under notify a tracer mends the calls that a signal interrupts and ties the guests' lives to ours. */
	if (s->mechanism == MECHANISM_NOTIFY)
		s->uses_ptrace = !o->without_ptrace && !(o->policy && !o->policy->plan->needs_notify);
	/* Never of programs that were attached to: killed, trapline could not give them their affinity back. */
	s->places = s->uses_ptrace && (s->mechanism != MECHANISM_NOTIFY || (s->files && !o->policy)) && !o->free_placement &&
		o->argv && !o->attach_count;
	if (o->policy) {
		if (s->uses_filter)
			take_plan(s, o->policy->plan);
		return;
	}
	s->lends = s->files && carry_available() == 0;
	if (s->files) {
		plan_files(s);
		return;
	}
	if (s->uses_filter && session_follows_all(s) && getrandom(&s->transit_mark, sizeof(s->transit_mark), GRND_NONBLOCK) < 0)
		s->handover_refused = true;
	struct call_set *target = s->mechanism == MECHANISM_NOTIFY ? &s->notified : &s->stopping;
	merge(target, &s->recorded);
	merge(target, &s->emulated);
	if (s->places && s->mechanism == MECHANISM_TRACE) {
		call_set_add(&s->stopping, CALL_sched_getaffinity);
		call_set_add(&s->stopping, CALL_sched_setaffinity);
	}
}

static int next_status(struct session *s, int *ret)
{
	if (s->guard.pid)
		return guard_wait(&s->guard, ret);
	return waitpid(s->main_pid, ret, WUNTRACED | WCONTINUED) < 0 ? -errno : 0;
}

/* Background processes outlive the command: the guard ends with the last of them. */
static int wait_for_the_rest(struct session *s)
{
	int status;
	int r;
	do {
		r = guard_wait(&s->guard, &status);
	} while ((r == 0 || r == -EINTR) && !atomic_load(&s->failure));
	return r == -EPIPE ? 0 : r;
}

/* No tracer: wait for the command, then for the filter's last user (notify_finish). */
static int wait_for_command(struct session *s)
{
	while (!s->main_ended) {
		int status;
		int r = next_status(s, &status);
		if (r == -EPIPE)
			log_error("the guard process was killed; the session ends");
		if (atomic_load(&s->failure))
			return atomic_load(&s->failure);
		if (r < 0 && r != -EINTR)
			return r;
		if (r < 0)
			continue;
		if (WIFSTOPPED(status))
			job_stopped(s, true);
		if (WIFCONTINUED(status))
			job_continued(s);
		if (WIFSTOPPED(status) || WIFCONTINUED(status))
			continue;
		s->result->status = status;
		s->main_ended = true;
		job_command_ended(s);
		signals_command_ended(s);
	}
	return s->guard.pid ? wait_for_the_rest(s) : 0;
}

static int start_guests(struct session *s)
{
	int r = attach_all(s);
	if (r < 0 || !s->options->argv)
		return r;
	r = launch_start(s);
	if (r < 0 || s->result->exec_errno)
		return r;
	if (call_set_empty(&s->notified))
		return 0;
	r = notify_start(s);
	if (r < 0)
		log_error("cannot start a worker thread: %s", strerror(-r));
	return r;
}

static int trap(struct session *s)
{
	int r = loop_run(&s->traps[0]);
	ends_stop(s);
	handover_finish(s);
	return r;
}

/* Runs the guests. On failure whatever still runs is killed by PTRACE_O_EXITKILL semantics: here and now. */
static int run_guests(struct session *s)
{
	int r = start_guests(s);
	if ((r < 0 || s->result->exec_errno) && s->options->attach_count && !s->main_pid && s->tracee_count) {
		detach_begin(s);
		int ignored = loop_run(&s->traps[0]); /* detaches those that were caught */
		(void)ignored;
		return r;
	}
	if (r < 0 || s->result->exec_errno)
		return r;
	return s->uses_ptrace ? trap(s) : wait_for_command(s);
}

static void kill_one(UNUSED struct session *s, struct tracee *t)
{
	if (!t->attached)
		(void)kill(tracee_tgid(t), SIGKILL);
	else if (ops_detach(t->tid, 0) < 0)
		log_warning("task %d was running: it is let go when trapline ends", t->tid);
}

/* A failed session leaves no guest behind. */
static void end_guests(struct session *s)
{
	tracee_each(s, kill_one);
	guard_end(&s->guard);
	if (s->main_pid && !s->main_ended)
		(void)kill(s->main_pid, SIGKILL);
	while (s->options->argv && !s->options->attach_count) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno != EINTR)
			break;
		if (pid > 0 && WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);
	}
}

static void count(struct session *s)
{
	s->result->stops = atomic_load(&s->stops);
	s->result->answered = atomic_load(&s->answered);
	s->result->without_stop = atomic_load(&s->without_stop);
}

static void trap_thread_init(struct session *s, struct trap_thread *by)
{
	by->session = s;
	strbuf_init(&by->log);
	placement_core_init(&by->core);
	(void)sem_init(&by->wakes, 0, 0);
	ends_thread_init(&by->ends);
}

/* Whether no guest can get another root without the trap loop's knowing: see apply_watches_roots. */
static bool sees_root_calls(const struct session *s)
{
	const struct plan *plan = s->options->policy->plan;
	bool all_stop = s->mechanism == MECHANISM_STEP || s->mechanism == MECHANISM_SYSEMU;
	struct call_set calls = {0};
	if (!s->uses_ptrace || s->options->attach_count)
		return false;
	apply_root_calls(&calls);
	for (int id = 0; id < CALL_COUNT && !all_stop; id++) {
		if (call_set_has(&calls, (enum call_id)id) && plan->calls[id].mechanism != PLAN_TRACE)
			return false;
	}
	for (int abi = 0; abi < ABI_COUNT && !all_stop; abi++) {
		struct policy_abi t = policy_abi_treatment(plan->policy, (enum call_abi)abi);
		if (t.treatment == ABI_ACTION && policy_action_passes(&t.action))
			return false;
	}
	return true;
}

static bool tell_cpus(void *ctx, pid_t tid, cpu_set_t *ret)
{
	return placement_narrows(ctx, tid, ret);
}

static int start(struct session *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->traps); i++)
		trap_thread_init(s, &s->traps[i]);
	s->traps[0].core.tid = (pid_t)syscall(SYS_gettid);
	int r = tracee_table_init(s);
	if (r == 0 && s->options->record_stack)
		r = unwinder_create(&s->unwinder);
	if (r == 0)
		r = signals_start(s);
	bool said = false;
	if (r == 0 && s->decides) {
		r = apply_init(&s->apply, s->options, &s->emulated, !s->uses_ptrace);
		said = r < 0;
	}
	if (r == 0 && s->decides && sees_root_calls(s))
		apply_watches_roots(&s->apply);
	if (r == 0 && s->files)
		r = loads_init(&s->loads);
	s->loads.follows_personality = s->files && !s->decides && !call_set_has(&s->recorded, CALL_personality);
	placement_init(&s->placement, s->places, s->options->recorder);
	if (s->files)
		tasks_tell_cpus(s->options->kernel->tasks, tell_cpus, &s->placement);
	ends_init(s);
	guest_fds_init(&s->guest_fds);
	handed_init(&s->handed);
	aside_init(&s->aside);
	if (r == 0)
		stub_start(s);
	if (r == -EFBIG)
		log_error("cannot start a session: no file of 8 KiB may be written here (ulimit -f)");
	else if (r < 0 && !said)
		log_error("cannot start a session: %s", log_cause(-r));
	return r;
}

static void finish(struct session *s)
{
	notify_finish(s);
	stub_finish(s);
	if (s->files)
		tasks_tell_cpus(s->options->kernel->tasks, NULL, NULL);
	guard_end(&s->guard);
	placement_finish(&s->placement, &s->traps[0].core);
	signals_finish(s);
	guard_finish(&s->guard);
	launch_finish(s);
	tracee_table_finish(s);
	guest_fds_finish(&s->guest_fds);
	ends_finish(s);
	handed_finish(&s->handed);
	aside_finish(&s->aside);
	if (s->files)
		loads_finish(&s->loads);
	held_finish(s);
	if (s->decides)
		apply_finish(&s->apply);
	unwinder_destroy(s->unwinder);
	for (size_t i = 0; i < ARRAY_SIZE(s->traps); i++) {
		strbuf_finish(&s->traps[i].log);
		ends_thread_finish(&s->traps[i].ends);
	}
	(void)pthread_mutex_destroy(&s->table_lock);
	(void)pthread_mutex_destroy(&s->emit_lock);
}

static int exec_status(int err)
{
	return (err == ENOENT ? 127 : 126) << 8;
}

/* Held for less than a wake-up takes: whoever meets them taken had better spin. */
static void init_locks(struct session *s)
{
	pthread_mutexattr_t spins;
	(void)pthread_mutexattr_init(&spins);
	(void)pthread_mutexattr_settype(&spins, PTHREAD_MUTEX_ADAPTIVE_NP);
	(void)pthread_mutex_init(&s->emit_lock, &spins);
	(void)pthread_mutex_init(&s->table_lock, &spins);
	(void)pthread_mutexattr_destroy(&spins);
}

int session_run(const struct session_options *options, struct session_result *ret)
{
	*ret = (struct session_result){0};
	struct session s = {.options = options, .result = ret, .mechanism = choose(options),
			   .files = emulates_files(options)};
	int r = check_mechanism(&s);
	if (r < 0)
		return r;
	init_locks(&s);
	plan(&s);
	r = start(&s);
	if (r == 0)
		r = run_guests(&s);
	if (r == 0 && atomic_load(&s.failure))
		r = atomic_load(&s.failure);
	if (r < 0) {
		atomic_store(&s.failure, r);
		end_guests(&s);
	}
	if (r == 0 && !ret->exec_errno) {
		int err = launch_exec_errno(&s);

		if (err < 0)
			r = err;
		else
			ret->exec_errno = err;
	}
	finish(&s);
	if (ret->exec_errno)
		ret->status = exec_status(ret->exec_errno);
	count(&s);
	return r;
}
