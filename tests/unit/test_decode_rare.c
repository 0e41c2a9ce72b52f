/* What calls look like that few programs make, and forms of -X, over fake memory. */
#include <string.h>

#include "decode_fake.h"
#include "run_suite.h"

START_TEST(segments_of_x86)
{
	const uint32_t segment[4] = {UINT32_MAX, 0x10, 0xfffff, 0x51};
	uint64_t at = put(0, segment, sizeof(segment));
	expect("modify_ldt(1, {entry_number=-1, base_addr=0x000010, limit=0x0fffff, seg_32bit=1, contents=0, read_exec_only=0, "
	       "limit_in_pages=1, seg_not_present=0, useable=1, lm=0}, 16) = 0", "modify_ldt", 0, ARGS(1, at, 16));
	expect("modify_ldt(0, 0x10000, 16) = 4294967258 ENOSYS (Function not implemented)", "modify_ldt", 4294967258,
	       ARGS(0, at, 16));
	expect("get_thread_area({entry_number=-1, ...}) = -1 ENOSYS (Function not implemented)", "get_thread_area", -ENOSYS,
	       ARGS(put(MEMORY_SIZE - 4, segment, 4)));
}
END_TEST

START_TEST(commands_of_fsconfig)
{
	uint64_t key = put(0, "k", 2);
	uint64_t path = put(8, "/p", 3);
	options.fd_paths = 1;
	expect("fsconfig(3</fd/3>, FSCONFIG_SET_PATH, \"k\", \"/p\", AT_FDCWD</fd/-100>) = 0", "fsconfig", 0,
	       ARGS(3, 3, key, path, (uint64_t)-100));
	expect("fsconfig(3</fd/3>, FSCONFIG_SET_FD, \"k\", NULL, 4</fd/4>) = 0", "fsconfig", 0, ARGS(3, 5, key, 0, 4));
	expect("fsconfig(3</fd/3>, FSCONFIG_SET_BINARY, \"k\", \"\\x2f\\x70\", 2) = 0", "fsconfig", 0, ARGS(3, 2, key, path, 2));
	expect("fsconfig(3</fd/3>, FSCONFIG_CMD_CREATE, 0x10000, 0x10008, 4) = 0", "fsconfig", 0, ARGS(3, 6, key, path, 4));
}
END_TEST

START_TEST(limits_and_devices_with_numbers)
{
	const uint64_t limit[2] = {8192, UINT64_MAX};
	uint64_t at = put(0, limit, sizeof(limit));
	expect("setrlimit(RLIMIT_STACK, {rlim_cur=8*1024, rlim_max=RLIM64_INFINITY}) = 0", "setrlimit", 0, ARGS(3, at));
	options.consts = CONST_RAW;
	expect("setrlimit(0x3, {rlim_cur=8192, rlim_max=18446744073709551615}) = 0", "setrlimit", 0, ARGS(3, at));
	expect("mknod(NULL, 020600, 0x801) = 0", "mknod", 0, ARGS(0, 020600, 0x801));
	options.consts = CONST_VERBOSE;
	expect("setrlimit(0x3 /* RLIMIT_STACK */, {rlim_cur=8192 /* 8*1024 */, rlim_max=18446744073709551615 "
	       "/* RLIM64_INFINITY */}) = 0", "setrlimit", 0, ARGS(3, at));
	expect("mknod(NULL, 020600 /* S_IFCHR|0600 */, 0x801 /* makedev(0x8, 0x1) */) = 0", "mknod", 0, ARGS(0, 020600, 0x801));
}
END_TEST

START_TEST(sizes_that_the_kernel_corrects)
{
	const uint32_t size = 47;
	uint64_t at = put(0, &size, sizeof(size));
	expect("sched_setattr(0, {size=47} => {size=47}, 0) = -1 E2BIG (Argument list too long)", "sched_setattr", -E2BIG,
	       ARGS(0, at));
	const uint32_t whole = 56;
	expect("sched_setattr(0, 0x1fffc, 0) = -1 EFAULT (Bad address)", "sched_setattr", -EFAULT,
	       ARGS(0, put(MEMORY_SIZE - 4, &whole, 4)));
}
END_TEST

START_TEST(arrays_end_with_s)
{
	const uint64_t segments[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint64_t at = put(0, segments, sizeof(segments));
	options.string_limit = 1;
	expect("kexec_load(NULL, 2, [{buf=0x1, bufsz=2, mem=0x3, memsz=4}, ...], KEXEC_ARCH_DEFAULT) = 0", "kexec_load", 0,
	       ARGS(0, 2, at, 0));
	const uint64_t attr[4] = {0x800, 1, 2, 3};
	expect("mq_open(NULL, O_RDONLY|O_CREAT, 000, {mq_flags=0x800, mq_maxmsg=1, mq_msgsize=2, mq_curmsgs=3}) = 3", "mq_open", 3,
	       ARGS(0, 0100, 0, put(64, attr, sizeof(attr))));
	options.string_limit = 32;
	expect("prctl(PR_SET_NAME, \"123456789abcdef\"...) = 0", "prctl", 0, ARGS(15, put(128, "123456789abcdef", 16)));
}
END_TEST

START_TEST(commands_to_scsi_devices)
{
	uint8_t h[88] = {'S', [4] = 0xfd, 0xff, 0xff, 0xff, [8] = 2, [12] = 4, [40] = 9, [67] = 1, [72] = 1, [80] = 1};
	const uint64_t data = put(128, "abcd", 4), command = put(160, "\x12\0", 2), sense = put(176, "s", 1);
	memcpy(h + 16, &data, 8);
	memcpy(h + 24, &command, 8);
	memcpy(h + 32, &sense, 8);
	expect("ioctl(3, SG_IO, {interface_id='S', dxfer_direction=SG_DXFER_FROM_DEV, cmd_len=2, cmdp=\"\\x12\\x00\", mx_sb_len=0, "
	       "iovec_count=0, dxfer_len=4, timeout=9, flags=0, dxferp=\"\\x61\\x62\\x63\", status=0, masked_status=0, "
	       "msg_status=0, sb_len_wr=1, sbp=\"\\x73\", host_status=0, driver_status=0, resid=1, duration=0, "
	       "info=SG_INFO_CHECK}) = 0", "ioctl", 0, ARGS(3, 0x2285, put(0, h, sizeof(h))));
	expect("ioctl(3, SG_IO, [5]) = -1 EINVAL (Invalid argument)", "ioctl", -EINVAL, ARGS(3, 0x2285, put(0, "\5\0\0", 4)));
}
END_TEST

START_TEST(speeds_of_terminals)
{
	const struct { uint32_t in, out, control, local; uint8_t rest[28]; } tty = {.control = 0x1009000d};
	expect("ioctl(3, TCSETS2, {c_iflag=0, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0, c_cflag=B9600|B1152000<<IBSHIFT|CS5, c_lflag=0, "
	       "...}) = 0", "ioctl", 0, ARGS(3, 0x402c542b, put(0, &tty, sizeof(tty))));
	/* struct termio ends where the memory does */
	const uint8_t old[18] = {[6] = 2};
	expect("ioctl(3, TCSETA, {c_iflag=0, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0, c_cflag=B0|CS5, c_lflag=ICANON, ...}) = 0", "ioctl", 0,
	       ARGS(3, 0x5406, put(MEMORY_SIZE - 18, old, 18)));
}
END_TEST

START_TEST(flags_behind_an_unknown_type)
{
	expect("mmap(NULL, 0, PROT_NONE, 0xf /* MAP_??? */|MAP_FIXED|MAP_HUGETLB|21<<MAP_HUGE_SHIFT, 0, 0) = -1 EINVAL "
	       "(Invalid argument)", "mmap", -EINVAL, ARGS(0, 0, 0, 0x5404001f, 0, 0));
	options.consts = CONST_RAW;
	expect("mmap(NULL, 0, 0, 0x54040012, 0, 0) = -1 EINVAL (Invalid argument)", "mmap", -EINVAL,
	       ARGS(0, 0, 0, 0x54040012, 0, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode_rare");
	TCase *c = tcase_create("calls");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, segments_of_x86);
	tcase_add_test(c, commands_of_fsconfig);
	tcase_add_test(c, limits_and_devices_with_numbers);
	tcase_add_test(c, sizes_that_the_kernel_corrects);
	tcase_add_test(c, arrays_end_with_s);
	tcase_add_test(c, commands_to_scsi_devices);
	tcase_add_test(c, speeds_of_terminals);
	tcase_add_test(c, flags_behind_an_unknown_type);
	suite_add_tcase(s, c);
	return run_suite(s);
}
