/* What the rows of layouts/hdio.tbl cannot say. */
#include <linux/hdreg.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

#define SECTOR 512

/* Status, and behind it as many sectors as were asked for: all that was asked was overwritten but their number. */
void show_drive_answer(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint8_t b[4];
	if (!d->exiting || !addr || !decode_read(d, addr, b, sizeof(b)))
		return;
	d->p->ops->changed(d->p);
	struct_begin(d);
	field_hex(d, "status", b[0]);
	field_uint(d, "error", b[1]);
	field_uint(d, "nsector", b[2]);
	if (b[3]) {
		field(d, "buf");
		show_hex_at(d, addr + sizeof(b), (size_t)b[3] * SECTOR);
	}
	struct_end(d);
}

static void show_start(struct decoder *d, const uint8_t *at, size_t size)
{
	size_t shown = size < d->options->string_limit ? size : d->options->string_limit;
	show_bytes(d, at, shown, shown < size);
}

void show_identity(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_start(d, at, 142);
}

void show_identity_long(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_start(d, at, 512);
}

/* The kernel numbers the bits. */
static void show_nice(struct decoder *d, uint64_t v)
{
	static const struct flag_name names[] = {
		{"1 << IDE_NICE_DSC_OVERLAP", 1 << IDE_NICE_DSC_OVERLAP, 1 << IDE_NICE_DSC_OVERLAP},
		{"1 << IDE_NICE_ATAPI_OVERLAP", 1 << IDE_NICE_ATAPI_OVERLAP, 1 << IDE_NICE_ATAPI_OVERLAP},
		{"1 << IDE_NICE_1", 1 << IDE_NICE_1, 1 << IDE_NICE_1},
		{"1 << IDE_NICE_0", 1 << IDE_NICE_0, 1 << IDE_NICE_0},
		{"1 << IDE_NICE_2", 1 << IDE_NICE_2, 1 << IDE_NICE_2},
	};
	static const struct flag_set set = {.name = "ide_nice", .names = names, .count = ARRAY_SIZE(names),
					    .unknown = "1 << IDE_NICE_???"};
	show_flags(d, &set, v);
}

void show_ide_nice_value(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_nice(d, decode_word_at(d, at));
}

void show_ide_nice(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint8_t word[8] = {0};
	if (!decode_fetch(d, addr, word, d->word))
		return;
	wrap(d, "[");
	show_nice(d, decode_word_at(d, word));
	wrap(d, "]");
}
