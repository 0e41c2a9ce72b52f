/* Stacks of stopped tasks: frames by libunwind over ptrace, symbols and lines by libdw. Trap thread only. */
#ifndef TRAPLINE_TRACER_UNWIND_H
#define TRAPLINE_TRACER_UNWIND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"
#include "base/strbuf.h"

struct unwinder;

MUST_CHECK int unwinder_create(struct unwinder **ret);
void unwinder_destroy(struct unwinder *u);
/* Append the stack of a stopped task in the form of RECORD_STACK (observe/record.h). At most 256 frames. */
MUST_CHECK int unwind_stack(struct unwinder *u, pid_t tid, pid_t tgid, struct strbuf *out);
/* The same of a task whose frames libunwind cannot find: where it is, and no more. */
void unwind_innermost(struct unwinder *u, pid_t tgid, uint64_t ip, struct strbuf *out);
/* The process has other mappings (mmap, munmap): look again before the next stack. */
void unwinder_mappings_changed(struct unwinder *u, pid_t tgid);
/* It is another program (execve), or has ended. */
void unwinder_forget(struct unwinder *u, pid_t tgid);

#endif
