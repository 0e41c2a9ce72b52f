/* Arrays of numbers behind a pointer. */
#include "syscalls/decode_priv.h"

#include <stdio.h>
#include <string.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define ARRAY_MAX 1024	/* bytes shown of any */

typedef void element_fn(struct decoder *d, const uint8_t *at, unsigned size);

static void element_sint(struct decoder *d, const uint8_t *at, unsigned size)
{
	show_sint(d, decode_sint_at(at, size));
}

static void element_uint(struct decoder *d, const uint8_t *at, unsigned size)
{
	show_uint(d, decode_uint_at(at, size));
}

static void element_hex(struct decoder *d, const uint8_t *at, unsigned size)
{
	show_hex(d, decode_uint_at(at, size));
}

static void element_pointer(struct decoder *d, const uint8_t *at, unsigned size)
{
	show_pointer(d, decode_uint_at(at, size));
}

static void element_uid(struct decoder *d, const uint8_t *at, unsigned size)
{
	uint64_t v = decode_uint_at(at, size);
	show_uid(d, size == 2 && v == UINT16_MAX ? UINT32_MAX : (uint32_t)v);
}

static void element_fd(struct decoder *d, const uint8_t *at, unsigned size UNUSED)
{
	show_fd(d, (int)decode_sint_at(at, 4));
}

uint64_t read_elements(struct decoder *d, uint64_t addr, uint64_t count, unsigned size, void *buf)
{
	if (!count || decode_read(d, addr, buf, count * size))
		return count;
	uint64_t n = 0;
	while (n < count && decode_read(d, addr + n * size, (uint8_t *)buf + n * size, size))
		n++;
	return n;
}

void show_array_rest(struct decoder *d, uint64_t addr, uint64_t readable, uint64_t shown, uint64_t count, unsigned size)
{
	uint8_t next[64];
	uint64_t end = addr + readable * size;
	if (readable < shown)
		show_cut(d, end);
	else if (shown < count && (size > sizeof(next) || decode_read(d, end, next, size)))
		elided(d);
	else if (shown < count)
		show_cut(d, end);
}

/* Cut at -s elements, as strings are. */
static void show_array(struct decoder *d, uint64_t addr, uint64_t count, unsigned size, element_fn *show)
{
	uint8_t b[ARRAY_MAX];
	uint64_t shown = d->options->verbose || count < d->options->string_limit ? count : d->options->string_limit;
	if (shown > sizeof(b) / size)
		shown = sizeof(b) / size;
	uint64_t readable = 0;
	if (addr && !decode_failed(d))
		readable = read_elements(d, addr, shown, size, b);
	if (!addr || decode_failed(d) || (shown && !readable)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < readable; n++) {
		element(d);
		show(d, b + n * size, size);
	}
	show_array_rest(d, addr, readable, shown, count, size);
	array_end(d);
}

static uint64_t result_count(struct decoder *d)
{
	return decode_failed(d) ? 0 : (uint64_t)d->result->value;
}

static void decode_fd_pair(struct decoder *d, unsigned i)
{
	show_array(d, decode_arg(d, i), 2, 4, element_fd);
}

const struct decode_type decode_type_fd_pair = {.decode = decode_fd_pair, .needs = NEEDS_MEMORY};

#define GROUPS_MAX 65536	/* the kernel's NGROUPS_MAX: it reads none of more */

static void decode_gids_in(struct decoder *d, unsigned i)
{
	if (decode_link(d, i, 0) > GROUPS_MAX)
		show_pointer(d, decode_arg(d, i));
	else
		show_array(d, decode_arg(d, i), decode_link(d, i, 0), 4, element_uid);
}

static void decode_gids16_in(struct decoder *d, unsigned i)
{
	show_array(d, decode_arg(d, i), decode_link(d, i, 0), 2, element_uid);
}

static void show_gids_out(struct decoder *d, unsigned i, unsigned size)
{
	/* getgroups(0, ...) only asks how many there are. */
	uint64_t count = decode_link(d, i, 0) ? result_count(d) : 0;
	show_array(d, decode_arg(d, i), count, size, element_uid);
}

static void decode_gids_out(struct decoder *d, unsigned i)
{
	show_gids_out(d, i, 4);
}

static void decode_gids16_out(struct decoder *d, unsigned i)
{
	show_gids_out(d, i, 2);
}

const struct decode_type decode_type_gids_in = {.decode = decode_gids_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_gids_out = {.decode = decode_gids_out, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_gids16_in = {.decode = decode_gids16_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_gids16_out = {.decode = decode_gids16_out, .needs = NEEDS_MEMORY};

static void decode_int_list(struct decoder *d, unsigned i)
{
	show_array(d, decode_arg(d, i), decode_link(d, i, 0), 4, element_sint);
}

static void decode_page_list(struct decoder *d, unsigned i)
{
	show_array(d, decode_arg(d, i), decode_link(d, i, 0), d->word, element_pointer);
}

static void element_status(struct decoder *d, const uint8_t *at, unsigned size)
{
	int64_t v = decode_sint_at(at, size);
	const char *name = v < 0 ? strerrorname_np((int)-v) : NULL;
	char text[32];
	if (!name) {
		show_sint(d, v);
		return;
	}
	(void)snprintf(text, sizeof(text), "-%s", name);
	show_symbol(d, text, (uint64_t)v);
}

static void decode_move_pages_status(struct decoder *d, unsigned i)
{
	show_array(d, decode_arg(d, i), decode_link(d, i, 0), 4, element_status);
}

static void decode_u64_list(struct decoder *d, unsigned i)
{
	show_array(d, decode_arg(d, i), result_count(d), 8, element_hex);
}

static void decode_mincore_vec(struct decoder *d, unsigned i)
{
	uint64_t pages = (decode_link(d, i, 0) + 4095) / 4096;
	show_array(d, decode_arg(d, i), pages, 1, element_uint);
}

const struct decode_type decode_type_int_list = {.decode = decode_int_list, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_page_list = {.decode = decode_page_list, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_move_pages_status = {.decode = decode_move_pages_status, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_u64_list_out = {.decode = decode_u64_list, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_u64_list_result = {.decode = decode_u64_list, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_mincore_vec = {.decode = decode_mincore_vec, .needs = NEEDS_MEMORY};

/* As printf's %#0*lx with room for 0x in the width; JSON has the number. */
static void element_mask(struct decoder *d, const uint8_t *at, unsigned size)
{
	uint64_t v = decode_uint_at(at, size);
	show_textf(d, "%#0*llx", (int)(2 * size), (unsigned long long)v);
}

#define NODES_MAX (8 * 4096 + 1)	/* the kernel takes a page of bits */

/* Bits of a mask of memory nodes: as words in hexadecimal. */
static void show_nodemask(struct decoder *d, unsigned i)
{
	/* The kernel takes one bit less than it is told there are. */
	uint64_t bits = decode_link(d, i, 0) ? decode_link(d, i, 0) - 1 : 0;
	uint64_t words = (bits + 8u * d->word - 1) / (8u * d->word);
	if (bits <= NODES_MAX && decode_link(d, i, 0) != 1)
		show_array(d, decode_arg(d, i), words, d->word, element_mask);
	else
		show_pointer(d, decode_arg(d, i));
}

const struct decode_type decode_type_nodemask_in = {.decode = show_nodemask, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_nodemask_out = {.decode = show_nodemask, .needs = NEEDS_MEMORY};

static void decode_mempolicy_mode_out(struct decoder *d, unsigned i)
{
	int32_t v;
	if (!decode_fetch(d, decode_arg(d, i), &v, sizeof(v)))
		return;
	wrap(d, "[");
	show_flags(d, &flag_set_mempolicy_modes, (uint32_t)v);
	wrap(d, "]");
}

const struct decode_type decode_type_mempolicy_mode_out = {
	.decode = decode_mempolicy_mode_out, .needs = NEEDS_MEMORY,
};

#define MODE_FLAGS 0xe000u

static void decode_mempolicy_mode(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	uint64_t mode = v & ~(uint64_t)MODE_FLAGS;
	if (flag_set_name_of(&flag_set_mempolicy_modes, mode))
		show_flags(d, &flag_set_mempolicy_joined, v);
	else
		show_flags(d, v & MODE_FLAGS ? &flag_set_mempolicy_mode_flags : &flag_set_mempolicy_modes, v);
}

const struct decode_type decode_type_mempolicy_mode = {.decode = decode_mempolicy_mode};
const struct decode_type decode_type_mempolicy_mode64 = {.decode = decode_mempolicy_mode};
