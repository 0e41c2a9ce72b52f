/*
 * Inside hostfs: its super, its inodes and how a host object is reached.
 *
 * An inode is one host object, found by (device, inode number, birth time) in the super's table, which holds no
 * references. It is reached in one of two ways:
 *  - pinned: .fd is an O_PATH descriptor of it, kept until the inode dies. Directories that were used as one are, as
 *    long as descriptors last, and everything that lost its name while it was in use.
 *  - placed: by the parent and name it was last seen under. Each use checks that the object there is still this one
 *    (-ESTALE if the host put another in its place); renames by guests carry the place along.
 * Either way every host call names one component at most, below a descriptor, and follows no symbolic link.
 *
 * Locks, in this order: inode.lock (the VFS's), place_lock of a child, place_lock of its parent, hostfs.lock.
 */
#ifndef TRAPLINE_KERNEL_FS_HOSTFS_PRIVATE_H
#define TRAPLINE_KERNEL_FS_HOSTFS_PRIVATE_H

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/fs/fs.h"

enum {
	HOSTFS_BUCKETS_MIN = 256,
	HOSTFS_STATX = STATX_BASIC_STATS | STATX_BTIME,
	PROC_FD_PATH_SIZE = sizeof("/proc/self/fd/-2147483648"),
};

#define HOSTFS_OVERRIDE_XATTR "user.containers.override_stat"

/* What makes a host object the same one: inode numbers are used again. */
struct hostfs_id {
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	struct statx_timestamp btime;	/* zero where the host does not tell */
};

enum hostfs_override_parts {
	OVERRIDE_OWNER = 1,
	OVERRIDE_MODE = 2,
	OVERRIDE_TYPE = 4,		/* the host has a regular file: a placeholder */
};

/* What guests set and the host was not told. */
struct hostfs_override {
	struct hostfs_override *next;
	struct hostfs_id id;
	unsigned parts;			/* enum hostfs_override_parts; never 0 in the table */
	uid_t uid;
	gid_t gid;
	mode_t mode;			/* with type */
	dev_t rdev;
};

struct hostfs_inode {
	struct inode inode;
	struct hostfs_id id;
	struct hostfs_inode *next;	/* hostfs.lock */
	bool hashed;			/* hostfs.lock */
	atomic_bool unlinked;		/* its last name is gone */
	atomic_bool buried;		/* what guests set on it outlives the inode: super_ops.bury */
	atomic_bool closed;		/* with virtual_attrs: our own, but its mode keeps us out */
	atomic_bool placeholders;	/* a directory that may hold some: its host listing is not right */
	pthread_rwlock_t place_lock;
	atomic_int fd;			/* set once, under place_lock; -1: placed, or given up with its room */
	struct inode *parent;		/* place_lock; a reference, NULL when pinned */
	char *name;			/* place_lock; owned */
	struct inode *spare_parent;	/* of many_names: where it was placed before, if it is there still; place_lock; a reference */
	char *spare_name;		/* place_lock; owned */
	_Atomic(char *) target;		/* of a symbolic link that cannot change: set once; owned; NULL: not read yet */
};

struct hostfs {
	struct super super;
	struct hostfs_options options;
	uid_t uid;			/* the supervisor's own */
	gid_t gid;
	int pins_max;
	atomic_int pins;
	atomic_bool no_fchmodat2;	/* Linux before 6.6 */
	pthread_mutex_t lock;		/* the tables below */
	struct hostfs_inode **inodes;
	size_t inode_buckets, inode_count;
	struct hostfs_override **overrides;
	size_t override_buckets, override_count;
	struct hostfs_acl **acls;	/* NULL: none yet */
	size_t acl_bytes;
};

static inline struct hostfs *hostfs_of(const struct inode *inode)
{
	return (struct hostfs *)inode->super;
}

static inline struct hostfs_inode *hostfs_inode(struct inode *inode)
{
	return (struct hostfs_inode *)inode;
}

/* ---- hostfs_reach.c ---- */

/* An O_PATH descriptor of the object for as long as the hold lasts. */
struct hostfs_hold {
	int fd;
	bool temporary;
};

MUST_CHECK int hostfs_hold(struct hostfs_inode *hi, struct hostfs_hold *ret);
void hostfs_release(struct hostfs_hold *hold);
/* From now on reached by a descriptor of its own: before its name goes. */
MUST_CHECK int hostfs_pin(struct hostfs_inode *hi);

/* The same of what cannot be reached any more: *fd, which is taken over then, stands for it. */
void hostfs_reach_by(struct hostfs_inode *hi, int *fd);

/*
 * This name of it goes: pin it. When there are many pins already, a file of several names is reached by another one instead,
 * if that is known; and one that nobody has open is let go with its last name: who gets at it still (a path that was just
 * walked) has -ESTALE.
 */
MUST_CHECK int hostfs_before_unlink(struct hostfs_inode *hi, const struct inode *dir, const char *name);

/* inode_ops.give_room */
void hostfs_give_room(struct inode *inode);

/* The cheapest way for one *at call with AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW; its name stays its while begun. */
struct hostfs_at {
	struct hostfs_inode *hi;
	int fd;
	const char *name;		/* "" : fd is the object itself */
	bool locked;
	struct hostfs_hold parent;
};

MUST_CHECK int hostfs_at_begin(struct hostfs_inode *hi, struct hostfs_at *ret);
void hostfs_at_end(struct hostfs_at *at);
/* The host's attributes; -ESTALE: this is another object. */
MUST_CHECK int hostfs_at_stat(const struct hostfs_at *at, struct statx *ret);
/* The same, begun and ended. */
MUST_CHECK int hostfs_stat(struct hostfs_inode *hi, struct statx *ret);

void hostfs_id_of(const struct statx *stx, struct hostfs_id *ret);
bool hostfs_id_equal(const struct hostfs_id *a, const struct hostfs_id *b);
size_t hostfs_id_hash(const struct hostfs_id *id);
/* Remember where a placed inode is now. */
int hostfs_place(struct hostfs_inode *hi, struct inode *parent, const char *name);
const char *hostfs_proc_path(int fd, char buf[PROC_FD_PATH_SIZE]);
/* The errno of a host call, as the guest may see it: what is only the supervisor's trouble is -ENFILE. */
int hostfs_errno(void);

/* ---- hostfs.c ---- */

/* The inode of the object that stx describes, seen as name in parent (NULL: pinned with fd, which is taken over). */
MUST_CHECK int hostfs_get(struct hostfs *fs, const struct statx *stx, struct inode *parent, const char *name, int fd,
			  struct inode **ret);
bool hostfs_name_ok(const char *name);
extern const struct inode_ops hostfs_inode_ops;

/* ---- hostfs_names.c: operations of directories ---- */
int hostfs_create_node(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret);
int hostfs_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret);
int hostfs_link(struct inode *dir, const char *name, struct inode *inode);
int hostfs_unlink(struct inode *dir, const char *name, struct inode *inode);
int hostfs_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		  const char *new_name, struct inode *replaced, unsigned flags);

/* ---- hostfs_list.c ---- */
int hostfs_iterate(struct inode *dir, struct dir_reader *reader);

/* ---- hostfs_open.c ---- */
int hostfs_open(struct inode *inode, int flags, struct vfs_opened *ret);
int hostfs_open_path(struct inode *dir, const char *path, struct inode *inode, int flags, struct vfs_opened *ret);
int hostfs_host(struct inode *inode, int *ret_fd);
/* A new open file description of it, whatever it is. */
MUST_CHECK int hostfs_reopen(struct hostfs_inode *hi, int flags);

/* ---- hostfs_attr.c ---- */
int hostfs_getattr(struct inode *inode, struct statx *ret);
/* From what the host says to what the guest sees. */
void hostfs_show(struct hostfs *fs, struct statx *stx);
void hostfs_come_by(struct inode *inode, struct inode *dir, const char *name);
int hostfs_setattr(struct inode *inode, const struct vfs_attr *attr);
int hostfs_get_flags(struct inode *inode, unsigned *ret);
int hostfs_set_flags(struct inode *inode, unsigned flags);
MUST_CHECK int hostfs_chmod(const struct hostfs_at *at, mode_t mode);
ssize_t hostfs_readlink(struct inode *inode, char *buf, size_t size);
/* The host's own attributes. */
ssize_t hostfs_host_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int hostfs_host_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t hostfs_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int hostfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t hostfs_listxattr(struct inode *inode, char *list, size_t size);
int hostfs_removexattr(struct inode *inode, const char *name);

/* ---- hostfs_virtual.c: with virtual_attrs; without, these change nothing ---- */

/* Permission bits that the host gets for these: the owner can always read and write, and search directories. */
mode_t hostfs_host_mode(const struct hostfs *fs, mode_t mode);
/* Make the host's attributes those that guests see. */
void hostfs_virtual_apply(struct hostfs *fs, struct statx *stx);
/* With .xattrs: what the host object at (fd, name) has; before the first apply. */
MUST_CHECK int hostfs_virtual_load(struct hostfs *fs, const struct statx *host, int fd, const char *name);
/*
 * What guests shall see of the object at (fd, name) from now on. host: its attributes there at the moment; want: the
 * wanted uid, gid, mode with type, and rdev.
 */
MUST_CHECK int hostfs_virtual_set(struct hostfs *fs, const struct statx *host, const struct hostfs_override *want, int fd,
				  const char *name);
/*
 * Root is kept out of nothing: after -EACCES, make what belongs to us usable; guests see the mode it had. May it help?
 */
bool hostfs_virtual_open_up(struct hostfs_inode *hi);
void hostfs_virtual_forget(struct hostfs *fs, const struct hostfs_id *id);
/* The type that guests see of a directory's entry whose host type is type. */
mode_t hostfs_virtual_type(struct hostfs *fs, const struct hostfs_id *dir, uint64_t ino, mode_t type, int fd,
			   const char *name);
void hostfs_virtual_finish(struct hostfs *fs);

/* ---- hostfs_acl.c: with virtual_attrs ---- */

/* An attribute of the host that ACLs are kept in? */
bool hostfs_acl_is_own(const char *name);
/* As getxattr, setxattr and removexattr of system.posix_acl_access or _default. */
ssize_t hostfs_acl_get(struct inode *inode, bool of_default, void *value, size_t size);
MUST_CHECK int hostfs_acl_set(struct inode *inode, bool of_default, const void *value, size_t size);
MUST_CHECK int hostfs_acl_remove(struct inode *inode, bool of_default);
/* What guests set alone: 0: that there is none; -ENODATA: nothing. */
ssize_t hostfs_acl_kept(struct inode *inode, bool of_default, void *value, size_t size);
/* For the VFS. What only the host has does not count here for others than the host. */
ssize_t hostfs_acl(struct inode *inode, bool of_default, void *value, size_t size);
void hostfs_acl_forget(struct hostfs *fs, const struct hostfs_id *id);
void hostfs_acl_finish(struct hostfs *fs);

#endif
