/*
 * Decisions: the index and the filter against a reading rule by rule, what rules mean, and schedules.
 */
#include "policy/glob.h"

#include "policy_load.h"
#include "run_suite.h"

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
	{"abi i386 same\nerrno EACCES connect", "socketcall(3, 0x1)", "errno ENOSYS"},
	{"abi i386 same\nerrno EACCES connect", "ipc(1, 2, 3, 4, 5, 6)", "native"},
	{"abi i386 same\nerrno EACCES semop", "ipc(1, 2, 3, 4, 5, 6)", "errno ENOSYS"},
	{"abi i386 same\nerrno EACCES connect\nnative socketcall", "socketcall(3, 0x1)", "native"},
	{"abi i386 same\nerrno EACCES open", "socketcall(3, 0x1)", "native"},
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

int main(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, index_and_filter_agree_with_the_rules);
	tcase_add_loop_test(tc, meaning, 0, ARRAY_SIZE(meanings));
	tcase_add_loop_test(tc, glob, 0, ARRAY_SIZE(globs));
	tcase_add_test(tc, hostile_glob_ends);
	tcase_add_test(tc, redirected_paths);
	tcase_add_test(tc, nothing_is_asked_that_no_rule_of_the_call_needs);
	tcase_add_test(tc, schedules);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
