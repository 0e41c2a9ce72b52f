/* Sleeps that signals interrupt: a handler gives EINTR and the right remaining time; a stop or an ignored signal
 * does not shorten or lengthen the sleep (restart_syscall). Nothing here asks a loaded machine to be quick: what cannot
 * be told from slowness is tried again, what would never end if it were wrong has the test's time limit.
 */
#include <poll.h>
#include <stdatomic.h>

#include "guest.h"

static volatile int hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

static pid_t signaller(pid_t target, const int *sigs, int n, long each_ms)
{
	pid_t pid = guest_fork();

	if (pid != 0)
		return pid;
	for (int i = 0; i < n; i++) {
		guest_sleep_ms(each_ms);
		kill(target, sigs[i]);
	}
	_exit(0);
}

/* A signal in the middle of a long sleep. By how much longer the call took than what it says that it slept, in ms. */
static int64_t interrupted_once(void)
{
	enum { LONG_S = 600 };
	const int sig = SIGUSR1;
	struct timespec ts = {.tv_sec = LONG_S}, left = {.tv_sec = -1};
	pid_t target = getpid(), pid;
	int64_t start, took, slept;

	hits = 0;
	pid = guest_fork();
	if (pid == 0) {
		while (guest_state(target) != 'S')
			guest_sleep_ms(1);
		guest_sleep_ms(100);
		_exit(kill(target, sig));
	}
	start = guest_ms();
	CHECK_ERRNO(nanosleep(&ts, &left), EINTR);
	took = guest_ms() - start;
	slept = LONG_S * 1000 - (left.tv_sec * 1000 + left.tv_nsec / 1000000);
	CHECK_EQ(hits, 1);
	CHECK(slept > 0 && slept <= took + 2);
	guest_wait_exit(pid, 0);
	return took - slept;
}

/* The way into the call and out of it takes any time on a loaded machine, but not each time. */
static void interrupted(void)
{
	int64_t least = INT64_MAX;

	for (int i = 0; i < 20 && least > 50; i++) {
		int64_t more = interrupted_once();

		least = more < least ? more : least;
	}
	CHECK(least < 2000);
}

/* Ignored, stopping and continuing signals: the whole time is slept, once. */
static void undisturbed(int kind)
{
	static const int sigs[] = {SIGWINCH, SIGSTOP, SIGCONT, SIGURG, SIGSTOP, SIGCONT, SIGCHLD, SIGUSR2};
	struct timespec ts = {.tv_nsec = 120 * 1000000}, abs;
	int64_t start = guest_ms(), took;
	pid_t pid = signaller(getpid(), sigs, 8, 8);

	if (kind == 0) {
		CHECK_EQ(nanosleep(&ts, NULL), 0);
	} else if (kind == 1) {
		CHECK_EQ(poll(NULL, 0, 120), 0);
	} else {
		CHECK(clock_gettime(CLOCK_MONOTONIC, &abs) == 0);
		abs.tv_nsec += 120 * 1000000;
		abs.tv_sec += abs.tv_nsec / 1000000000;
		abs.tv_nsec %= 1000000000;
		CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, NULL), 0);
	}
	took = guest_ms() - start;
	CHECK(took >= 119);
	guest_wait_exit(pid, 0);
}

/*
 * A poll is interrupted by stops until it has ended: if each began the whole of it anew, it would end after the last
 * one.
 */
static void repeatedly(void)
{
	enum { STOPS = 200 };
	atomic_int *state = guest_shared(2 * sizeof(*state));	/* [0]: the poll has ended; [1]: stops made */
	pid_t target = getpid(), pid = guest_fork();

	if (pid == 0) {
		while (!atomic_load(&state[0]) && atomic_fetch_add(&state[1], 1) < STOPS) {
			guest_sleep_ms(60);
			kill(target, SIGSTOP);
			guest_sleep_ms(60);
			kill(target, SIGCONT);
		}
		_exit(0);
	}
	CHECK_EQ(poll(NULL, 0, 300), 0);
	atomic_store(&state[0], 1);
	CHECK(atomic_load(&state[1]) < STOPS);
	guest_wait_exit(pid, 0);
	CHECK(munmap(state, 2 * sizeof(*state)) == 0);
}

int main(void)
{
	guest_handle(SIGUSR1, handler, SA_RESTART);
	guest_handle(SIGUSR2, SIG_IGN, 0);
	for (int i = 0; i < 3; i++) {
		interrupted();
		undisturbed(i);
	}
	repeatedly();
	return 0;
}
