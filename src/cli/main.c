/* trapline: choose the subcommand. */
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "trapline/version.h"

struct subcommand {
	const char *name;
	cli_command *run;
	const char *help;	/* one line */
};

static const struct subcommand subcommands[] = {
	{"run", cmd_run, "run a command and answer selected calls of it"},
	{"trace", cmd_trace, "show the system calls of a command or of running processes"},
	{"policy", cmd_policy, "check, explain and try out policies; import and export OCI profiles"},
	{"bench", cmd_bench, "measure what trapline itself costs and keeps"},
	{"doctor", cmd_doctor, "what this kernel, these privileges and this container allow"},
	{"help", cmd_help, "show this list, or the options of one subcommand"},
	{"version", cmd_version, "show the version"},
};

static const struct subcommand *find_subcommand(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++) {
		if (!strcmp(name, subcommands[i].name))
			return &subcommands[i];
	}
	return NULL;
}

static int unknown_subcommand(const char *name)
{
	const char *names[ARRAY_SIZE(subcommands)];
	const char *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		names[i] = subcommands[i].name;
	nearest = cli_nearest(name, names, ARRAY_SIZE(names));
	if (nearest)
		cli_error(NULL, "unknown subcommand '%s' (did you mean '%s'?)", name, nearest);
	else
		cli_error(NULL, "unknown subcommand '%s'; see 'trapline help'", name);
	return CLI_EXIT_USAGE;
}

static void usage(FILE *to)
{
	(void)fprintf(to, "Usage: trapline SUBCOMMAND [OPTIONS] [--] [COMMAND [ARGS]]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		(void)fprintf(to, "  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
	(void)fprintf(to, "\n'trapline help SUBCOMMAND' shows its options; so does the manual page trapline-SUBCOMMAND(1).\n");
}

int cmd_help(int argc, char **argv)
{
	const struct subcommand *sub;

	if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
		usage(stdout);
		return 0;
	}
	sub = find_subcommand(argv[1]);
	if (!sub)
		return unknown_subcommand(argv[1]);

	char help_option[] = "--help";
	char *help_argv[] = {argv[1], help_option, NULL};

	return sub->run(2, help_argv);
}

int cmd_version(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[0], "version")) {
		cli_error("version", "unexpected '%s'", argv[1]);
		return CLI_EXIT_USAGE;
	}
	(void)printf("trapline %d.%d.%d\n", TRAPLINE_VERSION_MAJOR, TRAPLINE_VERSION_MINOR, TRAPLINE_VERSION_PATCH);
	return 0;
}

/* Subcommands that may also be written as an option. */
static const char *as_subcommand(const char *word)
{
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return "help";
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return "version";
	return word;
}

int main(int argc, char **argv)
{
	const struct subcommand *sub;
	int status, output;

	cli_guard_std_fds();
	log_init();
	if (argc < 2) {
		usage(stderr);
		return CLI_EXIT_USAGE;
	}
	sub = find_subcommand(as_subcommand(argv[1]));
	if (!sub)
		return unknown_subcommand(argv[1]);
	status = sub->run(argc - 1, argv + 1);
	output = cli_finish_stdout();
	return status ? status : output;
}
