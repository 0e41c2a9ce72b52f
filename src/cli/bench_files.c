/* trapline bench files: what file calls cost on each filesystem, beside native and the mechanism's floor. */
#include <jansson.h>
#include <string.h>

#include "bench/files.h"
#include "cli/bench.h"

enum { DEFAULT_CALLS = 20000, DEFAULT_ROUNDS = 5 };

struct report {
	struct files_bench bench;
	struct files_row rows[FILES_OPS];
	struct files_scaling scaling;
};

static const struct option options[] = {
	{"calls", required_argument, NULL, 'n'},
	{"rounds", required_argument, NULL, 'r'},
	{"pinned", no_argument, NULL, 'p'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const enum files_way shown[] = {FILES_ON_HOST, FILES_ON_TMPFS, FILES_ON_OVERLAY, FILES_BY_STUB};

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

/* b is 0 where there is none. */
static void print_ratio(double a, double b)
{
	if (b > 0)
		(void)printf(" %5.2f", a / b);
	else
		(void)printf("     -");
}

static void print_row(const struct files_row *row, enum files_op op)
{
	(void)printf("%-20s %9.0f %9.0f %9.0f", files_op_name(op), row->ns[FILES_NATIVE], row->ns[FILES_FLOOR],
		     row->ns[FILES_LEAST]);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		double ns = row->ns[shown[i]];
		(void)printf(" %9.0f %6.2f", ns, ratio(ns, row->ns[FILES_NATIVE]));
		print_ratio(ns, row->ns[FILES_FLOOR]);
		print_ratio(ns, row->ns[FILES_LEAST]);
	}
	(void)putchar('\n');
}

static void print_text(const struct report *r)
{
	(void)printf("nanoseconds of one operation (median of %u runs of %llu), %s; x: of native, /f: of the bare loop,\n"
		     "/l: of the least such a loop can do with the call; stub: hostfs, for a program that the loader has loaded\n\n",
		     r->bench.rounds, (unsigned long long)r->bench.calls,
		     r->bench.pinned ? "all on one core" : "placed by the scheduler");
	(void)printf("%-20s %9s %9s %9s", "", "native", "floor", "least");
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		(void)printf(" %9s %6s %5s %5s", files_way_name(shown[i]), "x", "/f", "/l");
	(void)putchar('\n');
	for (int op = 0; op < FILES_OPS; op++)
		print_row(&r->rows[op], (enum files_op)op);
	if (!r->bench.pinned)
		(void)printf("\ntwo threads that open and close files do %.2f times what one does (native: %.2f; behind the least\n"
			     "that bare loops can do, one for each thread: %.2f)\n",
			     r->scaling.here, r->scaling.native, r->scaling.least);
}

static void print_json(const struct report *r)
{
	json_t *rows = json_array();
	for (int op = 0; op < FILES_OPS; op++) {
		json_t *row = json_pack("{s:s}", "operation", files_op_name((enum files_op)op));
		for (int way = 0; way < FILES_WAYS; way++) {
			if (r->rows[op].ns[way] > 0)
				(void)json_object_set_new(row, files_way_name((enum files_way)way),
							  json_real(r->rows[op].ns[way]));
		}
		(void)json_array_append_new(rows, row);
	}
	json_t *root = json_pack("{s:I, s:i, s:b, s:o, s:f, s:f, s:f}", "calls", (json_int_t)r->bench.calls, "rounds",
				 (int)r->bench.rounds, "pinned", r->bench.pinned, "operations", rows, "scaling",
				 r->scaling.here, "scaling_native", r->scaling.native, "scaling_least",
				 r->scaling.least);
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(root);
}

static int run(struct report *r)
{
	int err = files_bench_run(&r->bench, r->rows);
	if (!err && !r->bench.pinned)
		err = files_bench_scaling(&r->bench, &r->scaling);
	return err;
}

int bench_files(int argc, char **argv)
{
	struct report r = {.bench = {.calls = DEFAULT_CALLS, .rounds = DEFAULT_ROUNDS}};
	uint64_t rounds = DEFAULT_ROUNDS;
	bool json = false;
	int c, err = 0;

	while ((c = cli_getopt(argc, argv, "h", options)) != -1 && !err) {
		switch (c) {
		case 'n':
			err = cli_parse_number(argv[0], "--calls", optarg, 25, 100000000, &r.bench.calls);
			break;
		case 'r':
			err = cli_parse_number(argv[0], "--rounds", optarg, 1, 33, &rounds);
			break;
		case 'p':
			r.bench.pinned = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			(void)printf("Usage: trapline bench files [OPTIONS]\n\n"
				     "  --calls N   operations of each run (20000)\n"
				     "  --rounds N  runs of each operation; their median counts (5)\n"
				     "  --pinned    guest and supervisor on one core\n"
				     "  --json      one JSON object\n");
			return cli_finish_stdout();
		default:
			return CLI_EXIT_USAGE;
		}
	}
	if (err)
		return err;
	r.bench.rounds = (unsigned)rounds;
	err = run(&r);
	if (err) {
		cli_error(argv[0], "%s", strerror(-err));
		return CLI_EXIT_FAILURE;
	}
	(json ? print_json : print_text)(&r);
	return cli_finish_stdout();
}

static int op_by_name(const char *name)
{
	for (int op = 0; op < FILES_OPS; op++) {
		if (strcmp(name, files_op_name((enum files_op)op)) == 0)
			return op;
	}
	return -1;
}

/* files-guest OPERATION CALLS DIRECTORY floor|least|plain THREADS, only ever called by files_bench_run. */
int bench_files_guest(int argc, char **argv)
{
	int op = argc == 6 ? op_by_name(argv[1]) : -1;
	uint64_t calls;
	if (op < 0 || cli_parse_number(argv[0], "CALLS", argv[2], 1, UINT32_MAX, &calls))
		return CLI_EXIT_USAGE;
	enum files_way way = strcmp(argv[4], "floor") == 0 ? FILES_FLOOR :
			     strcmp(argv[4], "least") == 0 ? FILES_LEAST : FILES_NATIVE;
	int r = files_guest_run((enum files_op)op, calls, argv[3], way, (unsigned)(argv[5][0] - '0'));
	if (r < 0) {
		cli_error(argv[0], "%s in %s: %s", argv[1], argv[3], strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	return cli_finish_stdout();
}
