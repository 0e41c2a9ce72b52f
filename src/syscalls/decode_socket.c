/* Socket addresses, types, protocols and options. */
#include "syscalls/decode_priv.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- addresses ---- */

#define UNIX_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

static void show_port(struct decoder *d, const char *name, uint16_t port)
{
	field(d, name);
	wrap(d, "htons(");
	show_uint(d, ntohs(port));
	wrap(d, ")");
}

static void show_unix(struct decoder *d, const uint8_t *buf, size_t len)
{
	const char *path = (const char *)buf + 2;
	size_t n = len - 2 < UNIX_PATH_MAX ? len - 2 : UNIX_PATH_MAX;
	field(d, "sun_path");
	if (path[0]) {
		show_cstring(d, path, n);
		return;
	}
	wrap(d, "@");
	show_bytes(d, path + 1, n - 1, false);
}

static void show_inet(struct decoder *d, const struct sockaddr_in *in)
{
	char text[INET_ADDRSTRLEN];
	show_port(d, "sin_port", in->sin_port);
	field(d, "sin_addr");
	wrap(d, "inet_addr(");
	if (!d->quiet && inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)))
		show_bytes(d, text, strlen(text), false);
	wrap(d, ")");
}

/* Of an address that holds on one link it is that link's interface. */
static void show_scope_id(struct decoder *d, const struct sockaddr_in6 *in)
{
	field(d, "sin6_scope_id");
	if (IN6_IS_ADDR_LINKLOCAL(&in->sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&in->sin6_addr))
		show_ifindex(d, in->sin6_scope_id);
	else
		show_uint(d, in->sin6_scope_id);
}

static void show_inet6(struct decoder *d, const struct sockaddr_in6 *in, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	show_port(d, "sin6_port", in->sin6_port);
	field(d, "sin6_flowinfo");
	wrap(d, "htonl(");
	show_uint(d, ntohl(in->sin6_flowinfo));
	wrap(d, ")");
	field(d, NULL);
	wrap(d, "inet_pton(AF_INET6, ");
	if (!d->quiet && inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text)))
		show_bytes(d, text, strlen(text), false);
	wrap(d, ", &sin6_addr)");
	if (len >= sizeof(*in))
		show_scope_id(d, in);
}

static void show_netlink(struct decoder *d, const struct sockaddr_nl *nl)
{
	if (nl->nl_pad)
		field_hex(d, "nl_pad", nl->nl_pad);
	field_sint(d, "nl_pid", (int32_t)nl->nl_pid);
	field(d, "nl_groups");
	show_textf(d, "%08x", nl->nl_groups);
}

void show_ifindex(struct decoder *d, uint32_t index)
{
	char name[IFNAMSIZ] = "lo";	/* 1 in every network namespace */
	ssize_t len = index == 1 ? 2 : -1;
	if (index > 1 && d->src->ops->interface_name)
		len = d->src->ops->interface_name(d->src, index, name, sizeof(name));
	if (len <= 0 || (d->options->consts == CONST_RAW && d->p->ops->joins)) {
		show_uint(d, index);
		return;
	}
	bool verbose = d->options->consts == CONST_VERBOSE;
	if (verbose) {
		show_uint(d, index);
		wrap(d, " /* ");
	}
	wrap(d, "if_nametoindex(");
	show_bytes(d, name, (size_t)len, false);
	wrap(d, verbose ? ") */" : ")");
}

static void show_packet(struct decoder *d, const struct sockaddr_ll *ll)
{
	field(d, "sll_protocol");
	wrap(d, "htons(");
	show_flags(d, &flag_set_ethernet_protocols, ntohs(ll->sll_protocol));
	wrap(d, ")");
	field(d, "sll_ifindex");
	show_ifindex(d, (uint32_t)ll->sll_ifindex);
	field_flags(d, "sll_hatype", &flag_set_hardware_types, ll->sll_hatype);
	field_flags(d, "sll_pkttype", &flag_set_packet_types, ll->sll_pkttype);
	field_uint(d, "sll_halen", ll->sll_halen);
	field(d, "sll_addr");
	array_begin(d);
	for (unsigned i = 0; i < ll->sll_halen && i < sizeof(ll->sll_addr); i++) {
		element(d);
		show_textf(d, "%02x", ll->sll_addr[i]);
	}
	array_end(d);
}

void show_sockaddr(struct decoder *d, const void *buf, size_t len)
{
	const struct sockaddr *sa = buf;
	struct_begin(d);
	field_flags(d, "sa_family", &flag_set_address_families, sa->sa_family);
	if (len > 2 && sa->sa_family == AF_UNIX)
		show_unix(d, buf, len);
	else if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET)
		show_inet(d, buf);
	else if (len >= 24 && sa->sa_family == AF_INET6)
		show_inet6(d, buf, len);
	else if (len >= sizeof(struct sockaddr_nl) && sa->sa_family == AF_NETLINK)
		show_netlink(d, buf);
	else if (len >= 12 && sa->sa_family == AF_PACKET)
		show_packet(d, buf);
	else if (len > 2) {
		field(d, "sa_data");
		show_bytes(d, (const char *)buf + 2, len - 2, false);
	}
	struct_end(d);
}

void show_sockaddr_at(struct decoder *d, uint64_t addr, uint64_t len)
{
	union {
		struct sockaddr_storage any;
		struct sockaddr sa;
		uint8_t bytes[sizeof(struct sockaddr_storage) + 1];
	} buf;
	memset(&buf, 0, sizeof(buf));
	if (len > sizeof(buf.any))
		len = sizeof(buf.any);
	if (len < 2 || !addr || !decode_read(d, addr, &buf, len))
		show_pointer(d, addr);
	else
		show_sockaddr(d, &buf, len);
}

static void decode_sockaddr_in(struct decoder *d, unsigned i)
{
	show_sockaddr_at(d, decode_arg(d, i), (uint32_t)decode_link(d, i, 0));
}

const struct decode_type decode_type_sockaddr_in = {.decode = decode_sockaddr_in, .needs = NEEDS_MEMORY};

/* ---- lengths that the kernel changes ---- */

#define CARRY_VALID (UINT64_C(1) << 32)

static void remember_socklen(struct decoder *d, unsigned i)
{
	uint32_t len;
	uint64_t addr = decode_arg(d, i);
	if (addr && decode_read(d, addr, &len, sizeof(len)))
		d->call->carry[0] = CARRY_VALID | len;
}

/* The length after the call, read once for the address and for itself. */
bool socklen_after(struct decoder *d, uint64_t addr)
{
	uint32_t len;
	if (d->scratch & CARRY_VALID)
		return true;
	if (!addr || !decode_read(d, addr, &len, sizeof(len)))
		return false;
	d->scratch = CARRY_VALID | len;
	return true;
}

static void decode_socklen(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	bool before = d->call->carry[0] & CARRY_VALID;
	bool after = !decode_failed(d) && socklen_after(d, addr);
	int32_t was = (int32_t)d->call->carry[0];
	int32_t is = (int32_t)d->scratch;
	if (!before && !after) {
		show_pointer(d, addr);
		return;
	}
	wrap(d, "[");
	show_sint(d, before ? was : is);
	if (before && after && was != is) {
		d->p->ops->changed(d->p);
		show_sint(d, is);
	}
	wrap(d, "]");
}

static void decode_sockaddr_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_failed(d) || !socklen_after(d, decode_link(d, i, 0))) {
		show_pointer(d, addr);
		return;
	}
	uint32_t len = (uint32_t)d->scratch;
	uint32_t room = (uint32_t)d->call->carry[0];
	if (d->call->carry[0] & CARRY_VALID && room < len)
		len = room;
	show_sockaddr_at(d, addr, len);
}

const struct decode_type decode_type_socklen_inout = {
	.decode = decode_socklen, .remember = remember_socklen, .needs = NEEDS_MEMORY, .timing = TIMING_EXIT,
};
const struct decode_type decode_type_sockaddr_out = {.decode = decode_sockaddr_out, .needs = NEEDS_MEMORY};

/* ---- types and protocols ---- */

static void decode_socket_type(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	show_joined(d, &flag_set_socket_types, v & 0xf, &flag_set_socket_flags, v & ~0xfu);
}

const struct decode_type decode_type_socket_type = {.decode = decode_socket_type};

static void decode_socket_protocol(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	switch (decode_link(d, i, 0)) {
	case AF_INET:
	case AF_INET6:
		show_flags(d, &flag_set_inet_protocols, v);
		return;
	case AF_NETLINK:
		show_flags(d, &flag_set_netlink_protocols, v);
		return;
	case AF_PACKET:
		wrap(d, "htons(");
		show_flags(d, &flag_set_ethernet_protocols, ntohs((uint16_t)v));
		wrap(d, ")");
		return;
	default:
		show_uint(d, v);
		return;
	}
}

const struct decode_type decode_type_socket_protocol = {.decode = decode_socket_protocol};
