/*
 * Register sets for the unit tests of src/regs.
 *
 * Recorded: x86_64's sets, with PTRACE_GETREGSET on Linux 6.18 on an AMD EPYC (its XSAVE layout is AMD's: no gap for
 * MPX), of a program that had loaded bytes of 0x40 + i into zmm0 to zmm31, of 0x10 + i into k0 to k7, and three x87
 * constants; aarch64's NT_PRSTATUS, from the core dump that qemu-aarch64 7.2 wrote of a program that had loaded 0x1000
 * + i into xi. Made up after the layouts in Linux's arch/arm64/include/uapi/asm/ptrace.h: NT_PRFPREG and NT_ARM_SVE.
 */
#ifndef TRAPLINE_TESTS_REGS_RECORDED_H
#define TRAPLINE_TESTS_REGS_RECORDED_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "regs/regs.h"

static const uint64_t recorded_x86_64_prstatus[27] = {
	0x7fd491290020, 0x556b79978dd8, 0x7fff5bc09ea8, 0x0,
	0x1, 0x1122334455667788, 0x286, 0x0,
	0x7fd491062740, 0xffffffff, 0x1717171717171717, 0x7fd49116434a,
	0x0, 0x0, 0x0, 0xffffffffffffffff,
	0x556b7997639a, 0x33, 0x202, 0x7fff5bc09d38,
	0x2b, 0x7fd491062740, 0x0, 0x0,
	0x0, 0x0, 0x0,
};

#define RECORDED_XSTATE_SIZE 2432

/* Runs of equal bytes. */
static const struct {
	uint16_t count;
	uint8_t byte;
} recorded_x86_64_xstate_runs[] = {
	{1, 0x7f}, {1, 0x03}, {1, 0x00}, {1, 0x28}, {1, 0xe0}, {19, 0x00}, {1, 0x80}, {1, 0x1f}, {2, 0x00},
	{2, 0xff}, {1, 0x02}, {1, 0x00}, {1, 0xbc}, {1, 0xf0}, {1, 0x17}, {1, 0x5c}, {1, 0x29}, {1, 0x3b}, {1, 0xaa},
	{1, 0xb8}, {1, 0xff}, {1, 0x3f}, {6, 0x00}, {1, 0x35}, {1, 0xc2}, {1, 0x68}, {1, 0x21}, {1, 0xa2}, {1, 0xda},
	{1, 0x0f}, {1, 0xc9}, {1, 0x00}, {1, 0x40}, {13, 0x00}, {1, 0x80}, {1, 0xff}, {1, 0x3f}, {86, 0x00},
	{16, 0x40}, {16, 0x41}, {16, 0x42}, {16, 0x43}, {16, 0x44}, {16, 0x45}, {16, 0x46}, {16, 0x47}, {16, 0x48},
	{16, 0x49}, {16, 0x4a}, {16, 0x4b}, {16, 0x4c}, {16, 0x4d}, {16, 0x4e}, {16, 0x4f}, {48, 0x00}, {1, 0xe7},
	{47, 0x00}, {1, 0xe7}, {63, 0x00}, {16, 0x40}, {16, 0x41}, {16, 0x42}, {16, 0x43}, {16, 0x44}, {16, 0x45},
	{16, 0x46}, {16, 0x47}, {16, 0x48}, {16, 0x49}, {16, 0x4a}, {16, 0x4b}, {16, 0x4c}, {16, 0x4d}, {16, 0x4e},
	{16, 0x4f}, {8, 0x10}, {8, 0x11}, {8, 0x12}, {8, 0x13}, {8, 0x14}, {8, 0x15}, {8, 0x16}, {8, 0x17},
	{32, 0x40}, {32, 0x41}, {32, 0x42}, {32, 0x43}, {32, 0x44}, {32, 0x45}, {32, 0x46}, {32, 0x47}, {32, 0x48},
	{32, 0x49}, {32, 0x4a}, {32, 0x4b}, {32, 0x4c}, {32, 0x4d}, {32, 0x4e}, {32, 0x4f}, {64, 0x50}, {64, 0x51},
	{64, 0x52}, {64, 0x53}, {64, 0x54}, {64, 0x55}, {64, 0x56}, {64, 0x57}, {64, 0x58}, {64, 0x59}, {64, 0x5a},
	{64, 0x5b}, {64, 0x5c}, {64, 0x5d}, {64, 0x5e}, {64, 0x5f},
};

static inline const uint8_t *recorded_x86_64_xstate(void)
{
	static uint8_t image[RECORDED_XSTATE_SIZE];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(recorded_x86_64_xstate_runs); i++) {
		memset(image + at, recorded_x86_64_xstate_runs[i].byte, recorded_x86_64_xstate_runs[i].count);
		at += recorded_x86_64_xstate_runs[i].count;
	}
	return image;
}

/* CPUID leaf 0xd of the recording machine. */
static const struct regs_xsave_layout recorded_x86_64_layout = {
	.component = {[2] = {576, 256}, [5] = {832, 64}, [6] = {896, 512}, [7] = {1408, 1024}},
};

static const uint64_t recorded_aarch64_prstatus[34] = {
	0x1000, 0x1001, 0x1002, 0x1003,
	0x1004, 0x1005, 0x1006, 0x1007,
	0x1008, 0x1009, 0x100a, 0x100b,
	0x100c, 0x100d, 0x100e, 0x100f,
	0x1010, 0x1011, 0x1012, 0x1013,
	0x1014, 0x1015, 0x1016, 0x1017,
	0x1018, 0x1019, 0x101a, 0x101b,
	0x101c, 0x0, 0x0, 0x55008007f0,
	0x40014c, 0x40000000,
};

/* struct user_fpsimd_state: byte 0 of vi is 0x40 + i, the rest i. fpsr at 512, fpcr at 516. */
static inline const uint8_t *made_aarch64_fpsimd(void)
{
	static uint8_t set[528];

	for (int i = 0; i < 32; i++) {
		memset(set + 16 * i, i, 16);
		set[16 * i] = (uint8_t)(0x40 + i);
	}
	set[512] = 0x10;
	set[519] = 0x01;
	return set;
}

/*
 * struct user_sve_header for vectors of 32 bytes and, behind it at 16, either user_fpsimd_state or z (32 of 32 bytes),
 * p (16 of 4 bytes), ffr, fpsr and fpcr.
 */
static inline const uint8_t *made_aarch64_sve(bool in_use, size_t *ret_len)
{
	static uint8_t set[2][2048];
	uint8_t *s = set[in_use];

	*ret_len = in_use ? 16 + 32 * 32 + 17 * 4 + 12 + 8 : 16 + 528;
	s[0] = (uint8_t)*ret_len;
	s[1] = (uint8_t)(*ret_len >> 8);
	s[8] = 32;
	s[10] = 32;
	s[12] = in_use;
	if (!in_use) {
		memcpy(s + 16, made_aarch64_fpsimd(), 528);
		return s;
	}
	for (int i = 0; i < 32; i++) {
		memcpy(s + 16 + 32 * i, made_aarch64_fpsimd() + 16 * i, 16);
		memset(s + 16 + 32 * i + 16, 0x80 + i, 16);
	}
	memset(s + 16 + 32 * 32, 0xaa, 17 * 4);
	return s;
}

#endif
