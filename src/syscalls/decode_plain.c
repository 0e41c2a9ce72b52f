/* Types of values that stand in a register. */
#include "syscalls/decode_priv.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* What the kind says is all there is to say. */
#define PLAIN(name) const struct decode_type decode_type_##name = {0}
PLAIN(int);
PLAIN(uint);
PLAIN(long);
PLAIN(ulong);
PLAIN(size);
PLAIN(off);
PLAIN(off64);
PLAIN(u64x2);
PLAIN(flags64x2);
PLAIN(addr);
PLAIN(mode);
PLAIN(flags);
PLAIN(flags64);
PLAIN(enum);
PLAIN(enum64);
PLAIN(fd);
PLAIN(dirfd);
PLAIN(pid);
PLAIN(uid);
PLAIN(signal);
PLAIN(path);
PLAIN(string);

static void decode_hex(struct decoder *d, unsigned i)
{
	show_hex(d, decode_arg(d, i));
}

const struct decode_type decode_type_hex = {.decode = decode_hex};
const struct decode_type decode_type_hex32 = {.decode = decode_hex};

static void decode_dev(struct decoder *d, unsigned i)
{
	show_dev(d, decode_arg(d, i));
}

const struct decode_type decode_type_dev = {.decode = decode_dev};

static void decode_uid16(struct decoder *d, unsigned i)
{
	uint16_t id = (uint16_t)decode_arg(d, i);
	show_uid(d, id == UINT16_MAX ? UINT32_MAX : id);
}

const struct decode_type decode_type_uid16 = {.decode = decode_uid16};

/* ---- files ---- */

static bool open_mode_present(struct decoder *d, unsigned i)
{
	uint64_t flags = decode_link(d, i, 0);
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static void decode_mode(struct decoder *d, unsigned i)
{
	show_octal(d, decode_arg(d, i));
}

const struct decode_type decode_type_open_mode = {.decode = decode_mode, .present = open_mode_present};

static void decode_mknod_mode(struct decoder *d, unsigned i)
{
	show_mode(d, (uint32_t)decode_arg(d, i));
}

static bool mknod_dev_present(struct decoder *d, unsigned i)
{
	uint32_t mode = (uint32_t)decode_link(d, i, 0);
	return S_ISCHR(mode) || S_ISBLK(mode);
}

const struct decode_type decode_type_mknod_mode = {.decode = decode_mknod_mode};
const struct decode_type decode_type_mknod_dev = {.decode = decode_dev, .present = mknod_dev_present};

static void decode_statx_flags(struct decoder *d, unsigned i)
{
	static const struct flag_name how[] = {
		{"AT_STATX_SYNC_AS_STAT", 0, 0x6000}, {"AT_STATX_FORCE_SYNC", 0x2000, 0x6000},
		{"AT_STATX_DONT_SYNC", 0x4000, 0x6000}, {"AT_SYMLINK_NOFOLLOW", 0x100, 0x100},
		{"AT_REMOVEDIR", 0x200, 0x200}, {"AT_SYMLINK_FOLLOW", 0x400, 0x400},
		{"AT_NO_AUTOMOUNT", 0x800, 0x800}, {"AT_EMPTY_PATH", 0x1000, 0x1000},
		{"AT_RECURSIVE", 0x8000, 0x8000},
	};
	static const struct flag_set set = {.name = "statx_flags", .names = how, .count = ARRAY_SIZE(how)};
	show_flags(d, &set, decode_arg(d, i));
}

const struct decode_type decode_type_statx_flags = {.decode = decode_statx_flags};

/* ---- memory ---- */

static void decode_mmap_flags(struct decoder *d, unsigned i)
{
	static const struct flag_name names[] = {
		{"MAP_FILE", 0, 0xf}, {"MAP_SHARED", 1, 0xf}, {"MAP_PRIVATE", 2, 0xf}, {"MAP_SHARED_VALIDATE", 3, 0xf},
		{"MAP_FIXED", MAP_FIXED, MAP_FIXED}, {"MAP_ANONYMOUS", MAP_ANONYMOUS, MAP_ANONYMOUS},
		{"MAP_32BIT", 0x40, 0x40}, {"MAP_NORESERVE", MAP_NORESERVE, MAP_NORESERVE},
		{"MAP_POPULATE", MAP_POPULATE, MAP_POPULATE}, {"MAP_NONBLOCK", MAP_NONBLOCK, MAP_NONBLOCK},
		{"MAP_GROWSDOWN", MAP_GROWSDOWN, MAP_GROWSDOWN}, {"MAP_DENYWRITE", MAP_DENYWRITE, MAP_DENYWRITE},
		{"MAP_EXECUTABLE", MAP_EXECUTABLE, MAP_EXECUTABLE}, {"MAP_LOCKED", MAP_LOCKED, MAP_LOCKED},
		{"MAP_STACK", MAP_STACK, MAP_STACK}, {"MAP_SYNC", 0x80000, 0x80000},
		{"MAP_FIXED_NOREPLACE", 0x100000, 0x100000},
	};
	static const struct flag_set set = {.name = "mmap_flags", .names = names, .count = ARRAY_SIZE(names)};
	show_flags(d, &set, decode_arg(d, i));
}

const struct decode_type decode_type_mmap_flags = {.decode = decode_mmap_flags};
PLAIN(mremap_flags);

static bool mremap_address_present(struct decoder *d, unsigned i)
{
	return decode_link(d, i, 0) & (MREMAP_FIXED | 4 /* MREMAP_DONTUNMAP */);
}

static void decode_address(struct decoder *d, unsigned i)
{
	show_pointer(d, decode_arg(d, i));
}

const struct decode_type decode_type_mremap_address = {.decode = decode_address, .present = mremap_address_present};

static void decode_mmap2_offset(struct decoder *d, unsigned i)
{
	show_hex(d, decode_arg(d, i) << 12);
}

const struct decode_type decode_type_mmap2_offset = {.decode = decode_mmap2_offset};
