/* SIGTRAP belongs to the program: raised, sent, from a breakpoint and from the trap flag, with its own siginfo. */
#include <ucontext.h>

#include "guest.h"

static volatile int hits, last_code;
static volatile pid_t last_pid;

static void handler(int sig, siginfo_t *info, void *ctx)
{
	CHECK_EQ(sig, SIGTRAP);
	last_code = info->si_code;
	last_pid = info->si_pid;
	hits++;
#ifdef __x86_64__
	if (info->si_code == TRAP_TRACE || info->si_code == TRAP_BRKPT)
		((ucontext_t *)ctx)->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
#else
	(void)ctx;
#endif
}

static void expect(int code)
{
	CHECK_EQ(hits, 1);
	CHECK_EQ(last_code, code);
	hits = 0;
}

int main(void)
{
	pid_t pid;

	guest_handle_info(SIGTRAP, handler, 0);
	for (int i = 0; i < 20; i++) {
		CHECK(raise(SIGTRAP) == 0);
		expect(SI_TKILL);
		CHECK_EQ(last_pid, getpid());
		CHECK(kill(getpid(), SIGTRAP) == 0);
		expect(SI_USER);
#ifdef __x86_64__
		__asm__ volatile("int3");
		expect(SI_KERNEL);
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc");
		expect(TRAP_TRACE);
		/* One step over a syscall instruction: the trap comes behind the call, once. */
		long r;
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; syscall; nop"
				 : "=a"(r) : "a"((long)SYS_getppid) : "rcx", "r11", "memory", "cc");
		CHECK_EQ(r, getppid());
		CHECK(hits >= 1);
		hits = 0;
#endif
	}
	pid = guest_fork();
	if (pid == 0) {
		guest_handle(SIGTRAP, SIG_DFL, 0);
		raise(SIGTRAP);
		_exit(0);
	}
	guest_wait_signal(pid, SIGTRAP);
	return 0;
}
