/* Arguments of socket calls: addresses with their lengths, types, protocols. decode_sockaddr.c has the addresses. */
#include "syscalls/decode_priv.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

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
