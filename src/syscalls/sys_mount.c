/*
 * The mount table is the session's: calls that would change it, or reach past it, are refused with the errno that Linux has
 * for callers who may not (EPERM) or for kernels that cannot (ENOSYS). fs/namespace.c of Linux.
 */
#include <linux/bpf.h>
#include <sched.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

static struct verdict refuse(const struct kernel *k, int err)
{
	return k->vfs ? answer(err) : verdict_pass();
}

struct verdict sys_mount(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_umount2(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
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

struct verdict sys_fsconfig(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
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
	(void)ev;
	return refuse(k, -EPERM);
}

struct verdict sys_open_tree_attr(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
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
	(void)ev;
	return refuse(k, -EPERM);
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

/* As a kernel without quotas. */
struct verdict sys_quotactl(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -ENOSYS);
}

struct verdict sys_quotactl_fd(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -ENOSYS);
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

/* A handle leads to any file of the host's file system. */
struct verdict sys_open_by_handle_at(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

/* Another mount namespace has another tree; what else a namespace changes comes with it. */
struct verdict sys_setns(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
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

/* It copies mounts, or gives a descriptor as open with O_PATH does, which callers have anyway. */
struct verdict sys_open_tree(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return refuse(k, -EPERM);
}

/* ---- unshare ---- */

/* A name space of mounts, or of users (whose owner may mount), is not for guests; the rest is the host's to decide. */
struct verdict sys_unshare(struct kernel *k, struct call_event *ev)
{
	if (!k->vfs || !k->tasks)
		return verdict_pass();
	if (ev->args[0] & (CLONE_NEWNS | CLONE_NEWUSER))
		return answer(-EPERM);
	int r = ev->args[0] & CLONE_FS ? task_unshare_fs(k->tasks, ev->tid) : 0;
	return r < 0 ? answer(r) : verdict_pass();
}
