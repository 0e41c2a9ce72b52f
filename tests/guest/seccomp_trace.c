/* A guest's own SECCOMP_RET_TRACE without a tracer of its own gives ENOSYS: trapline is not that tracer. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "guest.h"

static void install(long nr, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 4, .filter = code};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
}

int main(void)
{
	static const uint32_t data[] = {0, 1, 2, 0x7a, 0xffff};

	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
		pid_t pid = guest_fork();

		if (pid == 0) {
			install(SYS_getpriority, SECCOMP_RET_TRACE | data[i]);
			for (int k = 0; k < 10; k++) {
				CHECK_ERRNO(syscall(SYS_getpriority, 0, 0), ENOSYS);
				CHECK(getppid() > 0);
			}
			_exit(0);
		}
		guest_wait_exit(pid, 0);
	}
	return 0;
}
