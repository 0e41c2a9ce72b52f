/* exec with very large argument lists and strings: all of it arrives. */
#include <sys/resource.h>

#include "guest.h"

enum { MANY = 40000, LONG = 128 * 1024 - 1 };

int main(int argc, char **argv)
{
	char **args, *big;

	if (argc > 3 && strcmp(argv[1], "--many") == 0) {
		CHECK_EQ(argc, MANY);
		for (int i = 2; i < argc; i++)
			CHECK_EQ(atoi(argv[i]), i);
		return 23;
	}
	if (argc == 3 && strcmp(argv[1], "--long") == 0) {
		CHECK_EQ(strlen(argv[2]), LONG);
		CHECK_EQ(strspn(argv[2], "z"), LONG);
		return 24;
	}
	args = calloc(MANY + 1, sizeof(*args));
	big = malloc(LONG + 1);
	CHECK(args != NULL && big != NULL);
	args[0] = argv[0];
	args[1] = (char *)"--many";
	for (int i = 2; i < MANY; i++)
		CHECK(asprintf(&args[i], "%d", i) > 0);
	memset(big, 'z', LONG);
	big[LONG] = 0;
	char *longs[] = {argv[0], (char *)"--long", big, NULL};

	for (int i = 0; i < 4; i++) {
		pid_t pid = guest_fork();

		if (pid == 0) {
			execv("/proc/self/exe", i % 2 ? args : longs);
			_exit(1);
		}
		guest_wait_exit(pid, i % 2 ? 23 : 24);
	}
	return 0;
}
