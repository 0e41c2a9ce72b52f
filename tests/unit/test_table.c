/* The table of system calls: look-ups, groups, parameters and constants agree with each other. */
#include <check.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "syscalls/call_set.h"
#include "syscalls/flag_sets.h"
#include "syscalls/table.h"
#include "run_suite.h"

static enum call_id call(const char *name)
{
	return call_from_name(name, strlen(name));
}

START_TEST(names_round_trip)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		const struct call_desc *desc = call_desc((enum call_id)id);

		ck_assert_ptr_nonnull(desc->name);
		ck_assert_msg(call(desc->name) == (enum call_id)id, "%s", desc->name);
	}
	ck_assert_int_eq(call("opena"), CALL_NONE);
	ck_assert_int_eq(call("openatt"), CALL_NONE);
	ck_assert_int_eq(call(""), CALL_NONE);
	ck_assert_int_eq(call_from_name("openat2", 6), CALL_openat);
}
END_TEST

START_TEST(numbers_round_trip)
{
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		int known = 0, mapped = 0;

		for (int id = 0; id < CALL_COUNT; id++) {
			int nr = call_desc((enum call_id)id)->nr[abi];

			if (nr < 0)
				continue;
			known++;
			ck_assert_int_lt(nr, call_nr_limit((enum call_abi)abi));
			ck_assert_msg(call_from_nr((enum call_abi)abi, nr) == (enum call_id)id, "%s on %s",
				      call_desc((enum call_id)id)->name, call_abi_name((enum call_abi)abi));
		}
		for (int nr = 0; nr < call_nr_limit((enum call_abi)abi); nr++)
			mapped += call_from_nr((enum call_abi)abi, nr) != CALL_NONE;
		ck_assert_int_eq(known, mapped);
	}
}
END_TEST

START_TEST(numbers_out_of_range)
{
	static const int64_t bad[] = {-1, INT64_MIN, INT64_MAX, 1 << 30, 4096};

	for (int abi = 0; abi < ABI_COUNT; abi++) {
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			ck_assert_int_eq(call_from_nr((enum call_abi)abi, bad[i]), CALL_NONE);
		ck_assert_int_eq(call_from_nr((enum call_abi)abi, call_nr_limit((enum call_abi)abi)), CALL_NONE);
	}
}
END_TEST

START_TEST(numbers_that_differ)
{
	ck_assert_int_eq(call_from_nr(ABI_X86_64, 1), CALL_write);
	ck_assert_int_eq(call_from_nr(ABI_I386, 1), CALL_exit);
	ck_assert_int_eq(call_from_nr(ABI_AARCH64, 1), CALL_io_destroy);
	ck_assert_int_eq(call_from_nr(ABI_X86_64, 59), CALL_execve);
	ck_assert_int_eq(call_from_nr(ABI_X32, 59), CALL_NONE);
	ck_assert_int_eq(call_from_nr(ABI_X32, 520), CALL_execve);
	ck_assert_int_eq(call_from_nr(ABI_X86_64, 520), CALL_NONE);
	ck_assert_int_eq(call_from_nr(ABI_AARCH64, 79), CALL_newfstatat);
	ck_assert_int_eq(call_from_nr(ABI_I386, 300), CALL_fstatat64);
	for (int abi = 0; abi < ABI_COUNT; abi++)
		ck_assert_int_eq(call_from_nr((enum call_abi)abi, 470), CALL_listns);
}
END_TEST

START_TEST(nearest_names)
{
	ck_assert_str_eq(call_nearest("opneat", 6), "openat");
	ck_assert_str_eq(call_nearest("getpidd", 7), "getpid");
	ck_assert_str_eq(call_nearest("fstatt", 6), "fstat");
	ck_assert_str_eq(call_nearest("newfsstatat", 11), "newfstatat");
	ck_assert_str_eq(call_nearest("%fil", 4), "%file");
	ck_assert_str_eq(call_nearest("%netwrok", 8), "%network");
	ck_assert_ptr_null(call_nearest("xyzzyplugh", 10));
	ck_assert_ptr_null(call_nearest("", 0));
	ck_assert_ptr_null(call_nearest("qqq", 3));
	ck_assert_ptr_null(call_nearest("a_name_that_is_far_longer_than_the_name_of_any_system_call", 58));
}
END_TEST

START_TEST(groups)
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		const char *name = call_group_name((enum call_group)g);
		char with[32];

		snprintf(with, sizeof(with), "%%%s", name);
		ck_assert_int_eq(call_group_from_name(with, strlen(with)), g);
	}
	ck_assert_int_eq(call_group_from_name("%net", 4), GROUP_NETWORK);
	ck_assert_int_eq(call_group_from_name("%%stat", 6), GROUP_STATX);
	ck_assert_int_eq(call_group_from_name("%stat", 5), GROUP_STAT);
	ck_assert_int_eq(call_group_from_name("stat", 4), GROUP_STAT);
	ck_assert_int_eq(call_group_from_name("file", 4), GROUP_FILE);
	ck_assert_int_eq(call_group_from_name("fil", 3), -1);
	ck_assert_int_eq(call_group_from_name("%", 1), -1);
	ck_assert_int_eq(call_group_from_name("", 0), -1);
	ck_assert(call_in_group(CALL_openat, GROUP_FILE) && call_in_group(CALL_openat, GROUP_DESC));
	ck_assert(!call_in_group(CALL_getpid, GROUP_FILE) && call_in_group(CALL_getpid, GROUP_PURE));
}
END_TEST

START_TEST(abis)
{
	ck_assert_str_eq(call_abi_name(ABI_X86_64), "x86_64");
	ck_assert_str_eq(call_abi_name(ABI_X32), "x32");
	ck_assert_uint_eq(call_abi_audit_arch(ABI_X86_64), AUDIT_ARCH_X86_64);
	ck_assert_uint_eq(call_abi_audit_arch(ABI_X32), AUDIT_ARCH_X86_64);
	ck_assert_uint_eq(call_abi_audit_arch(ABI_I386), AUDIT_ARCH_I386);
	ck_assert_uint_eq(call_abi_audit_arch(ABI_AARCH64), AUDIT_ARCH_AARCH64);
}
END_TEST

static void check_params(const struct call_desc *desc)
{
	int last = -1;

	ck_assert_uint_le(desc->nparams, 6);
	for (int i = 0; i < desc->nparams; i++) {
		const struct call_param *p = &desc->params[i];

		ck_assert_msg(p->reg > last || (last < 0 && p->reg == 0), "%s: %s", desc->name, p->name);
		last = p->reg + p->regs - 1;
		ck_assert_int_le(last, 5);
		ck_assert(p->bits == 32 || p->bits == 64);
		ck_assert((p->kind == PARAM_FLAGS || p->kind == PARAM_ENUM || p->kind == PARAM_UINT) || !p->set);
		for (int l = 0; l < 2; l++)
			ck_assert_int_lt(p->link[l], desc->nparams);
	}
}

START_TEST(parameters)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		for (int abi = 0; abi < ABI_COUNT; abi++) {
			const struct call_desc *desc = call_desc_for((enum call_id)id, (enum call_abi)abi);

			ck_assert_str_eq(desc->name, call_desc((enum call_id)id)->name);
			ck_assert_uint_eq(desc->groups, call_desc((enum call_id)id)->groups);
			check_params(desc);
		}
	}
	ck_assert_str_eq(call_desc(CALL_openat)->params[1].name, "pathname");
	ck_assert_int_eq(call_desc(CALL_openat)->params[1].kind, PARAM_PATH);
	ck_assert_ptr_eq(call_desc(CALL_openat)->params[2].set, &flag_set_open_flags);
	ck_assert_int_eq(call_desc(CALL_read)->params[1].link[0], 2);
}
END_TEST

START_TEST(parameters_of_an_abi)
{
	const struct call_desc *native = call_desc_for(CALL_pread64, ABI_X86_64);
	const struct call_desc *split = call_desc_for(CALL_pread64, ABI_I386);

	ck_assert_ptr_eq(native, call_desc(CALL_pread64));
	ck_assert_ptr_eq(call_desc_for(CALL_pread64, ABI_AARCH64), native);
	ck_assert_ptr_ne(split, native);
	ck_assert_uint_eq(split->params[3].reg, 3);
	ck_assert_uint_eq(split->params[3].regs, 2);
	ck_assert_str_eq(call_desc_for(CALL_clone, ABI_X86_64)->params[3].name, "child_tid");
	ck_assert_str_eq(call_desc_for(CALL_clone, ABI_AARCH64)->params[3].name, "tls");
	ck_assert_uint_eq(call_desc(CALL_preadv2)->params[4].reg, 5);
	ck_assert_uint_eq(call_desc_for(CALL_preadv2, ABI_X32)->params[4].reg, 4);
}
END_TEST

START_TEST(constants)
{
	uint64_t v = 7;

	ck_assert_int_eq(flag_any_value("O_RDONLY", 8, &v), 0);
	ck_assert_uint_eq(v, 0);
	ck_assert_int_eq(flag_any_value("AT_FDCWD", 8, &v), 0);
	ck_assert_int_eq((int64_t)v, -100);
	ck_assert_int_eq(flag_any_value("AF_INET6", 8, &v), 0);
	ck_assert_uint_eq(v, 10);
	ck_assert_int_eq(flag_any_value("AF_INET66", 9, &v), -ENOENT);
	ck_assert_uint_eq(v, 10);
	ck_assert_int_eq(flag_any_value("AF_INE", 6, &v), -ENOENT);
	ck_assert_int_eq(flag_set_value(&flag_set_open_flags, "O_CLOEXEC", 9, &v), 0);
	ck_assert_uint_eq(v, 02000000);
	ck_assert_int_eq(flag_set_value(&flag_set_open_flags, "AF_INET", 7, &v), -ENOENT);
	ck_assert_ptr_eq(flag_set_find("open_flags"), &flag_set_open_flags);
	ck_assert_ptr_null(flag_set_find("no_such_set"));
}
END_TEST

/* Every constant is found by its name alone. */
START_TEST(constants_in_any_set)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		const struct call_desc *desc = call_desc((enum call_id)id);

		for (int i = 0; i < desc->nparams; i++) {
			const struct flag_set *set = desc->params[i].set;

			for (size_t f = 0; set && f < set->count; f++) {
				const struct flag_name *flag = &set->names[f];
				uint64_t v;

				ck_assert_int_eq(flag_any_value(flag->name, strlen(flag->name), &v), 0);
				ck_assert_msg((uint32_t)v == (uint32_t)flag->value, "%s", flag->name);
			}
		}
	}
}
END_TEST

START_TEST(constants_of_an_abi)
{
	const struct flag_set *arm = flag_set_for(&flag_set_open_flags, ABI_AARCH64);
	uint64_t v;

	ck_assert_ptr_eq(flag_set_for(&flag_set_open_flags, ABI_I386), &flag_set_open_flags);
	ck_assert_ptr_ne(arm, &flag_set_open_flags);
	ck_assert_int_eq(flag_set_value(arm, "O_DIRECT", 8, &v), 0);
	ck_assert_uint_eq(v, 0200000);
	ck_assert_ptr_eq(flag_set_for(&flag_set_seek_whence, ABI_AARCH64), &flag_set_seek_whence);
}
END_TEST

/* A flag's value lies in its mask, so that (v & mask) == value can hold. */
START_TEST(masks)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		const struct call_desc *desc = call_desc((enum call_id)id);

		for (int i = 0; i < desc->nparams; i++) {
			const struct flag_set *set = desc->params[i].set;

			for (size_t f = 0; set && f < set->count; f++)
				ck_assert_uint_eq(set->names[f].value & ~set->names[f].mask, 0);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");

	tcase_add_test(tc, names_round_trip);
	tcase_add_test(tc, numbers_round_trip);
	tcase_add_test(tc, numbers_out_of_range);
	tcase_add_test(tc, numbers_that_differ);
	tcase_add_test(tc, nearest_names);
	tcase_add_test(tc, groups);
	tcase_add_test(tc, abis);
	tcase_add_test(tc, parameters);
	tcase_add_test(tc, parameters_of_an_abi);
	tcase_add_test(tc, constants);
	tcase_add_test(tc, constants_in_any_set);
	tcase_add_test(tc, constants_of_an_abi);
	tcase_add_test(tc, masks);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
