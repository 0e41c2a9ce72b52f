/*
 * aarch64: the state around a system call, and what Linux leaves of it: x0 is the result and everything else stays,
 * with v0 to v31, fpcr and fpsr. SVE is not touched: Linux promises to keep only the low 128 bits over a system call
 * (Documentation/arch/arm64/sve.rst).
 */
#include "bench/guest/state.h"

#include "bench/guest/aarch64/offsets.h"
#include "regs/regs.h"

struct fidelity_state {
	uint64_t x[31];
	uint64_t sp;
	uint64_t nzcv;
	uint64_t fpcr;
	uint64_t fpsr;
	uint64_t tpidr;
	uint64_t ip;	/* behind the svc instruction */
	uint64_t reserved;
	_Alignas(16) uint8_t v[32][16];
};

_Static_assert(offsetof(struct fidelity_state, sp) == STATE_SP, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, nzcv) == STATE_NZCV, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, fpcr) == STATE_FPCR, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, fpsr) == STATE_FPSR, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, tpidr) == STATE_TPIDR, "offsets.h");
_Static_assert(offsetof(struct fidelity_state, v) == STATE_V, "offsets.h");
_Static_assert(sizeof(struct fidelity_state) == STATE_SIZE, "offsets.h");
_Static_assert(sizeof(struct fidelity_state) <= FIDELITY_STATE_MAX, "state.h");

extern const char fidelity_call_return[];

#define NZCV UINT64_C(0xf0000000)
#define FPCR_RANDOM UINT64_C(0x07c00000)	/* AHP DN FZ RMode */
#define FPSR_RANDOM UINT64_C(0x0800009f)	/* QC IDC IXC UFC OFC DZC IOC */
#define USER_ADDRESS UINT64_C(0xffffffffffff)

#define GENERAL_WORDS 34
#define WORD_SP 31
#define WORD_PC 32
#define WORD_PSTATE 33

int fidelity_compare_init(struct fidelity_compare *c)
{
	int err = regs_snapshot_create(REGS_AARCH64, &c->expected);

	if (err == 0)
		err = regs_snapshot_create(REGS_AARCH64, &c->found);
	return err;
}

void fidelity_compare_finish(struct fidelity_compare *c)
{
	regs_snapshot_destroy(c->expected);
	regs_snapshot_destroy(c->found);
}

void fidelity_state_init(struct fidelity_state *s)
{
	memset(s, 0, sizeof(*s));
	s->ip = (uint64_t)(uintptr_t)fidelity_call_return;
}

void fidelity_state_fill(struct fidelity_compare *c, struct fidelity_state *s, struct random *random,
			 const struct fidelity_call *call, uint64_t stack)
{
	(void)c;
	random_fill(random, s->x, sizeof(s->x));
	memcpy(s->x, call->args, sizeof(call->args));
	s->x[8] = (uint64_t)call->nr;
	/* 16 bytes upwards from sp are call.S's. */
	s->sp = stack + FIDELITY_RED_ZONE +
		(random_next(random) % (FIDELITY_STACK_SIZE - FIDELITY_RED_ZONE - 16) & ~UINT64_C(15));
	s->nzcv = random_next(random) & NZCV;
	s->fpcr = random_next(random) & FPCR_RANDOM;
	s->fpsr = random_next(random) & FPSR_RANDOM;
	s->tpidr = random_next(random) & USER_ADDRESS;
	random_fill(random, s->v, sizeof(s->v));
}

uint64_t fidelity_state_sp(const struct fidelity_state *s)
{
	return s->sp;
}

/* "x7", "v31" */
static void differs_at(const char *prefix, unsigned i, fidelity_differs_fn *fn, void *ctx)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%s%u", prefix, i);
	fn(ctx, name);
}

static void compare_words(const uint64_t *expected, const uint64_t *found, fidelity_differs_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < 31; i++) {
		if (expected[i] != found[i])
			differs_at("x", i, fn, ctx);
	}
}

static void compare_vectors(const uint8_t (*expected)[16], const uint8_t (*found)[16], fidelity_differs_fn *fn, void *ctx)
{
	if (memcmp(expected, found, 32 * sizeof(*expected)) == 0)
		return;
	for (unsigned i = 0; i < 32; i++) {
		if (memcmp(expected[i], found[i], sizeof(*expected)) != 0)
			differs_at("v", i, fn, ctx);
	}
}

static void compare_one(const char *name, uint64_t expected, uint64_t found, fidelity_differs_fn *fn, void *ctx)
{
	if (expected != found)
		fn(ctx, name);
}

void fidelity_state_left(struct fidelity_compare *c, const struct fidelity_state *s, int64_t result,
			 fidelity_differs_fn *fn, void *ctx)
{
	const struct fidelity_state *found = &fidelity_after;
	uint64_t expected[31];

	(void)c;
	memcpy(expected, s->x, sizeof(expected));
	expected[0] = (uint64_t)result;
	compare_words(expected, found->x, fn, ctx);
	compare_one("sp", s->sp, found->sp, fn, ctx);
	compare_one("nzcv", s->nzcv, found->nzcv & NZCV, fn, ctx);
	compare_one("fpcr", s->fpcr, found->fpcr, fn, ctx);
	compare_one("fpsr", s->fpsr, found->fpsr, fn, ctx);
	compare_one("tpidr", s->tpidr, found->tpidr, fn, ctx);
	compare_vectors(s->v, found->v, fn, ctx);
}

int fidelity_state_seen(struct fidelity_compare *c, const struct fidelity_state *s, struct regs *regs,
			fidelity_differs_fn *fn, void *ctx)
{
	size_t general_len, fpsimd_len, tls_len;
	int err = regs_snapshot_take(c->found, regs);

	if (err < 0)
		return err;
	const uint64_t *words = regs_snapshot_set(c->found, REGS_NT_PRSTATUS, &general_len);
	const uint8_t *fpsimd = regs_snapshot_set(c->found, REGS_NT_PRFPREG, &fpsimd_len);
	const uint64_t *tls = regs_snapshot_set(c->found, REGS_NT_ARM_TLS, &tls_len);
	if (!words || !fpsimd || !tls || general_len != GENERAL_WORDS * sizeof(*words) || fpsimd_len < sizeof(s->v))
		return -EINVAL;
	compare_words(s->x, words, fn, ctx);
	compare_one("sp", s->sp, words[WORD_SP], fn, ctx);
	compare_one("pc", s->ip, words[WORD_PC], fn, ctx);
	compare_one("nzcv", s->nzcv, words[WORD_PSTATE] & NZCV, fn, ctx);
	compare_one("tpidr", s->tpidr, tls[0], fn, ctx);
	compare_vectors(s->v, (const uint8_t (*)[16])fpsimd, fn, ctx);
	return 0;
}

void fidelity_state_describe(const struct fidelity_state *s, char *buf, size_t size)
{
	(void)s;
	(void)snprintf(buf, size, "general flags red-zone tpidr fpsimd");
}
