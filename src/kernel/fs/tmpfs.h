/* What handlers ask a tmpfs beyond the VFS: its size limit, where guests write natively. */
#ifndef TRAPLINE_KERNEL_FS_TMPFS_H
#define TRAPLINE_KERNEL_FS_TMPFS_H

#include "kernel/vfs/inode.h"

/* Does this filesystem have a size limit, so that writes to its files must be asked for? */
bool tmpfs_limited(const struct super *sb);
/*
 * How many of these bytes may be written (or allocated) at offset: len, less near the limit, 0 for ENOSPC. Of a file of
 * another filesystem: len.
 */
size_t tmpfs_room(struct inode *inode, uint64_t offset, size_t len);

/* What statfs(2) shows of one without a size: half of the memory, in bytes. */
uint64_t tmpfs_shown_size(void);

#endif
