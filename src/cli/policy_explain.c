/* trapline policy explain: the plan that the compiler makes of a policy, and why. */
#include <string.h>

#include "cli/costs.h"
#include "cli/policy.h"
#include "policy/compile.h"

static const struct option options[] = {
	{"no-ptrace", no_argument, NULL, 'P'}, {"no-notify", no_argument, NULL, 'N'}, {"all", no_argument, NULL, 'a'},
	{"here", no_argument, NULL, 'H'}, {"help", no_argument, NULL, 'h'}, {0},
};

static const char usage_text[] =
	"Usage: trapline policy explain [OPTIONS] FILE [SYSCALL|%GROUP]...\n\n"
	"  --all        every call, not only those that the policy does something to\n"
	"  --no-ptrace  plan for a session that may not use ptrace\n"
	"  --no-notify  plan for a session that may not use seccomp notifications\n"
	"  --here       \"where\" asks about a guest of this machine, not about one without capabilities on the newest kernel\n";

static bool worth_showing(const struct plan *plan, enum call_id id)
{
	const struct plan_call *c = &plan->calls[id];

	return call_desc(id)->nr[policy_own_abi()] >= 0 && (c->mechanism != PLAN_NATIVE || c->arguments);
}

/* One line for each call: enough to see the shape of a plan. */
static void explain_briefly(const struct plan *plan, bool all, struct strbuf *out)
{
	for (int i = 0; i < CALL_COUNT; i++) {
		enum call_id id = (enum call_id)i;
		const struct plan_call *c = &plan->calls[i];

		if (call_desc(id)->nr[policy_own_abi()] < 0 || (!all && !worth_showing(plan, id)))
			continue;
		strbuf_addf(out, "  %-24s %-7s %s\n", call_desc(id)->name, plan_mechanism_name(c->mechanism),
			    c->mechanism >= PLAN_NOTIFY ? c->why : c->arguments ? "by arguments, in the filter" : "");
	}
}

static int explain_named(const struct plan *plan, const char *name, const struct plan_costs *costs, struct strbuf *out)
{
	enum call_id id = call_from_name(name, strlen(name));
	int group = name[0] == '%' ? call_group_from_name(name, strlen(name)) : -1;
	const char *near;

	if (id >= 0) {
		plan_explain_call(plan, id, costs, out);
		return 0;
	}
	if (group < 0) {
		near = call_nearest(name, strlen(name));
		cli_error("policy explain", near ? "no system call is named '%s' (did you mean '%s'?)" :
			  "no system call is named '%s'", name, near);
		return CLI_EXIT_USAGE;
	}
	for (int i = 0; i < CALL_COUNT; i++) {
		if (call_in_group((enum call_id)i, (enum call_group)group))
			plan_explain_call(plan, (enum call_id)i, costs, out);
	}
	return 0;
}

static int explain(const struct policy *p, const struct plan_options *how, bool all, int argc, char **argv)
{
	AUTO_STRBUF struct strbuf out;
	struct plan *plan = NULL;
	struct plan_costs costs;
	char why[COSTS_WHY_MAX];
	int r = plan_create(p, how, &plan), status = 0;

	strbuf_init(&out);
	if (r < 0) {
		cli_error("policy explain", "the policy cannot be carried out: %s",
			  plan ? plan->refusal : strerror(-r));
		plan_destroy(plan);
		return CLI_EXIT_FAILURE;
	}
	bool unusable = costs_load(&costs, why) < 0;

	if (!argc) {
		plan_explain(plan, &out);
		strbuf_addf(&out, "costs: %s\n", why);
		explain_briefly(plan, all, &out);
	}
	for (int i = 0; i < argc && !status; i++)
		status = explain_named(plan, argv[i], &costs, &out);
	if (argc && unusable)
		cli_error("policy explain", "costs: %s", why);
	(void)fputs(strbuf_str(&out), stdout);
	plan_destroy(plan);
	return status;
}

int policy_explain(int argc, char **argv)
{
	struct plan_options how = {.may_notify = true, .may_trace = true};
	char name[] = "policy explain";
	struct policy *p;
	bool all = false, here = false;
	int c, r;

	argv[0] = name;
	while ((c = cli_getopt(argc, argv, "h", options)) != -1) {
		switch (c) {
		case 'P':
			how.may_trace = false;
			break;
		case 'N':
			how.may_notify = false;
			break;
		case 'a':
			all = true;
			break;
		case 'H':
			here = true;
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			return cli_finish_stdout();
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind == argc) {
		cli_error("policy explain", "which file?");
		return CLI_EXIT_USAGE;
	}
	r = policy_open("policy explain", argv[optind], here, &p);
	if (r)
		return r;
	r = explain(p, &how, all, argc - optind - 1, argv + optind + 1);
	policy_destroy(p);
	return r ? r : cli_finish_stdout();
}
