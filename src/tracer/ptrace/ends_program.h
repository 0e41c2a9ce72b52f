/*
 * The kernel's half of ends.h: a BPF program at the tracepoint sys_exit (bpf(2); kernel/trace/bpf_trace.c) and the
 * memory that it shares with us. It looks at each end of a call on the machine, and writes down those whose task has an
 * armed slot.
 */
#ifndef TRAPLINE_TRACER_PTRACE_ENDS_PROGRAM_H
#define TRAPLINE_TRACER_PTRACE_ENDS_PROGRAM_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"

enum {
	ENDS_SLOTS = 2048,	/* a power of two: a task's is the one by its id, if no other has it */
	ENDS_DATA = 256,	/* bytes of the guest's memory that one end may bring along */
};

/*
 * What the program is told of a task's call, and what it tells of its end. Ours while .armed is 0 or the task stands
 * still.
 */
struct end_slot {
	_Atomic uint32_t tid;		/* whose it is; 0: free */
	_Atomic uint32_t armed;		/* 1: the next end is written down, then 0 */
	_Atomic uint32_t tells;		/* it is told through the ring, too */
	uint32_t by_result;		/* .want is the least of itself and the result */
	uint32_t want;			/* bytes at .addr to be brought along if the call succeeds; 0: none */
	uint32_t got;			/* that were: .want or 0 */
	uint64_t addr;
	int64_t result;
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	_Atomic uint64_t since_ns;	/* when it was armed; not the program's */
	uint64_t unused;
	uint8_t data[ENDS_DATA];
};

struct ends_program {
	int slots_fd, ring_fd, program_fd, link_fd;	/* owned */
	struct end_slot *slots;				/* ENDS_SLOTS of them, mapped */
	_Atomic unsigned long *consumed;		/* the ring's own page of ours */
};

/* Whether the kernel lets us: one system call. 0, or the negative errno that it gave. */
MUST_CHECK int ends_program_allowed(void);
/* Load and attach. A negative errno: of bpf(2), or of what it needs. Nothing is left then. */
MUST_CHECK int ends_program_open(struct ends_program *ret);
/* Poll .ring_fd for input: some end was told of. What was told is dropped here. */
void ends_program_drain(struct ends_program *p);
void ends_program_close(struct ends_program *p);

#endif
