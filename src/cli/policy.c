/* trapline policy: choose the tool; what the tools share. */
#include "cli/policy.h"

#include <string.h>

#include "tracer/policy/guest_facts.h"
#include "tracer/policy/session_policy.h"

static const struct {
	const char *name;
	cli_command *run;
	const char *help;
} tools[] = {
	{"check", policy_check, "FILE...: say everything that is wrong, run the expect lines"},
	{"explain", policy_explain, "FILE [SYSCALL...]: the plan: mechanism, reason, rules, filter size"},
	{"test", policy_test, "FILE CALL: what a call written as strace prints it would meet"},
	{"learn", policy_learn, "[--] CMD: the policy that allows what a run of CMD does"},
	{"reload", policy_reload, "PID: a running trapline reads its policy anew"},
	{"import", policy_import, "FILE.json: an OCI seccomp profile as a policy"},
	{"export", policy_export, "FILE: a policy as an OCI seccomp profile"},
};

static void usage(FILE *to)
{
	(void)fprintf(to, "Usage: trapline policy TOOL [OPTIONS] FILE ...\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		(void)fprintf(to, "  %-8s  %s\n", tools[i].name, tools[i].help);
	(void)fprintf(to, "\nThe language is described in trapline-policy(5) and docs/policy-language.md.\n");
}

int cmd_policy(int argc, char **argv)
{
	const char *names[ARRAY_SIZE(tools)];
	const char *nearest;

	if (argc < 2) {
		usage(stderr);
		return CLI_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return cli_finish_stdout();
	}
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (!strcmp(argv[1], tools[i].name)) {
			cli_getopt_restart();
			return tools[i].run(argc - 1, argv + 1);
		}
		names[i] = tools[i].name;
	}
	nearest = cli_nearest(argv[1], names, ARRAY_SIZE(names));
	cli_error("policy", nearest ? "unknown tool '%s' (did you mean '%s'?)" : "unknown tool '%s'", argv[1], nearest);
	return CLI_EXIT_USAGE;
}

const char *policy_file_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "/dev/stdin" : path;
}

int policy_open(const char *command, const char *path, bool here, struct policy **ret)
{
	struct policy_options options = {.features = policy_build_features()};
	struct guest_facts guest;
	struct policy *p;
	int r;

	if (here) {
		guest_facts_init(&guest);
		options.facts = guest.facts;
	}
	r = policy_load_file(policy_file_name(path), &options, &p);

	if (r < 0) {
		cli_error(command, "%s: %s", cli_shown(path), strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	session_policy_say(p);
	if (p->diags->errors) {
		policy_destroy(p);
		return CLI_EXIT_FAILURE;
	}
	*ret = p;
	return 0;
}

/*
 * Options stand for statements: what is wrong with one is a command line that makes no sense, and said in one line. A
 * parse of their own, so that a policy's file gets its carets and the options do not.
 */
static int check_options(const char *command, const char *prelude)
{
	struct policy_options options = {.features = policy_build_features()};
	struct policy *p = NULL;
	int r = policy_load_text("command line", prelude, strlen(prelude), &options, &p);
	if (r < 0) {
		cli_error(command, "%s", strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	for (unsigned i = 0; i < p->diags->count && !r; i++) {
		const struct diag *d = &p->diags->list[i];
		const struct source *s = &p->diags->sources[d->at.source];
		if (d->severity != SEVERITY_ERROR)
			continue;
		size_t begin = d->at.offset < s->len ? d->at.offset : s->len;
		while (begin && s->text[begin - 1] != '\n')
			begin--;
		cli_error(command, "%s: %.*s", d->message, (int)strcspn(s->text + begin, "\n"), s->text + begin);
		r = CLI_EXIT_USAGE;
	}
	policy_destroy(p);
	return r;
}

int policy_start(struct session_policy *p, const char *command, const char *file, const char *prelude,
		 struct session_options *session, struct kernel_options *kernel)
{
	int r = prelude && *prelude ? check_options(command, prelude) : 0;
	if (r)
		return r;
	r = session_policy_open(p, file ? policy_file_name(file) : NULL, prelude);
	if (r == 0)
		r = session_policy_apply(p, session, kernel);
	else if (r != -EBADMSG)
		cli_error(command, "%s: %s", file ? cli_shown(file) : "command line", strerror(-r));
	return r < 0 ? CLI_EXIT_FAILURE : 0;
}
