/*
 * What the stub in a guest and the supervisor share: plain C and fixed layout.
 *
 * The stub's room is what is left of the last page of the loader's image, and private to the process: the supervisor
 * writes into it (by ptrace's right) where the stub's memory is, and the trampolines of patched call sites. The line is
 * a memfd mapped by both: a header and slots, each for one call at a time.
 */
#ifndef TRAPLINE_TRACER_LOADER_LINE_H
#define TRAPLINE_TRACER_LOADER_LINE_H

#include <stdint.h>

#define STUB_SITES 16
#define STUB_TRAMPOLINE_SIZE 64

/* Zeros in the image: behind the end of its file. */
struct stub_room {
	uint64_t control;	/* struct stub_control of this process; 0: none yet */
	uint64_t refused;	/* there will be none */
	uint8_t unused[48];
	uint8_t trampolines[STUB_SITES][STUB_TRAMPOLINE_SIZE];
};

/* Anonymous memory of the guest's own; after a fork it reads as zeros. */
struct stub_control {
	uint64_t line;		/* where the line is mapped; 0: nowhere */
	uint32_t asking;	/* a thread is about to get one */
	uint32_t calls;		/* before the child of a fork gets one */
};

enum { STUB_CALLS_BEFORE_LINE = 16 };	/* of the child of a fork */

#define LINE_SLOTS 4
#define LINE_PATH 4096
#define LINE_OUT 4096

enum line_state { LINE_FREE, LINE_POSTED, LINE_TAKEN, LINE_DONE };

/* Written by the stub, but for what is answered. */
struct line_slot {
	uint32_t held;		/* by a thread in the stub */
	uint32_t state;		/* enum line_state; a futex */
	uint32_t sleeps;	/* the stub waits on .state */
	uint32_t tid;
	uint32_t nr;
	uint32_t path_len;	/* with its NUL, if that is there */
	uint64_t args[6];
	/* the answer */
	uint32_t handled;	/* 0: the call is to be made */
	uint32_t out_len;	/* bytes of .out for .out_addr */
	uint64_t out_addr;
	int64_t value;
	uint8_t unused[128 - 6 * 4 - 6 * 8 - 2 * 4 - 2 * 8];
	char path[LINE_PATH];
	char out[LINE_OUT];
};

struct line {
	uint32_t bells;		/* bit i: slot i was posted */
	uint32_t awake;		/* somebody looks at .bells all the time */
	uint8_t unused[4096 - 8];
	struct line_slot slots[LINE_SLOTS];
};

/* In the image's reserved range: the control page, then the line, in whole pages. */
#define STUB_CONTROL_SIZE 4096
#define STUB_LINE_SIZE ((sizeof(struct line) + 4095) & ~UINT64_C(4095))
#define STUB_RESERVED_SIZE (STUB_CONTROL_SIZE + STUB_LINE_SIZE)

/* What a trampoline says of its site: the call's number, and which argument is a path. */
#define STUB_SITE(nr, path_arg) ((uint32_t)(nr) | (uint32_t)((path_arg) + 1) << 16)
#define STUB_SITE_NR(site) ((site) & 0xffff)
#define STUB_SITE_PATH(site) ((int)((site) >> 16) - 1)	/* -1: none */

#endif
