/*
 * Snapshots and their differences by name, on recorded register sets of both architectures and on a live task.
 */
#include <check.h>
#include <string.h>

#include "regs/regs.h"
#include "regs_recorded.h"
#include "run_suite.h"

/* What a diff named, in order. */
struct named {
	unsigned count;
	char name[64][REGS_NAME_MAX];
	uint64_t a[64], b[64];
	size_t size[64];
};

static void collect(void *ctx, const char *name, const void *a, const void *b, size_t size)
{
	struct named *n = ctx;

	ck_assert_uint_lt(n->count, 64);
	(void)snprintf(n->name[n->count], REGS_NAME_MAX, "%s", name);
	n->size[n->count] = size;
	memcpy(&n->a[n->count], a, size < 8 ? size : 8);
	memcpy(&n->b[n->count], b, size < 8 ? size : 8);
	n->count++;
}

static struct regs_snapshot *new_snapshot(enum regs_arch arch)
{
	struct regs_snapshot *s = NULL;

	ck_assert_int_eq(regs_snapshot_create(arch, &s), 0);
	return s;
}

static void put(struct regs_snapshot *s, unsigned note, const void *data, size_t len)
{
	ck_assert_int_eq(regs_snapshot_put(s, note, data, len), 0);
}

/* Change one register in a copy: the diff must say its name, once, with both values. */
static void expect_change_named(struct regs_snapshot *a, struct regs_snapshot *b, const char *name, size_t size)
{
	uint8_t value[REGS_VALUE_MAX] = {0}, changed[REGS_VALUE_MAX];
	struct named n = {0};

	ck_assert_msg(regs_snapshot_get(a, name, value) == (int)size, "%s", name);
	memcpy(changed, value, sizeof(changed));
	changed[0] ^= 0x5a;
	ck_assert_int_eq(regs_snapshot_change(b, name, changed, size), 0);
	ck_assert_msg(regs_snapshot_diff(a, b, collect, &n) == 1, "%s", name);
	ck_assert_uint_eq(n.count, 1);
	ck_assert_str_eq(n.name[0], name);
	ck_assert_uint_eq(n.size[0], size);
	ck_assert_mem_eq(&n.a[0], value, size < 8 ? size : 8);
	ck_assert_mem_eq(&n.b[0], changed, size < 8 ? size : 8);
	ck_assert_int_eq(regs_snapshot_change(b, name, value, size), 0);
	ck_assert_uint_eq(regs_snapshot_diff(a, b, NULL, NULL), 0);
}

struct expected_name {
	const char *name;
	size_t size;
};

static struct regs_snapshot *recorded_x86_64(void)
{
	struct regs_snapshot *s = new_snapshot(REGS_X86_64);

	put(s, REGS_NT_PRSTATUS, recorded_x86_64_prstatus, sizeof(recorded_x86_64_prstatus));
	put(s, REGS_NT_X86_XSTATE, recorded_x86_64_xstate(), RECORDED_XSTATE_SIZE);
	regs_snapshot_set_xsave_layout(s, &recorded_x86_64_layout);
	return s;
}

START_TEST(x86_64_names)
{
	static const struct expected_name names[] = {
		{"rax", 8}, {"r15", 8}, {"orig_rax", 8}, {"eflags", 8}, {"fs_base", 8}, {"cs", 8}, {"fcw", 2}, {"ftw", 1},
		{"fdp", 8}, {"st0", 10}, {"st2", 10}, {"st7", 10}, {"mxcsr", 4}, {"xmm0", 16}, {"xmm15", 16},
		{"ymm3h", 16}, {"k1", 8}, {"zmm0h", 32}, {"zmm15h", 32}, {"zmm16", 64}, {"zmm17", 64}, {"zmm31", 64},
	};
	struct regs_snapshot *a = recorded_x86_64(), *b = recorded_x86_64();

	ck_assert_uint_eq(regs_snapshot_diff(a, b, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect_change_named(a, b, names[i].name, names[i].size);
	regs_snapshot_destroy(a);
	regs_snapshot_destroy(b);
}
END_TEST

/* The values that the recording program had loaded. */
START_TEST(x86_64_values)
{
	struct regs_snapshot *s = recorded_x86_64();
	uint8_t value[REGS_VALUE_MAX], expected[64];

	for (unsigned i = 0; i < 32; i++) {
		char name[REGS_NAME_MAX];

		(void)snprintf(name, sizeof(name), i < 16 ? "xmm%u" : "zmm%u", i);
		memset(expected, 0x40 + (int)i, sizeof(expected));
		ck_assert_int_eq(regs_snapshot_get(s, name, value), i < 16 ? 16 : 64);
		ck_assert_mem_eq(value, expected, i < 16 ? 16 : 64);
	}
	for (unsigned i = 0; i < 8; i++) {
		char name[REGS_NAME_MAX];

		(void)snprintf(name, sizeof(name), "k%u", i);
		memset(expected, 0x10 + (int)i, 8);
		ck_assert_int_eq(regs_snapshot_get(s, name, value), 8);
		ck_assert_mem_eq(value, expected, 8);
	}
	ck_assert_int_eq(regs_snapshot_get(s, "rbx", value), 8);
	ck_assert_mem_eq(value, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	ck_assert_int_eq(regs_snapshot_get(s, "mxcsr", value), 4);
	ck_assert_mem_eq(value, "\x80\x1f\0\0", 4);
	ck_assert_int_eq(regs_snapshot_get(s, "tmm0", value), -ENOENT);
	ck_assert_int_eq(regs_snapshot_get(s, "x0", value), -ENOENT);
	regs_snapshot_destroy(s);
}
END_TEST

/* A component that XSTATE_BV leaves out is zero, whatever bytes are there; changing it makes it count. */
START_TEST(x86_64_initial_component)
{
	static uint8_t image[RECORDED_XSTATE_SIZE];
	struct regs_snapshot *s = recorded_x86_64();
	uint8_t value[REGS_VALUE_MAX], zero[64] = {0}, one[64] = {1};

	memcpy(image, recorded_x86_64_xstate(), sizeof(image));
	image[512] &= 0x7f;	/* component 7: zmm16 to zmm31 */
	put(s, REGS_NT_X86_XSTATE, image, sizeof(image));
	ck_assert_int_eq(regs_snapshot_get(s, "zmm20", value), 64);
	ck_assert_mem_eq(value, zero, 64);
	ck_assert_int_eq(regs_snapshot_change(s, "zmm20", one, 64), 0);
	ck_assert_int_eq(regs_snapshot_get(s, "zmm20", value), 64);
	ck_assert_mem_eq(value, one, 64);
	ck_assert_int_eq(regs_snapshot_get(s, "zmm21", value), 64);
	ck_assert_mem_eq(value, zero, 64);
	regs_snapshot_destroy(s);
}
END_TEST

/* No XSAVE: x87 and SSE come from NT_PRFPREG, and are compared with the same registers of a machine that has it. */
START_TEST(x86_64_prfpreg_fallback)
{
	struct regs_snapshot *a = recorded_x86_64(), *b = new_snapshot(REGS_X86_64);
	uint8_t value[REGS_VALUE_MAX];

	put(b, REGS_NT_PRSTATUS, recorded_x86_64_prstatus, sizeof(recorded_x86_64_prstatus));
	put(b, REGS_NT_PRFPREG, recorded_x86_64_xstate(), 512);
	ck_assert_int_eq(regs_snapshot_get(b, "ymm3h", value), -ENOENT);
	ck_assert_uint_eq(regs_snapshot_diff(a, b, NULL, NULL), 0);
	expect_change_named(a, b, "xmm3", 16);
	expect_change_named(a, b, "st2", 10);
	regs_snapshot_destroy(a);
	regs_snapshot_destroy(b);
}
END_TEST

static struct regs_snapshot *made_aarch64(bool sve)
{
	struct regs_snapshot *s = new_snapshot(REGS_AARCH64);
	size_t len;

	put(s, REGS_NT_PRSTATUS, recorded_aarch64_prstatus, sizeof(recorded_aarch64_prstatus));
	put(s, REGS_NT_ARM_SYSTEM_CALL, "\x40\0\0\0", 4);
	put(s, REGS_NT_ARM_TLS, "\x11\x22\x33\x44\x55\0\0\0", 8);
	put(s, REGS_NT_PRFPREG, made_aarch64_fpsimd(), 528);
	const void *set = made_aarch64_sve(sve, &len);
	put(s, REGS_NT_ARM_SVE, set, len);
	return s;
}

START_TEST(aarch64_names)
{
	static const struct expected_name names[] = {
		{"x0", 8}, {"x19", 8}, {"x30", 8}, {"sp", 8}, {"pc", 8}, {"pstate", 8}, {"syscallno", 4}, {"tpidr", 8},
		{"v0", 16}, {"v4", 16}, {"v31", 16}, {"fpsr", 4}, {"fpcr", 4}, {"z0", 32}, {"z4", 32}, {"z31", 32}, {"p0", 4},
		{"p15", 4}, {"ffr", 4},
	};
	struct regs_snapshot *a = made_aarch64(true), *b = made_aarch64(true);
	uint8_t value[REGS_VALUE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		expect_change_named(a, b, names[i].name, names[i].size);
	ck_assert_int_eq(regs_snapshot_get(a, "tpidr2", value), -ENOENT);
	ck_assert_int_eq(regs_snapshot_get(a, "rax", value), -ENOENT);
	regs_snapshot_destroy(a);
	regs_snapshot_destroy(b);
}
END_TEST

/* While SVE is not in use the kernel gives the short form: the same registers, with zeros above v and in p. */
START_TEST(aarch64_sve_forms)
{
	struct regs_snapshot *in_use = made_aarch64(true), *idle = made_aarch64(false);
	uint8_t value[REGS_VALUE_MAX], zero[16] = {0};
	struct named n = {0};

	ck_assert_int_eq(regs_snapshot_get(idle, "z4", value), 32);
	ck_assert_int_eq(value[0], 0x44);
	ck_assert_mem_eq(value + 16, zero, 16);
	ck_assert_int_eq(regs_snapshot_get(idle, "p3", value), 4);
	ck_assert_mem_eq(value, zero, 4);
	/* All 32 z (their upper halves), 16 p and ffr are filled in the long form that was made up. */
	ck_assert_uint_eq(regs_snapshot_diff(in_use, idle, collect, &n), 49);
	ck_assert_str_eq(n.name[0], "z0");
	ck_assert_str_eq(n.name[48], "ffr");
	regs_snapshot_destroy(in_use);
	regs_snapshot_destroy(idle);
}
END_TEST

/* The recorded set is of a program that had loaded 0x1000 + i into x0 to x28 before it stopped. */
START_TEST(aarch64_recorded)
{
	struct regs_snapshot *s = made_aarch64(false);

	for (unsigned i = 0; i < 29; i++) {
		char name[REGS_NAME_MAX];
		uint8_t value[REGS_VALUE_MAX];
		uint64_t word;

		(void)snprintf(name, sizeof(name), "x%u", i);
		ck_assert_int_eq(regs_snapshot_get(s, name, value), 8);
		memcpy(&word, value, sizeof(word));
		ck_assert_uint_eq(word, 0x1000 + i);
	}
	regs_snapshot_destroy(s);
}
END_TEST

START_TEST(bad_sets)
{
	struct regs_snapshot *x86 = new_snapshot(REGS_X86_64), *arm = new_snapshot(REGS_AARCH64);
	static uint8_t big[65536];
	uint8_t value[REGS_VALUE_MAX];

	ck_assert_int_eq(regs_snapshot_put(x86, REGS_NT_ARM_SVE, big, 16), -EINVAL);
	ck_assert_int_eq(regs_snapshot_put(x86, REGS_NT_X86_XSTATE, big, sizeof(big)), -E2BIG);
	ck_assert_int_eq(regs_snapshot_put(arm, REGS_NT_ARM_SVE, big, sizeof(big)), -E2BIG);
	/* Cut short: what is not there is not found. */
	put(x86, REGS_NT_X86_XSTATE, recorded_x86_64_xstate(), 600);
	ck_assert_int_eq(regs_snapshot_get(x86, "xmm3", value), 16);
	ck_assert_int_eq(regs_snapshot_get(x86, "ymm15h", value), -ENOENT);
	put(arm, REGS_NT_ARM_SVE, big, 100);	/* a head that says: no vector length */
	ck_assert_int_eq(regs_snapshot_get(arm, "z0", value), -ENOENT);
	ck_assert_ptr_null(regs_snapshot_set(arm, REGS_NT_PRFPREG, &(size_t){0}));
	regs_snapshot_destroy(x86);
	regs_snapshot_destroy(arm);
	regs_snapshot_destroy(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("regs_snapshot");
	TCase *tc = tcase_create("snapshot");

	tcase_add_test(tc, x86_64_names);
	tcase_add_test(tc, x86_64_values);
	tcase_add_test(tc, x86_64_initial_component);
	tcase_add_test(tc, x86_64_prfpreg_fallback);
	tcase_add_test(tc, aarch64_names);
	tcase_add_test(tc, aarch64_sve_forms);
	tcase_add_test(tc, aarch64_recorded);
	tcase_add_test(tc, bad_sets);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
