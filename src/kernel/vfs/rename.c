/*
 * rename(2), in the order of checks of do_renameat2 and vfs_rename.
 *
 * A rename between two directories of a filesystem holds its rename_lock, so that which directory is above which stands
 * still, then both directories' locks, the one above first.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "kernel/vfs/acl.h"

struct renaming {
	const struct walk_env *env;
	struct walk_end from, to;
	struct dentry *moved;		/* references */
	struct dentry *replaced;	/* or NULL */
	unsigned flags;
	bool removed;			/* replaced has no name any more */
};

static void lock_two(struct inode *first, struct inode *second)
{
	(void)pthread_rwlock_wrlock(&first->lock);
	(void)pthread_rwlock_wrlock(&second->lock);
}

static void lock_both(const struct renaming *r)
{
	struct dentry *a = r->from.dir.dentry, *b = r->to.dir.dentry;
	if (a->inode == b->inode) {
		(void)pthread_rwlock_wrlock(&a->inode->lock);
		return;
	}
	(void)pthread_mutex_lock(&a->inode->super->rename_lock);
	if (dentry_is_below(b, a) || (!dentry_is_below(a, b) && a->inode < b->inode))
		lock_two(a->inode, b->inode);
	else
		lock_two(b->inode, a->inode);
}

static void unlock_both(const struct renaming *r)
{
	struct inode *a = path_inode(&r->from.dir), *b = path_inode(&r->to.dir);
	(void)pthread_rwlock_unlock(&a->lock);
	if (a == b)
		return;
	(void)pthread_rwlock_unlock(&b->lock);
	(void)pthread_mutex_unlock(&a->super->rename_lock);
}

static int look_up_both(struct renaming *r)
{
	struct vfs *v = r->env->vfs;
	int err = vfs_lookup_locked(v, r->from.dir.dentry, r->from.name, r->from.len, &r->moved);
	if (!err && !r->moved)
		err = -ENOENT;
	if (!err)
		err = vfs_lookup_locked(v, r->to.dir.dentry, r->to.name, r->to.len, &r->replaced);
	const struct path *to = &r->to.dir;
	if (!err && ((!r->replaced && path_inode(to)->super->flags & SUPER_FIXED_NAMES) || vfs_is_removed(to)))
		err = -ENOENT;
	return err;
}

/* What the two names are, and their slashes. */
static int check_names(const struct renaming *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE;
	if (r->flags & RENAME_NOREPLACE && r->replaced)
		return -EEXIST;
	if (exchange) {
		if (!r->replaced)
			return -ENOENT;
		if (!dentry_is_dir(r->replaced) && r->to.slash)
			return -ENOTDIR;
	}
	if (!dentry_is_dir(r->moved) && (r->from.slash || (!exchange && r->to.slash)))
		return -ENOTDIR;
	if (dentry_is_below(r->to.dir.dentry, r->moved))
		return -EINVAL;
	if (r->replaced && dentry_is_below(r->from.dir.dentry, r->replaced))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_permissions(const struct renaming *r)
{
	const struct walk_env *env = r->env;
	bool exchange = r->flags & RENAME_EXCHANGE;
	bool dir = dentry_is_dir(r->moved);
	int err = permission_delete(env, r->from.dir.dentry, r->moved->inode, dir);
	if (err)
		return err;
	if (!r->replaced)
		err = permission_create(env, r->to.dir.dentry);
	else
		err = permission_delete(env, r->to.dir.dentry, r->replaced->inode,
					exchange ? dentry_is_dir(r->replaced) : dir);
	if (err || path_inode(&r->from.dir) == path_inode(&r->to.dir) || permission_is_hosts(env, r->moved->inode))
		return err;
	/* ".." of what moves is written. */
	if (dir)
		err = permission_check(env, r->moved->inode, MAY_WRITE);
	if (!err && exchange && dentry_is_dir(r->replaced))
		err = permission_check(env, r->replaced->inode, MAY_WRITE);
	return err;
}

static bool is_point(const struct dentry *d)
{
	return d && dentry_flags(d) & (DENTRY_MOUNTED | DENTRY_GHOST);
}

static int check_busy(const struct renaming *r)
{
	if (is_point(r->moved) || is_point(r->replaced))
		return -EBUSY;
	return r->replaced && !(r->flags & RENAME_EXCHANGE) && mount_is_busy(r->replaced) ? -EBUSY : 0;
}

/* The filesystem did it: the names follow. The rooms for them were made before. */
static void move_names(const struct renaming *r, struct dentry_name *to, struct dentry_name *from)
{
	struct vfs *v = r->env->vfs;
	if (r->flags & RENAME_EXCHANGE) {
		dentry_exchange(v, r->moved, r->replaced, to, from);
		return;
	}
	if (r->replaced)
		dentry_forget(v, r->replaced, DENTRY_REMOVED);
	dentry_move(v, r->moved, r->to.dir.dentry, to);
	free(from);
}

/* Made by the filesystem, which does not know for whom. */
static void own_whiteout(const struct renaming *r, struct inode *dir)
{
	struct vfs_create how = {0};
	struct acl_birth none AUTO_ACL_BIRTH = {NULL, NULL};
	struct inode *whiteout;
	if (permission_is_hosts(r->env, dir) || permission_new(r->env, dir, S_IFCHR, &how, &none) < 0 ||
	    dir->ops->lookup(dir, r->from.name, &whiteout) < 0)
		return;
	const struct vfs_attr attr = {.valid = STATX_UID | STATX_GID, .uid = how.uid, .gid = how.gid};
	if (whiteout->ops->setattr && whiteout->ops->setattr(whiteout, &attr) < 0)
		log_debug("a whiteout keeps the owner that the host gave it");
	inode_unref(whiteout);
}

static int carry_out(const struct renaming *r)
{
	struct vfs *v = r->env->vfs;
	struct inode *from_dir = path_inode(&r->from.dir), *to_dir = path_inode(&r->to.dir);
	if (!from_dir->ops->rename)
		return -EPERM;
	struct dentry_name *to = dentry_name_create(v, r->to.dir.dentry, r->to.name, r->to.len);
	struct dentry_name *from = dentry_name_create(v, r->from.dir.dentry, r->from.name, r->from.len);
	int err = to && from ? 0 : -ENOMEM;
	if (!err)
		err = from_dir->ops->rename(from_dir, r->from.name, r->moved->inode, to_dir, r->to.name,
					    r->replaced ? r->replaced->inode : NULL, r->flags);
	if (err) {
		free(to);
		free(from);
		return err;
	}
	move_names(r, to, from);
	const struct watch_move move = {
		.from = from_dir, .to = to_dir, .from_name = r->from.name, .to_name = r->to.name,
		.moved = r->moved, .replaced = r->replaced, .flags = r->flags,
	};
	watch_renamed(v, &move);
	if (r->flags & RENAME_WHITEOUT)
		own_whiteout(r, from_dir);
	return 0;
}

/* Two names of one file (or one name) stay, both. */
static int rename_locked(struct renaming *r)
{
	int err = look_up_both(r);
	if (!err)
		err = check_names(r);
	if (err)
		return err;
	if (r->replaced && r->replaced->inode == r->moved->inode)
		return 0;
	err = check_permissions(r);
	if (!err)
		err = check_busy(r);
	if (!err)
		err = carry_out(r);
	r->removed = !err && r->replaced && !(r->flags & RENAME_EXCHANGE);
	return err;
}

static int check_ends(const struct renaming *r)
{
	const struct inode *from = path_inode(&r->from.dir), *to = path_inode(&r->to.dir);
	if (r->from.dir.mount != r->to.dir.mount || (from->ops->apart && from->ops == to->ops && from->ops->apart(from, to)))
		return -EXDEV;
	if (r->from.type != LAST_NORMAL)
		return -EBUSY;
	if (r->to.type != LAST_NORMAL)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return mount_want_write(r->from.dir.mount);
}

int vfs_rename(const struct walk_env *env, const struct path *old_base, const char *old_name,
	       const struct path *new_base, const char *new_name, unsigned flags)
{
	struct renaming r = {.env = env, .flags = flags};
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) ||
	    (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	int err = vfs_walk_parent(env, old_base, old_name, &r.from);
	if (err)
		return err;
	err = vfs_walk_parent(env, new_base, new_name, &r.to);
	if (!err) {
		err = check_ends(&r);
		if (!err) {
			lock_both(&r);
			err = rename_locked(&r);
			unlock_both(&r);
		}
		if (r.removed) {
			const struct path gone = {.mount = r.to.dir.mount, .dentry = r.replaced};
			registry_unlinked(env->vfs, &gone);
		}
		dentry_put(env->vfs, r.moved);
		dentry_put(env->vfs, r.replaced);
		walk_end_finish(&r.to);
	}
	walk_end_finish(&r.from);
	if (r.removed)
		dcache_removed(env->vfs);
	return err;
}
