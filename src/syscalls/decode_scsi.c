/* SG_IO: commands to SCSI devices, as <scsi/sg.h> (version 3) and <linux/bsg.h> (version 4) have them. */
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

/* Bytes in hexadecimal, or the address where there are none. */
static void show_data_at(struct decoder *d, const char *name, uint64_t addr, size_t len)
{
	field(d, name);
	if (addr)
		show_hex_at(d, addr, len);
	else
		show_pointer(d, addr);
}

/* What is moved: one piece, or as many as count says. */
static void show_transfer(struct decoder *d, const char *name, uint64_t addr, uint32_t count, uint64_t len)
{
	if (!count) {
		show_data_at(d, name, addr, len);
		return;
	}
	field(d, name);
	show_iov_at(d, addr, count, len, true);
}

/* How much of len bytes came, if the rest can be believed. */
static uint32_t received(uint32_t len, int32_t rest)
{
	return rest > 0 && (uint32_t)rest <= len ? len - (uint32_t)rest : len;
}

/* ---- version 3: struct sg_io_hdr ---- */

#define SG_SIZE 88
#define SG_SIZE_I386 64

enum direction {
	TO_DEVICE = -2,
	FROM_DEVICE = -3,
	BOTH_WAYS = -4,
};

struct sg3 {
	int32_t direction;
	uint8_t cmd_len, max_sense;
	uint16_t iovecs;
	uint32_t len, timeout, flags;
	uint64_t data, command, sense;
	const uint8_t *out;		/* from status on */
};

static void read_sg3(struct decoder *d, const uint8_t *b, struct sg3 *h)
{
	unsigned w = d->word;
	*h = (struct sg3){
		.direction = (int32_t)decode_sint_at(b + 4, 4), .cmd_len = b[8], .max_sense = b[9],
		.iovecs = (uint16_t)decode_uint_at(b + 10, 2), .len = (uint32_t)decode_uint_at(b + 12, 4),
		.data = decode_word_at(d, b + 16), .command = decode_word_at(d, b + 16 + w),
		.sense = decode_word_at(d, b + 16 + 2 * w), .timeout = (uint32_t)decode_uint_at(b + 16 + 3 * w, 4),
		.flags = (uint32_t)decode_uint_at(b + 20 + 3 * w, 4),
		.out = b + (w == 8 ? 64 : 40),
	};
}

static void show_sg3_request(struct decoder *d, const struct sg3 *h)
{
	field_flags(d, "dxfer_direction", &flag_set_sg_directions, (uint32_t)h->direction);
	field_uint(d, "cmd_len", h->cmd_len);
	show_data_at(d, "cmdp", h->command, h->cmd_len);
	field_uint(d, "mx_sb_len", h->max_sense);
	field_uint(d, "iovec_count", h->iovecs);
	field_uint(d, "dxfer_len", h->len);
	field_uint(d, "timeout", h->timeout);
	field_flags(d, "flags", &flag_set_sg_flags, h->flags);
	if (h->direction == TO_DEVICE || h->direction == BOTH_WAYS)
		show_transfer(d, "dxferp", h->data, h->iovecs, h->len);
}

static void show_sg3_answer(struct decoder *d, const struct sg3 *h)
{
	const uint8_t *o = h->out;
	int32_t rest = (int32_t)decode_sint_at(o + 8, 4);
	uint32_t came = received(h->len, rest);
	bool changed = h->direction == BOTH_WAYS && came && d->p->ops->joins;
	if (changed) {
		d->p->ops->changed(d->p);
		wrap(d, "dxferp=");
		if (h->iovecs)
			show_iov_at(d, h->data, h->iovecs, came, true);
		else
			show_hex_at(d, h->data, came);
	}
	wrap(d, ", ");	/* between what was shown at entry and the first member here */
	if (!changed && (h->direction == FROM_DEVICE || (h->direction == BOTH_WAYS && came))) {
		show_transfer(d, "dxferp", h->data, h->iovecs, came);
	}
	field_hex(d, "status", o[0]);
	field_hex(d, "masked_status", o[1]);
	field_hex(d, "msg_status", o[2]);
	field_uint(d, "sb_len_wr", o[3]);
	show_data_at(d, "sbp", h->sense, o[3]);
	field_hex(d, "host_status", decode_uint_at(o + 4, 2));
	field_hex(d, "driver_status", decode_uint_at(o + 6, 2));
	field_sint(d, "resid", rest);
	field_uint(d, "duration", decode_uint_at(o + 12, 4));
	field_flags(d, "info", &flag_set_sg_info, decode_uint_at(o + 16, 4));
}

static void show_sg3(struct decoder *d, const uint8_t *b)
{
	struct sg3 h;
	read_sg3(d, b, &h);
	if (d->exiting)
		show_sg3_answer(d, &h);
	else
		show_sg3_request(d, &h);
}

/* ---- version 4: struct sg_io_v4 ---- */

#define SG4_SIZE 160

static uint64_t at4(const uint8_t *b, unsigned offset)
{
	return decode_uint_at(b + offset, 4);
}

static void show_sg4_request(struct decoder *d, const uint8_t *b)
{
	field_flags(d, "protocol", &flag_set_bsg_protocols, at4(b, 4));
	field_flags(d, "subprotocol", &flag_set_bsg_subprotocols, at4(b, 8));
	field_uint(d, "request_len", at4(b, 12));
	show_data_at(d, "request", decode_uint_at(b + 16, 8), at4(b, 12));
	field_hex(d, "request_tag", decode_uint_at(b + 24, 8));
	field_uint(d, "request_attr", at4(b, 32));
	field_uint(d, "request_priority", at4(b, 36));
	field_uint(d, "request_extra", at4(b, 40));
	field_uint(d, "max_response_len", at4(b, 44));
	field_uint(d, "dout_iovec_count", at4(b, 56));
	field_uint(d, "dout_xfer_len", at4(b, 60));
	field_uint(d, "din_iovec_count", at4(b, 64));
	field_uint(d, "din_xfer_len", at4(b, 68));
	show_transfer(d, "dout_xferp", decode_uint_at(b + 72, 8), (uint32_t)at4(b, 56), at4(b, 60));
	field_uint(d, "timeout", at4(b, 88));
	field_flags(d, "flags", &flag_set_bsg_flags, at4(b, 92));
	field_hex(d, "usr_ptr", decode_uint_at(b + 96, 8));
}

static void show_sg4_answer(struct decoder *d, const uint8_t *b)
{
	int32_t rest = (int32_t)decode_sint_at(b + 136, 4);
	wrap(d, ", ");	/* behind what was shown at entry */
	field_uint(d, "response_len", at4(b, 132));
	show_data_at(d, "response", decode_uint_at(b + 48, 8), at4(b, 132));
	show_transfer(d, "din_xferp", decode_uint_at(b + 80, 8), (uint32_t)at4(b, 64), received((uint32_t)at4(b, 68), rest));
	field_hex(d, "driver_status", at4(b, 108));
	field_hex(d, "transport_status", at4(b, 112));
	field_hex(d, "device_status", at4(b, 116));
	field_uint(d, "retry_delay", at4(b, 120));
	field_flags(d, "info", &flag_set_sg_info, at4(b, 124));
	field_uint(d, "duration", at4(b, 128));
	field_uint(d, "response_len", at4(b, 132));
	field_sint(d, "din_resid", rest);
	field_sint(d, "dout_resid", decode_sint_at(b + 140, 4));
	field_hex(d, "generated_tag", decode_uint_at(b + 144, 8));
}

static void show_sg4(struct decoder *d, const uint8_t *b)
{
	if (d->exiting)
		show_sg4_answer(d, b);
	else
		show_sg4_request(d, b);
}

/* ---- either ---- */

/*
 * At entry "{interface_id='S', ...", at exit ", status=0, ...}": of what cannot be read all is said at entry. In JSON
 * two structures.
 */
void show_sg_io(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint8_t b[SG4_SIZE];
	uint32_t id;
	if (!addr || !decode_read(d, addr, &id, sizeof(id))) {
		if (!d->exiting)
			show_pointer(d, addr);
		return;
	}
	if (id != 'S' && id != 'Q') {
		if (!d->exiting)
			show_textf(d, "[%u]", id);
		return;
	}
	size_t size = id == 'Q' ? SG4_SIZE : d->word == 8 ? SG_SIZE : SG_SIZE_I386;
	bool readable = decode_read(d, addr, b, size);
	bool one = d->p->ops->joins;
	if (!d->exiting || !one)
		struct_begin(d);
	if (!d->exiting) {
		field(d, id == 'S' ? "interface_id" : "guard");
		show_textf(d, "'%c'", (char)id);
	}
	if (readable) {
		(id == 'S' ? show_sg3 : show_sg4)(d, b);
	} else if (!d->exiting) {
		field(d, NULL);
		show_pointer(d, addr + sizeof(id));
	}
	if (d->exiting || !one)
		struct_end(d);
}
