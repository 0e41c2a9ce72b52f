/* tmpfs: what changes names. What Linux stamps at each is in mm/shmem.c and fs/libfs.c (simple_rename_timestamp). */
#include "kernel/fs/tmpfs_private.h"

#include <fcntl.h>
#include <string.h>

static bool is_dir(const struct tmpfs_inode *ti)
{
	return ti->inode.type == S_IFDIR;
}

/* Name a new inode. The caller keeps its reference. */
static int add_name(struct tmpfs_inode *dir, const char *name, struct tmpfs_inode *ti, const struct timespec *now)
{
	struct tmpfs_entry *e = tmpfs_new_entry(dir, name, ti);
	if (!e)
		return -ENOMEM;
	int r = tmpfs_reserve(dir);
	if (r < 0) {
		tmpfs_free_entry(e);
		return r;
	}
	tmpfs_insert(dir, e);
	tmpfs_touch_dir(dir, now, is_dir(ti) ? 1 : 0);
	return 0;
}

/* What is opened at once gets the times of its memfd. */
static struct timespec time_of_new(struct tmpfs_inode *dir, bool opens)
{
	return opens ? (struct timespec){0} : tmpfs_now(tmpfs_super(dir));
}

int tmpfs_create_name(struct inode *inode, const char *name, const struct vfs_create *how, struct inode **ret)
{
	struct tmpfs_inode *dir = tmpfs_inode(inode);
	if (tmpfs_find(dir, name))
		return -EEXIST;
	struct tmpfs_inode *ti;
	bool opens = how->opened && S_ISREG(how->mode);
	int r = tmpfs_new_inode(tmpfs_super(dir), how, time_of_new(dir, opens), &ti);
	if (r < 0)
		return r;
	ti->nlink = is_dir(ti) ? 2 : 1;
	if (opens)
		r = tmpfs_open_new(ti, how->open_flags, how->opened);
	if (r == 0) {
		r = add_name(dir, name, ti, &ti->btime);
		if (r < 0 && opens) {
			(void)close(how->opened->fd);
			how->opened->fd = -1;
		}
	}
	if (r < 0)
		inode_unref(&ti->inode);
	else
		*ret = &ti->inode;
	return r;
}

int tmpfs_tmpfile(struct inode *inode, const struct vfs_create *how, struct inode **ret)
{
	struct tmpfs_inode *dir = tmpfs_inode(inode);
	struct tmpfs_inode *ti;
	int r = tmpfs_new_inode(tmpfs_super(dir), how, time_of_new(dir, how->opened), &ti);
	if (r < 0)
		return r;
	if (how->opened)
		r = tmpfs_open_new(ti, how->open_flags, how->opened);
	if (r < 0)
		inode_unref(&ti->inode);
	else
		*ret = &ti->inode;
	return r;
}

static nlink_t links_of(struct tmpfs_inode *ti)
{
	(void)pthread_mutex_lock(&ti->lock);
	nlink_t n = ti->nlink;
	(void)pthread_mutex_unlock(&ti->lock);
	return n;
}

int tmpfs_link(struct inode *inode, const char *name, struct inode *target)
{
	struct tmpfs_inode *dir = tmpfs_inode(inode);
	struct tmpfs_inode *ti = tmpfs_inode(target);
	struct tmpfs_super *sb = tmpfs_super(dir);
	if (tmpfs_find(dir, name))
		return -EEXIST;
	/* A file of O_TMPFILE was charged when it was made. */
	bool charged = links_of(ti) > 0;
	int r = charged ? tmpfs_charge_inode(sb) : 0;
	if (r < 0)
		return r;
	struct timespec now = tmpfs_stamp(ti);
	r = add_name(dir, name, ti, &now);
	if (r < 0) {
		if (charged)
			tmpfs_uncharge_inode(sb);
		return r;
	}
	tmpfs_add_links(ti, 1);
	return 0;
}

/* The inode loses a name, now. Of the directory it was in, the caller takes care. */
static struct timespec lose_name(struct tmpfs_inode *ti)
{
	if (is_dir(ti)) {
		tmpfs_add_links(ti, -2);
	} else {
		if (links_of(ti) > 1)
			tmpfs_uncharge_inode(tmpfs_super(ti));
		tmpfs_add_links(ti, -1);
	}
	return tmpfs_stamp(ti);
}

int tmpfs_unlink(struct inode *inode, const char *name, struct inode *target)
{
	struct tmpfs_inode *dir = tmpfs_inode(inode);
	struct tmpfs_inode *ti = tmpfs_inode(target);
	struct tmpfs_entry *e = tmpfs_find(dir, name);
	if (!e || e->inode != ti)
		return -ENOENT;
	int r = is_dir(ti) ? tmpfs_kill_dir(ti) : 0;
	if (r < 0)
		return r;
	struct timespec now = lose_name(ti);
	tmpfs_remove(dir, e);
	tmpfs_touch_dir(dir, &now, is_dir(ti) ? -1 : 0);
	tmpfs_free_entry(e);
	return 0;
}

struct move {
	struct tmpfs_inode *old_dir, *new_dir;
	struct tmpfs_entry *from;
	struct tmpfs_entry *to;		/* NULL: the new name is free */
	const char *new_name;
};

static int exchange(const struct move *m)
{
	struct tmpfs_inode *moved = m->from->inode;
	struct tmpfs_inode *other = m->to->inode;
	struct timespec now = tmpfs_stamp(moved);
	m->from->inode = other;
	m->to->inode = moved;
	int links = m->old_dir == m->new_dir ? 0 : (is_dir(other) ? 1 : 0) - (is_dir(moved) ? 1 : 0);
	tmpfs_touch_dir(m->old_dir, &now, links);
	tmpfs_touch_dir(m->new_dir, &now, -links);
	tmpfs_touch_ctime(other, &now);
	return 0;
}

/* What RENAME_WHITEOUT leaves behind, for overlays: a device that is none. */
static int make_whiteout(const struct move *m, struct tmpfs_inode **ret)
{
	const struct vfs_create how = {.mode = S_IFCHR, .uid = m->old_dir->uid, .gid = m->old_dir->gid};
	int r = tmpfs_new_inode(tmpfs_super(m->old_dir), &how, time_of_new(m->old_dir, false), ret);
	if (r == 0)
		(*ret)->nlink = 1;
	return r;
}

/* The old name goes, or becomes the whiteout's, whose reference is taken over. */
static void leave_old_name(const struct move *m, struct tmpfs_inode *whiteout)
{
	if (!whiteout) {
		tmpfs_remove(m->old_dir, m->from);
		tmpfs_free_entry(m->from);
		return;
	}
	inode_unref(&m->from->inode->inode);
	m->from->inode = whiteout;
}

static int move_name(const struct move *m, struct tmpfs_inode *whiteout)
{
	struct tmpfs_inode *moved = m->from->inode;
	struct tmpfs_inode *replaced = m->to ? m->to->inode : NULL;
	int moved_dirs = is_dir(moved) ? 1 : 0;
	if (replaced) {
		m->to->inode = tmpfs_inode(inode_ref(&moved->inode));
		(void)lose_name(replaced);
		inode_unref(&replaced->inode);
	} else {
		struct tmpfs_entry *e = tmpfs_new_entry(m->new_dir, m->new_name, moved);
		if (!e)
			return -ENOMEM;
		int r = tmpfs_reserve(m->new_dir);
		if (r < 0) {
			tmpfs_free_entry(e);
			return r;
		}
		tmpfs_insert(m->new_dir, e);
	}
	struct timespec now = tmpfs_stamp(moved);
	tmpfs_touch_dir(m->old_dir, &now, -moved_dirs);
	tmpfs_touch_dir(m->new_dir, &now, replaced ? 0 : moved_dirs);
	leave_old_name(m, whiteout);
	return 0;
}

int tmpfs_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		 const char *new_name, struct inode *replaced, unsigned flags)
{
	struct move m = {.old_dir = tmpfs_inode(old_dir), .new_dir = tmpfs_inode(new_dir), .new_name = new_name};
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	m.from = tmpfs_find(m.old_dir, old_name);
	m.to = tmpfs_find(m.new_dir, new_name);
	if (!m.from || &m.from->inode->inode != moved || (m.to ? &m.to->inode->inode : NULL) != replaced)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE)
		return m.to ? exchange(&m) : -ENOENT;
	if (m.to && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	struct tmpfs_inode *whiteout = NULL;
	int r = flags & RENAME_WHITEOUT ? make_whiteout(&m, &whiteout) : 0;
	if (r == 0 && m.to && is_dir(m.to->inode))
		r = tmpfs_kill_dir(m.to->inode);
	if (r == 0)
		r = move_name(&m, whiteout);
	if (r < 0 && whiteout)
		inode_unref(&whiteout->inode);
	return r;
}
