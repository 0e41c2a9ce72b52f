/*
 * Who removes faster than what was removed is freed waits now and then: objects keep descriptors of ours until then.
 * What is used here is guarded by dcache.lock.
 */
#include <time.h>

#include "kernel/vfs/vfs_private.h"

enum { REMOVALS_MAX = 4096, GRACE_MS = 500 };

void dcache_removals_init(struct dcache *c)
{
	pthread_condattr_t attr;
	c->removals_max = vfs_descriptors_allowed(4, REMOVALS_MAX);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->grace_over, &attr);
	(void)pthread_condattr_destroy(&attr);
}

void dcache_removals_finish(struct dcache *c)
{
	(void)pthread_cond_destroy(&c->grace_over);
}

static void note_grace(struct vfs_later *later)
{
	struct dcache *c = (struct dcache *)(void *)((char *)later - offsetof(struct dcache, grace));
	VFS_RCU_ACQUIRE();
	(void)pthread_mutex_lock(&c->lock);
	c->grace_asked = false;
	c->grace_periods++;
	(void)pthread_cond_broadcast(&c->grace_over);
	(void)pthread_mutex_unlock(&c->lock);
	VFS_RCU_RELEASE();
}

static struct timespec grace_deadline(void)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GRACE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return until;
}

/*
 * Until what was removed before is freed, as long as that goes on, which on a busy disk may take its time. But a walk
 * may be asking a file system of the host that does not answer, and who removes other names has nothing to do with
 * that.
 */
static void await_grace(struct dcache *c)
{
	struct timespec until = grace_deadline();
	size_t freed = atomic_load(&c->freed);
	(void)pthread_mutex_lock(&c->lock);
	unsigned before = c->grace_periods;
	if (!c->grace_asked)
		vfs_free_later(&c->grace, note_grace);
	c->grace_asked = true;
	while (c->grace_periods == before) {
		if (pthread_cond_timedwait(&c->grace_over, &c->lock, &until) == 0)
			continue;
		size_t now = atomic_load(&c->freed);
		if (now == freed)
			break;
		freed = now;
		until = grace_deadline();
	}
	(void)pthread_mutex_unlock(&c->lock);
}

void dcache_removed(struct vfs *v)
{
	struct dcache *c = &v->dcache;
	if (atomic_fetch_add(&c->removals, 1) < c->removals_max)
		return;
	atomic_store(&c->removals, 0);
	await_grace(c);
}
