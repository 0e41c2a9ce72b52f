/* Values in the attributes of rtnetlink and sock_diag messages that no table can describe. */
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

static uint16_t big16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* ---- numbers with a form of their own ---- */

void show_stats_filter(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	uint64_t v = decode_uint_at(at, 4);
	show_bits(d, &flag_set_stats_attrs, v);
	if (v && d->options->consts != CONST_RAW && !(v & ((UINT64_C(1) << flag_set_stats_attrs.count) - 1)))
		show_comment(d, "1<<IFLA_STATS_???");
}

void show_htobe64(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	wrap(d, "htobe64(");
	show_uint(d, __builtin_bswap64(decode_uint_at(at, 8)));
	wrap(d, ")");
}

void show_ethernet_protocol(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	wrap(d, "htons(");
	show_flags(d, &flag_set_ethernet_protocols, big16(at));
	wrap(d, ")");
}

void show_htons_family(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	wrap(d, "htons(");
	show_flags(d, &flag_set_address_families, big16(at));
	wrap(d, ")");
}

/* Ticks of 10 ms in as many bytes as there are. */
void show_bridge_ticks(struct decoder *d, uint64_t addr, size_t len)
{
	uint8_t buf[8] = {0};
	if (!len || len > sizeof(buf)) {
		show_hex_at(d, addr, len);
	} else if (!decode_read(d, addr, buf, len)) {
		show_pointer(d, addr);
	} else {
		uint64_t v = decode_uint_at(buf, 8);
		show_uint(d, v);
		if (v && d->options->consts != CONST_RAW)
			show_commentf(d, "%llu.%02llu s", (unsigned long long)v / 100, (unsigned long long)v % 100);
	}
}

void show_centiseconds(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	uint32_t v = (uint32_t)decode_uint_at(at, 4);
	show_uint(d, v);
	show_commentf(d, "%u.%02u s", v / 100, v % 100);
}

/* The second half of a unix_diag_vfs, which is shown first. */
void show_vfs_dev(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_dev(d, decode_uint_at(at + 4, 4));
}

/* ---- bridges ---- */

/* struct br_mdb_entry's address: an IP address if the protocol says so. */
void show_mdb_address(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	static const struct field_desc inet = {.format = FIELD_INET4, .size = 4};
	static const struct field_desc inet6 = {.name = "ip6", .format = FIELD_INET6, .size = 16};
	uint16_t protocol = big16(at + 16);
	struct_begin(d);
	if (protocol == ETH_P_IP) {
		field(d, "u");
		show_value(d, &inet, at, at);
	} else if (protocol == ETH_P_IPV6) {
		field(d, "u");
		show_value(d, &inet6, at, at);
	} else {
		field(d, "u");
		show_hex_bytes(d, at, 16, false);
	}
	field(d, "proto");
	if (protocol == ETH_P_IP || protocol == ETH_P_IPV6)
		show_ethernet_protocol(d, at + 16, at);
	else
		show_htons_family(d, at + 16, at);
	struct_end(d);
}

/* Attributes behind a value of an attribute. */
static void show_more_attrs(struct decoder *d, const struct value_table *table, uint64_t addr, size_t size, size_t len)
{
	if (len <= size)
		return;
	element(d);
	show_attrs_at(d, table, addr + size, len - size);
}

void show_mdb_entry(struct decoder *d, uint64_t addr, size_t len)
{
	uint8_t buf[64];
	size_t size = layout_br_mdb_entry.size;
	if (len < size) {
		show_hex_at(d, addr, len);
	} else if (!decode_read(d, addr, buf, size)) {
		show_pointer(d, addr);
	} else {
		show_struct(d, &layout_br_mdb_entry, buf);
		show_more_attrs(d, &attrs_mdba_entry_more, addr, size, len);
	}
}

void show_router_port(struct decoder *d, uint64_t addr, size_t len)
{
	uint32_t index;
	if (len < sizeof(index)) {
		show_hex_at(d, addr, len);
	} else if (!decode_read(d, addr, &index, sizeof(index))) {
		show_pointer(d, addr);
	} else {
		show_ifindex(d, index);
		show_more_attrs(d, &attrs_mdba_port, addr, sizeof(index), len);
	}
}

/* ---- links, traffic control ---- */

void show_protinfo(struct decoder *d, uint64_t addr, size_t len)
{
	if (d->family == AF_BRIDGE)
		show_attrs_at(d, &attrs_brport, addr, len);
	else if (d->family == AF_INET6)
		show_attrs_at(d, &attrs_ifla_inet6, addr, len);
	else
		show_hex_at(d, addr, len);
}

/* Text with a NUL behind it, and whatever is before that. */
void show_whole_name(struct decoder *d, uint64_t addr, size_t len)
{
	char buf[1024];
	size_t n = len < sizeof(buf) ? len : sizeof(buf);
	if (!n || !decode_read(d, addr, buf, n)) {
		show_pointer(d, addr);
		return;
	}
	bool ended = n == len && !buf[n - 1];
	size_t whole = ended ? n - 1 : n;
	size_t shown = whole < d->options->string_limit ? whole : d->options->string_limit;
	d->p->ops->string(d->p, buf, shown, !ended || shown < whole, true);
}

/* The kind says what IFLA_INFO_DATA, or IFLA_INFO_SLAVE_DATA, behind it holds. */
static void take_kind(struct decoder *d, char kind[LINK_KIND], uint64_t addr, size_t len)
{
	static const struct field_desc text = {.format = FIELD_STRING};
	size_t n = len < LINK_KIND - 1 ? len : LINK_KIND - 1;
	memset(kind, 0, LINK_KIND);
	if (n && !decode_read(d, addr, kind, n))
		kind[0] = '\0';
	show_value_at(d, &text, addr, len, false);
}

void show_link_kind(struct decoder *d, uint64_t addr, size_t len)
{
	take_kind(d, d->link_kind, addr, len);
}

void show_link_slave_kind(struct decoder *d, uint64_t addr, size_t len)
{
	take_kind(d, d->slave_kind, addr, len);
}

void show_link_data(struct decoder *d, uint64_t addr, size_t len)
{
	if (strcmp(d->link_kind, "bridge") == 0)
		show_attrs_at(d, &attrs_link_bridge, addr, len);
	else if (strcmp(d->link_kind, "tun") == 0)
		show_attrs_at(d, &attrs_link_tun, addr, len);
	else
		show_hex_at(d, addr, len);
}

void show_link_slave_data(struct decoder *d, uint64_t addr, size_t len)
{
	if (strcmp(d->slave_kind, "bridge") == 0)
		show_attrs_at(d, &attrs_brport, addr, len);
	else
		show_hex_at(d, addr, len);
}

void show_link_xstats(struct decoder *d, uint64_t addr, size_t len)
{
	static const struct field_desc can = {.format = FIELD_STRUCT, .arg = &layout_can_device_stats};
	show_value_at(d, strcmp(d->link_kind, "can") == 0 ? &can : NULL, addr, len, false);
}

void show_bridge_options(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_bits(d, &flag_set_bridge_options, decode_uint_at(at, 4));
}

/* Numbers by the names of their places: [[SK_MEMINFO_RMEM_ALLOC]=0, ...]. */
struct indexed {
	const struct flag_set *names;
	uint8_t size;		/* of a number */
	bool is_signed;
	uint8_t base;		/* what the names count from */
};

/* The text in brackets. */
static void show_place(struct decoder *d, const struct indexed *x, size_t n)
{
	const char *name = flag_set_name_of(x->names, n + x->base);
	char text[96], from[8] = "";
	if (name && x->base)
		(void)snprintf(from, sizeof(from), "-%u", x->base);
	if (d->options->consts == CONST_RAW || d->quiet) {
		d->p->ops->index(d->p, NULL, n);
		return;
	}
	if (name && d->options->consts == CONST_ABBREV)
		(void)snprintf(text, sizeof(text), "%s%s", name, from);
	else
		(void)snprintf(text, sizeof(text), "%zu /* %s%s */", n, name ? name : x->names->unknown,
			       from);
	d->p->ops->index(d->p, text, n);
}

static void show_indexed(struct decoder *d, const struct indexed *x, uint64_t addr, size_t len)
{
	uint8_t buf[8];
	size_t limit = d->options->verbose ? len : d->options->string_limit;
	if (len < x->size) {
		show_hex_at(d, addr, len);
		return;
	}
	if (!decode_read(d, addr, buf, x->size)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (size_t n = 0; n < len / x->size; n++) {
		if (n == limit) {
			elided(d);
			break;
		}
		if (n && !decode_read(d, addr + n * x->size, buf, x->size)) {
			show_cut(d, addr + n * x->size);
			break;
		}
		element(d);
		show_place(d, x, n);
		if (x->is_signed)
			show_sint(d, decode_sint_at(buf, x->size));
		else
			show_uint(d, decode_uint_at(buf, x->size));
	}
	array_end(d);
}

#define INDEXED(name, set, size, is_signed, base) \
	void show_##name(struct decoder *d, uint64_t addr, size_t len) \
	{ \
		static const struct indexed x = {&flag_set_##set, size, is_signed, base}; \
		show_indexed(d, &x, addr, len); \
	}
INDEXED(sk_meminfo, sk_meminfo, 4, false, 0)
INDEXED(inet_conf, inet_devconf, 4, true, 1)
INDEXED(inet6_conf, inet6_devconf, 4, true, 0)
INDEXED(inet6_stats, inet6_mib, 8, false, 0)
INDEXED(icmp6_stats, icmp6_mib, 8, false, 0)

void show_af_spec(struct decoder *d, uint64_t addr, size_t len)
{
	show_attrs_at(d, d->family == AF_BRIDGE ? &attrs_bridge_spec : &attrs_af_spec, addr, len);
}

/* ---- routes ---- */

/* struct rtvia: a family and an address of it. */
void show_via(struct decoder *d, uint64_t addr, size_t len)
{
	static const struct field_desc inet = {.name = "rtvia_addr", .format = FIELD_IN4, .size = 4};
	static const struct field_desc inet6 = {.name = "rtvia_addr", .format = FIELD_IN6, .offset = 2, .size = 16};
	uint8_t buf[18];
	uint16_t family;
	if (len < sizeof(family)) {
		show_hex_at(d, addr, len);
		return;
	}
	size_t have = len < sizeof(buf) ? len : sizeof(buf);
	if (!decode_read(d, addr, buf, have)) {
		show_pointer(d, addr);
		return;
	}
	memcpy(&family, buf, sizeof(family));
	struct_begin(d);
	field_flags(d, "rtvia_family", &flag_set_address_families, family);
	if (family == AF_INET && have >= 6) {
		field(d, "rtvia_addr");
		show_value(d, &inet, buf + 2, buf);
	} else if (family == AF_INET6 && have >= 18) {
		show_member(d, &inet6, buf);
	} else if (have > 2) {
		field(d, "rtvia_addr");
		show_hex_at(d, addr + 2, len - 2);
	}
	struct_end(d);
}

#define NEXT_HOP 8	/* struct rtnexthop */

static void show_next_hop(struct decoder *d, const uint8_t *head, uint64_t addr, size_t len)
{
	array_begin(d);
	element(d);
	show_struct(d, &layout_rtnexthop, head);
	if (len > NEXT_HOP) {
		element(d);
		show_attrs_at(d, &attrs_route, addr + NEXT_HOP, len - NEXT_HOP);
	}
	array_end(d);
}

/* Where the hop behind this one begins; 0: there is none. */
static size_t next_hop_at(const uint8_t *head, size_t len)
{
	size_t size = (size_t)decode_uint_at(head, 2);
	size_t step = (size + 3) & ~(size_t)3;
	return size < NEXT_HOP || step >= len || len - step < NEXT_HOP ? 0 : step;
}

void show_multipath(struct decoder *d, uint64_t addr, size_t len)
{
	uint8_t head[NEXT_HOP];
	if (len < sizeof(head)) {
		show_hex_at(d, addr, len);
		return;
	}
	if (!decode_read(d, addr, head, sizeof(head))) {
		show_pointer(d, addr);
		return;
	}
	bool several = next_hop_at(head, len) != 0;
	if (several)
		array_begin(d);
	for (;;) {
		size_t size = (size_t)decode_uint_at(head, 2);
		size_t step = next_hop_at(head, len);
		if (several)
			element(d);
		show_next_hop(d, head, addr, size < len ? size : len);
		if (!step)
			break;
		addr += step;
		len -= step;
		if (!decode_read(d, addr, head, sizeof(head))) {
			show_cut(d, addr);
			break;
		}
	}
	if (several)
		array_end(d);
}

/* ---- sock_diag ---- */

void show_diag_shutdown(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	AUTO_STRBUF struct strbuf names;
	strbuf_init(&names);
	show_hex(d, *at);
	if (*at && !d->quiet && d->options->consts != CONST_RAW) {
		bool named = add_flag_names(&names, &flag_set_shutdown_mask, *at);
		show_comment(d, named ? strbuf_str(&names) : flag_set_shutdown_mask.unknown);
	}
}

/* A protocol of a byte, or since 5.18 of four: those of MPTCP and the like do not fit. */
void show_diag_protocol(struct decoder *d, uint64_t addr, size_t len)
{
	uint8_t buf[4];
	size_t size = len >= sizeof(buf) ? sizeof(buf) : 1;
	if (!len)
		show_hex_at(d, addr, len);
	else if (!decode_read(d, addr, buf, size))
		show_pointer(d, addr);
	else
		show_flags(d, &flag_set_inet_protocols, decode_uint_at(buf, (unsigned)size));
}

/* Addresses as the message's family has them. */
void show_diag_id(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_struct(d, whole[0] == AF_INET6 ? &layout_inet_diag_id6 : &layout_inet_diag_id4, at);
}

/* Attributes that are wanted: bit N for attribute N + 1. */
void show_diag_extensions(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	char text[256] = "";
	size_t used = 0;
	unsigned rest = *at;
	for (unsigned n = 0; n < 8 && used < sizeof(text); n++) {
		const char *name = *at >> n & 1 ? flag_set_name_of(&flag_set_inet_diag_attrs, n + 1) : NULL;
		if (!name)
			continue;
		rest &= ~(1u << n);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s1<<(%s-1)", used ? "|" : "", name);
	}
	if (used && rest)
		(void)snprintf(text + used, sizeof(text) - used, "|%#x", rest);
	if (used)
		show_hex_symbol(d, text, *at);
	else
		show_hex(d, *at);
}

void show_diag_netlink_protocol(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	if (*at == UINT8_MAX)
		show_hex_symbol(d, "NDIAG_PROTO_ALL", *at);
	else
		show_flags(d, &flag_set_netlink_protocols, *at);
}

/* struct inet_diag_sockopt: bits, of which the last five have no meaning yet. */
void show_inet_diag_sockopt(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	static const char *const names[] = {
		"recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag",
		"bind_address_no_port", "recverr_rfc4884", "defer_connect",
	};
	unsigned bits = at[0] | (unsigned)at[1] << 8;
	struct_begin(d);
	for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
		if (bits >> n & 1 || d->options->verbose)
			field_uint(d, names[n], bits >> n & 1);
	}
	if (bits >> ARRAY_SIZE(names) || d->options->verbose) {
		field_hex(d, "unused", bits >> ARRAY_SIZE(names));
		show_comment(d, "bits 3..8");
	}
	struct_end(d);
}

void show_mclist_address(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	size_t len = decode_uint_at(whole + 10, 2);
	show_hex_bytes(d, at, len < 32 ? len : 32, false);
}
