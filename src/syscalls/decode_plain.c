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

static bool never_present(struct decoder *d UNUSED, unsigned i UNUSED)
{
	return false;
}

static void decode_offset_low(struct decoder *d, unsigned i)
{
	show_sint(d, (int64_t)(decode_link(d, i, 0) << 32 | decode_arg(d, i)));
}

const struct decode_type decode_type_offset_high = {.present = never_present};
const struct decode_type decode_type_offset_low = {.decode = decode_offset_low};

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
	return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY));
}

static void decode_mode(struct decoder *d, unsigned i)
{
	show_octal(d, (uint16_t)decode_arg(d, i));
}

const struct decode_type decode_type_open_mode = {.decode = decode_mode, .present = open_mode_present};

static void decode_mknod_mode(struct decoder *d, unsigned i)
{
	show_mode(d, (uint16_t)decode_arg(d, i));
}

static bool mknod_dev_present(struct decoder *d, unsigned i)
{
	uint32_t mode = (uint32_t)decode_link(d, i, 0);
	return S_ISCHR(mode) || S_ISBLK(mode);
}

const struct decode_type decode_type_mknod_mode = {.decode = decode_mknod_mode};
const struct decode_type decode_type_mknod_dev = {.decode = decode_dev, .present = mknod_dev_present};

/* Not -1 but a name, where a descriptor is not needed. */
static void decode_fanotify_dirfd(struct decoder *d, unsigned i)
{
	int fd = (int)decode_arg(d, i);
	if (fd == -1)
		show_symbol(d, "FAN_NOFD", (uint64_t)fd);
	else
		show_dirfd(d, fd);
}

const struct decode_type decode_type_fanotify_dirfd = {.decode = decode_fanotify_dirfd, .needs = NEEDS_FD};

#define STATX_SYNC_TYPE 0x6000u

static void decode_statx_flags(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	if ((v & STATX_SYNC_TYPE) != STATX_SYNC_TYPE) {
		show_flags(d, d->desc->params[i].set, v);
		return;
	}
	static const struct flag_name both[] = {
		{"AT_STATX_FORCE_SYNC|AT_STATX_DONT_SYNC", STATX_SYNC_TYPE, UINT64_MAX},
	};
	static const struct flag_set types = {.names = both, .count = 1, .exclusive = true};
	show_joined(d, &types, STATX_SYNC_TYPE, &flag_set_at_flags, v & ~STATX_SYNC_TYPE);
}

const struct decode_type decode_type_statx_flags = {.decode = decode_statx_flags};

/* ---- memory ---- */

/* The size of huge pages is a binary logarithm in the topmost bits. */
#define HUGE_SHIFT 26
#define HUGE_MASK 0x3fu

#define MAP_TYPES 0xfu

/* A type that has no name stands before the flags, as text. */
static void show_unknown_map(struct decoder *d, const struct flag_set *set, uint64_t v, unsigned huge)
{
	AUTO_STRBUF struct strbuf text = {0};
	AUTO_STRBUF struct strbuf names = {0};
	if (d->quiet)
		return;
	uint64_t flags = v & ~(uint64_t)MAP_TYPES;
	if (huge)
		flags &= ~((uint64_t)HUGE_MASK << HUGE_SHIFT);
	strbuf_addf(&text, "%#llx /* MAP_??? */", (unsigned long long)(v & MAP_TYPES));
	/* To the set the type is now 0, which has a name. */
	static const char file[] = "MAP_FILE|";
	if (flags && add_flag_names(&names, set, flags)) {
		const char *rest = strbuf_str(&names);
		bool named = strncmp(rest, file, sizeof(file) - 1) == 0;
		strbuf_addf(&text, "|%s", named ? rest + sizeof(file) - 1 : rest);
	}
	if (huge)
		strbuf_addf(&text, "|%u<<MAP_HUGE_SHIFT", huge);
	show_hex_symbol(d, strbuf_str(&text), v);
}

static void decode_mmap_flags(struct decoder *d, unsigned i)
{
	const struct flag_set *set = flag_set_for(d->desc->params[i].set, d->call->abi);
	uint64_t v = decode_arg(d, i);
	unsigned huge = v & MAP_HUGETLB ? (unsigned)(v >> HUGE_SHIFT) & HUGE_MASK : 0;
	if (v & MAP_TYPES && !flag_set_name_of(set, v & MAP_TYPES)) {
		show_unknown_map(d, set, v, huge);
		return;
	}
	if (!huge || d->options->consts == CONST_RAW) {
		show_flags(d, set, v);
		return;
	}
	show_flags(d, set, v & ~((uint64_t)HUGE_MASK << HUGE_SHIFT));
	if (!d->quiet) {
		char text[32];
		(void)snprintf(text, sizeof(text), "|%u<<MAP_HUGE_SHIFT", huge);
		wrap(d, text);
	}
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
