/*
 * Plans: which mechanism and filter a policy needs, what a session cannot do, learned policies, options and mounts.
 */
#include "policy/learn.h"

#include "policy_load.h"
#include "run_suite.h"

static const struct {
	const char *policy;
	enum call_id id;
	enum plan_mechanism mechanism;
	enum plan_carry carry;
} plans[] = {
	{"errno EPERM ptrace", CALL_ptrace, PLAN_FILTER, CARRY_NONE},
	{"errno EPERM ptrace", CALL_read, PLAN_NATIVE, CARRY_NONE},
	{"errno EPERM read when fd > 2", CALL_read, PLAN_FILTER, CARRY_NONE},
	{"value 0 sync", CALL_sync, PLAN_FILTER, CARRY_NONE},
	{"value 7 getppid", CALL_getppid, PLAN_NOTIFY, CARRY_NONE},
	{"log execve", CALL_execve, PLAN_NOTIFY, CARRY_NONE},
	{"default errno EPERM\nerrno EACCES openat when path under \"/a\"", CALL_openat, PLAN_NOTIFY, CARRY_ANSWER},
	{"errno EACCES openat when path under \"/a\"", CALL_openat, PLAN_TRACE, CARRY_REWRITE},
	{"native openat when path under \"/a\"\ndefault errno EPERM", CALL_openat, PLAN_TRACE, CARRY_REWRITE},
	{"redirect openat when path == \"/a\" to \"/b\"", CALL_openat, PLAN_TRACE, CARRY_REWRITE},
	{"inject read error EIO every 2", CALL_read, PLAN_NOTIFY, CARRY_NONE},
	{"inject read short 1", CALL_read, PLAN_TRACE, CARRY_NONE},
	{"errno EPERM read when task.uid == 5", CALL_read, PLAN_NOTIFY, CARRY_NONE},
};

START_TEST(cheapest_mechanism)
{
	struct policy *p = load(plans[_i].policy);
	struct plan *plan = plan_of(p);

	ck_assert_msg(plan->calls[plans[_i].id].mechanism == plans[_i].mechanism, "%s: %s", plans[_i].policy,
		      plan_mechanism_name(plan->calls[plans[_i].id].mechanism));
	ck_assert_int_eq(plan->calls[plans[_i].id].carry, plans[_i].carry);
	plan_destroy(plan);
	policy_destroy(p);
}
END_TEST

START_TEST(what_the_session_cannot_do_is_refused)
{
	struct policy *p = load("errno EACCES openat when path under \"/a\"");
	struct plan *plan = NULL;

	ck_assert_int_eq(plan_create(p, &(struct plan_options){.may_notify = true}, &plan), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(plan->refusal, "openat needs the trace mechanism"));
	ck_assert_ptr_nonnull(strstr(plan->refusal, "another thread could change"));
	plan_destroy(plan);
	policy_destroy(p);
}
END_TEST

START_TEST(too_many_conditions_go_to_user_space)
{
	struct strbuf t;
	struct policy *p;
	struct plan *plan;

	strbuf_init(&t);
	for (int i = 0; i < 3000; i++)
		strbuf_addf(&t, "errno %d %s when arg1 == %d\n", 1 + i % 100, i % 3 ? "ioctl" : "fcntl", i);
	strbuf_adds(&t, "errno EBADF lseek when fd == 77\n");
	p = load(strbuf_str(&t));
	plan = plan_of(p);
	ck_assert_uint_le(plan->filter.count, 4096);
	ck_assert(plan->calls[CALL_ioctl].spilled);
	ck_assert_int_eq(plan->calls[CALL_ioctl].mechanism, PLAN_NOTIFY);
	ck_assert_int_eq(plan->calls[CALL_lseek].mechanism, PLAN_FILTER);	/* the small one stays in the kernel */
	ck_assert_str_eq(decided(p, "ioctl(1, 1000)"), "errno EPERM");
	plan_destroy(plan);
	ck_assert_int_eq(plan_create(p, &(struct plan_options){0}, &plan), -EOPNOTSUPP);
	plan_destroy(plan);
	policy_destroy(p);
	strbuf_finish(&t);
}
END_TEST

static const struct call_choice *some_choice(enum call_id id)
{
	static const unsigned requests[] = {0x6602, 0x6603};
	static const struct call_choice choices[] = {
		{CALL_ioctl, 1, requests, 2}, {CALL_accept4, 1, NULL, 0}, {CALL_recvfrom, 4, NULL, 0}, {CALL_sendto, 4, NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		if (choices[i].id == id)
			return &choices[i];
	}
	return NULL;
}

/* What the kernel layer wants of a call comes to it whatever rules say; the rest is theirs, and stays in the filter. */
START_TEST(part_of_a_call_is_owned)
{
	static const char text[] = "errno EPERM ioctl when arg1 == 0x5412\nerrno EXDEV accept4 when flags == 1\n"
				   "errno EACCES sendto when addr.path under \"/a\"";
	static const struct {
		enum call_id id;
		uint64_t args[6];
		uint32_t action;
	} calls[] = {
		{CALL_ioctl, {0, 0x6603}, SECCOMP_RET_USER_NOTIF},
		{CALL_ioctl, {0, 0x5412}, SECCOMP_RET_ERRNO | EPERM},
		{CALL_ioctl, {0, 0x5413}, SECCOMP_RET_ALLOW},
		{CALL_accept4, {0, 0, 0, 1}, SECCOMP_RET_ERRNO | EXDEV},
		{CALL_accept4, {0, UINT64_C(1) << 32}, SECCOMP_RET_USER_NOTIF},
		{CALL_accept4, {0}, SECCOMP_RET_ALLOW},
		{CALL_recvfrom, {0}, SECCOMP_RET_ALLOW},
		{CALL_recvfrom, {[4] = 1}, SECCOMP_RET_USER_NOTIF},
		{CALL_sendto, {0}, SECCOMP_RET_USER_NOTIF},	/* a rule looks at memory */
		{CALL_mkdir, {0}, SECCOMP_RET_USER_NOTIF},
	};
	struct call_set owned = {0};
	struct policy *p = load(text);
	struct plan *plan;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		call_set_add(&owned, calls[i].id);
	const struct plan_options options = {
		.may_notify = true, .may_trace = true, .answered = &owned, .owned = &owned, .choice_of = some_choice,
	};
	ck_assert_int_eq(plan_create(p, &options, &plan), 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct decide_event e = {.id = calls[i].id, .abi = policy_own_abi()};
		if (call_desc(e.id)->nr[e.abi] < 0)
			continue;
		memcpy(e.args, calls[i].args, sizeof(e.args));
		ck_assert_msg(plan_simulate(plan, &e) == calls[i].action, "%zu: %x", i, plan_simulate(plan, &e));
	}
	plan_destroy(plan);
	policy_destroy(p);
}
END_TEST

START_TEST(foreign_abis)
{
	struct policy *strict = load("errno EPERM ptrace"), *watching = load("log ptrace");
	struct policy *same = load("abi i386 same\nabi x32 kill\nerrno EPERM pread64 when offset > 4294967296");
	struct plan *plan = plan_of(same);
	struct decide_event e = {.id = CALL_getpid, .abi = ABI_I386};
	struct decision d;

	if (policy_own_abi() == ABI_AARCH64)
		return;
	policy_decide(strict, NULL, &e, &d);
	ck_assert_int_eq(d.action.err, ENOSYS);
	policy_decide(watching, NULL, &e, &d);
	ck_assert_int_eq(d.action.kind, ACTION_NATIVE);
	/* A 64-bit offset is two registers there: user space puts them together, the filter cannot. */
	e = (struct decide_event){.id = CALL_pread64, .abi = ABI_I386, .args = {3, 0, 1, 1, 1}};
	policy_decide(same, NULL, &e, &d);
	ck_assert_int_eq(d.action.err, EPERM);
	ck_assert_uint_eq(plan_simulate(plan, &e), SECCOMP_RET_USER_NOTIF);
	e.args[4] = 0;
	policy_decide(same, NULL, &e, &d);
	ck_assert_int_eq(d.action.kind, ACTION_NATIVE);
	e = (struct decide_event){.id = CALL_getpid, .abi = ABI_X32};
	ck_assert_uint_eq(plan_simulate(plan, &e), SECCOMP_RET_KILL_PROCESS);
	plan_destroy(plan);
	policy_destroy(strict);
	policy_destroy(watching);
	policy_destroy(same);
}
END_TEST

/* ---- learning ---- */

static const char *const run_lines[] = {
	"{\"pid\":5,\"syscall\":\"brk\",\"args\":{\"addr\":null},\"result\":\"0x5\"}",
	"{\"pid\":5,\"syscall\":\"chdir\",\"args\":{\"path\":\"/srv\"},\"result\":0}",
	"{\"pid\":5,\"syscall\":\"openat\",\"args\":{\"dfd\":{\"fd\":\"AT_FDCWD\",\"path\":\"/"
	"srv\"},\"pathname\":\"in\",\"flags\":[\"O_RDONLY\"]}}",
	"{\"pid\":5,\"syscall\":\"open\",\"args\":{\"pathname\":\"out\",\"flags\":[\"O_WRONLY\",\"O_CREAT\"]},"
	"\"result\":{\"fd\":3}}",
	"{\"pid\":5,\"syscall\":\"rename\",\"args\":{\"oldpath\":\"out\",\"newpath\":\"new\"},\"result\":0}",
	"{\"pid\":5,\"syscall\":\"access\",\"args\":{\"pathname\":\"/usr/lib/a\"}}",
	"{\"pid\":5,\"syscall\":\"access\",\"args\":{\"pathname\":\"/usr/lib/b\"}}",
	"{\"pid\":5,\"syscall\":\"access\",\"args\":{\"pathname\":\"/usr/lib/c\"}}",
	"{\"pid\":5,\"syscall\":\"access\",\"args\":{\"pathname\":\"/usr/lib/d\"}}",
	"{\"pid\":5,\"syscall\":\"open\",\"args\":{\"pathname\":\"/proc/5/maps\",\"flags\":[\"O_RDONLY\"]}}",
	"{\"pid\":5,\"syscall\":\"newfstatat\",\"args\":{\"dfd\":{\"fd\":1,\"path\":\"pipe:[88]\"},\"pathname\":\"\"}}",
	"{\"pid\":5,\"syscall\":\"newfstatat\",\"args\":{\"dfd\":{\"fd\":1,\"path\":\"net:[88]\"},\"pathname\":\"\"}}",
	"{\"pid\":5,\"syscall\":\"utimensat\",\"args\":{\"dfd\":{\"fd\":1,\"path\":\"/srv/out\"},\"pathname\":null}}",
	"{\"type\":\"exit\",\"pid\":5}",
};

START_TEST(a_policy_learned_of_i386_allows_it)
{
	static const char *const lines[] = {
		"{\"pid\":5,\"syscall\":\"connect\",\"nr\":102,\"abi\":\"i386\",\"args\":{}}",
		"{\"pid\":5,\"syscall\":\"getuid\",\"nr\":102,\"abi\":\"x86_64\",\"args\":{}}",
		("{\"pid\":5,\"syscall\":\"open\",\"nr\":5,\"abi\":\"i386\",\"args\":{\"pathname\":\"/proc/self/exe\","
		 "\"flags\":[\"O_RDONLY\"]},\"result\":{\"fd\":3,\"path\":\"/opt/it\"}}"),
	};
	struct learner *l;
	struct strbuf text;

	ck_assert_int_eq(learner_create("/", true, &l), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		ck_assert_int_eq(learner_line(l, lines[i], strlen(lines[i])), 0);
	strbuf_init(&text);
	learner_write(l, &text);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "\nabi i386 same\n"));
	ck_assert_ptr_null(strstr(strbuf_str(&text), "abi x86_64"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "socketcall"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "/opt/it"));
	/* What this very program is has nothing to do with it. */
	ck_assert_ptr_null(strstr(strbuf_str(&text), "test_policy"));
	policy_destroy(load(strbuf_str(&text)));
	learner_destroy(l);
	strbuf_finish(&text);
}
END_TEST

START_TEST(a_learned_policy_allows_the_run_and_no_more)
{
	struct learner *l;
	struct strbuf text;
	struct policy *p;

	ck_assert_int_eq(learner_create("/home", false, &l), 0);
	for (size_t i = 0; i < ARRAY_SIZE(run_lines); i++)
		ck_assert_int_eq(learner_line(l, run_lines[i], strlen(run_lines[i])), 0);
	ck_assert_int_eq(learner_line(l, "nonsense", 8), -EINVAL);
	strbuf_init(&text);
	learner_write(l, &text);
	p = load(strbuf_str(&text));
	strbuf_clear(&text);
	ck_assert_msg(learner_difference(l, p, &text) == 0, "%s", strbuf_str(&text));
	ck_assert_str_eq(decided(p, "open(\"/srv/in\", O_RDONLY)"), "native");
	ck_assert_str_eq(decided(p, "open(\"/srv/in\", O_RDWR)"), "errno EPERM");
	ck_assert_str_eq(decided(p, "open(\"/srv/in/below\", O_RDONLY)"), "errno EPERM");
	ck_assert_str_eq(decided(p, "open(\"/srv/out\", O_WRONLY)"), "native");
	ck_assert_str_eq(decided(p, "access(\"/usr/lib/z\", 0)"), "native");	/* four of them stand for all */
	ck_assert_str_eq(decided(p, "open(\"/proc/77/maps\", O_RDONLY)"), "native");
	ck_assert_str_eq(decided(p, "rename(\"/srv/out\", \"/etc/x\")"), "errno EPERM");
	ck_assert_str_eq(decided(p, "ptrace(0, 0, 0, 0)"), "errno EPERM");
	ck_assert_str_eq(decided(p, "newfstatat(7<pipe:[9]>, \"\", 0x1, AT_EMPTY_PATH)"), "native");
	ck_assert_str_eq(decided(p, "newfstatat(7<socket:[9]>, \"\", 0x1, AT_EMPTY_PATH)"), "errno EPERM");
	ck_assert_str_eq(decided(p, "newfstatat(7<pipe:[9]>, \"/etc/shadow\", 0x1, 0)"), "errno EPERM");
	ck_assert_str_eq(decided(p, "newfstatat(7</etc/shadow>, \"\", 0x1, AT_EMPTY_PATH)"), "errno EPERM");
	ck_assert_str_eq(decided(p, "utimensat(7</srv/out>, \"\", NULL, 0)"), "native");
	policy_destroy(p);
	p = load("default errno EPERM\nnative brk chdir openat");
	strbuf_clear(&text);
	ck_assert_uint_eq(learner_difference(l, p, &text), 9);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&text), "+ native access when path == \"/usr/lib/a\""));
	policy_destroy(p);
	learner_destroy(l);
	strbuf_finish(&text);
}
END_TEST

START_TEST(features_that_the_build_lacks_are_errors)
{
	static const char *const texts[] = {
		"mount \"/\" host \"/srv\"\n",
		"limits tasks=3\n",
		"memory frames\n",
		"module x read\n",
		"emulate read\n",
	};
	struct policy_options none = {0};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct policy *p;

		ck_assert_int_eq(policy_load_text("t", texts[i], strlen(texts[i]), &none, &p), 0);
		ck_assert_uint_eq(p->diags->errors, 1);
		ck_assert_msg(strstr(p->diags->list[0].message, "this build"), "%s", p->diags->list[0].message);
		policy_destroy(p);
	}
}
END_TEST

/* The targets of the mounts, in order, as "/ /tmp". */
static void mount_list(const struct policy *p, struct strbuf *out)
{
	for (const struct policy_mount *m = NULL; (m = policy_mount_next(p, m));) {
		strbuf_adds(out, out->len ? " " : "");
		strbuf_adds(out, m->target);
	}
}

START_TEST(mounts_say_all_and_come_in_order)
{
	struct policy *p = load("mount \"/usr/lib\" host \"/srv/lib\" ro\n"
				"mount \"/tmp\" tmpfs size=64M inodes=1K mode=0755\n"
				"mount \"/data\" overlay lower=\"/a:/b\\\\:c\" upper=\"/u\"\n"
				"mount \"/proc\" proc ro\nmount \"/dev\" dev\nmount \"/\" host \"rootfs\"\n");
	const struct policy_mount *m = policy_mount_next(p, NULL);
	AUTO_STRBUF struct strbuf list;

	strbuf_init(&list);
	mount_list(p, &list);
	ck_assert_str_eq(strbuf_str(&list), "/ /tmp /data /proc /dev /usr/lib");
	ck_assert_int_eq(m->kind, MOUNT_HOST);
	ck_assert_str_eq(m->source, "rootfs");
	m = policy_mount_next(p, m);
	ck_assert(m->kind == MOUNT_TMPFS && m->size == 64 << 20 && m->inodes == 1024 && m->has_mode && m->mode == 0755);
	m = policy_mount_next(p, m);
	ck_assert(m->kind == MOUNT_OVERLAY && m->lower_count == 2 && !m->read_only);
	ck_assert_str_eq(m->lowers[0], "/a");
	ck_assert_str_eq(m->lowers[1], "/b:c");
	ck_assert_str_eq(m->upper, "/u");
	m = policy_mount_next(p, m);
	ck_assert(m->kind == MOUNT_PROC && m->read_only);
	policy_destroy(p);
}
END_TEST

/* What command-line options stand for wins over the file, piece by piece. */
START_TEST(options_win)
{
	struct policy_options options = lenient;
	const char *text = "default kill\nidentity uid=1 gid=2 hostname=\"file\"\nerrno EPERM getpid\n"
			   "mount \"/tmp\" tmpfs\nmount \"/\" host \"/srv\"\nlimits tasks=3 files=4\n";
	struct policy *p;

	options.prelude = "default native\nidentity uid=7 hostname=\"option\"\nerrno ENOENT getpid\n"
			  "mount \"/tmp\" host \"/x\"\nlimits tasks=9\n";
	ck_assert_int_eq(policy_load_text("t", text, strlen(text), &options, &p), 0);
	ck_assert_uint_eq(p->diags->warnings + p->diags->errors, 0);
	ck_assert_int_eq(p->default_action.kind, ACTION_NATIVE);
	ck_assert_uint_eq(p->identity.uid, 7);
	ck_assert_uint_eq(p->identity.gid, 2);
	ck_assert_str_eq(p->identity.hostname, "option");
	ck_assert(p->limits.tasks == 9 && p->limits.files == 4);
	ck_assert_uint_eq(p->mount_count, 2);
	ck_assert_int_eq(p->mounts[1].kind, MOUNT_HOST);
	policy_destroy(p);
	text = "identity uid=1\nidentity gid=1\nmount \"/a\" proc\nmount \"/a\" dev\n";
	ck_assert_int_eq(policy_load_text("t", text, strlen(text), &options, &p), 0);
	ck_assert_uint_eq(p->diags->errors, 2);
	policy_destroy(p);
}
END_TEST

/* A tracer has the filter kill by a number that stands for it; no policy that kills nothing has it. */
START_TEST(the_filter_kills_for_a_tracer)
{
	static const char *const texts[] = {"errno EPERM getpid\n", "kill openat when path == \"/x\"\n", "default kill\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct policy *p = load(texts[i]);
		struct plan *plan = plan_of(p);
		struct seccomp_data data = {.arch = call_abi_audit_arch(policy_own_abi()), .nr = FILTER_KILL_NR};
		uint32_t action = sim_run(plan->filter.insns, plan->filter.count, &data, NULL);

		ck_assert_int_eq(action == SECCOMP_RET_KILL_PROCESS, i > 0);
		data.nr--;
		action = sim_run(plan->filter.insns, plan->filter.count, &data, NULL);
		ck_assert_int_eq(action == SECCOMP_RET_KILL_PROCESS, i > 1);
		plan_destroy(plan);
		policy_destroy(p);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy plans");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, mounts_say_all_and_come_in_order);
	tcase_add_test(tc, options_win);
	tcase_add_test(tc, the_filter_kills_for_a_tracer);
	tcase_add_loop_test(tc, cheapest_mechanism, 0, ARRAY_SIZE(plans));
	tcase_add_test(tc, what_the_session_cannot_do_is_refused);
	tcase_add_test(tc, too_many_conditions_go_to_user_space);
	tcase_add_test(tc, part_of_a_call_is_owned);
	tcase_add_test(tc, foreign_abis);
	tcase_add_test(tc, a_learned_policy_allows_the_run_and_no_more);
	tcase_add_test(tc, a_policy_learned_of_i386_allows_it);
	tcase_add_test(tc, features_that_the_build_lacks_are_errors);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
