/* Calls of 0 to 6 arguments: each argument arrives, and no register but rax, rcx and r11 changes. */
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "guest.h"

#ifdef __x86_64__
/* The registers around one syscall instruction: loaded from here, stored back behind it. */
struct frame {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, next_ip;
};

/* f stays on the stack: every general register is the frame's while the call runs. */
static void call_with(struct frame *f)
{
	__asm__ volatile(
		"subq $128, %%rsp\n\t"		/* the compiler's red zone */
		"pushq %%rbx; pushq %%rbp; pushq %0\n\t"
		"movq %0, %%rcx\n\t"
		"leaq 1f(%%rip), %%rax; movq %%rax, 120(%%rcx)\n\t"
		"movq 0(%%rcx), %%rax; movq 8(%%rcx), %%rbx; movq 24(%%rcx), %%rdx; movq 32(%%rcx), %%rsi\n\t"
		"movq 40(%%rcx), %%rdi; movq 48(%%rcx), %%rbp; movq 56(%%rcx), %%r8; movq 64(%%rcx), %%r9\n\t"
		"movq 72(%%rcx), %%r10; movq 80(%%rcx), %%r11; movq 88(%%rcx), %%r12; movq 96(%%rcx), %%r13\n\t"
		"movq 104(%%rcx), %%r14; movq 112(%%rcx), %%r15\n\t"
		"syscall\n"
		"1:\n\t"
		"xchgq %%rcx, (%%rsp)\n\t"	/* rcx is the frame now, its value is on the stack */
		"movq %%rax, 0(%%rcx); movq %%rbx, 8(%%rcx); movq %%rdx, 24(%%rcx); movq %%rsi, 32(%%rcx)\n\t"
		"movq %%rdi, 40(%%rcx); movq %%rbp, 48(%%rcx); movq %%r8, 56(%%rcx); movq %%r9, 64(%%rcx)\n\t"
		"movq %%r10, 72(%%rcx); movq %%r11, 80(%%rcx); movq %%r12, 88(%%rcx); movq %%r13, 96(%%rcx)\n\t"
		"movq %%r14, 104(%%rcx); movq %%r15, 112(%%rcx)\n\t"
		"popq %%rax; movq %%rax, 16(%%rcx)\n\t"
		"popq %%rbp; popq %%rbx\n\t"
		"addq $128, %%rsp\n\t"
		: "+D"(f) : : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}

static long checked(long nr, const long *args, int nargs)
{
	struct frame before, after;
	uint64_t *words = (uint64_t *)&before;

	for (size_t i = 0; i < sizeof(before) / 8; i++)
		words[i] = UINT64_C(0x0123456789abcdef) * (i + 3) + (uint64_t)nr;
	before.rax = (uint64_t)nr;
	before.rdi = nargs > 0 ? (uint64_t)args[0] : before.rdi;
	before.rsi = nargs > 1 ? (uint64_t)args[1] : before.rsi;
	before.rdx = nargs > 2 ? (uint64_t)args[2] : before.rdx;
	before.r10 = nargs > 3 ? (uint64_t)args[3] : before.r10;
	before.r8 = nargs > 4 ? (uint64_t)args[4] : before.r8;
	before.r9 = nargs > 5 ? (uint64_t)args[5] : before.r9;
	after = before;
	call_with(&after);
	CHECK_EQ(after.rbx, before.rbx);
	CHECK_EQ(after.rdx, before.rdx);
	CHECK_EQ(after.rsi, before.rsi);
	CHECK_EQ(after.rdi, before.rdi);
	CHECK_EQ(after.rbp, before.rbp);
	CHECK_EQ(after.r8, before.r8);
	CHECK_EQ(after.r9, before.r9);
	CHECK_EQ(after.r10, before.r10);
	CHECK_EQ(after.r12, before.r12);
	CHECK_EQ(after.r13, before.r13);
	CHECK_EQ(after.r14, before.r14);
	CHECK_EQ(after.r15, before.r15);
	/* what the syscall instruction leaves: the return address and the flags */
	CHECK_EQ(after.rcx, after.next_ip);
	CHECK(after.r11 & 2);			/* bit 1 of the flags is always set */
	return (long)after.rax;
}
#else
static long checked(long nr, const long *args, int nargs)
{
	long a[6] = {0}, r;

	memcpy(a, args, sizeof(long) * (size_t)nargs);
	r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	return r < 0 ? -errno : r;
}
#endif

#define CALL(nr, ...) checked(nr, (const long[]){0, ##__VA_ARGS__} + 1, \
			      (int)(sizeof((const long[]){0, ##__VA_ARGS__}) / sizeof(long)) - 1)

static void round_of_calls(int fd, char *page)
{
	struct stat st;
	struct statx stx;
	char buf[16] = "";

	CHECK_EQ(CALL(SYS_getppid), getppid());
	CHECK_EQ(CALL(SYS_gettid), getpid());
	CHECK_EQ(CALL(SYS_umask, 027), 022);
	CHECK_EQ(CALL(SYS_umask, 022), 027);
	CHECK_EQ(CALL(SYS_fstat, fd, (long)&st), 0);
	CHECK_EQ(st.st_size, 8192);
	CHECK_EQ(CALL(SYS_lseek, fd, 4097, SEEK_SET), 4097);
	CHECK_EQ(CALL(SYS_pread64, fd, (long)buf, 4, 4096), 4);
	CHECK_EQ(memcmp(buf, "four", 4), 0);
	CHECK_EQ(CALL(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_SIZE, (long)&stx), 0);
	CHECK_EQ(stx.stx_size, 8192);
	CHECK_EQ(CALL(SYS_mmap, (long)page, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 4096), (long)page);
	CHECK_EQ(memcmp(page, "four", 4), 0);
	CHECK_EQ(CALL(SYS_close, -1), -EBADF);
	CHECK_EQ(CALL(SYS_getuid), getuid());
	CHECK_EQ(CALL(SYS_uname, 1), -EFAULT);
}

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 200);
	int fd = memfd_create("args", MFD_CLOEXEC);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(fd >= 0 && page != MAP_FAILED);
	CHECK(ftruncate(fd, 8192) == 0);
	CHECK(pwrite(fd, "four", 4, 4096) == 4);
	umask(022);
	for (long i = 0; i < n; i++)
		round_of_calls(fd, page);
	return 0;
}
