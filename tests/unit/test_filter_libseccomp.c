/*
 * Our filters beside libseccomp's (2.5 and later, with its binary tree), as figures and as what each can say: the
 * reasons in src/policy/filter.h, each of which must stay true. Prints the figures.
 */
#include <check.h>
#include <linux/audit.h>
#include <string.h>
#include <time.h>

#include "policy/compile.h"
#include "policy/oci.h"
#include "policy/sim.h"
#include "run_suite.h"
#include "scmp_profile.h"

enum { THEIRS_MAX = 60000, NUMBERS = 470, VALUES = 300 };

static struct sock_filter theirs[THEIRS_MAX];

static double ms_since(const struct timespec *start)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) * 1e3 + (double)(now.tv_nsec - start->tv_nsec) / 1e6;
}

static struct plan *plan_of(const char *text, struct policy **ret)
{
	struct policy_options options = {.any_feature = 1, .facts.arch = "amd64"};
	struct plan *plan;

	ck_assert_int_eq(policy_load_text("test", text, strlen(text), &options, ret), 0);
	ck_assert_uint_eq((*ret)->diags->errors, 0);
	ck_assert_int_eq(plan_create(*ret, &(struct plan_options){.may_notify = true}, &plan), 0);
	return plan;
}

static uint32_t run(const struct sock_filter *insns, size_t count, int nr, uint64_t arg)
{
	struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_X86_64, .args = {arg, arg}};

	return sim_run(insns, count, &d, NULL);
}

struct figures {
	size_t instructions, cached, steps_max;
	double steps_mean, ms;
};

/* What the kernel runs for the calls of x86_64 that its action cache does not answer. */
static struct figures measure(const struct sock_filter *insns, size_t count, double ms)
{
	struct figures f = {.instructions = count, .ms = ms};
	size_t steps = 0, asked = 0;

	for (int nr = 0; nr < NUMBERS; nr++) {
		struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_X86_64};
		size_t n;

		if (sim_is_const_allow(insns, count, AUDIT_ARCH_X86_64, nr)) {
			f.cached++;
			continue;
		}
		(void)sim_run(insns, count, &d, &n);
		asked++;
		steps += n;
		f.steps_max = n > f.steps_max ? n : f.steps_max;
	}
	f.steps_mean = asked ? (double)steps / (double)asked : 0;
	return f;
}

static void print(const char *what, const struct figures *f)
{
	(void)printf("%-34s %6zu instructions, %3zu calls cached, %5.1f steps (%zu at most) for others, made in %.2f ms\n",
		     what, f->instructions, f->cached, f->steps_mean, f->steps_max, f->ms);
}

/* ---- the profile of containers-common ---- */

static struct figures profile_theirs(const json_t *root, unsigned optimize)
{
	static const char *const no_caps[] = {NULL};
	struct timespec start;
	scmp_filter_ctx ctx;
	size_t count;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	ctx = scmp_profile_filter(root, no_caps);
	ck_assert_int_eq(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimize), 0);
	count = scmp_profile_export(ctx, theirs, THEIRS_MAX);
	seccomp_release(ctx);
	return measure(theirs, count, ms_since(&start));
}

START_TEST(a_container_profile)
{
	struct strbuf json, text;
	char message[200];
	struct timespec start;
	struct policy *p;
	struct plan *plan;
	struct figures ours, list, tree;
	json_t *root;

	scmp_profile_shipped(&json);
	if (!json.len)
		return;
	strbuf_init(&text);
	root = json_loads(strbuf_str(&json), 0, NULL);
	list = profile_theirs(root, 1);
	tree = profile_theirs(root, 2);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	ck_assert_int_eq(oci_import(strbuf_str(&json), json.len, &text, message, sizeof(message)), 0);
	plan = plan_of(strbuf_str(&text), &p);
	ours = measure(plan->filter.insns, plan->filter.count, ms_since(&start));
	print("container profile: ours", &ours);
	print("container profile: libseccomp", &list);
	print("container profile: libseccomp, tree", &tree);
	ck_assert_uint_le(ours.instructions, tree.instructions);
	ck_assert_uint_ge(ours.cached, tree.cached);
	ck_assert(ours.steps_mean <= tree.steps_mean && ours.steps_max <= tree.steps_max);
	plan_destroy(plan);
	policy_destroy(p);
	json_decref(root);
	strbuf_finish(&json);
	strbuf_finish(&text);
}
END_TEST

static int add_equal(scmp_filter_ctx ctx, uint32_t action, int nr, unsigned arg, scmp_datum_t value)
{
	const struct scmp_arg_cmp test = {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};

	return seccomp_rule_add_array(ctx, action, nr, 1, &test);
}

/* ---- many values of one argument ---- */

START_TEST(many_values)
{
	struct strbuf text;
	struct timespec start;
	struct policy *p;
	struct plan *plan;
	struct figures ours, tree;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	strbuf_init(&text);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < VALUES; i++)
		ck_assert_int_eq(add_equal(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(lseek), 1, (scmp_datum_t)i * 7 + 1), 0);
	ck_assert_int_eq(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
	tree = measure(theirs, scmp_profile_export(ctx, theirs, THEIRS_MAX), 0);
	tree.ms = ms_since(&start);
	seccomp_release(ctx);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < VALUES; i++)
		strbuf_addf(&text, "errno EACCES lseek when offset == %d\n", i * 7 + 1);
	plan = plan_of(strbuf_str(&text), &p);
	ours = measure(plan->filter.insns, plan->filter.count, ms_since(&start));
	print("300 values: ours", &ours);
	print("300 values: libseccomp, tree", &tree);
	/* A search needs a comparison more for every few values, and ten times fewer steps. */
	ck_assert_uint_le(ours.instructions, tree.instructions + tree.instructions / 4);
	ck_assert_uint_le(ours.steps_max * 10, tree.steps_max);
	plan_destroy(plan);
	policy_destroy(p);
	strbuf_finish(&text);
}
END_TEST

/* ---- what cannot be said ---- */

/* The first of two rules that fit decides; libseccomp has no order, and here the rule without a condition wins. */
START_TEST(rules_have_an_order)
{
	struct policy *p;
	struct plan *plan = plan_of("errno ENOSYS %unknown\nnative write when fd == 1\nerrno EPERM write\n", &p);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	size_t count;

	ck_assert_uint_eq(run(plan->filter.insns, plan->filter.count, 1, 1), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(run(plan->filter.insns, plan->filter.count, 1, 2), SECCOMP_RET_ERRNO | EPERM);
	ck_assert_int_eq(add_equal(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 0, 1), 0);
	(void)seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(write), 0);
	count = scmp_profile_export(ctx, theirs, THEIRS_MAX);
	(void)printf("write(1) after write(2) is forbidden: ours %#x, libseccomp %#x\n", SECCOMP_RET_ALLOW,
		     run(theirs, count, 1, 1));
	ck_assert(run(theirs, count, 1, 1) != SECCOMP_RET_ALLOW || run(theirs, count, 1, 2) != (SECCOMP_RET_ERRNO | EPERM));
	seccomp_release(ctx);
	plan_destroy(plan);
	policy_destroy(p);
}
END_TEST

/* Calls that the library does not know have no name in it, and a rule for a range of numbers does not exist. */
START_TEST(newer_calls_have_names)
{
	unsigned unknown = 0;

	for (int id = 0; id < CALL_COUNT; id++) {
		int nr = call_desc((enum call_id)id)->nr[ABI_X86_64];

		if (nr < 0 || nr >= 512)
			continue;
		unknown += seccomp_syscall_resolve_name(call_desc((enum call_id)id)->name) == __NR_SCMP_ERROR;
	}
	(void)printf("calls of x86_64 that our table names and this libseccomp (%u.%u.%u) does not: %u\n",
		     seccomp_version()->major, seccomp_version()->minor, seccomp_version()->micro, unknown);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("filter_libseccomp");
	TCase *tc = tcase_create("filter_libseccomp");

	tcase_add_test(tc, a_container_profile);
	tcase_add_test(tc, many_values);
	tcase_add_test(tc, rules_have_an_order);
	tcase_add_test(tc, newer_calls_have_names);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
