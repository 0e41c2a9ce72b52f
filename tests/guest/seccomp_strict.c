/*
 * Strict mode: four calls are left, any other kills the thread as SIGKILL would. It is a mode of its own, and no filter
 * is told of before.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "guest.h"

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled = 1;
}

static long by_prctl(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
}

static long by_seccomp(void)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL);
}

static void allowed(long (*enter)(void))
{
	int up[2], down[2];
	char c = 'x';
	CHECK(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = guest_fork();
	if (pid == 0) {
		guest_handle(SIGUSR1, on_signal, 0);
		CHECK(enter() == 0);
		(void)!write(up[1], &c, 1);
		(void)!read(down[0], &c, 1);	/* the signal comes before the byte */
		syscall(SYS_exit, handled ? 5 : 4);
	}
	CHECK_EQ(read(up[0], &c, 1), 1);
	CHECK(kill(pid, SIGUSR1) == 0);
	CHECK_EQ(write(down[1], &c, 1), 1);
	guest_wait_exit(pid, 5);
}

static void forbidden(long (*enter)(void), long nr)
{
	pid_t pid = guest_fork();
	if (pid == 0) {
		guest_handle(SIGSYS, on_signal, 0);
		CHECK(enter() == 0);
		syscall(nr, 0, 0, 0);
		syscall(SYS_exit, 6);
	}
	guest_wait_signal(pid, SIGKILL);
}

static void *strict_thread(void *enter)
{
	CHECK(((long (*)(void))enter)() == 0);
	syscall(SYS_getpriority, 0, 0);
	syscall(SYS_exit_group, 7);
	return NULL;
}

/* Only the thread dies. */
static void threads(long (*enter)(void))
{
	pid_t pid = guest_fork();
	if (pid == 0) {
		pthread_t t;
		CHECK(pthread_create(&t, NULL, strict_thread, (void *)enter) == 0);
		CHECK(pthread_join(t, NULL) == 0);
		_exit(8);
	}
	guest_wait_exit(pid, 8);
}

static void not_beside_a_filter(long (*enter)(void))
{
	pid_t pid = guest_fork();
	if (pid == 0) {
		struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
		struct sock_fprog prog = {.len = 1, .filter = code};
		CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_DISABLED);
		CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0);
		CHECK_EQ(prctl(PR_GET_SECCOMP), SECCOMP_MODE_FILTER);
		CHECK_ERRNO(enter(), EINVAL);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
}

int main(void)
{
	static long (*const ways[])(void) = {by_prctl, by_seccomp};
	if (prctl(PR_GET_SECCOMP) != SECCOMP_MODE_DISABLED)
		guest_skip("there is a filter here already");
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
	CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, ways), EINVAL);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		allowed(ways[i]);
		forbidden(ways[i], SYS_getpriority);
		forbidden(ways[i], SYS_rt_sigprocmask);
		forbidden(ways[i], SYS_exit_group);
		forbidden(ways[i], SYS_prctl);
		threads(ways[i]);
		not_beside_a_filter(ways[i]);
	}
	return 0;
}
