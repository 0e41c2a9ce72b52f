/* A process that changes its ids sees the new ones: an answered getuid must not be staler than the kernel's. */
#include <grp.h>
#include <sys/prctl.h>

#include "guest.h"

int main(void)
{
	pid_t child;
	uid_t r, e, s;

	if (getuid() != 0)
		guest_skip("changing ids needs root");
	child = guest_fork();
	if (child == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setresgid(65534, 65533, 65532) == 0);
		CHECK_EQ(getgid(), 65534);
		CHECK_EQ(getegid(), 65533);
		CHECK(setresuid(65534, 65533, 65532) == 0);
		CHECK_EQ(getuid(), 65534);
		CHECK_EQ(geteuid(), 65533);
		CHECK(getresuid(&r, &e, &s) == 0);
		CHECK(r == 65534 && e == 65533 && s == 65532);
		CHECK_ERRNO(setuid(0), EPERM);
		_exit(0);
	}
	guest_wait_exit(child, 0);
	CHECK_EQ(getuid(), 0);
	CHECK_EQ(geteuid(), 0);
	return 0;
}
