#include "tracer/policy/apply.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "tracer/handlers.h"
#include "tracer/policy/reload.h"
#include "tracer/proc_status.h"

static bool counts_calls(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *r = &p->rules[i];
		if (r->action.kind == ACTION_INJECT)
			return true;
		for (uint32_t t = 0; t < r->term_count; t++) {
			for (uint32_t j = 0; j < r->terms[t].count; j++) {
				if (r->terms[t].atoms[j]->source == OPERAND_TASK_CALLS)
					return true;
			}
		}
	}
	return false;
}

int apply_init(struct apply *a, const struct session_options *options, const struct call_set *answered, bool without_ptrace)
{
	const struct policy_runtime *runtime = options->policy;
	*a = (struct apply){
		.runtime = runtime, .policy = runtime->plan->policy, .answered = answered, .kernel = options->kernel,
		.probe = options->probe, .roots_differ = true,
	};
	a->counts = counts_calls(a->policy);
	(void)pthread_rwlock_init(&a->policy_lock, NULL);
	int r = counters_init(&a->counters, without_ptrace);
	if (r < 0) {
		log_error("cannot count for the policy: %s", strerror(-r));
		return r;
	}
	r = audit_init(&a->audit, runtime->audit_file, runtime->quiet);
	if (r < 0)
		log_error("cannot write '%s': %s", runtime->audit_file, strerror(-r));
	return r;
}

void apply_reload(struct apply *a, bool filtered)
{
	const struct plan *next;
	char why[300];
	if (a->runtime->reload(a->runtime->reload_ctx, &next) < 0) {
		log_warning("the policy is not reloaded: the one in force stays");
		return;
	}
	if (filtered && !reload_possible(a->runtime->plan, next, why, sizeof(why))) {
		log_warning("the policy is not reloaded: %s", why);
		return;
	}
	(void)pthread_rwlock_wrlock(&a->policy_lock);
	(void)pthread_mutex_lock(&a->counters.lock);
	counters_clear(&a->counters);
	a->policy = next->policy;
	a->counts = counts_calls(a->policy);
	(void)pthread_mutex_unlock(&a->counters.lock);
	(void)pthread_rwlock_unlock(&a->policy_lock);
	log_warning("the policy is reloaded");
}

void apply_finish(struct apply *a)
{
	counters_finish(&a->counters);
	audit_finish(&a->audit);
	(void)pthread_rwlock_destroy(&a->policy_lock);
}

/* ---- roots ---- */

/* clone with CLONE_NEWNS is not among them: its child is a new task. */
static const enum call_id root_calls[] = {CALL_chroot, CALL_pivot_root, CALL_setns, CALL_unshare};

void apply_root_calls(struct call_set *set)
{
	for (size_t i = 0; i < ARRAY_SIZE(root_calls); i++)
		call_set_add(set, root_calls[i]);
}

void apply_watches_roots(struct apply *a)
{
	atomic_store(&a->roots_differ, false);
}

void apply_without_ptrace(struct apply *a)
{
	a->counters.watches = true;
	atomic_store(&a->roots_differ, true);
}

void apply_call_entered(struct apply *a, enum call_id id)
{
	for (size_t i = 0; i < ARRAY_SIZE(root_calls); i++) {
		if (id == root_calls[i])
			atomic_store(&a->roots_differ, true);
	}
}

void apply_new_task(struct apply *a, pid_t tid)
{
	if (!atomic_load_explicit(&a->roots_differ, memory_order_relaxed) && !resolver_has_our_root(tid))
		atomic_store(&a->roots_differ, true);
}

/* ---- the decision ---- */

static void decide(struct apply *a, struct task_facts *f, struct decision *ret)
{
	if (!a->counts) {
		policy_decide(a->policy, NULL, &f->event, ret);
		return;
	}
	pid_t id = a->runtime->per_thread ? f->call->tid : task_facts_tgid(f);
	(void)pthread_mutex_lock(&a->counters.lock);
	struct counted *s = counters_of(&a->counters, a->policy, id);
	if (s && f->event.id >= 0)
		f->calls = ++s->calls[f->event.id];
	policy_decide(a->policy, s ? s->injections : NULL, &f->event, ret);
	(void)pthread_mutex_unlock(&a->counters.lock);
}

/* ---- actions ---- */

/* Bytes asked for: the last parameter that counts bytes. -1: the call has none. */
static int count_parameter(const struct call_desc *d)
{
	static const char *const names[] = {"count", "len", "buflen", "size"};
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		for (unsigned i = 0; i < d->nparams; i++) {
			if (strcmp(d->params[i].name, names[n]) == 0)
				return (int)i;
		}
	}
	return -1;
}

static void set_argument(const struct task_facts *f, unsigned param, uint64_t value, struct applied *ret)
{
	int reg = task_facts_register(f, param);
	if (reg < 0)
		return;
	ret->args[reg] = value;
	ret->changed |= (uint8_t)(1u << reg);
}

static void shorten(const struct task_facts *f, uint64_t count, struct applied *ret)
{
	int param = f->event.id >= 0 ? count_parameter(call_desc(f->event.id)) : -1;
	int reg = param < 0 ? -1 : task_facts_register(f, (unsigned)param);
	if (reg >= 0 && f->event.args[reg] > count)
		set_argument(f, (unsigned)param, count, ret);
}

/* The register of the parameter that a poke is about; of several by one name, the first. */
static uint8_t poke_register(const struct apply *a, const struct task_facts *f, const struct policy_poke *poke,
			     unsigned *ret_param)
{
	const struct policy_symbol *s = a->policy->symbols[poke->symbol];
	unsigned params = s->params[f->event.id >= 0 ? f->event.id : 0];
	if (!params)
		return POKE_NOWHERE;
	*ret_param = (unsigned)__builtin_ctz(params);
	if (s->raw)
		return (uint8_t)*ret_param;
	int reg = task_facts_register(f, *ret_param);
	return reg < 0 ? POKE_NOWHERE : (uint8_t)reg;
}

/* The call may be made with a copy of what the guest's memory held: it must hold what the memory is made to hold. */
static int poke_copy(struct task_facts *f, struct fact_copy *c, const struct policy_poke *poke)
{
	size_t len = c->len > poke->len ? c->len : poke->len;
	char *bytes = arena_alloc(&f->arena, len + 1);	/* zeroed: a string stays one */
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, c->data, c->len);
	memcpy(bytes, poke->bytes, poke->len);
	c->data = bytes;
	c->len = len > c->len ? len + 1 : len;
	return 0;
}

static int prepare_pokes(const struct apply *a, struct task_facts *f, const struct policy_inject *j, struct applied *ret)
{
	for (unsigned i = 0; i < j->poke_count; i++) {
		unsigned param = 0;
		ret->poke_regs[i] = poke_register(a, f, &j->pokes[i], &param);
		if (ret->poke_regs[i] == POKE_NOWHERE || j->pokes[i].at_exit)
			continue;
		for (unsigned p = 0; p < 6; p++) {
			int r = 0;
			if (f->copies[p].data && task_facts_register(f, p) == ret->poke_regs[i])
				r = poke_copy(f, &f->copies[p], &j->pokes[i]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int inject(const struct apply *a, struct task_facts *f, const struct policy_inject *j, struct applied *ret)
{
	ret->injected = true;
	if (j->poke_count || j->has_stand_in)
		ret->effect = j;
	int r = prepare_pokes(a, f, j, ret);
	if (r < 0)
		return r;
	ret->signal = j->signal;
	ret->delay_enter_ns = j->delay_enter_ns;
	ret->delay_exit_ns = j->delay_exit_ns;
	if (j->err || j->has_retval) {
		ret->kind = APPLIED_VALUE;
		ret->value = j->err ? -j->err : j->retval;
	} else if (j->short_count) {
		shorten(f, j->short_count, ret);
	}
	return 0;
}

static void rewrite(const struct apply *a, const struct task_facts *f, const struct policy_action *action,
		    struct applied *ret)
{
	const struct policy_symbol *s = a->policy->symbols[action->symbol];
	unsigned params = s->params[f->event.id >= 0 ? f->event.id : 0];
	for (; params; params &= params - 1) {
		unsigned param = (unsigned)__builtin_ctz(params);
		if (s->raw) {
			ret->args[param] = (uint64_t)action->value;
			ret->changed |= (uint8_t)(1u << param);
		} else {
			set_argument(f, param, (uint64_t)action->value, ret);
		}
	}
}

/* The path that the rule matched gives way to another. */
static int redirect(struct task_facts *f, const struct decision *d)
{
	char path[RESOLVE_PATH_MAX];
	for (unsigned i = 0; i < 6; i++) {
		struct fact_copy *c = &f->copies[i];
		if (!c->resolved.text)
			continue;
		ssize_t n = policy_redirect_path(d, &c->resolved, path, sizeof(path));
		if (n == -EINVAL)
			continue;
		if (n < 0)
			return (int)n;
		const char *guest = resolver_guest_path(&f->resolver, path);
		if (!guest)
			return -ENOENT;		/* in the guest's root nothing has this name */
		c->data = arena_strndup(&f->arena, guest, strlen(guest));
		c->len = strlen(guest) + 1;
		if (!c->data)
			return -ENOMEM;
	}
	return 0;
}

/* A call that passes after its memory was looked at is made with what was looked at. */
static void carry(struct apply *a, struct task_facts *f, struct applied *ret)
{
	(void)a;
	for (unsigned i = 0; i < 6; i++) {
		int reg = f->copies[i].data ? task_facts_register(f, i) : -1;
		if (reg < 0)
			continue;
		ret->copies[reg] = f->copies[i];
		ret->carried |= (uint8_t)(1u << reg);
	}
}

static void answer(struct applied *ret, int64_t value)
{
	ret->kind = APPLIED_VALUE;
	ret->value = value;
}

static void emulate(struct apply *a, const struct task_facts *f, struct applied *ret)
{
	/* Handlers know the layouts of the host's own ABI. */
	if (f->call->abi != policy_own_abi()) {
		answer(ret, -ENOSYS);
		return;
	}
	struct verdict v = handlers_ask(a->probe, a->kernel, f->call);
	if (v.kind == VERDICT_PASS)
		return;
	ret->handled = true;
	ret->kind = v.kind == VERDICT_FAIL ? APPLIED_FAIL : v.kind == VERDICT_VALUE ? APPLIED_VALUE : APPLIED_VERDICT;
	ret->value = v.value;
	ret->verdict = v;
}

void apply_kill(pid_t tgid, pid_t tid)
{
	if (!proc_status_dies_of(tid, SIGSYS) || syscall(SYS_tgkill, tgid, tid, SIGSYS) < 0)
		(void)kill(tgid, SIGKILL);
}

/*
 * The kernel layer's own call: what a rule lets pass goes to its handler, with the copies that were decided on and with
 * what the rule put in place of arguments.
 */
static void answer_owned(struct apply *a, struct task_facts *f, struct applied *ret)
{
	struct call_copy copies[6] = {0};
	struct call_event *call = f->call;
	for (unsigned i = 0; i < 6; i++) {
		int reg = f->copies[i].data ? task_facts_register(f, i) : -1;
		if (reg >= 0)
			copies[i] = (struct call_copy){f->event.args[reg], f->copies[i].data, f->copies[i].len};
		if (ret->changed >> i & 1)
			call->args[i] = ret->args[i];
	}
	call->copies = copies;
	emulate(a, f, ret);
	call->copies = NULL;
	ret->changed = 0;
}

static bool is_said(const struct policy_action *a)
{
	return a->kind == ACTION_ERRNO || a->kind == ACTION_KILL || a->kind == ACTION_LOG;
}

/* Does the kernel layer answer the call whatever rules say? */
static bool owns(const struct apply *a, const struct task_facts *f)
{
	return f->event.id >= 0 && call_set_has(&a->runtime->plan->owned, f->event.id);
}

static void act(struct apply *a, struct task_facts *f, const struct decision *d, struct applied *ret)
{
	const struct policy_action *action = &d->action;
	int r = 0;
	switch (action->kind) {
	case ACTION_ERRNO:
		answer(ret, -action->err);
		break;
	case ACTION_VALUE:
		answer(ret, action->value);
		break;
	case ACTION_KILL:
		ret->kind = APPLIED_KILL;
		break;
	case ACTION_EMULATE:
		if (!owns(a, f))
			emulate(a, f, ret);
		break;
	case ACTION_INJECT:
		r = inject(a, f, action->inject, ret);
		break;
	case ACTION_REWRITE:
		rewrite(a, f, action, ret);
		break;
	case ACTION_REDIRECT:
		r = redirect(f, d);
		break;
	default:
		break;
	}
	if (r < 0)
		answer(ret, r);
}

static void decide_and_act(struct apply *a, struct task_facts *f, struct applied *ret)
{
	struct decision d;
	*ret = (struct applied){.kind = APPLIED_PASS};
	f->kernel = a->kernel;
	decide(a, f, &d);
	/* The kernel would refuse the pointer: no rule about what it points to can be meant. */
	if (f->fault) {
		answer(ret, f->fault);
		return;
	}
	if (!d.rule && d.action.kind == ACTION_NATIVE && call_set_has(a->answered, f->event.id))
		d.action.kind = ACTION_EMULATE;
	act(a, f, &d, ret);
	if (ret->kind == APPLIED_PASS)
		(owns(a, f) ? answer_owned : carry)(a, f, ret);
	if (!is_said(&d.action) || !audit_wants(&a->audit))
		return;
	(void)task_facts_tgid(f);
	task_facts_paths(f);	/* for the reader: nothing is decided on them any more */
	audit_say(&a->audit, a->policy, f, &d);
}

void apply_call(struct apply *a, struct task_facts *f, struct applied *ret)
{
	f->our_root = !atomic_load_explicit(&a->roots_differ, memory_order_relaxed);
	(void)pthread_rwlock_rdlock(&a->policy_lock);
	decide_and_act(a, f, ret);
	(void)pthread_rwlock_unlock(&a->policy_lock);
}
