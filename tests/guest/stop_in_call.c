/* SIGSTOP and SIGCONT in the middle of a blocking call: the call goes on and its caller never sees EINTR. */
#include <poll.h>
#include <sys/epoll.h>

#include "guest.h"

enum { CALLS = 5, SLEEP_MS = 700 };

static int (*pipes)[2];

static void blocked(int kind)
{
	struct timespec ts = {.tv_nsec = SLEEP_MS * 1000000L};
	struct pollfd p = {.fd = pipes[kind][0], .events = POLLIN};
	char c;

	if (kind == 0)
		CHECK(nanosleep(&ts, NULL) == 0);
	else if (kind == 1)
		CHECK_EQ(poll(&p, 1, SLEEP_MS), 0);
	else if (kind == 2)
		CHECK_EQ(read(pipes[kind][0], &c, 1), 1);
	else if (kind == 3)
		CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == 0);
	else
		CHECK_EQ(wait(NULL), -1);
}

int main(void)
{
	pid_t pids[CALLS];
	int64_t start;
	int status;

	pipes = guest_shared(sizeof(*pipes) * CALLS);
	start = guest_ms();
	for (int i = 0; i < CALLS; i++) {
		CHECK(pipe(pipes[i]) == 0);
		pids[i] = guest_fork();
		if (pids[i] == 0) {
			blocked(i);
			CHECK(i > 3 || i == 2 || guest_ms() - start >= SLEEP_MS);
			_exit(50 + i);
		}
	}
	guest_sleep_ms(10);
	for (int i = 0; i < CALLS - 1; i++) {
		CHECK(kill(pids[i], SIGSTOP) == 0);
		CHECK_EQ(waitpid(pids[i], &status, WUNTRACED), pids[i]);
		CHECK(WIFSTOPPED(status));
	}
	for (int i = 0; i < CALLS - 1; i++)
		CHECK(kill(pids[i], SIGCONT) == 0);
	CHECK(write(pipes[2][1], "x", 1) == 1);
	for (int i = 0; i < CALLS; i++)
		guest_wait_exit(pids[i], 50 + i);
	return 0;
}
