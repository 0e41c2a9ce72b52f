/* The printer of strace's text. No printf: a simple call must cost well under a microsecond. */
#include <string.h>
#include <time.h>

#include "syscalls/decode_priv.h"

static struct text_printer *text(struct printer *p)
{
	return (struct text_printer *)p;
}

static void separate(struct text_printer *t)
{
	if (!t->first)
		strbuf_add(t->out, ", ", 2);
	t->first = false;
}

static void text_resume(struct printer *p, unsigned done)
{
	text(p)->params = done;
}

static void text_param_begin(struct printer *p, const char *name UNUSED)
{
	if (text(p)->params++)
		strbuf_add(text(p)->out, ", ", 2);
}

static void text_param_resume(struct printer *p UNUSED, const char *name UNUSED)
{
}

static void text_param_end(struct printer *p UNUSED)
{
}

static void text_sint(struct printer *p, int64_t v)
{
	strbuf_add_i64(text(p)->out, v);
}

static void text_uint(struct printer *p, uint64_t v)
{
	strbuf_add_u64(text(p)->out, v);
}

static void text_hex(struct printer *p, uint64_t v)
{
	strbuf_add_hex(text(p)->out, v);
}

/* As printf's %#03o: at least three digits, one of them a leading 0. */
static void text_octal(struct printer *p, uint64_t v)
{
	char digits[24];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + (v & 7));
		v >>= 3;
	} while (v);
	if (digits[at] != '0' || at > sizeof(digits) - 3)
		digits[--at] = '0';
	while (at > sizeof(digits) - 3)
		digits[--at] = '0';
	strbuf_add(text(p)->out, digits + at, sizeof(digits) - at);
}

static void text_pointer(struct printer *p, uint64_t addr)
{
	if (addr)
		strbuf_add_hex(text(p)->out, addr);
	else
		strbuf_add(text(p)->out, "NULL", 4);
}

static void text_comment(struct printer *p, const char *comment);

static void text_symbol(struct printer *p, const char *name, uint64_t v)
{
	struct text_printer *t = text(p);
	if (t->options->consts != CONST_ABBREV)
		strbuf_add_i64(t->out, (int64_t)v);
	if (t->options->consts == CONST_VERBOSE)
		text_comment(p, name);
	else if (t->options->consts == CONST_ABBREV)
		strbuf_adds(t->out, name);
}

static void text_unknown(struct text_printer *t, const struct flag_set *set, uint64_t v)
{
	strbuf_add_hex(t->out, v);
	if (!set->unknown || !*set->unknown || t->options->consts == CONST_RAW)
		return;
	strbuf_add(t->out, " /* ", 4);
	strbuf_adds(t->out, set->unknown);
	strbuf_add(t->out, " */", 3);
}

static void text_enum(struct text_printer *t, const struct flag_set *set, uint64_t v)
{
	const char *name = flag_set_name_of(set, v);
	if (!name || t->options->consts == CONST_RAW) {
		text_unknown(t, set, v);
	} else if (t->options->consts == CONST_VERBOSE) {
		strbuf_add_hex(t->out, v);
		text_comment(&t->base, name);
	} else {
		strbuf_adds(t->out, name);
	}
}

static void text_flags(struct printer *p, const struct flag_set *set, uint64_t v)
{
	struct text_printer *t = text(p);
	if (set->exclusive) {
		text_enum(t, set, v);
		return;
	}
	if (t->options->consts == CONST_RAW) {
		strbuf_add_hex(t->out, v);
		return;
	}
	bool any = false;
	struct flag_walk w = flag_walk_begin(set, v);
	for (const char *name = flag_walk_next(&w); name; name = flag_walk_next(&w)) {
		if (!any && t->options->consts == CONST_VERBOSE) {
			strbuf_add_hex(t->out, v);
			strbuf_adds(t->out, " /* ");
		} else if (any) {
			strbuf_addc(t->out, '|');
		}
		strbuf_adds(t->out, name);
		any = true;
	}
	if (!any && !w.rest) {
		strbuf_addc(t->out, '0');
	} else if (!any) {
		text_unknown(t, set, w.rest);
	} else if (w.rest) {
		strbuf_addc(t->out, '|');
		strbuf_add_hex(t->out, w.rest);
	}
	if (any && t->options->consts == CONST_VERBOSE)
		strbuf_adds(t->out, " */");
}

static void text_signals(struct printer *p, uint64_t mask)
{
	struct text_printer *t = text(p);
	char buf[16];
	bool invert = __builtin_popcountll(mask) >= 64 * 2 / 3;
	strbuf_adds(t->out, invert ? "~[" : "[");
	bool any = false;
	for (uint64_t rest = invert ? ~mask : mask; rest; rest &= rest - 1) {
		const char *name = decode_signal_name(__builtin_ctzll(rest) + 1, buf);
		if (any)
			strbuf_addc(t->out, ' ');
		strbuf_adds(t->out, strncmp(name, "SIG", 3) == 0 ? name + 3 : name);
		any = true;
	}
	strbuf_addc(t->out, ']');
}

/* What -x shows in hexadecimal: a string with a byte that is neither printable nor white space. */
/* Which bytes of a string are hexadecimal. */
enum hex { HEX_NONE, HEX_ALL, HEX_CHARS };

static enum hex string_hex(const struct decode_options *o, const unsigned char *s, size_t len)
{
	if (o->hex_strings != 1)
		return o->hex_strings == 3 ? HEX_CHARS : o->hex_strings ? HEX_ALL : HEX_NONE;
	for (size_t i = 0; i < len; i++) {
		if (!(s[i] >= 0x20 && s[i] < 0x7f) && !(s[i] >= '\t' && s[i] <= '\r'))
			return HEX_ALL;
	}
	return HEX_NONE;
}

static size_t escape_octal(char *to, unsigned char c, bool digit_follows)
{
	size_t n = 0;
	to[n++] = '\\';
	if (digit_follows || c >= 0100)
		to[n++] = (char)('0' + (c >> 6));
	if (digit_follows || c >= 010)
		to[n++] = (char)('0' + (c >> 3 & 7));
	to[n++] = (char)('0' + (c & 7));
	return n;
}

/* One byte as in a C string; at most four characters. */
static size_t escape_byte(char *to, unsigned char c, bool digit_follows, bool angle)
{
	static const char letters[] = "tnvfr";
	if (c == '"' || c == '\\') {
		to[0] = '\\';
		to[1] = (char)c;
		return 2;
	}
	if (c >= '\t' && c <= '\r') {
		to[0] = '\\';
		to[1] = letters[c - '\t'];
		return 2;
	}
	if (c >= 0x20 && c < 0x7f && !(angle && (c == '<' || c == '>'))) {
		to[0] = (char)c;
		return 1;
	}
	return escape_octal(to, c, digit_follows);
}

static void add_escaped(struct strbuf *out, const unsigned char *s, size_t len, enum hex hex, bool angle)
{
	char part[256];
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (n > sizeof(part) - 4) {
			strbuf_add(out, part, n);
			n = 0;
		}
		bool plain = (s[i] >= ' ' && s[i] < 0x7f) || (s[i] >= '\t' && s[i] <= '\r');
		if (hex == HEX_ALL || (hex == HEX_CHARS && !plain)) {
			part[n++] = '\\';
			part[n++] = 'x';
			part[n++] = "0123456789abcdef"[s[i] >> 4];
			part[n++] = "0123456789abcdef"[s[i] & 15];
		} else {
			bool digit_follows = i + 1 < len && s[i + 1] >= '0' && s[i + 1] <= '7';
			n += escape_byte(part + n, s[i], digit_follows, angle);
		}
	}
	strbuf_add(out, part, n);
}

void decode_comm(const char *comm, size_t len, struct strbuf *out)
{
	strbuf_addc(out, '<');
	add_escaped(out, (const unsigned char *)comm, strnlen(comm, len), HEX_NONE, true);
	strbuf_addc(out, '>');
}

static void text_string(struct printer *p, const void *bytes, size_t len, bool more, bool nul UNUSED)
{
	struct text_printer *t = text(p);
	strbuf_addc(t->out, '"');
	add_escaped(t->out, bytes, len, string_hex(t->options, bytes, len), false);
	strbuf_addc(t->out, '"');
	if (more)
		strbuf_add(t->out, "...", 3);
}

static void text_hex_string(struct printer *p, const void *bytes, size_t len, bool more)
{
	struct text_printer *t = text(p);
	strbuf_addc(t->out, '"');
	add_escaped(t->out, bytes, len, HEX_ALL, false);
	strbuf_addc(t->out, '"');
	if (more)
		strbuf_add(t->out, "...", 3);
}

#define DELETED " (deleted)"

static void text_fd(struct printer *p, int fd, const char *name, const char *path, const char *socket)
{
	struct text_printer *t = text(p);
	if (name)
		text_symbol(p, name, (uint64_t)fd);
	else
		strbuf_add_i64(t->out, fd);
	if (!path && !socket)
		return;
	bool device = socket && (strncmp(socket, "char ", 5) == 0 || strncmp(socket, "block ", 6) == 0);
	const char *what = socket && !device ? socket : path;
	bool deleted = false;
	strbuf_addc(t->out, '<');
	if (what) {
		size_t len = strlen(what);
		/* readlink's mark of a file without a name goes behind the bracket. */
		const size_t mark = sizeof(DELETED) - 1;
		deleted = what == path && len > mark && strcmp(what + len - mark, DELETED) == 0;
		len -= deleted ? mark : 0;
		if (what == socket)
			strbuf_adds(t->out, socket); /* its paths are quoted and escaped already */
		else
			add_escaped(t->out, (const unsigned char *)what, len,
			    string_hex(t->options, (const unsigned char *)what, len), true);
	}
	if (device) {
		strbuf_addc(t->out, '<');
		strbuf_adds(t->out, socket);
		strbuf_addc(t->out, '>');
	}
	strbuf_addc(t->out, '>');
	if (deleted)
		strbuf_adds(t->out, "(deleted)");
}

static void text_struct_begin(struct printer *p)
{
	strbuf_addc(text(p)->out, '{');
	text(p)->first = true;
}

static void text_field(struct printer *p, const char *name)
{
	separate(text(p));
	if (!name)
		return;
	strbuf_adds(text(p)->out, name);
	strbuf_addc(text(p)->out, '=');
}

static void text_elided(struct printer *p)
{
	separate(text(p));
	strbuf_add(text(p)->out, "...", 3);
}

static void text_struct_end(struct printer *p)
{
	strbuf_addc(text(p)->out, '}');
	text(p)->first = false;
}

static void text_array_begin(struct printer *p)
{
	strbuf_addc(text(p)->out, '[');
	text(p)->first = true;
}

static void text_element(struct printer *p)
{
	separate(text(p));
}

static void text_index(struct printer *p, const char *name, uint64_t i)
{
	strbuf_addc(text(p)->out, '[');
	if (name)
		strbuf_adds(text(p)->out, name);
	else
		strbuf_add_u64(text(p)->out, i);
	strbuf_add(text(p)->out, "]=", 2);
}

static void text_array_end(struct printer *p)
{
	strbuf_addc(text(p)->out, ']');
	text(p)->first = false;
}

static void text_item(struct printer *p)
{
	if (!text(p)->first)
		strbuf_addc(text(p)->out, ' ');
	text(p)->first = false;
}

static void text_remarks_begin(struct printer *p)
{
	strbuf_add(text(p)->out, " (", 2);
	text(p)->first = true;
}

static void text_remarks_end(struct printer *p)
{
	strbuf_addc(text(p)->out, ')');
}

static void text_verbatim(struct printer *p, const char *verbatim)
{
	strbuf_adds(text(p)->out, verbatim);
}

static void text_comment(struct printer *p, const char *comment)
{
	strbuf_add(text(p)->out, " /* ", 4);
	strbuf_adds(text(p)->out, comment);
	strbuf_add(text(p)->out, " */", 3);
}

bool format_date(char stamp[DATE_SIZE], int64_t sec, uint64_t nsec, unsigned digits)
{
	struct tm tm;
	char zone[8];
	char fraction[16] = "";
	time_t t = (time_t)sec;
	if (nsec > 999999999 || !localtime_r(&t, &tm))
		return false;
	size_t len = strftime(stamp, DATE_SIZE - sizeof(fraction) - sizeof(zone), "%Y-%m-%dT%H:%M:%S", &tm);
	if (!len || !strftime(zone, sizeof(zone), "%z", &tm))
		return false;
	if (nsec)
		(void)snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)nsec);
	if (nsec && digits < 9)
		fraction[1 + digits] = '\0';
	(void)snprintf(stamp + len, DATE_SIZE - len, "%s%s", fraction, zone);
	return true;
}

static void text_time(struct printer *p, int64_t sec, uint64_t nsec, unsigned digits)
{
	char stamp[DATE_SIZE];
	if ((sec || nsec) && format_date(stamp, sec, nsec, digits))
		text_comment(p, stamp);
}

static void text_date(struct printer *p, int64_t sec)
{
	char stamp[DATE_SIZE];
	if (format_date(stamp, sec, 0, 9))
		strbuf_adds(text(p)->out, stamp);
}

static void text_changed(struct printer *p)
{
	strbuf_add(text(p)->out, " => ", 4);
}

static const struct printer_ops text_ops = {
	.joins = true,
	.resume = text_resume,
	.param_begin = text_param_begin,
	.param_resume = text_param_resume,
	.param_end = text_param_end,
	.sint = text_sint,
	.uint = text_uint,
	.hex = text_hex,
	.octal = text_octal,
	.pointer = text_pointer,
	.symbol = text_symbol,
	.flags = text_flags,
	.signals = text_signals,
	.string = text_string,
	.hex_string = text_hex_string,
	.fd = text_fd,
	.struct_begin = text_struct_begin,
	.field = text_field,
	.elided = text_elided,
	.struct_end = text_struct_end,
	.array_begin = text_array_begin,
	.element = text_element,
	.index = text_index,
	.array_end = text_array_end,
	.list_begin = text_array_begin,
	.item = text_item,
	.list_end = text_array_end,
	.remarks_begin = text_remarks_begin,
	.remarks_end = text_remarks_end,
	.wrap = text_verbatim,
	.text = text_verbatim,
	.comment = text_comment,
	.time = text_time,
	.date = text_date,
	.changed = text_changed,
};

void text_printer_init(struct text_printer *p, struct strbuf *out, const struct decode_options *options)
{
	*p = (struct text_printer){.base.ops = &text_ops, .out = out, .options = options, .first = true};
}
