/*
 * The guard runs after a raw clone of a threaded process: system calls only, no allocation, no stdio.
 */
#include "tracer/guard.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { STATUS_FD = 3 };

/* First message to the supervisor, then statuses. */
struct message {
	pid_t command;
	int status;
};

static void send_status(int fd, pid_t command, int status)
{
	const struct message m = {command, status};
	/* The supervisor is gone: its death is on its way as a signal. */
	ssize_t ignored = write(fd, &m, sizeof(m));
	(void)ignored;
}

/* Kill the children of this process that /proc lists; theirs become ours and are found next time. */
static void kill_children(pid_t command)
{
	char text[4096];
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		/* No CONFIG_PROC_CHILDREN: the command at least; the rest loses its listener and gets ENOSYS. */
		if (command > 0)
			(void)kill(command, SIGKILL);
		return;
	}
	ssize_t n;
	pid_t pid = 0;
	while ((n = read(fd, text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid > 0)
				(void)kill(pid, SIGKILL);
			pid = 0;
		}
	}
	(void)close(fd);
}

/* Until nobody is left below. */
static void kill_guests(pid_t command)
{
	for (;;) {
		kill_children(command);
		pid_t pid = waitpid(-1, NULL, __WALL);
		if (pid < 0 && errno == ECHILD)
			return;
	}
}

static void reap(int fd, pid_t command, bool *ret_alone)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | WNOHANG | WUNTRACED | WCONTINUED);
		if (pid < 0 && errno == ECHILD)
			*ret_alone = true;
		if (pid <= 0)
			return;
		if (pid == command)
			send_status(fd, command, status);
	}
}

static void guard_loop(int fd, pid_t command, int death_signal, const sigset_t *set)
{
	bool alone = false;
	while (!alone) {
		reap(fd, command, &alone);
		if (alone)
			return;
		int sig = sigwaitinfo(set, NULL);
		if (sig == death_signal || sig == SIGTERM) {
			kill_guests(command);
			return;
		}
	}
}

static _Noreturn void guard_main(int write_fd, pid_t supervisor, guard_child *child, void *arg)
{
	sigset_t set;
	sigset_t all;
	int death_signal = SIGRTMIN;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	/* The supervisor's SA_NOCLDSTOP would hide that the command stopped. */
	const struct sigaction tells_stops = {.sa_handler = SIG_DFL};
	(void)sigaction(SIGCHLD, &tells_stops, NULL);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, death_signal);
	(void)prctl(PR_SET_NAME, "trapline-guard");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != supervisor)
		_exit(1);
	long command = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (command == 0) {
		child(arg);
		_exit(126);
	}
	/* A table of our own, with one descriptor: the supervisor's and the listener must not live on in us. */
	(void)unshare(CLONE_FILES);
	if (write_fd != STATUS_FD)
		(void)dup3(write_fd, STATUS_FD, O_CLOEXEC);
	(void)close_range(0, STATUS_FD - 1, 0);
	(void)close_range(STATUS_FD + 1, ~0U, 0);
	send_status(STATUS_FD, command < 0 ? -errno : (pid_t)command, 0);
	if (command > 0)
		guard_loop(STATUS_FD, (pid_t)command, death_signal, &set);
	_exit(0);
}

static int receive(struct guard *g, struct message *m)
{
	ssize_t n = read(g->statuses, m, sizeof(*m));
	if (n < 0)
		return -errno;
	return n == sizeof(*m) ? 0 : -EPIPE;
}

int guard_start(struct guard *g, guard_child *child, void *arg, pid_t *ret_command)
{
	int fds[2];
	pid_t supervisor = getpid();
	/* Orphans of a guard that is killed come to us. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		guard_main(fds[1], supervisor, child, arg);
	int err = pid < 0 ? -errno : 0;
	*g = (struct guard){.pid = (pid_t)pid, .statuses = fds[0]};
	struct message first;
	if (err == 0) {
		do {
			err = receive(g, &first);
		} while (err == -EINTR);
	}
	(void)close(fds[1]);
	if (err == 0 && first.command < 0)
		err = first.command;
	if (err < 0) {
		guard_finish(g);
		return err;
	}
	*ret_command = first.command;
	return 0;
}

int guard_wait(struct guard *g, int *ret_status)
{
	struct message m;
	int r = receive(g, &m);
	if (r == 0)
		*ret_status = m.status;
	return r;
}

void guard_finish(struct guard *g)
{
	if (g->pid > 0) {
		(void)kill(g->pid, SIGTERM);
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
		/* If it was killed, its children are ours now. */
		kill_children(0);
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			kill_children(0);
		(void)close(g->statuses);
	}
	g->pid = 0;
}
