/* Vectors of buffers, and messages with their control data. */
#include "syscalls/decode_priv.h"

#include <string.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define IOV_SHOWN_MAX 1024	/* IOV_MAX */

/* Arrays are cut at -s elements, as strings are. */
static uint64_t shown_of(struct decoder *d, uint64_t count)
{
	uint64_t limit = d->options->verbose ? IOV_SHOWN_MAX : d->options->string_limit;
	return count < limit ? count : limit;
}

static void show_data_at(struct decoder *d, uint64_t base, uint64_t len)
{
	if (d->in_message)
		show_socket_bytes_at(d, d->sockfd, base, len);
	else
		show_bytes_at(d, base, len);
}

void show_iov_at(struct decoder *d, uint64_t addr, uint64_t count, uint64_t bytes, bool data)
{
	uint8_t b[16];
	uint64_t shown = shown_of(d, count);
	if (!addr || (count && !decode_read(d, addr, b, 2u * d->word))) {
		show_pointer(d, addr);
		return;
	}
	uint64_t n = 0;
	array_begin(d);
	for (; n < shown; n++) {
		if (n && !decode_read(d, addr + n * 2 * d->word, b, 2u * d->word))
			break;
		element(d);
		uint64_t base = decode_word_at(d, b);
		uint64_t len = decode_word_at(d, b + d->word);
		struct_begin(d);
		field(d, "iov_base");
		if (data)
			show_data_at(d, base, len < bytes ? len : bytes);
		else
			show_pointer(d, base);
		field_uint(d, "iov_len", len);
		struct_end(d);
		if (bytes != UINT64_MAX)
			bytes -= len < bytes ? len : bytes;
	}
	show_array_rest(d, addr, n, shown, count, 2u * d->word);
	array_end(d);
}

static void decode_iovec_in(struct decoder *d, unsigned i)
{
	show_iov_at(d, decode_arg(d, i), decode_link(d, i, 0), UINT64_MAX, true);
}

static void decode_iovec_out(struct decoder *d, unsigned i)
{
	bool data = !decode_failed(d);
	show_iov_at(d, decode_arg(d, i), decode_link(d, i, 0), data ? (uint64_t)d->result->value : 0, data);
}

static void decode_iovec_remote(struct decoder *d, unsigned i)
{
	show_iov_at(d, decode_arg(d, i), decode_link(d, i, 0), 0, false);
}

const struct decode_type decode_type_iovec_in = {.decode = decode_iovec_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_iovec_out = {.decode = decode_iovec_out, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_iovec_remote = {.decode = decode_iovec_remote, .needs = NEEDS_MEMORY};

/* ---- struct msghdr ---- */

struct msghdr_view {
	uint64_t name, iov, iovlen, control, controllen;
	uint32_t namelen, flags;
};

static bool read_msghdr(struct decoder *d, uint64_t addr, struct msghdr_view *v)
{
	uint8_t b[56];
	unsigned w = d->word;
	if (!addr || !decode_read(d, addr, b, 7u * w))
		return false;
	*v = (struct msghdr_view){
		.name = decode_word_at(d, b), .namelen = (uint32_t)decode_uint_at(b + w, 4),
		.iov = decode_word_at(d, b + 2 * w), .iovlen = decode_word_at(d, b + 3 * w),
		.control = decode_word_at(d, b + 4 * w), .controllen = decode_word_at(d, b + 5 * w),
		.flags = (uint32_t)decode_uint_at(b + 6 * w, 4),
	};
	return true;
}

/* room: what msg_namelen was before the call, or -1 where it is not known or did not matter. */
static void show_msghdr(struct decoder *d, const struct msghdr_view *v, uint64_t bytes, int64_t room)
{
	struct_begin(d);
	field(d, "msg_name");
	uint32_t len = room >= 0 && room < v->namelen ? (uint32_t)room : v->namelen;
	show_sockaddr_at(d, v->name, len);
	field(d, "msg_namelen");
	if (room >= 0 && room != v->namelen) {
		show_sint(d, room);
		d->p->ops->changed(d->p);
	}
	show_sint(d, (int32_t)v->namelen);
	field(d, "msg_iov");
	d->in_message = true;
	d->sockfd = (int)decode_arg(d, 0);
	show_iov_at(d, v->iov, v->iovlen, bytes, true);
	d->in_message = false;
	field_uint(d, "msg_iovlen", v->iovlen);
	if (v->controllen) {
		field(d, "msg_control");
		show_control_at(d, v->control, v->controllen);
	}
	field_uint(d, "msg_controllen", v->controllen);
	field_flags(d, "msg_flags", &flag_set_msg_flags, v->flags);
	struct_end(d);
}

static void decode_msghdr_in(struct decoder *d, unsigned i)
{
	struct msghdr_view v;
	uint64_t addr = decode_arg(d, i);
	if (read_msghdr(d, addr, &v))
		show_msghdr(d, &v, UINT64_MAX, -1);
	else
		show_pointer(d, addr);
}

const struct decode_type decode_type_msghdr_in = {.decode = decode_msghdr_in, .needs = NEEDS_MEMORY};

#define CARRY_VALID (UINT64_C(1) << 32)

static void remember_namelen(struct decoder *d, unsigned i)
{
	uint32_t len;
	uint64_t addr = decode_arg(d, i);
	if (addr && decode_read(d, addr + d->word, &len, sizeof(len)))
		d->call->carry[0] = CARRY_VALID | len;
}

static void decode_msghdr_out(struct decoder *d, unsigned i)
{
	struct msghdr_view v;
	uint64_t addr = decode_arg(d, i);
	bool known = d->call->carry[0] & CARRY_VALID;
	int32_t room = (int32_t)d->call->carry[0];
	if (decode_failed(d) && known) {
		struct_begin(d);
		field_sint(d, "msg_namelen", room);
		struct_end(d);
	} else if (decode_failed(d) || !read_msghdr(d, addr, &v)) {
		show_pointer(d, addr);
	} else {
		show_msghdr(d, &v, (uint64_t)d->result->value, known ? room : -1);
	}
}

const struct decode_type decode_type_msghdr_out = {
	.decode = decode_msghdr_out, .remember = remember_namelen, .needs = NEEDS_MEMORY,
};

/* ---- struct mmsghdr ---- */

static void show_mmsghdrs(struct decoder *d, uint64_t addr, uint64_t count, bool sent)
{
	struct msghdr_view v;
	uint64_t size = 8u * d->word;
	uint64_t shown = shown_of(d, count);
	bool done = d->exiting && d->result && !d->result->is_error;
	if (shown && !read_msghdr(d, addr, &v)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < shown; n++) {
		uint64_t at = addr + n * size;
		uint32_t len = 0;
		if (!read_msghdr(d, at, &v) || !decode_read(d, at + 7u * d->word, &len, sizeof(len))) {
			show_cut(d, at);
			break;
		}
		element(d);
		struct_begin(d);
		field(d, "msg_hdr");
		show_msghdr(d, &v, sent ? UINT64_MAX : len, -1);
		if (done)
			field_uint(d, "msg_len", len);
		struct_end(d);
	}
	if (shown < count)
		elided(d);
	array_end(d);
}

static void decode_mmsghdrs_in(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	uint64_t count = decode_link(d, i, 0);
	if (d->exiting && !decode_failed(d) && (uint64_t)d->result->value < count)
		count = (uint64_t)d->result->value;
	if (!addr || decode_failed(d))
		show_pointer(d, addr);
	else
		show_mmsghdrs(d, addr, count, true);
}

static void decode_mmsghdrs_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_failed(d) || !addr)
		show_pointer(d, addr);
	else
		show_mmsghdrs(d, addr, (uint64_t)d->result->value, false);
}

const struct decode_type decode_type_mmsghdrs_in = {
	.decode = decode_mmsghdrs_in, .needs = NEEDS_MEMORY, .timing = TIMING_EXIT,
};
const struct decode_type decode_type_mmsghdrs_out = {.decode = decode_mmsghdrs_out, .needs = NEEDS_MEMORY};
