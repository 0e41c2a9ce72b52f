/* int $0x80 in a 64-bit program makes i386 calls: never taken for the x86_64 calls of the same numbers. */
#include "guest.h"

#ifdef __x86_64__
static long int80(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
	return (int)r;
}

int main(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int fds[2];
	char c = 0;

	CHECK(low != MAP_FAILED);
	if (int80(20, 0, 0, 0) == -ENOSYS)
		guest_skip("this kernel has no i386 calls");
	CHECK(pipe(fds) == 0);
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(int80(20, 0, 0, 0), getpid());			/* 64-bit: writev */
		CHECK_EQ(int80(64, 0, 0, 0), getppid());		/* 64-bit: semget */
		CHECK_EQ(int80(199, 0, 0, 0), getuid());		/* 64-bit: fremovexattr */
		CHECK_EQ(int80(200, 0, 0, 0), getgid());		/* 64-bit: tkill */
		CHECK_EQ(int80(6, 12345, 0, 0), -EBADF);		/* close; 64-bit: lstat */
		low[0] = 'q';
		CHECK_EQ(int80(4, fds[1], (long)low, 1), 1);		/* write; 64-bit: stat */
		CHECK_EQ(read(fds[0], &c, 1), 1);
		CHECK_EQ(c, 'q');
		CHECK_EQ(int80(122, (long)low, 0, 0), 0);		/* uname; 64-bit: setfsuid */
		CHECK(strcmp(low, "Linux") == 0);
		CHECK_EQ(int80(4000, 0, 0, 0), -ENOSYS);
	}
	return 0;
}
#else
int main(void)
{
	guest_skip("not x86_64");
}
#endif
