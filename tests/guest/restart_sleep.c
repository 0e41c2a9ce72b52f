/* Sleeps that signals interrupt: a handler gives EINTR and the right remaining time; a stop or an ignored signal
 * does not shorten or lengthen the sleep (restart_syscall). */
#include <poll.h>

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

static void interrupted(void)
{
	const int sig = SIGUSR1;
	struct timespec ts = {.tv_sec = 30}, left = {.tv_sec = -1};
	pid_t pid = signaller(getpid(), &sig, 1, 100);
	int64_t start = guest_ms(), took, slept;

	hits = 0;
	CHECK_ERRNO(nanosleep(&ts, &left), EINTR);
	took = guest_ms() - start;
	slept = 30000 - (left.tv_sec * 1000 + left.tv_nsec / 1000000);
	CHECK_EQ(hits, 1);
	CHECK(slept > 0 && slept <= took + 2);
	CHECK(slept + 2000 >= took);	/* the way out of the call takes time on a loaded machine */
	guest_wait_exit(pid, 0);
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
	CHECK(took < 5000);
	guest_wait_exit(pid, 0);
}

/* The middle of a poll is interrupted by a stop: what is left is waited for, not the whole again and again. */
static void repeatedly(void)
{
	const int sigs[] = {
		SIGSTOP, SIGCONT, SIGSTOP, SIGCONT, SIGSTOP, SIGCONT, SIGSTOP, SIGCONT, SIGSTOP, SIGCONT, SIGSTOP, SIGCONT,
	};
	int64_t start = guest_ms();
	pid_t pid = signaller(getpid(), sigs, 12, 60);

	CHECK_EQ(poll(NULL, 0, 300), 0);
	CHECK(guest_ms() - start < 700);	/* six restarts of the whole would end after 720 + 300 */
	guest_wait_exit(pid, 0);
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
