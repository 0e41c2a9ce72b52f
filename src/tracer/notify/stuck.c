/*
 * Calls that take long: a file system of the host that does not answer (a network's, FUSE), or a large file that is
 * copied up. The worker has to wait for it, the calls of other guests have not: when every worker is at the same call
 * as a tick ago and requests wait, one more is started.
 *
 * The watcher ticks while calls are made, and for QUIET_TICKS more; then it sleeps until the next one. So an idle guest
 * costs no wake-up, and one that calls now and then no wake-up for each call.
 *
 * When the last guest has ended nobody wants the answer: workers that are stuck then are interrupted, for what file
 * system servers agree to that.
 */
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/thread.h"
#include "tracer/notify/notify_private.h"

enum { TICK_MS = 10, QUIET_TICKS = 100 };

static void wait_for_change(struct notify *n, uint32_t from, const struct timespec *at_most)
{
	(void)syscall(SYS_futex, &n->watched, FUTEX_WAIT_PRIVATE, from, at_most, NULL, 0);
}

static void *watcher_main(void *arg);

/* From asleep to awake; the first time there is nobody to be woken. */
void stuck_watch(struct notify *n)
{
	uint32_t sleeps = STUCK_SLEEPS;
	if (!n->session->files || !atomic_compare_exchange_strong(&n->watched, &sleeps, STUCK_WATCHES))
		return;
	(void)pthread_mutex_lock(&n->workers_lock);
	if (!n->stuck_runs)
		n->stuck_runs = thread_start(&n->stuck_thread, watcher_main, n) == 0;
	(void)pthread_mutex_unlock(&n->workers_lock);
	(void)syscall(SYS_futex, &n->watched, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

struct look {
	bool moved;		/* somebody began or ended a call */
	unsigned running, stuck;
};

static void look_at(struct worker *w, struct look *l)
{
	uint32_t serial = atomic_load(&w->serial);
	l->running++;
	if (serial != w->seen)
		l->moved = true;
	else
		l->stuck += serial & 1;
	w->seen = serial;
}

static struct look look_at_all(struct notify *n)
{
	struct look l = {0};
	(void)pthread_mutex_lock(&n->workers_lock);
	for (unsigned i = 0; i < MAX_WORKERS; i++) {
		if (n->each[i].state == WORKER_RUNS || n->each[i].state == WORKER_JOINED)
			look_at(&n->each[i], &l);
	}
	n->stuck = l.stuck;
	atomic_store(&n->crowded, n->workers > n->wanted + n->stuck);
	(void)pthread_mutex_unlock(&n->workers_lock);
	return l;
}

/* They are not over as long as the lock is held. */
static void interrupt_stuck(struct notify *n)
{
	(void)pthread_mutex_lock(&n->workers_lock);
	for (unsigned i = 0; i < MAX_WORKERS; i++) {
		struct worker *w = &n->each[i];
		bool there = w->state == WORKER_RUNS || w->state == WORKER_JOINED;
		if (there && w->seen & 1 && atomic_load(&w->serial) == w->seen)
			(void)pthread_kill(w->thread, SIGRTMAX);
	}
	(void)pthread_mutex_unlock(&n->workers_lock);
}

static bool requests_wait(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

/* true: something goes on. */
static bool tick(struct notify *n)
{
	struct look l = look_at_all(n);
	notify_join_left(n);
	int listener = atomic_load(&n->listener);
	if (l.stuck && notify_hung_up(listener))
		interrupt_stuck(n);
	else if (l.stuck && l.stuck == l.running && requests_wait(listener))
		notify_start_worker(n, false);
	return l.moved || l.stuck;
}

static void *watcher_main(void *arg)
{
	struct notify *n = arg;
	const struct timespec time = {.tv_nsec = TICK_MS * 1000000};
	unsigned quiet = 0;
	while (atomic_load(&n->watched) != STUCK_ENDS) {
		wait_for_change(n, STUCK_WATCHES, &time);
		quiet = tick(n) ? 0 : quiet + 1;
		if (quiet < QUIET_TICKS)
			continue;
		uint32_t watches = STUCK_WATCHES;
		(void)atomic_compare_exchange_strong(&n->watched, &watches, STUCK_SLEEPS);
		/* A call that began before that was seen does not wake us. */
		if (!tick(n))
			wait_for_change(n, STUCK_SLEEPS, NULL);
		uint32_t sleeps = STUCK_SLEEPS;
		(void)atomic_compare_exchange_strong(&n->watched, &sleeps, STUCK_WATCHES);
		quiet = 0;
	}
	return NULL;
}

void stuck_finish(struct notify *n)
{
	atomic_store(&n->watched, STUCK_ENDS);
	(void)syscall(SYS_futex, &n->watched, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	(void)pthread_mutex_lock(&n->workers_lock);
	bool runs = n->stuck_runs;
	(void)pthread_mutex_unlock(&n->workers_lock);
	if (runs)
		(void)pthread_join(n->stuck_thread, NULL);
}
