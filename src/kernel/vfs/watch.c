/*
 * What happens to names and attributes, told to who watches, in the order in which fs/namei.c of Linux tells it: what
 * a hook of fsnotify would be called for, the puppet is made to do.
 */
#include "kernel/vfs/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "kernel/vfs/vfs_private.h"

/* ---- the table ---- */

void watches_init(struct watches *w)
{
	(void)pthread_mutex_init(&w->lock, NULL);
	mirror_init(&w->mirror);
	w->inotify_fd = w->wake_fd = -1;
	w->sweep_at = 16;
}

static struct watched **bucket_of(struct watches *w, const struct inode *inode)
{
	uint64_t h = (uintptr_t)inode * 0x9e3779b97f4a7c15u;
	return &w->buckets[h >> 32 & (WATCH_BUCKETS - 1)];
}

struct watched *watched_find(struct vfs *v, const struct inode *inode)
{
	struct watched *w = *bucket_of(&v->watches, inode);
	while (w && w->inode != inode)
		w = w->next;
	return w;
}

static void drop(struct vfs *v, struct watched *w)
{
	struct watched **at = bucket_of(&v->watches, w->inode);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	(void)atomic_fetch_sub(&v->watches.count, 1);
	puppet_destroy(&v->watches.mirror, &w->puppet);
	inode_unref(w->inode);
	free(w);
}

void watched_drop(struct vfs *v, struct watched *w)
{
	drop(v, w);
}

void watches_finish(struct vfs *v)
{
	struct watches *ws = &v->watches;
	watch_sources_finish(v);
	for (size_t i = 0; i < WATCH_BUCKETS; i++) {
		while (ws->buckets[i])
			drop(v, ws->buckets[i]);
	}
	mirror_finish(&ws->mirror);
	(void)pthread_mutex_destroy(&ws->lock);
}

/* ---- a new watch ---- */

struct filling {
	struct dir_reader reader;
	struct mirror *mirror;
	const struct puppet *puppet;
	int err;
};

static bool fill_one(struct dir_reader *reader, const char *name, size_t len, uint64_t ino UNUSED, unsigned char type,
		     uint64_t next)
{
	struct filling *f = (struct filling *)reader;
	char text[VFS_NAME_MAX + 1];
	if (len > VFS_NAME_MAX)
		return true;
	memcpy(text, name, len);
	text[len] = '\0';
	int err = puppet_add_entry(f->mirror, f->puppet, text, type == DT_DIR);
	f->err = err == -EEXIST ? 0 : err;
	reader->cursor = next;
	return f->err == 0;
}

/* The directory's lock is held. */
static int fill(struct mirror *m, const struct puppet *p, struct inode *dir)
{
	struct filling f = {.reader = {.cursor = 2, .quiet = true, .emit = fill_one}, .mirror = m, .puppet = p};
	if (!dir->ops->iterate)
		return 0;
	int err = dir->ops->iterate(dir, &f.reader);
	return err ? err : f.err;
}

static int make_watched(struct vfs *v, struct inode *inode, struct watched **ret)
{
	struct watches *ws = &v->watches;
	struct watched *w = calloc(1, sizeof(*w));
	struct stat st;
	char path[MIRROR_PATH_MAX];
	if (!w)
		return -ENOMEM;
	bool directory = inode->type == S_IFDIR;
	int err = puppet_create(&ws->mirror, directory, &w->puppet);
	if (err) {
		free(w);
		return err;
	}
	puppet_path(&ws->mirror, &w->puppet, path);
	err = stat(path, &st) < 0 ? -errno : directory ? fill(&ws->mirror, &w->puppet, inode) : 0;
	if (err) {
		puppet_destroy(&ws->mirror, &w->puppet);
		free(w);
		return err;
	}
	w->inode = inode_ref(inode);
	w->dev = st.st_dev;
	w->ino = st.st_ino;
	struct watched **bucket = bucket_of(ws, inode);
	w->next = *bucket;
	*bucket = w;
	(void)atomic_fetch_add(&ws->count, 1);
	*ret = w;
	return 0;
}

static int begin(struct vfs *v)
{
	struct watches *ws = &v->watches;
	int err = watch_sources_begin(v);
	if (err || ws->mirror.fd >= 0)
		return err;
	AUTO_CLOSE int place = scratch_place(v);
	return place < 0 ? place : mirror_begin(&ws->mirror, place);
}

/* The inode's lock is held if it is a directory: what is in it stands still. */
static int watch_locked(struct vfs *v, struct inode *inode, int inotify, uint32_t mask)
{
	char path[MIRROR_PATH_MAX];
	/* What came before is not for the new watch. */
	watch_drain(v, NULL);
	struct watched *w = watched_find(v, inode);
	bool is_new = !w;
	int err = begin(v);
	if (!err && is_new)
		err = make_watched(v, inode, &w);
	if (err) {
		log_debug("inotify: no puppet: %s", strerror(-err));
		return err == -ENOMEM ? err : -ENOSPC;
	}
	if (is_new)
		watch_hear_opened(v, inode);
	puppet_path(&v->watches.mirror, &w->puppet, path);
	int wd = inotify_add_watch(inotify, path, mask & ~(uint32_t)(IN_DONT_FOLLOW | IN_ONLYDIR));
	err = wd < 0 ? -errno : 0;
	w->seen = true;
	if (err && is_new)
		drop(v, w);
	watch_sweep_soon(&v->watches);
	return err ? err : wd;
}

/* Events of the host's files are the host's; so are those of what is open but in no directory (pipes). */
static bool is_hosts(const struct path *p)
{
	return path_inode(p)->super->flags & SUPER_HOST_EVENTS || dentry_flags(p->dentry) & DENTRY_ANONYMOUS;
}

static int watch_host(const struct path *p, int inotify, uint32_t mask)
{
	int host = -1;
	char path[64];
	int err = vfs_host(p, &host);
	if (err)
		return err == -EOPNOTSUPP ? -ENOSPC : err;
	/* The link of ours is to be followed, and leads to the object itself. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", host);
	int wd = inotify_add_watch(inotify, path, mask & ~(uint32_t)IN_DONT_FOLLOW);
	err = wd < 0 ? -errno : wd;
	if (wd >= 0)
		atomic_store(&path_inode(p)->host_watched, true);
	(void)close(host);
	return err;
}

int vfs_watch(struct vfs *v, const struct path *p, int inotify, uint32_t mask)
{
	struct inode *inode = path_inode(p);
	if (is_hosts(p))
		return watch_host(p, inotify, mask);
	bool directory = inode->type == S_IFDIR;
	if (directory)
		(void)pthread_rwlock_rdlock(&inode->lock);
	(void)pthread_mutex_lock(&v->watches.lock);
	int r = watch_locked(v, inode, inotify, mask);
	(void)pthread_mutex_unlock(&v->watches.lock);
	if (directory)
		(void)pthread_rwlock_unlock(&inode->lock);
	return r;
}

int vfs_watched(struct vfs *v, dev_t dev, ino_t ino, struct statx *ret)
{
	struct watches *ws = &v->watches;
	struct inode *inode = NULL;
	(void)pthread_mutex_lock(&ws->lock);
	for (size_t i = 0; i < WATCH_BUCKETS && !inode; i++) {
		for (struct watched *w = ws->buckets[i]; w && !inode; w = w->next) {
			if (w->ino == ino && w->dev == dev)
				inode = inode_ref(w->inode);
		}
	}
	(void)pthread_mutex_unlock(&ws->lock);
	int err = inode ? inode->ops->getattr(inode, ret) : -ENOENT;
	inode_unref(inode);
	return err;
}

/* ---- where ---- */

bool watch_places_of(struct vfs *v, struct dentry *d, struct watch_places *ret)
{
	struct mirror *m = &v->watches.mirror;
	*ret = (struct watch_places){.directory = d->inode->type == S_IFDIR};
	vfs_read_lock();
	const struct dentry_name *n = dentry_name(d);
	struct watched *w = n->parent ? watched_find(v, n->parent->inode) : NULL;
	if (w && w->puppet.pin < 0) {
		ret->named = true;
		puppet_entry_path(m, &w->puppet, n->text, ret->named_path);
	}
	vfs_read_unlock();
	w = watched_find(v, d->inode);
	if (w) {
		ret->self = true;
		puppet_path(m, &w->puppet, ret->self_path);
	}
	return ret->named || ret->self;
}

/* ---- names ---- */

static void lock(struct vfs *v)
{
	(void)pthread_mutex_lock(&v->watches.lock);
	watch_drain(v, NULL);
	v->watches.events++;
}

static void unlock(struct vfs *v)
{
	watch_sweep_soon(&v->watches);
	(void)pthread_mutex_unlock(&v->watches.lock);
}

void watch_created(struct vfs *v, struct inode *dir, const char *name, bool directory)
{
	if (!watches_any(v))
		return;
	lock(v);
	const struct watched *w = watched_find(v, dir);
	if (w && puppet_add_entry(&v->watches.mirror, &w->puppet, name, directory) < 0)
		log_debug("no event: %s is new", name);
	unlock(v);
}

static void attrib_self(struct vfs *v, struct watched *w)
{
	char path[MIRROR_PATH_MAX];
	puppet_path(&v->watches.mirror, &w->puppet, path);
	mirror_attrib(path);
}

/* The number of links changed: only the object itself tells. */
void watch_linked(struct vfs *v, struct inode *dir, const char *name, struct dentry *old)
{
	if (!watches_any(v))
		return;
	lock(v);
	struct watched *self = watched_find(v, old->inode);
	if (self)
		attrib_self(v, self);
	const struct watched *w = watched_find(v, dir);
	if (w && puppet_add_entry(&v->watches.mirror, &w->puppet, name, false) < 0)
		log_debug("no event: %s is new", name);
	unlock(v);
}

bool watch_has_no_name(struct inode *inode)
{
	struct statx stx;
	return inode->type == S_IFDIR || inode->ops->getattr(inode, &stx) < 0 || stx.stx_nlink == 0;
}

void watched_settle(struct vfs *v, struct watched *w)
{
	if (w->puppet.pin < 0 || watch_is_heard(v, w->inode))
		return;
	if (!watch_is_open(v, w->inode))
		drop(v, w);
}

void watch_removed(struct vfs *v, struct inode *dir, const char *name, struct dentry *gone)
{
	if (!watches_any(v))
		return;
	lock(v);
	struct watched *self = watched_find(v, gone->inode);
	if (self && watch_has_no_name(gone->inode)) {
		puppet_unlink(&v->watches.mirror, &self->puppet);
		watched_settle(v, self);
	} else if (self) {
		attrib_self(v, self);
	}
	const struct watched *w = watched_find(v, dir);
	if (w)
		puppet_remove_entry(&v->watches.mirror, &w->puppet, name, dentry_is_dir(gone));
	unlock(v);
}

/* ---- rename ---- */

/* What another name took the place of: IN_ATTRIB, and when nobody has it open the end. */
static void replaced_unlinked(struct vfs *v, struct watched *w)
{
	if (!watch_has_no_name(w->inode)) {
		attrib_self(v, w);
		return;
	}
	if (w->inode->type == S_IFDIR)
		attrib_self(v, w);
	puppet_unlink(&v->watches.mirror, &w->puppet);
}

static const struct puppet *puppet_of(struct vfs *v, const struct inode *inode)
{
	const struct watched *w = watched_find(v, inode);
	return w ? &w->puppet : NULL;
}

static void move_self(struct vfs *v, const struct inode *inode)
{
	struct watched *w = watched_find(v, inode);
	if (w)
		puppet_move(&v->watches.mirror, &w->puppet);
}

static void exchanged(struct vfs *v, const struct watch_move *m)
{
	struct mirror *mirror = &v->watches.mirror;
	const struct puppet *from = puppet_of(v, m->from);
	const struct puppet *to = puppet_of(v, m->to);
	bool moved_dir = dentry_is_dir(m->moved);
	bool replaced_dir = dentry_is_dir(m->replaced);
	if (from && to) {
		puppet_exchange(mirror, from, m->from_name, to, m->to_name);
	} else if (from) {
		puppet_move_entry(mirror, from, m->from_name, NULL, NULL, moved_dir);
		puppet_move_entry(mirror, NULL, NULL, from, m->from_name, replaced_dir);
	} else if (to) {
		puppet_move_entry(mirror, to, m->to_name, NULL, NULL, replaced_dir);
		puppet_move_entry(mirror, NULL, NULL, to, m->to_name, moved_dir);
	}
	move_self(v, m->moved->inode);
	move_self(v, m->replaced->inode);
}

static void moved(struct vfs *v, const struct watch_move *m)
{
	struct mirror *mirror = &v->watches.mirror;
	const struct puppet *from = puppet_of(v, m->from);
	const struct puppet *to = puppet_of(v, m->to);
	struct watched *over = m->replaced ? watched_find(v, m->replaced->inode) : NULL;
	if (from || to)
		puppet_move_entry(mirror, from, m->from_name, to, m->to_name, dentry_is_dir(m->moved));
	if (over)
		replaced_unlinked(v, over);
	move_self(v, m->moved->inode);
	if (over)
		watched_settle(v, over);
}

void watch_renamed(struct vfs *v, const struct watch_move *m)
{
	if (!watches_any(v))
		return;
	lock(v);
	if (m->flags & RENAME_EXCHANGE)
		exchanged(v, m);
	else
		moved(v, m);
	unlock(v);
}

/* ---- attributes ---- */

static void changed_at(const char *path, const struct vfs_attr *attr)
{
	bool atime = attr->valid & STATX_ATIME;
	bool mtime = attr->valid & STATX_MTIME;
	if (attr->valid & STATX_SIZE)
		mirror_modify(path);
	/* One of the two is reading or writing to fsnotify_change. */
	if (atime || mtime) {
		const struct timespec times[2] = {{.tv_nsec = atime ? UTIME_NOW : UTIME_OMIT},
						  {.tv_nsec = mtime ? UTIME_NOW : UTIME_OMIT}};
		mirror_times(path, times);
	}
	if (attr->valid & (STATX_MODE | STATX_UID | STATX_GID))
		mirror_attrib(path);
}

void watch_changed(struct vfs *v, struct dentry *d, const struct vfs_attr *attr)
{
	struct watch_places places;
	if (!watches_any(v))
		return;
	(void)pthread_mutex_lock(&v->watches.lock);
	/* That the host's object got another length is told here. */
	watch_drain(v, attr->valid & STATX_SIZE ? d->inode : NULL);
	v->watches.events++;
	if (watch_places_of(v, d, &places)) {
		if (places.named)
			changed_at(places.named_path, attr);
		if (places.self)
			changed_at(places.self_path, attr);
	}
	unlock(v);
}

void watch_xattr(struct vfs *v, struct dentry *d)
{
	const struct vfs_attr attr = {.valid = STATX_MODE};
	watch_changed(v, d, &attr);
}
