/* Socket addresses, by their family. */
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

#define UNIX_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

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

/* Members of a structure that has begun. */
static void show_members(struct decoder *d, const struct layout *layout, const uint8_t *buf)
{
	for (unsigned n = 0; n < layout->count; n++)
		show_member(d, &layout->fields[n], buf);
}

static void show_inet(struct decoder *d, const uint8_t *buf, size_t len UNUSED)
{
	show_members(d, &layout_sockaddr_in, buf);
}

/* Of an address that holds on one link it is that link's interface. */
static void show_scope_id(struct decoder *d, const uint8_t *buf)
{
	struct sockaddr_in6 in;
	memcpy(&in, buf, sizeof(in));
	field(d, "sin6_scope_id");
	if (IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&in.sin6_addr))
		show_ifindex(d, in.sin6_scope_id);
	else
		show_uint(d, in.sin6_scope_id);
}

static void show_inet6(struct decoder *d, const uint8_t *buf, size_t len)
{
	show_members(d, &layout_sockaddr_in6, buf);
	if (len >= sizeof(struct sockaddr_in6))
		show_scope_id(d, buf);
}

static void show_netlink(struct decoder *d, const uint8_t *buf, size_t len UNUSED)
{
	struct sockaddr_nl nl;
	memcpy(&nl, buf, sizeof(nl));
	if (nl.nl_pad)
		field_hex(d, "nl_pad", nl.nl_pad);
	field_sint(d, "nl_pid", (int32_t)nl.nl_pid);
	field(d, "nl_groups");
	show_textf(d, "%#08x", nl.nl_groups);
}

static void show_packet_protocol(struct decoder *d, const uint8_t *at)
{
	uint16_t protocol = (uint16_t)(at[0] << 8 | at[1]);
	if (!net_order_begin(d, at, 2))
		return;
	const char *name = flag_set_name_of(&flag_set_ethernet_protocols, protocol);
	wrap(d, "htons(");
	if (d->options->consts == CONST_VERBOSE && name)
		show_text(d, name);
	else
		show_flags(d, &flag_set_ethernet_protocols, protocol);
	wrap(d, ")");
	net_order_end(d);
}

static void show_packet(struct decoder *d, const uint8_t *buf, size_t len UNUSED)
{
	struct sockaddr_ll ll;
	memcpy(&ll, buf, sizeof(ll));
	field(d, "sll_protocol");
	show_packet_protocol(d, buf + offsetof(struct sockaddr_ll, sll_protocol));
	field(d, "sll_ifindex");
	show_ifindex(d, (uint32_t)ll.sll_ifindex);
	field_flags(d, "sll_hatype", &flag_set_hardware_types, ll.sll_hatype);
	field_flags(d, "sll_pkttype", &flag_set_packet_types, ll.sll_pkttype);
	field_uint(d, "sll_halen", ll.sll_halen);
	if (!ll.sll_halen)
		return;
	field(d, "sll_addr");
	array_begin(d);
	for (unsigned i = 0; i < ll.sll_halen && i < sizeof(ll.sll_addr); i++) {
		element(d);
		show_textf(d, "%#04x", ll.sll_addr[i]);
	}
	if (ll.sll_halen > sizeof(ll.sll_addr))
		elided(d);
	array_end(d);
}

/* ---- a number with its name as a comment ---- */

static void show_noted(struct decoder *d, const struct flag_set *set, uint64_t v)
{
	const char *name = flag_set_name_of(set, v);
	show_hex(d, v);
	if (d->options->consts == CONST_RAW)
		return;
	if (name)
		show_comment(d, name);
	else if (set->unknown && *set->unknown)
		show_comment(d, set->unknown);
}

static void show_noted_flags(struct decoder *d, const struct flag_set *set, uint64_t v)
{
	AUTO_STRBUF struct strbuf names;
	strbuf_init(&names);
	show_hex(d, v);
	if (d->options->consts == CONST_RAW || !v || d->quiet)
		return;
	if (add_flag_names(&names, set, v))
		show_comment(d, strbuf_str(&names));
	else
		show_comment(d, set->unknown);
}

/* ---- AF_ALG: <linux/if_alg.h> ---- */

#define ALG_NAME 24	/* salg_name: 64 bytes, or more since 4.13 */

static void show_alg(struct decoder *d, const uint8_t *buf, size_t len)
{
	field(d, "salg_type");
	show_chars(d, buf + 2, 14);
	field(d, "salg_feat");
	show_noted_flags(d, &flag_set_alg_flags, decode_uint_at(buf + 16, 4));
	field(d, "salg_mask");
	show_noted_flags(d, &flag_set_alg_flags, decode_uint_at(buf + 20, 4));
	field(d, "salg_name");
	show_chars(d, buf + ALG_NAME, len - ALG_NAME);
}

/* ---- AF_VSOCK, AF_XDP: <linux/vm_sockets.h>, <linux/if_xdp.h> ---- */

static void show_vsock(struct decoder *d, const uint8_t *buf, size_t len UNUSED)
{
	static const uint8_t zero[3];
	if (buf[2] | buf[3])
		field_hex(d, "svm_reserved1", decode_uint_at(buf + 2, 2));
	field_flags(d, "svm_cid", &flag_set_vsock_contexts, decode_uint_at(buf + 8, 4));
	field_flags(d, "svm_port", &flag_set_vsock_ports, decode_uint_at(buf + 4, 4));
	field_flags(d, "svm_flags", &flag_set_vsock_flags, buf[12]);
	if (memcmp(buf + 13, zero, sizeof(zero)) != 0) {
		field(d, "svm_zero");
		show_hex_bytes(d, buf + 13, sizeof(zero), false);
	}
}

static void show_xdp(struct decoder *d, const uint8_t *buf, size_t len UNUSED)
{
	uint64_t flags = decode_uint_at(buf + 2, 2);
	uint32_t fd = (uint32_t)decode_uint_at(buf + 12, 4);
	field_flags(d, "sxdp_flags", &flag_set_xdp_bind_flags, flags);
	field(d, "sxdp_ifindex");
	show_ifindex(d, (uint32_t)decode_uint_at(buf + 4, 4));
	field_uint(d, "sxdp_queue_id", decode_uint_at(buf + 8, 4));
	if (flags & 1) {	/* XDP_SHARED_UMEM */
		field(d, "sxdp_shared_umem_fd");
		show_fd(d, (int)fd);
	} else if (fd) {
		field_hex(d, "sxdp_shared_umem_fd", fd);
	}
}

/* ---- AF_NFC: <linux/nfc.h> ---- */

#define NFC_SIZE 16
#define NFC_SERVICE_NAME 63

static void show_nfc(struct decoder *d, const uint8_t *buf, size_t len)
{
	field(d, "dev_idx");
	show_ifindex(d, (uint32_t)decode_uint_at(buf + 4, 4));
	field_hex(d, "target_idx", decode_uint_at(buf + 8, 4));
	field_flags(d, "nfc_protocol", &flag_set_nfc_targets, decode_uint_at(buf + 12, 4));
	size_t whole = NFC_SIZE + 2 + NFC_SERVICE_NAME;
	whole = (whole + d->word - 1) & ~(size_t)(d->word - 1);
	if (len <= NFC_SIZE)
		return;
	if (len < whole + d->word) {
		elided(d);
		return;
	}
	field(d, "dsap");
	show_noted(d, &flag_set_nfc_points, buf[16]);
	field(d, "ssap");
	show_noted(d, &flag_set_nfc_points, buf[17]);
	uint64_t name_len = decode_word_at(d, buf + whole);
	field(d, "service_name");
	show_bytes(d, buf + 18, name_len < NFC_SERVICE_NAME ? name_len : NFC_SERVICE_NAME, false);
	field_uint(d, "service_name_len", name_len);
}

/* ---- AF_IEEE802154, AF_RXRPC: net/ieee802154/socket.c, <linux/rxrpc.h> ---- */

static void show_ieee802154(struct decoder *d, const uint8_t *buf, size_t len UNUSED)
{
	static const struct field_desc hardware = {.format = FIELD_MAC, .size = 8};
	uint32_t type = (uint32_t)decode_uint_at(buf + 4, 4);
	field(d, "addr");
	struct_begin(d);
	field(d, "addr_type");
	show_noted(d, &flag_set_ieee802154_addresses, type);
	field(d, "pan_id");
	show_noted(d, &flag_set_ieee802154_networks, decode_uint_at(buf + 8, 2));
	if (type == 2) {	/* IEEE802154_ADDR_SHORT */
		field(d, "short_addr");
		show_noted(d, &flag_set_ieee802154_short, decode_uint_at(buf + 10, 2));
	} else if (type) {
		field(d, "hwaddr");
		show_value(d, &hardware, buf + 10, buf);
	}
	struct_end(d);
}

#define TRANSPORT 8	/* of a struct sockaddr_rxrpc */

/* name: of the structure in the union; NULL: its members stand in the union. */
static void show_transport(struct decoder *d, const uint8_t *buf, size_t given, size_t room, const char *name)
{
	const struct layout *layout = name && name[3] ? &layout_sockaddr_in6 : &layout_sockaddr_in;
	size_t whole = layout == &layout_sockaddr_in ? sizeof(struct sockaddr_in) : 24;
	size_t len = given < room ? given : room;
	char family[16];
	(void)snprintf(family, sizeof(family), "%s%sfamily", name ? name : "", name ? "_" : "");
	if (name) {
		field(d, name);
		struct_begin(d);
	}
	field_flags(d, family, &flag_set_address_families, decode_uint_at(buf, 2));
	if (name && given >= whole) {
		show_members(d, layout, buf);
		if (layout == &layout_sockaddr_in6 && len >= sizeof(struct sockaddr_in6))
			show_scope_id(d, buf);
	} else if (len > 2) {
		field(d, NULL);
		show_bytes(d, buf + 2, len - 2, false);
	}
	if (name)
		struct_end(d);
}

static void show_rxrpc(struct decoder *d, const uint8_t *buf, size_t len)
{
	size_t given = (size_t)decode_uint_at(buf + 6, 2);
	uint64_t family = decode_uint_at(buf + TRANSPORT, 2);
	field(d, "srx_service");
	show_noted(d, &flag_set_rxrpc_services, decode_uint_at(buf + 2, 2));
	field_flags(d, "transport_type", &flag_set_socket_types, decode_uint_at(buf + 4, 2));
	field_uint(d, "transport_len", given);
	field(d, "transport");
	struct_begin(d);
	show_transport(d, buf + TRANSPORT, given, len - TRANSPORT,
		       family == AF_INET ? "sin" : family == AF_INET6 ? "sin6" : NULL);
	struct_end(d);
}

/* ---- families whose addresses are plain structures ---- */

void show_ipx_network(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	if (!net_order_begin(d, at, 4))
		return;
	show_textf(d, "htonl(0x%02x%02x%02x%02x)", at[0], at[1], at[2], at[3]);
	net_order_end(d);
}

#define PLAIN_FAMILY(name) \
	static void show_##name(struct decoder *d, const uint8_t *buf, size_t len UNUSED) \
	{ \
		show_members(d, &layout_sockaddr_##name, buf); \
	}
PLAIN_FAMILY(ipx)
PLAIN_FAMILY(x25)
PLAIN_FAMILY(qrtr)
PLAIN_FAMILY(mctp)

/* ---- all of them ---- */

struct family {
	void (*show)(struct decoder *d, const uint8_t *buf, size_t len);
	uint8_t least;		/* bytes; an address that is shorter is shown as bytes */
};

static const struct family families[] = {
	[AF_UNIX] = {show_unix, 3},
	[AF_INET] = {show_inet, sizeof(struct sockaddr_in)},
	[AF_INET6] = {show_inet6, 24},		/* without a scope, as before Linux 2.4 */
	[AF_IPX] = {show_ipx, 16},
	[AF_X25] = {show_x25, 18},
	[AF_NETLINK] = {show_netlink, sizeof(struct sockaddr_nl)},
	[AF_PACKET] = {show_packet, 12},
	[AF_RXRPC] = {show_rxrpc, 36},
	[AF_IEEE802154] = {show_ieee802154, 20},
	[AF_ALG] = {show_alg, ALG_NAME + 1},
	[AF_NFC] = {show_nfc, NFC_SIZE},
	[AF_VSOCK] = {show_vsock, 16},
	[AF_QIPCRTR] = {show_qrtr, 12},
	[AF_XDP] = {show_xdp, 16},
	[45] = {show_mctp, 12},		/* AF_MCTP */
};

void show_sockaddr(struct decoder *d, const void *buf, size_t len)
{
	uint16_t family;
	memcpy(&family, buf, sizeof(family));
	struct_begin(d);
	field_flags(d, "sa_family", &flag_set_address_families, family);
	if (family < ARRAY_SIZE(families) && families[family].show && len >= families[family].least) {
		families[family].show(d, buf, len);
	} else if (len > 2) {
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
