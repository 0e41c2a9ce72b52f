/* The installed library: sessions through include/trapline/trapline.h only. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <trapline/trapline.h>

#include "run_suite.h"

static int status_of(struct trapline *t, const char *script)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	int status = -1;
	ck_assert_int_eq(trapline_run(t, argv, &status), 0);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int answer_42(void *context, struct trapline_call *call, int64_t *answer)
{
	ck_assert_str_eq(call->name, "getppid");
	++*(int *)context;
	*answer = 42;
	return TRAPLINE_ANSWER;
}

static int rename_machine(void *context, struct trapline_call *call, int64_t *answer)
{
	char names[6 * 65] = {0};
	(void)strcpy(names + 65, context);
	*answer = trapline_write(call, call->args[0], names, sizeof(names));
	return TRAPLINE_ANSWER;
}

static const char *const mechanisms[] = {"notify", "trace", "sysemu", "step"};

START_TEST(test_answers)
{
	struct trapline *t = trapline_new();
	int asked = 0;
	ck_assert_int_eq(trapline_set_mechanism(t, mechanisms[_i]), 0);
	ck_assert_int_eq(trapline_handle(t, "getppid", answer_42, &asked), 0);
	ck_assert_int_eq(trapline_handle(t, "uname", rename_machine, (void *)"elsewhere"), 0);
	ck_assert_int_eq(trapline_set_uid(t, 7), 0);
	ck_assert_int_eq(status_of(t, "test $PPID = 42 && test $(uname -n) = elsewhere && test $(id -u) = 7"), 0);
	ck_assert_int_gt(asked, 0);
	trapline_free(t);
}
END_TEST

/* A rule before the handler, the handler where no rule is, trapline's own answers beside both. */
START_TEST(test_policy)
{
	struct trapline *t = trapline_new();
	int asked = 0;
	ck_assert_int_eq(trapline_set_mechanism(t, mechanisms[_i]), 0);
	ck_assert_int_eq(trapline_handle(t, "getppid", answer_42, &asked), 0);
	ck_assert_int_eq(trapline_set_gid(t, 9), 0);
	ck_assert_int_eq(trapline_add_policy(t, "errno EDOM  mkdir mkdirat"), 0);
	ck_assert_int_eq(status_of(t, "test $PPID = 42 && test $(id -g) = 9 && "
				   "mkdir /nowhere/dir 2>&1 | grep -q 'Numerical argument'"), 0);
	ck_assert_int_gt(asked, 0);
	trapline_free(t);
}
END_TEST

START_TEST(test_tree)
{
	struct trapline *t = trapline_new();
	int asked = 0;
	ck_assert_int_eq(trapline_handle(t, "getppid", answer_42, &asked), 0);
	ck_assert_int_eq(trapline_add_policy(t, "mount \"/embedded\" tmpfs size=1M"), 0);
	ck_assert_int_eq(trapline_set_cwd(t, "/nowhere"), 0);
	ck_assert_int_eq(trapline_set_cwd(t, "/embedded"), 0);
	ck_assert_int_eq(status_of(t, "test $PPID = 42 && test $(pwd) = /embedded && echo x >file && test -s /embedded/file"), 0);
	ck_assert_int_gt(asked, 0);
	trapline_free(t);
}
END_TEST

START_TEST(test_bad_policy)
{
	char *argv[] = {(char *)"true", NULL};
	int status = -1;
	struct trapline *t = trapline_new();
	ck_assert_int_eq(trapline_add_policy(t, "errno EPERM nosuchcall"), 0);
	ck_assert_int_eq(trapline_run(t, argv, &status), -EBADMSG);
	trapline_free(t);
	t = trapline_new();
	ck_assert_int_eq(trapline_set_policy_file(t, "/nonexistent"), 0);
	ck_assert_int_eq(trapline_run(t, argv, &status), -ENOENT);
	trapline_free(t);
	t = trapline_new();
	ck_assert_int_eq(trapline_set_cwd(t, "/nonexistent"), 0);
	ck_assert_int_lt(trapline_run(t, argv, &status), 0);
	trapline_free(t);
	ck_assert_int_eq(status, -1);
}
END_TEST

START_TEST(test_refusals)
{
	struct trapline *t = trapline_new();
	ck_assert_int_eq(trapline_handle(t, "getpidd", answer_42, NULL), -EINVAL);
	ck_assert_int_eq(trapline_set_mechanism(t, "magic"), -EINVAL);
	ck_assert_int_eq(trapline_set_hostname(t, ""), -EINVAL);
	ck_assert_int_eq(trapline_set_uid(t, (uid_t)-1), -EINVAL);
	char *argv[] = {(char *)"/nonexistent", NULL};
	int status = 0;
	ck_assert_int_eq(trapline_run(t, argv, &status), 0);
	ck_assert_int_eq(WEXITSTATUS(status), 127);
	trapline_free(t);
	trapline_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("embed");
	TCase *tc = tcase_create("embed");
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_answers, 0, (int)(sizeof(mechanisms) / sizeof(*mechanisms)));
	tcase_add_loop_test(tc, test_policy, 0, (int)(sizeof(mechanisms) / sizeof(*mechanisms)));
	tcase_add_test(tc, test_tree);
	tcase_add_test(tc, test_bad_policy);
	tcase_add_test(tc, test_refusals);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
