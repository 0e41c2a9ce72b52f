/* A system call, and a death that nothing can catch. */
#ifndef TRAPLINE_TRACER_LOADER_CALL_H
#define TRAPLINE_TRACER_LOADER_CALL_H

enum {
	NR_nfsservctl = 42, NR_openat = 56, NR_close = 57, NR_prctl = 167, NR_brk = 214, NR_munmap = 215, NR_mmap = 222,
	NR_mprotect = 226,
};

static inline long call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

/* A fault of its own: also where SIGSEGV is blocked or ignored. */
static inline _Noreturn void die(void)
{
	for (;;)
		__asm__ volatile("str xzr, [%0]" : : "r"(0L) : "memory");
}

#endif
