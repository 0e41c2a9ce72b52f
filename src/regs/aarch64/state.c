/*
 * aarch64: the registers of the full state and where they lie.
 *
 * v0 to v31 come from NT_PRFPREG, which every machine has. z, p and ffr come from NT_ARM_SVE; their low 128 bits are
 * v's, so a change there is named twice. While a task does not use SVE the kernel gives that set in the fpsimd form
 * (arch/arm64/kernel/ptrace.c, sve_get_common): the rest of z, p and ffr is then zero by definition.
 */
#include <string.h>

#include "regs/aarch64/layout.h"
#include "regs/layout.h"

/*
 * The architecture's longest vectors are 256 bytes: head, z, p and ffr, fpsr and fpcr. Also ample for the fpsimd form.
 */
#define SVE_VL_MAX 256
#define SVE_MAX (16 + 32 * SVE_VL_MAX + 17 * (SVE_VL_MAX / 8) + 32)

enum aarch64_where {
	WHERE_GENERAL,
	WHERE_SYSTEM_CALL,
	WHERE_TLS,
	WHERE_FPSIMD,
	WHERE_Z,
	WHERE_P,
};

const struct regs_set_desc regs_sets_aarch64[AARCH64_SETS] = {
	/* In the order in which a restore must write: the system-call set after the general one. */
	{.note = REGS_NT_PRSTATUS, .max = AARCH64_WORDS * sizeof(uint64_t)},
	{.note = REGS_NT_ARM_SYSTEM_CALL, .max = sizeof(int32_t)},
	{.note = REGS_NT_ARM_TLS, .max = 2 * sizeof(uint64_t)},
	{.note = REGS_NT_PRFPREG, .max = sizeof(struct aarch64_fpsimd)},
	/* After the fpsimd set, which would cut the vectors to 128 bits. */
	{.note = REGS_NT_ARM_SVE, .max = SVE_MAX, .optional = true},
};

#define SET_SVE 4

static const struct regs_group groups[] = {
	{.prefix = "x", .count = 31, .where = WHERE_GENERAL, .stride = 8, .size = 8},
	{.prefix = "sp", .where = WHERE_GENERAL, .offset = 8 * AARCH64_SP, .size = 8},
	{.prefix = "pc", .where = WHERE_GENERAL, .offset = 8 * AARCH64_PC, .size = 8},
	{.prefix = "pstate", .where = WHERE_GENERAL, .offset = 8 * AARCH64_PSTATE, .size = 8},
	{.prefix = "syscallno", .where = WHERE_SYSTEM_CALL, .size = 4},
	{.prefix = "tpidr", .where = WHERE_TLS, .size = 8},
	{.prefix = "tpidr2", .where = WHERE_TLS, .offset = 8, .size = 8},
	{.prefix = "v", .count = 32, .where = WHERE_FPSIMD, .stride = 16, .size = 16},
	{.prefix = "fpsr", .where = WHERE_FPSIMD, .offset = offsetof(struct aarch64_fpsimd, fpsr), .size = 4},
	{.prefix = "fpcr", .where = WHERE_FPSIMD, .offset = offsetof(struct aarch64_fpsimd, fpcr), .size = 4},
	/* Offset and size of these depend on the vector length. */
	{.prefix = "z", .count = 32, .where = WHERE_Z},
	{.prefix = "p", .count = 16, .where = WHERE_P},
	{.prefix = "ffr", .where = WHERE_P, .offset = 16},
};

unsigned regs_state_count_aarch64(void)
{
	return regs_groups_count(groups, ARRAY_SIZE(groups));
}

void regs_state_name_aarch64(unsigned index, char name[REGS_NAME_MAX])
{
	regs_groups_name(groups, ARRAY_SIZE(groups), index, name);
}

/* at: behind the head. */
static const void *find_sve(const struct regs_set_bytes *set, size_t at, size_t size)
{
	at += sizeof(struct aarch64_sve_head);
	return set->len >= at + size ? set->data + at : NULL;
}

static const void *find_vector(const struct regs_set_bytes *set, const struct regs_group *g, unsigned n, void *scratch,
			       size_t *ret_size)
{
	struct aarch64_sve_head head;

	if (set->len < sizeof(head))
		return NULL;
	memcpy(&head, set->data, sizeof(head));
	if (head.vl < 16 || head.vl > SVE_VL_MAX || head.vl % 16 != 0)
		return NULL;
	size_t z = head.vl, p = head.vl / 8;
	*ret_size = g->where == WHERE_Z ? z : p;
	if (head.flags & AARCH64_SVE_IN_USE)
		return find_sve(set, g->where == WHERE_Z ? n * z : 32 * z + (g->offset + n) * p, *ret_size);
	memset(scratch, 0, *ret_size);
	if (g->where == WHERE_Z) {
		const void *low = find_sve(set, offsetof(struct aarch64_fpsimd, v) + n * 16, 16);

		if (!low)
			return NULL;
		memcpy(scratch, low, 16);
	}
	return scratch;
}

const void *regs_state_find_aarch64(const struct regs_snapshot *s, unsigned index, void *scratch, size_t *ret_size)
{
	unsigned n;
	const struct regs_group *g = regs_groups_at(groups, ARRAY_SIZE(groups), index, &n);
	size_t at = (size_t)g->offset + (size_t)n * g->stride;

	if (g->where == WHERE_Z || g->where == WHERE_P)
		return find_vector(&s->set[SET_SVE], g, n, scratch, ret_size);
	const struct regs_set_bytes *set = &s->set[g->where];
	*ret_size = g->size;
	return set->len >= at + g->size ? set->data + at : NULL;
}
