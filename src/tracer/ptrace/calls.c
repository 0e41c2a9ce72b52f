/*
 * Stops at system calls: from a stop to an event, from a verdict to registers.
 *
 *   step     entry stop, exit stop. Answered: number -1 and the value at entry; the exit stop follows all the same.
 *   sysemu   entry stop; the kernel skips the call. Passed on: the instruction is rewound and repeated with an ordinary
 *            entry stop, from which the call goes on (three stops: the skipped call's exit is reported too).
 *   trace    filter stop; the exit stop only if somebody wants the result. Answered: as step, and no exit stop.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/prctl.h>

#include "kernel/task/filters.h"
#include "observe/recorder.h"
#include "syscalls/sys_received.h"
#include "tracer/event_memory.h"
#include "tracer/filter_plan.h"
#include "tracer/handlers.h"
#include "tracer/memory.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/ends.h"
#include "tracer/ptrace/handover.h"
#include "tracer/ptrace/exec.h"
#include "tracer/ptrace/lend.h"
#include "tracer/ptrace/ops.h"
#include "tracer/ptrace/strict.h"
#include "tracer/stub/stub.h"
#include "tracer/session_private.h"
#include "tracer/unwind.h"

/* PR_GET_SECCOMP: the filter of ours is not the guest's to see. */
static bool asks_mode(const struct session *s, const struct tracee *t)
{
	return s->uses_filter && !s->decides && t->call.id == CALL_prctl && t->call.abi == host_abi() &&
	       (int)t->call.args[0] == PR_GET_SECCOMP;
}

static bool call_is_ours(const struct session *s, const struct tracee *t)
{
	if (t->stop_foreign || s->decides || (s->emulates && t->call.abi != host_abi()))
		return true;
	return call_set_has(&s->recorded, t->call.id) || call_set_has(&s->emulated, t->call.id) || asks_mode(s, t);
}

static int guest_read(struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	return event_read(ev, from, to, len);
}

static int guest_write(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	return memory_write(ev->tid, to.addr, from, len);
}

static ssize_t guest_read_string(struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	return event_read_string(ev, from, to, size);
}

/* A stopped task: its number is its own. */
struct stopped_event {
	struct call_event base;		/* first */
	struct session *session;
};

static int guest_get_fd(struct call_event *ev, int guest_fd, int *ret_fd)
{
	return guest_fds_get(&((struct stopped_event *)ev)->session->guest_fds, ev->tid, guest_fd, ret_fd);
}

static int64_t guest_count_fds(struct call_event *ev)
{
	return guest_fds_count(&((struct stopped_event *)ev)->session->guest_fds, ev->tid);
}

static const struct guest_ops stopped_guest_ops = {
	.read = guest_read,
	.write = guest_write,
	.read_string = guest_read_string,
	.get_fd = guest_get_fd,
	.count_fds = guest_count_fds,
};

/* The call's number, ABI and arguments, as the stop tells them. */
static void take_call(struct tracee *t, const struct ptrace_syscall_info *info, uint64_t nr, const uint64_t *args)
{
	int64_t number;
	enum call_abi abi = call_abi_of(info->arch, nr, &number);
	t->abi = (uint8_t)abi;
	t->call = (struct decode_call){
		.id = call_from_nr(abi, number), .abi = abi, .nr = (int64_t)nr, .tid = t->tid, .sp = info->stack_pointer,
		.args = {args[0], args[1], args[2], args[3], args[4], args[5]},
	};
	t->ip = info->instruction_pointer;
}

void calls_regs(struct tracee *t, struct regs *r)
{
	regs_init(r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)t->tid);
	if (t->abi == ABI_I386 && regs_set_abi(r, REGS_ABI_COMPAT32) < 0)
		regs_reset(r);
}

void calls_flush(struct session *s, struct regs *r)
{
	int err = regs_flush(r);
	if (err < 0 && err != -ESRCH)
		session_fail(s, err, "cannot write a guest's registers");
}

void calls_answer(struct session *s, struct tracee *t, struct regs *r, int64_t value)
{
	if (s->mechanism != MECHANISM_SYSEMU || t->phase == PHASE_REPEATING)
		regs_set(r, REG_NR, (uint64_t)-1);
	regs_set(r, REG_RET, (uint64_t)value);
	calls_flush(s, r);
	t->answered = true;
	atomic_fetch_add_explicit(&s->answered, 1, memory_order_relaxed);
}

static struct stopped_event event_of(struct session *s, const struct tracee *t)
{
	return (struct stopped_event){
		.session = s,
		.base = {
			.id = t->call.id, .abi = t->call.abi, .nr = t->call.nr, .ip = t->ip, .tid = t->tid,
			.ops = &stopped_guest_ops, .lends = s->lends,
			.args = {t->call.args[0], t->call.args[1], t->call.args[2], t->call.args[3], t->call.args[4],
				 t->call.args[5]},
		},
	};
}

static struct verdict ask(struct session *s, struct tracee *t, struct regs *r)
{
	/* A filter of the guest's own asks for a tracer that the guest does not have (kernel/seccomp.c). */
	if (t->stop_foreign)
		return verdict_value(-ENOSYS);
	const struct session_probe *probe = s->options->probe;
	if (probe && probe->entered)
		probe->entered(probe->ctx, t->tid, t->call.id, t->call.args, r);
	/* Emulation answers the host's own ABI only, and lets no other past it. */
	if (s->emulates && t->call.abi != host_abi())
		return verdict_value(-ENOSYS);
	if (asks_mode(s, t))
		return verdict_value(filters_of_task(t->tid).mode);
	if (!call_set_has(&s->emulated, t->call.id))
		return verdict_pass();
	struct stopped_event ev = event_of(s, t);
	struct aside_answer answer;
	if (s->files && aside_take(&s->aside, &ev.base, &answer))
		return answer.verdict;
	return handlers_ask(probe, s->options->kernel, &ev.base);
}

/* The guest is about to look at (or choose) its affinity: it must find its own. */
static void show_true_affinity(struct session *s, struct tracee *t)
{
	if (t->call.id != CALL_sched_getaffinity && t->call.id != CALL_sched_setaffinity)
		return;
	pid_t of = (pid_t)t->call.args[0];
	struct tracee *whose = of == 0 ? t : tracee_find_own(t->by, of);
	bool chooses = t->call.id == CALL_sched_setaffinity;
	if (whose) {
		placement_release(&s->placement, whose->tid, &whose->placed);
		whose->placed.own_mask |= chooses;
	} else if (handover_several(s)) {
		tracee_show_affinity(s, of, chooses);
	}
}

/*
 * A child made with CLONE_UNTRACED would run unseen, its answered calls unanswered (kernel/fork.c, kernel_clone). The
 * bit is taken away for the call and put back behind it, in parent and child. clone3 takes its flags from memory that
 * other threads can change: there the child escapes, as from any tracer.
 */
static void keep_in_sight(struct session *s, struct tracee *t)
{
	if (t->call.id != CALL_clone || !(t->call.args[0] & CLONE_UNTRACED))
		return;
	struct regs r;
	calls_regs(t, &r);
	calls_change_arg(t, &r, 0, t->call.args[0] & ~(uint64_t)CLONE_UNTRACED);
	calls_flush(s, &r);
}

void calls_change_arg(struct tracee *t, struct regs *r, unsigned arg, uint64_t value)
{
	regs_set(r, (enum reg)(REG_ARG0 + arg), value);
	if (!(t->saved >> arg & 1))
		t->saved_args[arg] = t->call.args[arg];
	t->saved |= (uint8_t)(1u << arg);
}

void calls_restore_args(struct session *s, struct tracee *t)
{
	if (!t->saved)
		return;
	struct regs r;
	calls_regs(t, &r);
	/* aarch64 returns the result where the first argument was. */
	for (unsigned i = regs_arch_host() == REGS_AARCH64; i < 6; i++) {
		if (t->saved >> i & 1)
			regs_set(&r, (enum reg)(REG_ARG0 + i), t->saved_args[i]);
	}
	calls_flush(s, &r);
	t->saved = 0;
}

/* What the host will have told of a peer is mended behind the call. */
static void watch_received(struct session *s, struct tracee *t)
{
	uint32_t room;
	t->receives = false;
	if (!s->lends || t->stop_foreign || t->call.abi != host_abi() || !received_is(t->call.id))
		return;
	struct stopped_event ev = event_of(s, t);
	t->receives = received_wants(s->options->kernel, &ev.base, &room);
	t->received_room = room;
}

static void mend_received(struct session *s, struct tracee *t, int64_t value)
{
	struct stopped_event ev = event_of(s, t);
	if (t->receives && value >= 0)
		received_mend(s->options->kernel, &ev.base, t->received_room, value);
	t->receives = false;
}

/* A call that a signal interrupted when it was decided already (handed.h). */
static bool made_again(struct session *s, struct tracee *t, struct regs *r, bool record, uint64_t now)
{
	struct applied a = {.kind = APPLIED_VERDICT};
	const struct stopped_event ev = event_of(s, t);
	if (!s->files || t->stop_foreign || !handed_again(&s->handed, &ev.base, &a.verdict))
		return false;
	calls_act(s, t, r, &a, record, now);
	return true;
}

/* Names of files, to be looked up by us. */
static bool names_files(enum call_id id)
{
	static const enum call_id ids[] = {
		CALL_execve, CALL_execveat, CALL_open, CALL_openat, CALL_openat2, CALL_connect, CALL_sendto, CALL_sendmsg,
	};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

/* Have a worker find what the call comes to (aside.h). The instruction is rewound afterwards, which is x86's length. */
static bool set_aside(struct session *s, struct tracee *t, struct regs *r)
{
	const struct stopped_event ev = event_of(s, t);
	if (!s->files || !s->notify || !s->uses_filter || s->decides || t->stop_foreign || t->call.abi != ABI_X86_64 ||
	    !names_files(t->call.id) || !aside_needed(&s->aside) || aside_has(&s->aside, &ev.base) ||
	    aside_add(&s->aside, &ev.base) < 0)
		return false;
	regs_set(r, REG_NR, (uint64_t)call_desc(CALL_nfsservctl)->nr[t->call.abi]);
	calls_flush(s, r);
	t->aside = true;
	return true;
}

/* The private call is over, whatever it came to: the task makes its own. */
static bool back_from_aside(struct session *s, struct tracee *t)
{
	struct regs r;
	if (!t->aside)
		return false;
	t->aside = false;
	calls_regs(t, &r);
	regs_set(&r, REG_IP, t->ip - regs_call_length(regs_arch_host()));
	regs_set(&r, REG_NR, (uint64_t)t->call.nr);
	regs_set(&r, REG_RET, (uint64_t)t->call.nr);
	calls_flush(s, &r);
	return true;
}

/* A call was entered, under any mechanism. Decides phase, answer and record. */
static void entered(struct session *s, struct tracee *t, uint64_t now)
{
	t->answered = false;
	t->inside_recorded = false;
	t->injected = 0;
	t->poke_exit = NULL;
	t->stood_in = false;
	if (t->launching) {
		if (t->call.id != CALL_execve)
			return;
		t->launching = false;
	}
	show_true_affinity(s, t);
	keep_in_sight(s, t);
	if (s->decides)
		apply_call_entered(&s->apply, t->call.id);
	/* A filter may forbid what a task on its way does; another tracer could take it. */
	if (t->call.id == CALL_ptrace || t->call.id == CALL_seccomp ||
	    (t->call.id == CALL_prctl && t->call.args[0] == PR_SET_SECCOMP)) {
		handover_bar(s);
		stub_bar(s, t->tid);
		s->steps |= call_set_full(&s->recorded) && t->call.id != CALL_ptrace;
	}
	watch_received(s, t);
	strict_entered(s, t);
	if (t->ended)
		return;
	if (!call_is_ours(s, t) && !exec_is(s, t))
		return;
	bool record = emit_wants(s, t);
	struct regs r;
	calls_regs(t, &r);
	if (made_again(s, t, &r, record, now) || set_aside(s, t, &r))
		return;
	if (s->decides && !t->stop_foreign) {
		struct stopped_event ev = event_of(s, t);
		calls_decide(s, t, &r, &ev.base, record, now);
		return;
	}
	if (exec_is(s, t) && !t->stop_foreign) {
		struct stopped_event ev = event_of(s, t);
		calls_exec(s, t, &r, &ev.base, record, now);
		return;
	}
	struct verdict v = ask(s, t, &r);
	if (v.kind == VERDICT_FD || v.kind == VERDICT_BLOCK || v.kind == VERDICT_LEND || v.kind == VERDICT_CALL) {
		struct applied a = {.kind = APPLIED_VERDICT, .verdict = v};
		calls_act(s, t, &r, &a, record, now);
		return;
	}
	if (record) {
		emit_abi(s, t);
		emit_enter(s, t, now);
	}
	if (v.kind == VERDICT_FAIL) {
		session_fail(s, (int)v.value, "a handler failed");
		return;
	}
	if (v.kind == VERDICT_VALUE)
		calls_answer(s, t, &r, v.value);
	if (record && t->answered)
		emit_exit(s, t, v.value, verdict_is_error(&v), now);
	t->inside_recorded = record && !t->answered && s->options->record_exits;
}

/* sysemu: have the host carry out the call that it was told to skip. */
static void repeat_instruction(struct session *s, struct tracee *t)
{
	struct regs r;
	calls_regs(t, &r);
	t->repeat_ip = t->ip;
	regs_set(&r, REG_IP, t->ip - regs_call_length(regs_arch_host()));
	regs_set(&r, REG_RET, (uint64_t)t->call.nr);
	calls_flush(s, &r);
	t->phase = PHASE_REPEATING;
}

static void entry_stop(struct session *s, struct tracee *t, const struct ptrace_syscall_info *info, uint64_t now)
{
	bool repeated = t->phase == PHASE_REPEATING && info->instruction_pointer == t->repeat_ip &&
			(int64_t)info->entry.nr == t->call.nr;
	if (repeated) {
		/*
		 * Already judged at the skipped entry; now it runs. The stops in between may have placed the task
		 * again.
		 */
		show_true_affinity(s, t);
		t->phase = PHASE_INSIDE;
		return;
	}
	uint64_t args[6];
	for (int i = 0; i < 6; i++)
		args[i] = info->entry.args[i];
	take_call(t, info, info->entry.nr, args);
	entered(s, t, now);
	if (s->mechanism == MECHANISM_SYSEMU && t->phase == PHASE_OUTSIDE) {
		if (!t->answered)
			repeat_instruction(s, t);
		return;
	}
	t->phase = PHASE_INSIDE;
}

static void exit_stop(struct session *s, struct tracee *t, const struct ptrace_syscall_info *info, uint64_t now)
{
	if (t->phase == PHASE_REPEATING)
		return; /* of the skipped call: PTRACE_SYSCALL reports it although PTRACE_SYSEMU would not have */
	t->phase = PHASE_OUTSIDE;
	ends_compare(t, info);
	calls_restore_args(s, t);
	if (back_from_aside(s, t))
		return;
	if (s->unwinder && t->call.id >= 0 && call_in_group(t->call.id, GROUP_MEMORY))
		unwinder_mappings_changed(s->unwinder, tracee_tgid(t));
	int64_t value = info->exit.rval;
	bool is_error = info->exit.is_error;
	lend_handed(s, t, value);
	calls_finish_injection(s, t, &value, &is_error);
	if (t->inside_recorded)
		emit_exit(s, t, value, is_error, now);
	mend_received(s, t, value);
	carry_release(t);
	exec_forget(t);
	lend_returned(s, t, value);
	lend_end(t);
	t->delay_ns = t->delay_exit_ns;
	t->delay_exit_ns = 0;
	t->inside_recorded = false;
	t->answered = false;
	t->injected = 0;
}

/* false: the task is gone, or the session fails. Of a stop that was not waited for it is known already. */
static bool syscall_info(struct session *s, struct tracee *t, struct ptrace_syscall_info *ret)
{
	if (t->by->told) {
		*ret = *t->by->told;
		return true;
	}
	int r = ops_syscall_info(t->tid, ret);
	if (r < 0 && r != -ESRCH)
		session_fail(s, r, "PTRACE_GET_SYSCALL_INFO");
	return r == 0;
}

void calls_syscall_stop(struct session *s, struct tracee *t)
{
	uint64_t now = now_ns();
	struct ptrace_syscall_info info;
	if (!syscall_info(s, t, &info))
		return;
	placement_stopped(&s->placement, &t->by->core, t->tid, &t->placed, now);
	yield_stopped(t->by, t, now);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		entry_stop(s, t, &info, now);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		exit_stop(s, t, &info, now);
}

/* Whether something is to be done behind the call that was entered. */
bool calls_awaits_exit(const struct tracee *t)
{
	return t->inside_recorded || t->saved || t->delay_exit_ns || t->poke_exit || t->stood_in || t->receives || t->aside;
}

/*
 * A filter's stop of a call that stopped already at its entry. If it was a filter of the guest's own that asked, there
 * is no tracer that it could mean.
 */
static void behind_entry(struct session *s, struct tracee *t, const struct ptrace_syscall_info *info)
{
	struct regs r;
	if (info->seccomp.ret_data == FILTER_STOP_DATA)
		return;
	calls_regs(t, &r);
	regs_set(&r, REG_NR, (uint64_t)-1);
	regs_set(&r, REG_RET, (uint64_t)-ENOSYS);
	calls_flush(s, &r);
}

void calls_filter_stop(struct session *s, struct tracee *t)
{
	uint64_t now = now_ns();
	struct ptrace_syscall_info info;
	if (!syscall_info(s, t, &info))
		return;
	if (t->phase == PHASE_INSIDE) {
		behind_entry(s, t, &info);
		return;
	}
	placement_stopped(&s->placement, &t->by->core, t->tid, &t->placed, now);
	yield_stopped(t->by, t, now);
	uint64_t args[6];
	for (int i = 0; i < 6; i++)
		args[i] = info.seccomp.args[i];
	take_call(t, &info, info.seccomp.nr, args);
	if (s->files && loads_made(&s->loads, t->tid, t->ip, t->call.id)) {
		t->phase = PHASE_OUTSIDE;
		return;
	}
	t->stop_foreign = info.seccomp.ret_data != FILTER_STOP_DATA;
	entered(s, t, now);
	t->stop_foreign = false;
	t->phase = calls_awaits_exit(t) && !ends_take(s, t, now) ? PHASE_INSIDE : PHASE_OUTSIDE;
}

/*
 * Calls that block natively and may then return ERESTARTSYS by themselves. If one of them was passed on, its own
 * ERESTARTSYS and that of the notification look the same, and EINTR is an answer that their callers expect.
 */
static bool call_may_restart(enum call_id id)
{
	static const enum call_id blocking[] = {
		CALL_read, CALL_readv, CALL_pread64, CALL_preadv, CALL_preadv2, CALL_write, CALL_writev, CALL_pwrite64,
		CALL_pwritev, CALL_pwritev2, CALL_open, CALL_openat, CALL_openat2, CALL_creat, CALL_wait4, CALL_waitid,
		CALL_futex, CALL_futex_waitv, CALL_futex_wait, CALL_flock, CALL_fcntl, CALL_accept, CALL_accept4, CALL_connect,
		CALL_recvfrom, CALL_recvmsg, CALL_recvmmsg, CALL_sendto, CALL_sendmsg, CALL_sendmmsg, CALL_sendfile,
		CALL_splice, CALL_tee, CALL_vmsplice, CALL_ioctl, CALL_mq_timedsend, CALL_mq_timedreceive, CALL_keyctl,
		CALL_add_key, CALL_request_key, CALL_getrandom, CALL_io_uring_enter, CALL_close,
	};
	for (size_t i = 0; i < ARRAY_SIZE(blocking); i++) {
		if (blocking[i] == id)
			return true;
	}
	return false;
}

/*
 * Under the file kernel calls that take a path or make a descriptor are answered, never passed on, so that their
 * ERESTARTSYS is the notification's, unless the call was given up for a signal. The rest may have slept on the host.
 */
static bool passes_and_restarts(const struct session *s, enum call_id id)
{
	static const enum call_id answered[] = {CALL_open, CALL_openat, CALL_openat2, CALL_creat, CALL_close};
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++) {
		if (answered[i] == id && call_set_has(&s->emulated, id))
			return false;
	}
	return call_may_restart(id);
}

/*
 * A signal came while the task waited for a worker to receive its notification: the kernel left -ERESTARTSYS, which a
 * handler without SA_RESTART turns into EINTR, from calls that natively cannot fail so. -ERESTARTNOINTR repeats the
 * call whatever the handler's flags are (kernel/seccomp.c, seccomp_do_user_notification; arch signal delivery).
 */
void calls_mend_interrupted(struct session *s, struct tracee *t)
{
	enum { RESTARTSYS = -512, RESTARTNOINTR = -513 };
	if (call_set_empty(&s->notified))
		return;
	struct regs r;
	uint64_t value;
	uint64_t nr;
	calls_regs(t, &r);
	if (regs_get(&r, REG_RET, &value) < 0 || (int64_t)value != RESTARTSYS || regs_get(&r, REG_NR, &nr) < 0)
		return;
	enum call_id id = call_from_nr(host_abi(), (int64_t)nr);
	if (!call_set_has(&s->notified, id) || notify_interrupted(s, t->tid) ||
	    (s->files ? passes_and_restarts(s, id) : call_may_restart(id)))
		return;
	regs_set(&r, REG_RET, (uint64_t)(int64_t)RESTARTNOINTR);
	calls_flush(s, &r);
}

int tracee_resume(struct session *s, struct tracee *t, int sig)
{
	uint64_t active = t->phase == PHASE_OUTSIDE && !t->end.pending ? UINT64_MAX : t->placed.stopped_ns;
	atomic_store_explicit(&t->active_ns, active, memory_order_relaxed);
	enum ops_resume how = OPS_CONT;
	switch (s->mechanism) {
	case MECHANISM_STEP:
		how = OPS_SYSCALL;
		break;
	case MECHANISM_SYSEMU:
		how = t->phase == PHASE_REPEATING || calls_awaits_exit(t) ? OPS_SYSCALL : OPS_SYSEMU;
		if (how == OPS_SYSEMU)
			t->phase = PHASE_OUTSIDE;
		break;
	default:
		if (t->phase == PHASE_INSIDE || s->steps)
			how = OPS_SYSCALL;
		break;
	}
	return ops_resume(t->tid, how, sig);
}
