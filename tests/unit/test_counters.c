/* Counts of processes that nobody says have ended: an id that comes again starts anew, and the ended are swept out. */
#include <check.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tracer/policy/counters.h"
#include "run_suite.h"

static struct policy *load(void)
{
	static const char text[] = "inject getpid error EIO every 2\n";
	struct policy_options options = {.any_feature = 1};
	struct policy *p;

	ck_assert_int_eq(policy_load_text("test", text, sizeof(text) - 1, &options, &p), 0);
	return p;
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end(pid_t pid)
{
	siginfo_t info;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	/* Ended, but not waited for: the id is not free yet. */
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

START_TEST(an_id_that_comes_again_starts_anew)
{
	struct policy *p = load();
	struct counters c;
	pid_t pid = start();

	ck_assert_int_eq(counters_init(&c, true), 0);
	counters_of(&c, p, pid)->calls[0] = 7;
	ck_assert_uint_eq(counters_of(&c, p, pid)->calls[0], 7);
	ck_assert_uint_eq(c.count, 1);
	end(pid);
	ck_assert_uint_eq(counters_of(&c, p, pid)->calls[0], 0);
	ck_assert_uint_eq(c.count, 1);
	(void)waitpid(pid, NULL, 0);
	counters_finish(&c);
	policy_destroy(p);
}
END_TEST

START_TEST(ended_ones_are_swept_out)
{
	struct policy *p = load();
	struct counters c;

	ck_assert_int_eq(counters_init(&c, true), 0);
	for (int i = 0; i < 200; i++) {
		pid_t pid = start();

		ck_assert_ptr_nonnull(counters_of(&c, p, pid));
		end(pid);
		(void)waitpid(pid, NULL, 0);
		ck_assert_uint_le(c.count, 64);
	}
	counters_finish(&c);
	policy_destroy(p);
}
END_TEST

START_TEST(who_is_told_of_ends_keeps_no_descriptors)
{
	struct policy *p = load();
	struct counters c;

	ck_assert_int_eq(counters_init(&c, false), 0);
	ck_assert_int_eq(counters_of(&c, p, 1)->pidfd, -1);
	counters_ended(&c, 1);
	counters_ended(&c, 2);
	ck_assert_uint_eq(c.count, 0);
	counters_finish(&c);
	policy_destroy(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("counters");
	TCase *tc = tcase_create("counters");

	tcase_add_test(tc, an_id_that_comes_again_starts_anew);
	tcase_add_test(tc, ended_ones_are_swept_out);
	tcase_add_test(tc, who_is_told_of_ends_keeps_no_descriptors);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
