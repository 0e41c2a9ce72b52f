/* Attributes: chmod(2), chown(2), utimensat(2), truncate(2) and their kin. fs/open.c and fs/utimes.c of Linux. */
#include <sys/time.h>
#include <utime.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum { CHANGE_AT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH };

static const int *own_fd(const struct object *o)
{
	return o->own ? &o->fd : NULL;
}

/* ---- chmod ---- */

static int chmod_object(struct file_call *c, const struct object *o, mode_t mode)
{
	if (object_is_foreign(o)) {
		char own[FD_NAME_SIZE];
		int r = foreign_change(c, o);
		return r < 0 ? r : chmod(fd_name(o->fd, own), mode & 07777) < 0 ? -errno : 0;
	}
	int err = S_ISLNK(path_inode(&o->path)->type) ? vfs_want_write(&o->path) : 0;
	if (err < 0 || S_ISLNK(path_inode(&o->path)->type))
		return err < 0 ? err : -EOPNOTSUPP;
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = mode & 07777, .fd = own_fd(o)};
	return vfs_setattr(&c->task.env, &o->path, &attr);
}

static struct verdict do_fchmodat(struct file_call *c, int dirfd, struct guest_ptr name, mode_t mode, int flags)
{
	if (flags & ~CHANGE_AT_FLAGS)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	int r = object_at(c, dirfd, name, name_of_at(flags), walk_of_at(flags), &o);
	return answer(r < 0 ? r : chmod_object(c, &o, mode));
}

struct verdict sys_chmod(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_fchmodat(&c, AT_FDCWD, arg_ptr(ev, 0), (mode_t)ev->args[1], 0);
}

struct verdict sys_fchmodat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_fchmodat(&c, (int)ev->args[0], arg_ptr(ev, 1), (mode_t)ev->args[2], 0);
}

struct verdict sys_fchmodat2(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_fchmodat(&c, (int)ev->args[0], arg_ptr(ev, 1), (mode_t)ev->args[2], (int)ev->args[3]);
}

struct verdict sys_fchmod(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(&c, (int)ev->args[0], false, &o);
	if (r < 0)
		return answer(r);
	if (object_is_foreign(&o))
		return foreign_pass(&o);
	return answer(chmod_object(&c, &o, (mode_t)ev->args[1]));
}

/* ---- chown ---- */

static int chown_object(struct file_call *c, const struct object *o, uid_t uid, gid_t gid)
{
	if (object_is_foreign(o)) {
		int r = foreign_change(c, o);
		return r < 0 ? r : fchownat(o->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
	}
	struct vfs_attr attr = {.valid = STATX_CTIME, .uid = uid, .gid = gid, .fd = own_fd(o)};
	if (uid != (uid_t)-1)
		attr.valid |= STATX_UID;
	if (gid != (gid_t)-1)
		attr.valid |= STATX_GID;
	return vfs_setattr(&c->task.env, &o->path, &attr);
}

static struct verdict do_fchownat(struct file_call *c, int dirfd, struct guest_ptr name, uid_t uid, gid_t gid, int flags)
{
	if (flags & ~CHANGE_AT_FLAGS)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	int r = object_at(c, dirfd, name, name_of_at(flags), walk_of_at(flags), &o);
	return answer(r < 0 ? r : chown_object(c, &o, uid, gid));
}

struct verdict sys_chown(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_fchownat(&c, AT_FDCWD, arg_ptr(ev, 0), (uid_t)ev->args[1], (gid_t)ev->args[2], 0);
}

struct verdict sys_lchown(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_fchownat(&c, AT_FDCWD, arg_ptr(ev, 0), (uid_t)ev->args[1], (gid_t)ev->args[2], AT_SYMLINK_NOFOLLOW);
}

struct verdict sys_fchownat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_fchownat(&c, (int)ev->args[0], arg_ptr(ev, 1), (uid_t)ev->args[2], (gid_t)ev->args[3], (int)ev->args[4]);
}

struct verdict sys_fchown(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(&c, (int)ev->args[0], false, &o);
	if (r < 0)
		return answer(r);
	if (object_is_foreign(&o))
		return foreign_pass(&o);
	return answer(chown_object(&c, &o, (uid_t)ev->args[1], (gid_t)ev->args[2]));
}

/* ---- times ---- */

static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

static bool nsec_valid(long nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec <= 999999999);
}

static int set_times(struct file_call *c, const struct object *o, const struct timespec times[2])
{
	if (!nsec_valid(times[0].tv_nsec) || !nsec_valid(times[1].tv_nsec))
		return -EINVAL;
	if (object_is_foreign(o)) {
		char own[FD_NAME_SIZE];
		int r = foreign_change(c, o);
		return r < 0 ? r : utimensat(AT_FDCWD, fd_name(o->fd, own), times, 0) < 0 ? -errno : 0;
	}
	struct vfs_attr attr = {.atime = times[0], .mtime = times[1], .fd = own_fd(o)};
	if (times[0].tv_nsec != UTIME_OMIT)
		attr.valid |= STATX_ATIME;
	if (times[1].tv_nsec != UTIME_OMIT)
		attr.valid |= STATX_MTIME;
	return vfs_setattr(&c->task.env, &o->path, &attr);
}

/* do_utimes of Linux. A NULL name means the descriptor. */
static struct verdict do_utimensat(struct file_call *c, int dirfd, struct guest_ptr name, const struct timespec times[2],
				   int flags)
{
	struct object o AUTO_OBJECT;
	o = (struct object){.fd = -1};
	int r;
	if (!name.addr && dirfd != AT_FDCWD) {
		r = flags ? -EINVAL : object_of_fd(c, dirfd, false, &o);
		if (r == 0 && object_is_foreign(&o))
			return foreign_pass(&o);
	} else {
		r = flags & ~CHANGE_AT_FLAGS ? -EINVAL :
			object_at(c, dirfd, name, name_of_at(flags), walk_of_at(flags), &o);
	}
	return answer(r < 0 ? r : set_times(c, &o, times));
}

struct verdict sys_utimensat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct timespec times[2] = {now[0], now[1]};
	if (ev->args[2]) {
		int r = copy_in(ev, times, arg_ptr(ev, 2), sizeof(times));
		if (r < 0)
			return answer(r);
		/* Nothing to do: not even the name is looked at. */
		if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
			return answer(0);
	}
	return do_utimensat(&c, (int)ev->args[0], arg_ptr(ev, 1), times, (int)ev->args[3]);
}

/* futimesat and utimes: microseconds, which must be in range before anything is looked at. */
static struct verdict do_futimesat(struct file_call *c, int dirfd, struct guest_ptr name, struct guest_ptr from)
{
	struct timespec times[2] = {now[0], now[1]};
	struct timeval given[2];
	if (!from.addr)
		return do_utimensat(c, dirfd, name, times, 0);
	int r = copy_in(c->ev, given, from, sizeof(given));
	if (r < 0)
		return answer(r);
	for (int i = 0; i < 2; i++) {
		if (given[i].tv_usec < 0 || given[i].tv_usec >= 1000000)
			return answer(-EINVAL);
		times[i] = (struct timespec){.tv_sec = given[i].tv_sec, .tv_nsec = given[i].tv_usec * 1000};
	}
	return do_utimensat(c, dirfd, name, times, 0);
}

struct verdict sys_futimesat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_futimesat(&c, (int)ev->args[0], arg_ptr(ev, 1), arg_ptr(ev, 2));
}

struct verdict sys_utimes(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_futimesat(&c, AT_FDCWD, arg_ptr(ev, 0), arg_ptr(ev, 1));
}

struct verdict sys_utime(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct timespec times[2] = {now[0], now[1]};
	if (ev->args[1]) {
		struct utimbuf given;
		int r = copy_in(ev, &given, arg_ptr(ev, 1), sizeof(given));
		if (r < 0)
			return answer(r);
		times[0] = (struct timespec){.tv_sec = given.actime};
		times[1] = (struct timespec){.tv_sec = given.modtime};
	}
	return do_utimensat(&c, AT_FDCWD, arg_ptr(ev, 0), times, 0);
}

/* ---- length ---- */

static int truncate_object(struct file_call *c, const struct path *p, off_t length)
{
	mode_t type = path_inode(p)->type;
	if (!S_ISREG(type))
		return S_ISDIR(type) ? -EISDIR : -EINVAL;
	if (vfs_mount_flags(p) & MOUNT_READONLY)
		return -EROFS;
	int r = vfs_permission(&c->task.env, p, W_OK);
	if (r == 0 && vfs_is_executed(c->k->vfs, path_inode(p)))
		r = -ETXTBSY;
	struct statx stx;
	if (r == 0)
		r = vfs_getattr(p, &stx);
	if (r == 0)
		r = file_may_grow(c, stx.stx_size, (uint64_t)length);
	if (r < 0)
		return r;
	struct vfs_attr attr = {.valid = STATX_SIZE, .size = length};
	return vfs_setattr(&c->task.env, p, &attr);
}

struct verdict sys_truncate(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	off_t length = (off_t)ev->args[1];
	if (length < 0)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	int r = object_at(&c, AT_FDCWD, arg_ptr(ev, 0), 0, WALK_FOLLOW, &o);
	return answer(r < 0 ? r : truncate_object(&c, &o.path, length));
}
