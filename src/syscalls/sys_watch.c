/*
 * Watching files (inotify_add_watch(2), fanotify_mark(2)) and naming them otherwise (name_to_handle_at(2),
 * file_getattr(2)). A watch is made on a host object, so that the events are the host's: vfs/watch.h.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum {
	INOTIFY_BITS = IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR | IN_ONLYDIR |
		IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | (int)IN_ONESHOT,
	/* AT_HANDLE_FID, AT_HANDLE_MNT_ID_UNIQUE, AT_HANDLE_CONNECTABLE */
	HANDLE_FLAGS = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | 0x200 | 1 | 2,
	FILE_ATTR_SIZE_0 = 24,
};

static bool is_anonymous(int fd, const char *wanted)
{
	char own[FD_NAME_SIZE];
	char target[64];
	ssize_t n = readlink(fd_name(fd, own), target, sizeof(target));
	return n == (ssize_t)strlen(wanted) && memcmp(target, wanted, strlen(wanted)) == 0;
}

/* What Linux says before it looks at the name. */
static int check_watcher(struct file_call *c, uint32_t mask, int *ret)
{
	if (mask & ~(uint32_t)INOTIFY_BITS || !mask)
		return -EINVAL;
	int r = c->ev->ops->get_fd(c->ev, (int)c->ev->args[0], ret);
	if (r < 0)
		return r;
	/* An O_PATH descriptor is none (fdget). */
	if (fcntl(*ret, F_GETFL) & O_PATH)
		return -EBADF;
	return (mask & IN_MASK_ADD && mask & IN_MASK_CREATE) || !is_anonymous(*ret, "anon_inode:inotify") ? -EINVAL : 0;
}

static int add_watch(struct file_call *c, int inotify, uint32_t mask)
{
	struct object o AUTO_OBJECT;
	unsigned walk = (mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) | (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0);
	int r = object_at(c, AT_FDCWD, arg_ptr(c->ev, 1), 0, walk, &o);
	if (r == 0)
		r = vfs_permission(&c->task.env, &o.path, R_OK);
	if (r < 0)
		return r;
	return vfs_watch(c->k->vfs, &o.path, inotify, mask);
}

struct verdict sys_inotify_add_watch(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	uint32_t mask = (uint32_t)ev->args[2];
	int inotify AUTO_CLOSE = -1;
	int r = check_watcher(&c, mask, &inotify);
	return answer(r < 0 ? r : add_watch(&c, inotify, mask));
}

/* ---- fanotify ---- */

enum {
	MARK_COMMAND = FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH,
	MARK_TYPE = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM,
};

/* fanotify_find_path of Linux. Without a name it is the descriptor's object. */
static int find_marked(struct file_call *c, unsigned flags, struct object *ret)
{
	int dirfd = (int)c->ev->args[3];
	unsigned walk = (flags & FAN_MARK_DONT_FOLLOW ? 0 : WALK_FOLLOW) | (flags & FAN_MARK_ONLYDIR ? WALK_DIRECTORY : 0);
	int r;
	if (c->ev->args[4])
		r = object_at(c, dirfd, arg_ptr(c->ev, 4), 0, walk, ret);
	else
		r = object_of_fd(c, dirfd, false, ret);
	if (r < 0 || object_is_foreign(ret))
		return r;
	if (!c->ev->args[4] && flags & FAN_MARK_ONLYDIR && path_inode(&ret->path)->type != S_IFDIR)
		return -ENOTDIR;
	return vfs_permission(&c->task.env, &ret->path, R_OK);
}

static int check_mark(struct file_call *c, unsigned flags)
{
	unsigned command = flags & MARK_COMMAND;
	if ((command != FAN_MARK_ADD && command != FAN_MARK_REMOVE) || !c->ev->args[2])
		return -EINVAL;
	int fd AUTO_CLOSE = -1;
	int r = c->ev->ops->get_fd(c->ev, (int)c->ev->args[0], &fd);
	if (r == 0 && !is_anonymous(fd, "anon_inode:[fanotify]"))
		r = -EINVAL;
	if (r == 0 && flags & MARK_TYPE && !cred_capable(c->task.cred, CAP_SYS_ADMIN))
		r = -EPERM;
	return r;
}

/* As for a file system that cannot encode file handles. */
struct verdict sys_fanotify_mark(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	unsigned flags = (unsigned)ev->args[1];
	if ((flags & MARK_COMMAND) == FAN_MARK_FLUSH)
		return verdict_pass();
	struct object o AUTO_OBJECT;
	o = (struct object){.fd = -1};
	int r = check_mark(&c, flags);
	if (r == 0)
		r = find_marked(&c, flags, &o);
	return answer(r < 0 ? r : -EOPNOTSUPP);
}

/* ---- handles ---- */

/* What a file system says that has no handles. */
struct verdict sys_name_to_handle_at(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int flags = (int)ev->args[4];
	if (flags & ~HANDLE_FLAGS)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	int r = object_at(&c, (int)ev->args[0], arg_ptr(ev, 1), name_of_at(flags),
			  flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0, &o);
	return answer(r < 0 ? r : -EOPNOTSUPP);
}

/* A handle leads to any file of the host's file system: for CAP_DAC_READ_SEARCH, which no guest has over that. */
struct verdict sys_open_by_handle_at(struct kernel *k, struct call_event *ev)
{
	struct { uint32_t bytes; int32_t type; } head;
	int fd = (int)ev->args[0];
	if (!k->vfs)
		return verdict_pass();
	int r = copy_in(ev, &head, arg_ptr(ev, 1), sizeof(head));
	if (r == 0 && (head.bytes == 0 || head.bytes > MAX_HANDLE_SZ || head.type < 0))
		r = -EINVAL;
	int own AUTO_CLOSE = -1;
	if (r == 0 && fd != AT_FDCWD)
		r = ev->ops->get_fd(ev, fd, &own);
	return answer(r < 0 ? r : -EPERM);
}

/* file_getattr and file_setattr (Linux 6.17): the FS_XFLAG_* of file systems that have them. */
static struct verdict do_file_attr(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int flags = (int)ev->args[4];
	uint64_t size = ev->args[3];
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) || size < FILE_ATTR_SIZE_0)
		return answer(-EINVAL);
	if (size > COPY_VERSIONED_MAX)
		return answer(-E2BIG);
	struct object o AUTO_OBJECT;
	int r = object_at(&c, (int)ev->args[0], arg_ptr(ev, 1), name_of_at(flags), walk_of_at(flags), &o);
	return answer(r < 0 ? r : -EOPNOTSUPP);
}

struct verdict sys_file_getattr(struct kernel *k, struct call_event *ev)
{
	return do_file_attr(k, ev);
}

struct verdict sys_file_setattr(struct kernel *k, struct call_event *ev)
{
	return do_file_attr(k, ev);
}
