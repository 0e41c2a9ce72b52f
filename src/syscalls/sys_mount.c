/*
 * The mount table is the session's: calls that would change it, or reach past it, are refused with the errno that Linux
 * has for callers who may not (EPERM) or for kernels that cannot (ENOSYS), behind what it looks at before.
 * fs/namespace.c and fs/fsopen.c of Linux.
 */
#include <linux/bpf.h>
#include <linux/mount.h>
#include <sys/mount.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

static struct verdict refuse(const struct kernel *k, int err)
{
	return k->vfs ? answer(err) : verdict_pass();
}

enum {
	MS_NOUSER_ = 1u << 31,
	UMOUNT_FLAGS = MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW,
	OPEN_TREE_FLAGS = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC,
	MOUNT_SETATTR_FLAGS = AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	MOUNT_ATTR_SIZE_0 = 32,
	FSCONFIG_LAST = 8,		/* FSCONFIG_CMD_CREATE_EXCL */
	SWAP_FLAGS = 0x7ffff,
};

/* Is there an object by this name? -EPERM if so. */
static struct verdict refuse_named(struct kernel *k, struct call_event *ev, int dirfd, int name_arg, unsigned name_flags,
				   unsigned walk)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_at(&c, dirfd, arg_ptr(ev, name_arg), name_flags, walk, &o);
	return answer(r < 0 ? r : -EPERM);
}

/* copy_mount_string of Linux, and of copy_mount_options whether there is anything. */
static int check_string(struct call_event *ev, int arg)
{
	char text[VFS_PATH_MAX];
	if (!ev->args[arg])
		return 0;
	ssize_t n = ev->ops->read_string(ev, arg_ptr(ev, arg), text, sizeof(text));
	return n == -ENAMETOOLONG ? -EINVAL : n < 0 ? (int)n : 0;
}

struct verdict sys_mount(struct kernel *k, struct call_event *ev)
{
	char data;
	if (!k->vfs)
		return verdict_pass();
	int r = check_string(ev, 2);
	if (r == 0)
		r = check_string(ev, 0);
	if (r == 0 && ev->args[4])
		r = copy_in(ev, &data, arg_ptr(ev, 4), 1);
	if (r < 0)
		return answer(r);
	struct verdict v = refuse_named(k, ev, AT_FDCWD, 1, 0, WALK_FOLLOW);
	return v.value == -EPERM && ev->args[3] & MS_NOUSER_ ? answer(-EINVAL) : v;
}

struct verdict sys_umount2(struct kernel *k, struct call_event *ev)
{
	int flags = (int)ev->args[1];
	if (!k->vfs)
		return verdict_pass();
	if (flags & ~UMOUNT_FLAGS)
		return answer(-EINVAL);
	return refuse_named(k, ev, AT_FDCWD, 0, 0, flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW);
}

struct verdict sys_pivot_root(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_move_mount(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_fsopen(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

/* Nobody has a descriptor of fsopen. */
struct verdict sys_fsconfig(struct kernel *k, struct call_event *ev)
{
	int fd = (int)ev->args[0];
	if (!k->vfs)
		return verdict_pass();
	if (fd < 0)
		return answer(-EINVAL);
	if (ev->args[1] > FSCONFIG_LAST)
		return answer(-EOPNOTSUPP);
	int own AUTO_CLOSE = -1;
	int r = ev->ops->get_fd(ev, fd, &own);
	return answer(r < 0 ? r : -EINVAL);
}

struct verdict sys_fsmount(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_fspick(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_mount_setattr(struct kernel *k, struct call_event *ev)
{
	uint64_t size = ev->args[4];
	if ((unsigned)ev->args[2] & ~(unsigned)MOUNT_SETATTR_FLAGS || size < MOUNT_ATTR_SIZE_0)
		return refuse(k, -EINVAL);
	return refuse(k, size > COPY_VERSIONED_MAX ? -E2BIG : -EPERM);
}

/* It copies mounts, or gives a descriptor as open with O_PATH does, which callers have anyway. */
struct verdict sys_open_tree(struct kernel *k, struct call_event *ev)
{
	unsigned flags = (unsigned)ev->args[2];
	if (!k->vfs)
		return verdict_pass();
	if (flags & ~(unsigned)OPEN_TREE_FLAGS || (flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
		return answer(-EINVAL);
	if (flags & OPEN_TREE_CLONE)
		return answer(-EPERM);
	return refuse_named(k, ev, (int)ev->args[0], 1, name_of_at((int)flags), walk_of_at((int)flags));
}

struct verdict sys_open_tree_attr(struct kernel *k, struct call_event *ev)
{
	return !ev->args[3] && ev->args[4] ? refuse(k, -EINVAL) : sys_open_tree(k, ev);
}

/* They would tell of the host's mounts; callers then read /proc/self/mountinfo. */
struct verdict sys_listmount(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -ENOSYS);
}

struct verdict sys_statmount(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -ENOSYS);
}

struct verdict sys_swapon(struct kernel *k, struct call_event *ev)
{
	return refuse(k, (int)ev->args[1] & ~SWAP_FLAGS ? -EINVAL : -EPERM);
}

struct verdict sys_swapoff(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_acct(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

/* As a kernel without CONFIG_USELIB, which all are by default. */
struct verdict sys_uselib(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -ENOSYS);
}

/* Its operations are made by kernel threads that pass no filter. */
struct verdict sys_io_uring_setup(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -ENOSYS);
}

/* Rules on names would be the host's to enforce, on names that it never sees. As a kernel started without it. */
struct verdict sys_landlock_create_ruleset(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EOPNOTSUPP);
}

/* Pinned objects are found by names in the host's tree. */
struct verdict sys_bpf(struct kernel *k, struct call_event *ev)
{
	bool pins = ev->args[0] == BPF_OBJ_PIN || ev->args[0] == BPF_OBJ_GET;
	return pins ? refuse(k, -EPERM) : verdict_pass();
}
