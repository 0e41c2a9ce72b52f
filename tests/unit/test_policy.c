/*
 * Decisions and plans: the index against a reading rule by rule, the filter against the decision, and the rules of
 * each.
 */
#include <check.h>
#include <string.h>

#include "policy/callparse.h"
#include "policy/compile.h"
#include "policy/glob.h"
#include "policy/learn.h"
#include "policy/sim.h"

static const struct policy_options lenient = {.any_feature = 1};

static struct policy *load(const char *text)
{
	struct policy *p;
	struct strbuf out;

	ck_assert_int_eq(policy_load_text("test", text, strlen(text), &lenient, &p), 0);
	strbuf_init(&out);
	diags_print(p->diags, &out);
	ck_assert_msg(!p->diags->errors, "%s", strbuf_str(&out));
	strbuf_finish(&out);
	return p;
}

static struct plan *plan_of(const struct policy *p)
{
	struct plan *plan;

	ck_assert_int_eq(plan_create(p, &(struct plan_options){.may_notify = true, .may_trace = true}, &plan), 0);
	return plan;
}

/* What the policy decides for a call in strace's notation, as policy text. */
static const char *decided(const struct policy *p, const char *text)
{
	static struct strbuf out;
	struct parsed_call call;
	struct decide_event event;
	struct decision d;
	char message[200];
	size_t at;

	ck_assert_msg(call_parse(text, strlen(text), &call, &at, message, sizeof(message)) == 0, "%s: %s", text,
		      message);
	parsed_call_event(&call, &event);
	policy_decide(p, NULL, &event, &d);
	strbuf_clear(&out);
	policy_action_format(p, &d.action, &out);
	parsed_call_finish(&call);
	return strbuf_str(&out);
}

/* ---- random policies and calls ---- */

static uint64_t seed = 7;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static const char *const some_paths[] = {
	"/",
	"/a",
	"/a/b",
	"/a/b/c",
	"/a/bb",
	"/etc/ssl/x.pem",
	"/etc/ssl/y.key",
	"/etc/passwd",
	"/home/u/.ssh/id",
	"/a/b/c/d.pem",
};

static const char *const calls[] = {"openat", "open",	 "rename", "renameat2", "unlink",
				    "read",   "connect", "bind",   "kill",	"fcntl"};

static void add_test(struct strbuf *t, const char *call)
{
	const char *path = some_paths[1 + rnd(ARRAY_SIZE(some_paths) - 1)];
	bool file = strchr("our", call[0]) && strcmp(call, "read") != 0;

	if (rnd(4) == 0)
		strbuf_adds(t, "not ");
	if (file && rnd(4)) {
		switch (rnd(5)) {
		case 0:
			strbuf_addf(t, "path == \"%s\"", path);
			break;
		case 1:
			strbuf_addf(t, "path under {\"%s\", \"%s\"}", path, some_paths[1 + rnd(8)]);
			break;
		case 2:
			strbuf_addf(t, "path glob \"%s*\"", path);
			break;
		case 3:
			strbuf_adds(t, rnd(2) ? "path basename \"*.pem\"" : "path basename \"b\"");
			break;
		default:
			strbuf_adds(t, rnd(2) ? "path glob \"**.key\"" : "path glob \"/etc/ssl/?.pem\"");
		}
	} else if (call[0] == 'c' || call[0] == 'b') {
		switch (rnd(4)) {
		case 0:
			strbuf_addf(t, "addr.ip in 10.%u.0.0/%u", rnd(3), 16 + rnd(2) * 16);
			break;
		case 1:
			strbuf_addf(t, "addr.port %s %u", rnd(2) ? "==" : "<", 80 + rnd(3));
			break;
		case 2:
			strbuf_adds(t, "addr.ip in {10.0.0.0/8, ::/0}");
			break;
		default:
			strbuf_adds(t, "addr.path under \"/a\"");
		}
	} else if (rnd(4) == 0) {
		strbuf_adds(t, rnd(2) ? "task.exe under \"/a/b\"" : "task.uid == 0");
	} else {
		static const char *const tests[] = {
			"arg0 == 3", "arg0 in {1, 2, 5..7}", "arg1 > 4", "arg1 & 4", "arg0 & 3 == 1", "arg2 <= 9",
			"arg0 != 2",
		};

		strbuf_adds(t, tests[rnd(ARRAY_SIZE(tests))]);
	}
}

static void add_rule(struct strbuf *t)
{
	static const char *const actions[] = {"errno EPERM", "errno ENOENT", "native", "kill",
					      "log",	     "value 3",	     "value 0"};
	const char *call = calls[rnd(ARRAY_SIZE(calls))];
	unsigned tests = rnd(4);

	strbuf_addf(t, "%s %s", actions[rnd(ARRAY_SIZE(actions))], call);
	for (unsigned i = 0; i <= tests; i++) {
		strbuf_adds(t, i == 0 ? " when " : rnd(3) ? " and " : " or ");
		add_test(t, call);
	}
	strbuf_addc(t, '\n');
}

/* Lines that check.c finds dead or contradictory go; what is left loads. */
static struct policy *random_policy(unsigned rules)
{
	struct strbuf t;
	struct policy *p;

	strbuf_init(&t);
	for (unsigned i = 0; i < rules; i++)
		add_rule(&t);
	for (;;) {
		ck_assert_int_eq(policy_load_text("random", strbuf_str(&t), t.len, &lenient, &p), 0);
		if (!p->diags->errors)
			break;
		for (unsigned i = 0; i < p->diags->count; i++) {
			const struct diag *g = &p->diags->list[i];
			char *line = t.data;

			for (unsigned n = 1; n < g->at.line; n++)
				line = strchr(line, '\n') + 1;
			*line = '#';
		}
		policy_destroy(p);
	}
	strbuf_finish(&t);
	return p;
}

struct facts_of_call {
	struct policy_string path[6];
	struct decide_addr addr;
	struct decide_task task;
	bool blind;
};

static struct policy_string string_of(const char *s)
{
	return (struct policy_string){.text = s, .len = (uint32_t)strlen(s)};
}

static int give_path(void *ctx, unsigned param, struct policy_string *ret)
{
	const struct facts_of_call *f = ctx;

	*ret = f->path[param];
	return f->blind ? -EFAULT : 0;
}

static int give_addr(void *ctx, unsigned param UNUSED, struct decide_addr *ret)
{
	const struct facts_of_call *f = ctx;

	*ret = f->addr;
	return f->blind ? -EFAULT : 0;
}

static int give_fd(void *ctx UNUSED, unsigned param UNUSED, struct decide_fd *ret)
{
	*ret = (struct decide_fd){.kind = FD_FILE, .path = string_of("/a/b")};
	return 0;
}

static int give_task(void *ctx, struct decide_task *ret)
{
	*ret = ((struct facts_of_call *)ctx)->task;
	return 0;
}

static const struct decide_ops ops = {
	.path = give_path, .string = give_path, .addr = give_addr, .fd = give_fd, .task = give_task,
};

static void random_call(struct facts_of_call *f, struct decide_event *e)
{
	const char *name = calls[rnd(ARRAY_SIZE(calls))];

	memset(f, 0, sizeof(*f));
	*e = (struct decide_event){
		.id = call_from_name(name, strlen(name)), .abi = policy_own_abi(), .ops = &ops, .ctx = f};
	for (int i = 0; i < 6; i++) {
		e->args[i] = rnd(12);
		f->path[i] = string_of(some_paths[rnd(ARRAY_SIZE(some_paths))]);
	}
	f->addr = (struct decide_addr){.family = 2, .has_ip = true, .has_port = true, .port = (uint16_t)(79 + rnd(5)),
				       .ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = (uint8_t)rnd(4)}};
	if (rnd(4) == 0)
		f->addr = (struct decide_addr){.family = 1, .path = string_of(some_paths[rnd(ARRAY_SIZE(some_paths))])};
	if (rnd(5) == 0)
		f->addr.ip[10] = 0x20;
	f->task = (struct decide_task){.uid = rnd(2), .exe = string_of(some_paths[rnd(ARRAY_SIZE(some_paths))])};
	f->blind = rnd(10) == 0;
}

static void check_filter(const struct plan *plan, const struct decide_event *e, const struct decision *d)
{
	uint32_t action = plan_simulate(plan, e);

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		ck_assert_int_eq(d->action.kind, ACTION_NATIVE);
		break;
	case SECCOMP_RET_ERRNO:
		ck_assert(d->action.kind == ACTION_ERRNO || d->action.kind == ACTION_VALUE);
		ck_assert_uint_eq(action & SECCOMP_RET_DATA, (uint32_t)d->action.err);
		break;
	case SECCOMP_RET_KILL_PROCESS:
		ck_assert_int_eq(d->action.kind, ACTION_KILL);
		break;
	default:
		ck_assert((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF ||
			  (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE);
		break;
	}
}

START_TEST(index_and_filter_agree_with_the_rules)
{
	for (int round = 0; round < 150; round++) {
		struct policy *p = random_policy(1 + rnd(30));
		struct plan *plan = plan_of(p);

		for (int i = 0; i < 400; i++) {
			struct facts_of_call f;
			struct decide_event e;
			struct decision a, b;

			random_call(&f, &e);
			policy_decide(p, NULL, &e, &a);
			policy_decide_linear(p, NULL, &e, &b);
			ck_assert_msg(a.rule == b.rule, "%s: index says line %u, the rules line %u",
				      call_desc(e.id)->name, a.rule ? a.rule->at.line : 0,
				      b.rule ? b.rule->at.line : 0);
			check_filter(plan, &e, &a);
		}
		plan_destroy(plan);
		policy_destroy(p);
	}
}
END_TEST

/* ---- what the rules mean ---- */

static const struct {
	const char *policy, *call, *want;
} meanings[] = {
	/* a rule that denies looks for any path, one that lets pass wants all */
	{"errno EACCES rename when path under \"/etc\"", "rename(\"/tmp/a\", \"/etc/b\")", "errno EACCES"},
	{"native rename when path under \"/tmp\"\ndefault errno EPERM", "rename(\"/tmp/a\", \"/etc/b\")",
	 "errno EPERM"},
	{"native rename when path under \"/tmp\"\ndefault errno EPERM", "rename(\"/tmp/a\", \"/tmp/b\")", "native"},
	{"errno EACCES rename when not path under \"/tmp\"", "rename(\"/tmp/a\", \"/etc/b\")", "errno EACCES"},
	/* under is by components */
	{"errno EACCES open when path under \"/etc\"", "open(\"/etc2/x\", 0)", "native"},
	{"errno EACCES open when path under \"/etc\"", "open(\"/etc\", 0)", "errno EACCES"},
	{"errno EACCES open when path under \"/etc\"", "open(\"/tmp/../etc/./x\", 0)", "errno EACCES"},
	/* the directory descriptor counts */
	{"errno EACCES openat when path under \"/etc\"", "openat(3</etc>, \"passwd\", 0)", "errno EACCES"},
	{"errno EACCES openat when path under \"/etc\"", "openat(3</tmp>, \"../etc/passwd\", 0)", "errno EACCES"},
	{"errno EACCES openat when path under \"/etc\"", "openat(3</tmp>, \"passwd\", 0)", "native"},
	/* what cannot be known is refused by a rule that denies and not let pass by one that permits */
	{"errno EACCES openat when path under \"/etc\"", "openat(3, \"passwd\", 0)", "errno EACCES"},
	{"native openat when path under \"/etc\"\ndefault errno EPERM", "openat(3, \"passwd\", 0)", "errno EPERM"},
	/* integers as their parameter has them */
	{"errno EBADF read when fd == -1", "read(0xffffffff, NULL, 0)", "errno EBADF"},
	{"errno EBADF read when fd < 0", "read(0xfffffffffffffffe, NULL, 0)", "errno EBADF"},
	{"errno EPERM openat when dirfd == AT_FDCWD", "openat(-100, \"/a\", 0)", "errno EPERM"},
	{"errno EPERM open when flags & O_ACCMODE == O_RDONLY", "open(\"/a\", O_RDONLY|O_CLOEXEC)", "errno EPERM"},
	{"errno EPERM open when flags & O_ACCMODE != O_RDONLY", "open(\"/a\", O_RDWR)", "errno EPERM"},
	{"errno EPERM write when count > 1M", "write(1, \"\", 1048577)", "errno EPERM"},
	{"errno EPERM write when count in 1..10", "write(1, \"\", 11)", "native"},
	/* IPv4 however it is written, and ::/0 is IPv6 only */
	{"errno EACCES connect when addr.ip in 10.0.0.0/8",
	 "connect(3, {sa_family=AF_INET6, sin6_port=htons(1), inet_pton(AF_INET6, \"::ffff:10.1.1.1\", &sin6_addr)}, "
	 "28)",
	 "errno EACCES"},
	{"native connect when addr.ip in ::/0\ndefault errno EPERM",
	 "connect(3, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr(\"8.8.8.8\")}, 16)", "errno EPERM"},
	{"errno EACCES connect when addr.path == \"@bus\"", "connect(3, {sa_family=AF_UNIX, sun_path=@\"bus\"}, 8)",
	 "errno EACCES"},
	/* order, defaults, names */
	{"native open\nerrno EPERM %file !open", "open(\"/a\", 0)", "native"},
	{"errno ENOSYS %since-5.6\nerrno EPERM %file", "openat2(-100, \"/a\", NULL, 0)", "errno ENOSYS"},
	{"set s = \"/a\" \"/b\"\nerrno EPERM open when path in @s and flags & O_CREAT", "open(\"/b\", O_CREAT)",
	 "errno EPERM"},
	{"errno EPERM read when fd.kind == socket", "read(3<socket:[1]>, NULL, 0)", "errno EPERM"},
	{"errno EPERM read when fd.path basename \"*.key\"", "read(3</x/y.key>, NULL, 0)", "errno EPERM"},
	/* a ring's operations pass no filter */
	{"errno EPERM open", "io_uring_setup(1, NULL)", "errno ENOSYS"},
	{"errno EPERM open\nnative io_uring_setup", "io_uring_setup(1, NULL)", "native"},
	{"log open", "io_uring_setup(1, NULL)", "native"},
};

START_TEST(meaning)
{
	struct policy *p = load(meanings[_i].policy);
	const char *got = decided(p, meanings[_i].call);

	ck_assert_msg(!strcmp(got, meanings[_i].want), "%s\n%s: \"%s\", expected \"%s\"", meanings[_i].policy,
		      meanings[_i].call, got, meanings[_i].want);
	policy_destroy(p);
}
END_TEST

static const struct {
	const char *pattern, *text;
	bool match;
} globs[] = {
	{"/a/*.c", "/a/b.c", true},
	{"/a/*.c", "/a/b/c.c", false},
	{"/a/**.c", "/a/b/c.c", true},
	{"**", "/x/y", true},
	{"/a/?", "/a/b", true},
	{"/a/?", "/a//", false},
	{"[a-c]x", "bx", true},
	{"[!a-c]x", "bx", false},
	{"[x", "[x", true},
	{"a\\*", "a*", true},
	{"a\\*", "ab", false},
	{"*a*b*c", "xxaxxbxxc", true},
	{"*a*b*c", "xxaxxbxx", false},
	{"/**/x/*", "/a/b/x/c", true},
	{"/**/x/*", "/a/b/x/c/d", false},
	{"", "", true},
	{"*", "", true},
	{"?", "", false},
};

START_TEST(glob)
{
	ck_assert_msg(glob_match(globs[_i].pattern, strlen(globs[_i].pattern), globs[_i].text,
				 strlen(globs[_i].text)) == globs[_i].match,
		      "%s against %s", globs[_i].pattern, globs[_i].text);
}
END_TEST

START_TEST(hostile_glob_ends)
{
	char pattern[2001], text[4001];

	for (size_t i = 0; i < 1000; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	pattern[2000] = 'b';
	memset(text, 'a', sizeof(text));
	ck_assert(!glob_match(pattern, sizeof(pattern), text, sizeof(text)));
	for (size_t i = 0; i < 500; i++)
		memcpy(pattern + 4 * i, "**a*", 4);
	ck_assert(!glob_match(pattern, 2001, text, sizeof(text)));
}
END_TEST

/* ---- schedules ---- */

static void schedule(const char *rule, const char *want)
{
	struct policy *p = load(rule);
	struct decide_event e = {.id = CALL_read, .abi = policy_own_abi()};
	struct decide_state *s;
	char got[64] = "";

	ck_assert_int_eq(decide_state_create(p, &s), 0);
	for (size_t i = 0; i < strlen(want); i++) {
		struct decision d;

		policy_decide(p, s, &e, &d);
		got[i] = d.action.kind == ACTION_INJECT ? 'x' : '.';
	}
	ck_assert_str_eq(got, want);
	decide_state_destroy(s);
	policy_destroy(p);
}

START_TEST(schedules)
{
	schedule("inject read error EIO", "xxxx");
	schedule("inject read error EIO every 3", "..x..x..x");
	schedule("inject read error EIO from 3 every 2", "..x.x.x");
	schedule("inject read error EIO from 3", "..xxx");
	schedule("inject read error EIO at 2", ".x...");
	schedule("inject read error EIO first 2", "xx...");
	schedule("inject read error EIO probability 50% seed 4", ".x..xxx...xx..x.");
}
END_TEST

/* ---- the plan ---- */

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

START_TEST(redirected_paths)
{
	struct policy *p = load("redirect openat when path under \"/home/a\" to \"/srv\"");
	struct policy_string from = string_of("/home/a/x/y");
	struct decision d;
	struct facts_of_call f = {.path = {[1] = from}};
	struct decide_event e = {.id = CALL_openat, .abi = policy_own_abi(), .ops = &ops, .ctx = &f};
	char buf[64];

	policy_decide(p, NULL, &e, &d);
	ck_assert_int_eq(policy_redirect_path(&d, &from, buf, sizeof(buf)), 8);
	ck_assert_str_eq(buf, "/srv/x/y");
	ck_assert_int_eq(policy_redirect_path(&d, &from, buf, 8), -ENAMETOOLONG);
	policy_destroy(p);
}
END_TEST

static int must_not_ask(void *ctx UNUSED, unsigned param UNUSED, struct policy_string *ret UNUSED)
{
	ck_abort_msg("asked for a path that no rule about this call needs");
	return -EFAULT;
}

/* A log rule with notify found its execve refused, since another call's rule made the decision look at the path. */
START_TEST(nothing_is_asked_that_no_rule_of_the_call_needs)
{
	static const struct decide_ops strict = {
		.path = must_not_ask, .string = must_not_ask, .addr = give_addr, .fd = give_fd, .task = give_task,
	};
	struct policy *p = load(
		"log execve\nredirect open when path == \"/x\" to \"/y\"\nerrno EPERM read when fd.path under \"/a\"");
	struct decide_event e = {.id = CALL_execve, .abi = policy_own_abi(), .ops = &strict};
	struct decision d;

	policy_decide(p, NULL, &e, &d);
	ck_assert_int_eq(d.action.kind, ACTION_LOG);
	policy_destroy(p);
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
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, index_and_filter_agree_with_the_rules);
	tcase_add_loop_test(tc, meaning, 0, ARRAY_SIZE(meanings));
	tcase_add_loop_test(tc, glob, 0, ARRAY_SIZE(globs));
	tcase_add_test(tc, hostile_glob_ends);
	tcase_add_test(tc, schedules);
	tcase_add_test(tc, mounts_say_all_and_come_in_order);
	tcase_add_test(tc, options_win);
	tcase_add_test(tc, the_filter_kills_for_a_tracer);
	tcase_add_loop_test(tc, cheapest_mechanism, 0, ARRAY_SIZE(plans));
	tcase_add_test(tc, what_the_session_cannot_do_is_refused);
	tcase_add_test(tc, too_many_conditions_go_to_user_space);
	tcase_add_test(tc, foreign_abis);
	tcase_add_test(tc, redirected_paths);
	tcase_add_test(tc, nothing_is_asked_that_no_rule_of_the_call_needs);
	tcase_add_test(tc, a_learned_policy_allows_the_run_and_no_more);
	tcase_add_test(tc, features_that_the_build_lacks_are_errors);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
