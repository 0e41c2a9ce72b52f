/* Device nodes: the few devices that guests may open wherever they find a node of them. */
#ifndef TRAPLINE_KERNEL_FS_DEVNODE_H
#define TRAPLINE_KERNEL_FS_DEVNODE_H

#include "kernel/vfs/inode.h"

struct devnode {
	const char *name;	/* in /dev, of the host and of devfs */
	unsigned major, minor;
};

extern const struct devnode devnodes[];
extern const size_t devnode_count;

/* open(2) of a node with this type and number. -ENXIO: none that guests may open. */
MUST_CHECK int devnode_open(mode_t type, dev_t rdev, int flags, struct vfs_opened *ret);

#endif
