/*
 * The insides of the VFS.
 *
 * Locks, in the order in which they are taken:
 *   1. super.rename_lock			one rename between two directories of a filesystem at a time
 *   2. inode.lock of directories		the ancestor first, else the lower address (vfs/inode.h)
 *   3. watches.lock				who watches what, and events under way (watch.h)
 *   4. locks of filesystems
 *   5. scratch.lock				making and dropping scratch directories
 *   6. registry.lock				which object is behind a descriptor
 *   7. dcache.lock				writers of the dentry cache: hash chains, LRU, names, mounts
 * RCU read-side sections may surround any of these, but not what may wait for the host (SUPER_IN_MEMORY says what does
 * not): what is freed after a grace period waits for all readers.
 *
 * Life of a dentry: refs counts its users. With refs 0 it lives on as a cached name (hashed, on the LRU) or, when its
 * name is gone, it dies: refs becomes DENTRY_DEAD, once, and the memory and the reference to the inode go after a grace
 * period. So a reader inside a read-side section may look at any dentry that it came to and at its inode without a
 * reference, and needs dentry_ref_unless_dead to take it outside. A dentry's inode never changes: a name that comes to
 * mean something else gets another dentry.
 *
 * Life of a name: parent and text never change either. A rename gives the dentry another dentry_name; the old one stays
 * readable for a grace period, its place in the hash chain too, so no reader is led astray: it sees the old or the new
 * name, never a mixture. ".." inside a scope (RESOLVE_BENEATH) looks at rename_seq besides.
 */
#ifndef TRAPLINE_KERNEL_VFS_VFS_PRIVATE_H
#define TRAPLINE_KERNEL_VFS_VFS_PRIVATE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "kernel/vfs/rcu.h"
#include "kernel/vfs/vfs.h"
#include "kernel/vfs/watch.h"

enum dentry_flags {
	DENTRY_HASHED = 1,	/* found by its name; changed under dcache.lock */
	DENTRY_ON_LRU = 2,	/* dcache.lock */
	DENTRY_USED = 4,	/* found since the LRU looked at it last */
	DENTRY_MOUNTED = 8,	/* something is mounted on it, in some mount; never cleared */
	DENTRY_GHOST = 16,	/* made up for a mount point: pinned, no filesystem knows it */
	DENTRY_HAS_GHOSTS = 32,	/* some child is a ghost */
	DENTRY_CHECKED = 64,	/* of a filesystem that revalidates; constant */
	DENTRY_REMOVED = 128,	/* unlinked: nothing can be made in it, its shown name is "(deleted)" */
	DENTRY_LINKABLE = 256,	/* of O_TMPFILE without O_EXCL, until it gets its first name */
	DENTRY_ANONYMOUS = 512,	/* shown by its bare text: what no directory ever held; constant */
	DENTRY_DIRECTORY = 1024,	/* inode->type, without a look at the inode; constant */
	DENTRY_SYMLINK = 2048,
	DENTRY_HAS_REMAINS = 4096,	/* something that was removed from it is kept below it: registry_bury.c */
};

#define DENTRY_DEAD INT_MIN

/* A place in the tree: immutable, freed after a grace period. */
struct dentry_name {
	_Atomic(struct dentry_name *) next;	/* hash chain; written under dcache.lock */
	struct dentry *dentry;
	struct dentry *parent;			/* a reference of the dentry's while this is its name; NULL: none */
	struct vfs_later later;
	uint32_t hash;
	uint16_t len;
	char text[];				/* NUL-terminated */
};

struct dentry {
	atomic_int refs;
	atomic_uint flags;
	struct inode *inode;			/* a reference; constant; NULL: known not to exist */
	_Atomic(struct dentry_name *) name;	/* written under dcache.lock; readers in a read-side section */
	struct dentry *lru_prev, *lru_next;	/* dcache.lock */
	struct vfs_later later;
};

/* Mounts stay until vfs_destroy, so nobody counts references to them. */
struct mount {
	struct vfs *vfs;
	struct mount *parent;			/* NULL: the tree's root */
	struct dentry *point;			/* a reference; where in parent; NULL for the root */
	struct dentry *root;			/* a reference */
	struct super *super;			/* a reference */
	unsigned flags;				/* enum mount_flags */
	int id;
	char *source;				/* owned */
	_Atomic(struct mount *) next;		/* all mounts, oldest first; a later one on the same point covers it */
};

struct dcache {
	pthread_mutex_t lock;
	_Atomic(struct dentry_name *) *buckets;	/* owned; constant size */
	uint32_t mask;
	uint64_t key;				/* of the hash; random, so that guests cannot aim at one chain */
	struct dentry lru;			/* head of the list; lru_next was put there last; lock */
	size_t lru_count;			/* lock */
	size_t lru_max;
	/* directories forgotten since names below such were looked for: drop_orphans; lock */
	size_t orphaned;
	atomic_size_t removals;			/* since a grace period was waited for last: dcache_removed */
	size_t removals_max;
	size_t buried;				/* dentries to be freed after a grace period, ever; lock */
	atomic_size_t freed;			/* of these */
	bool alone;				/* no reader is left: dcache_alone */
	struct dentry *graves;			/* dead since then, linked by lru_next; lock */
	struct vfs_later grace;			/* asks for a grace period; lock, these three */
	bool grace_asked;
	unsigned grace_periods;			/* that were asked for and are over */
	pthread_cond_t grace_over;
};

/* A descriptor's backing and what it stands for. */
struct registry_entry {
	struct registry_entry *next;		/* with the same hash of device and inode */
	/* with the same hash of path's inode: a file of /proc may have thousands */
	struct registry_entry *next_of_inode;
	struct registry_entry **at_of_inode;	/* where the pointer to it is */
	struct registry_entry *next_of_watch;	/* with the same hash of watch */
	struct registry_entry *before, *after;	/* all entries, oldest first */
	struct path path;			/* references; what descriptions without a mark stand for */
	/* What marks 1, 2 ... stand for: other names that it was opened by (registry_names.c). References; owned. */
	struct path *names;
	unsigned char name_count, name_last;	/* name_last: the mark of the last that was opened */
	dev_t dev;
	ino_t ino;
	/* A stand-in is any object of its own. */
	enum backing { BACKING_FILE, BACKING_STAND_IN, BACKING_HOST_DIR, BACKING_SCRATCH } kind;
	bool used;				/* found since it was looked at last */
	/* some description was neither for reading nor for writing: no lease tells of it */
	bool uncounted;
	bool unlinked;				/* its name is gone: not kept when nobody has it open */
	unsigned opened;			/* how often registry_add saw it; wraps */
	/* BACKING_SCRATCH */
	int fd;					/* O_PATH, owned; else -1 */
	int watch;				/* of inotify, or -1 */
	bool watched;				/* the end of each description is told; else never idle */
	unsigned open_count;			/* descriptions that we gave out and that were not seen closed */
};

enum { REGISTRY_REMOVED_DIRS = 64 };

struct registry {
	/* everything here and in the entries but dev, ino, kind, fd, path.mount */
	pthread_mutex_t lock;
	struct registry_entry **buckets;	/* by device and inode; owned */
	struct registry_entry **by_inode;	/* owned */
	struct registry_entry **by_watch;	/* owned */
	struct registry_entry all;		/* head of the list */
	size_t count, scratch_count, unlinked_count;
	size_t max, scratch_max;		/* from here on what is idle goes */
	/* The host's directories that were removed last, which somebody may have open: a ring. */
	struct { dev_t dev; ino_t ino; } removed[REGISTRY_REMOVED_DIRS];
	unsigned removed_next;
};

struct scratch {
	pthread_mutex_t lock;
	int dir_fd;				/* O_PATH, where they are made; -1 until one is needed; lock */
	int inotify_fd;				/* tells of closed scratch directories; -1: cannot; constant */
	unsigned serial;			/* lock */
	char *place;				/* owned */
};

struct vfs {
	struct dcache dcache;
	struct registry registry;
	struct scratch scratch;
	struct watches watches;
	_Atomic(struct mount *) mounts;		/* the first; written under dcache.lock */
	/* topmost mount on "/"; constant once there is one; dcache.lock before */
	struct mount *root;
	struct super *ghosts;			/* owner of made-up directories and files; a reference */
	struct mount *anonymous;		/* of objects that no name leads to; not in mounts; owned */
	int next_id;				/* of mounts; dcache.lock */
	atomic_uint next_minor;			/* of filesystems without a device */
	/* counts the beginnings and the ends of renames: odd while one is made */
	atomic_uint rename_seq;
	/* As the host has them (proc_sys_fs(5)); constant. */
	exec_checker *exec_checker;		/* or NULL; constant once guests run */
	void *exec_ctx;
	int protected_hardlinks, protected_regular, protected_fifos;
	bool virtual_attrs;			/* vfs_options; constant */
};

/* ---- dentry_removals.c ---- */
void dcache_removals_init(struct dcache *c);
void dcache_removals_finish(struct dcache *c);
/*
 * A name was removed, and perhaps an object with it, whose descriptor goes after a grace period: guests that remove
 * faster than these come wait for one now and then, or all of ours would be used up. No lock is held, no read-side
 * section.
 */
void dcache_removed(struct vfs *v);

/* ---- dentry.c ---- */
int dcache_init(struct dcache *c, size_t unused_max);
/* no reader is left, and none comes: what dies need not wait for them */
void dcache_alone(struct vfs *v);
void dcache_finish(struct vfs *v);		/* nobody uses the vfs any more */
uint32_t dcache_hash(const struct dcache *c, const struct dentry *parent, const char *name, size_t len);
/* In a read-side section. NULL: not known. Unchecked (DENTRY_CHECKED). */
struct dentry *dcache_find(struct vfs *v, const struct dentry *parent, const char *name, size_t len);
/*
 * Say what name in parent (referenced by the caller, its inode's lock held) is now. inode: a reference, taken over;
 * NULL: nothing. Whatever was known before is forgotten, unless it is the same. *ret: a reference. -ENOMEM.
 */
int dentry_insert(struct vfs *v, struct dentry *parent, const char *name, size_t len, struct inode *inode,
		  unsigned flags, struct dentry **ret);
/* One that no name leads to, named for being shown. parent may be NULL. inode: a reference, taken over. */
int dentry_create_unhashed(struct dentry *parent, const char *name, struct inode *inode, unsigned flags,
			   struct dentry **ret);
void dentry_ref(struct dentry *d);		/* the caller has one */
bool dentry_ref_unless_dead(struct dentry *d);	/* in a read-side section */
void dentry_put(struct vfs *v, struct dentry *d);
/* The name leads to nothing known any more. more: further flags (DENTRY_REMOVED). */
void dentry_forget(struct vfs *v, struct dentry *d, unsigned more);
/*
 * Names in dir that nobody uses, and which keep it; of so many that were let go of last are looked at. dir: referenced
 * by the caller.
 */
void dentry_forget_below(struct vfs *v, const struct dentry *dir, size_t looks);
/* d gets another place; what was known there is forgotten. room: from dentry_name_create, taken over. */
void dentry_move(struct vfs *v, struct dentry *d, struct dentry *to_parent, struct dentry_name *room);
/* Two dentries change places; the rooms are for a at b's place and for b at a's. */
void dentry_exchange(struct vfs *v, struct dentry *a, struct dentry *b, struct dentry_name *a_room,
		     struct dentry_name *b_room);
struct dentry_name *dentry_name_create(struct vfs *v, const struct dentry *parent, const char *name, size_t len);
static inline unsigned dentry_flags(const struct dentry *d)
{
	return atomic_load_explicit(&((struct dentry *)d)->flags, memory_order_acquire);
}
/* The inode is opened or changed by this name: see .come_by. */
void dentry_come_by(const struct dentry *d);

static inline struct dentry_name *dentry_name(const struct dentry *d)
{
	return atomic_load_explicit(&((struct dentry *)d)->name, memory_order_acquire);
}
static inline bool dentry_is_dir(const struct dentry *d)
{
	return dentry_flags(d) & DENTRY_DIRECTORY;
}
/* See inode.stale. */
static inline bool dentry_is_stale(const struct dentry *d)
{
	return d->inode && atomic_load_explicit(&d->inode->stale, memory_order_relaxed);
}
/* Is d at or below above? Names must not change meanwhile (rename_lock) or the answer is of some moment. */
bool dentry_is_below(struct dentry *d, const struct dentry *above);

/* ---- lookup.c ---- */
/*
 * What a name in a directory is: cached, or asked for. The directory is referenced by the caller and its inode's lock
 * held. *ret: a reference, or NULL if there is no such name.
 */
int vfs_lookup_locked(struct vfs *v, struct dentry *dir, const char *name, size_t len, struct dentry **ret);
/*
 * The same, taking the lock itself; in no read-side section. *ret_got: the filesystem was asked, and gave the
 * attributes as well. attr may be NULL.
 */
int vfs_lookup_one(struct vfs *v, struct dentry *dir, const char *name, size_t len, struct dentry **ret, struct statx *attr,
		   bool *ret_got);
/* Nothing had this name when its filesystem, which revalidates, was asked last. The directory is referenced. */
bool vfs_is_believed_missing(struct vfs *v, const struct dentry *dir, const char *name, size_t len);
/* Does the filesystem of dir, when it is to make a name, find out by itself whether that is there? */
bool vfs_maker_finds_out(const struct dentry *dir);
/* The cache does not know the name. */
bool vfs_is_unknown(struct vfs *v, const struct dentry *dir, const char *name, size_t len);
/*
 * d is referenced; in no read-side section. Is the cached name right still? Forgets it if not; false as well: looking
 * it up says why.
 */
bool vfs_name_holds(struct vfs *v, struct dentry *dir, struct dentry *d);

/* ---- mount.c ---- */
/* The mount on this dentry as seen in this mount; NULL. */
struct mount *mount_on(const struct mount *m, const struct dentry *d);
/* Made-up children of d: references. */
struct ghost_list {
	struct dentry **ghost;
	size_t count;
};
MUST_CHECK int ghost_list_init(struct vfs *v, const struct dentry *d, struct ghost_list *ret);
void ghost_list_finish(struct vfs *v, struct ghost_list *l);
int mounts_init(struct vfs *v);
void mounts_finish(struct vfs *v);

/* ---- ghost.c ---- */
int ghosts_create(struct super **ret);
int ghost_create(struct super *sb, mode_t type, struct inode **ret);
/*
 * Something without a link or contents, that looks like what was removed. bury: super_ops.bury and its follower forget
 * are due.
 */
int ghost_create_remains(struct super *sb, struct inode *removed, bool bury, struct inode **ret);
bool ghost_is_remains(const struct inode *inode);
/*
 * If p is such a one, which fd is open on: the object itself in its place, with a name of its own, for as long as it is
 * held.
 */
void ghost_exhume(int fd, struct path *p);

/* ---- walk.c ---- */
enum walk_last { LAST_NORMAL, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

/* Not an errno: what the walk stood on died under it. It is begun again. */
enum { WALK_RESTART = -5000 };

/*
 * One walk. Between walk_begin and walk_end the thread is in a read-side section, so that cur may be borrowed.
 *
 *	walk_begin; { walk_to_last; walk_last } as long as that follows links; walk_take; walk_end
 */
struct walk {
	const struct walk_env *env;
	struct vfs *vfs;
	unsigned flags;			/* enum walk_flags; FOLLOW and DIRECTORY are added by trailing slashes */
	struct path cur;		/* where it is: borrowed */
	const struct dentry *start;	/* where it began; the caller has a reference */
	struct dentry *held;		/* a reference to what was asked for last, or NULL */
	struct dentry *aside, *above;	/* others that were needed while something was asked: references, or NULL */
	struct path root;		/* ".." goes no further; borrowed */
	bool root_known;		/* as Linux sees it: it looks for the root only when it comes to need it */
	unsigned rename_seq;		/* vfs.rename_seq at the beginning */
	/*
	 * Where names are to be checked, those that the cache knows are first believed and then checked with one
	 * question for all of them. unchecked: the directory that the believed ones begin below, borrowed; NULL: there
	 * are none. When the answer is no, or something failed on the way, the walk is begun again and asks for each
	 * name (strict).
	 */
	bool strict;
	struct dentry *unchecked;
	struct statx *attr;		/* where walk_take puts attributes that it came by; or NULL */
	bool has_attr;
	const struct dentry *asked;	/* what was asked for last, if .attr is its; held */
	/*
	 * Where walk_take may open the regular file that it comes to, with open_flags, instead of checking its name;
	 * NULL: it may not. A descriptor in it says that it has.
	 */
	struct vfs_opened *opened;
	int open_flags;
	/*
	 * The last component is to be made, and it is an error if it is there. Then who makes it finds that out, and a
	 * name that the cache does not know is not looked up but -ENOENT, where the filesystem would not only look into
	 * memory.
	 */
	bool makes;
	bool at_last;			/* the step is that of the last component */
	/* -ENOENT was for the last component itself, which is no longer than a name may be */
	bool missing;
	unsigned links;			/* followed so far */
	unsigned depth;			/* of stack */
	const char *rest;		/* what remains of the string that is being walked */
	unsigned bodies;
	enum walk_last last;		/* the next component, by walk_to_last the last one */
	const char *name;
	size_t len;
	bool slash;			/* slashes come after it */
	/* Last, since most walks touch nothing of them. */
	const char *stack[VFS_SYMLINKS_MAX];	/* what remains of the strings around .rest; not empty */
	char *body[VFS_SYMLINKS_MAX];	/* of links that were followed; links of them or fewer; owned */
};

/* The caller's part: strict, attr, opened, open_flags, makes. walk_begin sets the rest, each time. */
static inline void walk_init(struct walk *w)
{
	w->strict = w->makes = false;
	w->attr = NULL;
	w->opened = NULL;
	w->open_flags = 0;
}
int walk_begin(struct walk *w, const struct walk_env *env, const struct path *base, const char *name, unsigned flags);
int walk_to_last(struct walk *w);
/*
 * Go to the last component. 1: it was a link that is followed, so that walk_to_last comes next. -ENOENT: see missing.
 */
int walk_last(struct walk *w);
/* A reference to cur. */
int walk_take(struct walk *w, struct path *ret);
/* r is the walk's result; what is to be done about it: r, or WALK_RESTART. */
int walk_settle(struct walk *w, int r);
void walk_end(struct walk *w);

/* ---- open.c ---- */
void vfs_opened_drop(struct vfs_opened *o);	/* closes the descriptor, if there is one */

/* ---- walk_whole.c ---- */
/* What is before the last component, and that one. */
struct walk_end {
	struct path dir;		/* references */
	enum walk_last type;
	bool slash;			/* the name goes on with slashes: it must be a directory */
	size_t len;			/* may be more than VFS_NAME_MAX: then looking it up is -ENAMETOOLONG */
	char name[VFS_NAME_MAX + 1];	/* LAST_NORMAL */
};

/* Search permission in .dir is checked. */
int vfs_walk_parent(const struct walk_env *env, const struct path *base, const char *name, struct walk_end *ret);
void walk_end_finish(struct walk_end *e);

/* ---- attr.c ---- */
/*
 * What O_TRUNC takes away before it truncates: suid and sgid, of a caller without CAP_FSETID (file_remove_privs of
 * Linux).
 */
MUST_CHECK int attr_drop_for_truncate(const struct walk_env *env, struct inode *inode);

/* ---- permission.c ---- */
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

struct owner {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* The filesystem's own check suffices: the host carries the call out with the very rights of the guest. */
bool permission_is_hosts(const struct walk_env *env, const struct inode *inode);
int inode_owner(struct inode *inode, struct owner *ret);
int permission_check(const struct walk_env *env, struct inode *inode, int mask);
/* Is it asked of the filesystem, which may ask the host? */
bool permission_search_asks(const struct walk_env *env, const struct inode *dir);
/* Search permission in a directory. */
int permission_search(const struct walk_env *env, struct inode *dir);
/*
 * The same where nothing is looked up in it ("." at the end of a name), if the host is to say so: may it wait for that?
 */
bool permission_search_end_asks(const struct walk_env *env, const struct inode *dir);
int permission_search_end(const struct walk_env *env, struct inode *dir);
bool permission_owns(const struct walk_env *env, const struct owner *o);	/* or may act as if (CAP_FOWNER) */
/* May dir get another entry, or lose this one? */
int permission_create(const struct walk_env *env, const struct dentry *dir);
int permission_delete(const struct walk_env *env, const struct dentry *dir, struct inode *victim, bool directory);
/* May what is in dir already be opened with O_CREAT? */
int permission_create_over(const struct walk_env *env, struct inode *dir, struct inode *inode);
/* Is d a mount point, or made up for one, or a directory with such things in it? */
bool mount_is_busy(const struct dentry *d);
/*
 * The mode and owner of an object made in dir, and its ACLs; mode: without the umask. acl_birth_finish is due in any
 * case.
 */
struct acl_birth;
int permission_new(const struct walk_env *env, struct inode *dir, mode_t mode, struct vfs_create *how, struct acl_birth *acl);
int mount_want_write(const struct mount *m);	/* -EROFS */
/* Give an object just made as name in dir its ACLs; if that fails it is gone again, with the caller's reference. */
int ops_bear(const struct acl_birth *acl, struct inode *dir, const char *name, struct inode *inode);

/* ---- registry.c ---- */
int registry_init(struct registry *r);
void registry_finish(struct vfs *v);
/*
 * The descriptor, opened with these flags, stands for p from now on. -EEXIST for BACKING_HOST_DIR: it stands for
 * another path already.
 */
int registry_add(struct vfs *v, struct vfs_opened *opened, int flags, const struct path *p, enum backing kind);
/* Would it stand for another path if there were no marks? */
bool registry_has_other(struct vfs *v, const struct vfs_opened *opened, const struct path *p);
/*
 * The same for a scratch directory: base (O_PATH, taken over on success) is what it is reopened by. 1: there are many.
 */
int registry_add_scratch(struct vfs *v, int base, int watch, const struct path *p);
int registry_find(struct vfs *v, int fd, struct path *ret, enum backing *ret_kind);
/* A new description of the scratch directory that p has already. -ENOENT: none. */
int registry_reopen_scratch(struct vfs *v, const struct path *p, int flags);
/* registry.lock held. Out of the tables; the caller destroys it when the lock is released. */
void registry_remove_locked(struct registry *r, struct registry_entry *e);
void registry_entry_destroy(struct registry_entry *e);	/* NULL is nothing */
struct registry_entry *registry_find_locked(struct registry *r, dev_t dev, ino_t ino);
struct registry_entry *registry_find_watch_locked(struct registry *r, int watch);
/* The next of d's inode that e is not: e's follower, or the first if e is NULL. */
struct registry_entry *registry_next_of_inode_locked(struct registry *r, const struct registry_entry *e,
						     const struct inode *inode);
/* Let e stand for p; the old path's references are given back in *old. */
void registry_rename_locked(struct registry *r, struct registry_entry *e, const struct path *p, struct path *old);

/* ---- registry_names.c: registry.lock is held ---- */
/*
 * The mark of p, which is not e->path: a new one if need be, for which *old gives back what it stood for. 0: there is
 * none.
 */
int registry_mark_locked(struct registry_entry *e, const struct path *p, struct path *old);
/* What a description with this mark stands for: borrowed. 0 and what is no mark: no other name. */
const struct path *registry_name_locked(const struct registry_entry *e, int mark);
/* Does no name of it lead to it any more? */
bool registry_is_gone_locked(const struct registry_entry *e);
/* e stands for e->path alone. The others are taken out into ret: at most REGISTRY_NAMES_MAX. */
enum { REGISTRY_NAMES_MAX = 64 };
struct registry_names {
	struct path *names;
	unsigned count;
};
void registry_take_names_locked(struct registry_entry *e, struct registry_names *ret);
void registry_names_finish(struct registry_names *n);	/* without the lock */

/* e stands for n's instead of its path and names, and n gives those back: as many, the path first. */
void registry_exchange_names_locked(struct registry *r, struct registry_entry *e, struct registry_names *n);

/* ---- registry_bury.c: registry.lock is held ---- */
/*
 * Let e stand for what remains of its object, which lost its last name. *old: what it stood for. If that fails e is as
 * it was.
 */
int registry_bury_locked(struct vfs *v, struct registry_entry *e, struct registry_names *old);
/* dir is removed: remains below it do not keep it. */
void registry_leave_locked(struct vfs *v, struct dentry *dir);

/* ---- registry_idle.c ---- */
/* Drop some entries that nobody has open, if there are many. */
void registry_trim(struct vfs *v);
/* p's name is gone: forget it as soon as nobody has it open. */
void registry_unlinked(struct vfs *v, const struct path *p);
/* Does somebody have it open, as far as can be known? */
bool registry_is_open(struct vfs *v, struct inode *inode);
/*
 * What may be open of inode and, if it is a directory, of what is in it. *ret: owned by the caller, what is in it too.
 */
struct registry_opened {
	struct path path;
	dev_t dev;
	ino_t ino;
	int fd;			/* O_PATH, of the backing, or -1 */
};
ssize_t registry_list_opened(struct vfs *v, const struct inode *inode, struct registry_opened **ret);
/* Fill in .fd. -ENOENT: nobody has it open. */
MUST_CHECK int registry_opened_backing(struct registry_opened *o);
void registry_opened_finish(struct registry_opened *o);

/* ---- vfs.c ---- */
/* How many of our descriptors one kind of use may have: one in so many, and most at most. */
size_t vfs_descriptors_allowed(size_t one_in, size_t most);

/* ---- scratch.c ---- */
int scratch_init(struct scratch *s, const char *place);
void scratch_finish(struct scratch *s);
/* A descriptor of the directory that they are made in. */
int scratch_place(struct vfs *v);
/* A descriptor for a virtual directory. */
int scratch_open(struct vfs *v, const struct path *p, int flags);
/* inode, a directory or not, has another owner. */
void scratch_chowned(struct vfs *v, struct inode *inode);
/* Take note of the descriptions that were closed. registry.lock held. */
void scratch_note_closed(struct vfs *v);

/* ---- watch.c ---- */
static inline bool watches_any(struct vfs *v)
{
	return atomic_load_explicit(&v->watches.count, memory_order_relaxed) != 0;
}
void watched_drop(struct vfs *v, struct watched *w);	/* watches.lock held */

/* ---- tty.c ---- */
/* Open /dev/tty for a task whose terminal is not ours: not an object of the tree. 1: not that, open it as any other. */
int tty_open_own(const struct walk_env *env, struct inode *inode, int flags, struct vfs_opened *ret);

#endif
