/*
 * Every call and random messages: an end, JSON that can be parsed, and the same words when a recorded walk is replayed.
 */
#include <jansson.h>
#include <string.h>

#include "decode_fake.h"
#include "run_suite.h"

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t random_arg(void)
{
	switch (random_next() % 5) {
	case 0:
		return random_next() % 64;
	case 1:
		return random_next();
	case 2:
		return 0;
	default:
		return MEMORY_BASE + random_next() % (MEMORY_SIZE / 2);
	}
}

static void check_json(struct decode_call call, const struct decode_result *result, const struct strbuf logs[2])
{
	struct strbuf AUTO_STRBUF out = {0};
	struct json_printer j;
	struct replay_source src;
	json_error_t error;
	strbuf_addc(&out, '{');
	json_printer_init(&j, &out, &options);
	replay_source_init(&src, logs[0].data, logs[0].len);
	unsigned first = decode_enter(&call, &options, &src.base, &j.base);
	replay_source_init(&src, logs[1].data, logs[1].len);
	decode_exit(&call, result, first, &options, &src.base, &j.base);
	json_printer_finish(&j);
	strbuf_addc(&out, ',');
	decode_result_json(&call, result, &options, &src.base, &out);
	strbuf_addc(&out, '}');
	/* A member may stand twice (an unnamed one and one that is called like it), so duplicates are let through. */
	json_t *object = json_loadb(out.data, out.len, JSON_ALLOW_NUL, &error);
	if (!object)
		ck_abort_msg("%s: %s at %d: %s", call_desc(call.id)->name, error.text, error.column, strbuf_str(&out));
	json_decref(object);
}

/* Live, recorded and replayed: the same words, all of the log used, and nothing read where nothing is needed. */
static void check_call(enum call_id id, enum call_abi abi)
{
	struct strbuf AUTO_STRBUF live = {0};
	struct strbuf AUTO_STRBUF again = {0};
	struct strbuf AUTO_STRBUF enter_log = {0};
	struct strbuf AUTO_STRBUF exit_log = {0};
	struct recording_source rec;
	struct replay_source replay;
	struct text_printer t;
	struct decode_call call = {.id = id, .abi = abi};
	for (int i = 0; i < 6; i++)
		call.args[i] = random_arg();
	struct decode_call copy = call;
	const char *name = call_desc(id)->name;
	struct decode_result result = {.value = (int64_t)(random_next() % 100), .is_error = false};
	if (random_next() % 4 == 0)
		result = (struct decode_result){.value = -EINVAL, .is_error = true};

	recording_source_init(&rec, &memory.base, &enter_log);
	memory.asked = 0;
	unsigned first = decode_enter(&call, &options, &rec.base, null_printer());
	ck_assert_msg(!memory.asked || decode_needs_source_enter(id, abi, &options), "%s reads at entry", name);
	rec.log = &exit_log;
	memory.asked = 0;
	decode_exit(&call, &result, first, &options, &rec.base, null_printer());
	decode_result_text(&call, &result, &options, &rec.base, NULL);
	ck_assert_msg(!memory.asked || decode_needs_source_exit(id, abi, &options), "%s reads at exit", name);

	replay_source_init(&replay, enter_log.data, enter_log.len);
	text_printer_init(&t, &again, &options);
	strbuf_adds(&again, name);
	strbuf_addc(&again, '(');
	struct decode_call replayed = copy;
	ck_assert_uint_eq(decode_enter(&replayed, &options, &replay.base, &t.base), first);
	ck_assert_uint_eq(replay.at, replay.len);
	text_printer_init(&t, &again, &options);
	replay_source_init(&replay, exit_log.data, exit_log.len);
	decode_exit(&replayed, &result, first, &options, &replay.base, &t.base);
	strbuf_adds(&again, ") ");
	decode_result_text(&replayed, &result, &options, &replay.base, &again);
	ck_assert_msg(replay.at == replay.len, "%s: %zu of %zu bytes of the log", name, replay.at, replay.len);

	text_of(copy, &result, &memory.base, &live);
	ck_assert_str_eq(strbuf_str(&again), strbuf_str(&live));
	check_json(copy, &result, (const struct strbuf[2]){enter_log, exit_log});
}

static void check_all_calls(void)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		for (int abi = 0; abi < ABI_COUNT; abi++) {
			if (call_desc((enum call_id)id)->nr[abi] >= 0)
				check_call((enum call_id)id, (enum call_abi)abi);
		}
	}
}

START_TEST(every_call_survives_nonsense)
{
	random_state = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)_i;
	for (size_t i = 0; i < MEMORY_SIZE; i++)
		memory.bytes[i] = random_next() % 3 ? 0 : (uint8_t)random_next();
	options.verbose = _i & 1;
	options.fd_paths = (uint8_t)(_i % 3);
	options.hex_strings = (uint8_t)(_i / 2 % 3);
	for (int round = 0; round < 5; round++)
		check_all_calls();
}
END_TEST

static void check_live_json(struct decode_call call, const struct decode_result *result)
{
	struct strbuf AUTO_STRBUF out = {0};
	struct json_printer j;
	json_error_t error;
	strbuf_addc(&out, '{');
	json_printer_init(&j, &out, &options);
	unsigned first = decode_enter(&call, &options, &memory.base, &j.base);
	decode_exit(&call, result, first, &options, &memory.base, &j.base);
	json_printer_finish(&j);
	strbuf_addc(&out, '}');
	json_t *object = json_loadb(out.data, out.len, JSON_ALLOW_NUL, &error);
	if (!object)
		ck_abort_msg("%s at %d: %s", error.text, error.column, strbuf_str(&out));
	json_decref(object);
}

/* Messages of random attributes in attributes: no read beyond them, and an end. */
START_TEST(netlink_survives_nonsense)
{
	static const uint8_t sockets[] = {5, 12, 13};
	static const uint8_t families[] = {1, 2, 10, 16, 17};
	for (unsigned round = 0; round < 6000; round++) {
		uint8_t bytes[256];
		struct strbuf AUTO_STRBUF out = {0};
		struct decode_call call = {
			.id = CALL_sendto, .abi = ABI_X86_64, .args = {sockets[round % 3], MEMORY_BASE, sizeof(bytes), 0, 0, 0},
		};
		options.verbose = round & 1;
		const struct decode_result result = {.value = sizeof(bytes)};
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = random_next() & (i % 2 ? 3 : 63);
		bytes[3] = 0;
		bytes[7] &= 3;
		bytes[5] = round % 3 == 1 ? (uint8_t)(random_next() % 13) : bytes[5] & 1;
		if (round % 3 == 2)
			memcpy(bytes + 4, (uint8_t[4]){round & 4 ? 18 : 20, 0, (uint8_t)random_next(), 0}, 4);
		if (round % 3 == 2)
			bytes[16] = families[random_next() % sizeof(families)];
		(void)put(0, bytes, sizeof(bytes));
		text_of(call, &result, &memory.base, &out);
		check_live_json(call, &result);
		ck_assert_uint_lt(out.len, 65536);
	}
}
END_TEST
int main(void)
{
	Suite *s = suite_create("decode_nonsense");
	TCase *c = tcase_create("decode_nonsense");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, every_call_survives_nonsense, 0, 6);
	tcase_add_loop_test(c, netlink_survives_nonsense, 0, 6);
	tcase_set_timeout(c, 40);
	suite_add_tcase(s, c);
	return run_suite(s);
}
