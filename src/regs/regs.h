/*
 * Neutral registers of a stopped task. This layer knows the layouts of each architecture and nothing of ptrace: the
 * owner of the stop gives it a regs_io. Values are fetched when first asked for and written back only if changed.
 *
 * Both architectures are compiled on every host, so a set recorded on one machine can be read on another.
 */
#ifndef TRAPLINE_REGS_REGS_H
#define TRAPLINE_REGS_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

enum reg {
	REG_NR,		/* the call's number as the kernel will use it (orig_rax, syscallno); -1 skips the call */
	REG_RET,	/* return value (rax, x0) */
	REG_ARG0, REG_ARG1, REG_ARG2, REG_ARG3, REG_ARG4, REG_ARG5,
	REG_IP,
	REG_SP,
	REG_FLAGS,	/* eflags, pstate */
	REG_TLS,	/* fs_base (i386: gs_base), tpidr */
	REG_COUNT,
};

enum regs_arch {
	REGS_X86_64,
	REGS_AARCH64,
};

/* The calling convention of the call in hand: which registers hold its number and arguments. */
enum regs_abi {
	REGS_ABI_NATIVE,
	/*
	 * i386 on x86_64 (int 0x80, sysenter, 32-bit programs): arguments in ebx ecx edx esi edi ebp. Arguments, ip and
	 * sp are cut to 32 bits; number and return value are sign-extended from 32 bits, so errors look alike in both.
	 */
	REGS_ABI_COMPAT32,
	REGS_ABI_COUNT,
};

/*
 * ELF note types of register sets (include/uapi/linux/elf.h); spelled out, since not every host's <elf.h> has them all.
 */
enum regs_note {
	REGS_NT_PRSTATUS = 1,
	REGS_NT_PRFPREG = 2,
	REGS_NT_X86_XSTATE = 0x202,
	REGS_NT_ARM_TLS = 0x401,
	REGS_NT_ARM_SYSTEM_CALL = 0x404,
	REGS_NT_ARM_SVE = 0x405,
};

/* How registers are reached. Every operation returns 0 or a negative errno (-ESRCH: the task is gone). */
struct regs_io {
	/*
	 * Read or write a whole register set by ELF note type (NT_PRSTATUS, NT_X86_XSTATE, NT_ARM_SVE ...). *len in and
	 * out.
	 */
	int (*get_set)(void *ctx, unsigned note, void *buf, size_t *len);
	int (*put_set)(void *ctx, unsigned note, const void *buf, size_t len);
	/*
	 * Read or write one word of the user area (x86: offset in struct user). NULL where the architecture has none.
	 */
	int (*peek)(void *ctx, size_t offset, uint64_t *ret);
	int (*poke)(void *ctx, size_t offset, uint64_t value);
};

struct regs_layout;	/* one per architecture: src/regs/<arch>/layout.c */

#define REGS_GENERAL_MAX 40	/* words of the largest general set (aarch64: 34) */

/* Registers of one stop. Embedded; no clean-up needed. Not thread safe. */
struct regs {
	const struct regs_io *io;
	void *ctx;
	const struct regs_layout *layout;
	enum regs_abi abi;
	bool whole;			/* the general set is in .general */
	bool narrow;			/* the kernel gave the 32-bit form of the general set (x86: a 32-bit task) */
	uint8_t peeks;			/* single words fetched since the reset */
	uint32_t known;			/* bit per enum reg: .value is valid */
	uint32_t dirty;			/* bit per enum reg: .value differs from the task */
	uint64_t value[REG_COUNT];
	uint64_t general[REGS_GENERAL_MAX];	/* general set once fetched, in the 64-bit layout */
};

/* The architecture that this program was built for. */
enum regs_arch regs_arch_host(void);

/* Bytes of the instruction that makes a call (syscall, int 0x80; svc), for who rewinds a task to make it again. */
static inline uint64_t regs_call_length(enum regs_arch arch)
{
	return arch == REGS_AARCH64 ? 4 : 2;
}

/* The abi starts as REGS_ABI_NATIVE. */
void regs_init(struct regs *r, enum regs_arch arch, const struct regs_io *io, void *ctx);
/* Forget everything, for the next stop; the abi stays. Unflushed changes are lost. */
void regs_reset(struct regs *r);
/*
 * The convention of the call at this stop; stays until changed. Set it right after regs_reset and before anything is
 * hinted, read or set: it forgets what is known. -ENOTSUP if the architecture has none such (aarch64 has only NATIVE).
 */
MUST_CHECK int regs_set_abi(struct regs *r, enum regs_abi abi);
/* Tell a value that the caller learnt in a cheaper way (PTRACE_GET_SYSCALL_INFO), so it is not fetched again. */
void regs_hint(struct regs *r, enum reg reg, uint64_t value);
/*
 * On aarch64 x0 is both the first argument and the return value: REG_ARG0 and REG_RET are one register there, and to
 * set one is to set the other.
 */
MUST_CHECK int regs_get(struct regs *r, enum reg reg, uint64_t *ret);
void regs_set(struct regs *r, enum reg reg, uint64_t value);
/* Fetch the whole general set now: for a caller that knows it will ask for many. */
MUST_CHECK int regs_fetch(struct regs *r);
/*
 * Write back what changed, in the cheapest way (single words when few, the whole set when many). On failure all stays
 * dirty.
 */
MUST_CHECK int regs_flush(struct regs *r);

/*
 * Snapshots: everything the kernel shows of a task's registers (general, floating point, vector, thread pointers), as
 * the register sets it gave. Created once, taken as often as wanted.
 */
struct regs_snapshot;

/* -ENOMEM. The owner destroys it. For x86_64 on an x86_64 host the XSAVE layout is this machine's (CPUID leaf 0xd). */
MUST_CHECK int regs_snapshot_create(enum regs_arch arch, struct regs_snapshot **ret);
void regs_snapshot_destroy(struct regs_snapshot *s);

/* Fill from a stopped task. Changes in r that were not flushed are not seen. */
MUST_CHECK int regs_snapshot_take(struct regs_snapshot *s, struct regs *r);
/* Write every set back to the task, and regs_reset(r). */
MUST_CHECK int regs_snapshot_restore(const struct regs_snapshot *s, struct regs *r);

/* Put in one set by hand (recorded ones). -EINVAL: the architecture has no such set; -E2BIG: longer than any can be. */
MUST_CHECK int regs_snapshot_put(struct regs_snapshot *s, unsigned note, const void *data, size_t len);
/* The bytes of one set as the kernel gave them, NULL if the snapshot has it not. Valid until the next take or put. */
const void *regs_snapshot_set(const struct regs_snapshot *s, unsigned note, size_t *ret_len);

/*
 * Where the XSAVE components lie, when it is not this machine's layout: offset and size per component number, from the
 * CPUID leaf 0xd of the machine that recorded. Components of size 0 are absent.
 */
struct regs_xsave_layout {
	struct {
		uint32_t offset;
		uint32_t size;
	} component[20];
};
void regs_snapshot_set_xsave_layout(struct regs_snapshot *s, const struct regs_xsave_layout *layout);
const struct regs_xsave_layout *regs_snapshot_xsave_layout(const struct regs_snapshot *s);

/*
 * Registers by name: "rax", "eflags", "st2", "mxcsr", "xmm3", "ymm3h" (the upper half), "zmm3h" (the upper 256 bits),
 * "zmm17" (all of it), "k1", "x19", "v4", "z4", "p2". Values are bytes in the machine's (little-endian) order.
 */
#define REGS_NAME_MAX 16
/* Bytes of the longest register that has a name (an AMX tile; SVE at 2048 bits has 256). */
#define REGS_VALUE_MAX 1024

/* Copy a register's value to buf. Its size, or -ENOENT: the snapshot holds no such register. */
MUST_CHECK int regs_snapshot_get(const struct regs_snapshot *s, const char *name, uint8_t buf[REGS_VALUE_MAX]);
/*
 * Change one register in the snapshot (regs_snapshot_restore makes it true). size as regs_snapshot_get gives it, or
 * shorter: the rest stays. -ENOENT: no such register here.
 */
MUST_CHECK int regs_snapshot_change(struct regs_snapshot *s, const char *name, const void *value, size_t size);

/* a and b are valid during the call only. */
typedef void regs_diff_fn(void *ctx, const char *name, const void *a, const void *b, size_t size);

/*
 * Name every register that both snapshots hold and that differs; fn may be NULL. Returns how many. Equal sets cost one
 * memcmp each. Both must be of one architecture.
 */
size_t regs_snapshot_diff(const struct regs_snapshot *a, const struct regs_snapshot *b, regs_diff_fn *fn, void *ctx);

/* Call fn(ctx, name, value, value, size) for every register of a snapshot, in a fixed order. */
void regs_snapshot_each(const struct regs_snapshot *s, regs_diff_fn *fn, void *ctx);

#endif
