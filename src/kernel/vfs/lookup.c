/* What a name in a directory is: from the cache, or from the filesystem. */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

/* As .revalidate. Mount points and ghosts are the VFS's own: what the filesystem has there does not count. */
static int holds_locked(struct dentry *dir, struct dentry *d)
{
	unsigned flags = dentry_flags(d);
	if (flags & (DENTRY_MOUNTED | DENTRY_GHOST))
		return 1;
	if (dentry_is_stale(d))
		return 0;
	if (!(flags & DENTRY_CHECKED))
		return 1;
	const struct inode_ops *ops = dir->inode->ops;
	return ops->revalidate ? ops->revalidate(dir->inode, dentry_name(d)->text, d->inode) : 1;
}

bool vfs_name_holds(struct vfs *v, struct dentry *dir, struct dentry *d)
{
	if (!(dentry_flags(d) & DENTRY_CHECKED))
		return true;
	(void)pthread_rwlock_rdlock(&dir->inode->lock);
	int holds = holds_locked(dir, d);
	(void)pthread_rwlock_unlock(&dir->inode->lock);
	if (holds == 0)
		dentry_forget(v, d, 0);
	return holds > 0;
}

/* In a read-side section: d, that there is no such name in dir, may be wrong, and then all that are missing there. */
static bool forgets_missing(struct vfs *v, struct dentry *dir, struct dentry *d)
{
	if (!atomic_load_explicit(&dir->inode->names_came, memory_order_relaxed))
		return false;
	if (atomic_exchange(&dir->inode->names_came, false))
		dentry_forget_below(v, dir, SIZE_MAX);
	dentry_forget(v, d, 0);
	return true;
}

static int from_cache(struct vfs *v, struct dentry *dir, const char *name, size_t len, struct dentry **ret)
{
	int err = -EAGAIN;
	vfs_read_lock();
	struct dentry *d = dcache_find(v, dir, name, len);
	/* Not asked in the section: the answer may not come. */
	const bool asks = d && dentry_flags(d) & DENTRY_CHECKED;
	if (asks && !dentry_ref_unless_dead(d)) {
		vfs_read_unlock();
		return err;
	}
	if (asks)
		vfs_read_unlock();
	int holds = d ? holds_locked(dir, d) : -EAGAIN;
	if (asks)
		vfs_read_lock();
	if (holds > 0) {
		if (!d->inode && forgets_missing(v, dir, d)) {
			err = -EAGAIN;
		} else if (!d->inode) {
			*ret = NULL;
			err = 0;
		} else if (dentry_ref_unless_dead(d)) {
			*ret = d;
			err = 0;
		}
	} else if (holds < 0) {
		err = holds;
	} else {
		dentry_forget(v, d, 0);
	}
	vfs_read_unlock();
	if (asks)
		dentry_put(v, d);
	return err;
}

/*
 * attr: where its attributes go if the filesystem has them at hand, which *ret_got then says; NULL: they are not
 * wanted.
 */
static int ask_filesystem(struct inode *dir, const char *name, struct inode **ret, struct statx *attr, bool *ret_got)
{
	if (!attr || !dir->ops->lookup_attr)
		return dir->ops->lookup ? dir->ops->lookup(dir, name, ret) : -ENOTDIR;
	int err = dir->ops->lookup_attr(dir, name, ret, attr);
	*ret_got = !err;
	return err;
}

static int lookup_locked(struct vfs *v, struct dentry *dir, const char *name, size_t len, struct dentry **ret,
			 struct statx *attr, bool *ret_got)
{
	char text[VFS_NAME_MAX + 1];
	if (len > VFS_NAME_MAX)
		return dentry_flags(dir) & DENTRY_REMOVED ? -ENOENT : -ENAMETOOLONG;
	int err = from_cache(v, dir, name, len, ret);
	if (err != -EAGAIN)
		return err;
	if (dentry_flags(dir) & DENTRY_REMOVED) {
		*ret = NULL;
		return 0;
	}
	memcpy(text, name, len);
	text[len] = '\0';
	struct inode *inode = NULL;
	err = ask_filesystem(dir->inode, text, &inode, attr, ret_got);
	if (err && err != -ENOENT)
		return err;
	unsigned checked = err && dir->inode->super->flags & SUPER_REVALIDATES ? DENTRY_CHECKED : 0;
	if (checked && !dir->inode->ops->revalidate_path) {
		/* To check that there still is nothing costs as much as to ask. */
		*ret = NULL;
		return 0;
	}
	struct dentry *d;
	err = dentry_insert(v, dir, name, len, err ? NULL : inode, checked, &d);
	if (err)
		return err;
	if (!d->inode) {
		dentry_put(v, d);
		d = NULL;
	}
	*ret = d;
	return 0;
}

int vfs_lookup_locked(struct vfs *v, struct dentry *dir, const char *name, size_t len, struct dentry **ret)
{
	return lookup_locked(v, dir, name, len, ret, NULL, NULL);
}

/* One that others change behind our back makes nothing over what they made meanwhile. */
bool vfs_maker_finds_out(const struct dentry *dir)
{
	const unsigned flags = dir->inode->super->flags;
	return flags & SUPER_REVALIDATES && !(flags & SUPER_FIXED_NAMES) && !(dentry_flags(dir) & DENTRY_REMOVED);
}

bool vfs_is_unknown(struct vfs *v, const struct dentry *dir, const char *name, size_t len)
{
	vfs_read_lock();
	bool unknown = !dcache_find(v, dir, name, len);
	vfs_read_unlock();
	return unknown;
}

bool vfs_is_believed_missing(struct vfs *v, const struct dentry *dir, const char *name, size_t len)
{
	vfs_read_lock();
	const struct dentry *d = dcache_find(v, dir, name, len);
	bool missing = d && !d->inode && dentry_flags(d) & DENTRY_CHECKED;
	vfs_read_unlock();
	return missing;
}

int vfs_lookup_one(struct vfs *v, struct dentry *dir, const char *name, size_t len, struct dentry **ret, struct statx *attr,
		   bool *ret_got)
{
	*ret_got = false;
	(void)pthread_rwlock_rdlock(&dir->inode->lock);
	int err = lookup_locked(v, dir, name, len, ret, attr, ret_got);
	(void)pthread_rwlock_unlock(&dir->inode->lock);
	return err;
}
