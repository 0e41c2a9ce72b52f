/*
 * Ghosts: mount points that no filesystem has, and the directories on the way to them. They can be seen, and that is
 * all. Also what is left of a directory of the host that was removed while somebody may have it open.
 */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

struct ghosts {
	struct super super;
	atomic_uint_fast64_t next_ino;
	struct timespec made;
};

static int ghost_lookup(struct inode *dir UNUSED, const char *name UNUSED, struct inode **ret UNUSED)
{
	return -ENOENT;
}

static int ghost_iterate(struct inode *dir UNUSED, struct dir_reader *reader UNUSED)
{
	return 0;
}

static int ghost_getattr(struct inode *inode, struct statx *ret)
{
	const struct ghosts *g = (const struct ghosts *)inode->super;
	memset(ret, 0, sizeof(*ret));
	ret->stx_mask = STATX_BASIC_STATS | STATX_BTIME;
	ret->stx_blksize = 4096;
	ret->stx_nlink = inode->type == S_IFDIR ? 2 : 1;
	ret->stx_mode = (uint16_t)(inode->type | (inode->type == S_IFDIR ? 0755 : 0444));
	ret->stx_ino = inode->ino;
	ret->stx_atime.tv_sec = ret->stx_mtime.tv_sec = ret->stx_ctime.tv_sec = ret->stx_btime.tv_sec = g->made.tv_sec;
	ret->stx_dev_major = inode->super->dev_major;
	ret->stx_dev_minor = inode->super->dev_minor;
	return 0;
}

/* A removed directory or file as it was at the end. Who has a descriptor of it gets at what it is now: ghost_exhume. */
struct remains {
	struct inode inode;
	struct super *of;		/* a reference */
	struct statx attr;
};

static int remains_getattr(struct inode *inode, struct statx *ret)
{
	*ret = ((struct remains *)inode)->attr;
	ret->stx_nlink = 0;
	return 0;
}

static void ghost_destroy(struct inode *inode)
{
	free(inode);
}

static void remains_destroy(struct inode *inode)
{
	struct remains *r = (struct remains *)inode;
	if (r->of && r->of->ops->forget)
		r->of->ops->forget(r->of, &r->attr);
	super_unref(r->of);
	free(r);
}

static const struct inode_ops ghost_ops = {
	.lookup = ghost_lookup,
	.iterate = ghost_iterate,
	.getattr = ghost_getattr,
	.destroy = ghost_destroy,
};

static const struct inode_ops remains_ops = {
	.lookup = ghost_lookup,
	.iterate = ghost_iterate,
	.getattr = remains_getattr,
	.destroy = remains_destroy,
};

static int ghosts_statfs(struct super *sb UNUSED, struct statfs *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->f_type = 0x858458f6;	/* RAMFS_MAGIC */
	ret->f_bsize = ret->f_frsize = 4096;
	ret->f_namelen = VFS_NAME_MAX;
	return 0;
}

static void ghosts_destroy(struct super *sb)
{
	free(sb);
}

static const struct super_ops ghosts_ops = {.statfs = ghosts_statfs, .destroy = ghosts_destroy};

static int create(struct super *sb, mode_t type, const struct inode_ops *ops, struct inode **ret)
{
	struct ghosts *g = (struct ghosts *)sb;
	struct inode *inode = calloc(1, sizeof(*inode));
	if (!inode)
		return -ENOMEM;
	inode_init(inode, sb, ops, atomic_fetch_add(&g->next_ino, 1), type);
	*ret = inode;
	return 0;
}

int ghost_create(struct super *sb, mode_t type, struct inode **ret)
{
	return create(sb, type, &ghost_ops, ret);
}

int ghost_create_remains(struct super *sb, struct inode *removed, bool bury, struct inode **ret)
{
	struct ghosts *g = (struct ghosts *)sb;
	struct remains *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	inode_init(&r->inode, sb, &remains_ops, atomic_fetch_add(&g->next_ino, 1), removed->type);
	*ret = &r->inode;
	if (removed->ops->getattr(removed, &r->attr) < 0)
		return ghost_getattr(&r->inode, &r->attr);
	if (!bury)
		return 0;
	r->of = super_ref(removed->super);
	if (r->of->ops->bury)
		r->of->ops->bury(removed);
	return 0;
}

bool ghost_is_remains(const struct inode *inode)
{
	return inode->ops == &remains_ops;
}

void ghost_exhume(int fd, struct path *p)
{
	struct remains *r = (struct remains *)path_inode(p);
	struct inode *inode;
	struct dentry *d;
	if (r->inode.ops != &remains_ops || !r->of || !r->of->ops->exhume || r->of->ops->exhume(r->of, &r->attr, fd, &inode) < 0)
		return;
	const struct dentry_name *n = dentry_name(p->dentry);	/* remains are not renamed */
	if (dentry_create_unhashed(n->parent, n->text, inode, dentry_flags(p->dentry), &d) < 0)
		return;
	struct path remains = *p;
	p->dentry = d;
	path_put(&remains);
}

int ghosts_create(struct super **ret)
{
	struct ghosts *g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	super_init(&g->super, &ghosts_ops, "rootfs", SUPER_READONLY | SUPER_IN_MEMORY);
	atomic_init(&g->next_ino, 1);
	(void)clock_gettime(CLOCK_REALTIME, &g->made);
	int err = ghost_create(&g->super, S_IFDIR, &g->super.root);
	if (err) {
		free(g);
		return err;
	}
	*ret = &g->super;
	return 0;
}
