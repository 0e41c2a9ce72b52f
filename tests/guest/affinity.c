/*
 * Where the guest may run is what it was and what it says: tracing may place threads, but no call may show it (the
 * Cpus_allowed of /proc/PID/status does: that file is the host's).
 */
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "guest.h"

static void show(const char *who)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	printf("%s: %d of", who, CPU_COUNT(&set));
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &set))
			printf(" %d", i);
	}
	printf("; policy %d, priority %d\n", sched_getscheduler(0), getpriority(0, 0));
}

static void *in_thread(void *arg)
{
	show(arg);
	return NULL;
}

int main(void)
{
	cpu_set_t all, one;
	pthread_t t;
	pid_t pid;
	int last = 0;

	for (int i = 0; i < 2000; i++)	/* long enough for a tracer to have made up its mind */
		getppid();
	show("start");
	CHECK_EQ(pthread_create(&t, NULL, in_thread, (char *)"thread"), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		last = CPU_ISSET(i, &all) ? i : last;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	for (int i = 0; i < 2000; i++)
		getppid();
	show("one");
	CHECK_EQ(sched_getcpu(), last);
	fflush(stdout);
	pid = guest_fork();
	if (pid == 0) {
		show("child");
		fflush(stdout);
		_exit(0);
	}
	guest_wait_exit(pid, 0);
	CHECK(sched_setaffinity(0, sizeof(all), &all) == 0);
	for (int i = 0; i < 2000; i++)
		getppid();
	show("all");
	fflush(stdout);
	return system("nproc");
}
