/*
 * Classic BPF programs, as the macros that programs are written with. A filter of sockets addresses packets, with names
 * for offsets below zero; what seccomp's returns is an action.
 */
#include "syscalls/decode_priv.h"

#include <linux/filter.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

#define FILTER_MAX 4096		/* the kernel's BPF_MAXINSNS */

/* "|" and a part of the code, or nothing for none. */
static void show_part(struct decoder *d, const struct flag_set *set, uint16_t part)
{
	wrap(d, "|");
	show_flags(d, set, part);
}

static void show_rest(struct decoder *d, uint16_t rest)
{
	static const struct flag_set none = {.name = "none", .unknown = "BPF_???", .exclusive = true};
	if (rest)
		show_part(d, &none, rest);
}

static void show_code(struct decoder *d, uint16_t code)
{
	show_flags(d, &flag_set_cbpf_classes, BPF_CLASS(code));
	switch (BPF_CLASS(code)) {
	case BPF_LD:
	case BPF_LDX:
		show_part(d, &flag_set_cbpf_sizes, BPF_SIZE(code));
		show_part(d, &flag_set_cbpf_modes, BPF_MODE(code));
		show_rest(d, code & ~0xffu);
		return;
	case BPF_ALU:
	case BPF_JMP:
		show_part(d, &flag_set_cbpf_sources, BPF_SRC(code));
		show_part(d, BPF_CLASS(code) == BPF_ALU ? &flag_set_cbpf_alu_ops : &flag_set_cbpf_jump_ops, BPF_OP(code));
		show_rest(d, code & ~0xffu);
		return;
	case BPF_RET:
		show_part(d, &flag_set_cbpf_returns, BPF_RVAL(code));
		show_rest(d, code & ~0x1fu);
		return;
	case BPF_MISC:
		show_part(d, &flag_set_cbpf_misc_ops, BPF_MISCOP(code));
		show_rest(d, code & ~0xffu);
		return;
	default:
		show_rest(d, code & ~7u);
		return;
	}
}

static void show_offset(struct decoder *d, uint32_t k)
{
	const uint32_t ancillary = (uint32_t)SKF_AD_OFF, net = (uint32_t)SKF_NET_OFF, link = (uint32_t)SKF_LL_OFF;
	if (k < link) {
		show_hex(d, k);
		return;
	}
	uint32_t base = k >= ancillary ? ancillary : k >= net ? net : link;
	show_flags(d, &flag_set_cbpf_offset_bases, base);
	wrap(d, "+");
	if (base == ancillary && flag_set_name_of(&flag_set_cbpf_ancillary, k - base))
		show_flags(d, &flag_set_cbpf_ancillary, k - base);
	else
		show_uint(d, k - base);
}

static void show_action(struct decoder *d, uint32_t k)
{
	show_flags(d, &flag_set_seccomp_actions, k & 0xffff0000u);
	if (!(k & 0xffff))
		return;
	wrap(d, "|");
	show_hex(d, k & 0xffff);
}

static void show_operand(struct decoder *d, const struct sock_filter *f, bool seccomp)
{
	if (seccomp && f->code == (BPF_RET | BPF_K))
		show_action(d, f->k);
	else if (!seccomp && BPF_CLASS(f->code) == BPF_LD && BPF_MODE(f->code) == BPF_ABS)
		show_offset(d, f->k);
	else
		show_hex(d, f->k);
}

static void show_instruction(struct decoder *d, const struct sock_filter *f, bool seccomp)
{
	bool jumps = f->jt || f->jf;
	if (!d->p->ops->joins) {
		struct_begin(d);
		field_uint(d, "code", f->code);
		field_uint(d, "jt", f->jt);
		field_uint(d, "jf", f->jf);
		field_uint(d, "k", f->k);
		struct_end(d);
		return;
	}
	wrap(d, jumps ? "BPF_JUMP(" : "BPF_STMT(");
	show_code(d, f->code);
	wrap(d, ", ");
	show_operand(d, f, seccomp);
	if (jumps) {
		wrap(d, ", ");
		show_hex(d, f->jt);
		wrap(d, ", ");
		show_hex(d, f->jf);
	}
	wrap(d, ")");
}

static void show_filter(struct decoder *d, uint64_t addr, uint64_t count, bool seccomp)
{
	struct sock_filter f;
	if (!addr || !d->options->verbose || (count && !decode_read(d, addr, &f, sizeof(f)))) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < count; n++) {
		uint64_t at = addr + n * sizeof(f);
		if (n == FILTER_MAX) {
			elided(d);
			break;
		}
		element(d);
		if (n && !decode_read(d, at, &f, sizeof(f))) {
			wrap(d, "... /* ");
			show_pointer(d, at);
			wrap(d, " */");
			break;
		}
		show_instruction(d, &f, seccomp);
	}
	array_end(d);
}

static void show_program(struct decoder *d, uint64_t addr, bool seccomp)
{
	uint8_t b[16];
	if (!decode_fetch(d, addr, b, 2u * d->word))
		return;
	uint64_t len = decode_uint_at(b, 2);
	struct_begin(d);
	field_uint(d, "len", len);
	field(d, "filter");
	show_filter(d, decode_word_at(d, b + d->word), len, seccomp);
	struct_end(d);
}

void show_bpf_program(struct decoder *d, uint64_t addr)
{
	show_program(d, addr, true);
}

/* SO_ATTACH_FILTER gives a program, SO_GET_FILTER returns its instructions. */
void show_socket_filter(struct decoder *d, uint64_t addr, size_t len)
{
	if (d->call->id == CALL_getsockopt)
		show_filter(d, addr, len, false);
	else if (len == 2u * d->word)
		show_program(d, addr, false);
	else
		show_pointer(d, addr);
}

/* An attribute that is instructions: whole ones, whatever follows. */
void show_filter_attr(struct decoder *d, uint64_t addr, size_t len)
{
	struct sock_filter f;
	if (len < sizeof(f)) {
		show_hex_at(d, addr, len);
		return;
	}
	if (!decode_read(d, addr, &f, sizeof(f))) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (size_t n = 0; n < len / sizeof(f) && n < FILTER_MAX; n++) {
		uint64_t at = addr + n * sizeof(f);
		element(d);
		if (!decode_read(d, at, &f, sizeof(f))) {
			wrap(d, "... /* ");
			show_pointer(d, at);
			wrap(d, " */");
			break;
		}
		show_instruction(d, &f, false);
	}
	array_end(d);
}

/* ---- notifications ---- */

/*
 * The kernel wants zeroes and fills them in: anything else is shown at entry, too. JSON has what there is before and
 * after.
 */
void show_seccomp_notif(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint8_t buf[LAYOUT_SIZE_MAX];
	size_t size = layout_seccomp_notif.size;
	bool readable = addr && decode_read(d, addr, buf, size);
	bool failed = d->exiting && (!d->result || d->result->is_error);
	bool zero = readable && !buf[0] && memcmp(buf, buf + 1, size - 1) == 0;
	/* Whether entry has shown it: what there was is still there if the call failed. */
	if (!d->exiting && zero && d->p->ops->joins)
		return;
	if (!d->exiting && !readable) {
		show_pointer(d, addr);
		return;
	}
	if (!d->exiting && !zero)
		d->call->carry[0] = 1;
	if (!readable)
		return;
	if (d->exiting && d->call->carry[0])
		d->p->ops->changed(d->p);
	if (failed)
		show_pointer(d, addr);
	else
		show_struct(d, &layout_seccomp_notif, buf);
}
