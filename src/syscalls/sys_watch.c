/*
 * Watching files (inotify_add_watch(2), fanotify_mark(2)) and naming them otherwise (name_to_handle_at(2),
 * file_getattr(2)). A watch is made on a host object, so that the events are the host's: vfs/watch.h.
 */
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum {
	INOTIFY_CONTROL = IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ONESHOT,
	/* AT_HANDLE_FID, AT_HANDLE_MNT_ID_UNIQUE, AT_HANDLE_CONNECTABLE */
	HANDLE_FLAGS = AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | 0x200 | 1 | 2,
	FILE_ATTR_SIZE_0 = 24,
};

static int add_watch(struct file_call *c, int inotify, uint32_t mask)
{
	struct object o AUTO_OBJECT;
	unsigned walk = (mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) | (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0);
	int r = object_at(c, AT_FDCWD, arg_ptr(c->ev, 1), 0, walk, &o);
	if (r == 0)
		r = vfs_permission(&c->task.env, &o.path, R_OK, false);
	if (r < 0)
		return r;
	atomic_store(&c->k->files->watched, true);
	return vfs_watch(c->k->vfs, &o.path, inotify, mask);
}

struct verdict sys_inotify_add_watch(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	uint32_t mask = (uint32_t)ev->args[2];
	if (!(mask & (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR | INOTIFY_CONTROL)))
		return answer(-EINVAL);
	int inotify AUTO_CLOSE = -1;
	int r = ev->ops->get_fd(ev, (int)ev->args[0], &inotify);
	return answer(r < 0 ? r : add_watch(&c, inotify, mask));
}

/* As for a file system that cannot encode file handles. */
struct verdict sys_fanotify_mark(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	unsigned flags = (unsigned)ev->args[1];
	if (flags & FAN_MARK_FLUSH)
		return verdict_pass();
	if (!ev->args[4])
		return answer(-EOPNOTSUPP);
	struct object o AUTO_OBJECT;
	unsigned walk = (flags & FAN_MARK_DONT_FOLLOW ? 0 : WALK_FOLLOW) | (flags & FAN_MARK_ONLYDIR ? WALK_DIRECTORY : 0);
	int r = object_at(&c, (int)ev->args[3], arg_ptr(ev, 4), 0, walk, &o);
	return answer(r < 0 ? r : -EOPNOTSUPP);
}

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
