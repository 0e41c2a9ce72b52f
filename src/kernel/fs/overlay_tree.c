/*
 * overlay: a directory is copied up with all that is in it, before it is renamed.
 *
 * What was copied when something failed stays: each copy is complete, and may be in use. So that a full upper is not
 * filled up by a rename that fails, the tree is weighed first.
 */
#include "kernel/fs/overlay_private.h"

enum { BLOCK = 512 };

struct tree {
	int (*visit)(struct tree *t, struct overlay_inode *dir, const char *name, struct overlay_inode *oi);
	struct overlay_inode *dir;
	unsigned depth;
	uint64_t bytes, files;		/* what copies will need */
};

static int visit_below(struct tree *t);

static int visit_entry(void *ctx, const char *name)
{
	struct tree *t = ctx;
	struct inode *inode;
	int r = overlay_lookup(&t->dir->inode, name, &inode);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	struct overlay_inode *oi = overlay_inode(inode);
	r = t->visit(t, t->dir, name, oi);
	if (r == 0 && S_ISDIR(inode->type)) {
		struct overlay_inode *above = t->dir;
		t->dir = oi;
		t->depth++;
		r = visit_below(t);
		t->depth--;
		t->dir = above;
	}
	inode_unref(inode);
	return r;
}

/* A directory without lower ones has nothing but upper ones in it. */
static int visit_below(struct tree *t)
{
	if (atomic_load(&t->dir->lower_count) == 0)
		return 0;
	return t->depth > OVERLAY_DEPTH_MAX ? -EXDEV : overlay_each_name(t->dir, visit_entry, t);
}

static int copy(struct tree *t, struct overlay_inode *dir, const char *name, struct overlay_inode *oi)
{
	(void)t;
	int r = overlay_copy_up_name(dir, name, oi);
	/* The lower layer may have got it after somebody was told that there is no such name. */
	if (r == 0)
		atomic_store(&dir->inode.names_came, true);
	return r;
}

/* A file with several names is copied once. */
static int weigh(struct tree *t, struct overlay_inode *dir, const char *name, struct overlay_inode *oi)
{
	struct statx stx;
	(void)dir;
	(void)name;
	if (overlay_upper(oi))
		return 0;
	int r = oi->inode.ops->getattr(&oi->inode, &stx);
	if (r < 0)
		return r;
	t->files++;
	if (S_ISREG(oi->inode.type))
		t->bytes += stx.stx_blocks * BLOCK / (stx.stx_nlink ? stx.stx_nlink : 1);
	return 0;
}

static int check_room(struct overlay_inode *dir, const struct tree *need)
{
	struct super *upper = overlay_upper(dir)->super;
	struct statfs st;
	/* A file system in user space may leave all of it 0. */
	if (!upper->ops->statfs || upper->ops->statfs(upper, &st) < 0 || st.f_bsize <= 0)
		return 0;
	if (need->bytes / (uint64_t)st.f_bsize > st.f_bavail)
		return -ENOSPC;
	return st.f_files > 0 && need->files > st.f_ffree ? -ENOSPC : 0;
}

int overlay_copy_up_tree(struct overlay_inode *dir)
{
	struct tree need = {.visit = weigh, .dir = dir}, t = {.visit = copy, .dir = dir};
	int r = overlay_copy_up(dir, true);
	if (r == 0)
		r = visit_below(&need);
	if (r == 0)
		r = check_room(dir, &need);
	if (r == 0)
		r = visit_below(&t);
	if (r < 0 || atomic_load(&dir->lower_count) == 0)
		return r;
	r = overlay_set_opaque(overlay_upper(dir));
	if (r == 0)
		atomic_store(&dir->lower_count, 0);
	return r;
}
