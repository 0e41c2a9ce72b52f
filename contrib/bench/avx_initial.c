/*
 * avx_initial [ROUNDS]: does this machine keep the AVX registers of a task that is switched out while they are in their
 * initial state (zero) and the upper halves of zmm0 to zmm15 are not? No tracer is involved: two processes on one CPU
 * yield to each other, and each compares its registers with what it loaded.
 *
 * On a virtual AMD EPYC (family 25, model 17; Linux 6.18) about one round in 1 000 finds in the upper halves of ymm0 to
 * ymm15 what they held before they were cleared. So bench fidelity does not load that combination. Exit status 0: all
 * was kept; 1: it was not; 77: no AVX-512 here.
 */
#include <cpuid.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARTS 0xe7u	/* x87, SSE, AVX, AVX-512 */
#define WITHOUT_AVX 0xe3u
#define XSTATE_BV 512
#define AVX_OFFSET 576
#define AVX_SIZE 256
#define YIELDS 8

static _Alignas(64) uint8_t loaded[4096], stored[4096];

static int has_avx512(void)
{
	unsigned eax, ebx, ecx, edx, low, high;

	if (!__get_cpuid_count(1, 0, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (low & PARTS) == PARTS;
}

/* Load, yield some times without touching a vector register, store. */
static void load_yield_store(void)
{
	__asm__ volatile(
		"mov %[parts], %%eax\n\t"
		"xor %%edx, %%edx\n\t"
		"xrstor64 %[loaded]\n\t"
		"mov %[yields], %%ebx\n"
		"1:\n\t"
		"mov %[nr], %%eax\n\t"
		"syscall\n\t"
		"dec %%ebx\n\t"
		"jnz 1b\n\t"
		"mov %[parts], %%eax\n\t"
		"xor %%edx, %%edx\n\t"
		"xsave64 %[stored]\n\t"
		"vzeroupper"
		: [stored] "=m"(stored)
		: [loaded] "m"(loaded), [parts] "i"(PARTS), [yields] "i"(YIELDS), [nr] "i"(SYS_sched_yield)
		: "rax", "rbx", "rcx", "rdx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
		  "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void load_with(uint64_t present)
{
	memcpy(loaded + XSTATE_BV, &present, sizeof(present));
	load_yield_store();
}

static long lost_rounds(long rounds)
{
	static const uint8_t zero[AVX_SIZE];
	static const uint16_t fcw = 0x37f;
	static const uint32_t mxcsr = 0x1f80;
	long lost = 0;

	memset(loaded + AVX_OFFSET, 0x5a, sizeof(loaded) - AVX_OFFSET);
	memcpy(loaded, &fcw, sizeof(fcw));
	memcpy(loaded + 24, &mxcsr, sizeof(mxcsr));
	for (long i = 0; i < rounds; i++) {
		load_with(PARTS);
		load_with(WITHOUT_AVX);
		lost += memcmp(stored + AVX_OFFSET, zero, AVX_SIZE) != 0;
	}
	return lost;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 20000;
	cpu_set_t one;
	int status = 0;

	if (!has_avx512()) {
		(void)printf("no AVX-512 here\n");
		return 77;
	}
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	pid_t other = fork();
	if (other < 0)
		return 2;
	long lost = lost_rounds(rounds);
	if (other == 0)
		_exit(lost != 0);
	(void)waitpid(other, &status, 0);
	(void)printf("%ld of %ld rounds found old values in ymm0 to ymm15\n", lost, rounds);
	return lost != 0 || status != 0;
}
