/* Extended attributes: who may see and set those of which name space (xattr(7), fs/xattr.c). */
#include <endian.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <string.h>

#include "kernel/task/cred.h"
#include "kernel/vfs/acl.h"

enum { XATTR_NAME_MAX_ = 255 };

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* user.*: the permissions of the file; sticky directories only for owners. */
static int check_user(const struct walk_env *env, struct inode *inode, int mask)
{
	struct owner o;
	if (inode->type != S_IFREG && inode->type != S_IFDIR)
		return mask == MAY_WRITE ? -EPERM : -ENODATA;
	if (permission_is_hosts(env, inode))
		return 0;
	if (inode->type == S_IFDIR && mask == MAY_WRITE) {
		int err = inode_owner(inode, &o);
		if (err)
			return err;
		if (o.mode & S_ISVTX && !permission_owns(env, &o))
			return -EPERM;
	}
	return permission_check(env, inode, mask);
}

static int check_name(const struct walk_env *env, const struct path *p, const char *name, int mask)
{
	struct inode *inode = path_inode(p);
	size_t len = strnlen(name, XATTR_NAME_MAX_ + 1);
	if (len == 0 || len > XATTR_NAME_MAX_)
		return -ERANGE;
	if (mask == MAY_WRITE) {
		int err = vfs_want_write(p);
		if (!err && inode_kept(inode))
			err = -EPERM;
		if (err)
			return err;
	}
	if (has_prefix(name, "trusted."))
		return !env->cred || cred_capable(env->cred, CAP_SYS_ADMIN) ? 0 : mask == MAY_WRITE ? -EPERM : -ENODATA;
	if (has_prefix(name, "user."))
		return check_user(env, inode, mask);
	/* What decides about these asks for itself; a name of no name space is looked at after the permissions. */
	if (has_prefix(name, "security.") || has_prefix(name, "system.") || permission_is_hosts(env, inode))
		return 0;
	return permission_check(env, inode, mask);
}

/* Other name spaces are changed by the owner (ACLs) or with CAP_SYS_ADMIN (file capabilities and labels). */
static int check_change(const struct walk_env *env, struct inode *inode, const char *name)
{
	struct owner o;
	if (permission_is_hosts(env, inode) || has_prefix(name, "user.") || has_prefix(name, "trusted."))
		return 0;
	if (has_prefix(name, "security."))
		return cred_capable(env->cred, strcmp(name, "security.capability") == 0 ? CAP_SETFCAP : CAP_SYS_ADMIN)
			       ? 0 : -EPERM;
	if (!has_prefix(name, "system.posix_acl_"))
		return 0;
	int err = inode_owner(inode, &o);
	if (err)
		return err;
	return permission_owns(env, &o) ? 0 : -EPERM;
}

/* The host would carry out what an ACL means for itself, and not for a caller who is somebody else. */
static bool acl_is_ours(const struct walk_env *env, const struct inode *inode)
{
	return inode->super->flags & SUPER_KEEPS_ACLS || !permission_is_hosts(env, inode);
}

/* Linux asks who changes security.* before it asks the filesystem; the others after. */
static int may_change(const struct walk_env *env, struct inode *inode, const char *name, bool supported)
{
	int err = supported || has_prefix(name, "security.") ? check_change(env, inode, name) : 0;
	return err ? err : supported ? 0 : -EOPNOTSUPP;
}

ssize_t vfs_getxattr(const struct walk_env *env, const struct path *p, const char *name, void *value, size_t size)
{
	struct inode *inode = path_inode(p);
	int err = check_name(env, p, name, MAY_READ);
	if (err)
		return err;
	return inode->ops->getxattr ? inode->ops->getxattr(inode, name, value, size) : -EOPNOTSUPP;
}

/* cap_convert_nscap of Linux: what is neither empty nor a file capability is refused before the filesystem is asked. */
static int check_capability(const struct walk_env *env, const struct inode *inode, const char *name, const void *value,
			    size_t size)
{
	uint32_t magic = 0;
	if (!size || strcmp(name, "security.capability") != 0 || permission_is_hosts(env, inode))
		return 0;
	if (size >= sizeof(magic))
		memcpy(&magic, value, sizeof(magic));
	const uint32_t revision = le32toh(magic) & VFS_CAP_REVISION_MASK;
	return (size == XATTR_CAPS_SZ_2 && revision == VFS_CAP_REVISION_2) ||
	       (size == XATTR_CAPS_SZ_3 && revision == VFS_CAP_REVISION_3) ? 0 : -EINVAL;
}

int vfs_setxattr(const struct walk_env *env, const struct path *p, const char *name, const void *value, size_t size,
		 int flags)
{
	struct inode *inode = path_inode(p);
	bool of_default;
	int err = check_name(env, p, name, MAY_WRITE);
	if (!err)
		err = check_capability(env, inode, name, value, size);
	if (!err && acl_is_ours(env, inode) && xattr_is_acl(name, &of_default))
		err = acl_check(value, size);
	if (!err)
		err = may_change(env, inode, name, inode->ops->setxattr);
	if (!err)
		dentry_come_by(p->dentry);
	if (!err && acl_is_ours(env, inode) && xattr_is_acl(name, &of_default))
		err = acl_set(env, inode, of_default ? ACL_DEFAULT : ACL_ACCESS, value, size);
	else if (!err)
		err = inode->ops->setxattr(inode, name, value, size, flags);
	if (!err)
		watch_xattr(env->vfs, p->dentry);
	return err;
}

ssize_t xattr_list_without(struct inode *inode, bool (*hidden)(const char *name), char *list, size_t size)
{
	AUTO_FREE char *all = malloc(XATTR_LIST_MAX);
	if (!all)
		return -ENOMEM;
	ssize_t n = inode->ops->listxattr(inode, all, XATTR_LIST_MAX);
	size_t kept = 0;
	for (ssize_t at = 0, len; at < n; at += len) {
		len = (ssize_t)strlen(all + at) + 1;
		if (hidden(all + at))
			continue;
		memmove(all + kept, all + at, (size_t)len);
		kept += (size_t)len;
	}
	if (n < 0)
		return n;
	if (size > 0 && kept > size)
		return -ERANGE;
	if (size > 0)
		memcpy(list, all, kept);
	return (ssize_t)kept;
}

/* Only CAP_SYS_ADMIN sees these; for others they are not there. */
static bool is_trusted(const char *name)
{
	return has_prefix(name, "trusted.");
}

ssize_t vfs_listxattr(const struct walk_env *env, const struct path *p, char *list, size_t size)
{
	struct inode *inode = path_inode(p);
	if (!inode->ops->listxattr)
		return 0;
	if (env->cred && !cred_capable(env->cred, CAP_SYS_ADMIN))
		return xattr_list_without(inode, is_trusted, list, size);
	return inode->ops->listxattr(inode, list, size);
}

int vfs_removexattr(const struct walk_env *env, const struct path *p, const char *name)
{
	struct inode *inode = path_inode(p);
	bool of_default;
	int err = check_name(env, p, name, MAY_WRITE);
	if (!err)
		err = may_change(env, inode, name, inode->ops->removexattr);
	if (!err)
		dentry_come_by(p->dentry);
	if (!err && acl_is_ours(env, inode) && xattr_is_acl(name, &of_default))
		err = acl_set(env, inode, of_default ? ACL_DEFAULT : ACL_ACCESS, NULL, 0);
	else if (!err)
		err = inode->ops->removexattr(inode, name);
	if (!err)
		watch_xattr(env->vfs, p->dentry);
	return err;
}
