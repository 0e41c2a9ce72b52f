/*
 * Notifications: workers receive calls from the filter's listener, ask for a verdict and answer.
 *
 * One worker serves; a second and further ones (at most one a CPU) are started when requests are found waiting again
 * and again, that is when guests on several cores call at once. A request that vanished (ENOENT: its task was killed or
 * interrupted) is an ordinary answer at every step. The listener hangs up when the last task under the filter has ended.
 */
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/thread.h"
#include "tracer/memory.h"
#include "tracer/session_private.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS	/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum {
	MAX_WORKERS = 8,
	BACKLOG_NS = 1500,	/* a receive that took less did not wait */
	BACKLOG_SAMPLE = 64,	/* one request in so many is timed */
	BACKLOG_LIMIT = 8,	/* so many waiting ones in a row start another worker */
};

struct notify {
	struct session *session;
	_Atomic int listener;		/* owned; -1 before it is known */
	size_t request_size;
	size_t response_size;
	_Atomic bool ends;
	_Atomic unsigned workers;	/* started */
	pthread_t threads[MAX_WORKERS];
	_Atomic bool joinable[MAX_WORKERS];
	unsigned max_workers;
};

/* A call_event that knows its request, so that memory reads can be checked against it. */
struct notified_event {
	struct call_event base;		/* first */
	int listener;
	uint64_t id;
};

/* Was what we read the caller's memory? After its death the tid may be another task's. */
static int still_waits(const struct notified_event *ev)
{
	uint64_t id = ev->id;
	return ioctl(ev->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? -ESRCH : 0;
}

static int guest_read(struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	int r = memory_read(ev->tid, from.addr, to, len);
	int alive = still_waits((struct notified_event *)ev);
	return alive < 0 ? alive : r;
}

static int guest_write(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	/* Before the write: a dead caller's tid must not be written to. The task waits for us, so it stays itself. */
	int alive = still_waits((struct notified_event *)ev);
	return alive < 0 ? alive : memory_write(ev->tid, to.addr, from, len);
}

static ssize_t guest_read_string(struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	bool complete;
	ssize_t n = memory_read_string(ev->tid, from.addr, to, size - 1, &complete);
	int alive = still_waits((struct notified_event *)ev);
	if (alive < 0)
		return alive;
	if (n < 0)
		return n;
	if (!complete)
		return -ENAMETOOLONG;
	to[n] = '\0';
	return n;
}

static const struct guest_ops notified_guest_ops = {
	.read = guest_read,
	.write = guest_write,
	.read_string = guest_read_string,
};

/*
 * What the policy says. A worker cannot change arguments: the plan sends calls for which that matters to the trap loop,
 * and one that comes here all the same is refused, never passed on unchanged.
 */
static struct verdict decide(struct session *s, struct call_event *ev, uint32_t *ret_injected)
{
	struct task_facts facts;
	struct applied a;
	pid_t tgid = ev->tid;
	uint32_t uid, gid;
	struct verdict v = verdict_pass();
	if (task_ids(ev->tid, &tgid, &uid, &gid) < 0)
		tgid = ev->tid;
	task_facts_init(&facts, ev, tgid);
	apply_call(&s->apply, &facts, &a);
	if (a.kind == APPLIED_KILL)
		(void)kill(tgid, SIGKILL);
	if (a.kind == APPLIED_VALUE)
		v = verdict_value(a.value);
	else if (a.kind == APPLIED_FAIL)
		v = (struct verdict){.kind = VERDICT_FAIL, .value = a.value};
	else if (a.changed || a.carried || a.delay_enter_ns || a.delay_exit_ns || a.effect)
		v = verdict_value(-EPERM);
	if (a.signal)
		(void)syscall(SYS_tgkill, tgid, ev->tid, a.signal);
	*ret_injected = a.kind == APPLIED_VALUE;
	task_facts_finish(&facts);
	return v;
}

static struct verdict ask(struct session *s, struct call_event *ev, uint32_t *ret_injected)
{
	const struct session_probe *probe = s->options->probe;
	*ret_injected = 0;
	if (probe && probe->entered)
		probe->entered(probe->ctx, ev->tid, ev->id, ev->args, NULL);
	if (s->decides)
		return decide(s, ev, ret_injected);
	if (!call_set_has(&s->emulated, ev->id))
		return verdict_pass();
	if (probe && probe->answer) {
		struct verdict v = probe->answer(probe->ctx, ev);
		if (v.kind != VERDICT_PASS)
			return v;
	}
	return syscalls_dispatch(s->options->kernel, ev);
}

static void answer(struct notify *n, const struct seccomp_notif *req, struct seccomp_notif_resp *resp)
{
	struct session *s = n->session;
	struct notified_event ev = {
		.base = {
			.id = call_from_nr(host_abi(), req->data.nr), .abi = host_abi(), .nr = req->data.nr,
			.ip = req->data.instruction_pointer, .tid = (pid_t)req->pid, .ops = &notified_guest_ops,
		},
		.listener = atomic_load_explicit(&n->listener, memory_order_relaxed),
		.id = req->id,
	};
	for (int i = 0; i < 6; i++)
		ev.base.args[i] = req->data.args[i];
	uint32_t injected;
	struct verdict v = ask(s, &ev.base, &injected);
	if (call_set_has(&s->recorded, ev.base.id) && s->options->recorder)
		emit_notified(s, &ev.base, &v, injected, now_ns());
	resp->id = req->id;
	if (v.kind == VERDICT_FAIL) {
		session_fail(s, (int)v.value, "a handler failed");
		resp->error = -ENOSYS;
		return;
	}
	if (v.kind == VERDICT_PASS) {
		/* Nothing was decided on memory that another thread could change: the host judges its own copy. */
		resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return;
	}
	atomic_fetch_add_explicit(&s->answered, 1, memory_order_relaxed);
	if (verdict_is_error(&v))
		resp->error = (int)v.value;
	else
		resp->val = v.value;
}

static bool hung_up(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static void *worker_main(void *arg);

static void start_another(struct notify *n)
{
	unsigned i = atomic_fetch_add(&n->workers, 1);
	if (i >= n->max_workers) {
		atomic_fetch_sub(&n->workers, 1);
		return;
	}
	if (thread_start(&n->threads[i], worker_main, n) == 0)
		atomic_store(&n->joinable[i], true);
}

/*
 * Whether requests queue up: found waiting, and from another task than the one just answered (that one may have run,
 * and called again, before SEND returned here). Only a sample is timed.
 */
struct backlog {
	unsigned count;		/* requests so far */
	unsigned waiting;	/* samples in a row that found a request waiting */
	uint64_t before;	/* 0: this one is no sample */
	uint32_t last;		/* the task answered last */
};

static void backlog_before(struct backlog *b)
{
	b->before = b->count++ % BACKLOG_SAMPLE == 0 ? now_ns() : 0;
}

static bool backlog_grows(struct backlog *b, uint32_t task)
{
	bool other = task != b->last;
	b->last = task;
	if (!b->before)
		return false;
	b->waiting = other && now_ns() - b->before < BACKLOG_NS ? b->waiting + 1 : 0;
	if (b->waiting < BACKLOG_LIMIT)
		return false;
	b->waiting = 0;
	return true;
}

/* ENOENT: the task is gone. EINTR (a signal met the filter's lock) has sent nothing: the task still waits. */
static void send_answer(struct notify *n, int listener, struct seccomp_notif_resp *resp)
{
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, resp) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != ENOENT)
			session_fail(n->session, -errno, "cannot answer a notification");
		return;
	}
}

static void serve(struct notify *n, struct seccomp_notif *req, struct seccomp_notif_resp *resp)
{
	int listener = atomic_load(&n->listener);
	struct backlog backlog = {0};
	while (!atomic_load_explicit(&n->ends, memory_order_relaxed)) {
		backlog_before(&backlog);
		memset(req, 0, n->request_size);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, req) < 0) {
			if (errno == ENOENT && hung_up(listener))
				return;
			if (errno == EINTR || errno == ENOENT)
				continue;
			session_fail(n->session, -errno, "cannot receive notifications");
			return;
		}
		if (backlog_grows(&backlog, req->pid))
			start_another(n);
		atomic_fetch_add_explicit(&n->session->stops, 1, memory_order_relaxed);
		memset(resp, 0, n->response_size);
		answer(n, req, resp);
		send_answer(n, listener, resp);
	}
}

/* The first worker waits for the filter; a command that could not be started has none. */
static bool have_listener(struct notify *n)
{
	if (atomic_load(&n->listener) >= 0)
		return true;
	int fd = launch_await_listener(n->session);
	if (fd < 0)
		return false;
	uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
	/* Linux 6.6: the wake-up stays on the caller's core. Without it each call costs 10 times as much. */
	(void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
	atomic_store(&n->listener, fd);
	return true;
}

static void *worker_main(void *arg)
{
	struct notify *n = arg;
	AUTO_FREE void *req = malloc(n->request_size);
	AUTO_FREE void *resp = malloc(n->response_size);
	if (!req || !resp)
		session_fail(n->session, -ENOMEM, "no memory for a worker");
	else if (have_listener(n))
		serve(n, req, resp);
	return NULL;
}

int notify_start(struct session *s)
{
	struct seccomp_notif_sizes sizes;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	struct notify *n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->session = s;
	n->listener = -1;
	n->request_size = sizes.seccomp_notif > sizeof(struct seccomp_notif) ?
		sizes.seccomp_notif : sizeof(struct seccomp_notif);
	n->response_size = sizes.seccomp_notif_resp > sizeof(struct seccomp_notif_resp) ?
		sizes.seccomp_notif_resp : sizeof(struct seccomp_notif_resp);
	cpu_set_t mask;
	int cpus = sched_getaffinity(0, sizeof(mask), &mask) < 0 ? 1 : CPU_COUNT(&mask);
	n->max_workers = cpus < MAX_WORKERS ? (unsigned)cpus : MAX_WORKERS;
	s->notify = n;
	n->workers = 1;
	int r = thread_start(&n->threads[0], worker_main, n);
	if (r < 0)
		return r;
	atomic_store(&n->joinable[0], true);
	return 0;
}

/* Wait for the listener to hang up (all guests ended); with a failure, do not wait. */
void notify_finish(struct session *s)
{
	struct notify *n = s->notify;
	if (!n)
		return;
	if (atomic_load(&s->failure))
		atomic_store(&n->ends, true);
	for (unsigned i = 0; i < MAX_WORKERS; i++) {
		if (!atomic_load(&n->joinable[i]))
			continue;
		if (atomic_load(&n->ends))
			(void)pthread_kill(n->threads[i], SIGRTMAX);
		(void)pthread_join(n->threads[i], NULL);
	}
	if (n->listener >= 0)
		(void)close(n->listener);
	free(n);
	s->notify = NULL;
}
