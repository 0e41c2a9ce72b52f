#include "kernel/task/elf.h"

#include <elf.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

enum { HEADERS_MAX = 65536 };	/* of fs/binfmt_elf.c */

/* A file, whose beginning was read already: mostly all that is asked for is there. */
struct source {
	int fd;
	size_t len;
	_Alignas(16) char head[2048];
};

/* No user address is as high on any machine that we run on (48 bits, of which the kernel has half, or all of 48). */
static const uint64_t address_limit = UINT64_C(1) << 48;

/* len bytes exactly. -ENOEXEC: the file is shorter. */
static int read_at(const struct source *s, void *to, size_t len, uint64_t offset)
{
	if (offset > INT64_MAX - len)
		return -ENOEXEC;
	if (offset + len <= s->len) {
		memcpy(to, s->head + offset, len);
		return 0;
	}
	ssize_t n = pread(s->fd, to, len, (off_t)offset);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

static int check_header(const Elf64_Ehdr *h, uint16_t machine)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != machine)
		return -ENOEXEC;
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return -ENOEXEC;
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum > HEADERS_MAX / sizeof(Elf64_Phdr))
		return -ENOEXEC;
	return 0;
}

static int prot_of(uint32_t flags)
{
	return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

static int add_segment(struct elf_image *e, const Elf64_Phdr *p, uint64_t page)
{
	if (!p->p_memsz)
		return 0;
	if (p->p_filesz > p->p_memsz || p->p_memsz >= address_limit || p->p_vaddr >= address_limit - p->p_memsz)
		return -ENOEXEC;
	if (p->p_filesz > INT64_MAX || p->p_offset > (uint64_t)INT64_MAX - p->p_filesz)
		return -ENOEXEC;
	if ((p->p_offset ^ p->p_vaddr) & (page - 1) || e->segment_count == ELF_SEGMENTS_MAX)
		return -ENOEXEC;
	e->segments[e->segment_count++] = (struct elf_segment){
		.addr = p->p_vaddr, .size = p->p_memsz, .offset = p->p_offset, .file_size = p->p_filesz,
		.prot = prot_of(p->p_flags),
	};
	uint64_t start = p->p_vaddr & ~(page - 1);
	if (e->segment_count == 1 || start < e->start)
		e->start = start;
	if (p->p_vaddr + p->p_memsz > e->end)
		e->end = p->p_vaddr + p->p_memsz;
	/* One that is no power of two is ignored, as are the page-sized ones. */
	if (p->p_align > e->align && !(p->p_align & (p->p_align - 1)) && p->p_align < address_limit)
		e->align = p->p_align;
	return 0;
}

static int read_interp(struct elf_image *e, const struct source *s, const Elf64_Phdr *p)
{
	if (*e->interp)
		return 0;
	if (p->p_filesz < 2 || p->p_filesz > ELF_INTERP_MAX)
		return -ENOEXEC;
	int r = read_at(s, e->interp, p->p_filesz, p->p_offset);
	if (r == 0 && e->interp[p->p_filesz - 1])
		return -ENOEXEC;
	/* An empty name is one that no file has. */
	if (r == 0 && !*e->interp)
		return -ENOENT;
	return r;
}

static int take_headers(struct elf_image *e, const struct source *s, const Elf64_Ehdr *h, const Elf64_Phdr *p)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int r = 0;
	e->align = page;
	for (unsigned i = 0; i < h->e_phnum && r == 0; i++) {
		if (p[i].p_type == PT_LOAD)
			r = add_segment(e, &p[i], page);
		else if (p[i].p_type == PT_INTERP)
			r = read_interp(e, s, &p[i]);
		else if (p[i].p_type == PT_GNU_STACK)
			e->exec_stack = p[i].p_flags & PF_X;
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < e->segment_count; i++) {
		const struct elf_segment *g = &e->segments[i];
		if (g->offset <= h->e_phoff && h->e_phoff - g->offset < g->file_size)
			e->phdr = h->e_phoff - g->offset + g->addr;
	}
	return e->segment_count ? 0 : -ENOEXEC;
}

int elf_read(int fd, uint16_t machine, struct elf_image *ret)
{
	Elf64_Ehdr h;
	struct source s = {.fd = fd};
	*ret = (struct elf_image){.fd = -1};
	ssize_t n = pread(fd, s.head, sizeof(s.head), 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	s.len = (size_t)n;
	int r = read_at(&s, &h, sizeof(h), 0);
	if (r == 0)
		r = check_header(&h, machine);
	if (r < 0)
		return r;
	size_t size = (size_t)h.e_phnum * sizeof(Elf64_Phdr);
	AUTO_FREE Elf64_Phdr *headers = malloc(size);
	if (!headers)
		return -ENOMEM;
	r = read_at(&s, headers, size, h.e_phoff);
	if (r == 0)
		r = take_headers(ret, &s, &h, headers);
	if (r < 0)
		return r;
	ret->moves = h.e_type == ET_DYN;
	ret->entry = h.e_entry;
	ret->phnum = h.e_phnum;
	ret->fd = fd;
	return 0;
}
