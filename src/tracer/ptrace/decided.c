/* What a policy decided about a call that is being entered, carried out in registers. */
#include <string.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "tracer/memory.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/exec.h"
#include "tracer/ptrace/lend.h"
#include "tracer/session_private.h"

enum { INJECTED = 1, DELAYED = 2, SIGNALLED = 4, POKED = 8 };

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
	bool can = (t->call.abi == host_abi() || t->call.abi == ABI_I386) && t->phase != PHASE_REPEATING;
	int err = can ? carry_place(s, t, a) : -ENOSYS;
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

/* In a filter stop the filter itself can do it; x32 has no number for that. */
static void kill_group(struct session *s, struct tracee *t, struct regs *r)
{
	if (s->uses_filter && s->mechanism == MECHANISM_TRACE && s->options->policy->plan->kills && t->call.abi != ABI_X32) {
		regs_set(r, REG_NR, FILTER_KILL_NR);
		calls_flush(s, r);
		return;
	}
	apply_kill(tracee_tgid(t), t->tid);
	calls_answer(s, t, r, -EPERM);
}

static uint8_t marks(const struct applied *a)
{
	return (uint8_t)((a->kind == APPLIED_VALUE && !a->handled ? INJECTED : 0) | (a->delay_enter_ns || a->delay_exit_ns ? DELAYED : 0) |
			 (a->signal ? SIGNALLED : 0));
}

/* Also memory that the guest may not write, as a debugger's breakpoint would. */
static void poke(struct tracee *t, const struct policy_inject *effect, const uint8_t *regs, bool at_exit)
{
	for (unsigned i = 0; effect && i < effect->poke_count; i++) {
		const struct policy_poke *p = &effect->pokes[i];
		if (p->at_exit != at_exit || regs[i] == POKE_NOWHERE)
			continue;
		uint64_t addr = t->call.args[regs[i]];
		int r = memory_poke(t->tid, addr, p->bytes, p->len);
		if (r == -EFAULT)
			r = memory_poke(t->tid, addr, p->bytes, 1);	/* overwritten up to where the memory ends */
		if (r == 0)
			t->injected |= POKED;
		else if (r != -ESRCH)
			log_warning("task %d: argument %u of %s points to nothing that could be overwritten: %s", t->tid,
				    regs[i] + 1u, t->call.id >= 0 ? call_desc(t->call.id)->name : "a call", strerror(-r));
	}
}

static bool pokes_at_exit(const struct policy_inject *effect)
{
	for (unsigned i = 0; effect && i < effect->poke_count; i++) {
		if (effect->pokes[i].at_exit)
			return true;
	}
	return false;
}

/* The number of a call in the ABI of the one that is entered, as its register has it; -1: none. */
static int64_t number_of(const struct tracee *t, enum call_id id)
{
	enum { X32_BIT = 0x40000000 };
	int nr = call_desc(id)->nr[t->call.abi];
	return nr >= 0 && t->call.abi == ABI_X32 ? nr | X32_BIT : nr;
}

/*
 * A harmless call instead of the one that is answered; its result gives way to the answer. Under sysemu the kernel
 * skips the call whatever its number is, and a call that changes nothing can as well not be made.
 */
static bool stand_in(struct session *s, struct tracee *t, struct regs *r, const struct applied *a)
{
	int64_t nr = a->effect && a->effect->has_stand_in ? number_of(t, a->effect->stand_in) : -1;
	if (nr < 0 || s->mechanism == MECHANISM_SYSEMU)
		return false;
	regs_set(r, REG_NR, (uint64_t)nr);
	calls_flush(s, r);
	t->stood_in = true;
	t->stood_in_for = a->value;
	return true;
}

void calls_finish_injection(struct session *s, struct tracee *t, int64_t *value, bool *is_error)
{
	if (t->stood_in) {
		struct regs r;
		struct verdict v = verdict_value(t->stood_in_for);
		calls_regs(t, &r);
		regs_set(&r, REG_RET, (uint64_t)v.value);
		calls_flush(s, &r);
		*value = v.value;
		*is_error = verdict_is_error(&v);
		t->stood_in = false;
	}
	poke(t, t->poke_exit, t->poke_regs, true);
	t->poke_exit = NULL;
}

static void carry_out(struct session *s, struct tracee *t, struct regs *r, const struct applied *a)
{
	if (a->kind == APPLIED_VALUE) {
		if (!stand_in(s, t, r, a))
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
	if (!t->answered && pokes_at_exit(a->effect)) {
		t->poke_exit = a->effect;
		memcpy(t->poke_regs, a->poke_regs, sizeof(t->poke_regs));
	}
	/* The kernel sends it itself to a task that goes on from an entry stop; from a filter stop it does not. */
	if (a->signal && s->mechanism == MECHANISM_STEP)
		t->entry_signal = a->signal;
	else if (a->signal)
		(void)syscall(SYS_tgkill, tracee_tgid(t), t->tid, a->signal);
}

static void redirect_exec(struct session *s, struct tracee *t, struct regs *r, struct call_event *ev, struct applied *a)
{
	exec_redirect(s, t, ev, a);
	regs_reset(r);	/* the task may have run meanwhile */
}

void calls_act(struct session *s, struct tracee *t, struct regs *r, struct applied *a, bool record, uint64_t now)
{
	if (record && !t->ended)
		emit_enter(s, t, now);
	if (a->kind == APPLIED_VERDICT) {
		lend_fd(s, t, a);
		regs_reset(r);
	}
	if (a->kind == APPLIED_FAIL)
		session_fail(s, (int)a->value, "a handler failed");
	else if (a->kind == APPLIED_KILL)
		kill_group(s, t, r);
	else if (!t->ended)
		carry_out(s, t, r, a);
	if (t->answered)
		poke(t, a->effect, a->poke_regs, true);
	if (record && t->answered) {
		struct verdict v = verdict_value(a->value);
		emit_exit(s, t, a->value, verdict_is_error(&v), now);
	}
	t->inside_recorded = record && !t->answered && s->options->record_exits;
}

void calls_decide(struct session *s, struct tracee *t, struct regs *r, struct call_event *ev, bool record, uint64_t now)
{
	struct task_facts facts;
	struct applied a;
	task_facts_init(&facts, ev, tracee_tgid(t));
	apply_call(&s->apply, &facts, &a);
	t->injected = marks(&a);
	if (a.kind == APPLIED_PASS && exec_is(s, t))
		redirect_exec(s, t, r, ev, &a);
	else
		place_copies(s, t, r, &a);
	poke(t, a.effect, a.poke_regs, false);
	calls_act(s, t, r, &a, record, now);
	task_facts_finish(&facts);
}

void calls_exec(struct session *s, struct tracee *t, struct regs *r, struct call_event *ev, bool record, uint64_t now)
{
	struct applied a = {.kind = APPLIED_PASS};
	redirect_exec(s, t, r, ev, &a);
	calls_act(s, t, r, &a, record, now);
}
