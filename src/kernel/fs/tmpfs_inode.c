/* tmpfs: inodes and their attributes. */
#include "kernel/fs/tmpfs_private.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/log.h"
#include "kernel/fs/proc_fd.h"

enum { DAY = 24 * 60 * 60 };

static bool before_or_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec <= b->tv_nsec;
}

static bool is_now(const struct timespec *t)
{
	return t->tv_nsec == UTIME_NOW;
}

/* Does the host keep size and times of it? */
static bool host_keeps(const struct tmpfs_inode *ti)
{
	return ti->backing >= 0 && (ti->inode.type == S_IFREG || ti->inode.type == S_IFIFO);
}

/* ti->lock is held. Take note of suid and sgid that a write dropped, before the mode is given to the host again. */
static void note_dropped(struct tmpfs_inode *ti)
{
	struct stat st;
	if (ti->mode & (S_ISUID | S_ISGID) && host_keeps(ti) && tmpfs_refresh(ti, &st) < 0)
		log_debug("tmpfs: a memfd does not say its mode");
}

/* ti->lock is held. chmod makes the host stamp the ctime; the mode itself matters for suid and sgid only, which the
   host drops at a write. */
static void stamp_host(struct tmpfs_inode *ti)
{
	char path[PROC_FD_PATH_MAX];
	mode_t mode = TMPFS_HOST_MODE | ti->mode;
	if (ti->inode.type == S_IFREG)
		(void)fchmod(ti->backing, mode);
	else
		(void)chmod(proc_fd_path(ti->backing, path), mode);
}

void tmpfs_touch_ctime(struct tmpfs_inode *ti, const struct timespec *at)
{
	(void)pthread_mutex_lock(&ti->lock);
	note_dropped(ti);
	if (host_keeps(ti))
		stamp_host(ti);
	else
		ti->ctime = *at;
	(void)pthread_mutex_unlock(&ti->lock);
}

struct timespec tmpfs_stamp(struct tmpfs_inode *ti)
{
	struct stat st;
	(void)pthread_mutex_lock(&ti->lock);
	bool hosts = host_keeps(ti);
	note_dropped(ti);
	if (hosts)
		stamp_host(ti);
	if (!hosts || tmpfs_refresh(ti, &st) < 0)
		ti->ctime = tmpfs_now(tmpfs_super(ti));
	struct timespec now = ti->ctime;
	(void)pthread_mutex_unlock(&ti->lock);
	return now;
}

/* at may be the coarse time of a file that nobody asked for yet: a second change is not to look like the first. */
void tmpfs_touch_dir(struct tmpfs_inode *dir, const struct timespec *at, int links)
{
	struct timespec now = *at;
	(void)pthread_mutex_lock(&dir->lock);
	for (int tries = 0; tries < 2 && before_or_same(&now, &dir->ctime); tries++)
		now = tmpfs_now(tmpfs_super(dir));
	dir->mtime = now;
	dir->ctime = now;
	dir->nlink += (nlink_t)links;
	(void)pthread_mutex_unlock(&dir->lock);
}

void tmpfs_add_links(struct tmpfs_inode *ti, int count)
{
	(void)pthread_mutex_lock(&ti->lock);
	ti->nlink += (nlink_t)count;
	(void)pthread_mutex_unlock(&ti->lock);
}

/* relatime. Of directories and symbolic links only: what is read natively is stamped natively. */
void tmpfs_touch_atime(struct tmpfs_inode *ti)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	(void)pthread_mutex_lock(&ti->lock);
	bool stale = before_or_same(&ti->atime, &ti->mtime) || before_or_same(&ti->atime, &ti->ctime) ||
		     now.tv_sec - ti->atime.tv_sec >= DAY;
	if (stale)
		ti->atime = tmpfs_now(tmpfs_super(ti));
	(void)pthread_mutex_unlock(&ti->lock);
}

static struct statx_timestamp statx_time(const struct timespec *t)
{
	return (struct statx_timestamp){.tv_sec = t->tv_sec, .tv_nsec = (uint32_t)t->tv_nsec};
}

static void fill_size(const struct tmpfs_inode *ti, const struct stat *st, struct statx *ret)
{
	/* A longer target than this is in a page of its own. */
	static const size_t short_link = 128;

	switch (ti->inode.type) {
	case S_IFREG:
		ret->stx_size = (uint64_t)st->st_size;
		ret->stx_blocks = (uint64_t)st->st_blocks;
		break;
	case S_IFDIR:
		ret->stx_size = (ti->dir.live + 2) * TMPFS_DIRENT_SIZE;
		break;
	case S_IFLNK:
		ret->stx_size = ti->link.len;
		ret->stx_blocks = ti->link.len + 1 > short_link ? TMPFS_PAGE / 512 : 0;
		break;
	case S_IFBLK:
		ret->stx_blksize = 512;	/* of the device, where there is one */
		break;
	default:
		break;
	}
}

static int tmpfs_getattr(struct inode *inode, struct statx *ret)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	struct stat st = {0};
	*ret = (struct statx){
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME, .stx_blksize = TMPFS_PAGE, .stx_ino = inode->ino,
		.stx_attributes_mask = STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_NODUMP,
		.stx_btime = statx_time(&ti->btime),
		.stx_rdev_major = major(ti->rdev), .stx_rdev_minor = minor(ti->rdev),
		.stx_dev_major = inode->super->dev_major, .stx_dev_minor = inode->super->dev_minor,
	};
	(void)pthread_mutex_lock(&ti->lock);
	int r = host_keeps(ti) ? tmpfs_refresh(ti, &st) : 0;
	if (ti->packed)
		tmpfs_packed_stat(ti, &st);
	ret->stx_mode = (uint16_t)(inode->type | ti->mode);
	ret->stx_attributes = (ti->flags & FS_IMMUTABLE_FL ? STATX_ATTR_IMMUTABLE : 0) |
			      (ti->flags & FS_APPEND_FL ? STATX_ATTR_APPEND : 0) |
			      (ti->flags & FS_NODUMP_FL ? STATX_ATTR_NODUMP : 0);
	ret->stx_nlink = (uint32_t)ti->nlink;
	ret->stx_uid = ti->uid;
	ret->stx_gid = ti->gid;
	ret->stx_atime = statx_time(&ti->atime);
	ret->stx_mtime = statx_time(&ti->mtime);
	ret->stx_ctime = statx_time(&ti->ctime);
	fill_size(ti, &st, ret);
	(void)pthread_mutex_unlock(&ti->lock);
	return r;
}

/* ti->lock is held. As truncate(2), which unlike ftruncate leaves the times alone if the size stays. */
static int set_size(struct tmpfs_inode *ti, off_t size)
{
	if (ti->backing < 0 && !ti->packed && size == 0)
		return 0;
	int r = tmpfs_need_backing(ti);
	if (r < 0)
		return r;
	char path[PROC_FD_PATH_MAX];
	return truncate(proc_fd_path(ti->backing, path), size) < 0 ? -errno : 0;
}

/* ti->lock is held. */
static int set_host_times(struct tmpfs_inode *ti, const struct vfs_attr *attr)
{
	const struct timespec omit = {.tv_nsec = UTIME_OMIT};
	const struct timespec times[2] = {
		attr->valid & STATX_ATIME ? attr->atime : omit,
		attr->valid & STATX_MTIME ? attr->mtime : omit,
	};
	struct stat st;
	int r = tmpfs_refresh(ti, &st);
	if (r < 0)
		return r;
	char path[PROC_FD_PATH_MAX];
	if (utimensat(AT_FDCWD, proc_fd_path(ti->backing, path), times, 0) < 0 || stat(path, &st) < 0)
		return -errno;
	if (attr->valid & STATX_ATIME)
		ti->atime = ti->seen_atime = st.st_atim;
	return tmpfs_refresh(ti, &st);
}

static int set_times(struct tmpfs_inode *ti, const struct vfs_attr *attr)
{
	if (host_keeps(ti))
		return set_host_times(ti, attr);
	struct timespec now = tmpfs_now(tmpfs_super(ti));
	if (attr->valid & STATX_ATIME)
		ti->atime = is_now(&attr->atime) ? now : attr->atime;
	if (attr->valid & STATX_MTIME)
		ti->mtime = is_now(&attr->mtime) ? now : attr->mtime;
	ti->ctime = now;
	return 0;
}

static void set_owner_and_mode(struct tmpfs_inode *ti, const struct vfs_attr *attr)
{
	note_dropped(ti);
	if (attr->valid & STATX_MODE)
		ti->mode = attr->mode & 07777;
	if (attr->valid & STATX_UID)
		ti->uid = attr->uid;
	if (attr->valid & STATX_GID)
		ti->gid = attr->gid;
	if (attr->valid & (STATX_UID | STATX_GID) && host_keeps(ti))
		tmpfs_give_backing(ti, ti->backing);
	if (host_keeps(ti))
		stamp_host(ti);
	else
		ti->ctime = tmpfs_now(tmpfs_super(ti));
}

static int tmpfs_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	int r = 0;
	if (attr->valid & STATX_SIZE)
		tmpfs_before_memfd(tmpfs_super(ti));
	(void)pthread_mutex_lock(&ti->lock);
	if (attr->valid & STATX_SIZE)
		r = set_size(ti, attr->size);
	if (r == 0 && (attr->valid & (STATX_MODE | STATX_UID | STATX_GID | STATX_CTIME)))
		set_owner_and_mode(ti, attr);
	if (r == 0 && (attr->valid & (STATX_SIZE | STATX_UID | STATX_GID | STATX_CTIME)))
		tmpfs_drop_capability(ti);
	if (r == 0 && (attr->valid & (STATX_ATIME | STATX_MTIME)))
		r = set_times(ti, attr);
	(void)pthread_mutex_unlock(&ti->lock);
	return r;
}

static int tmpfs_get_flags(struct inode *inode, unsigned *ret)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	(void)pthread_mutex_lock(&ti->lock);
	*ret = ti->flags;
	(void)pthread_mutex_unlock(&ti->lock);
	return 0;
}

/* shmem_fileattr_set of Linux. */
static int tmpfs_set_flags(struct inode *inode, unsigned flags)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	if (flags & ~(unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL))
		return -EOPNOTSUPP;
	if (inode->type != S_IFREG && inode->type != S_IFDIR)
		return -ENOTTY;
	const struct timespec now = tmpfs_now(tmpfs_super(ti));
	(void)pthread_mutex_lock(&ti->lock);
	bool keeps = (flags ^ ti->flags) & (FS_IMMUTABLE_FL | FS_APPEND_FL);
	ti->flags = flags;
	if (keeps && ti->inode.type == S_IFREG && ti->backing >= 0)
		tmpfs_keep_backing(ti);
	(void)pthread_mutex_unlock(&ti->lock);
	tmpfs_touch_ctime(ti, &now);
	return 0;
}

static ssize_t tmpfs_readlink(struct inode *inode, char *buf, size_t size)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	tmpfs_touch_atime(ti);
	size_t len = ti->link.len < size ? ti->link.len : size;
	memcpy(buf, ti->link.target, len);
	return (ssize_t)len;
}

/* It no longer counts against the limits, and what it holds of the host is given back. */
static void leave(struct tmpfs_inode *ti)
{
	struct tmpfs_super *sb = tmpfs_super(ti);
	(void)pthread_mutex_lock(&sb->lock);
	(void)pthread_mutex_lock(&ti->lock);
	int fd = ti->backing;
	if (!ti->left) {
		if (ti->prev)
			ti->prev->next = ti->next;
		else
			sb->inodes = ti->next;
		if (ti->next)
			ti->next->prev = ti->prev;
		if (ti->inode.type == S_IFREG && fd >= 0)
			tmpfs_uncount_memfd(ti);
		sb->inode_count--;
	}
	ti->left = true;
	ti->backing = -1;
	if (fd >= 0)
		(void)close(fd);
	(void)pthread_mutex_unlock(&ti->lock);
	(void)pthread_mutex_unlock(&sb->lock);
}

static void tmpfs_give_room(struct inode *inode)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	if (ti->nlink == 0)
		leave(ti);
}

static void tmpfs_destroy(struct inode *inode)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	leave(ti);
	if (inode->type == S_IFDIR) {
		tmpfs_empty_dir(ti);
		free(ti->dir.buckets);
		free(ti->dir.slots);
	} else if (inode->type == S_IFLNK) {
		free(ti->link.target);
	}
	tmpfs_free_xattrs(ti);
	tmpfs_free_packed(ti);
	(void)pthread_mutex_destroy(&ti->lock);
	free(ti);
}

static const struct inode_ops dir_ops = {
	.lookup = tmpfs_lookup, .create = tmpfs_create_name, .link = tmpfs_link, .unlink = tmpfs_unlink,
	.rename = tmpfs_rename, .tmpfile = tmpfs_tmpfile, .iterate = tmpfs_iterate,
	.getattr = tmpfs_getattr, .setattr = tmpfs_setattr,
	.get_flags = tmpfs_get_flags, .set_flags = tmpfs_set_flags,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr, .destroy = tmpfs_destroy,
};

static const struct inode_ops link_ops = {
	.getattr = tmpfs_getattr, .setattr = tmpfs_setattr, .readlink = tmpfs_readlink, .open = tmpfs_open,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr, .destroy = tmpfs_destroy,
};

static const struct inode_ops file_ops = {
	.getattr = tmpfs_getattr, .setattr = tmpfs_setattr, .open = tmpfs_open, .host = tmpfs_host,
	.get_flags = tmpfs_get_flags, .set_flags = tmpfs_set_flags,
	.in_use = tmpfs_in_use, .give_room = tmpfs_give_room,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr, .destroy = tmpfs_destroy,
};

static const struct inode_ops *ops_of(mode_t type)
{
	return type == S_IFDIR ? &dir_ops : type == S_IFLNK ? &link_ops : &file_ops;
}

/* What is special to the type. */
static int init_type(struct tmpfs_inode *ti, const struct vfs_create *how)
{
	switch (how->mode & S_IFMT) {
	case S_IFDIR:
		ti->dir.next_cookie = TMPFS_FIRST_COOKIE;
		break;
	case S_IFLNK:
		ti->mode = 0777;
		ti->link.target = strdup(how->target);
		if (!ti->link.target)
			return -ENOMEM;
		ti->link.len = strlen(how->target);
		break;
	case S_IFCHR:
	case S_IFBLK:
		ti->rdev = how->rdev;
		break;
	case S_IFSOCK:
		if (how->socket && *how->socket >= 0) {
			ti->backing = *how->socket;
			*how->socket = -1;
		}
		break;
	default:
		break;
	}
	return 0;
}

static void add_to_super(struct tmpfs_super *sb, struct tmpfs_inode *ti)
{
	(void)pthread_mutex_lock(&sb->lock);
	ti->next = sb->inodes;
	if (ti->next)
		ti->next->prev = ti;
	sb->inodes = ti;
	(void)pthread_mutex_unlock(&sb->lock);
}

int tmpfs_new_inode(struct tmpfs_super *sb, const struct vfs_create *how, struct timespec now, struct tmpfs_inode **ret)
{
	int r = tmpfs_charge_inode(sb);
	if (r < 0)
		return r;
	struct tmpfs_inode *ti = calloc(1, sizeof(*ti));
	if (!ti) {
		tmpfs_uncharge_inode(sb);
		return -ENOMEM;
	}
	ti->backing = -1;
	ti->mode = how->mode & 07777;
	ti->uid = how->uid;
	ti->gid = how->gid;
	ti->btime = ti->atime = ti->mtime = ti->ctime = now;
	r = init_type(ti, how);
	if (r < 0) {
		tmpfs_uncharge_inode(sb);
		free(ti);
		return r;
	}
	(void)pthread_mutex_init(&ti->lock, NULL);
	mode_t type = how->mode & S_IFMT;
	inode_init(&ti->inode, &sb->super, ops_of(type), sb->next_ino++, type);
	add_to_super(sb, ti);
	*ret = ti;
	return 0;
}
