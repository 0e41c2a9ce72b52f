/*
 * x86_64: the state around a system call, and what Linux leaves of it.
 *
 * The syscall instruction itself puts the return address into rcx and the flags into r11; rax is the result; all else
 * stays, including the x87, SSE, AVX and AVX-512 registers, which a switch to a supervisor saves and loads again.
 * The vector state is an XSAVE image, loaded with XRSTOR and stored with XSAVE: the layout of NT_X86_XSTATE too.
 */
#include "bench/guest/state.h"

#include <assert.h>
#include <cpuid.h>
#include <sys/auxv.h>

#include "bench/guest/x86_64/offsets.h"
#include "regs/regs.h"

#define HWCAP2_HAS_FSGSBASE 2

enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };

struct fidelity_state {
	uint64_t gpr[GPRS];
	uint64_t flags;
	uint64_t fs_base;
	uint64_t gs_base;
	uint64_t has_bases;	/* user space may read and write them here */
	uint64_t xsave_mask;	/* the components that are loaded and stored */
	uint64_t ip;		/* behind the syscall instruction */
	uint64_t has_pointers;	/* the processor keeps fop, fip and fdp when no x87 exception is pending */
	_Alignas(64) uint8_t xsave[STATE_XSAVE_MAX];
};

_Static_assert(offsetof(struct fidelity_state, gpr[R15]) == STATE_R15, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, flags) == STATE_FLAGS, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, fs_base) == STATE_FS_BASE, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, gs_base) == STATE_GS_BASE, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, has_bases) == STATE_HAS_BASES, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, xsave_mask) == STATE_XSAVE_MASK, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, xsave) == STATE_XSAVE, "offsets.h");
_Static_assert(sizeof(struct fidelity_state) == STATE_SIZE, "offsets.h");
_Static_assert(sizeof(struct fidelity_state) <= FIDELITY_STATE_MAX, "state.h");

extern const char fidelity_call_return[];

/* CF PF AF ZF SF DF OF NT AC ID: all that a program can set itself, but TF. Bit 1 is always set, IF is the kernel's. */
#define FLAGS_RANDOM UINT64_C(0x244cd5)
#define FLAGS_FIXED UINT64_C(0x202)
#define USER_ADDRESS UINT64_C(0x7fffffffffff)

/* x87, SSE, AVX, AVX-512 (three parts) and APX; not PKRU, which could lock the guest out of its own memory. */
#define XSAVE_PARTS (UINT64_C(0xe7) | UINT64_C(1) << 19)
#define COMPONENT_AVX (UINT64_C(1) << 2)
#define COMPONENT_ZMM_HI256 (UINT64_C(1) << 6)
#define XSAVE_LEGACY_END 416	/* behind xmm15 */
#define XSAVE_XCR0 464
#define XSAVE_XSTATE_BV 512
#define XSAVE_COMPONENTS 576

static const char *const gpr_names[GPRS] = {
	"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
};

static uint64_t read_xcr0(void)
{
	uint32_t eax, edx;

	__asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return (uint64_t)edx << 32 | eax;
}

int fidelity_compare_init(struct fidelity_compare *c)
{
	int err = regs_snapshot_create(REGS_X86_64, &c->expected);

	if (err == 0)
		err = regs_snapshot_create(REGS_X86_64, &c->found);
	return err;
}

void fidelity_compare_finish(struct fidelity_compare *c)
{
	regs_snapshot_destroy(c->expected);
	regs_snapshot_destroy(c->found);
}

/* The components of the mask that lie within our image. */
static uint64_t fitting_parts(uint64_t xcr0)
{
	uint64_t parts = xcr0 & XSAVE_PARTS;

	for (unsigned i = 2; i < 64; i++) {
		unsigned eax, ebx, ecx, edx;

		if (!(parts >> i & 1))
			continue;
		if (!__get_cpuid_count(0xd, i, &eax, &ebx, &ecx, &edx) || ebx + eax > STATE_XSAVE_MAX)
			parts &= ~(UINT64_C(1) << i);
	}
	return parts;
}

static void clear_x87(uint8_t *image)
{
	static const uint16_t initial_fcw = 0x37f;

	memset(image, 0, 24);
	memcpy(image, &initial_fcw, sizeof(initial_fcw));
	memset(image + 32, 0, 128);
}

/* AMD's processors store zeros for the last x87 instruction while no exception is pending. Tried without any call. */
static bool keeps_x87_pointers(void)
{
	static _Alignas(64) uint8_t image[XSAVE_COMPONENTS], stored[XSAVE_COMPONENTS];
	uint64_t x87 = 1;

	clear_x87(image);
	memset(image + 6, 1, 1);
	memset(image + 8, 1, 1);
	memset(image + 16, 1, 1);
	memcpy(image + XSAVE_XSTATE_BV, &x87, sizeof(x87));
	__asm__ volatile("xrstor64 %1\n\txsave64 %0\n\tfninit"
			 : "+m"(stored) : "m"(image), "a"(1), "d"(0) : "memory");
	return memcmp(image + 6, stored + 6, 18) == 0;
}

void fidelity_state_init(struct fidelity_state *s)
{
	memset(s, 0, sizeof(*s));
	s->xsave_mask = fitting_parts(read_xcr0());
	s->has_bases = !!(getauxval(AT_HWCAP2) & HWCAP2_HAS_FSGSBASE);
	s->ip = (uint64_t)(uintptr_t)fidelity_call_return;
	s->has_pointers = keeps_x87_pointers();
	memcpy(s->xsave + XSAVE_XCR0, &s->xsave_mask, sizeof(s->xsave_mask));
	memcpy(fidelity_after.xsave + XSAVE_XCR0, &s->xsave_mask, sizeof(s->xsave_mask));
}

static void fill_gprs(struct fidelity_state *s, struct random *random, const struct fidelity_call *call, uint64_t stack)
{
	static const uint8_t arg[6] = {RDI, RSI, RDX, R10, R8, R9};

	random_fill(random, s->gpr, sizeof(s->gpr));
	s->gpr[RAX] = (uint64_t)call->nr;
	for (unsigned i = 0; i < 6; i++)
		s->gpr[arg[i]] = call->args[i];
	s->gpr[RSP] = stack + FIDELITY_RED_ZONE +
		(random_next(random) % (FIDELITY_STACK_SIZE - FIDELITY_RED_ZONE) & ~UINT64_C(7));
	s->flags = (random_next(random) & FLAGS_RANDOM) | FLAGS_FIXED;
	s->fs_base = random_next(random) & USER_ADDRESS;
	s->gs_base = random_next(random) & USER_ADDRESS;
}

/*
 * Legal values only: reserved bits stay clear, and the x87 has no unmasked exception pending. (An unmasked one
 * would be raised at the next waiting instruction, which would be the C library's.)
 */
static void fill_x87(uint8_t *image, struct random *random, bool has_pointers)
{
	uint64_t r = random_next(random);
	uint16_t fcw = (r & 0x1f00) | 0x7f, fsw = r >> 16 & 0x7f7f, fop = r >> 32 & 0x7ff;
	uint8_t ftw = (uint8_t)(r >> 48);
	uint64_t fip = random_next(random) & USER_ADDRESS, fdp = random_next(random) & USER_ADDRESS;

	memset(image, 0, 24);
	memcpy(image, &fcw, sizeof(fcw));
	memcpy(image + 2, &fsw, sizeof(fsw));
	image[4] = ftw;
	if (has_pointers) {
		memcpy(image + 6, &fop, sizeof(fop));
		memcpy(image + 8, &fip, sizeof(fip));
		memcpy(image + 16, &fdp, sizeof(fdp));
	}
	for (unsigned i = 0; i < 8; i++)
		memset(image + 32 + 16 * i + 10, 0, 6);
}

/* A component whose bit in XSTATE_BV is clear is loaded with its initial value: then the image must say the same. */
static void clear_component(uint8_t *image, unsigned i, const struct regs_xsave_layout *layout)
{
	if (i == 0)
		clear_x87(image);
	else if (i == 1)
		memset(image + 160, 0, 256);
	else
		memset(image + layout->component[i].offset, 0, layout->component[i].size);
}

/*
 * Never AVX in its initial state with the upper halves of zmm0 to zmm15 in use. On a virtual AMD EPYC (family 25, model
 * 17; Linux 6.18) a task that is switched out and in again twice without touching either then finds old values in the
 * upper halves of ymm0 to ymm15, about once in 1 000 times, with no supervisor anywhere (contrib/bench/avx_initial.c).
 * What Linux alone does not keep, no mechanism can.
 */
static uint64_t some_components(uint64_t present)
{
	return present & COMPONENT_AVX ? present : present & ~COMPONENT_ZMM_HI256;
}

static void fill_vectors(struct fidelity_state *s, struct random *random, const struct regs_xsave_layout *layout)
{
	uint32_t mxcsr = random_next(random) & 0xffff;
	uint64_t present = s->xsave_mask;

	random_fill(random, s->xsave, XSAVE_LEGACY_END);
	fill_x87(s->xsave, random, s->has_pointers);
	memcpy(s->xsave + 24, &mxcsr, sizeof(mxcsr));
	memset(s->xsave + 28, 0, 4);
	random_fill(random, s->xsave + XSAVE_COMPONENTS, STATE_XSAVE_MAX - XSAVE_COMPONENTS);
	/* Now and then some components in their initial state: kernels save those in a way of their own. */
	if (random_next(random) % 16 == 0) {
		present = some_components(present & random_next(random));
		for (unsigned i = 0; i < ARRAY_SIZE(layout->component); i++) {
			if (!(present >> i & 1) && s->xsave_mask >> i & 1)
				clear_component(s->xsave, i, layout);
		}
	}
	memcpy(s->xsave + XSAVE_XSTATE_BV, &present, sizeof(present));
}

void fidelity_state_fill(struct fidelity_compare *c, struct fidelity_state *s, struct random *random,
			 const struct fidelity_call *call, uint64_t stack)
{
	fill_gprs(s, random, call, stack);
	fill_vectors(s, random, regs_snapshot_xsave_layout(c->found));
}

uint64_t fidelity_state_sp(const struct fidelity_state *s)
{
	return s->gpr[RSP];
}

/* Is all of the vector state equal? XSTATE_BV may differ where a component happens to be in its initial state. */
static bool same_vectors(const struct fidelity_state *s, const uint8_t *found, size_t len,
			 const struct regs_xsave_layout *layout)
{
	const uint8_t *expected = s->xsave;

	/* Bytes 28 to 31 are the mask of mxcsr, which the processor fills in. */
	if (len < XSAVE_COMPONENTS || memcmp(expected, found, 28) != 0 ||
	    memcmp(expected + 32, found + 32, XSAVE_LEGACY_END - 32) != 0)
		return false;
	for (unsigned i = 2; i < ARRAY_SIZE(layout->component); i++) {
		size_t offset = layout->component[i].offset, size = layout->component[i].size;

		if (!(s->xsave_mask >> i & 1))
			continue;
		if (offset + size > len || memcmp(expected + offset, found + offset, size) != 0)
			return false;
	}
	return true;
}

struct namer {
	fidelity_differs_fn *fn;
	void *ctx;
};

static void name_difference(void *ctx, const char *name, const void *a, const void *b, size_t size)
{
	struct namer *n = ctx;

	(void)a;
	(void)b;
	(void)size;
	n->fn(n->ctx, name);
}

/* The slow way, only when something is known to differ. */
static void name_vectors(struct fidelity_compare *c, const struct fidelity_state *s, const uint8_t *found, size_t len,
			 fidelity_differs_fn *fn, void *ctx)
{
	struct namer namer = {fn, ctx};
	uint8_t all_present[STATE_XSAVE_MAX];

	memcpy(all_present, s->xsave, sizeof(all_present));
	memcpy(all_present + XSAVE_XSTATE_BV, &s->xsave_mask, sizeof(s->xsave_mask));
	int err = regs_snapshot_put(c->expected, REGS_NT_X86_XSTATE, all_present, sizeof(all_present));
	assert(err == 0);
	len = len < sizeof(all_present) ? len : sizeof(all_present);
	memcpy(all_present, found, len);
	memcpy(all_present + XSAVE_XSTATE_BV, &s->xsave_mask, sizeof(s->xsave_mask));
	err = regs_snapshot_put(c->found, REGS_NT_X86_XSTATE, all_present, len);
	assert(err == 0);
	if (regs_snapshot_diff(c->expected, c->found, name_difference, &namer) == 0)
		fn(ctx, "xsave");
}

void fidelity_state_left(struct fidelity_compare *c, const struct fidelity_state *s, int64_t result,
			 fidelity_differs_fn *fn, void *ctx)
{
	const struct fidelity_state *found = &fidelity_after;
	uint64_t expected[GPRS];

	memcpy(expected, s->gpr, sizeof(expected));
	expected[RAX] = (uint64_t)result;
	expected[RCX] = s->ip;
	expected[R11] = s->flags;
	for (unsigned i = 0; i < GPRS; i++) {
		if (expected[i] != found->gpr[i])
			fn(ctx, gpr_names[i]);
	}
	if (s->flags != found->flags)
		fn(ctx, "eflags");
	if (s->has_bases && s->fs_base != found->fs_base)
		fn(ctx, "fs_base");
	if (s->has_bases && s->gs_base != found->gs_base)
		fn(ctx, "gs_base");
	if (!same_vectors(s, found->xsave, sizeof(found->xsave), regs_snapshot_xsave_layout(c->found)))
		name_vectors(c, s, found->xsave, sizeof(found->xsave), fn, ctx);
}

/* Words of the general set (struct user_regs_struct) and what the guest has there at the entry to its call. */
static void general_seen(const struct fidelity_state *s, const uint64_t *words, fidelity_differs_fn *fn, void *ctx)
{
	static const uint8_t word[GPRS] = {
		[RBX] = 5, [RCX] = 11, [RDX] = 12, [RSI] = 13, [RDI] = 14, [RBP] = 4, [RSP] = 19, [R8] = 9, [R9] = 8,
		[R10] = 7, [R11] = 6, [R12] = 3, [R13] = 2, [R14] = 1, [R15] = 0, [RAX] = 15,
	};
	uint64_t expected[GPRS];

	memcpy(expected, s->gpr, sizeof(expected));
	expected[RCX] = s->ip;
	expected[R11] = s->flags;
	for (unsigned i = 0; i < GPRS; i++) {
		if (expected[i] != words[word[i]])
			fn(ctx, i == RAX ? "orig_rax" : gpr_names[i]);
	}
	if (words[16] != s->ip)
		fn(ctx, "rip");
	if (words[18] != s->flags)
		fn(ctx, "eflags");
	if (s->has_bases && words[21] != s->fs_base)
		fn(ctx, "fs_base");
	if (s->has_bases && words[22] != s->gs_base)
		fn(ctx, "gs_base");
}

int fidelity_state_seen(struct fidelity_compare *c, const struct fidelity_state *s, struct regs *regs,
			fidelity_differs_fn *fn, void *ctx)
{
	size_t len;
	int err = regs_snapshot_take(c->found, regs);

	if (err < 0)
		return err;
	const uint64_t *words = regs_snapshot_set(c->found, REGS_NT_PRSTATUS, &len);
	if (!words || len != 27 * sizeof(uint64_t))
		return -EINVAL;
	general_seen(s, words, fn, ctx);
	const uint8_t *vectors = regs_snapshot_set(c->found, REGS_NT_X86_XSTATE, &len);
	if (!vectors)
		return -ENODEV;
	if (!same_vectors(s, vectors, len, regs_snapshot_xsave_layout(c->found))) {
		uint8_t copy[STATE_XSAVE_MAX];

		len = len < sizeof(copy) ? len : sizeof(copy);
		memcpy(copy, vectors, len);
		name_vectors(c, s, copy, len, fn, ctx);
	}
	return 0;
}

void fidelity_state_describe(const struct fidelity_state *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, "general flags red-zone%s%s%s%s%s%s", s->has_bases ? " fs-base gs-base" : "",
		       s->xsave_mask & 1 ? " x87" : "", s->xsave_mask & 2 ? " sse" : "", s->xsave_mask & 4 ? " avx" : "",
		       (s->xsave_mask & 0xe0) == 0xe0 ? " avx512" : "", s->xsave_mask >> 19 & 1 ? " apx" : "");
}
