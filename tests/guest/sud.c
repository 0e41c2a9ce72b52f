/* Syscall user dispatch in the guest: its calls come back to it as SIGSYS, selected by a byte in its memory. */
#include <sys/prctl.h>
#include <ucontext.h>

#include "guest.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif

#ifdef __x86_64__
static volatile char selector;
static volatile int hits;

static void on_sys(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	selector = 0;			/* the handler's own calls go to the kernel */
	CHECK_EQ(info->si_code, 2);	/* SYS_USER_DISPATCH */
	CHECK_EQ(info->si_syscall, SYS_getpriority);
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
	hits++;
}

int main(void)
{
	guest_handle_info(SIGSYS, on_sys, 0);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) < 0)
		guest_skip("this kernel has no syscall user dispatch");
	for (int i = 0; i < 50; i++) {
		long r;

		selector = 1;
		__asm__ volatile("syscall" : "=a"(r) : "a"((long)SYS_getpriority), "D"(0L), "S"(0L) : "rcx", "r11", "memory");
		CHECK_EQ(selector, 0);
		CHECK_EQ(r, 4711);
		CHECK_EQ(hits, i + 1);
		CHECK(getppid() > 0);
	}
	CHECK(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0) == 0);
	return 0;
}
#else
int main(void)
{
	guest_skip("not x86_64");
}
#endif
