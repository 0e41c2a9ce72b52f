/*
 * trapline as a job: the shell that started it waits for it, not for the command, so when the command stops trapline
 * stops too. But only when nobody in the guest is left who could continue the command: a stopped supervisor answers
 * nobody. That is so when trapline was stopped with it (the terminal's signal or a signal to the group), or when every
 * guest stands still and it was a guest that stopped the command.
 */
#include <fcntl.h>
#include <unistd.h>

#include "tracer/session_private.h"

enum { TOGETHER_MS = 500 };	/* a signal to the group reaches trapline and the command within this time */

/* Never 0. */
static uint32_t now_ms(void)
{
	uint32_t ms = (uint32_t)(now_ns() / 1000000);
	return ms ? ms : 1;
}

/* Once for each stop of the command. Any thread. */
static void stop_along(struct session *s)
{
	if (atomic_load(&s->job.command_stopped) && !atomic_exchange(&s->job.stopped_along, true) &&
	    getpgid(s->main_pid) == getpgrp())
		(void)kill(getpid(), SIGSTOP);
}

static bool stopped_with_us(struct session *s)
{
	uint32_t taken = atomic_load(&s->job.taken_ms);
	return taken && now_ms() - taken < TOGETHER_MS;
}

void job_signal_taken(struct session *s)
{
	atomic_store(&s->job.taken_ms, now_ms());
	stop_along(s);
}

void job_stop_sent(struct session *s, const siginfo_t *info)
{
	pid_t by = info->si_pid;
	/* A sender that is gone already is taken for a guest: "sh -c 'kill -STOP $PPID'". */
	s->job.by_guest = info->si_code <= 0 && (tracee_find(s, by) || (kill(by, 0) < 0 && errno == ESRCH));
}

static bool is_running(const struct tracee *t, void *ctx)
{
	(void)ctx;
	return t->live && !t->group_stopped;
}

static bool stopped_by_guest(struct session *s)
{
	return s->job.by_guest && !tracee_any(s, is_running, NULL);
}

/* Without a tracer: a command that has no children stands alone. */
static bool stands_alone(const struct session *s)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", s->main_pid, s->main_pid);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	return f && fgetc(f) == EOF;
}

void job_stopped(struct session *s, bool command)
{
	if (command) {
		atomic_store(&s->job.stopped_along, false);
		atomic_store(&s->job.command_stopped, true);
	}
	if (!atomic_load(&s->job.command_stopped))
		return;
	if (stopped_with_us(s) || (s->uses_ptrace ? stopped_by_guest(s) : stands_alone(s)))
		stop_along(s);
}

void job_continued(struct session *s)
{
	atomic_store(&s->job.command_stopped, false);
	atomic_store(&s->job.taken_ms, 0);
}

/*
 * The foreground group of our terminal; our own group once the terminal has hung up and tells no more. 0: no terminal.
 */
static pid_t foreground_group(struct session *s)
{
	AUTO_CLOSE int tty = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	pid_t group = tty < 0 ? -1 : tcgetpgrp(tty);
	if (group > 0)
		return group;
	return atomic_load(&s->job.hung_up) ? getpgrp() : 0;
}

/*
 * Natively the command would have led the session that we lead, and the kernel sends SIGHUP and SIGCONT to the
 * foreground group when a leader ends (drivers/tty/tty_jobctrl.c, disassociate_ctty).
 */
void job_command_ended(struct session *s)
{
	if (getsid(0) != getpid())
		return;
	pid_t group = foreground_group(s);
	if (group <= 0)
		return;
	/* We may be in that group ourselves. */
	signals_ignore_hangup(s);
	(void)kill(-group, SIGHUP);
	(void)kill(-group, SIGCONT);
}
