/*
 * fsops --seed S [--ops N | --keep] [--features F] [--audit EVERY] [--root DIR]: the workers and their turns.
 *
 * Run in a root of its own with /proc and a second filesystem on /m; the log goes to standard output. With --keep the
 * indices of the operations to run come from standard input (32-bit numbers, ascending). Exit 0: all were run.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fsops.h"

enum { BURST = 8 };	/* operations before another worker may get its turn */

static const struct operation *const groups[] = {open_operations, data_operations, meta_operations, name_operations,
						 other_operations, cred_operations};

struct worker {
	struct shared *sh;
	int number, table;
	unsigned audit_every;
};

static unsigned index_of(const struct shared *sh, unsigned i)
{
	return sh->indices ? sh->indices[i] : i;
}

static int worker_of(const struct shared *sh, unsigned index)
{
	return (int)(mix(sh->seed * 1000003 + index / BURST) >> 8) & (WORKERS - 1);
}

/* The operation at a place on the wheel of weights. */
static const struct operation *choose(struct op *o)
{
	unsigned total = 0, at;

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (const struct operation *p = groups[g]; p->name; p++)
			total += p->weight;
	}
	at = draw(o, total);
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		for (const struct operation *p = groups[g]; p->name; p++) {
			if (at < p->weight)
				return p;
			at -= p->weight;
		}
	}
	abort();
}

void run_inner(struct op *o)
{
	const struct operation *p;

	do
		p = choose(o);
	while (p->alone || p->feature & ~o->sh->features);
	o->drawn = false;
	say(o, " %s(", p->name);
	p->run(o);
}

static void run_operation(struct op *o)
{
	const struct operation *p;

	o->rng = mix(o->sh->seed ^ mix(o->index + 1));
	o->drawn = false;
	o->next_path = 0;
	o->makes_directory = false;
	o->watch.wanted = one_in(o, 30);
	o->watch.armed = false;
	p = choose(o);
	say(o, "%u w%d %s(", o->index, o->worker, p->name);
	if (p->feature & ~o->sh->features)
		say(o, ") left out");
	else
		p->run(o);
	watch_end(o);
	flush_line(o);
}

static void take_turn(int worker)
{
	char byte;

	if (read(FD_PIPES + 2 * worker, &byte, 1) != 1)
		_exit(4);
}

static void give_turn(int worker)
{
	if (write(FD_PIPES + 2 * worker + 1, "t", 1) != 1)
		_exit(5);
}

/* Who ends closes its descriptors, which others can tell (a fifo without a reader): all end when all was run. */
static void end_together(int worker)
{
	if (worker != 0) {
		take_turn(worker);
		return;
	}
	for (int i = 1; i < WORKERS; i++)
		give_turn(i);
}

/* Each walks the same list and runs what is its own; the turn goes to whom the next one belongs. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->sh;
	struct op *o = calloc(1, sizeof(*o));
	bool mine = w->number == 0;	/* the first turn */
	unsigned audited = 0;

	o->sh = sh;
	o->worker = w->number;
	o->table = w->table;
	o->slots = sh->slots[w->table];
	o->line = malloc(LINE_MAX_BYTES);
	for (unsigned i = 0; i <= sh->count; i++) {
		int whose = i == sh->count ? 0 : worker_of(sh, index_of(sh, i));

		if (mine && whose != w->number) {
			give_turn(whose);
			mine = false;
		}
		if (whose != w->number)
			continue;
		if (!mine)
			take_turn(w->number);
		mine = true;
		if (i == sh->count)
			break;
		if (w->number == 0 && index_of(sh, i) / w->audit_every != audited) {
			audited = index_of(sh, i) / w->audit_every;
			audit(o);
		}
		o->index = index_of(sh, i);
		run_operation(o);
	}
	if (w->number == 0)
		audit(o);
	end_together(w->number);
	free(o->line);
	free(o);
	return NULL;
}

static void prepare(struct shared *sh)
{
	int pipes[2], fd = open("/", O_RDONLY | O_DIRECTORY);
	struct stat st;

	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (fd < 0 || chdir("/") < 0 || fcntl(fd, F_DUPFD, FD_ROOT) != FD_ROOT)
		_exit(6);
	for (int i = 0; i < WORKERS; i++) {
		if (pipe(pipes) < 0 || dup2(pipes[0], FD_PIPES + 2 * i) < 0 || dup2(pipes[1], FD_PIPES + 2 * i + 1) < 0)
			_exit(7);
		close(pipes[0]);
		close(pipes[1]);
	}
	close_range(3, FD_ROOT - 1, 0);
	close_range(FD_PIPES + 2 * WORKERS, ~0U, 0);
	if (stat("/", &st) < 0)
		_exit(8);
	sh->dev_root = st.st_dev;
	sh->ino_root = st.st_ino;
	sh->dev_second = stat("/m", &st) == 0 ? st.st_dev : 0;
	memset(sh->slots, -1, sizeof(sh->slots));
}

static const uint32_t *read_indices(unsigned *count)
{
	size_t size = 1 << 24, got = 0;
	char *list = malloc(size);
	ssize_t n;

	while ((n = read(0, list + got, size - got)) > 0)
		got += (size_t)n;
	*count = (unsigned)(got / sizeof(uint32_t));
	return (const uint32_t *)(void *)list;
}

/* Workers 1 (a process), 2 (a thread of it) and 3 (a process that shares cwd, root and umask with worker 0). */
static int start_and_run(struct shared *sh, unsigned audit_every)
{
	struct worker w[WORKERS] = {
		{sh, 0, 0, audit_every}, {sh, 1, 1, audit_every}, {sh, 2, 1, audit_every}, {sh, 3, 2, audit_every},
	};
	pthread_t thread;
	pid_t one, three;
	int status, bad = 0;

	sh->pids[0] = getpid();
	one = fork();
	if (one == 0) {
		if (pthread_create(&thread, NULL, work, &w[2]) != 0)
			_exit(9);
		work(&w[1]);
		pthread_join(thread, NULL);
		_exit(0);
	}
	three = (pid_t)syscall(SYS_clone, CLONE_FS | SIGCHLD, 0, 0, 0, 0);
	if (three == 0) {
		work(&w[3]);
		_exit(0);
	}
	sh->pids[1] = sh->pids[2] = one;
	sh->pids[3] = three;
	work(&w[0]);
	if (waitpid(one, &status, 0) != one || status != 0)
		bad = 1;
	if (waitpid(three, &status, 0) != three || status != 0)
		bad = 1;
	return bad;
}

int main(int argc, char **argv)
{
	struct shared *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned audit_every = 250;
	const char *root = NULL;

	if (sh == MAP_FAILED)
		return 2;
	sh->features = FEATURE_DEVICES | FEATURE_IDS | FEATURE_SYNC | FEATURE_PATH | FEATURE_INOTIFY |
		       FEATURE_LONG_LISTS | FEATURE_LOWER | FEATURE_LINK_TEXT | FEATURE_FAILED_WRITES | FEATURE_CAPS;
	sh->count = 1000;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--keep") == 0)
			sh->indices = read_indices(&sh->count);
		else if (i + 1 == argc)
			return 2;
		else if (strcmp(argv[i], "--seed") == 0)
			sh->seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--ops") == 0)
			sh->count = (unsigned)strtoul(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--features") == 0)
			sh->features = (unsigned)strtoul(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--root") == 0)
			root = argv[++i];
		else if (strcmp(argv[i], "--audit") == 0)
			audit_every = (unsigned)strtoul(argv[++i], NULL, 0);
		else
			return 2;
	}
	if (root && chroot(root) < 0)
		return 2;
	prepare(sh);
	return audit_every ? start_and_run(sh, audit_every) : 2;
}
