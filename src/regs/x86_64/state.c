/*
 * x86_64: the registers of the full state and where they lie.
 *
 * NT_X86_XSTATE is the XSAVE image in the standard (not compacted) form, whatever form the kernel saved in: 512 bytes
 * of the FXSAVE layout, a header of 64 bytes that begins with XSTATE_BV, then one component after the other at the
 * offsets that CPUID leaf 0xd gives. They differ between makers (AMD has no MPX gap), so they belong to the machine
 * that recorded. Linux keeps XCR0 in the bytes that the processor leaves to software, at offset 464
 * (arch/x86/kernel/fpu/regset.c, struct user_xstateregs).
 */
#include <string.h>

#include "regs/layout.h"
#include "regs/x86_64/layout.h"

#define XSAVE_XCR0 464
#define XSAVE_XSTATE_BV 512
#define XSAVE_LEGACY_SIZE 512
#define XSAVE_HEADER_END 576
/* All components of today's processors with 8 KiB of AMX tiles, and room for more. */
#define XSAVE_MAX 16384

/* Where a group lies: the components of XSAVE by number; legacy parts and the general set behind them. */
enum x86_64_where {
	WHERE_AVX = 2,
	WHERE_OPMASK = 5,
	WHERE_ZMM_HI256 = 6,
	WHERE_HI16_ZMM = 7,
	WHERE_PKRU = 9,
	WHERE_TILECFG = 17,
	WHERE_TILEDATA = 18,
	WHERE_APX = 19,
	WHERE_LEGACY = 64,
	WHERE_GENERAL,
};

const struct regs_set_desc regs_sets_x86_64[X86_64_SETS] = {
	{.note = REGS_NT_PRSTATUS, .max = X86_64_WORDS * sizeof(uint64_t)},
	{.note = REGS_NT_X86_XSTATE, .max = XSAVE_MAX, .optional = true},
	/* Processors without XSAVE: x87 and SSE only. */
	{.note = REGS_NT_PRFPREG, .max = XSAVE_LEGACY_SIZE, .optional = true, .fallback_of = REGS_NT_X86_XSTATE},
};

#define SET_GENERAL 0
#define SET_XSTATE 1
#define SET_FPREG 2

#define GENERAL(name, word) {.prefix = name, .where = WHERE_GENERAL, .offset = 8 * (word), .size = 8}
#define LEGACY(name, at, bytes) {.prefix = name, .where = WHERE_LEGACY, .offset = at, .size = bytes}

static const struct regs_group groups[] = {
	GENERAL("rax", X86_64_RAX), GENERAL("rbx", X86_64_RBX), GENERAL("rcx", X86_64_RCX), GENERAL("rdx", X86_64_RDX),
	GENERAL("rsi", X86_64_RSI), GENERAL("rdi", X86_64_RDI), GENERAL("rbp", X86_64_RBP), GENERAL("rsp", X86_64_RSP),
	GENERAL("r8", X86_64_R8), GENERAL("r9", X86_64_R9), GENERAL("r10", X86_64_R10), GENERAL("r11", X86_64_R11),
	GENERAL("r12", X86_64_R12), GENERAL("r13", X86_64_R13), GENERAL("r14", X86_64_R14), GENERAL("r15", X86_64_R15),
	GENERAL("orig_rax", X86_64_ORIG_RAX), GENERAL("rip", X86_64_RIP), GENERAL("eflags", X86_64_EFLAGS),
	GENERAL("cs", X86_64_CS), GENERAL("ss", X86_64_SS), GENERAL("ds", X86_64_DS), GENERAL("es", X86_64_ES),
	GENERAL("fs", X86_64_FS), GENERAL("gs", X86_64_GS), GENERAL("fs_base", X86_64_FS_BASE),
	GENERAL("gs_base", X86_64_GS_BASE),
	LEGACY("fcw", 0, 2), LEGACY("fsw", 2, 2), LEGACY("ftw", 4, 1), LEGACY("fop", 6, 2),
	LEGACY("fip", 8, 8), LEGACY("fdp", 16, 8),
	{.prefix = "st", .count = 8, .where = WHERE_LEGACY, .offset = 32, .stride = 16, .size = 10},
	LEGACY("mxcsr", 24, 4),
	{.prefix = "xmm", .count = 16, .where = WHERE_LEGACY, .offset = 160, .stride = 16, .size = 16},
	{.prefix = "ymm", .suffix = "h", .count = 16, .where = WHERE_AVX, .stride = 16, .size = 16},
	{.prefix = "k", .count = 8, .where = WHERE_OPMASK, .stride = 8, .size = 8},
	{.prefix = "zmm", .suffix = "h", .count = 16, .where = WHERE_ZMM_HI256, .stride = 32, .size = 32},
	{.prefix = "zmm", .first = 16, .count = 16, .where = WHERE_HI16_ZMM, .stride = 64, .size = 64},
	{.prefix = "pkru", .where = WHERE_PKRU, .size = 4},
	{.prefix = "tilecfg", .where = WHERE_TILECFG, .size = 64},
	{.prefix = "tmm", .count = 8, .where = WHERE_TILEDATA, .stride = 1024, .size = 1024},
	{.prefix = "r", .first = 16, .count = 16, .where = WHERE_APX, .stride = 8, .size = 8},
};

unsigned regs_state_count_x86_64(void)
{
	return regs_groups_count(groups, ARRAY_SIZE(groups));
}

void regs_state_name_x86_64(unsigned index, char name[REGS_NAME_MAX])
{
	regs_groups_name(groups, ARRAY_SIZE(groups), index, name);
}

static uint64_t word_at(const uint8_t *data, size_t offset)
{
	uint64_t word;

	memcpy(&word, data + offset, sizeof(word));
	return word;
}

static const void *find_legacy(const struct regs_snapshot *s, const struct regs_group *g, size_t at)
{
	const struct regs_set_bytes *set = &s->set[s->set[SET_XSTATE].len > 0 ? SET_XSTATE : SET_FPREG];

	return set->len >= at + g->size ? set->data + at : NULL;
}

/* at: offset inside the component. A component in its initial state has no bytes that count, and is all zero. */
static const void *find_component(const struct regs_snapshot *s, const struct regs_group *g, size_t at)
{
	static const uint8_t initial[REGS_VALUE_MAX];
	const struct regs_set_bytes *set = &s->set[SET_XSTATE];
	size_t offset = s->xsave.component[g->where].offset, size = s->xsave.component[g->where].size;

	if (set->len < XSAVE_HEADER_END || !(word_at(set->data, XSAVE_XCR0) >> g->where & 1))
		return NULL;
	if (at + g->size > size || offset + at + g->size > set->len)
		return NULL;
	/* Linux keeps pkru apart and always fills it in, whatever XSTATE_BV says. */
	if (g->where != WHERE_PKRU && !(word_at(set->data, XSAVE_XSTATE_BV) >> g->where & 1))
		return initial;
	return set->data + offset + at;
}

const void *regs_state_find_x86_64(const struct regs_snapshot *s, unsigned index, void *scratch, size_t *ret_size)
{
	(void)scratch;
	unsigned n;
	const struct regs_group *g = regs_groups_at(groups, ARRAY_SIZE(groups), index, &n);
	size_t at = (size_t)g->offset + (size_t)n * g->stride;

	*ret_size = g->size;
	switch (g->where) {
	case WHERE_GENERAL:
		return s->set[SET_GENERAL].len >= at + g->size ? s->set[SET_GENERAL].data + at : NULL;
	case WHERE_LEGACY:
		return find_legacy(s, g, at);
	default:
		return find_component(s, g, at);
	}
}

/*
 * The component of a register, which XSTATE_BV may say is in its initial state: then the processor would not look at
 * the bytes. The kernel fills in the initial values of x87 and SSE; of the others they are zeros.
 */
void regs_state_own_x86_64(struct regs_snapshot *s, unsigned index)
{
	unsigned n;
	const struct regs_group *g = regs_groups_at(groups, ARRAY_SIZE(groups), index, &n);
	struct regs_set_bytes *set = &s->set[SET_XSTATE];
	unsigned component = g->where;

	if (g->where == WHERE_GENERAL || set->len < XSAVE_HEADER_END)
		return;
	/* mxcsr and the xmm registers are SSE's, component 1; the rest of the legacy area is the x87's. */
	if (g->where == WHERE_LEGACY)
		component = g->offset == 24 || g->offset >= 160;
	uint64_t present = word_at(set->data, XSAVE_XSTATE_BV);
	size_t offset = s->xsave.component[component].offset, size = s->xsave.component[component].size;
	if (present >> component & 1 || offset + size > set->len)
		return;
	if (component >= 2)
		memset(set->data + offset, 0, size);
	present |= UINT64_C(1) << component;
	memcpy(set->data + XSAVE_XSTATE_BV, &present, sizeof(present));
}

#if defined(__x86_64__)
#include <cpuid.h>

void regs_xsave_layout_of_host(struct regs_xsave_layout *ret)
{
	unsigned eax, ebx, ecx, edx;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 2; i < ARRAY_SIZE(ret->component); i++) {
		/* Bit 0 of ecx: a supervisor component, which has no place in the standard form. */
		if (__get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx) && !(ecx & 1)) {
			ret->component[i].offset = ebx;
			ret->component[i].size = eax;
		}
	}
}
#else
void regs_xsave_layout_of_host(struct regs_xsave_layout *ret)
{
	memset(ret, 0, sizeof(*ret));
}
#endif
