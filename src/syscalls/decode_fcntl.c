/* fcntl's third argument and flock's structure. */
#include "syscalls/decode_priv.h"

#include <fcntl.h>
#include <string.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- struct flock ---- */

struct flock_view {
	uint32_t type, whence;
	int64_t start, len, pid;
};

/* wide: 64-bit start and length in a 32-bit program (F_SETLK64). */
static bool read_flock(struct decoder *d, uint64_t addr, bool wide, struct flock_view *v)
{
	uint8_t b[32];
	unsigned size = d->i386 ? (wide ? 24 : 16) : 32;
	unsigned at = d->i386 ? 4 : 8;
	unsigned n = d->i386 && !wide ? 4 : 8;
	if (!decode_fetch(d, addr, b, size))
		return false;
	*v = (struct flock_view){
		.type = (uint32_t)decode_uint_at(b, 2), .whence = (uint32_t)decode_uint_at(b + 2, 2),
		.start = decode_sint_at(b + at, n), .len = decode_sint_at(b + at + n, n),
		.pid = decode_sint_at(b + at + 2 * n, 4),
	};
	return true;
}

static void show_flock(struct decoder *d, uint64_t addr, bool wide, bool with_pid)
{
	struct flock_view v;
	if (!read_flock(d, addr, wide, &v))
		return;
	struct_begin(d);
	field_flags(d, "l_type", &flag_set_lock_types, v.type);
	field_flags(d, "l_whence", &flag_set_seek_whence, v.whence);
	field_sint(d, "l_start", v.start);
	field_sint(d, "l_len", v.len);
	if (with_pid)
		field_pid(d, "l_pid", (int)v.pid);
	struct_end(d);
}

static void show_owner(struct decoder *d, uint64_t addr)
{
	int32_t owner[2];
	if (!decode_fetch(d, addr, owner, sizeof(owner)))
		return;
	struct_begin(d);
	field_flags(d, "type", &flag_set_owner_types, (uint32_t)owner[0]);
	field_pid(d, "pid", (int)owner[1]);
	struct_end(d);
}

/* ---- what each command takes ---- */

enum fcntl_kind {
	FCNTL_NOTHING,
	FCNTL_NUMBER,
	FCNTL_PID,
	FCNTL_FD_FLAGS,
	FCNTL_STATUS_FLAGS,
	FCNTL_SIGNAL,
	FCNTL_LEASE,
	FCNTL_SEALS,
	FCNTL_NOTIFY,
	FCNTL_LOCK,
	FCNTL_GET_LOCK,
	FCNTL_OWNER,
	FCNTL_GET_OWNER,
	FCNTL_ADDRESS,
};

static enum fcntl_kind fcntl_kind(uint64_t cmd)
{
	switch (cmd) {
	case F_GETFD: case F_GETFL: case F_GETOWN: case F_GETSIG: case F_GETLEASE: case F_GETPIPE_SZ: case F_GET_SEALS:
		return FCNTL_NOTHING;
	case F_DUPFD: case F_DUPFD_CLOEXEC: case F_SETPIPE_SZ:
		return FCNTL_NUMBER;
	case F_SETOWN:
		return FCNTL_PID;
	case F_SETFD:
		return FCNTL_FD_FLAGS;
	case F_SETFL:
		return FCNTL_STATUS_FLAGS;
	case F_SETSIG:
		return FCNTL_SIGNAL;
	case F_SETLEASE:
		return FCNTL_LEASE;
	case F_ADD_SEALS:
		return FCNTL_SEALS;
	case F_NOTIFY:
		return FCNTL_NOTIFY;
	/* F_SETLK, F_SETLKW, and i386's of 64 bits, whose numbers glibc's names hide. */
	case 6: case 7: case 13: case 14: case F_OFD_SETLK: case F_OFD_SETLKW:
		return FCNTL_LOCK;
	case 5: case 12: case F_OFD_GETLK:
		return FCNTL_GET_LOCK;
	case F_SETOWN_EX:
		return FCNTL_OWNER;
	case F_GETOWN_EX:
		return FCNTL_GET_OWNER;
	default:
		return FCNTL_ADDRESS;
	}
}

static bool fcntl_arg_present(struct decoder *d, unsigned i)
{
	return fcntl_kind(decode_link(d, i, 0)) != FCNTL_NOTHING;
}

/* The kernel writes what these two point to: they are shown when the call returns. */
static bool fcntl_arg_waits(struct decoder *d, unsigned i)
{
	enum fcntl_kind kind = fcntl_kind(decode_link(d, i, 0));
	return kind == FCNTL_GET_LOCK || kind == FCNTL_GET_OWNER;
}

static void decode_fcntl_arg(struct decoder *d, unsigned i)
{
	uint64_t cmd = decode_link(d, i, 0);
	uint64_t v = decode_arg(d, i);
	enum fcntl_kind kind = fcntl_kind(cmd);
	bool wide = cmd >= 12;
	switch (kind) {
	case FCNTL_NOTHING:
		return;
	case FCNTL_NUMBER:
		show_sint(d, (int32_t)v);
		return;
	case FCNTL_PID:
		show_pid(d, (int)v);
		return;
	case FCNTL_FD_FLAGS:
		show_flags(d, &flag_set_fd_flags, (uint32_t)v);
		return;
	case FCNTL_STATUS_FLAGS:
		show_flags(d, flag_set_for(&flag_set_open_flags, d->call->abi), (uint32_t)v);
		return;
	case FCNTL_SIGNAL:
		show_signal(d, (int)v);
		return;
	case FCNTL_LEASE:
		show_flags(d, &flag_set_lock_types, (uint32_t)v);
		return;
	case FCNTL_SEALS:
		show_flags(d, &flag_set_seals, (uint32_t)v);
		return;
	case FCNTL_NOTIFY:
		show_flags(d, &flag_set_notify_events, (uint32_t)v);
		return;
	case FCNTL_LOCK:
	case FCNTL_GET_LOCK:
		show_flock(d, v, wide, kind == FCNTL_GET_LOCK);
		return;
	case FCNTL_OWNER:
	case FCNTL_GET_OWNER:
		show_owner(d, v);
		return;
	case FCNTL_ADDRESS:
		show_hex(d, v);
		return;
	}
}

const struct decode_type decode_type_fcntl_arg = {
	.decode = decode_fcntl_arg, .present = fcntl_arg_present, .waits = fcntl_arg_waits, .needs = NEEDS_MEMORY | NEEDS_PID,
};
