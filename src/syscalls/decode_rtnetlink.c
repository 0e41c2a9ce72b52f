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
	show_bits(d, &flag_set_stats_attrs, decode_uint_at(at, 4));
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

void show_centiseconds(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	uint32_t v = (uint32_t)decode_uint_at(at, 4);
	show_uint(d, v);
	show_commentf(d, "%u.%02u s", v / 100, v % 100);
}

void show_clock64(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	uint64_t v = decode_uint_at(at, 8);
	show_uint(d, v);
	if (v)
		show_commentf(d, "%llu.%02llu s", (unsigned long long)v / 100, (unsigned long long)v % 100);
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

/* ---- sock_diag ---- */

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
