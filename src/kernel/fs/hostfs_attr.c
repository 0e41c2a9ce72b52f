/* hostfs: attributes, link targets, extended attributes. */
#include "kernel/fs/attr_wanted.h"
#include "kernel/fs/hostfs_private.h"

#include <linux/fs.h>
#include <linux/limits.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

enum {
	AT_OBJECT = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
	SYS_FCHMODAT2 = 452,		/* on every architecture; Debian 12's headers do not have them */
	SYS_GETXATTRAT = 464,
};

void hostfs_show(struct hostfs *fs, struct statx *stx)
{
	hostfs_virtual_apply(fs, stx);
	/* Mounts are the VFS's business. */
	stx->stx_mask &= HOSTFS_STATX;
	stx->stx_attributes &= ~(uint64_t)STATX_ATTR_MOUNT_ROOT;
	stx->stx_mnt_id = 0;
}

int hostfs_getattr(struct inode *inode, struct statx *ret)
{
	int r = hostfs_stat(hostfs_inode(inode), ret);
	if (r == 0)
		hostfs_show(hostfs_of(inode), ret);
	return r;
}

/* Before Linux 6.6: chmod follows the magic link to the object itself. */
static int chmod_by_proc(const struct hostfs_at *at, mode_t mode)
{
	AUTO_CLOSE int own = -1;
	char path[PROC_FD_PATH_SIZE];

	if (at->name[0] != '\0') {
		own = openat(at->fd, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (own < 0)
			return hostfs_errno();
	}
	return chmod(hostfs_proc_path(own >= 0 ? own : at->fd, path), mode) < 0 ? hostfs_errno() : 0;
}

int hostfs_chmod(const struct hostfs_at *at, mode_t mode)
{
	struct hostfs *fs = hostfs_of(&at->hi->inode);

	if (!atomic_load(&fs->no_fchmodat2)) {
		if (syscall(SYS_FCHMODAT2, at->fd, at->name, mode & 07777, AT_OBJECT) == 0)
			return 0;
		if (errno != ENOSYS)
			return hostfs_errno();
		atomic_store(&fs->no_fchmodat2, true);
	}
	return chmod_by_proc(at, mode & 07777);
}

static int set_host_owner_and_mode(const struct hostfs_at *at, const struct vfs_attr *attr)
{
	if (attr->valid & (STATX_UID | STATX_GID | STATX_CTIME) &&
	    fchownat(at->fd, at->name, wanted_uid(attr), wanted_gid(attr), AT_OBJECT) < 0)
		return hostfs_errno();
	return attr->valid & STATX_MODE ? hostfs_chmod(at, attr->mode) : 0;
}

/*
 * The host's mode follows as far as its owner must not be locked out. An owner that only guests see does not reach the
 * host, but the time of the change does: chmod to the mode it has.
 */
static int change_host_mode(const struct hostfs_at *at, const struct statx *host, mode_t mode)
{
	const struct hostfs *fs = hostfs_of(&at->hi->inode);

	if (host->stx_uid != fs->uid || S_ISLNK(host->stx_mode))
		return 0;
	int r = hostfs_chmod(at, mode);
	return r == -EPERM ? 0 : r;
}

static int set_virtual_owner_and_mode(const struct hostfs_at *at, struct statx *host, const struct vfs_attr *attr)
{
	struct hostfs *fs = hostfs_of(&at->hi->inode);
	struct statx now = *host;

	hostfs_virtual_apply(fs, &now);
	struct hostfs_override want = {
		.uid = attr->valid & STATX_UID ? attr->uid : now.stx_uid,
		.gid = attr->valid & STATX_GID ? attr->gid : now.stx_gid,
		.mode = now.stx_mode,
		.rdev = makedev(now.stx_rdev_major, now.stx_rdev_minor),
	};
	mode_t host_mode = host->stx_mode;
	if (attr->valid & STATX_MODE) {
		if (S_ISLNK(now.stx_mode))
			return -EOPNOTSUPP;
		want.mode = (now.stx_mode & S_IFMT) | (attr->mode & 07777);
		if ((now.stx_mode & S_IFMT) == (host->stx_mode & S_IFMT))
			host_mode = hostfs_host_mode(fs, want.mode);
	}
	int r = change_host_mode(at, host, host_mode);
	if (r == 0)
		r = hostfs_at_stat(at, host);
	return r < 0 ? r : hostfs_virtual_set(fs, host, &want, at->fd, at->name);
}

static int set_owner_and_mode(const struct hostfs_at *at, struct statx *host, const struct vfs_attr *attr)
{
	if (!(attr->valid & (STATX_UID | STATX_GID | STATX_MODE | STATX_CTIME)))
		return 0;
	if (hostfs_of(&at->hi->inode)->options.virtual_attrs)
		return set_virtual_owner_and_mode(at, host, attr);
	return set_host_owner_and_mode(at, attr);
}

static int set_times(const struct hostfs_at *at, const struct vfs_attr *attr)
{
	struct timespec times[2];
	if (!wanted_times(attr, times))
		return 0;
	return utimensat(at->fd, at->name, times, AT_OBJECT) < 0 ? hostfs_errno() : 0;
}

static int truncate_host(struct hostfs_inode *hi, off_t size)
{
	struct hostfs_hold hold;
	char path[PROC_FD_PATH_SIZE];
	int r = hostfs_hold(hi, &hold);
	if (r < 0)
		return r;
	r = truncate(hostfs_proc_path(hold.fd, path), size) < 0 ? hostfs_errno() : 0;
	hostfs_release(&hold);
	return r;
}

static int set_size(struct hostfs_inode *hi, off_t size)
{
	int r = truncate_host(hi, size);
	return r == -EACCES && hostfs_virtual_open_up(hi) ? truncate_host(hi, size) : r;
}

/* The caller's own descriptor: what is there to be found by a name need not be asked. */
static int set_by_fd(int fd, const struct vfs_attr *attr)
{
	if (attr->valid & (STATX_UID | STATX_GID | STATX_CTIME) && fchown(fd, wanted_uid(attr), wanted_gid(attr)) < 0)
		return hostfs_errno();
	if (attr->valid & STATX_MODE && fchmod(fd, attr->mode & 07777) < 0)
		return hostfs_errno();
	struct timespec times[2];
	return wanted_times(attr, times) && futimens(fd, times) < 0 ? hostfs_errno() : 0;
}

int hostfs_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	struct hostfs_at at;
	struct statx host;
	int r = 0;

	if (attr->fd && !(attr->valid & STATX_SIZE))
		return set_by_fd(*attr->fd, attr);

	if (attr->valid & STATX_SIZE)
		r = set_size(hostfs_inode(inode), attr->size);
	if (r < 0)
		return r;
	r = hostfs_at_begin(hostfs_inode(inode), &at);
	if (r < 0)
		return r;
	r = hostfs_at_stat(&at, &host);
	if (r == 0)
		r = set_owner_and_mode(&at, &host, attr);
	if (r == 0)
		r = set_times(&at, attr);
	hostfs_at_end(&at);
	return r;
}

/* The numbers say long, the kernel reads and writes an int (ioctl_iflags(2)). */
static int flags_ioctl(struct inode *inode, unsigned long request, unsigned *flags)
{
	if (inode->type != S_IFREG && inode->type != S_IFDIR)
		return -ENOTTY;
	AUTO_CLOSE int fd = hostfs_reopen(hostfs_inode(inode), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	return ioctl(fd, request, flags) < 0 ? hostfs_errno() : 0;
}

int hostfs_get_flags(struct inode *inode, unsigned *ret)
{
	return flags_ioctl(inode, FS_IOC_GETFLAGS, ret);
}

int hostfs_set_flags(struct inode *inode, unsigned flags)
{
	return flags_ioctl(inode, FS_IOC_SETFLAGS, &flags);
}

/*
 * Linux changes no link: another target is another object. A file system that tells when its objects were made is one
 * whose numbers mean that (the targets of /proc's and FUSE's may change), unless they are used again within one tick of
 * the clock.
 */
static bool is_lasting(const struct hostfs_inode *hi)
{
	struct timespec now;

	return hi->id.btime.tv_sec && clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 && now.tv_sec > hi->id.btime.tv_sec + 1;
}

static void keep_target(struct hostfs_inode *hi, const char *text, size_t len)
{
	char *none = NULL;
	char *copy = is_lasting(hi) ? strndup(text, len) : NULL;

	if (copy && !atomic_compare_exchange_strong(&hi->target, &none, copy))
		free(copy);
}

ssize_t hostfs_readlink(struct inode *inode, char *buf, size_t size)
{
	const char *target = atomic_load(&hostfs_inode(inode)->target);
	if (target) {
		size_t len = strnlen(target, size);
		memcpy(buf, target, len);
		return (ssize_t)len;
	}
	struct hostfs_at at;
	int r = hostfs_at_begin(hostfs_inode(inode), &at);
	if (r < 0)
		return r;
	ssize_t n = readlinkat(at.fd, at.name, buf, size);
	if (n < 0)
		n = at.name[0] != '\0' && (errno == ENOENT || errno == EINVAL) ? -ESTALE : hostfs_errno();
	else if ((size_t)n < size)
		keep_target(hostfs_inode(inode), buf, (size_t)n);
	hostfs_at_end(&at);
	return n;
}

/* ---- extended attributes: the magic link leads to the object itself, of whatever type ---- */

static bool is_own(const struct inode *inode, const char *name)
{
	return hostfs_of(inode)->options.xattrs && (strcmp(name, HOSTFS_OVERRIDE_XATTR) == 0 || hostfs_acl_is_own(name));
}

static bool is_virtual_acl(const struct inode *inode, const char *name, bool *ret_default)
{
	return hostfs_of(inode)->options.virtual_attrs && xattr_is_acl(name, ret_default);
}

/*
 * Of a directory, without the way through procfs, which costs three times as much: since Linux 6.13. false: otherwise
 * then (it needs the right to search, too).
 */
static bool get_of_dir(int fd, const char *name, void *value, size_t size, ssize_t *ret)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} args = {.value = (uintptr_t)value, .size = (uint32_t)size};

	*ret = syscall(SYS_GETXATTRAT, fd, ".", 0, name, &args, sizeof(args));
	if (*ret < 0 && (errno == ENOSYS || errno == EACCES || errno == EPERM))
		return false;
	if (*ret < 0)
		*ret = hostfs_errno();
	return true;
}

ssize_t hostfs_host_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct hostfs_hold hold;
	char path[PROC_FD_PATH_SIZE];
	int r = hostfs_hold(hostfs_inode(inode), &hold);
	if (r < 0)
		return r;
	ssize_t n;
	if (!S_ISDIR(inode->type) || !get_of_dir(hold.fd, name, value, size, &n)) {
		n = getxattr(hostfs_proc_path(hold.fd, path), name, value, size);
		n = n < 0 ? hostfs_errno() : n;
	}
	hostfs_release(&hold);
	return n;
}

ssize_t hostfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	bool of_default;
	if (is_own(inode, name))
		return -ENODATA;
	if (is_virtual_acl(inode, name, &of_default))
		return hostfs_acl_get(inode, of_default, value, size);
	return hostfs_host_getxattr(inode, name, value, size);
}

int hostfs_host_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct hostfs_hold hold;
	char path[PROC_FD_PATH_SIZE];
	int r = hostfs_hold(hostfs_inode(inode), &hold);
	if (r < 0)
		return r;
	if (setxattr(hostfs_proc_path(hold.fd, path), name, value, size, flags) < 0)
		r = hostfs_errno();
	hostfs_release(&hold);
	return r;
}

int hostfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	bool of_default;
	if (is_own(inode, name))
		return -EPERM;
	if (is_virtual_acl(inode, name, &of_default))
		return hostfs_acl_set(inode, of_default, value, size);
	return hostfs_host_setxattr(inode, name, value, size, flags);
}

int hostfs_removexattr(struct inode *inode, const char *name)
{
	struct hostfs_hold hold;
	char path[PROC_FD_PATH_SIZE];
	bool of_default;

	if (is_own(inode, name))
		return -ENODATA;
	if (is_virtual_acl(inode, name, &of_default))
		return hostfs_acl_remove(inode, of_default);
	int r = hostfs_hold(hostfs_inode(inode), &hold);
	if (r < 0)
		return r;
	if (removexattr(hostfs_proc_path(hold.fd, path), name) < 0)
		r = hostfs_errno();
	hostfs_release(&hold);
	return r;
}

static ssize_t list_host(struct inode *inode, char *list, size_t size)
{
	struct hostfs_hold hold;
	char path[PROC_FD_PATH_SIZE];
	int r = hostfs_hold(hostfs_inode(inode), &hold);
	if (r < 0)
		return r;
	ssize_t n = listxattr(hostfs_proc_path(hold.fd, path), list, size);
	if (n < 0)
		n = hostfs_errno();
	hostfs_release(&hold);
	return n;
}

/*
 * What guests set goes in the place of what the host has. n bytes of the host's names, of which those that stay come
 * first.
 */
static ssize_t list_for_guests(struct inode *inode, char *all, ssize_t n)
{
	static const char *const names[] = {"system.posix_acl_access", "system.posix_acl_default"};
	size_t kept = 0;
	bool has[2] = {false, false}, of_default;
	for (ssize_t at = 0; at < n;) {
		size_t len = strlen(all + at) + 1;
		if (xattr_is_acl(all + at, &of_default)) {
			has[of_default] = true;
		} else if (!is_own(inode, all + at)) {
			memmove(all + kept, all + at, len);
			kept += len;
		}
		at += (ssize_t)len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ssize_t own = hostfs_acl_kept(inode, i, NULL, 0);
		if (own > 0 || (own < 0 && has[i])) {
			memcpy(all + kept, names[i], strlen(names[i]) + 1);
			kept += strlen(names[i]) + 1;
		}
	}
	return (ssize_t)kept;
}

ssize_t hostfs_listxattr(struct inode *inode, char *list, size_t size)
{
	enum { ROOM_FOR_ACLS = 64 };
	if (!hostfs_of(inode)->options.virtual_attrs)
		return list_host(inode, list, size);
	AUTO_FREE char *all = malloc(XATTR_LIST_MAX + ROOM_FOR_ACLS);
	if (!all)
		return -ENOMEM;
	ssize_t n = list_host(inode, all, XATTR_LIST_MAX);
	if (n == -EOPNOTSUPP)
		n = 0;
	if (n < 0)
		return n;
	n = list_for_guests(inode, all, n);
	if (size > 0 && (size_t)n > size)
		return -ERANGE;
	if (size > 0)
		memcpy(list, all, (size_t)n);
	return n;
}
