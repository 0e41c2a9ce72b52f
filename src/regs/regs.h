/*
 * Neutral registers of a stopped task. This layer knows the layouts of each architecture and nothing of ptrace: the
 * owner of the stop gives it a regs_io. Values are fetched when first asked for and written back only if changed.
 */
#ifndef TRAPLINE_REGS_REGS_H
#define TRAPLINE_REGS_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

enum reg {
	REG_NR,		/* the call's number as the kernel will use it (orig_rax, x8/syscallno); -1 skips the call */
	REG_RET,	/* return value (rax, x0) */
	REG_ARG0, REG_ARG1, REG_ARG2, REG_ARG3, REG_ARG4, REG_ARG5,
	REG_IP,
	REG_SP,
	REG_FLAGS,	/* eflags, pstate */
	REG_TLS,	/* fs_base, tpidr */
	REG_COUNT,
};

enum regs_arch {
	REGS_X86_64,
	REGS_AARCH64,
};

/* How registers are reached. Every operation returns 0 or a negative errno (-ESRCH: the task is gone). */
struct regs_io {
	/* Read or write a whole register set by ELF note type (NT_PRSTATUS, NT_X86_XSTATE, NT_ARM_SVE ...). *len in and out. */
	int (*get_set)(void *ctx, unsigned note, void *buf, size_t *len);
	int (*put_set)(void *ctx, unsigned note, const void *buf, size_t len);
	/* Read or write one word of the user area (x86: offset in struct user). NULL where the architecture has none. */
	int (*peek)(void *ctx, size_t offset, uint64_t *ret);
	int (*poke)(void *ctx, size_t offset, uint64_t value);
};

struct regs_layout;	/* one per architecture: src/regs/<arch>/layout.c */

/* Registers of one stop. Embedded; no clean-up needed. Not thread safe. */
struct regs {
	const struct regs_io *io;
	void *ctx;
	const struct regs_layout *layout;
	bool whole;			/* the general set is in .general */
	uint64_t known;			/* bit per enum reg: .value is valid */
	uint64_t dirty;			/* bit per enum reg: .value differs from the task */
	uint64_t value[REG_COUNT];
	uint64_t general[40];		/* raw general set once fetched */
};

void regs_init(struct regs *r, enum regs_arch arch, const struct regs_io *io, void *ctx);
/* Forget everything, for the next stop. Unflushed changes are lost. */
void regs_reset(struct regs *r);
/* Tell a value that the caller learnt in a cheaper way (PTRACE_GET_SYSCALL_INFO), so it is not fetched again. */
void regs_hint(struct regs *r, enum reg reg, uint64_t value);
MUST_CHECK int regs_get(struct regs *r, enum reg reg, uint64_t *ret);
void regs_set(struct regs *r, enum reg reg, uint64_t value);
/* Write back what changed, in the cheapest way (single words when few, the whole set when many). */
MUST_CHECK int regs_flush(struct regs *r);

#endif
