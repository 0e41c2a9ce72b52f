/* What an object says of itself, and changes of that: fs/attr.c of Linux. */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/statvfs.h>

#include "kernel/task/cred.h"
#include "kernel/vfs/acl.h"

int vfs_getattr(const struct path *p, struct statx *ret)
{
	struct inode *inode = path_inode(p);
	return inode->ops->getattr(inode, ret);
}

int vfs_statfs(const struct path *p, struct statfs *ret)
{
	struct super *sb = path_inode(p)->super;
	if (!sb->ops->statfs)
		return -ENOSYS;
	int err = sb->ops->statfs(sb, ret);
	if (err)
		return err;
	const unsigned flags = p->mount->flags;
	ret->f_flags &= ~(ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC);
	ret->f_flags |= 0x20 /* ST_VALID */ | (flags & MOUNT_READONLY ? ST_RDONLY : 0) |
			(flags & MOUNT_NOSUID ? ST_NOSUID : 0) | (flags & MOUNT_NODEV ? ST_NODEV : 0) |
			(flags & MOUNT_NOEXEC ? ST_NOEXEC : 0);
	return 0;
}

bool vfs_is_removed(const struct path *p)
{
	return dentry_flags(p->dentry) & DENTRY_REMOVED;
}

int vfs_host(const struct path *p, int *ret_fd)
{
	struct inode *inode = path_inode(p);
	return inode->ops->host ? inode->ops->host(inode, ret_fd) : -EOPNOTSUPP;
}

ssize_t vfs_readlink(const struct walk_env *env, const struct path *p, char *buf, size_t size)
{
	struct inode *inode = path_inode(p);
	char name[VFS_PATH_MAX + 16];
	if (inode->type != S_IFLNK)
		return -EINVAL;
	if (inode->ops->readlink_as)
		return inode->ops->readlink_as(inode, env, buf, size);
	if (inode->ops->readlink)
		return inode->ops->readlink(inode, buf, size);
	if (!inode->ops->follow)
		return -EINVAL;
	struct path to = {0};
	int err = inode->ops->follow(inode, (struct walk_env *)env, &to);
	if (err)
		return err;
	ssize_t len = vfs_shown_name(env, &to, name, sizeof(name));
	path_put(&to);
	if (len < 0)
		return -ENAMETOOLONG;
	len = len - 1 < (ssize_t)size ? len - 1 : (ssize_t)size;
	memcpy(buf, name, (size_t)len);
	return len;
}

/* ---- changes ---- */

static bool in_group_or_capable(const struct walk_env *env, gid_t gid, int cap)
{
	return cred_in_group(env->cred, gid) || cred_capable(env->cred, cap);
}

static int may_chown(const struct walk_env *env, const struct owner *o, const struct vfs_attr *a)
{
	const struct cred *c = env->cred;
	bool owner = c->fsuid == o->uid;
	if (a->valid & STATX_UID && !(owner && a->uid == o->uid) && !cred_capable(c, CAP_CHOWN))
		return -EPERM;
	if (a->valid & STATX_GID && !(owner && (a->gid == o->gid || cred_in_group(c, a->gid))) &&
	    !cred_capable(c, CAP_CHOWN))
		return -EPERM;
	return 0;
}

static bool times_are_now(const struct vfs_attr *a)
{
	return (!(a->valid & STATX_ATIME) || a->atime.tv_nsec == UTIME_NOW) &&
	       (!(a->valid & STATX_MTIME) || a->mtime.tv_nsec == UTIME_NOW) &&
	       (a->valid & (STATX_ATIME | STATX_MTIME)) == (STATX_ATIME | STATX_MTIME);
}

static int may_set_times(const struct walk_env *env, struct inode *inode, const struct owner *o,
			 const struct vfs_attr *a)
{
	if (permission_owns(env, o))
		return 0;
	return times_are_now(a) ? permission_check(env, inode, MAY_WRITE) : -EPERM;
}

static int may_set(const struct walk_env *env, struct inode *inode, const struct owner *o, const struct vfs_attr *a)
{
	int err = 0;
	if (a->valid & STATX_SIZE)
		err = permission_check(env, inode, MAY_WRITE);
	if (!err && a->valid & (STATX_UID | STATX_GID))
		err = may_chown(env, o, a);
	if (!err && a->valid & STATX_MODE && !permission_owns(env, o))
		err = -EPERM;
	if (!err && a->valid & (STATX_ATIME | STATX_MTIME))
		err = may_set_times(env, inode, o, a);
	return err;
}

/* suid and sgid do not outlive a new owner, and a new length only with CAP_FSETID. */
static void drop_privileges(const struct walk_env *env, const struct inode *inode, const struct owner *o,
			    struct vfs_attr *a)
{
	mode_t mode = o->mode & 07777;
	bool chown = a->valid & (STATX_UID | STATX_GID | STATX_CTIME);
	if (a->valid & STATX_MODE) {
		gid_t gid = a->valid & STATX_GID ? a->gid : o->gid;
		a->mode &= 07777;
		if (!in_group_or_capable(env, gid, CAP_FSETID))
			a->mode &= ~(mode_t)S_ISGID;
		return;
	}
	if (inode->type == S_IFDIR || !(chown || (a->valid & STATX_SIZE && !cred_capable(env->cred, CAP_FSETID))))
		return;
	mode_t dropped = mode & ~(mode_t)S_ISUID;
	if (mode & S_ISGID && (mode & S_IXGRP || !in_group_or_capable(env, o->gid, CAP_FSETID)))
		dropped &= ~(mode_t)S_ISGID;
	if (dropped != mode) {
		a->mode = dropped;
		a->valid |= STATX_MODE;
	}
}

int attr_drop_for_truncate(const struct walk_env *env, struct inode *inode)
{
	struct vfs_attr attr = {.valid = STATX_SIZE};
	struct owner o;
	if (cred_capable(env->cred, CAP_FSETID) || permission_is_hosts(env, inode) || !inode->ops->setattr)
		return 0;
	int err = inode_owner(inode, &o);
	if (err)
		return err;
	drop_privileges(env, inode, &o, &attr);
	attr.valid &= STATX_MODE;
	return attr.valid ? inode->ops->setattr(inode, &attr) : 0;
}

int vfs_want_write(const struct path *p)
{
	int err = mount_want_write(p->mount);
	return !err && path_inode(p)->super->flags & SUPER_READONLY ? -EROFS : err;
}

/* may_setattr of Linux, and IS_APPEND of vfs_truncate. */
static bool kept_as_is(struct inode *inode, const struct vfs_attr *a)
{
	const unsigned kept = inode_kept(inode);
	bool times = a->valid & (STATX_ATIME | STATX_MTIME) && !times_are_now(a);
	if (kept & INODE_IMMUTABLE)
		return a->valid & ~(unsigned)STATX_CTIME;
	return kept & INODE_APPEND && (times || a->valid & (STATX_MODE | STATX_UID | STATX_GID | STATX_SIZE));
}

int vfs_setattr(const struct walk_env *env, const struct path *p, struct vfs_attr *attr)
{
	struct inode *inode = path_inode(p);
	struct owner o;
	if (attr->valid & STATX_SIZE && inode->type != S_IFREG)
		return inode->type == S_IFDIR ? -EISDIR : -EINVAL;
	int err = vfs_want_write(p);
	if (!err && kept_as_is(inode, attr))
		err = -EPERM;
	if (!err && !permission_is_hosts(env, inode)) {
		err = inode_owner(inode, &o);
		if (!err)
			err = may_set(env, inode, &o, attr);
		if (!err)
			drop_privileges(env, inode, &o, attr);
		/* chown without ids is anybody's, but what it drops is the owner's */
		if (!err && attr->valid & STATX_MODE && !permission_owns(env, &o) && attr->valid & STATX_CTIME)
			err = -EPERM;
	}
	if (err)
		return err;
	if (!permission_is_hosts(env, inode))
		attr->fd = NULL;
	dentry_come_by(p->dentry);
	err = inode->ops->setattr ? inode->ops->setattr(inode, attr) : -EPERM;
	if (!err && attr->valid & STATX_MODE)
		err = acl_chmod(inode, attr->mode);
	if (!err && attr->valid & STATX_UID)
		scratch_chowned(env->vfs, inode);
	if (!err)
		watch_changed(env->vfs, p->dentry, attr);
	return err;
}

/* ---- flags of files: fs/file_attr.c ---- */

int vfs_get_flags(const struct path *p, unsigned *ret)
{
	struct inode *inode = path_inode(p);
	return inode->ops->get_flags ? inode->ops->get_flags(inode, ret) : -ENOTTY;
}

static int may_set_flags(const struct walk_env *env, struct inode *inode, unsigned flags)
{
	struct owner o;
	unsigned old;
	if (!inode->ops->set_flags)
		return -ENOTTY;
	int err = inode_owner(inode, &o);
	if (!err && !permission_owns(env, &o))
		err = -EPERM;
	if (!err)
		err = inode->ops->get_flags(inode, &old);
	if (err)
		return err;
	bool keeps = (flags ^ old) & (FS_IMMUTABLE_FL | FS_APPEND_FL);
	return keeps && env->cred && !cred_capable(env->cred, CAP_LINUX_IMMUTABLE) ? -EPERM : 0;
}

int vfs_set_flags(const struct walk_env *env, const struct path *p, unsigned flags)
{
	struct inode *inode = path_inode(p);
	int err = vfs_want_write(p);
	if (!err)
		err = may_set_flags(env, inode, flags);
	if (!err)
		err = inode->ops->set_flags(inode, flags);
	if (!err)
		vfs_flags_change(p);
	return err;
}

void vfs_flags_change(const struct path *p)
{
	atomic_store(&path_inode(p)->kept, INODE_KEPT_ASK);
}
