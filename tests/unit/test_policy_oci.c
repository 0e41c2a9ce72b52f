/*
 * An imported OCI profile decides as libseccomp does, call by call: the profile is given to libseccomp the way crun and
 * runc do it, its filter exported and run beside ours in the simulator, for every number, ABI and a grid of arguments.
 */
#include <check.h>
#include <jansson.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/oci.h"
#include "policy/sim.h"
#include "run_suite.h"
#include "scmp_profile.h"

static const char *const no_caps[] = {NULL};
static const char *const all_caps[] = {
	"CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_CHROOT", "CAP_SYS_MODULE", "CAP_SYS_PACCT",
	"CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_AUDIT_WRITE", "CAP_SYSLOG",
	"CAP_SYS_NICE", "CAP_BPF", "CAP_PERFMON", NULL,
};

/* ---- ours ---- */

static struct policy *load(const char *text, const char *const *caps)
{
	struct policy_options options = {.facts = {.caps = caps, .arch = "amd64"}};
	struct policy *p;
	struct strbuf out;

	ck_assert_int_eq(policy_load_text("imported", text, strlen(text), &options, &p), 0);
	strbuf_init(&out);
	diags_print(p->diags, &out);
	ck_assert_msg(!p->diags->errors, "%s", strbuf_str(&out));
	strbuf_finish(&out);
	return p;
}

static struct plan *plan_of(const struct policy *p)
{
	struct plan *plan;

	ck_assert_int_eq(plan_create(p, &(struct plan_options){.may_notify = true}, &plan), 0);
	return plan;
}

/* ---- the comparison ---- */

static size_t interesting_values(const json_t *root, uint64_t *v, size_t max)
{
	const json_t *rule, *arg;
	size_t i, j, n = 0;

	v[n++] = 0;
	v[n++] = UINT64_MAX;
	json_array_foreach(json_object_get(root, "syscalls"), i, rule) {
		json_array_foreach(json_object_get(rule, "args"), j, arg) {
			uint64_t a = (uint64_t)json_integer_value(json_object_get(arg, "value"));
			uint64_t b = (uint64_t)json_integer_value(json_object_get(arg, "valueTwo"));

			if (n + 5 > max)
				return n;
			v[n++] = a;
			v[n++] = a + 1;
			v[n++] = a - 1;
			v[n++] = b;
			v[n++] = a | (UINT64_C(1) << 32);
		}
	}
	return n;
}

/* x32 and x86_64 share an audit architecture; ~0 is no number of either. */
static const struct {
	enum call_abi abi;
	uint32_t arch, bit, scmp;
} abis[] = {
	{ABI_X86_64, AUDIT_ARCH_X86_64, 0, SCMP_ARCH_X86_64}, {ABI_I386, AUDIT_ARCH_I386, 0, SCMP_ARCH_X86},
	{ABI_X32, AUDIT_ARCH_X86_64, 0x40000000, SCMP_ARCH_X32},
};

static void compare_call(const struct plan *plan, const struct sock_filter *theirs, size_t count, size_t abi,
			 uint32_t nr, const uint64_t *v, size_t n)
{
	struct seccomp_data d = {.nr = (int)(nr | abis[abi].bit), .arch = abis[abi].arch};

	for (size_t a = 0; a < n; a++) {
		for (size_t c = 0; c < n; c++) {
			uint32_t ours, them;

			d.args[0] = v[a];
			d.args[1] = v[c];
			d.args[2] = v[(a * 7 + c) % n];
			for (int i = 0; abis[abi].abi == ABI_I386 && i < 3; i++)
				d.args[i] = (uint32_t)d.args[i];
			ours = sim_run(plan->filter.insns, plan->filter.count, &d, NULL);
			them = sim_run(theirs, count, &d, NULL);
			/* A policy's "log" is said by trapline, not by the kernel's audit. */
			if (them == SECCOMP_RET_LOG)
				them = SECCOMP_RET_USER_NOTIF;
			ck_assert_msg(ours == them, "abi %s nr %u (%llx, %llx, %llx): ours %#x, libseccomp %#x",
				      call_abi_name(abis[abi].abi), nr, (unsigned long long)d.args[0],
				      (unsigned long long)d.args[1], (unsigned long long)d.args[2], ours, them);
		}
	}
}

static bool has_args(const json_t *root, const char *name)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(json_object_get(root, "syscalls"), i, rule) {
		if (json_array_size(json_object_get(rule, "args")) && scmp_profile_list_has(json_object_get(rule, "names"), name))
			return true;
	}
	return false;
}

static void compare(const char *json, size_t len, const char *const *caps)
{
	json_t *root = json_loadb(json, len, 0, NULL);
	struct strbuf text;
	char message[256] = "";
	static struct sock_filter theirs[8192];
	uint64_t v[64];
	size_t count, n;
	scmp_filter_ctx ctx;
	struct policy *p;
	struct plan *plan;

	ck_assert_ptr_nonnull(root);
	strbuf_init(&text);
	ck_assert_msg(oci_import(json, len, &text, message, sizeof(message)) == 0, "%s", message);
	p = load(strbuf_str(&text), caps);
	plan = plan_of(p);
	ctx = scmp_profile_filter(root, caps);
	count = scmp_profile_export(ctx, theirs, ARRAY_SIZE(theirs));
	n = interesting_values(root, v, ARRAY_SIZE(v));
	for (size_t abi = 0; abi < ARRAY_SIZE(abis); abi++) {
		for (uint32_t nr = 0; nr < 620; nr++) {
			char *known = seccomp_syscall_resolve_num_arch(abis[abi].scmp, (int)(nr | abis[abi].bit));

			/*
			 * libseccomp is older than the newest calls: for those the profile's names mean nothing to it.
			 */
			if (known)
				compare_call(plan, theirs, count, abi, nr, v, has_args(root, known) ? n : 3);
			free(known);
		}
	}
	seccomp_release(ctx);
	plan_destroy(plan);
	policy_destroy(p);
	strbuf_finish(&text);
	json_decref(root);
}

START_TEST(shipped_profile_decides_as_libseccomp)
{
	struct strbuf json;

	scmp_profile_shipped(&json);
	if (json.len) {
		compare(strbuf_str(&json), json.len, no_caps);
		compare(strbuf_str(&json), json.len, all_caps);
	}
	strbuf_finish(&json);
}
END_TEST

static const char *const profiles[] = {
	/* an allow list that denies by argument */
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
	"\"subArchitectures\":"
	"[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]}],\"syscalls\":["
	"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,\"value\":2114060288,\"valueTwo\":"
	"2114060288,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
	"{\"names\":[\"io_uring_setup\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
	"{\"names\":[\"personality\",\"kill\"],\"action\":\"SCMP_ACT_KILL_PROCESS\",\"args\":["
	"{\"index\":0,\"value\":2147483648,\"op\":\"SCMP_CMP_GE\"}]}]}",
	/* every comparison, two arguments, one argument twice (two rules), a rule with none beside one with some */
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13,\"architectures\":[\"SCMP_ARCH_X86_64\","
	"\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],\"syscalls\":["
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":3,\"op\":\"SCMP_CMP_LT\"}"
	","
	"{\"index\":2,\"value\":4096,\"op\":\"SCMP_CMP_LE\"}]},"
	"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_"
	"EQ\"},"
	"{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":1,\"value\":10,\"op\":\"SCMP_CMP_GT\"}"
	"]},"
	"{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_"
	"NE\"}]},"
	"{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"exit_group\",\"no_such_call_at_all\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
};

START_TEST(other_profiles_decide_as_libseccomp)
{
	compare(profiles[_i], strlen(profiles[_i]), no_caps);
}
END_TEST

/* ---- round trip ---- */

static void check_round_trip(const char *json, size_t len)
{
	struct strbuf first, again, profile;
	char message[256] = "";
	struct policy *p;

	strbuf_init(&first);
	strbuf_init(&again);
	strbuf_init(&profile);
	ck_assert_int_eq(oci_import(json, len, &first, message, sizeof(message)), 0);
	p = load(strbuf_str(&first), no_caps);
	ck_assert_msg(oci_export(p, &profile, message, sizeof(message)) == 0, "%s", message);
	ck_assert_int_eq(oci_import(strbuf_str(&profile), profile.len, &again, message, sizeof(message)), 0);
	ck_assert_str_eq(strbuf_str(&first), strbuf_str(&again));
	policy_destroy(p);
	strbuf_finish(&first);
	strbuf_finish(&again);
	strbuf_finish(&profile);
}

START_TEST(shipped_profile_round_trips)
{
	struct strbuf json;

	scmp_profile_shipped(&json);
	if (json.len)
		check_round_trip(strbuf_str(&json), json.len);
	strbuf_finish(&json);
}
END_TEST

START_TEST(what_is_not_acted_on_is_kept)
{
	static const char json[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/run/"
				   "x.sock\",\"listenerMetadata\":\"a\\\"b\","
				   "\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"syscalls\":[{\"names\":[\"mount\"],"
				   "\"action\":\"SCMP_ACT_ERRNO\","
				   "\"errnoRet\":1,\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"],\"minKernel\":\"5.8\"},"
				   "\"excludes\":{\"arches\":"
				   "[\"s390x\"]}}]}";
	struct strbuf text, profile;
	char message[256] = "";
	struct policy *p;

	strbuf_init(&text);
	strbuf_init(&profile);
	ck_assert_int_eq(oci_import(json, strlen(json), &text, message, sizeof(message)), 0);
	p = load(strbuf_str(&text), no_caps);
	ck_assert_int_eq(oci_export(p, &profile, message, sizeof(message)), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&profile), "\"listenerPath\": \"/run/x.sock\""));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&profile), "\"listenerMetadata\": \"a\\\"b\""));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&profile), "SECCOMP_FILTER_FLAG_LOG"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&profile), "\"minKernel\": \"5.8\""));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&profile), "s390x"));
	policy_destroy(p);
	strbuf_finish(&text);
	strbuf_finish(&profile);
	check_round_trip(json, strlen(json));
}
END_TEST

static const char *const bad[][2] = {
	{"", "line 1"},
	{"[]", "not an OCI seccomp profile"},
	{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", "listener"},
	{"{\"defaultAction\":\"SCMP_ACT_FLY\"}", "cannot be carried out"},
	{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[3]}", "list of objects"},
	{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a b\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
	 "name"},
	{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
	 "\"args\":[{\"index\":9,\"op\":\"SCMP_CMP_EQ\"}]}]}",
	 "index is 0 to 5"},
	{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\","
	 "\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_QQ\"}]}]}",
	 "no comparison"},
};

START_TEST(bad_profiles_are_refused)
{
	struct strbuf text;
	char message[256] = "";

	strbuf_init(&text);
	ck_assert_int_eq(oci_import(bad[_i][0], strlen(bad[_i][0]), &text, message, sizeof(message)), -EINVAL);
	ck_assert_msg(strstr(message, bad[_i][1]), "%s", message);
	strbuf_finish(&text);
}
END_TEST

static const char *const inexpressible[][2] = {
	{"errno EPERM open when path under \"/etc\"\n", "integer arguments only"},
	{"redirect open when path == \"/a\" to \"/b\"\n", "no action like"},
	{"errno EPERM read when fd == 3\nerrno EACCES read\n", "no order"},
	{"errno EPERM read when fd in 3..5\n", "no such comparison"},
	{"errno EPERM %unknown\n", "no name"},
};

START_TEST(what_no_profile_can_say_is_refused)
{
	struct policy *p = load(inexpressible[_i][0], no_caps);
	struct strbuf out;
	char message[256] = "";

	strbuf_init(&out);
	ck_assert_int_eq(oci_export(p, &out, message, sizeof(message)), -EINVAL);
	ck_assert_msg(strstr(message, inexpressible[_i][1]), "%s", message);
	strbuf_finish(&out);
	policy_destroy(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_oci");
	TCase *tc = tcase_create("oci");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, shipped_profile_decides_as_libseccomp);
	tcase_add_loop_test(tc, other_profiles_decide_as_libseccomp, 0, ARRAY_SIZE(profiles));
	tcase_add_test(tc, shipped_profile_round_trips);
	tcase_add_test(tc, what_is_not_acted_on_is_kept);
	tcase_add_loop_test(tc, bad_profiles_are_refused, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(tc, what_no_profile_can_say_is_refused, 0, ARRAY_SIZE(inexpressible));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
