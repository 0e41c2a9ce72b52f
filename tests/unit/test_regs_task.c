/*
 * Registers of a live task through ptrace on x86_64: that words and sets are where the layout says, that changes
 * arrive, and that 32-bit calls are seen as such, from 64-bit code and from code that runs in 32-bit mode.
 */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "regs/regs.h"
#include "run_suite.h"

static pid_t task_of(void *ctx)
{
	return *(pid_t *)ctx;
}

static int get_set(void *ctx, unsigned note, void *buf, size_t *len)
{
	struct iovec iov = {.iov_base = buf, .iov_len = *len};

	if (ptrace(PTRACE_GETREGSET, task_of(ctx), (void *)(uintptr_t)note, &iov) < 0)
		return -errno;
	*len = iov.iov_len;
	return 0;
}

static int put_set(void *ctx, unsigned note, const void *buf, size_t len)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = len};

	return ptrace(PTRACE_SETREGSET, task_of(ctx), (void *)(uintptr_t)note, &iov) < 0 ? -errno : 0;
}

static int peek(void *ctx, size_t offset, uint64_t *ret)
{
	errno = 0;
	long word = ptrace(PTRACE_PEEKUSER, task_of(ctx), offset, 0);
	if (errno)
		return -errno;
	*ret = (uint64_t)word;
	return 0;
}

static int poke(void *ctx, size_t offset, uint64_t value)
{
	return ptrace(PTRACE_POKEUSER, task_of(ctx), offset, value) < 0 ? -errno : 0;
}

static const struct regs_io with_words = {get_set, put_set, peek, poke};
static const struct regs_io sets_only = {get_set, put_set, NULL, NULL};

static uint64_t get(struct regs *r, enum reg reg)
{
	uint64_t value = 0;

	ck_assert_int_eq(regs_get(r, reg, &value), 0);
	return value;
}

/* A stopped child that will run code once it is let go. */
static pid_t start(void (*code)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(77);
		(void)raise(SIGSTOP);
		code();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	return pid;
}

static void to_next_call_stop(pid_t pid)
{
	int status;

	ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80), "status %x", (unsigned)status);
}

static void end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

__attribute__((naked)) static void call_64(void)
{
	__asm__("mov $0x1111111111111111, %rdi\n\t"
		"mov $0x2222222222222222, %rsi\n\t"
		"mov $0x3333333333333333, %rdx\n\t"
		"mov $0x4444444444444444, %r10\n\t"
		"mov $0x5555555555555555, %r8\n\t"
		"mov $0x6666666666666666, %r9\n\t"
		"mov $0x7777777777777777, %rbx\n\t"
		"movq %rbx, %xmm3\n\t"
		"mov $1500, %eax\n\t"
		"syscall\n\t"
		"ud2");
}

static void check_64(const struct regs_io *io)
{
	pid_t pid = start(call_64);
	struct regs r;

	regs_init(&r, REGS_X86_64, io, &pid);
	to_next_call_stop(pid);
	ck_assert_uint_eq(get(&r, REG_NR), 1500);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(get(&r, (enum reg)(REG_ARG0 + i)), UINT64_C(0x1111111111111111) * (i + 1));
	ck_assert_uint_ne(get(&r, REG_TLS), 0);
	ck_assert_uint_ne(get(&r, REG_SP), 0);
	/* Skip it, with a value of ours. */
	regs_set(&r, REG_NR, UINT64_MAX);
	regs_set(&r, REG_RET, 4242);
	ck_assert_int_eq(regs_flush(&r), 0);
	to_next_call_stop(pid);
	regs_reset(&r);
	ck_assert_uint_eq(get(&r, REG_RET), 4242);
	ck_assert_uint_eq(get(&r, REG_ARG0), UINT64_C(0x1111111111111111));
	end(pid);
	uint64_t value;
	regs_reset(&r);
	ck_assert_int_eq(regs_get(&r, REG_RET, &value), -ESRCH);
}

START_TEST(call_by_words)
{
	check_64(&with_words);
}
END_TEST

START_TEST(call_by_sets)
{
	check_64(&sets_only);
}
END_TEST

/* Many changes at once go through the whole set. */
START_TEST(all_arguments_rewritten)
{
	pid_t pid = start(call_64);
	struct regs r;

	regs_init(&r, REGS_X86_64, &with_words, &pid);
	to_next_call_stop(pid);
	for (unsigned i = 0; i < 6; i++)
		regs_set(&r, (enum reg)(REG_ARG0 + i), i);
	ck_assert_int_eq(regs_flush(&r), 0);
	regs_reset(&r);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(get(&r, (enum reg)(REG_ARG0 + i)), i);
	ck_assert_uint_eq(get(&r, REG_NR), 1500);
	end(pid);
}
END_TEST

__attribute__((naked)) static void call_int80(void)
{
	__asm__("mov $0xdead000011111111, %rbx\n\t"
		"mov $0xdead000022222222, %rcx\n\t"
		"mov $0xdead000033333333, %rdx\n\t"
		"mov $0xdead000044444444, %rsi\n\t"
		"mov $0xdead000055555555, %rdi\n\t"
		"mov $0xdead000066666666, %rbp\n\t"
		"mov $1500, %eax\n\t"
		"int $0x80\n\t"
		"ud2");
}

static void check_i386_call(struct regs *r, pid_t pid)
{
	ck_assert_int_eq(regs_set_abi(r, REGS_ABI_COMPAT32), 0);
	ck_assert_uint_eq(get(r, REG_NR), 1500);
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(get(r, (enum reg)(REG_ARG0 + i)), 0x11111111 * (i + 1));
	to_next_call_stop(pid);
	regs_reset(r);
	ck_assert_int_eq((int64_t)get(r, REG_RET), -ENOSYS);
}

START_TEST(int80_from_64_bit_code)
{
	pid_t pid = start(call_int80);
	struct regs r;

	regs_init(&r, REGS_X86_64, &with_words, &pid);
	to_next_call_stop(pid);
	check_i386_call(&r, pid);
	end(pid);
}
END_TEST

/* Code at an address of 32 bits, entered with a far return to Linux's 32-bit code segment. */
static void run_in_32_bit_mode(void)
{
	static const uint8_t code[] = {
		0xbb, 0x11, 0x11, 0x11, 0x11,	/* mov $0x11111111, %ebx */
		0xb9, 0x22, 0x22, 0x22, 0x22,	/* ecx */
		0xba, 0x33, 0x33, 0x33, 0x33,	/* edx */
		0xbe, 0x44, 0x44, 0x44, 0x44,	/* esi */
		0xbf, 0x55, 0x55, 0x55, 0x55,	/* edi */
		0xbd, 0x66, 0x66, 0x66, 0x66,	/* ebp */
		0xb8, 0xdc, 0x05, 0x00, 0x00,	/* mov $1500, %eax */
		0xcd, 0x80,			/* int $0x80 */
		0x0f, 0x0b,			/* ud2 */
	};
	uint8_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (low == MAP_FAILED)
		_exit(77);
	memcpy(low, code, sizeof(code));
	__asm__ volatile("lea 4000(%0), %%rsp\n\t"
			 "pushq $0x23\n\t"
			 "pushq %0\n\t"
			 "lretq" : : "r"(low) : "memory");
}

static void check_32_bit_mode(const struct regs_io *io)
{
	pid_t pid = start(run_in_32_bit_mode);
	struct regs r;

	regs_init(&r, REGS_X86_64, io, &pid);
	to_next_call_stop(pid);	/* mmap, in and out */
	to_next_call_stop(pid);
	regs_reset(&r);
	to_next_call_stop(pid);
	ck_assert_int_eq(regs_fetch(&r), 0);
	ck_assert(r.narrow);
	check_i386_call(&r, pid);
	/* And writing, in whichever form. */
	regs_set(&r, REG_RET, (uint64_t)-EPERM);
	regs_set(&r, REG_ARG1, 0x12345678);
	ck_assert_int_eq(regs_flush(&r), 0);
	regs_reset(&r);
	ck_assert_int_eq((int64_t)get(&r, REG_RET), -EPERM);
	ck_assert_uint_eq(get(&r, REG_ARG1), 0x12345678);
	ck_assert_uint_eq(get(&r, REG_ARG2), 0x33333333);
	end(pid);
}

START_TEST(int80_in_32_bit_mode)
{
	check_32_bit_mode(&with_words);
}
END_TEST

START_TEST(int80_in_32_bit_mode_by_sets)
{
	check_32_bit_mode(&sets_only);
}
END_TEST

struct first {
	char name[REGS_NAME_MAX];
	unsigned count;
};

static void remember(void *ctx, const char *name, const void *a, const void *b, size_t size)
{
	struct first *f = ctx;

	(void)a;
	(void)b;
	(void)size;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	f->count++;
}

START_TEST(snapshot_of_a_task)
{
	pid_t pid = start(call_64);
	struct regs_snapshot *before, *after;
	uint8_t value[REGS_VALUE_MAX];
	struct first named = {0};
	struct regs r;

	ck_assert_int_eq(regs_snapshot_create(REGS_X86_64, &before), 0);
	ck_assert_int_eq(regs_snapshot_create(REGS_X86_64, &after), 0);
	regs_init(&r, REGS_X86_64, &with_words, &pid);
	to_next_call_stop(pid);
	ck_assert_int_eq(regs_snapshot_take(before, &r), 0);
	ck_assert_int_eq(regs_snapshot_get(before, "rbx", value), 8);
	ck_assert_int_eq(value[0], 0x77);
	ck_assert_int_eq(regs_snapshot_get(before, "xmm3", value), 16);
	ck_assert_int_eq(value[7], 0x77);
	ck_assert_int_eq(value[8], 0);
	/* Damage one, see it named, mend it. */
	value[8] = 0xaa;
	ck_assert_int_eq(regs_snapshot_take(after, &r), 0);
	ck_assert_int_eq(regs_snapshot_change(after, "xmm3", value, 16), 0);
	ck_assert_int_eq(regs_snapshot_restore(after, &r), 0);
	ck_assert_int_eq(regs_snapshot_take(after, &r), 0);
	ck_assert_uint_eq(regs_snapshot_diff(before, after, remember, &named), 1);
	ck_assert_str_eq(named.name, "xmm3");
	ck_assert_int_eq(regs_snapshot_restore(before, &r), 0);
	ck_assert_int_eq(regs_snapshot_take(after, &r), 0);
	ck_assert_uint_eq(regs_snapshot_diff(before, after, NULL, NULL), 0);
	/* The call itself: the result, and nothing else. */
	to_next_call_stop(pid);
	ck_assert_int_eq(regs_snapshot_take(after, &r), 0);
	named.count = 0;
	(void)regs_snapshot_diff(before, after, remember, &named);
	ck_assert_uint_eq(named.count, 0);	/* rax is -ENOSYS at the entry, and this number has no call */
	end(pid);
	regs_snapshot_destroy(before);
	regs_snapshot_destroy(after);
}
END_TEST

/* ptrace may be forbidden here: then nothing can be tested. */
static int can_trace(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Kernels can be built, and started, without i386 calls. 252 is exit_group there. */
static int has_i386_calls(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		__asm__ volatile("mov $252, %%eax\n\txor %%ebx, %%ebx\n\tint $0x80" : : : "rax", "rbx", "memory");
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	if (!can_trace()) {
		(void)printf("skipped: ptrace is forbidden here\n");
		return 77;
	}
	Suite *suite = suite_create("regs_task");
	TCase *tc = tcase_create("task");

	tcase_add_test(tc, call_by_words);
	tcase_add_test(tc, call_by_sets);
	tcase_add_test(tc, all_arguments_rewritten);
	if (has_i386_calls()) {
		tcase_add_test(tc, int80_from_64_bit_code);
		tcase_add_test(tc, int80_in_32_bit_mode);
		tcase_add_test(tc, int80_in_32_bit_mode_by_sets);
	} else {
		(void)printf("skipped: this kernel has no i386 calls\n");
	}
	tcase_add_test(tc, snapshot_of_a_task);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
