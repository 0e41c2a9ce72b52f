/* bpf(2): what its attributes are is told by layouts/bpf.tbl; here is what depends on several of their members. */
#include "syscalls/decode_value_at.h"

#include <linux/bpf.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define ATTR_MAX 4096	/* a page: the kernel takes no more */
#define CARRY_VALID (UINT64_C(1) << 32)

static uint32_t word_of(const uint8_t *whole, size_t offset)
{
	return (uint32_t)decode_uint_at(whole + offset, 4);
}

/* ---- members ---- */

void show_numa_node(struct decoder *d, const uint8_t *at, UNUSED const uint8_t *whole)
{
	uint32_t node = word_of(at, 0);
	show_uint(d, node);
	if (node == UINT32_MAX)
		show_comment(d, "NUMA_NO_NODE");
}

void show_kernel_version(struct decoder *d, const uint8_t *at, UNUSED const uint8_t *whole)
{
	uint32_t v = word_of(at, 0);
	char text[64];
	(void)snprintf(text, sizeof(text), "KERNEL_VERSION(%u, %u, %u)", v >> 16, v >> 8 & 0xff, v & 0xff);
	show_hex_symbol(d, text, v);
}

static void show_id(struct decoder *d, const uint8_t *at)
{
	show_uint(d, word_of(at, 0));
}

static void show_word(struct decoder *d, const uint8_t *at)
{
	show_hex(d, decode_uint_at(at, 8));
}

static void show_name(struct decoder *d, const uint8_t *at)
{
	show_string_at(d, decode_uint_at(at, 8));
}

static void show_map_link(struct decoder *d, const uint8_t *at)
{
	struct_begin(d);
	field(d, "map");
	struct_begin(d);
	field(d, "map_fd");
	show_fd(d, (int)word_of(at, 0));
	struct_end(d);
	struct_end(d);
}

void show_bpf_prog_ids(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint32_t count = word_of(whole, offsetof(union bpf_attr, query.prog_cnt));
	if (decode_failed(d) && count)
		show_pointer(d, decode_uint_at(at, 8));
	else
		show_elements_at(d, decode_uint_at(at, 8), count, 4, show_id);
}

void show_bpf_iter_info(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint32_t count = word_of(whole, offsetof(union bpf_attr, link_create.iter_info_len));
	show_elements_at(d, decode_uint_at(at, 8), count, 4, show_map_link);
}

/* Of struct kprobe_multi, which is the whole here. */
void show_bpf_names(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_elements_at(d, decode_uint_at(at, 8), word_of(whole, 4), 8, show_name);
}

void show_bpf_words(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_elements_at(d, decode_uint_at(at, 8), word_of(whole, 4), 8, show_word);
}

static void show_log(struct decoder *d, uint64_t addr, uint32_t size)
{
	char buf[1024];
	size_t limit = d->options->string_limit;
	size_t len = size < limit + 1 ? size : limit + 1;
	if (len > sizeof(buf))
		len = sizeof(buf);
	if (!addr || !decode_read(d, addr, buf, len)) {
		show_pointer(d, addr);
		return;
	}
	size_t end = strnlen(buf, len);
	d->p->ops->string(d->p, buf, end < limit ? end : limit, end == len, true);
}

void show_bpf_log(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_log(d, decode_uint_at(at, 8), word_of(whole, offsetof(union bpf_attr, log_size)));
}

void show_btf_log(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_log(d, decode_uint_at(at, 8), word_of(whole, offsetof(union bpf_attr, btf_log_size)));
}

void show_bpf_btf(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_bytes_at(d, decode_uint_at(at, 8), word_of(whole, offsetof(union bpf_attr, btf_size)));
}

/* ---- programs ---- */

static void show_code_part(struct decoder *d, const struct flag_set *set, uint8_t part)
{
	wrap(d, "|");
	show_flags(d, set, part);
}

static void show_code(struct decoder *d, uint8_t code)
{
	uint8_t class = code & 7;
	show_flags(d, &flag_set_ebpf_classes, class);
	if (class <= BPF_STX) {
		show_code_part(d, &flag_set_ebpf_sizes, code & 0x18);
		show_code_part(d, &flag_set_ebpf_modes, code & 0xe0);
		return;
	}
	show_code_part(d, &flag_set_ebpf_sources, code & 8);
	show_code_part(d, class == BPF_ALU || class == BPF_ALU64 ? &flag_set_ebpf_alu_ops : &flag_set_ebpf_jumps, code & 0xf0);
}

static void show_insn(struct decoder *d, const uint8_t *at)
{
	struct_begin(d);
	field(d, "code");
	show_code(d, at[0]);
	field_flags(d, "dst_reg", &flag_set_ebpf_registers, at[1] & 15);
	field_flags(d, "src_reg", &flag_set_ebpf_registers, at[1] >> 4);
	field_sint(d, "off", decode_sint_at(at + 2, 2));
	field_hex(d, "imm", word_of(at, 4));
	struct_end(d);
}

void show_bpf_insns(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint64_t addr = decode_uint_at(at, 8);
	if (d->options->verbose)
		show_elements_at(d, addr, word_of(whole, offsetof(union bpf_attr, insn_cnt)), sizeof(struct bpf_insn), show_insn);
	else
		show_pointer(d, addr);
}

/* ---- the attributes ---- */

static const struct bpf_row *row_of(uint64_t command)
{
	for (size_t n = 0; n < bpf_rows_count; n++) {
		if (bpf_rows[n].command == (uint32_t)command)
			return &bpf_rows[n];
	}
	return NULL;
}

/* Where a member says what others are. */
static const struct layout *layout_for(const struct bpf_row *row, const uint8_t *buf, uint64_t size)
{
	if (row->layout == &layout_bpf_link_update && word_of(buf, 8) & BPF_F_REPLACE)
		return &layout_bpf_link_replace;
	if (row->layout != &layout_bpf_link_create || size <= sizeof(uint32_t[4]))
		return row->layout;
	if (size == sizeof(uint32_t[5]))
		return &layout_bpf_link_btf;
	switch (word_of(buf, offsetof(union bpf_attr, link_create.attach_type))) {
	case BPF_TRACE_ITER: return &layout_bpf_link_iter;
	case BPF_PERF_EVENT: return &layout_bpf_link_perf;
	case BPF_TRACE_KPROBE_MULTI: return &layout_bpf_link_kprobe;
	default: return row->layout;
	}
}

static uint64_t end_of(const struct layout *layout)
{
	uint64_t end = 0;
	for (unsigned i = 0; i < layout->count; i++) {
		uint64_t at = layout->fields[i].offset + value_size(&layout->fields[i]);
		end = at > end ? at : end;
	}
	return end;
}

/* Bytes of a newer kernel's structure, behind all that we know. */
static void show_extra(struct decoder *d, const uint8_t *buf, uint64_t from, uint64_t size)
{
	if (size <= from || (!buf[from] && memcmp(buf + from, buf + from + 1, (size_t)(size - from - 1)) == 0))
		return;
	if (!d->options->verbose) {
		elided(d);
		return;
	}
	field(d, "extra_data");
	show_hex_bytes(d, buf + from, (size_t)(size - from), false);
	show_commentf(d, "bytes %u..%u", (unsigned)from, (unsigned)size - 1);
}

/* Members of newer kernels are there only if the caller's structure reaches so far. */
static void show_members(struct decoder *d, const struct layout *layout, const uint8_t *buf, uint64_t size)
{
	for (unsigned i = 0; i < layout->count; i++) {
		const struct field_desc *f = &layout->fields[i];
		if (f->from && f->from >= size)
			break;
		if (f->fn == show_numa_node && !(word_of(buf, offsetof(union bpf_attr, map_flags)) & BPF_F_NUMA_NODE))
			continue;
		if (f->optional && !decode_uint_at(buf + f->offset, f->size))
			continue;
		field(d, f->name);
		if (f->format == FIELD_CHARS && f->offset + f->size > size && f->offset < size)
			show_chars(d, buf + f->offset, (size_t)(size - f->offset));
		else
			show_value(d, f, buf + f->offset, buf);
	}
}

static void decode_bpf_attr(struct decoder *d, unsigned i)
{
	uint8_t buf[ATTR_MAX] = {0};
	uint64_t size = decode_link(d, i, 1);
	uint64_t addr = decode_arg(d, i);
	const struct bpf_row *row = row_of(decode_link(d, i, 0));
	if (!row || !size || size > sizeof(buf) || !addr || !decode_read(d, addr, buf, (size_t)size)) {
		show_pointer(d, addr);
		return;
	}
	const struct layout *layout = layout_for(row, buf, size);
	struct_begin(d);
	if (row->inner) {
		field(d, row->inner);
		struct_begin(d);
	}
	show_members(d, layout, buf, size);
	if (row->inner)
		struct_end(d);
	show_extra(d, buf, end_of(layout), size);
	struct_end(d);
}

/* Of what the kernel writes. */
static bool bpf_attr_waits(struct decoder *d, unsigned i)
{
	switch (decode_link(d, i, 0)) {
	case BPF_PROG_LOAD: case BPF_BTF_LOAD: case BPF_PROG_QUERY: case BPF_PROG_TEST_RUN: case BPF_OBJ_GET_INFO_BY_FD:
	case BPF_TASK_FD_QUERY: case BPF_PROG_GET_NEXT_ID: case BPF_MAP_GET_NEXT_ID: case BPF_BTF_GET_NEXT_ID:
	case BPF_LINK_GET_NEXT_ID: case BPF_MAP_LOOKUP_BATCH: case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
		return true;
	default:
		return false;
	}
}

static void remember_info_len(struct decoder *d, unsigned i)
{
	uint32_t len;
	uint64_t addr = decode_arg(d, i) + offsetof(union bpf_attr, info.info_len);
	if (decode_link(d, i, 0) == BPF_OBJ_GET_INFO_BY_FD && decode_read(d, addr, &len, sizeof(len)))
		d->call->carry[0] = CARRY_VALID | len;
}

void show_bpf_info_len(struct decoder *d, const uint8_t *at, UNUSED const uint8_t *whole)
{
	uint32_t len = word_of(at, 0);
	uint64_t before = d->call->carry[0];
	if (before & CARRY_VALID && (uint32_t)before != len) {
		show_uint(d, (uint32_t)before);
		d->p->ops->changed(d->p);
	}
	show_uint(d, len);
}

const struct decode_type decode_type_bpf_attr = {
	.decode = decode_bpf_attr, .waits = bpf_attr_waits, .remember = remember_info_len, .needs = NEEDS_MEMORY,
};
