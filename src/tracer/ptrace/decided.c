/* What a policy decided about a call that is being entered, carried out in registers. */
#include <string.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "tracer/ptrace/carry.h"
#include "tracer/session_private.h"

enum { INJECTED = 1, DELAYED = 2, SIGNALLED = 4 };

/* A checked copy cannot be put in place: the call must not be made on the guest's own memory. */
static void no_carry(struct session *s, struct tracee *t, struct applied *a, int err)
{
	log_warning("task %d: %s is not made: the checked copy of what its arguments point to cannot be put in place: %s",
		    t->tid, t->call.id >= 0 ? call_desc(t->call.id)->name : "a call", strerror(-err));
	(void)s;
	a->kind = APPLIED_VALUE;
	a->value = err;
}

static void place_copies(struct session *s, struct tracee *t, struct regs *r, struct applied *a)
{
	if (a->kind != APPLIED_PASS || !a->carried)
		return;
	int err = t->call.abi == host_abi() && t->phase != PHASE_REPEATING ? carry_place(s, t, a) : -ENOSYS;
	regs_reset(r);	/* the task may have run meanwhile */
	if (err < 0 && !t->ended)
		no_carry(s, t, a, err);
}

static void pass(struct tracee *t, struct regs *r, const struct applied *a)
{
	for (unsigned i = 0; i < 6; i++) {
		if (a->changed >> i & 1)
			calls_change_arg(t, r, i, a->args[i]);
	}
}

static void kill_group(struct tracee *t)
{
	(void)kill(tracee_tgid(t), SIGKILL);
}

static uint8_t marks(const struct applied *a)
{
	return (uint8_t)((a->kind == APPLIED_VALUE ? INJECTED : 0) | (a->delay_enter_ns || a->delay_exit_ns ? DELAYED : 0) |
			 (a->signal ? SIGNALLED : 0));
}

static void carry_out(struct session *s, struct tracee *t, struct regs *r, const struct applied *a)
{
	if (a->kind == APPLIED_VALUE) {
		calls_answer(s, t, r, a->value);
	} else if (a->changed) {
		pass(t, r, a);
		calls_flush(s, r);
	}
	t->delay_ns = a->delay_enter_ns;
	/* An answered call has no exit worth a stop of its own, except where every call has one. */
	if (t->answered && s->mechanism != MECHANISM_STEP)
		t->delay_ns += a->delay_exit_ns;
	else
		t->delay_exit_ns = a->delay_exit_ns;
	/* The kernel sends it itself to a task that goes on from an entry stop; from a filter stop it does not. */
	if (a->signal && s->mechanism == MECHANISM_STEP)
		t->entry_signal = a->signal;
	else if (a->signal)
		(void)syscall(SYS_tgkill, tracee_tgid(t), t->tid, a->signal);
}

void calls_decide(struct session *s, struct tracee *t, struct regs *r, struct call_event *ev, bool record, uint64_t now)
{
	struct task_facts facts;
	struct applied a;
	task_facts_init(&facts, ev, tracee_tgid(t));
	apply_call(&s->apply, &facts, &a);
	place_copies(s, t, r, &a);
	if (record && !t->ended)
		emit_enter(s, t, now);
	t->injected = marks(&a);
	if (a.kind == APPLIED_FAIL)
		session_fail(s, (int)a.value, "a handler failed");
	else if (a.kind == APPLIED_KILL)
		kill_group(t);
	else if (!t->ended)
		carry_out(s, t, r, &a);
	if (record && t->answered) {
		struct verdict v = verdict_value(a.value);
		emit_exit(s, t, a.value, verdict_is_error(&v), now);
	}
	t->inside_recorded = record && !t->answered && s->options->record_exits;
	task_facts_finish(&facts);
}
