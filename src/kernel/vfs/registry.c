/*
 * Which virtual object is behind a descriptor: by device and inode number of what the descriptor stands on.
 *
 * Guests close descriptors without telling us, so an entry stays, and its object with it, until registry_idle.c finds
 * that nobody has it open.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/vfs/vfs_private.h"

enum { REGISTRY_BUCKETS = 4096, REGISTRY_MAX = 8192, SCRATCH_MAX = 1024 };

int registry_init(struct registry *r)
{
	r->max = REGISTRY_MAX;
	r->scratch_max = SCRATCH_MAX;
	r->all.before = r->all.after = &r->all;
	r->by_inode = calloc(REGISTRY_BUCKETS, sizeof(struct registry_entry *));
	r->by_watch = calloc(REGISTRY_BUCKETS, sizeof(struct registry_entry *));
	r->buckets = calloc(REGISTRY_BUCKETS, sizeof(struct registry_entry *));
	if (!r->buckets || !r->by_inode || !r->by_watch) {
		free(r->buckets);
		free(r->by_inode);
		free(r->by_watch);
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

static struct registry_entry **bucket_of_inode(struct registry *r, const struct inode *inode)
{
	uint64_t h = (uintptr_t)inode * 0x9e3779b97f4a7c15u;
	return &r->by_inode[h >> 32 & (REGISTRY_BUCKETS - 1)];
}

/* Watch descriptors count up. */
static struct registry_entry **bucket_of_watch(struct registry *r, int watch)
{
	return &r->by_watch[watch & (REGISTRY_BUCKETS - 1)];
}

void registry_entry_destroy(struct registry_entry *e)
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
	while (r->all.after != &r->all) {
		struct registry_entry *e = r->all.after;
		registry_remove_locked(r, e);
		registry_entry_destroy(e);
	}
	free(r->buckets);
	free(r->by_inode);
	free(r->by_watch);
	(void)pthread_mutex_destroy(&r->lock);
}

struct registry_entry *registry_find_locked(struct registry *r, dev_t dev, ino_t ino)
{
	struct registry_entry *e = *bucket_of(r, dev, ino);
	while (e && (e->ino != ino || e->dev != dev))
		e = e->next;
	return e;
}

struct registry_entry *registry_find_watch_locked(struct registry *r, int watch)
{
	struct registry_entry *e = *bucket_of_watch(r, watch);
	while (e && e->watch != watch)
		e = e->next_of_watch;
	return e;
}

struct registry_entry *registry_find_dentry_locked(struct registry *r, const struct dentry *d)
{
	struct registry_entry *e = *bucket_of_inode(r, d->inode);
	while (e && e->path.dentry != d)
		e = e->next_of_inode;
	return e;
}

static void add_of_inode(struct registry *r, struct registry_entry *e)
{
	struct registry_entry **of_inode = bucket_of_inode(r, path_inode(&e->path));
	e->next_of_inode = *of_inode;
	*of_inode = e;
}

static void add_locked(struct registry *r, struct registry_entry *e)
{
	struct registry_entry **bucket = bucket_of(r, e->dev, e->ino);
	e->next = *bucket;
	*bucket = e;
	add_of_inode(r, e);
	if (e->watch >= 0) {
		struct registry_entry **of_watch = bucket_of_watch(r, e->watch);
		e->next_of_watch = *of_watch;
		*of_watch = e;
	}
	e->after = &r->all;
	e->before = r->all.before;
	e->before->after = e->after->before = e;
	r->count++;
	r->scratch_count += e->kind == BACKING_SCRATCH;
}

static void remove_of_inode(struct registry *r, struct registry_entry *e)
{
	struct registry_entry **at = bucket_of_inode(r, path_inode(&e->path));
	while (*at != e)
		at = &(*at)->next_of_inode;
	*at = e->next_of_inode;
}

static void remove_of_watch(struct registry *r, struct registry_entry *e)
{
	struct registry_entry **at = bucket_of_watch(r, e->watch);
	while (*at != e)
		at = &(*at)->next_of_watch;
	*at = e->next_of_watch;
}

void registry_remove_locked(struct registry *r, struct registry_entry *e)
{
	struct registry_entry **at = bucket_of(r, e->dev, e->ino);
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	remove_of_inode(r, e);
	if (e->watch >= 0)
		remove_of_watch(r, e);
	e->before->after = e->after;
	e->after->before = e->before;
	r->count--;
	r->scratch_count -= e->kind == BACKING_SCRATCH;
	r->unlinked_count -= e->unlinked;
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->dentry == b->dentry && a->mount == b->mount;
}

static struct registry_entry *entry_create(const struct stat *st, const struct path *p, enum backing kind)
{
	struct registry_entry *e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	path_get(p);
	e->path = *p;
	e->dev = st->st_dev;
	e->ino = st->st_ino;
	e->kind = kind;
	e->fd = e->watch = -1;
	return e;
}

void registry_rename_locked(struct registry *r, struct registry_entry *e, const struct path *p, struct path *old)
{
	remove_of_inode(r, e);
	path_get(p);
	*old = e->path;
	e->path = *p;
	r->unlinked_count -= e->unlinked;
	e->unlinked = false;
	add_of_inode(r, e);
}

static int add(struct registry *r, const struct stat *st, const struct path *p, enum backing kind, struct path *old)
{
	struct registry_entry *e = registry_find_locked(r, st->st_dev, st->st_ino);
	if (!e) {
		e = entry_create(st, p, kind);
		if (!e)
			return -ENOMEM;
		add_locked(r, e);
	} else if (!same_path(&e->path, p)) {
		if (kind == BACKING_HOST_DIR && dentry_flags(e->path.dentry) & DENTRY_HASHED)
			return -EEXIST;
		registry_rename_locked(r, e, p, old);
		e->kind = kind;
	}
	e->opened++;
	e->used = true;
	return 0;
}

/* O_PATH, and the access mode 3 that is for ioctl only. */
static bool is_uncounted(int flags)
{
	return flags & O_PATH || (flags & O_ACCMODE) == O_ACCMODE;
}

int registry_add(struct vfs *v, const struct vfs_opened *opened, int flags, const struct path *p, enum backing kind)
{
	struct registry *r = &v->registry;
	struct path old = {0};
	struct stat st = {.st_dev = opened->dev, .st_ino = opened->ino};
	if (!opened->has_id && fstat(opened->fd, &st) < 0)
		return -errno;
	(void)pthread_mutex_lock(&r->lock);
	int err = add(r, &st, p, kind, &old);
	struct registry_entry *e = is_uncounted(flags) ? registry_find_locked(r, st.st_dev, st.st_ino) : NULL;
	if (e)
		e->uncounted = true;
	bool many = r->count > r->max || r->unlinked_count;
	(void)pthread_mutex_unlock(&r->lock);
	path_put(&old);
	if (many)
		registry_trim(v);
	return err;
}

int registry_add_scratch(struct vfs *v, int base, int watch, const struct path *p)
{
	struct registry *r = &v->registry;
	struct stat st;
	if (fstat(base, &st) < 0)
		return -errno;
	struct registry_entry *e = entry_create(&st, p, BACKING_SCRATCH);
	if (!e)
		return -ENOMEM;
	e->fd = base;
	e->watch = watch;
	e->watched = watch >= 0;
	(void)pthread_mutex_lock(&r->lock);
	add_locked(r, e);
	int many = r->scratch_count > r->scratch_max;
	(void)pthread_mutex_unlock(&r->lock);
	return many;
}

static int find(struct vfs *v, const struct stat *st, struct path *ret, enum backing *ret_kind)
{
	struct registry *r = &v->registry;
	(void)pthread_mutex_lock(&r->lock);
	struct registry_entry *e = registry_find_locked(r, st->st_dev, st->st_ino);
	if (e) {
		path_get(&e->path);
		*ret = e->path;
		*ret_kind = e->kind;
		e->used = true;
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
	struct registry_entry *e = *bucket_of_inode(r, path_inode(p));
	while (e && !(e->kind == BACKING_SCRATCH && same_path(&e->path, p)))
		e = e->next_of_inode;
	if (e) {
		fd = openat(e->fd, ".", flags | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = errno == EMFILE ? -ENFILE : -errno;
		/* The end of an O_PATH description is told to nobody. */
		if (fd >= 0 && flags & O_PATH)
			e->watched = false;
		e->open_count += fd >= 0;
		e->used = true;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return fd;
}

int vfs_identify(struct vfs *v, int fd, struct path *ret)
{
	enum backing kind;
	return registry_find(v, fd, ret, &kind);
}

int vfs_remember(struct vfs *v, const struct path *p, int fd)
{
	const struct vfs_opened opened = {.fd = fd};
	return registry_add(v, &opened, O_RDONLY, p, BACKING_FILE);
}

int vfs_identify_number(struct vfs *v, dev_t dev, ino_t ino, struct path *ret)
{
	const struct stat st = {.st_dev = dev, .st_ino = ino};
	enum backing kind;
	return find(v, &st, ret, &kind);
}
