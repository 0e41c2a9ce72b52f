/*
 * The virtual file system as the handlers use it: mounts, the one path walk, and an operation for each thing that a
 * system call does to a name or an object. Filesystems are behind vfs/inode.h.
 *
 * References: a struct path that a function returns holds a reference to its mount and its dentry; path_put drops it.
 * Errors are the errno that Linux gives for the same call (path_resolution(7), man pages of the calls).
 */
#ifndef TRAPLINE_KERNEL_VFS_VFS_H
#define TRAPLINE_KERNEL_VFS_VFS_H

#include "kernel/vfs/inode.h"

struct cred;
struct dentry;
struct mount;
struct vfs;

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

void path_get(const struct path *p);
void path_put(struct path *p);		/* of {NULL, NULL}: nothing; leaves {NULL, NULL} */
struct inode *path_inode(const struct path *p);	/* borrowed; never NULL for a path that a walk returned */

/* Who walks: everything a path depends on. Borrowed for the call. */
struct walk_env {
	struct vfs *vfs;
	const struct cred *cred;
	struct path root;		/* chroot(2) */
	struct path cwd;
	mode_t umask;
	pid_t tid;			/* for /proc/self and /proc/thread-self */
};

enum walk_flags {
	WALK_FOLLOW = 1,		/* a symbolic link at the end is followed */
	WALK_DIRECTORY = 2,		/* the end must be a directory */
	WALK_EMPTY = 4,			/* AT_EMPTY_PATH: "" means the base itself */
	WALK_NO_SYMLINKS = 8,		/* RESOLVE_* of openat2(2) */
	WALK_NO_MAGICLINKS = 16,
	WALK_NO_XDEV = 32,
	WALK_BENEATH = 64,
	WALK_IN_ROOT = 128,
};

/*
 * Walk name from base (NULL: env->cwd; absolute names start at env->root). Without cred in env there is no permission
 * check: the session itself walks.
 */
MUST_CHECK int vfs_walk(const struct walk_env *env, const struct path *base, const char *name, unsigned flags,
			struct path *ret);

/* vfs_walk and vfs_getattr, with fewer questions to the host than the two together. */
MUST_CHECK int vfs_walk_getattr(const struct walk_env *env, const struct path *base, const char *name, unsigned flags,
				struct path *ret, struct statx *ret_attr);

/* Can what holds the last component be reached? */
MUST_CHECK int vfs_walk_above(const struct walk_env *env, const struct path *base, const char *name);

/* ---- set-up ---- */
struct vfs_options {
	/* where scratch directories are made, tried before $TMPDIR, /dev/shm, /tmp; may be NULL */
	const char *scratch;
	size_t dentries_max;		/* unused cached names kept; 0: a default */
	/* fstat(2) and its kin are answered: a descriptor's backing need not look like the object */
	bool virtual_attrs;
};

MUST_CHECK int vfs_create(const struct vfs_options *options, struct vfs **ret);
void vfs_destroy(struct vfs *v);	/* NULL is nothing */

enum mount_flags { MOUNT_READONLY = 1, MOUNT_NOEXEC = 2, MOUNT_NODEV = 4, MOUNT_NOSUID = 8 };

/*
 * Mount a filesystem (takes over the caller's reference to sb, also when it fails). The first goes to "/". Where target
 * does not exist it is made up: a mount point that only the VFS knows, listed in its parent. A target on a directory
 * needs a root that is one; a file can be mounted on a file (a bind of one file): sb->root is that file.
 * source: as shown in /proc/mounts; copied.
 */
MUST_CHECK int vfs_mount(struct vfs *v, const char *target, struct super *sb, unsigned flags, const char *source);
void vfs_root(struct vfs *v, struct path *ret);		/* "/" of the whole tree, a reference */

/* Call visit for each mount in order; stops at a non-zero result, which is returned. target: as seen from env->root. */
struct mount_info {
	int id, parent_id;
	const struct super *super;
	unsigned flags;
	const char *source, *target;
};
int vfs_each_mount(const struct walk_env *env, int (*visit)(const struct mount_info *m, void *ctx), void *ctx);
/*
 * A path to an object that no name leads to, for what a magic link follows to ("pipe:[123]"). shown: as vfs_shown_name
 * gives it. Takes over the reference to inode, also when it fails.
 */
MUST_CHECK int vfs_path_of_inode(struct vfs *v, struct inode *inode, const char *shown, struct path *ret);

/* ---- names ---- */
/* The path as seen from env->root: its length with NUL, -ERANGE; unreachable or removed: -ENOENT. */
ssize_t vfs_name(const struct walk_env *env, const struct path *p, char *buf, size_t size);
/* As getcwd(2) says it: what is unreachable behind "(unreachable)", as seen from the top. */
ssize_t vfs_cwd_name(const struct walk_env *env, char *buf, size_t size);
/* As readlink of /proc/self/fd shows it: " (deleted)" is appended. */
ssize_t vfs_shown_name(const struct walk_env *env, const struct path *p, char *buf, size_t size);

/* ---- opening ---- */
struct vfs_open_how {
	int flags;			/* O_*, checked by the caller for what open and openat2 refuse */
	mode_t mode;			/* umask not yet applied */
	unsigned walk;			/* WALK_NO_*, BENEATH, IN_ROOT */
};

/* open(2) with all its flags. ret_path may be NULL. The opened object can be found again by vfs_identify. */
MUST_CHECK int vfs_open(const struct walk_env *env, const struct path *base, const char *name,
			const struct vfs_open_how *how, struct vfs_opened *ret, struct path *ret_path);
/* Reopen an object (open of /proc/self/fd/N). flags as of open(2). */
MUST_CHECK int vfs_open_path(const struct walk_env *env, const struct path *p, int flags, struct vfs_opened *ret);
/*
 * What virtual object is behind a guest's descriptor? fd: a duplicate of it in this process (borrowed). -ENOENT: none
 * of ours (a pipe, a socket, a file that was passed in from outside).
 */
MUST_CHECK int vfs_identify(struct vfs *v, int fd, struct path *ret);
/*
 * The same. ret_own: fd is of the very object, which shows its own attributes, so that changes may be made by fd
 * (vfs_attr.fd).
 */
MUST_CHECK int vfs_identify_own(struct vfs *v, int fd, struct path *ret, bool *ret_own);
/*
 * vfs_identify and vfs_getattr, with fewer questions to the host than the two together. -ENOENT: none of ours, and
 * ret_attr is what the host says of it.
 */
MUST_CHECK int vfs_identify_getattr(struct vfs *v, int fd, struct path *ret, struct statx *ret_attr);
/*
 * Has the object behind the descriptor been opened by several names? Then vfs_identify knows which one it was of the
 * very open file description of the guest, and not of another one (O_PATH) of its object.
 */
bool vfs_has_names(struct vfs *v, int fd);
/*
 * fd, which vfs_open gave, is about to be opened once more, natively through /proc: the description that comes of it
 * ends as those do that vfs_open made. Before that open, since its end may be seen at once.
 */
void vfs_lend(struct vfs *v, int fd);
/* An open file description that vfs_open gave a mark was opened anew: fd is to have it too. */
void vfs_mark(int fd, int mark);
/* The mark of a description, 0: none. */
int vfs_mark_of(int fd);
/* The same for what is only known by the host's numbers (a mapping). */
MUST_CHECK int vfs_identify_number(struct vfs *v, dev_t dev, ino_t ino, struct path *ret);
/* A file p that its filesystem opened for us, for reading: that stands for it from now on. */
MUST_CHECK int vfs_remember(struct vfs *v, const struct path *p, struct vfs_opened *opened);
/*
 * getdents64(2) on a directory: p from vfs_identify, fd as there; its file offset is the cursor. Bytes written to buf.
 */
ssize_t vfs_getdents64(const struct walk_env *env, const struct path *p, int fd, void *buf, size_t size);

/* ---- operations on names: permissions are checked, read-only mounts refused ---- */
MUST_CHECK int vfs_mknod(const struct walk_env *env, const struct path *base, const char *name, mode_t mode, dev_t rdev);
/* A socket of bind(2) on a filesystem whose directories have no host (vfs_host): *socket as in struct vfs_create. */
MUST_CHECK int vfs_mksock(const struct walk_env *env, const struct path *base, const char *name, mode_t mode, int *socket);
MUST_CHECK int vfs_mkdir(const struct walk_env *env, const struct path *base, const char *name, mode_t mode);
MUST_CHECK int vfs_symlink(const struct walk_env *env, const char *target, const struct path *base, const char *name);
/* flags: WALK_FOLLOW, WALK_EMPTY for the old name. */
MUST_CHECK int vfs_link(const struct walk_env *env, const struct path *old_base, const char *old_name, unsigned flags,
			const struct path *new_base, const char *new_name);
MUST_CHECK int vfs_unlink(const struct walk_env *env, const struct path *base, const char *name, bool directory);
MUST_CHECK int vfs_rename(const struct walk_env *env, const struct path *old_base, const char *old_name,
			  const struct path *new_base, const char *new_name, unsigned flags);

/* ---- operations on objects ---- */
MUST_CHECK int vfs_getattr(const struct path *p, struct statx *ret);
/*
 * Checks who may (owner, CAP_FOWNER, CAP_CHOWN), drops suid and sgid as Linux does. attr->mode: as the guest gave it.
 */
MUST_CHECK int vfs_setattr(const struct walk_env *env, const struct path *p, struct vfs_attr *attr);
/* FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of ioctl(2). -ENOTTY: what has none. */
MUST_CHECK int vfs_get_flags(const struct path *p, unsigned *ret);
MUST_CHECK int vfs_set_flags(const struct walk_env *env, const struct path *p, unsigned flags);
/* Some of what an ioctl of the host's object is about to change decides what others may do. */
void vfs_flags_change(const struct path *p);
/* -EROFS where nothing is to be changed. */
MUST_CHECK int vfs_want_write(const struct path *p);
/* mask: R_OK, W_OK, X_OK. access(2) asks with other credentials: cred_of_access. */
MUST_CHECK int vfs_permission(const struct walk_env *env, const struct path *p, int mask);
/* The same, where vfs_walk_getattr has just told the attributes. NULL: it has not. */
MUST_CHECK int vfs_permission_known(const struct walk_env *env, const struct path *p, const struct statx *attr, int mask);
ssize_t vfs_readlink(const struct walk_env *env, const struct path *p, char *buf, size_t size);
ssize_t vfs_getxattr(const struct walk_env *env, const struct path *p, const char *name, void *value, size_t size);
MUST_CHECK int vfs_setxattr(const struct walk_env *env, const struct path *p, const char *name, const void *value,
			    size_t size, int flags);
ssize_t vfs_listxattr(const struct walk_env *env, const struct path *p, char *list, size_t size);
MUST_CHECK int vfs_removexattr(const struct walk_env *env, const struct path *p, const char *name);
MUST_CHECK int vfs_statfs(const struct path *p, struct statfs *ret);
bool vfs_is_removed(const struct path *p);	/* a directory that has no name any more */
/* An O_PATH descriptor of the host object behind it, owned by the caller; -EOPNOTSUPP: there is none. */
MUST_CHECK int vfs_host(const struct path *p, int *ret_fd);
unsigned vfs_mount_flags(const struct path *p);		/* enum mount_flags */
bool vfs_is_mount_root(const struct path *p);
int vfs_mount_id(const struct path *p);			/* as vfs_each_mount tells it */
/* Is it the program of a running process, so that writing to it is -ETXTBSY? */
bool vfs_is_executed(struct vfs *v, struct inode *inode);
/* Who says it, where inode.executed is not 0. ctx must live as long as guests do. */
typedef bool exec_checker(void *ctx, const struct inode *inode);
void vfs_set_exec_checker(struct vfs *v, exec_checker *checker, void *ctx);

/* ---- watches ---- */
/*
 * inotify_add_watch(2) for a duplicate of a guest's inotify descriptor (borrowed). Who may was checked. A watch
 * descriptor. -ENOSPC: it cannot be watched.
 */
MUST_CHECK int vfs_watch(struct vfs *v, const struct path *p, int inotify, uint32_t mask);
/*
 * What the guest takes the watched host object with these numbers for (PID/fdinfo of an inotify descriptor). -ENOENT:
 * for itself.
 */
MUST_CHECK int vfs_watched(struct vfs *v, dev_t dev, ino_t ino, struct statx *ret);
/*
 * Calls seen for each host object that an inotify descriptor of some guest watches. A negative errno: they could not be
 * found out.
 */
typedef int watch_lister(void *ctx, void (*seen)(void *arg, dev_t dev, ino_t ino), void *arg);
/* Before the first watch; without one nothing is forgotten. ctx must live until vfs_end_watches. */
void vfs_set_watch_lister(struct vfs *v, watch_lister *lister, void *ctx);
/* No guest is left: the lister is not called again. vfs_destroy does it too. */
void vfs_end_watches(struct vfs *v);

#endif
