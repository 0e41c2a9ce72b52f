/*
 * What a seccomp filter answers, without a kernel: an interpreter of the classic BPF that seccomp(2) accepts
 * (kernel/seccomp.c, seccomp_check_filter), with the kernel's checks on the program.
 */
#ifndef TRAPLINE_POLICY_SIM_H
#define TRAPLINE_POLICY_SIM_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

/* 0 when the kernel would take the program; else -EINVAL. */
MUST_CHECK int sim_check(const struct sock_filter *insns, size_t count);

/*
 * The action for one call; the program must have passed sim_check. *ret_steps (may be NULL) is the number of
 * instructions that ran.
 */
uint32_t sim_run(const struct sock_filter *insns, size_t count, const struct seccomp_data *data, size_t *ret_steps);

/*
 * Whether the kernel's action cache takes the number: the program says ALLOW having read nothing but architecture and
 * number (kernel/seccomp.c, seccomp_is_const_allow, Linux 5.11).
 */
bool sim_is_const_allow(const struct sock_filter *insns, size_t count, uint32_t arch, int nr);

#endif
