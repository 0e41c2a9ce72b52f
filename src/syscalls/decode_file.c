/* What files are said to be: stat and its kin, directories, handles. */
#include "syscalls/decode_priv.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- stat ---- */

struct stat_view {
	uint64_t dev, ino, nlink, rdev, size, blksize, blocks;
	uint32_t mode, uid, gid;
	int64_t time[3];
	uint64_t nsec[3];
};

/* struct stat64 of i386: fields at 32-bit alignment. */
struct stat64_i386 {
	uint64_t dev;
	uint32_t pad0;
	uint32_t old_ino;
	uint32_t mode, nlink, uid, gid;
	uint64_t rdev;
	uint32_t pad3;
	uint64_t size;
	uint32_t blksize;
	uint64_t blocks;
	uint32_t times[6];
	uint64_t ino;
} __attribute__((packed));

static void show_stat_time(struct decoder *d, const char *name, const char *nsec_name, int64_t sec, uint64_t nsec)
{
	field_sint(d, name, sec);
	d->p->ops->time(d->p, sec, nsec, 9);
	field_uint(d, nsec_name, nsec);
}

static void show_stat(struct decoder *d, const struct stat_view *v)
{
	bool all = d->options->verbose;
	struct_begin(d);
	if (all) {
		field(d, "st_dev");
		show_dev(d, v->dev);
		field_uint(d, "st_ino", v->ino);
	}
	field(d, "st_mode");
	show_mode(d, v->mode);
	if (all) {
		field_uint(d, "st_nlink", v->nlink);
		field_uint(d, "st_uid", v->uid);
		field_uint(d, "st_gid", v->gid);
		field_uint(d, "st_blksize", v->blksize);
		field_uint(d, "st_blocks", v->blocks);
	}
	if (S_ISCHR(v->mode) || S_ISBLK(v->mode)) {
		field(d, "st_rdev");
		show_dev(d, v->rdev);
	} else {
		field_uint(d, "st_size", v->size);
	}
	if (all) {
		show_stat_time(d, "st_atime", "st_atime_nsec", v->time[0], v->nsec[0]);
		show_stat_time(d, "st_mtime", "st_mtime_nsec", v->time[1], v->nsec[1]);
		show_stat_time(d, "st_ctime", "st_ctime_nsec", v->time[2], v->nsec[2]);
	} else {
		elided(d);
	}
	struct_end(d);
}

static void decode_native_stat(struct decoder *d, uint64_t addr)
{
	struct stat st;
	if (!decode_fetch(d, addr, &st, sizeof(st)))
		return;
	struct stat_view v = {
		.dev = st.st_dev, .ino = st.st_ino, .nlink = st.st_nlink, .rdev = st.st_rdev,
		.size = (uint64_t)st.st_size, .blksize = (uint64_t)st.st_blksize, .blocks = (uint64_t)st.st_blocks,
		.mode = st.st_mode, .uid = st.st_uid, .gid = st.st_gid,
		.time = {st.st_atim.tv_sec, st.st_mtim.tv_sec, st.st_ctim.tv_sec},
		.nsec = {(uint64_t)st.st_atim.tv_nsec, (uint64_t)st.st_mtim.tv_nsec, (uint64_t)st.st_ctim.tv_nsec},
	};
	show_stat(d, &v);
}

static void decode_stat64(struct decoder *d, unsigned i)
{
	struct stat64_i386 st;
	if (!decode_fetch(d, decode_arg(d, i), &st, sizeof(st)))
		return;
	struct stat_view v = {
		.dev = st.dev, .ino = st.ino, .nlink = st.nlink, .rdev = st.rdev, .size = st.size,
		.blksize = st.blksize, .blocks = st.blocks, .mode = st.mode, .uid = st.uid, .gid = st.gid,
		.time = {(int32_t)st.times[0], (int32_t)st.times[2], (int32_t)st.times[4]},
		.nsec = {st.times[1], st.times[3], st.times[5]},
	};
	show_stat(d, &v);
}

/* struct stat of i386's stat, lstat and fstat, and of its older self. */
static void decode_small_stat(struct decoder *d, uint64_t addr)
{
	uint8_t b[64];
	if (!decode_fetch(d, addr, b, sizeof(b)))
		return;
	struct stat_view v = {
		.dev = decode_uint_at(b, 4), .ino = decode_uint_at(b + 4, 4),
		.mode = (uint32_t)decode_uint_at(b + 8, 2), .nlink = decode_uint_at(b + 10, 2),
		.uid = (uint32_t)decode_uint_at(b + 12, 2),
		.gid = (uint32_t)decode_uint_at(b + 14, 2), .rdev = decode_uint_at(b + 16, 4),
		.size = decode_uint_at(b + 20, 4), .blksize = decode_uint_at(b + 24, 4),
		.blocks = decode_uint_at(b + 28, 4),
		.time = {decode_sint_at(b + 32, 4), decode_sint_at(b + 40, 4), decode_sint_at(b + 48, 4)},
		.nsec = {decode_uint_at(b + 36, 4), decode_uint_at(b + 44, 4), decode_uint_at(b + 52, 4)},
	};
	show_stat(d, &v);
}

static void decode_stat(struct decoder *d, unsigned i)
{
	if (d->i386)
		decode_small_stat(d, decode_arg(d, i));
	else
		decode_native_stat(d, decode_arg(d, i));
}

const struct decode_type decode_type_stat = {.decode = decode_stat, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_stat64 = {.decode = decode_stat64, .needs = NEEDS_MEMORY};
/* The kernel's oldest layout: the address says enough. */
const struct decode_type decode_type_oldstat = {0};

/* ---- statx ---- */

static void show_statx_mode(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_mode(d, (uint32_t)decode_uint_at(at, 2));
}

static void show_statx_time(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	int64_t sec = decode_sint_at(at, 8);
	uint32_t nsec = (uint32_t)decode_uint_at(at + 8, 4);
	struct_begin(d);
	field_sint(d, "tv_sec", sec);
	field_uint(d, "tv_nsec", nsec);
	struct_end(d);
	d->p->ops->time(d->p, sec, nsec, 9);
}

static const struct field_desc statx_short_fields[] = {
	FIELD_SET(struct statx, stx_mask, flag_set_statx_masks),
	FIELD_SET(struct statx, stx_attributes, flag_set_statx_attributes),
	FIELD_FN(struct statx, stx_mode, show_statx_mode),
	FIELD(struct statx, stx_size, FIELD_UINT),
	FIELD_CUT_HERE,
};

/* Times that the filesystem gave. */
#define STATX_TIME(member, bit) \
	{.name = #member, .offset = offsetof(struct statx, member), .size = sizeof(struct statx_timestamp), \
	 .format = FIELD_CUSTOM, .fn = show_statx_time, .if_mask = (bit)}

static const struct field_desc statx_fields[] = {
	FIELD_SET(struct statx, stx_mask, flag_set_statx_masks),
	FIELD(struct statx, stx_blksize, FIELD_UINT),
	FIELD_SET(struct statx, stx_attributes, flag_set_statx_attributes),
	FIELD(struct statx, stx_nlink, FIELD_UINT),
	FIELD(struct statx, stx_uid, FIELD_UID),
	FIELD(struct statx, stx_gid, FIELD_UID),
	FIELD_FN(struct statx, stx_mode, show_statx_mode),
	FIELD(struct statx, stx_ino, FIELD_UINT),
	FIELD(struct statx, stx_size, FIELD_UINT),
	FIELD(struct statx, stx_blocks, FIELD_UINT),
	FIELD_SET(struct statx, stx_attributes_mask, flag_set_statx_attributes),
	STATX_TIME(stx_atime, STATX_ATIME),
	STATX_TIME(stx_btime, STATX_BTIME),
	STATX_TIME(stx_ctime, STATX_CTIME),
	STATX_TIME(stx_mtime, STATX_MTIME),
	FIELD(struct statx, stx_rdev_major, FIELD_UINT),
	FIELD(struct statx, stx_rdev_minor, FIELD_UINT),
	FIELD(struct statx, stx_dev_major, FIELD_UINT),
	FIELD(struct statx, stx_dev_minor, FIELD_UINT),
	FIELD(struct statx, stx_mnt_id, FIELD_HEX),
};
static const struct layout statx_short_layout = LAYOUT(struct statx, statx_short_fields);
static const struct layout statx_layout = LAYOUT(struct statx, statx_fields);

static void decode_statx(struct decoder *d, unsigned i)
{
	uint8_t buf[sizeof(struct statx)];
	if (decode_fetch(d, decode_arg(d, i), buf, sizeof(buf)))
		show_struct(d, d->options->verbose ? &statx_layout : &statx_short_layout, buf);
}

const struct decode_type decode_type_statx = {.decode = decode_statx, .needs = NEEDS_MEMORY};

/* ---- statfs ---- */

/* The native structure and i386's 64-bit one have the same members; i386's own has 32-bit ones. */
struct statfs_view {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	uint32_t fsid[2];
};

static void show_statfs(struct decoder *d, const struct statfs_view *v)
{
	struct_begin(d);
	field_flags(d, "f_type", &flag_set_fs_magics, v->type);
	field_uint(d, "f_bsize", v->bsize);
	field_uint(d, "f_blocks", v->blocks);
	field_uint(d, "f_bfree", v->bfree);
	field_uint(d, "f_bavail", v->bavail);
	field_uint(d, "f_files", v->files);
	field_uint(d, "f_ffree", v->ffree);
	field(d, "f_fsid");
	struct_begin(d);
	field(d, "val");
	array_begin(d);
	element(d);
	show_hex(d, v->fsid[0]);
	element(d);
	show_hex(d, v->fsid[1]);
	array_end(d);
	struct_end(d);
	field_uint(d, "f_namelen", v->namelen);
	field_uint(d, "f_frsize", v->frsize);
	field_flags(d, "f_flags", &flag_set_statfs_flags, v->flags);
	struct_end(d);
}

static void show_statfs_at(struct decoder *d, const uint8_t *b, unsigned word, unsigned wide)
{
	struct statfs_view v = {.type = decode_uint_at(b, word), .bsize = decode_uint_at(b + word, word)};
	uint64_t *const counts[5] = {&v.blocks, &v.bfree, &v.bavail, &v.files, &v.ffree};
	b += 2 * word;
	for (unsigned n = 0; n < 5; n++, b += wide)
		*counts[n] = decode_uint_at(b, wide);
	memcpy(v.fsid, b, sizeof(v.fsid));
	b += sizeof(v.fsid);
	v.namelen = decode_uint_at(b, word);
	v.frsize = decode_uint_at(b + word, word);
	v.flags = decode_uint_at(b + 2 * word, word);
	show_statfs(d, &v);
}

static void decode_statfs(struct decoder *d, unsigned i)
{
	uint8_t b[120];
	unsigned word = d->i386 ? 4 : 8;
	if (decode_fetch(d, decode_arg(d, i), b, d->i386 ? 64 : 120))
		show_statfs_at(d, b, word, word);
}

static void decode_statfs64(struct decoder *d, unsigned i)
{
	uint8_t b[84];
	if (decode_fetch(d, decode_arg(d, i), b, sizeof(b)))
		show_statfs_at(d, b, 4, 8);
}

const struct decode_type decode_type_statfs = {.decode = decode_statfs, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_statfs64 = {.decode = decode_statfs64, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_ustat = {0};

/* ---- directories ---- */

#define DIRENTS_MAX (256 * 1024)	/* more is not listed: nobody asks for so much at once */
#define DIRENTS_PIECE 16384

/* Where the members of an entry are: getdents64 and the older getdents. */
struct dirent_shape {
	unsigned word;		/* d_ino and d_off */
	unsigned name;		/* offset of d_name */
	bool type_last;		/* d_type is the entry's last byte, not in front of the name */
};

static void show_dirent(struct decoder *d, const struct dirent_shape *s, const uint8_t *e, size_t len)
{
	unsigned type = s->type_last ? e[len - 1] : e[s->name - 1];
	element(d);
	struct_begin(d);
	field_uint(d, "d_ino", decode_uint_at(e, s->word));
	field_uint(d, "d_off", decode_uint_at(e + s->word, s->word));
	field_uint(d, "d_reclen", len);
	if (!s->type_last)
		field_flags(d, "d_type", &flag_set_dirent_types, type);
	field(d, "d_name");
	show_cstring(d, (const char *)e + s->name, len - s->name);
	if (s->type_last)
		field_flags(d, "d_type", &flag_set_dirent_types, type);
	struct_end(d);
}

/* Count, and with show list, the whole entries in a piece; *ret_used is where the first that is not whole begins. */
static unsigned walk_dirents(struct decoder *d, const struct dirent_shape *s, const uint8_t *buf, size_t len, bool show,
			     size_t *ret_used)
{
	unsigned count = 0;
	size_t at = 0;
	while (len - at > s->name) {
		size_t reclen = decode_uint_at(buf + at + 2 * s->word, 2);
		if (reclen <= s->name || reclen > len - at)
			break;
		if (show)
			show_dirent(d, s, buf + at, reclen);
		count++;
		at += reclen;
	}
	*ret_used = at;
	return count;
}

static void show_dirents(struct decoder *d, const struct dirent_shape *s, uint64_t addr, uint64_t len)
{
	uint8_t buf[DIRENTS_PIECE];
	unsigned count = 0;
	bool list = d->options->verbose;
	if (decode_failed(d) || len > DIRENTS_MAX) {
		show_pointer(d, addr);
		return;
	}
	if (list)
		array_begin(d);
	for (size_t at = 0, used = 0; at < len; at += used) {
		size_t piece = len - at < sizeof(buf) ? len - at : sizeof(buf);
		if (!decode_read(d, addr + at, buf, piece))
			break;
		count += walk_dirents(d, s, buf, piece, list, &used);
		if (!used)
			break;
	}
	if (list)
		array_end(d);
	else
		show_pointer(d, addr);
	if (!list)
		show_commentf(d, "%u entries", count);
}

static void decode_dirents64(struct decoder *d, unsigned i)
{
	static const struct dirent_shape shape = {.word = 8, .name = 19};
	show_dirents(d, &shape, decode_arg(d, i), d->result ? (uint64_t)d->result->value : 0);
}

static void decode_dirents(struct decoder *d, unsigned i)
{
	struct dirent_shape shape = {.word = d->word, .name = 2 * d->word + 2, .type_last = true};
	show_dirents(d, &shape, decode_arg(d, i), d->result ? (uint64_t)d->result->value : 0);
}

const struct decode_type decode_type_dirents = {.decode = decode_dirents, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_dirents64 = {.decode = decode_dirents64, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_old_dirent = {0};

/* ---- openat2, file handles ---- */

static void decode_open_how(struct decoder *d, unsigned i)
{
	struct open_how how;
	uint64_t addr = decode_arg(d, i);
	uint64_t size = decode_link(d, i, 0);
	if (size < sizeof(how)) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &how, sizeof(how)))
		return;
	struct_begin(d);
	field_flags(d, "flags", &flag_set_open_flags, how.flags);
	if (how.mode || how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		field(d, "mode");
		show_octal(d, how.mode);
	}
	field_flags(d, "resolve", &flag_set_resolve_flags, how.resolve);
	show_tail(d, addr, sizeof(how), size);
	struct_end(d);
}

const struct decode_type decode_type_open_how = {.decode = decode_open_how, .needs = NEEDS_MEMORY};

static void show_file_handle(struct decoder *d, uint64_t addr)
{
	uint32_t head[2];
	uint8_t handle[128];
	if (!decode_fetch(d, addr, head, sizeof(head)))
		return;
	struct_begin(d);
	field_uint(d, "handle_bytes", head[0]);
	field_hex(d, "handle_type", head[1]);
	if (head[0] <= sizeof(handle) && decode_read(d, addr + sizeof(head), handle, head[0])) {
		char text[2 * sizeof(handle) + 3] = "0x";
		for (unsigned n = 0; n < head[0] && !d->quiet; n++)
			(void)snprintf(text + 2 + 2 * n, 3, "%02x", handle[n]);
		field(d, "f_handle");
		show_text(d, text);
	}
	struct_end(d);
}

static void decode_file_handle(struct decoder *d, unsigned i)
{
	show_file_handle(d, decode_arg(d, i));
}

const struct decode_type decode_type_file_handle_in = {.decode = decode_file_handle, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_file_handle_out = {
	.decode = decode_file_handle, .needs = NEEDS_MEMORY, .timing = TIMING_EXIT,
};

/* ---- extended attributes ---- */

#define VALUE_MAX 65536		/* the kernel's XATTR_SIZE_MAX */

/* A value that ends in a NUL is shown without it. */
static void show_xattr_value(struct decoder *d, uint64_t addr, uint64_t len)
{
	char last;
	if (len > VALUE_MAX) {
		show_pointer(d, addr);
		return;
	}
	bool nul = len && len <= d->options->string_limit && decode_read(d, addr + len - 1, &last, 1) && !last;
	show_bytes_at(d, addr, len - nul);
}

static void decode_xattr_in(struct decoder *d, unsigned i)
{
	show_xattr_value(d, decode_arg(d, i), decode_link(d, i, 1));
}

static void decode_xattr_list_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_failed(d) || !decode_link(d, i, 0))
		show_pointer(d, addr);
	else
		show_bytes_at(d, addr, (uint64_t)d->result->value);
}

const struct decode_type decode_type_xattr_list_out = {.decode = decode_xattr_list_out, .needs = NEEDS_MEMORY};

static void decode_xattr_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_failed(d) || !decode_link(d, i, 1))
		show_pointer(d, addr);
	else
		show_xattr_value(d, addr, (uint64_t)d->result->value);
}

const struct decode_type decode_type_xattr_in = {.decode = decode_xattr_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_xattr_out = {.decode = decode_xattr_out, .needs = NEEDS_MEMORY};
