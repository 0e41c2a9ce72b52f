/* A helper: storm PID SIGNAL US sends the signal every US microseconds until the process is gone. */
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
	while (kill(pid, sig) == 0)
		nanosleep(&ts, NULL);
	return 0;
}
