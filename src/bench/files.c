#include "bench/files.h"

#include <sched.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/tmp_dir.h"

#define PLACE "/trapline-bench"	/* in the guest; made up by its tree */

enum { ROUNDS_MAX = 33, ARGS_MAX = 24, TEXT_MAX = 512 };

extern char **environ;

/* Where the benchmark works, on the host. */
struct place {
	char dir[256], work[TEXT_MAX], upper[TEXT_MAX], overlay[3 * TEXT_MAX];
};

const char *files_way_name(enum files_way way)
{
	static const char *const names[FILES_WAYS] = {
		[FILES_NATIVE] = "native", [FILES_ON_HOST] = "hostfs", [FILES_ON_TMPFS] = "tmpfs",
		[FILES_ON_OVERLAY] = "overlay", [FILES_BY_STUB] = "stub", [FILES_FLOOR] = "floor", [FILES_LEAST] = "least",
	};
	return names[way];
}

static int make_place(struct place *p)
{
	(void)snprintf(p->dir, sizeof(p->dir), "%s/trapline-bench-XXXXXX", tmp_dir());
	if (!mkdtemp(p->dir))
		return -errno;
	(void)snprintf(p->work, sizeof(p->work), "%s/work", p->dir);
	(void)snprintf(p->upper, sizeof(p->upper), "%s/upper", p->dir);
	(void)snprintf(p->overlay, sizeof(p->overlay), "%s:%s:" PLACE, p->work, p->upper);
	return mkdir(p->work, 0755) < 0 || mkdir(p->upper, 0755) < 0 ? -errno : 0;
}

static void remove_place(const struct place *p)
{
	const char *const argv[] = {"rm", "-rf", "--", p->dir, NULL};
	pid_t pid;
	if (posix_spawnp(&pid, "rm", NULL, NULL, (char *const *)argv, environ) == 0)
		(void)waitpid(pid, NULL, 0);
}

/* What one run executes. */
static void command_line(const struct place *p, enum files_way way, enum files_op op, const char *calls,
			 unsigned threads, const char **argv)
{
	static const char self[] = "/proc/self/exe";
	static char own[TEXT_MAX];
	ssize_t len = readlink(self, own, sizeof(own) - 1);
	own[len > 0 ? len : 0] = '\0';
	size_t n = 0;
	argv[n++] = own;
	if (way != FILES_NATIVE && way != FILES_FLOOR && way != FILES_LEAST) {
		argv[n++] = "run";
		argv[n++] = "--stub";
		argv[n++] = way == FILES_BY_STUB ? "always" : "never";
		argv[n++] = way == FILES_ON_TMPFS ? "--tmpfs" : way == FILES_ON_OVERLAY ? "--overlay" : "--rootfs";
		argv[n++] = way == FILES_ON_TMPFS ? PLACE : way == FILES_ON_OVERLAY ? p->overlay : "/";
		argv[n++] = "--";
		argv[n++] = own;
	}
	argv[n++] = "bench";
	argv[n++] = "files-guest";
	argv[n++] = files_op_name(op);
	argv[n++] = calls;
	argv[n++] = way == FILES_ON_TMPFS || way == FILES_ON_OVERLAY ? PLACE : p->work;
	argv[n++] = way == FILES_FLOOR || way == FILES_LEAST ? files_way_name(way) : "plain";
	argv[n++] = threads == 2 ? "2" : threads == 1 ? "1" : "0";
	argv[n] = NULL;
}

/* Picoseconds that the guest printed; 0 when it failed, having said why. */
static uint64_t run_once(const struct place *p, enum files_way way, enum files_op op, const struct files_bench *b,
			 unsigned threads)
{
	const char *argv[ARGS_MAX];
	char calls[32];
	int pipes[2];
	(void)snprintf(calls, sizeof(calls), "%llu", (unsigned long long)b->calls);
	command_line(p, way, op, calls, threads, argv);
	if (pipe(pipes) < 0)
		return 0;
	posix_spawn_file_actions_t actions;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	(void)posix_spawn_file_actions_addclose(&actions, pipes[0]);
	pid_t pid;
	int err = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(pipes[1]);
	char text[64];
	size_t len = 0;
	ssize_t got;
	while (!err && len < sizeof(text) - 1 && (got = read(pipes[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	(void)close(pipes[0]);
	if (!err)
		(void)waitpid(pid, NULL, 0);
	return err ? 0 : strtoull(text, NULL, 10);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Everything below runs on one core, or wherever the scheduler likes. */
static int pin(const struct files_bench *b, cpu_set_t *old)
{
	if (sched_getaffinity(0, sizeof(*old), old) < 0)
		return -errno;
	if (!b->pinned)
		return 0;
	cpu_set_t one;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, old)) {
			CPU_SET(cpu, &one);
			break;
		}
	}
	return sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
}

static unsigned rounds_of(const struct files_bench *b)
{
	return b->rounds < ROUNDS_MAX ? b->rounds : ROUNDS_MAX;
}

/* The ways of one operation are interleaved, so that a noisy moment meets them all. */
static void run_op(const struct place *p, enum files_op op, const struct files_bench *b, struct files_row *ret)
{
	double samples[FILES_WAYS][ROUNDS_MAX];
	for (unsigned i = 0; i < rounds_of(b); i++) {
		for (int way = 0; way < FILES_WAYS; way++) {
			bool is_floor = way == FILES_FLOOR || way == FILES_LEAST;
			bool wanted = !is_floor || files_op_floor(op, (enum files_way)way) != FLOOR_NONE;
			samples[way][i] = wanted ? (double)run_once(p, (enum files_way)way, op, b, 0) / 1000 : 0;
		}
	}
	for (int way = 0; way < FILES_WAYS; way++)
		ret->ns[way] = median(samples[way], rounds_of(b));
}

int files_bench_run(const struct files_bench *b, struct files_row rows[FILES_OPS])
{
	struct place p;
	cpu_set_t old;
	int r = make_place(&p);
	if (r == 0)
		r = pin(b, &old);
	for (int op = 0; r == 0 && op < FILES_OPS; op++)
		run_op(&p, (enum files_op)op, b, &rows[op]);
	if (r == 0)
		(void)sched_setaffinity(0, sizeof(old), &old);
	remove_place(&p);
	return r;
}

static double scaling(const struct place *p, enum files_way way, const struct files_bench *b)
{
	double ratios[ROUNDS_MAX];
	for (unsigned i = 0; i < rounds_of(b); i++) {
		double one = (double)run_once(p, way, FILES_OPEN_CLOSE, b, 1);
		double two = (double)run_once(p, way, FILES_OPEN_CLOSE, b, 2);
		ratios[i] = two > 0 ? one / two : 0;
	}
	return median(ratios, rounds_of(b));
}

int files_bench_scaling(const struct files_bench *b, struct files_scaling *ret)
{
	struct place p;
	int r = make_place(&p);
	if (r == 0) {
		ret->native = scaling(&p, FILES_NATIVE, b);
		ret->here = scaling(&p, FILES_ON_TMPFS, b);
		ret->least = scaling(&p, FILES_LEAST, b);
	}
	remove_place(&p);
	return r;
}
