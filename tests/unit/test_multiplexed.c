/* i386's socketcall and ipc, taken apart; what they point to is in this process. */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "tracer/multiplexed.h"
#include "run_suite.h"

static struct decode_call resolved(enum call_id id, enum call_abi abi, const uint64_t args[6])
{
	struct decode_call call = {.id = id, .abi = abi, .tid = getpid()};
	memcpy(call.args, args, sizeof(call.args));
	multiplexed_resolve(&call);
	return call;
}

static void expect(const struct decode_call *call, enum call_id id, const uint64_t args[6])
{
	ck_assert_int_eq(call->id, id);
	for (int i = 0; i < 6; i++)
		ck_assert_uint_eq(call->args[i], args[i]);
}

#define ARGS(...) ((const uint64_t[6]){__VA_ARGS__})

START_TEST(socketcall_has_its_arguments_in_memory)
{
	const uint32_t words[6] = {3, 0x1000, 16, 99, 99, 99};
	uint64_t at = (uintptr_t)words;
	struct decode_call call = resolved(CALL_socketcall, ABI_I386, ARGS(3, at));
	expect(&call, CALL_connect, ARGS(3, 0x1000, 16));
	call = resolved(CALL_socketcall, ABI_I386, ARGS(9, at));
	expect(&call, CALL_sendto, ARGS(3, 0x1000, 16, 99));
	for (uint64_t nonsense = 0; nonsense < 1u << 20; nonsense += 21) {
		call = resolved(CALL_socketcall, ABI_I386, ARGS(nonsense, at));
		expect(&call, CALL_socketcall, ARGS(nonsense, at));
	}
	call = resolved(CALL_socketcall, ABI_I386, ARGS(3, 16));
	expect(&call, CALL_socketcall, ARGS(3, 16));
	/* 102 is another call elsewhere; only the pair decides. */
	call = resolved(CALL_getuid, ABI_X86_64, ARGS(3, at));
	expect(&call, CALL_getuid, ARGS(3, at));
}
END_TEST

START_TEST(ipc_has_its_arguments_in_another_order)
{
	const uint32_t message[2] = {0x2000, 7};
	uint64_t at = (uintptr_t)message;
	struct decode_call call = resolved(CALL_ipc, ABI_I386, ARGS(4, 5, 1, 0, 0x1000, 0x3000));
	expect(&call, CALL_semtimedop, ARGS(5, 0x1000, 1, 0x3000));
	call = resolved(CALL_ipc, ABI_I386, ARGS(12, 5, 100, 04000, at, 0));
	expect(&call, CALL_msgrcv, ARGS(5, 0x2000, 100, 7, 04000));
	call = resolved(CALL_ipc, ABI_I386, ARGS(12 | 1 << 16, 5, 100, 04000, 0x1000, 7));
	expect(&call, CALL_msgrcv, ARGS(5, 0x1000, 100, 7, 04000));
	call = resolved(CALL_ipc, ABI_I386, ARGS(3, 5, 1, 16, at));
	expect(&call, CALL_semctl, ARGS(5, 1, 16, 0x2000));
	call = resolved(CALL_ipc, ABI_I386, ARGS(99, 1, 2, 3, 4, 5));
	expect(&call, CALL_ipc, ARGS(99, 1, 2, 3, 4, 5));
}
END_TEST

START_TEST(shmat_returns_what_is_in_memory)
{
	const uint32_t where = 0xf7000000;
	struct decode_call made = {.id = CALL_ipc, .abi = ABI_I386, .tid = getpid(), .args = {21, 5, 0, (uintptr_t)&where}};
	struct decode_call shown = made;
	multiplexed_resolve(&shown);
	expect(&shown, CALL_shmat, ARGS(5, 0, 0));
	ck_assert_int_eq(multiplexed_result(&made, &shown, 0), 0xf7000000);
	ck_assert_int_eq(multiplexed_result(&made, &shown, -22), -22);
	ck_assert_int_eq(multiplexed_result(&shown, &shown, 0), 0);
}
END_TEST

START_TEST(what_is_watched_stops_where_it_is_multiplexed)
{
	struct call_set set = {0};
	multiplexed_include(&set);
	ck_assert(call_set_empty(&set));
	call_set_add(&set, CALL_connect);
	multiplexed_include(&set);
	ck_assert(call_set_has(&set, CALL_socketcall) && !call_set_has(&set, CALL_ipc));
	call_set_add(&set, CALL_shmdt);
	multiplexed_include(&set);
	ck_assert(call_set_has(&set, CALL_ipc) && !call_set_has(&set, CALL_read));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("multiplexed");
	TCase *c = tcase_create("i386");
	tcase_add_test(c, socketcall_has_its_arguments_in_memory);
	tcase_add_test(c, ipc_has_its_arguments_in_another_order);
	tcase_add_test(c, shmat_returns_what_is_in_memory);
	tcase_add_test(c, what_is_watched_stops_where_it_is_multiplexed);
	suite_add_tcase(suite, c);
	return run_suite(suite);
}
