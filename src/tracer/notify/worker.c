/*
 * Notifications: workers receive calls from the filter's listener, ask for a verdict and answer.
 *
 * One worker serves; a second and further ones (at most one a CPU) are started when requests are found waiting again
 * and again, that is when guests on several cores call at once, and in the place of each that a slow file system keeps
 * (stuck.c). They leave when none is found waiting any more: each request wakes up every worker that waits for one, and
 * on the caller's core, so one too many makes every call dearer (by a tenth for an open). The listener hangs up when
 * the last task under the filter has ended.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/thread.h"
#include "tracer/notify/notify_private.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS	/* Linux 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum {
	BACKLOG_NS = 1500,	/* a receive that took less did not wait */
	BACKLOG_SAMPLE = 64,	/* one request in so many is timed */
	BACKLOG_LIMIT = 8,	/* so many waiting ones in a row start another worker */
	BACKLOG_OVER = 64,	/* so many samples in a row without: there is a worker too many */
};

bool notify_hung_up(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL);
}

static void *worker_main(void *arg);

static bool take_left(struct notify *n, pthread_t *ret)
{
	bool found = false;
	(void)pthread_mutex_lock(&n->workers_lock);
	for (unsigned i = 0; i < MAX_WORKERS && !found; i++) {
		found = n->each[i].state == WORKER_LEFT;
		if (found) {
			n->each[i].state = WORKER_NONE;
			*ret = n->each[i].thread;
		}
	}
	(void)pthread_mutex_unlock(&n->workers_lock);
	return found;
}

/* The joins without the lock: a thread takes its time to end. */
void notify_join_left(struct notify *n)
{
	pthread_t left;
	while (take_left(n, &left))
		(void)pthread_join(left, NULL);
}

void notify_start_worker(struct notify *n, bool for_good)
{
	notify_join_left(n);
	(void)pthread_mutex_lock(&n->workers_lock);
	struct worker *w = NULL;
	for (unsigned i = 0; i < MAX_WORKERS && !w; i++)
		w = n->each[i].state == WORKER_NONE ? &n->each[i] : NULL;
	if (for_good && n->wanted < n->max_workers)
		n->wanted++;
	if (w && n->workers < n->wanted + n->stuck && thread_start(&w->thread, worker_main, w) == 0) {
		w->state = WORKER_RUNS;
		n->workers++;
	}
	(void)pthread_mutex_unlock(&n->workers_lock);
}

/* One worker less is wanted, but one there must be. */
static void want_fewer(struct notify *n)
{
	(void)pthread_mutex_lock(&n->workers_lock);
	if (n->wanted > 1)
		n->wanted--;
	atomic_store(&n->crowded, n->workers > n->wanted + n->stuck);
	(void)pthread_mutex_unlock(&n->workers_lock);
}

/* Has it taken the place of one that is back, or is it one too many? */
static bool leaves(struct worker *by)
{
	struct notify *n = by->notify;
	if (!atomic_load_explicit(&n->crowded, memory_order_relaxed))
		return false;
	(void)pthread_mutex_lock(&n->workers_lock);
	bool leaves = n->workers > n->wanted + n->stuck;
	n->workers -= leaves;
	atomic_store(&n->crowded, n->workers > n->wanted + n->stuck);
	(void)pthread_mutex_unlock(&n->workers_lock);
	return leaves;
}

/*
 * Whether requests queue up: found waiting, and from another task than the one just answered (that one may have run,
 * and called again, before SEND returned here). Only a sample is timed.
 */
struct backlog {
	unsigned count;		/* requests so far */
	unsigned waiting;	/* samples in a row that found a request waiting */
	unsigned quiet;		/* samples in a row that did not */
	uint64_t before;	/* 0: this one is no sample */
	uint32_t last;		/* the task answered last */
};

static void backlog_before(struct backlog *b)
{
	b->before = b->count++ % BACKLOG_SAMPLE == 0 ? now_ns() : 0;
}

/* Was the request waiting? */
static void take_sample(struct backlog *b, bool other)
{
	bool waited = other && now_ns() - b->before < BACKLOG_NS;
	b->waiting = waited ? b->waiting + 1 : 0;
	b->quiet = waited ? 0 : b->quiet + 1;
}

static void backlog_after(struct backlog *b, struct notify *n, uint32_t task)
{
	bool other = task != b->last;
	b->last = task;
	if (!b->before)
		return;
	take_sample(b, other);
	if (b->waiting >= BACKLOG_LIMIT) {
		b->waiting = 0;
		notify_start_worker(n, true);
	} else if (b->quiet >= BACKLOG_OVER) {
		b->quiet = 0;
		want_fewer(n);
	}
}

static void serve(struct worker *by, struct seccomp_notif *req)
{
	struct notify *n = by->notify;
	int listener = atomic_load(&n->listener);
	struct backlog backlog = {0};
	while (!atomic_load_explicit(&n->ends, memory_order_relaxed) && !leaves(by)) {
		backlog_before(&backlog);
		memset(req, 0, n->request_size);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, req) < 0) {
			if (errno == ENOENT && notify_hung_up(listener))
				return;
			if (errno == EINTR || errno == ENOENT)
				continue;
			session_fail(n->session, -errno, "cannot receive notifications");
			return;
		}
		backlog_after(&backlog, n, req->pid);
		atomic_fetch_add_explicit(&n->session->stops, 1, memory_order_relaxed);
		stuck_call_begins(by);
		notify_answer(n, req);
		stuck_call_ends(by);
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
	struct worker *by = arg;
	struct notify *n = by->notify;
	AUTO_FREE void *req = malloc(n->request_size);
	if (!req) {
		session_fail(n->session, -ENOMEM, "no memory for a worker");
	} else if (have_listener(n)) {
		(void)thread_rseq_end();
		serve(by, req);
	}
	(void)pthread_mutex_lock(&n->workers_lock);
	by->state = by->state == WORKER_RUNS ? WORKER_LEFT : WORKER_JOINED_LEFT;
	(void)pthread_mutex_unlock(&n->workers_lock);
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
	cpu_set_t mask;
	int cpus = sched_getaffinity(0, sizeof(mask), &mask) < 0 ? 1 : CPU_COUNT(&mask);
	n->max_workers = cpus < MAX_SERVING ? (unsigned)cpus : MAX_SERVING;
	blocked_init(n);
	s->notify = n;
	(void)pthread_mutex_init(&n->workers_lock, NULL);
	for (unsigned i = 0; i < MAX_WORKERS; i++)
		n->each[i].notify = n;
	notify_start_worker(n, true);
	/* It may have started others already. */
	(void)pthread_mutex_lock(&n->workers_lock);
	bool started = n->each[0].state != WORKER_NONE;
	(void)pthread_mutex_unlock(&n->workers_lock);
	return started ? 0 : -EAGAIN;
}

/* Any that runs or did; false: there is none. */
static bool take_worker(struct notify *n, pthread_t *ret)
{
	bool found = false;
	(void)pthread_mutex_lock(&n->workers_lock);
	for (unsigned i = 0; i < MAX_WORKERS && !found; i++) {
		struct worker *w = &n->each[i];
		found = w->state == WORKER_RUNS || w->state == WORKER_LEFT;
		if (!found)
			continue;
		w->state = w->state == WORKER_RUNS ? WORKER_JOINED : WORKER_JOINED_LEFT;
		*ret = w->thread;
	}
	(void)pthread_mutex_unlock(&n->workers_lock);
	return found;
}

static void join_workers(struct notify *n)
{
	pthread_t thread;
	while (take_worker(n, &thread)) {
		if (atomic_load(&n->ends))
			(void)pthread_kill(thread, SIGRTMAX);
		(void)pthread_join(thread, NULL);
	}
}

/* Wait for the listener to hang up (all guests ended); with a failure, do not wait. */
void notify_finish(struct session *s)
{
	struct notify *n = s->notify;
	if (!n)
		return;
	if (atomic_load(&s->failure))
		atomic_store(&n->ends, true);
	join_workers(n);
	stuck_finish(n);
	/* What it started meanwhile. */
	join_workers(n);
	blocked_finish(n);
	if (n->listener >= 0)
		(void)close(n->listener);
	(void)pthread_mutex_destroy(&n->workers_lock);
	free(n);
	s->notify = NULL;
}
