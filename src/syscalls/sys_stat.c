/*
 * stat(2) and its kin, statx(2), statfs(2): fs/stat.c and fs/statfs.c of Linux. The structures are those of the host's
 * own ABI; foreign ones are not answered while files are emulated.
 */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "kernel/fs/fs.h"
#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

#ifndef AT_STATX_SYNC_TYPE
#define AT_STATX_SYNC_TYPE 0x6000
#endif

enum {
	MNT_ID_UNIQUE = 0x4000,		/* STATX_MNT_ID_UNIQUE: Linux 6.8 */
	STAT_AT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH,
	STATX_AT_FLAGS = STAT_AT_FLAGS | AT_STATX_SYNC_TYPE,
};

static struct timespec time_of(const struct statx_timestamp *t)
{
	return (struct timespec){.tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec};
}

static void stat_of_statx(const struct statx *x, struct stat *ret)
{
	*ret = (struct stat){
		.st_dev = makedev(x->stx_dev_major, x->stx_dev_minor),
		.st_ino = x->stx_ino,
		.st_nlink = x->stx_nlink,
		.st_mode = x->stx_mode,
		.st_uid = x->stx_uid,
		.st_gid = x->stx_gid,
		.st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
		.st_size = (off_t)x->stx_size,
		.st_blksize = x->stx_blksize,
		.st_blocks = (blkcnt_t)x->stx_blocks,
		.st_atim = time_of(&x->stx_atime),
		.st_mtim = time_of(&x->stx_mtime),
		.st_ctim = time_of(&x->stx_ctime),
	};
}

static struct verdict put_stat(struct file_call *c, const struct object *o, struct guest_ptr to)
{
	struct stat st;
	if (!object_is_foreign(o))
		stat_of_statx(&o->attr, &st);
	else if (fstat(o->fd, &st) < 0)
		return answer(-errno);
	return answer(copy_out(c->ev, to, &st, sizeof(st)));
}

/* vfs_fstatat and statx of Linux (since 6.11): of a call that asks about a descriptor alone no flag is looked at. */
static bool flags_matter(struct file_call *c, int dirfd, struct guest_ptr name, int flags)
{
	struct name_arg n AUTO_NAME;
	return name_copy_in(c, name, NAME_EMPTY | NAME_NULL, &n) < 0 || n.text[0] || dirfd < 0 || !(flags & AT_EMPTY_PATH);
}

static struct verdict do_stat(struct file_call *c, int dirfd, struct guest_ptr name, struct guest_ptr to, int flags)
{
	if (flags & ~STAT_AT_FLAGS && flags_matter(c, dirfd, name, flags))
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	unsigned empty = flags & AT_EMPTY_PATH ? NAME_EMPTY | NAME_NULL : 0;
	int r = object_attr_at(c, dirfd, name, empty, walk_of_at(flags), &o);
	return r < 0 ? answer(r) : put_stat(c, &o, to);
}

struct verdict sys_stat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_stat(&c, AT_FDCWD, arg_ptr(ev, 0), arg_ptr(ev, 1), 0);
}

struct verdict sys_lstat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_stat(&c, AT_FDCWD, arg_ptr(ev, 0), arg_ptr(ev, 1), AT_SYMLINK_NOFOLLOW);
}

struct verdict sys_newfstatat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_stat(&c, (int)ev->args[0], arg_ptr(ev, 1), arg_ptr(ev, 2), (int)ev->args[3]);
}

struct verdict sys_fstat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_attr_of_fd(&c, (int)ev->args[0], &o);
	if (r < 0)
		return answer(r);
	return object_is_foreign(&o) ? verdict_pass() : put_stat(&c, &o, arg_ptr(ev, 1));
}

/*
 * Times that are asked for are noted as seen (fill_mg_cmtime of Linux 6.13; not of /proc): so they are left out if
 * nobody asks.
 */
static void leave_out_times(struct statx *x)
{
	x->stx_mask &= ~(unsigned)(STATX_MTIME | STATX_CTIME);
	x->stx_mtime = x->stx_ctime = (struct statx_timestamp){0};
}

/* Which mount the object is on, and whether it is what is mounted. */
static void show_mount(const struct path *p, unsigned mask, struct statx *x)
{
	enum { UNIQUE_OFFSET = 1U << 31 };	/* no old number is as large (fs/namespace.c) */
	x->stx_attributes_mask |= STATX_ATTR_MOUNT_ROOT;
	if (vfs_is_mount_root(p))
		x->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
	if (!(mask & (STATX_MNT_ID | MNT_ID_UNIQUE)))
		return;
	x->stx_mnt_id = (uint64_t)(unsigned)procfs_mount_id(p) + (mask & MNT_ID_UNIQUE ? UNIQUE_OFFSET : 0);
	x->stx_mask |= mask & MNT_ID_UNIQUE ? MNT_ID_UNIQUE : STATX_MNT_ID;
}

/* Other fields that were not asked for are given all the same, as Linux does where they are at hand. */
static struct verdict do_statx(struct file_call *c, struct object *o, int flags, unsigned mask, struct guest_ptr to)
{
	struct statx *x = &o->attr;
	if (object_is_foreign(o)) {
		if (statx(o->fd, "", AT_EMPTY_PATH | (flags & AT_STATX_SYNC_TYPE), mask, x) < 0)
			return answer(-errno);
	} else if (!(mask & (STATX_MTIME | STATX_CTIME)) && !(path_inode(&o->path)->super->flags & SUPER_FIXED_NAMES)) {
		leave_out_times(x);
	}
	if (!object_is_foreign(o))
		show_mount(&o->path, mask, x);
	return answer(copy_out(c->ev, to, x, sizeof(*x)));
}

struct verdict sys_statx(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int flags = (int)ev->args[2];
	unsigned mask = (unsigned)ev->args[3];
	if (mask & STATX__RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~STATX_AT_FLAGS && flags_matter(&c, (int)ev->args[0], arg_ptr(ev, 1), flags)))
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	unsigned empty = flags & AT_EMPTY_PATH ? NAME_EMPTY | NAME_NULL : 0;
	int r = object_attr_at(&c, (int)ev->args[0], arg_ptr(ev, 1), empty, walk_of_at(flags), &o);
	return r < 0 ? answer(r) : do_statx(&c, &o, flags, mask, arg_ptr(ev, 4));
}

/* ---- file systems ---- */

static struct verdict put_statfs(struct file_call *c, const struct path *p, struct guest_ptr to)
{
	struct statfs st;
	int r = vfs_statfs(p, &st);
	return answer(r < 0 ? r : copy_out(c->ev, to, &st, sizeof(st)));
}

struct verdict sys_statfs(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_at(&c, AT_FDCWD, arg_ptr(ev, 0), 0, WALK_FOLLOW, &o);
	return r < 0 ? answer(r) : put_statfs(&c, &o.path, arg_ptr(ev, 1));
}

struct verdict sys_fstatfs(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(&c, (int)ev->args[0], true, &o);
	if (r < 0)
		return answer(r);
	return object_is_foreign(&o) ? verdict_pass() : put_statfs(&c, &o.path, arg_ptr(ev, 1));
}

/* By device number, of which the guest's are made up: none of them is a device with a file system on it. */
struct verdict sys_ustat(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return k->vfs ? answer(-EINVAL) : verdict_pass();
}
