/* Who may install a seccomp filter: who has CAP_SYS_ADMIN or has given up new privileges itself. */
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "files.h"

static struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
static struct sock_fprog program = {.len = 1, .filter = code};

static long by_seccomp(const void *arg)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, arg);
}

static long by_prctl(const void *arg)
{
	return syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, arg, 0, 0);
}

static void refused(long (*install)(const void *))
{
	struct sock_fprog empty = {.len = 0, .filter = code}, huge = {.len = BPF_MAXINSNS + 1, .filter = code};

	CHECK_ERRNO(install(&program), EACCES);
	CHECK_ERRNO(install(&empty), EINVAL);
	CHECK_ERRNO(install(&huge), EINVAL);
	CHECK_ERRNO(install((void *)16), EFAULT);
	CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_DISABLED);
}

static void flags(void)
{
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program), EACCES);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1u << 30, &program), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC, &program), EINVAL);
}

/* Its own doing, or that of root, which needs none. */
static void taken(long (*install)(const void *), int set)
{
	pid_t pid = guest_fork();

	if (pid == 0) {
		CHECK(!set || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), set);
		CHECK_EQ(install(&program), 0);
		CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_FILTER);
		CHECK_EQ(install(&program), 0);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
}

int main(void)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0)
		guest_skip("no_new_privs is set");
	if (getuid() == 0) {
		taken(by_seccomp, 0);
		taken(by_prctl, 0);
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setresgid(65534, 65534, 65534) == 0);
		CHECK(setresuid(65534, 65534, 65534) == 0);
	}
	refused(by_seccomp);
	refused(by_prctl);
	flags();
	taken(by_seccomp, 1);
	taken(by_prctl, 1);
	return 0;
}
