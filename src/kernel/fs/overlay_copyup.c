/*
 * overlay: copying objects to the upper layer. A file is copied into a nameless one (O_TMPFILE), or else into the work
 * directory, and gets its name when it is complete; everything else is made ready in the work directory.
 */
#include "kernel/fs/overlay_private.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

enum { COPY_BUFFER_SIZE = 256 * 1024, XATTR_VALUE_MAX = 64 * 1024 };

/* ---- data ---- */

static int copy_by_hand(int in, int out, off_t at, off_t end)
{
	AUTO_FREE char *buf = malloc(COPY_BUFFER_SIZE);
	if (!buf)
		return -ENOMEM;
	while (at < end) {
		size_t wanted = end - at < COPY_BUFFER_SIZE ? (size_t)(end - at) : COPY_BUFFER_SIZE;
		ssize_t n = pread(in, buf, wanted, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t m = pwrite(out, buf + done, (size_t)(n - done), at + done);
			if (m < 0 && errno != EINTR)
				return -errno;
			done += m > 0 ? m : 0;
		}
		at += n;
	}
	return 0;
}

static int copy_range(int in, int out, off_t at, off_t end)
{
	while (at < end) {
		off_t from = at, to = at;
		ssize_t n = copy_file_range(in, &from, out, &to, (size_t)(end - at), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG))
			return -errno;
		/* Between kinds of file systems, or of files that have no size: as everybody did before. */
		if (n <= 0)
			return copy_by_hand(in, out, at, end);
		at += n;
	}
	return 0;
}

/* Holes stay holes. */
static int copy_data(int in, int out, off_t size)
{
	off_t at = 0;

	if (size == 0 || ioctl(out, FICLONE, in) == 0)
		return 0;
	while (at < size) {
		off_t data = lseek(in, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		off_t hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
		if (hole < 0) {
			data = at;
			hole = size;
		}
		int r = copy_range(in, out, data, hole);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(out, size) < 0 ? -errno : 0;
}

static int copy_file_data(struct inode *lower, int out, off_t size)
{
	struct vfs_opened in = {.fd = -1};
	int r = lower->ops->open(lower, O_RDONLY, &in);
	if (r < 0)
		return r;
	r = copy_data(in.fd, out, size);
	(void)close(in.fd);
	return r;
}

/* ---- attributes ---- */

static int copy_xattr(struct inode *from, struct inode *to, const char *name, void *value)
{
	ssize_t n = from->ops->getxattr(from, name, value, XATTR_VALUE_MAX);
	if (n < 0)
		return overlay_has_no_xattr((int)n) ? 0 : (int)n;	/* gone, or not for us */
	int r = to->ops->setxattr(to, name, value, (size_t)n, 0);
	/* What the upper cannot keep is lost; that it is full, or fails, is not the same. */
	return overlay_has_no_xattr(r) || r == -EINVAL || r == -E2BIG ? 0 : r;
}

static int copy_xattrs(struct inode *from, struct inode *to)
{
	if (!from->ops->listxattr || !from->ops->getxattr || !to->ops->setxattr)
		return 0;
	ssize_t size = from->ops->listxattr(from, NULL, 0);
	if (size <= 0)
		return overlay_has_no_xattr((int)size) ? 0 : (int)size;
	AUTO_FREE char *list = calloc(1, (size_t)size + 1);
	AUTO_FREE char *value = malloc(XATTR_VALUE_MAX);
	if (!list || !value)
		return -ENOMEM;
	size = from->ops->listxattr(from, list, (size_t)size);
	int r = size < 0 ? (int)size : 0;
	for (const char *name = list; r == 0 && name < list + size; name += strlen(name) + 1) {
		if (!overlay_own_xattr(name))
			r = copy_xattr(from, to, name, value);
	}
	return r;
}

static struct timespec timespec_of(const struct statx_timestamp *t)
{
	return (struct timespec){.tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec};
}

/* The mode again at the end: writing and giving away drop bits of it. */
static int copy_attributes(struct inode *from, struct inode *to, const struct statx *stx)
{
	struct vfs_attr attr = {
		.valid = STATX_ATIME | STATX_MTIME | (S_ISLNK(stx->stx_mode) ? 0 : STATX_MODE),
		.mode = stx->stx_mode & 07777,
		.atime = timespec_of(&stx->stx_atime),
		.mtime = timespec_of(&stx->stx_mtime),
	};
	int r = copy_xattrs(from, to);
	if (r < 0 || !to->ops->setattr)
		return r;
	r = to->ops->setattr(to, &attr);
	return r == -EPERM || r == -EOPNOTSUPP ? 0 : r;
}

/* ---- one object ---- */

struct copying {
	struct overlay *ov;
	struct overlay_inode *oi;
	struct inode *lower;
	struct statx stx;		/* of lower */
	bool data;
	struct overlay_inode *parent;	/* a reference, NULL: no name */
	char name[VFS_NAME_MAX + 1];
	struct inode *upper_dir;	/* borrowed: parent's, or the root of the upper */
	struct inode *copy;
	bool nameless;			/* copy: nowhere, or in the work directory as ... */
	char work_name[OVERLAY_WORK_NAME_SIZE];
};

static void find_place(struct copying *c)
{
	(void)pthread_mutex_lock(&c->ov->lock);
	c->parent = c->oi->parent;
	if (c->parent) {
		(void)inode_ref(&c->parent->inode);
		(void)snprintf(c->name, sizeof(c->name), "%s", c->oi->name);
	}
	(void)pthread_mutex_unlock(&c->ov->lock);
	c->upper_dir = c->parent ? overlay_upper(c->parent) : c->ov->upper->root;
}

static int make_nameless(struct copying *c, const struct vfs_create *how)
{
	struct inode *dir = c->upper_dir;

	if (!S_ISREG(how->mode) || !dir->ops->tmpfile)
		return -EOPNOTSUPP;
	(void)pthread_rwlock_wrlock(&dir->lock);
	int r = dir->ops->tmpfile(dir, how, &c->copy);
	(void)pthread_rwlock_unlock(&dir->lock);
	c->nameless = r == 0;
	return r;
}

/* Empty, not yet where it belongs. */
static int make_copy(struct copying *c, const struct vfs_create *how)
{
	int r = make_nameless(c, how);
	if (r != -EOPNOTSUPP && r != -EISDIR && r != -EINVAL)
		return r;
	(void)pthread_mutex_lock(&c->ov->names_lock);
	r = overlay_work_create(c->ov, how, c->work_name, &c->copy);
	(void)pthread_mutex_unlock(&c->ov->names_lock);
	return r;
}

static int fill_copy(struct copying *c, struct vfs_opened *opened)
{
	int r = 0;

	if (S_ISREG(c->stx.stx_mode) && c->data) {
		if (opened->fd < 0)
			r = c->copy->ops->open(c->copy, O_WRONLY, opened);
		if (r == 0)
			r = copy_file_data(c->lower, opened->fd, (off_t)c->stx.stx_size);
	}
	return r < 0 ? r : copy_attributes(c->lower, c->copy, &c->stx);
}

static int link_target(const struct copying *c, char **ret)
{
	if (!S_ISLNK(c->stx.stx_mode))
		return 0;
	char *target = calloc(1, VFS_PATH_MAX + 1);
	if (!target)
		return -ENOMEM;
	ssize_t n = c->lower->ops->readlink(c->lower, target, VFS_PATH_MAX);
	if (n < 0) {
		free(target);
		return (int)n;
	}
	*ret = target;
	return 0;
}

void overlay_restore_times(struct inode *dir, const struct statx *before)
{
	const struct vfs_attr attr = {
		.valid = STATX_ATIME | STATX_MTIME,
		.atime = timespec_of(&before->stx_atime),
		.mtime = timespec_of(&before->stx_mtime),
	};
	(void)dir->ops->setattr(dir, &attr);
}

static struct inode *find_copy(const struct copying *c, uint64_t ino)
{
	struct inode *found;

	if (layer_lookup(c->upper_dir, c->name, &found) < 0)
		return NULL;
	if (found->ino == ino)
		return found;
	inode_unref(found);
	return NULL;
}

/*
 * What was made without a name keeps a descriptor as long as it is known; looked up by its name it needs none. It is
 * let go of only if it can be found so: it has its name already, and there is no way back.
 */
static void look_again(struct copying *c)
{
	const uint64_t ino = c->copy->ino;
	struct inode *found = find_copy(c, ino);

	if (!found)
		return;
	inode_unref(found);
	inode_unref(c->copy);
	c->copy = find_copy(c, ino);
}

/* names_lock is held. */
static int name_copy(struct copying *c)
{
	struct statx before;
	int r = c->upper_dir->ops->getattr(c->upper_dir, &before);
	if (r < 0)
		return r;
	if (c->nameless)
		r = layer_link(c->upper_dir, c->name, c->copy);
	else
		r = layer_rename(c->ov->work, c->work_name, c->copy, c->upper_dir, c->name, NULL, 0);
	if (r < 0)
		return r;
	overlay_restore_times(c->upper_dir, &before);
	if (c->nameless)
		look_again(c);
	return c->copy ? 0 : -ESTALE;
}

/* Give it its name; what has none (it was removed, and is still in use) is taken out of the work directory. */
static int place_copy(struct copying *c)
{
	int r = 0;

	(void)pthread_mutex_lock(&c->ov->names_lock);
	if (c->parent)
		r = name_copy(c);
	else if (!c->nameless)
		r = layer_unlink(c->ov->work, c->work_name, c->copy);
	(void)pthread_mutex_unlock(&c->ov->names_lock);
	return r;
}

static void give_up(struct copying *c)
{
	if (!c->nameless) {
		(void)pthread_mutex_lock(&c->ov->names_lock);
		overlay_work_remove(c->ov, c->work_name, c->copy);
		(void)pthread_mutex_unlock(&c->ov->names_lock);
	}
	inode_unref(c->copy);	/* may be NULL */
}

static int copy_object(struct copying *c)
{
	AUTO_FREE char *target = NULL;
	struct vfs_opened opened = {.fd = -1};
	int r = c->lower->ops->getattr(c->lower, &c->stx);
	if (r == 0)
		r = link_target(c, &target);
	if (r < 0)
		return r;
	const struct vfs_create how = {
		.mode = c->stx.stx_mode, .uid = c->stx.stx_uid, .gid = c->stx.stx_gid,
		.rdev = makedev(c->stx.stx_rdev_major, c->stx.stx_rdev_minor), .target = target,
		.open_flags = O_RDWR, .opened = S_ISREG(c->stx.stx_mode) ? &opened : NULL,
	};
	r = make_copy(c, &how);
	if (r < 0)
		return r;
	r = fill_copy(c, &opened);
	if (opened.fd >= 0)
		(void)close(opened.fd);
	if (r == 0)
		r = place_copy(c);
	if (r < 0)
		give_up(c);
	return r;
}

/* copy_lock is held. */
static int copy_up_locked(struct overlay_inode *oi, bool data)
{
	struct copying c = {.ov = overlay_of(&oi->inode), .oi = oi, .lower = oi->lowers[0], .data = data};

	find_place(&c);
	int r = copy_object(&c);
	if (r == 0) {
		overlay_set_upper(oi, c.copy);
		if (c.parent && !S_ISDIR(oi->inode.type))
			atomic_fetch_sub(&oi->lower_names, 1);
		if (atomic_load(&oi->lower_names) > 0)
			overlay_keep(oi);
	}
	if (c.parent)
		inode_unref(&c.parent->inode);
	return r;
}

static int copy_up_one(struct overlay_inode *oi, bool data)
{
	int r = 0;

	(void)pthread_mutex_lock(&oi->copy_lock);
	if (!overlay_upper(oi))
		r = copy_up_locked(oi, data);
	(void)pthread_mutex_unlock(&oi->copy_lock);
	return r;
}

/* ---- what is above and below ---- */

/* The highest directory above that is not in the upper, a reference; NULL: they all are. */
static struct overlay_inode *highest_missing(struct overlay_inode *oi)
{
	struct overlay *ov = overlay_of(&oi->inode);
	struct overlay_inode *highest = NULL;

	(void)pthread_mutex_lock(&ov->lock);
	for (struct overlay_inode *p = oi->parent; p && !overlay_upper(p); p = p->parent)
		highest = p;
	if (highest)
		(void)inode_ref(&highest->inode);
	(void)pthread_mutex_unlock(&ov->lock);
	return highest;
}

int overlay_copy_up(struct overlay_inode *oi, bool data)
{
	struct overlay_inode *missing;

	if (overlay_upper(oi))
		return 0;
	if (!overlay_of(&oi->inode)->upper)
		return -EROFS;
	while ((missing = highest_missing(oi))) {
		int r = copy_up_one(missing, true);
		inode_unref(&missing->inode);
		if (r < 0)
			return r;
	}
	return (int)overlay_note(&oi->inode, copy_up_one(oi, data));
}

int overlay_copy_up_name(struct overlay_inode *dir, const char *name, struct overlay_inode *oi)
{
	int r = overlay_copy_up(oi, true);
	if (r < 0 || S_ISDIR(oi->inode.type) || oi->lowers_held == 0)
		return r;
	struct inode *there;
	r = overlay_copy_up(dir, true);
	if (r == 0)
		r = overlay_upper_entry(dir, name, &there);
	if (r < 0 || there) {
		if (r == 0)
			inode_unref(there);
		return r;
	}
	r = layer_link(overlay_upper(dir), name, overlay_upper(oi));
	if (r == 0)
		atomic_fetch_sub(&oi->lower_names, 1);
	return r;
}
