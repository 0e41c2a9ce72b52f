/*
 * aarch64 register sets. Facts from arch/arm64/include/uapi/asm/ptrace.h and arch/arm64/kernel/ptrace.c; this program's
 * own structs, so that they compile on every host.
 */
#ifndef TRAPLINE_REGS_AARCH64_LAYOUT_H
#define TRAPLINE_REGS_AARCH64_LAYOUT_H

#include <stdint.h>

/* Words of NT_PRSTATUS (struct user_pt_regs): x0 to x30, then these. */
enum aarch64_word {
	AARCH64_X0 = 0,
	AARCH64_X30 = 30,
	AARCH64_SP,
	AARCH64_PC,
	AARCH64_PSTATE,
	AARCH64_WORDS,
};

/* NT_PRFPREG (struct user_fpsimd_state), also the payload of NT_ARM_SVE while SVE is not in use. */
struct aarch64_fpsimd {
	uint8_t v[32][16];
	uint32_t fpsr;
	uint32_t fpcr;
	uint32_t reserved[2];
};

/* The head of NT_ARM_SVE (struct user_sve_header). vl is in bytes. */
struct aarch64_sve_head {
	uint32_t size;
	uint32_t max_size;
	uint16_t vl;
	uint16_t max_vl;
	uint16_t flags;
	uint16_t reserved;
};

#define AARCH64_SVE_IN_USE 1	/* in .flags: z, p and ffr follow, not the fpsimd form */

#endif
