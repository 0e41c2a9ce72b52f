/* hostfs: opening host objects. */
#include "kernel/fs/hostfs_private.h"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { MEM_MAJOR = 1 };

static int reopen(int path_fd, int flags)
{
	char path[PROC_FD_PATH_SIZE];
	int fd = open(hostfs_proc_path(path_fd, path), (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? hostfs_errno() : fd;
}

static int reopen_object(struct hostfs_inode *hi, int flags)
{
	struct hostfs_hold hold;
	int r = hostfs_hold(hi, &hold);
	if (r < 0)
		return r;
	int fd = -1;
	/* Cheaper than through /proc, but it needs the right to search too. */
	if (S_ISDIR(hi->inode.type))
		fd = openat(hold.fd, ".", flags | O_CLOEXEC);
	if (fd < 0)
		fd = reopen(hold.fd, flags);
	hostfs_release(&hold);
	return fd;
}

int hostfs_reopen(struct hostfs_inode *hi, int flags)
{
	int r = reopen_object(hi, flags);
	return r == -EACCES && hostfs_virtual_open_up(hi) ? reopen_object(hi, flags) : r;
}

static void set_id(const struct hostfs_inode *hi, struct vfs_opened *ret)
{
	ret->has_id = true;
	ret->dev = makedev(hi->id.dev_major, hi->id.dev_minor);
	ret->ino = hi->id.ino;
}

static int same_file(const struct hostfs_inode *hi, int fd)
{
	struct hostfs_id id;
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX, &stx) < 0)
		return hostfs_errno();
	hostfs_id_of(&stx, &id);
	return hostfs_id_equal(&id, &hi->id) ? 0 : -ESTALE;
}

/* fd was opened by a name, with O_NONBLOCK: itself if it is what was meant, else it is closed. */
static int check_opened(const struct hostfs_inode *hi, int opened, int flags)
{
	AUTO_CLOSE int fd = opened;
	int r = same_file(hi, fd);
	if (r == 0 && !(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & ~(O_ACCMODE | O_DIRECTORY)) < 0)
		r = hostfs_errno();
	if (r < 0)
		return r;
	r = fd;
	fd = -1;
	return r;
}

/* By a name that may be several components long. O_NOFOLLOW if the guest said it: F_GETFL tells. */
static int open_no_link(int dir, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, .resolve = RESOLVE_NO_SYMLINKS,
	};
	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

/*
 * A placed regular file, opened by its name. The name may mean something else by now, which is only known afterwards:
 * nothing must happen to that by opening it (O_TRUNC), and a fifo must not keep us waiting.
 */
static int open_by_name(struct hostfs_inode *hi, int flags)
{
	struct hostfs_at at;
	int r = hostfs_at_begin(hi, &at);
	if (r < 0)
		return r;
	if (at.name[0] == '\0')
		r = reopen(at.fd, flags);
	else
		r = open_no_link(at.fd, at.name, flags);
	if (r < 0 && at.name[0] != '\0')
		r = errno == ENOENT || errno == ELOOP || errno == ENOTDIR ? -ESTALE : hostfs_errno();
	bool by_name = at.name[0] != '\0';
	hostfs_at_end(&at);
	if (r < 0 || !by_name)
		return r;
	return check_opened(hi, r, flags);
}

static int open_regular(struct hostfs_inode *hi, int flags)
{
	if ((flags & (O_TRUNC | O_PATH)) || atomic_load(&hi->fd) >= 0)
		return hostfs_reopen(hi, flags);
	int r = open_by_name(hi, flags);
	return r == -EACCES && hostfs_virtual_open_up(hi) ? open_by_name(hi, flags) : r;
}

int hostfs_host(struct inode *inode, int *ret_fd)
{
	struct hostfs_hold hold;
	int r = hostfs_hold(hostfs_inode(inode), &hold);
	if (r < 0)
		return r;
	int fd = hold.temporary ? hold.fd : fcntl(hold.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return hostfs_errno();
	*ret_fd = fd;
	return 0;
}

/* May opening it wait for somebody? Memory devices never do. */
static bool blocks(const struct statx *host, int flags)
{
	if (flags & O_NONBLOCK)
		return false;
	if (S_ISFIFO(host->stx_mode))
		return (flags & O_ACCMODE) != O_RDWR;
	return S_ISCHR(host->stx_mode) && host->stx_rdev_major != MEM_MAJOR;
}

/* Devices that do no harm to anybody: a guest that made one gets the host's. */
static int open_placeholder(struct hostfs_inode *hi, int flags)
{
	static const char *const memory[] = {
		[3] = "/dev/null", [5] = "/dev/zero", [7] = "/dev/full", [8] = "/dev/random", [9] = "/dev/urandom",
	};
	struct statx stx;

	int r = hostfs_getattr(&hi->inode, &stx);
	if (r < 0)
		return r;
	unsigned minor = stx.stx_rdev_minor;
	if (!S_ISCHR(hi->inode.type) || stx.stx_rdev_major != MEM_MAJOR || minor >= ARRAY_SIZE(memory) || !memory[minor])
		return -ENXIO;
	int fd = open(memory[minor], flags | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? hostfs_errno() : fd;
}

static int open_special(struct hostfs_inode *hi, int flags, struct vfs_opened *ret)
{
	struct statx host;
	int r = hostfs_stat(hi, &host);
	if (r < 0)
		return r;
	ret->blocks = blocks(&host, flags);
	if (S_ISREG(host.stx_mode))
		r = ret->fd = open_placeholder(hi, flags);
	else if (ret->blocks)
		r = hostfs_host(&hi->inode, &ret->fd);
	else
		r = ret->fd = hostfs_reopen(hi, flags);
	return r;
}

/* Neither a host's link that takes a directory's place nor a device in the file's is followed or waited for. */
int hostfs_open_path(struct inode *dir, const char *path, struct inode *inode, int flags, struct vfs_opened *ret)
{
	struct hostfs_inode *hi = hostfs_inode(inode);
	struct hostfs_hold hold;

	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return r;
	r = open_no_link(hold.fd, path, flags);
	if (r < 0)
		r = hostfs_errno();
	hostfs_release(&hold);
	if (r >= 0)
		r = check_opened(hi, r, flags);
	if (r < 0)
		return r;
	*ret = (struct vfs_opened){.fd = r, .flags = flags};
	set_id(hi, ret);
	return 0;
}

/* Somebody's lease is in the way (F_SETLEASE): he was told, and the caller waits until he gives it up. */
static int wait_for_lease(struct inode *inode, int flags, struct vfs_opened *opened)
{
	opened->blocks = true;
	opened->flags = flags & ~O_NOFOLLOW;
	return hostfs_host(inode, &opened->fd);
}

int hostfs_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	struct hostfs_inode *hi = hostfs_inode(inode);
	struct vfs_opened opened = {.flags = flags};
	int r;

	if (flags & O_PATH) {
		r = hostfs_host(inode, &opened.fd);
	} else if (S_ISREG(inode->type)) {
		r = opened.fd = open_regular(hi, flags);
		if (r == -EAGAIN && !(flags & O_NONBLOCK))
			r = wait_for_lease(inode, flags, &opened);
	} else if (S_ISDIR(inode->type)) {
		/* The listing would show what stands for a device as a regular file. */
		if (atomic_load(&hi->placeholders))
			return -EOPNOTSUPP;
		r = opened.fd = hostfs_reopen(hi, flags);
	} else {
		r = open_special(hi, flags, &opened);
	}
	if (r < 0)
		return r;
	/* What stands in for a device is another object. */
	if (S_ISREG(inode->type) || S_ISDIR(inode->type))
		set_id(hi, &opened);
	*ret = opened;
	return 0;
}
