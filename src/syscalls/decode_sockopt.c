/* Socket options: their names and, by the tables of layouts/socket.tbl, their values. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define SOL_RAW_LEVEL 255	/* SOL_RAW */

/* Tables with types, and sets of names where no type is known. */
struct level {
	uint32_t level;
	const struct value_table *table;
	const struct flag_set *names;
	bool exact;	/* values are of their type's size, or not shown */
};

static const struct level levels[] = {
	{SOL_SOCKET, &sockopt_socket, NULL, false},
	{IPPROTO_IP, &sockopt_ip, NULL, false},
	{IPPROTO_IPV6, &sockopt_ipv6, NULL, false},
	{IPPROTO_TCP, &sockopt_tcp, NULL, false},
	{SOL_RAW_LEVEL, &sockopt_raw, NULL, false},
	{SOL_PACKET, &sockopt_packet, NULL, true},
	{IPPROTO_UDP, NULL, &flag_set_sockopts_udp, false},
	{IPPROTO_SCTP, NULL, &flag_set_sockopts_sctp, false},
	{SOL_NETLINK, NULL, &flag_set_sockopts_netlink, false},
	{SOL_IUCV, NULL, &flag_set_sockopts_iucv, false},
	{SOL_CAIF, NULL, &flag_set_sockopts_caif, false},
	{SOL_ALG, NULL, &flag_set_sockopts_alg, false},
	{SOL_NFC, NULL, &flag_set_sockopts_nfc, false},
	{SOL_KCM, NULL, &flag_set_sockopts_kcm, false},
	{SOL_TLS, NULL, &flag_set_sockopts_tls, false},
	{SOL_XDP, NULL, &flag_set_sockopts_xdp, false},
	{SOL_TIPC, NULL, &flag_set_sockopts_tipc, false},
	{SOL_RXRPC, NULL, &flag_set_sockopts_rxrpc, false},
	{SOL_PPPOL2TP, NULL, &flag_set_sockopts_pppol2tp, false},
	{SOL_BLUETOOTH, NULL, &flag_set_sockopts_bluetooth, false},
	{SOL_PNPIPE, NULL, &flag_set_sockopts_pnpipe, false},
	{SOL_RDS, NULL, &flag_set_sockopts_rds, false},
	{SOL_DCCP, NULL, &flag_set_sockopts_dccp, false},
	{SOL_LLC, NULL, &flag_set_sockopts_llc, false},
	{SOL_IRDA, NULL, &flag_set_sockopts_irda, false},
	{257, NULL, &flag_set_sockopts_ax25, false},	/* SOL_AX25 */
	{256, NULL, &flag_set_sockopts_ipx, false},	/* SOL_IPX */
	{287, NULL, &flag_set_sockopts_vsock, false},	/* SOL_VSOCK */
};

static const struct level *level_of(uint64_t level)
{
	for (size_t n = 0; n < ARRAY_SIZE(levels); n++) {
		if (levels[n].level == (uint32_t)level)
			return &levels[n];
	}
	return NULL;
}

static void decode_sockopt_name(struct decoder *d, unsigned i)
{
	const struct level *level = level_of(decode_link(d, i, 0));
	uint32_t name = (uint32_t)decode_arg(d, i);
	if (level && level->level == SOL_SOCKET && name == SO_ATTACH_FILTER && d->call->id == CALL_setsockopt)
		show_hex_symbol(d, "SO_ATTACH_FILTER", name);
	else if (level)
		show_flags(d, level->table ? level->table->names : level->names, name);
	else
		show_hex(d, name);
}

const struct decode_type decode_type_sockopt_name = {.decode = decode_sockopt_name};

/* The type of a value of len bytes; NULL: none is known. */
static const struct field_desc *type_of(struct decoder *d, unsigned i, int32_t len)
{
	const struct level *level = level_of(decode_link(d, i, 0));
	if (!level || !level->table)
		return NULL;
	uint32_t name = (uint32_t)decode_link(d, i, 1);
	const struct field_desc *type = value_table_find(level->table, name);
	if (type == &level->table->other && !flag_set_name_of(level->table->names, name))
		return NULL;
	if (!type || type->format == FIELD_NOTHING || (type->optional && len < (int32_t)value_size(type)))
		return NULL;
	return type;
}

/* A value that no table knows: a number if it has the size of one. */
static void show_unknown(struct decoder *d, uint64_t addr, int32_t len)
{
	static const struct field_desc number = {.format = FIELD_SINT, .size = 4};
	if (len == 4)
		show_value_at(d, &number, addr, 4, true);
	else if (len < 0)
		show_pointer(d, addr);
	else
		show_bytes_at(d, addr, (uint32_t)len);
}

static void decode_sockopt_in(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	int32_t len = (int32_t)decode_arg(d, i + 1);
	const struct field_desc *type = type_of(d, i, len);
	const struct level *level = level_of(decode_link(d, i, 0));
	if (!type)
		show_unknown(d, addr, len);
	else if (level->exact && (size_t)len != value_size(type))
		show_pointer(d, addr);
	else if (!addr || len < 0 || (size_t)len < value_size(type))
		show_pointer(d, addr);
	else
		show_value_at(d, type, addr, (size_t)len, true);
}

/* The kernel may have written less than the whole. */
static void show_written(struct decoder *d, const struct field_desc *type, uint64_t addr, size_t len)
{
	uint8_t buf[LAYOUT_SIZE_MAX];
	if (type->format != FIELD_STRUCT || type->count || len >= value_size(type)) {
		show_value_at(d, type, addr, len, true);
		return;
	}
	if (decode_fetch(d, addr, buf, len))
		show_struct_part(d, type->arg, buf, len);
}

static void decode_sockopt_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (!addr || decode_failed(d) || !socklen_after(d, decode_arg(d, i + 1))) {
		show_pointer(d, addr);
		return;
	}
	int32_t len = (int32_t)d->scratch;
	const struct field_desc *type = type_of(d, i, len);
	if (len <= 0)
		show_pointer(d, addr);
	else if (type)
		show_written(d, type, addr, (size_t)len);
	else
		show_unknown(d, addr, len);
}

const struct decode_type decode_type_sockopt_in = {.decode = decode_sockopt_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sockopt_out = {.decode = decode_sockopt_out, .needs = NEEDS_MEMORY};

/* ---- values with a form of their own ---- */

void show_packet_address(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint16_t len = (uint16_t)decode_uint_at(whole + 6, 2);
	const struct field_desc mac = {.format = FIELD_MAC, .size = len < 8 ? len : 8};
	show_value(d, &mac, at, whole);
}

void show_group_address(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_sockaddr(d, at, sizeof(struct sockaddr_storage));
}

/* The types of ICMP that are let through: a set bit stops one. */
void show_icmp_filter(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	const struct flag_set *set = &flag_set_icmp_types;
	uint32_t bits = (uint32_t)decode_uint_at(at, 4);
	bool invert = __builtin_popcount(bits) > 16;
	if (invert)
		wrap(d, "~");
	if (invert)
		bits = ~bits;
	d->p->ops->list_begin(d->p);
	for (unsigned n = 0; n < 32; n++) {
		const char *name = flag_set_name_of(set, n);
		if (!(bits >> n & 1))
			continue;
		d->p->ops->item(d->p);
		if (name)
			show_symbol(d, name, n);
		else
			show_uint(d, n);
	}
	d->p->ops->list_end(d->p);
}
