/* sigsuspend, pselect and ppoll change the mask only while they wait; SIGKILL and SIGSTOP cannot be blocked. */
#include <poll.h>
#include <sys/select.h>

#include "guest.h"

static volatile int hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

static void waits(int kind)
{
	struct timespec limit = {.tv_sec = 20};
	sigset_t open_set, now;
	int r;

	sigemptyset(&open_set);
	hits = 0;
	CHECK(raise(SIGUSR1) == 0);
	CHECK_EQ(hits, 0);
	if (kind == 0)
		r = sigsuspend(&open_set);
	else if (kind == 1)
		r = pselect(0, NULL, NULL, NULL, &limit, &open_set);
	else
		r = ppoll(NULL, 0, &limit, &open_set);
	CHECK_EQ(r, -1);
	CHECK_EQ(errno, EINTR);
	CHECK_EQ(hits, 1);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
	CHECK(sigismember(&now, SIGUSR1));
}

int main(void)
{
	sigset_t set, now;

	guest_handle(SIGUSR1, handler, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 60; i++)
		waits(i % 3);
	sigfillset(&set);
	CHECK(sigprocmask(SIG_SETMASK, &set, &now) == 0);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
	CHECK(!sigismember(&now, SIGKILL) && !sigismember(&now, SIGSTOP));
	for (int i = 0; i < 200; i++) {		/* calls answered while every signal is blocked */
		CHECK_EQ(syscall(SYS_getuid), syscall(SYS_geteuid));
		CHECK(getppid() > 0);
	}
	CHECK(sigprocmask(SIG_SETMASK, NULL, &set) == 0);
	CHECK(memcmp(&set, &now, sizeof(set)) == 0);
	return 0;
}
