/* Requests of ioctl to devices, over fake memory. */
#include <string.h>

#include "decode_fake.h"
#include "run_suite.h"

START_TEST(requests_that_show_other_members_at_exit)
{
	struct {
		uint32_t offset, flags;
		char name[32], consumer[32];
	} line = {.offset = 5, .flags = 6, .name = "led"};
	uint64_t at = put(0, &line, sizeof(line));
	expect("ioctl(3, GPIO_GET_LINEINFO_IOCTL, {line_offset=5} => {flags=GPIOLINE_FLAG_IS_OUT|GPIOLINE_FLAG_ACTIVE_LOW, "
	       "name=\"led\", consumer=\"\"}) = 0", "ioctl", 0, ARGS(3, 0xc048b402, at));
	expect("ioctl(3, GPIO_GET_LINEINFO_IOCTL, {line_offset=5}) = -1 EBADF (Bad file descriptor)",
	       "ioctl", -EBADF, ARGS(3, 0xc048b402, at));
	put(0, "\xec\0\1\1abc", 7);
	options.string_limit = 3;
	expect("ioctl(3, HDIO_DRIVE_CMD, {command=ATA_CMD_ID_ATA, sector_number=0, feature=1, sector_count=1} => "
	       "{status=0xec, error=0, nsector=1, buf=\"\\x61\\x62\\x63\"...}) = 0", "ioctl", 0, ARGS(3, 0x31f, at));
}
END_TEST

START_TEST(arrays_as_long_as_a_later_member_says)
{
	uint8_t request[592] = {[0] = 18, [4] = 35, [560] = 2, [288] = 4, [296] = 1, [320] = 3, [328] = 9, [336] = 1};
	request[588] = 7;
	expect("ioctl(3, GPIO_V2_GET_LINE_IOCTL, {num_lines=2, offsets=[18, 35], consumer=\"\", config={"
	       "flags=GPIO_V2_LINE_FLAG_INPUT, num_attrs=1, attrs=[{debounce_period_us=9, mask=0x1}]}} => {fd=7}) = 0",
	       "ioctl", 0, ARGS(3, 0xc250b407, put(0, request, sizeof(request))));
}
END_TEST

START_TEST(times_of_clocks)
{
	struct {
		int64_t sec;
		uint32_t nsec, reserved;
		int64_t period;
		uint32_t rest[8];
	} perout = {.sec = 1, .nsec = 500, .period = 2, .rest = {0, 0, 3, 2, 4}};
	expect("ioctl(3, PTP_PEROUT_REQUEST, {start={sec=1, nsec=500} /* 1970-01-01T00:00:01.000000500+0000 */, "
	       "period={sec=2, nsec=0}, index=3, flags=PTP_PEROUT_DUTY_CYCLE, on={sec=4, nsec=0}}) = 0",
	       "ioctl", 0, ARGS(3, 0x40383d03, put(0, &perout, sizeof(perout))));
	uint64_t param[3] = {0, 0x21, 0};
	expect("ioctl(3, RTC_PARAM_SET, {param=RTC_PARAM_FEATURES, uvalue=1<<RTC_FEATURE_ALARM|1<<RTC_FEATURE_CORRECTION, "
	       "index=0}) = 0", "ioctl", 0, ARGS(3, 0x40187014, put(0, param, sizeof(param))));
	expect("ioctl(3, RTC_PARAM_GET, {param=RTC_PARAM_FEATURES, index=0} => 0x10000) = -1 EINVAL (Invalid argument)",
	       "ioctl", -EINVAL, ARGS(3, 0x40187013, MEMORY_BASE));
}
END_TEST

START_TEST(interfaces_of_a_socket)
{
	uint64_t conf[2] = {40, put(64, "lo", 3)};
	put(80, "\2\0\0\0\177\0\0\1", 8);
	expect("ioctl(3, SIOCGIFCONF, {ifc_len=40 /* 1 * sizeof(struct ifreq) */, ifc_buf=[{ifr_name=\"lo\", ifr_addr={"
	       "sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"127.0.0.1\")}}]}) = 0",
	       "ioctl", 0, ARGS(3, 0x8912, put(0, conf, sizeof(conf))));
	expect("ioctl(3, SIOCGIFCONF, {ifc_len=40 /* 1 * sizeof(struct ifreq) */, ifc_buf=0x10040}) = -1 EFAULT (Bad address)",
	       "ioctl", -EFAULT, ARGS(3, 0x8912, MEMORY_BASE));
}
END_TEST

START_TEST(requests_of_perf_events)
{
	uint32_t programs[4] = {8, 2, 5, 6};
	expect("ioctl(3, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) = 0", "ioctl", 0, ARGS(3, 0x2400, 1));
	expect("ioctl(3, PERF_EVENT_IOC_QUERY_BPF, {ids_len=8, prog_cnt=2, ids=[5, 6]}) = 0",
	       "ioctl", 0, ARGS(3, 0xc008240a, put(0, programs, sizeof(programs))));
}
END_TEST

START_TEST(requests_of_input_devices_have_a_length)
{
	uint64_t at = put(0, "\x03\x80\0\0\0\0\0\0", 8);
	expect("ioctl(3, EVIOCGBIT(EV_KEY, 8), [KEY_RESERVED KEY_ESC KEY_TAB]) = 8", "ioctl", 8, ARGS(3, 0x80084521, at));
	expect("ioctl(3, EVIOCGBIT(0x6 /* EV_??? */, 8), 0x10000) = 8", "ioctl", 8, ARGS(3, 0x80084526, at));
	options.consts = CONST_RAW;
	expect("ioctl(3, 0x80084521, [0x8003]) = 8", "ioctl", 8, ARGS(3, 0x80084521, at));
	options.consts = CONST_ABBREV;
	put(0, "kbd", 4);
	expect("ioctl(3, EVIOCGNAME(32), \"kbd\\0\") = 4", "ioctl", 4, ARGS(3, 0x80204506, at));
	uint32_t axis[6] = {1, 2, 3, 4, 5, 6};
	put(0, axis, sizeof(axis));
	expect("ioctl(3, EVIOCGABS(ABS_X), {value=1, minimum=2, ...}) = 0", "ioctl", 0, ARGS(3, 0x80184540, at));
	options.verbose = true;
	expect("ioctl(3, EVIOCSABS(ABS_X), {value=1, minimum=2, maximum=3, fuzz=4, flat=5, resolution=6}) = 0",
	       "ioctl", 0, ARGS(3, 0x401845c0, at));
}
END_TEST

START_TEST(attributes_of_events)
{
	uint32_t attr[16] = {3, 64, 0x10002};
	uint64_t at = put(0, attr, sizeof(attr));
	expect("perf_event_open({type=PERF_TYPE_HW_CACHE, size=PERF_ATTR_SIZE_VER0, config=PERF_COUNT_HW_CACHE_RESULT_MISS<<16|"
	       "PERF_COUNT_HW_CACHE_OP_READ<<8|PERF_COUNT_HW_CACHE_LL, sample_period=0, sample_type=0, read_format=0, "
	       "precise_ip=0 /* arbitrary skid */, ...}, 0, -1, -1, 0) = 3",
	       "perf_event_open", 3, ARGS(at, 0, UINT64_MAX, UINT64_MAX, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode_devices");
	TCase *c = tcase_create("decode_devices");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, requests_that_show_other_members_at_exit);
	tcase_add_test(c, arrays_as_long_as_a_later_member_says);
	tcase_add_test(c, times_of_clocks);
	tcase_add_test(c, interfaces_of_a_socket);
	tcase_add_test(c, requests_of_perf_events);
	tcase_add_test(c, requests_of_input_devices_have_a_length);
	tcase_add_test(c, attributes_of_events);
	suite_add_tcase(s, c);
	return run_suite(s);
}
