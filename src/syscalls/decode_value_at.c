/* Values by description, beyond the plain ones of decode_layout.c; and values of variable length in guest memory. */
#include "syscalls/decode_value_at.h"

#include <arpa/inet.h>
#include <string.h>

#include "syscalls/decode_layouts.h"

#define VALUE_MAX 1024	/* bytes of one value that are read */

const struct field_desc *value_table_find(const struct value_table *table, uint32_t key)
{
	size_t low = 0;
	size_t high = table->count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (table->rows[mid].key == key)
			return &table->rows[mid].value;
		if (table->rows[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return table->other.format != FIELD_NOTHING ? &table->other : NULL;
}

size_t value_size(const struct field_desc *f)
{
	if (f->count && f->count != FIELD_COUNT_REST)
		return (size_t)f->size * f->count;
	if (f->format == FIELD_STRUCT)
		return ((const struct layout *)f->arg)->size;
	return f->size;
}

/* ---- forms of bytes ---- */

static uint64_t big_endian(const uint8_t *at, unsigned size)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < size; i++)
		v = v << 8 | at[i];
	return v;
}

bool net_order_begin(struct decoder *d, const uint8_t *at, size_t len)
{
	if (d->options->consts == CONST_ABBREV)
		return true;
	show_hex_bytes(d, at, len, false);
	if (d->options->consts == CONST_RAW)
		return false;
	wrap(d, " /* ");
	return true;
}

void net_order_end(struct decoder *d)
{
	wrap(d, d->options->consts == CONST_VERBOSE ? " */" : "");
}

static void show_around(struct decoder *d, const char *before, const uint8_t *at, unsigned size)
{
	if (!net_order_begin(d, at, size))
		return;
	wrap(d, before);
	show_uint(d, big_endian(at, size));
	wrap(d, ")");
	net_order_end(d);
}

static void show_inet(struct decoder *d, int family, const uint8_t *at, const char *before, const char *after)
{
	char text[INET6_ADDRSTRLEN];
	if (d->quiet || !inet_ntop(family, at, text, sizeof(text)))
		return;
	if (!net_order_begin(d, at, family == AF_INET ? 4 : 16))
		return;
	wrap(d, before);
	show_bytes(d, text, strlen(text), false);
	wrap(d, after);
	net_order_end(d);
}

static void show_in6_member(struct decoder *d, const struct field_desc *f, const uint8_t *at)
{
	char after[64];
	if (d->options->consts == CONST_ABBREV)
		(void)snprintf(after, sizeof(after), ", &%s)", f->name ? f->name : "");
	else
		(void)snprintf(after, sizeof(after), ")");
	show_inet(d, AF_INET6, at, "inet_pton(AF_INET6, ", after);
}

static void show_mac(struct decoder *d, const uint8_t *at, size_t len)
{
	char text[3 * 32 + 1];
	size_t used = 0;
	size_t n = len < 32 ? len : 32;
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, i ? ":%02x" : "%02x", at[i]);
	text[used] = '\0';
	if (d->quiet || (len && !net_order_begin(d, at, len)))
		return;
	show_text(d, text);
	if (len)
		net_order_end(d);
}

/* A field of N bytes that should hold a NUL: without one the last byte is not shown. */
void show_chars(struct decoder *d, const uint8_t *at, size_t size)
{
	size_t len = strnlen((const char *)at, size);
	bool more = len == size && size;
	d->p->ops->string(d->p, at, more ? size - 1 : len, more, true);
}

static void show_seconds(struct decoder *d, int64_t v)
{
	show_sint(d, v);
	d->p->ops->time(d->p, v, 0, 0);
}

/* A signed number of which some have names. */
static void show_named(struct decoder *d, const struct flag_set *set, int64_t v)
{
	const char *name = flag_set_name_of(set, (uint64_t)v);
	if (name) {
		show_symbol(d, name, (uint64_t)v);
		return;
	}
	show_sint(d, v);
	if (set->unknown && *set->unknown && d->options->consts != CONST_RAW)
		show_comment(d, set->unknown);
}

static void show_errno(struct decoder *d, int value)
{
	const char *name = value > 0 ? strerrorname_np(value) : NULL;
	if (name)
		show_symbol(d, name, (uint64_t)value);
	else
		show_sint(d, value);
}

/* As calls return it: -ENOENT. */
void show_negative_errno(struct decoder *d, const uint8_t *at, UNUSED const uint8_t *whole)
{
	int value = (int)decode_sint_at(at, 4);
	const char *name = value < 0 && value > -4096 ? strerrorname_np(-value) : NULL;
	char text[32];
	(void)snprintf(text, sizeof(text), "-%s", name ? name : "");
	if (name)
		show_symbol(d, text, (uint64_t)(int64_t)value);
	else
		show_sint(d, value);
}

/* ---- one value, an array ---- */

static bool show_special(struct decoder *d, const struct field_desc *f, const uint8_t *at)
{
	switch ((enum field_format)f->format) {
	case FIELD_NAMED: show_named(d, f->arg, decode_sint_at(at, f->size)); return true;
	case FIELD_BIG: show_uint(d, big_endian(at, f->size)); return true;
	case FIELD_BIG_FLAGS: show_flags(d, f->arg, big_endian(at, f->size)); return true;
	case FIELD_HTONS: show_around(d, "htons(", at, 2); return true;
	case FIELD_HTONL: show_around(d, "htonl(", at, 4); return true;
	case FIELD_IN4:
	case FIELD_INET4: show_inet(d, AF_INET, at, "inet_addr(", ")"); return true;
	case FIELD_IN6: show_in6_member(d, f, at); return true;
	case FIELD_INET6: show_inet(d, AF_INET6, at, "inet_pton(AF_INET6, ", ")"); return true;
	case FIELD_IFINDEX: show_ifindex(d, (uint32_t)decode_uint_at(at, 4)); return true;
	case FIELD_TIME: show_seconds(d, decode_sint_at(at, f->size)); return true;
	case FIELD_PID: show_pid(d, (int)decode_sint_at(at, 4)); return true;
	case FIELD_ERRNO: show_errno(d, (int)decode_sint_at(at, 4)); return true;
	case FIELD_STRING_AT: show_string_at(d, decode_uint_at(at, f->size)); return true;
	case FIELD_PATH_AT: show_path_at(d, decode_uint_at(at, f->size)); return true;
	default: return false;
	}
}

static void show_array(struct decoder *d, const struct field_desc *f, const uint8_t *at, const uint8_t *whole)
{
	struct field_desc one = *f;
	one.count = 0;
	array_begin(d);
	for (unsigned i = 0; i < f->count; i++) {
		if (i >= d->options->string_limit && !d->options->verbose) {
			elided(d);
			break;
		}
		element(d);
		show_value(d, &one, at + (size_t)i * f->size, whole);
	}
	array_end(d);
}

void show_value(struct decoder *d, const struct field_desc *f, const uint8_t *at, const uint8_t *whole)
{
	if (f->count) {
		show_array(d, f, at, whole);
		return;
	}
	switch ((enum field_format)f->format) {
	case FIELD_CHARS:
		show_chars(d, at, f->size);
		return;
	case FIELD_BYTES:
		show_bytes(d, at, f->size, false);
		return;
	case FIELD_STRING:
		d->p->ops->string(d->p, at, strnlen((const char *)at, f->size), false, false);
		return;
	case FIELD_HEX_BYTES:
		show_hex_bytes(d, at, f->size, false);
		return;
	case FIELD_MAC:
		show_mac(d, at, f->size);
		return;
	case FIELD_STRUCT:
		show_struct(d, f->arg, at);
		return;
	case FIELD_CUSTOM:
		f->fn(d, at, whole);
		return;
	default:
		if (!show_special(d, f, at))
			show_number(d, f, at);
		return;
	}
}

/* ---- values of variable length in the guest ---- */

void show_hex_at(struct decoder *d, uint64_t addr, size_t len)
{
	uint8_t buf[VALUE_MAX];
	size_t limit = d->options->string_limit;
	size_t shown = len < limit ? len : limit;
	if (shown > sizeof(buf))
		shown = sizeof(buf);
	if (shown && !decode_read(d, addr, buf, shown))
		show_pointer(d, addr);
	else
		show_hex_bytes(d, buf, shown, shown < len);
}

/* Text of len bytes with a NUL that may be missing. */
static void show_text_at(struct decoder *d, uint64_t addr, size_t len)
{
	char buf[VALUE_MAX];
	size_t n = len < sizeof(buf) ? len : sizeof(buf);
	if (!decode_read(d, addr, buf, n)) {
		show_pointer(d, addr);
		return;
	}
	size_t end = strnlen(buf, n);
	size_t limit = d->options->string_limit;
	if (end <= limit)
		d->p->ops->string(d->p, buf, end, end == n, true);
	else
		d->p->ops->string(d->p, buf, limit, true, true);
}

static void show_rest_array(struct decoder *d, const struct field_desc *f, uint64_t addr, size_t len)
{
	uint8_t buf[VALUE_MAX];
	struct field_desc one = *f;
	one.count = 0;
	size_t size = value_size(&one);
	size_t limit = d->options->verbose ? len / size : d->options->string_limit;
	array_begin(d);
	for (size_t i = 0; i < len / size; i++) {
		if (i >= limit) {
			elided(d);
			break;
		}
		element(d);
		uint64_t at = addr + i * size;
		if (!decode_read(d, at, buf, size)) {
			wrap(d, "... /* ");
			show_pointer(d, at);
			wrap(d, " */");
			break;
		}
		show_value(d, &one, buf, buf);
	}
	array_end(d);
}

static bool stands_in_brackets(const struct field_desc *f)
{
	return !f->count && f->format != FIELD_STRUCT && f->format != FIELD_CHARS && f->format != FIELD_BYTES &&
		f->format != FIELD_CUSTOM;
}

static void show_fixed_at(struct decoder *d, const struct field_desc *f, uint64_t addr, size_t size, bool brackets)
{
	uint8_t buf[VALUE_MAX];
	if (!decode_read(d, addr, buf, size)) {
		show_pointer(d, addr);
		return;
	}
	brackets = brackets && stands_in_brackets(f);
	wrap(d, brackets ? "[" : "");
	show_value(d, f, buf, buf);
	wrap(d, brackets ? "]" : "");
}

/* Types without a size of their own take all that there is. */
static bool show_variable_at(struct decoder *d, const struct field_desc *f, uint64_t addr, size_t len)
{
	struct field_desc sized = *f;
	switch ((enum field_format)f->format) {
	case FIELD_NEST:
		show_attrs_at(d, f->arg, addr, len);
		return true;
	case FIELD_NEST_LIST:
		show_attr_list_at(d, f->arg, addr, len);
		return true;
	case FIELD_ATTR:
		((const struct attr_decoder *)f->arg)->fn(d, addr, len);
		return true;
	case FIELD_STRING:
		show_text_at(d, addr, len);
		return true;
	case FIELD_BYTES:
		show_bytes_at(d, addr, len);
		return true;
	case FIELD_MAC:
		sized.size = (uint16_t)(len < VALUE_MAX ? len : VALUE_MAX);
		if (f->size || !len)
			return false;
		show_fixed_at(d, &sized, addr, sized.size, false);
		return true;
	default:
		return false;
	}
}

/* A structure of an older kernel, or without its padding. False: it is all there, or too short. */
static bool show_short_struct_at(struct decoder *d, const struct field_desc *f, uint64_t addr, size_t len, size_t size)
{
	uint8_t buf[VALUE_MAX];
	const struct layout *layout = f->arg;
	if (f->format != FIELD_STRUCT || f->count || !layout->least || len >= size || len < layout->least || len > VALUE_MAX)
		return false;
	if (decode_read(d, addr, buf, len))
		show_struct_part(d, layout, buf, len);
	else
		show_pointer(d, addr);
	return true;
}

void show_value_at(struct decoder *d, const struct field_desc *f, uint64_t addr, size_t len, bool brackets)
{
	if (f && show_variable_at(d, f, addr, len))
		return;
	size_t size = f ? value_size(f) : 0;
	if (f && show_short_struct_at(d, f, addr, len, size))
		return;
	if (!size || size > VALUE_MAX || len < size)
		show_hex_at(d, addr, len);
	else if (f->count == FIELD_COUNT_REST)
		show_rest_array(d, f, addr, len);
	else
		show_fixed_at(d, f, addr, size, brackets);
}

#define ELEMENTS_BYTES 4096

void show_elements_at(struct decoder *d, uint64_t addr, uint64_t count, unsigned size, element_fn *show)
{
	uint8_t buf[ELEMENTS_BYTES];
	uint64_t limit = d->options->verbose ? count : d->options->string_limit;
	uint64_t shown = count < limit ? count : limit;
	if (shown > sizeof(buf) / size)
		shown = sizeof(buf) / size;
	uint64_t readable = addr && shown ? read_elements(d, addr, shown, size, buf) : 0;
	if (!addr || (shown && !readable)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < readable; n++) {
		element(d);
		show(d, buf + n * size);
	}
	show_array_rest(d, addr, readable, shown, count, size);
	array_end(d);
}
