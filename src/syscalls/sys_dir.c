/* Directories: getdents(2), getdents64(2) (fs/readdir.c of Linux), mkdir(2), rmdir(2) (fs/namei.c). */
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/param.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum { LISTING_MAX = 64 * 1024 };	/* bytes for one call; a caller with more room calls once more */

/* What getdents gives instead of struct dirent64: the same length, the type in the last byte. */
struct old_dirent {
	unsigned long ino;
	unsigned long off;
	unsigned short reclen;
	char name[];
};

/* In place: name and NUL move forward by one byte, and the type goes to the end. */
static void make_old(char *listing, size_t len)
{
	for (size_t at = 0; at < len;) {
		struct dirent64 *d = (struct dirent64 *)(listing + at);
		size_t reclen = d->d_reclen;
		unsigned char type = d->d_type;
		struct old_dirent *old = (struct old_dirent *)d;
		memmove(old->name, d->d_name, strlen(d->d_name) + 1);
		listing[at + reclen - 1] = (char)type;
		at += reclen;
	}
}

/*
 * What of the listing goes where it is to go: the entries that do so whole, as Linux copies them one by one. 0: not
 * even the first one.
 */
static size_t copy_whole(struct file_call *c, const char *listing, size_t len, bool old, off_t *ret_next)
{
	size_t done = 0;
	while (done < len) {
		/* Of struct old_dirent too these two are where they are. */
		const struct dirent64 *d = (const struct dirent64 *)(listing + done);
		const struct guest_ptr to = {c->ev->args[1] + done};
		/* What fills the entry up is not written; the older one ends with the type. */
		const size_t size = old ? d->d_reclen : offsetof(struct dirent64, d_name) + strlen(d->d_name) + 1;
		if (copy_out(c->ev, to, d, size) < 0)
			break;
		*ret_next = d->d_off;
		done += d->d_reclen;
	}
	return done;
}

/* The cursor is the descriptor's offset: what could not be copied out is listed again. */
static ssize_t list(struct file_call *c, const struct object *o, size_t size, bool old)
{
	size = MIN(size, LISTING_MAX);
	AUTO_FREE char *listing = malloc(size ? size : 1);
	if (!listing)
		return -ENOMEM;
	off_t before = lseek(o->fd, 0, SEEK_CUR);
	ssize_t n = vfs_getdents64(&c->task.env, &o->path, o->fd, listing, size);
	if (n <= 0)
		return n;
	if (old)
		make_old(listing, (size_t)n);
	int r = copy_out(c->ev, arg_ptr(c->ev, 1), listing, (size_t)n);
	if (r == 0)
		return n;
	off_t next = before;
	size_t whole = r == -EFAULT ? copy_whole(c, listing, (size_t)n, old, &next) : 0;
	if (before >= 0)
		(void)lseek(o->fd, next, SEEK_SET);
	return whole ? (ssize_t)whole : r;
}

static struct verdict do_getdents(struct kernel *k, struct call_event *ev, bool old)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(&c, (int)ev->args[0], false, &o);
	if (r < 0)
		return answer(r);
	if (object_is_foreign(&o))
		return verdict_pass();
	if (!S_ISDIR(path_inode(&o.path)->type))
		return answer(-ENOTDIR);
	/* Linux counts what is left in an int: nothing fits into more than that. */
	const unsigned size = (unsigned)ev->args[2];
	return answer(list(&c, &o, size > INT_MAX ? 0 : size, old));
}

struct verdict sys_getdents(struct kernel *k, struct call_event *ev)
{
	return do_getdents(k, ev, true);
}

struct verdict sys_getdents64(struct kernel *k, struct call_event *ev)
{
	return do_getdents(k, ev, false);
}

/* ---- making and removing ---- */

static struct verdict do_mkdirat(struct file_call *c, int dirfd, struct guest_ptr name, mode_t mode)
{
	struct name_arg n AUTO_NAME;
	int r = name_copy_in(c, name, 0, &n);
	if (r == 0)
		r = name_find_base(c, dirfd, &n);
	if (r == 0)
		r = vfs_mkdir(&c->task.env, name_base(&n), n.text, mode & (S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX));
	return answer(r);
}

struct verdict sys_mkdir(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_mkdirat(&c, AT_FDCWD, arg_ptr(ev, 0), (mode_t)ev->args[1]);
}

struct verdict sys_mkdirat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_mkdirat(&c, (int)ev->args[0], arg_ptr(ev, 1), (mode_t)ev->args[2]);
}

static struct verdict do_unlinkat(struct file_call *c, int dirfd, struct guest_ptr name, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return answer(-EINVAL);
	struct name_arg n AUTO_NAME;
	int r = name_copy_in(c, name, 0, &n);
	if (r == 0)
		r = name_find_base(c, dirfd, &n);
	if (r == 0)
		r = vfs_unlink(&c->task.env, name_base(&n), n.text, flags & AT_REMOVEDIR);
	return answer(r);
}

struct verdict sys_rmdir(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_unlinkat(&c, AT_FDCWD, arg_ptr(ev, 0), AT_REMOVEDIR);
}

struct verdict sys_unlink(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_unlinkat(&c, AT_FDCWD, arg_ptr(ev, 0), 0);
}

struct verdict sys_unlinkat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_unlinkat(&c, (int)ev->args[0], arg_ptr(ev, 1), (int)ev->args[2]);
}
