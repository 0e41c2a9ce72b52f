/* The guest of bench latency: makes one call again and again, times each and checks its value. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "bench/latency_shared.h"

enum { FILTER_ERRNO = EXDEV };	/* getppid cannot fail, so any errno is the filter's */

/* The vDSO answers without entering the kernel. */
static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static uint64_t timer_cost(void)
{
	struct histogram h;

	histogram_init(&h);
	for (int i = 0; i < 2000; i++) {
		uint64_t start = now_ns();

		histogram_add(&h, now_ns() - start);
	}
	return histogram_quantile(&h, 0.5);
}

static int install(struct sock_filter *code, unsigned short count)
{
	const struct sock_fprog program = { .len = count, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

/* As the policy compiler would: compare the number, deny. */
static int install_errno_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | FILTER_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return install(code, ARRAY_SIZE(code));
}

/* The same with a look at an argument, which keeps the kernel's action cache from answering. */
static int install_argument_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x7fffffff, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | FILTER_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return install(code, ARRAY_SIZE(code));
}

static int64_t expected(enum latency_kind kind, pid_t parent, uint64_t n)
{
	if (kind == LATENCY_ANSWERED)
		return latency_answer(n);
	return kind == LATENCY_ERRNO ? -FILTER_ERRNO : parent;
}

static int64_t make_call(const struct latency_shared *s, uint64_t n)
{
	int64_t result = s->kind == LATENCY_PATH ? syscall(SYS_faccessat, AT_FDCWD, LATENCY_PATH_ASKED, F_OK)
						 : syscall(SYS_getppid, n);

	return result == -1 ? -errno : result;
}

static void call_and_check(struct latency_shared *s, pid_t parent, uint64_t n)
{
	int64_t result = make_call(s, n);

	if (result != (s->kind == LATENCY_PATH ? s->path_result : expected(s->kind, parent, n)))
		s->wrong++;
}

static void measure(struct latency_shared *s, pid_t parent)
{
	unsigned batch = latency_batch(s->kind);

	for (uint64_t n = 0; n < LATENCY_WARMUP + s->calls; n += batch) {
		uint64_t start = now_ns(), took;

		for (unsigned i = 0; i < batch; i++)
			call_and_check(s, parent, n + i);
		took = now_ns() - start;
		if (n >= LATENCY_WARMUP)
			histogram_add(&s->ns, (took > s->timer_ns ? took - s->timer_ns : 0) / batch);
	}
}

int latency_guest(int shared_fd)
{
	struct latency_shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
	pid_t parent = getppid();	/* not to be trusted when it is the answered call, and not used then */
	int err = 0;

	if (s == MAP_FAILED)
		return 1;
	histogram_init(&s->ns);
	s->timer_ns = timer_cost();
	if (s->kind == LATENCY_ERRNO)
		err = install_errno_filter();
	else if (s->kind == LATENCY_FILTERED)
		err = install_argument_filter();
	if (err < 0)
		return -err;
	measure(s, parent);
	s->done = true;
	return 0;
}
