/*
 * trapline bench policy: check, compile and load of many rules, decisions under them, calls under a container's
 * profile.
 */
#include <jansson.h>
#include <string.h>

#include "bench/policy.h"
#include "cli/bench.h"

#define PROFILE "/usr/share/containers/seccomp.json"

enum { FEW = 12, DEFAULT_RULES = 12000, DEFAULT_ROUNDS = 9 };

struct report {
	uint64_t rules, rounds;
	struct policy_bench_start start;
	uint64_t few_ps[QUESTIONS], many_ps[QUESTIONS];
	struct policy_bench_profile profile;
	bool has_profile;
};

static const struct option options[] = {
	{"rules", required_argument, NULL, 'n'},
	{"rounds", required_argument, NULL, 'r'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void print_text(const struct report *r)
{
	const struct policy_bench_start *s = &r->start;

	(void)printf("%llu rules, medians of %llu runs\n", (unsigned long long)r->rules, (unsigned long long)r->rounds);
	(void)printf("  check %.2f ms + compile %.2f ms + load %.2f ms; together %.2f ms (%.2f ms of processor time)\n",
		     (double)s->check_ns / 1e6, (double)s->compile_ns / 1e6, (double)s->load_ns / 1e6,
		     (double)s->total_ns / 1e6, (double)s->cpu_ns / 1e6);
	(void)printf("  %zu filter instructions, %u calls decided in user space, peak memory %zu KiB\n\n",
		     s->instructions, s->spilled, s->peak_kib);
	(void)printf("%-28s %12s %12s %8s\n", "one decision", "12 rules", "all rules", "ratio");
	for (int q = 0; q < QUESTIONS; q++)
		(void)printf("%-28s %9.1f ns %9.1f ns %8.2f\n",
			     policy_bench_question_name((enum policy_bench_question)q), (double)r->few_ps[q] / 1e3,
			     (double)r->many_ps[q] / 1e3, ratio(r->many_ps[q], r->few_ps[q]));
	if (!r->has_profile) {
		(void)printf("\n%s is not there: calls under it are not measured\n", PROFILE);
		return;
	}
	(void)printf("\n%-28s %12s %12s %8s\n", "an allowed call", "one rule", "profile", "ratio");
	(void)printf("%-28s %9.1f ns %9.1f ns %8.2f\n", "by number (getppid)", (double)r->profile.number_base_ps / 1e3,
		     (double)r->profile.number_ps / 1e3, ratio(r->profile.number_ps, r->profile.number_base_ps));
	(void)printf("%-28s %9.1f ns %9.1f ns %8.2f\n", "by argument (personality)",
		     (double)r->profile.args_base_ps / 1e3, (double)r->profile.args_ps / 1e3,
		     ratio(r->profile.args_ps, r->profile.args_base_ps));
}

static void print_json(const struct report *r)
{
	const struct policy_bench_start *s = &r->start;
	json_t *decisions = json_array(), *root;

	for (int q = 0; q < QUESTIONS; q++)
		(void)json_array_append_new(decisions, json_pack("{s:s, s:f, s:f, s:f}", "question",
					    policy_bench_question_name((enum policy_bench_question)q), "few_ns",
					    (double)r->few_ps[q] / 1e3, "many_ns", (double)r->many_ps[q] / 1e3, "ratio",
					    ratio(r->many_ps[q], r->few_ps[q])));
	root = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:o}", "rules", (json_int_t)r->rules,
			 "check_ns", (json_int_t)s->check_ns, "compile_ns", (json_int_t)s->compile_ns, "load_ns",
			 (json_int_t)s->load_ns, "total_ns", (json_int_t)s->total_ns, "cpu_ns", (json_int_t)s->cpu_ns,
			 "instructions", (json_int_t)s->instructions, "spilled", (int)s->spilled, "peak_kib",
			 (json_int_t)s->peak_kib, "decisions", decisions);
	if (r->has_profile)
		(void)json_object_set_new(root, "profile",
					  json_pack("{s:f, s:f, s:f, s:f}", "number_ns",
						    (double)r->profile.number_ps / 1e3, "number_one_rule_ns",
						    (double)r->profile.number_base_ps / 1e3, "args_ns",
						    (double)r->profile.args_ps / 1e3, "args_one_rule_ns",
						    (double)r->profile.args_base_ps / 1e3));
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(root);
}

static int run(struct report *r)
{
	int err = policy_bench_start(r->rules, (unsigned)r->rounds, &r->start);

	if (!err)
		err = policy_bench_decide(FEW, r->rules, (unsigned)r->rounds * 3, r->few_ps, r->many_ps);
	if (err)
		return err;
	err = policy_bench_profile(PROFILE, (unsigned)r->rounds, &r->profile);
	r->has_profile = !err;
	return err == -ENOENT ? 0 : err;
}

int bench_policy(int argc, char **argv)
{
	struct report r = {.rules = DEFAULT_RULES, .rounds = DEFAULT_ROUNDS};
	bool json = false;
	int c, err = 0;

	while ((c = cli_getopt(argc, argv, "h", options)) != -1 && !err) {
		switch (c) {
		case 'n':
			err = cli_parse_number(argv[0], "--rules", optarg, FEW, 60000, &r.rules);
			break;
		case 'r':
			err = cli_parse_number(argv[0], "--rounds", optarg, 1, 33, &r.rounds);
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			(void)printf("Usage: trapline bench policy [OPTIONS]\n\n"
				     "  --rules N   rules of the large policy (12000)\n"
				     "  --rounds N  how often each thing is measured (9)\n"
				     "  --json      one JSON object\n");
			return cli_finish_stdout();
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (err)
		return err;
	err = run(&r);
	if (err) {
		cli_error(argv[0], "%s", strerror(-err));
		return CLI_EXIT_FAILURE;
	}
	(json ? print_json : print_text)(&r);
	return cli_finish_stdout();
}
