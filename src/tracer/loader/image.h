/*
 * The loader's image, and what the supervisor tells it: shared by both, so plain C and fixed layout.
 *
 *   0x00000  ELF header, the path that the image is executed by (of the supervisor's /proc), code: all that stays
 *            mapped
 *            behind it the stub's room (line.h), where there is a stub, mapped with the code
 *   0x04000  where the stub maps its memory, so that it takes no place that the program may want; stays, too
 *   0x10000  struct loader_param, written by the supervisor while the task stands at the end of its execve
 *            ... and at its end the loader's own stack. Not in the file: RLIMIT_FSIZE is for that, too
 */
#ifndef TRAPLINE_TRACER_LOADER_IMAGE_H
#define TRAPLINE_TRACER_LOADER_IMAGE_H

#include <stdint.h>

#define LOADER_PATH_OFFSET 0x140
#define LOADER_PATH_SIZE 192		/* padded with slashes: so much room for the program's own name on its stack */
#define LOADER_CODE_OFFSET 0x200
#define LOADER_RESERVED_OFFSET 0x4000	/* nothing can be read there until the stub maps what it needs (line.h) */
#define LOADER_PARAM_OFFSET 0x10000
#define LOADER_PARAM_SIZE 0x10000	/* a page at most, on any machine */
#define LOADER_STACK_SIZE 0x4000	/* of these, at the end */

/*
 * The loader's private calls are openat(LOADER_CALL, what), which a filter that a guest has put on itself hardly
 * forbids; and if something does, nfsservctl(LOADER_CALL, what), which no kernel has had since Linux 3.1 and no policy
 * thinks of.
 */
#define LOADER_CALL 0x74726170
enum loader_ask { LOADER_ASK_PROGRAM, LOADER_ASK_INTERP, LOADER_ASK_DONE, LOADER_ASK_RETURN, LOADER_ASK_LINE };

/*
 * The answer to LOADER_ASK_PROGRAM has the interpreter's descriptor too, plus one, from this bit on. 0: it has not, and
 * is asked for by itself.
 */
#define LOADER_INTERP_SHIFT 32

/*
 * In the answer: the descriptor took the place of one of the program's, which is put back by LOADER_ASK_RETURN once it
 * is closed.
 */
#define LOADER_BORROWED 0x40000000

enum loader_op_kind { LOADER_MAP, LOADER_ANON, LOADER_ZERO, LOADER_UNMAP };

/* Addresses are the file's: the object's bias is added. */
struct loader_op {
	uint64_t addr, len, offset;
	uint32_t prot, kind;
};

struct loader_object {
	uint64_t hint;		/* where it should be; 0: anywhere */
	uint64_t random;	/* added to the hint if the guest's addresses are random */
	uint64_t start, size;	/* of the whole, in pages; size 0: the addresses are as the file says */
	uint64_t align;
	uint64_t entry;
	uint32_t ask, op_count;	/* LOADER_ASK_*; its operations follow those of the object before */
};

struct loader_param {
	struct loader_object program, interp;	/* interp.op_count 0: none */
	uint64_t phdr, phnum;
	uint64_t code_start, code_end, data_start, data_end;	/* for /proc; the program's */
	uint64_t brk_start, brk_random;	/* brk_start 0: where the kernel has put it */
	uint32_t ids[4];		/* uid, euid, gid, egid as the program is told */
	uint32_t exec_stack, say_done;
	uint32_t random;		/* addresses are (personality(2), kernel.randomize_va_space) */
	uint32_t prefix_count, prefix_size;	/* strings in the place of argv[0] */
	uint32_t name_size;		/* of AT_EXECFN, with its NUL */
	char comm[16];
	/* struct loader_op[program.op_count + interp.op_count], prefix strings, name */
};

#endif
