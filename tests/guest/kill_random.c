/* kill -9 of one task at a random moment, again and again, never disturbs the others: they count on. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "guest.h"

enum { WORKERS = 6 };

static _Atomic long *counts;

static void *thread_body(void *arg)
{
	struct utsname u;

	(void)arg;
	for (;;)
		CHECK(uname(&u) == 0);
	return NULL;
}

/* Each kind of worker is killed in a different kind of call. */
static void work(int kind)
{
	struct stat st;
	pthread_t t;
	pid_t pid;

	if (kind == 4)
		CHECK_EQ(pthread_create(&t, NULL, thread_body, NULL), 0);
	for (;; atomic_fetch_add(&counts[kind], 1)) {
		if (kind == 0) {
			CHECK(getuid() == geteuid());
		} else if (kind == 1) {
			CHECK(stat("/", &st) == 0);
		} else if (kind == 2) {
			pid = guest_fork();
			if (pid == 0)
				_exit(3);
			guest_wait_exit(pid, 3);
		} else if (kind == 3) {
			pid = vfork();
			if (pid == 0)
				_exit(4);
			guest_wait_exit(pid, 4);
		} else {
			guest_sleep_ms(1);
		}
	}
}

static pid_t start(int kind)
{
	pid_t pid = guest_fork();

	if (pid == 0)
		work(kind);
	return pid;
}

static void wait_progress(int kind)
{
	long before = atomic_load(&counts[kind]);
	int64_t limit = guest_ms() + 20000;

	while (atomic_load(&counts[kind]) == before) {
		CHECK(guest_ms() < limit);
		guest_sleep_ms(1);
	}
}

int main(int argc, char **argv)
{
	long n = guest_arg(argc, argv, 1, 40);
	unsigned seed = (unsigned)guest_arg(argc, argv, 2, 1);
	pid_t pids[WORKERS];

	counts = guest_shared(WORKERS * sizeof(*counts));
	for (int i = 0; i < WORKERS; i++)
		pids[i] = start(i);
	for (long i = 0; i < n; i++) {
		int victim;

		seed = seed * 1103515245 + 12345;
		victim = (int)(seed >> 16) % WORKERS;
		struct timespec ts = {.tv_nsec = (seed >> 8) % 2000000};

		nanosleep(&ts, NULL);
		CHECK(kill(pids[victim], SIGKILL) == 0);
		guest_wait_signal(pids[victim], SIGKILL);
		for (int k = 0; i % 8 == 0 && k < WORKERS; k++) {
			if (k != victim)
				wait_progress(k);
		}
		pids[victim] = start(victim);
	}
	for (int i = 0; i < WORKERS; i++) {
		wait_progress(i);
		CHECK(kill(pids[i], SIGKILL) == 0);
		guest_wait_signal(pids[i], SIGKILL);
	}
	return 0;
}
