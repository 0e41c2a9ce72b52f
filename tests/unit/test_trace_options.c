/* The command line of `trapline trace`: sets, levels, precisions, and what is refused. */
#include <check.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/trace_options.h"
#include "cli/trace_set.h"
#include "run_suite.h"

enum { MAX_WORDS = 24 };

/* Split a command line at blanks and parse it, with "trace" in front. */
static int parse(const char *line, struct trace_options *ret)
{
	static char copy[1024];
	static char *argv[MAX_WORDS + 2];
	static char name[] = "trace";
	int argc = 0;
	(void)snprintf(copy, sizeof(copy), "%s", line);
	argv[argc++] = name;
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return trace_options_parse(argc, argv, ret);
}

static void expect_usage(const char *line)
{
	struct trace_options o;
	ck_assert_msg(parse(line, &o) == CLI_EXIT_USAGE, "accepted: %s", line);
	trace_options_finish(&o);
}

static struct trace_options good(const char *line)
{
	struct trace_options o;
	ck_assert_msg(parse(line, &o) == 0, "refused: %s", line);
	return o;
}

static unsigned count(const struct call_set *s)
{
	unsigned n = 0;
	for (int id = 0; id < CALL_COUNT; id++)
		n += call_set_has(s, (enum call_id)id);
	return n;
}

static struct call_set set_of(const char *text)
{
	struct call_set s;
	ck_assert_msg(trace_set_calls(text, &s) == 0, "refused: %s", text);
	return s;
}

static void no_set(const char *text)
{
	struct call_set s;
	ck_assert_msg(trace_set_calls(text, &s) == CLI_EXIT_USAGE, "accepted: '%s'", text);
}

START_TEST(test_calls)
{
	struct call_set s = set_of("read,openat");
	ck_assert_uint_eq(count(&s), 2);
	ck_assert(call_set_has(&s, CALL_read) && call_set_has(&s, CALL_openat));
	ck_assert(!s.unknown);
	s = set_of("!read,openat");
	ck_assert_uint_eq(count(&s), CALL_COUNT - 2);
	ck_assert(s.unknown && !call_set_has(&s, CALL_read));
	s = set_of("all");
	ck_assert(call_set_full(&s));
	s = set_of("!all");
	ck_assert(call_set_empty(&s));
	s = set_of("none");
	ck_assert(call_set_empty(&s));
	s = set_of("!none");
	ck_assert(call_set_full(&s));
	s = set_of("read@64,?nosuchcall,?write");
	ck_assert_uint_eq(count(&s), 2);
	s = set_of("0");
	ck_assert_uint_eq(count(&s), 1);
}
END_TEST

START_TEST(test_groups_and_patterns)
{
	struct call_set file = set_of("%file"), old = set_of("file");
	ck_assert(memcmp(&file, &old, sizeof(file)) == 0);
	ck_assert(call_set_has(&file, CALL_openat) && !call_set_has(&file, CALL_read));
	struct call_set net = set_of("%net"), network = set_of("%network");
	ck_assert(memcmp(&net, &network, sizeof(net)) == 0);
	struct call_set s = set_of("/^(get|set)uid$");
	ck_assert(call_set_has(&s, CALL_getuid) && call_set_has(&s, CALL_setuid));
	ck_assert(!call_set_has(&s, CALL_getgid));
	s = set_of("/clock.*time,%process,close");
	ck_assert(call_set_has(&s, CALL_clock_gettime) && call_set_has(&s, CALL_fork) && call_set_has(&s, CALL_close));
}
END_TEST

START_TEST(test_bad_calls)
{
	const char *const bad[] = {
		"", "!", ",", "opnat", "%foo", "/(", "/zzzz", "read,nosuch", "none,read", "read,all", "99999", "1x", "%",
		"?", "@64",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		no_set(bad[i]);
}
END_TEST

START_TEST(test_signals)
{
	uint64_t s;
	ck_assert_int_eq(trace_set_signals("SIGINT,term,1,SIGRT_1", &s), 0);
	ck_assert_uint_eq(s, 1u | 1u << 1 | 1u << 14 | UINT64_C(1) << 32);
	ck_assert_int_eq(trace_set_signals("!SIGCHLD", &s), 0);
	ck_assert_uint_eq(s, ~(UINT64_C(1) << 16));
	ck_assert_int_eq(trace_set_signals("none", &s), 0);
	ck_assert_uint_eq(s, 0);
	ck_assert_int_eq(trace_set_signals("SIGHUPP", &s), CLI_EXIT_USAGE);
	ck_assert_int_eq(trace_set_signals("65", &s), CLI_EXIT_USAGE);
	ck_assert_int_eq(trace_set_signals("0", &s), CLI_EXIT_USAGE);
	ck_assert_int_eq(trace_set_signals("", &s), CLI_EXIT_USAGE);
}
END_TEST

START_TEST(test_defaults)
{
	struct trace_options o = good("ls -l -t");
	ck_assert(call_set_full(&o.traced));
	ck_assert_str_eq(o.command[0], "ls");
	ck_assert_str_eq(o.command[2], "-t");
	ck_assert_ptr_null(o.environment);
	ck_assert_uint_eq(o.observe.decode.string_limit, 32);
	ck_assert_uint_eq(o.observe.column, 40);
	ck_assert_int_eq(o.observe.time, TIME_NONE);
	ck_assert_uint_eq(o.observe.statuses, STATUS_ALL);
	ck_assert_uint_eq(o.observe.quiet, 0);
	ck_assert_int_eq(o.observe.format, OBSERVE_TEXT);
	trace_options_finish(&o);
}
END_TEST

START_TEST(test_levels)
{
	struct trace_options o = good("-tt -xx -yy -qq -s 100 -v -T -r -f ls");
	ck_assert_int_eq(o.observe.time, TIME_OF_DAY);
	ck_assert_int_eq(o.observe.time_precision, PRECISION_US);
	ck_assert_uint_eq(o.observe.decode.hex_strings, 2);
	ck_assert_uint_eq(o.observe.decode.fd_paths, 2);
	ck_assert_uint_eq(o.observe.decode.string_limit, 100);
	ck_assert_uint_eq(o.observe.quiet, QUIET_ATTACH | QUIET_PERSONALITY | QUIET_EXIT);
	ck_assert(o.observe.decode.verbose && o.observe.duration && o.observe.relative && !o.observe.per_task);
	trace_options_finish(&o);
	o = good("-ttt --syscall-times=ns --relative-timestamps=ms -x -y -qqq ls");
	ck_assert_int_eq(o.observe.time, TIME_UNIX);
	ck_assert_int_eq(o.observe.duration_precision, PRECISION_NS);
	ck_assert_int_eq(o.observe.relative_precision, PRECISION_MS);
	ck_assert_uint_eq(o.observe.decode.hex_strings, 1);
	ck_assert_uint_eq(o.observe.quiet, QUIET_ALL);
	trace_options_finish(&o);
	o = good("--absolute-timestamps=format:unix,precision:ns ls");
	ck_assert_int_eq(o.observe.time, TIME_UNIX);
	ck_assert_int_eq(o.observe.time_precision, PRECISION_NS);
	trace_options_finish(&o);
	o = good("--timestamps ls");
	ck_assert_int_eq(o.observe.time, TIME_OF_DAY);
	ck_assert_int_eq(o.observe.time_precision, PRECISION_S);
	trace_options_finish(&o);
	expect_usage("--absolute-timestamps=iso ls");
	expect_usage("--syscall-times=hours ls");
	expect_usage("-s -1 ls");
	expect_usage("-s many ls");
}
END_TEST

START_TEST(test_outputs)
{
	struct trace_options o = good("-o out -ff -A ls");
	ck_assert_str_eq(o.observe.file, "out");
	ck_assert(o.observe.per_task && o.observe.append);
	ck_assert_uint_eq(o.observe.quiet, QUIET_ATTACH | QUIET_PERSONALITY);
	trace_options_finish(&o);
	o = good("-o out --quiet=exit ls");
	ck_assert_uint_eq(o.observe.quiet, QUIET_EXIT);
	trace_options_finish(&o);
	o = good("-ff ls");
	ck_assert(!o.observe.per_task);
	trace_options_finish(&o);
	o = good("--json -C ls");
	ck_assert_int_eq(o.observe.format, OBSERVE_JSON);
	ck_assert(o.observe.summary);
	trace_options_finish(&o);
	expect_usage("-A ls");
	expect_usage("-ff -o |cat ls");
	expect_usage("-c --json ls");
	expect_usage("-c -C ls");
	expect_usage("-o");
}
END_TEST

START_TEST(test_summary)
{
	struct trace_options o = good("-c -w -S calls -U calls,p99,name -O 2us ls");
	ck_assert(o.observe.summary);
	ck_assert_int_eq(o.observe.format, OBSERVE_NONE);
	ck_assert_int_eq(o.observe.sort, COLUMN_CALLS);
	ck_assert_uint_eq(o.observe.column_count, 3);
	ck_assert_int_eq(o.observe.columns[1], COLUMN_P99);
	ck_assert_int_eq(o.observe.overhead_ns, 2000);
	trace_options_finish(&o);
	o = good("-c -U total-time ls");
	ck_assert_uint_eq(o.observe.column_count, 2);
	ck_assert_int_eq(o.observe.columns[1], COLUMN_NAME);
	trace_options_finish(&o);
	expect_usage("-c -S color ls");
	expect_usage("-c -U calls,calls ls");
	expect_usage("-c -U none ls");
	expect_usage("-c -O fast ls");
}
END_TEST

START_TEST(test_expressions)
{
	struct trace_options o = good("-e trace=read -e signal=none -e status=failed,unfinished -e quiet=attach ls");
	ck_assert_uint_eq(count(&o.traced), 1);
	ck_assert_uint_eq(o.observe.signals, 0);
	ck_assert_uint_eq(o.observe.statuses, STATUS_FAILED | STATUS_UNFINISHED);
	ck_assert_uint_eq(o.observe.quiet, QUIET_ATTACH);
	trace_options_finish(&o);
	o = good("-e !read --status=!failed -e abbrev=none -e raw=all ls");
	ck_assert_uint_eq(count(&o.traced), CALL_COUNT - 1);
	ck_assert_uint_eq(o.observe.statuses, STATUS_ALL & ~STATUS_FAILED);
	ck_assert(o.observe.decode.verbose && o.observe.decode.raw);
	trace_options_finish(&o);
	o = good("-e abbrev=!stat,fstat -e raw=read -e verbose=!!!lstat ls");
	ck_assert(!o.observe.decode.verbose && !o.observe.decode.raw);
	ck_assert(call_set_has(&o.sets.verbose, CALL_stat) && !call_set_has(&o.sets.verbose, CALL_read));
	ck_assert(call_set_has(&o.sets.raw, CALL_read) && !call_set_has(&o.sets.raw, CALL_stat));
	ck_assert(call_set_has(&o.sets.undecoded, CALL_lstat) && !call_set_has(&o.sets.undecoded, CALL_read));
	trace_options_finish(&o);
	o = good("--trace=%desc -z --decode-fds=all ls");
	ck_assert_uint_eq(o.observe.statuses, STATUS_SUCCESSFUL);
	ck_assert_uint_eq(o.observe.decode.fd_paths, 2);
	trace_options_finish(&o);
	expect_usage("-e tarce=read ls");
	expect_usage("-e inject=read:error=ENOTHING ls");
	expect_usage("-e inject=read ls");
	expect_usage("-e inject=read:when=0:error=EIO ls");
	expect_usage("-e inject=read:error=EIO:retval=3 ls");
	expect_usage("-e status=bad ls");
	expect_usage("-e opnat ls");
}
END_TEST

START_TEST(test_attach)
{
	struct trace_options o = good("-p 1,23 -p 456");
	ck_assert_uint_eq(o.attach_count, 3);
	ck_assert_int_eq(o.attach[2], 456);
	ck_assert(o.observe.attached);
	ck_assert_ptr_null(o.command);
	trace_options_finish(&o);
	o = good("-p 1 ls");
	ck_assert_uint_eq(o.attach_count, 1);
	ck_assert_str_eq(o.command[0], "ls");
	trace_options_finish(&o);
	expect_usage("-D -p 1 ls");
	expect_usage("-D -p 1");
	expect_usage("-u root -p 1");
	expect_usage("-p x");
	expect_usage("-p 0");
	expect_usage("-p -5");
	expect_usage("-p ,");
	expect_usage("");
	expect_usage("-t");
	expect_usage("-E A=B -p 1");
}
END_TEST

static const char *variable(const struct trace_options *o, const char *name)
{
	size_t len = strlen(name);
	for (char **v = o->environment; *v; v++) {
		if (strncmp(*v, name, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	}
	return NULL;
}

START_TEST(test_environment)
{
	ck_assert_int_eq(setenv("TRAPLINE_TEST", "old", 1), 0);
	struct trace_options o = good("-E TRAPLINE_TEST=new -E EMPTY= ls");
	ck_assert_str_eq(variable(&o, "TRAPLINE_TEST"), "new");
	ck_assert_str_eq(variable(&o, "EMPTY"), "");
	trace_options_finish(&o);
	o = good("-E TRAPLINE_TEST ls");
	ck_assert_ptr_null(variable(&o, "TRAPLINE_TEST"));
	trace_options_finish(&o);
	expect_usage("-E =x ls");
}
END_TEST

START_TEST(test_paths)
{
	struct trace_options o = good("-P /proc/self/../version ls");
	ck_assert_uint_eq(o.path_count, 2);
	ck_assert_str_eq(o.observe.paths[1], "/proc/version");
	ck_assert_uint_eq(o.observe.decode.fd_paths, 1);
	ck_assert(o.observe.hide_fd_paths);
	trace_options_finish(&o);
}
END_TEST

START_TEST(test_unknown_options)
{
	expect_usage("--mechansim=step ls");
	expect_usage("--mechanism=native ls");
	expect_usage("--mechanism=stepp ls");
	expect_usage("-j ls");
	expect_usage("-u no/such/user ls");
	expect_usage("-b open ls");
	expect_usage("-I 5 ls");
	expect_usage("--daemonize=x ls");
	struct trace_options o = good("--mechanism=step -D -I 2 --seccomp-bpf ls");
	ck_assert_int_eq(o.mechanism, MECHANISM_STEP);
	trace_options_finish(&o);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("trace_options");
	TCase *tc = tcase_create("trace_options");
	tcase_add_test(tc, test_calls);
	tcase_add_test(tc, test_groups_and_patterns);
	tcase_add_test(tc, test_bad_calls);
	tcase_add_test(tc, test_signals);
	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_levels);
	tcase_add_test(tc, test_outputs);
	tcase_add_test(tc, test_summary);
	tcase_add_test(tc, test_expressions);
	tcase_add_test(tc, test_attach);
	tcase_add_test(tc, test_environment);
	tcase_add_test(tc, test_paths);
	tcase_add_test(tc, test_unknown_options);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
