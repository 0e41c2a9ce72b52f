/* trapline bench: measuring trapline itself; one subcommand each. */
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"

static const struct {
	const char *name;
	cli_command *run;
	const char *help;	/* one line; NULL: not for people */
} benches[] = {
	{ "fidelity", bench_fidelity, "what each mechanism saw of registers and what it left in them" },
	{ "fidelity-guest", bench_fidelity_guest, NULL },
	{ "files", bench_files, "what file calls cost on each of trapline's filesystems" },
	{ "files-guest", bench_files_guest, NULL },
	{ "latency", bench_latency, "what one system call costs, by mechanism" },
	{ "latency-guest", bench_latency_guest, NULL },
	{ "policy", bench_policy, "check, compile and load of many rules, and decisions under them" },
};

static void usage(FILE *to)
{
	(void)fprintf(to, "Usage: trapline bench WHAT [OPTIONS]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++)
		if (benches[i].help)
			(void)fprintf(to, "  %-10s %s\n", benches[i].name, benches[i].help);
	(void)fprintf(to, "\n'trapline bench WHAT --help' shows its options; so does the manual page trapline-bench(1).\n");
}

static int unknown(const char *word)
{
	const char *names[ARRAY_SIZE(benches)], *nearest;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(benches); i++)
		if (benches[i].help)
			names[count++] = benches[i].name;
	nearest = cli_nearest(word, names, count);
	if (nearest)
		cli_error("bench", "unknown benchmark '%s' (did you mean '%s'?)", word, nearest);
	else
		cli_error("bench", "unknown benchmark '%s'; see 'trapline help bench'", word);
	return CLI_EXIT_USAGE;
}

int cmd_bench(int argc, char **argv)
{
	char title[32];

	if (argc < 2) {
		usage(stderr);
		return CLI_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++) {
		if (!strcmp(argv[1], benches[i].name)) {
			/* What messages begin with. */
			(void)snprintf(title, sizeof(title), "bench %s", benches[i].name);
			argv[1] = title;
			cli_getopt_restart();
			return benches[i].run(argc - 1, argv + 1);
		}
	}
	return unknown(argv[1]);
}
