/*
 * Calls that sleep in the supervisor (the open of a fifo without a peer): a thread for each, up to a bound.
 *
 * A task that waits for a received notification is woken by a fatal signal only (WAIT_KILLABLE_RECV), so the watcher
 * looks after those that wait here: while there are any, it asks now and then whether the task is gone, and whether a
 * signal is pending that it would handle. Either interrupts the thread. A call that was given up for a signal returns
 * ERESTARTSYS, as it would have natively: the signal's delivery turns it into EINTR or into a new try. It must not be
 * mended like one that was interrupted before we received it (calls_mend_interrupted), so it is remembered.
 *
 * The poke signal is blocked in these threads but while the call runs: the delivery of a verdict is not interrupted.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/thread.h"
#include "tracer/notify/notify_private.h"

enum {
	MAX_BLOCKED = 1024,
	FIRST_LOOK_MS = 5,
	LOOK_MS = 25,
	ERESTARTSYS_VALUE = -512,
};

struct blocked {
	struct blocked *next;
	struct notify *notify;
	struct notified_event ev;
	struct blocking *block;
	pthread_t thread;
	_Atomic bool done;		/* the thread is about to end: join it */
	_Atomic bool interrupted;	/* for a signal of the guest's */
	bool saw_signal;		/* watcher: at the last look */
};

void blocked_init(struct notify *n)
{
	pthread_condattr_t attr;
	(void)pthread_mutex_init(&n->blocked_lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&n->blocked_some, &attr);
	(void)pthread_condattr_destroy(&attr);
}

/* ---- the tasks whose ERESTARTSYS is meant ---- */

static bool remember_interrupted(struct notify *n, pid_t tid)
{
	bool ok = true;
	(void)pthread_mutex_lock(&n->blocked_lock);
	if (n->interrupted_count == n->interrupted_room) {
		size_t room = n->interrupted_room ? n->interrupted_room * 2 : 8;
		pid_t *more = realloc(n->interrupted, room * sizeof(*more));
		if (more) {
			n->interrupted = more;
			n->interrupted_room = room;
		}
		ok = more;
	}
	if (ok)
		n->interrupted[n->interrupted_count++] = tid;
	(void)pthread_mutex_unlock(&n->blocked_lock);
	return ok;
}

bool notify_interrupted(struct session *s, pid_t tid)
{
	struct notify *n = s->notify;
	bool found = false;
	if (!n)
		return false;
	(void)pthread_mutex_lock(&n->blocked_lock);
	for (size_t i = 0; i < n->interrupted_count && !found; i++) {
		if (n->interrupted[i] != tid)
			continue;
		n->interrupted[i] = n->interrupted[--n->interrupted_count];
		found = true;
	}
	(void)pthread_mutex_unlock(&n->blocked_lock);
	return found;
}

/* ---- the thread of a call ---- */

static void mask_poke(int how)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGRTMAX);
	(void)pthread_sigmask(how, &set, NULL);
}

static void *blocked_main(void *arg)
{
	struct blocked *b = arg;
	mask_poke(SIG_UNBLOCK);
	struct verdict v = b->block->run(b->block);
	mask_poke(SIG_BLOCK);
	if (v.kind == VERDICT_BLOCK) {	/* no handler does: it would be asked for ever */
		verdict_discard(&v);
		v = verdict_value(-EIO);
	}
	bool given_up = v.kind == VERDICT_VALUE && v.value == -EINTR && atomic_load(&b->interrupted);
	if (given_up && remember_interrupted(b->notify, b->ev.base.tid))
		v.value = ERESTARTSYS_VALUE;
	notify_deliver(b->notify, &b->ev, v);
	atomic_store(&b->done, true);
	return NULL;
}

/* ---- the watcher ---- */

/* Is a signal pending that is neither blocked nor ignored? */
static bool has_signal(pid_t tid)
{
	char path[64];
	char line[160];
	unsigned long long pending = 0, set, blocked = 0, ignored = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	AUTO_FCLOSE FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "SigPnd: %llx", &set) == 1 || sscanf(line, "ShdPnd: %llx", &set) == 1)
			pending |= set;
		else if (sscanf(line, "SigBlk: %llx", &set) == 1)
			blocked = set;
		else if (sscanf(line, "SigIgn: %llx", &set) == 1)
			ignored = set;
	}
	return pending & ~blocked & ~ignored;
}

/*
 * Seen twice: a signal for the whole process may be about to be taken by another thread, and then this one's call must
 * not end with ERESTARTSYS, which only the delivery of a signal turns into something that a program may see.
 */
static void look_at(struct blocked *b, bool end)
{
	bool pending = has_signal(b->ev.base.tid);
	if (pending && b->saw_signal)
		atomic_store(&b->interrupted, true);
	b->saw_signal = pending;
	if (end || atomic_load(&b->interrupted) || notified_still_waits(&b->ev) < 0)
		(void)pthread_kill(b->thread, SIGRTMAX);
}

/* blocked_lock is held, but not while an ended thread is waited for. */
static void look_at_all(struct notify *n)
{
	struct blocked **at = &n->blocked;
	while (*at) {
		struct blocked *b = *at;
		if (!atomic_load(&b->done)) {
			look_at(b, n->blocked_end);
			at = &b->next;
			continue;
		}
		*at = b->next;
		n->blocked_count--;
		(void)pthread_join(b->thread, NULL);
		free(b);
	}
}

static void *watcher_main(void *arg)
{
	struct notify *n = arg;
	(void)pthread_mutex_lock(&n->blocked_lock);
	for (long ms = FIRST_LOOK_MS; !n->blocked_end || n->blocked; ms = ms < LOOK_MS ? ms * 2 : LOOK_MS) {
		if (!n->blocked) {
			(void)pthread_cond_wait(&n->blocked_some, &n->blocked_lock);
			ms = FIRST_LOOK_MS;
			continue;
		}
		struct timespec until;
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += ms * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		(void)pthread_cond_timedwait(&n->blocked_some, &n->blocked_lock, &until);
		look_at_all(n);
	}
	(void)pthread_mutex_unlock(&n->blocked_lock);
	return NULL;
}

static int start_thread(struct notify *n, struct blocked *b)
{
	if (n->blocked_end || n->blocked_count >= MAX_BLOCKED)
		return -EAGAIN;
	if (!n->watcher_runs) {
		int r = thread_start(&n->watcher, watcher_main, n);
		if (r < 0)
			return r;
		n->watcher_runs = true;
	}
	int r = thread_start(&b->thread, blocked_main, b);
	if (r < 0)
		return r;
	b->next = n->blocked;
	n->blocked = b;
	n->blocked_count++;
	(void)pthread_cond_signal(&n->blocked_some);
	return 0;
}

int blocked_add(struct notify *n, const struct notified_event *ev, struct blocking *block)
{
	struct blocked *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->notify = n;
	b->ev = *ev;
	b->block = block;
	/* The new threads begin with it blocked. */
	mask_poke(SIG_BLOCK);
	(void)pthread_mutex_lock(&n->blocked_lock);
	int r = start_thread(n, b);
	(void)pthread_mutex_unlock(&n->blocked_lock);
	mask_poke(SIG_UNBLOCK);
	if (r < 0)
		free(b);
	return r;
}

void notify_task_ended(struct session *s, pid_t tid)
{
	struct notify *n = s->notify;
	guest_fds_ended(&s->guest_fds, tid);
	if (!n)
		return;
	(void)pthread_mutex_lock(&n->blocked_lock);
	for (struct blocked *b = n->blocked; b; b = b->next) {
		if (b->ev.base.tid == tid && !atomic_load(&b->done))
			(void)pthread_kill(b->thread, SIGRTMAX);
	}
	(void)pthread_mutex_unlock(&n->blocked_lock);
}

void blocked_finish(struct notify *n)
{
	(void)pthread_mutex_lock(&n->blocked_lock);
	n->blocked_end = true;
	(void)pthread_cond_signal(&n->blocked_some);
	bool runs = n->watcher_runs;
	(void)pthread_mutex_unlock(&n->blocked_lock);
	if (runs)
		(void)pthread_join(n->watcher, NULL);
	(void)pthread_cond_destroy(&n->blocked_some);
	(void)pthread_mutex_destroy(&n->blocked_lock);
	free(n->interrupted);
}
