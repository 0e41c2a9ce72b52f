/*
 * A helper, not a guest of its own: processes and threads of many kinds that work until stdin ends, then check that
 * nobody disturbed them. Prints "ready" once all are at work and "ok" at the end. tree_target [--processes]
 */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "guest.h"

enum { KINDS = 7 };

static atomic_long *counts;
static atomic_bool stop;
static atomic_int word;

/* One round of a kind of work; nobody sends these tasks a handled signal, so no call may be interrupted. */
static void work(long kind)
{
	struct timespec ts = {.tv_nsec = 2000000};
	struct stat st;
	pid_t pid;

	switch (kind) {
	case 0:
		CHECK(nanosleep(&ts, NULL) == 0);
		break;
	case 1:
		CHECK_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0), ETIMEDOUT);
		break;
	case 2:
		CHECK_EQ(poll(NULL, 0, 2), 0);
		break;
	case 3:
		CHECK(getppid() > 0);
		break;
	case 4:
		CHECK(stat("/", &st) == 0);
		CHECK(nanosleep(&ts, NULL) == 0);
		break;
	case 5:
		pid = guest_fork();
		if (pid == 0)
			_exit(7);
		guest_wait_exit(pid, 7);
		CHECK(nanosleep(&ts, NULL) == 0);
		break;
	default:
		CHECK(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == 0);
	}
	atomic_fetch_add(&counts[kind], 1);
}

static void *thread_body(void *arg)
{
	while (!atomic_load(&stop))
		work((long)arg);
	return NULL;
}

/* Processes that never look at stdin and never end by themselves: only the supervisor's death may end them. */
static void start_processes(void)
{
	for (long kind = 0; kind < KINDS; kind++) {
		if (guest_fork() == 0) {
			if (kind % 2)
				setsid();
			for (;;)
				work(kind);
		}
	}
}

static void wait_progress(void)
{
	for (long kind = 0; kind < KINDS; kind++) {
		long before = atomic_load(&counts[kind]);
		int64_t limit = guest_ms() + 20000;

		while (atomic_load(&counts[kind]) == before) {
			CHECK(guest_ms() < limit);
			guest_sleep_ms(1);
		}
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[KINDS];
	char c;

	(void)argv;
	counts = guest_shared(KINDS * sizeof(*counts));
	if (argc > 1)
		start_processes();
	for (long i = 0; i < KINDS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, thread_body, (void *)i), 0);
	wait_progress();
	CHECK(write(1, "ready\n", 6) == 6);
	while (read(0, &c, 1) > 0) {
		wait_progress();
		CHECK(write(1, "on\n", 3) == 3);
	}
	wait_progress();
	atomic_store(&stop, true);
	for (int i = 0; i < KINDS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(write(1, "ok\n", 3) == 3);
	return 0;
}
