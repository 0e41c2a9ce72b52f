/* Netlink messages, shared by the files that decode them. */
#ifndef TRAPLINE_SYSCALLS_DECODE_NETLINK_H
#define TRAPLINE_SYSCALLS_DECODE_NETLINK_H

#include "syscalls/decode_priv.h"

#define MESSAGES_MAX (1u << 20)	/* bytes of messages that are looked at */

/* A list of messages of a protocol (NETLINK_ROUTE, ...). */
void show_messages_at(struct decoder *d, int protocol, uint64_t addr, size_t len);

/* What is behind a header of the protocol's own type; false: nothing is known of it. len is not 0. */
bool show_netlink_body(struct decoder *d, int protocol, uint16_t type, uint16_t flags, uint64_t addr, size_t len);

/* What flags mean depends on what the message does, which its name tells. types may be NULL. */
const struct flag_set *flags_by_name(const struct flag_set *types, uint16_t type);

/* decode_netfilter.c: what nfnetlink has. False: the body is of no form that is known. */
void show_netfilter_type(struct decoder *d, uint16_t type);
const struct flag_set *netfilter_flags(uint16_t type);
bool show_netfilter_body(struct decoder *d, uint16_t type, uint64_t addr, size_t len);

#endif
