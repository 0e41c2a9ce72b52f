/* trapline bench latency: the table of what one call costs under each mechanism, beside native in the same run. */
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "bench/latency.h"
#include "cli/bench.h"
#include "cli/costs.h"

enum {
	ROUNDS = 4,	/* rows are measured in turn, so that a busy moment falls on all of them */
	ROWS_MAX = 64,
	DEFAULT_CALLS = 40000,
};

struct options {
	uint64_t calls;
	bool json, no_store;
	bool wanted[MECHANISM_COUNT];
	bool placements[LATENCY_PLACEMENTS];
	size_t row_count;
	struct latency_row *rows;	/* owned; each placement begins with its native row */
};

static void add_row(struct options *o, enum mechanism m, enum latency_kind k, enum latency_placement p)
{
	struct latency_row *row;

	if (o->row_count == ROWS_MAX)
		return;
	row = &o->rows[o->row_count++];
	row->mechanism = m;
	row->kind = k;
	row->placement = p;
	histogram_init(&row->ns);
}

static void add_placement(struct options *o, enum latency_placement p)
{
	add_row(o, MECHANISM_NATIVE, LATENCY_ALONE, p);
	add_row(o, MECHANISM_NATIVE, LATENCY_ERRNO, p);
	add_row(o, MECHANISM_NATIVE, LATENCY_FILTERED, p);
	for (int kind = LATENCY_ANSWERED; kind < LATENCY_KINDS; kind++)
		for (int m = MECHANISM_NOTIFY; m < MECHANISM_COUNT; m++)
			if (o->wanted[m] && (kind != LATENCY_PATH || m == MECHANISM_NOTIFY || m == MECHANISM_TRACE))
				add_row(o, (enum mechanism)m, (enum latency_kind)kind, p);
}

static int measure(struct options *o)
{
	char exe[] = "/proc/self/exe", bench[] = "bench", guest[] = "latency-guest";
	char *const guest_argv[] = { exe, bench, guest, NULL };
	uint64_t per_round = (o->calls + ROUNDS - 1) / ROUNDS;

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < o->row_count; i++) {
			int err = latency_run(&o->rows[i], per_round, guest_argv);

			if (err)
				return err;
		}
	}
	return 0;
}

static const struct latency_row *native_of(const struct options *o, const struct latency_row *row)
{
	for (size_t i = 0; i < o->row_count; i++)
		if (o->rows[i].kind == LATENCY_ALONE && o->rows[i].placement == row->placement)
			return &o->rows[i];
	return row;
}

static double ratio(const struct options *o, const struct latency_row *row)
{
	uint64_t native = histogram_quantile(&native_of(o, row)->ns, 0.5);

	return (double)histogram_quantile(&row->ns, 0.5) / (double)(native ? native : 1);
}

static const char *row_name(const struct latency_row *row)
{
	return row->kind == LATENCY_ERRNO ? "errno" : mechanism_name(row->mechanism);
}

static const char *row_what(const struct latency_row *row)
{
	if (row->kind == LATENCY_ALONE)
		return "the host's value";
	if (row->kind == LATENCY_PATH)
		return row->mechanism == MECHANISM_NOTIFY ? "refused by path" : "passed by path";
	return row->kind == LATENCY_ERRNO ? "answered" : latency_kind_name(row->kind);
}

static void print_row(const struct options *o, const struct latency_row *row)
{
	(void)printf("%-10s %-8s %-17s", latency_placement_name(row->placement), row_name(row), row_what(row));
	if (row->unavailable) {
		(void)printf(" not available here: %s\n", strerror(-row->unavailable));
		return;
	}
	(void)printf("%9llu %9llu %9llu %9.1f", (unsigned long long)histogram_quantile(&row->ns, 0.5),
		     (unsigned long long)histogram_quantile(&row->ns, 0.99),
		     (unsigned long long)histogram_quantile(&row->ns, 0.999), ratio(o, row));
	if (row->wrong)
		(void)printf("  %llu WRONG", (unsigned long long)row->wrong);
	(void)printf("\n");
}

static void print_text(const struct options *o)
{
	(void)printf("%-10s %-8s %-17s%9s %9s %9s %9s\n", "placement", "by", "the call is", "median ns", "p99", "p99.9",
		     "x native");
	for (size_t i = 0; i < o->row_count; i++)
		print_row(o, &o->rows[i]);
}

static json_t *row_to_json(const struct options *o, const struct latency_row *row)
{
	const struct histogram *ns = &row->ns;
	json_t *object = json_pack("{s:s, s:s, s:s}", "placement", latency_placement_name(row->placement), "mechanism",
			       row_name(row), "kind", latency_kind_name(row->kind));
	json_t *more;

	if (row->unavailable)
		more = json_pack("{s:s}", "unavailable", errno_name(-row->unavailable) ?: "?");
	else
		more = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I}", "calls",
				 (json_int_t)(ns->count * latency_batch(row->kind)), "wrong",
				 (json_int_t)row->wrong, "median_ns", (json_int_t)histogram_quantile(ns, 0.5), "p99_ns",
				 (json_int_t)histogram_quantile(ns, 0.99), "p999_ns",
				 (json_int_t)histogram_quantile(ns, 0.999), "ratio", ratio(o, row), "max_ns",
				 (json_int_t)ns->max, "timer_ns", (json_int_t)row->timer_ns);
	(void)json_object_update(object, more);
	json_decref(more);
	return object;
}

static int print_json(const struct options *o)
{
	json_t *root = json_object(), *rows = json_array();
	int err = 0;

	for (size_t i = 0; i < o->row_count; i++)
		(void)json_array_append_new(rows, row_to_json(o, &o->rows[i]));
	(void)json_object_set_new(root, "latency", rows);
	if (json_dumpf(root, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER) < 0)
		err = -EIO;
	(void)printf("\n");
	json_decref(root);
	return err;
}

/* One item of a comma-separated list: "notify", "trace" and so on. */
static int want_mechanism(struct options *o, const char *name)
{
	const char *names[MECHANISM_COUNT];
	size_t index, count = 0;
	int status;

	for (int m = MECHANISM_NOTIFY; m < MECHANISM_COUNT; m++)
		names[count++] = mechanism_name((enum mechanism)m);
	status = cli_parse_word("bench latency", "--mechanism", name, names, count, &index);
	if (!status)
		o->wanted[MECHANISM_NOTIFY + index] = true;
	return status;
}

static int want_placement(struct options *o, const char *name)
{
	const char *names[LATENCY_PLACEMENTS];
	size_t index;
	int status;

	for (int p = 0; p < LATENCY_PLACEMENTS; p++)
		names[p] = latency_placement_name((enum latency_placement)p);
	status = cli_parse_word("bench latency", "--placement", name, names, LATENCY_PLACEMENTS, &index);
	if (!status)
		o->placements[index] = true;
	return status;
}

static int parse_list(struct options *o, char *list, int (*want)(struct options *o, const char *name))
{
	char *rest = NULL;
	char *word = strtok_r(list, ",", &rest);
	int status = word ? 0 : want(o, "");	/* says what there is */

	for (; word && !status; word = strtok_r(NULL, ",", &rest))
		status = want(o, word);
	return status;
}

static void usage(void)
{
	(void)printf("Usage: trapline bench latency [--json] [--calls N] [--mechanism LIST] [--placement LIST]\n\n"
		     "Times getppid natively and as each mechanism answers it, watches it, or lets it be.\n\n"
		     "  --calls N         calls for each row (%d)\n"
		     "  --mechanism LIST  some of notify,trace,sysemu,step (all)\n"
		     "  --placement LIST  some of same-cpu,free,scheduler (same-cpu,free)\n"
		     "  --no-store        do not keep the medians for `trapline policy explain`\n"
		     "  --json            one JSON object instead of a table\n", DEFAULT_CALLS);
}

/* 0: go on; 1: all is said and done, with *ret_status. */
static int parse(struct options *o, int argc, char **argv, int *ret_status)
{
	static const struct option options[] = {
		{ "calls", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
		{ "mechanism", required_argument, NULL, 'm' }, { "placement", required_argument, NULL, 'p' },
		{ "no-store", no_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	bool mechanisms = false, placements = false;
	int opt, status = 0;

	while (!status && (opt = cli_getopt(argc, argv, "h", options)) != -1) {
		if (opt == 'h') {
			usage();
			*ret_status = 0;
			return 1;
		} else if (opt == 'c') {
			status = cli_parse_number("bench latency", "--calls", optarg, 1, 1000000000, &o->calls);
		} else if (opt == 'm') {
			mechanisms = true;
			status = parse_list(o, optarg, want_mechanism);
		} else if (opt == 'p') {
			placements = true;
			status = parse_list(o, optarg, want_placement);
		} else if (opt == 'j') {
			o->json = true;
		} else if (opt == 's') {
			o->no_store = true;
		} else {
			status = CLI_EXIT_USAGE;
		}
	}
	if (!status && optind < argc) {
		cli_error("bench latency", "unexpected '%s'", argv[optind]);
		status = CLI_EXIT_USAGE;
	}
	for (int m = 0; m < MECHANISM_COUNT && !mechanisms; m++)
		o->wanted[m] = true;
	if (!placements)
		o->placements[LATENCY_SAME_CPU] = o->placements[LATENCY_FREE] = true;
	*ret_status = status;
	return status != 0;
}

/* The row that is a price of policy explain's. */
static const struct latency_row *row_of_cost(const struct options *o, enum plan_cost_kind kind, enum latency_placement p)
{
	static const struct {
		enum mechanism mechanism;
		enum latency_kind kind;
	} rows[COST_KINDS] = {
		[COST_NATIVE] = { MECHANISM_NATIVE, LATENCY_ALONE }, [COST_REFUSED] = { MECHANISM_NATIVE, LATENCY_ERRNO },
		[COST_CACHED] = { MECHANISM_NOTIFY, LATENCY_OUTSIDE },
		[COST_FILTERED] = { MECHANISM_NATIVE, LATENCY_FILTERED },
		[COST_NOTIFY] = { MECHANISM_NOTIFY, LATENCY_ANSWERED },
		[COST_NOTIFY_MEMORY] = { MECHANISM_NOTIFY, LATENCY_PATH },
		[COST_TRACE] = { MECHANISM_TRACE, LATENCY_ANSWERED }, [COST_TRACE_MEMORY] = { MECHANISM_TRACE, LATENCY_PATH },
	};

	for (size_t i = 0; i < o->row_count; i++) {
		const struct latency_row *row = &o->rows[i];

		if (row->mechanism == rows[kind].mechanism && row->kind == rows[kind].kind && row->placement == p &&
		    !row->unavailable && !row->wrong && row->ns.count)
			return row;
	}
	return NULL;
}

/* As people run it, if that was measured. */
static enum latency_placement stored_placement(const struct options *o)
{
	if (o->placements[LATENCY_FREE])
		return LATENCY_FREE;
	return o->placements[LATENCY_SAME_CPU] ? LATENCY_SAME_CPU : LATENCY_SCHEDULER;
}

static void store(const struct options *o)
{
	struct plan_costs costs;
	char path[PATH_MAX], why[COSTS_WHY_MAX];

	if (o->no_store || o->calls < COSTS_CALLS_MIN)
		return;
	memset(&costs, 0, sizeof(costs));
	for (int kind = 0; kind < COST_KINDS; kind++) {
		const struct latency_row *row = row_of_cost(o, (enum plan_cost_kind)kind, stored_placement(o));

		if (!row)
			continue;
		costs.of[kind].ns = (double)histogram_quantile(&row->ns, 0.5);
		costs.of[kind].native_ns = (double)histogram_quantile(&native_of(o, row)->ns, 0.5);
	}
	if (costs_store(&costs, path, sizeof(path), why) < 0)
		cli_error("bench latency", "the medians are not kept for policy explain: %s", why);
	else if (!o->json)
		(void)printf("\nkept for 'trapline policy explain' in %s\n", path);
}

static int run(struct options *o)
{
	bool wrong = false;
	int err;

	for (int p = 0; p < LATENCY_PLACEMENTS; p++)
		if (o->placements[p])
			add_placement(o, (enum latency_placement)p);
	err = measure(o);
	if (err)
		return CLI_EXIT_FAILURE;
	if (o->json)
		err = print_json(o);
	else
		print_text(o);
	store(o);
	for (size_t i = 0; i < o->row_count; i++)
		wrong |= o->rows[i].wrong != 0;
	return err || wrong ? CLI_EXIT_FAILURE : 0;
}

int bench_latency(int argc, char **argv)
{
	struct options o = { .calls = DEFAULT_CALLS };
	int status;

	if (parse(&o, argc, argv, &status))
		return status;
	o.rows = calloc(ROWS_MAX, sizeof(o.rows[0]));
	if (!o.rows) {
		cli_error("bench latency", "%s", strerror(ENOMEM));
		return CLI_EXIT_FAILURE;
	}
	status = run(&o);
	free(o.rows);
	return status;
}

int bench_latency_guest(int argc, char **argv)
{
	uint64_t fd;

	if (argc != 2 || cli_parse_number("bench latency-guest", "descriptor", argv[1], 0, INT32_MAX, &fd))
		return CLI_EXIT_USAGE;
	return latency_guest((int)fd);
}
