#include "bench/policy.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "policy/compile.h"
#include "policy/oci.h"

#define ROUNDS_MAX 101
#define BATCH 2000	/* decisions or calls timed together */

static uint64_t read_clock(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

void policy_bench_text(size_t count, struct strbuf *out)
{
	static const char *const file_calls[] = {"openat",     "open",	"unlink", "stat",
						 "newfstatat", "mkdir", "rename", "chmod"};
	static const char *const int_calls[] = {"lseek", "ioctl", "fcntl", "socket",
						"prctl", "kill",  "dup2",  "close_range"};

	strbuf_adds(out, "default native\n");
	for (size_t i = 0; i < count / 2; i++)
		strbuf_addf(out, "errno EACCES %s when path %s \"/srv/data/%zu/dir%zu\"\n", file_calls[i % 8],
			    i % 3 ? "under" : "==", i % 97, i);
	for (size_t i = 0; i < count / 4; i++)
		strbuf_addf(out, "errno ECONNREFUSED connect when addr.ip in 10.%zu.%zu.0/24 and addr.port == %zu\n",
			    i / 250, i % 250, 1000 + i % 50);
	for (size_t i = 0; i < count / 4; i++)
		strbuf_addf(out, "errno EPERM %s when arg1 == %zu\n", int_calls[i % 8], i + 5);
}

static int load_text(const struct strbuf *text, struct policy **ret)
{
	struct policy_options options = {0};
	int r = policy_load_text("bench", strbuf_str(text), text->len, &options, ret);

	if (r < 0 || !(*ret)->diags->errors)
		return r;
	policy_destroy(*ret);
	return -EINVAL;
}

/*
 * Run body in a child and copy what it leaves in a shared page of size bytes to result. The child's peak memory goes to
 * *ret_peak_kib (may be NULL).
 */
static int in_child(int (*body)(void *arg, void *result), void *arg, void *result, size_t size, size_t *ret_peak_kib)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rusage usage;
	int status, r = 0;
	pid_t pid;

	if (shared == MAP_FAILED)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(1);
		r = -body(arg, shared);
		_exit(r);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		r = -errno;
	else if (!WIFEXITED(status))
		r = -EPROTO;
	else
		r = -WEXITSTATUS(status);
	if (r == 0) {
		memcpy(result, shared, size);
		if (ret_peak_kib)
			*ret_peak_kib = (size_t)usage.ru_maxrss;
	}
	(void)munmap(shared, size);
	return r;
}

/* ---- start ---- */

static int start_once(void *arg, void *result)
{
	const struct plan_options how = {.may_notify = true, .may_trace = true};
	struct policy_bench_start *s = result;
	struct policy *p;
	struct plan *plan;
	uint64_t cpu = read_clock(CLOCK_THREAD_CPUTIME_ID), t0 = now(), t1, t2;
	int r = load_text(arg, &p);

	if (r < 0)
		return r;
	t1 = now();
	r = plan_create(p, &how, &plan);
	if (r < 0)
		return r;
	t2 = now();
	r = filter_install(&plan->filter, 0);
	s->load_ns = now() - t2;
	s->cpu_ns = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
	s->check_ns = t1 - t0;
	s->compile_ns = t2 - t1;
	s->total_ns = s->check_ns + s->compile_ns + s->load_ns;
	s->instructions = plan->filter.count;
	s->spilled = plan->spilled;
	return r;	/* the child ends: nothing to free */
}

int policy_bench_start(size_t count, unsigned rounds, struct policy_bench_start *ret)
{
	uint64_t check[ROUNDS_MAX], compile[ROUNDS_MAX], load[ROUNDS_MAX], total[ROUNDS_MAX], cpu[ROUNDS_MAX];
	AUTO_STRBUF struct strbuf text;
	size_t peak = 0;

	strbuf_init(&text);
	policy_bench_text(count, &text);
	rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
	for (unsigned i = 0; i < rounds; i++) {
		int r = in_child(start_once, &text, ret, sizeof(*ret), &ret->peak_kib);

		if (r < 0)
			return r;
		check[i] = ret->check_ns;
		compile[i] = ret->compile_ns;
		load[i] = ret->load_ns;
		total[i] = ret->total_ns;
		cpu[i] = ret->cpu_ns;
		peak = ret->peak_kib > peak ? ret->peak_kib : peak;
	}
	ret->check_ns = median(check, rounds);
	ret->compile_ns = median(compile, rounds);
	ret->load_ns = median(load, rounds);
	ret->total_ns = median(total, rounds);
	ret->cpu_ns = median(cpu, rounds);
	ret->peak_kib = peak;
	return 0;
}

/* ---- decisions ---- */

struct question {
	struct policy_string path;
	struct decide_addr addr;
};

static int give_path(void *ctx, unsigned param UNUSED, struct policy_string *ret)
{
	*ret = ((const struct question *)ctx)->path;
	return 0;
}

static int give_addr(void *ctx, unsigned param UNUSED, struct decide_addr *ret)
{
	*ret = ((const struct question *)ctx)->addr;
	return 0;
}

static int give_fd(void *ctx UNUSED, unsigned param UNUSED, struct decide_fd *ret)
{
	*ret = (struct decide_fd){0};
	return 0;
}

static int give_task(void *ctx UNUSED, struct decide_task *ret)
{
	*ret = (struct decide_task){0};
	return 0;
}

static const struct decide_ops ops = {
	.path = give_path, .string = give_path, .addr = give_addr, .fd = give_fd, .task = give_task,
};

const char *policy_bench_question_name(enum policy_bench_question q)
{
	static const char *const names[QUESTIONS] = {
		"a path that a rule has",   "a path that none has",	  "an address that a rule has",
		"an address that none has", "an integer that a rule has", "an integer that none has",
	};

	return names[q];
}

/* The first rules of policy_bench_text, which few and many rules have alike, or something that none has. */
static void ask(enum policy_bench_question q, struct question *to, struct decide_event *event)
{
	static const char hit[] = "/srv/data/1/dir1/some/file.txt", miss[] = "/srv/data/1/other/some/file.txt";
	const char *path = q == QUESTION_PATH ? hit : miss;
	uint8_t third = q == QUESTION_ADDR ? 0 : 251;

	*to = (struct question){.path = {.text = path, .len = (uint32_t)strlen(path)},
				.addr = {.family = 2, .has_ip = true, .has_port = true, .port = 1000,
					 .ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [14] = third, [15] = 9}}};
	*event = (struct decide_event){.id = CALL_open, .abi = policy_own_abi(), .ops = &ops, .ctx = to};
	if (q == QUESTION_ADDR || q == QUESTION_ADDR_MISS)
		event->id = CALL_connect;
	if (q == QUESTION_INT || q == QUESTION_INT_MISS) {
		event->id = CALL_lseek;
		event->args[1] = q == QUESTION_INT ? 5 : 1000000;
	}
}

static uint64_t time_decisions(const struct policy *p, enum policy_bench_question q)
{
	struct question question;
	struct decide_event event;
	struct decision d;
	uint64_t start;

	ask(q, &question, &event);
	start = now();
	for (int i = 0; i < BATCH; i++) {
		policy_decide(p, NULL, &event, &d);
		__asm__ volatile("" : : "r"(&d) : "memory");
	}
	return (now() - start) * 1000 / BATCH;
}

int policy_bench_decide(size_t few, size_t many, unsigned rounds, uint64_t few_ps[QUESTIONS],
			uint64_t many_ps[QUESTIONS])
{
	uint64_t v[2][ROUNDS_MAX];
	struct policy *p[2] = {NULL, NULL};
	AUTO_STRBUF struct strbuf text;
	int r = 0;

	strbuf_init(&text);
	rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
	for (int i = 0; i < 2 && r >= 0; i++) {
		strbuf_clear(&text);
		policy_bench_text(i ? many : few, &text);
		r = load_text(&text, &p[i]);
	}
	for (int q = 0; q < QUESTIONS && r >= 0; q++) {
		for (unsigned i = 0; i < rounds; i++) {
			v[0][i] = time_decisions(p[0], (enum policy_bench_question)q);
			v[1][i] = time_decisions(p[1], (enum policy_bench_question)q);
		}
		few_ps[q] = median(v[0], rounds);
		many_ps[q] = median(v[1], rounds);
	}
	policy_destroy(p[0]);
	policy_destroy(p[1]);
	return r;
}

/* ---- calls under a container's profile ---- */

struct calls {
	uint64_t number_ps, args_ps;
};

static uint64_t time_calls(long nr, long arg)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 5; round++) {
		uint64_t start = now(), took;

		for (int i = 0; i < BATCH; i++)
			(void)syscall(nr, arg);
		took = (now() - start) * 1000 / BATCH;
		best = took < best ? took : best;
	}
	return best;
}

static int calls_under(void *arg, void *result)
{
	const struct plan_options how = {.may_notify = true, .may_trace = true};
	struct calls *c = result;
	struct policy *p;
	struct plan *plan;
	int r = load_text(arg, &p);

	if (r >= 0)
		r = plan_create(p, &how, &plan);
	if (r >= 0)
		r = filter_install(&plan->filter, 0);
	if (r < 0)
		return r;
	c->number_ps = time_calls(SYS_getppid, 0);
	c->args_ps = time_calls(SYS_personality, 0xffffffff);
	return 0;
}

static int read_profile(const char *path, struct strbuf *to)
{
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	AUTO_STRBUF struct strbuf json;
	char buf[16384], message[200];
	size_t n;

	strbuf_init(&json);
	if (!f)
		return -errno;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(&json, buf, n);
	return oci_import(strbuf_str(&json), json.len, to, message, sizeof(message));
}

int policy_bench_profile(const char *path, unsigned rounds, struct policy_bench_profile *ret)
{
	uint64_t v[4][ROUNDS_MAX];
	AUTO_STRBUF struct strbuf profile, one;
	int r;

	strbuf_init(&profile);
	strbuf_init(&one);
	strbuf_adds(&one, "abi i386 same\nabi x32 same\nerrno EPERM ptrace\n");
	r = read_profile(path, &profile);
	rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
	for (unsigned i = 0; i < rounds && r >= 0; i++) {
		struct calls c[2] = {0};

		r = in_child(calls_under, &one, &c[0], sizeof(c[0]), NULL);
		if (r >= 0)
			r = in_child(calls_under, &profile, &c[1], sizeof(c[1]), NULL);
		v[0][i] = c[0].number_ps;
		v[1][i] = c[1].number_ps;
		v[2][i] = c[0].args_ps;
		v[3][i] = c[1].args_ps;
	}
	if (r < 0)
		return r;
	*ret = (struct policy_bench_profile){.number_base_ps = median(v[0], rounds), .number_ps = median(v[1], rounds),
					     .args_base_ps = median(v[2], rounds), .args_ps = median(v[3], rounds)};
	return 0;
}
