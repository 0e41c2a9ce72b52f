#include "policy/expect.h"

#include <string.h>

#include "policy/callparse.h"

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* An injected errno or value is met by "= -EIO" and "= 0" too. */
static bool inject_meets(const struct policy_inject *j, const struct policy_action *want)
{
	if (want->kind == ACTION_ERRNO)
		return j->err == want->err;
	return want->kind == ACTION_VALUE && j->has_retval && j->retval == want->value;
}

static bool meets(const struct policy_expect *e, struct parsed_call *call, const struct decision *d)
{
	const struct policy_action *want = &e->result, *got = &d->action;
	char buf[4096];

	if (got->kind == ACTION_INJECT && want->kind != ACTION_INJECT)
		return inject_meets(got->inject, want);
	if (got->kind != want->kind)
		return false;
	if (got->kind == ACTION_REDIRECT && want->text) {
		for (unsigned i = 0; i < 6; i++) {
			struct policy_string path;
			struct decide_event event;

			parsed_call_event(call, &event);
			if (!call->has_string[i] || event.ops->path(event.ctx, i, &path) < 0)
				continue;
			if (policy_redirect_path(d, &path, buf, sizeof(buf)) >= 0)
				return same_text(buf, want->text);
		}
		return false;
	}
	if (e->any_value)
		return true;
	return got->err == want->err && got->value == want->value;
}

static void say_wrong(struct policy *p, const struct policy_expect *e, const struct decision *d)
{
	AUTO_STRBUF struct strbuf got;

	strbuf_init(&got);
	policy_action_format(p, &d->action, &got);
	diag_error(p->diags, e->result_at, "not as expected: the policy decides \"%s\"", strbuf_str(&got));
	if (d->rule)
		diag_hint(p->diags, "by line %u of %s", d->rule->at.line, p->diags->sources[d->rule->at.source].name);
	else
		diag_hint(p->diags, "by the default: no rule fits");
}

static bool run(struct policy *p, const struct policy_expect *e)
{
	struct parsed_call call;
	struct decide_event event;
	struct decision d;
	char message[200];
	size_t at;
	bool ok;

	if (call_parse(e->call, e->call_len, &call, &at, message, sizeof(message)) < 0) {
		struct span where = e->at;

		where.offset += (uint32_t)at;
		where.len = 1;
		diag_error(p->diags, where, "%s", message);
		return false;
	}
	parsed_call_event(&call, &event);
	policy_decide(p, NULL, &event, &d);
	ok = meets(e, &call, &d);
	if (!ok)
		say_wrong(p, e, &d);
	parsed_call_finish(&call);
	return ok;
}

size_t policy_run_expects(struct policy *p)
{
	size_t met = 0;

	for (size_t i = 0; i < p->expect_count; i++)
		met += run(p, &p->expects[i]);
	return met;
}
