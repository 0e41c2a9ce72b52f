/* Messages of nfnetlink: a type is a subsystem and that subsystem's message. */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_netlink.h"
#include "syscalls/flag_sets.h"

static const struct flag_set *messages_of(uint8_t subsystem)
{
	static const struct flag_set *const sets[] = {
		[NFNL_SUBSYS_CTNETLINK] = &flag_set_nfnl_ctnetlink,
		[NFNL_SUBSYS_CTNETLINK_EXP] = &flag_set_nfnl_ctnetlink_exp,
		[NFNL_SUBSYS_QUEUE] = &flag_set_nfnl_queue,
		[NFNL_SUBSYS_ULOG] = &flag_set_nfnl_ulog,
		[NFNL_SUBSYS_OSF] = &flag_set_nfnl_osf,
		[NFNL_SUBSYS_IPSET] = &flag_set_nfnl_ipset,
		[NFNL_SUBSYS_ACCT] = &flag_set_nfnl_acct,
		[NFNL_SUBSYS_CTNETLINK_TIMEOUT] = &flag_set_nfnl_cttimeout,
		[NFNL_SUBSYS_CTHELPER] = &flag_set_nfnl_cthelper,
		[NFNL_SUBSYS_NFTABLES] = &flag_set_nfnl_nftables,
		[NFNL_SUBSYS_NFT_COMPAT] = &flag_set_nfnl_nft_compat,
	};
	return subsystem < ARRAY_SIZE(sets) ? sets[subsystem] : NULL;
}

static bool is_batch(uint16_t type)
{
	return type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
}

void show_netfilter_type(struct decoder *d, uint16_t type)
{
	const struct flag_set *set = messages_of((uint8_t)(type >> 8));
	if (is_batch(type)) {
		show_flags(d, &flag_set_nfnl_batch, type);
		return;
	}
	if (!d->p->ops->joins) {	/* two values are none of JSON's */
		show_uint(d, type);
		return;
	}
	show_flags(d, &flag_set_nfnl_subsystems, type >> 8);
	wrap(d, "<<8|");
	if (set)
		show_flags(d, set, type & 0xff);
	else
		show_hex(d, type & 0xff);
}

const struct flag_set *netfilter_flags(uint16_t type)
{
	const struct flag_set *set = messages_of((uint8_t)(type >> 8));
	return flags_by_name(is_batch(type) ? NULL : set, type & 0xff);
}

/* The resource is a subsystem in network order, or, by mistake, in ours. */
static void show_resource(struct decoder *d, uint16_t type, uint16_t id)
{
	uint16_t host = (uint16_t)(id << 8 | id >> 8);
	const char *name = flag_set_name_of(&flag_set_nfnl_subsystems, type >> 8);
	bool known = name && !is_batch(type);
	field(d, "res_id");
	if (known && id == type >> 8) {
		show_flags(d, &flag_set_nfnl_subsystems, id);
		return;
	}
	wrap(d, "htons(");
	if (known && host == type >> 8)
		show_flags(d, &flag_set_nfnl_subsystems, host);
	else
		show_uint(d, host);
	wrap(d, ")");
}

bool show_netfilter_body(struct decoder *d, uint16_t type, uint64_t addr, size_t len)
{
	static const struct flag_set no_names = {.name = "none", .unknown = "", .exclusive = true};
	static const struct value_table no_table = {.names = &no_names, .other = {.format = FIELD_NOTHING}};
	struct nfgenmsg head;
	if (len < sizeof(head))
		return false;
	if (!decode_read(d, addr, &head, sizeof(head))) {
		show_pointer(d, addr);
		return true;
	}
	struct_begin(d);
	field_flags(d, "nfgen_family", &flag_set_address_families, head.nfgen_family);
	field_flags(d, "version", &flag_set_nfnl_versions, head.version);
	show_resource(d, type, head.res_id);
	struct_end(d);
	if (len == sizeof(head))
		return true;
	element(d);
	if (is_batch(type))
		show_hex_at(d, addr + sizeof(head), len - sizeof(head));
	else
		show_attrs_at(d, &no_table, addr + sizeof(head), len - sizeof(head));
	return true;
}
