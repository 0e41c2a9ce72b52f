/*
 * Inside overlay: one tree out of layers, each a filesystem of its own, of which only the uppermost is written.
 *
 * An overlay inode stands for one object: its inode in the upper layer, if it is there, and those of the lower layers:
 * all directories of the same path that are merged (topmost first), or the one file. What is changed is first copied
 * up.
 *
 * What the upper holds is what overlayfs and fuse-overlayfs write and read:
 *  - a whiteout, a character device 0:0 called NAME, hides NAME of the lower layers; where the host makes none, an
 *    empty file .wh.NAME does (read in every layer). Names that begin with .wh. are never shown;
 *  - an opaque directory (extended attribute trusted.overlay.opaque or user.overlay.opaque, or a file .wh..wh..opq in
 *    it) hides the whole directory below;
 *  - .wh..wh.work in the root is the work directory: things are made ready there and then renamed. It is emptied when
 *    the layer is used again and removed at the end.
 * Each change of the upper is one call after which the merged tree is the old or the new one: a kill at any moment
 * leaves it consistent. A directory that is (partly) in lower layers is renamed by copying up all that is in it; so
 * the upper needs no redirects, which fuse-overlayfs and unprivileged overlayfs would not follow.
 *
 * Inode numbers: the host's of the layer that an object was first seen in, with the layer's device mixed in (as
 * overlayfs' xino); a copy keeps the number of what it copied as long as the overlay lives.
 *
 * Hard links of a lower file stay together while the overlay lives: its names find the same inode, copied up or not.
 * In the upper only names that were changed are written, so that afterwards the others are the old file again.
 *
 * Locks, in this order: inode.lock of overlay directories (the VFS's), copy_lock (parents first), names_lock, then the
 * layers' inode.lock; overlay.lock and list_lock are leaves.
 */
#ifndef TRAPLINE_KERNEL_FS_OVERLAY_PRIVATE_H
#define TRAPLINE_KERNEL_FS_OVERLAY_PRIVATE_H

#include <string.h>

#include "kernel/fs/fs.h"

#define OVERLAY_WHITEOUT_PREFIX ".wh."
#define OVERLAY_OPAQUE_FILE ".wh..wh..opq"
#define OVERLAY_WORK_DIR ".wh..wh.work"

enum {
	OVERLAY_DEVICES_MAX = 256,
	OVERLAY_WORK_NAME_SIZE = 24,
	OVERLAY_DEPTH_MAX = 512,	/* of what is copied or removed recursively */
};

struct overlay_inode;
struct overlay_list;

struct overlay_key {
	struct overlay_key *next;	/* overlay.lock, all of it */
	const struct inode *real;	/* NULL: not in the table */
	struct overlay_inode *owner;
};

struct overlay_inode {
	struct inode inode;
	_Atomic(struct inode *) upper;		/* a reference; set once */
	struct inode **lowers;			/* references */
	size_t lowers_held;			/* how many there are ... */
	atomic_size_t lower_count;		/* ... and how many of them count: none once it is opaque */
	atomic_long lower_names;		/* names that only lower layers have; not for directories */
	pthread_mutex_t copy_lock;
	atomic_bool removed;			/* a directory that has no name any more */
	atomic_bool own_flags;			/* a guest set them: those of the lower layer no longer count */
	uint64_t copy_number;			/* of the copy in the upper, copy_lock; 0: there is none */
	struct overlay_key keys[2];		/* by upper and by topmost lower */
	/* overlay.lock: where to copy it up to; parent is a reference. NULL: it has no name, or none is known */
	struct overlay_inode *parent;
	char *name;
	/*
	 * O_PATH, what .host gives of a socket that a guest bound, and of a fifo of a lower layer once it was opened;
	 * -1: none. Of a fifo it is set under copy_lock.
	 */
	atomic_int own;
	bool kept;				/* overlay.lock, these two: on overlay.kept, with a reference */
	struct overlay_inode *next_kept;
	pthread_mutex_t list_lock;		/* list */
	struct overlay_list *list;		/* of a directory that was listed */
};

struct overlay_number {
	struct overlay_number *next;
	uint64_t copy, original;
};

struct overlay {
	struct super super;
	struct super *upper;			/* may be NULL */
	struct super **lowers;
	size_t lower_count;
	atomic_bool whiteout_files;		/* the upper refused a device 0:0 */
	pthread_mutex_t names_lock;		/* changes of names in the upper */
	struct inode *work;			/* names_lock; a reference, NULL until needed */
	atomic_uint work_names;
	pthread_mutex_t lock;			/* all below */
	struct overlay_key **keys;
	size_t key_buckets, key_count;
	struct overlay_number **numbers;	/* of copies; same number of buckets all the time */
	uint64_t devices[OVERLAY_DEVICES_MAX];
	size_t device_count;
	struct overlay_inode *kept;		/* copied up, and lower names left */
};

static inline struct overlay *overlay_of(const struct inode *inode)
{
	return (struct overlay *)inode->super;
}

static inline struct overlay_inode *overlay_inode(struct inode *inode)
{
	return (struct overlay_inode *)inode;
}

static inline struct inode *overlay_upper(const struct overlay_inode *oi)
{
	return atomic_load(&oi->upper);
}

/* What its layer answered about inode. */
static inline ssize_t overlay_note(struct inode *inode, ssize_t r)
{
	if (r == -ESTALE)
		atomic_store(&inode->stale, true);
	return r;
}

/* The object that has its contents and attributes now; borrowed. */
static inline struct inode *overlay_real(const struct overlay_inode *oi)
{
	struct inode *upper = overlay_upper(oi);
	return upper ? upper : oi->lowers[0];
}

/* ---- overlay.c: the table ---- */

/* What a name stands for in the layers. */
struct overlay_stack {
	struct inode *upper;		/* references */
	struct inode **lowers;		/* room for all of the parent's; owned */
	size_t lower_count;
};

void overlay_stack_finish(struct overlay_stack *s);
/* The inode of a stack (emptied; it is also on failure). parent and name: where it was found, NULL: nowhere. */
MUST_CHECK int overlay_get(struct overlay *ov, struct overlay_stack *s, struct overlay_inode *parent, const char *name,
			   struct inode **ret);
/* It was copied up: takes the reference. names_lock is not held. */
void overlay_set_upper(struct overlay_inode *oi, struct inode *upper);
void overlay_set_place(struct overlay_inode *oi, struct overlay_inode *parent, const char *name);
/*
 * A name of it went. If that was the last, the layer may give its number to something else from now on, which has no
 * original.
 */
void overlay_forget_gone(struct overlay_inode *oi);
/* Live until the end: other names of lower layers must find the copy, or it has an object of its own. */
void overlay_keep(struct overlay_inode *oi);
/* A name of it went: an object of its own need not live any longer. */
void overlay_unkeep_own(struct overlay_inode *oi);
/* The number that guests see of an object ino on a device. */
uint64_t overlay_number(struct overlay *ov, uint32_t dev_major, uint32_t dev_minor, uint64_t ino);

/* ---- overlay_layer.c: operations of layers, with their locks ---- */
MUST_CHECK int layer_lookup(struct inode *dir, const char *name, struct inode **ret);
MUST_CHECK int layer_create(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret);
MUST_CHECK int layer_link(struct inode *dir, const char *name, struct inode *inode);
int layer_unlink(struct inode *dir, const char *name, struct inode *inode);
MUST_CHECK int layer_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
			    const char *new_name, struct inode *replaced, unsigned flags);
MUST_CHECK int layer_iterate(struct inode *dir, struct dir_reader *reader);
/* These three: 1, 0 or, where that cannot be read, an error: what it may hide is not shown then. */
MUST_CHECK int layer_is_whiteout(struct inode *inode);
/* Does it hide what is below it? */
MUST_CHECK int layer_is_opaque(struct inode *dir);
/* Is there a file .wh.NAME? */
MUST_CHECK int layer_has_whiteout_file(struct inode *dir, const char *name);
bool overlay_name_hidden(const char *name);
/* .wh.NAME; false: too long. */
bool overlay_whiteout_name(const char *name, char buf[VFS_NAME_MAX + 1]);

/* ---- overlay_lookup.c ---- */
int overlay_lookup(struct inode *dir, const char *name, struct inode **ret);
/* Would name be seen if the upper had nothing of it? */
MUST_CHECK int overlay_lower_has(struct overlay_inode *dir, const char *name, bool *ret);
/* What the upper directory has under name, whiteouts too; NULL: nothing. */
MUST_CHECK int overlay_upper_entry(struct overlay_inode *dir, const char *name, struct inode **ret);

/* ---- overlay_list.c ---- */
int overlay_iterate(struct inode *dir, struct dir_reader *reader);
MUST_CHECK int overlay_is_empty(struct overlay_inode *dir, bool *ret);
MUST_CHECK int overlay_count_directories(struct overlay_inode *dir, unsigned *ret);
/* Keep a listing that was made right. Names that are there already get the new object. */
void overlay_list_add(struct overlay_inode *dir, const char *name, const struct inode *inode);
void overlay_list_remove(struct overlay_inode *dir, const char *name);
void overlay_list_destroy(struct overlay_list *list);
/* Call visit for each name, until one is negative, which is returned. The directory's lock may not be held. */
MUST_CHECK int overlay_each_name(struct overlay_inode *dir, int (*visit)(void *ctx, const char *name), void *ctx);

/* ---- overlay_copyup.c ---- */
/* Make oi and all directories above it present in the upper. data: false where it is going to be truncated. */
MUST_CHECK int overlay_copy_up(struct overlay_inode *oi, bool data);
/* And under this name too: a file may have been copied up by another one. */
MUST_CHECK int overlay_copy_up_name(struct overlay_inode *dir, const char *name, struct overlay_inode *oi);
/* ---- overlay_tree.c ---- */
/* Also everything in it, and hide what is below: it can be renamed. */
MUST_CHECK int overlay_copy_up_tree(struct overlay_inode *dir);

/* A directory of the upper must not look changed because something in it was copied. */
void overlay_restore_times(struct inode *dir, const struct statx *before);

/* ---- overlay_work.c: names_lock is held ---- */
/* The work directory; borrowed. */
MUST_CHECK int overlay_work(struct overlay *ov, struct inode **ret);
void overlay_work_name(struct overlay *ov, char buf[OVERLAY_WORK_NAME_SIZE]);
/* Something in the work directory. */
MUST_CHECK int overlay_work_create(struct overlay *ov, const struct vfs_create *how, char name[OVERLAY_WORK_NAME_SIZE],
				   struct inode **ret);
/* Remove it again, with all that is in it. */
void overlay_work_remove(struct overlay *ov, const char *name, struct inode *inode);
/* Move an entry of an upper directory (a directory with whiteouts in it) away and remove it. */
MUST_CHECK int overlay_work_discard(struct overlay *ov, struct inode *dir, const char *name, struct inode *inode);
/* Everything in a directory of the upper; errors are those of the first that cannot be removed. */
int overlay_clear(struct inode *dir, unsigned depth);
/* Hide name of the lower layers, in place of what the upper has there (NULL: nothing). */
MUST_CHECK int overlay_whiteout(struct overlay *ov, struct inode *dir, const char *name, struct inode *replaced);
MUST_CHECK int overlay_whiteout_file(struct inode *dir, const char *name);
MUST_CHECK int overlay_set_opaque(struct inode *dir);
/* What a killed run left. */
MUST_CHECK int overlay_work_clean(struct overlay *ov);
void overlay_work_finish(struct overlay *ov);

/* ---- overlay_names.c, overlay_rename.c, overlay_attr.c ---- */
int overlay_create_node(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret);
int overlay_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret);
int overlay_link(struct inode *dir, const char *name, struct inode *inode);
int overlay_unlink(struct inode *dir, const char *name, struct inode *inode);
int overlay_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		   const char *new_name, struct inode *replaced, unsigned flags);
int overlay_getattr(struct inode *inode, struct statx *ret);
int overlay_setattr(struct inode *inode, const struct vfs_attr *attr);
int overlay_get_flags(struct inode *inode, unsigned *ret);
int overlay_set_flags(struct inode *inode, unsigned flags);
ssize_t overlay_readlink(struct inode *inode, char *buf, size_t size);
int overlay_open(struct inode *inode, int flags, struct vfs_opened *ret);
int overlay_host(struct inode *inode, int *ret_fd);
int overlay_backing(struct inode *inode, dev_t dev, ino_t ino, int *ret_fd);
bool overlay_in_use(struct inode *inode);
ssize_t overlay_acl(struct inode *inode, bool of_default, void *value, size_t size);
ssize_t overlay_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int overlay_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t overlay_listxattr(struct inode *inode, char *list, size_t size);
int overlay_removexattr(struct inode *inode, const char *name);
/* Does this error of getxattr or listxattr mean that there is none, or none for us? */
bool overlay_has_no_xattr(int error);
/* Attributes that say how layers are merged: never shown, never copied. */
bool overlay_own_xattr(const char *name);

#endif
