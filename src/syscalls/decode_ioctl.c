/* ioctl: the request's name and, for the common ones, what the argument points to. */
#include "syscalls/decode_value_at.h"

#include <asm/termbits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "syscalls/decode_input.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"
#include "syscalls/decode_layouts.h"

#define IOCTL_VARIABLE 4096	/* what a type of variable length is told that there is */

/* ---- the request ---- */

/* _IOC(_IOC_READ|_IOC_WRITE, 0x51, 0x5, 0xc) for a request that nobody has named. */
static void show_ioc(struct decoder *d, uint32_t request)
{
	static const char *const dirs[4] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"};
	char text[128];
	if (!input_command_name(request, d->options->consts != CONST_ABBREV, text, sizeof(text)))
		(void)snprintf(text, sizeof(text), "_IOC(%s, %#x, %#x, %#x)", dirs[_IOC_DIR(request)],
			       _IOC_TYPE(request), _IOC_NR(request), _IOC_SIZE(request));
	show_hex_symbol(d, text, request);
}

#define NAMES_MAX 6

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Numbers that two drivers use are shown with all names, as strace does; TCGETS is what everybody means by its. */
static void show_names(struct decoder *d, const char **names, unsigned count, uint32_t request)
{
	char text[256];
	size_t used = 0;
	qsort(names, count, sizeof(*names), by_text);
	for (unsigned n = 0; n < count && used < sizeof(text); n++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", n ? " or " : "", names[n]);
	show_hex_symbol(d, text, request);
}

void show_ioctl_command(struct decoder *d, uint32_t request)
{
	const struct flag_set *set = &flag_set_ioctl_requests;
	const char *names[NAMES_MAX];
	unsigned count = 0;
	if (d->quiet)
		return;
	for (size_t n = 0; n < set->count && count < NAMES_MAX; n++) {
		if (set->names[n].value == request)
			names[count++] = set->names[n].name;
	}
	if (request == TCGETS)
		show_hex_symbol(d, "TCGETS", request);
	else if (count)
		show_names(d, names, count, request);
	else
		show_ioc(d, request);
}

static void decode_ioctl_request(struct decoder *d, unsigned i)
{
	show_ioctl_command(d, (uint32_t)decode_arg(d, i));
}

const struct decode_type decode_type_ioctl_request = {.decode = decode_ioctl_request};

/* ---- the argument ---- */

static const struct ioctl_row *row_of(uint64_t request)
{
	size_t low = 0;
	size_t high = ioctl_rows_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (ioctl_rows[mid].request == (uint32_t)request)
			return &ioctl_rows[mid];
		if (ioctl_rows[mid].request < (uint32_t)request)
			low = mid + 1;
		else
			high = mid;
	}
	return input_ioctl_row((uint32_t)request);
}

static bool ioctl_arg_present(struct decoder *d, unsigned i)
{
	const struct ioctl_row *row = row_of(decode_link(d, i, 0));
	return !row || row->direction != IOCTL_NONE;
}

static bool ioctl_arg_waits(struct decoder *d, unsigned i)
{
	const struct ioctl_row *row = row_of(decode_link(d, i, 0));
	return row && row->direction >= IOCTL_OUT;
}

static bool ioctl_arg_splits(struct decoder *d, unsigned i)
{
	const struct ioctl_row *row = row_of(decode_link(d, i, 0));
	return row && (row->direction == IOCTL_INOUT || row->direction == IOCTL_BOTH);
}

static void show_ioctl_value(struct decoder *d, const struct field_desc *type, uint64_t v)
{
	uint8_t buf[8];
	memcpy(buf, &v, sizeof(buf));	/* little-endian, as all ABIs here are: the low bytes come first */
	show_value(d, type, buf, buf);
}

static void show_ioctl_pointee(struct decoder *d, const struct ioctl_row *row, uint64_t addr)
{
	const struct field_desc *type = d->i386 && row->i386 ? row->i386 : &row->type;
	bool failed = d->exiting && (!d->result || d->result->is_error);
	if (row->direction == IOCTL_LATE && failed) {
		type = row->other;
		failed = false;
	}
	if (!addr || (failed && row->direction != IOCTL_IN)) {
		show_pointer(d, addr);
		return;
	}
	size_t size = value_size(type);
	show_value_at(d, type, addr, size ? size : IOCTL_VARIABLE, true);
}

/* What became of a value that was shown at entry. An attr_fn knows itself what is worth showing again. */
static void show_changed(struct decoder *d, const struct field_desc *type, uint64_t addr)
{
	uint8_t buf[LAYOUT_SIZE_MAX];
	size_t size = value_size(type);
	if (type->format != FIELD_ATTR) {
		if (!addr || size > sizeof(buf) || !decode_read(d, addr, buf, size))
			return;
		d->p->ops->changed(d->p);
	}
	show_value_at(d, type, addr, IOCTL_VARIABLE, true);
}

static void decode_ioctl_arg(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	const struct ioctl_row *row = row_of(decode_link(d, i, 0));
	if (!row)
		show_hex(d, v);
	else if (row->direction == IOCTL_VALUE)
		show_ioctl_value(d, d->i386 && row->i386 ? row->i386 : &row->type, v);
	else if (row->direction == IOCTL_BOTH)
		show_value_at(d, &row->type, v, IOCTL_VARIABLE, true);
	else if (row->direction != IOCTL_INOUT || !d->exiting)
		show_ioctl_pointee(d, row, v);
	else if (!decode_failed(d))
		show_changed(d, row->other ? row->other : &row->type, v);
}

const struct decode_type decode_type_ioctl_arg = {
	.decode = decode_ioctl_arg, .present = ioctl_arg_present, .waits = ioctl_arg_waits,
	.splits = ioctl_arg_splits,
	.needs = NEEDS_MEMORY,
};
