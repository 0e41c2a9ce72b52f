/*
 * Making, linking and unlinking names, in the order of checks of fs/namei.c: what is wrong with the name, what is
 * there, a read-only mount, permissions, what the filesystem says.
 */
#include <string.h>

#include "kernel/task/cred.h"
#include <linux/capability.h>

#include "kernel/vfs/acl.h"

static void lock_dir(const struct path *dir)
{
	(void)pthread_rwlock_wrlock(&path_inode(dir)->lock);
}

static void unlock_dir(const struct path *dir)
{
	(void)pthread_rwlock_unlock(&path_inode(dir)->lock);
}

/* The place for a new name: its directory locked on success. */
static int begin_create(const struct walk_env *env, const struct path *base, const char *name, bool directory,
			struct walk_end *end)
{
	struct dentry *d = NULL;
	int err = vfs_walk_parent(env, base, name, end);
	if (err)
		return err;
	if (end->type != LAST_NORMAL) {
		walk_end_finish(end);
		return -EEXIST;
	}
	lock_dir(&end->dir);
	err = vfs_lookup_locked(env->vfs, end->dir.dentry, end->name, end->len, &d);
	if (!err && d)
		err = -EEXIST;
	else if (!err && dentry_flags(end->dir.dentry) & DENTRY_REMOVED)
		err = -ENOENT;
	else if (!err && ((end->slash && !directory) || path_inode(&end->dir)->super->flags & SUPER_FIXED_NAMES))
		err = -ENOENT;
	if (!err)
		err = mount_want_write(end->dir.mount);
	dentry_put(env->vfs, d);
	if (err) {
		unlock_dir(&end->dir);
		walk_end_finish(end);
	}
	return err;
}

static void end_create(struct walk_end *end)
{
	unlock_dir(&end->dir);
	walk_end_finish(end);
}

int ops_bear(const struct acl_birth *acl, struct inode *dir, const char *name, struct inode *inode)
{
	int err = acl_bear(acl, inode);
	if (!err)
		return 0;
	if (dir->ops->unlink)
		(void)dir->ops->unlink(dir, name, inode);
	inode_unref(inode);
	return err;
}

/* Whiteouts (character device 0:0) are anybody's to make (vfs_mknod, since Linux 5.8). */
static bool is_device(const struct vfs_create *how)
{
	return S_ISBLK(how->mode) || (S_ISCHR(how->mode) && how->rdev != 0);
}

/* how: mode with type, rdev, target. */
static int create_locked(const struct walk_env *env, const struct walk_end *end, struct vfs_create *how)
{
	struct inode *dir = path_inode(&end->dir), *inode;
	struct dentry *d;
	struct acl_birth acl AUTO_ACL_BIRTH = {NULL, NULL};
	int err = permission_create(env, end->dir.dentry);
	if (!err && is_device(how) && env->cred && !cred_capable(env->cred, CAP_MKNOD))
		err = -EPERM;
	if (!err && !dir->ops->create)
		err = -EPERM;
	if (!err)
		err = permission_new(env, dir, how->mode, how, &acl);
	if (!err)
		err = dir->ops->create(dir, end->name, how, &inode);
	if (!err)
		err = ops_bear(&acl, dir, end->name, inode);
	if (err)
		return err;
	watch_created(env->vfs, dir, end->name, S_ISDIR(how->mode));
	err = dentry_insert(env->vfs, end->dir.dentry, end->name, end->len, inode, 0, &d);
	if (!err)
		dentry_put(env->vfs, d);
	return err;
}

static int create(const struct walk_env *env, const struct path *base, const char *name, struct vfs_create *how)
{
	struct walk_end end;
	int err = begin_create(env, base, name, S_ISDIR(how->mode), &end);
	if (err)
		return err;
	err = create_locked(env, &end, how);
	end_create(&end);
	return err;
}

int vfs_mknod(const struct walk_env *env, const struct path *base, const char *name, mode_t mode, dev_t rdev)
{
	mode_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	if (type == S_IFDIR)
		return -EPERM;
	if (type == S_IFLNK || !(S_ISREG(type) || S_ISCHR(type) || S_ISBLK(type) || S_ISFIFO(type) || S_ISSOCK(type)))
		return -EINVAL;
	struct vfs_create how = {.mode = type | (mode & 07777), .rdev = rdev};
	return create(env, base, name, &how);
}

int vfs_mksock(const struct walk_env *env, const struct path *base, const char *name, mode_t mode, int *sock)
{
	struct vfs_create how = {.mode = S_IFSOCK | (mode & 07777), .socket = sock};
	return create(env, base, name, &how);
}

int vfs_mkdir(const struct walk_env *env, const struct path *base, const char *name, mode_t mode)
{
	struct vfs_create how = {.mode = S_IFDIR | (mode & 01777)};
	return create(env, base, name, &how);
}

int vfs_symlink(const struct walk_env *env, const char *target, const struct path *base, const char *name)
{
	struct vfs_create how = {.mode = S_IFLNK | 0777, .target = target};
	if (!*target)
		return -ENOENT;
	if (strnlen(target, VFS_PATH_MAX) >= VFS_PATH_MAX)
		return -ENAMETOOLONG;
	return create(env, base, name, &how);
}

/* ---- link ---- */

/* A name for what has none: only O_TMPFILE files get one, and none again when they lost it. */
static int may_revive(const struct path *p)
{
	struct statx st;
	if (dentry_flags(p->dentry) & (DENTRY_HASHED | DENTRY_LINKABLE))
		return 0;
	int err = path_inode(p)->ops->getattr(path_inode(p), &st);
	return err ? err : st.stx_nlink == 0 ? -ENOENT : 0;
}

/*
 * may_linkat of Linux: of others' files only those that one could read and write, and that give nobody's rights away.
 */
static int may_link(const struct walk_env *env, struct inode *inode)
{
	struct owner o;
	if (!env->vfs->protected_hardlinks || permission_is_hosts(env, inode))
		return 0;
	int err = inode_owner(inode, &o);
	if (err || permission_owns(env, &o))
		return err;
	bool gives = o.mode & S_ISUID || (o.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
	if (inode->type != S_IFREG || gives || permission_check(env, inode, MAY_READ | MAY_WRITE))
		return -EPERM;
	return 0;
}

static int link_locked(const struct walk_env *env, const struct path *old, const struct walk_end *end)
{
	struct inode *dir = path_inode(&end->dir), *inode = path_inode(old);
	struct dentry *d;
	if (old->mount != end->dir.mount)
		return -EXDEV;
	int err = may_link(env, inode);
	if (!err)
		err = permission_create(env, end->dir.dentry);
	if (!err && dir->super != inode->super)
		err = -EXDEV;
	if (!err && (!dir->ops->link || inode->type == S_IFDIR || inode_kept(inode)))
		err = -EPERM;
	if (!err)
		err = may_revive(old);
	if (!err)
		err = dir->ops->link(dir, end->name, inode);
	if (err)
		return err;
	atomic_fetch_and(&old->dentry->flags, ~(unsigned)DENTRY_LINKABLE);
	watch_linked(env->vfs, dir, end->name, old->dentry);
	err = dentry_insert(env->vfs, end->dir.dentry, end->name, end->len, inode_ref(inode), 0, &d);
	if (!err)
		dentry_put(env->vfs, d);
	return err;
}

int vfs_link(const struct walk_env *env, const struct path *old_base, const char *old_name, unsigned flags,
	     const struct path *new_base, const char *new_name)
{
	struct walk_end end;
	struct path old;
	int err = vfs_walk(env, old_base, old_name, flags, &old);
	if (err)
		return err;
	err = begin_create(env, new_base, new_name, false, &end);
	if (!err) {
		err = link_locked(env, &old, &end);
		end_create(&end);
	}
	path_put(&old);
	return err;
}

/* ---- unlink ---- */

bool mount_is_busy(const struct dentry *d)
{
	return dentry_flags(d) & (DENTRY_MOUNTED | DENTRY_GHOST | DENTRY_HAS_GHOSTS);
}

static int unlinkable(const struct walk_end *end, bool directory)
{
	if (end->type == LAST_NORMAL)
		return 0;
	if (!directory)
		return -EISDIR;
	return end->type == LAST_DOT ? -EINVAL : end->type == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
}

static int unlink_locked(const struct walk_env *env, const struct walk_end *end, struct dentry *d, bool directory)
{
	struct inode *dir = path_inode(&end->dir);
	if (!directory && end->slash)
		return dentry_is_dir(d) ? -EISDIR : -ENOTDIR;
	int err = permission_delete(env, end->dir.dentry, d->inode, directory);
	if (!err && mount_is_busy(d))
		err = -EBUSY;
	if (!err && !dir->ops->unlink)
		err = -EPERM;
	if (!err)
		err = dir->ops->unlink(dir, end->name, d->inode);
	if (err)
		return err;
	dentry_forget(env->vfs, d, DENTRY_REMOVED);
	watch_removed(env->vfs, dir, end->name, d);
	return 0;
}

int vfs_unlink(const struct walk_env *env, const struct path *base, const char *name, bool directory)
{
	struct walk_end end;
	struct dentry *d = NULL;
	int err = vfs_walk_parent(env, base, name, &end);
	if (err)
		return err;
	err = unlinkable(&end, directory);
	if (!err)
		err = mount_want_write(end.dir.mount);
	if (!err) {
		lock_dir(&end.dir);
		err = vfs_lookup_locked(env->vfs, end.dir.dentry, end.name, end.len, &d);
		if (!err)
			err = d ? unlink_locked(env, &end, d, directory) : -ENOENT;
		unlock_dir(&end.dir);
	}
	if (!err) {
		const struct path gone = {.mount = end.dir.mount, .dentry = d};
		registry_unlinked(env->vfs, &gone);
	}
	dentry_put(env->vfs, d);
	walk_end_finish(&end);
	if (!err)
		dcache_removed(env->vfs);
	return err;
}
