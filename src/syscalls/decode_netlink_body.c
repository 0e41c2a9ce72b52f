/* The bodies of netlink messages, by the tables of layouts/netlink.tbl. */
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_netlink.h"
#include "syscalls/flag_sets.h"

/* Messages that begin with a structure whose first byte is an address family, and go on with attributes. */
struct body {
	uint16_t first, last;		/* types */
	const struct layout *layout;
	const struct value_table *attrs;
};

static const struct body route_bodies[] = {
	{RTM_NEWLINK, RTM_SETLINK, &layout_ifinfomsg, &attrs_link},
	{RTM_NEWADDR, RTM_GETADDR, &layout_ifaddrmsg, &attrs_address},
	{RTM_NEWROUTE, RTM_GETROUTE, &layout_rtmsg, &attrs_route},
	{RTM_NEWNEIGH, RTM_GETNEIGH, &layout_ndmsg, &attrs_neighbour},
	{RTM_NEWQDISC, RTM_GETTFILTER, &layout_tcmsg, &attrs_tc},
	{RTM_NEWCHAIN, RTM_GETCHAIN, &layout_tcmsg, &attrs_tc},
	{RTM_NEWRULE, RTM_GETRULE, &layout_fib_rule_hdr, &attrs_rule},
	{RTM_NEWMDB, RTM_GETMDB, &layout_br_port_msg, &attrs_mdb},
	{RTM_NEWSTATS, RTM_GETSTATS, &layout_if_stats_msg, &attrs_stats},
	{RTM_GETMULTICAST, RTM_GETMULTICAST, &layout_ifaddrmsg, &attrs_address},
	{RTM_GETANYCAST, RTM_GETANYCAST, &layout_ifaddrmsg, &attrs_address},
	{RTM_NEWNEXTHOP, RTM_GETNEXTHOP, &layout_nhmsg, &attrs_nexthop},
	{RTM_NEWNSID, RTM_GETNSID, &layout_rtgenmsg, &attrs_netns},
	{RTM_NEWNEIGHTBL, RTM_SETNEIGHTBL, &layout_ndtmsg, &attrs_neighbour_table},
	{RTM_NEWADDRLABEL, RTM_GETADDRLABEL, &layout_ifaddrlblmsg, &attrs_addrlabel},
	{RTM_GETDCB, RTM_SETDCB, &layout_dcbmsg, &attrs_dcb},
	{RTM_NEWACTION, RTM_GETACTION, &layout_tcamsg, &attrs_action},
	{RTM_NEWNETCONF, RTM_GETNETCONF, &layout_netconfmsg, &attrs_netconf},
};

static const struct body *body_of(uint16_t type)
{
	if (!flag_set_name_of(&flag_set_route_messages, type))
		return NULL;
	for (size_t n = 0; n < ARRAY_SIZE(route_bodies); n++) {
		if (type >= route_bodies[n].first && type <= route_bodies[n].last)
			return &route_bodies[n];
	}
	return NULL;
}

/* Too short for its structure: the family, and that there is more. */
static void show_family_only(struct decoder *d, const struct layout *layout, uint8_t family, size_t len)
{
	struct_begin(d);
	field_flags(d, layout->fields[0].name, &flag_set_address_families, family);
	if (len > 1)
		elided(d);
	struct_end(d);
}

/* A family that no structure is known for. */
static void show_family_and_data(struct decoder *d, uint8_t family, uint64_t addr, size_t len)
{
	struct_begin(d);
	field_flags(d, "family", &flag_set_address_families, family);
	if (len > 1) {
		field(d, "data");
		show_hex_at(d, addr + 1, len - 1);
	}
	struct_end(d);
}

static void show_with_attrs(struct decoder *d, const struct layout *layout, const struct value_table *attrs,
			    uint8_t family, uint64_t addr, size_t len)
{
	static const struct flag_set no_names = {.name = "none", .unknown = "", .exclusive = true};
	static const struct value_table no_table = {.names = &no_names, .other = {.format = FIELD_NOTHING}};
	uint8_t buf[256];
	if (len < layout->size) {
		show_family_only(d, layout, family, len);
		return;
	}
	if (!decode_read(d, addr, buf, layout->size)) {
		struct_begin(d);
		field_flags(d, layout->fields[0].name, &flag_set_address_families, family);
		field(d, NULL);
		show_pointer(d, addr + 1);
		struct_end(d);
		return;
	}
	show_struct(d, layout, buf);
	size_t head = ((size_t)layout->size + 3) & ~(size_t)3;
	if (len <= head)
		return;
	uint8_t before = d->family;
	d->family = family;
	element(d);
	show_attrs_at(d, attrs ? attrs : &no_table, addr + head, len - head);
	d->family = before;
}

static bool show_route(struct decoder *d, uint16_t type, uint64_t addr, size_t len)
{
	uint8_t family;
	const struct body *body = body_of(type);
	if (!decode_read(d, addr, &family, 1)) {
		show_pointer(d, addr);
		return true;
	}
	if (body)
		show_with_attrs(d, body->layout, body->attrs, family, addr, len);
	else
		show_family_and_data(d, family, addr, len);
	return true;
}

/* What is asked of sockets of a family, and what is said of them. */
struct diag {
	uint8_t family;
	const struct layout *request;
	const struct value_table *request_attrs;
	const struct layout *answer;
	const struct value_table *attrs;
};

static const struct diag diags[] = {
	{AF_UNIX, &layout_unix_diag_req, NULL, &layout_unix_diag_msg, &attrs_unix_diag},
	{AF_INET, &layout_inet_diag_req_v2, &attrs_inet_diag_req, &layout_inet_diag_msg, &attrs_inet_diag},
	{AF_INET6, &layout_inet_diag_req_v2, &attrs_inet_diag_req, &layout_inet_diag_msg, &attrs_inet_diag},
	{AF_NETLINK, &layout_netlink_diag_req, NULL, &layout_netlink_diag_msg, &attrs_netlink_diag},
	{AF_PACKET, &layout_packet_diag_req, NULL, &layout_packet_diag_msg, &attrs_packet_diag},
};

static const struct diag *diag_of(uint8_t family)
{
	for (size_t n = 0; n < ARRAY_SIZE(diags); n++) {
		if (diags[n].family == family)
			return &diags[n];
	}
	return NULL;
}

static bool show_diag(struct decoder *d, uint16_t flags, uint64_t addr, size_t len)
{
	uint8_t family;
	bool request = flags & NLM_F_REQUEST;
	if (!decode_read(d, addr, &family, 1)) {
		show_pointer(d, addr);
		return true;
	}
	const struct diag *diag = diag_of(family);
	if (!diag || len == 1)
		show_family_and_data(d, family, addr, len);
	else if (request)
		show_with_attrs(d, diag->request, diag->request_attrs, family, addr, len);
	else
		show_with_attrs(d, diag->answer, diag->attrs, family, addr, len);
	return true;
}

static bool show_diag_compat(struct decoder *d, uint16_t flags, uint64_t addr, size_t len)
{
	uint8_t family;
	if (!decode_read(d, addr, &family, 1))
		show_pointer(d, addr);
	else if (flags & NLM_F_REQUEST)
		show_with_attrs(d, &layout_inet_diag_req_compat, &attrs_inet_diag_req, family, addr, len);
	else
		show_with_attrs(d, &layout_inet_diag_msg, &attrs_inet_diag, family, addr, len);
	return true;
}

/* <linux/selinux_netlink.h> */
static bool show_selinux(struct decoder *d, uint16_t type, uint64_t addr)
{
	uint8_t buf[4];
	if (type != 16 && type != 17)	/* SELNL_MSG_SETENFORCE, SELNL_MSG_POLICYLOAD */
		return false;
	if (!decode_fetch(d, addr, buf, sizeof(buf)))
		return true;
	struct_begin(d);
	if (type == 16)
		field_sint(d, "val", decode_sint_at(buf, 4));
	else
		field_uint(d, "seqno", decode_uint_at(buf, 4));
	struct_end(d);
	return true;
}

bool show_netlink_body(struct decoder *d, int protocol, uint16_t type, uint16_t flags, uint64_t addr, size_t len)
{
	if (protocol == NETLINK_ROUTE)
		return show_route(d, type, addr, len);
	if (protocol == NETLINK_SOCK_DIAG && type == SOCK_DIAG_BY_FAMILY)
		return show_diag(d, flags, addr, len);
	if (protocol == NETLINK_SOCK_DIAG && (type == TCPDIAG_GETSOCK || type == DCCPDIAG_GETSOCK))
		return show_diag_compat(d, flags, addr, len);
	if (protocol == NETLINK_SELINUX && len >= 4)
		return show_selinux(d, type, addr);
	if (protocol == NETLINK_NETFILTER)
		return show_netfilter_body(d, type, addr, len);
	return false;
}

/* ---- values ---- */

/* An address of the family that the message is about. */
void show_family_address(struct decoder *d, uint64_t addr, size_t len)
{
	static const struct field_desc inet = {.format = FIELD_INET4, .size = 4};
	static const struct field_desc inet6 = {.format = FIELD_INET6, .size = 16};
	if (d->family == AF_INET)
		show_value_at(d, &inet, addr, len, false);
	else if (d->family == AF_INET6)
		show_value_at(d, &inet6, addr, len, false);
	else
		show_hex_at(d, addr, len);
}

/* States of TCP as a set of bits: 1<<TCP_ESTABLISHED. */
void show_tcp_states(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_bits(d, &flag_set_tcp_states, decode_uint_at(at, 4));
}

/* A path, or an abstract name that begins with a NUL. */
void show_unix_name(struct decoder *d, uint64_t addr, size_t len)
{
	uint8_t name[109];
	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	if (!decode_read(d, addr, name, len)) {
		show_pointer(d, addr);
		return;
	}
	bool abstract = len && !name[0];
	if (abstract)
		wrap(d, "@");
	show_bytes(d, name + abstract, len - abstract, false);
}
