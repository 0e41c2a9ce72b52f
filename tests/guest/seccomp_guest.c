/* A filter that the guest installs itself does what it says, beside whatever trapline has installed. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "guest.h"

static volatile int trapped_nr;

static void on_sys(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	CHECK_EQ(info->si_code, 1);	/* SYS_SECCOMP */
	trapped_nr = info->si_syscall;
}

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

static void in_child(long nr, uint32_t action, int want_errno)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		guest_handle_info(SIGSYS, on_sys, 0);
		install(nr, action);
		for (int i = 0; i < 20; i++) {
			trapped_nr = -1;
			errno = 0;
			long r = syscall(nr, 0, 0, 0);

			if (action == SECCOMP_RET_TRAP) {
				CHECK_EQ(trapped_nr, nr);
				continue;
			}
			CHECK_EQ(r, -1);
			CHECK_EQ(errno, want_errno);
			CHECK(getppid() > 0);
		}
		_exit(0);
	}
	if (action == SECCOMP_RET_KILL_PROCESS)
		guest_wait_signal(pid, SIGSYS);
	else
		guest_wait_exit(pid, 0);
}

int main(void)
{
	in_child(SYS_getuid, SECCOMP_RET_ERRNO | 42, 42);	/* a call that trapline may answer */
	in_child(SYS_getpriority, SECCOMP_RET_ERRNO | EPROTO, EPROTO);
	in_child(SYS_getpriority, SECCOMP_RET_TRAP, 0);
	in_child(SYS_getuid, SECCOMP_RET_TRAP, 0);
	in_child(SYS_getpriority, SECCOMP_RET_KILL_PROCESS, 0);
	return 0;
}
