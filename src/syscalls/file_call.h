/*
 * What the handlers of file calls share: the caller's view of the tree, names and descriptors as arguments.
 *
 * Order: as in Linux the flags of a call are looked at first, then its strings are copied in (once), then directory
 * descriptors are looked up. Errors of a step are errno values for the guest.
 *
 * Descriptors that are not of the virtual tree (pipes, sockets, files that were open when the session began, what came
 * by SCM_RIGHTS) are the guest's own: calls on them alone pass to the host. But none of them leads into the host's
 * tree: a name below such a directory is refused with EACCES, as below a directory that may not be searched.
 */
#ifndef TRAPLINE_SYSCALLS_FILE_CALL_H
#define TRAPLINE_SYSCALLS_FILE_CALL_H

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"
#include "syscalls/copyio.h"

/* One file call under way. */
struct file_call {
	struct kernel *k;
	struct call_event *ev;
	struct task_view task;
	struct verdict verdict;		/* when file_call_begin said false */
};

/* false: answer c->verdict (files are the host's, or the task is gone). Either way file_call_end is due. */
MUST_CHECK bool file_call_begin(struct file_call *c, struct kernel *k, struct call_event *ev);
void file_call_end(struct file_call *c);

#define AUTO_FILE_CALL CLEANUP(file_call_end)

/* A name that the guest gave, copied once. */
struct name_arg {
	char text[VFS_PATH_MAX];
	bool null;		/* the guest gave no address (names_null_ok); text is "" */
	struct path base;	/* after name_base: a reference; {NULL, NULL}: the working directory, or not needed */
};

enum name_flags {
	NAME_EMPTY = 1,		/* AT_EMPTY_PATH: "" is a name */
	NAME_NULL = 2,		/* with NAME_EMPTY: so is NULL (Linux 6.11) */
};

/* Copies the string in: -EFAULT, -ENAMETOOLONG, -ENOENT for "". name_put is due in any case. */
MUST_CHECK int name_copy_in(struct file_call *c, struct guest_ptr from, unsigned flags, struct name_arg *ret);
/* Finds what a relative name starts from. -EBADF, -ENOTDIR; -EACCES below a directory from outside. */
MUST_CHECK int name_find_base(struct file_call *c, int dirfd, struct name_arg *n);
/* The same for openat2's RESOLVE_IN_ROOT, which no absolute name leaves. */
MUST_CHECK int name_find_scope(struct file_call *c, int dirfd, struct name_arg *n);
/* For the vfs; NULL is the working directory. */
const struct path *name_base(const struct name_arg *n);
void name_put(struct name_arg *n);

#define AUTO_NAME CLEANUP(name_put)

/* The object that a call means. */
struct object {
	struct path path;	/* a reference; {NULL, NULL}: not of the virtual tree, then fd says it */
	int fd;			/* the descriptor's duplicate here (owned), or -1 when it was named */
	/* fd is of the object itself, which shows its own attributes: vfs_identify_own. Not with path_only */
	bool own;
	struct statx attr;	/* from object_attr_at and object_attr_of_fd, unless foreign */
	bool named;		/* the name was not "" */
};

/* name_copy_in, name_find_base and vfs_walk in one; with NAME_EMPTY a descriptor. object_put is due in any case. */
MUST_CHECK int object_at(struct file_call *c, int dirfd, struct guest_ptr name, unsigned name_flags, unsigned walk,
			 struct object *ret);
/* The same, and vfs_getattr where it is named: one question less to the host. */
MUST_CHECK int object_attr_at(struct file_call *c, int dirfd, struct guest_ptr name, unsigned name_flags, unsigned walk,
			      struct object *ret);
/* path_only: an O_PATH descriptor will do; otherwise -EBADF for it. */
MUST_CHECK int object_of_fd(struct file_call *c, int fd, bool path_only, struct object *ret);
/* The same, of an O_PATH descriptor too, with vfs_getattr of what is not foreign. */
MUST_CHECK int object_attr_of_fd(struct file_call *c, int fd, struct object *ret);
static inline bool object_is_foreign(const struct object *o)
{
	return !o->path.dentry;
}
void object_put(struct object *o);
/*
 * A call that says "the object of this descriptor" by a name (AT_EMPTY_PATH) cannot pass, and is made here for objects
 * from outside. -EPERM where the host would allow us more than the caller, who has another identity.
 */
MUST_CHECK int foreign_change(const struct file_call *c, const struct object *o);
/*
 * A change by descriptor alone: the host judges the caller itself, but device nodes it shares with guests are not
 * theirs.
 */
struct verdict foreign_pass(const struct object *o);

#define AUTO_OBJECT CLEANUP(object_put)

/* WALK_FOLLOW, unless the flags have AT_SYMLINK_NOFOLLOW. */
static inline unsigned walk_of_at(int at_flags)
{
	return at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
}

/* NAME_EMPTY, if the flags have AT_EMPTY_PATH. */
static inline unsigned name_of_at(int at_flags)
{
	return at_flags & AT_EMPTY_PATH ? NAME_EMPTY : 0;
}

/* A soft limit of a task: RLIMIT_NOFILE, RLIMIT_FSIZE. A negative errno: it cannot be found out. */
MUST_CHECK int file_limit(pid_t tid, int resource, rlim_t *ret);
/*
 * May a file that has size bytes get length of them? -EFBIG, with the signal that says so, above RLIMIT_FSIZE:
 * inode_newsize_ok of Linux. What guests write themselves, the host limits.
 */
MUST_CHECK int file_may_grow(const struct file_call *c, uint64_t size, uint64_t length);

/* "/proc/self/fd/N": a name of this process for its descriptor. */
enum { FD_NAME_SIZE = 32 };
const char *fd_name(int fd, char buf[FD_NAME_SIZE]);

/* The verdict on an open that the vfs has done; it owns what o owned. */
struct verdict opened_verdict(const struct vfs_opened *o, bool cloexec);

static inline struct verdict answer(int64_t value)
{
	return verdict_value(value);
}

#endif
