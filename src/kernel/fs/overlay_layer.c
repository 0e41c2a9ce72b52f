/* overlay: operations of a layer's directories, with the locks that the VFS would take, and what marks mean in them. */
#include "kernel/fs/overlay_private.h"

int layer_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	(void)pthread_rwlock_rdlock(&dir->lock);
	int r = dir->ops->lookup(dir, name, ret);
	(void)pthread_rwlock_unlock(&dir->lock);
	return r;
}

int layer_iterate(struct inode *dir, struct dir_reader *reader)
{
	(void)pthread_rwlock_rdlock(&dir->lock);
	int r = dir->ops->iterate(dir, reader);
	(void)pthread_rwlock_unlock(&dir->lock);
	return r;
}

int layer_create(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret)
{
	if (!dir->ops->create)
		return -EPERM;
	(void)pthread_rwlock_wrlock(&dir->lock);
	int r = dir->ops->create(dir, name, how, ret);
	(void)pthread_rwlock_unlock(&dir->lock);
	return r;
}

int layer_link(struct inode *dir, const char *name, struct inode *inode)
{
	if (!dir->ops->link)
		return -EPERM;
	(void)pthread_rwlock_wrlock(&dir->lock);
	int r = dir->ops->link(dir, name, inode);
	(void)pthread_rwlock_unlock(&dir->lock);
	return r;
}

int layer_unlink(struct inode *dir, const char *name, struct inode *inode)
{
	if (!dir->ops->unlink)
		return -EPERM;
	(void)pthread_rwlock_wrlock(&dir->lock);
	int r = dir->ops->unlink(dir, name, inode);
	(void)pthread_rwlock_unlock(&dir->lock);
	return r;
}

int layer_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		 const char *new_name, struct inode *replaced, unsigned flags)
{
	if (!old_dir->ops->rename)
		return -EPERM;
	struct inode *first = old_dir < new_dir ? old_dir : new_dir;
	struct inode *second = old_dir < new_dir ? new_dir : old_dir;
	(void)pthread_rwlock_wrlock(&first->lock);
	if (second != first)
		(void)pthread_rwlock_wrlock(&second->lock);
	int r = old_dir->ops->rename(old_dir, old_name, moved, new_dir, new_name, replaced, flags);
	if (second != first)
		(void)pthread_rwlock_unlock(&second->lock);
	(void)pthread_rwlock_unlock(&first->lock);
	return r;
}

int layer_is_whiteout(struct inode *inode)
{
	struct statx stx;

	if (!S_ISCHR(inode->type))
		return 0;
	int r = inode->ops->getattr(inode, &stx);
	return r < 0 ? r : stx.stx_rdev_major == 0 && stx.stx_rdev_minor == 0;
}

static int has_name(struct inode *dir, const char *name)
{
	struct inode *inode;
	int r = layer_lookup(dir, name, &inode);
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG ? 0 : r;
	inode_unref(inode);
	return 1;
}

int layer_is_opaque(struct inode *dir)
{
	static const char *const names[] = {
		"trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque",
	};
	char value[4];

	for (size_t i = 0; dir->ops->getxattr && i < ARRAY_SIZE(names); i++) {
		/* Linux uses other values for other things ("x": has whiteouts that are attributes). */
		ssize_t n = dir->ops->getxattr(dir, names[i], value, sizeof(value));
		if (n == 1 && value[0] == 'y')
			return 1;
		if (n < 0 && !overlay_has_no_xattr((int)n))
			return (int)n;
	}
	return has_name(dir, OVERLAY_OPAQUE_FILE);
}

bool overlay_name_hidden(const char *name)
{
	return strncmp(name, OVERLAY_WHITEOUT_PREFIX, strlen(OVERLAY_WHITEOUT_PREFIX)) == 0;
}

bool overlay_whiteout_name(const char *name, char buf[VFS_NAME_MAX + 1])
{
	int n = snprintf(buf, VFS_NAME_MAX + 1, OVERLAY_WHITEOUT_PREFIX "%s", name);

	return n > 0 && n <= VFS_NAME_MAX;
}

int layer_has_whiteout_file(struct inode *dir, const char *name)
{
	char whiteout[VFS_NAME_MAX + 1];

	return overlay_whiteout_name(name, whiteout) ? has_name(dir, whiteout) : 0;
}
