/* References to inodes and superblocks. */
#include "kernel/vfs/inode.h"

#include <assert.h>

void inode_init(struct inode *inode, struct super *super, const struct inode_ops *ops, uint64_t ino, mode_t type)
{
	atomic_init(&inode->refs, 1);
	inode->ops = ops;
	inode->super = super;
	inode->ino = ino;
	inode->type = type & S_IFMT;
	atomic_init(&inode->kept, 0);
	atomic_init(&inode->many_names, false);
	atomic_init(&inode->executed, 0);
	atomic_init(&inode->host_watched, false);
	atomic_init(&inode->names_came, false);
	(void)pthread_rwlock_init(&inode->lock, NULL);
	if (super->root)
		super_ref(super);
}

struct inode *inode_ref(struct inode *inode)
{
	unsigned before = atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);
	assert(before > 0);
	return inode;
}

bool inode_ref_unless_dead(struct inode *inode)
{
	unsigned refs = atomic_load_explicit(&inode->refs, memory_order_relaxed);
	while (refs > 0)
		if (atomic_compare_exchange_weak(&inode->refs, &refs, refs + 1))
			return true;
	return false;
}

void inode_give_room(struct inode *inode)
{
	if (atomic_load(&inode->refs) == 1 && inode->ops->give_room && inode->type != S_IFDIR && inode->type != S_IFLNK)
		inode->ops->give_room(inode);
}

void inode_unref(struct inode *inode)
{
	if (!inode || atomic_fetch_sub(&inode->refs, 1) != 1)
		return;
	struct super *super = inode->super;
	bool is_root = super->root == inode;
	(void)pthread_rwlock_destroy(&inode->lock);
	inode->ops->destroy(inode);
	if (!is_root)
		super_unref(super);
}

unsigned inode_kept(struct inode *inode)
{
	unsigned kept = atomic_load_explicit(&inode->kept, memory_order_relaxed);
	struct statx st;
	if (!(kept & INODE_KEPT_ASK))
		return kept;
	if (inode->ops->getattr(inode, &st) < 0)	/* what is asked for next fails too */
		return 0;
	return (st.stx_attributes & STATX_ATTR_IMMUTABLE ? INODE_IMMUTABLE : 0) |
	       (st.stx_attributes & STATX_ATTR_APPEND ? INODE_APPEND : 0);
}

void inode_note_kept(struct inode *inode, const struct statx *stx)
{
	if (stx->stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		atomic_store(&inode->kept, INODE_KEPT_ASK);
}

void super_init(struct super *sb, const struct super_ops *ops, const char *type, unsigned flags)
{
	atomic_init(&sb->refs, 1);
	sb->ops = ops;
	sb->type = type;
	sb->flags = flags;
	sb->dev_major = 0;
	/*
	 * Among the layers of an overlay, which are never mounted, a number that is likely to be its own. See
	 * vfs_mount.
	 */
	sb->dev_minor = 0x40000 | ((uint32_t)((uintptr_t)sb >> 6) & 0x3ffff);
	(void)pthread_mutex_init(&sb->rename_lock, NULL);
	sb->root = NULL;
}

struct super *super_ref(struct super *sb)
{
	unsigned before = atomic_fetch_add_explicit(&sb->refs, 1, memory_order_relaxed);
	assert(before > 0);
	return sb;
}

void super_unref(struct super *sb)
{
	if (!sb || atomic_fetch_sub(&sb->refs, 1) != 1)
		return;
	if (sb->root)
		inode_unref(sb->root);
	sb->root = NULL;
	(void)pthread_mutex_destroy(&sb->rename_lock);
	sb->ops->destroy(sb);
}
