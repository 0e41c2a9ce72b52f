/* What single calls, requests and messages look like, over fake memory. */
#include <signal.h>
#include <string.h>

#include "decode_fake.h"
#include "run_suite.h"

START_TEST(programs_of_filters)
{
	struct { uint16_t code; uint8_t jt, jf; uint32_t k; } f[] = {
		{0x30, 0, 0, 0xfffff000}, {0x15, 0, 1, 0x11}, {0x06, 0, 0, 0x50001},
	};
	struct { uint64_t len, filter; } program = {3, put(64, f, sizeof(f))};
	uint64_t at = put(0, &program, sizeof(program));
	expect("prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, {len=3, filter=0x10040}) = 0", "prctl", 0, ARGS(22, 2, at));
	options.verbose = true;
	expect("prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, {len=3, filter=[BPF_STMT(BPF_LD|BPF_B|BPF_ABS, 0xfffff000), "
	       "BPF_JUMP(BPF_JMP|BPF_K|BPF_JEQ, 0x11, 0, 0x1), BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_ERRNO|0x1)]}) = 0",
	       "prctl", 0, ARGS(22, 2, at));
	expect("setsockopt(3, SOL_SOCKET, SO_ATTACH_FILTER, {len=3, filter=[BPF_STMT(BPF_LD|BPF_B|BPF_ABS, "
	       "SKF_AD_OFF+SKF_AD_PROTOCOL), BPF_JUMP(BPF_JMP|BPF_K|BPF_JEQ, 0x11, 0, 0x1), "
	       "BPF_STMT(BPF_RET|BPF_K, 0x50001)]}, 16) = 0", "setsockopt", 0, ARGS(3, 1, 26, at, 16));
}
END_TEST

START_TEST(siginfo_of_i386_has_no_gaps)
{
	struct strbuf AUTO_STRBUF out = {0};
	const uint32_t child[32] = {SIGCHLD, 0, CLD_EXITED, 42, 7, 3, 1, 2};
	const uint32_t fault[32] = {SIGSEGV, 0, 1, 0x1234};
	const uint32_t sent[32] = {SIGUSR1, 0, (uint32_t)SI_QUEUE, 42, 7, 9};
	const struct decode_result result = {0};
	struct decode_call call = {.id = CALL_waitid, .abi = ABI_I386, .args = {1, 42, put(0, child, sizeof(child)), 4, 0}};
	text_of(call, &result, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), "waitid(P_PID, 42, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=42, si_uid=7, si_status=3, "
			 "si_utime=1 /* 0.01 s */, si_stime=2 /* 0.02 s */}, WEXITED, NULL) = 0");
	strbuf_clear(&out);
	call = (struct decode_call){.id = CALL_rt_sigtimedwait, .abi = ABI_I386, .args = {0, put(0, fault, sizeof(fault)), 0, 8}};
	text_of(call, &(struct decode_result){.value = SIGSEGV}, &memory.base, &out);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x1234}"));
	strbuf_clear(&out);
	call = (struct decode_call){.id = CALL_rt_sigqueueinfo, .abi = ABI_I386, .args = {42, SIGUSR1, put(0, sent, sizeof(sent))}};
	text_of(call, &result, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), "rt_sigqueueinfo(42, SIGUSR1, {si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=42, si_uid=7, "
			 "si_int=9, si_ptr=0x9}) = 0");
}
END_TEST

START_TEST(quotas_and_keys)
{
	const uint64_t info[3] = {7, 8, 0x700000001};
	uint64_t at = put(0, info, sizeof(info));
	uint64_t path = put(64, "/x", 3);
	expect("quotactl(QCMD(Q_GETINFO, USRQUOTA), \"/x\", {dqi_bgrace=7, dqi_igrace=8, dqi_flags=DQF_ROOT_SQUASH, "
	       "dqi_valid=IIF_BGRACE|IIF_IGRACE|IIF_FLAGS}) = 0", "quotactl", 0, ARGS(0x80000500, path, 0, at));
	expect("quotactl(QCMD(Q_SYNC, GRPQUOTA), \"/x\") = 0", "quotactl", 0, ARGS(0x80000101, path, 0, at));
	expect("keyctl(KEYCTL_UPDATE, 5, \"/x\", 2) = 0", "keyctl", 0, ARGS(2, 5, path, 2));
	expect("keyctl(KEYCTL_READ, 5, \"/x\\0\", 9) = 3", "keyctl", 3, ARGS(11, 5, path, 9));
	expect("keyctl(KEYCTL_SETPERM, 5, KEY_POS_VIEW) = 0", "keyctl", 0, ARGS(5, 5, 0x1000000));
}
END_TEST

START_TEST(attributes_of_bpf_are_of_its_command)
{
	uint32_t map[18] = {2, 4, 8, 1, 0x400, 3};
	strcpy((char *)&map[7], "m");
	uint64_t at = put(0, map, sizeof(map));
	expect("bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_ARRAY, key_size=4, value_size=8, max_entries=1, map_flags=BPF_F_MMAPABLE, "
	       "inner_map_fd=3}, 24) = 4", "bpf", 4, ARGS(0, at, 24));
	expect("bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_ARRAY, key_size=4, value_size=8, max_entries=1, map_flags=BPF_F_MMAPABLE, "
	       "inner_map_fd=3, map_name=\"m\", map_ifindex=0, btf_fd=0, btf_key_type_id=0, btf_value_type_id=0, "
	       "btf_vmlinux_value_type_id=0, map_extra=0}, 72) = 4", "bpf", 4, ARGS(0, at, 72));
	const uint32_t ids[2] = {7, 8};
	const uint64_t query[4] = {5, 0, put(128, ids, sizeof(ids)), 2};
	at = put(64, query, 28);
	expect("bpf(BPF_PROG_QUERY, {query={target_fd=5, attach_type=BPF_CGROUP_INET_INGRESS, query_flags=0, attach_flags=0, "
	       "prog_ids=[7, 8], prog_cnt=2}}, 28) = 0", "bpf", 0, ARGS(16, at, 28));
	const uint8_t insns[16] = {0xb7, 0x10, 0, 0, 1, 0, 0, 0, 0x95};
	const uint64_t load[6] = {1 | UINT64_C(2) << 32, put(256, insns, sizeof(insns)), put(320, "GPL", 4)};
	at = put(384, load, sizeof(load));
	options.verbose = true;
	expect("bpf(BPF_PROG_LOAD, {prog_type=BPF_PROG_TYPE_SOCKET_FILTER, insn_cnt=2, "
	       "insns=[{code=BPF_ALU64|BPF_K|BPF_MOV, dst_reg=BPF_REG_0, src_reg=BPF_REG_1, off=0, imm=0x1}, "
	       "{code=BPF_JMP|BPF_K|BPF_EXIT, dst_reg=BPF_REG_0, src_reg=BPF_REG_0, off=0, imm=0}], license=\"GPL\", log_level=0, "
	       "log_size=0, log_buf=NULL, kern_version=KERNEL_VERSION(0, 0, 0), prog_flags=0}, 48) = 4", "bpf", 4, ARGS(5, at, 48));
}
END_TEST

START_TEST(what_io_uring_registers_has_the_type_of_its_opcode)
{
	const int32_t fds[3] = {4, -1, -2};
	uint64_t files = put(0, fds, sizeof(fds));
	expect("io_uring_register(6, IORING_REGISTER_FILES, [4, -1, -2], 3) = 0", "io_uring_register", 0, ARGS(6, 2, files, 3));
	const uint64_t update[2] = {1, files};
	expect("io_uring_register(6, IORING_REGISTER_FILES_UPDATE, {offset=1, fds=[4, -1, IORING_REGISTER_FILES_SKIP]}, 3) = 3",
	       "io_uring_register", 3, ARGS(6, 6, put(64, update, sizeof(update)), 3));
	const uint8_t probe[24] = {48, 1, [16] = 22, 0, 1};
	expect("io_uring_register(6, IORING_REGISTER_PROBE, {last_op=IORING_OP_SENDMSG_ZC, ops_len=1, "
	       "ops=[{op=IORING_OP_READ, flags=IO_URING_OP_SUPPORTED}]} => {last_op=IORING_OP_SENDMSG_ZC, ops_len=1, "
	       "ops=[{op=IORING_OP_READ, flags=IO_URING_OP_SUPPORTED}]}, 1) = 0", "io_uring_register", 0,
	       ARGS(6, 8, put(128, probe, sizeof(probe)), 1));
	const uint32_t workers[2] = {8, 16};
	expect("io_uring_register(6, IORING_REGISTER_IOWQ_MAX_WORKERS, [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=16] => 0x100c0, 2) = -1 EINVAL "
	       "(Invalid argument)", "io_uring_register", -EINVAL, ARGS(6, 19, put(192, workers, sizeof(workers)), 2));
}
END_TEST

START_TEST(notifications_of_seccomp)
{
	const struct { uint64_t id; uint32_t pid, flags; int32_t nr; uint32_t arch; uint64_t ip, args[6]; } notif = {
		.id = 5, .pid = 9, .nr = 39, .arch = 0xc000003e, .ip = 0x1000,
	};
	uint64_t at = put(0, &notif, sizeof(notif));
	const struct { uint64_t id; int64_t val; int32_t error; uint32_t flags; } answer = {5, 0, -13, 1};
	expect("ioctl(6, SECCOMP_IOCTL_NOTIF_SEND, {id=0x5, val=0, error=-EACCES, flags=SECCOMP_USER_NOTIF_FLAG_CONTINUE}) = 0",
	       "ioctl", 0, ARGS(6, 0xc0182101, put(128, &answer, sizeof(answer))));
	/* What was there before the kernel wrote it is shown if it was not zeroes, as they should be. */
	expect("ioctl(6, SECCOMP_IOCTL_NOTIF_RECV, {id=0x5, pid=9, flags=0, data={nr=__NR_getpid, arch=AUDIT_ARCH_X86_64, "
	       "instruction_pointer=0x1000, args=[0, 0, 0, 0, 0, 0]}} => 0x10000) = -1 EINVAL (Invalid argument)", "ioctl", -EINVAL,
	       ARGS(6, 0xc0502100, at));
	expect("ioctl(6, SECCOMP_IOCTL_NOTIF_RECV, 0x10200) = -1 EINTR (Interrupted system call)", "ioctl", -EINTR,
	       ARGS(6, 0xc0502100, MEMORY_BASE + 512));
	options.consts = CONST_VERBOSE;
	expect("ioctl(6, 0xc0182101 /* SECCOMP_IOCTL_NOTIF_SEND */, {id=0x5, val=0, error=-13 /* -EACCES */, flags=0x1 "
	       "/* SECCOMP_USER_NOTIF_FLAG_CONTINUE */}) = 0", "ioctl", 0, ARGS(6, 0xc0182101, MEMORY_BASE + 128));
}
END_TEST

START_TEST(asynchronous_vectors_and_offsets)
{
	const uint64_t iov[2] = {put(0, "ab", 2), 2};
	struct { uint64_t data; uint32_t key, rw; uint16_t op; int16_t prio; uint32_t fd; uint64_t buf, nbytes; int64_t offset;
		uint64_t reserved; uint32_t flags, resfd; } cb = {
		.op = 8, .fd = 3, .buf = put(16, iov, sizeof(iov)), .nbytes = 1, .offset = 5,
	};
	const uint64_t list = put(64, &cb, sizeof(cb));
	expect("io_submit(0x1, 1, [{aio_data=0, aio_lio_opcode=IOCB_CMD_PWRITEV, aio_fildes=3, aio_buf=[{iov_base=\"ab\", "
	       "iov_len=2}], aio_offset=5}]) = 1", "io_submit", 1, ARGS(1, 1, put(256, &list, 8)));
	const int64_t offset = -3;
	expect("splice(3, [-3], 4, NULL, 8, 0) = -1 EINVAL (Invalid argument)", "splice", -EINVAL,
	       ARGS(3, put(300, &offset, 8), 4, 0, 8, 0));
}
END_TEST

START_TEST(results_of_prctl)
{
	expect("prctl(PR_SVE_SET_VL, PR_SVE_VL_INHERIT|0x10) = 0x20010 (PR_SVE_VL_INHERIT|0x10)", "prctl", 0x20010,
	       ARGS(50, 0x20010));
	expect("prctl(PR_PAC_GET_ENABLED_KEYS, 0, 0, 0, 0) = 0x1 (PR_PAC_APIAKEY)", "prctl", 1, ARGS(61));
	expect("prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS) = 0 (PR_SPEC_NOT_AFFECTED)", "prctl", 0, ARGS(52, 0));
	expect("prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE|PR_MTE_TCF_SYNC|0x1<<PR_MTE_TAG_SHIFT, 0, 0, 0) = 0",
	       "prctl", 0, ARGS(55, 0xb));
}
END_TEST

START_TEST(messages_of_netfilter_and_diag)
{
	struct { uint32_t len; uint16_t type, flags; uint32_t seq, pid; uint8_t body[16]; } m = {
		20, 10 << 8, 0x401, 1, 0, {1, 0, 0, 10},
	};
	uint64_t at = put(0, &m, 20);
	expect("sendto(12, [{nlmsg_len=20, nlmsg_type=NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_NEWTABLE, "
	       "nlmsg_flags=NLM_F_REQUEST|NLM_F_CREATE, nlmsg_seq=1, nlmsg_pid=0}, {nfgen_family=AF_UNIX, "
	       "version=NFNETLINK_V0, res_id=htons(NFNL_SUBSYS_NFTABLES)}], 20, 0, NULL, 0) = 20", "sendto", 20,
	       ARGS(12, at, 20));
	m.len = 32;
	m.type = 20;
	m.flags = 1;
	memcpy(m.body, (uint8_t[16]){16, 0xff, 0, 0, 5, 0, 0, 0, 1}, 16);
	at = put(0, &m, 32);
	expect("sendto(13, [{nlmsg_len=32, nlmsg_type=SOCK_DIAG_BY_FAMILY, nlmsg_flags=NLM_F_REQUEST, nlmsg_seq=1, "
	       "nlmsg_pid=0}, {sdiag_family=AF_NETLINK, ...}], 32, 0, NULL, 0) = 32", "sendto", 32, ARGS(13, at, 32));
}
END_TEST

START_TEST(signals_tell_what_they_are)
{
	struct strbuf AUTO_STRBUF out = {0};
	struct text_printer t;
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};
	si.si_addr = (void *)0x10;
	text_printer_init(&t, &out, &options);
	decode_siginfo(&si, &options, NULL, &t.base);
	ck_assert_str_eq(strbuf_str(&out), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10}");
	char buf[16];
	ck_assert_str_eq(decode_signal_name(34, buf), "SIGRT_2");
}
END_TEST

/* ---- every call, with arguments and memory that make no sense ---- */

START_TEST(ioctl_arguments_have_the_type_of_their_request)
{
	const uint16_t size[4] = {24, 80, 0, 0};
	uint64_t at = put(0, size, sizeof(size));
	expect("ioctl(0, TIOCSWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0", "ioctl", 0,
	       ARGS(0, 0x5414, at));
	expect("ioctl(0, TIOCGWINSZ, 0x10000) = -1 ENOTTY (Inappropriate ioctl for device)", "ioctl", -25,
	       ARGS(0, 0x5413, at));
	expect("ioctl(0, BLKRASET, 8) = 0", "ioctl", 0, ARGS(0, 0x1262, 8));
	expect("ioctl(0, FIOCLEX) = 0", "ioctl", 0, ARGS(0, 0x5451, 8));
	expect("ioctl(0, _IOC(_IOC_READ, 0xff, 0xff, 0x4), 0x10000) = 0", "ioctl", 0, ARGS(0, 0x8004ffff, at));
}
END_TEST

START_TEST(socket_options_have_the_type_of_their_name)
{
	const int32_t linger[2] = {1, 5};
	uint64_t at = put(0, linger, sizeof(linger));
	expect("setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0", "setsockopt", 0,
	       ARGS(3, 1, 13, at, 8));
	expect("setsockopt(3, SOL_SOCKET, SO_LINGER, 0x10000, 4) = -1 EINVAL (Invalid argument)", "setsockopt", -22,
	       ARGS(3, 1, 13, at, 4));
	uint64_t len = put(100, (const uint32_t[1]){6}, 4);
	expect("getsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=\"\\x05\\x00\"}, [6]) = 0", "getsockopt", 0,
	       ARGS(3, 1, 13, at, len));
	expect("prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY) = 0", "prctl", 0, ARGS(0x59616d61, UINT64_MAX));
}
END_TEST

START_TEST(control_messages_hold_descriptors)
{
	const struct {
		uint64_t len;
		int32_t level, type, fds[2];
	} cmsg = {24, 1, 1, {3, 4}};
	const uint64_t msg[7] = {0, 0, 0, 0, put(0, &cmsg, sizeof(cmsg)), sizeof(cmsg), 0};
	expect("sendmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=NULL, msg_iovlen=0, msg_control=[{cmsg_len=24, "
	       "cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3, 4]}], msg_controllen=24, msg_flags=0}, 0) = 0",
	       "sendmsg", 0, ARGS(4, put(100, msg, sizeof(msg)), 0));
}
END_TEST

/* RTM_NEWLINK, its body, a name and a nested attribute. */
static const uint8_t link_message[60] = {
	60, 0, 0, 0, 16, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	7, 0, 3, 0, 'l', 'o', 0, 0, 14, 0, 18, 0, 10, 0, 1, 0, 'd', 'u', 'm', 'm', 'y', 0, 0, 0,
	4, 0, 0, 0,
};

START_TEST(netlink_messages_have_attributes)
{
	uint64_t at = put(0, link_message, sizeof(link_message));
	expect("sendto(5, [{nlmsg_len=60, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_REQUEST, nlmsg_seq=1, nlmsg_pid=0}, "
	       "{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_ETHER, ifi_index=if_nametoindex(\"lo\"), ifi_flags=IFF_UP, "
	       "ifi_change=0}, [[{nla_len=7, nla_type=IFLA_IFNAME}, \"lo\"], [{nla_len=14, nla_type=IFLA_LINKINFO}, "
	       "[{nla_len=10, nla_type=IFLA_INFO_KIND}, \"dummy\"]], "
	       "{nla_len=4, nla_type=IFLA_UNSPEC}]], 60, 0, NULL, 0) = 60",
	       "sendto", 60, ARGS(5, at, 60, 0, 0, 0));
	expect("sendto(6, \"<\\0\\0\\0\\20\\0\\1\\0\\1\\0\\0\\0\\0\\0\\0\\0\", 16, 0, NULL, 0) = 16",
	       "sendto", 16, ARGS(6, at, 16, 0, 0, 0));
}
END_TEST

START_TEST(interfaces_have_names)
{
	uint8_t ll[12] = {17, 0, 0, 3, 2, 0, 0, 0, 1, 0, 0, 0};
	expect("bind(4, {sa_family=AF_PACKET, sll_protocol=htons(ETH_P_ALL), sll_ifindex=if_nametoindex(\"eth0\"), "
	       "sll_hatype=ARPHRD_ETHER, sll_pkttype=PACKET_HOST, sll_halen=0}, 12) = 0",
	       "bind", 0, ARGS(4, put(0, ll, 12), 12));
	uint8_t in6[28] = {10, 0, 0, 80, 0, 0, 0, 0, 0xfe, 0x80, [24] = 2};
	expect("bind(4, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"fe80::\", "
	       "&sin6_addr), sin6_scope_id=if_nametoindex(\"eth0\")}, 28) = 0",
	       "bind", 0, ARGS(4, put(0, in6, 28), 28));
}
END_TEST

START_TEST(sockets_that_are_not_bound_send_netlink_messages)
{
	uint8_t message[20] = {20, 0, 0, 0, 0x4c, 4, 5, 0, 1, [16] = 'a', 'b', 'c', 'd'};
	expect("sendto(14, [{nlmsg_len=20, nlmsg_type=0x44c /* NLMSG_??? */, nlmsg_flags=NLM_F_REQUEST|NLM_F_ACK, nlmsg_seq=1, "
	       "nlmsg_pid=0}, \"\\x61\\x62\\x63\\x64\"], 20, 0, NULL, 0) = 20",
	       "sendto", 20, ARGS(14, put(0, message, 20), 20));
}
END_TEST

START_TEST(memory_policies_have_flags_beside_their_mode)
{
	expect("set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, NULL, 0) = 0", "set_mempolicy", 0, ARGS(0x8002));
	expect("set_mempolicy(MPOL_F_STATIC_NODES|0x1001, NULL, 0) = 0", "set_mempolicy", 0, ARGS(0x9001));
	expect("mbind(NULL, 0, 0xffffffff00000000 /* MPOL_??? */, NULL, 0, 0) = 0",
	       "mbind", 0, ARGS(0, 0, UINT64_C(0xffffffff00000000)));
	expect("memfd_create(\"\", 30<<MFD_HUGE_SHIFT) = 3", "memfd_create", 3, ARGS(MEMORY_BASE, 30u << 26));
	options.consts = CONST_VERBOSE;
	expect("memfd_create(\"\", 0x78000001 /* MFD_CLOEXEC|30<<MFD_HUGE_SHIFT */) = 3",
	       "memfd_create", 3, ARGS(MEMORY_BASE, 1 | 30u << 26));
}
END_TEST

START_TEST(what_keyctl_computes)
{
	int32_t dh[3] = {-6, 1, 2};
	uint32_t params[10] = {7, 3, 2};
	uint64_t at = put(0, dh, sizeof(dh));
	uint64_t pkey = put(64, params, sizeof(params));
	uint64_t text = put(128, "abc", 4);
	expect("keyctl(KEYCTL_DH_COMPUTE, {private=KEY_SPEC_GROUP_KEYRING, prime=1, base=2}, \"ab\", 2, NULL) = 2",
	       "keyctl", 2, ARGS(23, at, text, 2, 0));
	expect("keyctl(KEYCTL_PKEY_SIGN, {key_id=7, in_len=3, out_len=2}, \"abc\", \"abc\", \"ab\") = 2",
	       "keyctl", 2, ARGS(27, pkey, text, text, text));
	expect("keyctl(KEYCTL_MOVE, 1, 2, 3, KEYCTL_MOVE_EXCL) = 0", "keyctl", 0, ARGS(30, 1, 2, 3, 1));
	expect("keyctl(KEYCTL_REJECT, 1, 2, ENODEV, 3) = 0", "keyctl", 0, ARGS(19, 1, 2, 19, 3));
	put(0, "\1\2", 2);
	expect("keyctl(KEYCTL_CAPABILITIES, [KEYCTL_CAPS0_CAPABILITIES, KEYCTL_CAPS1_NS_KEY_TAG], 2) = 2",
	       "keyctl", 2, ARGS(31, at, 2));
}
END_TEST

START_TEST(requests_without_a_name)
{
	expect("ioctl(3, _IOC(_IOC_NONE, 0x3e, 0x3, 0), 0) = 0", "ioctl", 0, ARGS(3, 0x3e03));
	expect("ioctl(3, NS_GET_NSTYPE) = 268435456 (CLONE_NEWUSER)", "ioctl", 0x10000000, ARGS(3, 0xb703));
	options.consts = CONST_RAW;
	expect("ioctl(3, 0x3e03, 0) = 0", "ioctl", 0, ARGS(3, 0x3e03));
	options.consts = CONST_VERBOSE;
	expect("ioctl(3, 0x3e03 /* _IOC(_IOC_NONE, 0x3e, 0x3, 0) */, 0) = 0", "ioctl", 0, ARGS(3, 0x3e03));
}
END_TEST

START_TEST(routes_with_all_members)
{
	uint8_t m[64] = {64, [4] = 24, [16] = 2, [28] = 36, [30] = 12, [32] = 1, [36] = 2, [40] = 3, [44] = 4, [48] = 5,
			 [52] = 6, [56] = 7, [60] = 8};
	expect("sendto(5, [{nlmsg_len=64, nlmsg_type=RTM_NEWROUTE, nlmsg_flags=0, nlmsg_seq=0, nlmsg_pid=0}, {rtm_family=AF_INET, "
	       "rtm_dst_len=0, rtm_src_len=0, rtm_tos=0, rtm_table=RT_TABLE_UNSPEC, rtm_protocol=RTPROT_UNSPEC, "
	       "rtm_scope=RT_SCOPE_UNIVERSE, rtm_type=RTN_UNSPEC, rtm_flags=0}, [{nla_len=36, nla_type=RTA_CACHEINFO}, "
	       "{rta_clntref=1, rta_lastuse=2, rta_expires=3, rta_error=4, rta_used=5, rta_id=0x6, rta_ts=7, rta_tsage=8}]], "
	       "64, 0, NULL, 0) = 64", "sendto", 64, ARGS(5, put(0, m, sizeof(m)), 64));
}
END_TEST

START_TEST(times_that_a_filesystem_does_not_give)
{
	uint8_t stx[256] = {[0] = 0x20, [64] = 1, [96] = 2, [112] = 3};	/* STATX_ATIME */
	options.verbose = true;
	expect("statx(AT_FDCWD, \"\", AT_STATX_SYNC_AS_STAT, STATX_ATIME, {stx_mask=STATX_ATIME, stx_blksize=0, stx_attributes=0, "
	       "stx_nlink=0, stx_uid=0, stx_gid=0, stx_mode=000, stx_ino=0, stx_size=0, stx_blocks=0, stx_attributes_mask=0, "
	       "stx_atime={tv_sec=1, tv_nsec=0} /* 1970-01-01T00:00:01+0000 */, stx_rdev_major=0, stx_rdev_minor=0, "
	       "stx_dev_major=0, stx_dev_minor=0, stx_mnt_id=0}) = 0",
	       "statx", 0, ARGS((uint32_t)-100, MEMORY_BASE + 1000, 0, 0x20, put(0, stx, sizeof(stx))));
}
END_TEST

START_TEST(arguments_that_a_request_does_not_have)
{
	expect("ptrace(PTRACE_TRACEME) = 0", "ptrace", 0, ARGS(0, 5, 6, 7));
	expect("landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) = 6",
	       "landlock_create_ruleset", 6, ARGS(0, 0, 1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode_types");
	TCase *c = tcase_create("decode_types");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, programs_of_filters);
	tcase_add_test(c, quotas_and_keys);
	tcase_add_test(c, attributes_of_bpf_are_of_its_command);
	tcase_add_test(c, what_io_uring_registers_has_the_type_of_its_opcode);
	tcase_add_test(c, notifications_of_seccomp);
	tcase_add_test(c, asynchronous_vectors_and_offsets);
	tcase_add_test(c, results_of_prctl);
	tcase_add_test(c, messages_of_netfilter_and_diag);
	tcase_add_test(c, signals_tell_what_they_are);
	tcase_add_test(c, ioctl_arguments_have_the_type_of_their_request);
	tcase_add_test(c, socket_options_have_the_type_of_their_name);
	tcase_add_test(c, control_messages_hold_descriptors);
	tcase_add_test(c, netlink_messages_have_attributes);
	tcase_add_test(c, interfaces_have_names);
	tcase_add_test(c, sockets_that_are_not_bound_send_netlink_messages);
	tcase_add_test(c, memory_policies_have_flags_beside_their_mode);
	tcase_add_test(c, what_keyctl_computes);
	tcase_add_test(c, requests_without_a_name);
	tcase_add_test(c, routes_with_all_members);
	tcase_add_test(c, times_that_a_filesystem_does_not_give);
	tcase_add_test(c, arguments_that_a_request_does_not_have);
	tcase_add_test(c, siginfo_of_i386_has_no_gaps);
	suite_add_tcase(s, c);
	return run_suite(s);
}
