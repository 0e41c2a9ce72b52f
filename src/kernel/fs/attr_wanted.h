/* What vfs_attr asks for, as chown(2) and utimensat(2) take it. */
#ifndef TRAPLINE_KERNEL_FS_ATTR_WANTED_H
#define TRAPLINE_KERNEL_FS_ATTR_WANTED_H

#include <sys/stat.h>

#include "kernel/vfs/inode.h"

static inline uid_t wanted_uid(const struct vfs_attr *attr)
{
	return attr->valid & STATX_UID ? attr->uid : (uid_t)-1;
}

static inline gid_t wanted_gid(const struct vfs_attr *attr)
{
	return attr->valid & STATX_GID ? attr->gid : (gid_t)-1;
}

/* false: none of them. */
static inline bool wanted_times(const struct vfs_attr *attr, struct timespec ret[2])
{
	const struct timespec omitted = {.tv_nsec = UTIME_OMIT};
	ret[0] = attr->valid & STATX_ATIME ? attr->atime : omitted;
	ret[1] = attr->valid & STATX_MTIME ? attr->mtime : omitted;
	return attr->valid & (STATX_ATIME | STATX_MTIME);
}

#endif
