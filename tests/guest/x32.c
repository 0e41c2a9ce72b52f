/* Numbers with the x32 bit are not x86_64 calls: ENOSYS on a kernel without x32, and never the call of the low bits. */
#include "guest.h"

#ifdef __x86_64__
int main(void)
{
	long r = syscall(0x40000000 | SYS_getppid);

	if (r >= 0)
		guest_skip("this kernel has x32");
	for (int i = 0; i < 100; i++) {
		CHECK_ERRNO(syscall(0x40000000 | SYS_getppid), ENOSYS);
		CHECK_ERRNO(syscall(0x40000000 | SYS_getuid), ENOSYS);
		CHECK_ERRNO(syscall(0x40000000 | SYS_close, 0), ENOSYS);
		CHECK_ERRNO(syscall(0x40000000 | 512, 0, 0, 0, 0), ENOSYS);
	}
	return 0;
}
#else
int main(void)
{
	guest_skip("not x86_64");
}
#endif
