/*
 * Which virtual object is behind a descriptor: by device and inode number of what the descriptor stands on.
 *
 * Guests close descriptors without telling us, so an entry stays until there are many. Then entries are tried, oldest
 * first, and those go that nobody has open any more (backing_is_idle).
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/vfs/vfs_private.h"

enum { REGISTRY_BUCKETS = 4096, REGISTRY_MAX = 32768, SCRATCH_MAX = 2048 };

struct registry_entry {
	struct registry_entry *next;		/* in its bucket */
	struct registry_entry *next_scratch;	/* in its bucket, BACKING_SCRATCH */
	struct path path;			/* references */
	dev_t dev;
	ino_t ino;
	enum backing kind;
	int fd;					/* BACKING_SCRATCH: O_PATH, owned; else -1 */
};

int registry_init(struct registry *r, size_t max)
{
	r->max = max ? max : REGISTRY_MAX;
	r->scratch_max = SCRATCH_MAX;
	r->scratch_buckets = calloc(REGISTRY_BUCKETS, sizeof(struct registry_entry *));
	r->buckets = calloc(REGISTRY_BUCKETS, sizeof(struct registry_entry *));
	if (!r->buckets || !r->scratch_buckets) {
		free(r->buckets);
		free(r->scratch_buckets);
		r->buckets = NULL;
		return -ENOMEM;
	}
	(void)pthread_mutex_init(&r->lock, NULL);
	return 0;
}

static struct registry_entry **bucket_of(struct registry *r, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino + (uint64_t)dev * 31) * 0x9e3779b97f4a7c15u;
	return &r->buckets[h >> 32 & (REGISTRY_BUCKETS - 1)];
}

static struct registry_entry **scratch_bucket_of(struct registry *r, const struct path *p)
{
	uint64_t h = ((uintptr_t)p->dentry ^ (uintptr_t)p->mount << 7) * 0x9e3779b97f4a7c15u;
	return &r->scratch_buckets[h >> 32 & (REGISTRY_BUCKETS - 1)];
}

static void entry_destroy(struct registry_entry *e)
{
	if (!e)
		return;
	if (e->fd >= 0)
		(void)close(e->fd);
	path_put(&e->path);
	free(e);
}

void registry_finish(struct vfs *v)
{
	struct registry *r = &v->registry;
	for (size_t i = 0; i < REGISTRY_BUCKETS; i++) {
		while (r->buckets[i]) {
			struct registry_entry *e = r->buckets[i];
			r->buckets[i] = e->next;
			entry_destroy(e);
		}
	}
	free(r->buckets);
	free(r->scratch_buckets);
	(void)pthread_mutex_destroy(&r->lock);
}

static struct registry_entry *find_locked(struct registry *r, const struct stat *st)
{
	struct registry_entry *e = *bucket_of(r, st->st_dev, st->st_ino);
	while (e && (e->ino != st->st_ino || e->dev != st->st_dev))
		e = e->next;
	return e;
}

static void add_locked(struct registry *r, struct registry_entry *e)
{
	struct registry_entry **bucket = bucket_of(r, e->dev, e->ino);
	e->next = *bucket;
	*bucket = e;
	r->count++;
	if (e->kind == BACKING_SCRATCH) {
		struct registry_entry **scratch = scratch_bucket_of(r, &e->path);
		e->next_scratch = *scratch;
		*scratch = e;
		r->scratch_count++;
	}
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->dentry == b->dentry && a->mount == b->mount;
}

static int entry_create(const struct stat *st, const struct path *p, enum backing kind, int fd,
			struct registry_entry **ret)
{
	struct registry_entry *e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	path_get(p);
	e->path = *p;
	e->dev = st->st_dev;
	e->ino = st->st_ino;
	e->kind = kind;
	e->fd = kind == BACKING_SCRATCH ? fd : -1;
	*ret = e;
	return 0;
}

int registry_add(struct vfs *v, int fd, const struct path *p, enum backing kind)
{
	struct registry *r = &v->registry;
	struct registry_entry *e = NULL;
	struct path old = {0};
	struct stat st;
	int err = 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	(void)pthread_mutex_lock(&r->lock);
	struct registry_entry *known = find_locked(r, &st);
	if (!known) {
		err = entry_create(&st, p, kind, fd, &e);
		if (!err)
			add_locked(r, e);
	} else if (!same_path(&known->path, p)) {
		if (kind == BACKING_HOST_DIR && dentry_flags(known->path.dentry) & DENTRY_HASHED) {
			err = -EEXIST;
		} else {
			path_get(p);
			old = known->path;
			known->path = *p;
			known->kind = kind;
		}
	}
	(void)pthread_mutex_unlock(&r->lock);
	path_put(&old);
	return err;
}

static int find(struct vfs *v, const struct stat *st, struct path *ret, enum backing *ret_kind)
{
	struct registry *r = &v->registry;
	(void)pthread_mutex_lock(&r->lock);
	struct registry_entry *e = find_locked(r, st);
	if (e) {
		path_get(&e->path);
		*ret = e->path;
		*ret_kind = e->kind;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return e ? 0 : -ENOENT;
}

int registry_find(struct vfs *v, int fd, struct path *ret, enum backing *ret_kind)
{
	struct stat st;
	return fstat(fd, &st) < 0 ? -errno : find(v, &st, ret, ret_kind);
}

int registry_reopen_scratch(struct vfs *v, const struct path *p, int flags)
{
	struct registry *r = &v->registry;
	int fd = -ENOENT;
	(void)pthread_mutex_lock(&r->lock);
	struct registry_entry *e = *scratch_bucket_of(r, p);
	while (e && !same_path(&e->path, p))
		e = e->next_scratch;
	if (e) {
		fd = openat(e->fd, ".", flags | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return fd;
}

void registry_unlinked(struct vfs *v, const struct path *p)
{
	(void)v;
	(void)p;
}

int vfs_identify(struct vfs *v, int fd, struct path *ret)
{
	enum backing kind;
	return registry_find(v, fd, ret, &kind);
}

int vfs_identify_number(struct vfs *v, dev_t dev, ino_t ino, struct path *ret)
{
	const struct stat st = {.st_dev = dev, .st_ino = ino};
	enum backing kind;
	return find(v, &st, ret, &kind);
}
