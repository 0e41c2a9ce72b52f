/* overlay: marks in the upper layer, and its work directory, in which things are made ready. names_lock is held. */
#include "kernel/fs/overlay_private.h"

#include <linux/fs.h>

/* ---- the work directory ---- */

/*
 * What is made in it is moved elsewhere: it passes on no group, and the root, which it is in for want of a better
 * place, looks unchanged.
 */
static int make_work(struct overlay *ov)
{
	const struct vfs_create how = {.mode = S_IFDIR | 0700, .uid = geteuid(), .gid = getegid()};
	const struct vfs_attr plain = {.valid = STATX_MODE, .mode = 0700};
	struct inode *root = ov->upper->root;
	struct statx before;
	int r = root->ops->getattr(root, &before);
	if (r == 0)
		r = layer_create(root, OVERLAY_WORK_DIR, &how, &ov->work);
	if (r < 0)
		return r;
	if (ov->work->ops->setattr)
		(void)ov->work->ops->setattr(ov->work, &plain);
	overlay_restore_times(root, &before);
	return 0;
}

int overlay_work(struct overlay *ov, struct inode **ret)
{
	int r = ov->work ? 0 : make_work(ov);
	if (r < 0)
		return r;
	*ret = ov->work;
	return 0;
}

void overlay_work_name(struct overlay *ov, char buf[OVERLAY_WORK_NAME_SIZE])
{
	(void)snprintf(buf, OVERLAY_WORK_NAME_SIZE, "#%u", atomic_fetch_add(&ov->work_names, 1));
}

int overlay_work_create(struct overlay *ov, const struct vfs_create *how, char name[OVERLAY_WORK_NAME_SIZE],
			struct inode **ret)
{
	struct inode *work;
	int r = overlay_work(ov, &work);
	if (r < 0)
		return r;
	overlay_work_name(ov, name);
	return layer_create(work, name, how, ret);
}

void overlay_work_remove(struct overlay *ov, const char *name, struct inode *inode)
{
	if (S_ISDIR(inode->type))
		(void)overlay_clear(inode, 0);
	/* What stays is removed by the next overlay_work_clean. */
	(void)layer_unlink(ov->work, name, inode);
}

int overlay_work_discard(struct overlay *ov, struct inode *dir, const char *name, struct inode *inode)
{
	char work_name[OVERLAY_WORK_NAME_SIZE];
	struct inode *work;
	int r = overlay_work(ov, &work);
	if (r < 0)
		return r;
	overlay_work_name(ov, work_name);
	r = layer_rename(dir, name, inode, work, work_name, NULL, 0);
	if (r == 0)
		overlay_work_remove(ov, work_name, inode);
	return r;
}

/* ---- removing trees ---- */

struct first_name {
	struct dir_reader reader;
	char name[VFS_NAME_MAX + 1];
};

static bool take_first(struct dir_reader *r, const char *name, size_t len, uint64_t ino UNUSED, unsigned char type UNUSED,
		       uint64_t next UNUSED)
{
	struct first_name *f = (struct first_name *)r;

	if (f->name[0] != '\0' || len > VFS_NAME_MAX)
		return false;
	memcpy(f->name, name, len);
	f->name[len] = '\0';
	return true;
}

static int clear_one(struct inode *dir, const char *name, unsigned depth)
{
	struct inode *inode;
	int r = layer_lookup(dir, name, &inode);
	if (r < 0)
		return r;
	if (S_ISDIR(inode->type))
		r = overlay_clear(inode, depth + 1);
	if (r == 0)
		r = layer_unlink(dir, name, inode);
	inode_unref(inode);
	return r;
}

int overlay_clear(struct inode *dir, unsigned depth)
{
	int r;

	if (depth > OVERLAY_DEPTH_MAX)
		return -ENOTEMPTY;
	do {
		struct first_name f = {.reader.emit = take_first};
		r = layer_iterate(dir, &f.reader);
		if (r < 0 || f.name[0] == '\0')
			return r;
		r = clear_one(dir, f.name, depth);
	} while (r == 0);
	return r;
}

int overlay_work_clean(struct overlay *ov)
{
	struct inode *root = ov->upper->root, *left;
	int r = layer_lookup(root, OVERLAY_WORK_DIR, &left);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = S_ISDIR(left->type) ? overlay_clear(left, 0) : 0;
	if (r == 0)
		r = layer_unlink(root, OVERLAY_WORK_DIR, left);
	inode_unref(left);
	return r;
}

void overlay_work_finish(struct overlay *ov)
{
	if (!ov->work)
		return;
	(void)overlay_clear(ov->work, 0);
	(void)layer_unlink(ov->upper->root, OVERLAY_WORK_DIR, ov->work);
	inode_unref(ov->work);
	ov->work = NULL;
}

/* ---- marks ---- */

int overlay_whiteout_file(struct inode *dir, const char *name)
{
	const struct vfs_create how = {.mode = S_IFREG | 0600, .uid = geteuid(), .gid = getegid()};
	char whiteout[VFS_NAME_MAX + 1];
	struct inode *made;

	if (!overlay_whiteout_name(name, whiteout))
		return -ENAMETOOLONG;
	int r = layer_create(dir, whiteout, &how, &made);
	if (r == 0)
		inode_unref(made);
	return r == -EEXIST ? 0 : r;
}

/* First the mark, which changes nothing while the upper's own object is there; then that goes. */
static int whiteout_by_file(struct overlay *ov, struct inode *dir, const char *name, struct inode *replaced)
{
	int r = overlay_whiteout_file(dir, name);
	if (r < 0 || !replaced)
		return r;
	if (S_ISDIR(replaced->type))
		return overlay_work_discard(ov, dir, name, replaced);
	return layer_unlink(dir, name, replaced);
}

/* Put a device in its place by one rename. */
static int replace_by_device(struct overlay *ov, struct inode *dir, const char *name, struct inode *replaced,
			     const struct vfs_create *how)
{
	char work_name[OVERLAY_WORK_NAME_SIZE];
	struct inode *device;
	bool is_dir = S_ISDIR(replaced->type);
	int r = overlay_work_create(ov, how, work_name, &device);
	if (r < 0)
		return r;
	r = layer_rename(ov->work, work_name, device, dir, name, replaced, is_dir ? RENAME_EXCHANGE : 0);
	if (r < 0)
		overlay_work_remove(ov, work_name, device);
	else if (is_dir)
		overlay_work_remove(ov, work_name, replaced);
	inode_unref(device);
	return r;
}

static bool not_supported(int r)
{
	return r == -EPERM || r == -EOPNOTSUPP || r == -EINVAL || r == -ENOSYS || r == -EACCES;
}

int overlay_whiteout(struct overlay *ov, struct inode *dir, const char *name, struct inode *replaced)
{
	const struct vfs_create how = {.mode = S_IFCHR | 0600, .uid = geteuid(), .gid = getegid()};
	struct inode *device;
	int r = -EOPNOTSUPP;

	if (!atomic_load(&ov->whiteout_files)) {
		if (replaced) {
			r = replace_by_device(ov, dir, name, replaced, &how);
		} else {
			r = layer_create(dir, name, &how, &device);
			if (r == 0)
				inode_unref(device);
		}
	}
	if (!not_supported(r))
		return r;
	r = whiteout_by_file(ov, dir, name, replaced);
	if (r == 0)
		atomic_store(&ov->whiteout_files, true);
	return r;
}

int overlay_set_opaque(struct inode *dir)
{
	static const char *const names[] = {"trusted.overlay.opaque", "user.overlay.opaque"};
	const struct vfs_create how = {.mode = S_IFREG | 0600, .uid = geteuid(), .gid = getegid()};
	struct inode *made;
	int r;

	for (size_t i = 0; dir->ops->setxattr && i < ARRAY_SIZE(names); i++) {
		r = dir->ops->setxattr(dir, names[i], "y", 1, 0);
		if (r == 0 || r == -ENOSPC || r == -EROFS)
			return r;
	}
	r = layer_create(dir, OVERLAY_OPAQUE_FILE, &how, &made);
	if (r == 0)
		inode_unref(made);
	return r == -EEXIST ? 0 : r;
}
