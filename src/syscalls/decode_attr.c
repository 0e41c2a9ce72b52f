/* Netlink attributes: a header, and a value that the header's type tells; nested where the type says so. */
#include "syscalls/decode_value_at.h"

#include <linux/netlink.h>

#include "syscalls/flag_sets.h"

#define ATTR_HEAD 4
#define ATTR_TYPE_MASK 0x3fffu	/* NLA_TYPE_MASK */

static size_t aligned(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void show_attr_type(struct decoder *d, const struct flag_set *names, uint16_t type)
{
	uint16_t plain = type & ATTR_TYPE_MASK;
	uint16_t flags = type & (uint16_t)~ATTR_TYPE_MASK;
	field(d, "nla_type");
	if (!flags) {
		if (names)
			show_flags(d, names, plain);
		else
			show_hex(d, plain);
		return;
	}
	show_flags(d, &flag_set_attr_flags, flags);
	wrap(d, "|");
	if (names)
		show_flags(d, names, plain);
	else
		show_hex(d, plain);
}

/* One attribute of which at most room bytes are there. An index: its type is a number (names NULL). */
static void show_attr(struct decoder *d, const struct nlattr *head, uint64_t addr, size_t room,
		      const struct flag_set *names, const struct field_desc *type)
{
	size_t len = head->nla_len < room ? head->nla_len : room;
	bool body = len > ATTR_HEAD;
	if (body)
		array_begin(d);
	if (body)
		element(d);
	struct_begin(d);
	field_uint(d, "nla_len", head->nla_len);
	show_attr_type(d, names, head->nla_type);
	struct_end(d);
	if (!body)
		return;
	element(d);
	show_value_at(d, type, addr + ATTR_HEAD, len - ATTR_HEAD, false);
	array_end(d);
}

struct attr_walk {
	const struct flag_set *names;
	const struct value_table *table;	/* types by number; NULL: .type for all */
	const struct field_desc *type;
};

static void show_one(struct decoder *d, const struct attr_walk *w, const struct nlattr *head, uint64_t addr, size_t room)
{
	const struct field_desc *type = w->type;
	if (w->table)
		type = value_table_find(w->table, head->nla_type & ATTR_TYPE_MASK);
	show_attr(d, head, addr, room, w->names, type);
}

/* True when another attribute stands behind this one. */
static bool goes_on(const struct nlattr *head, size_t len)
{
	return head->nla_len >= ATTR_HEAD && aligned(head->nla_len) < len;
}

static void show_more(struct decoder *d, uint64_t addr)
{
	wrap(d, "... /* ");
	show_pointer(d, addr);
	wrap(d, " */");
}

static void walk_attrs(struct decoder *d, const struct attr_walk *w, uint64_t addr, size_t len)
{
	struct nlattr head;
	if (len < ATTR_HEAD) {
		show_hex_at(d, addr, len);
		return;
	}
	if (!decode_read(d, addr, &head, sizeof(head))) {
		show_pointer(d, addr);
		return;
	}
	if (!goes_on(&head, len)) {
		show_one(d, w, &head, addr, len);
		return;
	}
	array_begin(d);
	for (unsigned n = 0;; n++) {
		if (n == d->options->string_limit && !d->options->verbose) {
			elided(d);
			break;
		}
		element(d);
		show_one(d, w, &head, addr, len);
		if (!goes_on(&head, len))
			break;
		size_t step = aligned(head.nla_len);
		addr += step;
		len -= step;
		if (len < ATTR_HEAD) {
			element(d);
			show_hex_at(d, addr, len);
			break;
		}
		if (!decode_read(d, addr, &head, sizeof(head))) {
			element(d);
			show_more(d, addr);
			break;
		}
	}
	array_end(d);
}

static void descend(struct decoder *d, const struct attr_walk *w, uint64_t addr, size_t len)
{
	if (d->depth == ATTRS_DEPTH_MAX) {
		show_hex_at(d, addr, len);
		return;
	}
	d->depth++;
	walk_attrs(d, w, addr, len);
	d->depth--;
}

void show_attrs_at(struct decoder *d, const struct value_table *table, uint64_t addr, size_t len)
{
	descend(d, &(struct attr_walk){.names = table->names, .table = table}, addr, len);
}

void show_attr_list_at(struct decoder *d, const struct value_table *table, uint64_t addr, size_t len)
{
	const struct field_desc nest = {.format = FIELD_NEST, .arg = table};
	descend(d, &(struct attr_walk){.type = &nest}, addr, len);
}
