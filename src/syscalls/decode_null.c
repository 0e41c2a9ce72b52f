/* The printer that prints nothing: what the trap loop's recording walk tells what it sees. */
#include "syscalls/decode_priv.h"

static void none(struct printer *p UNUSED) {}
static void none_name(struct printer *p UNUSED, const char *name UNUSED) {}
static void none_done(struct printer *p UNUSED, unsigned done UNUSED) {}
static void none_sint(struct printer *p UNUSED, int64_t v UNUSED) {}
static void none_uint(struct printer *p UNUSED, uint64_t v UNUSED) {}
static void none_symbol(struct printer *p UNUSED, const char *name UNUSED, uint64_t v UNUSED) {}
static void none_flags(struct printer *p UNUSED, const struct flag_set *set UNUSED, uint64_t v UNUSED) {}
static void none_time(struct printer *p UNUSED, int64_t sec UNUSED, uint64_t nsec UNUSED, unsigned digits UNUSED) {}
static void none_string(struct printer *p UNUSED, const void *bytes UNUSED, size_t len UNUSED, bool more UNUSED,
			bool nul UNUSED) {}
static void none_bytes(struct printer *p UNUSED, const void *bytes UNUSED, size_t len UNUSED, bool more UNUSED) {}
static void none_fd(struct printer *p UNUSED, int fd UNUSED, const char *name UNUSED, const char *path UNUSED,
		    const char *socket UNUSED) {}

static const struct printer_ops null_ops = {
	.resume = none_done,
	.param_begin = none_name,
	.param_resume = none_name,
	.param_end = none,
	.sint = none_sint,
	.uint = none_uint,
	.hex = none_uint,
	.octal = none_uint,
	.pointer = none_uint,
	.symbol = none_symbol,
	.flags = none_flags,
	.signals = none_uint,
	.string = none_string,
	.hex_string = none_bytes,
	.fd = none_fd,
	.struct_begin = none,
	.field = none_name,
	.elided = none,
	.struct_end = none,
	.array_begin = none,
	.element = none,
	.index = none_symbol,
	.array_end = none,
	.list_begin = none,
	.item = none,
	.list_end = none,
	.remarks_begin = none,
	.remarks_end = none,
	.wrap = none_name,
	.text = none_name,
	.comment = none_name,
	.time = none_time,
	.date = none_sint,
	.changed = none,
};

struct printer *null_printer(void)
{
	/* Stateless: nothing ever writes through the pointer. */
	static const struct printer null = {.ops = &null_ops};
	return (struct printer *)(uintptr_t)&null;
}
