/* Where call.S finds the members of struct fidelity_state; state.c asserts that the compiler agrees. */
#ifndef TRAPLINE_BENCH_GUEST_X86_64_OFFSETS_H
#define TRAPLINE_BENCH_GUEST_X86_64_OFFSETS_H

#define STATE_RAX 0
#define STATE_RBX 8
#define STATE_RCX 16
#define STATE_RDX 24
#define STATE_RSI 32
#define STATE_RDI 40
#define STATE_RBP 48
#define STATE_RSP 56
#define STATE_R8 64
#define STATE_R9 72
#define STATE_R10 80
#define STATE_R11 88
#define STATE_R12 96
#define STATE_R13 104
#define STATE_R14 112
#define STATE_R15 120
#define STATE_FLAGS 128
#define STATE_FS_BASE 136
#define STATE_GS_BASE 144
#define STATE_HAS_BASES 152
#define STATE_XSAVE_MASK 160
#define STATE_XSAVE 192
#define STATE_XSAVE_MAX 4096
#define STATE_SIZE (STATE_XSAVE + STATE_XSAVE_MAX)

#endif
