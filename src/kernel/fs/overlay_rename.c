/*
 * overlay: renaming. Everything that moves is in the upper first, directories with all that is in them and opaque, so
 * that one rename in the upper, which leaves a whiteout where lower layers have the old name, does it.
 */
#include "kernel/fs/overlay_private.h"

#include <linux/fs.h>

struct side {
	struct overlay_inode *dir;
	const char *name;
	struct overlay_inode *inode;	/* what guests see there; NULL: nothing */
	struct inode *entry;		/* what the upper has there, a reference; NULL: nothing */
	bool below;			/* would a lower layer show something there? */
};

static bool is_dir(const struct overlay_inode *oi)
{
	return oi && S_ISDIR(oi->inode.type);
}

/* Make what is there ready to be moved; a directory that comes to lie over others must hide them. */
static int prepare(const struct side *from, const struct side *to)
{
	bool below;

	if (!is_dir(from->inode))
		return overlay_copy_up_name(from->dir, from->name, from->inode);
	int r = overlay_copy_up_tree(from->inode);
	if (r == 0)
		r = overlay_lower_has(to->dir, to->name, &below);
	return r == 0 && below ? overlay_set_opaque(overlay_upper(from->inode)) : r;
}

static int look_at(struct side *s)
{
	int r = overlay_lower_has(s->dir, s->name, &s->below);
	return r < 0 ? r : overlay_upper_entry(s->dir, s->name, &s->entry);
}

/* names_lock is held, in all of these. */

static int exchange(const struct side *old, const struct side *new)
{
	return layer_rename(overlay_upper(old->dir), old->name, old->entry, overlay_upper(new->dir), new->name, new->entry,
			    RENAME_EXCHANGE);
}

/* An empty directory of the upper may have marks in it; it hides what is below by itself before they go. */
static int empty_target(const struct side *new)
{
	if (!new->entry || !S_ISDIR(new->entry->type))
		return 0;
	int r = new->below ? overlay_set_opaque(new->entry) : 0;
	return r < 0 ? r : overlay_clear(new->entry, 0);
}

static bool not_supported(int r)
{
	return r == -EPERM || r == -EINVAL || r == -EOPNOTSUPP || r == -ENOSYS;
}

static int plain_rename(const struct side *old, const struct side *new, unsigned flags)
{
	return layer_rename(overlay_upper(old->dir), old->name, old->entry, overlay_upper(new->dir), new->name, new->entry,
			    flags);
}

/* The mark is made first: it changes nothing as long as the upper has something under the name. */
static int rename_with_mark(struct overlay *ov, const struct side *old, const struct side *new)
{
	int r = -EOPNOTSUPP;

	if (!atomic_load(&ov->whiteout_files))
		r = plain_rename(old, new, RENAME_WHITEOUT);
	if (!not_supported(r))
		return r;
	r = overlay_whiteout_file(overlay_upper(old->dir), old->name);
	return r < 0 ? r : plain_rename(old, new, 0);
}

static int move(struct overlay *ov, const struct side *old, const struct side *new)
{
	int r = empty_target(new);
	if (r < 0)
		return r;
	/* A directory cannot replace a whiteout, but they can change places; then it stands where one may be needed. */
	if (new->entry && is_dir(old->inode) && !S_ISDIR(new->entry->type)) {
		r = exchange(old, new);
		if (r == 0 && !old->below)
			(void)layer_unlink(overlay_upper(old->dir), old->name, new->entry);
		return r;
	}
	return old->below ? rename_with_mark(ov, old, new) : plain_rename(old, new, 0);
}

static int rename_upper(struct overlay *ov, struct side *old, struct side *new, unsigned flags)
{
	int r = look_at(old);
	if (r == 0)
		r = look_at(new);
	if (r == 0 && !old->entry)
		r = -ENOENT;
	if (r == 0)
		r = flags & RENAME_EXCHANGE ? exchange(old, new) : move(ov, old, new);
	return r;
}

/* ---- afterwards ---- */

static void settle(const struct side *to, struct overlay_inode *oi)
{
	overlay_list_add(to->dir, to->name, &oi->inode);
	if (is_dir(oi))
		overlay_set_place(oi, to->dir, to->name);
}

static void forget_replaced(const struct side *new, bool was_below)
{
	struct overlay_inode *oi = new->inode;

	if (!oi)
		return;
	if (is_dir(oi)) {
		atomic_store(&oi->removed, true);
		atomic_store(&oi->lower_count, 0);
		overlay_set_place(oi, NULL, NULL);
	} else if (was_below && !new->entry) {
		atomic_fetch_sub(&oi->lower_names, 1);
		overlay_set_place(oi, NULL, NULL);
	}
	overlay_unkeep_own(oi);
	overlay_forget_gone(oi);
}

static void finish(const struct side *old, const struct side *new, unsigned flags)
{
	if (flags & RENAME_EXCHANGE) {
		settle(old, new->inode);
	} else {
		overlay_list_remove(old->dir, old->name);
		forget_replaced(new, new->below);
	}
	settle(new, old->inode);
}

static int check_replaced(const struct side *new, unsigned flags)
{
	bool empty = true;

	if (is_dir(new->inode) && !(flags & RENAME_EXCHANGE)) {
		int r = overlay_is_empty(new->inode, &empty);
		if (r < 0)
			return r;
	}
	return empty ? 0 : -ENOTEMPTY;
}

static int prepare_all(const struct side *old, const struct side *new, unsigned flags)
{
	int r = overlay_copy_up(old->dir, true);
	if (r == 0)
		r = overlay_copy_up(new->dir, true);
	if (r == 0)
		r = check_replaced(new, flags);
	if (r == 0)
		r = prepare(old, new);
	if (r == 0 && flags & RENAME_EXCHANGE)
		r = prepare(new, old);
	return r;
}

int overlay_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		   const char *new_name, struct inode *replaced, unsigned flags)
{
	struct overlay *ov = overlay_of(old_dir);
	struct side old = {.dir = overlay_inode(old_dir), .name = old_name, .inode = overlay_inode(moved)};
	struct side new = {.dir = overlay_inode(new_dir), .name = new_name, .inode = overlay_inode(replaced)};
	struct overlay_inode *locked = replaced && !(flags & RENAME_EXCHANGE) ? new.inode : NULL;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (overlay_name_hidden(new_name))
		return -EPERM;
	int r = prepare_all(&old, &new, flags);
	if (r < 0)
		return r;
	/* What is replaced must not be copied up to the name meanwhile. */
	if (locked)
		(void)pthread_mutex_lock(&locked->copy_lock);
	(void)pthread_mutex_lock(&ov->names_lock);
	r = rename_upper(ov, &old, &new, flags);
	(void)pthread_mutex_unlock(&ov->names_lock);
	if (r == 0)
		finish(&old, &new, flags);
	if (locked)
		(void)pthread_mutex_unlock(&locked->copy_lock);
	inode_unref(old.entry);
	inode_unref(new.entry);
	return r;
}
