/*
 * The program that guests execute in the place of theirs: it maps the one that they meant, as fs/binfmt_elf.c would
 * have, and is gone but for the page of its code. Freestanding, position-independent without relocations; it has no
 * memory but its parameters. The kernel has made the address space, the stack and the auxiliary vector already.
 */
#include "loader.h"

#include <linux/mman.h>
#include <linux/prctl.h>

#include "call.h"

struct entry {
	uint64_t sp, pc;
};

struct entry loader_main(uint64_t *sp, struct loader_param *p);

/* By words: what is cleared is half a page, mostly. */
static void clear(uint64_t addr, uint64_t len)
{
	const uint64_t end = addr + len;
	for (; addr < end && addr % sizeof(uint64_t); addr++)
		*(volatile unsigned char *)addr = 0;
	for (; end - addr >= sizeof(uint64_t); addr += sizeof(uint64_t))
		*(volatile uint64_t *)addr = 0;
	for (; addr < end; addr++)
		*(volatile unsigned char *)addr = 0;
}

static bool failed(long r)
{
	return r < 0 && r >= -4095;
}

static long map(uint64_t addr, uint64_t len, uint32_t prot, int flags, long fd, uint64_t offset)
{
	return call6(NR_mmap, (long)addr, (long)len, (long)prot, flags, fd, (long)offset);
}

/* ---- mapping ---- */

static void unmap(uint64_t addr, uint64_t len)
{
	if (len)
		(void)call6(NR_munmap, (long)addr, (long)len, 0, 0, 0, 0);
}

/* Where its pages of the file begin, the first segment of an object may take the room for all of it, as in elf_map. */
static bool begins_with_file(const struct loader_object *o, const struct loader_op *first)
{
	return o->op_count && first->kind == LOADER_MAP && first->addr == o->start;
}

/*
 * Room for an object that may be anywhere: what is to be added to its addresses. *ret_done: operations that are done by
 * that.
 */
static uint64_t reserve(const struct loader_object *o, const struct loader_op *first, bool random, long fd, uint32_t *ret_done)
{
	uint64_t hint = o->hint ? o->hint + (random ? o->random : 0) : 0;
	uint64_t spare = o->align > 4096 ? o->align : 0;
	const int none = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	bool file = begins_with_file(o, first) && (hint || !spare);
	const int flags = file ? MAP_PRIVATE : none;
	uint32_t prot = file ? first->prot : PROT_NONE;
	uint64_t offset = file ? first->offset : 0;
	long at = -1;
	if (hint) {
		hint = ((hint - o->start) & ~(o->align - 1)) + o->start;
		at = map(hint, o->size, prot, flags | MAP_FIXED_NOREPLACE, file ? fd : -1, offset);
	} else if (file) {
		at = map(0, o->size, prot, flags, fd, offset);
	}
	*ret_done = file;
	if (!failed(at) && (!hint || (uint64_t)at == hint))
		return (uint64_t)at - o->start;
	if (!failed(at))
		unmap((uint64_t)at, o->size);	/* a kernel that takes the address for a wish */
	*ret_done = 0;
	at = map(0, o->size + spare, PROT_NONE, none, -1, 0);
	if (failed(at))
		die();
	uint64_t start = (uint64_t)at;
	uint64_t wanted = ((start - o->start + o->align - 1) & ~(o->align - 1)) + o->start;
	if (!spare)
		wanted = start;
	unmap(start, wanted - start);
	unmap(wanted + o->size, spare - (wanted - start));
	return wanted - o->start;
}

/* first: of an object whose addresses are fixed, which must not fall on anything; the rest may overlap it. */
static void carry_out(const struct loader_op *op, uint64_t bias, bool first, long fd)
{
	uint64_t addr = bias + op->addr;
	int flags = MAP_PRIVATE | (first ? MAP_FIXED_NOREPLACE : MAP_FIXED);
	long r = (long)addr;
	switch (op->kind) {
	case LOADER_MAP:
		r = map(addr, op->len, op->prot, flags, fd, op->offset);
		break;
	case LOADER_ANON:
		r = map(addr, op->len, op->prot, flags | MAP_ANONYMOUS, -1, 0);
		break;
	case LOADER_ZERO:
		clear(addr, op->len);
		break;
	default:
		unmap(addr, op->len);
		break;
	}
	if ((uint64_t)r != addr)
		die();
}

static long ask(uint32_t what)
{
	long r = call6(NR_openat, LOADER_CALL, what, 0, 0, 0, 0);
	return failed(r) ? call6(NR_nfsservctl, LOADER_CALL, what, 0, 0, 0, 0) : r;
}

static uint64_t load(const struct loader_object *o, const struct loader_op *ops, bool random, long fd)
{
	if (failed(fd))
		die();
	bool borrowed = fd & LOADER_BORROWED;
	uint32_t done = 0;
	fd &= ~(long)LOADER_BORROWED;
	uint64_t bias = o->size ? reserve(o, ops, random, fd, &done) : 0;
	for (uint32_t i = done; i < o->op_count; i++)
		carry_out(&ops[i], bias, !o->size && i == 0, fd);
	(void)call6(NR_close, fd, 0, 0, 0, 0, 0);
	if (borrowed)
		(void)ask(LOADER_ASK_RETURN);
	return bias;
}

/* ---- what /proc tells of the program, where the kernel lets us say it ---- */

static uint64_t end_of_strings(uint64_t *pointers, uint64_t otherwise)
{
	uint64_t end = otherwise;
	for (; *pointers; pointers++)
		end = *pointers + length((const char *)*pointers) + 1;
	return end;
}

static void tell_proc(const struct loader_param *p, const struct stack *s, uint64_t bias, bool random)
{
	uint64_t brk = p->brk_start ? bias + p->brk_start + (random ? p->brk_random : 0) :
		       (uint64_t)call6(NR_brk, 0, 0, 0, 0, 0, 0);
	struct prctl_mm_map map = {
		.start_code = bias + p->code_start, .end_code = bias + p->code_end,
		.start_data = bias + p->data_start, .end_data = bias + p->data_end,
		.start_brk = brk, .brk = brk, .start_stack = (uint64_t)s->sp,
		.auxv = (void *)s->aux, .auxv_size = (uint32_t)((uint64_t)s->end - (uint64_t)s->aux), .exe_fd = (uint32_t)-1,
	};
	map.arg_start = s->argc ? s->argv[0] : s->envp[0] ? s->envp[0] : (uint64_t)s->end;
	map.arg_end = map.env_start = end_of_strings(s->argv, map.arg_start);
	map.env_end = end_of_strings(s->envp, map.env_start);
	(void)call6(NR_prctl, PR_SET_MM, PR_SET_MM_MAP, (long)&map, sizeof(map), 0, 0);
	(void)call6(NR_prctl, PR_SET_NAME, (long)p->comm, 0, 0, 0, 0);
}

static void set_aux(const struct loader_param *p, const struct stack *s, uint64_t bias, uint64_t interp_bias,
		    uint64_t name_at)
{
	static const unsigned char types[] = {AT_UID, AT_EUID, AT_GID, AT_EGID};
	for (unsigned i = 0; i < sizeof(types); i++)
		stack_set_aux(s, types[i], p->ids[i]);
	stack_set_aux(s, AT_SECURE, 0);
	stack_set_aux(s, AT_PHDR, p->phdr ? bias + p->phdr : 0);
	stack_set_aux(s, AT_PHNUM, p->phnum);
	stack_set_aux(s, AT_BASE, interp_bias);
	stack_set_aux(s, AT_ENTRY, bias + p->program.entry);
	stack_set_aux(s, AT_EXECFN, name_at);
}

static void allow_exec_stack(const struct stack *s)
{
	uint64_t page = stack_aux(s, AT_PAGESZ) ? stack_aux(s, AT_PAGESZ)->a_un.a_val : 4096;
	uint64_t to = (stack_aux(s, AT_EXECFN)->a_un.a_val | (page - 1)) + 1;
	uint64_t from = (uint64_t)s->sp & ~(page - 1);
	(void)call6(NR_mprotect, (long)from, (long)(to - from), PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN, 0, 0, 0);
}

struct entry loader_main(uint64_t *sp, struct loader_param *p)
{
	const struct loader_op *ops = (const struct loader_op *)(p + 1);
	const char *prefix = (const char *)(ops + p->program.op_count + p->interp.op_count);
	bool random = p->random;
	struct stack s;
	uint64_t bias, interp_bias = 0;
	long fd = ask(LOADER_ASK_PROGRAM);
	long second = failed(fd) ? 0 : fd >> LOADER_INTERP_SHIFT;
	bias = load(&p->program, ops, random, failed(fd) ? fd : (long)(uint32_t)fd);
	if (p->interp.op_count)
		interp_bias = load(&p->interp, ops + p->program.op_count, random, second ? second - 1 : ask(LOADER_ASK_INTERP));
	stack_look(sp, &s);
	uint64_t name_at = stack_add_strings(p, prefix, &s);
	set_aux(p, &s, bias, interp_bias, name_at);
	if (p->exec_stack)
		allow_exec_stack(&s);
	tell_proc(p, &s, bias, random);
	if (p->say_done)
		(void)ask(LOADER_ASK_DONE);
	uint64_t entry = p->interp.op_count ? interp_bias + p->interp.entry : bias + p->program.entry;
	return (struct entry){.sp = (uint64_t)s.sp, .pc = entry};
}
