/* trapline policy test: what one call would meet, without a kernel or a guest. */
#include <string.h>

#include "cli/policy.h"
#include "policy/callparse.h"
#include "policy/compile.h"

#define HELP_SHOWN (-1)

struct test_options {
	const char *cwd, *exe;
	uint64_t uid, gid;
	enum call_abi abi;
	bool here;
};

static const struct option options[] = {
	{"cwd", required_argument, NULL, 'C'},
	{"exe", required_argument, NULL, 'e'},
	{"uid", required_argument, NULL, 'u'},
	{"gid", required_argument, NULL, 'g'},
	{"abi", required_argument, NULL, 'a'},
	{"here", no_argument, NULL, 'H'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const char usage_text[] =
	"Usage: trapline policy test [OPTIONS] FILE 'CALL(ARGUMENTS)'...\n\n"
	"  --cwd DIR   relative paths start here (default: /)\n"
	"  --uid N, --gid N, --exe FILE\n"
	"              who makes the call\n"
	"  --abi ABI   x86_64, i386 or x32 (aarch64 on that machine)\n"
	"  --here      \"where\" asks about a guest of this machine, not about one without capabilities on the newest kernel\n\n"
	"A call is written as strace prints it: openat(AT_FDCWD, \"/etc/shadow\", O_RDONLY).\n"
	"The status is 0 whatever the policy decides.\n";

static void say_decision(const struct policy *p, const struct plan *plan, struct parsed_call *call,
			 const struct decide_event *event, const struct decision *d)
{
	AUTO_STRBUF struct strbuf out;
	char path[4096];

	strbuf_init(&out);
	policy_action_format(p, &d->action, &out);
	strbuf_adds(&out, "\n  rule       ");
	if (d->rule) {
		policy_span_format(p, d->rule->at, &out);
		strbuf_adds(&out, ": ");
		strbuf_add(&out, p->diags->sources[d->rule->at.source].text + d->rule->at.offset, d->rule->at.len);
	} else {
		strbuf_adds(&out, d->by_abi ? "the ABI's treatment" : "none: the default");
	}
	strbuf_adds(&out, "\n  mechanism  ");
	plan_describe_call(plan, event, &out);
	for (unsigned i = 0; d->action.kind == ACTION_REDIRECT && i < 6; i++) {
		struct policy_string from;

		if (call->has_string[i] && event->ops->path(event->ctx, i, &from) == 0 &&
		    policy_redirect_path(d, &from, path, sizeof(path)) >= 0)
			strbuf_addf(&out, "\n  path       %s", path);
	}
	(void)printf("%s\n", strbuf_str(&out));
}

static int test_call(const struct policy *p, const struct plan *plan, const char *text, const struct test_options *o)
{
	struct parsed_call call;
	struct decide_event event;
	struct decision d;
	char message[200];
	size_t at;
	int r = call_parse(text, strlen(text), &call, &at, message, sizeof(message));

	if (r < 0) {
		cli_error("policy test", "%s", r == -ENOMEM ? "out of memory" : strtok(message, "\n"));
		if (!strpbrk(text, "\n\r\t\x1b"))
			(void)fprintf(stderr, "  %s\n  %*s^\n", text, (int)at, "");
		return CLI_EXIT_USAGE;
	}
	call.abi = o->abi;
	call.task.uid = (uint32_t)o->uid;
	call.task.gid = (uint32_t)o->gid;
	if (o->exe)
		call.task.exe = (struct policy_string){.text = o->exe, .len = (uint32_t)strlen(o->exe)};
	call.cwd = (struct policy_string){.text = o->cwd, .len = (uint32_t)strlen(o->cwd)};
	parsed_call_event(&call, &event);
	policy_decide(p, NULL, &event, &d);
	(void)printf("%s = ", text);
	say_decision(p, plan, &call, &event, &d);
	parsed_call_finish(&call);
	return 0;
}

static int parse_abi(const char *text, enum call_abi *ret)
{
	const char *names[ABI_COUNT];
	size_t which;
	int r;

	for (int i = 0; i < ABI_COUNT; i++)
		names[i] = call_abi_name((enum call_abi)i);
	r = cli_parse_word("policy test", "--abi", text, names, ABI_COUNT, &which);
	if (!r)
		*ret = (enum call_abi)which;
	return r;
}

static int parse_options(int argc, char **argv, struct test_options *o)
{
	int c, r = 0;

	while ((c = cli_getopt(argc, argv, "h", options)) != -1 && !r) {
		switch (c) {
		case 'C':
			o->cwd = optarg;
			if (*optarg != '/') {
				cli_error("policy test", "--cwd: '%s' is not an absolute path", optarg);
				return CLI_EXIT_USAGE;
			}
			break;
		case 'e':
			o->exe = optarg;
			break;
		case 'u':
			r = cli_parse_number("policy test", "--uid", optarg, 0, UINT32_MAX - 1, &o->uid);
			break;
		case 'g':
			r = cli_parse_number("policy test", "--gid", optarg, 0, UINT32_MAX - 1, &o->gid);
			break;
		case 'H':
			o->here = true;
			break;
		case 'a':
			r = parse_abi(optarg, &o->abi);
			break;
		case 'h':
			(void)fputs(usage_text, stdout);
			return HELP_SHOWN;
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (!r && argc - optind < 2) {
		cli_error("policy test", "a policy file and at least one call are needed");
		r = CLI_EXIT_USAGE;
	}
	return r;
}

int policy_test(int argc, char **argv)
{
	struct test_options o = {.cwd = "/", .abi = policy_own_abi()};
	char name[] = "policy test";
	struct policy *p = NULL;
	struct plan *plan = NULL;
	int r;

	argv[0] = name;
	r = parse_options(argc, argv, &o);
	if (r)
		return r == HELP_SHOWN ? cli_finish_stdout() : r;
	r = policy_open("policy test", argv[optind], o.here, &p);
	if (!r && plan_create(p, &(struct plan_options){.may_trace = true, .may_notify = true}, &plan) < 0) {
		cli_error("policy test", "the policy cannot be compiled");
		r = CLI_EXIT_FAILURE;
	}
	for (int i = optind + 1; i < argc && !r; i++)
		r = test_call(p, plan, argv[i], &o);
	plan_destroy(plan);
	policy_destroy(p);
	return r ? r : cli_finish_stdout();
}
