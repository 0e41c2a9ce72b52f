/*
 * What it costs to wake another process: every stop costs two of these, and across cores of a virtual machine one can
 * cost ten times what it costs on one core. Measured with two processes that hand a futex to and fro.
 */
#include "tracer/doctor/checks.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#define ROUNDS 1000
#define WARMUP 100

struct table_tennis {
	atomic_uint turn;	/* 0: the parent's, 1: the child's */
};

static void await_turn(struct table_tennis *t, unsigned mine)
{
	while (atomic_load(&t->turn) != mine)
		(void)syscall(SYS_futex, &t->turn, FUTEX_WAIT, !mine, NULL, NULL, 0);
}

static void hand_over(struct table_tennis *t, unsigned other)
{
	atomic_store(&t->turn, other);
	(void)syscall(SYS_futex, &t->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void play(struct table_tennis *t, unsigned mine, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		await_turn(t, mine);
		hand_over(t, !mine);
	}
}

static int64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

/* ctx: the parent's CPU and the child's. Nanoseconds for one wake-up, from waker to woken. */
static long try_wakeup(void *ctx)
{
	const int *cpus = ctx;
	struct table_tennis *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t start;
	pid_t pid;
	int err;

	if (t == MAP_FAILED)
		return -errno;
	err = run_on(cpus[0]);
	if (err)
		return err;
	pid = attempt_fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		err = run_on(cpus[1]);
		play(t, 1, WARMUP + ROUNDS);
		_exit(err != 0);
	}
	play(t, 0, WARMUP);
	start = now_ns();
	play(t, 0, ROUNDS);
	return (long)((now_ns() - start) / (2 * ROUNDS));
}

/* The first two CPUs that we may use. */
static int allowed_cpus(int cpus[2])
{
	int n = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	return n;
}

static long measure(struct finding *f, int parent, int child)
{
	int cpus[2] = { parent, child };
	struct attempt a = attempt_run(try_wakeup, cpus);

	finding_from_attempt(f, &a);
	return a.result;
}

void check_wakeup_same_cpu(struct finding *f)
{
	int cpus[2];
	long ns;

	if (allowed_cpus(cpus) < 1) {
		finding_set(f, FINDING_NA, "the allowed CPUs are unknown");
		return;
	}
	ns = measure(f, cpus[0], cpus[0]);
	if (ns >= 0)
		finding_set(f, FINDING_INFO, "%ld ns", ns);
}

void check_wakeup_across(struct finding *f)
{
	int cpus[2];
	long same, across;

	if (allowed_cpus(cpus) < 2) {
		finding_set(f, FINDING_NA, "one CPU only");
		return;
	}
	same = measure(f, cpus[0], cpus[0]);
	across = same < 0 ? same : measure(f, cpus[0], cpus[1]);
	if (across < 0)
		return;
	finding_set(f, across <= 3 * same ? FINDING_OK : FINDING_NO, "%ld ns, %.1f times one CPU's", across,
		    same ? (double)across / (double)same : 0);
}
