/* The table's numbers against libseccomp's, both ways, for every ABI that both know. */
#include <check.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "syscalls/table.h"
#include "run_suite.h"

#define X32_BIT 0x40000000

static const uint32_t arches[ABI_COUNT] = {
	[ABI_X86_64] = SCMP_ARCH_X86_64, [ABI_AARCH64] = SCMP_ARCH_AARCH64,
	[ABI_I386] = SCMP_ARCH_X86, [ABI_X32] = SCMP_ARCH_X32,
};

/* The first call that the installed libseccomp is too old to know; what it says of later ones means nothing. */
static int newest_known(void)
{
	int nr = 424;

	while (seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, call_desc(call_from_nr(ABI_X86_64, nr))->name) == nr)
		nr++;
	return nr - 1;
}

static int without_bit(int abi, int nr)
{
	return abi == ABI_X32 && nr >= 0 ? nr & ~X32_BIT : nr;
}

/* For libseccomp i386's socket and System V calls are parts of socketcall and ipc, with pseudo-numbers. */
static bool is_multiplexed(const struct call_desc *desc, int abi)
{
	return abi == ABI_I386 && (desc->groups & (UINT64_C(1) << GROUP_IPC | UINT64_C(1) << GROUP_NETWORK));
}

START_TEST(names_to_numbers)
{
	int newest = newest_known(), compared = 0;

	for (int id = 0; id < CALL_COUNT; id++) {
		const struct call_desc *desc = call_desc((enum call_id)id);

		/* libseccomp 2.5 predates both, whose numbers are among the old ones. */
		if (desc->nr[ABI_X86_64] > newest || id == CALL_uretprobe || id == CALL_uprobe)
			continue;
		for (int abi = 0; abi < ABI_COUNT; abi++) {
			int theirs = without_bit(abi, seccomp_syscall_resolve_name_arch(arches[abi], desc->name));

			if (theirs < 0 && is_multiplexed(desc, abi))
				continue;
			ck_assert_msg(desc->nr[abi] == (theirs < 0 ? -1 : theirs), "%s on %s: %d here, %d in libseccomp",
				      desc->name, call_abi_name((enum call_abi)abi), desc->nr[abi], theirs);
			compared++;
		}
	}
	ck_assert_int_gt(compared, 4 * 400);
}
END_TEST

START_TEST(numbers_to_names)
{
	int newest = newest_known();

	for (int abi = 0; abi < ABI_COUNT; abi++) {
		for (int nr = 0; nr <= newest; nr++) {
			int raw = abi == ABI_X32 ? nr | X32_BIT : nr;
			char *theirs = seccomp_syscall_resolve_num_arch(arches[abi], raw);
			enum call_id id = call_from_nr((enum call_abi)abi, nr);

			if (theirs)
				ck_assert_msg(id != CALL_NONE && !strcmp(call_desc(id)->name, theirs), "%s number %d is %s",
					      call_abi_name((enum call_abi)abi), nr, theirs);
			free(theirs);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table_seccomp");
	TCase *tc = tcase_create("table_seccomp");

	tcase_add_test(tc, names_to_numbers);
	tcase_add_test(tc, numbers_to_names);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
