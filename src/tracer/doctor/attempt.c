#include "tracer/doctor/attempt.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/log.h"

#define ATTEMPT_TIMEOUT_MS 2000

static void reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < 32; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void child_main(long (*fn)(void *ctx), void *ctx, int out)
{
	const struct rlimit no_core = { 0, 0 };
	long result;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* A killed or faulting attempt is an answer, not something to keep. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	reset_signals();
	result = fn(ctx);
	_exit(write(out, &result, sizeof(result)) != (ssize_t)sizeof(result));
}

static void await_result(struct attempt *a, int in)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ATTEMPT_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		a->timed_out = true;
		a->result = -ETIMEDOUT;
	} else if (n < 0 || read(in, &a->result, sizeof(a->result)) != (ssize_t)sizeof(a->result)) {
		a->result = -EINTR;	/* it ended without a word: the status will tell the signal */
	}
}

struct attempt attempt_run(long (*fn)(void *ctx), void *ctx)
{
	struct attempt a = { 0 };
	int status = 0, pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return (struct attempt){ .result = -errno };
	pid = fork();
	if (pid < 0) {
		a.result = -errno;
		(void)close(pipe_fds[0]);
		(void)close(pipe_fds[1]);
		return a;
	}
	if (pid == 0)
		child_main(fn, ctx, pipe_fds[1]);
	(void)close(pipe_fds[1]);
	await_result(&a, pipe_fds[0]);
	(void)close(pipe_fds[0]);
	/* The group, for what it left behind; the process itself, where setpgid was not allowed. */
	(void)kill(-pid, SIGKILL);
	if (a.timed_out)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		;
	if (a.result == -EINTR && WIFSIGNALED(status))
		a.signal = WTERMSIG(status);
	return a;
}

pid_t attempt_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

void finding_set(struct finding *f, enum finding_state s, const char *format, ...)
{
	va_list args;

	f->state = s;
	va_start(args, format);
	(void)vsnprintf(f->detail, sizeof(f->detail), format, args);
	va_end(args);
}

void finding_from_attempt(struct finding *f, const struct attempt *a)
{
	const char *name;

	if (a->result >= 0) {
		f->state = FINDING_OK;
		return;
	}
	f->error = (int)a->result;
	if (a->signal) {
		finding_set(f, FINDING_NO, "trying it was killed by SIG%s", sigabbrev_np(a->signal) ?: "?");
	} else if (a->timed_out) {
		finding_set(f, FINDING_NO, "no answer within %d ms", ATTEMPT_TIMEOUT_MS);
	} else {
		name = errno_name(-f->error);
		finding_set(f, FINDING_NO, "%s: %s", name ?: "error", strerror(-f->error));
	}
}

long finding_try(struct finding *f, long (*fn)(void *ctx))
{
	struct attempt a = attempt_run(fn, NULL);

	finding_from_attempt(f, &a);
	return a.result;
}
