/* trapline policy check: everything that is wrong with a policy, in one go. */
#include <string.h>

#include "cli/policy.h"
#include "policy/expect.h"

static const struct option options[] = {
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* 0 or CLI_EXIT_FAILURE. */
static int check_file(const char *path, bool quiet)
{
	struct policy_options load = {.features = policy_build_features()};
	struct policy *p;
	size_t met = 0, errors, warnings;
	int r = policy_load_file(policy_file_name(path), &load, &p);

	if (r < 0) {
		cli_error("policy check", "%s: %s", cli_shown(path), strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	if (!p->diags->errors)
		met = policy_run_expects(p);
	session_policy_say(p);
	errors = p->diags->errors;
	warnings = p->diags->warnings;
	if (errors)
		(void)fprintf(stderr, "%s: %zu error%s, %zu warning%s\n", path, errors, errors == 1 ? "" : "s",
			      warnings, warnings == 1 ? "" : "s");
	else if (!quiet)
		(void)printf("%s: %zu rule%s, %zu of %zu expectation%s met\n", path, p->rule_count,
			     p->rule_count == 1 ? "" : "s", met, p->expect_count, p->expect_count == 1 ? "" : "s");
	policy_destroy(p);
	return errors ? CLI_EXIT_FAILURE : 0;
}

int policy_check(int argc, char **argv)
{
	char name[] = "policy check";
	bool quiet = false;
	int c, status = 0;

	argv[0] = name;
	while ((c = cli_getopt(argc, argv, "qh", options)) != -1) {
		switch (c) {
		case 'q':
			quiet = true;
			break;
		case 'h':
			(void)printf("Usage: trapline policy check [-q] FILE...\n\n"
				     "  -q, --quiet  say nothing about a file without errors\n");
			return cli_finish_stdout();
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (optind == argc) {
		cli_error("policy check", "which file?");
		return CLI_EXIT_USAGE;
	}
	for (int i = optind; i < argc; i++) {
		int r = check_file(argv[i], quiet);

		status = r ? r : status;
	}
	return status ? status : cli_finish_stdout();
}
