/* Where call.S finds the members of struct fidelity_state; state.c asserts that the compiler agrees. */
#ifndef TRAPLINE_BENCH_GUEST_AARCH64_OFFSETS_H
#define TRAPLINE_BENCH_GUEST_AARCH64_OFFSETS_H

#define STATE_X 0	/* x0 to x30 */
#define STATE_SP 248
#define STATE_NZCV 256
#define STATE_FPCR 264
#define STATE_FPSR 272
#define STATE_TPIDR 280
#define STATE_V 304	/* v0 to v31 */
#define STATE_SIZE (STATE_V + 512)

#endif
