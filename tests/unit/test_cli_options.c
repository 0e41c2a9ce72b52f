/* What the command line explains: nearest words, numbers, unknown options; exiting as the guest did. */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "run_suite.h"

static char message[512];	/* the line that the last call wrote to stderr */

static int saved_stderr, pipe_fds[2];

static void catch_stderr(void)
{
	ck_assert_int_eq(pipe(pipe_fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
	close(pipe_fds[1]);
}

static void release_stderr(void)
{
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	n = read(pipe_fds[0], message, sizeof(message) - 1);
	message[n > 0 ? n : 0] = '\0';
	close(pipe_fds[0]);
}

START_TEST(edit_distance_counts_letters)
{
	ck_assert_uint_eq(cli_edit_distance("", ""), 0);
	ck_assert_uint_eq(cli_edit_distance("abc", ""), 3);
	ck_assert_uint_eq(cli_edit_distance("", "abc"), 3);
	ck_assert_uint_eq(cli_edit_distance("run", "rnu"), 1);
	ck_assert_uint_eq(cli_edit_distance("mechansim", "mechanism"), 1);
	ck_assert_uint_eq(cli_edit_distance("trace", "tracer"), 1);
	ck_assert_uint_eq(cli_edit_distance("kitten", "sitting"), 3);
}
END_TEST

START_TEST(nearest_word_helps_or_is_silent)
{
	static const char *const words[] = {"run", "trace", "policy", "bench", "doctor"};

	ck_assert_str_eq(cli_nearest("rnu", words, ARRAY_SIZE(words)), "run");
	ck_assert_str_eq(cli_nearest("polciy", words, ARRAY_SIZE(words)), "policy");
	ck_assert_str_eq(cli_nearest("docter", words, ARRAY_SIZE(words)), "doctor");
	ck_assert_ptr_null(cli_nearest("xyzzy", words, ARRAY_SIZE(words)));
	ck_assert_ptr_null(cli_nearest("", words, 0));
}
END_TEST

START_TEST(a_very_long_word_is_no_overflow)
{
	static char word[4096];
	static const char *const words[] = {"run"};

	memset(word, 'x', sizeof(word) - 1);
	ck_assert_ptr_null(cli_nearest(word, words, 1));
}
END_TEST

static int getopt_once(int argc, char **argv)
{
	static const struct option longopts[] = {
		{"mechanism", required_argument, NULL, 'm'}, {"uid", required_argument, NULL, 'u'},
		{"status", no_argument, NULL, 's'}, {"statistics", no_argument, NULL, 'S'}, {0},
	};
	int opt;

	cli_getopt_restart();
	catch_stderr();
	do {
		opt = cli_getopt(argc, argv, "qo:", longopts);
	} while (opt >= 0 && opt != '?');
	release_stderr();
	return opt;
}

struct bad_line {
	const char *words[6];
	const char *said;
};

static const struct bad_line bad_lines[] = {
	{{"run", "--mechansim", "notify"}, "trapline run: unknown option '--mechansim' (did you mean '--mechanism'?)\n"},
	{{"run", "--mechansim=x"}, "trapline run: unknown option '--mechansim' (did you mean '--mechanism'?)\n"},
	{{"run", "--xyzzy"}, "trapline run: unknown option '--xyzzy'; see 'trapline help run'\n"},
	{{"run", "--uid"}, "trapline run: option '--uid' needs a value\n"},
	{{"run", "-o"}, "trapline run: option '-o' needs a value\n"},
	{{"run", "-qo"}, "trapline run: option '-o' needs a value\n"},
	{{"run", "-qz"}, "trapline run: unknown option '-z'; see 'trapline help run'\n"},
	{{"run", "--uid=5", "-zq"}, "trapline run: unknown option '-z'; see 'trapline help run'\n"},
	{{"run", "--stat"}, "trapline run: option '--stat' is ambiguous\n"},
	{{"run", "--status=1"}, "trapline run: option '--status' takes no value\n"},
};

START_TEST(unknown_options_are_explained)
{
	const struct bad_line *line = &bad_lines[_i];
	char *argv[8] = {0};
	int argc = 0;

	while (line->words[argc]) {
		argv[argc] = strdup(line->words[argc]);
		argc++;
	}
	ck_assert_int_eq(getopt_once(argc, argv), '?');
	ck_assert_str_eq(message, line->said);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}
END_TEST

START_TEST(options_of_the_guest_are_its_own)
{
	char words[5][16] = {"run", "-q", "ls", "--mechansim", "-z"};
	char *argv[6] = {words[0], words[1], words[2], words[3], words[4], NULL};

	ck_assert_int_eq(getopt_once(5, argv), -1);
	ck_assert_int_eq(optind, 2);
	ck_assert_str_eq(message, "");
}
END_TEST

static int parse(const char *text, uint64_t max, uint64_t *ret)
{
	int status;

	catch_stderr();
	status = cli_parse_number("run", "--uid", text, 0, max, ret);
	release_stderr();
	return status;
}

START_TEST(numbers_are_whole_and_in_range)
{
	static const char *const bad[] = {"", " 1", "-1", "+1", "1x", "0x", "4294967295", "99999999999999999999", "1 "};
	uint64_t value = 77;

	ck_assert_int_eq(parse("0", 4294967294, &value), 0);
	ck_assert_uint_eq(value, 0);
	ck_assert_int_eq(parse("0x10", 4294967294, &value), 0);
	ck_assert_uint_eq(value, 16);
	ck_assert_int_eq(parse("010", 4294967294, &value), 0);
	ck_assert_uint_eq(value, 10);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_int_eq(parse(bad[i], 4294967294, &value), CLI_EXIT_USAGE);
		ck_assert_uint_eq(value, 10);
	}
	ck_assert_str_eq(message, "trapline run: --uid: '1 ' is not a number from 0 to 4294967294\n");
}
END_TEST

START_TEST(a_message_is_one_line)
{
	catch_stderr();
	cli_error("run", "no such command '%s'", "a\nb\033[2J");
	release_stderr();
	ck_assert_str_eq(message, "trapline run: no such command 'a?b?[2J'\n");
}
END_TEST

/* The wait status of a child that called cli_exit_like(status). */
static int exit_like(int status)
{
	pid_t pid = fork();
	int got = -1;

	if (pid == 0)
		cli_exit_like(status);
	ck_assert_int_eq(waitpid(pid, &got, 0), pid);
	return got;
}

START_TEST(exits_with_the_guests_status)
{
	static const int statuses[] = {0, 1, 42, 127, 255};

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		ck_assert_int_eq(exit_like(statuses[i] << 8), statuses[i] << 8);
}
END_TEST

START_TEST(dies_of_the_guests_signal_without_a_core)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT, SIGKILL, SIGTERM, SIGPIPE};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		int status = exit_like(signals[i] | 0x80);	/* 0x80: the guest dumped core */

		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), signals[i]);
		ck_assert(!WCOREDUMP(status));
	}
}
END_TEST

START_TEST(exec_failures_have_sh_statuses)
{
	ck_assert_int_eq(cli_exec_failure_status(-ENOENT), 127);
	ck_assert_int_eq(cli_exec_failure_status(-EACCES), 126);
	ck_assert_int_eq(cli_exec_failure_status(-ENOEXEC), 126);
	ck_assert_int_eq(cli_exec_failure_status(-ENOTDIR), 126);
	ck_assert_int_eq(cli_exec_failure_status(-E2BIG), 126);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli_options");
	TCase *tcase = tcase_create("all");

	tcase_add_test(tcase, edit_distance_counts_letters);
	tcase_add_test(tcase, nearest_word_helps_or_is_silent);
	tcase_add_test(tcase, a_very_long_word_is_no_overflow);
	tcase_add_loop_test(tcase, unknown_options_are_explained, 0, (int)ARRAY_SIZE(bad_lines));
	tcase_add_test(tcase, options_of_the_guest_are_its_own);
	tcase_add_test(tcase, numbers_are_whole_and_in_range);
	tcase_add_test(tcase, a_message_is_one_line);
	tcase_add_test(tcase, exits_with_the_guests_status);
	tcase_add_test(tcase, dies_of_the_guests_signal_without_a_core);
	tcase_add_test(tcase, exec_failures_have_sh_statuses);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
