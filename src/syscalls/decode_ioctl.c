/* ioctl: the request's name and, for the common ones, what the argument points to. */
#include "syscalls/decode_priv.h"

#include <asm/termbits.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- the request ---- */

/* _IOC(_IOC_READ|_IOC_WRITE, 0x51, 0x5, 0xc) for a request that nobody has named. */
static void show_ioc(struct decoder *d, uint32_t request)
{
	static const char *const dirs[4] = {"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"};
	show_textf(d, "_IOC(%s, %#x, %#x, %#x)", dirs[_IOC_DIR(request)], _IOC_TYPE(request), _IOC_NR(request),
		   _IOC_SIZE(request));
}

/* Numbers that two drivers use are shown with both names, as strace does. */
static const char *shared_name(uint32_t request)
{
	switch (request) {
	case TCSETS: return "SNDCTL_TMR_START or TCSETS";
	case TCSETSW: return "SNDCTL_TMR_STOP or TCSETSW";
	case TCSETSF: return "SNDCTL_TMR_CONTINUE or TCSETSF";
	case FICLONE: return "BTRFS_IOC_CLONE or FICLONE";
	case FICLONERANGE: return "BTRFS_IOC_CLONE_RANGE or FICLONERANGE";
	case FIDEDUPERANGE: return "BTRFS_IOC_FILE_EXTENT_SAME or FIDEDUPERANGE";
	case TCGETS: return "TCGETS";
	default: return NULL;
	}
}

void show_ioctl_command(struct decoder *d, uint32_t request)
{
	if (d->quiet)
		return;
	const char *name = shared_name(request);
	if (!name)
		name = flag_set_name_of(&flag_set_ioctl_requests, request);
	if (name)
		show_symbol(d, name, request);
	else
		show_ioc(d, request);
}

static void decode_ioctl_request(struct decoder *d, unsigned i)
{
	show_ioctl_command(d, (uint32_t)decode_arg(d, i));
}

const struct decode_type decode_type_ioctl_request = {.decode = decode_ioctl_request};

/* ---- terminals ---- */

static const char *const control_names[NCCS] = {
	"VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VTIME", "VMIN", "VSWTC", "VSTART", "VSTOP", "VSUSP", "VEOL",
	"VREPRINT", "VDISCARD", "VWERASE", "VLNEXT", "VEOL2",
};

static void show_controls(struct decoder *d, const uint8_t *cc)
{
	field(d, "c_cc");
	array_begin(d);
	for (unsigned n = 0; n < NCCS; n++) {
		element(d);
		d->p->ops->index(d->p, control_names[n], n);
		show_hex(d, cc[n]);
	}
	array_end(d);
}

static void show_termios(struct decoder *d, uint64_t addr)
{
	struct termios t;
	if (!decode_fetch(d, addr, &t, sizeof(t)))
		return;
	struct_begin(d);
	field_flags(d, "c_iflag", &flag_set_termios_input, t.c_iflag);
	field_flags(d, "c_oflag", &flag_set_termios_output, t.c_oflag);
	field_flags(d, "c_cflag", &flag_set_termios_control, t.c_cflag);
	field_flags(d, "c_lflag", &flag_set_termios_local, t.c_lflag);
	if (d->options->verbose) {
		field_flags(d, "c_line", &flag_set_line_disciplines, t.c_line);
		show_controls(d, t.c_cc);
	} else {
		elided(d);
	}
	struct_end(d);
}

static const struct field_desc winsize_fields[] = {
	FIELD(struct winsize, ws_row, FIELD_UINT),
	FIELD(struct winsize, ws_col, FIELD_UINT),
	FIELD(struct winsize, ws_xpixel, FIELD_UINT),
	FIELD(struct winsize, ws_ypixel, FIELD_UINT),
};
static const struct layout winsize_layout = LAYOUT(struct winsize, winsize_fields);
static const struct layout_pair winsize_pair = {&winsize_layout, &winsize_layout};

static const struct field_desc fstrim_fields[] = {
	FIELD(struct fstrim_range, start, FIELD_HEX),
	FIELD(struct fstrim_range, len, FIELD_UINT),
	FIELD(struct fstrim_range, minlen, FIELD_UINT),
};
static const struct layout fstrim_layout = LAYOUT(struct fstrim_range, fstrim_fields);
static const struct layout_pair fstrim_pair = {&fstrim_layout, &fstrim_layout};

/* ---- what each request takes ---- */

enum ioctl_kind {
	IOCTL_ADDRESS,
	IOCTL_NOTHING,
	IOCTL_NUMBER,
	IOCTL_INT,	/* [5] */
	IOCTL_UINT64,
	IOCTL_TERMIOS,
	IOCTL_STRUCT,
	IOCTL_FLAGS,	/* [FS_EXTENT_FL] */
	IOCTL_FLUSH,
};

struct ioctl_shape {
	uint32_t request;
	uint8_t kind;	/* enum ioctl_kind */
	bool out;	/* the kernel writes it */
	const void *arg;
};

static const struct ioctl_shape shapes[] = {
	{TCGETS, IOCTL_TERMIOS, true, NULL},
	{TCSETS, IOCTL_TERMIOS, false, NULL},
	{TCSETSW, IOCTL_TERMIOS, false, NULL},
	{TCSETSF, IOCTL_TERMIOS, false, NULL},
	{TCFLSH, IOCTL_FLUSH, false, NULL},
	{TIOCGWINSZ, IOCTL_STRUCT, true, &winsize_pair},
	{TIOCSWINSZ, IOCTL_STRUCT, false, &winsize_pair},
	{TIOCGPGRP, IOCTL_INT, true, NULL},
	{TIOCSPGRP, IOCTL_INT, false, NULL},
	{TIOCGSID, IOCTL_INT, true, NULL},
	{TIOCGPTN, IOCTL_INT, true, NULL},
	{TIOCSPTLCK, IOCTL_INT, false, NULL},
	{TIOCOUTQ, IOCTL_INT, true, NULL},
	{TIOCGETD, IOCTL_INT, true, NULL},
	{TIOCSCTTY, IOCTL_NUMBER, false, NULL},
	{TIOCNOTTY, IOCTL_NOTHING, false, NULL},
	{TIOCEXCL, IOCTL_NOTHING, false, NULL},
	{TIOCNXCL, IOCTL_NOTHING, false, NULL},
	{FIONREAD, IOCTL_INT, true, NULL},
	{FIONBIO, IOCTL_INT, false, NULL},
	{FIOASYNC, IOCTL_INT, false, NULL},
	{FIOCLEX, IOCTL_NOTHING, false, NULL},
	{FIONCLEX, IOCTL_NOTHING, false, NULL},
	{FICLONE, IOCTL_NUMBER, false, NULL},
	{FITRIM, IOCTL_STRUCT, false, &fstrim_pair},
	{FS_IOC_GETFLAGS, IOCTL_FLAGS, true, &flag_set_file_attributes},
	{FS_IOC_SETFLAGS, IOCTL_FLAGS, false, &flag_set_file_attributes},
	{FS_IOC_GETVERSION, IOCTL_INT, true, NULL},
	{BLKGETSIZE64, IOCTL_UINT64, true, NULL},
	{BLKSSZGET, IOCTL_INT, true, NULL},
	{BLKBSZGET, IOCTL_INT, true, NULL},
	{BLKPBSZGET, IOCTL_INT, true, NULL},
	{BLKROGET, IOCTL_INT, true, NULL},
	{BLKIOMIN, IOCTL_INT, true, NULL},
	{BLKIOOPT, IOCTL_INT, true, NULL},
	{BLKFLSBUF, IOCTL_NOTHING, false, NULL},
	{BLKRRPART, IOCTL_NOTHING, false, NULL},
};

static const struct ioctl_shape *shape_of(uint64_t request)
{
	static const struct ioctl_shape unknown = {0, IOCTL_ADDRESS, false, NULL};
	for (size_t n = 0; n < ARRAY_SIZE(shapes); n++) {
		if (shapes[n].request == (uint32_t)request)
			return &shapes[n];
	}
	return &unknown;
}

static bool ioctl_arg_present(struct decoder *d, unsigned i)
{
	return shape_of(decode_link(d, i, 0))->kind != IOCTL_NOTHING;
}

static bool ioctl_arg_waits(struct decoder *d, unsigned i)
{
	return shape_of(decode_link(d, i, 0))->out;
}

static void show_int(struct decoder *d, uint64_t addr, const struct flag_set *set)
{
	int32_t v;
	if (!decode_fetch(d, addr, &v, sizeof(v)))
		return;
	wrap(d, "[");
	if (set)
		show_flags(d, set, (uint32_t)v);
	else
		show_sint(d, v);
	wrap(d, "]");
}

static void show_uint64(struct decoder *d, uint64_t addr)
{
	uint64_t v;
	if (!decode_fetch(d, addr, &v, sizeof(v)))
		return;
	wrap(d, "[");
	show_uint(d, v);
	wrap(d, "]");
}

static void show_flush(struct decoder *d, uint64_t v)
{
	static const char *const names[3] = {"TCIFLUSH", "TCOFLUSH", "TCIOFLUSH"};
	if (v < ARRAY_SIZE(names))
		show_symbol(d, names[v], v);
	else
		show_hex(d, v);
}

static void decode_ioctl_arg(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	const struct ioctl_shape *shape = shape_of(decode_link(d, i, 0));
	switch ((enum ioctl_kind)shape->kind) {
	case IOCTL_ADDRESS:
		show_hex(d, v);
		return;
	case IOCTL_NOTHING:
		return;
	case IOCTL_NUMBER:
		show_sint(d, (int32_t)v);
		return;
	case IOCTL_INT:
	case IOCTL_FLAGS:
		show_int(d, v, shape->arg);
		return;
	case IOCTL_UINT64:
		show_uint64(d, v);
		return;
	case IOCTL_TERMIOS:
		show_termios(d, v);
		return;
	case IOCTL_STRUCT:
		show_struct_at(d, shape->arg, v);
		return;
	case IOCTL_FLUSH:
		show_flush(d, v);
		return;
	}
}

const struct decode_type decode_type_ioctl_arg = {
	.decode = decode_ioctl_arg, .present = ioctl_arg_present, .waits = ioctl_arg_waits,
	.needs = NEEDS_MEMORY,
};
