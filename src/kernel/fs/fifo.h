/* Fifos of ours, which have no name at the host. */
#ifndef TRAPLINE_KERNEL_FS_FIFO_H
#define TRAPLINE_KERNEL_FS_FIFO_H

#include "kernel/vfs/inode.h"

/* O_PATH, owned by the caller. Two openers meet in it as on Linux, which pipe(2) does not give. */
MUST_CHECK int fifo_create(void);
/* Does open(2) with these flags wait for the other side? */
bool fifo_open_waits(int flags);
/* inode_ops.open of one that stands on fd. */
MUST_CHECK int fifo_open(int fd, int flags, struct vfs_opened *ret);

#endif
