/* The filesystems: each makes a super with one reference, owned by the caller (vfs_mount takes it over). */
#ifndef TRAPLINE_KERNEL_FS_FS_H
#define TRAPLINE_KERNEL_FS_FS_H

#include "kernel/vfs/inode.h"

struct tasks;
struct uts;
struct vfs;

/*
 * A host directory (or file) as a filesystem. Nothing above dir_fd is ever reached: names are looked up one component
 * at a time below descriptors, symbolic links are the VFS's to follow. dir_fd: O_PATH, taken over.
 */
struct hostfs_options {
	bool readonly;
	/*
	 * owner, mode and device numbers that guests set are remembered beside the host's files (in memory, by inode,
	 * or with .xattrs in user.containers.override_stat), as fakeroot does; without, they are the host's to refuse.
	 */
	bool virtual_attrs;
	bool xattrs;
	uid_t own_uid;		/* with virtual_attrs: whose the supervisor's own files seem to be */
	gid_t own_gid;
	bool cached;		/* nobody else changes it: names are not revalidated (layers of an overlay) */
};
MUST_CHECK int hostfs_create(int dir_fd, const struct hostfs_options *options, struct super **ret);

struct tmpfs_options {
	uint64_t size;		/* bytes of data; 0: unlimited */
	uint64_t inodes;	/* 0: unlimited */
	mode_t mode;		/* of the root; 0: 01777 */
	uid_t uid;
	gid_t gid;
};
MUST_CHECK int tmpfs_create(const struct tmpfs_options *options, struct super **ret);

/* lowers[0] is the topmost. upper NULL: read-only. References are taken over, also on failure. */
MUST_CHECK int overlay_create(struct super *const *lowers, size_t count, struct super *upper, struct super **ret);

/* /proc of these tasks, in this tree. Borrowed: they live longer. -ENODEV: /proc of the host is none. */
MUST_CHECK int procfs_create(struct vfs *v, struct tasks *tasks, struct uts *uts, struct super **ret);
/*
 * Whose directory in a procfs the inode is (pidfd_send_signal(2) takes it for a pidfd). -EBADF: of no process; -ESRCH:
 * it is gone.
 */
MUST_CHECK pid_t procfs_process(struct inode *inode);
/* The number of the mount that p is on, as mountinfo shows it. */
int procfs_mount_id(const struct path *p);
/* /dev: null zero full random urandom tty ptmx fd stdin stdout stderr; pts and shm are directories to mount on. */
MUST_CHECK int devfs_create(struct super **ret);

#endif
