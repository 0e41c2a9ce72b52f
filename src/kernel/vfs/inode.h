/*
 * What a filesystem gives the VFS: superblocks and inodes with const tables of operations.
 *
 * Contract
 *  - A filesystem embeds struct super and struct inode in its own (first member) and allocates them; destroy frees.
 *  - Operations return 0 or a negative errno that the guest may see. A failure of the host that no errno of the call
 *    explains (the supervisor's own descriptors are exhausted) is -ENFILE; memory is -ENOMEM.
 *  - Names are 1 to 255 bytes, end in NUL, hold no '/', and are never "." or "..". The VFS has checked permissions with
 *    the caller's virtual credentials, read-only mounts, types (ENOTDIR, EISDIR, ENOTEMPTY is the filesystem's) before
 *    it calls; what the host refuses on top of that (a read-only backing) is passed on.
 *  - A NULL operation: -EPERM for what changes a directory, -EOPNOTSUPP for xattrs, otherwise as said at the member.
 *
 * Locks: inode.lock of a directory is taken by the VFS: shared around lookup, iterate; exclusive around create, link,
 * unlink, rename, tmpfile. Of two directories the ancestor first, else the lower address; renames between directories
 * are serialised by the superblock's rename_lock, taken before both. A filesystem's own locks come after these.
 */
#ifndef TRAPLINE_KERNEL_VFS_INODE_H
#define TRAPLINE_KERNEL_VFS_INODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include "base/errors.h"

enum { VFS_NAME_MAX = 255, VFS_PATH_MAX = 4096, VFS_SYMLINKS_MAX = 40 };

struct inode;
struct path;
struct super;
struct vfs;
struct walk_env;

enum super_flags {
	SUPER_READONLY = 1,
	SUPER_REVALIDATES = 2,	/* objects change behind our back: cached names are checked with .revalidate */
	SUPER_HOST_DIRS = 4,	/* .open of a directory gives a host directory whose own listing is right */
	SUPER_HOST_CHECKS = 8,	/* the host checks permissions for the supervisor's own identity, so that we need not */
	SUPER_FIXED_NAMES = 32,	/* nobody makes names: a missing one is -ENOENT also for who would make it (proc) */
	/* what happens to an object happens to the host's that .host gives: inotify watches that */
	SUPER_HOST_EVENTS = 64,
	/* POSIX ACLs are attributes that .setxattr keeps; what they mean the VFS carries out (vfs/acl.h) */
	SUPER_KEEPS_ACLS = 128,
	SUPER_HOST_UMASK = 256,	/* .create and .tmpfile heed vfs_create.umask */
	SUPER_IN_MEMORY = 512,	/* no operation waits for others than us: they may be asked in a read-side section */
	SUPER_HOST_ATTRS = 16,	/* stat of an opened backing is already what the guest shall see */
};

struct super_ops {
	int (*statfs)(struct super *sb, struct statfs *ret);
	int (*sync)(struct super *sb);		/* NULL: nothing to write back */
	/*
	 * The last mount of it is gone: drop the references that a tree in memory holds on its inodes (and they on sb).
	 * NULL: none.
	 */
	void (*shutdown)(struct super *sb);
	void (*destroy)(struct super *sb);	/* after its last inode */
	/*
	 * Removed directories and files that are open, of which no inode is kept (vfs/ghost.c). attr: as .getattr gave
	 * it at the end. bury: what guests set on it is not forgotten with the inode; exhume: an inode again, of what
	 * fd, borrowed, stands for; forget: nobody has it any more. NULL, all of them: such a directory changes no
	 * more.
	 */
	void (*bury)(struct inode *inode);
	int (*exhume)(struct super *sb, const struct statx *attr, int fd, struct inode **ret);
	void (*forget)(struct super *sb, const struct statx *attr);
};

struct super {
	atomic_uint refs;
	const struct super_ops *ops;
	const char *type;		/* "tmpfs", as in /proc/mounts; static */
	unsigned flags;			/* enum super_flags; constant after creation */
	uint32_t dev_major, dev_minor;	/* st_dev of its inodes, unless getattr says another */
	pthread_mutex_t rename_lock;	/* see above */
	struct inode *root;		/* owned */
};

/* With SUPER_HOST_CHECKS: the host makes it for the ids that it should have. */
#define VFS_OWNER_OF_HOST ((uid_t)-1)

/* An object to be made. */
struct vfs_create {
	mode_t mode;			/* type and permission bits; the umask is applied, unless it is in .umask */
	/* SUPER_HOST_UMASK: to be applied by the host, or what the directory's default ACL says instead */
	mode_t umask;
	/* owner: the creator's, setgid directories considered. VFS_OWNER_OF_HOST: as it comes */
	uid_t uid;
	gid_t gid;
	dev_t rdev;			/* S_IFCHR, S_IFBLK */
	const char *target;		/* S_IFLNK */
	int open_flags;			/* S_IFREG: if the filesystem can, open it at once, with these flags ... */
	struct vfs_opened *opened;	/* ... and fill this in; else leave it alone. May be NULL. */
	/*
	 * S_IFSOCK made by bind(2): an O_PATH descriptor of a bound host socket that no longer has a name, to be what
	 * .host gives. Who takes it over sets it to -1. NULL: mknod(2).
	 */
	int *socket;
};

/* chmod, chown, truncate, utimensat in one. */
struct vfs_attr {
	/*
	 * STATX_MODE, STATX_UID, STATX_GID, STATX_SIZE, STATX_ATIME, STATX_MTIME; STATX_CTIME: chown, which is a change
	 * also when it gives no id
	 */
	unsigned valid;
	mode_t mode;			/* permission bits, suid and sgid already dropped where Linux drops them */
	uid_t uid;
	gid_t gid;
	off_t size;
	struct timespec atime;		/* tv_nsec may be UTIME_NOW */
	struct timespec mtime;
	/* SUPER_HOST_ATTRS: a descriptor of the caller's for the object, which the host may judge; NULL: none */
	const int *fd;
};

/* What an open ends with: a descriptor of the host for the guest. */
struct vfs_opened {
	int fd;			/* owned by whom it is given to */
	bool has_id;		/* dev and ino are what fstat of fd would say: the filesystem had them at hand */
	/* the host's object itself: calls on the descriptor are the host's, who asks is the guest */
	bool foreign;
	dev_t dev;
	ino_t ino;
	/* fd is O_PATH: reopen it with .flags through /proc/self/fd, which may block (a fifo, a terminal) */
	bool blocks;
	int flags;
	pid_t asker;		/* told to the filesystem: the task that opens it; 0: none */
	/* of the VFS: what vfs_mark gives the description that comes of it. The filesystem leaves it 0 */
	int mark;
};

/*
 * A listing in progress. cursor is where to go on: 0 at the start, 1 and 2 behind "." and "..", which the VFS emits;
 * a filesystem's own entries have cursors from 3 on, that stay right while the directory changes (an entry that was
 * neither added nor removed is listed exactly once).
 */
struct dir_reader {
	uint64_t cursor;
	bool quiet;		/* O_NOATIME: it is no access */
	/* next: the cursor behind this entry. false: no room, stop before it. */
	bool (*emit)(struct dir_reader *r, const char *name, size_t len, uint64_t ino, unsigned char type, uint64_t next);
};

struct inode_ops {
	/* ---- directories ---- */
	/* A new reference. -ENOENT: no such name. */
	int (*lookup)(struct inode *dir, const char *name, struct inode **ret);
	/* The same, and its attributes as .getattr gives them. NULL: they are asked for by themselves. */
	int (*lookup_attr)(struct inode *dir, const char *name, struct inode **ret, struct statx *ret_attr);
	/*
	 * Is name still this inode (NULL: still nothing)? 1, 0, or an error: it cannot be told now. For
	 * SUPER_REVALIDATES; dir->lock shared.
	 */
	int (*revalidate)(struct inode *dir, const char *name, struct inode *inode);
	/*
	 * The same for many names with one call: does path (no ".", "..", doubled slashes) below dir still lead to
	 * inode (NULL: still through directories, to nothing)? With no lock held. 0, and the attributes as getattr
	 * gives them if ret is not NULL; else an error, upon which each name is asked for by itself. NULL: each name
	 * is.
	 */
	int (*revalidate_path)(struct inode *dir, const char *path, struct inode *inode, struct statx *ret);
	/*
	 * revalidate_path, and if so, .open of inode, a regular file, in one: flags as there, without O_TRUNC and
	 * O_PATH. What is not inode is not opened, or at least not changed. Any error: ask and open by themselves.
	 * NULL: as if it failed.
	 */
	int (*open_path)(struct inode *dir, const char *path, struct inode *inode, int flags, struct vfs_opened *ret);
	/* Any type, directories and symbolic links too. -EEXIST if the host has it meanwhile. A new reference. */
	int (*create)(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret);
	int (*link)(struct inode *dir, const char *name, struct inode *inode);
	/* Also rmdir: inode says the type. -ENOTEMPTY. */
	int (*unlink)(struct inode *dir, const char *name, struct inode *inode);
	/*
	 * replaced: what new_name is now, or NULL. flags: RENAME_NOREPLACE (decided by the VFS already),
	 * RENAME_EXCHANGE, RENAME_WHITEOUT; -EINVAL for what it cannot.
	 */
	int (*rename)(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		      const char *new_name, struct inode *replaced, unsigned flags);
	/*
	 * Two directories between which nothing can be moved: they are on different filesystems of the host. NULL:
	 * there are none.
	 */
	bool (*apart)(const struct inode *a, const struct inode *b);
	/* O_TMPFILE: a file without a name that link may name. NULL: -EOPNOTSUPP. */
	int (*tmpfile)(struct inode *dir, const struct vfs_create *how, struct inode **ret);
	int (*iterate)(struct inode *dir, struct dir_reader *reader);

	/* ---- any type ---- */
	/*
	 * A file of many_names is about to be opened or changed by this one, by which the host shall know it: in the
	 * events of who watches a directory on the host. NULL: they are not the host's.
	 */
	void (*come_by)(struct inode *inode, struct inode *dir, const char *name);
	/* All fields that STATX_BASIC_STATS and STATX_BTIME name. */
	int (*getattr)(struct inode *inode, struct statx *ret);
	/* What the mode bits deny, is it allowed all the same (one's own /proc/PID/fd)? NULL: no. */
	bool (*grants)(struct inode *inode, const struct walk_env *env);
	int (*setattr)(struct inode *inode, const struct vfs_attr *attr);
	/* FS_*_FL, as FS_IOC_GETFLAGS and FS_IOC_SETFLAGS tell and take them. NULL: -ENOTTY. */
	int (*get_flags)(struct inode *inode, unsigned *ret);
	int (*set_flags)(struct inode *inode, unsigned flags);
	/* Bytes of the target (not NUL-terminated, at most size). */
	ssize_t (*readlink)(struct inode *inode, char *buf, size_t size);
	/* Instead of readlink, where the text depends on who reads (/proc/self). */
	ssize_t (*readlink_as)(struct inode *inode, const struct walk_env *env, char *buf, size_t size);
	/*
	 * A magic link (/proc/PID/cwd): where it leads, a new reference. NULL: an ordinary link, of which readlink is
	 * walked.
	 */
	int (*follow)(struct inode *inode, struct walk_env *env, struct path *ret);
	/*
	 * A new open file description with flags: the access mode, O_APPEND, O_TRUNC, O_NONBLOCK, O_DIRECT, O_SYNC,
	 * O_NOATIME ... (never O_CREAT, O_EXCL, O_CLOEXEC; O_DIRECTORY of directories only, O_NOFOLLOW of these and of
	 * regular files, for F_GETFL to tell if that can be). O_PATH: a descriptor that stands for the object.
	 * Directories only with SUPER_HOST_DIRS; -EOPNOTSUPP: the host's listing of this one is not right.
	 */
	int (*open)(struct inode *inode, int flags, struct vfs_opened *ret);
	/*
	 * An O_PATH descriptor of the host object behind it, owned by the caller: for inotify, sockets, handles. NULL:
	 * none.
	 */
	int (*host)(struct inode *inode, int *ret_fd);
	/*
	 * Of host objects that it stands or stood on (before a copy was made) the one with these numbers, as .host
	 * gives it; -ENOENT: none. NULL: what .host gives is the only one.
	 */
	int (*backing)(struct inode *inode, dev_t dev, ino_t ino, int *ret_fd);
	/*
	 * Has anybody but us a descriptor or a mapping of what .open gave? For the registry of opened objects. NULL:
	 * not known.
	 */
	bool (*in_use)(struct inode *inode);
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *value, size_t size);	/* size 0: its length */
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
	ssize_t (*listxattr)(struct inode *inode, char *list, size_t size);
	int (*removexattr)(struct inode *inode, const char *name);
	/*
	 * Nobody refers to it but readers that are just passing by, who look at nothing but the type: if its last name
	 * is gone too, its room is given back now. Not for directories and links. destroy follows later. NULL: destroy
	 * does it all.
	 */
	void (*give_room)(struct inode *inode);
	/*
	 * The POSIX ACL that permission checks and new objects obey, as getxattr gives it. NULL: what .getxattr says.
	 */
	ssize_t (*acl)(struct inode *inode, bool of_default, void *value, size_t size);
	void (*destroy)(struct inode *inode);
};

/* inode.kept: what nobody may do, whatever he may (FS_IOC_SETFLAGS of ioctl(2)). */
enum inode_kept {
	INODE_IMMUTABLE = 1,	/* as S_IMMUTABLE of Linux: nobody changes it, nor which names it has */
	INODE_APPEND = 2,	/* as S_APPEND: it only grows, and its names stay */
	INODE_KEPT_ASK = 4,	/* .getattr says it (STATX_ATTR_*). Set by the filesystem where it once did */
};

struct inode {
	atomic_uint refs;
	const struct inode_ops *ops;
	struct super *super;		/* a reference, but for super->root */
	uint64_t ino;
	mode_t type;			/* S_IFMT bits; constant */
	atomic_uint kept;		/* enum inode_kept; inode_kept asks */
	/* no directory, and may have several; set by the filesystem that has .come_by */
	atomic_bool many_names;
	atomic_uint executed;		/* tasks that have it for their program, and a few that just ended */
	/* a guest's inotify watches the host's object: the events of its end wait for ours */
	atomic_bool host_watched;
	/*
	 * A directory of a filesystem that does not revalidate has names which nobody asked it to make (what others put
	 * into a lower layer was copied up): set by the filesystem; the VFS forgets which names are missing and clears
	 * it.
	 */
	atomic_bool names_came;
	/*
	 * On such a filesystem others took the object away that it stands on (-ESTALE): names that lead to it are
	 * looked up anew. Set by the filesystem.
	 */
	atomic_bool stale;
	pthread_rwlock_t lock;		/* see the head of this file */
};

/* Fill in the common part, with one reference. super is referenced unless this is going to be its root. */
void inode_init(struct inode *inode, struct super *super, const struct inode_ops *ops, uint64_t ino, mode_t type);
struct inode *inode_ref(struct inode *inode);
/* A reference if there still is one: for a filesystem's own table of inodes (its lock held there and in destroy). */
bool inode_ref_unless_dead(struct inode *inode);
void inode_unref(struct inode *inode);			/* NULL is nothing */
/* Whoever calls has the reference that may be the last: see .give_room. */
void inode_give_room(struct inode *inode);

/* .dev_*: a new minor number of major 0, as the kernel gives filesystems without a device. */
void super_init(struct super *sb, const struct super_ops *ops, const char *type, unsigned flags);
struct super *super_ref(struct super *sb);
void super_unref(struct super *sb);			/* NULL is nothing; destroys root, then the super */

/* INODE_IMMUTABLE, INODE_APPEND. */
unsigned inode_kept(struct inode *inode);
/* What a filesystem saw of it: whether it is to be asked from now on. */
void inode_note_kept(struct inode *inode, const struct statx *stx);

/* Is it the name of a POSIX ACL's attribute? */
bool xattr_is_acl(const char *name, bool *ret_default);
/*
 * .listxattr, which inode has, without the names that are hidden: bytes of the list, -ERANGE, or its error. size 0: the
 * bytes only.
 */
ssize_t xattr_list_without(struct inode *inode, bool (*hidden)(const char *name), char *list, size_t size);

#endif
