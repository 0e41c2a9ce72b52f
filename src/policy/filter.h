/*
 * From "this number gets this answer" to a seccomp filter.
 *
 * The program checks the audit architecture first, then finds the number by binary search over ranges of equal
 * actions. Arguments are loaded only behind a number whose action is a chain, so every other ALLOW is decided by
 * architecture and number alone, and the kernel's action cache (a bitmap of always-allowed numbers, Linux 5.11)
 * lets those calls through without running the program at all.
 *
 * Why not libseccomp, whose filters the tests compare these with, call by call:
 *   - Its rules have no order: after "errno EPERM write" there is no "native write when fd == 1" before it. First match
 *     wins is the language's promise, so each rule would have to carry the negation of those before it, and a
 *     conjunction has none.
 *   - It gives an answer to a name that it knows: not to a range of numbers (ENOSYS for what no table knows, EPERM for
 *     the rest), not to calls that are newer than itself, not to one ABI otherwise than to another.
 *   - Size and speed. For containers-common's profile (tests/unit/test_filter_libseccomp.c prints and holds this;
 *     libseccomp 2.5.4): 350 instructions against 1 426 with its binary tree and 1 144 without; a call that the action
 *     cache does not answer takes 12 steps at the mean against 17 and 589; made in 1 ms against 52. 300 values of one
 *     argument: at most 25 steps against 310. 4 096 instructions are all there is, and 3 000 values fit into them.
 */
#ifndef TRAPLINE_POLICY_FILTER_H
#define TRAPLINE_POLICY_FILTER_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

/*
 * An action is what a filter returns: SECCOMP_RET_* with its data (SECCOMP_RET_ERRNO | ENOSYS, SECCOMP_RET_TRACE | 7),
 * or FILTER_CHAIN(i): chain i of the specification decides by arguments.
 */
#define FILTER_CHAIN_BIT UINT32_C(0x40000000)	/* no SECCOMP_RET_* value has it alone in the high half */
#define FILTER_CHAIN(index) (FILTER_CHAIN_BIT | (uint32_t)(index))

static inline bool filter_action_is_chain(uint32_t action)
{
	return (action & SECCOMP_RET_ACTION_FULL) == FILTER_CHAIN_BIT;
}

enum filter_op {
	FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE,
};

/* "argument & mask OP value". The kernel ignores the upper half of a 32-bit parameter, so the test does too. */
struct filter_test {
	uint8_t arg;		/* 0 to 5 */
	uint8_t op;		/* enum filter_op */
	uint8_t bits;		/* 32 or 64 */
	bool is_signed;		/* for LT, LE, GT, GE */
	uint64_t mask;		/* all ones: none */
	uint64_t value;
};

/* Holds when any of its tests does; an empty clause never holds. */
struct filter_clause {
	const struct filter_test *tests;
	size_t count;
};

/* Applies when all of its clauses hold; a rule without clauses always applies. */
struct filter_rule {
	const struct filter_clause *clauses;
	size_t count;
	uint32_t action;
};

/* The first rule that applies answers. */
struct filter_chain {
	const struct filter_rule *rules;
	size_t count;
	uint32_t otherwise;	/* when none does */
};

/* The numbers of one ABI. x32 shares x86_64's audit architecture; its numbers are given without bit 30. */
struct filter_abi {
	uint32_t audit_arch;		/* AUDIT_ARCH_* */
	bool x32;
	const uint32_t *actions;	/* one for each number below .count */
	size_t count;
	uint32_t unknown;		/* numbers at or above .count, and negative ones: never a chain */
};

/*
 * A number that no system call has. A tracer that puts it in place of a call's, at a SECCOMP_RET_TRACE stop, has the
 * kernel run the filter again, which then kills as only a filter can: by SIGSYS, whatever handlers the process has.
 */
#define FILTER_KILL_NR 0x3fff5157

struct filter_spec {
	const struct filter_abi *abis;
	size_t abi_count;
	const struct filter_chain *chains;
	size_t chain_count;
	bool kills;		/* FILTER_KILL_NR means that, through every ABI but x32 */
	uint32_t other_abi;	/* a call through an ABI that .abis does not have: never a chain */
};

struct filter_prog {
	struct sock_filter *insns;	/* owned */
	size_t count;
};

/*
 * Build the program. 0; -EINVAL when the specification contradicts itself (no ABI, a chain that is not there, an ABI
 * twice); -E2BIG when it would pass the kernel's 4 096 instructions; -ENOMEM.
 */
MUST_CHECK int filter_build(const struct filter_spec *spec, struct filter_prog *ret);
void filter_prog_finish(struct filter_prog *prog);

/*
 * How many instructions a chain takes when nothing is shared with its neighbours (an upper bound), for choosing
 * what to leave to user space.
 */
size_t filter_chain_size(const struct filter_chain *chain);

/*
 * seccomp(SECCOMP_SET_MODE_FILTER, flags) on the calling thread, which has set no_new_privs or has CAP_SYS_ADMIN.
 * 0, the listener's descriptor (owned by the caller, close-on-exec) with SECCOMP_FILTER_FLAG_NEW_LISTENER, or a
 * negative errno. Async-signal-safe: may run between fork and exec.
 */
MUST_CHECK int filter_install(const struct filter_prog *prog, unsigned flags);

#endif
