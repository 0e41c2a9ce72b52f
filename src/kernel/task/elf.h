/*
 * What execve(2) needs to know of an ELF file. Every number of the file is looked at before it is used: nothing in it
 * can make us read or compute beyond what we have (fs/binfmt_elf.c has the same rules).
 */
#ifndef TRAPLINE_KERNEL_TASK_ELF_H
#define TRAPLINE_KERNEL_TASK_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

enum { ELF_SEGMENTS_MAX = 32, ELF_INTERP_MAX = 4096 };

/* A PT_LOAD. file_size <= size; offset and addr agree in their lowest bits. */
struct elf_segment {
	uint64_t addr, size;
	uint64_t offset, file_size;
	int prot;		/* PROT_* */
};

struct elf_image {
	int fd;			/* the file, for reading; owned; -1: none */
	bool moves;		/* ET_DYN */
	bool exec_stack;
	uint64_t entry;
	uint64_t phdr;		/* address of the program headers; 0: in no segment */
	unsigned phnum;
	uint64_t align;		/* of the whole; a power of two, at least a page */
	uint64_t start, end;	/* of all segments, as addresses in the file; start at a page */
	size_t segment_count;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
	char interp[ELF_INTERP_MAX];	/* PT_INTERP; "": none */
};

/*
 * Read the headers from fd, which is taken over on success. -ENOEXEC: not a program of this machine (EM_*); or an errno
 * of reading it.
 */
MUST_CHECK int elf_read(int fd, uint16_t machine, struct elf_image *ret);

#endif
