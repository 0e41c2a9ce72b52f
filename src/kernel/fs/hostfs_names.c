/* hostfs: what changes directories. The VFS holds the directories' locks. */
#include "kernel/fs/hostfs_private.h"

#include <linux/fs.h>
#include <sys/sysmacros.h>

/* ---- making objects ---- */

static bool is_device(mode_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

/* A whiteout is a device that anybody may make (since Linux 5.8). */
static bool is_whiteout(const struct vfs_create *how)
{
	return S_ISCHR(how->mode) && how->rdev == 0;
}

/* A descriptor of it. */
static int make_regular(int dir_fd, const char *name, int flags, mode_t perm)
{
	int fd = openat(dir_fd, name, flags | O_CREAT | O_EXCL | O_CLOEXEC, perm);

	return fd < 0 ? hostfs_errno() : fd;
}

static int make_device(const struct hostfs *fs, int dir_fd, const char *name, const struct vfs_create *how)
{
	int r = 0;

	if (!fs->options.virtual_attrs || is_whiteout(how)) {
		r = mknodat(dir_fd, name, how->mode, how->rdev) < 0 ? hostfs_errno() : 0;
		if (r != -EPERM || !fs->options.virtual_attrs)
			return r;
	}
	AUTO_CLOSE int fd = make_regular(dir_fd, name, O_WRONLY, 0600);
	return fd < 0 ? fd : 0;
}

/* ret_fd: a regular file, opened; left alone for other types. */
static int make_of_type(const struct hostfs *fs, int dir_fd, const char *name, const struct vfs_create *how, int *ret_fd)
{
	mode_t perm = hostfs_host_mode(fs, how->mode) & 07777;
	int r;

	switch (how->mode & S_IFMT) {
	case S_IFREG:
		*ret_fd = make_regular(dir_fd, name, how->opened ? how->open_flags : O_WRONLY, perm);
		return *ret_fd < 0 ? *ret_fd : 0;
	case S_IFDIR:
		r = mkdirat(dir_fd, name, perm);
		break;
	case S_IFLNK:
		r = symlinkat(how->target, dir_fd, name);
		break;
	case S_IFCHR:
	case S_IFBLK:
		return make_device(fs, dir_fd, name, how);
	default:
		r = mknodat(dir_fd, name, (how->mode & S_IFMT) | perm, 0);
	}
	return r < 0 ? hostfs_errno() : 0;
}

/*
 * A umask makes the host do what Linux does for the guest: where the directory has a default ACL, that counts instead.
 */
static int make_object(const struct hostfs *fs, int dir_fd, const char *name, const struct vfs_create *how, int *ret_fd)
{
	if (how->umask)
		(void)umask(how->umask);
	int r = make_of_type(fs, dir_fd, name, how, ret_fd);
	if (how->umask)
		(void)umask(0);
	return r;
}

static bool same_owner(const struct statx *stx, const struct vfs_create *how)
{
	return how->uid == VFS_OWNER_OF_HOST || (stx->stx_uid == how->uid && stx->stx_gid == how->gid);
}

/* What it is by now may be a link. */
static void set_mode(int fd, const char *name, mode_t mode)
{
	char path[PROC_FD_PATH_SIZE];
	AUTO_CLOSE int own = name[0] ? openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;

	if (own >= 0 || !name[0])
		(void)chmod(hostfs_proc_path(name[0] ? own : fd, path), mode & 07777);
}

/* What the host does not allow, or cannot do, is not the same as what it fails to do. */
static bool is_refusal(int error)
{
	return error == -EPERM || error == -EACCES || error == -EINVAL || error == -EOPNOTSUPP || error == -ENOSYS;
}

/* The host made it with the supervisor's ids: give it to its owner, as far as the host allows. */
static int give_to_owner(int fd, const char *name, const struct vfs_create *how, struct statx *stx)
{
	if (same_owner(stx, how))
		return 0;
	if (fchownat(fd, name, how->uid, how->gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return is_refusal(-errno) ? 0 : hostfs_errno();
	stx->stx_uid = how->uid;
	stx->stx_gid = how->gid;
	/* chown dropped them. */
	stx->stx_mode &= (uint16_t)~(S_ISUID | S_ISGID);
	return 0;
}

/* Directories get S_ISGID from the one that they are in; but this one may be made for another place. */
static void complete_mode(int fd, const char *name, const struct vfs_create *how, const struct statx *stx)
{
	mode_t special = how->mode & (S_ISUID | S_ISGID);

	if (special && !S_ISLNK(how->mode) && (stx->stx_mode & special) != special)
		set_mode(fd, name, stx->stx_mode | special);
}

/* After the host made it: owner, mode and type as wanted. stx: in and out. */
static int settle(struct hostfs *fs, int fd, const char *name, const struct vfs_create *how, struct statx *stx)
{
	if (!fs->options.virtual_attrs) {
		int r = give_to_owner(fd, name, how, stx);
		if (r == 0)
			complete_mode(fd, name, how, stx);
		return r;
	}
	const struct hostfs_override want = {.uid = how->uid, .gid = how->gid, .mode = how->mode, .rdev = how->rdev};
	return hostfs_virtual_set(fs, stx, &want, fd, name);
}

static void remove_again(int dir_fd, const char *name, mode_t mode)
{
	(void)unlinkat(dir_fd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
}

static void set_opened(struct vfs_opened *ret, int fd, const struct statx *stx)
{
	*ret = (struct vfs_opened){
		.fd = fd, .has_id = true, .dev = makedev(stx->stx_dev_major, stx->stx_dev_minor), .ino = stx->stx_ino,
	};
}

static int create_at(struct inode *dir, int dir_fd, const char *name, const struct vfs_create *how, struct inode **ret)
{
	struct hostfs *fs = hostfs_of(dir);
	struct statx stx;
	AUTO_CLOSE int fd = -1;
	int r = make_object(fs, dir_fd, name, how, &fd);
	if (r < 0)
		return r;
	r = fd >= 0 ? statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX, &stx)
		    : statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, HOSTFS_STATX, &stx);
	r = r < 0 ? hostfs_errno() : settle(fs, dir_fd, name, how, &stx);
	if (r == 0 && fs->options.virtual_attrs && is_device(how->mode))
		atomic_store(&hostfs_inode(dir)->placeholders, true);
	if (r == 0)
		r = hostfs_get(fs, &stx, dir, name, -1, ret);
	if (r < 0) {
		remove_again(dir_fd, name, how->mode);
		return r;
	}
	if (how->opened) {
		set_opened(how->opened, fd, &stx);
		fd = -1;
	}
	return 0;
}

static int create_node(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret)
{
	struct hostfs_hold hold;

	if (!hostfs_name_ok(name))
		return -EINVAL;
	struct vfs_create plain = *how;
	if (!S_ISREG(how->mode))
		plain.opened = NULL;
	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return r;
	r = create_at(dir, hold.fd, name, &plain, ret);
	hostfs_release(&hold);
	return r;
}

static int reopen_path(int fd)
{
	char path[PROC_FD_PATH_SIZE];
	int path_fd = open(hostfs_proc_path(fd, path), O_PATH | O_CLOEXEC);

	return path_fd < 0 ? hostfs_errno() : path_fd;
}

static int make_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret)
{
	struct hostfs *fs = hostfs_of(dir);
	struct hostfs_hold hold;
	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return r;
	int flags = how->opened ? how->open_flags : O_RDWR;
	if (how->umask)
		(void)umask(how->umask);
	AUTO_CLOSE int fd = openat(hold.fd, ".", flags | O_TMPFILE | O_CLOEXEC, hostfs_host_mode(fs, how->mode) & 07777);
	if (how->umask)
		(void)umask(0);
	r = fd < 0 ? hostfs_errno() : 0;
	hostfs_release(&hold);
	if (r < 0)
		return r;
	struct statx stx;
	if (statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX, &stx) < 0)
		return hostfs_errno();
	r = settle(fs, fd, "", how, &stx);
	if (r < 0)
		return r;
	int path_fd = reopen_path(fd);
	if (path_fd < 0)
		return path_fd;
	r = hostfs_get(fs, &stx, NULL, NULL, path_fd, ret);
	if (r < 0)
		return r;
	atomic_store(&hostfs_inode(*ret)->unlinked, true);
	if (how->opened) {
		set_opened(how->opened, fd, &stx);
		fd = -1;
	}
	return 0;
}

/* ---- names of objects that are there ---- */

static bool is_placeholder(const struct inode *inode)
{
	return hostfs_of(inode)->options.virtual_attrs && is_device(inode->type);
}

static int link_object(struct inode *dir, const char *name, struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_inode(inode);
	struct hostfs_hold dir_hold, hold;
	char path[PROC_FD_PATH_SIZE];

	if (!hostfs_name_ok(name))
		return -EINVAL;
	int r = hostfs_hold(hostfs_inode(dir), &dir_hold);
	if (r < 0)
		return r;
	r = hostfs_hold(hi, &hold);
	if (r == 0) {
		/*
		 * The magic link leads to the object itself, of whatever type; AT_EMPTY_PATH would need a capability.
		 */
		r = linkat(AT_FDCWD, hostfs_proc_path(hold.fd, path), dir_hold.fd, name, AT_SYMLINK_FOLLOW);
		r = r < 0 ? hostfs_errno() : 0;
		hostfs_release(&hold);
	}
	hostfs_release(&dir_hold);
	if (r == 0) {
		atomic_store(&hi->unlinked, false);
		atomic_store(&inode->many_names, true);
		(void)hostfs_place(hi, dir, name);	/* and the older name to spare */
		if (is_placeholder(inode))
			atomic_store(&hostfs_inode(dir)->placeholders, true);
	}
	return r;
}

/* A name of it is gone: was it the last? */
static void note_unlinked(struct hostfs_inode *hi)
{
	struct statx stx;

	int r = S_ISDIR(hi->inode.type) ? -ESTALE : hostfs_stat(hi, &stx);
	if (r == -ESTALE || (r == 0 && stx.stx_nlink == 0))
		atomic_store(&hi->unlinked, true);
}

static int unlink_object(struct inode *dir, const char *name, struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_inode(inode);
	struct hostfs_hold hold;

	if (!hostfs_name_ok(name))
		return -EINVAL;
	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return r;
	r = hostfs_before_unlink(hi, dir, name);
	if (r == -ESTALE)
		r = -ENOENT;	/* the name is another object's by now */
	if (r == 0 && unlinkat(hold.fd, name, S_ISDIR(inode->type) ? AT_REMOVEDIR : 0) < 0)
		r = hostfs_errno();
	hostfs_release(&hold);
	if (r == 0)
		note_unlinked(hi);
	else
		(void)hostfs_place(hi, dir, name);	/* it stays */
	return r;
}

static int rename_host(int old_fd, const char *old_name, int new_fd, const char *new_name, unsigned flags)
{
	return renameat2(old_fd, old_name, new_fd, new_name, flags) < 0 ? hostfs_errno() : 0;
}

/*
 * A placed inode keeps its place_lock from before the host renames it until its place is changed, so that nobody looks
 * for it in between. What loses its name (or gets another's, with RENAME_EXCHANGE) was pinned.
 */
static int rename_held(const struct hostfs_hold *old, const char *old_name, struct hostfs_inode *moved,
		       const struct hostfs_hold *new, struct inode *new_dir, const char *new_name, unsigned flags)
{
	AUTO_FREE char *name = strdup(new_name);
	if (!name)
		return -ENOMEM;
	struct inode *old_parent = NULL;
	(void)pthread_rwlock_wrlock(&moved->place_lock);
	int r = rename_host(old->fd, old_name, new->fd, new_name, flags);
	if (r == 0 && atomic_load(&moved->fd) < 0) {
		old_parent = moved->parent;
		moved->parent = inode_ref(new_dir);
		free(moved->name);
		moved->name = name;
		name = NULL;
	}
	(void)pthread_rwlock_unlock(&moved->place_lock);
	inode_unref(old_parent);
	return r;
}

static void note_placeholders(struct inode *dir, const struct inode *inode)
{
	if (inode && is_placeholder(inode))
		atomic_store(&hostfs_inode(dir)->placeholders, true);
}

static int rename_object(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
			 const char *new_name, struct inode *replaced, unsigned flags)
{
	struct hostfs_hold old, new;

	if (!hostfs_name_ok(old_name) || !hostfs_name_ok(new_name))
		return -EINVAL;
	int r = 0;
	if (replaced)
		r = flags & RENAME_EXCHANGE ? hostfs_pin(hostfs_inode(replaced)) : hostfs_before_unlink(hostfs_inode(replaced), new_dir, new_name);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		r = hostfs_pin(hostfs_inode(moved));
	if (r == 0)
		r = hostfs_hold(hostfs_inode(old_dir), &old);
	if (r < 0)
		return r == -ESTALE ? -ENOENT : r;
	r = hostfs_hold(hostfs_inode(new_dir), &new);
	if (r == 0) {
		r = rename_held(&old, old_name, hostfs_inode(moved), &new, new_dir, new_name, flags);
		hostfs_release(&new);
	}
	hostfs_release(&old);
	if (r < 0) {
		if (replaced)
			(void)hostfs_place(hostfs_inode(replaced), new_dir, new_name);
		return r;
	}
	note_placeholders(new_dir, moved);
	if (flags & RENAME_EXCHANGE)
		note_placeholders(old_dir, replaced);
	else if (replaced)
		note_unlinked(hostfs_inode(replaced));
	return 0;
}

/* ---- as the VFS calls them: where only our own mode is in the way, once more ---- */

static bool opened_up(int r, struct inode *dir)
{
	return r == -EACCES && hostfs_virtual_open_up(hostfs_inode(dir));
}

int hostfs_create_node(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret)
{
	int r = create_node(dir, name, how, ret);
	return opened_up(r, dir) ? create_node(dir, name, how, ret) : r;
}

int hostfs_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret)
{
	int r = make_tmpfile(dir, how, ret);
	return opened_up(r, dir) ? make_tmpfile(dir, how, ret) : r;
}

int hostfs_link(struct inode *dir, const char *name, struct inode *inode)
{
	int r = link_object(dir, name, inode);
	return opened_up(r, dir) ? link_object(dir, name, inode) : r;
}

int hostfs_unlink(struct inode *dir, const char *name, struct inode *inode)
{
	int r = unlink_object(dir, name, inode);
	return opened_up(r, dir) ? unlink_object(dir, name, inode) : r;
}

int hostfs_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		  const char *new_name, struct inode *replaced, unsigned flags)
{
	int r = rename_object(old_dir, old_name, moved, new_dir, new_name, replaced, flags);
	bool old_opened = opened_up(r, old_dir), new_opened = opened_up(r, new_dir);
	/* A directory that moves has its ".." changed. */
	bool moved_opened = S_ISDIR(moved->type) && opened_up(r, moved);
	if (!old_opened && !new_opened && !moved_opened)
		return r;
	return rename_object(old_dir, old_name, moved, new_dir, new_name, replaced, flags);
}
