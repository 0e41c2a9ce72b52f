/*
 * Names: link(2), symlink(2), readlink(2), rename(2), mknod(2) and their *at calls. fs/namei.c and fs/stat.c of Linux.
 */
#include <linux/fs.h>
#include <sys/param.h>
#include <sys/sysmacros.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

/*
 * Two names, as link and rename take them. What is wrong with the new one (*ret_new_error) counts only when the old one
 * was looked up and found right.
 */
static int two_names(struct file_call *c, int old_dirfd, struct guest_ptr old_name, unsigned old_flags, struct name_arg *old,
		     int new_dirfd, struct guest_ptr new_name, struct name_arg *new, int *ret_new_error)
{
	new->base = (struct path){0};
	int r = name_copy_in(c, old_name, old_flags, old);
	if (r == 0 && old->text[0])
		r = name_find_base(c, old_dirfd, old);
	*ret_new_error = 0;
	if (r == 0)
		*ret_new_error = name_copy_in(c, new_name, 0, new);
	if (r == 0 && *ret_new_error == 0)
		*ret_new_error = name_find_base(c, new_dirfd, new);
	return r;
}

/* ---- link ---- */

/* AT_EMPTY_PATH: the object of a descriptor is to be named. Not one from outside, which is on another file system. */
static int find_unnamed(struct file_call *c, int dirfd, struct name_arg *old)
{
	if (dirfd == AT_FDCWD)
		return 0;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(c, dirfd, true, &o);
	if (r < 0)
		return r;
	if (object_is_foreign(&o))
		return -EXDEV;
	old->base = o.path;
	o.path = (struct path){0};
	return 0;
}

static int link_error(struct file_call *c, const struct name_arg *old, unsigned walk, int new_error)
{
	struct path p;
	int r = vfs_walk(&c->task.env, name_base(old), old->text, walk, &p);
	if (r < 0)
		return r;
	path_put(&p);
	return new_error;
}

static struct verdict do_linkat(struct file_call *c, int old_dirfd, struct guest_ptr old_name, int new_dirfd,
				struct guest_ptr new_name, int flags)
{
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return answer(-EINVAL);
	struct name_arg old AUTO_NAME;
	struct name_arg new AUTO_NAME;
	int new_error;
	int r = two_names(c, old_dirfd, old_name, name_of_at(flags), &old, new_dirfd, new_name, &new, &new_error);
	unsigned walk = (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	if (r == 0 && !old.text[0])
		r = find_unnamed(c, old_dirfd, &old);
	if (r == 0 && new_error < 0)
		r = link_error(c, &old, walk, new_error);
	if (r < 0)
		return answer(r);
	return answer(vfs_link(&c->task.env, name_base(&old), old.text, walk, name_base(&new), new.text));
}

struct verdict sys_link(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_linkat(&c, AT_FDCWD, arg_ptr(ev, 0), AT_FDCWD, arg_ptr(ev, 1), 0);
}

struct verdict sys_linkat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_linkat(&c, (int)ev->args[0], arg_ptr(ev, 1), (int)ev->args[2], arg_ptr(ev, 3), (int)ev->args[4]);
}

/* ---- symbolic links ---- */

static struct verdict do_symlinkat(struct file_call *c, struct guest_ptr target, int dirfd, struct guest_ptr name)
{
	struct name_arg to AUTO_NAME;
	struct name_arg n AUTO_NAME;
	int new_error;
	int r = two_names(c, AT_FDCWD, target, 0, &to, dirfd, name, &n, &new_error);
	if (r == 0)
		r = new_error;
	if (r == 0)
		r = vfs_symlink(&c->task.env, to.text, name_base(&n), n.text);
	return answer(r);
}

struct verdict sys_symlink(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_symlinkat(&c, arg_ptr(ev, 0), AT_FDCWD, arg_ptr(ev, 1));
}

struct verdict sys_symlinkat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_symlinkat(&c, arg_ptr(ev, 0), (int)ev->args[1], arg_ptr(ev, 2));
}

static struct verdict do_readlinkat(struct file_call *c, int dirfd, struct guest_ptr name, struct guest_ptr to, int size)
{
	if (size <= 0)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	int r = object_at(c, dirfd, name, NAME_EMPTY, 0, &o);
	if (r < 0)
		return answer(r);
	/* "": a descriptor of the link itself; that of anything else has no name that was not found. */
	bool named = o.named;
	if (object_is_foreign(&o))
		return answer(-ENOENT);
	if (!S_ISLNK(path_inode(&o.path)->type))
		return answer(named ? -EINVAL : -ENOENT);
	char target[VFS_PATH_MAX];
	ssize_t n = vfs_readlink(&c->task.env, &o.path, target, MIN((size_t)size, sizeof(target)));
	if (n < 0)
		return answer(n);
	r = copy_out(c->ev, to, target, (size_t)n);
	return answer(r < 0 ? r : n);
}

struct verdict sys_readlink(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_readlinkat(&c, AT_FDCWD, arg_ptr(ev, 0), arg_ptr(ev, 1), (int)ev->args[2]);
}

struct verdict sys_readlinkat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_readlinkat(&c, (int)ev->args[0], arg_ptr(ev, 1), arg_ptr(ev, 2), (int)ev->args[3]);
}

/* ---- rename ---- */

static struct verdict do_renameat2(struct file_call *c, int old_dirfd, struct guest_ptr old_name, int new_dirfd,
				   struct guest_ptr new_name, unsigned flags)
{
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return answer(-EINVAL);
	if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))
		return answer(-EINVAL);
	struct name_arg old AUTO_NAME;
	struct name_arg new AUTO_NAME;
	int new_error;
	int r = two_names(c, old_dirfd, old_name, 0, &old, new_dirfd, new_name, &new, &new_error);
	if (r == 0 && new_error < 0) {
		r = vfs_walk_above(&c->task.env, name_base(&old), old.text);
		r = r < 0 ? r : new_error;
	}
	if (r == 0)
		r = vfs_rename(&c->task.env, name_base(&old), old.text, name_base(&new), new.text, flags);
	return answer(r);
}

struct verdict sys_rename(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_renameat2(&c, AT_FDCWD, arg_ptr(ev, 0), AT_FDCWD, arg_ptr(ev, 1), 0);
}

struct verdict sys_renameat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_renameat2(&c, (int)ev->args[0], arg_ptr(ev, 1), (int)ev->args[2], arg_ptr(ev, 3), 0);
}

struct verdict sys_renameat2(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_renameat2(&c, (int)ev->args[0], arg_ptr(ev, 1), (int)ev->args[2], arg_ptr(ev, 3), (unsigned)ev->args[4]);
}

/* ---- mknod ---- */

/* may_mknod of Linux. */
static int check_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

/* new_decode_dev of Linux: 12 bits of major and 20 of minor. */
static dev_t decode_dev(unsigned dev)
{
	return makedev(dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static struct verdict do_mknodat(struct file_call *c, int dirfd, struct guest_ptr name, mode_t mode, unsigned dev)
{
	int r = check_type(mode);
	if (r < 0)
		return answer(r);
	struct name_arg n AUTO_NAME;
	r = name_copy_in(c, name, 0, &n);
	if (r == 0)
		r = name_find_base(c, dirfd, &n);
	if (r < 0)
		return answer(r);
	mode_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	return answer(vfs_mknod(&c->task.env, name_base(&n), n.text, type | (mode & 07777), decode_dev(dev)));
}

struct verdict sys_mknod(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_mknodat(&c, AT_FDCWD, arg_ptr(ev, 0), (uint16_t)ev->args[1], (unsigned)ev->args[2]);
}

struct verdict sys_mknodat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_mknodat(&c, (int)ev->args[0], arg_ptr(ev, 1), (uint16_t)ev->args[2], (unsigned)ev->args[3]);
}
