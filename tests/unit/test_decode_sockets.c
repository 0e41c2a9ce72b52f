/* What calls on sockets look like, over fake memory: addresses, options, messages; and waiting for descriptors. */
#include <stdlib.h>
#include <string.h>

#include "decode_fake.h"

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
	suite_add_tcase(s, c);
	return run_suite(s);
}
