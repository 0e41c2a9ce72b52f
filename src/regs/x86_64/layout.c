/* x86_64: where the neutral registers are, and the two forms of the general set. */
#include "regs/x86_64/layout.h"

#include <string.h>

#include "regs/layout.h"

/* The 64-bit word that an i386 word belongs to. */
static const uint8_t wide_word[I386_WORDS] = {
	[I386_EBX] = X86_64_RBX, [I386_ECX] = X86_64_RCX, [I386_EDX] = X86_64_RDX, [I386_ESI] = X86_64_RSI,
	[I386_EDI] = X86_64_RDI, [I386_EBP] = X86_64_RBP, [I386_EAX] = X86_64_RAX, [I386_DS] = X86_64_DS,
	[I386_ES] = X86_64_ES, [I386_FS] = X86_64_FS, [I386_GS] = X86_64_GS, [I386_ORIG_EAX] = X86_64_ORIG_RAX,
	[I386_EIP] = X86_64_RIP, [I386_CS] = X86_64_CS, [I386_EFLAGS] = X86_64_EFLAGS, [I386_ESP] = X86_64_RSP,
	[I386_SS] = X86_64_SS,
};

static int unpack(uint64_t *words, const void *raw, size_t len, bool *ret_narrow)
{
	uint32_t half[I386_WORDS];

	if (len == X86_64_WORDS * sizeof(uint64_t)) {
		memcpy(words, raw, len);
		*ret_narrow = false;
		return 0;
	}
	if (len != sizeof(half))
		return -EINVAL;
	memcpy(half, raw, len);
	memset(words, 0, X86_64_WORDS * sizeof(uint64_t));
	for (unsigned i = 0; i < I386_WORDS; i++)
		words[wide_word[i]] = half[i];
	*ret_narrow = true;
	return 0;
}

static size_t pack(void *raw, const uint64_t *words, bool narrow)
{
	uint32_t half[I386_WORDS];

	if (!narrow) {
		memcpy(raw, words, X86_64_WORDS * sizeof(uint64_t));
		return X86_64_WORDS * sizeof(uint64_t);
	}
	for (unsigned i = 0; i < I386_WORDS; i++)
		half[i] = (uint32_t)words[wide_word[i]];
	memcpy(raw, half, sizeof(half));
	return sizeof(half);
}

const struct regs_layout regs_layout_x86_64 = {
	.arch = REGS_X86_64,
	.general_words = X86_64_WORDS,
	.has_abi = {[REGS_ABI_NATIVE] = true, [REGS_ABI_COMPAT32] = true},
	.word = {
		[REGS_ABI_NATIVE] = {
			[REG_NR] = X86_64_ORIG_RAX, [REG_RET] = X86_64_RAX,
			[REG_ARG0] = X86_64_RDI, [REG_ARG1] = X86_64_RSI, [REG_ARG2] = X86_64_RDX,
			[REG_ARG3] = X86_64_R10, [REG_ARG4] = X86_64_R8, [REG_ARG5] = X86_64_R9,
			[REG_IP] = X86_64_RIP, [REG_SP] = X86_64_RSP, [REG_FLAGS] = X86_64_EFLAGS,
			[REG_TLS] = X86_64_FS_BASE,
		},
		[REGS_ABI_COMPAT32] = {
			[REG_NR] = X86_64_ORIG_RAX, [REG_RET] = X86_64_RAX,
			[REG_ARG0] = X86_64_RBX, [REG_ARG1] = X86_64_RCX, [REG_ARG2] = X86_64_RDX,
			[REG_ARG3] = X86_64_RSI, [REG_ARG4] = X86_64_RDI, [REG_ARG5] = X86_64_RBP,
			[REG_IP] = X86_64_RIP, [REG_SP] = X86_64_RSP, [REG_FLAGS] = X86_64_EFLAGS,
			/* Linux gives i386 programs their thread pointer through a descriptor in gs. */
			[REG_TLS] = X86_64_GS_BASE,
		},
	},
	.unpack = unpack,
	.pack = pack,
	.sets = regs_sets_x86_64,
	.set_count = X86_64_SETS,
	.state_count = regs_state_count_x86_64,
	.state_name = regs_state_name_x86_64,
	.state_find = regs_state_find_x86_64,
	.state_own = regs_state_own_x86_64,
};
