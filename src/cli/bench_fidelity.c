/* trapline bench fidelity: what each mechanism saw of a guest's registers and what it left in them. */
#include <string.h>

#include "bench/fidelity.h"
#include "cli/bench.h"

#define TITLE "bench fidelity"

enum { DEFAULT_CALLS = 100000, DEFAULT_PLANT_EVERY = 1000 };

struct options {
	struct fidelity_options run;
	bool json;
	bool wanted[MECHANISM_COUNT];
	bool modes[3];
};

static void usage(void)
{
	(void)printf("Usage: trapline bench fidelity [OPTIONS]\n\n"
		     "Fills every register with random values before each call of a guest, and counts what is different after\n"
		     "it from what Linux leaves behind, and what the supervisor saw differently from what was passed.\n\n"
		     "  --calls N         calls in each run (%d)\n"
		     "  --seed N          the random values' (1)\n"
		     "  --mechanism LIST  some of notify,trace,sysemu,step (all)\n"
		     "  --mode LIST       some of alone,traced,answered (all)\n"
		     "  --free            leave threads where the scheduler puts them\n"
		     "  --json            one JSON object instead of a table\n"
		     "  --plant WHAT      to test this test: damage a register (rbx, xmm3, zmm17 ...), the answer (value) or\n"
		     "                    forget a call (call), and require that it is found\n"
		     "  --plant-every N   at every Nth call (%d)\n", DEFAULT_CALLS, DEFAULT_PLANT_EVERY);
}

static int want_mechanism(struct options *o, const char *name)
{
	const char *names[MECHANISM_COUNT];
	size_t index, count = 0;

	for (int m = MECHANISM_NOTIFY; m < MECHANISM_COUNT; m++)
		names[count++] = mechanism_name((enum mechanism)m);
	int status = cli_parse_word(TITLE, "--mechanism", name, names, count, &index);
	if (!status)
		o->wanted[MECHANISM_NOTIFY + index] = true;
	return status;
}

static int want_mode(struct options *o, const char *name)
{
	static const char *const names[] = {"alone", "traced", "answered"};
	size_t index;
	int status = cli_parse_word(TITLE, "--mode", name, names, ARRAY_SIZE(names), &index);

	if (!status)
		o->modes[index] = true;
	return status;
}

static int parse_list(struct options *o, char *list, int (*want)(struct options *o, const char *name))
{
	char *rest = NULL;
	int status = 0;

	for (char *word = strtok_r(list, ",", &rest); word && !status; word = strtok_r(NULL, ",", &rest))
		status = want(o, word);
	return status;
}

static int parse_one(struct options *o, int opt)
{
	switch (opt) {
	case 'c':
		return cli_parse_number(TITLE, "--calls", optarg, 1, UINT64_C(1000000000), &o->run.calls);
	case 's':
		return cli_parse_number(TITLE, "--seed", optarg, 0, UINT64_MAX, &o->run.seed);
	case 'm':
		return parse_list(o, optarg, want_mechanism);
	case 'M':
		return parse_list(o, optarg, want_mode);
	case 'f':
		o->run.free_placement = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'p':
		o->run.plant = optarg;
		return 0;
	case 'P':
		return cli_parse_number(TITLE, "--plant-every", optarg, 1, UINT32_MAX, &o->run.plant_every);
	default:
		return CLI_EXIT_USAGE;
	}
}

/* Nothing wanted means all. */
static void fill_defaults(bool *flags, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (flags[i])
			return;
	}
	memset(flags, true, count);
}

/* 0: go on; 1: all is said and done, with *ret_status. */
static int parse(struct options *o, int argc, char **argv, int *ret_status)
{
	static const struct option options[] = {
		{"calls", required_argument, NULL, 'c'}, {"seed", required_argument, NULL, 's'},
		{"mechanism", required_argument, NULL, 'm'}, {"mode", required_argument, NULL, 'M'},
		{"free", no_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'},
		{"plant", required_argument, NULL, 'p'}, {"plant-every", required_argument, NULL, 'P'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	int opt, status = 0;

	while (!status && (opt = cli_getopt(argc, argv, "h", options)) != -1) {
		if (opt == 'h') {
			usage();
			*ret_status = 0;
			return 1;
		}
		status = parse_one(o, opt);
	}
	if (!status && optind < argc) {
		cli_error(TITLE, "unexpected '%s'", argv[optind]);
		status = CLI_EXIT_USAGE;
	}
	fill_defaults(o->wanted, ARRAY_SIZE(o->wanted));
	fill_defaults(o->modes, ARRAY_SIZE(o->modes));
	*ret_status = status;
	return status != 0;
}

/* The runs of a report, in order, and what they add up to. */
struct report {
	const struct options *o;
	unsigned runs;
	bool passed;
	uint64_t planted;
	int err;
};

static void print(struct strbuf *out)
{
	(void)fputs(strbuf_str(out), stdout);
	(void)fflush(stdout);	/* a run takes a while, and the guest shares our stdout */
	strbuf_clear(out);
}

static void one_run(struct report *report, enum mechanism mechanism, enum fidelity_mode mode)
{
	const struct options *o = report->o;
	AUTO_FREE struct fidelity_result *r = NULL;
	AUTO_STRBUF struct strbuf out;

	strbuf_init(&out);
	if (report->err < 0 || !o->modes[mode])
		return;
	r = malloc(sizeof(*r));
	report->err = r ? fidelity_run(&o->run, mechanism, mode, r) : -ENOMEM;
	if (report->err < 0)
		return;
	if (o->json)
		fidelity_json(&out, &o->run, r, report->runs == 0);
	else
		fidelity_text(&out, &o->run, r);
	print(&out);
	report->runs++;
	report->passed &= fidelity_passed(&o->run, r);
	report->planted += r->planted;
}

static void all_runs(struct report *report)
{
	one_run(report, MECHANISM_NATIVE, FIDELITY_ALONE);
	for (int m = MECHANISM_NOTIFY; m < MECHANISM_COUNT; m++) {
		if (!report->o->wanted[m])
			continue;
		one_run(report, (enum mechanism)m, FIDELITY_TRACED);
		one_run(report, (enum mechanism)m, FIDELITY_ANSWERED);
	}
}

static int report_all(const struct options *o)
{
	struct report report = {.o = o, .passed = true};
	AUTO_STRBUF struct strbuf out;

	strbuf_init(&out);
	if (o->json)
		fidelity_json_head(&out, &o->run);
	else
		fidelity_text_head(&out, &o->run);
	print(&out);
	all_runs(&report);
	if (report.err < 0)
		return CLI_EXIT_FAILURE;
	if (o->run.plant && report.planted == 0) {
		cli_error(TITLE, "nothing was planted: no run here can damage '%s'", o->run.plant);
		report.passed = false;
	}
	if (o->json)
		fidelity_json_end(&out, report.passed);
	print(&out);
	return report.passed ? 0 : CLI_EXIT_FAILURE;
}

int bench_fidelity(int argc, char **argv)
{
	static char exe[] = "/proc/self/exe", bench[] = "bench", guest[] = "fidelity-guest";
	char *const guest_argv[] = {exe, bench, guest, NULL};
	struct options o = {
		.run = {.calls = DEFAULT_CALLS, .seed = 1, .plant_every = DEFAULT_PLANT_EVERY, .guest_argv = guest_argv},
	};
	int status;

	if (parse(&o, argc, argv, &status))
		return status;
	return report_all(&o);
}

int bench_fidelity_guest(int argc, char **argv)
{
	uint64_t fd;

	if (argc != 2 || cli_parse_number("bench fidelity-guest", "descriptor", argv[1], 0, INT32_MAX, &fd))
		return CLI_EXIT_USAGE;
	/* Not through exit(3): a sanitizer's leak check would want to trace this process, which is traced. */
	_exit(fidelity_guest((int)fd));
}
