/*
 * bare_follow COMMAND [ARGS]: the floor of watching every call of a whole command: follows all its processes, asks at
 * both stops of each call what stopped (PTRACE_GET_SYSCALL_INFO), and thinks nothing. No name is read, no line written.
 * Run it on one core (taskset -c N): each stop's wake-up crosses cores otherwise. Exits as the command did.
 *
 * Builds alone: cc -O2 -o bare_follow bare_follow.c
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | \
		 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "bare_follow: %s: %s\n", what, strerror(errno));
	exit(errno == EPERM || errno == ENOSYS ? 77 : 1);
}

static void run(char **argv)
{
	raise(SIGSTOP);
	execvp(argv[0], argv);
	fprintf(stderr, "bare_follow: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* The child, stopped by itself, becomes a guest; its SIGSTOP is taken back. */
static pid_t start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0)
		run(argv);
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)) {
		errno = ECHILD;
		die("the command did not start");
	}
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(intptr_t)OPTIONS) < 0)
		die("PTRACE_SEIZE");
	kill(pid, SIGCONT);
	return pid;
}

/* One stop, looked at and resumed. A guest that was killed meanwhile tells so to the next waitpid. */
static void pass(pid_t pid, int status)
{
	struct __ptrace_syscall_info info;
	int signal = WSTOPSIG(status), event = status >> 16;
	bool group_stop = event == PTRACE_EVENT_STOP && signal != SIGTRAP;

	if (signal == (SIGTRAP | 0x80)) {
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);
		signal = 0;
	} else if (event) {
		signal = 0;
	}
	ptrace(group_stop ? PTRACE_LISTEN : PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
}

int main(int argc, char **argv)
{
	int status, command_status = 0;
	pid_t command, pid;

	if (argc < 2) {
		fprintf(stderr, "usage: bare_follow COMMAND [ARGS]\n");
		return 2;
	}
	command = start(argv + 1);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			pass(pid, status);
		else if (pid == command)
			command_status = status;
	}
	return WIFEXITED(command_status) ? WEXITSTATUS(command_status) : 128 + WTERMSIG(command_status);
}
