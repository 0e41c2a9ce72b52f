/* Job control as a parent sees it: stopped, really standing still, continued, with the right signals in each report. */
#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"

static atomic_long *ticks;

static void *ticker(void *arg)
{
	(void)arg;
	for (;;) {
		getppid();
		atomic_fetch_add(ticks, 1);
	}
	return NULL;
}

static void wait_tick(void)
{
	long before = atomic_load(ticks);

	while (atomic_load(ticks) == before)
		guest_sleep_ms(1);
}

static void expect_stop(pid_t pid, int sig)
{
	siginfo_t info = {0};
	int status;
	long before;

	CHECK(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT) == 0);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, sig);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), sig);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);	/* reported once */
	before = atomic_load(ticks);
	guest_sleep_ms(5);
	CHECK_EQ(atomic_load(ticks), before);
}

static void expect_continue(pid_t pid)
{
	int status;

	CHECK(kill(pid, SIGCONT) == 0);
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	wait_tick();
}

int main(void)
{
	static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	pthread_t t;
	pid_t pid;

	ticks = guest_shared(sizeof(*ticks));
	pid = guest_fork();
	if (pid == 0) {
		CHECK(setpgid(0, 0) == 0);	/* not an orphaned group: SIGTSTP stops */
		for (int i = 0; i < 2; i++)
			CHECK_EQ(pthread_create(&t, NULL, ticker, NULL), 0);
		ticker(NULL);
	}
	wait_tick();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
			CHECK(kill(pid, stops[i]) == 0);
			expect_stop(pid, stops[i]);
			expect_continue(pid);
		}
	}
	CHECK(kill(pid, SIGSTOP) == 0);
	expect_stop(pid, SIGSTOP);
	CHECK(kill(pid, SIGTERM) == 0);		/* pending until it goes on */
	guest_sleep_ms(5);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	CHECK(kill(pid, SIGCONT) == 0);
	guest_wait_signal(pid, SIGTERM);
	return 0;
}
