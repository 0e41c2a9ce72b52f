/*
 * inotify(7) for what only this process has: events of the virtual tree, for guests' own inotify descriptors.
 *
 * A watched inode has a puppet (watch_mirror.h) that the guest's descriptor really watches. Here is said what happens
 * to names and objects, and the puppets are made to do the same: so wd, masks, cookies, merging and the end of a
 * watch are the kernel's. What guests do with open descriptors, which no call tells of, is heard from the host
 * objects behind them (watch_source.c).
 *
 * Lock: watches.lock, taken after inode.lock of directories and before the locks of filesystems. Without a watch in
 * the whole session each of these functions is one load.
 */
#ifndef TRAPLINE_KERNEL_VFS_WATCH_H
#define TRAPLINE_KERNEL_VFS_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "kernel/vfs/vfs.h"
#include "kernel/vfs/watch_mirror.h"

enum { WATCH_BUCKETS = 256 };

/* An inode that some guest watches, or did until lately. */
struct watched {
	struct watched *next;		/* with the same hash */
	struct inode *inode;		/* a reference */
	struct puppet puppet;
	dev_t dev;			/* of the puppet */
	ino_t ino;
	bool seen;			/* in the sweep that is under way */
};

struct source;

struct watches {
	atomic_uint count;		/* of struct watched; written under lock */
	pthread_mutex_t lock;		/* everything below */
	struct watched *buckets[WATCH_BUCKETS];
	struct mirror mirror;
	/* watch_source.c */
	struct source *sources[WATCH_BUCKETS];
	int inotify_fd;			/* of ours, on host objects; -1 until there is a watch */
	int wake_fd;			/* an eventfd: the thread is to look whether it should end or sweep */
	bool running;
	atomic_bool stopping;
	pthread_t thread;
	unsigned held;			/* descriptors in all sources */
	/* sweeping */
	unsigned sweep_at;		/* with so many it is looked which are watched still */
	unsigned events;		/* since the last sweep */
	watch_lister *lister;
	void *lister_ctx;
};

/* What a rename did. */
struct watch_move {
	struct inode *from, *to;
	const char *from_name, *to_name;
	struct dentry *moved, *replaced;	/* replaced: NULL, or what was there */
	unsigned flags;				/* of renameat2 */
};

void watches_init(struct watches *w);
void watches_finish(struct vfs *v);

/* ---- watch.c: what happened, told right after it did, with the directories still locked ---- */
void watch_created(struct vfs *v, struct inode *dir, const char *name, bool directory);
void watch_linked(struct vfs *v, struct inode *dir, const char *name, struct dentry *old);
void watch_removed(struct vfs *v, struct inode *dir, const char *name, struct dentry *gone);
void watch_renamed(struct vfs *v, const struct watch_move *m);
void watch_changed(struct vfs *v, struct dentry *d, const struct vfs_attr *attr);
void watch_xattr(struct vfs *v, struct dentry *d);

/* watches.lock held. NULL: nobody watches it. */
struct watched *watched_find(struct vfs *v, const struct inode *inode);
/* Of what has no name any more: let the puppet go when nobody has the object open. */
void watched_settle(struct vfs *v, struct watched *w);

/* Where events about an object are seen. */
struct watch_places {
	bool named, self;		/* in its directory; on itself */
	bool directory;
	char named_path[MIRROR_PATH_MAX], self_path[MIRROR_PATH_MAX];
};
/* watches.lock held. false: nowhere. */
bool watch_places_of(struct vfs *v, struct dentry *d, struct watch_places *ret);

/* ---- watch_source.c ---- */
/* opened->fd was opened as p with flags; not yet in a guest. */
void watch_opened(struct vfs *v, const struct path *p, int flags, const struct vfs_opened *opened);
/* getdents64 gave something of it. */
void watch_listed(struct vfs *v, struct dentry *d);
/*
 * watches.lock held. Pass on what open descriptors were used for until now. without: not IN_MODIFY of this
 * inode, or NULL.
 */
void watch_drain(struct vfs *v, const struct inode *without);
/* watches.lock held. Hear of what is open already, of this inode and if it is a directory of what is in it. */
void watch_hear_opened(struct vfs *v, struct inode *inode);
/* Of something that lost a name: was that the last? */
bool watch_has_no_name(struct inode *inode);
/* watches.lock held. Does some guest have it open, as far as is heard? */
bool watch_is_heard(struct vfs *v, const struct inode *inode);
/* With no lock: so that nobody opens it only to look. */
bool watch_hears(struct vfs *v, const struct inode *inode);
/*
 * watches.lock held. Does anybody else have it open, as far as can be known? What is heard is not opened to find out.
 */
bool watch_is_open(struct vfs *v, struct inode *inode);
/* watches.lock held. What was heard for this inode's sake alone is not any more. */
void watch_forget_sources(struct vfs *v);
MUST_CHECK int watch_sources_begin(struct vfs *v);
void watch_sources_finish(struct vfs *v);

/* ---- watch_sweep.c ---- */
/* watches.lock held. Let the thread look if it is time to. */
void watch_sweep_soon(struct watches *ws);
/* Drop what no guest watches any more, if it is time to look. No lock held. */
void watch_sweep(struct vfs *v);

#endif
