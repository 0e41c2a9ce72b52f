/*
 * Guest memory of a task, by its tid. All functions: 0 (or a length), -EFAULT for bad addresses, -ESRCH when the task
 * is gone.
 */
#ifndef TRAPLINE_TRACER_MEMORY_H
#define TRAPLINE_TRACER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"

/* len bytes exactly. */
MUST_CHECK int memory_read(pid_t tid, uint64_t addr, void *buf, size_t len);
/* The same, with the right to attach to the task alone, and not that of being its tracer already. */
MUST_CHECK int memory_read_as_stranger(pid_t tid, uint64_t addr, void *buf, size_t len);
/* len bytes exactly; on -EFAULT a prefix may have been written, as copy_to_user does. */
MUST_CHECK int memory_write(pid_t tid, uint64_t addr, const void *buf, size_t len);
/*
 * The same by ptrace(2), in the thread that traces the stopped task: also where the guest itself may not write, as
 * debuggers do it.
 */
MUST_CHECK int memory_poke(pid_t tid, uint64_t addr, const void *buf, size_t len);
/*
 * A string of at most max bytes without its NUL; *ret_complete tells whether the NUL was seen. Returns the bytes
 * stored, or -EFAULT when memory ends before the NUL or max bytes.
 */
MUST_CHECK ssize_t memory_read_string(pid_t tid, uint64_t addr, char *buf, size_t max, bool *ret_complete);

#endif
