/* Numbers that are no call give ENOSYS, -1 too (which a tracer uses to skip a call), and the program goes on. */
#include "guest.h"

int main(void)
{
	static const long numbers[] = {-1, -2, 1000, 5000, 0x7fffffff, 0x3fffffff, (long)0xffffffff80000000};

	for (int i = 0; i < 50; i++) {
		for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
			CHECK_ERRNO(syscall(numbers[k], 1, 2, 3, 4, 5, 6), ENOSYS);
		CHECK(getppid() > 0);
	}
	return 0;
}
