/*
 * The printer of JSON. Whatever a decoder tells it, what comes out is a valid object: a name without a value gets
 * null, a value that no name, element or parameter asked for is dropped with all that it holds.
 */
#include <string.h>

#include "syscalls/decode_priv.h"

#define EXACT_INTEGERS (INT64_C(1) << 53)	/* beyond it JSON readers that use doubles would lie */

static struct json_printer *json(struct printer *p)
{
	return (struct json_printer *)p;
}

/* Length of the valid UTF-8 sequence at s, or 0. Surrogates and overlong forms are not valid. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	static const unsigned char lowest[5] = {0, 0, 0x80, 0xa0, 0x90};
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
		: s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 || s[0] == 0xf0) && s[1] < lowest[n])
		return 0;
	if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void add_escape(struct strbuf *out, unsigned char c)
{
	static const char letters[] = "btn?fr";
	if (c == '"' || c == '\\') {
		char two[2] = {'\\', (char)c};
		strbuf_add(out, two, 2);
	} else if (c >= '\b' && c <= '\r' && c != '\v') {
		char two[2] = {'\\', letters[c - '\b']};
		strbuf_add(out, two, 2);
	} else {
		char six[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
		strbuf_add(out, six, 6);
	}
}

void json_add_string(struct strbuf *out, const void *bytes, size_t len)
{
	const unsigned char *s = bytes;
	size_t done = 0;	/* what is before it has been written */
	strbuf_addc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(s + i, len - i);
		if (n > 1 || (n == 1 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && s[i] != 0x7f)) {
			i += n;
			continue;
		}
		strbuf_add(out, s + done, i - done);
		add_escape(out, s[i]);
		done = ++i;
	}
	strbuf_add(out, s + done, len - done);
	strbuf_addc(out, '"');
}

/* Before each value. False: nobody asked for one, say nothing. */
static bool value(struct json_printer *j)
{
	if (j->skip || !j->pending)
		return false;
	j->pending = false;
	j->value_at = j->out->len;
	return true;
}

static void settle(struct json_printer *j)
{
	if (j->pending)
		strbuf_add(j->out, "null", 4);
	j->pending = false;
}

static void add_name(struct json_printer *j, const char *name, const char *suffix)
{
	strbuf_addc(j->out, '"');
	strbuf_adds(j->out, name);
	strbuf_adds(j->out, suffix);
	strbuf_add(j->out, "\":", 2);
}

static void json_resume(struct printer *p, unsigned done)
{
	json(p)->params = done;
	json(p)->open = json(p)->open || done > 0;
}

static void begin_param(struct json_printer *j, const char *name, const char *suffix)
{
	settle(j);
	j->skip = 0;
	if (!j->open)
		strbuf_adds(j->out, "\"args\":{");
	j->open = true;
	if (j->params++)
		strbuf_addc(j->out, ',');
	add_name(j, name, suffix);
	j->pending = true;
}

static void json_param_begin(struct printer *p, const char *name)
{
	begin_param(json(p), name, "");
}

/* Where the kernel changed nothing, no value comes, and the name goes again. */
static void json_param_resume(struct printer *p, const char *name)
{
	struct json_printer *j = json(p);
	size_t before = j->out->len;
	unsigned params = j->params;
	begin_param(j, name, "_out");
	j->resumed_at = before;
	j->resumed_params = params;
	j->resumed = true;
}

static void json_param_end(struct printer *p)
{
	struct json_printer *j = json(p);
	if (j->resumed && j->pending && !strbuf_error(j->out)) {
		j->out->len = j->resumed_at;
		j->out->data[j->out->len] = '\0';
		j->params = j->resumed_params;
		j->pending = false;
	}
	j->resumed = false;
	settle(j);
}

static void json_sint(struct printer *p, int64_t v)
{
	struct json_printer *j = json(p);
	if (!value(j))
		return;
	bool exact = v >= -EXACT_INTEGERS && v <= EXACT_INTEGERS;
	if (!exact)
		strbuf_addc(j->out, '"');
	strbuf_add_i64(j->out, v);
	if (!exact)
		strbuf_addc(j->out, '"');
}

static void json_uint(struct printer *p, uint64_t v)
{
	struct json_printer *j = json(p);
	if (!value(j))
		return;
	bool exact = v <= EXACT_INTEGERS;
	if (!exact)
		strbuf_addc(j->out, '"');
	strbuf_add_u64(j->out, v);
	if (!exact)
		strbuf_addc(j->out, '"');
}

static void add_hex(struct json_printer *j, uint64_t v)
{
	strbuf_addc(j->out, '"');
	strbuf_add_hex(j->out, v);
	strbuf_addc(j->out, '"');
}

static void json_hex(struct printer *p, uint64_t v)
{
	if (value(json(p)))
		add_hex(json(p), v);
}

static void json_pointer(struct printer *p, uint64_t addr)
{
	if (!value(json(p)))
		return;
	if (addr)
		add_hex(json(p), addr);
	else
		strbuf_add(json(p)->out, "null", 4);
}

static void json_symbol(struct printer *p, const char *name, uint64_t v UNUSED)
{
	if (value(json(p)))
		json_add_string(json(p)->out, name, strlen(name));
}

static void add_flag_array(struct json_printer *j, const struct flag_set *set, uint64_t v)
{
	bool any = false;
	strbuf_addc(j->out, '[');
	struct flag_walk w = flag_walk_begin(set, v);
	for (const char *name = flag_walk_next(&w); name; name = flag_walk_next(&w)) {
		if (any)
			strbuf_addc(j->out, ',');
		json_add_string(j->out, name, strlen(name));
		any = true;
	}
	if (w.rest) {
		if (any)
			strbuf_addc(j->out, ',');
		add_hex(j, w.rest);
	}
	strbuf_addc(j->out, ']');
}

static void json_flags(struct printer *p, const struct flag_set *set, uint64_t v)
{
	struct json_printer *j = json(p);
	if (!set->exclusive) {
		if (value(j))
			add_flag_array(j, set, v);
		return;
	}
	const char *name = flag_set_name_of(set, v);
	if (name)
		json_symbol(p, name, v);
	else
		json_uint(p, v);
}

/* {"except":[...]} where strace inverts: nearly all signals. */
static void json_signals(struct printer *p, uint64_t mask)
{
	struct json_printer *j = json(p);
	char buf[16];
	bool invert = __builtin_popcountll(mask) >= 64 * 2 / 3;
	if (!value(j))
		return;
	strbuf_adds(j->out, invert ? "{\"except\":[" : "[");
	bool any = false;
	for (uint64_t rest = invert ? ~mask : mask; rest; rest &= rest - 1) {
		const char *name = decode_signal_name(__builtin_ctzll(rest) + 1, buf);
		if (any)
			strbuf_addc(j->out, ',');
		json_add_string(j->out, name, strlen(name));
		any = true;
	}
	strbuf_adds(j->out, invert ? "]}" : "]");
}

static void json_string(struct printer *p, const void *bytes, size_t len, bool more, bool nul UNUSED)
{
	struct json_printer *j = json(p);
	if (!value(j))
		return;
	if (more)
		strbuf_adds(j->out, "{\"string\":");
	json_add_string(j->out, bytes, len);
	if (more)
		strbuf_adds(j->out, ",\"more\":true}");
}

static void json_hex_string(struct printer *p, const void *bytes, size_t len, bool more)
{
	json_string(p, bytes, len, more, false);
}

static void json_fd(struct printer *p, int fd, const char *name, const char *path, const char *socket)
{
	struct json_printer *j = json(p);
	if (!value(j))
		return;
	if (path || socket)
		strbuf_adds(j->out, "{\"fd\":");
	if (name)
		json_add_string(j->out, name, strlen(name));
	else
		strbuf_add_i64(j->out, fd);
	if (path) {
		strbuf_adds(j->out, ",\"path\":");
		json_add_string(j->out, path, strlen(path));
	}
	if (socket) {
		strbuf_adds(j->out, ",\"socket\":");
		json_add_string(j->out, socket, strlen(socket));
	}
	if (path || socket)
		strbuf_addc(j->out, '}');
}

static void begin(struct json_printer *j, bool array)
{
	if (j->skip || j->depth == JSON_DEPTH_MAX || !value(j)) {
		j->skip++;
		return;
	}
	strbuf_addc(j->out, array ? '[' : '{');
	j->counts[j->depth++] = 0;
}

static void end(struct json_printer *j, bool array)
{
	if (j->skip) {
		j->skip--;
		return;
	}
	if (j->depth == 0)
		return;
	settle(j);
	j->depth--;
	strbuf_addc(j->out, array ? ']' : '}');
}

/* Room for the next member or element of the innermost structure; its index, or -1: nothing is to be said. */
static int next_member(struct json_printer *j)
{
	if (j->skip || j->depth == 0)
		return -1;
	settle(j);
	int i = (int)j->counts[j->depth - 1]++;
	if (i)
		strbuf_addc(j->out, ',');
	return i;
}

static void json_struct_begin(struct printer *p)
{
	begin(json(p), false);
}

static void json_field(struct printer *p, const char *name)
{
	struct json_printer *j = json(p);
	int i = next_member(j);
	if (i < 0)
		return;
	if (j->arrays >> (j->depth - 1) & 1) {
		;	/* a remark */
	} else if (name) {
		add_name(j, name, "");
	} else {
		strbuf_addc(j->out, '"');
		strbuf_add_i64(j->out, i);
		strbuf_add(j->out, "\":", 2);
	}
	j->pending = true;
}

static void json_elided(struct printer *p)
{
	struct json_printer *j = json(p);
	if (next_member(j) >= 0)
		strbuf_adds(j->out, j->arrays >> (j->depth - 1) & 1 ? "null" : "\"...\":true");
}

static void json_struct_end(struct printer *p)
{
	end(json(p), false);
}

static void json_array_begin(struct printer *p)
{
	struct json_printer *j = json(p);
	begin(j, true);
	if (!j->skip)
		j->arrays |= UINT64_C(1) << (j->depth - 1);
}

static void json_element(struct printer *p)
{
	if (next_member(json(p)) >= 0)
		json(p)->pending = true;
}

static void json_index(struct printer *p UNUSED, const char *name UNUSED, uint64_t i UNUSED)
{
}

static void json_array_end(struct printer *p)
{
	struct json_printer *j = json(p);
	if (!j->skip && j->depth)
		j->arrays &= ~(UINT64_C(1) << (j->depth - 1));
	end(j, true);
}

/* Behind the value of a result, which stands in no structure. */
static void json_remarks_begin(struct printer *p)
{
	struct json_printer *j = json(p);
	settle(j);
	strbuf_adds(j->out, ",\"remarks\":");
	j->pending = true;
	json_array_begin(p);
}

static void json_drop(struct printer *p UNUSED, const char *text UNUSED)
{
}

static void json_text(struct printer *p, const char *verbatim)
{
	json_symbol(p, verbatim, 0);
}

static void json_time(struct printer *p UNUSED, int64_t sec UNUSED, uint64_t nsec UNUSED, unsigned digits UNUSED)
{
}

static void json_date(struct printer *p, int64_t sec)
{
	char stamp[DATE_SIZE];
	if (format_date(stamp, sec, 0, 9))
		json_symbol(p, stamp, 0);
}

static void json_changed(struct printer *p)
{
	struct json_printer *j = json(p);
	if (j->skip || j->pending || j->value_at > j->out->len || strbuf_error(j->out))
		return;
	j->out->len = j->value_at;	/* forget the value before; appending keeps the NUL right */
	j->pending = true;
}

static const struct printer_ops json_ops = {
	.resume = json_resume,
	.param_begin = json_param_begin,
	.param_resume = json_param_resume,
	.param_end = json_param_end,
	.sint = json_sint,
	.uint = json_uint,
	.hex = json_hex,
	.octal = json_uint,
	.pointer = json_pointer,
	.symbol = json_symbol,
	.flags = json_flags,
	.signals = json_signals,
	.string = json_string,
	.hex_string = json_hex_string,
	.fd = json_fd,
	.struct_begin = json_struct_begin,
	.field = json_field,
	.elided = json_elided,
	.struct_end = json_struct_end,
	.array_begin = json_array_begin,
	.element = json_element,
	.index = json_index,
	.array_end = json_array_end,
	.list_begin = json_array_begin,
	.item = json_element,
	.list_end = json_array_end,
	.remarks_begin = json_remarks_begin,
	.remarks_end = json_array_end,
	.wrap = json_drop,
	.text = json_text,
	.comment = json_drop,
	.time = json_time,
	.date = json_date,
	.changed = json_changed,
};

void json_printer_init(struct json_printer *p, struct strbuf *out, const struct decode_options *options)
{
	*p = (struct json_printer){.base.ops = &json_ops, .out = out, .options = options};
}

void json_printer_finish(struct json_printer *j)
{
	settle(j);
	if (!j->open)
		strbuf_adds(j->out, "\"args\":{");
	strbuf_addc(j->out, '}');
}
