/* futex: what its arguments are depends on the operation. */
#include "syscalls/decode_priv.h"

#include <linux/futex.h>
#include <string.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

static uint32_t base_of(uint64_t op)
{
	return (uint32_t)op & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
}

/* The operations whose timeout may be by either clock. */
static bool takes_clock(uint32_t op)
{
	switch (base_of(op)) {
	case FUTEX_WAIT: case FUTEX_WAIT_BITSET: case FUTEX_WAIT_REQUEUE_PI: case 13 /* FUTEX_LOCK_PI2 */:
		return true;
	default:
		return false;
	}
}

static void decode_futex_op(struct decoder *d, unsigned i)
{
	uint32_t op = (uint32_t)decode_arg(d, i);
	bool clock = op & FUTEX_CLOCK_REALTIME;
	const char *name = flag_set_name_of(&flag_set_futex_ops, op & ~(uint32_t)FUTEX_CLOCK_REALTIME);
	const char *base = flag_set_name_of(&flag_set_futex_ops, base_of(op));
	char text[64];
	if (!base || (clock && !takes_clock(op)) || (name && !clock)) {
		show_flags(d, &flag_set_futex_ops, op);
		return;
	}
	const char *private = base_of(op) == FUTEX_FD ? "|FUTEX_PRIVATE_FLAG" : "_PRIVATE";
	(void)snprintf(text, sizeof(text), "%s%s%s", base, op & FUTEX_PRIVATE_FLAG ? private : "",
		       clock ? "|FUTEX_CLOCK_REALTIME" : "");
	show_hex_symbol(d, text, op);
}

const struct decode_type decode_type_futex_op = {.decode = decode_futex_op};

/* Which of the four arguments behind the operation an operation has. */
enum futex_shape {
	HAS_VAL = 1,
	HAS_TIMEOUT = 2,
	HAS_VAL2 = 4,		/* a number in the timeout's place */
	HAS_ADDR2 = 8,
	HAS_VAL3 = 16,
	HAS_BITSET = 32,	/* val3 is a bit set */
	HAS_WAKE_OP = 64,	/* val3 is an operation */
	HAS_RAW = 128,		/* nobody knows: all, in hexadecimal */
};

static unsigned shape_of(uint64_t op)
{
	switch (base_of(op)) {
	case FUTEX_WAIT: return HAS_VAL | HAS_TIMEOUT;
	case FUTEX_WAKE: case FUTEX_FD: return HAS_VAL;
	case FUTEX_REQUEUE: return HAS_VAL | HAS_VAL2 | HAS_ADDR2;
	case FUTEX_CMP_REQUEUE: case FUTEX_CMP_REQUEUE_PI: return HAS_VAL | HAS_VAL2 | HAS_ADDR2 | HAS_VAL3;
	case FUTEX_WAKE_OP: return HAS_VAL | HAS_VAL2 | HAS_ADDR2 | HAS_WAKE_OP;
	case FUTEX_LOCK_PI: case 13 /* FUTEX_LOCK_PI2 */: return HAS_TIMEOUT;
	case FUTEX_UNLOCK_PI: case FUTEX_TRYLOCK_PI: return 0;
	case FUTEX_WAIT_BITSET: return HAS_VAL | HAS_TIMEOUT | HAS_BITSET;
	case FUTEX_WAKE_BITSET: return HAS_VAL | HAS_BITSET;
	case FUTEX_WAIT_REQUEUE_PI: return HAS_VAL | HAS_TIMEOUT | HAS_ADDR2;
	default: return HAS_VAL | HAS_RAW | HAS_ADDR2;
	}
}

static bool val_present(struct decoder *d, unsigned i)
{
	return shape_of(decode_link(d, i, 0)) & HAS_VAL;
}

static void decode_futex_val(struct decoder *d, unsigned i)
{
	show_uint(d, decode_arg(d, i));
}

const struct decode_type decode_type_futex_val = {.decode = decode_futex_val, .present = val_present};

static bool timeout_present(struct decoder *d, unsigned i)
{
	return shape_of(decode_link(d, i, 0)) & (HAS_TIMEOUT | HAS_VAL2 | HAS_RAW);
}

static void show_timeout(struct decoder *d, unsigned i, bool time32)
{
	unsigned shape = shape_of(decode_link(d, i, 0));
	uint64_t v = decode_arg(d, i);
	if (shape & HAS_RAW)
		show_hex(d, v);
	else if (shape & HAS_VAL2)
		show_uint(d, (uint32_t)v);
	else
		show_timespec_at(d, v, time32);
}

static void decode_futex_timeout(struct decoder *d, unsigned i)
{
	show_timeout(d, i, d->i386);
}

static void decode_futex_timeout64(struct decoder *d, unsigned i)
{
	show_timeout(d, i, false);
}

const struct decode_type decode_type_futex_timeout = {
	.decode = decode_futex_timeout, .present = timeout_present, .needs = NEEDS_MEMORY,
};
const struct decode_type decode_type_futex_timeout64 = {
	.decode = decode_futex_timeout64, .present = timeout_present, .needs = NEEDS_MEMORY,
};

static bool addr2_present(struct decoder *d, unsigned i)
{
	return shape_of(decode_link(d, i, 0)) & HAS_ADDR2;
}

static void decode_futex_addr2(struct decoder *d, unsigned i)
{
	if (shape_of(decode_link(d, i, 0)) & HAS_RAW)
		show_hex(d, decode_arg(d, i));
	else
		show_pointer(d, decode_arg(d, i));
}

const struct decode_type decode_type_futex_addr2 = {.decode = decode_futex_addr2, .present = addr2_present};

static bool val3_present(struct decoder *d, unsigned i)
{
	return shape_of(decode_link(d, i, 0)) & (HAS_VAL3 | HAS_BITSET | HAS_WAKE_OP | HAS_RAW);
}

static void wake_op_part(char text[48], const char *name, uint32_t v, unsigned shift, const char *unknown)
{
	if (name)
		(void)snprintf(text, 48, "%s<<%u", name, shift);
	else
		(void)snprintf(text, 48, "%#x<<%u /* %s */", v, shift, unknown);
}

/* FUTEX_OP_SET<<28|0x1<<12|FUTEX_OP_CMP_EQ<<24|0x2 */
static void show_wake_op(struct decoder *d, uint32_t v)
{
	const char *op = flag_set_name_of(&flag_set_futex_wake_ops, v >> 28 & 7);
	const char *cmp = flag_set_name_of(&flag_set_futex_wake_cmps, v >> 24 & 15);
	char op_text[48], cmp_text[48];
	wake_op_part(op_text, op, v >> 28 & 7, 28, "FUTEX_OP_???");
	wake_op_part(cmp_text, cmp, v >> 24 & 15, 24, "FUTEX_OP_CMP_???");
	show_textf(d, "%s%s|%#x<<12|%s|%#x", v >> 28 & 8 ? "FUTEX_OP_OPARG_SHIFT<<28|" : "", op_text, v >> 12 & 0xfff,
		   cmp_text, v & 0xfff);
}

static void decode_futex_val3(struct decoder *d, unsigned i)
{
	unsigned shape = shape_of(decode_link(d, i, 0));
	uint32_t v = (uint32_t)decode_arg(d, i);
	if (shape & HAS_WAKE_OP)
		show_wake_op(d, v);
	else if (shape & HAS_BITSET && v == UINT32_MAX)
		show_symbol(d, "FUTEX_BITSET_MATCH_ANY", v);
	else if (shape & (HAS_BITSET | HAS_RAW))
		show_hex(d, v);
	else
		show_uint(d, v);
}

const struct decode_type decode_type_futex_val3 = {.decode = decode_futex_val3, .present = val3_present};

/* struct futex_waitv: one with a count, or two without (futex_requeue). */
static void decode_futex_waitv(struct decoder *d, unsigned i)
{
	struct futex_waitv w;
	uint64_t addr = decode_arg(d, i);
	uint64_t count = has_link(d, i, 0) ? decode_link(d, i, 0) : 2;
	uint64_t shown = count < FUTEX_WAITV_MAX ? count : FUTEX_WAITV_MAX;
	if (!d->options->verbose && shown > d->options->string_limit)
		shown = d->options->string_limit;
	if (!addr || (shown && !decode_read(d, addr, &w, sizeof(w)))) {
		show_pointer(d, addr);
		return;
	}
	uint64_t n = 0;
	array_begin(d);
	for (; n < shown; n++) {
		if (n && !decode_read(d, addr + n * sizeof(w), &w, sizeof(w)))
			break;
		element(d);
		struct_begin(d);
		field_hex(d, "val", w.val);
		field_pointer(d, "uaddr", w.uaddr);
		field_flags(d, "flags", &flag_set_futex_waiter_flags, w.flags);
		if (w.__reserved)
			field_hex(d, "__reserved", w.__reserved);
		struct_end(d);
	}
	show_array_rest(d, addr, n, shown, count, sizeof(w));
	array_end(d);
}

const struct decode_type decode_type_futex_waitv = {.decode = decode_futex_waitv, .needs = NEEDS_MEMORY};
