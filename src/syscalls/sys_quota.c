/*
 * quotactl(2): fs/quota/quota.c of Linux. What only this process has has no quotas; of the host's file systems a
 * descriptor tells what the host says, and changes are not for guests.
 */
#include <linux/dqblk_xfs.h>
#include <linux/quota.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum { QUOTA_TYPES = 3 };

static unsigned command_of(uint64_t cmd)
{
	return (unsigned)cmd >> SUBCMDSHIFT;
}

static bool type_exists(uint64_t cmd)
{
	return ((unsigned)cmd & SUBCMDMASK) < QUOTA_TYPES;
}

/* lookup_bdev of Linux: no block device of the guest's is one that a file system of its tree is on. */
static int find_device(struct file_call *c, struct guest_ptr name)
{
	struct object o AUTO_OBJECT;
	int r = object_at(c, AT_FDCWD, name, 0, WALK_FOLLOW, &o);
	if (r < 0)
		return r;
	if (!S_ISBLK(path_inode(&o.path)->type))
		return -ENOTBLK;
	return vfs_mount_flags(&o.path) & MOUNT_NODEV ? -EACCES : -ENODEV;
}

struct verdict sys_quotactl(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	if (!type_exists(ev->args[0]))
		return answer(-EINVAL);
	if (!ev->args[1])
		return answer(command_of(ev->args[0]) == Q_SYNC ? 0 : -ENODEV);
	return answer(find_device(&c, arg_ptr(ev, 1)));
}

static bool only_asks(unsigned command)
{
	static const unsigned asking[] = {
		Q_SYNC, Q_GETFMT, Q_GETINFO, Q_GETQUOTA, Q_GETNEXTQUOTA, Q_XGETQUOTA, Q_XGETQSTAT, Q_XGETQSTATV, Q_XGETNEXTQUOTA,
		Q_XQUOTASYNC,
	};
	for (size_t i = 0; i < ARRAY_SIZE(asking); i++) {
		if (asking[i] == command)
			return true;
	}
	return false;
}

struct verdict sys_quotactl_fd(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(&c, (int)ev->args[0], true, &o);
	if (r < 0)
		return answer(r);
	if (!type_exists(ev->args[1]))
		return answer(-EINVAL);
	if (!object_is_foreign(&o) && !(path_inode(&o.path)->super->flags & SUPER_HOST_EVENTS))
		return answer(-ENOSYS);
	return only_asks(command_of(ev->args[1])) ? verdict_pass() : answer(-EPERM);
}
