/*
 * Who may do what: mode bits, owners and capabilities, as fs/namei.c of Linux decides. A NULL cred is the VFS itself.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#include "kernel/task/cred.h"
#include "kernel/vfs/acl.h"

bool permission_is_hosts(const struct walk_env *env, const struct inode *inode)
{
	return !env->cred || (env->cred->host && inode->super->flags & SUPER_HOST_CHECKS);
}

int inode_owner(struct inode *inode, struct owner *ret)
{
	struct statx st;
	int err = inode->ops->getattr(inode, &st);
	if (err)
		return err;
	*ret = (struct owner){.mode = st.stx_mode, .uid = st.stx_uid, .gid = st.stx_gid};
	return 0;
}

static bool mode_allows(const struct cred *c, const struct owner *o, int mask)
{
	mode_t mode = o->mode;
	if (o->uid == c->fsuid)
		mode >>= 6;
	else if (cred_in_group(c, o->gid))
		mode >>= 3;
	return (mask & ~(int)mode & 7) == 0;
}

static bool caps_allow_dir(const struct cred *c, int mask)
{
	return cred_capable(c, CAP_DAC_OVERRIDE) || (!(mask & MAY_WRITE) && cred_capable(c, CAP_DAC_READ_SEARCH));
}

static int owner_of(struct inode *inode, const struct statx *attr, struct owner *ret)
{
	if (!attr)
		return inode_owner(inode, ret);
	*ret = (struct owner){.mode = attr->stx_mode, .uid = attr->stx_uid, .gid = attr->stx_gid};
	return 0;
}

/* attr: what .getattr says just now, or NULL. */
static int check(const struct cred *c, struct inode *inode, const struct statx *attr, int mask)
{
	struct owner o;
	if (inode->type == S_IFDIR && caps_allow_dir(c, mask))
		return 0;
	if (inode->type != S_IFDIR && !(mask & MAY_EXEC) && cred_capable(c, CAP_DAC_OVERRIDE))
		return 0;
	int err = owner_of(inode, attr, &o);
	if (err)
		return err;
	int by_acl = o.uid == c->fsuid ? 1 : acl_permission(c, inode, &o, mask);
	if (by_acl == 0 || (by_acl > 0 && mode_allows(c, &o, mask)))
		return 0;
	if (inode->type == S_IFDIR)
		return -EACCES;
	if (mask == MAY_READ && cred_capable(c, CAP_DAC_READ_SEARCH))
		return 0;
	return o.mode & 0111 && cred_capable(c, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

static int check_or_grant(const struct walk_env *env, struct inode *inode, const struct statx *attr, int mask)
{
	int err = check(env->cred, inode, attr, mask);
	return err == -EACCES && inode->ops->grants && inode->ops->grants(inode, env) ? 0 : err;
}

static bool is_file_of_super(const struct inode *inode)
{
	return inode->type == S_IFREG || inode->type == S_IFDIR || inode->type == S_IFLNK;
}

static int check_known(const struct walk_env *env, struct inode *inode, const struct statx *attr, int mask)
{
	if (mask & MAY_WRITE && inode->super->flags & SUPER_READONLY && is_file_of_super(inode))
		return -EROFS;
	if (mask & MAY_WRITE && inode_kept(inode) & INODE_IMMUTABLE)
		return -EPERM;
	if (!env->cred)
		return 0;
	return check_or_grant(env, inode, attr, mask);
}

int permission_check(const struct walk_env *env, struct inode *inode, int mask)
{
	return check_known(env, inode, NULL, mask);
}

bool permission_search_asks(const struct walk_env *env, const struct inode *dir)
{
	return !(dir->super->flags & SUPER_IN_MEMORY) && !permission_is_hosts(env, dir) && !caps_allow_dir(env->cred, MAY_EXEC);
}

int permission_search(const struct walk_env *env, struct inode *dir)
{
	if (permission_is_hosts(env, dir))
		return 0;
	return check_or_grant(env, dir, NULL, MAY_EXEC);
}

bool permission_owns(const struct walk_env *env, const struct owner *o)
{
	return !env->cred || env->cred->fsuid == o->uid || cred_capable(env->cred, CAP_FOWNER);
}

int permission_create(const struct walk_env *env, const struct dentry *dir)
{
	if (dentry_flags(dir) & DENTRY_REMOVED)
		return -ENOENT;
	if (permission_is_hosts(env, dir->inode))
		return 0;
	return permission_check(env, dir->inode, MAY_WRITE | MAY_EXEC);
}

/* In a sticky directory only owners of the file or of the directory remove names. */
static int check_sticky(const struct walk_env *env, struct inode *dir, struct inode *victim)
{
	struct owner d, o;
	if (cred_capable(env->cred, CAP_FOWNER))
		return 0;
	int err = inode_owner(dir, &d);
	if (err || !(d.mode & S_ISVTX) || env->cred->fsuid == d.uid)
		return err;
	err = inode_owner(victim, &o);
	if (err)
		return err;
	return env->cred->fsuid == o.uid ? 0 : -EPERM;
}

/* may_create_in_sticky of Linux: in a sticky directory not what somebody else put there for the caller to fill. */
int permission_create_over(const struct walk_env *env, struct inode *dir, struct inode *inode)
{
	const int level = inode->type == S_IFREG ? env->vfs->protected_regular :
			  inode->type == S_IFIFO ? env->vfs->protected_fifos : 1;
	struct owner d, o;
	if (!env->cred || level == 0)
		return 0;
	int err = inode_owner(dir, &d);
	if (err || !(d.mode & S_ISVTX))
		return err;
	err = inode_owner(inode, &o);
	if (err || o.uid == d.uid || o.uid == env->cred->fsuid)
		return err;
	return d.mode & S_IWOTH || (d.mode & S_IWGRP && level >= 2) ? -EACCES : 0;
}

int permission_delete(const struct walk_env *env, const struct dentry *dir, struct inode *victim, bool directory)
{
	if (!permission_is_hosts(env, dir->inode)) {
		int err = permission_check(env, dir->inode, MAY_WRITE | MAY_EXEC);
		if (!err)
			err = check_sticky(env, dir->inode, victim);
		if (err)
			return err;
	}
	if (inode_kept(victim) || inode_kept(dir->inode) & INODE_APPEND)
		return -EPERM;
	if (directory && victim->type != S_IFDIR)
		return -ENOTDIR;
	if (!directory && victim->type == S_IFDIR)
		return -EISDIR;
	return dentry_flags(dir) & DENTRY_REMOVED ? -ENOENT : 0;
}

/*
 * mode_strip_sgid of Linux, which comes before the umask: nobody gives a file of a group that he is not of its rights.
 */
static int strip_sgid(const struct walk_env *env, struct inode *dir, mode_t *mode)
{
	struct owner o;
	if (S_ISDIR(*mode) || (*mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) || !env->cred ||
	    cred_capable(env->cred, CAP_FSETID))
		return 0;
	int err = inode_owner(dir, &o);
	if (!err && o.mode & S_ISGID && !cred_in_group(env->cred, o.gid))
		*mode &= ~(mode_t)S_ISGID;
	return err;
}

int permission_new(const struct walk_env *env, struct inode *dir, mode_t mode, struct vfs_create *how, struct acl_birth *acl)
{
	how->mode = mode;
	int err = strip_sgid(env, dir, &how->mode);
	if (!err)
		err = acl_inherit(env, dir, how, acl);
	if (err)
		return err;
	how->uid = env->cred ? env->cred->fsuid : 0;
	how->gid = env->cred ? env->cred->fsgid : 0;
	if (permission_is_hosts(env, dir)) {
		/* The host makes it for the same ids, and considers setgid directories. */
		if (env->cred)
			how->uid = how->gid = VFS_OWNER_OF_HOST;
		return 0;
	}
	struct owner o;
	err = inode_owner(dir, &o);
	if (err || !(o.mode & S_ISGID))
		return err;
	how->gid = o.gid;
	if (S_ISDIR(mode))
		how->mode |= S_ISGID;
	return 0;
}

/*
 * What the host says to its own identity, ACLs considered, which mode bits do not show. 1: it is not the host's to say.
 * Who may override them need not ask, unless he wants to write: a file may be immutable.
 */
static int ask_host(const struct walk_env *env, struct inode *inode, int mask)
{
	if (!env->cred || !permission_is_hosts(env, inode) || !inode->ops->host || inode->type == S_IFLNK ||
	    (!(mask & MAY_WRITE) && cred_capable(env->cred, CAP_DAC_OVERRIDE)))
		return 1;
	AUTO_CLOSE int fd = -1;
	if (inode->ops->host(inode, &fd) < 0)
		return 1;
	if (syscall(SYS_faccessat2, fd, "", mask, AT_EMPTY_PATH | AT_EACCESS) == 0)
		return 0;
	return errno == ENOSYS || errno == EINVAL ? 1 : -errno;
}

bool permission_search_end_asks(const struct walk_env *env, const struct inode *dir)
{
	return env->cred && permission_is_hosts(env, dir) && !caps_allow_dir(env->cred, MAY_EXEC);
}

int permission_search_end(const struct walk_env *env, struct inode *dir)
{
	return ask_host(env, dir, MAY_EXEC) == -EACCES ? -EACCES : 0;
}

int vfs_permission_known(const struct walk_env *env, const struct path *p, const struct statx *attr, int mask)
{
	struct inode *inode = path_inode(p);
	int err = ask_host(env, inode, mask);
	if (err > 0)
		err = check_known(env, inode, attr, mask);
	if (!err && mask & MAY_EXEC && inode->type == S_IFREG && p->mount->flags & MOUNT_NOEXEC)
		err = -EACCES;
	if (!err && mask & MAY_WRITE && is_file_of_super(inode))
		err = mount_want_write(p->mount);
	return err;
}

int vfs_permission(const struct walk_env *env, const struct path *p, int mask)
{
	return vfs_permission_known(env, p, NULL, mask);
}
