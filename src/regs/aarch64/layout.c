/* aarch64: where the neutral registers are. There is no user area, and the call's number has a set of its own. */
#include "regs/aarch64/layout.h"

#include <string.h>

#include "regs/layout.h"

static int unpack(uint64_t *words, const void *raw, size_t len, bool *ret_narrow)
{
	if (len != AARCH64_WORDS * sizeof(uint64_t))
		return -EINVAL;
	memcpy(words, raw, len);
	*ret_narrow = false;
	return 0;
}

static size_t pack(void *raw, const uint64_t *words, bool narrow)
{
	(void)narrow;
	memcpy(raw, words, AARCH64_WORDS * sizeof(uint64_t));
	return AARCH64_WORDS * sizeof(uint64_t);
}

const struct regs_layout regs_layout_aarch64 = {
	.arch = REGS_AARCH64,
	.general_words = AARCH64_WORDS,
	.has_abi = {[REGS_ABI_NATIVE] = true},
	.word = {
		[REGS_ABI_NATIVE] = {
			/*
			 * x8 holds the number on entry, but only the system-call set changes what the kernel will do.
			 */
			[REG_NR] = REGS_NO_WORD,
			[REG_RET] = AARCH64_X0,
			[REG_ARG0] = AARCH64_X0, [REG_ARG1] = 1, [REG_ARG2] = 2, [REG_ARG3] = 3, [REG_ARG4] = 4,
			[REG_ARG5] = 5,
			[REG_IP] = AARCH64_PC, [REG_SP] = AARCH64_SP, [REG_FLAGS] = AARCH64_PSTATE,
			[REG_TLS] = REGS_NO_WORD,
		},
	},
	.own_note = {[REG_NR] = REGS_NT_ARM_SYSTEM_CALL, [REG_TLS] = REGS_NT_ARM_TLS},
	.own_size = {[REG_NR] = sizeof(int32_t), [REG_TLS] = sizeof(uint64_t)},
	.unpack = unpack,
	.pack = pack,
	.sets = regs_sets_aarch64,
	.set_count = AARCH64_SETS,
	.state_count = regs_state_count_aarch64,
	.state_name = regs_state_name_aarch64,
	.state_find = regs_state_find_aarch64,
};
