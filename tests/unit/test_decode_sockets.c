/* What calls on sockets look like, over fake memory: addresses, options, messages; and waiting for descriptors. */
#include <stdlib.h>
#include <string.h>

#include "decode_fake.h"
#include "run_suite.h"

#define BAD_FD (-9)
#define NOT_OPEN "= -1 EBADF (Bad file descriptor)"

static void expect_address(const char *want, const void *address, size_t len)
{
	char text[512];
	(void)snprintf(text, sizeof(text), "connect(-1, %s, %zu) " NOT_OPEN, want, len);
	expect(text, "connect", BAD_FD, ARGS(UINT64_MAX, put(0, address, len), len));
}

START_TEST(addresses_of_families)
{
	const struct { uint16_t family, flags; uint32_t ifindex, queue, fd; } xdp = {44, 2, 1, 5, 9};
	expect_address("{sa_family=AF_XDP, sxdp_flags=XDP_COPY, sxdp_ifindex=if_nametoindex(\"lo\"), sxdp_queue_id=5, "
		       "sxdp_shared_umem_fd=0x9}", &xdp, 16);
	const struct { uint16_t family, zero; uint32_t port, cid; uint8_t flags, rest[3]; } vm = {40, 0, 80, 2, 1, {0, 7}};
	expect_address("{sa_family=AF_VSOCK, svm_cid=VMADDR_CID_HOST, svm_port=0x50, svm_flags=VMADDR_FLAG_TO_HOST, "
		       "svm_zero=\"\\x00\\x07\\x00\"}", &vm, 16);
	struct { uint16_t family; char type[14]; uint32_t feat, mask; char name[64]; } alg = {
		38, "hash", 0x1000, 0x2000, "sha256",
	};
	expect_address("{sa_family=AF_ALG, salg_type=\"hash\", salg_feat=0x1000 /* CRYPTO_ALG_KERN_DRIVER_ONLY */, "
		       "salg_mask=0x2000 /* CRYPTO_ALG_??? */, salg_name=\"sha256\"}", &alg, 88);
	const uint8_t nfc[96] = {39, [4] = 2, [8] = 3, [12] = 5, [16] = 1, 32, 'u', 'r', 'n', [88] = 3};
	expect_address("{sa_family=AF_NFC, dev_idx=if_nametoindex(\"eth0\"), target_idx=0x3, nfc_protocol=NFC_PROTO_NFC_DEP, "
		       "dsap=0x1 /* LLCP_SAP_SDP */, ssap=0x20, service_name=\"urn\", service_name_len=3}", nfc, 96);
	const uint8_t rxrpc[36] = {33, 0, 1, 0, 2, 0, 16, 0, 2, 0, 0x1b, 0x5b, 127, 0, 0, 1};
	expect_address("{sa_family=AF_RXRPC, srx_service=0x1 /* CM_SERVICE */, transport_type=SOCK_DGRAM, transport_len=16, "
		       "transport={sin={sin_family=AF_INET, sin_port=htons(7003), sin_addr=inet_addr(\"127.0.0.1\")}}}",
		       rxrpc, 36);
	const uint8_t wpan[20] = {36, [4] = 2, [8] = 0xff, 0xff, 5};
	expect_address("{sa_family=AF_IEEE802154, addr={addr_type=0x2 /* IEEE802154_ADDR_SHORT */, pan_id=0xffff "
		       "/* IEEE802154_PANID_BROADCAST */, short_addr=0x5}}", wpan, 20);
	const uint8_t ipx[16] = {4, 0, 0x30, 0x39, 0xfa, 0xce, 0xfe, 0xed, 1, 2, 3, 4, 5, 6, 0xff};
	expect_address("{sa_family=AF_IPX, sipx_port=htons(12345), sipx_network=htonl(0xfacefeed), "
		       "sipx_node=[0x1, 0x2, 0x3, 0x4, 0x5, 0x6], sipx_type=0xff}", ipx, 16);
	const uint8_t ll[20] = {17, 0, 0, 3, 2, 0, 0, 0, 1, 0, 0, 2, 0xab, 1};
	expect_address("{sa_family=AF_PACKET, sll_protocol=htons(ETH_P_ALL), sll_ifindex=if_nametoindex(\"eth0\"), "
		       "sll_hatype=ARPHRD_ETHER, sll_pkttype=PACKET_HOST, sll_halen=2, sll_addr=[0xab, 0x01]}", ll, 20);
}
END_TEST

START_TEST(values_in_network_order)
{
	const uint8_t in[16] = {2, 0, 0, 80, 127, 0, 0, 1};
	options.consts = CONST_RAW;
	expect_address("{sa_family=0x2, sin_port=\"\\x00\\x50\", sin_addr=\"\\x7f\\x00\\x00\\x01\"}", in, 16);
	options.consts = CONST_VERBOSE;
	expect_address("{sa_family=0x2 /* AF_INET */, sin_port=\"\\x00\\x50\" /* htons(80) */, "
		       "sin_addr=\"\\x7f\\x00\\x00\\x01\" /* inet_addr(\"127.0.0.1\") */}", in, 16);
}
END_TEST

START_TEST(options_without_a_type)
{
	const uint32_t value[2] = {1, 2};
	uint64_t at = put(0, value, sizeof(value));
	expect("setsockopt(3, SOL_SOCKET, 0xffff /* SO_??? */, \"\\1\\0\\0\\0\\2\", 5) = 0", "setsockopt", 0,
	       ARGS(3, 1, 0xffff, at, 5));
	expect("setsockopt(3, SOL_SOCKET, SO_KEEPALIVE, [1], 5) = 0", "setsockopt", 0, ARGS(3, 1, 9, at, 5));
}
END_TEST

START_TEST(what_recvmmsg_was_to_wait_for)
{
	int64_t timeout[2] = {3, 5};
	uint64_t at = put(0, timeout, sizeof(timeout));
	expect("recvmmsg(-1, NULL, 0, 0, {tv_sec=3, tv_nsec=5}) " NOT_OPEN, "recvmmsg", BAD_FD, ARGS(UINT64_MAX, 0, 0, 0, at));
	options.undecoded = true;
	char text[96];
	(void)snprintf(text, sizeof(text), "recvmmsg(3, %#llx, 1, 0, %#llx) = 1", (unsigned long long)at, (unsigned long long)at);
	expect(text, "recvmmsg", 1, ARGS(3, at, 1, 0, at));
}
END_TEST

START_TEST(messages_are_dumped_one_by_one)
{
	struct decode_dump *dump = calloc(1, sizeof(*dump));
	struct strbuf AUTO_STRBUF out = {0};
	const uint64_t iov[2] = {put(0, "ab", 2), 2};
	const uint64_t message[8] = {[2] = put(64, iov, sizeof(iov)), [3] = 1, [7] = 2};
	struct decode_call call = {
		.id = CALL_sendmmsg, .abi = ABI_X86_64, .args = {1, put(128, message, sizeof(message)), 1},
	};
	const struct decode_result result = {.value = 1};
	ck_assert_ptr_nonnull(dump);
	dump->write.bits[0] = 2;
	options.dump = dump;
	decode_dump_text(&call, &result, &options, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), " = 1 buffers in vector 0\n * 2 bytes in buffer 0\n"
			 " | 00000  61 62                                             ab               |\n");
	/* A write that failed, of bytes of which some are not there. */
	const struct decode_result refused = {.value = -EBADF, .is_error = true};
	strbuf_clear(&out);
	call.id = CALL_write;
	call.tid = 9;
	call.args[1] = put(MEMORY_SIZE - 4096, "c", 1);
	call.args[2] = 4098;
	decode_dump_text(&call, &refused, &options, &memory.base, &out);
	const char *rest = strstr(strbuf_str(&out), " | <");
	ck_assert_int_eq(strncmp(strbuf_str(&out), " | 00000  63 00", 15), 0);
	ck_assert_ptr_nonnull(rest);
	ck_assert_str_eq(rest, " | <Cannot fetch 2 bytes from pid 9 @0x20000>\n");
	free(dump);
}
END_TEST

static void note_path(struct printer *p UNUSED, const char *path)
{
	ck_assert_uint_lt(options.string_limit, 3);
	options.string_limit += strcmp(path, "/fd/8") == 0 ? 100 : 0;
}

/* -P asks for descriptors that -s leaves out. */
START_TEST(descriptors_that_are_not_shown)
{
	const struct { int fd; int16_t events, revents; } fds[2] = {{3, 1, 0}, {8, 1, 0}};
	uint64_t at = put(MEMORY_SIZE - sizeof(fds), fds, sizeof(fds));
	options.string_limit = 1;
	expect("poll([{fd=3, events=POLLIN}, ...], 2, 0) = 0 (Timeout)", "poll", 0, ARGS(at, 2));
	char text[96];
	uint64_t end = MEMORY_BASE + MEMORY_SIZE;
	(void)snprintf(text, sizeof(text), "poll([{fd=8, events=POLLIN}, ... /* %#llx */], 2, 0) = 0 (Timeout)",
		       (unsigned long long)end);
	expect(text, "poll", 0, ARGS(at + sizeof(fds[0]), 2));
	struct printer_ops ops = *null_printer()->ops;
	struct printer p = {.ops = &ops};
	struct decode_call call = {.id = CALL_poll, .abi = ABI_X86_64, .args = {at, 2}};
	ops.met = note_path;
	options.fd_paths = 1;
	options.all_fds = true;
	(void)decode_enter(&call, &options, &memory.base, &p);
	ck_assert_uint_eq(options.string_limit, 101);
}
END_TEST

/* A request of rtnetlink: a header, a body and attributes; what is shown behind the header. */
static void expect_route(const char *want, uint16_t type, const void *body, size_t body_len, const void *attrs, size_t len)
{
	uint8_t m[512];
	char text[1024];
	uint32_t total = (uint32_t)(16 + body_len + len);
	memset(m, 0, sizeof(m));
	memcpy(m, &total, 4);
	memcpy(m + 4, &type, 2);
	m[6] = 1;
	memcpy(m + 16, body, body_len);
	memcpy(m + 16 + body_len, attrs, len);
	struct strbuf AUTO_STRBUF out = {0};
	struct decode_call call = {.id = CALL_sendto, .abi = ABI_X86_64, .args = {5, put(0, m, total), total}};
	const struct decode_result result = {.value = total};
	text_of(call, &result, &memory.base, &out);
	(void)snprintf(text, sizeof(text), "%s], %u, 0, NULL, 0) = %u", want, total, total);
	const char *found = strstr(strbuf_str(&out), "nlmsg_pid=0}, ");
	ck_assert_ptr_nonnull(found);
	ck_assert_str_eq(found + strlen("nlmsg_pid=0}, "), text);
}

START_TEST(attributes_of_links)
{
	const uint8_t link[16] = {0};
	const uint8_t bridge[] = {
		36, 0, 18, 0,
		11, 0, 1, 0, 'b', 'r', 'i', 'd', 'g', 'e', 0, 0,
		20, 0, 2, 0,  5, 0, 7, 0, 1, 0, 0, 0,  8, 0, 1, 0, 0xdc, 5, 0, 0,
	};
	expect_route("{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index=0, ifi_flags=0, ifi_change=0}, "
		     "[{nla_len=36, nla_type=IFLA_LINKINFO}, [[{nla_len=11, nla_type=IFLA_INFO_KIND}, \"bridge\"], "
		     "[{nla_len=20, nla_type=IFLA_INFO_DATA}, [[{nla_len=5, nla_type=IFLA_BR_VLAN_FILTERING}, 1], "
		     "[{nla_len=8, nla_type=IFLA_BR_FORWARD_DELAY}, 1500 /* 15.00 s */]]]]]", 18, link, sizeof(link), bridge,
		     sizeof(bridge));
	const uint8_t event[] = {8, 0, 44, 0, 4, 0, 0, 0};
	expect_route("{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index=0, ifi_flags=0, ifi_change=0}, "
		     "[{nla_len=8, nla_type=IFLA_EVENT}, IFLA_EVENT_NOTIFY_PEERS]", 18, link, sizeof(link), event, sizeof(event));
	const uint8_t conf[] = {16, 0, 26, 0, 12, 0, 2, 0, 8, 0, 1, 0, 1, 0, 0, 0};
	expect_route("{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index=0, ifi_flags=0, ifi_change=0}, "
		     "[{nla_len=16, nla_type=IFLA_AF_SPEC}, [{nla_len=12, nla_type=AF_INET}, [{nla_len=8, "
		     "nla_type=IFLA_INET_CONF}, [[IPV4_DEVCONF_FORWARDING-1]=1]]]]", 18, link, sizeof(link), conf, sizeof(conf));
	const uint8_t spec[16] = {7};
	const uint8_t vlan[] = {12, 0, 26, 0, 8, 0, 2, 0, 2, 0, 10, 0};
	expect_route("{ifi_family=AF_BRIDGE, ifi_type=ARPHRD_NETROM, ifi_index=0, ifi_flags=0, ifi_change=0}, "
		     "[{nla_len=12, nla_type=IFLA_AF_SPEC}, [{nla_len=8, nla_type=IFLA_BRIDGE_VLAN_INFO}, "
		     "{flags=BRIDGE_VLAN_INFO_PVID, vid=10}]]", 18, spec, sizeof(spec), vlan, sizeof(vlan));
}
END_TEST

START_TEST(less_than_a_netlink_message)
{
	expect("sendto(5, \"\\x61\\x62\", 2, 0, NULL, 0) = 2", "sendto", 2, ARGS(5, put(0, "ab", 2), 2));
	expect("sendto(3, \"ab\", 2, 0, NULL, 0) = 2", "sendto", 2, ARGS(3, put(0, "ab", 2), 2));
}
END_TEST

START_TEST(attributes_of_routes)
{
	const uint8_t route[12] = {2};
	const uint8_t paths[] = {
		36, 0, 9, 0,
		16, 0, 4, 1, 2, 0, 0, 0,  8, 0, 5, 0, 10, 0, 0, 1,
		16, 0, 0, 0, 2, 0, 0, 0,  8, 0, 18, 0, 2, 0, 10, 0,
	};
	const char *want = "{rtm_family=AF_INET, rtm_dst_len=0, rtm_src_len=0, rtm_tos=0, rtm_table=RT_TABLE_UNSPEC, "
		"rtm_protocol=RTPROT_UNSPEC, rtm_scope=RT_SCOPE_UNIVERSE, rtm_type=RTN_UNSPEC, rtm_flags=0}, "
		"[{nla_len=36, nla_type=RTA_MULTIPATH}, [[{rtnh_len=16, rtnh_flags=RTNH_F_ONLINK, rtnh_hops=1, "
		"rtnh_ifindex=if_nametoindex(\"eth0\")}, [{nla_len=8, nla_type=RTA_GATEWAY}, inet_addr(\"10.0.0.1\")]], "
		"[{rtnh_len=16, rtnh_flags=0, rtnh_hops=0, rtnh_ifindex=if_nametoindex(\"eth0\")}, "
		"[{nla_len=8, nla_type=RTA_VIA}, {rtvia_family=AF_INET, rtvia_addr=\"\\x0a\\x00\"}]]]]";
	expect_route(want, 24, route, sizeof(route), paths, sizeof(paths));
	const uint8_t hop[8] = {2, 0, 3, 0, 4};
	const uint8_t id[] = {8, 0, 1, 0, 7, 0, 0, 0};
	expect_route("{nh_family=AF_INET, nh_scope=RT_SCOPE_UNIVERSE, nh_protocol=RTPROT_BOOT, nh_flags=RTNH_F_ONLINK}, "
		     "[{nla_len=8, nla_type=NHA_ID}, 7]", 104, hop, sizeof(hop), id, sizeof(id));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode_sockets");
	TCase *c = tcase_create("calls");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, addresses_of_families);
	tcase_add_test(c, values_in_network_order);
	tcase_add_test(c, options_without_a_type);
	tcase_add_test(c, what_recvmmsg_was_to_wait_for);
	tcase_add_test(c, messages_are_dumped_one_by_one);
	tcase_add_test(c, descriptors_that_are_not_shown);
	tcase_add_test(c, attributes_of_links);
	tcase_add_test(c, attributes_of_routes);
	tcase_add_test(c, less_than_a_netlink_message);
	suite_add_tcase(s, c);
	return run_suite(s);
}
