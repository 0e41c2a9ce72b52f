/* The decoder over fake memory: text, JSON, and that a recorded walk replays to the same words. */
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "syscalls/decode.h"

#define MEMORY_BASE UINT64_C(0x10000)
#define MEMORY_SIZE 65536

struct fake_memory {
	struct decode_source base;
	uint8_t bytes[MEMORY_SIZE];
	unsigned asked;
};

static struct fake_memory memory;

static int fake_read(struct decode_source *src, uint64_t addr, void *buf, size_t len)
{
	struct fake_memory *m = (struct fake_memory *)src;
	m->asked++;
	if (addr < MEMORY_BASE || addr - MEMORY_BASE > MEMORY_SIZE || len > MEMORY_SIZE - (addr - MEMORY_BASE))
		return -EFAULT;
	memcpy(buf, m->bytes + (addr - MEMORY_BASE), len);
	return 0;
}

static ssize_t fake_read_string(struct decode_source *src, uint64_t addr, char *buf, size_t max, bool *ret_complete)
{
	for (size_t i = 0; i < max; i++) {
		if (fake_read(src, addr + i, buf + i, 1) < 0)
			return -EFAULT;
		if (!buf[i]) {
			*ret_complete = true;
			return (ssize_t)i;
		}
	}
	*ret_complete = false;
	return (ssize_t)max;
}

static ssize_t fake_fd_path(struct decode_source *src, int fd, char *buf, size_t size)
{
	((struct fake_memory *)src)->asked++;
	if (fd == 7)
		return -EBADF;
	return snprintf(buf, size, "/fd/%d", fd);
}

static ssize_t fake_fd_socket(struct decode_source *src, int fd, char *buf, size_t size)
{
	((struct fake_memory *)src)->asked++;
	if (fd == 12 || fd == 13)
		return snprintf(buf, size, fd == 12 ? "NETLINK:[NETFILTER:7]" : "NETLINK:[SOCK_DIAG:7]");
	if (fd == 5)
		return snprintf(buf, size, "NETLINK:[ROUTE:7]");
	return fd == 3 ? snprintf(buf, size, "TCP:[127.0.0.1:80]") : -EINVAL;
}

static int fake_pid_note(struct decode_source *src UNUSED, pid_t pid, struct pid_note *ret)
{
	if (pid == 7)
		return -ESRCH;
	*ret = (struct pid_note){.here = pid + 1000, .comm = "exactly16letters"};
	return 0;
}

static const struct decode_source_ops fake_ops = {
	.pid_note = fake_pid_note,
	.read = fake_read, .read_string = fake_read_string, .fd_path = fake_fd_path, .fd_socket = fake_fd_socket,
};

static struct decode_options options;

static void setup(void)
{
	memset(&memory, 0, sizeof(memory));
	memory.base.ops = &fake_ops;
	options = (struct decode_options){.string_limit = 32};
}

static uint64_t put(size_t at, const void *bytes, size_t len)
{
	memcpy(memory.bytes + at, bytes, len);
	return MEMORY_BASE + at;
}

/* Both walks of a call into text: "open("/x", O_RDONLY) = 3". */
static void text_of(struct decode_call call, const struct decode_result *result, struct decode_source *src,
		    struct strbuf *out)
{
	struct text_printer t;
	text_printer_init(&t, out, &options);
	strbuf_adds(out, call_desc(call.id)->name);
	strbuf_addc(out, '(');
	unsigned first = decode_enter(&call, &options, src, &t.base);
	text_printer_init(&t, out, &options);
	decode_exit(&call, result, first, &options, src, &t.base);
	strbuf_adds(out, ") ");
	decode_result_text(&call, result, &options, src, out);
}

static void expect(const char *want, const char *name, int64_t value, const uint64_t args[6])
{
	struct strbuf AUTO_STRBUF out = {0};
	struct decode_call call = {.id = call_from_name(name, strlen(name)), .abi = ABI_X86_64};
	struct decode_result result = {.value = value, .is_error = value < 0 && value >= -4095};
	memcpy(call.args, args, sizeof(call.args));
	text_of(call, &result, &memory.base, &out);
	ck_assert_str_eq(strbuf_str(&out), want);
}

#define ARGS(...) ((const uint64_t[6]){__VA_ARGS__})

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
	expect("io_uring_register(6, IORING_REGISTER_IOWQ_MAX_WORKERS, [[IO_WQ_BOUND]=8, [IO_WQ_UNBOUND]=16], 2) = -1 EINVAL "
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
	expect("ioctl(6, SECCOMP_IOCTL_NOTIF_RECV, {id=0x5, pid=9, flags=0, data={nr=__NR_getpid, arch=AUDIT_ARCH_X86_64, "
	       "instruction_pointer=0x1000, args=[0, 0, 0, 0, 0, 0]}}) = 0", "ioctl", 0, ARGS(6, 0xc0502100, at));
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

static Suite *decode_suite(void)
{
	Suite *s = suite_create("decode");
	TCase *text = tcase_create("text");
	TCase *all = tcase_create("all");
	tcase_add_checked_fixture(text, setup, NULL);
	tcase_add_test(text, strings_are_escaped_as_strace_does);
	tcase_add_test(text, paths_are_whole_and_modes_appear_when_they_count);
	tcase_add_test(text, outputs_of_failed_calls_are_addresses);
	tcase_add_test(text, lengths_before_and_after);
	tcase_add_test(text, descriptors_have_paths_and_sockets);
	tcase_add_test(text, results_have_their_form);
	tcase_add_test(text, constants_by_number_and_name);
	tcase_add_test(text, process_ids_are_told);
	tcase_add_test(text, arrays_end_where_memory_does);
	tcase_add_test(text, longer_structures_show_what_is_not_known);
	tcase_add_test(text, values_of_two_sets);
	tcase_add_test(text, moved_bytes_are_dumped);
	tcase_add_test(text, arguments_of_programs);
	tcase_add_test(text, json_is_typed);
	tcase_add_test(text, a_walk_that_asks_otherwise_gets_nothing);
	tcase_add_test(text, simple_calls_need_no_source);
	tcase_add_test(text, signals_tell_what_they_are);
	tcase_add_test(text, programs_of_filters);
	tcase_add_test(text, quotas_and_keys);
	tcase_add_test(text, results_of_prctl);
	tcase_add_test(text, attributes_of_bpf_are_of_its_command);
	tcase_add_test(text, what_io_uring_registers_has_the_type_of_its_opcode);
	tcase_add_test(text, notifications_of_seccomp);
	tcase_add_test(text, asynchronous_vectors_and_offsets);
	tcase_add_test(text, messages_of_netfilter_and_diag);
	tcase_add_test(text, single_calls_are_decoded_otherwise);
	tcase_add_checked_fixture(all, setup, NULL);
	tcase_add_loop_test(all, ioctl_arguments_have_the_type_of_their_request, 0, 6);
	tcase_add_loop_test(all, socket_options_have_the_type_of_their_name, 0, 6);
	tcase_add_loop_test(all, control_messages_hold_descriptors, 0, 6);
	tcase_add_loop_test(all, netlink_messages_have_attributes, 0, 6);
	tcase_add_loop_test(all, netlink_survives_nonsense, 0, 6);
	tcase_add_loop_test(all, every_call_survives_nonsense, 0, 6);
	tcase_set_timeout(all, 40);
	suite_add_tcase(s, text);
	suite_add_tcase(s, all);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(decode_suite());
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
