/*
 * The neutral part: which registers are known, which are dirty, and the cheapest way to fetch and write back.
 *
 * Invariants: a dirty register is known; when .whole is set, .general holds what the task has (dirty registers are not
 * in it until they have been flushed).
 */
#include "regs/regs.h"

#include <assert.h>
#include <string.h>

#include "regs/layout.h"

/*
 * Measured on Linux 6.18 on a virtual machine, in ns: what decides between single words and whole sets. Only the ratios
 * matter, and they hold widely: a word costs about half of a set, since the ptrace call itself is most of both.
 */
#define COST_PEEK 530
#define COST_POKE 530
#define COST_GET_SET 980
#define COST_PUT_SET 1270

static uint32_t bit(enum reg reg)
{
	return UINT32_C(1) << reg;
}

static int word_of(const struct regs *r, enum reg reg)
{
	return r->layout->word[r->abi][reg];
}

enum regs_arch regs_arch_host(void)
{
#if defined(__aarch64__)
	return REGS_AARCH64;
#else
	return REGS_X86_64;
#endif
}

void regs_init(struct regs *r, enum regs_arch arch, const struct regs_io *io, void *ctx)
{
	r->io = io;
	r->ctx = ctx;
	r->layout = arch == REGS_AARCH64 ? &regs_layout_aarch64 : &regs_layout_x86_64;
	r->abi = REGS_ABI_NATIVE;
	regs_reset(r);
}

void regs_reset(struct regs *r)
{
	r->whole = false;
	r->narrow = false;
	r->peeks = 0;
	r->known = 0;
	r->dirty = 0;
}

int regs_set_abi(struct regs *r, enum regs_abi abi)
{
	if (!r->layout->has_abi[abi])
		return -ENOTSUP;
	if (abi != r->abi) {
		assert(!r->dirty);
		r->abi = abi;
		r->known = 0;
	}
	return 0;
}

/* What a register means under the abi: i386 uses half of it. */
static uint64_t canonical(const struct regs *r, enum reg reg, uint64_t value)
{
	if (r->abi != REGS_ABI_COMPAT32 || reg == REG_TLS)
		return value;
	if (reg == REG_NR || reg == REG_RET)
		return (uint64_t)(int64_t)(int32_t)value;
	return (uint32_t)value;
}

static void learn(struct regs *r, enum reg reg, uint64_t value)
{
	r->value[reg] = canonical(r, reg, value);
	r->known |= bit(reg);
}

void regs_hint(struct regs *r, enum reg reg, uint64_t value)
{
	if (!(r->dirty & bit(reg)))
		learn(r, reg, value);
}

int regs_fetch(struct regs *r)
{
	uint64_t raw[REGS_GENERAL_MAX];
	size_t len = r->layout->general_words * sizeof(uint64_t);

	if (r->whole)
		return 0;
	int err = r->io->get_set(r->ctx, REGS_NT_PRSTATUS, raw, &len);
	if (err < 0)
		return err;
	err = r->layout->unpack(r->general, raw, len, &r->narrow);
	if (err < 0)
		return err;
	r->whole = true;
	return 0;
}

static int fetch_own(struct regs *r, enum reg reg)
{
	uint64_t value = 0;
	size_t len = r->layout->own_size[reg];
	int err = r->io->get_set(r->ctx, r->layout->own_note[reg], &value, &len);

	if (err < 0)
		return err;
	if (len == sizeof(int32_t))
		value = (uint64_t)(int64_t)(int32_t)value;
	learn(r, reg, value);
	return 0;
}

static int peek_word(struct regs *r, enum reg reg, size_t word)
{
	uint64_t value;
	int err = r->io->peek(r->ctx, word * sizeof(uint64_t), &value);

	if (err < 0)
		return err;
	r->peeks++;
	learn(r, reg, value);
	return 0;
}

/* The 32-bit form of the general set has no segment bases. */
static bool needs_word(const struct regs *r, enum reg reg)
{
	return reg == REG_TLS && r->narrow && r->io->peek;
}

/* Single words until they have cost as much as the whole set would have: never more than twice the best. */
static bool peek_is_cheaper(const struct regs *r)
{
	return r->io->peek && !r->whole && r->peeks * COST_PEEK < COST_GET_SET;
}

int regs_get(struct regs *r, enum reg reg, uint64_t *ret)
{
	if (!(r->known & bit(reg))) {
		int word = word_of(r, reg);
		int err;

		if (word == REGS_NO_WORD) {
			err = fetch_own(r, reg);
		} else if (peek_is_cheaper(r) || needs_word(r, reg)) {
			err = peek_word(r, reg, (size_t)word);
		} else {
			err = regs_fetch(r);
			if (err == 0)
				learn(r, reg, r->general[word]);
		}
		if (err < 0)
			return err;
	}
	*ret = r->value[reg];
	return 0;
}

/* Two neutral names of one register (aarch64: x0) have one value, and only one of them is to be written. */
static void share_with_aliases(struct regs *r, enum reg reg)
{
	int word = word_of(r, reg);

	if (word == REGS_NO_WORD)
		return;
	for (unsigned i = 0; i < REG_COUNT; i++) {
		if (i != reg && word_of(r, (enum reg)i) == word) {
			r->value[i] = r->value[reg];
			r->known |= bit((enum reg)i);
			r->dirty &= ~bit((enum reg)i);
		}
	}
}

void regs_set(struct regs *r, enum reg reg, uint64_t value)
{
	value = canonical(r, reg, value);
	if ((r->known & bit(reg)) && r->value[reg] == value)
		return;
	r->value[reg] = value;
	r->known |= bit(reg);
	r->dirty |= bit(reg);
	share_with_aliases(r, reg);
}

static int flush_own(struct regs *r)
{
	for (unsigned i = 0; i < REG_COUNT; i++) {
		if (!(r->dirty & bit((enum reg)i)) || word_of(r, (enum reg)i) != REGS_NO_WORD)
			continue;
		int err = r->io->put_set(r->ctx, r->layout->own_note[i], &r->value[i], r->layout->own_size[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

static unsigned dirty_words(const struct regs *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < REG_COUNT; i++) {
		if (r->dirty & bit((enum reg)i) && word_of(r, (enum reg)i) != REGS_NO_WORD)
			n++;
	}
	return n;
}

static int poke_words(struct regs *r)
{
	for (unsigned i = 0; i < REG_COUNT; i++) {
		int word = word_of(r, (enum reg)i);

		if (!(r->dirty & bit((enum reg)i)) || word == REGS_NO_WORD)
			continue;
		int err = r->io->poke(r->ctx, (size_t)word * sizeof(uint64_t), r->value[i]);
		if (err < 0)
			return err;
		r->general[word] = r->value[i];
	}
	return 0;
}

static int put_whole(struct regs *r)
{
	uint64_t words[REGS_GENERAL_MAX], raw[REGS_GENERAL_MAX];
	int err = regs_fetch(r);

	if (err < 0)
		return err;
	memcpy(words, r->general, sizeof(words));
	for (unsigned i = 0; i < REG_COUNT; i++) {
		int word = word_of(r, (enum reg)i);

		if (r->dirty & bit((enum reg)i) && word != REGS_NO_WORD)
			words[word] = r->value[i];
	}
	size_t len = r->layout->pack(raw, words, r->narrow);
	err = r->io->put_set(r->ctx, REGS_NT_PRSTATUS, raw, len);
	if (err < 0)
		return err;
	memcpy(r->general, words, sizeof(words));
	return 0;
}

int regs_flush(struct regs *r)
{
	unsigned words = dirty_words(r);
	int err = 0;

	if (words > 0) {
		unsigned whole_cost = COST_PUT_SET + (r->whole ? 0 : COST_GET_SET);

		err = r->io->poke && (r->narrow || words * COST_POKE <= whole_cost) ? poke_words(r) : put_whole(r);
	}
	if (err == 0)
		err = flush_own(r);
	if (err == 0)
		r->dirty = 0;
	return err;
}
