/* What the tests of policies share: a policy and a plan that must be good, a decision as text. */
#ifndef TRAPLINE_TESTS_UNIT_POLICY_LOAD_H
#define TRAPLINE_TESTS_UNIT_POLICY_LOAD_H

#include <check.h>
#include <string.h>

#include "policy/callparse.h"
#include "policy/compile.h"
#include "policy/sim.h"

static const struct policy_options lenient = {.any_feature = 1};

static inline struct policy *load(const char *text)
{
	struct policy *p;
	struct strbuf out;

	ck_assert_int_eq(policy_load_text("test", text, strlen(text), &lenient, &p), 0);
	strbuf_init(&out);
	diags_print(p->diags, &out);
	ck_assert_msg(!p->diags->errors, "%s", strbuf_str(&out));
	strbuf_finish(&out);
	return p;
}

static inline struct plan *plan_of(const struct policy *p)
{
	struct plan *plan;

	ck_assert_int_eq(plan_create(p, &(struct plan_options){.may_notify = true, .may_trace = true}, &plan), 0);
	return plan;
}

/* What the policy decides for a call in strace's notation, as policy text. */
static inline const char *decided(const struct policy *p, const char *text)
{
	static struct strbuf out;
	struct parsed_call call;
	struct decide_event event;
	struct decision d;
	char message[200];
	size_t at;

	ck_assert_msg(call_parse(text, strlen(text), &call, &at, message, sizeof(message)) == 0, "%s: %s", text,
		      message);
	parsed_call_event(&call, &event);
	policy_decide(p, NULL, &event, &d);
	strbuf_clear(&out);
	policy_action_format(p, &d.action, &out);
	parsed_call_finish(&call);
	return strbuf_str(&out);
}

#endif
