/*
 * Whoever polls a pidfd hears of a process's end at once, but cannot collect it before its tracer has (kernel/exit.c,
 * wait_consider_task): waitid(WNOHANG) would find nothing, which natively it never does then, and GLib takes that for a
 * success. So waitid with WNOHANG stops, and is made when this thread has been told of all ends that are there.
 */
#include "tracer/ptrace/zombies.h"

#include <sys/wait.h>
#include <unistd.h>

bool zombies_asked_for(const struct tracee *t)
{
	return t->call.id == CALL_waitid && (t->call.args[3] & WNOHANG);
}

enum { PATIENCE = 20, PAUSE_US = 100 };

/* An end that nobody has collected: of this task, or of any (P_ALL). */
static bool has_ended(idtype_t which, pid_t tid)
{
	siginfo_t info = {0};
	return waitid(which, (id_t)tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid &&
	       (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
}

/* Another's are not ours to collect: its thread is about to. */
static pid_t find_ended(const struct tracee *asker, bool *ret_others)
{
	struct session *s = asker->by->session;
	pid_t tid = 0;
	*ret_others = false;
	/*
	 * The usual case, told at once. What has ended may be no guest, so that the tasks are gone through otherwise.
	 */
	if (!has_ended(P_ALL, 0))
		return 0;
	(void)pthread_mutex_lock(&s->table_lock);
	for (size_t i = 0; i < s->table_size && !tid; i++) {
		for (const struct tracee *t = s->table[i]; t && !tid; t = t->next) {
			if (t == asker || !has_ended(P_PID, t->tid))
				continue;
			if (t->by == asker->by)
				tid = t->tid;
			else
				*ret_others = true;
		}
	}
	(void)pthread_mutex_unlock(&s->table_lock);
	return tid;
}

pid_t zombies_next(const struct tracee *asker, int *ret_status)
{
	bool others = true;
	pid_t tid = 0;
	for (int i = 0; others && !tid && i < PATIENCE; i++) {
		if (i > 0)
			(void)usleep(PAUSE_US);
		tid = find_ended(asker, &others);
	}
	return tid && wait4(tid, ret_status, WNOHANG | __WALL | __WNOTHREAD, NULL) == tid ? tid : 0;
}
