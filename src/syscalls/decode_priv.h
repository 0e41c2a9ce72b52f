/*
 * What the parts of the decoder share. A type of types.tbl is a decode_type_NAME in one of the decode_*.c files; here
 * is what a type is given, and the helpers that types are written with.
 */
#ifndef TRAPLINE_SYSCALLS_DECODE_PRIV_H
#define TRAPLINE_SYSCALLS_DECODE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"
#include "syscalls/decode.h"
#include "syscalls/table.h"

#define LINK_KIND 8	/* kinds of links that are told apart are shorter */

/* One walk over one call. */
struct decoder {
	struct decode_call *call;		/* carry is written by decode_enter only */
	const struct call_desc *desc;		/* the ABI's row; NULL for a number that no table knows */
	const struct decode_result *result;	/* NULL at entry, and for a call that never returned */
	const struct decode_options *options;
	struct decode_source *src;
	struct printer *p;
	bool exiting;
	bool given;		/* the parameter at hand is the caller's alone, though the call has returned */
	bool quiet;		/* the null printer: nothing needs to be formatted */
	bool i386;		/* 32-bit structure layouts */
	uint64_t scratch;	/* what one parameter's type learnt for another's */
	uint8_t word;		/* bytes of a pointer or long of the guest: 4 or 8 */
	uint8_t depth;		/* of netlink attributes in attributes */
	uint8_t family;		/* of the addresses in them */
	char link_kind[LINK_KIND];	/* the link's whose attributes come: of an IFLA_INFO_KIND, cut */
	char slave_kind[LINK_KIND];
	uint8_t messages;	/* depth of netlink messages in messages */
	bool in_message;	/* a struct msghdr's vectors are shown: */
	int sockfd;		/* what they are sent through */
};

/* When a parameter is decoded, if that is not what its direction says. */
enum decode_timing {
	TIMING_DIRECTION,	/* IN: entry; OUT: exit; INOUT: at entry, and again at exit behind " => " */
	TIMING_ENTER,		/* wholly at entry, although the kernel writes it (the result shows what) */
	TIMING_EXIT,		/* wholly at exit, although the kernel reads it */
};

enum decode_needs {
	NEEDS_MEMORY = 1,	/* reads guest memory */
	NEEDS_FD = 2,		/* asks what a descriptor is, with -y */
	NEEDS_RESULT = 4,	/* as a result type: reads guest memory */
	NEEDS_PID = 8,		/* asks what a process id is, with -Y and --pidns-translation */
};

/* How parameters of a type are decoded. i: index of the parameter. */
struct decode_type {
	void (*decode)(struct decoder *d, unsigned i);
	/* True when the call has this parameter (open's mode without O_CREAT is not one). NULL: always. */
	bool (*present)(struct decoder *d, unsigned i);
	/* Whether the parameter is shown at exit, where its direction cannot tell because another argument decides. */
	bool (*waits)(struct decoder *d, unsigned i);
	/* With waits: whether it is shown at entry, too, as far as it is known then. */
	bool (*splits)(struct decoder *d, unsigned i);
	/* At entry, for a parameter decoded at exit: keep in d->call->carry what the kernel is about to change. */
	void (*remember)(struct decoder *d, unsigned i);
	/* As the type of a result: the whole value to the printer. Text only, behind "= ". */
	void (*show_result)(struct decoder *d, int64_t value);
	const void *data;	/* for the decode function: a layout, a set of flags */
	uint8_t needs;		/* enum decode_needs */
	uint8_t timing;		/* enum decode_timing */
};

/* A call that strace shows in a way of its own (clone). enter and exit as decode_enter and decode_exit. */
struct call_decoder {
	unsigned (*enter)(struct decoder *d);
	void (*exit)(struct decoder *d, unsigned first);
	bool enter_needs;	/* reads guest memory at entry, at exit */
	bool exit_needs;
};

/* decode_calls.c: the one of a call, or NULL. */
const struct call_decoder *call_decoder_of(enum call_id id);

/* ---- arguments ---- */

static inline unsigned link_index(struct decoder *d, unsigned i, unsigned which)
{
	return (unsigned)d->desc->params[i].link[which];
}

static inline bool has_link(struct decoder *d, unsigned i, unsigned which)
{
	return d->desc->params[i].link[which] >= 0;
}

/* The value of parameter i, extended as its type says. */
uint64_t decode_arg(struct decoder *d, unsigned i);

/* The value of the parameter that parameter i is linked to; 0 without a link. */
static inline uint64_t decode_link(struct decoder *d, unsigned i, unsigned which)
{
	return has_link(d, i, which) ? decode_arg(d, link_index(d, i, which)) : 0;
}

/* True when the parameter at hand was for the kernel to write, and the call failed. */
static inline bool decode_failed(struct decoder *d)
{
	return d->exiting && !d->given && (!d->result || d->result->is_error);
}

/* A pointer or long of the guest in a buffer that was read. */
uint64_t decode_word_at(const struct decoder *d, const void *buf);
uint64_t decode_uint_at(const void *buf, unsigned size);	/* 1, 2, 4 or 8 bytes; anything else is 0 */
int64_t decode_sint_at(const void *buf, unsigned size);

/* ---- guest memory ---- */

static inline bool decode_read(struct decoder *d, uint64_t addr, void *buf, size_t len)
{
	return !d->options->undecoded && d->src->ops->read(d->src, addr, buf, len) == 0;
}

/* Read; where nothing can be read (NULL, a bad pointer, a failed call) show the address and say false. */
bool decode_fetch(struct decoder *d, uint64_t addr, void *buf, size_t len);

/*
 * An array of words of unknown length is read in pieces that do not cross a page, so that its end next to an unmapped
 * page can be read.
 */
struct word_reader {
	struct decoder *d;
	uint64_t addr;		/* of the next piece */
	unsigned at;
	unsigned have;
	uint8_t buf[512];
};
void word_reader_init(struct word_reader *r, struct decoder *d, uint64_t addr);
bool word_reader_next(struct word_reader *r, uint64_t *ret_word);	/* false: cannot be read */

/* The elements of an array at once, or, where the memory ends before it does, one by one. How many could be read. */
uint64_t read_elements(struct decoder *d, uint64_t addr, uint64_t count, unsigned size, void *buf);
/* Behind the last element: what is left out of count, because it was not to be shown or could not be read. */
void show_array_rest(struct decoder *d, uint64_t addr, uint64_t readable, uint64_t shown, uint64_t count, unsigned size);

/* ---- showing values ---- */

static inline void show_sint(struct decoder *d, int64_t v) { d->p->ops->sint(d->p, v); }
static inline void show_uint(struct decoder *d, uint64_t v) { d->p->ops->uint(d->p, v); }
static inline void show_hex(struct decoder *d, uint64_t v) { d->p->ops->hex(d->p, v); }
static inline void show_octal(struct decoder *d, uint64_t v) { d->p->ops->octal(d->p, v); }
static inline void show_pointer(struct decoder *d, uint64_t addr) { d->p->ops->pointer(d->p, addr); }
static inline void show_symbol(struct decoder *d, const char *name, uint64_t v) { d->p->ops->symbol(d->p, name, v); }
static inline void show_flags(struct decoder *d, const struct flag_set *set, uint64_t v)
{
	d->p->ops->flags(d->p, set, v);
}
static inline void show_text(struct decoder *d, const char *verbatim) { d->p->ops->text(d->p, verbatim); }
static inline void show_comment(struct decoder *d, const char *text) { d->p->ops->comment(d->p, text); }
static inline void wrap(struct decoder *d, const char *verbatim) { d->p->ops->wrap(d->p, verbatim); }
static inline void struct_begin(struct decoder *d) { d->p->ops->struct_begin(d->p); }
static inline void struct_end(struct decoder *d) { d->p->ops->struct_end(d->p); }
static inline void array_begin(struct decoder *d) { d->p->ops->array_begin(d->p); }
static inline void array_end(struct decoder *d) { d->p->ops->array_end(d->p); }
static inline void element(struct decoder *d) { d->p->ops->element(d->p); }
static inline void elided(struct decoder *d) { d->p->ops->elided(d->p); }
/* The rest of an array or structure cannot be read: "..." and the address as a comment. */
void show_cut(struct decoder *d, uint64_t addr);
/*
 * The bytes from..size of a structure at addr that is larger than the one we know, as a last member: nothing if they
 * are zero, "???" if they cannot be read.
 */
void show_tail(struct decoder *d, uint64_t addr, uint64_t from, uint64_t size);
static inline void field(struct decoder *d, const char *name) { d->p->ops->field(d->p, name); }

static inline void field_sint(struct decoder *d, const char *name, int64_t v) { field(d, name); show_sint(d, v); }
static inline void field_uint(struct decoder *d, const char *name, uint64_t v) { field(d, name); show_uint(d, v); }
static inline void field_hex(struct decoder *d, const char *name, uint64_t v) { field(d, name); show_hex(d, v); }
static inline void field_pointer(struct decoder *d, const char *name, uint64_t v)
{
	field(d, name);
	show_pointer(d, v);
}
static inline void field_flags(struct decoder *d, const char *name, const struct flag_set *set, uint64_t v)
{
	field(d, name);
	show_flags(d, set, v);
}

static inline void show_bytes(struct decoder *d, const void *bytes, size_t len, bool more)
{
	d->p->ops->string(d->p, bytes, len, more, false);
}

/* Always as \x00: random bytes. */
static inline void show_hex_bytes(struct decoder *d, const void *bytes, size_t len, bool more)
{
	d->p->ops->hex_string(d->p, bytes, len, more);
}

/* A NUL-terminated string in a field of fixed size. */
void show_cstring(struct decoder *d, const char *s, size_t size);
/* Guest strings and bytes: the text, or the address where it cannot be read. */
void show_path_at(struct decoder *d, uint64_t addr);
void show_string_at(struct decoder *d, uint64_t addr);
/* Of a string that the kernel takes max bytes of, no more is read. */
void show_string_upto(struct decoder *d, uint64_t addr, size_t max);
void show_bytes_at(struct decoder *d, uint64_t addr, uint64_t len);
void show_fd(struct decoder *d, int fd);
void meet_fd(struct decoder *d, int fd);	/* a descriptor that -s leaves out, for who looks for paths */
void show_dirfd(struct decoder *d, int fd);
void show_mode(struct decoder *d, uint32_t mode);		/* S_IFREG|0644 */
void show_dev(struct decoder *d, uint64_t dev);			/* makedev(0x8, 0x1) */
void show_ifindex(struct decoder *d, uint32_t index);		/* if_nametoindex("lo") */
void show_uid(struct decoder *d, uint32_t id);			/* -1 for "no change" */
void show_pid(struct decoder *d, int pid);
static inline void field_pid(struct decoder *d, const char *name, int pid) { field(d, name); show_pid(d, pid); }
void show_signal(struct decoder *d, int sig);
static inline void show_sigset(struct decoder *d, uint64_t mask) { d->p->ops->signals(d->p, mask); }
void show_sigset_at(struct decoder *d, uint64_t addr, uint64_t size);
void show_sockaddr_at(struct decoder *d, uint64_t addr, uint64_t len);
void show_sockaddr(struct decoder *d, const void *buf, size_t len);
/* A length that the kernel wrote at addr, read once for the value and for itself: then in d->scratch's low half. */
bool socklen_after(struct decoder *d, uint64_t addr);
void show_timespec_at(struct decoder *d, uint64_t addr, bool time32);
void show_timeval_at(struct decoder *d, uint64_t addr, bool time32);
void show_wait_status(struct decoder *d, uint32_t status);
void show_cpu_set(struct decoder *d, uint64_t addr, uint64_t len);	/* [0 1] */
/* An array of iovec; bytes: how many of the data may be shown (a result), data: whether any is. */
void show_iov_at(struct decoder *d, uint64_t addr, uint64_t count, uint64_t bytes, bool data);
/* The control messages of a struct msghdr: decode_cmsg.c. */
void show_control_at(struct decoder *d, uint64_t addr, uint64_t len);
void show_siginfo(struct decoder *d, const void *info);
void show_handler(struct decoder *d, uint64_t handler);	/* SIG_DFL, an address */
void show_personality(struct decoder *d, uint32_t v);
void show_sched_policy(struct decoder *d, uint32_t v);
void show_ioprio(struct decoder *d, uint32_t v);
void show_bpf_program(struct decoder *d, uint64_t addr);
/* What PR_SET_TAGGED_ADDR_CTRL takes: flags, a mode and a mask of tags. */
void add_tagged_address(struct strbuf *out, uint64_t v);
/* PR_SVE_SET_VL, PR_SME_SET_VL: flags of the set above 16 bits, a length below. */
void add_vector_length(struct strbuf *out, const struct flag_set *set, uint64_t v);
/*
 * A value of an enumeration and behind it "|" flags, if any: SOCK_STREAM|SOCK_CLOEXEC, 0x1f|SHORT_INODE.
 * In JSON an array of all.
 */
void show_joined(struct decoder *d, const struct flag_set *first, uint64_t value, const struct flag_set *set,
		 uint64_t rest);
/* A constant whose number is written in hexadecimal with -X; show_symbol's is decimal. */
void show_hex_symbol(struct decoder *d, const char *name, uint64_t v);
/* Names of flags as -X verbose has them in a comment: "A|B|0x10". False: none of the bits has one. */
bool add_flag_names(struct strbuf *out, const struct flag_set *set, uint64_t v);
/* Bits that an enumeration numbers: 1<<_UFFDIO_COPY|1<<_UFFDIO_WAKE|0x120. */
void show_bits(struct decoder *d, const struct flag_set *set, uint64_t bits);
void show_ioctl_command(struct decoder *d, uint32_t cmd);
/* Bytes that a socket sends or received: messages, if it is netlink's. */
void show_socket_bytes_at(struct decoder *d, int fd, uint64_t addr, uint64_t len);

/* A printf into a small buffer, for text that JSON gets as a string; nothing happens for the null printer. */
void show_textf(struct decoder *d, const char *format, ...) PRINTF_LIKE(2, 3);
void show_commentf(struct decoder *d, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- structures by description ---- */

enum field_format {
	FIELD_SINT,
	FIELD_UINT,
	FIELD_HEX,
	FIELD_OCTAL,
	FIELD_POINTER,
	FIELD_FLAGS,	/* .arg: the set */
	FIELD_MODE,
	FIELD_DEV,
	FIELD_FD,
	FIELD_DIRFD,
	FIELD_UID,
	FIELD_SIGNAL,
	FIELD_CHARS,	/* a NUL-terminated string in place */
	FIELD_STRUCT,	/* .arg: a struct layout in place */
	FIELD_WORDS,	/* an array of unsigned longs in place, size bytes in all */
	FIELD_CUSTOM,	/* .arg: a field_fn */
	FIELD_CUT,	/* nothing more without -v: "..." */
	/* What the tables of layouts/ have besides; with .count an array of any of them. */
	FIELD_NOTHING,	/* no type is known */
	FIELD_NAMED,	/* .arg: the set; the value is signed */
	FIELD_BIG,	/* a number in network order */
	FIELD_BIG_FLAGS,	/* .arg: the set, of a number in network order */
	FIELD_HTONS,	/* htons(80) */
	FIELD_HTONL,
	FIELD_IN4,	/* inet_addr("127.0.0.1"): a member of that name */
	FIELD_IN6,	/* inet_pton(AF_INET6, "::1", &NAME), in the name's place */
	FIELD_INET4,	/* the same without a name */
	FIELD_INET6,	/* inet_pton(AF_INET6, "::1") */
	FIELD_IFINDEX,	/* if_nametoindex("lo") */
	FIELD_TIME,	/* seconds, with a date behind them */
	FIELD_ERRNO,	/* ECONNREFUSED; 0 */
	FIELD_STRING_AT,	/* the address of a string */
	FIELD_PATH_AT,	/* of a path */
	FIELD_BYTES,	/* "ab\0" */
	FIELD_HEX_BYTES,	/* "\x61" */
	FIELD_MAC,	/* 00:16:3e:12:34:56 */
	FIELD_STRING,	/* text up to a NUL or the end */
	FIELD_NEST,	/* .arg: a value_table; netlink attributes in an attribute */
	FIELD_NEST_LIST,	/* the same, each attribute of one type */
	FIELD_PID,
	FIELD_ATTR,	/* .arg: an attr_decoder; of variable length */
};

typedef void field_fn(struct decoder *d, const uint8_t *at, const uint8_t *whole);

struct field_desc {
	const char *name;
	const void *arg;
	uint16_t offset;
	uint16_t size;		/* of one element */
	uint16_t count;		/* of an array; 0: no array */
	uint8_t format;
	bool optional;		/* not shown if it is all zeroes */
	/* of bpf(2): where its group of members begins, that the caller's size must reach; 0: always */
	uint16_t from;
	field_fn *fn;
	uint32_t if_mask;	/* shown only if the structure's first 32-bit word has this bit; 0: always */
};

#define FIELD_COUNT_REST UINT16_MAX	/* .count: as many as there are */

struct layout {
	const struct field_desc *fields;
	uint16_t count;
	uint16_t size;		/* of the structure: at most LAYOUT_SIZE_MAX */
	/* bytes of a value that may end before members of newer kernels, or its padding; 0: .size */
	uint16_t least;
};
#define LAYOUT_SIZE_MAX 1024

/* What decode_type.data of decode_struct points to; i386 NULL: the address is shown there. */
struct layout_pair {
	const struct layout *native;
	const struct layout *i386;
};

void show_number(struct decoder *d, const struct field_desc *f, const uint8_t *at);
void show_struct(struct decoder *d, const struct layout *layout, const uint8_t *buf);
void show_member(struct decoder *d, const struct field_desc *f, const uint8_t *buf);	/* one, of a structure in buf */
/* The same of a structure of which only len bytes are there: what is cut through is shown as bytes, the rest not. */
void show_struct_part(struct decoder *d, const struct layout *layout, const uint8_t *buf, size_t len);
void show_struct_at(struct decoder *d, const struct layout_pair *pair, uint64_t addr);
void decode_struct(struct decoder *d, unsigned i);		/* .data: struct layout_pair */

#define FIELD(type, member, form) \
	{.name = #member, .offset = offsetof(type, member), .size = sizeof(((type *)0)->member), .format = (form)}
#define FIELD_SET(type, member, set) \
	{.name = #member, .offset = offsetof(type, member), .size = sizeof(((type *)0)->member), \
	 .format = FIELD_FLAGS, .arg = &(set)}
#define FIELD_IN(type, member, layout_) \
	{.name = #member, .offset = offsetof(type, member), .size = sizeof(((type *)0)->member), \
	 .format = FIELD_STRUCT, .arg = &(layout_)}
#define FIELD_FN(type, member, fn_) \
	{.name = #member, .offset = offsetof(type, member), .size = sizeof(((type *)0)->member), \
	 .format = FIELD_CUSTOM, .fn = (fn_)}
#define FIELD_CUT_HERE {.format = FIELD_CUT}
#define LAYOUT(type, fields_) {.fields = (fields_), .count = ARRAY_SIZE(fields_), .size = sizeof(type)}

/* "2026-11-22T10:37:25.000000001+0000", at most so many digits; false where the time cannot be told. */
#define DATE_SIZE 64
bool format_date(char stamp[DATE_SIZE], int64_t sec, uint64_t nsec, unsigned digits);

/* ---- names ---- */

struct flag_walk {
	const struct flag_set *set;
	uint64_t value;
	uint64_t rest;		/* bits not yet named */
	size_t at;
};

struct flag_walk flag_walk_begin(const struct flag_set *set, uint64_t v);
const char *flag_walk_next(struct flag_walk *w);	/* NULL: no more; rest holds what has no name */
const char *flag_set_name_of(const struct flag_set *set, uint64_t v);	/* of an enumeration; NULL */

#endif
