/* fork_many N: N children, in waves, each ends with its own status and every one is reaped with it. */
#include "guest.h"

enum { WAVE = 25 };

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 1000);

	for (long done = 0; done < n; done += WAVE) {
		pid_t pids[WAVE];

		for (int i = 0; i < WAVE; i++) {
			pids[i] = guest_fork();
			if (pids[i] == 0)
				_exit((int)(done + i) & 0xff);
		}
		for (int i = 0; i < WAVE; i++)
			guest_wait_exit(pids[i], (int)(done + i) & 0xff);
	}
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	return 0;
}
