/* What an architecture's directory tells the neutral code. Private to this layer. */
#ifndef TRAPLINE_REGS_LAYOUT_H
#define TRAPLINE_REGS_LAYOUT_H

#include "regs/regs.h"

#define REGS_NO_WORD (-1)

/* One register set of the full state. */
struct regs_set_desc {
	unsigned note;
	size_t max;		/* bytes that the largest form needs */
	bool optional;		/* not every machine has it */
	unsigned fallback_of;	/* asked for only when that set could not be had; 0: always */
};

#define REGS_SET_MAX 6

struct regs_layout {
	enum regs_arch arch;
	size_t general_words;
	/* Word of the general set that holds a register, by abi; REGS_NO_WORD: it has a set of its own (.own_note). */
	int8_t word[REGS_ABI_COUNT][REG_COUNT];
	bool has_abi[REGS_ABI_COUNT];
	unsigned own_note[REG_COUNT];
	uint8_t own_size[REG_COUNT];
	/* A general set as the kernel gave it, in words of the 64-bit layout, and back. -EINVAL: no known length. */
	int (*unpack)(uint64_t *words, const void *raw, size_t len, bool *ret_narrow);
	size_t (*pack)(void *raw, const uint64_t *words, bool narrow);

	/* The full state. */
	const struct regs_set_desc *sets;
	size_t set_count;
	/* Registers are numbered from 0 in the order that diffs name them. */
	unsigned (*state_count)(void);
	void (*state_name)(unsigned index, char name[REGS_NAME_MAX]);
	/*
	 * The bytes of a register, in the snapshot or, where they must be made up, in scratch (REGS_VALUE_MAX bytes).
	 * NULL if the snapshot does not hold it.
	 */
	const void *(*state_find)(const struct regs_snapshot *s, unsigned index, void *scratch, size_t *ret_size);
	/*
	 * Make a register that has its initial value by definition one with bytes of its own. NULL: there are none
	 * such.
	 */
	void (*state_own)(struct regs_snapshot *s, unsigned index);
};

/* One register, or several numbered ones that lie evenly in one set: what both state.c are tables of. */
struct regs_group {
	const char *prefix;	/* "ymm" */
	const char *suffix;	/* "h", or NULL */
	uint8_t first;		/* number of the first */
	uint8_t count;		/* 0: a single register without a number */
	uint8_t where;		/* which part of the state; the meaning is the architecture's */
	uint16_t offset;	/* of the first, in that part */
	uint16_t stride;
	uint16_t size;
};

/* How many registers the groups make. */
unsigned regs_groups_count(const struct regs_group *groups, size_t n);
/* The group of register number index, and which of the group's it is. */
const struct regs_group *regs_groups_at(const struct regs_group *groups, size_t n, unsigned index, unsigned *ret_at);
void regs_groups_name(const struct regs_group *groups, size_t n, unsigned index, char name[REGS_NAME_MAX]);

/* Bytes of one set in a snapshot; len 0: not there. */
struct regs_set_bytes {
	uint8_t *data;		/* owned; room for the description's max */
	size_t len;
};

struct regs_snapshot {
	const struct regs_layout *layout;
	struct regs_xsave_layout xsave;
	struct regs_set_bytes set[REGS_SET_MAX];	/* in the order of layout->sets */
};

extern const struct regs_layout regs_layout_x86_64;
extern const struct regs_layout regs_layout_aarch64;

#define X86_64_SETS 3
#define AARCH64_SETS 5
extern const struct regs_set_desc regs_sets_x86_64[X86_64_SETS];
extern const struct regs_set_desc regs_sets_aarch64[AARCH64_SETS];

unsigned regs_state_count_x86_64(void);
unsigned regs_state_count_aarch64(void);
void regs_state_name_x86_64(unsigned index, char name[REGS_NAME_MAX]);
void regs_state_name_aarch64(unsigned index, char name[REGS_NAME_MAX]);
const void *regs_state_find_x86_64(const struct regs_snapshot *s, unsigned index, void *scratch, size_t *ret_size);
const void *regs_state_find_aarch64(const struct regs_snapshot *s, unsigned index, void *scratch, size_t *ret_size);
void regs_state_own_x86_64(struct regs_snapshot *s, unsigned index);

/* This machine's XSAVE layout (all zero on another architecture). x86_64/state.c. */
void regs_xsave_layout_of_host(struct regs_xsave_layout *ret);

#endif
