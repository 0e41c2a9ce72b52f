/*
 * A signal changes no register of the code that it interrupts: general, flags and vector registers hold their values
 * over thousands of handlers, and what a handler writes into its frame is what the interrupted code finds.
 */
#include <ucontext.h>

#include "guest.h"

static volatile long hits;

static void handler(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)info;
	(void)ctx;
	hits++;
	getppid();
	guest_storm_signal();
}

#ifdef __x86_64__
static void rewrite(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)info;
	CHECK_EQ(uc->uc_mcontext.gregs[REG_RBX], 0x1234567890abcdef);
	CHECK_EQ(uc->uc_mcontext.gregs[REG_R15], 0x7766554433221100);
	uc->uc_mcontext.gregs[REG_RBX] = 0x0fedcba987654321;
	uc->uc_mcontext.gregs[REG_R15] = 42;
}

/* Hold seeded values in all registers that C lets us take, through a stretch of spinning and calls. */
static void hold(uint64_t seed)
{
	uint64_t in[16], out[16];	/* eight general registers, then four vectors */

	for (int i = 0; i < 16; i++)
		in[i] = seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)i * 0x1111;
	__asm__ volatile(
		"movdqu 64(%0), %%xmm8; movdqu 80(%0), %%xmm9; movdqu 96(%0), %%xmm14; movdqu 112(%0), %%xmm15\n\t"
		"movq 0(%0), %%rbx; movq 8(%0), %%r8; movq 16(%0), %%r9; movq 24(%0), %%r10\n\t"
		"movq 32(%0), %%r12; movq 40(%0), %%r13; movq 48(%0), %%r14; movq 56(%0), %%r15\n\t"
		"movq $3000, %%rsi\n"
		"1:	decq %%rsi; jnz 1b\n\t"
		"movl $110, %%eax; syscall\n\t"		/* getppid */
		"movq $3000, %%rsi\n"
		"1:	decq %%rsi; jnz 1b\n\t"
		"movq %%rbx, 0(%1); movq %%r8, 8(%1); movq %%r9, 16(%1); movq %%r10, 24(%1)\n\t"
		"movq %%r12, 32(%1); movq %%r13, 40(%1); movq %%r14, 48(%1); movq %%r15, 56(%1)\n\t"
		"movdqu %%xmm8, 64(%1); movdqu %%xmm9, 80(%1); movdqu %%xmm14, 96(%1); movdqu %%xmm15, 112(%1)\n\t"
		: : "D"(in), "d"(out)
		: "rax", "rbx", "rcx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc",
		  "xmm8", "xmm9", "xmm14", "xmm15");
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

static void rewritten(void)
{
	uint64_t rbx, r15;

	guest_handle_info(SIGUSR1, rewrite, 0);
	__asm__ volatile(
		"movq $0x1234567890abcdef, %%rax; movq %%rax, %%rbx\n\t"
		"movq $0x7766554433221100, %%rax; movq %%rax, %%r15\n\t"
		"movl $62, %%eax; syscall\n\t"		/* kill */
		"movq %%rbx, %0; movq %%r15, %1\n\t"
		: "=&d"(rbx), "=&c"(r15) : "D"((long)getpid()), "S"((long)SIGUSR1)
		: "rax", "rbx", "r15", "r11", "memory", "cc");
	CHECK_EQ(r15, 42);
	CHECK_EQ(rbx, 0x0fedcba987654321);
}
#else
static void hold(uint64_t seed)
{
	(void)seed;
	getppid();
}

static void rewritten(void)
{
}
#endif

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 2000);

	guest_handle_info(SIGALRM, handler, SA_RESTART);
	guest_storm(200);
	for (long i = 0; i < n || hits < 20; i++) {
		hold((uint64_t)i);
		guest_storm_steps++;
	}
	guest_storm(0);
	for (int i = 0; i < 50; i++)
		rewritten();
	return 0;
}
