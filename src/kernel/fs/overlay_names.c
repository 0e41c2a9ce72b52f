/* overlay: making and removing names. The VFS holds the directories' locks. */
#include "kernel/fs/overlay_private.h"

#include <linux/fs.h>

/* Takes made over; what cannot be looked at is removed again. */
static int adopt(struct inode *dir, const char *name, struct inode *made, struct inode **ret)
{
	struct overlay_stack s = {.upper = inode_ref(made)};
	int r = overlay_get(overlay_of(dir), &s, NULL, NULL, ret);
	if (r == 0 && name)
		overlay_list_add(overlay_inode(dir), name, *ret);
	if (r < 0 && name)
		(void)layer_unlink(overlay_upper(overlay_inode(dir)), name, made);
	inode_unref(made);
	return r;
}

/* ---- in place of a whiteout: made ready elsewhere, and renamed over it ---- */

/* names_lock is held. What was in the way is in the work directory afterwards, if both are not files. */
static int move_over(struct overlay *ov, const char *work_name, struct inode *made, struct inode *dir, const char *name,
		     struct inode *whiteout)
{
	bool is_dir = S_ISDIR(made->type);
	int r = layer_rename(ov->work, work_name, made, dir, name, whiteout, is_dir ? RENAME_EXCHANGE : 0);
	if (r == 0 && is_dir)
		overlay_work_remove(ov, work_name, whiteout);
	return r;
}

static int create_over(struct overlay *ov, struct inode *dir, const char *name, const struct vfs_create *how,
		       struct inode *whiteout, struct inode **ret)
{
	char work_name[OVERLAY_WORK_NAME_SIZE];
	struct inode *made;

	(void)pthread_mutex_lock(&ov->names_lock);
	int r = overlay_work_create(ov, how, work_name, &made);
	if (r == 0) {
		/* What the whiteout hid stays hidden. */
		if (S_ISDIR(how->mode))
			r = overlay_set_opaque(made);
		if (r == 0)
			r = move_over(ov, work_name, made, dir, name, whiteout);
		if (r < 0) {
			overlay_work_remove(ov, work_name, made);
			inode_unref(made);
		}
	}
	(void)pthread_mutex_unlock(&ov->names_lock);
	if (r < 0 && how->opened && how->opened->fd >= 0) {
		(void)close(how->opened->fd);
		how->opened->fd = -1;
	}
	if (r == 0)
		*ret = made;
	return r;
}

/* The whiteout that is called name in the upper; another object: -EEXIST. */
static int whiteout_at(struct overlay_inode *dir, const char *name, struct inode **ret)
{
	int r = overlay_upper_entry(dir, name, ret);
	if (r < 0)
		return r;
	r = *ret ? layer_is_whiteout(*ret) : 0;
	if (r > 0)
		return 0;
	inode_unref(*ret);
	return r < 0 ? r : -EEXIST;
}

/* If the upper could not: what is bound is another object than the one with the name. */
static void take_socket(const struct vfs_create *how, struct overlay_inode *oi)
{
	if (!how->socket || *how->socket < 0)
		return;
	atomic_store(&oi->own, *how->socket);
	*how->socket = -1;
	overlay_keep(oi);
}

int overlay_create_node(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret)
{
	struct overlay_inode *od = overlay_inode(dir);
	struct inode *made, *whiteout;

	if (overlay_name_hidden(name) || (S_ISCHR(how->mode) && how->rdev == 0))
		return -EPERM;
	int r = overlay_copy_up(od, true);
	if (r < 0)
		return r;
	r = layer_create(overlay_upper(od), name, how, &made);
	if (r == -EEXIST) {
		r = whiteout_at(od, name, &whiteout);
		if (r < 0)
			return r;
		r = create_over(overlay_of(dir), overlay_upper(od), name, how, whiteout, &made);
		inode_unref(whiteout);
	}
	if (r == 0)
		r = adopt(dir, name, made, ret);
	if (r == 0)
		take_socket(how, overlay_inode(*ret));
	return r;
}

int overlay_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret)
{
	struct inode *made;
	int r = overlay_copy_up(overlay_inode(dir), true);
	if (r < 0)
		return r;
	struct inode *upper = overlay_upper(overlay_inode(dir));
	if (!upper->ops->tmpfile)
		return -EOPNOTSUPP;
	(void)pthread_rwlock_wrlock(&upper->lock);
	r = upper->ops->tmpfile(upper, how, &made);
	(void)pthread_rwlock_unlock(&upper->lock);
	return r < 0 ? r : adopt(dir, NULL, made, ret);
}

static int link_over(struct overlay *ov, struct inode *dir, const char *name, struct inode *inode,
		     struct inode *whiteout)
{
	char work_name[OVERLAY_WORK_NAME_SIZE];
	struct inode *work;

	(void)pthread_mutex_lock(&ov->names_lock);
	int r = overlay_work(ov, &work);
	if (r == 0) {
		overlay_work_name(ov, work_name);
		r = layer_link(work, work_name, inode);
	}
	if (r == 0) {
		r = move_over(ov, work_name, inode, dir, name, whiteout);
		if (r < 0)
			(void)layer_unlink(work, work_name, inode);
	}
	(void)pthread_mutex_unlock(&ov->names_lock);
	return r;
}

int overlay_link(struct inode *dir, const char *name, struct inode *inode)
{
	struct overlay_inode *od = overlay_inode(dir), *oi = overlay_inode(inode);
	struct inode *whiteout;

	if (overlay_name_hidden(name))
		return -EPERM;
	int r = overlay_copy_up(od, true);
	if (r == 0)
		r = overlay_copy_up(oi, true);
	if (r < 0)
		return r;
	r = layer_link(overlay_upper(od), name, overlay_upper(oi));
	if (r == -EEXIST) {
		r = whiteout_at(od, name, &whiteout);
		if (r < 0)
			return r;
		r = link_over(overlay_of(dir), overlay_upper(od), name, overlay_upper(oi), whiteout);
		inode_unref(whiteout);
	}
	if (r == 0)
		overlay_list_add(od, name, inode);
	return r;
}

/* ---- removing ---- */

/* Only the upper has it. A directory that is known to be empty may have marks in it. */
static int remove_upper(struct overlay *ov, struct inode *dir, const char *name, struct inode *inode, bool empty)
{
	int r = layer_unlink(dir, name, inode);
	if (r != -ENOTEMPTY || !S_ISDIR(inode->type) || !empty)
		return r;
	(void)pthread_mutex_lock(&ov->names_lock);
	r = overlay_work_discard(ov, dir, name, inode);
	(void)pthread_mutex_unlock(&ov->names_lock);
	return r;
}

/* entry: what the upper has, NULL: nothing. */
static int remove_name(struct overlay_inode *od, const char *name, struct inode *entry, bool empty)
{
	struct overlay *ov = overlay_of(&od->inode);
	bool below;
	int r = overlay_lower_has(od, name, &below);
	if (r < 0)
		return r;
	if (!below)
		return entry ? remove_upper(ov, overlay_upper(od), name, entry, empty) : -ENOENT;
	if (!empty)
		return -EACCES;
	(void)pthread_mutex_lock(&ov->names_lock);
	r = overlay_whiteout(ov, overlay_upper(od), name, entry);
	(void)pthread_mutex_unlock(&ov->names_lock);
	return r;
}

/* Is this the name that it would be copied up to? */
static bool is_place(struct overlay_inode *oi, const struct overlay_inode *dir, const char *name)
{
	struct overlay *ov = overlay_of(&oi->inode);

	(void)pthread_mutex_lock(&ov->lock);
	bool is = oi->parent == dir && strcmp(oi->name, name) == 0;
	(void)pthread_mutex_unlock(&ov->lock);
	return is;
}

/* copy_lock of oi is held, so that nobody copies it up to a name that is going. */
static int unlink_locked(struct overlay_inode *od, const char *name, struct overlay_inode *oi, bool empty)
{
	struct inode *entry;
	int r = overlay_upper_entry(od, name, &entry);
	if (r < 0)
		return r;
	r = entry ? layer_is_whiteout(entry) : 0;
	if (r) {
		inode_unref(entry);
		return r < 0 ? r : -ENOENT;
	}
	r = remove_name(od, name, entry, empty);
	if (r == 0) {
		if (S_ISDIR(oi->inode.type))
			atomic_store(&oi->removed, true);
		else if (!entry)
			atomic_fetch_sub(&oi->lower_names, 1);
		if (is_place(oi, od, name))
			overlay_set_place(oi, NULL, NULL);
		overlay_forget_gone(oi);
	}
	inode_unref(entry);
	return r;
}

int overlay_unlink(struct inode *dir, const char *name, struct inode *inode)
{
	struct overlay_inode *od = overlay_inode(dir), *oi = overlay_inode(inode);
	int r = overlay_copy_up(od, true);
	if (r < 0)
		return r;
	bool empty = true;
	if (S_ISDIR(inode->type)) {
		r = overlay_is_empty(oi, &empty);
		/* What may not be read can be removed if it is empty: then the layer knows. */
		if (r == -EACCES && atomic_load(&oi->lower_count) == 0)
			empty = false;
		else if (r < 0 || !empty)
			return r < 0 ? r : -ENOTEMPTY;
	}
	(void)pthread_mutex_lock(&oi->copy_lock);
	r = unlink_locked(od, name, oi, empty);
	(void)pthread_mutex_unlock(&oi->copy_lock);
	if (r < 0)
		return r;
	overlay_list_remove(od, name);
	overlay_unkeep_own(oi);
	if (S_ISDIR(inode->type))
		atomic_store(&oi->lower_count, 0);
	return 0;
}
