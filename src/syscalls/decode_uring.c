/* io_uring: what its three calls take. */
#include "syscalls/decode_value_at.h"

#include <linux/io_uring.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

static void decode_io_uring_params(struct decoder *d, unsigned i)
{
	struct io_uring_params p;
	uint64_t addr = decode_arg(d, i);
	if (!addr || !decode_read(d, addr, &p, sizeof(p))) {
		show_pointer(d, addr);
		return;
	}
	struct_begin(d);
	field_flags(d, "flags", &flag_set_io_uring_setup_flags, p.flags);
	field_hex(d, "sq_thread_cpu", p.sq_thread_cpu);
	field_uint(d, "sq_thread_idle", p.sq_thread_idle);
	if (p.flags & IORING_SETUP_ATTACH_WQ) {
		field(d, "wq_fd");
		show_fd(d, (int)p.wq_fd);
	}
	if (p.resv[0] | p.resv[1] | p.resv[2]) {
		field(d, "resv");
		show_value(d, &(struct field_desc){.format = FIELD_HEX, .size = 4, .count = 3}, (const uint8_t *)p.resv, NULL);
	}
	if (!decode_failed(d)) {
		field_uint(d, "sq_entries", p.sq_entries);
		field_uint(d, "cq_entries", p.cq_entries);
		field_flags(d, "features", &flag_set_io_uring_features, p.features);
		field(d, "sq_off");
		show_struct(d, &layout_uring_sq_offsets, (const uint8_t *)&p.sq_off);
		field(d, "cq_off");
		show_struct(d, &layout_uring_cq_offsets, (const uint8_t *)&p.cq_off);
	}
	struct_end(d);
}

const struct decode_type decode_type_io_uring_params = {
	.decode = decode_io_uring_params, .needs = NEEDS_MEMORY, .timing = TIMING_EXIT,
};

static void decode_io_uring_enter_arg(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_link(d, i, 0) & 8 /* IORING_ENTER_EXT_ARG */ && decode_link(d, i, 1) == layout_uring_getevents.size)
		show_struct_at(d, &(struct layout_pair){&layout_uring_getevents, &layout_uring_getevents}, addr);
	else
		show_sigset_at(d, addr, addr ? decode_link(d, i, 1) : 8);
}

const struct decode_type decode_type_io_uring_enter_arg = {
	.decode = decode_io_uring_enter_arg, .needs = NEEDS_MEMORY,
};

/* ---- io_uring_register ---- */

#define FILES_SKIP (-2)		/* IORING_REGISTER_FILES_SKIP */

static void show_file(struct decoder *d, const uint8_t *at)
{
	show_fd(d, (int)decode_sint_at(at, 4));
}

static void show_updated_file(struct decoder *d, const uint8_t *at)
{
	int fd = (int)decode_sint_at(at, 4);
	if (fd == FILES_SKIP)
		show_symbol(d, "IORING_REGISTER_FILES_SKIP", (uint64_t)(int64_t)fd);
	else
		show_fd(d, fd);
}

static void show_tag(struct decoder *d, const uint8_t *at)
{
	show_hex(d, decode_uint_at(at, 8));
}

/* Three words that should be zero. */
static void show_reserved(struct decoder *d, const uint8_t *at)
{
	static const struct field_desc words = {.format = FIELD_HEX, .size = 4, .count = 3};
	if (!decode_uint_at(at, 8) && !decode_uint_at(at + 8, 4))
		return;
	field(d, "resv2");
	show_value(d, &words, at, NULL);
}

static void show_restriction(struct decoder *d, const uint8_t *at)
{
	static const struct {
		const char *name;
		const struct flag_set *set;
	} members[] = {
		{"register_op", &flag_set_io_uring_register_opcodes}, {"sqe_op", &flag_set_io_uring_ops},
		{"sqe_flags", &flag_set_io_uring_sqe_flags}, {"sqe_flags", &flag_set_io_uring_sqe_flags},
	};
	uint64_t opcode = decode_uint_at(at, 2);
	struct_begin(d);
	field_flags(d, "opcode", &flag_set_io_uring_restrictions, opcode);
	if (opcode < ARRAY_SIZE(members))
		field_flags(d, members[opcode].name, members[opcode].set, at[2]);
	else
		show_commentf(d, at[2] ? "op: %#x" : "op: %x", at[2]);
	if (at[3])
		field_hex(d, "resv", at[3]);
	show_reserved(d, at + 4);
	struct_end(d);
}

static void show_ring_fd(struct decoder *d, const uint8_t *at)
{
	int32_t offset = (int32_t)decode_sint_at(at, 4);
	struct_begin(d);
	field(d, "offset");
	if (offset == -1)
		show_sint(d, offset);
	else
		show_uint(d, (uint32_t)offset);
	if (decode_uint_at(at + 4, 4))
		field_hex(d, "resv", decode_uint_at(at + 4, 4));
	field(d, "data");
	show_fd(d, (int)decode_sint_at(at + 8, 8));
	struct_end(d);
}

static void show_ring_slot(struct decoder *d, const uint8_t *at)
{
	struct_begin(d);
	field_uint(d, "offset", decode_uint_at(at, 4));
	if (decode_uint_at(at + 4, 4))
		field_hex(d, "resv", decode_uint_at(at + 4, 4));
	if (decode_uint_at(at + 8, 8))
		field_hex(d, "data", decode_uint_at(at + 8, 8));
	struct_end(d);
}

#define PROBE_OPS_MAX 256

void show_op(struct decoder *d, const uint8_t *at, UNUSED const uint8_t *whole)
{
	const char *name = flag_set_name_of(&flag_set_io_uring_ops, *at);
	if (name) {
		show_symbol(d, name, *at);
		return;
	}
	show_uint(d, *at);
	if (d->options->consts != CONST_RAW)
		show_comment(d, flag_set_io_uring_ops.unknown);
}

static void show_buffers(struct decoder *d, uint64_t addr, uint64_t count)
{
	show_iov_at(d, addr, count, 0, false);
}

static void show_files(struct decoder *d, uint64_t addr, uint64_t count)
{
	show_elements_at(d, addr, count, 4, show_file);
}

static void show_files_update(struct decoder *d, uint64_t addr, uint64_t count)
{
	struct io_uring_files_update u;
	if (!decode_fetch(d, addr, &u, sizeof(u)))
		return;
	struct_begin(d);
	field_uint(d, "offset", u.offset);
	if (u.resv)
		field_hex(d, "resv", u.resv);
	field(d, "fds");
	show_elements_at(d, u.fds, count, 4, show_updated_file);
	struct_end(d);
}

static void show_probe(struct decoder *d, uint64_t addr, uint64_t count)
{
	union {
		struct io_uring_probe head;
		uint8_t room[sizeof(struct io_uring_probe) + PROBE_OPS_MAX * sizeof(struct io_uring_probe_op)];
	} probe;
	if (count > PROBE_OPS_MAX) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &probe, sizeof(probe.head) + count * sizeof(probe.head.ops[0])))
		return;
	size_t size = sizeof(probe.head) + count * sizeof(probe.head.ops[0]);
	bool zero = !probe.room[0] && memcmp(probe.room, probe.room + 1, size - 1) == 0;
	/* The kernel wants zeroes: they are not shown. */
	if (zero && !d->exiting) {
		d->call->carry[0] = 1;
		if (!d->p->ops->joins)
			show_pointer(d, addr);
		return;
	}
	struct_begin(d);
	field(d, "last_op");
	show_op(d, &probe.head.last_op, NULL);
	field_uint(d, "ops_len", probe.head.ops_len);
	if (probe.head.resv)
		field_hex(d, "resv", probe.head.resv);
	show_reserved(d, (const uint8_t *)probe.head.resv2);
	field(d, "ops");
	array_begin(d);
	uint64_t shown = d->exiting && probe.head.ops_len < count ? probe.head.ops_len : count;
	for (uint64_t n = 0; n < shown; n++) {
		if (n >= d->options->string_limit && !d->options->verbose) {
			elided(d);
			break;
		}
		element(d);
		show_struct(d, &layout_uring_probe_op, (const uint8_t *)&probe.head.ops[n]);
	}
	if (d->exiting && probe.head.ops_len > count && count <= d->options->string_limit)
		elided(d);
	array_end(d);
	struct_end(d);
}

static void show_restrictions(struct decoder *d, uint64_t addr, uint64_t count)
{
	show_elements_at(d, addr, count, sizeof(struct io_uring_restriction), show_restriction);
}

/* What data points to: files, or (buffers) vectors. */
static void show_resources(struct decoder *d, uint64_t addr, uint64_t count, bool buffers, bool updates)
{
	field(d, "data");
	if (buffers)
		show_buffers(d, addr, count);
	else
		show_elements_at(d, addr, count, 4, updates ? show_updated_file : show_file);
}

static void show_register2(struct decoder *d, uint64_t addr, uint64_t size, bool buffers)
{
	struct io_uring_rsrc_register r;
	if (size < sizeof(r)) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &r, sizeof(r)))
		return;
	struct_begin(d);
	field_uint(d, "nr", r.nr);
	field_flags(d, "flags", &flag_set_io_uring_rsrc_flags, r.flags);
	if (r.resv2)
		field_hex(d, "resv2", r.resv2);
	show_resources(d, r.data, r.nr, buffers, false);
	field(d, "tags");
	show_elements_at(d, r.tags, r.nr, 8, show_tag);
	show_tail(d, addr, sizeof(r), size);
	struct_end(d);
}

static void show_update2(struct decoder *d, uint64_t addr, uint64_t size, bool buffers)
{
	struct io_uring_rsrc_update2 u;
	if (size < sizeof(u)) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &u, sizeof(u)))
		return;
	struct_begin(d);
	field_uint(d, "offset", u.offset);
	if (u.resv)
		field_hex(d, "resv", u.resv);
	show_resources(d, u.data, u.nr, buffers, true);
	field(d, "tags");
	show_elements_at(d, u.tags, u.nr, 8, show_tag);
	field_uint(d, "nr", u.nr);
	if (u.resv2)
		field_hex(d, "resv2", u.resv2);
	show_tail(d, addr, sizeof(u), size);
	struct_end(d);
}

static void show_files2(struct decoder *d, uint64_t addr, uint64_t size) { show_register2(d, addr, size, false); }
static void show_buffers2(struct decoder *d, uint64_t addr, uint64_t size) { show_register2(d, addr, size, true); }
static void show_files_update2(struct decoder *d, uint64_t addr, uint64_t size) { show_update2(d, addr, size, false); }
static void show_buffers_update(struct decoder *d, uint64_t addr, uint64_t size) { show_update2(d, addr, size, true); }

static void show_worker_kind(struct decoder *d, const char *name, uint64_t n)
{
	char text[32];
	if (d->options->consts == CONST_RAW)
		name = NULL;
	else if (!name || d->options->consts == CONST_VERBOSE)
		(void)snprintf(text, sizeof(text), "%u /* %s */", (unsigned)n, name ? name : "IO_WQ_???");
	else
		(void)snprintf(text, sizeof(text), "%s", name);
	d->p->ops->index(d->p, d->options->consts == CONST_RAW ? NULL : text, n);
}

static void show_workers(struct decoder *d, uint64_t addr, uint64_t count)
{
	uint32_t workers[8];
	uint64_t readable = addr && count ? read_elements(d, addr, count < 8 ? count : 8, 4, workers) : 0;
	if (!addr || (count && !readable)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < readable; n++) {
		const char *name = flag_set_name_of(&flag_set_io_uring_workers, n);
		element(d);
		show_worker_kind(d, name, n);
		show_uint(d, workers[n]);
	}
	show_array_rest(d, addr, readable, count < 8 ? count : 8, count, 4);
	array_end(d);
}

static void show_ring_fds(struct decoder *d, uint64_t addr, uint64_t count)
{
	show_elements_at(d, addr, count, sizeof(struct io_uring_rsrc_update), show_ring_fd);
}

static void show_ring_slots(struct decoder *d, uint64_t addr, uint64_t count)
{
	show_elements_at(d, addr, count, sizeof(struct io_uring_rsrc_update), show_ring_slot);
}

static void show_buffer_ring(struct decoder *d, uint64_t addr, UNUSED uint64_t count)
{
	show_struct_at(d, &(struct layout_pair){&layout_uring_buffer_ring, &layout_uring_buffer_ring}, addr);
}

/* By opcode: what the argument points to; both: the kernel reads it and writes it. */
static const struct registered {
	void (*show)(struct decoder *d, uint64_t addr, uint64_t count);
	bool both;
	uint16_t head, element;		/* with both: bytes that it needs, and for each of the count */
} registered[] = {
	[IORING_REGISTER_BUFFERS] = {.show = show_buffers},
	[IORING_REGISTER_FILES] = {.show = show_files},
	[IORING_REGISTER_EVENTFD] = {.show = show_files},
	[IORING_REGISTER_EVENTFD_ASYNC] = {.show = show_files},
	[IORING_REGISTER_FILES_UPDATE] = {.show = show_files_update},
	[IORING_REGISTER_PROBE] = {
		.show = show_probe, .both = true,
		.head = sizeof(struct io_uring_probe), .element = sizeof(struct io_uring_probe_op),
	},
	[IORING_REGISTER_RESTRICTIONS] = {.show = show_restrictions},
	[IORING_REGISTER_FILES2] = {.show = show_files2},
	[IORING_REGISTER_BUFFERS2] = {.show = show_buffers2},
	[IORING_REGISTER_FILES_UPDATE2] = {.show = show_files_update2},
	[IORING_REGISTER_BUFFERS_UPDATE] = {.show = show_buffers_update},
	[IORING_REGISTER_IOWQ_AFF] = {.show = show_cpu_set},
	[IORING_REGISTER_IOWQ_MAX_WORKERS] = {.show = show_workers, .both = true, .element = 4},
	[IORING_REGISTER_RING_FDS] = {
		.show = show_ring_fds, .both = true, .element = sizeof(struct io_uring_rsrc_update),
	},
	[IORING_UNREGISTER_RING_FDS] = {.show = show_ring_slots},
	[IORING_REGISTER_PBUF_RING] = {.show = show_buffer_ring},
	[IORING_UNREGISTER_PBUF_RING] = {.show = show_buffer_ring},
};

static const struct registered *registered_of(struct decoder *d, unsigned i)
{
	uint64_t opcode = decode_link(d, i, 0) & 0x7fffffff;	/* but for IORING_REGISTER_USE_REGISTERED_RING */
	return opcode < ARRAY_SIZE(registered) && registered[opcode].show ? &registered[opcode] : NULL;
}

#define CHANGED_MAX 4096

/* What is not there cannot have changed. */
static bool can_change(struct decoder *d, const struct registered *r, uint64_t addr, uint64_t count)
{
	uint8_t buf[CHANGED_MAX];
	uint64_t size = r->head + count * r->element;
	return addr && size && size <= sizeof(buf) && decode_read(d, addr, buf, (size_t)size);
}

/* Behind "=>" what the kernel made of it; of a probe's zeroes nothing stands before. */
static void show_registered_change(struct decoder *d, const struct registered *r, uint64_t addr, uint64_t count)
{
	bool begun = !d->call->carry[0];
	if (r->both && can_change(d, r, addr, count) && (!decode_failed(d) || r->show == show_workers || !begun)) {
		if (begun)
			d->p->ops->changed(d->p);
		if (decode_failed(d))
			show_pointer(d, addr);
		else
			r->show(d, addr, count);
	}
}

static void decode_io_uring_register_arg(struct decoder *d, unsigned i)
{
	const struct registered *r = registered_of(d, i);
	uint64_t addr = decode_arg(d, i);
	uint64_t count = (uint32_t)decode_link(d, i, 1);
	if (!r && !d->exiting)
		show_pointer(d, addr);
	else if (r && !d->exiting)
		r->show(d, addr, count);
	else if (r)
		show_registered_change(d, r, addr, count);
}

static bool register_arg_splits(struct decoder *d, unsigned i)
{
	const struct registered *r = registered_of(d, i);
	return r && r->both;
}

const struct decode_type decode_type_io_uring_register_arg = {
	.decode = decode_io_uring_register_arg, .waits = register_arg_splits, .splits = register_arg_splits,
	.needs = NEEDS_MEMORY,
};
