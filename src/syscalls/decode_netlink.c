/*
 * Netlink messages in the buffers of sockets: header, body and attributes. Which protocol a socket speaks is asked only
 * where the bytes look like a message: most sends are none, and asking is dear.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_netlink.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define HEAD sizeof(struct nlmsghdr)
#define MESSAGES_DEPTH 2	/* an error carries the message that it is about, once */

/* ---- what socket it is ---- */

/* Nothing that decides, only what rules out text and most other protocols. */
static bool looks_like_message(const uint8_t *buf, size_t len)
{
	struct nlmsghdr h;
	if (len < sizeof(h))
		return false;
	memcpy(&h, buf, sizeof(h));
	return h.nlmsg_len < 1u << 24 && h.nlmsg_flags < 0x1000;
}

/* A netlink socket whose protocol is not known, as it is not bound: no type of message has a name there. */
#define UNBOUND 0x100

/* The protocol of a netlink socket; -1: it is none, or its messages are not netlink's. */
static int protocol_of(struct decoder *d, int fd)
{
	char text[256];
	static const char prefix[] = "NETLINK:[";
	ssize_t len = d->src->ops->fd_socket ? d->src->ops->fd_socket(d->src, fd, text, sizeof(text) - 1) : -1;
	if (len < 0)
		return -1;
	text[len] = '\0';
	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0)
		return -1;
	const char *name = text + sizeof(prefix) - 1;
	size_t name_len = strcspn(name, ":]");
	const struct flag_set *set = &flag_set_netlink_protocols;
	for (size_t n = 0; n < set->count; n++) {
		const char *known = set->names[n].name + strlen("NETLINK_");
		if (strlen(known) == name_len && memcmp(known, name, name_len) == 0)
			return set->names[n].value == NETLINK_KOBJECT_UEVENT ? -1 : (int)set->names[n].value;
	}
	return UNBOUND;
}

void show_socket_bytes_at(struct decoder *d, int fd, uint64_t addr, uint64_t len)
{
	uint8_t buf[4096];
	size_t limit = d->options->string_limit;
	size_t n = len < limit ? (size_t)len : limit;
	/* Too short for a message: of a netlink socket, bytes in hexadecimal. */
	if (addr && len && len < HEAD && n == len && protocol_of(d, fd) >= 0) {
		show_hex_at(d, addr, n);
		return;
	}
	if (!addr || n > sizeof(buf) || n < HEAD) {
		show_bytes_at(d, addr, len);
		return;
	}
	/* A message that ends in unreadable memory is shown as far as it goes. */
	bool all = decode_read(d, addr, buf, n);
	if (!all && !decode_read(d, addr, buf, HEAD)) {
		show_pointer(d, addr);
		return;
	}
	int protocol = looks_like_message(buf, HEAD) ? protocol_of(d, fd) : -1;
	if (protocol < 0 && !all)
		show_pointer(d, addr);
	else if (protocol < 0)
		show_bytes(d, buf, n, len > limit);
	else
		show_messages_at(d, protocol, addr, (size_t)(len < MESSAGES_MAX ? len : MESSAGES_MAX));
}

/* ---- the header ---- */

static const struct flag_set *types_of(int protocol)
{
	switch (protocol) {
	case NETLINK_ROUTE: return &flag_set_route_messages;
	case NETLINK_SOCK_DIAG: return &flag_set_sock_diag_messages;
	case NETLINK_XFRM: return &flag_set_xfrm_messages;
	case NETLINK_SELINUX: return &flag_set_selinux_messages;
	case NETLINK_AUDIT: return &flag_set_audit_messages;
	default: return NULL;
	}
}

static void show_message_type(struct decoder *d, int protocol, uint16_t type)
{
	const struct flag_set *set = type >= NLMSG_MIN_TYPE ? types_of(protocol) : NULL;
	field(d, "nlmsg_type");
	if (protocol == NETLINK_NETFILTER && type >= NLMSG_MIN_TYPE)
		show_netfilter_type(d, type);
	else if (protocol == NETLINK_GENERIC && type == 0x10)
		show_symbol(d, "nlctrl", type);
	else
		show_flags(d, set ? set : &flag_set_netlink_types, type);
}

static const struct flag_set *flags_of_route(uint16_t type)
{
	switch (type & 3) {
	case 0: return &flag_set_netlink_new_flags;
	case 1: return type == RTM_DELACTION ? &flag_set_netlink_get_flags : &flag_set_netlink_delete_flags;
	case 2: return &flag_set_netlink_get_flags;
	default: return &flag_set_netlink_plain_flags;
	}
}

const struct flag_set *flags_by_name(const struct flag_set *types, uint16_t type)
{
	const char *name = types ? flag_set_name_of(types, type) : NULL;
	if (!name)
		return &flag_set_netlink_plain_flags;
	if (strstr(name, "_GET"))
		return &flag_set_netlink_get_flags;
	if (strstr(name, "_DEL"))
		return &flag_set_netlink_delete_flags;
	return strstr(name, "_NEW") ? &flag_set_netlink_new_flags : &flag_set_netlink_plain_flags;
}

static const struct flag_set *flags_of(int protocol, uint16_t type)
{
	if (type < NLMSG_MIN_TYPE)
		return type == NLMSG_ERROR ? &flag_set_netlink_ack_flags : &flag_set_netlink_plain_flags;
	switch (protocol) {
	case NETLINK_ROUTE:
		return flags_of_route(type);
	case NETLINK_SOCK_DIAG:
		return type == SOCK_DESTROY ? &flag_set_netlink_plain_flags : &flag_set_netlink_get_flags;
	case NETLINK_NETFILTER:
		return netfilter_flags(type);
	default:
		return flags_by_name(types_of(protocol), type);
	}
}

static void show_header(struct decoder *d, int protocol, const struct nlmsghdr *h)
{
	struct_begin(d);
	field_uint(d, "nlmsg_len", h->nlmsg_len);
	show_message_type(d, protocol, h->nlmsg_type);
	field_flags(d, "nlmsg_flags", flags_of(protocol, h->nlmsg_type), h->nlmsg_flags);
	field_uint(d, "nlmsg_seq", h->nlmsg_seq);
	field_pid(d, "nlmsg_pid", (int32_t)h->nlmsg_pid);
	struct_end(d);
}

/* ---- the body ---- */

static void show_error(struct decoder *d, int protocol, uint64_t addr, size_t len)
{
	int32_t error;
	if (len < sizeof(struct nlmsgerr)) {
		show_hex_at(d, addr, len);
		return;
	}
	uint8_t whole[sizeof(struct nlmsgerr)];
	if (!decode_read(d, addr, whole, sizeof(whole))) {
		show_pointer(d, addr);
		return;
	}
	memcpy(&error, whole, sizeof(error));
	const char *name = error < 0 ? strerrorname_np(-error) : NULL;
	struct_begin(d);
	field(d, "error");
	if (name)
		wrap(d, "-");
	if (name)
		show_symbol(d, name, (uint64_t)-(int64_t)error);
	else
		show_sint(d, error);
	field(d, "msg");
	show_messages_at(d, protocol, addr + sizeof(error), len - sizeof(error));
	struct_end(d);
}

static void show_body(struct decoder *d, int protocol, const struct nlmsghdr *h, uint64_t addr, size_t len)
{
	static const struct field_desc number = {.format = FIELD_SINT, .size = 4};
	if (h->nlmsg_type == NLMSG_DONE && len >= 4)
		show_value_at(d, &number, addr, 4, false);
	else if (h->nlmsg_type == NLMSG_ERROR && d->messages < MESSAGES_DEPTH)
		show_error(d, protocol, addr, len);
	else if (h->nlmsg_type < NLMSG_MIN_TYPE || !show_netlink_body(d, protocol, h->nlmsg_type, h->nlmsg_flags, addr, len))
		show_hex_at(d, addr, len);
}

/* ---- a list of messages ---- */

static size_t aligned(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static bool goes_on(const struct nlmsghdr *h, size_t len)
{
	return h->nlmsg_len >= HEAD && aligned(h->nlmsg_len) < len;
}

static void show_message(struct decoder *d, int protocol, const struct nlmsghdr *h, uint64_t addr, size_t room)
{
	size_t len = h->nlmsg_len < room ? h->nlmsg_len : room;
	if (len <= HEAD) {
		show_header(d, protocol, h);
		return;
	}
	array_begin(d);
	element(d);
	show_header(d, protocol, h);
	element(d);
	show_body(d, protocol, h, addr + HEAD, len - HEAD);
	array_end(d);
}

/* The next header at addr; what stands there instead is shown, and false returned. */
static bool next_header(struct decoder *d, struct nlmsghdr *h, uint64_t addr, size_t len)
{
	if (len < HEAD) {
		element(d);
		show_hex_at(d, addr, len);
		return false;
	}
	if (decode_read(d, addr, h, sizeof(*h)))
		return true;
	element(d);
	wrap(d, "... /* ");
	show_pointer(d, addr);
	wrap(d, " */");
	return false;
}

static void show_several(struct decoder *d, int protocol, struct nlmsghdr *h, uint64_t addr, size_t len)
{
	array_begin(d);
	for (unsigned n = 0;; n++) {
		if (n == d->options->string_limit && !d->options->verbose) {
			elided(d);
			break;
		}
		element(d);
		show_message(d, protocol, h, addr, len);
		if (!goes_on(h, len))
			break;
		size_t step = aligned(h->nlmsg_len);
		addr += step;
		len -= step;
		if (!next_header(d, h, addr, len))
			break;
	}
	array_end(d);
}

void show_messages_at(struct decoder *d, int protocol, uint64_t addr, size_t len)
{
	struct nlmsghdr h;
	if (len < sizeof(h)) {
		show_hex_at(d, addr, len);
		return;
	}
	if (!decode_read(d, addr, &h, sizeof(h))) {
		show_pointer(d, addr);
		return;
	}
	d->messages++;
	if (goes_on(&h, len))
		show_several(d, protocol, &h, addr, len);
	else
		show_message(d, protocol, &h, addr, len);
	d->messages--;
}

/* ---- parameters ---- */

static void decode_socket_buf_in(struct decoder *d, unsigned i)
{
	show_socket_bytes_at(d, (int)decode_link(d, i, 0), decode_arg(d, i), decode_link(d, i, 1));
}

static void decode_socket_buf_out(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_failed(d)) {
		show_pointer(d, addr);
		return;
	}
	uint64_t len = (uint64_t)d->result->value;
	uint64_t room = decode_link(d, i, 1);
	/* With MSG_TRUNC the result is the length of what did not fit. */
	show_socket_bytes_at(d, (int)decode_link(d, i, 0), addr, len <= room ? len : room);
}

const struct decode_type decode_type_socket_buf_in = {.decode = decode_socket_buf_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_socket_buf_out = {.decode = decode_socket_buf_out, .needs = NEEDS_MEMORY};
