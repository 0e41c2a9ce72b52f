#include "tracer/ptrace/unseen.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "tracer/proc_status.h"
#include "tracer/ptrace/ops.h"

enum { TRIES = 1000, PAUSE_NS = 1000 * 1000 };

/* There may be children that are no guests: those that trapline was started with. */
static bool any_traced(void)
{
	bool found = false;
	DIR *d = opendir("/proc");
	for (const struct dirent *e; d && !found && (e = readdir(d));) {
		pid_t pid = (pid_t)atoi(e->d_name);
		found = pid > 0 && proc_status_pid(pid, "TracerPid") == getpid();
	}
	if (d)
		(void)closedir(d);
	return found;
}

/* Not for ever: what some other thread of this process traces is not ours to wait for. */
bool unseen_come(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	for (int i = 0; i < TRIES; i++) {
		pid_t told = ops_teller();
		if (told)
			return told > 0;
		if (!any_traced())
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}
