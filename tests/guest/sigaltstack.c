/* SIGSEGV on a signal stack of its own, left by siglongjmp, a thousand times; a stack overflow is survived. */
#include <setjmp.h>
#include <sys/resource.h>

#include "guest.h"

static sigjmp_buf back;
static char *stack;
static size_t stack_size = 65536;
static void *volatile fault_at;

static void handler(int sig, siginfo_t *info, void *ctx)
{
	char here;

	(void)ctx;
	CHECK_EQ(sig, SIGSEGV);
	CHECK(&here >= stack && &here < stack + stack_size);
	fault_at = info->si_addr;
	siglongjmp(back, info->si_code);
}

__attribute__((noinline)) static int overflow(int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	if (depth < 0)
		return 0;
	return overflow(depth + 1) + room[0];
}

static void overflows(void)
{
	const struct rlimit end = {1 << 20, 1 << 20};

	/* It ends somewhere, even if it was without limits: it grows as far as this says at the time. */
	CHECK(setrlimit(RLIMIT_STACK, &end) == 0);
	if (sigsetjmp(back, 1) == 0) {
		overflow(0);
		CHECK(!"no overflow");
	}
}

int main(int argc, char **argv)
{
	const volatile long n = guest_arg(argc, argv, 1, 1000);	/* a jump comes back */
	stack_t ss = {0};
	struct rlimit small = {8 << 20, RLIM_INFINITY};	/* an unlimited stack overflows when memory is full */
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	stack = malloc(stack_size);
	CHECK(stack != NULL && page != MAP_FAILED);
	ss.ss_sp = stack;
	ss.ss_size = stack_size;
	CHECK(sigaltstack(&ss, NULL) == 0);
	CHECK(setrlimit(RLIMIT_STACK, &small) == 0);
	guest_handle_info(SIGSEGV, handler, SA_ONSTACK);
	for (volatile long i = 0; i < n; i++) {
		int code = sigsetjmp(back, 1);

		if (code == 0) {
			*(volatile char *)(i % 2 ? page + 7 : (char *)16) = 1;
			CHECK(!"no fault");
		}
		CHECK_EQ(code, i % 2 ? SEGV_ACCERR : SEGV_MAPERR);
		CHECK(fault_at == (i % 2 ? (void *)(page + 7) : (void *)16));
		CHECK(getppid() > 0);
	}
	overflows();
	CHECK(sigaltstack(NULL, &ss) == 0);
	CHECK_EQ(ss.ss_flags, 0);
	return 0;
}
