/*
 * The decoder over fake memory: forms that all calls share, JSON, and that a recorded walk replays to the same words.
 */
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "decode_fake.h"
#include "run_suite.h"

START_TEST(strings_are_escaped_as_strace_does)
{
	uint64_t at = put(0, "a\0001b\1x\377\t\"\\\n1", 13);
	expect("write(1, \"a\\0001b\\1x\\377\\t\\\"\\\\\\n1\", 12) = 12",
	       "write", 12, ARGS(1, at, 12));
	put(100, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 33);
	expect("write(1, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"..., 33) = 33",
	       "write", 33, ARGS(1, MEMORY_BASE + 100, 33));
	expect("write(1, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", 32) = 32",
	       "write", 32, ARGS(1, MEMORY_BASE + 100, 32));
	expect("write(1, 0x5, 3) = -1 EFAULT (Bad address)",
	       "write", -EFAULT, ARGS(1, 5, 3));
	expect("write(1, NULL, 0) = 0",
	       "write", 0, ARGS(1, 0, 0));
	options.hex_strings = 1;
	expect("write(1, \"\\x61\\x00\\x31\", 3) = 3",
	       "write", 3, ARGS(1, at, 3));
	options.hex_strings = 2;
	expect("write(1, \"\\x61\\x61\", 2) = 2",
	       "write", 2, ARGS(1, MEMORY_BASE + 100, 2));
}
END_TEST

START_TEST(paths_are_whole_and_modes_appear_when_they_count)
{
	char path[100];
	memset(path, 'p', sizeof(path));
	path[99] = '\0';
	uint64_t at = put(0, path, sizeof(path));
	struct strbuf AUTO_STRBUF want = {0};
	strbuf_addf(&want, "open(\"%s\", O_RDONLY|O_CLOEXEC) = 3", path);
	expect(strbuf_str(&want), "open", 3, ARGS(at, 02000000, 0777));
	put(200, "/x", 3);
	expect("openat(AT_FDCWD, \"/x\", O_WRONLY|O_CREAT, 0640) = -1 ENOENT (No such file or directory)",
	       "openat", -ENOENT,
	       ARGS((uint64_t)-100, MEMORY_BASE + 200, 0101, 0640));
	expect("openat(4, \"/x\", O_RDWR|O_APPEND|O_SYNC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
	       "openat", -512, ARGS(4, MEMORY_BASE + 200, 02 | 02000 | 04010000));
}
END_TEST

START_TEST(outputs_of_failed_calls_are_addresses)
{
	expect("read(0, 0x10000, 5) = -1 EAGAIN (Resource temporarily unavailable)",
	       "read", -EAGAIN,
	       ARGS(0, MEMORY_BASE, 5));
	put(0, "hello", 5);
	expect("read(0, \"hel\", 5) = 3",
	       "read", 3, ARGS(0, MEMORY_BASE, 5));
	expect("pipe2(0x10000, O_CLOEXEC) = -1 EMFILE (Too many open files)",
	       "pipe2", -EMFILE, ARGS(MEMORY_BASE, 02000000));
	put(0, (const int[2]){3, 4}, 8);
	expect("pipe2([3, 4], O_CLOEXEC) = 0",
	       "pipe2", 0, ARGS(MEMORY_BASE, 02000000));
}
END_TEST

START_TEST(lengths_before_and_after)
{
	struct {
		uint16_t family, port;
		uint32_t address;
		uint8_t zero[8];
	} in = {2, __builtin_bswap16(80), __builtin_bswap32(0x7f000001), {0}};
	uint32_t len = 16;
	put(0, &in, sizeof(in));
	put(100, &len, sizeof(len));
	expect("accept(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 4",
	       "accept", 4,
	       ARGS(3, MEMORY_BASE, MEMORY_BASE + 100));
	struct decode_call call = {.id = CALL_accept, .abi = ABI_X86_64, .args = {3, MEMORY_BASE, MEMORY_BASE + 100}};
	struct strbuf AUTO_STRBUF out = {0};
	struct text_printer t;
	len = 128;
	put(100, &len, sizeof(len));
	unsigned first = decode_enter(&call, &options, &memory.base, null_printer());
	len = 16;
	put(100, &len, sizeof(len));
	text_printer_init(&t, &out, &options);
	decode_exit(&call, &(struct decode_result){.value = 4}, first, &options, &memory.base, &t.base);
	ck_assert_str_eq(strbuf_str(&out),
			 ", {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16]");
}
END_TEST

START_TEST(descriptors_have_paths_and_sockets)
{
	options.fd_paths = 1;
	expect("close(5</fd/5>) = 0",
	       "close", 0, ARGS(5));
	expect("close(7) = -1 EBADF (Bad file descriptor)",
	       "close", -EBADF, ARGS(7));
	options.fd_paths = 2;
	expect("dup(3<TCP:[127.0.0.1:80]>) = 4</fd/4>",
	       "dup", 4, ARGS(3));
}
END_TEST

START_TEST(results_have_their_form)
{
	expect("fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)",
	       "fcntl", 0x8002, ARGS(3, 3));
	expect("umask(022) = 002",
	       "umask", 2, ARGS(022));
	expect("brk(NULL) = 0x55550000",
	       "brk", 0x55550000, ARGS(0));
	put(0, (const struct { int fd; int16_t events, revents; }[1]){{3, 1, 1}}, 8);
	expect("poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}])",
	       "poll", 1,
	       ARGS(MEMORY_BASE, 1, (uint64_t)-1));
	expect("poll([{fd=3, events=POLLIN}], 1, 5) = 0 (Timeout)",
	       "poll", 0, ARGS(MEMORY_BASE, 1, 5));
	struct strbuf AUTO_STRBUF out = {0};
	decode_result_text(&(struct decode_call){.id = CALL_exit_group}, NULL, &options, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), "= ?");
}
END_TEST

START_TEST(constants_by_number_and_name)
{
	put(0, "/x", 3);
	const uint64_t *open = ARGS((uint64_t)-100, MEMORY_BASE, 0101, 0640);
	const uint64_t *socket = ARGS(2, 02000001, 0);
	options.consts = CONST_RAW;
	expect("openat(-100, \"/x\", 0x41, 0640) = 3", "openat", 3, open);
	expect("socket(0x2, 0x1|0x80000, 0) = 3", "socket", 3, socket);
	expect("kill(1, 15) = 0", "kill", 0, ARGS(1, 15));
	expect("mknod(\"/x\", 0100644) = 0", "mknod", 0, ARGS(MEMORY_BASE, 0100644));
	options.consts = CONST_VERBOSE;
	expect("openat(-100 /* AT_FDCWD */, \"/x\", 0x41 /* O_WRONLY|O_CREAT */, 0640) = 3", "openat", 3, open);
	expect("socket(0x2 /* AF_INET */, 0x1 /* SOCK_STREAM */|0x80000 /* SOCK_CLOEXEC */, 0 /* IPPROTO_IP */) = 3",
	       "socket", 3, socket);
	expect("kill(1, 15 /* SIGTERM */) = 0", "kill", 0, ARGS(1, 15));
	expect("mknod(\"/x\", 0100644 /* S_IFREG|0644 */) = 0", "mknod", 0, ARGS(MEMORY_BASE, 0100644));
	expect("umount2(\"/x\", 0x80000000 /* MNT_??? */) = 0", "umount2", 0, ARGS(MEMORY_BASE, 0x80000000));
}
END_TEST

START_TEST(process_ids_are_told)
{
	options.pid_comms = true;
	expect("kill(4<exactly16letters>, SIGTERM) = 0", "kill", 0, ARGS(4, 15));
	options.pid_namespaces = true;
	expect("getpgid(4<exactly16letters> /* 1004 in strace's PID NS */) = 5<exactly16letters> "
	       "/* 1005 in strace's PID NS */", "getpgid", 5, ARGS(4));
	expect("kill(7, SIGTERM) = 0", "kill", 0, ARGS(7, 15));
	expect("kill(-4, SIGTERM) = 0", "kill", 0, ARGS((uint64_t)-4, 15));
}
END_TEST

START_TEST(arrays_end_where_memory_does)
{
	const uint32_t gids[3] = {1, 2, 3};
	uint64_t at = put(MEMORY_SIZE - 12, gids, 12);
	expect("setgroups(3, [1, 2, 3]) = 0", "setgroups", 0, ARGS(3, at));
	expect("setgroups(4, [1, 2, 3, ... /* 0x20000 */]) = -1 EFAULT (Bad address)", "setgroups", -EFAULT, ARGS(4, at));
	expect("setgroups(4, 0x20000) = -1 EFAULT (Bad address)", "setgroups", -EFAULT, ARGS(4, at + 12));
	options.string_limit = 2;
	expect("setgroups(3, [1, 2, ...]) = 0", "setgroups", 0, ARGS(3, at));
	expect("setgroups(3, [2, 3, ... /* 0x20000 */]) = -1 EFAULT (Bad address)", "setgroups", -EFAULT,
	       ARGS(3, at + 4));
	expect("write(1, \"\\2\\0\"..., 8) = 8", "write", 8, ARGS(1, at + 4, 8));
	expect("write(1, 0x1fffe, 8) = -1 EFAULT (Bad address)", "write", -EFAULT, ARGS(1, at + 10, 8));
}
END_TEST

START_TEST(longer_structures_show_what_is_not_known)
{
	uint64_t how[4] = {0, 0, 0, 0};
	uint64_t at = put(0, how, sizeof(how));
	put(100, "/x", 3);
	expect("openat2(4, \"/x\", {flags=O_RDONLY, resolve=0}, 32) = 3", "openat2", 3,
	       ARGS(4, MEMORY_BASE + 100, at, 32));
	memory.bytes[31] = 0xab;
	expect("openat2(4, \"/x\", {flags=O_RDONLY, resolve=0, /* bytes 24..31 */ \"\\x00\\x00\\x00\\x00\\x00\\x00"
	       "\\x00\\xab\"}, 32) = -1 E2BIG (Argument list too long)", "openat2", -E2BIG,
	       ARGS(4, MEMORY_BASE + 100, at, 32));
	at = put(MEMORY_SIZE - 24, how, 24);
	expect("openat2(4, \"/x\", {flags=O_RDONLY, resolve=0, ???}, 32) = -1 EFAULT (Bad address)", "openat2", -EFAULT,
	       ARGS(4, MEMORY_BASE + 100, at, 32));
}
END_TEST

START_TEST(values_of_two_sets)
{
	expect("personality(0x1f /* PER_??? */|ADDR_NO_RANDOMIZE) = 0 (PER_LINUX)", "personality", 0, ARGS(0x4001f));
	expect("shmget(IPC_PRIVATE, 1, IPC_CREAT|SHM_HUGETLB|21<<SHM_HUGE_SHIFT|0600) = 5", "shmget", 5,
	       ARGS(0, 1, 01000 | 04000 | 21 << 26 | 0600));
	expect("futex(0x1000, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 1, NULL, FUTEX_BITSET_MATCH_ANY) = 0",
	       "futex", 0, ARGS(0x1000, 9 | 128 | 256, 1, 0, 0, UINT32_MAX));
	expect("futex(0x1000, 0x101 /* FUTEX_??? */, 1) = -1 ENOSYS (Function not implemented)", "futex", -ENOSYS,
	       ARGS(0x1000, 0x101, 1));
}
END_TEST

static void expect_dump(const char *want, const char *name, int64_t value, const uint64_t args[6])
{
	struct strbuf AUTO_STRBUF out = {0};
	struct decode_call call = {.id = call_from_name(name, strlen(name)), .abi = ABI_X86_64};
	struct decode_result result = {.value = value, .is_error = value < 0};
	memcpy(call.args, args, sizeof(call.args));
	decode_dump_text(&call, &result, &options, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), want);
}

START_TEST(moved_bytes_are_dumped)
{
	struct decode_dump dump = {.read.bits = {1 << 3}, .write.rest = true};
	uint64_t at = put(0, "0123456789abcdefgh\n\377", 20);
	const uint64_t iov[6] = {at, 2, at + 2, 0, at, 20};
	uint64_t vec = put(100 * 8, iov, sizeof(iov));
	expect_dump("", "read", 20, ARGS(3, at, 100));
	options.dump = &dump;
	expect_dump(" | 00000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef |\n"
		    " | 00010  67 68 0a ff                                       gh..             |\n",
		    "read", 20, ARGS(3, at, 100));
	expect_dump("", "read", 20, ARGS(4, at, 100));
	expect_dump("", "read", -EIO, ARGS(3, at, 100));
	expect_dump("", "write", 20, ARGS(3, at, 20));
	expect_dump(" * 2 bytes in buffer 0\n"
		    " | 00000  30 31                                             01               |\n",
		    "writev", 2, ARGS(65536, vec, 3));
}
END_TEST

START_TEST(arguments_of_programs)
{
	put(0, (const uint64_t[4]){MEMORY_BASE + 100, MEMORY_BASE + 110, 0, 0}, 32);
	put(100, "sh", 3);
	put(110, "-c", 3);
	expect("execve(\"sh\", [\"sh\", \"-c\"], 0x10000 /* 2 vars */) = 0",
	       "execve", 0,
	       ARGS(MEMORY_BASE + 100, MEMORY_BASE, MEMORY_BASE));
	options.verbose = true;
	expect("execve(\"sh\", NULL, [\"sh\", \"-c\"]) = 0",
	       "execve", 0, ARGS(MEMORY_BASE + 100, 0, MEMORY_BASE));
}
END_TEST

START_TEST(json_is_typed)
{
	struct strbuf AUTO_STRBUF out = {0};
	struct json_printer j;
	struct decode_call call = {
		.id = CALL_openat, .abi = ABI_X86_64, .args = {(uint64_t)-100, MEMORY_BASE, 02000101, 0600},
	};
	put(0, "/\377\303\251\"\n", 7);
	json_printer_init(&j, &out, &options);
	unsigned first = decode_enter(&call, &options, &memory.base, &j.base);
	decode_exit(&call, &(struct decode_result){.value = 3}, first, &options, &memory.base, &j.base);
	json_printer_finish(&j);
	strbuf_addc(&out, ',');
	decode_result_json(&call, &(struct decode_result){.value = 3}, &options, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out),
			 "\"args\":{\"dfd\":\"AT_FDCWD\",\"pathname\":\"/\\u00ff\303\251\\\"\\n\","
			 "\"flags\":[\"O_WRONLY\",\"O_CREAT\",\"O_CLOEXEC\"],\"mode\":384},\"result\":3");
}
END_TEST

START_TEST(a_walk_that_asks_otherwise_gets_nothing)
{
	struct strbuf AUTO_STRBUF log = {0};
	struct recording_source rec;
	struct replay_source replay;
	char buf[8] = "";
	recording_source_init(&rec, &memory.base, &log);
	put(0, "abcdefgh", 8);
	ck_assert_int_eq(rec.base.ops->read(&rec.base, MEMORY_BASE, buf, 8), 0);
	replay_source_init(&replay, log.data, log.len);
	ck_assert_int_eq(replay.base.ops->read(&replay.base, MEMORY_BASE, buf, 4), -EFAULT);
	ck_assert_int_eq(replay.base.ops->read(&replay.base, MEMORY_BASE, buf, 8), -EFAULT);
	replay_source_init(&replay, log.data, 5);	/* cut short */
	ck_assert_int_eq(replay.base.ops->read(&replay.base, MEMORY_BASE, buf, 8), -EFAULT);
	replay_source_init(&replay, NULL, 0);
	ck_assert_int_eq(replay.base.ops->read(&replay.base, MEMORY_BASE, buf, 1), -EFAULT);
}
END_TEST

START_TEST(simple_calls_need_no_source)
{
	static const char *const simple[] = {"getppid", "close", "lseek", "mmap", "munmap", "brk", "getpid", "dup2"};
	for (size_t i = 0; i < ARRAY_SIZE(simple); i++) {
		enum call_id id = call_from_name(simple[i], strlen(simple[i]));
		ck_assert(!decode_needs_source_enter(id, ABI_X86_64, &options));
		ck_assert(!decode_needs_source_exit(id, ABI_X86_64, &options));
	}
	ck_assert(decode_needs_source_enter(CALL_write, ABI_X86_64, &options));
	ck_assert(!decode_needs_source_exit(CALL_write, ABI_X86_64, &options));
	ck_assert(!decode_needs_source_enter(CALL_read, ABI_X86_64, &options));
	ck_assert(decode_needs_source_exit(CALL_read, ABI_X86_64, &options));
	options.fd_paths = 1;
	ck_assert(decode_needs_source_enter(CALL_close, ABI_X86_64, &options));
}
END_TEST

START_TEST(single_calls_are_decoded_otherwise)
{
	static struct decode_sets sets;
	const uint32_t pair[2] = {3, 4};
	uint64_t at = put(0, pair, sizeof(pair));
	memset(&sets, 0, sizeof(sets));
	call_set_add(&sets.undecoded, CALL_pipe2);
	call_set_add(&sets.raw, CALL_kill);
	options.sets = &sets;
	expect("pipe2(0x10000, 0) = 0", "pipe2", 0, ARGS(at));
	expect("pipe([3, 4]) = 0", "pipe", 0, ARGS(at));
	expect("kill(0x1, 0xf) = 0", "kill", 0, ARGS(1, 15));
	expect("tkill(1, SIGTERM) = 0", "tkill", 0, ARGS(1, 15));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("decode");
	TCase *c = tcase_create("decode");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, strings_are_escaped_as_strace_does);
	tcase_add_test(c, paths_are_whole_and_modes_appear_when_they_count);
	tcase_add_test(c, outputs_of_failed_calls_are_addresses);
	tcase_add_test(c, lengths_before_and_after);
	tcase_add_test(c, descriptors_have_paths_and_sockets);
	tcase_add_test(c, results_have_their_form);
	tcase_add_test(c, constants_by_number_and_name);
	tcase_add_test(c, process_ids_are_told);
	tcase_add_test(c, arrays_end_where_memory_does);
	tcase_add_test(c, longer_structures_show_what_is_not_known);
	tcase_add_test(c, values_of_two_sets);
	tcase_add_test(c, moved_bytes_are_dumped);
	tcase_add_test(c, arguments_of_programs);
	tcase_add_test(c, json_is_typed);
	tcase_add_test(c, a_walk_that_asks_otherwise_gets_nothing);
	tcase_add_test(c, simple_calls_need_no_source);
	tcase_add_test(c, single_calls_are_decoded_otherwise);
	suite_add_tcase(s, c);
	return run_suite(s);
}
