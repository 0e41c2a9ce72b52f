/* A system call, and a death that nothing can catch. */
#ifndef TRAPLINE_TRACER_LOADER_CALL_H
#define TRAPLINE_TRACER_LOADER_CALL_H

enum {
	NR_close = 3, NR_mmap = 9, NR_mprotect = 10, NR_munmap = 11, NR_brk = 12, NR_sched_yield = 24, NR_madvise = 28,
	NR_prctl = 157, NR_nfsservctl = 180, NR_gettid = 186, NR_futex = 202, NR_openat = 257,
};

static inline long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;
	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void pause_briefly(void)
{
	__builtin_ia32_pause();
}

/* A fault of its own: also where SIGSEGV is blocked or ignored. */
static inline _Noreturn void die(void)
{
	for (;;)
		__asm__ volatile("mov %%rax, 0" : : : "memory");
}

#endif
