/*
 * tmpfs: the host objects behind files.
 *
 * Every reopen of a memfd is made under ti->lock, or counted in ti->openers, so that none meets the lease of
 * tmpfs_in_use: it would wait for /proc/sys/fs/lease-break-time.
 */
#include "kernel/fs/fifo.h"
#include "kernel/fs/tmpfs_private.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/log.h"
#include "kernel/fs/devnode.h"
#include "kernel/fs/proc_fd.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U	/* Linux 6.3 */
#endif

enum { RESERVED_MAX = 256 };

static int host_error(void)
{
	return errno == EMFILE || errno == ENFILE ? -ENFILE : -errno;
}

/*
 * The last descriptors are for calls, so that with all files open what is open can be closed, removed and asked about.
 */
static int leave_some(int fd)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fd;
	rlim_t reserve = limit.rlim_cur / 8 < RESERVED_MAX ? limit.rlim_cur / 8 : RESERVED_MAX;
	if ((rlim_t)fd < limit.rlim_cur - reserve)
		return fd;
	(void)close(fd);
	return -ENFILE;
}

/* Guests run programs from tmpfs: executable where the system lets us choose. */
static int make_memfd(void)
{
	int fd = memfd_create("tmpfs", MFD_CLOEXEC | MFD_EXEC);
	if (fd < 0 && (errno == EINVAL || errno == EACCES))
		fd = memfd_create("tmpfs", MFD_CLOEXEC);
	return fd < 0 ? host_error() : leave_some(fd);
}

static void take_times(struct tmpfs_inode *ti, const struct stat *st)
{
	ti->backing_dev = st->st_dev;
	ti->backing_ino = st->st_ino;
	ti->seen_atime = st->st_atim;
	ti->seen_mtime = st->st_mtim;
	ti->seen_ctime = st->st_ctim;
}

void tmpfs_give_backing(const struct tmpfs_inode *ti, int fd)
{
	if (fchownat(fd, "", ti->uid, ti->gid, AT_EMPTY_PATH) < 0)
		log_debug("a file of a tmpfs stays ours at the host: %s", strerror(errno));
}

/* Whose new memfds are. */
static void give_new(const struct tmpfs_inode *ti, int fd)
{
	if ((ti->inode.type == S_IFREG || ti->inode.type == S_IFIFO) && (ti->uid != geteuid() || ti->gid != getegid()))
		tmpfs_give_backing(ti, fd);
}

/*
 * Of what is done by descriptors (F_SETFL, ftruncate, fallocate, mmap) the VFS hears nothing: the host refuses it. It
 * stamps the ctime, too. Flags that only a guest's root may set need ours: without that such descriptors go on as
 * before.
 */
void tmpfs_keep_backing(const struct tmpfs_inode *ti)
{
	int flags = (int)(ti->flags & (FS_IMMUTABLE_FL | FS_APPEND_FL));
	if (ioctl(ti->backing, FS_IOC_SETFLAGS, &flags) < 0)
		log_debug("a file of a tmpfs is not kept by the host: %s", strerror(errno));
}

/* The new host object starts with the times of the file. Its own ctime is only watched for changes. */
static int adopt(struct tmpfs_inode *ti, int fd)
{
	char path[PROC_FD_PATH_MAX];
	const struct timespec times[2] = {ti->atime, ti->mtime};
	struct stat st;
	(void)proc_fd_path(fd, path);
	give_new(ti, fd);
	if (ti->inode.type == S_IFREG && (ti->mode & (S_ISUID | S_ISGID)) && fchmod(fd, TMPFS_HOST_MODE | ti->mode) < 0)
		return -errno;
	if (utimensat(AT_FDCWD, path, times, 0) < 0 || fstat(fd, &st) < 0)
		return -errno;
	take_times(ti, &st);
	return 0;
}

static void set_backing(struct tmpfs_inode *ti, int fd)
{
	ti->backing = fd;
	if (ti->flags & (FS_IMMUTABLE_FL | FS_APPEND_FL) && ti->inode.type == S_IFREG)
		tmpfs_keep_backing(ti);
	tmpfs_free_packed(ti);
	if (ti->inode.type == S_IFREG)
		tmpfs_count_memfd(ti);
}

int tmpfs_need_backing(struct tmpfs_inode *ti)
{
	if (ti->backing >= 0)
		return 0;
	/* What is neither file nor fifo needs an object for O_PATH descriptors only: any that is its own. */
	int fd = ti->inode.type == S_IFIFO ? fifo_create() : make_memfd();
	if (fd < 0)
		return fd;
	int r = ti->packed ? tmpfs_unpack(ti, fd) : 0;
	if (r == 0)
		r = adopt(ti, fd);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	set_backing(ti, fd);
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/*
 * A memfd's access time moves at each read; relatime lets it pass only if it is not newer than the last change, or a
 * day old. Which change was the last before that read? If there was one after the read, the one that we knew.
 */
static bool atime_passes(const struct tmpfs_inode *ti, const struct stat *st)
{
	static const time_t day = 24 * 60 * 60;
	bool read_last = after(&st->st_atim, &st->st_mtim) && after(&st->st_atim, &st->st_ctim);
	const struct timespec *mtime = read_last ? &st->st_mtim : &ti->mtime;
	const struct timespec *ctime = read_last ? &st->st_ctim : &ti->ctime;
	return !after(&ti->atime, mtime) || !after(&ti->atime, ctime) || st->st_atim.tv_sec - ti->atime.tv_sec >= day;
}

int tmpfs_refresh(struct tmpfs_inode *ti, struct stat *ret)
{
	if (fstat(ti->backing, ret) < 0)
		return -errno;
	if (!same_time(&ret->st_atim, &ti->seen_atime) && atime_passes(ti, ret))
		ti->atime = ret->st_atim;
	if (!same_time(&ret->st_mtim, &ti->seen_mtime))
		ti->mtime = ret->st_mtim;
	if (!same_time(&ret->st_ctim, &ti->seen_ctime))
		ti->ctime = ret->st_ctim;
	take_times(ti, ret);
	/* A write drops these; it never sets them. */
	if (ti->inode.type == S_IFREG)
		ti->mode &= ~(mode_t)(S_ISUID | S_ISGID) | ret->st_mode;
	return 0;
}

/* ti->lock is held: the super's list has it already. fd is taken over on success. */
static int open_first(struct tmpfs_inode *ti, int fd, int flags, struct vfs_opened *ret)
{
	struct stat st;
	give_new(ti, fd);
	if ((ti->mode & (S_ISUID | S_ISGID)) && fchmod(fd, TMPFS_HOST_MODE | ti->mode) < 0)
		return -errno;
	AUTO_CLOSE int opened = proc_fd_reopen_at(tmpfs_super(ti)->self_fds, fd, flags & ~O_TRUNC);
	if (opened < 0)
		return opened;
	if (fstat(fd, &st) < 0)
		return -errno;
	take_times(ti, &st);
	ti->atime = st.st_atim;
	ti->mtime = st.st_mtim;
	ti->btime = ti->ctime = st.st_ctim;
	set_backing(ti, fd);
	*ret = (struct vfs_opened){.fd = opened, .flags = flags};
	opened = -1;
	return 0;
}

static int try_open_new(struct tmpfs_inode *ti, int flags, struct vfs_opened *ret)
{
	int fd = make_memfd();
	if (fd < 0)
		return fd;
	(void)pthread_mutex_lock(&ti->lock);
	int r = open_first(ti, fd, flags, ret);
	(void)pthread_mutex_unlock(&ti->lock);
	if (r < 0)
		(void)close(fd);
	return r;
}

int tmpfs_open_new(struct tmpfs_inode *ti, int flags, struct vfs_opened *ret)
{
	tmpfs_before_memfd(tmpfs_super(ti));
	int r = try_open_new(ti, flags, ret);
	if (r == -ENFILE && tmpfs_after_shortage(tmpfs_super(ti)))
		r = try_open_new(ti, flags, ret);
	return r;
}

static int try_reopen(struct tmpfs_inode *ti, int flags, struct vfs_opened *ret)
{
	(void)pthread_mutex_lock(&ti->lock);
	int r = tmpfs_need_backing(ti);
	const int backing = ti->backing;
	*ret = (struct vfs_opened){
		.flags = flags, .has_id = ti->backing_ino, .dev = ti->backing_dev, .ino = ti->backing_ino,
	};
	atomic_fetch_add(&ti->openers, r == 0);
	(void)pthread_mutex_unlock(&ti->lock);
	if (r < 0)
		return r;
	ret->fd = proc_fd_reopen_at(tmpfs_super(ti)->self_fds, backing, flags);
	atomic_fetch_sub(&ti->openers, 1);
	return ret->fd < 0 ? ret->fd : 0;
}

static int reopen(struct tmpfs_inode *ti, int flags, struct vfs_opened *ret)
{
	if (ti->backing < 0)
		tmpfs_before_memfd(tmpfs_super(ti));
	struct vfs_opened opened;
	int r = try_reopen(ti, flags, &opened);
	if (r == -ENFILE && tmpfs_after_shortage(tmpfs_super(ti)))
		r = try_reopen(ti, flags, &opened);
	if (r == 0)
		*ret = opened;
	return r;
}

static int open_fifo(struct tmpfs_inode *ti, int flags, struct vfs_opened *ret)
{
	bool waits = fifo_open_waits(flags);
	int r = reopen(ti, waits ? O_PATH : flags, ret);
	if (r < 0 || !waits)
		return r;
	ret->blocks = true;
	ret->flags = flags;
	return 0;
}

int tmpfs_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	if (inode->type == S_IFIFO)
		return open_fifo(ti, flags, ret);
	if (inode->type == S_IFREG || (flags & O_PATH))
		return reopen(ti, flags, ret);
	switch (inode->type) {
	case S_IFCHR:
	case S_IFBLK:
		return devnode_open(inode->type, ti->rdev, flags, ret);
	case S_IFLNK:
		return -ELOOP;
	default:
		return -ENXIO;
	}
}

int tmpfs_host(struct inode *inode, int *ret_fd)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	if (inode->type == S_IFSOCK && ti->backing < 0)
		return -EOPNOTSUPP;
	struct vfs_opened opened;
	(void)pthread_mutex_lock(&ti->lock);
	ti->pinned = true;
	(void)pthread_mutex_unlock(&ti->lock);
	int r = reopen(ti, O_PATH, &opened);
	if (r == 0)
		*ret_fd = opened.fd;
	return r;
}

/*
 * A write lease is given only where nobody else has the file open or mapped (fcntl(2)), which counts open descriptions
 * wherever they are. A memfd's first description is not counted, hence one more of ours.
 */
int tmpfs_open_if_idle(struct tmpfs_inode *ti)
{
	/* Who is about to open it, without the lock, must not meet the lease. */
	if (atomic_load(&ti->openers))
		return -1;
	int fd = proc_fd_reopen(ti->backing, O_RDONLY | O_NOATIME);
	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) {
		(void)close(fd);
		return -1;
	}
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return fd;
}

bool tmpfs_in_use(struct inode *inode)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	if (inode->type != S_IFREG)
		return ti->backing >= 0;
	(void)pthread_mutex_lock(&ti->lock);
	int fd = ti->backing < 0 ? -1 : tmpfs_open_if_idle(ti);
	bool used = ti->backing >= 0 && fd < 0;
	(void)pthread_mutex_unlock(&ti->lock);
	if (fd >= 0)
		(void)close(fd);
	return used;
}
