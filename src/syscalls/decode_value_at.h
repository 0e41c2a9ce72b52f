/*
 * Values by description: what the tables of layouts/ become, and the functions that show such values. One description
 * serves members of structures, what an ioctl's argument points to, netlink attributes, socket options and control
 * messages.
 */
#ifndef TRAPLINE_SYSCALLS_DECODE_VALUE_AT_H
#define TRAPLINE_SYSCALLS_DECODE_VALUE_AT_H

#include "syscalls/decode_priv.h"

/* A value that a constant tells the type of: a netlink attribute, a socket option, a control message. */
struct value_row {
	uint32_t key;
	struct field_desc value;
};

struct value_table {
	const struct flag_set *names;	/* of the keys */
	const struct value_row *rows;	/* by key */
	uint16_t count;
	struct field_desc other;	/* the type of what has no row; format FIELD_NOTHING: bytes */
};

/* The type of a key, or NULL: nothing is known. */
const struct field_desc *value_table_find(const struct value_table *table, uint32_t key);

enum ioctl_direction {
	IOCTL_NONE,	/* no argument */
	IOCTL_VALUE,	/* the argument is the value */
	IOCTL_IN,	/* points to a value that the kernel reads */
	IOCTL_OUT,	/* ... writes */
	IOCTL_INOUT,	/* both: shown at entry, and behind "=>" at exit */
	IOCTL_BOTH,	/* both: its attr_fn is called twice, and knows itself what is worth showing */
	IOCTL_LATE,	/* both, but nothing of what it reads is overwritten: all is shown at exit */
};

struct ioctl_row {
	uint32_t request;
	uint8_t direction;		/* enum ioctl_direction */
	struct field_desc type;
	const struct field_desc *i386;	/* where it is another one there */
	/* IOCTL_LATE: what is shown if the call failed; IOCTL_INOUT: at exit, if it is another */
	const struct field_desc *other;
};

extern const struct ioctl_row ioctl_rows[];	/* by request */
extern const size_t ioctl_rows_count;

/* What bpf(2) takes; inner: the member of the union that holds it, NULL: it lies in the union itself. */
struct bpf_row {
	uint32_t command;
	const char *inner;
	const struct layout *layout;
};

extern const struct bpf_row bpf_rows[];
extern const size_t bpf_rows_count;

/* A function that shows a value of variable length, at addr in the guest. arg: what its table says. */
typedef void attr_fn(struct decoder *d, uint64_t addr, size_t len);

struct attr_decoder {
	attr_fn *fn;
};

/* A value in a buffer that was read; whole: the structure it is a member of (for FIELD_CUSTOM). */
void show_value(struct decoder *d, const struct field_desc *f, const uint8_t *at, const uint8_t *whole);

/* An array of count elements of size bytes at addr; the address alone where none can be read. */
typedef void element_fn(struct decoder *d, const uint8_t *at);
void show_elements_at(struct decoder *d, uint64_t addr, uint64_t count, unsigned size, element_fn *show);

/* A field of size bytes that should hold a NUL: without one the last byte is not shown. */
void show_chars(struct decoder *d, const uint8_t *at, size_t size);

/*
 * Around the form that a value in network order has, htons(80): -X verbose has its bytes before it, and the form as a
 * comment. False: -X raw, the bytes are all.
 */
bool net_order_begin(struct decoder *d, const uint8_t *at, size_t len);
void net_order_end(struct decoder *d);

/* The bytes that a value of this type needs at least; arrays of variable length: one element. */
size_t value_size(const struct field_desc *f);

/*
 * A value of len bytes in guest memory, as the body of an attribute or option: bytes where it is too short for its
 * type (f NULL: always), the address where it cannot be read. Numbers stand alone or, with brackets, in them.
 */
void show_value_at(struct decoder *d, const struct field_desc *f, uint64_t addr, size_t len, bool brackets);

/* Bytes of variable length that no table knows, all in hexadecimal: at most -s of them. */
void show_hex_at(struct decoder *d, uint64_t addr, size_t len);

/* A list of netlink attributes: one stands alone, more in brackets. Nested no deeper than ATTRS_DEPTH_MAX. */
#define ATTRS_DEPTH_MAX 8
void show_attrs_at(struct decoder *d, const struct value_table *table, uint64_t addr, size_t len);
/* The same, where every attribute has the same type and its number is an index. */
void show_attr_list_at(struct decoder *d, const struct value_table *table, uint64_t addr, size_t len);

#endif
