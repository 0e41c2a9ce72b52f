/*
 * What every guest program shares. A guest states one fact about Linux and exits 0 when it holds; it prints nothing,
 * or a text that is the same on every run of one machine. The runner (run.py) runs it natively first, then under each
 * mechanism, and wants the same status and the same bytes.
 */
#ifndef TRAPLINE_TESTS_GUEST_H
#define TRAPLINE_TESTS_GUEST_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One line and the end of the whole process, with _exit: a child must not flush what its parent buffered. */
__attribute__((noreturn, unused)) static void guest_fail(const char *file, int line, const char *what)
{
	int saved = errno;

	dprintf(2, "%s:%d: not true: %s (errno %d, %s; pid %d)\n", file, line, what, saved, strerror(saved), getpid());
	_exit(1);
}

#define CHECK(cond) do { \
	if (!(cond)) \
		guest_fail(__FILE__, __LINE__, #cond); \
} while (0)

/* Two numbers that should be equal, shown when they are not. */
#define CHECK_EQ(a, b) do { \
	long long a_ = (long long)(a), b_ = (long long)(b); \
	if (a_ != b_) { \
		dprintf(2, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a, a_, b_); \
		guest_fail(__FILE__, __LINE__, #a " == " #b); \
	} \
} while (0)

/* The call fails with this errno. */
#define CHECK_ERRNO(expr, code) do { \
	errno = 0; \
	CHECK_EQ(expr, -1); \
	CHECK_EQ(errno, code); \
} while (0)

__attribute__((noreturn, unused)) static void guest_skip(const char *why)
{
	dprintf(2, "skipped: %s\n", why);
	_exit(77);
}

/* Fork that must succeed. */
__attribute__((unused)) static pid_t guest_fork(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	return pid;
}

/* The wait status of a child that must end; a wait that a signal interrupts goes on. */
__attribute__((unused)) static int guest_wait(pid_t pid)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, __WALL);
	while (got < 0 && errno == EINTR);
	CHECK_EQ(got, pid);
	return status;
}

/* A child that must end with exit(code). */
__attribute__((unused)) static void guest_wait_exit(pid_t pid, int code)
{
	int status = guest_wait(pid);

	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), code);
}

/* A child that must die of a signal. */
__attribute__((unused)) static void guest_wait_signal(pid_t pid, int sig)
{
	int status = guest_wait(pid);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), sig);
}

/* The n-th argument as a number, or a default. */
__attribute__((unused)) static long guest_arg(int argc, char **argv, int n, long otherwise)
{
	return argc > n ? strtol(argv[n], NULL, 0) : otherwise;
}

/* Monotonic time in milliseconds. */
__attribute__((unused)) static int64_t guest_ms(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

__attribute__((unused)) static void guest_sleep_ms(long ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) < 0)
		CHECK_EQ(errno, EINTR);
}

/* Memory that children share with their parent. */
__attribute__((unused)) static void *guest_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

__attribute__((unused)) static void guest_handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

__attribute__((unused)) static void guest_handle_info(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

/*
 * A storm of SIGALRM every so many microseconds, 0: no more. Where one handler takes longer than the time to the next
 * signal, nothing else would ever be done: the handler tells of each signal, the others of each step that they get on,
 * and the storm abates where many signals come to no step.
 */
static volatile long guest_storm_steps, guest_storm_us;

__attribute__((unused)) static void guest_storm(long us)
{
	const struct itimerval storm = {{0, us}, {0, us}};

	guest_storm_us = us;
	CHECK(setitimer(ITIMER_REAL, &storm, NULL) == 0);
}

__attribute__((unused)) static void guest_storm_signal(void)
{
	enum { STUCK = 300 };
	static volatile long seen, signals;

	if (guest_storm_steps != seen) {
		seen = guest_storm_steps;
		signals = 0;
	} else if (++signals == STUCK && guest_storm_us != 0) {
		signals = 0;
		guest_storm(guest_storm_us * 2);
	}
}

/* The state letter of a task in /proc ('R', 'S', 'T', 't', 'Z'), or 0 when it is gone. */
__attribute__((unused)) static char guest_state(pid_t pid)
{
	char path[64], buf[512];
	FILE *f;
	char *p = NULL;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(buf, sizeof(buf), f))
		p = strrchr(buf, ')');
	fclose(f);
	return p && p[1] ? p[2] : 0;
}

#endif
