/* Structures that a table of fields describes. */
#include "syscalls/decode_value_at.h"

#include <string.h>

static void show_words(struct decoder *d, const uint8_t *at, size_t size)
{
	array_begin(d);
	for (size_t i = 0; i + d->word <= size; i += d->word) {
		element(d);
		show_uint(d, decode_word_at(d, at + i));
	}
	array_end(d);
}

void show_number(struct decoder *d, const struct field_desc *f, const uint8_t *at)
{
	uint64_t v = decode_uint_at(at, f->size);
	switch ((enum field_format)f->format) {
	case FIELD_SINT:
		show_sint(d, decode_sint_at(at, f->size));
		return;
	case FIELD_HEX:
		show_hex(d, v);
		return;
	case FIELD_OCTAL:
		show_octal(d, v);
		return;
	case FIELD_POINTER:
		show_pointer(d, v);
		return;
	case FIELD_FLAGS:
		show_flags(d, f->arg, v);
		return;
	case FIELD_MODE:
		show_mode(d, (uint32_t)v);
		return;
	case FIELD_DEV:
		show_dev(d, v);
		return;
	case FIELD_FD:
		show_fd(d, (int)v);
		return;
	case FIELD_DIRFD:
		show_dirfd(d, (int)v);
		return;
	case FIELD_UID:
		show_uid(d, (uint32_t)v);
		return;
	case FIELD_SIGNAL:
		show_signal(d, (int)v);
		return;
	default:
		show_uint(d, v);
		return;
	}
}

static bool all_zero(const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (at[i])
			return false;
	}
	return true;
}

void show_member(struct decoder *d, const struct field_desc *f, const uint8_t *buf)
{
	const uint8_t *at = buf + f->offset;
	if (f->if_mask && !(decode_uint_at(buf, 4) & f->if_mask))
		return;
	if (f->optional && all_zero(at, value_size(f)))
		return;
	/* Its name stands in the value. */
	field(d, f->format == FIELD_IN6 && d->options->consts == CONST_ABBREV ? NULL : f->name);
	if (f->format == FIELD_WORDS)
		show_words(d, at, f->size);
	else
		show_value(d, f, at, buf);
}

void show_struct(struct decoder *d, const struct layout *layout, const uint8_t *buf)
{
	struct_begin(d);
	for (unsigned i = 0; i < layout->count; i++) {
		const struct field_desc *f = &layout->fields[i];
		if (f->format == FIELD_CUT) {
			if (d->options->verbose)
				continue;
			elided(d);
			break;
		}
		show_member(d, f, buf);
	}
	struct_end(d);
}

void show_struct_part(struct decoder *d, const struct layout *layout, const uint8_t *buf, size_t len)
{
	struct_begin(d);
	for (unsigned i = 0; i < layout->count; i++) {
		const struct field_desc *f = &layout->fields[i];
		if (f->format == FIELD_CUT)
			continue;
		if (f->offset >= len)
			break;
		if (f->offset + value_size(f) <= len) {
			show_member(d, f, buf);
			continue;
		}
		field(d, f->name);
		show_hex_bytes(d, buf + f->offset, len - f->offset, false);
		break;
	}
	struct_end(d);
}

void show_struct_at(struct decoder *d, const struct layout_pair *pair, uint64_t addr)
{
	uint8_t buf[LAYOUT_SIZE_MAX];
	const struct layout *layout = d->i386 ? pair->i386 : pair->native;
	if (!layout)
		show_pointer(d, addr);
	else if (decode_fetch(d, addr, buf, layout->size))
		show_struct(d, layout, buf);
}

void decode_struct(struct decoder *d, unsigned i)
{
	show_struct_at(d, d->desc->params[i].type->data, decode_arg(d, i));
}
