/* Values that many types are made of: guest strings, descriptors, ids, devices, modes. */
#include "syscalls/decode_priv.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define STRING_SMALL 4096		/* what nearly all calls need of the stack */
#define STRING_LARGE (128 * 1024)	/* the cap of -s */
#define GUEST_PAGE 4096

uint64_t decode_arg(struct decoder *d, unsigned i)
{
	const struct call_param *param = &d->desc->params[i];
	uint64_t v = d->call->args[param->reg];
	if (param->regs == 2)
		return (uint32_t)v | d->call->args[param->reg + 1] << 32;
	if (param->bits == 64 && !d->i386)
		return v;
	return param->is_signed ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
}

uint64_t decode_uint_at(const void *buf, unsigned size)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;
	switch (size) {
	case 8:
		memcpy(&v8, buf, 8);
		return v8;
	case 4:
		memcpy(&v4, buf, 4);
		return v4;
	case 2:
		memcpy(&v2, buf, 2);
		return v2;
	case 1:
		return *(const uint8_t *)buf;
	default:
		return 0;
	}
}

int64_t decode_sint_at(const void *buf, unsigned size)
{
	uint64_t v = decode_uint_at(buf, size);
	switch (size) {
	case 4:
		return (int32_t)v;
	case 2:
		return (int16_t)v;
	case 1:
		return (int8_t)v;
	default:
		return (int64_t)v;
	}
}

uint64_t decode_word_at(const struct decoder *d, const void *buf)
{
	return decode_uint_at(buf, d->word);
}

bool decode_fetch(struct decoder *d, uint64_t addr, void *buf, size_t len)
{
	if (addr && !decode_failed(d) && decode_read(d, addr, buf, len))
		return true;
	show_pointer(d, addr);
	return false;
}

/* ---- arrays of words ---- */

void word_reader_init(struct word_reader *r, struct decoder *d, uint64_t addr)
{
	r->d = d;
	r->addr = addr;
	r->at = 0;
	r->have = 0;
}

bool word_reader_next(struct word_reader *r, uint64_t *ret_word)
{
	unsigned word = r->d->word;
	if (r->at == r->have) {
		size_t len = GUEST_PAGE - r->addr % GUEST_PAGE;
		if (len > sizeof(r->buf))
			len = sizeof(r->buf);
		len -= len % word;
		if (!len)
			len = word;	/* a word across two pages */
		if (!decode_read(r->d, r->addr, r->buf, len))
			return false;
		r->addr += len;
		r->at = 0;
		r->have = (unsigned)len;
	}
	*ret_word = decode_word_at(r->d, r->buf + r->at);
	r->at += word;
	return true;
}

/* ---- strings ---- */

void show_path_at(struct decoder *d, uint64_t addr)
{
	char buf[PATH_MAX + 1];
	bool complete = false;
	ssize_t len = addr ? d->src->ops->read_string(d->src, addr, buf, PATH_MAX, &complete) : -EFAULT;
	if (len < 0)
		show_pointer(d, addr);
	else
		/* The kernel takes PATH_MAX bytes with the NUL: without it, the last of them is not shown. */
		d->p->ops->string(d->p, buf, complete ? (size_t)len : PATH_MAX - 1, !complete, true);
}

static void show_string_within(struct decoder *d, uint64_t addr, char *buf, size_t limit)
{
	bool complete = false;
	ssize_t len = d->src->ops->read_string(d->src, addr, buf, limit + 1, &complete);
	if (len < 0) {
		show_pointer(d, addr);
		return;
	}
	bool more = !complete || (size_t)len > limit;
	d->p->ops->string(d->p, buf, (size_t)len > limit ? limit : (size_t)len, more, true);
}

static __attribute__((noinline)) void show_long_string(struct decoder *d, uint64_t addr, size_t limit)
{
	char buf[STRING_LARGE + 2];
	show_string_within(d, addr, buf, limit > STRING_LARGE ? STRING_LARGE : limit);
}

void show_string_at(struct decoder *d, uint64_t addr)
{
	char buf[STRING_SMALL + 2];
	size_t limit = d->options->string_limit;
	if (!addr)
		show_pointer(d, addr);
	else if (limit > STRING_SMALL)
		show_long_string(d, addr, limit);
	else
		show_string_within(d, addr, buf, limit);
}

void show_string_upto(struct decoder *d, uint64_t addr, size_t max)
{
	char buf[STRING_SMALL];
	bool complete = false;
	if (max > d->options->string_limit || max > sizeof(buf)) {
		show_string_at(d, addr);
		return;
	}
	ssize_t len = addr ? d->src->ops->read_string(d->src, addr, buf, max, &complete) : -EFAULT;
	if (len < 0)
		show_pointer(d, addr);
	else
		d->p->ops->string(d->p, buf, (size_t)len, !complete || (size_t)len == max, true);
}

/* As strace, one byte more is read than is shown, if there is more: it may be what cannot be read. */
static void show_bytes_within(struct decoder *d, uint64_t addr, char *buf, size_t len, bool more)
{
	/* Bytes are no structure: -e verbose=none shows them. */
	if (len && d->src->ops->read(d->src, addr, buf, len + more) < 0)
		show_pointer(d, addr);
	else
		show_bytes(d, buf, len, more);
}

static __attribute__((noinline)) void show_long_bytes(struct decoder *d, uint64_t addr, size_t len, bool more)
{
	char buf[STRING_LARGE + 1];
	if (len > STRING_LARGE) {
		len = STRING_LARGE;
		more = true;
	}
	show_bytes_within(d, addr, buf, len, more);
}

void show_bytes_at(struct decoder *d, uint64_t addr, uint64_t len)
{
	char buf[STRING_SMALL + 1];
	if (!addr) {
		show_pointer(d, addr);
		return;
	}
	bool more = len > d->options->string_limit;
	size_t n = more ? d->options->string_limit : (size_t)len;
	if (n > STRING_SMALL)
		show_long_bytes(d, addr, n, more);
	else
		show_bytes_within(d, addr, buf, n, more);
}

void show_cstring(struct decoder *d, const char *s, size_t size)
{
	size_t len = strnlen(s, size);
	d->p->ops->string(d->p, s, len, false, len < size);
}

/* ---- descriptors ---- */

/* --decode-fds: socket is what -yy says beyond the path, NULL for the path alone. */
static bool kind_is_wanted(struct decoder *d, const char *socket)
{
	unsigned kind = SHOWN_FD_SOCKET;
	if (!socket)
		kind = SHOWN_FD_PATH;
	else if (strncmp(socket, "char ", 5) == 0 || strncmp(socket, "block ", 6) == 0)
		kind = SHOWN_FD_DEVICE;
	else if (strncmp(socket, "pid:", 4) == 0)
		kind = SHOWN_FD_PIDFD;
	return !d->options->fd_kinds || d->options->fd_kinds & kind;
}

static void meet_path(struct decoder *d, const char *path)
{
	if (d->p->ops->met)
		d->p->ops->met(d->p, path);
}

void meet_fd(struct decoder *d, int fd)
{
	char path[PATH_MAX + 1];
	ssize_t len = d->options->fd_paths && fd >= 0 ? d->src->ops->fd_path(d->src, fd, path, PATH_MAX) : -EBADF;
	if (len < 0)
		return;
	path[len] = '\0';
	meet_path(d, path);
}

static void show_fd_named(struct decoder *d, int fd, const char *name)
{
	char path[PATH_MAX + 1];
	char socket[256];
	ssize_t path_len = -1;
	ssize_t socket_len = -1;
	if (d->options->fd_paths && (fd >= 0 || name)) {
		path_len = d->src->ops->fd_path(d->src, fd, path, PATH_MAX);
		if (path_len >= 0) {
			path[path_len] = '\0';
			meet_path(d, path);
		}
	}
	if (d->options->fd_paths > 1 && fd >= 0 && path_len >= 0 && d->src->ops->fd_socket) {
		socket_len = d->src->ops->fd_socket(d->src, fd, socket, sizeof(socket) - 1);
		if (socket_len >= 0)
			socket[socket_len] = '\0';
	}
	bool show_more = socket_len >= 0 && kind_is_wanted(d, socket);
	bool show_path = path_len >= 0 && (show_more || kind_is_wanted(d, NULL));
	d->p->ops->fd(d->p, fd, name, show_path ? path : NULL, show_more ? socket : NULL);
}

void show_fd(struct decoder *d, int fd)
{
	if (d->options->fd_paths)
		show_fd_named(d, fd, NULL);
	else
		d->p->ops->fd(d->p, fd, NULL, NULL, NULL);
}

void show_dirfd(struct decoder *d, int fd)
{
	const char *name = fd == AT_FDCWD ? "AT_FDCWD" : NULL;
	if (d->options->fd_paths)
		show_fd_named(d, fd, name);
	else
		d->p->ops->fd(d->p, fd, name, NULL, NULL);
}

/* ---- processes ---- */

static void show_pid_note(struct decoder *d, int pid)
{
	struct pid_note note = {0};
	if (d->src->ops->pid_note(d->src, pid, &note) < 0 || d->quiet)
		return;
	if (d->options->pid_comms && note.comm[0]) {
		AUTO_STRBUF struct strbuf text;
		strbuf_init(&text);
		decode_comm(note.comm, sizeof(note.comm), &text);
		wrap(d, strbuf_str(&text));
	}
	if (d->options->pid_namespaces && note.here)
		show_commentf(d, "%d in strace's PID NS", note.here);
}

void show_pid(struct decoder *d, int pid)
{
	show_sint(d, pid);
	if ((d->options->pid_comms || d->options->pid_namespaces) && pid > 0 && d->src && d->src->ops->pid_note)
		show_pid_note(d, pid);
}

/* ---- small values ---- */

void show_uid(struct decoder *d, uint32_t id)
{
	if (id == UINT32_MAX)
		show_sint(d, -1);
	else
		show_uint(d, id);
}

void show_dev(struct decoder *d, uint64_t dev)
{
	if (d->options->consts != CONST_ABBREV)
		show_hex(d, dev);
	if (d->options->consts == CONST_VERBOSE)
		show_commentf(d, "makedev(%#x, %#x)", major(dev), minor(dev));
	else if (d->options->consts == CONST_ABBREV)
		show_textf(d, "makedev(%#x, %#x)", major(dev), minor(dev));
}

void show_mode(struct decoder *d, uint32_t mode)
{
	static const char *const types[16] = {
		[1] = "S_IFIFO", [2] = "S_IFCHR", [4] = "S_IFDIR", [6] = "S_IFBLK", [8] = "S_IFREG", [10] = "S_IFLNK",
		[12] = "S_IFSOCK",
	};
	const char *type = types[mode >> 12 & 15];
	if (!type || d->options->consts == CONST_RAW) {
		show_octal(d, mode);
		return;
	}
	bool verbose = d->options->consts == CONST_VERBOSE;
	if (verbose) {
		show_octal(d, mode);
		wrap(d, " /* ");
	}
	show_textf(d, "%s%s%s%s|%#03o", type, mode & S_ISUID ? "|S_ISUID" : "", mode & S_ISGID ? "|S_ISGID" : "",
		   mode & S_ISVTX ? "|S_ISVTX" : "", mode & 0777);
	if (verbose)
		wrap(d, " */");
}

bool add_flag_names(struct strbuf *out, const struct flag_set *set, uint64_t v)
{
	struct flag_walk w = flag_walk_begin(set, v);
	size_t before = out->len;
	for (const char *name = flag_walk_next(&w); name; name = flag_walk_next(&w)) {
		if (out->len > before)
			strbuf_addc(out, '|');
		strbuf_adds(out, name);
	}
	if (out->len == before)
		return false;
	if (w.rest)
		strbuf_addf(out, "|%#llx", (unsigned long long)w.rest);
	return true;
}

void show_hex_symbol(struct decoder *d, const char *name, uint64_t v)
{
	const struct flag_name one = {name, v, UINT64_MAX};
	const struct flag_set set = {.names = &one, .count = 1, .exclusive = true};
	show_flags(d, &set, v);
}

void show_joined(struct decoder *d, const struct flag_set *first, uint64_t value, const struct flag_set *set,
		 uint64_t rest)
{
	if (d->p->ops->joins) {
		show_flags(d, first, value);
		if (rest) {
			wrap(d, "|");
			show_flags(d, set, rest);
		}
		return;
	}
	/* One set of both, so that a printer sees one value. */
	const char *name = flag_set_name_of(first, value);
	struct flag_name names[33] = {{name, UINT64_C(1) << 63, UINT64_C(1) << 63}};
	size_t count = !rest ? 0 : set->count < ARRAY_SIZE(names) - 1 ? set->count : ARRAY_SIZE(names) - 1;
	memcpy(names + 1, set->names, count * sizeof(names[0]));
	struct flag_set both = {.name = set->name, .names = names, .count = count + 1};
	if (name)
		show_flags(d, &both, rest | UINT64_C(1) << 63);
	else
		show_flags(d, set, value | rest);
}

void show_cut(struct decoder *d, uint64_t addr)
{
	elided(d);
	show_commentf(d, "%#llx", (unsigned long long)addr);
}

#define TAIL_MAX 4096	/* the kernel takes a page at most */

void show_tail(struct decoder *d, uint64_t addr, uint64_t from, uint64_t size)
{
	uint8_t buf[TAIL_MAX];
	if (size > TAIL_MAX)
		size = TAIL_MAX;
	if (size <= from)
		return;
	size_t len = (size_t)(size - from);
	if (!decode_read(d, addr + from, buf, len)) {
		field(d, NULL);
		show_text(d, "???");
		return;
	}
	if (!buf[0] && memcmp(buf, buf + 1, len - 1) == 0)
		return;
	field(d, NULL);
	if (!d->quiet) {
		char label[64];
		(void)snprintf(label, sizeof(label), "/* bytes %llu..%llu */ ", (unsigned long long)from,
			       (unsigned long long)size - 1);
		wrap(d, label);
	}
	size_t shown = len < d->options->string_limit ? len : d->options->string_limit;
	show_hex_bytes(d, buf, shown, shown < len);
}

void show_textf(struct decoder *d, const char *format, ...)
{
	char buf[256];
	va_list ap;
	if (d->quiet)
		return;
	va_start(ap, format);
	(void)vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	show_text(d, buf);
}

void show_commentf(struct decoder *d, const char *format, ...)
{
	char buf[256];
	va_list ap;
	if (d->quiet)
		return;
	va_start(ap, format);
	(void)vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	show_comment(d, buf);
}

/* ---- names ---- */

struct flag_walk flag_walk_begin(const struct flag_set *set, uint64_t v)
{
	return (struct flag_walk){.set = set, .value = v, .rest = v};
}

/*
 * A plain flag is named when all its bits are still unnamed (O_SYNC takes O_DSYNC's bit with it); a value of a field
 * (O_WRONLY in O_ACCMODE) when the field has it; a flag without bits (PROT_NONE) when the whole value is 0.
 * The mask of an enumeration's name is all ones: shown as flags (what membarrier supports), its names are plain flags.
 */
static bool flag_applies(const struct flag_walk *w, const struct flag_name *f)
{
	if (f->mask != f->value && f->mask != UINT64_MAX)
		return (w->value & f->mask) == f->value;
	return f->value ? (w->rest & f->value) == f->value : w->value == 0;
}

const char *flag_walk_next(struct flag_walk *w)
{
	while (w->at < w->set->count) {
		const struct flag_name *f = &w->set->names[w->at++];
		if (!flag_applies(w, f))
			continue;
		w->rest &= f->mask == UINT64_MAX ? ~f->value : ~f->mask;
		return f->name;
	}
	return NULL;
}

const char *flag_set_name_of(const struct flag_set *set, uint64_t v)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->names[i].value == v)
			return set->names[i].name;
	}
	return NULL;
}
