/* access(2), faccessat(2), faccessat2(2): do_faccessat of Linux's fs/open.c. */
#include "kernel/task/cred_change.h"
#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum {
	ACCESS_MODES = R_OK | W_OK | X_OK,
	ACCESS_AT_FLAGS = AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
};

static bool is_special(mode_t type)
{
	return S_ISCHR(type) || S_ISBLK(type) || S_ISFIFO(type) || S_ISSOCK(type);
}

static int check_access(const struct file_call *c, const struct path *p, int mode)
{
	unsigned mount = vfs_mount_flags(p);
	mode_t type = path_inode(p)->type;
	if (mode & X_OK && S_ISREG(type) && mount & MOUNT_NOEXEC)
		return -EACCES;
	int r = vfs_permission(&c->task.env, p, mode);
	if (r < 0)
		return r;
	return mode & W_OK && mount & MOUNT_READONLY && !is_special(type) ? -EROFS : 0;
}

static int become_real(struct file_call *c)
{
	struct cred *real;
	int r = cred_of_access(c->task.cred, &real);
	if (r < 0 || !real)
		return r;
	cred_unref(c->task.cred);
	c->task.env.cred = c->task.cred = real;
	return 0;
}

static struct verdict do_faccessat(struct file_call *c, int dirfd, struct guest_ptr name, int mode, int flags)
{
	if (mode & ~ACCESS_MODES || flags & ~ACCESS_AT_FLAGS)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT = {.fd = -1};
	int r = flags & AT_EACCESS ? 0 : become_real(c);
	if (r == 0)
		r = object_at(c, dirfd, name, name_of_at(flags), walk_of_at(flags), &o);
	if (r < 0)
		return answer(r);
	char own[FD_NAME_SIZE];
	if (object_is_foreign(&o))
		return answer(faccessat(AT_FDCWD, fd_name(o.fd, own), mode, flags & AT_EACCESS) < 0 ? -errno : 0);
	return answer(check_access(c, &o.path, mode));
}

struct verdict sys_access(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_faccessat(&c, AT_FDCWD, arg_ptr(ev, 0), (int)ev->args[1], 0);
}

struct verdict sys_faccessat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_faccessat(&c, (int)ev->args[0], arg_ptr(ev, 1), (int)ev->args[2], 0);
}

struct verdict sys_faccessat2(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_faccessat(&c, (int)ev->args[0], arg_ptr(ev, 1), (int)ev->args[2], (int)ev->args[3]);
}
