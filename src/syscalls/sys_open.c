/*
 * open(2), openat(2), creat(2), openat2(2): fs/open.c of Linux. The flags are checked here in Linux's order, the walk
 * and the opening are the vfs's; what comes of it is a new open file description of the host that the guest gets.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20	/* Linux 5.12 */
#endif

enum {
	KERNEL_TMPFILE = O_TMPFILE & ~O_DIRECTORY,	/* __O_TMPFILE */
	KERNEL_LARGEFILE = 0100000,			/* glibc's O_LARGEFILE is 0 where every file may be large */
	PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC,
	VALID_FLAGS = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC |
		O_ASYNC | O_DIRECT | O_LARGEFILE | KERNEL_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |
		KERNEL_TMPFILE,
	MODE_BITS = 07777,	/* S_IALLUGO */
	HOW_SIZE_0 = sizeof(struct open_how),	/* OPEN_HOW_SIZE_VER0, and still the only one */
	VALID_RESOLVE = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT |
		RESOLVE_CACHED,
};

static bool will_create(uint64_t flags)
{
	return flags & (O_CREAT | KERNEL_TMPFILE);
}

/* Does it leave traces: something new, something empty, a copy in an upper layer? */
static bool will_change(uint64_t flags)
{
	return will_create(flags) || flags & O_TRUNC || (flags & O_ACCMODE) != O_RDONLY;
}

/* build_open_flags of Linux: -EINVAL, or -EAGAIN for what RESOLVE_CACHED cannot do. */
static int check_how(const struct open_how *how)
{
	if (how->flags & ~(uint64_t)VALID_FLAGS || how->resolve & ~(uint64_t)VALID_RESOLVE)
		return -EINVAL;
	if (how->resolve & RESOLVE_BENEATH && how->resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	if (will_create(how->flags) ? how->mode & ~(uint64_t)MODE_BITS : how->mode)
		return -EINVAL;
	/* Linux 6.3: made regular files before. */
	if ((how->flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	if (how->flags & KERNEL_TMPFILE && (!(how->flags & O_DIRECTORY) || !(how->flags & O_ACCMODE)))
		return -EINVAL;
	if (how->flags & O_PATH && how->flags & ~(uint64_t)PATH_FLAGS)
		return -EINVAL;
	/*
	 * All names are taken for cached, as they are natively where somebody looked at them; what makes something
	 * never is.
	 */
	return how->resolve & RESOLVE_CACHED && (will_create(how->flags) || how->flags & O_TRUNC) ? -EAGAIN : 0;
}

static unsigned walk_of_resolve(uint64_t resolve)
{
	static const struct {
		uint64_t resolve;
		unsigned walk;
	} map[] = {
		{RESOLVE_NO_XDEV, WALK_NO_XDEV}, {RESOLVE_NO_MAGICLINKS, WALK_NO_MAGICLINKS},
		{RESOLVE_NO_SYMLINKS, WALK_NO_SYMLINKS}, {RESOLVE_BENEATH, WALK_BENEATH}, {RESOLVE_IN_ROOT, WALK_IN_ROOT},
	};
	unsigned walk = 0;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		if (resolve & map[i].resolve)
			walk |= map[i].walk;
	}
	return walk;
}

/* Is one of the descriptors below limit free? */
static bool has_gap(pid_t tid, rlim_t limit)
{
	char path[64];
	rlim_t used = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)tid);
	DIR *d = opendir(path);
	if (!d)
		return true;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		used += isdigit((unsigned char)e->d_name[0]) && strtoul(e->d_name, NULL, 10) < limit;
	(void)closedir(d);
	return used < limit;
}

/*
 * Linux takes the descriptor before it looks at the name: without one an open neither makes nor empties a file. Where
 * the number of open descriptors is not told only the installing tells.
 */
static bool descriptor_left(struct file_call *c)
{
	rlim_t limit = 0;
	const pid_t tid = c->task.tid;
	const int64_t count = c->ev->ops->count_fds(c->ev);
	if (count < 0 || file_limit(tid, RLIMIT_NOFILE, &limit) < 0)
		return true;
	return (rlim_t)count < limit || has_gap(tid, limit);
}

/* ENOENT, whatever else there would be to say, or 0. */
static int misses(struct file_call *c, const struct name_arg *n, const struct open_how *how)
{
	struct path found;
	unsigned walk = walk_of_resolve(how->resolve) | (how->flags & O_NOFOLLOW ? 0 : WALK_FOLLOW);
	if (will_change(how->flags))
		return 0;
	int r = vfs_walk(&c->task.env, name_base(n), n->text, walk, &found);
	if (r == 0)
		path_put(&found);
	return r == -ENOENT ? r : 0;
}

static struct verdict do_openat2(struct file_call *c, int dirfd, struct guest_ptr name, const struct open_how *how)
{
	int r = check_how(how);
	if (r < 0)
		return answer(r);
	struct name_arg n AUTO_NAME;
	r = name_copy_in(c, name, 0, &n);
	if (r < 0)
		return answer(r);
	if (will_change(how->flags) && !descriptor_left(c))
		r = -EMFILE;
	/*
	 * For an absolute name too the descriptor counts then; RESOLVE_BENEATH refuses it without a look at the
	 * descriptor.
	 */
	const bool in_root = how->resolve & RESOLVE_IN_ROOT;
	if (r == 0)
		r = in_root ? name_find_scope(c, dirfd, &n) : name_find_base(c, dirfd, &n);
	if (r < 0)
		return answer(descriptor_left(c) ? r : -EMFILE);
	if (c->ev->gives_no_fd) {
		r = misses(c, &n, how);
		return r == 0 ? verdict_pass() : answer(descriptor_left(c) ? r : -EMFILE);
	}
	const struct vfs_open_how vfs_how = {
		.flags = (int)how->flags, .mode = (mode_t)how->mode, .walk = walk_of_resolve(how->resolve),
	};
	struct vfs_opened opened;
	r = vfs_open(&c->task.env, name_base(&n), n.text, &vfs_how, &opened, NULL);
	if (r < 0)
		return answer(descriptor_left(c) ? r : -EMFILE);
	return opened_verdict(&opened, how->flags & O_CLOEXEC);
}

/* build_open_how of Linux: the old calls ignore what openat2 refuses. */
static struct verdict do_open(struct file_call *c, int dirfd, struct guest_ptr name, uint64_t flags, uint64_t mode)
{
	struct open_how how = {.flags = (uint32_t)flags & VALID_FLAGS, .mode = mode & MODE_BITS};
	if (how.flags & O_PATH)
		how.flags &= PATH_FLAGS;
	if (!will_create(how.flags))
		how.mode = 0;
	return do_openat2(c, dirfd, name, &how);
}

struct verdict sys_open(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_open(&c, AT_FDCWD, arg_ptr(ev, 0), ev->args[1], ev->args[2]);
}

struct verdict sys_openat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_open(&c, (int)ev->args[0], arg_ptr(ev, 1), ev->args[2], ev->args[3]);
}

struct verdict sys_creat(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	return do_open(&c, AT_FDCWD, arg_ptr(ev, 0), O_CREAT | O_WRONLY | O_TRUNC, ev->args[1]);
}

struct verdict sys_openat2(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct open_how how;
	uint64_t size = ev->args[3];
	if (size < HOW_SIZE_0)
		return answer(-EINVAL);
	if (size > COPY_VERSIONED_MAX)
		return answer(-E2BIG);
	int r = copy_in_versioned(ev, &how, sizeof(how), arg_ptr(ev, 2), size);
	if (r < 0)
		return answer(r);
	return do_openat2(&c, (int)ev->args[0], arg_ptr(ev, 1), &how);
}
