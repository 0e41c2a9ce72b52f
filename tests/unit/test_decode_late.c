/* What the second walk over a call reads, as it is known at the first. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "syscalls/decode.h"
#include "run_suite.h"

enum { BUFFER = 0x7000 };

static bool late(enum call_id id, const uint64_t args[6], const struct decode_options *options, struct decode_range *ret)
{
	struct decode_call call = {.id = id, .abi = ABI_X86_64};
	for (int i = 0; i < 6; i++)
		call.args[i] = args[i];
	return decode_late_range(&call, options, ret);
}

#define LATE(id, range, options, ...) late(id, (const uint64_t[6]){__VA_ARGS__}, options, range)

static const struct decode_options plain = {.string_limit = 32};

START_TEST(nothing_is_read)
{
	struct decode_range r;
	ck_assert(LATE(CALL_close, &r, &plain, 3) && r.len == 0);
	ck_assert(LATE(CALL_openat, &r, &plain, 3, BUFFER) && r.len == 0);
	ck_assert(LATE(CALL_fcntl, &r, &plain, 3, F_SETFD, 1) && r.len == 0);
	ck_assert(LATE(CALL_newfstatat, &r, &plain, 3, BUFFER, 0) && r.len == 0);
}
END_TEST

START_TEST(a_structure)
{
	struct decode_range r;
	ck_assert(LATE(CALL_fstat, &r, &plain, 3, BUFFER));
	ck_assert(r.addr == BUFFER && r.len == sizeof(struct stat) && !r.by_result);
	ck_assert(LATE(CALL_fcntl, &r, &plain, 3, F_GETLK, BUFFER) && r.len == sizeof(struct flock));
	ck_assert(LATE(CALL_poll, &r, &plain, BUFFER, 3, 0) && r.len == 24 && r.addr == BUFFER);
}
END_TEST

/* One byte more than is shown. */
START_TEST(bytes)
{
	struct decode_range r;
	ck_assert(LATE(CALL_read, &r, &plain, 3, BUFFER, 4096) && r.by_result && r.len == 33);
	ck_assert(LATE(CALL_readlink, &r, &plain, BUFFER + 1, BUFFER, 4096) && r.by_result && r.addr == BUFFER);
	ck_assert(LATE(CALL_recvfrom, &r, &plain, 3, BUFFER, 10, 0, 0) && r.by_result);
}
END_TEST

START_TEST(more_than_one_range)
{
	static const struct decode_options fds = {.string_limit = 32, .fd_paths = 1};
	static const struct decode_options pids = {.string_limit = 32, .pid_comms = true};
	struct decode_range r;
	ck_assert(!LATE(CALL_getdents64, &r, &plain, 3, BUFFER, 4096));
	ck_assert(!LATE(CALL_recvfrom, &r, &plain, 3, BUFFER, 10, 0, BUFFER, BUFFER));
	ck_assert(!LATE(CALL_wait4, &r, &plain, -1, BUFFER, 0, BUFFER));
	ck_assert(!LATE(CALL_openat, &r, &fds, 3, BUFFER));
	ck_assert(!LATE(CALL_pipe2, &r, &fds, BUFFER, 0));
	ck_assert(!LATE(CALL_wait4, &r, &pids, -1, BUFFER, 0, 0));
	ck_assert(!LATE(CALL_ioctl, &r, &plain, 3, TIOCGSERIAL, BUFFER));
}
END_TEST

START_TEST(other_layouts)
{
	struct decode_call call = {.id = CALL_fstat64, .abi = ABI_I386, .args = {3, BUFFER}};
	struct decode_range r;
	ck_assert(!decode_late_range(&call, &plain, &r));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decode_late");
	TCase *tc = tcase_create("late");
	tcase_add_test(tc, nothing_is_read);
	tcase_add_test(tc, a_structure);
	tcase_add_test(tc, bytes);
	tcase_add_test(tc, more_than_one_range);
	tcase_add_test(tc, other_layouts);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
