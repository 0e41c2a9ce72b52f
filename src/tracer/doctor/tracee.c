#include "tracer/doctor/tracee.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer/doctor/attempt.h"

__attribute__((noreturn)) static void tracee_main(int (*prepare)(void), int ready)
{
	int err = prepare ? prepare() : 0;

	if (write(ready, &err, sizeof(err)) != (ssize_t)sizeof(err) || err)
		_exit(255);
	/* Stopped until seized and sent on, so that the getppid is the first call that can be seen. */
	(void)kill(getpid(), SIGSTOP);
	_exit(syscall(SYS_getppid) < 0 ? errno : 0);
}

/* The prepared child has stopped itself: now it is ours. */
static int seize(pid_t pid, long options)
{
	int status;

	if (waitpid(pid, &status, WUNTRACED) < 0)
		return -errno;
	if (!WIFSTOPPED(status))
		return -ECHILD;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | options)) < 0)
		return -errno;
	if (kill(pid, SIGCONT) < 0)
		return -errno;
	return 0;
}

int tracee_start(int (*prepare)(void), long options, pid_t *ret)
{
	int err = -EPROTO, ready[2];
	pid_t pid;

	if (pipe(ready) < 0)
		return -errno;
	pid = attempt_fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		tracee_main(prepare, ready[1]);
	(void)close(ready[1]);
	if (read(ready[0], &err, sizeof(err)) != (ssize_t)sizeof(err))
		err = -ECHILD;
	(void)close(ready[0]);
	if (!err)
		err = seize(pid, options);
	if (!err)
		*ret = pid;
	return err;
}

/* What to inject on resume: real signals, but neither ptrace's traps nor the stop and SIGCONT of our own making. */
static int signal_to_pass(int status)
{
	int sig = WSTOPSIG(status);

	return status >> 16 || sig == SIGCONT || sig == SIGSTOP || (sig & 0x7f) == SIGTRAP ? 0 : sig;
}

int tracee_stop_at(pid_t pid, enum __ptrace_request request, int wanted)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0)
			return -errno;
		if (!WIFSTOPPED(status))
			return -ECHILD;
		if (status >> 8 == wanted)
			return 0;
		if (ptrace(request, pid, NULL, (void *)(intptr_t)signal_to_pass(status)) < 0)
			return -errno;
	}
}
