/* Types of strings, bytes and single values behind a pointer. */
#include "syscalls/decode_priv.h"

#include <string.h>

#include "syscalls/decode_types.h"

/* ---- strings and bytes ---- */

static void decode_path_out(struct decoder *d, unsigned i)
{
	if (decode_failed(d))
		show_pointer(d, decode_arg(d, i));
	else
		show_path_at(d, decode_arg(d, i));
}

const struct decode_type decode_type_path_out = {.decode = decode_path_out, .needs = NEEDS_MEMORY};

static void decode_string_or_path(struct decoder *d, unsigned i)
{
	show_path_at(d, decode_arg(d, i));
}

const struct decode_type decode_type_string_or_path = {.decode = decode_string_or_path, .needs = NEEDS_MEMORY};

static void decode_buf_in(struct decoder *d, unsigned i)
{
	show_bytes_at(d, decode_arg(d, i), decode_link(d, i, 0));
}

const struct decode_type decode_type_buf_in = {.decode = decode_buf_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_counted_string = {.decode = decode_buf_in, .needs = NEEDS_MEMORY};

#define HOST_NAME_LENGTH_MAX 64		/* the kernel's __NEW_UTS_LEN */

static void decode_host_name(struct decoder *d, unsigned i)
{
	if (decode_link(d, i, 0) > HOST_NAME_LENGTH_MAX)
		show_pointer(d, decode_arg(d, i));
	else
		decode_buf_in(d, i);
}

const struct decode_type decode_type_host_name = {.decode = decode_host_name, .needs = NEEDS_MEMORY};

#define MEMFD_NAME_MAX 250	/* with the NUL */

static void decode_memfd_name(struct decoder *d, unsigned i)
{
	show_string_upto(d, decode_arg(d, i), MEMFD_NAME_MAX);
}

const struct decode_type decode_type_memfd_name = {.decode = decode_memfd_name, .needs = NEEDS_MEMORY};

/* As many bytes as the result says, never more than the caller made room for. */
static void decode_buf_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_failed(d)) {
		show_pointer(d, addr);
		return;
	}
	uint64_t len = (uint64_t)d->result->value;
	uint64_t room = decode_link(d, i, 0);
	if (len <= room)
		show_bytes_at(d, addr, len);
	else
		show_bytes_at(d, addr, room);	/* MSG_TRUNC: the length of what did not fit */
}

const struct decode_type decode_type_buf_out = {.decode = decode_buf_out, .needs = NEEDS_MEMORY};

/* getrandom: every byte in hexadecimal. */
static void decode_random_out(struct decoder *d, unsigned i)
{
	uint8_t buf[256];
	uint64_t addr = decode_arg(d, i);
	uint64_t len = decode_failed(d) ? 0 : (uint64_t)d->result->value;
	uint64_t shown = len < d->options->string_limit ? len : d->options->string_limit;
	if (shown > sizeof(buf))
		shown = sizeof(buf);
	if (!addr || decode_failed(d) || (shown && !decode_read(d, addr, buf, shown)))
		show_pointer(d, addr);
	else
		show_hex_bytes(d, buf, shown, shown < len);
}

const struct decode_type decode_type_random_out = {.decode = decode_random_out, .needs = NEEDS_MEMORY};

/* ---- one value ---- */

enum pointee_format {
	POINTEE_INT,
	POINTEE_UINT,
	POINTEE_HEX,
	POINTEE_POINTER,
	POINTEE_UID,
	POINTEE_TIME,
};

struct pointee {
	uint8_t size;		/* 0: a word of the guest */
	uint8_t format;		/* enum pointee_format */
};

static void show_pointee_value(struct decoder *d, const struct pointee *what, const uint8_t *buf)
{
	unsigned size = what->size ? what->size : d->word;
	uint64_t v = decode_uint_at(buf, size);
	switch ((enum pointee_format)what->format) {
	case POINTEE_INT:
		show_sint(d, decode_sint_at(buf, size));
		return;
	case POINTEE_UINT:
		show_uint(d, v);
		return;
	case POINTEE_HEX:
		show_hex(d, v);
		return;
	case POINTEE_POINTER:
		show_pointer(d, v);
		return;
	case POINTEE_UID:
		show_uid(d, size == 2 && v == UINT16_MAX ? UINT32_MAX : (uint32_t)v);
		return;
	case POINTEE_TIME:
		show_sint(d, decode_sint_at(buf, size));
		d->p->ops->time(d->p, decode_sint_at(buf, size), 0, 9);
		return;
	}
}

static void show_pointee_at(struct decoder *d, const struct pointee *what, uint64_t addr)
{
	uint8_t buf[8];
	if (!decode_fetch(d, addr, buf, what->size ? what->size : d->word))
		return;
	wrap(d, "[");
	show_pointee_value(d, what, buf);
	wrap(d, "]");
}

static void decode_pointee(struct decoder *d, unsigned i)
{
	show_pointee_at(d, d->desc->params[i].type->data, decode_arg(d, i));
}

#define POINTEE(name, size_, format_) \
	static const struct pointee pointee_##name = {.size = (size_), .format = (format_)}; \
	const struct decode_type decode_type_##name = \
		{.decode = decode_pointee, .data = &pointee_##name, .needs = NEEDS_MEMORY}

POINTEE(int_out, 4, POINTEE_INT);
POINTEE(uint_out, 4, POINTEE_UINT);
POINTEE(uint_inout, 4, POINTEE_UINT);
POINTEE(size_out, 0, POINTEE_UINT);
POINTEE(addr_out, 0, POINTEE_POINTER);
POINTEE(uid_out, 4, POINTEE_UID);
POINTEE(uid16_out, 2, POINTEE_UID);
POINTEE(off_out, 8, POINTEE_INT);
POINTEE(time_in, 0, POINTEE_TIME);
POINTEE(time_out, 0, POINTEE_TIME);
POINTEE(aio_context_out, 0, POINTEE_POINTER);

/* sendfile's offset: what it was, and behind " => " what it became if anything was sent. */
static void show_offset(struct decoder *d, unsigned i, unsigned size)
{
	uint8_t buf[8];
	uint64_t addr = decode_arg(d, i);
	if (d->exiting && (!addr || decode_failed(d) || !d->result->value || !decode_read(d, addr, buf, size)))
		return;
	if (d->exiting)
		d->p->ops->changed(d->p);
	else if (!decode_fetch(d, addr, buf, size))
		return;
	wrap(d, "[");
	show_uint(d, decode_uint_at(buf, size));
	wrap(d, "]");
}

static void decode_off_inout(struct decoder *d, unsigned i)
{
	show_offset(d, i, d->word);
}

static void decode_off64_inout(struct decoder *d, unsigned i)
{
	show_offset(d, i, 8);
}

const struct decode_type decode_type_off_inout = {.decode = decode_off_inout, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_off64_inout = {.decode = decode_off64_inout, .needs = NEEDS_MEMORY};

/* splice and copy_file_range move on too, but are shown as they were called. */
static void decode_off64_entry(struct decoder *d, unsigned i)
{
	int64_t offset;
	if (!decode_fetch(d, decode_arg(d, i), &offset, sizeof(offset)))
		return;
	wrap(d, "[");
	show_sint(d, offset);
	wrap(d, "]");
}

const struct decode_type decode_type_off64_entry = {
	.decode = decode_off64_entry, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};
