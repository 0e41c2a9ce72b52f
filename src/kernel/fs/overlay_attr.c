/* overlay: attributes and opens, of whatever layer has the object now. */
#include "kernel/fs/fifo.h"
#include "kernel/fs/overlay_private.h"

#include <fcntl.h>
#include <linux/fs.h>

/*
 * As Linux counts: "." and "..", and a ".." in each directory below. Where the host does not count (btrfs), nobody
 * does.
 */
static int count_links(struct overlay_inode *oi, struct statx *stx)
{
	unsigned directories;
	bool merged = atomic_load(&oi->lower_count) > (overlay_upper(oi) ? 0u : 1u);

	if (atomic_load(&oi->removed)) {
		stx->stx_nlink = 0;
		return 0;
	}
	if (stx->stx_nlink < 2 || (!merged && &oi->inode != oi->inode.super->root))
		return 0;
	int r = overlay_count_directories(oi, &directories);
	if (r == 0)
		stx->stx_nlink = 2 + directories;
	return r;
}

/*
 * What keeps a directory of a lower layer as it is still does so when it was copied up for the sake of what is in it.
 * The copy itself cannot have these flags: nothing could be made in it.
 */
static void add_kept(struct overlay_inode *oi, struct statx *ret)
{
	struct statx lower;
	if (!atomic_load(&oi->inode.kept) || !overlay_upper(oi) || atomic_load(&oi->lower_count) == 0 ||
	    atomic_load(&oi->own_flags))
		return;
	struct inode *real = oi->lowers[0];
	if (S_ISDIR(oi->inode.type) && real->ops->getattr(real, &lower) == 0)
		ret->stx_attributes |= lower.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
}

int overlay_get_flags(struct inode *inode, unsigned *ret)
{
	struct inode *real = overlay_real(overlay_inode(inode));
	struct statx kept = {0};
	int r = real->ops->get_flags ? (int)overlay_note(inode, real->ops->get_flags(real, ret)) : -ENOTTY;
	if (r < 0)
		return r;
	add_kept(overlay_inode(inode), &kept);
	*ret |= (kept.stx_attributes & STATX_ATTR_IMMUTABLE ? FS_IMMUTABLE_FL : 0u) |
		(kept.stx_attributes & STATX_ATTR_APPEND ? FS_APPEND_FL : 0u);
	return 0;
}

int overlay_set_flags(struct inode *inode, unsigned flags)
{
	struct overlay_inode *oi = overlay_inode(inode);
	int r = overlay_copy_up(oi, true);
	if (r < 0)
		return r;
	struct inode *upper = overlay_upper(oi);
	r = upper->ops->set_flags ? upper->ops->set_flags(upper, flags) : -ENOTTY;
	if (r == 0)
		atomic_store(&oi->own_flags, true);
	return r;
}

int overlay_getattr(struct inode *inode, struct statx *ret)
{
	struct overlay_inode *oi = overlay_inode(inode);
	struct inode *real = overlay_real(oi);
	int r = (int)overlay_note(inode, real->ops->getattr(real, ret));
	if (r < 0)
		return r;
	add_kept(oi, ret);
	/*
	 * A terminal that came with the guest is found by its name, ttyname(3), if fstat of the one is stat of the
	 * other.
	 */
	if (!S_ISCHR(inode->type) || real == overlay_upper(oi)) {
		ret->stx_ino = inode->ino;
		ret->stx_dev_major = inode->super->dev_major;
		ret->stx_dev_minor = inode->super->dev_minor;
	}
	if (S_ISDIR(inode->type))
		return count_links(oi, ret);
	long names = atomic_load(&oi->lower_names);
	if (real != overlay_upper(oi))
		ret->stx_nlink = 0;
	if (names > 0)
		ret->stx_nlink += (uint32_t)names;
	return 0;
}

int overlay_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	struct overlay_inode *oi = overlay_inode(inode);
	int r = overlay_copy_up(oi, !(attr->valid & STATX_SIZE) || attr->size > 0);
	if (r < 0)
		return r;
	struct inode *upper = overlay_upper(oi);
	return upper->ops->setattr ? upper->ops->setattr(upper, attr) : -EPERM;
}

ssize_t overlay_readlink(struct inode *inode, char *buf, size_t size)
{
	struct inode *real = overlay_real(overlay_inode(inode));
	return real->ops->readlink ? overlay_note(inode, real->ops->readlink(real, buf, size)) : -EINVAL;
}

/* Who connected to a socket before it was copied up must meet those who do so afterwards. */
static struct inode *meeting_point(struct overlay_inode *oi)
{
	bool meets = !S_ISREG(oi->inode.type) && !S_ISLNK(oi->inode.type) && oi->lowers_held > 0;
	return meets ? oi->lowers[0] : overlay_real(oi);
}

/*
 * A fifo of a lower layer is this overlay's own, whether it was copied up or not: neither the host nor others who have
 * the layer are met in it.
 */
static int open_lower_fifo(struct overlay_inode *oi, int flags, struct vfs_opened *ret)
{
	(void)pthread_mutex_lock(&oi->copy_lock);
	int fd = atomic_load(&oi->own);
	bool made = fd < 0;
	if (made) {
		fd = fifo_create();
		if (fd >= 0)
			atomic_store(&oi->own, fd);
	}
	(void)pthread_mutex_unlock(&oi->copy_lock);
	if (fd < 0)
		return fd;
	if (made)
		overlay_keep(oi);
	return fifo_open(fd, flags, ret);
}

int overlay_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	struct overlay_inode *oi = overlay_inode(inode);
	bool writes = !(flags & O_PATH) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC));

	if (S_ISDIR(inode->type))
		return -EOPNOTSUPP;
	if (writes && S_ISREG(inode->type)) {
		int r = overlay_copy_up(oi, !(flags & O_TRUNC));
		if (r < 0)
			return r;
	}
	if (S_ISFIFO(inode->type) && oi->lowers_held > 0)
		return open_lower_fifo(oi, flags, ret);
	struct inode *real = meeting_point(oi);
	return real->ops->open ? (int)overlay_note(inode, real->ops->open(real, flags, ret)) : -ENXIO;
}

/* A directory is more than its host object. */
int overlay_host(struct inode *inode, int *ret_fd)
{
	struct overlay_inode *oi = overlay_inode(inode);
	struct inode *real = meeting_point(oi);

	if (atomic_load(&oi->own) >= 0) {
		int fd = fcntl(atomic_load(&oi->own), F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return errno == EMFILE ? -ENFILE : -errno;
		*ret_fd = fd;
		return 0;
	}
	if (S_ISDIR(inode->type) || !real->ops->host)
		return -EOPNOTSUPP;
	return (int)overlay_note(inode, real->ops->host(real, ret_fd));
}

static bool stands_on(struct inode *real, dev_t dev, ino_t ino, int *ret_fd)
{
	struct stat st;
	int fd;

	if (!real || !real->ops->host || real->ops->host(real, &fd) < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino) {
		*ret_fd = fd;
		return true;
	}
	(void)close(fd);
	return false;
}

int overlay_backing(struct inode *inode, dev_t dev, ino_t ino, int *ret_fd)
{
	struct overlay_inode *oi = overlay_inode(inode);
	struct inode *lower = oi->lowers_held > 0 ? oi->lowers[0] : NULL;

	return stands_on(overlay_upper(oi), dev, ino, ret_fd) || stands_on(lower, dev, ino, ret_fd) ? 0 : -ENOENT;
}

/* A file of a lower layer may be open for reading since before it was copied up: nobody can tell. */
bool overlay_in_use(struct inode *inode)
{
	struct overlay_inode *oi = overlay_inode(inode);
	struct inode *upper = overlay_upper(oi);

	return oi->lowers_held > 0 || upper->ops->in_use(upper);
}

/* ---- extended attributes ---- */

bool overlay_has_no_xattr(int error)
{
	return error == -ENODATA || error == -EOPNOTSUPP || error == -EPERM || error == -EACCES || error == -ENOSYS;
}

bool overlay_own_xattr(const char *name)
{
	static const char *const prefixes[] = {"trusted.overlay.", "user.overlay.", "user.fuseoverlayfs."};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

ssize_t overlay_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct inode *real = overlay_real(overlay_inode(inode));

	if (overlay_own_xattr(name))
		return -ENODATA;
	return real->ops->getxattr ? overlay_note(inode, real->ops->getxattr(real, name, value, size)) : -EOPNOTSUPP;
}

ssize_t overlay_acl(struct inode *inode, bool of_default, void *value, size_t size)
{
	struct inode *real = overlay_real(overlay_inode(inode));
	static const char *const names[] = {"system.posix_acl_access", "system.posix_acl_default"};

	if (real->ops->acl)
		return real->ops->acl(real, of_default, value, size);
	return real->ops->getxattr ? real->ops->getxattr(real, names[of_default], value, size) : -EOPNOTSUPP;
}

int overlay_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	if (overlay_own_xattr(name))
		return -EPERM;
	int r = overlay_copy_up(overlay_inode(inode), true);
	if (r < 0)
		return r;
	struct inode *upper = overlay_upper(overlay_inode(inode));
	return upper->ops->setxattr ? upper->ops->setxattr(upper, name, value, size, flags) : -EOPNOTSUPP;
}

int overlay_removexattr(struct inode *inode, const char *name)
{
	struct inode *real = overlay_real(overlay_inode(inode));

	if (overlay_own_xattr(name))
		return -ENODATA;
	/* Nothing is copied up for the sake of an error. */
	ssize_t n = real->ops->getxattr ? real->ops->getxattr(real, name, NULL, 0) : -EOPNOTSUPP;
	if (n < 0)
		return (int)n;
	int r = overlay_copy_up(overlay_inode(inode), true);
	if (r < 0)
		return r;
	struct inode *upper = overlay_upper(overlay_inode(inode));
	return upper->ops->removexattr ? upper->ops->removexattr(upper, name) : -EOPNOTSUPP;
}

ssize_t overlay_listxattr(struct inode *inode, char *list, size_t size)
{
	struct inode *real = overlay_real(overlay_inode(inode));

	if (!real->ops->listxattr)
		return -EOPNOTSUPP;
	return overlay_note(inode, xattr_list_without(real, overlay_own_xattr, list, size));
}
