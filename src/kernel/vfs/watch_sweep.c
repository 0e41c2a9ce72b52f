/*
 * Which watches are over: guests remove them and close inotify descriptors without us. So now and then all that
 * guests' inotify descriptors watch is asked for, and what is not among it is let go.
 */
#include <sys/eventfd.h>

#include "kernel/vfs/vfs_private.h"

enum { EVENTS_BETWEEN = 4096 };

void vfs_set_watch_lister(struct vfs *v, watch_lister *lister, void *ctx)
{
	v->watches.lister = lister;
	v->watches.lister_ctx = ctx;
}

static void seen(void *arg, dev_t dev, ino_t ino)
{
	struct watches *ws = arg;
	(void)pthread_mutex_lock(&ws->lock);
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (struct watched *w = ws->buckets[i]; w; w = w->next) {
			if (w->ino == ino && w->dev == dev)
				w->seen = true;
		}
	}
	(void)pthread_mutex_unlock(&ws->lock);
}

static bool is_due(struct watches *ws)
{
	return ws->lister && (atomic_load(&ws->count) >= ws->sweep_at || ws->events >= EVENTS_BETWEEN);
}

void watch_sweep_soon(struct watches *ws)
{
	if (is_due(ws))
		(void)eventfd_write(ws->wake_fd, 1);
}

/* watches.lock held. Those that come while it is asked are seen from the beginning. */
static bool begin(struct watches *ws)
{
	if (!is_due(ws))
		return false;
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (struct watched *w = ws->buckets[i]; w; w = w->next)
			w->seen = false;
	}
	ws->events = 0;
	return true;
}

static void end(struct vfs *v)
{
	struct watches *ws = &v->watches;
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		for (struct watched *w = ws->buckets[i], *next; w; w = next) {
			next = w->next;
			if (!w->seen)
				watched_drop(v, w);
		}
	}
	watch_forget_sources(v);
	ws->sweep_at = 2 * atomic_load(&ws->count) + 16;
}

void watch_sweep(struct vfs *v)
{
	struct watches *ws = &v->watches;
	(void)pthread_mutex_lock(&ws->lock);
	bool due = begin(ws);
	(void)pthread_mutex_unlock(&ws->lock);
	if (!due || ws->lister(ws->lister_ctx, seen, ws) < 0)
		return;
	(void)pthread_mutex_lock(&ws->lock);
	end(v);
	(void)pthread_mutex_unlock(&ws->lock);
}
