/* Starting a traced guest and answering its stops, for the loops that use ptrace. */
#ifndef CONTRIB_BENCH_BARE_PTRACE_H
#define CONTRIB_BENCH_BARE_PTRACE_H

#include "bare.h"

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#if !defined(__x86_64__)
#error "the bare ptrace loops poke x86-64's user area"
#endif

/* Forks a guest that runs bare_guest() after prepare(); returns once it is stopped, traced, and has the options set. */
static inline pid_t bare_start_traced(const struct bare *b, long options, void (*prepare)(const struct bare *b))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		bare_die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			bare_die("PTRACE_TRACEME");
		if (prepare)
			prepare(b);
		/* Not raise(3): its mask calls after the stop would be counted as the guest's first calls. */
		kill(getpid(), SIGSTOP);
		bare_guest(b);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		bare_die("the guest did not start");
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_EXITKILL | options)) < 0)
		bare_die("PTRACE_SETOPTIONS");
	return pid;
}

/* Resume with the request and wait for the next stop whose (status >> 8) is wanted, passing signals on meanwhile. */
static inline void bare_next_stop(pid_t pid, enum __ptrace_request request, int wanted)
{
	int status, signal = 0;

	for (;;) {
		if (ptrace(request, pid, NULL, (void *)(intptr_t)signal) < 0)
			bare_die("resume");
		if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
			errno = ECHILD;
			bare_die("the guest ended early");
		}
		if (status >> 8 == wanted)
			return;
		signal = WSTOPSIG(status);
	}
}

static inline void bare_poke(pid_t pid, size_t offset, long value)
{
	if (ptrace(PTRACE_POKEUSER, pid, (void *)offset, (void *)value) < 0)
		bare_die("PTRACE_POKEUSER");
}

static inline void bare_skip_call(pid_t pid)
{
	bare_poke(pid, offsetof(struct user_regs_struct, orig_rax), -1);
}

static inline void bare_set_result(pid_t pid, long value)
{
	bare_poke(pid, offsetof(struct user_regs_struct, rax), value);
}

/* What a supervisor that must know the call does at least. */
static inline void bare_fetch_info(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		bare_die("PTRACE_GET_SYSCALL_INFO");
}

/* No more stops: let the guest run to its end. */
static inline void bare_finish_traced(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		bare_die("PTRACE_DETACH");
	if (waitpid(pid, &status, 0) != pid || status)
		bare_die("the guest failed");
}

#endif
