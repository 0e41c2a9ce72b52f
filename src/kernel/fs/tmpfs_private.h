/*
 * tmpfs: a tree in memory. Directories are hash tables, regular files memfds.
 *
 * A regular file gets its memfd at the first open or truncate; a fifo its host object (a fifo without a name) at the
 * first open. From then on what the host keeps of it (size, blocks, times) is joined with what we keep (owner, mode,
 * links).
 *
 * Times: Linux stamps changes of a file with a coarse clock that it refines where somebody looks. To be in order with
 * the stamps of files that guests write natively, all of ours come from the same source: a memfd that is touched and
 * looked at. Access times follow relatime, as tmpfs is mounted by default, though memfds are kept with strict ones
 * (tmpfs_refresh).
 *
 * Locks, in this order: the VFS's inode.lock of a directory guards its entries; tmpfs_super.lock, which an inode that
 * is to be freed needs, too; tmpfs_inode.lock, no two at once; tmpfs_super.memfds_lock.
 */
#ifndef TRAPLINE_KERNEL_FS_TMPFS_PRIVATE_H
#define TRAPLINE_KERNEL_FS_TMPFS_PRIVATE_H

#include "kernel/fs/fs.h"
#include "kernel/fs/tmpfs.h"

enum {
	TMPFS_PAGE = 4096,
	TMPFS_DIRENT_SIZE = 20,		/* what an entry counts in st_size of a directory */
	TMPFS_INODE_SPACE = 1024,	/* what an inode of the limit buys in xattrs */
	/*
	 * Of host objects: our checks count, and a task with other ids than ours may have to open what we opened for it
	 * anew.
	 */
	TMPFS_HOST_MODE = 0766,
	TMPFS_FIRST_COOKIE = 3,		/* see struct dir_reader */
};

struct tmpfs_entry {
	struct tmpfs_entry *next;	/* of its hash bucket; of tmpfs_super.orphans */
	struct tmpfs_inode *inode;	/* a reference */
	uint64_t cookie;
	uint64_t hash;
	size_t len;
	char name[];			/* ends in NUL */
};

struct tmpfs_slot {
	uint64_t cookie;
	struct tmpfs_entry *entry;	/* NULL: removed */
};

struct tmpfs_dir {
	struct tmpfs_entry **buckets;
	size_t bucket_count;		/* 0 or a power of two */
	struct tmpfs_slot *slots;	/* the same entries by ascending cookie, which is the order of their making */
	size_t slot_count, slot_cap;
	size_t live;			/* entries; changed under tmpfs_inode.lock, too */
	bool dead;			/* removed: nothing can be made in it. tmpfs_inode.lock */
	uint64_t next_cookie;
};

struct tmpfs_xattr {
	struct tmpfs_xattr *next;	/* ascending by name */
	size_t size;
	char *value;			/* behind the name */
	char name[];
};

struct tmpfs_inode {
	struct inode inode;
	struct tmpfs_inode *prev, *next;	/* tmpfs_super.lock */
	bool left;				/* tmpfs_super.lock: no longer among its inodes */
	struct tmpfs_inode *prev_memfd, *next_memfd;	/* tmpfs_super.memfds_lock */
	dev_t rdev;
	struct timespec btime;
	/* The host object: an O_RDWR memfd, or O_PATH of a fifo or socket. -1: none yet, or packed. Set under lock; a
	   memfd is closed under lock and the super's. */
	atomic_int backing;
	/* who opens it anew without the lock: it is not packed. Goes up under lock */
	atomic_uint openers;
	pthread_mutex_t lock;			/* all that follows, but where noted */
	mode_t mode;				/* permission bits */
	unsigned flags;				/* FS_*_FL; some of them mean something, to the VFS */
	uid_t uid;
	gid_t gid;
	nlink_t nlink;
	struct timespec atime, mtime, ctime;
	struct timespec seen_atime, seen_mtime, seen_ctime;	/* the backing's, when we last looked */
	dev_t backing_dev;			/* what fstat says of it; .backing_ino 0: not asked yet */
	ino_t backing_ino;
	struct tmpfs_xattr *xattrs;
	struct tmpfs_packed *packed;		/* owned; what a file holds that has no memfd now, or NULL */
	bool pinned;				/* its memfd must stay: it may be watched */
	union {
		struct tmpfs_dir dir;		/* inode.lock */
		struct {
			char *target;		/* constant, owned */
			size_t len;
		} link;
	};
};

struct tmpfs_super {
	struct super super;
	struct tmpfs_options options;
	uint64_t hash_key;			/* so that guests cannot make names collide */
	int clock_fd;				/* owned; see tmpfs_now */
	int self_fds;				/* O_PATH of /proc/self/fd, or -1; owned */
	atomic_uint_fast64_t next_ino;
	atomic_uint_fast64_t xattr_bytes;
	pthread_mutex_t memfds_lock;		/* of the list of files that have one */
	struct tmpfs_inode *first_memfd, *last_memfd;
	atomic_size_t memfds;			/* its length */
	atomic_size_t pack_from;		/* so many, and some are taken from files that nobody has open */
	pthread_mutex_t lock;			/* all that follows */
	struct tmpfs_inode *inodes;
	uint64_t inode_count;			/* with a hard link counted as one more, as Linux does */
	uint64_t budget;			/* pages that may be handed out before data is counted again */
	struct tmpfs_entry *orphans;		/* entries of destroyed directories, still to be let go */
	bool reaping;				/* somebody is at it */
};

static inline struct tmpfs_inode *tmpfs_inode(struct inode *inode)
{
	return (struct tmpfs_inode *)inode;
}

static inline struct tmpfs_super *tmpfs_super(struct tmpfs_inode *ti)
{
	return (struct tmpfs_super *)ti->inode.super;
}

/* ---- tmpfs.c ---- */
/* Also for filesystems that are a tmpfs with something in it. type: static. */
MUST_CHECK int tmpfs_create_type(const struct tmpfs_options *options, const char *type, struct super **ret);
struct timespec tmpfs_now(struct tmpfs_super *sb);
/* One more inode or link. -ENOSPC */
MUST_CHECK int tmpfs_charge_inode(struct tmpfs_super *sb);
void tmpfs_uncharge_inode(struct tmpfs_super *sb);

/* ---- tmpfs_inode.c ---- */
/* A new inode with one reference and no name, and now for its times; its place in the inode limit is charged. */
MUST_CHECK int tmpfs_new_inode(struct tmpfs_super *sb, const struct vfs_create *how, struct timespec now,
			       struct tmpfs_inode **ret);
/* Its ctime is now; at is that time, where we keep it. */
void tmpfs_touch_ctime(struct tmpfs_inode *ti, const struct timespec *at);
/* The same, and what the time is, for what else changes with it. */
struct timespec tmpfs_stamp(struct tmpfs_inode *ti);
/* A directory's entries have changed. links: what is added to its link count. */
void tmpfs_touch_dir(struct tmpfs_inode *dir, const struct timespec *at, int links);
void tmpfs_add_links(struct tmpfs_inode *ti, int count);
void tmpfs_touch_atime(struct tmpfs_inode *ti);

/* ---- tmpfs_backing.c ---- */
/* ti->lock is held in these. */
MUST_CHECK int tmpfs_need_backing(struct tmpfs_inode *ti);
/*
 * A memfd (or the host's fifo) gets the owner of its file, since the host asks who that is: at F_SETFL for O_NOATIME,
 * at F_SETLEASE, at a write that may drop sgid. It drops suid and sgid. Where we may not, it stays ours.
 */
void tmpfs_give_backing(const struct tmpfs_inode *ti, int fd);
/* Its memfd is immutable or append-only as the file is, where the host lets us. ti->lock is held. */
void tmpfs_keep_backing(const struct tmpfs_inode *ti);
/* Take in what the host changed; *ret: its fstat. Only with a backing. */
MUST_CHECK int tmpfs_refresh(struct tmpfs_inode *ti, struct stat *ret);
/* A regular file that is opened right after it was made: its times become those of the memfd. */
MUST_CHECK int tmpfs_open_new(struct tmpfs_inode *ti, int flags, struct vfs_opened *ret);
MUST_CHECK int tmpfs_open(struct inode *inode, int flags, struct vfs_opened *ret);
MUST_CHECK int tmpfs_host(struct inode *inode, int *ret_fd);
bool tmpfs_in_use(struct inode *inode);
/* A descriptor of a file that nobody else has open or mapped, for reading without a trace. -1: somebody has. */
int tmpfs_open_if_idle(struct tmpfs_inode *ti);

/* ---- tmpfs_pack.c ---- */
size_t tmpfs_memfds_allowed(void);
/* A file has a memfd from now on, or none any more. */
void tmpfs_count_memfd(struct tmpfs_inode *ti);
void tmpfs_uncount_memfd(struct tmpfs_inode *ti);
/* Before a memfd is made, without a lock. */
void tmpfs_before_memfd(struct tmpfs_super *sb);
/* There was no descriptor left. Is there one now? */
bool tmpfs_after_shortage(struct tmpfs_super *sb);
/* ti->lock is held in these, and ti->packed is there. */
MUST_CHECK int tmpfs_unpack(const struct tmpfs_inode *ti, int fd);
void tmpfs_packed_stat(const struct tmpfs_inode *ti, struct stat *st);
void tmpfs_free_packed(struct tmpfs_inode *ti);
uint64_t tmpfs_packed_blocks(const struct tmpfs_inode *ti);	/* packed or not */

/* ---- tmpfs_dir.c: the caller holds inode.lock of the directory ---- */
struct tmpfs_entry *tmpfs_find(struct tmpfs_inode *dir, const char *name);
/* An entry that is in no directory yet; takes a reference to inode. NULL: no memory. */
struct tmpfs_entry *tmpfs_new_entry(struct tmpfs_inode *dir, const char *name, struct tmpfs_inode *inode);
void tmpfs_free_entry(struct tmpfs_entry *e);	/* drops its reference; NULL is nothing */
/* Count one more entry in and make room for it: tmpfs_insert must follow. -ENOENT: the directory was removed. */
MUST_CHECK int tmpfs_reserve(struct tmpfs_inode *dir);
void tmpfs_insert(struct tmpfs_inode *dir, struct tmpfs_entry *e);
void tmpfs_remove(struct tmpfs_inode *dir, struct tmpfs_entry *e);
/* The directory is about to lose its name; its own lock need not be held. -ENOTEMPTY */
MUST_CHECK int tmpfs_kill_dir(struct tmpfs_inode *dir);
/* Let go of all entries; for destroy and shutdown. */
void tmpfs_empty_dir(struct tmpfs_inode *dir);
MUST_CHECK int tmpfs_lookup(struct inode *dir, const char *name, struct inode **ret);
MUST_CHECK int tmpfs_iterate(struct inode *dir, struct dir_reader *reader);

/* ---- tmpfs_names.c ---- */
MUST_CHECK int tmpfs_create_name(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret);
MUST_CHECK int tmpfs_link(struct inode *dir, const char *name, struct inode *inode);
MUST_CHECK int tmpfs_unlink(struct inode *dir, const char *name, struct inode *inode);
MUST_CHECK int tmpfs_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
			    const char *new_name, struct inode *replaced, unsigned flags);
MUST_CHECK int tmpfs_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret);

/* ---- tmpfs_xattr.c ---- */
ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *value, size_t size);
MUST_CHECK int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t tmpfs_listxattr(struct inode *inode, char *list, size_t size);
MUST_CHECK int tmpfs_removexattr(struct inode *inode, const char *name);
/* ti->lock is held. A file capability does not outlive a new owner or length. */
void tmpfs_drop_capability(struct tmpfs_inode *ti);
void tmpfs_free_xattrs(struct tmpfs_inode *ti);

#endif
