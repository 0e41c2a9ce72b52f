/*
 * Several processes that work at once and give birth all the time: where a tracer uses more cores than one, their
 * children change hands before they run. A child finds signal mask, pending signals and registers as they were; its
 * parent sees its end and nothing else of it, as a signal or in wait; one that is killed at once, or stopped, is so.
 */
#include "guest.h"

enum { WORKERS = 3, ROUNDS = 40 };

static _Atomic int strange;

static void on_child(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_code != CLD_EXITED && info->si_code != CLD_KILLED)
		strange = info->si_code;
}

/* Work that makes calls, so that the worker counts as busy. */
static void busy(void)
{
	for (int i = 0; i < 20; i++)
		CHECK(syscall(SYS_getppid) > 0);
}

/* Every way to end by another status than asked for is a failure of the test. */
static void expect(pid_t pid, int exit_status, int signal)
{
	int status;
	pid_t got;
	do {
		got = waitpid(pid, &status, WUNTRACED | WCONTINUED);
	} while (got < 0 && errno == EINTR);
	CHECK_EQ(got, pid);
	if (signal)
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == signal);
	else
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == exit_status);
}

static void child_with_mask(int round)
{
	sigset_t mask, own, found, pending;
	CHECK(sigemptyset(&mask) == 0 && sigaddset(&mask, SIGUSR1 + round % 2) == 0 && sigaddset(&mask, SIGALRM) == 0);
	CHECK(sigprocmask(SIG_BLOCK, &mask, NULL) == 0 && sigprocmask(SIG_SETMASK, NULL, &own) == 0);
	pid_t pid = guest_fork();
	if (pid == 0) {
		CHECK(sigprocmask(SIG_SETMASK, NULL, &found) == 0 && sigpending(&pending) == 0);
		for (int sig = 1; sig < SIGRTMIN; sig++) {
			CHECK_EQ(sigismember(&found, sig), sigismember(&own, sig));
			CHECK_EQ(sigismember(&pending, sig), 0);
		}
		busy();
		_exit(round);
	}
	expect(pid, round, 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &mask, NULL) == 0);
}

#ifdef __x86_64__
struct held {
	uint64_t in[10];
	uint64_t out[10];
};

/* fork with chosen values in ten registers, and what they are behind it: in the parent and in the child. */
static long fork_holding(struct held *h)
{
	long result = SYS_fork;
	__asm__ volatile("movq 0(%%rbx), %%rdi\n\tmovq 8(%%rbx), %%rsi\n\tmovq 16(%%rbx), %%rdx\n\t"
			 "movq 24(%%rbx), %%r8\n\tmovq 32(%%rbx), %%r9\n\tmovq 40(%%rbx), %%r10\n\t"
			 "movq 48(%%rbx), %%r12\n\tmovq 56(%%rbx), %%r13\n\tmovq 64(%%rbx), %%r14\n\t"
			 "movq 72(%%rbx), %%r15\n\t"
			 "syscall\n\t"
			 "movq %%rdi, 80(%%rbx)\n\tmovq %%rsi, 88(%%rbx)\n\tmovq %%rdx, 96(%%rbx)\n\t"
			 "movq %%r8, 104(%%rbx)\n\tmovq %%r9, 112(%%rbx)\n\tmovq %%r10, 120(%%rbx)\n\t"
			 "movq %%r12, 128(%%rbx)\n\tmovq %%r13, 136(%%rbx)\n\tmovq %%r14, 144(%%rbx)\n\t"
			 "movq %%r15, 152(%%rbx)"
			 : "+a"(result)
			 : "b"(h)
			 : "memory", "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc");
	return result;
}

static void child_with_registers(int round)
{
	struct held h;
	for (int i = 0; i < 10; i++)
		h.in[i] = UINT64_C(0x1111111111111111) * (unsigned)(i + 1) + (unsigned)round;
	long pid = fork_holding(&h);
	CHECK(pid >= 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(h.out[i], h.in[i]);
	if (pid == 0)
		_exit(7);
	expect((pid_t)pid, 7, 0);
}
#else
static void child_with_registers(int round)
{
	(void)round;
}
#endif

static void child_killed_at_once(void)
{
	pid_t pid = guest_fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	CHECK(kill(pid, SIGKILL) == 0);
	expect(pid, 0, SIGKILL);
}

static void child_stopped_at_once(void)
{
	int status;
	pid_t got;
	pid_t pid = guest_fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	CHECK(kill(pid, SIGSTOP) == 0);
	do {
		got = waitpid(pid, &status, WUNTRACED);
	} while (got < 0 && errno == EINTR);
	CHECK_EQ(got, pid);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(kill(pid, SIGCONT) == 0 && kill(pid, SIGTERM) == 0);
	do {
		got = waitpid(pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	CHECK(got == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* The parent is asleep in vfork until its child, in the same memory, is gone. */
static void child_by_vfork(void)
{
	volatile int seen = 0;
	pid_t pid = vfork();
	if (pid == 0) {
		seen = 1;
		_exit(3);
	}
	CHECK(pid > 0 && seen == 1);
	expect(pid, 3, 0);
}

static void work(void)
{
	struct sigaction action = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP};
	for (int round = 0; round < ROUNDS; round++) {
		action.sa_flags &= ~SA_NOCLDSTOP;
		CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
		busy();
		child_with_mask(round);
		child_with_registers(round);
		child_by_vfork();
		child_killed_at_once();
		CHECK_EQ(strange, 0);
		action.sa_flags |= SA_NOCLDSTOP;
		CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
		child_stopped_at_once();
	}
}

int main(void)
{
	pid_t workers[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = guest_fork();
		if (workers[i] == 0) {
			work();
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		guest_wait_exit(workers[i], 0);
	return 0;
}
