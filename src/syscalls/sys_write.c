/*
 * Growth of files on a tmpfs that has a size: write(2) and its kin, sendfile(2), copy_file_range(2), splice(2),
 * fallocate(2). Data moves natively; only these calls are looked at first, in sessions with such a tmpfs. What still
 * fits of a write is written from here, as Linux writes the pages that it could get. What is beyond our sight: pages
 * that a mapping touches, and io_submit(2).
 */
#include <limits.h>
#include <linux/falloc.h>
#include <sys/param.h>
#include <sys/sendfile.h>
#include <string.h>
#include <sys/uio.h>

#include "kernel/fs/tmpfs.h"
#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20	/* Linux 6.9 */
#endif

enum { PARTIAL_MAX = 1 << 20 };	/* bytes of a short write that we make; the caller comes again */

/* A write into a file: where, how much, and how much of it there is room for. */
struct growth {
	struct object file;
	uint64_t offset;
	size_t len;
	size_t room;
};

static void growth_finish(struct growth *g)
{
	object_put(&g->file);
}

#define AUTO_GROWTH CLEANUP(growth_finish)

/*
 * Where a write with these flags (RWF_*) writes: behind all that is there, at, or (-1) at the descriptor's own
 * position.
 */
static int64_t position(int fd, int64_t at, int flags)
{
	struct stat st;
	if (flags & RWF_APPEND || (!(flags & RWF_NOAPPEND) && fcntl(fd, F_GETFL) & O_APPEND))
		return fstat(fd, &st) < 0 ? -errno : st.st_size;
	if (at < 0)
		at = lseek(fd, 0, SEEK_CUR);
	return at < 0 ? -errno : at;
}

/* at and flags as position takes them. 1: let the host write; 0: g->room says how much. */
static int growth_begin(struct file_call *c, int fd, int64_t at, int flags, size_t len, struct growth *g)
{
	*g = (struct growth){.len = len};
	int r = object_of_fd(c, fd, false, &g->file);
	if (r < 0)
		return r;
	if (object_is_foreign(&g->file) || !tmpfs_limited(path_inode(&g->file.path)->super))
		return 1;
	if ((fcntl(g->file.fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return 1;
	int64_t offset = position(g->file.fd, at, flags);
	if (offset < 0)
		return 1;
	g->offset = (uint64_t)offset;
	g->room = tmpfs_room(path_inode(&g->file.path), g->offset, len);
	if (g->room == len)
		return 1;
	/* The caller's own limit, which the host sees to, may come before. */
	rlim_t limit;
	if (file_limit(c->task.tid, RLIMIT_FSIZE, &limit) == 0 && limit <= g->offset + g->room)
		return 1;
	return g->room ? 0 : -ENOSPC;
}

/* ---- write, pwrite ---- */

static struct verdict write_part(struct file_call *c, const struct growth *g, int64_t at, int flags,
				 const struct iovec *iov, size_t count)
{
	size_t len = MIN(g->room, PARTIAL_MAX);
	AUTO_FREE char *data = malloc(len);
	if (!data)
		return answer(-ENOMEM);
	size_t have = 0;
	for (size_t i = 0; i < count && have < len; i++) {
		size_t part = MIN(iov[i].iov_len, len - have);
		int r = copy_in(c->ev, data + have, (struct guest_ptr){(uintptr_t)iov[i].iov_base}, part);
		if (r < 0)
			return answer(r);
		have += part;
	}
	const struct iovec part = {data, have};
	ssize_t n = pwritev2(g->file.fd, &part, 1, at, flags);
	return answer(n < 0 ? -errno : n);
}

static struct verdict do_write(struct kernel *k, struct call_event *ev, int64_t at)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	const struct iovec iov = {(void *)(uintptr_t)ev->args[1], ev->args[2]};
	struct growth g AUTO_GROWTH;
	int r = growth_begin(&c, (int)ev->args[0], at, 0, iov.iov_len, &g);
	if (r != 0)
		return r > 0 ? verdict_pass() : answer(r);
	return write_part(&c, &g, at, 0, &iov, 1);
}

struct verdict sys_write(struct kernel *k, struct call_event *ev)
{
	return do_write(k, ev, -1);
}

struct verdict sys_pwrite64(struct kernel *k, struct call_event *ev)
{
	return (int64_t)ev->args[3] < 0 ? verdict_pass() : do_write(k, ev, (int64_t)ev->args[3]);
}

static struct verdict do_writev(struct kernel *k, struct call_event *ev, int64_t at, int flags)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	size_t count = ev->args[2];
	if (count > IOV_MAX)
		return verdict_pass();
	AUTO_FREE struct iovec *iov = calloc(count + 1, sizeof(*iov));
	if (!iov)
		return answer(-ENOMEM);
	int r = copy_in(ev, iov, arg_ptr(ev, 1), count * sizeof(*iov));
	if (r < 0)
		return answer(r);
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		if (__builtin_add_overflow(len, iov[i].iov_len, &len))
			return verdict_pass();	/* the host says EINVAL */
	}
	struct growth g AUTO_GROWTH;
	r = growth_begin(&c, (int)ev->args[0], at, flags, len, &g);
	if (r != 0)
		return r > 0 ? verdict_pass() : answer(r);
	return write_part(&c, &g, at, flags, iov, count);
}

struct verdict sys_writev(struct kernel *k, struct call_event *ev)
{
	return do_writev(k, ev, -1, 0);
}

struct verdict sys_pwritev(struct kernel *k, struct call_event *ev)
{
	return (int64_t)ev->args[3] < 0 ? verdict_pass() : do_writev(k, ev, (int64_t)ev->args[3], 0);
}

struct verdict sys_pwritev2(struct kernel *k, struct call_event *ev)
{
	int64_t at = (int64_t)ev->args[3];
	return at < -1 ? verdict_pass() : do_writev(k, ev, at, (int)ev->args[5]);
}

/* ---- from file to file ---- */

/* An offset in guest memory: NULL means the descriptor's own. */
static int offset_in(struct call_event *ev, struct guest_ptr from, off_t *ret)
{
	*ret = -1;
	return from.addr ? copy_in(ev, ret, from, sizeof(*ret)) : 0;
}

static int offset_out(struct call_event *ev, struct guest_ptr to, const off_t *value)
{
	return to.addr ? copy_out(ev, to, value, sizeof(*value)) : 0;
}

struct verdict sys_sendfile(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct growth g AUTO_GROWTH;
	int r = growth_begin(&c, (int)ev->args[0], -1, 0, ev->args[3], &g);
	if (r != 0)
		return r > 0 ? verdict_pass() : answer(r);
	int in AUTO_CLOSE = -1;
	off_t offset;
	r = ev->ops->get_fd(ev, (int)ev->args[1], &in);
	if (r == 0)
		r = offset_in(ev, arg_ptr(ev, 2), &offset);
	if (r < 0)
		return answer(r);
	ssize_t n = sendfile(g.file.fd, in, ev->args[2] ? &offset : NULL, MIN(g.room, PARTIAL_MAX));
	if (n < 0)
		return answer(-errno);
	r = offset_out(ev, arg_ptr(ev, 2), &offset);
	return answer(r < 0 ? r : n);
}

/* O_ACCMODE itself is neither: for ioctls alone. */
static bool may_read(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
}

static bool may_write(int flags)
{
	return (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
}

/*
 * generic_copy_file_checks of Linux: files of two file systems are not copied so, though for the host they may be of
 * one (two tmpfs are memfds). What it asks before this is left to the host.
 */
static int crosses_file_systems(struct file_call *c, int in_fd, int out_fd)
{
	struct object in AUTO_OBJECT;
	struct object out AUTO_OBJECT = {.fd = -1};
	struct statx a;
	struct statx b;
	int r = object_of_fd(c, in_fd, false, &in);
	if (r == 0)
		r = object_of_fd(c, out_fd, false, &out);
	if (r < 0 || object_is_foreign(&in) || object_is_foreign(&out) ||
	    path_inode(&in.path)->super == path_inode(&out.path)->super)
		return r;
	if (!may_read(fcntl(in.fd, F_GETFL)) || !may_write(fcntl(out.fd, F_GETFL)) || fcntl(out.fd, F_GETFL) & O_APPEND ||
	    path_inode(&in.path)->type != S_IFREG || path_inode(&out.path)->type != S_IFREG)
		return 0;
	r = vfs_getattr(&in.path, &a);
	if (r == 0)
		r = vfs_getattr(&out.path, &b);
	if (r < 0)
		return r;
	return a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor ? 0 : -EXDEV;
}

struct verdict sys_copy_file_range(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	off_t from;
	off_t to;
	if (ev->args[5])
		return verdict_pass();		/* no flag is known: the host refuses them */
	int r = crosses_file_systems(&c, (int)ev->args[0], (int)ev->args[2]);
	if (r == 0)
		r = offset_in(ev, arg_ptr(ev, 1), &from);
	if (r == 0)
		r = offset_in(ev, arg_ptr(ev, 3), &to);
	if (r < 0)
		return answer(r);
	struct growth g AUTO_GROWTH;
	r = growth_begin(&c, (int)ev->args[2], ev->args[3] ? to : -1, 0, ev->args[4], &g);
	if (r != 0)
		return r > 0 ? verdict_pass() : answer(r);
	int in AUTO_CLOSE = -1;
	r = ev->ops->get_fd(ev, (int)ev->args[0], &in);
	if (r < 0)
		return answer(r);
	ssize_t n = copy_file_range(in, ev->args[1] ? &from : NULL, g.file.fd, ev->args[3] ? &to : NULL,
				    MIN(g.room, PARTIAL_MAX), (unsigned)ev->args[5]);
	if (n < 0)
		return answer(-errno);
	r = offset_out(ev, arg_ptr(ev, 1), &from);
	if (r == 0)
		r = offset_out(ev, arg_ptr(ev, 3), &to);
	return answer(r < 0 ? r : n);
}

/* From a pipe, which may let us wait: what is in it may go a little beyond the limit, but not when all is used up. */
struct verdict sys_splice(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	off_t to;
	int r = offset_in(ev, arg_ptr(ev, 3), &to);
	if (r < 0)
		return answer(r);
	struct growth g AUTO_GROWTH;
	r = growth_begin(&c, (int)ev->args[2], ev->args[3] ? to : -1, 0, ev->args[4], &g);
	return r < 0 ? answer(r) : verdict_pass();
}

/*
 * A file in memory that would take more than the whole filesystem is shown to have: without a size nobody counts what
 * is written, but the host would give all its memory to such a request.
 */
static bool exceeds_memory(const struct object *file, uint64_t len)
{
	char link[64], name[16] = "";
	if (len <= tmpfs_shown_size() || object_is_foreign(file) || (fcntl(file->fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	return readlink(link, name, sizeof(name) - 1) > 0 && strncmp(name, "/memfd:", strlen("/memfd:")) == 0;
}

/* All or nothing, as Linux does it. */
struct verdict sys_fallocate(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int64_t offset = (int64_t)ev->args[2];
	int64_t len = (int64_t)ev->args[3];
	if (ev->args[1] & ~(uint64_t)FALLOC_FL_KEEP_SIZE || offset < 0 || len <= 0)
		return verdict_pass();
	struct growth g AUTO_GROWTH;
	int r = growth_begin(&c, (int)ev->args[0], offset, RWF_NOAPPEND, (size_t)len, &g);
	if (r > 0 && len <= INT64_MAX - offset && exceeds_memory(&g.file, (uint64_t)len))
		r = -ENOSPC;
	return r > 0 ? verdict_pass() : answer(r < 0 ? r : -ENOSPC);
}
