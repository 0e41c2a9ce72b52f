/*
 * Neutral registers over a made-up task: what is fetched, what is written back, and that nothing else is touched.
 * The same cases run for both architectures on every host.
 */
#include <check.h>
#include <string.h>

#include "regs/layout.h"
#include "regs/regs.h"
#include "run_suite.h"

/* A task that is only memory. Counts what it is asked. */
struct fake {
	uint64_t general[REGS_GENERAL_MAX];
	size_t general_len;
	int32_t system_call;
	uint64_t tls;
	unsigned gets, puts, peeks, pokes;
	int fail;		/* every operation fails with this */
};

static void *fake_place(struct fake *f, unsigned note, size_t *ret_len)
{
	switch (note) {
	case REGS_NT_PRSTATUS:
		*ret_len = f->general_len;
		return f->general;
	case REGS_NT_ARM_SYSTEM_CALL:
		*ret_len = sizeof(f->system_call);
		return &f->system_call;
	case REGS_NT_ARM_TLS:
		*ret_len = sizeof(f->tls);
		return &f->tls;
	default:
		return NULL;
	}
}

static int fake_get(void *ctx, unsigned note, void *buf, size_t *len)
{
	struct fake *f = ctx;
	size_t have;
	const void *place = fake_place(f, note, &have);

	f->gets++;
	if (f->fail)
		return f->fail;
	if (!place)
		return -EINVAL;
	ck_assert_uint_ge(*len, have);
	memcpy(buf, place, have);
	*len = have;
	return 0;
}

static int fake_put(void *ctx, unsigned note, const void *buf, size_t len)
{
	struct fake *f = ctx;
	size_t have;
	void *place = fake_place(f, note, &have);

	f->puts++;
	if (f->fail)
		return f->fail;
	if (!place)
		return -EINVAL;
	ck_assert_uint_eq(len, have);
	memcpy(place, buf, len);
	return 0;
}

static int fake_peek(void *ctx, size_t offset, uint64_t *ret)
{
	struct fake *f = ctx;

	f->peeks++;
	if (f->fail)
		return f->fail;
	*ret = f->general[offset / 8];
	return 0;
}

static int fake_poke(void *ctx, size_t offset, uint64_t value)
{
	struct fake *f = ctx;

	f->pokes++;
	if (f->fail)
		return f->fail;
	f->general[offset / 8] = value;
	return 0;
}

static const struct regs_io io_x86_64 = {fake_get, fake_put, fake_peek, fake_poke};
static const struct regs_io io_aarch64 = {fake_get, fake_put, NULL, NULL};

/* Word i holds 0x1000 + i. */
static void fake_init(struct fake *f, size_t words)
{
	memset(f, 0, sizeof(*f));
	f->general_len = words * 8;
	for (size_t i = 0; i < words; i++)
		f->general[i] = 0x1000 + i;
}

static uint64_t get(struct regs *r, enum reg reg)
{
	uint64_t value = 0;

	ck_assert_int_eq(regs_get(r, reg, &value), 0);
	return value;
}

static void setup_x86_64(struct fake *f, struct regs *r)
{
	fake_init(f, 27);
	regs_init(r, REGS_X86_64, &io_x86_64, f);
}

static void setup_aarch64(struct fake *f, struct regs *r)
{
	fake_init(f, 34);
	f->system_call = 64;
	f->tls = 0x7f0012345678;
	regs_init(r, REGS_AARCH64, &io_aarch64, f);
}

START_TEST(x86_64_registers)
{
	/* Word numbers of struct user_regs_struct, written out: the layout's own names are not asked. */
	static const struct { enum reg reg; unsigned word; } where[] = {
		{REG_NR, 15}, {REG_RET, 10}, {REG_ARG0, 14}, {REG_ARG1, 13}, {REG_ARG2, 12}, {REG_ARG3, 7},
		{REG_ARG4, 9}, {REG_ARG5, 8}, {REG_IP, 16}, {REG_SP, 19}, {REG_FLAGS, 18}, {REG_TLS, 21},
	};
	struct fake f;
	struct regs r;

	setup_x86_64(&f, &r);
	for (size_t i = 0; i < ARRAY_SIZE(where); i++)
		ck_assert_uint_eq(get(&r, where[i].reg), 0x1000 + where[i].word);
	/* Two words, then the whole set, then nothing more. */
	ck_assert_uint_eq(f.peeks, 2);
	ck_assert_uint_eq(f.gets, 1);
}
END_TEST

START_TEST(i386_registers)
{
	static const struct { enum reg reg; unsigned word; } where[] = {
		{REG_ARG0, 5}, {REG_ARG1, 11}, {REG_ARG2, 12}, {REG_ARG3, 13}, {REG_ARG4, 14}, {REG_ARG5, 4},
	};
	struct fake f;
	struct regs r;

	setup_x86_64(&f, &r);
	ck_assert_int_eq(regs_set_abi(&r, REGS_ABI_COMPAT32), 0);
	for (size_t i = 0; i < ARRAY_SIZE(where); i++) {
		f.general[where[i].word] |= UINT64_C(0xdead) << 32;
		ck_assert_uint_eq(get(&r, where[i].reg), 0x1000 + where[i].word);
	}
	regs_reset(&r);
	f.general[10] = 0xfffffffe;	/* a 32-bit -ENOENT */
	ck_assert_int_eq((int64_t)get(&r, REG_RET), -2);
	regs_set(&r, REG_ARG1, 0x1234567890);
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(f.general[11], 0x34567890);
	/* The convention stays over a reset and goes when told. */
	regs_reset(&r);
	ck_assert_uint_eq(get(&r, REG_ARG0), 0x1005);
	ck_assert_int_eq(regs_set_abi(&r, REGS_ABI_NATIVE), 0);
	ck_assert_uint_eq(get(&r, REG_ARG0), UINT64_C(0xdead) << 32 | 0x100e);
}
END_TEST

/*
 * A 32-bit task's general set is 17 words of 32 bits: ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags
 * esp ss.
 */
START_TEST(i386_narrow_set)
{
	static const struct regs_io no_words = {fake_get, fake_put, NULL, NULL};
	uint32_t set[17];
	struct fake f;
	struct regs r;

	for (unsigned i = 0; i < ARRAY_SIZE(set); i++)
		set[i] = 0x100 + i;
	memset(&f, 0, sizeof(f));
	memcpy(f.general, set, sizeof(set));
	f.general_len = sizeof(set);
	regs_init(&r, REGS_X86_64, &no_words, &f);
	ck_assert_int_eq(regs_set_abi(&r, REGS_ABI_COMPAT32), 0);
	ck_assert_uint_eq(get(&r, REG_ARG0), 0x100);
	ck_assert_uint_eq(get(&r, REG_ARG5), 0x105);
	ck_assert_uint_eq(get(&r, REG_NR), 0x10b);
	ck_assert_uint_eq(get(&r, REG_RET), 0x106);
	ck_assert_uint_eq(get(&r, REG_IP), 0x10c);
	ck_assert_uint_eq(get(&r, REG_SP), 0x10f);
	regs_set(&r, REG_NR, UINT64_MAX);
	regs_set(&r, REG_RET, (uint64_t)-38);
	ck_assert_int_eq(regs_flush(&r), 0);
	set[11] = UINT32_MAX;
	set[6] = (uint32_t)-38;
	ck_assert_mem_eq(f.general, set, sizeof(set));
}
END_TEST

START_TEST(aarch64_registers)
{
	struct fake f;
	struct regs r;

	setup_aarch64(&f, &r);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(get(&r, (enum reg)(REG_ARG0 + i)), 0x1000 + i);
	ck_assert_uint_eq(get(&r, REG_RET), 0x1000);
	ck_assert_uint_eq(get(&r, REG_SP), 0x1000 + 31);
	ck_assert_uint_eq(get(&r, REG_IP), 0x1000 + 32);
	ck_assert_uint_eq(get(&r, REG_FLAGS), 0x1000 + 33);
	ck_assert_uint_eq(f.gets, 1);
	ck_assert_uint_eq(get(&r, REG_NR), 64);
	ck_assert_uint_eq(get(&r, REG_TLS), 0x7f0012345678);
	ck_assert_uint_eq(f.gets, 3);
	ck_assert_int_eq(regs_set_abi(&r, REGS_ABI_COMPAT32), -ENOTSUP);
}
END_TEST

START_TEST(aarch64_skip_with_value)
{
	struct fake f;
	struct regs r;

	setup_aarch64(&f, &r);
	ck_assert_uint_eq(get(&r, REG_ARG0), 0x1000);
	regs_set(&r, REG_NR, UINT64_MAX);
	regs_set(&r, REG_RET, 42);
	ck_assert_uint_eq(get(&r, REG_ARG0), 42);
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_int_eq(f.system_call, -1);
	ck_assert_uint_eq(f.general[0], 42);
	for (unsigned i = 1; i < 34; i++)
		ck_assert_uint_eq(f.general[i], 0x1000 + i);
	/* x0 is one register with two names. */
	ck_assert_uint_eq(get(&r, REG_ARG0), 42);
	regs_set(&r, REG_ARG0, 7);
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(get(&r, REG_RET), 7);
	ck_assert_int_eq(f.system_call, -1);
}
END_TEST

START_TEST(flush_few_pokes)
{
	struct fake f;
	struct regs r;

	setup_x86_64(&f, &r);
	regs_set(&r, REG_NR, UINT64_MAX);
	regs_set(&r, REG_RET, 1234);
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(f.pokes, 2);
	ck_assert_uint_eq(f.puts + f.gets + f.peeks, 0);
	ck_assert_uint_eq(f.general[15], UINT64_MAX);
	ck_assert_uint_eq(f.general[10], 1234);
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(f.pokes, 2);
}
END_TEST

START_TEST(flush_many_puts)
{
	struct fake f;
	struct regs r;

	setup_x86_64(&f, &r);
	for (unsigned i = 0; i < 6; i++)
		regs_set(&r, (enum reg)(REG_ARG0 + i), 100 + i);
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(f.pokes, 0);
	ck_assert_uint_eq(f.gets, 1);
	ck_assert_uint_eq(f.puts, 1);
	ck_assert_uint_eq(f.general[14], 100);
	ck_assert_uint_eq(f.general[8], 105);
	ck_assert_uint_eq(f.general[0], 0x1000);
	ck_assert_uint_eq(get(&r, REG_ARG3), 103);
}
END_TEST

START_TEST(unchanged_is_not_written)
{
	struct fake f;
	struct regs r;

	setup_x86_64(&f, &r);
	regs_hint(&r, REG_RET, 0x100a);
	regs_set(&r, REG_RET, 0x100a);
	regs_set(&r, REG_ARG0, get(&r, REG_ARG0));
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(f.pokes + f.puts, 0);
}
END_TEST

START_TEST(hint_saves_the_fetch)
{
	struct fake f;
	struct regs r;

	setup_x86_64(&f, &r);
	regs_hint(&r, REG_ARG2, 5);
	ck_assert_uint_eq(get(&r, REG_ARG2), 5);
	ck_assert_uint_eq(f.peeks + f.gets, 0);
	regs_set(&r, REG_ARG2, 6);
	regs_hint(&r, REG_ARG2, 5);	/* a hint is of the task, not of what will be written */
	ck_assert_uint_eq(get(&r, REG_ARG2), 6);
	regs_reset(&r);
	ck_assert_uint_eq(get(&r, REG_ARG2), 0x100c);
}
END_TEST

START_TEST(gone_task)
{
	struct fake f;
	struct regs r;
	uint64_t value = 77;

	setup_x86_64(&f, &r);
	f.fail = -ESRCH;
	ck_assert_int_eq(regs_get(&r, REG_IP, &value), -ESRCH);
	ck_assert_uint_eq(value, 77);
	ck_assert_int_eq(regs_fetch(&r), -ESRCH);
	regs_set(&r, REG_RET, 1);
	ck_assert_int_eq(regs_flush(&r), -ESRCH);
	f.fail = 0;
	ck_assert_int_eq(regs_flush(&r), 0);
	ck_assert_uint_eq(f.general[10], 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("regs");
	TCase *tc = tcase_create("neutral");

	tcase_add_test(tc, x86_64_registers);
	tcase_add_test(tc, i386_registers);
	tcase_add_test(tc, i386_narrow_set);
	tcase_add_test(tc, aarch64_registers);
	tcase_add_test(tc, aarch64_skip_with_value);
	tcase_add_test(tc, flush_few_pokes);
	tcase_add_test(tc, flush_many_puts);
	tcase_add_test(tc, unchanged_is_not_written);
	tcase_add_test(tc, hint_saves_the_fetch);
	tcase_add_test(tc, gone_task);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
