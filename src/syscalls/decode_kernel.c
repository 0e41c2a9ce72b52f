/* Calls on the kernel's own machinery: clone3, asynchronous I/O, perf, extensible structures. */
#include "syscalls/decode_priv.h"

#include <linux/aio_abi.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <string.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- clone3 ---- */

#define SET_TID_MAX 32	/* nested namespaces */

static void show_set_tid(struct decoder *d, uint64_t addr, uint64_t count)
{
	int32_t tids[SET_TID_MAX];
	field(d, "set_tid");
	if (!addr || !count || count > SET_TID_MAX) {
		show_pointer(d, addr);
		return;
	}
	uint64_t readable = read_elements(d, addr, count, sizeof(tids[0]), tids);
	if (!readable) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < readable; n++) {
		element(d);
		show_sint(d, tids[n]);
	}
	show_array_rest(d, addr, readable, count, count, sizeof(tids[0]));
	array_end(d);
}

/* size: the bytes of the structure that the caller has. */
static void show_clone_args(struct decoder *d, const struct clone_args *a, uint64_t size)
{
	field_flags(d, "flags", &flag_set_clone3_flags, a->flags);
	if (a->flags & CLONE_PIDFD)
		field_pointer(d, "pidfd", a->pidfd);
	if (a->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
		field_pointer(d, "child_tid", a->child_tid);
	if (a->flags & CLONE_PARENT_SETTID)
		field_pointer(d, "parent_tid", a->parent_tid);
	field(d, "exit_signal");
	if (a->exit_signal <= INT32_MAX)
		show_signal(d, (int)a->exit_signal);
	else
		show_uint(d, a->exit_signal);
	field_pointer(d, "stack", a->stack);
	field_hex(d, "stack_size", a->stack_size);
	if (a->flags & CLONE_SETTLS)
		field_pointer(d, "tls", a->tls);
	if (a->set_tid || a->set_tid_size) {
		show_set_tid(d, a->set_tid, a->set_tid_size);
		field_uint(d, "set_tid_size", a->set_tid_size);
	}
	if (size >= CLONE_ARGS_SIZE_VER2 && (a->cgroup || a->flags & CLONE_INTO_CGROUP))
		field_uint(d, "cgroup", a->cgroup);
}

static void show_written_id(struct decoder *d, const char *name, uint64_t addr, bool fd)
{
	int32_t v;
	field(d, name);
	if (!addr || !decode_read(d, addr, &v, sizeof(v))) {
		show_pointer(d, addr);
		return;
	}
	wrap(d, "[");
	if (fd)
		show_fd(d, v);
	else
		show_sint(d, v);
	wrap(d, "]");
}

#define CLONE_WRITES (CLONE_PIDFD | CLONE_PARENT_SETTID)

static bool tail_is_zero(struct decoder *d, uint64_t addr, uint64_t size)
{
	uint8_t b[256];
	size_t len = (size_t)(size - sizeof(struct clone_args));
	return len <= sizeof(b) && decode_read(d, addr + sizeof(struct clone_args), b, len) && !b[0] &&
		memcmp(b, b + 1, len - 1) == 0;
}

/* What the kernel wrote for the parent, a descriptor or an id, and what it may have written that we do not know. */
static void show_clone_outcome(struct decoder *d, const struct clone_args *a, uint64_t addr, uint64_t size)
{
	bool tail = size > sizeof(*a) && !tail_is_zero(d, addr, size);
	if (!(a->flags & CLONE_WRITES) && !tail)
		return;
	d->p->ops->changed(d->p);
	struct_begin(d);
	if (a->flags & CLONE_PIDFD)
		show_written_id(d, "pidfd", a->pidfd, true);
	if (a->flags & CLONE_PARENT_SETTID)
		show_written_id(d, "parent_tid", a->parent_tid, false);
	if (tail)
		show_tail(d, addr, sizeof(*a), size);
	struct_end(d);
}

static void decode_clone_args(struct decoder *d, unsigned i)
{
	struct clone_args a = {0};
	uint64_t size = decode_link(d, i, 0);
	uint64_t addr = decode_arg(d, i);
	if (size < CLONE_ARGS_SIZE_VER0) {
		if (!d->exiting)
			show_pointer(d, addr);
		return;
	}
	if (d->exiting) {
		if (!decode_failed(d) && decode_read(d, addr, &a, size < sizeof(a) ? size : sizeof(a)))
			show_clone_outcome(d, &a, addr, size);
		return;
	}
	if (!decode_fetch(d, addr, &a, size < sizeof(a) ? size : sizeof(a)))
		return;
	struct_begin(d);
	show_clone_args(d, &a, size);
	show_tail(d, addr, sizeof(a), size);
	struct_end(d);
}

const struct decode_type decode_type_clone_args = {.decode = decode_clone_args, .needs = NEEDS_MEMORY};

/* ---- asynchronous I/O ---- */

static void decode_aio_context(struct decoder *d, unsigned i)
{
	show_pointer(d, decode_arg(d, i));
}

const struct decode_type decode_type_aio_context = {.decode = decode_aio_context};

static void show_aio_command(struct decoder *d, uint16_t command)
{
	field(d, "aio_lio_opcode");
	if (flag_set_name_of(&flag_set_aio_commands, command)) {
		show_flags(d, &flag_set_aio_commands, command);
		return;
	}
	show_uint(d, command);
	show_comment(d, flag_set_aio_commands.unknown);
}

static void show_aio_flags(struct decoder *d, const struct iocb *cb)
{
	if (cb->aio_flags)
		field_flags(d, "aio_flags", &flag_set_aio_flags, cb->aio_flags);
	if (!(cb->aio_flags & IOCB_FLAG_RESFD))
		return;
	field(d, "aio_resfd");
	show_fd(d, (int)cb->aio_resfd);
}

/* A vector that cannot be read is but an address and a count. */
static void show_aio_vector(struct decoder *d, const struct iocb *cb)
{
	uint8_t first[16];
	if (!cb->aio_nbytes || decode_read(d, cb->aio_buf, first, 2u * d->word)) {
		show_iov_at(d, cb->aio_buf, cb->aio_nbytes, UINT64_MAX, cb->aio_lio_opcode == IOCB_CMD_PWRITEV);
		return;
	}
	show_hex(d, cb->aio_buf);
	field_uint(d, "aio_nbytes", cb->aio_nbytes);
}

static void show_iocb(struct decoder *d, const struct iocb *cb, bool whole)
{
	bool moves = cb->aio_lio_opcode <= IOCB_CMD_PWRITE;
	struct_begin(d);
	field_hex(d, "aio_data", cb->aio_data);
	if (cb->aio_key)
		field_uint(d, "aio_key", cb->aio_key);
	show_aio_command(d, cb->aio_lio_opcode);
	if (cb->aio_flags & IOCB_FLAG_IOPRIO) {
		field(d, "aio_reqprio");
		show_ioprio(d, (uint16_t)cb->aio_reqprio);
	} else if (cb->aio_reqprio) {
		field_sint(d, "aio_reqprio", cb->aio_reqprio);
	}
	field(d, "aio_fildes");
	show_fd(d, (int)cb->aio_fildes);
	if (whole && moves) {
		field(d, "aio_buf");
		if (cb->aio_lio_opcode == IOCB_CMD_PWRITE)
			show_bytes_at(d, cb->aio_buf, cb->aio_nbytes);
		else
			show_pointer(d, cb->aio_buf);
		field_uint(d, "aio_nbytes", cb->aio_nbytes);
		field_sint(d, "aio_offset", cb->aio_offset);
		show_aio_flags(d, cb);
	} else if (whole && (cb->aio_lio_opcode == IOCB_CMD_PREADV || cb->aio_lio_opcode == IOCB_CMD_PWRITEV)) {
		field(d, "aio_buf");
		show_aio_vector(d, cb);
		field_sint(d, "aio_offset", cb->aio_offset);
		show_aio_flags(d, cb);
	}
	struct_end(d);
}

static void decode_iocb(struct decoder *d, unsigned i)
{
	struct iocb cb;
	if (decode_fetch(d, decode_arg(d, i), &cb, sizeof(cb)))
		show_iocb(d, &cb, false);
}

#define IOCBS_MAX 64

static void decode_iocbs(struct decoder *d, unsigned i)
{
	struct word_reader r;
	struct iocb cb;
	uint64_t word;
	uint64_t addr = decode_arg(d, i);
	uint64_t count = decode_link(d, i, 0);
	uint64_t shown = count < d->options->string_limit ? count : d->options->string_limit;
	if (shown > IOCBS_MAX)
		shown = IOCBS_MAX;
	word_reader_init(&r, d, addr);
	if (!addr || (int64_t)count < 0 || (count && !word_reader_next(&r, &word))) {
		show_pointer(d, addr);
		return;
	}
	uint64_t n = 0;
	array_begin(d);
	for (; n < shown; n++) {
		if (n && !word_reader_next(&r, &word)) {
			show_cut(d, addr + n * d->word);
			break;
		}
		element(d);
		if (decode_fetch(d, word, &cb, sizeof(cb)))
			show_iocb(d, &cb, true);
	}
	if (n == shown && shown < count)
		elided(d);
	array_end(d);
}

static void show_io_event(struct decoder *d, const struct io_event *ev)
{
	struct_begin(d);
	field_hex(d, "data", ev->data);
	field_pointer(d, "obj", ev->obj);
	field_sint(d, "res", ev->res);
	field_sint(d, "res2", ev->res2);
	struct_end(d);
}

static void decode_io_event(struct decoder *d, unsigned i)
{
	struct io_event ev;
	if (decode_fetch(d, decode_arg(d, i), &ev, sizeof(ev)))
		show_io_event(d, &ev);
}

static void decode_io_events(struct decoder *d, unsigned i)
{
	struct io_event ev;
	uint64_t addr = decode_arg(d, i);
	uint64_t count = decode_failed(d) ? 0 : (uint64_t)d->result->value;
	uint64_t shown = count < d->options->string_limit ? count : d->options->string_limit;
	if (!addr || decode_failed(d)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < shown && n < IOCBS_MAX; n++) {
		element(d);
		if (!decode_fetch(d, addr + n * sizeof(ev), &ev, sizeof(ev)))
			break;
		show_io_event(d, &ev);
	}
	if (shown < count)
		elided(d);
	array_end(d);
}

const struct decode_type decode_type_iocb = {.decode = decode_iocb, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_iocbs = {.decode = decode_iocbs, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_io_event = {.decode = decode_io_event, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_io_events = {.decode = decode_io_events, .needs = NEEDS_MEMORY};

/* ---- struct sched_attr ---- */

struct sched_attr_view {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static void show_sched_attr_size(struct decoder *d, uint32_t size)
{
	struct_begin(d);
	field_uint(d, "size", size);
	struct_end(d);
}

static void show_sched_attr(struct decoder *d, uint64_t addr)
{
	struct sched_attr_view a = {0};
	uint32_t size;
	if (!decode_fetch(d, addr, &size, sizeof(size)))
		return;
	/* 0 stands for the first version's size. */
	uint32_t len = size == 0 ? 48 : size < sizeof(a) ? size : (uint32_t)sizeof(a);
	if (len < 48) {
		show_sched_attr_size(d, size);
		return;
	}
	if (!decode_read(d, addr, &a, len)) {
		show_pointer(d, addr);
		return;
	}
	struct_begin(d);
	field_uint(d, "size", a.size);
	if (!(a.flags & (8 | 0x10) /* SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_KEEP_PARAMS */)) {
		field(d, "sched_policy");
		show_sched_policy(d, a.policy);
	}
	field_flags(d, "sched_flags", &flag_set_sched_attr_flags, a.flags);
	if (!(a.flags & 0x10 /* SCHED_FLAG_KEEP_PARAMS */)) {
		field_sint(d, "sched_nice", a.nice);
		field_uint(d, "sched_priority", a.priority);
		field_uint(d, "sched_runtime", a.runtime);
		field_uint(d, "sched_deadline", a.deadline);
		field_uint(d, "sched_period", a.period);
	}
	if (len >= sizeof(a)) {
		field_uint(d, "sched_util_min", a.util_min);
		field_uint(d, "sched_util_max", a.util_max);
	}
	if (size > sizeof(a))
		elided(d);
	struct_end(d);
}

/* A kernel that knows another size says which. */
static void decode_sched_attr_in(struct decoder *d, unsigned i)
{
	uint32_t size;
	if (!d->exiting)
		show_sched_attr(d, decode_arg(d, i));
	else if (d->result && d->result->value == -E2BIG && decode_read(d, decode_arg(d, i), &size, sizeof(size))) {
		d->p->ops->changed(d->p);
		show_sched_attr_size(d, size);
	}
}

static void decode_sched_attr(struct decoder *d, unsigned i)
{
	show_sched_attr(d, decode_arg(d, i));
}

const struct decode_type decode_type_sched_attr_in = {.decode = decode_sched_attr_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sched_attr_out = {.decode = decode_sched_attr, .needs = NEEDS_MEMORY};
