/* The auxiliary vector of a program that has just been executed: ids that are emulated must be told there too. */
#ifndef TRAPLINE_TRACER_AUXV_H
#define TRAPLINE_TRACER_AUXV_H

#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"

struct cred;

/*
 * Write AT_UID, AT_EUID, AT_GID and AT_EGID (getauxval(3)) of a 64-bit program stopped at the end of its execve, whose
 * stack pointer is sp. -EFAULT if the stack is not as fs/binfmt_elf.c leaves it, -ESRCH.
 */
MUST_CHECK int auxv_set_ids(pid_t tid, uint64_t sp, const struct cred *cred);

#endif
