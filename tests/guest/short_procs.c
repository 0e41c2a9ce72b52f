/* short_procs N: N programs started and ended as quickly as they can be, several at once. */
#include <spawn.h>

#include "guest.h"

extern char **environ;

int main(int argc, char **argv)
{
	char *child[] = {argv[0], (char *)"--child", (char *)"0", NULL};
	long n = guest_arg(argc, argv, 1, 300);

	if (argc > 2)
		return 21;
	for (long i = 0; i < n; i += 5) {
		pid_t pids[5];

		for (int k = 0; k < 5; k++)
			CHECK_EQ(posix_spawn(&pids[k], "/proc/self/exe", NULL, NULL, child, environ), 0);
		for (int k = 0; k < 5; k++)
			guest_wait_exit(pids[k], 21);
	}
	return 0;
}
