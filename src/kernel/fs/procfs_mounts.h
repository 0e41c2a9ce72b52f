/* procfs: the host's mounts, where directories of the host are in the guest's tree. */
#ifndef TRAPLINE_KERNEL_FS_PROCFS_MOUNTS_H
#define TRAPLINE_KERNEL_FS_PROCFS_MOUNTS_H

#include "kernel/fs/procfs_private.h"

/* A line of the host's mountinfo. */
struct host_mount {
	struct host_mount *next;
	int id, parent;
	unsigned major, minor;
	/* in .text */
	char *root, *point, *options, *type, *source, *super_options;
	char text[];
};

struct host_mounts {
	struct host_mount *first;	/* owned; in the host's order, NULL: not read yet */
	char dir[VFS_PATH_MAX];		/* the host's directory that was located last */
};

void host_mounts_finish(struct host_mounts *h);
#define AUTO_HOST_MOUNTS CLEANUP(host_mounts_finish)

/* Does it show a directory or file of the host? */
bool host_mounts_has(const struct super *sb);
/* The mount that a filesystem's root is on; h->dir becomes the name of that root. NULL: not known. */
const struct host_mount *host_mounts_locate(struct host_mounts *h, const struct proc_inode *pi, struct inode *root);
const struct host_mount *host_mounts_find(const struct host_mounts *h, int id);	/* NULL: there is none */
/* Is it mounted on something inside dir? */
bool host_mount_is_below(const struct host_mount *m, const char *dir);
/* The number that a mount of the host has for guests, inside the mount id of theirs. */
int host_mount_id(int id, int of_host);

#endif
