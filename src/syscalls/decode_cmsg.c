/* Control messages of sendmsg and recvmsg, by the tables of layouts/socket.tbl. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

#define CONTROL_MAX 4096

static const struct value_table *table_of(uint32_t level)
{
	switch (level) {
	case SOL_SOCKET: return &cmsg_socket;
	case IPPROTO_IP: return &cmsg_ip;
	case IPPROTO_IPV6: return &cmsg_ipv6;
	default: return NULL;
	}
}

/* Data that is shorter than its type: "???". Nothing for none. */
static void show_data(struct decoder *d, const struct field_desc *type, const uint8_t *at, size_t len)
{
	struct field_desc sized = *type;
	size_t size = value_size(type);
	if (type->format == FIELD_BYTES) {
		size_t limit = d->options->string_limit;
		show_bytes(d, at, len < limit ? len : limit, len > limit);
		return;
	}
	if (len < size) {
		show_text(d, "???");
		return;
	}
	if (type->count == FIELD_COUNT_REST)
		sized.count = (uint16_t)(len / type->size);
	bool brackets = !sized.count && sized.format != FIELD_STRUCT && sized.format != FIELD_CUSTOM;
	wrap(d, brackets ? "[" : "");
	show_value(d, &sized, at, at);
	wrap(d, brackets ? "]" : "");
}

static void show_cmsg(struct decoder *d, const uint8_t *at, size_t len)
{
	size_t head = d->word + 8u;
	uint32_t level = (uint32_t)decode_uint_at(at + d->word, 4);
	uint32_t type = (uint32_t)decode_uint_at(at + d->word + 4, 4);
	const struct value_table *table = table_of(level);
	static const struct field_desc bytes = {.format = FIELD_BYTES};
	struct_begin(d);
	field_uint(d, "cmsg_len", decode_word_at(d, at));
	field_flags(d, "cmsg_level", &flag_set_socket_levels, level);
	field(d, "cmsg_type");
	if (table)
		show_flags(d, table->names, type);
	else
		show_hex(d, type);
	const struct field_desc *value = table ? value_table_find(table, type) : NULL;
	bool none = value && value->count == FIELD_COUNT_REST && len - head < value->size;
	if (len > head && !none) {
		field(d, "cmsg_data");
		show_data(d, value ? value : &bytes, at + head, len - head);
	}
	struct_end(d);
}

/* Behind what is too long to be read, or ends within a header. */
static void show_rest(struct decoder *d, uint64_t addr)
{
	element(d);
	wrap(d, "... /* ");
	show_pointer(d, addr);
	wrap(d, " */");
}

void show_control_at(struct decoder *d, uint64_t addr, uint64_t len)
{
	uint8_t buf[CONTROL_MAX];
	size_t head = d->word + 8u;
	uint64_t have = len < sizeof(buf) ? len : sizeof(buf);
	if (len < head || !decode_read(d, addr, buf, have)) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t at = 0; at < have;) {
		if (have - at < head) {
			show_rest(d, addr + at);
			break;
		}
		uint64_t size = decode_word_at(d, buf + at);
		bool whole = size >= head && size <= have - at;
		element(d);
		show_cmsg(d, buf + at, size < head ? head : whole ? size : have - at);
		uint64_t step = (size + d->word - 1u) & ~(uint64_t)(d->word - 1u);
		if (size < head) {
			if (have - at > head)
				show_rest(d, addr + at + head);
			break;
		}
		if (have < len && step >= have - at)
			elided(d);
		if (!whole || step >= have - at)
			break;
		at += step;
	}
	array_end(d);
}

void show_offender(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_sockaddr(d, at, sizeof(struct sockaddr_in));
}
