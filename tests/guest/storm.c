/*
 * A helper: storm PID SIGNAL US sends the signal every US microseconds until the process is gone, with a pause after
 * each 100: a process that takes longer for its handler than US would never do anything else.
 */
#include <sched.h>
#include <sys/prctl.h>

#include "guest.h"

int main(int argc, char **argv)
{
	pid_t pid = (pid_t)guest_arg(argc, argv, 1, 0);
	int sig = (int)guest_arg(argc, argv, 2, SIGUSR1);
	struct timespec ts = {.tv_nsec = guest_arg(argc, argv, 3, 100) * 1000};

	CHECK(pid > 0);
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	for (int i = 0; kill(pid, sig) == 0; i++) {
		nanosleep(&ts, NULL);
		if (i % 100 == 99)
			guest_sleep_ms(3);
	}
	return 0;
}
