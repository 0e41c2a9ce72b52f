#include <string.h>

#include "policy/compile_private.h"

/* What stops and answers an action that the filter alone cannot carry out. */
static enum plan_mechanism action_mechanism(const struct policy_action *a, const char **why)
{
	switch (a->kind) {
	case ACTION_NATIVE:
		return PLAN_NATIVE;
	case ACTION_ERRNO:
	case ACTION_KILL:
		return PLAN_FILTER;
	case ACTION_VALUE:
		if (a->value == 0)	/* SECCOMP_RET_ERRNO with 0 is a success that returns 0 */
			return PLAN_FILTER;
		*why = "a filter can return an errno or 0, no other value";
		return PLAN_NOTIFY;
	case ACTION_EMULATE:
		*why = "a handler answers";
		return PLAN_NOTIFY;
	case ACTION_LOG:
		*why = "somebody must be told of the call";
		return PLAN_NOTIFY;
	case ACTION_MODULE:
		*why = "a module answers";
		return PLAN_NOTIFY;
	case ACTION_INJECT:
		if (a->inject->signal || a->inject->delay_exit_ns || a->inject->short_count || a->inject->poke_count ||
		    a->inject->has_stand_in) {
			*why = "the injection needs the call's registers, its memory or its exit";
			return PLAN_TRACE;
		}
		if (a->inject->delay_enter_ns) {
			*why = "a delay must not hold up the worker that other calls wait for";
			return PLAN_TRACE;
		}
		*why = "the injection counts calls";
		return PLAN_NOTIFY;
	case ACTION_REDIRECT:
		*why = "a path argument is replaced, which needs the call's registers";
		return PLAN_TRACE;
	default:
		*why = "an argument is replaced, which needs the call's registers";
		return PLAN_TRACE;
	}
}

static void raise(struct plan_call *c, enum plan_mechanism m, const char *why)
{
	if (m > c->mechanism) {
		c->mechanism = m;
		c->why = why;
	}
}

/* What the tests of a rule look at beyond registers. */
static void note_facts(struct plan_call *c, const struct policy *p, enum call_id id, const struct policy_rule *r)
{
	for (uint32_t t = 0; t < r->term_count; t++) {
		for (uint32_t i = 0; i < r->terms[t].count; i++) {
			const struct policy_atom *a = r->terms[t].atoms[i];
			unsigned params;
			enum param_kind kind;

			if (atom_is_register(a) || a->source != OPERAND_PARAM || id < 0)
				continue;
			params = p->symbols[a->symbol]->params[id];
			kind = params ? call_desc(id)->params[__builtin_ctz(params)].kind : PARAM_PATH;
			if (a->field != FIELD_NONE && kind != PARAM_SOCKADDR)
				c->reads_fd = true;
			else
				c->reads_memory = true;
		}
	}
}

static bool rule_needs_user_space(const struct policy_rule *r)
{
	for (uint32_t t = 0; t < r->term_count; t++) {
		for (uint32_t i = 0; i < r->terms[t].count; i++) {
			if (!atom_is_register(r->terms[t].atoms[i]))
				return true;
		}
	}
	return false;
}

/* An outcome that can be reached: after a look at more than registers (late), or by the filter alone. */
static void note_outcome(struct plan_call *c, const struct policy_action *a, bool late)
{
	const char *why = "";
	enum plan_mechanism m = action_mechanism(a, &why);

	if (late && m <= PLAN_FILTER) {
		raise(c, PLAN_NOTIFY,
		      c->reads_memory ? "the decision needs the guest's memory, which a filter cannot read"
				      : "the decision needs a fact that a filter does not have");
	} else {
		raise(c, m, why);
	}
	if (late && policy_action_passes(a) && c->reads_memory) {
		raise(c, PLAN_TRACE, "a call that passes after its memory was looked at is made with the checked copy: "
		      "by \"continue\" another thread could change what was checked");
		c->carry = CARRY_REWRITE;
	}
}

static void survey_call(struct compiler *k, enum call_id id, struct plan_call *c)
{
	const struct policy *p = k->p;
	size_t place = id >= 0 ? (size_t)id : CALL_COUNT;
	bool late = false;

	for (size_t i = k->rules.first[place]; i < k->rules.first[place + 1]; i++) {
		const struct policy_rule *r = &p->rules[k->rules.rules[i]];

		c->rules += c->rules < UINT16_MAX;
		note_facts(c, p, id, r);
		late = late || rule_needs_user_space(r);
		note_outcome(c, &r->action, late);
		if (!r->term_count && r->action.kind != ACTION_INJECT)
			return;
	}
	if (policy_is_off(p, id))
		note_outcome(c, &(struct policy_action){.kind = ACTION_ERRNO, .err = ENOSYS}, late);
	else
		note_outcome(c, &p->default_action, late);
}

/* What user space wants to see itself. */
static void survey_stopped(struct compiler *k, const struct call_set *set, enum plan_mechanism m, const char *why)
{
	for (int i = 0; set && i <= CALL_COUNT; i++) {
		enum call_id id = i < CALL_COUNT ? (enum call_id)i : CALL_NONE;
		struct plan_call *c = &k->plan->calls[i];

		if (!call_set_has(set, id))
			continue;
		c->spilled = true;
		raise(c, m, why);
	}
}

/* A refusal that is to be logged. */
static void survey_said(struct compiler *k, enum call_id id, struct plan_call *c)
{
	size_t place = id >= 0 ? (size_t)id : CALL_COUNT;

	for (size_t i = k->rules.first[place]; i < k->rules.first[place + 1]; i++) {
		enum action_kind kind = k->p->rules[k->rules.rules[i]].action.kind;

		if (kind == ACTION_ERRNO || kind == ACTION_KILL)
			raise(c, PLAN_NOTIFY, "its refusals are logged");
	}
}

bool compile_any_stops(const struct plan *plan, enum plan_mechanism least)
{
	for (int i = 0; i <= CALL_COUNT; i++) {
		if (plan->calls[i].mechanism >= least)
			return true;
	}
	return false;
}

/* An injection that works on registers or memory at a stop, which a call of the kernel layer does not have. */
static bool injects_at_a_stop(struct compiler *k, size_t place)
{
	const char *why;

	for (size_t i = k->rules.first[place]; i < k->rules.first[place + 1]; i++) {
		const struct policy_action *a = &k->p->rules[k->rules.rules[i]].action;

		if (a->kind == ACTION_INJECT && action_mechanism(a, &why) == PLAN_TRACE)
			return true;
	}
	return false;
}

static void survey_owned(struct compiler *k)
{
	for (int i = 0; k->options->owned && i < CALL_COUNT; i++) {
		struct plan_call *c = &k->plan->calls[i];

		if (!call_set_has(k->options->owned, (enum call_id)i))
			continue;
		if (injects_at_a_stop(k, (size_t)i) && !k->plan->refusal[0])
			snprintf(k->plan->refusal, sizeof(k->plan->refusal), "%s is answered by the file kernel: an injection "
				 "can give it an error or a value, nothing else", call_desc((enum call_id)i)->name);
		c->spilled = !c->choice;
		c->mechanism = PLAN_NOTIFY;
		c->carry = c->reads_memory ? CARRY_ANSWER : CARRY_NONE;
		c->why = c->choice ? "the file kernel answers, with some arguments" :
			 "the file kernel answers, with a descriptor where the call makes one";
	}
}

/* Where the filter alone decides what the kernel layer leaves to it. */
static void survey_choice(struct compiler *k, enum call_id id, struct plan_call *c)
{
	const struct plan_options *o = k->options;

	if (o->owned && o->choice_of && id >= 0 && call_set_has(o->owned, id) && c->mechanism <= PLAN_FILTER &&
	    !(o->stopped && call_set_has(o->stopped, id)))
		c->choice = o->choice_of(id);
}

void compile_survey(struct compiler *k)
{
	for (int i = 0; i <= CALL_COUNT; i++) {
		enum call_id id = i < CALL_COUNT ? (enum call_id)i : CALL_NONE;

		survey_call(k, id, &k->plan->calls[i]);
		if (k->options->say_denials)
			survey_said(k, id, &k->plan->calls[i]);
		survey_choice(k, id, &k->plan->calls[i]);
	}
	survey_stopped(k, k->options->answered, PLAN_NOTIFY, "a handler answers, as the identity wants it");
	survey_stopped(k, k->options->stopped, k->options->may_trace ? PLAN_TRACE : PLAN_NOTIFY,
		       "the session records it");
	if (compile_any_stops(k->plan, PLAN_TRACE))
		survey_stopped(k, k->options->stopped_if_traced, PLAN_TRACE,
			       "the session needs to see it where it traces");
	survey_owned(k);
}
