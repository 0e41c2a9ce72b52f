#include "kernel/task/exec_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { SLOTS = 64, SETTLED_SECONDS = 1 };

struct known {
	struct stat st;
	uint16_t machine;
	struct elf_image image;		/* .fd -1 */
};

struct exec_cache {
	pthread_mutex_t lock;
	struct known *slots[SLOTS];	/* lock; owned; by inode number */
};

struct exec_cache *exec_cache_create(void)
{
	struct exec_cache *c = calloc(1, sizeof(*c));
	if (c)
		(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void exec_cache_destroy(struct exec_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		free(c->slots[i]);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct known **slot_of(struct exec_cache *c, const struct stat *st)
{
	return &c->slots[st->st_ino % SLOTS];
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       same_time(&a->st_ctim, &b->st_ctim) && same_time(&a->st_mtim, &b->st_mtim);
}

bool exec_cache_find(struct exec_cache *c, const struct stat *st, uint16_t machine, struct elf_image *ret)
{
	if (!c)
		return false;
	(void)pthread_mutex_lock(&c->lock);
	const struct known *k = *slot_of(c, st);
	bool found = k && k->machine == machine && is_unchanged(&k->st, st);
	if (found)
		*ret = k->image;
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

static bool is_settled(const struct stat *st)
{
	struct timespec now;
	return clock_gettime(CLOCK_REALTIME, &now) == 0 && st->st_ctim.tv_sec + SETTLED_SECONDS < now.tv_sec;
}

void exec_cache_add(struct exec_cache *c, const struct stat *st, uint16_t machine, const struct elf_image *e)
{
	if (!c || !is_settled(st))
		return;
	struct known *k = malloc(sizeof(*k));
	if (!k)
		return;
	*k = (struct known){.st = *st, .machine = machine, .image = *e};
	k->image.fd = -1;
	(void)pthread_mutex_lock(&c->lock);
	struct known **slot = slot_of(c, st), *old = *slot;
	*slot = k;
	(void)pthread_mutex_unlock(&c->lock);
	free(old);
}
