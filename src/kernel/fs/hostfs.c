/* hostfs: any host directory, or one file, as a filesystem. hostfs_private.h says how objects are reached. */
#include "kernel/fs/hostfs_private.h"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

bool hostfs_name_ok(const char *name)
{
	return name[0] != '\0' && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* ---- the table of inodes ---- */

/* lock is held, for all of these. */
static struct hostfs_inode **bucket(struct hostfs *fs, const struct hostfs_id *id)
{
	return &fs->inodes[hostfs_id_hash(id) & (fs->inode_buckets - 1)];
}

static void unhash(struct hostfs *fs, struct hostfs_inode *hi)
{
	struct hostfs_inode **p = bucket(fs, &hi->id);

	if (!hi->hashed)
		return;
	while (*p != hi)
		p = &(*p)->next;
	*p = hi->next;
	hi->hashed = false;
	fs->inode_count--;
}

static void grow(struct hostfs *fs)
{
	size_t old_buckets = fs->inode_buckets;
	struct hostfs_inode **old = fs->inodes;
	struct hostfs_inode **bigger = calloc(old_buckets * 2, sizeof(*bigger));

	if (!bigger)
		return;		/* longer chains do */
	fs->inodes = bigger;
	fs->inode_buckets = old_buckets * 2;
	for (size_t i = 0; i < old_buckets; i++) {
		while (old[i]) {
			struct hostfs_inode *hi = old[i];
			struct hostfs_inode **p = bucket(fs, &hi->id);

			old[i] = hi->next;
			hi->next = *p;
			*p = hi;
		}
	}
	free(old);
}

static void hash(struct hostfs *fs, struct hostfs_inode *hi)
{
	if (fs->inode_count >= fs->inode_buckets)
		grow(fs);
	struct hostfs_inode **p = bucket(fs, &hi->id);
	hi->next = *p;
	*p = hi;
	hi->hashed = true;
	fs->inode_count++;
}

static struct hostfs_inode *find(struct hostfs *fs, const struct hostfs_id *id, mode_t type)
{
	for (struct hostfs_inode *hi = *bucket(fs, id); hi; hi = hi->next) {
		if (!hostfs_id_equal(&hi->id, id))
			continue;
		if (hi->inode.type == type)
			return inode_ref_unless_dead(&hi->inode) ? hi : NULL;
		unhash(fs, hi);		/* the number was used again */
		return NULL;
	}
	return NULL;
}

/* ---- inodes ---- */

static void inode_destroy(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_inode(inode);
	struct hostfs *fs = hostfs_of(inode);

	(void)pthread_mutex_lock(&fs->lock);
	unhash(fs, hi);
	(void)pthread_mutex_unlock(&fs->lock);
	if (atomic_load(&hi->unlinked) && !atomic_load(&hi->buried))
		hostfs_virtual_forget(fs, &hi->id);
	int fd = atomic_load(&hi->fd);
	if (fd >= 0) {
		(void)close(fd);
		atomic_fetch_sub(&fs->pins, 1);
	}
	inode_unref(hi->parent);
	free(hi->name);
	inode_unref(hi->spare_parent);
	free(hi->spare_name);
	free(atomic_load(&hi->target));
	(void)pthread_rwlock_destroy(&hi->place_lock);
	free(hi);
}

/* fd: as for hostfs_get. */
static int make_inode(struct hostfs *fs, const struct hostfs_id *id, mode_t type, struct inode *parent, const char *name,
		      int fd, struct hostfs_inode **ret)
{
	AUTO_FREE char *copy = name ? strdup(name) : NULL;
	struct hostfs_inode *hi = calloc(1, sizeof(*hi));

	if (!hi || (name && !copy)) {
		free(hi);
		return -ENOMEM;
	}
	inode_init(&hi->inode, &fs->super, &hostfs_inode_ops, id->ino, type);
	hi->id = *id;
	atomic_init(&hi->fd, fd);
	if (fd >= 0)
		atomic_fetch_add(&fs->pins, 1);
	(void)pthread_rwlock_init(&hi->place_lock, NULL);
	if (parent)
		hi->parent = inode_ref(parent);
	hi->name = copy;
	copy = NULL;
	*ret = hi;
	return 0;
}

static bool keeps_us_out(const struct hostfs *fs, const struct statx *host)
{
	bool used = S_ISDIR(host->stx_mode) || S_ISREG(host->stx_mode);

	return used && fs->options.virtual_attrs && !fs->options.readonly && host->stx_uid == fs->uid &&
	       hostfs_host_mode(fs, host->stx_mode) != host->stx_mode;
}

int hostfs_get(struct hostfs *fs, const struct statx *host, struct inode *parent, const char *name, int fd,
	       struct inode **ret)
{
	AUTO_CLOSE int own_fd = fd;
	struct statx stx = *host;
	struct hostfs_id id;
	struct hostfs_inode *hi;
	int r = 0;

	hostfs_id_of(&stx, &id);
	hostfs_virtual_apply(fs, &stx);
	mode_t type = stx.stx_mode & S_IFMT;
	(void)pthread_mutex_lock(&fs->lock);
	hi = find(fs, &id, type);
	bool found = hi;
	if (!found) {
		r = make_inode(fs, &id, type, parent, name, own_fd, &hi);
		if (r == 0) {
			own_fd = -1;
			atomic_init(&hi->closed, keeps_us_out(fs, host));
			inode_note_kept(&hi->inode, host);
			hash(fs, hi);
		}
	}
	(void)pthread_mutex_unlock(&fs->lock);
	if (r == 0 && host->stx_nlink > 1 && !S_ISDIR(type))
		atomic_store_explicit(&hi->inode.many_names, true, memory_order_relaxed);
	if (found && fd >= 0)
		hostfs_reach_by(hi, &own_fd);
	if (r == 0 && found && parent) {
		r = hostfs_place(hi, parent, name);
		if (r < 0)
			inode_unref(&hi->inode);
	}
	if (r == 0)
		*ret = &hi->inode;
	return r;
}

/* ---- looking names up ---- */

/*
 * A procfs of the host tells about who asks it, which is us, and leads to all that we have open. There is none for
 * guests but what is bound by itself; they have their own (kernel/files.c).
 */
static bool is_procfs_root(const struct inode *dir, int dir_fd, const char *name, const struct statx *stx)
{
	const struct hostfs_id *id = &hostfs_inode((struct inode *)dir)->id;
	struct statfs st;

	if (!S_ISDIR(stx->stx_mode) || (stx->stx_dev_major == id->dev_major && stx->stx_dev_minor == id->dev_minor))
		return false;
	AUTO_CLOSE int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fstatfs(fd, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

static int lookup(struct inode *dir, const char *name, struct inode **ret, struct statx *ret_attr)
{
	struct hostfs *fs = hostfs_of(dir);
	struct hostfs_hold hold;
	struct statx stx;

	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return r;
	if (statx(hold.fd, name, AT_SYMLINK_NOFOLLOW, HOSTFS_STATX, &stx) < 0)
		r = hostfs_errno();
	else if (is_procfs_root(dir, hold.fd, name, &stx))
		r = -ENOENT;
	if (r == 0)
		r = hostfs_virtual_load(fs, &stx, hold.fd, name);
	if (r == 0)
		r = hostfs_get(fs, &stx, dir, name, -1, ret);
	hostfs_release(&hold);
	if (r == 0 && ret_attr) {
		hostfs_show(fs, &stx);
		*ret_attr = stx;
	}
	return r;
}

static int hostfs_lookup_attr(struct inode *dir, const char *name, struct inode **ret, struct statx *ret_attr)
{
	if (!hostfs_name_ok(name))
		return -EINVAL;
	int r = lookup(dir, name, ret, ret_attr);
	return r == -EACCES && hostfs_virtual_open_up(hostfs_inode(dir)) ? lookup(dir, name, ret, ret_attr) : r;
}

static int hostfs_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	return hostfs_lookup_attr(dir, name, ret, NULL);
}

/*
 * What the host says where another object, or none, is in the place; and EACCES, about which looking the name up may do
 * something.
 */
static bool says_no(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ESTALE || error == -EACCES;
}

static int hostfs_revalidate(struct inode *dir, const char *name, struct inode *inode)
{
	struct hostfs_hold hold;
	struct statx stx;
	struct hostfs_id id;

	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return says_no(r) ? 0 : r;
	r = statx(hold.fd, name, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_TYPE | STATX_BTIME, &stx) < 0 ? hostfs_errno() : 0;
	hostfs_release(&hold);
	if (r == -ENOENT && !inode)
		return 1;
	if (r < 0)
		return says_no(r) ? 0 : r;
	if (!inode)
		return 0;
	hostfs_id_of(&stx, &id);
	inode_note_kept(inode, &stx);
	return hostfs_id_equal(&id, &hostfs_inode(inode)->id);
}

/* That there is nothing says little when the host followed a link on the way. */
static int still_nothing(int dir_fd, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	if (fd < 0)
		return errno == ENOENT ? 0 : -ESTALE;
	(void)close((int)fd);
	return -ESTALE;
}

/*
 * The host may follow links in it: a link that takes a directory's place. It is told by where it leads, and if that is
 * the very object, it is the one that the guest may have. Nothing but this question is asked by such a name.
 */
static int hostfs_revalidate_path(struct inode *dir, const char *path, struct inode *inode, struct statx *ret)
{
	struct hostfs_hold hold;
	struct statx stx;
	struct hostfs_id id;

	int r = hostfs_hold(hostfs_inode(dir), &hold);
	if (r < 0)
		return r;
	if (!inode) {
		r = still_nothing(hold.fd, path);
		hostfs_release(&hold);
		return r;
	}
	r = statx(hold.fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, HOSTFS_STATX, &stx) < 0 ? -ESTALE : 0;
	hostfs_release(&hold);
	if (r < 0)
		return r;
	hostfs_id_of(&stx, &id);
	if (!hostfs_id_equal(&id, &hostfs_inode(inode)->id))
		return -ESTALE;
	inode_note_kept(inode, &stx);
	if (ret) {
		hostfs_show(hostfs_of(inode), &stx);
		*ret = stx;
	}
	return 0;
}

static bool hostfs_apart(const struct inode *a, const struct inode *b)
{
	const struct hostfs_id *of_a = &hostfs_inode((struct inode *)a)->id, *of_b = &hostfs_inode((struct inode *)b)->id;
	return of_a->dev_major != of_b->dev_major || of_a->dev_minor != of_b->dev_minor;
}

const struct inode_ops hostfs_inode_ops = {
	.lookup = hostfs_lookup,
	.lookup_attr = hostfs_lookup_attr,
	.revalidate = hostfs_revalidate,
	.revalidate_path = hostfs_revalidate_path,
	.open_path = hostfs_open_path,
	.create = hostfs_create_node,
	.link = hostfs_link,
	.unlink = hostfs_unlink,
	.give_room = hostfs_give_room,
	.rename = hostfs_rename,
	.apart = hostfs_apart,
	.tmpfile = hostfs_tmpfile,
	.iterate = hostfs_iterate,
	.getattr = hostfs_getattr,
	.come_by = hostfs_come_by,
	.setattr = hostfs_setattr,
	.get_flags = hostfs_get_flags,
	.set_flags = hostfs_set_flags,
	.readlink = hostfs_readlink,
	.open = hostfs_open,
	.host = hostfs_host,
	.getxattr = hostfs_getxattr,
	.setxattr = hostfs_setxattr,
	.listxattr = hostfs_listxattr,
	.removexattr = hostfs_removexattr,
	.acl = hostfs_acl,
	.destroy = inode_destroy,
};

/* ---- the super ---- */

static int hostfs_statfs(struct super *sb, struct statfs *ret)
{
	return fstatfs(atomic_load(&hostfs_inode(sb->root)->fd), ret) < 0 ? hostfs_errno() : 0;
}

static void hostfs_bury(struct inode *inode)
{
	atomic_store(&hostfs_inode(inode)->buried, true);
}

static int hostfs_exhume(struct super *sb, const struct statx *attr, int fd, struct inode **ret)
{
	struct statx stx;
	struct hostfs_id was, is;

	if (statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX, &stx) < 0)
		return hostfs_errno();
	hostfs_id_of(attr, &was);
	hostfs_id_of(&stx, &is);
	if (!hostfs_id_equal(&was, &is))
		return -ESTALE;
	char path[PROC_FD_PATH_SIZE];
	/*
	 * Not the guest's open file description, which would have its locks, and its flags for who opens the object
	 * with O_PATH.
	 */
	int own = open(hostfs_proc_path(fd, path), O_PATH | O_CLOEXEC);
	if (own < 0)
		return hostfs_errno();
	int r = hostfs_get((struct hostfs *)sb, &stx, NULL, NULL, own, ret);
	if (r < 0)
		return r;
	atomic_store(&hostfs_inode(*ret)->unlinked, true);
	hostfs_bury(*ret);
	return 0;
}

static void hostfs_forget(struct super *sb, const struct statx *attr)
{
	struct hostfs_id id;

	hostfs_id_of(attr, &id);
	hostfs_virtual_forget((struct hostfs *)sb, &id);
}

static void hostfs_destroy(struct super *sb)
{
	struct hostfs *fs = (struct hostfs *)sb;

	hostfs_virtual_finish(fs);
	free(fs->inodes);
	(void)pthread_mutex_destroy(&fs->lock);
	free(fs);
}

static const struct super_ops hostfs_super_ops = {
	.statfs = hostfs_statfs,
	.bury = hostfs_bury,
	.exhume = hostfs_exhume,
	.forget = hostfs_forget,
	.destroy = hostfs_destroy,
};

static unsigned super_flags(const struct hostfs_options *o)
{
	unsigned flags = SUPER_HOST_EVENTS | (o->readonly ? SUPER_READONLY : 0);

	if (!o->cached)
		flags |= SUPER_REVALIDATES;
	/* In xattrs of files that nobody looked at yet there may be types that the listing does not have. */
	if (!o->virtual_attrs || !o->xattrs)
		flags |= SUPER_HOST_DIRS;
	if (!o->virtual_attrs)
		flags |= SUPER_HOST_CHECKS | SUPER_HOST_ATTRS | SUPER_HOST_UMASK;
	else
		flags |= SUPER_KEEPS_ACLS;
	return flags;
}

/* An eighth of the descriptors: other mounts, guests' descriptors on their way and the caller want some too. */
static int pins_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 64;
	return limit.rlim_cur > 1u << 20 ? 1 << 17 : (int)(limit.rlim_cur / 8);
}

static int make_super(const struct hostfs_options *options, struct hostfs **ret)
{
	struct hostfs *fs = calloc(1, sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	fs->options = *options;
	fs->uid = geteuid();
	fs->gid = getegid();
	fs->pins_max = pins_allowed();
	fs->inode_buckets = HOSTFS_BUCKETS_MIN;
	fs->inodes = calloc(fs->inode_buckets, sizeof(fs->inodes[0]));
	if (!fs->inodes) {
		free(fs);
		return -ENOMEM;
	}
	(void)pthread_mutex_init(&fs->lock, NULL);
	super_init(&fs->super, &hostfs_super_ops, "hostfs", super_flags(options));
	*ret = fs;
	return 0;
}

int hostfs_create(int dir_fd, const struct hostfs_options *options, struct super **ret)
{
	AUTO_CLOSE int fd = dir_fd;
	struct statx stx;
	struct hostfs *fs;

	if (statx(fd, "", AT_EMPTY_PATH, HOSTFS_STATX, &stx) < 0)
		return -errno;
	int r = make_super(options, &fs);
	if (r < 0)
		return r;
	fs->super.dev_major = stx.stx_dev_major;
	fs->super.dev_minor = stx.stx_dev_minor;
	r = hostfs_virtual_load(fs, &stx, fd, "");
	if (r == 0) {
		r = hostfs_get(fs, &stx, NULL, NULL, fd, &fs->super.root);
		fd = -1;
	}
	if (r < 0) {
		super_unref(&fs->super);
		return r;
	}
	*ret = &fs->super;
	return 0;
}
