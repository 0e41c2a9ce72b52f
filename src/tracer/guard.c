/*
 * The guard runs after a raw clone of a threaded process: system calls only, no allocation, no stdio.
 */
#include "tracer/guard.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { STATUS_FD = 3, ANSWER_MS = 500 };

/* In a signal of the supervisor's own to the guard. */
enum request { REQUEST_SIGHTINGS = 1, REQUEST_END };

struct guard_page {
	struct sightings sightings;
	_Atomic uint32_t answers;	/* futex: requests for sightings that were answered */
};

/* Of all pending signals it is taken last (the kernel's dequeue_signal takes the lowest number first). */
static int request_signal(void)
{
	return SIGRTMAX;
}

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

/* Did the supervisor ask for the end? */
static bool took(struct guard_page *page, pid_t supervisor, const siginfo_t *info)
{
	bool ours = info->si_pid == supervisor && info->si_code == SI_QUEUE && info->si_signo == request_signal();
	if (ours && info->si_value.sival_int == REQUEST_SIGHTINGS) {
		(void)atomic_fetch_add(&page->answers, 1);
		(void)syscall(SYS_futex, &page->answers, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	} else if (info->si_signo != SIGCHLD) {
		sightings_note(&page->sightings, info->si_signo, info->si_pid);
	}
	return ours && info->si_value.sival_int == REQUEST_END;
}

static void guard_loop(struct guard_page *page, pid_t supervisor, pid_t command, const sigset_t *all)
{
	bool alone = false;
	for (;;) {
		siginfo_t info;
		reap(STATUS_FD, command, &alone);
		if (alone)
			return;
		if (sigwaitinfo(all, &info) < 0)
			continue;
		/* Its death's signal: anybody may have sent one of the same number to the group. */
		if (took(page, supervisor, &info) || getppid() != supervisor) {
			kill_guests(command);
			return;
		}
	}
}

static _Noreturn void guard_main(struct guard_page *page, int write_fd, pid_t supervisor, guard_child *child, void *arg)
{
	sigset_t all;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	/* The supervisor's SA_NOCLDSTOP would hide that the command stopped. */
	const struct sigaction tells_stops = {.sa_handler = SIG_DFL};
	(void)sigaction(SIGCHLD, &tells_stops, NULL);
	(void)prctl(PR_SET_NAME, "trapline-guard");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_PDEATHSIG, SIGRTMIN);
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
		guard_loop(page, supervisor, (pid_t)command, &all);
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
	*g = (struct guard){.statuses = fds[0]};
	g->page = mmap(NULL, sizeof(*g->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->page == MAP_FAILED) {
		int err = -errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		return err;
	}
	long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		guard_main(g->page, fds[1], supervisor, child, arg);
	int err = pid < 0 ? -errno : 0;
	g->pid = pid < 0 ? 0 : (pid_t)pid;
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

static void request(struct guard *g, enum request what)
{
	(void)sigqueue(g->pid, request_signal(), (union sigval){.sival_int = what});
}

struct sightings *guard_sightings(struct guard *g)
{
	const struct timespec patience = {.tv_nsec = ANSWER_MS * 1000000L};
	if (g->pid <= 0)
		return NULL;
	uint32_t before = atomic_load(&g->page->answers);
	request(g, REQUEST_SIGHTINGS);
	(void)syscall(SYS_futex, &g->page->answers, FUTEX_WAIT, before, &patience, NULL, 0);
	return atomic_load(&g->page->answers) == before ? NULL : &g->page->sightings;
}

void guard_end(struct guard *g)
{
	if (g->pid > 0) {
		request(g, REQUEST_END);
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
		/* If it was killed, its children are ours now. */
		kill_children(0);
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			kill_children(0);
	}
	g->pid = 0;
}

void guard_finish(struct guard *g)
{
	guard_end(g);
	if (!g->page)
		return;
	(void)close(g->statuses);
	(void)munmap(g->page, sizeof(*g->page));
	g->page = NULL;
}
