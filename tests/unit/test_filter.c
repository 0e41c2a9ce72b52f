/*
 * The filter generator against a plain reading of its specification: for every number and architecture, for random
 * chains over random arguments, in the simulator and in the kernel.
 */
#include <check.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "policy/filter.h"
#include "policy/sim.h"
#include "run_suite.h"

#define X32_BIT 0x40000000u
#define ALLOW SECCOMP_RET_ALLOW
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))

/* ---- what the specification means ---- */

static uint64_t narrow(uint64_t v, const struct filter_test *t)
{
	if (t->bits == 64)
		return v;
	return t->is_signed ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
}

static bool test_holds(const struct filter_test *t, const uint64_t *args)
{
	uint64_t a = narrow(args[t->arg] & t->mask, t), v = narrow(t->value, t);
	bool less = t->is_signed ? (int64_t)a < (int64_t)v : a < v;

	switch ((enum filter_op)t->op) {
	case FILTER_EQ:
		return a == v;
	case FILTER_NE:
		return a != v;
	case FILTER_LT:
		return less;
	case FILTER_LE:
		return less || a == v;
	case FILTER_GT:
		return !less && a != v;
	case FILTER_GE:
		return !less;
	}
	return false;
}

static bool rule_applies(const struct filter_rule *r, const uint64_t *args)
{
	for (size_t i = 0; i < r->count; i++) {
		bool any = false;

		for (size_t j = 0; j < r->clauses[i].count && !any; j++)
			any = test_holds(&r->clauses[i].tests[j], args);
		if (!any)
			return false;
	}
	return true;
}

static uint32_t chain_answer(const struct filter_chain *c, const uint64_t *args)
{
	for (size_t i = 0; i < c->count; i++) {
		if (rule_applies(&c->rules[i], args))
			return c->rules[i].action;
	}
	return c->otherwise;
}

static uint32_t expected(const struct filter_spec *spec, uint32_t arch, uint32_t nr, const uint64_t *args)
{
	bool x32 = arch == AUDIT_ARCH_X86_64 && (nr & 0xc0000000u) == X32_BIT;

	for (size_t i = 0; i < spec->abi_count; i++) {
		const struct filter_abi *abi = &spec->abis[i];
		uint32_t n = x32 ? nr & ~X32_BIT : nr, action;

		if (abi->audit_arch != arch || abi->x32 != x32)
			continue;
		action = n < abi->count ? abi->actions[n] : abi->unknown;
		return filter_action_is_chain(action) ? chain_answer(&spec->chains[action & 0xffff], args) : action;
	}
	return spec->other_abi;
}

static uint32_t simulate(const struct filter_prog *p, uint32_t arch, uint32_t nr, const uint64_t *args)
{
	struct seccomp_data d = {.nr = (int)nr, .arch = arch};

	memcpy(d.args, args, sizeof(d.args));
	return sim_run(p->insns, p->count, &d, NULL);
}

/* ---- a specification of three ABIs with a bit of everything ---- */

#define NRS 460

static uint64_t seed = 1;

static uint64_t rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 29 ^ seed;
}

static uint32_t some_action(void)
{
	static const uint32_t actions[] = {
		ALLOW, ALLOW, ALLOW, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_TRACE | 5, SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_LOG, ERRNO(38), ERRNO(1),
	};

	return actions[rnd() % ARRAY_SIZE(actions)];
}

static void check_everywhere(const struct filter_spec *spec, const struct filter_prog *p)
{
	static const uint32_t arches[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, 0xffffffff};
	static const uint32_t odd[] = {0x7fffffff, 0x80000000, 0xffffffff, 0x3fffffff, 0xc0000000};
	uint64_t args[6] = {0};

	for (size_t a = 0; a < ARRAY_SIZE(arches); a++) {
		for (uint32_t nr = 0; nr < 1024; nr++) {
			ck_assert_uint_eq(simulate(p, arches[a], nr, args), expected(spec, arches[a], nr, args));
			ck_assert_uint_eq(simulate(p, arches[a], nr | X32_BIT, args),
					  expected(spec, arches[a], nr | X32_BIT, args));
		}
		for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
			ck_assert_uint_eq(simulate(p, arches[a], odd[i], args),
					  expected(spec, arches[a], odd[i], args));
	}
}

START_TEST(every_number_of_every_abi)
{
	uint32_t actions[3][NRS];
	struct filter_abi abis[3] = {
		{.audit_arch = AUDIT_ARCH_X86_64, .actions = actions[0], .count = NRS, .unknown = ERRNO(38)},
		{.audit_arch = AUDIT_ARCH_I386, .actions = actions[1], .count = 430, .unknown = ALLOW},
		{.audit_arch = AUDIT_ARCH_X86_64,
		 .x32 = true,
		 .actions = actions[2],
		 .count = 300,
		 .unknown = ERRNO(2)},
	};

	for (int round = 0; round < 20; round++) {
		struct filter_spec spec = {.abis = abis, .abi_count = (size_t)(round % 3) + 1,
					   .other_abi = SECCOMP_RET_KILL_PROCESS};
		struct filter_prog p;

		for (int a = 0; a < 3; a++) {
			for (int i = 0; i < NRS; i++)
				actions[a][i] = rnd() % 4 && i ? actions[a][i - 1] : some_action();
		}
		ck_assert_int_eq(filter_build(&spec, &p), 0);
		ck_assert_int_eq(sim_check(p.insns, p.count), 0);
		check_everywhere(&spec, &p);
		for (int nr = 0; nr < NRS; nr++)
			ck_assert_int_eq(sim_is_const_allow(p.insns, p.count, AUDIT_ARCH_X86_64, nr),
					 actions[0][nr] == ALLOW);
		filter_prog_finish(&p);
	}
}
END_TEST

START_TEST(all_numbers_different_still_fits)
{
	uint32_t actions[NRS];
	struct filter_abi abi = {.audit_arch = AUDIT_ARCH_X86_64, .actions = actions, .count = NRS, .unknown = ALLOW};
	struct filter_spec spec = {.abis = &abi, .abi_count = 1, .other_abi = ALLOW};
	struct filter_prog p;

	for (uint32_t i = 0; i < NRS; i++)
		actions[i] = ERRNO(i + 1);
	ck_assert_int_eq(filter_build(&spec, &p), 0);
	check_everywhere(&spec, &p);
	filter_prog_finish(&p);
}
END_TEST

/* ---- chains ---- */

#define MAX_RULES 40

struct chain_store {
	struct filter_test tests[MAX_RULES][3][3];
	struct filter_clause clauses[MAX_RULES][3];
	struct filter_rule rules[MAX_RULES];
	struct filter_chain chain;
};

static uint64_t some_value(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff,
		0x8000000000000000, 0xffffffffffffffff, 0xffffffff00000000, 0x1200000034, 0xffffffff80000000,
	};

	return values[rnd() % ARRAY_SIZE(values)];
}

static void random_test(struct filter_test *t)
{
	*t = (struct filter_test){.arg = (uint8_t)(rnd() % 3), .op = (uint8_t)(rnd() % 6), .bits = rnd() % 2 ? 64 : 32,
				  .is_signed = rnd() % 2, .mask = rnd() % 3 ? UINT64_MAX : some_value(),
				  .value = some_value()};
	if (t->mask != UINT64_MAX)
		t->is_signed = false;	/* an order of masked values has no sign */
}

static void random_chain(struct chain_store *s, size_t rules)
{
	s->chain = (struct filter_chain){.rules = s->rules, .count = rules, .otherwise = ERRNO(1000)};
	for (size_t i = 0; i < rules; i++) {
		s->rules[i] = (struct filter_rule){.clauses = s->clauses[i], .count = rnd() % 4,
						   .action = rnd() % 3 ? ERRNO((uint32_t)(1001 + i)) : ALLOW};
		if (i + 1 < rules && !s->rules[i].count)
			s->rules[i].count = 1;	/* an unconditional rule hides the others: only at the end */
		for (size_t j = 0; j < 3; j++) {
			s->clauses[i][j] = (struct filter_clause){.tests = s->tests[i][j], .count = rnd() % 3 + 1};
			for (size_t k = 0; k < 3; k++)
				random_test(&s->tests[i][j][k]);
		}
	}
}

static void random_args(uint64_t *args)
{
	for (int i = 0; i < 6; i++)
		args[i] = some_value() + (rnd() % 4 ? 0 : rnd() % 3 - 1);
}

START_TEST(chains_in_the_simulator)
{
	static struct chain_store stores[4];
	struct filter_chain chains[4];
	uint32_t actions[NRS];
	struct filter_abi abi = {
		.audit_arch = AUDIT_ARCH_X86_64, .actions = actions, .count = NRS, .unknown = ERRNO(38)};
	struct filter_spec spec = {.abis = &abi, .abi_count = 1, .chains = chains, .chain_count = 4, .other_abi = 0};

	for (int round = 0; round < 60; round++) {
		struct filter_prog p;
		uint64_t args[6];

		for (int i = 0; i < 4; i++) {
			random_chain(&stores[i], rnd() % MAX_RULES);
			chains[i] = stores[i].chain;
		}
		for (int i = 0; i < NRS; i++)
			actions[i] = i % 100 == 7 ? FILTER_CHAIN(i / 100 % 4) : i % 3 ? ALLOW : ERRNO(5);
		ck_assert_int_eq(filter_build(&spec, &p), 0);
		ck_assert_int_eq(sim_check(p.insns, p.count), 0);
		for (int i = 0; i < 2000; i++) {
			uint32_t nr = (uint32_t)(rnd() % 5 * 100 + 7);

			random_args(args);
			ck_assert_uint_eq(simulate(&p, AUDIT_ARCH_X86_64, nr, args),
					  expected(&spec, AUDIT_ARCH_X86_64, nr, args));
		}
		for (int nr = 0; nr < NRS; nr++) {
			if (actions[nr] == ALLOW)
				ck_assert(sim_is_const_allow(p.insns, p.count, AUDIT_ARCH_X86_64, nr));
		}
		filter_prog_finish(&p);
	}
}
END_TEST

START_TEST(chain_size_is_an_upper_bound)
{
	static struct chain_store store;
	uint32_t action = FILTER_CHAIN(0);
	struct filter_abi abi = {.audit_arch = AUDIT_ARCH_X86_64, .actions = &action, .count = 1, .unknown = ERRNO(38)};
	struct filter_spec spec = {
		.abis = &abi, .abi_count = 1, .chains = &store.chain, .chain_count = 1, .other_abi = 0};

	for (int round = 0; round < 100; round++) {
		struct filter_prog p;

		random_chain(&store, rnd() % MAX_RULES);
		ck_assert_int_eq(filter_build(&spec, &p), 0);
		ck_assert_uint_le(p.count, filter_chain_size(&store.chain) + 8);
		filter_prog_finish(&p);
	}
}
END_TEST

/* ---- many values of one argument ---- */

enum { MANY = 700 };

/* Close to each other and far apart, so that some come twice; three high halves. */
static uint64_t some_close_value(void)
{
	static const uint64_t highs[] = {0, UINT64_C(0xffffffff00000000), UINT64_C(0x500000000)};
	uint64_t low = rnd() % 3 ? rnd() % 900 : (uint32_t)(rnd() % 900 * 4000000);

	return highs[rnd() % 8 < 6 ? 0 : rnd() % ARRAY_SIZE(highs)] | low;
}

/* Runs of comparisons with values, of one argument and width each, with other rules between them. */
static void chain_of_values(struct filter_chain *c, struct filter_rule *rules, struct filter_clause *clauses,
			    struct filter_test *tests)
{
	struct filter_test like = {.bits = 64, .mask = UINT64_MAX};

	*c = (struct filter_chain){.rules = rules, .otherwise = ERRNO(1000)};
	for (size_t used = 0; used < MANY; c->count++) {
		size_t n = rnd() % 4 ? 1 : rnd() % 20 + 1;
		struct filter_clause *clause = &clauses[c->count];

		if (rnd() % 60 == 0) {
			like.arg = (uint8_t)(rnd() % 2);
			like.bits = rnd() % 2 ? 64 : 32;
		}
		*clause = (struct filter_clause){.tests = tests + used};
		for (; clause->count < n && used < MANY; clause->count++, used++) {
			tests[used] = like;
			tests[used].op = rnd() % 100 ? FILTER_EQ : FILTER_LT;
			tests[used].value = tests[used].op == FILTER_LT ? rnd() % 5 : some_close_value();
		}
		rules[c->count] = (struct filter_rule){clause, 1, ERRNO((uint32_t)(1001 + rnd() % 4))};
	}
}

START_TEST(many_values_are_searched_for)
{
	static struct filter_rule rules[MANY];
	static struct filter_clause clauses[MANY];
	static struct filter_test tests[MANY];
	uint32_t action = FILTER_CHAIN(0);
	struct filter_chain chain;
	struct filter_abi abi = {.audit_arch = AUDIT_ARCH_X86_64, .actions = &action, .count = 1, .unknown = ERRNO(38)};
	struct filter_spec spec = {.abis = &abi, .abi_count = 1, .chains = &chain, .chain_count = 1, .other_abi = 0};

	for (int round = 0; round < 20; round++) {
		struct filter_prog p;

		chain_of_values(&chain, rules, clauses, tests);
		ck_assert_int_eq(filter_build(&spec, &p), 0);
		ck_assert_int_eq(sim_check(p.insns, p.count), 0);
		ck_assert_uint_le(p.count, filter_chain_size(&chain) + 8);
		for (int i = 0; i < 1500; i++) {
			uint64_t args[6] = {some_close_value() + rnd() % 2, some_close_value()};

			ck_assert_uint_eq(simulate(&p, AUDIT_ARCH_X86_64, 0, args),
					  expected(&spec, AUDIT_ARCH_X86_64, 0, args));
		}
		filter_prog_finish(&p);
	}
}
END_TEST

/* ---- bad specifications ---- */

START_TEST(too_long_is_said)
{
	static struct filter_test tests[5000];
	struct filter_clause clause = {.tests = tests, .count = ARRAY_SIZE(tests)};
	struct filter_rule rule = {.clauses = &clause, .count = 1, .action = ALLOW};
	struct filter_chain chain = {.rules = &rule, .count = 1, .otherwise = ERRNO(1)};
	uint32_t action = FILTER_CHAIN(0);
	struct filter_abi abi = {.audit_arch = AUDIT_ARCH_X86_64, .actions = &action, .count = 1, .unknown = ALLOW};
	struct filter_spec spec = {
		.abis = &abi, .abi_count = 1, .chains = &chain, .chain_count = 1, .other_abi = ALLOW};
	struct filter_prog p;

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i] = (struct filter_test){.bits = 32, .mask = UINT64_MAX, .value = i};
	ck_assert_int_eq(filter_build(&spec, &p), -E2BIG);
	ck_assert_uint_gt(filter_chain_size(&chain), BPF_MAXINSNS);
}
END_TEST

START_TEST(contradictions_are_refused)
{
	uint32_t action = FILTER_CHAIN(0);
	struct filter_abi abi[2] = {
		{.audit_arch = AUDIT_ARCH_X86_64, .actions = &action, .count = 1, .unknown = ALLOW},
		{.audit_arch = AUDIT_ARCH_X86_64, .actions = &action, .count = 0, .unknown = ALLOW},
	};
	struct filter_spec spec = {.abis = abi, .abi_count = 1, .other_abi = ALLOW};
	struct filter_prog p;

	ck_assert_int_eq(filter_build(&spec, &p), -EINVAL);	/* no such chain */
	action = ALLOW;
	ck_assert_int_eq(filter_build(&spec, &p), 0);
	filter_prog_finish(&p);
	spec.abi_count = 2;					/* the same ABI twice */
	ck_assert_int_eq(filter_build(&spec, &p), -EINVAL);
	spec.abi_count = 0;
	ck_assert_int_eq(filter_build(&spec, &p), -EINVAL);
}
END_TEST

/* ---- the kernel's verdict ---- */

#if defined(__x86_64__)
#define FREE_NR 600	/* from here on no call of this kernel: ALLOW shows as ENOSYS */

static long raw_i386(uint32_t nr, const uint64_t *args)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret)
			 : "a"(nr), "b"(args[0]), "c"(args[1]), "d"(args[2])
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static uint32_t verdict_of(long result)
{
	return result == -38 ? ALLOW : result < 0 && result >= -4095 ? ERRNO((uint32_t)-result) : 1;
}

static uint32_t kernel_verdict(uint32_t arch, uint32_t nr, const uint64_t *args)
{
	long r;

	if (arch == AUDIT_ARCH_I386)
		return verdict_of(raw_i386(nr, args));
	r = syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	return verdict_of(r < 0 ? -errno : r);
}

static bool agrees(const struct filter_spec *spec, uint32_t arch, uint32_t nr, uint64_t *args)
{
	uint32_t want, got;

	if (arch == AUDIT_ARCH_I386) {
		for (int i = 0; i < 6; i++)
			args[i] = i < 3 ? (uint32_t)args[i] : 0;
	}
	want = expected(spec, arch, nr, args);
	got = kernel_verdict(arch, nr, args);
	if (want != got)
		fprintf(stderr, "arch %#x nr %#x: kernel %#x, expected %#x\n", arch, nr, got, want);
	return want == got;
}

static int child(const struct filter_spec *spec, const struct filter_prog *p)
{
	uint64_t args[6];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 77;
	if (filter_install(p, 0) < 0)
		return 77;
	for (int i = 0; i < 4000; i++) {
		uint32_t nr = FREE_NR + (uint32_t)(rnd() % 120);

		random_args(args);
		if (!agrees(spec, AUDIT_ARCH_X86_64, nr, args) ||
		    !agrees(spec, AUDIT_ARCH_X86_64, nr | X32_BIT, args) || !agrees(spec, AUDIT_ARCH_I386, nr, args))
			return 1;
	}
	return 0;
}

static void fill_above(uint32_t *actions, size_t count, uint32_t first)
{
	for (size_t i = 0; i < count; i++)
		actions[i] = i < FREE_NR ? ALLOW : rnd() % 3 ? ERRNO((uint32_t)(first + i)) : ALLOW;
}

START_TEST(the_kernel_agrees)
{
	static struct chain_store store;
	uint32_t actions[3][FREE_NR + 100];
	struct filter_abi abis[3] = {
		{.audit_arch = AUDIT_ARCH_X86_64,
		 .actions = actions[0],
		 .count = FREE_NR + 100,
		 .unknown = ERRNO(2001)},
		{.audit_arch = AUDIT_ARCH_I386, .actions = actions[1], .count = FREE_NR + 100, .unknown = ERRNO(2002)},
		{.audit_arch = AUDIT_ARCH_X86_64,
		 .x32 = true,
		 .actions = actions[2],
		 .count = FREE_NR + 100,
		 .unknown = ERRNO(2003)},
	};
	struct filter_spec spec = {.abis = abis, .abi_count = 3, .chains = &store.chain, .chain_count = 1,
				   .other_abi = ERRNO(2004)};

	for (int round = 0; round < 8; round++) {
		struct filter_prog p;
		int status;
		pid_t pid;

		random_chain(&store, 12);
		for (uint32_t a = 0; a < 3; a++) {
			fill_above(actions[a], FREE_NR + 100, 1100 + a);
			for (int i = FREE_NR; i < FREE_NR + 100; i += 50)
				actions[a][i] = FILTER_CHAIN(0);
		}
		ck_assert_int_eq(filter_build(&spec, &p), 0);
		pid = fork();
		if (!pid)
			_exit(child(&spec, &p));
		filter_prog_finish(&p);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status));
		if (WEXITSTATUS(status) == 77) {
			fprintf(stderr, "SKIP: this kernel or container lets nobody load a seccomp filter\n");
			return;
		}
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	}
}
END_TEST
#endif

START_TEST(simulator_refuses_what_the_kernel_refuses)
{
	struct sock_filter no_ret[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
	struct sock_filter far[] = {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_filter odd[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_filter half[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_filter past[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_filter zero[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_filter good[] = {BPF_STMT(BPF_RET | BPF_K, 0)};

	ck_assert_int_eq(sim_check(no_ret, 1), -EINVAL);
	ck_assert_int_eq(sim_check(far, 2), -EINVAL);
	ck_assert_int_eq(sim_check(odd, 2), -EINVAL);
	ck_assert_int_eq(sim_check(half, 2), -EINVAL);
	ck_assert_int_eq(sim_check(past, 2), -EINVAL);
	ck_assert_int_eq(sim_check(zero, 2), -EINVAL);
	ck_assert_int_eq(sim_check(good, 0), -EINVAL);
	ck_assert_int_eq(sim_check(good, 1), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("filter");
	TCase *tc = tcase_create("filter");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_number_of_every_abi);
	tcase_add_test(tc, all_numbers_different_still_fits);
	tcase_add_test(tc, chains_in_the_simulator);
	tcase_add_test(tc, chain_size_is_an_upper_bound);
	tcase_add_test(tc, many_values_are_searched_for);
	tcase_add_test(tc, too_long_is_said);
	tcase_add_test(tc, contradictions_are_refused);
	tcase_add_test(tc, simulator_refuses_what_the_kernel_refuses);
#if defined(__x86_64__)
	tcase_add_test(tc, the_kernel_agrees);
#endif
	suite_add_tcase(s, tc);
	return run_suite(s);
}
