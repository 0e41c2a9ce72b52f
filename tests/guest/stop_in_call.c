/*
 * SIGSTOP and SIGCONT in the middle of a blocking call: the call goes on and its caller never sees EINTR. On a machine
 * so slow that a call is over before it is stopped, all is done again with twice the time.
 */
#include <poll.h>
#include <sys/epoll.h>

#include "guest.h"

enum { CALLS = 5 };

static int (*pipes)[2];

static void blocked(int kind, int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	struct pollfd p = {.fd = pipes[kind][0], .events = POLLIN};
	char c;

	if (kind == 0)
		CHECK(nanosleep(&ts, NULL) == 0);
	else if (kind == 1)
		CHECK_EQ(poll(&p, 1, ms), 0);
	else if (kind == 2)
		CHECK_EQ(read(pipes[kind][0], &c, 1), 1);
	else if (kind == 3)
		CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == 0);
	else
		CHECK_EQ(wait(NULL), -1);
}

static void start(pid_t *pids, int ms)
{
	int64_t before = guest_ms();

	for (int i = 0; i < CALLS; i++) {
		CHECK(pipe(pipes[i]) == 0);
		pids[i] = guest_fork();
		if (pids[i] == 0) {
			blocked(i, ms);
			CHECK(i > 3 || i == 2 || guest_ms() - before >= ms);
			_exit(50 + i);
		}
	}
}

/* Whether it stops; false: it has ended, as it should, before it could. */
static bool stops(pid_t pid, int code)
{
	int status;

	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == code));
	return WIFSTOPPED(status);
}

/* Whether every call was stopped in time. */
static bool in_time(int ms)
{
	bool stopped[CALLS], all = true;
	pid_t pids[CALLS];

	start(pids, ms);
	guest_sleep_ms(10);
	for (int i = 0; i < CALLS - 1; i++) {
		stopped[i] = stops(pids[i], 50 + i);
		all = all && stopped[i];
	}
	for (int i = 0; i < CALLS - 1; i++)
		CHECK(!stopped[i] || kill(pids[i], SIGCONT) == 0);
	CHECK(write(pipes[2][1], "x", 1) == 1);
	stopped[CALLS - 1] = true;
	for (int i = 0; i < CALLS; i++) {
		if (stopped[i])
			guest_wait_exit(pids[i], 50 + i);
		CHECK(close(pipes[i][0]) == 0 && close(pipes[i][1]) == 0);
	}
	return all;
}

int main(void)
{
	int ms = 700;

	pipes = guest_shared(sizeof(*pipes) * CALLS);
	while (!in_time(ms))
		ms *= 2;
	return 0;
}
