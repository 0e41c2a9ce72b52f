/*
 * Signals of the supervisor: as if it were not there.
 *
 * Every signal that can be is blocked in all threads and taken by one thread with sigtimedwait. What the terminal sends
 * goes to the whole foreground group, so the guest has it already and the supervisor drops its own. What a process
 * sends with kill(2) was meant for the command: it is passed on, unless the command got it from the same sender at the
 * same moment (a signal to the group). When attached to running processes, SIGINT, SIGTERM, SIGHUP and SIGQUIT detach.
 */
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/log.h"
#include "base/thread.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/handover.h"
#include "tracer/session_private.h"

enum {
	GROUP_DELAY_MS = 20,	/* how long the same signal may take to reach the command by itself */
	POKE_NS = 10 * 1000 * 1000,
};

/* Interrupts a thread's blocking call. */
static int poke_signal(void)
{
	return SIGRTMAX;
}

/* With a pointer it is from a trap thread of ours and brings a task. */
static void on_poke(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_code == SI_QUEUE && info->si_pid == getpid() && info->si_ptr)
		handover_arrived(info->si_ptr);
}

static void taken_signals(sigset_t *set)
{
	(void)sigfillset(set);
	/* Synchronous ones mean a fault of ours; SIGCHLD tells nothing that wait does not. */
	static const int keep[] = {SIGCHLD, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		(void)sigdelset(set, keep[i]);
	(void)sigdelset(set, poke_signal());
}

/* Without a tracer nobody sees what the command gets, but a signal to the group reaches its guard too. */
static bool command_saw(struct session *s, int sig, pid_t sender, uint32_t taken_ms)
{
	struct sightings *seen = s->uses_ptrace ? &s->main_saw : guard_sightings(&s->guard);
	return seen && sightings_claim(seen, &s->claimed, sig, sender, taken_ms);
}

/* Is it waiting for the command to unblock it? */
static bool command_has_pending(const struct session *s, int sig)
{
	uint64_t set = proc_status_signals(s->main_pid, "SigPnd") | proc_status_signals(s->main_pid, "ShdPnd");
	return set >> (sig - 1) & 1;
}

static void pass_on(struct session *s, const siginfo_t *info)
{
	const struct timespec delay = {.tv_nsec = GROUP_DELAY_MS * 1000000L};
	const uint32_t taken_ms = sightings_now_ms();
	(void)nanosleep(&delay, NULL);
	if (atomic_load(&s->main_ended))
		return;
	if (command_saw(s, info->si_signo, info->si_pid, taken_ms) || command_has_pending(s, info->si_signo))
		return;
	if (info->si_code == SI_QUEUE)
		(void)sigqueue(s->main_pid, info->si_signo, info->si_value);
	else
		(void)kill(s->main_pid, info->si_signo);
}

/* Again until the trap thread has noticed: it may not have been in wait yet. */
static void wake_trap_thread(struct session *s)
{
	const struct timespec pause = {.tv_nsec = POKE_NS};
	while (!atomic_load(&s->trap_acknowledged)) {
		(void)pthread_kill(s->traps[0].thread, poke_signal());
		(void)nanosleep(&pause, NULL);
	}
}

static bool ends_attachment(int sig)
{
	return sig == SIGINT || sig == SIGTERM || sig == SIGHUP || sig == SIGQUIT;
}

static bool from_process(const siginfo_t *info)
{
	return info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL;
}

/* A signal that comes while the command is being started waits for it. False: there will be no command. */
static bool command_exists(const struct session *s)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	while (!atomic_load(&s->main_pid)) {
		if (atomic_load(&s->failure) || atomic_load(&s->signals_end))
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

static void took(struct session *s, const siginfo_t *info)
{
	int sig = info->si_signo;
	if ((s->options->attach_count || s->options->interruptible) && ends_attachment(sig)) {
		if (s->options->uninterruptible)
			return;
		/*
		 * As for the command it came to its group, or is passed on; it, too, is let go, before it sees the
		 * signal.
		 */
		bool pass = s->options->argv && from_process(info) && command_exists(s);
		s->result->detached_by = sig;	/* read when this thread has ended */
		atomic_store(&s->detach_wanted, true);
		if (pass)
			pass_on(s, info);
		wake_trap_thread(s);
		return;
	}
	if (!s->options->argv || !command_exists(s))
		return;
	if (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU)
		job_signal_taken(s);
	if (sig == SIGCONT || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU || sig == SIGWINCH)
		return;
	if (from_process(info) && info->si_pid == getpid())
		return;		/* signals_command_ended */
	/* As daemons do: read the configuration anew. A terminal's hangup comes from the kernel. */
	if (sig == SIGHUP && from_process(info) && s->decides && s->apply.runtime->reload) {
		apply_reload(&s->apply, s->uses_filter);
		return;
	}
	/* A hangup goes to the session's leader alone, which we may be in the command's place. */
	if (sig == SIGHUP && !from_process(info) && getsid(0) == getpid())
		atomic_store(&s->hung_up, true);
	bool hung_up = sig == SIGHUP && !from_process(info);
	if (hung_up)
		atomic_store(&s->job.hung_up, true);
	if (from_process(info) || hung_up)
		pass_on(s, info);
}

/* When the leader of a session whose terminal hung up ends, the kernel sends SIGHUP to the group in the foreground. */
void signals_command_ended(const struct session *s)
{
	if (atomic_load(&s->hung_up))
		(void)kill(0, SIGHUP);
}

static void *signals_main(void *arg)
{
	struct session *s = arg;
	sigset_t set;
	taken_signals(&set);
	for (;;) {
		siginfo_t info;
		if (sigwaitinfo(&set, &info) < 0)
			continue;
		if (atomic_load(&s->signals_end))
			return NULL;
		took(s, &info);
	}
}

int signals_start(struct session *s)
{
	sigset_t set;
	taken_signals(&set);
	int r = pthread_sigmask(SIG_BLOCK, &set, &s->old_mask);
	if (r)
		return -r;
	struct sigaction poke = {.sa_sigaction = on_poke, .sa_flags = SA_SIGINFO};
	(void)sigaction(poke_signal(), &poke, &s->old_poke);
	/*
	 * With SIGCHLD ignored children would vanish before wait sees them; without SA_NOCLDSTOP each ptrace stop would
	 * send one, and blocked ones would wake the signal thread at each stop.
	 */
	struct sigaction normal = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	(void)sigaction(SIGCHLD, &normal, &s->old_sigchld);
	s->traps[0].thread = pthread_self();
	s->signals_blocked = true;
	r = thread_start(&s->signal_thread, signals_main, s);
	if (r < 0)
		return r;
	s->signal_thread_runs = true;
	return 0;
}

/*
 * For a file of ours that reached RLIMIT_FSIZE the kernel sent this thread a signal; the call's error has told it. And
 * what is still pending when the command has ended came for the command, which natively is no more.
 */
static void forget_pending(const struct session *s)
{
	static const struct timespec now = {0};
	sigset_t set;
	(void)sigemptyset(&set);
	if (s->options->argv)
		taken_signals(&set);
	(void)sigaddset(&set, SIGXFSZ);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
}

void signals_finish(struct session *s)
{
	if (s->signal_thread_runs) {
		atomic_store(&s->signals_end, true);
		(void)pthread_kill(s->signal_thread, SIGCONT);
		(void)pthread_join(s->signal_thread, NULL);
		s->signal_thread_runs = false;
	}
	if (!s->signals_blocked)
		return;
	(void)sigaction(SIGCHLD, &s->old_sigchld, NULL);
	(void)sigaction(poke_signal(), &s->old_poke, NULL);
	forget_pending(s);
	(void)pthread_sigmask(SIG_SETMASK, &s->old_mask, NULL);
	if (s->ignores_hangup)
		(void)sigaction(SIGHUP, &s->old_hangup, NULL);
	s->signals_blocked = false;
}

void signals_ignore_hangup(struct session *s)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	if (!s->ignores_hangup)
		(void)sigaction(SIGHUP, &ignore, &s->old_hangup);
	s->ignores_hangup = true;
}

void signals_restore_in_child(const struct session *s)
{
	(void)sigaction(SIGCHLD, &s->old_sigchld, NULL);
	(void)sigaction(poke_signal(), &s->old_poke, NULL);
	(void)sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
}
