/* Any bytes as a policy: read, checked, its errors printed; if it has none, its expect lines run and its plan made. */
#include "fuzz.h"

#include "policy/compile.h"
#include "policy/expect.h"

/* An include finds the same text again, a few times: what includes itself must end, but not every input wait for it. */
struct self {
	const uint8_t *data;
	size_t size;
	unsigned times;
};

static int load_self(void *ctx, const char *path UNUSED, char **ret_text, size_t *ret_len)
{
	struct self *s = ctx;
	char *copy = s->times++ < 20 ? malloc(s->size + 1) : NULL;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < s->size; i++)
		copy[i] = (char)s->data[i];
	*ret_text = copy;
	*ret_len = s->size;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct self self = {.data = data, .size = size};
	struct policy_options options = {.any_feature = 1, .load = load_self, .load_ctx = &self};
	struct plan_options how = {.may_notify = true, .may_trace = true};
	struct policy *p;
	struct plan_costs costs;
	struct plan *plan = NULL;
	struct strbuf out;

	if (policy_load_text("fuzz", (const char *)data, size, &options, &p) < 0)
		return 0;
	strbuf_init(&out);
	if (!p->diags->errors) {
		(void)policy_run_expects(p);
		if (plan_create(p, &how, &plan) >= 0) {
			plan_explain(plan, &out);
			plan_costs_init(&costs);
			plan_explain_call(plan, CALL_openat, &costs, &out);
		}
		plan_destroy(plan);
	}
	diags_print(p->diags, &out);
	strbuf_finish(&out);
	policy_destroy(p);
	return 0;
}
