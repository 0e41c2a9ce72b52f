/*
 * Extended attributes: the four calls in their four forms (by name, without following, by descriptor, relative).
 * fs/xattr.c of Linux: the attribute's name and value are copied in before the file is looked up.
 */
#include <linux/limits.h>
#include <sys/param.h>
#include <sys/xattr.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum { XATTR_AT_FLAGS = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH };

/* Which file: as the *at calls say it. by_fd: dirfd itself. no_cwd: an empty name is not the working directory's. */
struct xattr_file {
	int dirfd;
	struct guest_ptr name;
	int at_flags;
	bool by_fd, no_cwd;
};

struct xattr_name {
	char text[XATTR_NAME_MAX + 1];
};

/* struct xattr_args of Linux 6.13. */
struct xattr_args_of_guest {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
};

static int copy_name_in(struct call_event *ev, struct guest_ptr from, struct xattr_name *ret)
{
	ssize_t n = ev->ops->read_string(ev, from, ret->text, sizeof(ret->text));
	if (n == -ENAMETOOLONG || n == 0)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static struct xattr_file of_path(const struct call_event *ev)
{
	return (struct xattr_file){.dirfd = AT_FDCWD, .name = arg_ptr(ev, 0)};
}

static struct xattr_file of_link(const struct call_event *ev)
{
	return (struct xattr_file){.dirfd = AT_FDCWD, .name = arg_ptr(ev, 0), .at_flags = AT_SYMLINK_NOFOLLOW};
}

static struct xattr_file of_descriptor(const struct call_event *ev)
{
	return (struct xattr_file){.dirfd = (int)ev->args[0], .by_fd = true};
}

static struct xattr_file at_file(const struct call_event *ev)
{
	return (struct xattr_file){.dirfd = (int)ev->args[0], .name = arg_ptr(ev, 1), .at_flags = (int)ev->args[2]};
}

/* An empty name is a descriptor's as in the calls by descriptor, which O_PATH does not do for. */
static bool is_empty(struct file_call *c, const struct xattr_file *f)
{
	if (!(f->at_flags & AT_EMPTY_PATH))
		return false;
	struct name_arg n AUTO_NAME;
	return name_copy_in(c, f->name, NAME_EMPTY | NAME_NULL, &n) == 0 && !n.text[0];
}

/* 1: a descriptor of the host's alone, on which the call may pass. */
static int find_file(struct file_call *c, const struct xattr_file *f, struct object *ret)
{
	if (f->by_fd) {
		int r = object_of_fd(c, f->dirfd, false, ret);
		return r == 0 && object_is_foreign(ret) ? 1 : r;
	}
	if ((f->dirfd != AT_FDCWD || f->no_cwd) && is_empty(c, f))
		return object_of_fd(c, f->dirfd, false, ret);
	unsigned empty = f->at_flags & AT_EMPTY_PATH ? NAME_EMPTY | NAME_NULL : 0;
	return object_at(c, f->dirfd, f->name, empty, walk_of_at(f->at_flags), ret);
}

/*
 * May the descriptor itself be asked? Its object may have lost the name that it was opened by to another one (others
 * change the host's files), and a file system that fails to find names still has it. Where the host judges the caller,
 * as ours is who the caller is.
 */
static bool asks_descriptor(const struct file_call *c, const struct object *o)
{
	return object_is_foreign(o) || (o->own && c->task.cred->host);
}

/* ---- set ---- */

static ssize_t set_value(struct file_call *c, const struct object *o, const struct xattr_name *name, const void *value,
			 size_t size, int flags)
{
	if (object_is_foreign(o)) {
		char own[FD_NAME_SIZE];
		int r = foreign_change(c, o);
		return r < 0 ? r : setxattr(fd_name(o->fd, own), name->text, value, size, flags) < 0 ? -errno : 0;
	}
	return vfs_setxattr(&c->task.env, &o->path, name->text, value, size, flags);
}

static struct verdict do_setxattr(struct file_call *c, const struct xattr_file *f, struct guest_ptr name_from,
				  const struct xattr_args_of_guest *args)
{
	struct xattr_name name;
	if (f->at_flags & ~XATTR_AT_FLAGS || args->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return answer(-EINVAL);
	int r = copy_name_in(c->ev, name_from, &name);
	if (r < 0)
		return answer(r);
	if (args->size > XATTR_SIZE_MAX)
		return answer(-E2BIG);
	AUTO_FREE char *value = malloc(args->size + 1);
	if (!value)
		return answer(-ENOMEM);
	if (args->size)
		r = copy_in(c->ev, value, (struct guest_ptr){args->value}, args->size);
	if (r < 0)
		return answer(r);
	struct object o AUTO_OBJECT;
	r = find_file(c, f, &o);
	if (r > 0)
		return foreign_pass(&o);
	return answer(r < 0 ? r : set_value(c, &o, &name, value, args->size, (int)args->flags));
}

static struct verdict setxattr_of(struct kernel *k, struct call_event *ev, struct xattr_file f)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	/* The length has 64 bits here. */
	const struct xattr_args_of_guest args = {
		ev->args[2], (uint32_t)MIN(ev->args[3], UINT32_MAX), (uint32_t)ev->args[4],
	};
	return do_setxattr(&c, &f, arg_ptr(ev, 1), &args);
}

struct verdict sys_setxattr(struct kernel *k, struct call_event *ev)
{
	return setxattr_of(k, ev, of_path(ev));
}

struct verdict sys_lsetxattr(struct kernel *k, struct call_event *ev)
{
	return setxattr_of(k, ev, of_link(ev));
}

struct verdict sys_fsetxattr(struct kernel *k, struct call_event *ev)
{
	return setxattr_of(k, ev, of_descriptor(ev));
}

/* The structure behind the *at calls' argument i, and its size behind that. */
static int copy_args_in(struct call_event *ev, int i, struct xattr_args_of_guest *ret)
{
	uint64_t size = ev->args[i + 1];
	if (size < sizeof(*ret))
		return -EINVAL;
	if (size > COPY_VERSIONED_MAX)
		return -E2BIG;
	return copy_in_versioned(ev, ret, sizeof(*ret), arg_ptr(ev, i), size);
}

struct verdict sys_setxattrat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct xattr_args_of_guest args;
	int r = copy_args_in(ev, 4, &args);
	if (r < 0)
		return answer(r);
	const struct xattr_file f = at_file(ev);
	return do_setxattr(&c, &f, arg_ptr(ev, 3), &args);
}

/* ---- get ---- */

static ssize_t get_value(struct file_call *c, const struct object *o, const struct xattr_name *name, void *value,
			 size_t size)
{
	char own[FD_NAME_SIZE];
	if (!asks_descriptor(c, o))
		return vfs_getxattr(&c->task.env, &o->path, name->text, value, size);
	ssize_t n = getxattr(fd_name(o->fd, own), name->text, value, size);
	return n < 0 ? -errno : n;
}

/* n bytes, or a negative errno. With a size of 0 only their number was asked for. */
static struct verdict answer_bytes(struct file_call *c, struct guest_ptr to, const char *bytes, size_t size, ssize_t n)
{
	int r = n > 0 && size ? copy_out(c->ev, to, bytes, (size_t)n) : 0;
	return answer(r < 0 ? r : n);
}

static struct verdict do_getxattr(struct file_call *c, const struct xattr_file *f, struct guest_ptr name_from,
				  struct guest_ptr to, size_t size)
{
	struct xattr_name name;
	if (f->at_flags & ~XATTR_AT_FLAGS)
		return answer(-EINVAL);
	int r = copy_name_in(c->ev, name_from, &name);
	if (r < 0)
		return answer(r);
	struct object o AUTO_OBJECT;
	r = find_file(c, f, &o);
	if (r > 0)
		return verdict_pass();
	if (r < 0)
		return answer(r);
	size = MIN(size, XATTR_SIZE_MAX);
	AUTO_FREE char *value = malloc(size + 1);
	if (!value)
		return answer(-ENOMEM);
	ssize_t n = get_value(c, &o, &name, value, size);
	return answer_bytes(c, to, value, size, n);
}

static struct verdict getxattr_of(struct kernel *k, struct call_event *ev, struct xattr_file f)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_getxattr(&c, &f, arg_ptr(ev, 1), arg_ptr(ev, 2), ev->args[3]);
}

struct verdict sys_getxattr(struct kernel *k, struct call_event *ev)
{
	return getxattr_of(k, ev, of_path(ev));
}

struct verdict sys_lgetxattr(struct kernel *k, struct call_event *ev)
{
	return getxattr_of(k, ev, of_link(ev));
}

struct verdict sys_fgetxattr(struct kernel *k, struct call_event *ev)
{
	return getxattr_of(k, ev, of_descriptor(ev));
}

struct verdict sys_getxattrat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct xattr_args_of_guest args;
	int r = copy_args_in(ev, 4, &args);
	if (r == 0 && args.flags)
		r = -EINVAL;
	if (r < 0)
		return answer(r);
	const struct xattr_file f = at_file(ev);
	return do_getxattr(&c, &f, arg_ptr(ev, 3), (struct guest_ptr){args.value}, args.size);
}

/* ---- list ---- */

static struct verdict do_listxattr(struct file_call *c, const struct xattr_file *f, struct guest_ptr to, size_t size)
{
	if (f->at_flags & ~XATTR_AT_FLAGS)
		return answer(-EINVAL);
	struct object o AUTO_OBJECT;
	int r = find_file(c, f, &o);
	if (r > 0)
		return verdict_pass();
	if (r < 0)
		return answer(r);
	size = MIN(size, XATTR_LIST_MAX);
	AUTO_FREE char *list = malloc(size + 1);
	if (!list)
		return answer(-ENOMEM);
	char own[FD_NAME_SIZE];
	ssize_t n;
	if (asks_descriptor(c, &o)) {
		n = listxattr(fd_name(o.fd, own), list, size);
		n = n < 0 ? -errno : n;
	} else {
		n = vfs_listxattr(&c->task.env, &o.path, list, size);
	}
	return answer_bytes(c, to, list, size, n);
}

static struct verdict listxattr_of(struct kernel *k, struct call_event *ev, struct xattr_file f)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_listxattr(&c, &f, arg_ptr(ev, 1), ev->args[2]);
}

struct verdict sys_listxattr(struct kernel *k, struct call_event *ev)
{
	return listxattr_of(k, ev, of_path(ev));
}

struct verdict sys_llistxattr(struct kernel *k, struct call_event *ev)
{
	return listxattr_of(k, ev, of_link(ev));
}

struct verdict sys_flistxattr(struct kernel *k, struct call_event *ev)
{
	return listxattr_of(k, ev, of_descriptor(ev));
}

struct verdict sys_listxattrat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct xattr_file f = at_file(ev);
	f.no_cwd = true;
	return do_listxattr(&c, &f, arg_ptr(ev, 3), ev->args[4]);
}

/* ---- remove ---- */

static struct verdict do_removexattr(struct file_call *c, const struct xattr_file *f, struct guest_ptr name_from)
{
	struct xattr_name name;
	if (f->at_flags & ~XATTR_AT_FLAGS)
		return answer(-EINVAL);
	int r = copy_name_in(c->ev, name_from, &name);
	if (r < 0)
		return answer(r);
	struct object o AUTO_OBJECT;
	r = find_file(c, f, &o);
	if (r > 0)
		return foreign_pass(&o);
	if (r < 0)
		return answer(r);
	if (object_is_foreign(&o)) {
		char own[FD_NAME_SIZE];
		r = foreign_change(c, &o);
		return answer(r < 0 ? r : removexattr(fd_name(o.fd, own), name.text) < 0 ? -errno : 0);
	}
	return answer(vfs_removexattr(&c->task.env, &o.path, name.text));
}

static struct verdict removexattr_of(struct kernel *k, struct call_event *ev, struct xattr_file f, int name_arg)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_removexattr(&c, &f, arg_ptr(ev, name_arg));
}

struct verdict sys_removexattr(struct kernel *k, struct call_event *ev)
{
	return removexattr_of(k, ev, of_path(ev), 1);
}

struct verdict sys_lremovexattr(struct kernel *k, struct call_event *ev)
{
	return removexattr_of(k, ev, of_link(ev), 1);
}

struct verdict sys_fremovexattr(struct kernel *k, struct call_event *ev)
{
	return removexattr_of(k, ev, of_descriptor(ev), 1);
}

struct verdict sys_removexattrat(struct kernel *k, struct call_event *ev)
{
	struct xattr_file f = at_file(ev);
	f.no_cwd = true;
	return removexattr_of(k, ev, f, 3);
}
