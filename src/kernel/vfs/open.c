/* open(2): the last component is created, or checked and opened, as do_open of fs/namei.c does. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/task/cred.h"
#include "kernel/vfs/acl.h"

/* An open in progress. */
struct opening {
	const struct walk_env *env;
	int flags;
	mode_t mode;		/* of what is created */
	unsigned walk;		/* enum walk_flags */
	struct vfs_opened *opened;
	struct path path;	/* what it came to, references */
	struct dentry *above;	/* with O_CREAT: where its name was looked up, a reference; NULL: nowhere */
	bool created;
	unsigned clashes;	/* how often it was there for who makes it and missing for who looks */
};

enum { CLASHES_MAX = 16 };

static int access_mask(int flags)
{
	static const int mask[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE};
	return mask[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

/* ---- an object that is there ---- */

static int may_open(const struct opening *o, int flags)
{
	const struct inode *inode = path_inode(&o->path);
	int mask = access_mask(flags);
	switch (inode->type) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (mask & MAY_WRITE)
			return -EISDIR;
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (o->path.mount->flags & MOUNT_NODEV)
			return -EACCES;
		break;
	default:
		break;
	}
	if (o->created || permission_is_hosts(o->env, inode))
		return 0;
	return permission_check(o->env, path_inode(&o->path), mask);
}

/* What only the owner may ask for, and what a read-only mount refuses. */
static int may_open_so(const struct opening *o, int flags)
{
	struct inode *inode = path_inode(&o->path);
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	/*
	 * Access mode 3, of which neither read nor write comes, needs their permissions but no mount that lets write.
	 */
	bool stores = writes && ((flags & O_ACCMODE) != O_ACCMODE || flags & O_TRUNC);
	if (flags & O_NOATIME && !permission_is_hosts(o->env, inode)) {
		struct owner owner;
		int err = inode_owner(inode, &owner);
		if (err || !permission_owns(o->env, &owner))
			return err ? err : -EPERM;
	}
	if (writes && !o->created && (flags & (O_APPEND | O_TRUNC)) != O_APPEND && inode_kept(inode) & INODE_APPEND)
		return -EPERM;
	if (stores && inode->type == S_IFREG && !o->created)
		return mount_want_write(o->path.mount);
	return inode->type == S_IFSOCK ? -ENXIO : 0;
}

void vfs_opened_drop(struct vfs_opened *o)
{
	if (o->fd >= 0)
		(void)close(o->fd);
	o->fd = -1;
}

static int open_dir(struct vfs *v, const struct path *p, int flags, struct vfs_opened *ret)
{
	struct inode *inode = path_inode(p);
	flags &= ~O_TRUNC;
	if (inode->super->flags & SUPER_HOST_DIRS && inode->ops->open && !(dentry_flags(p->dentry) & DENTRY_HAS_GHOSTS)) {
		int err = inode->ops->open(inode, flags, ret);
		if (err && err != -EOPNOTSUPP)
			return err;
		if (!err)
			err = registry_add(v, ret, flags, p, BACKING_HOST_DIR);
		if (err != -EEXIST && err != -EOPNOTSUPP)
			return err;
		vfs_opened_drop(ret);
	}
	int fd = scratch_open(v, p, flags & (O_PATH | O_NONBLOCK | O_NOATIME | O_APPEND | O_SYNC | O_DIRECTORY | O_NOFOLLOW));
	if (fd < 0)
		return fd;
	*ret = (struct vfs_opened){.fd = fd};
	return 0;
}

/*
 * An O_PATH descriptor of what has nothing of the host behind it (a link in /proc): any object will do that is its own.
 */
static int open_stand_in(struct vfs_opened *ret)
{
	char path[64];
	AUTO_CLOSE int object = memfd_create("object", MFD_CLOEXEC);
	if (object < 0)
		return errno == EMFILE ? -ENFILE : -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", object);
	ret->fd = open(path, O_PATH | O_CLOEXEC);
	return ret->fd < 0 ? -ENFILE : 0;
}

/*
 * Nothing is checked any more. flags: without those of creating and walking. On failure ret may still own a descriptor.
 */
static int open_object(const struct walk_env *env, const struct path *p, int flags, struct vfs_opened *ret)
{
	struct vfs *v = env->vfs;
	struct inode *inode = path_inode(p);
	*ret = (struct vfs_opened){.fd = -1, .asker = env->tid};
	if (inode->type == S_IFDIR)
		return open_dir(v, p, flags, ret);
	if (!inode->ops->open && !(flags & O_PATH))
		return inode->type == S_IFREG ? -EACCES : -ENXIO;
	enum backing kind = inode->ops->open ? BACKING_FILE : BACKING_STAND_IN;
	dentry_come_by(p->dentry);
	int err = kind == BACKING_FILE ? inode->ops->open(inode, flags, ret) : open_stand_in(ret);
	/* An O_PATH description carries no mark: to be known by another name it needs an object of its own. */
	if (!err && flags & O_PATH && v->virtual_attrs && !ret->foreign && registry_has_other(v, ret, p)) {
		vfs_opened_drop(ret);
		*ret = (struct vfs_opened){.fd = -1};
		err = open_stand_in(ret);
		kind = BACKING_STAND_IN;
	}
	return err || ret->foreign ? err : registry_add(v, ret, flags, p, kind);
}

/*
 * F_GETFL tells how a directory was opened: it is opened by "." so that nothing stands in the way of that. And of a
 * regular file (inode NULL: one that is made or not known yet) whether with O_NOFOLLOW, where it is opened by a name.
 */
static int flags_for_object(const struct inode *inode, int flags)
{
	const bool regular = !inode || inode->type == S_IFREG;
	if (flags & O_PATH)
		return O_PATH;
	if (!regular && inode->type == S_IFDIR)
		return flags & ~(O_CREAT | O_EXCL | O_CLOEXEC | O_TRUNC);
	return flags & ~(O_CREAT | O_EXCL | O_CLOEXEC | O_DIRECTORY | O_TMPFILE | (regular ? 0 : O_NOFOLLOW));
}

/* What F_GETFL is to tell; with O_NOFOLLOW a directory is opened by ".", which has to be searched for. */
static int open_by_path(struct opening *o)
{
	int err = open_object(o->env, &o->path, O_PATH, o->opened);
	if (err || !dentry_is_dir(o->path.dentry))
		return err;
	o->opened->flags = O_PATH | (o->flags & O_DIRECTORY);
	if (o->flags & O_NOFOLLOW && vfs_permission(o->env, &o->path, MAY_EXEC) == 0)
		o->opened->flags |= O_NOFOLLOW;
	return 0;
}

/* The checks of do_open, and the open. */
static int finish_open(struct opening *o)
{
	int flags = o->flags;
	struct inode *inode = path_inode(&o->path);
	if (flags & O_PATH)
		return open_by_path(o);
	if (flags & O_CREAT) {
		if (flags & O_EXCL && !o->created)
			return -EEXIST;
		if (inode->type == S_IFDIR)
			return -EISDIR;
		int err = o->created || !o->above ? 0 : permission_create_over(o->env, o->above->inode, inode);
		if (err)
			return err;
	}
	if (o->created || inode->type != S_IFREG)
		flags &= ~O_TRUNC;
	int err = flags & O_TRUNC ? mount_want_write(o->path.mount) : 0;
	if (!err)
		err = may_open(o, o->flags);
	if (!err)
		err = may_open_so(o, flags);
	if (!err && !o->created && flags & (O_ACCMODE | O_TRUNC) && vfs_is_executed(o->env->vfs, inode))
		err = -ETXTBSY;
	if (!err && flags & O_TRUNC)
		err = attr_drop_for_truncate(o->env, inode);
	if (err || (o->created && o->opened->fd >= 0))
		return err;
	if (o->opened->fd >= 0)		/* by the walk */
		return registry_add(o->env->vfs, o->opened, flags_for_object(inode, flags), &o->path, BACKING_FILE);
	err = tty_open_own(o->env, inode, flags_for_object(inode, flags), o->opened);
	return err <= 0 ? err : open_object(o->env, &o->path, flags_for_object(inode, flags), o->opened);
}

int vfs_open_path(const struct walk_env *env, const struct path *p, int flags, struct vfs_opened *ret)
{
	struct opening o = {.env = env, .flags = flags & ~(O_CREAT | O_EXCL), .opened = ret, .path = *p};
	*ret = (struct vfs_opened){.fd = -1};
	if (flags & O_DIRECTORY && !dentry_is_dir(p->dentry))
		return -ENOTDIR;
	int err = finish_open(&o);
	if (err)
		vfs_opened_drop(ret);
	else
		watch_opened(env->vfs, p, o.flags, ret);
	return err;
}

/* ---- creating ---- */

/* dir's lock is held exclusively and there is no such name. */
static int create_file(struct opening *o, const struct path *dir, const char *name, size_t len)
{
	struct inode *dir_inode = path_inode(dir), *inode = NULL;
	struct vfs_create how = {.open_flags = flags_for_object(NULL, o->flags) & ~O_TRUNC, .opened = o->opened};
	struct acl_birth acl AUTO_ACL_BIRTH = {NULL, NULL};
	char text[VFS_NAME_MAX + 1];
	int err = dir_inode->super->flags & SUPER_FIXED_NAMES ? -ENOENT : mount_want_write(dir->mount);
	if (!err)
		err = permission_create(o->env, dir->dentry);
	if (!err && !dir_inode->ops->create)
		err = -EACCES;
	if (!err)
		err = permission_new(o->env, dir_inode, o->mode, &how, &acl);
	if (err)
		return err;
	memcpy(text, name, len);
	text[len] = '\0';
	err = dir_inode->ops->create(dir_inode, text, &how, &inode);
	if (!err)
		err = ops_bear(&acl, dir_inode, text, inode);
	if (err)
		return err;
	o->path.mount = dir->mount;
	o->created = true;
	watch_created(o->env->vfs, dir_inode, text, false);
	err = dentry_insert(o->env->vfs, dir->dentry, name, len, inode, 0, &o->path.dentry);
	if (!err && o->opened->fd >= 0)
		err = registry_add(o->env->vfs, o->opened, o->flags, &o->path, BACKING_FILE);
	return err;
}

/* Whoever should make it found that it is there: what was known of the name is wrong. The directory's lock is held. */
static void forget_missing(struct vfs *v, const struct dentry *dir, const char *name, size_t len)
{
	vfs_read_lock();
	struct dentry *d = dcache_find(v, dir, name, len);
	if (d && !d->inode)
		dentry_forget(v, d, 0);
	vfs_read_unlock();
}

/*
 * The walk stands before its last component, which was missing. WALK_RESTART: it is there meanwhile. -ESTALE: it is
 * there for who makes it and missing for who looks, again and again (an overlay whose layers were changed underneath).
 */
static int create_last(struct walk *w, struct opening *o)
{
	struct path dir;
	struct dentry *d = NULL;
	char name[VFS_NAME_MAX];
	size_t len = w->len;
	memcpy(name, w->name, len);
	int err = walk_take(w, &dir);
	if (err)
		return err;
	vfs_read_unlock();
	(void)pthread_rwlock_wrlock(&path_inode(&dir)->lock);
	/* Whoever makes it finds out whether there is nothing still. */
	bool tried = vfs_is_believed_missing(w->vfs, dir.dentry, name, len) ||
		     (w->makes && vfs_maker_finds_out(dir.dentry) && vfs_is_unknown(w->vfs, dir.dentry, name, len));
	if (tried)
		err = create_file(o, &dir, name, len);
	/* That it is there counts more than that it may not be made. */
	if (!tried || (err && err != -EEXIST && !o->created)) {
		int looked = vfs_lookup_locked(w->vfs, dir.dentry, name, len, &d);
		if (looked || d || !tried)
			err = looked ? looked : d ? WALK_RESTART : create_file(o, &dir, name, len);
	}
	bool again = err == -EEXIST && !(o->flags & O_EXCL);
	if (again)
		forget_missing(w->vfs, dir.dentry, name, len);
	(void)pthread_rwlock_unlock(&path_inode(&dir)->lock);
	dentry_put(w->vfs, d);
	path_put(&dir);
	vfs_read_lock();
	if (!again)
		return err;
	return ++o->clashes < CLASHES_MAX ? WALK_RESTART : -ESTALE;
}

/* ---- the walk ---- */

/* The walk stands in the directory of the last component. */
static int note_above(struct walk *w, struct opening *o)
{
	dentry_put(w->vfs, o->above);
	o->above = dentry_ref_unless_dead(w->cur.dentry) ? w->cur.dentry : NULL;
	return o->above ? 0 : WALK_RESTART;
}

static int open_once(struct walk *w, struct opening *o, const struct path *base, const char *name)
{
	int r = walk_begin(w, o->env, base, name, o->walk);
	bool creates = o->flags & O_CREAT;
	if (!r && *name) {
		do {
			r = walk_to_last(w);
			if (!r && creates && w->last == LAST_NORMAL && w->slash)
				r = -EISDIR;
			if (!r && creates)
				r = note_above(w, o);
			if (!r)
				r = walk_last(w);
		} while (r > 0);
	}
	if (r == -ENOENT && creates && w->missing)
		r = create_last(w, o);
	else if (!r)
		r = walk_take(w, &o->path);
	r = walk_settle(w, r);
	bool directory = w->flags & WALK_DIRECTORY;
	walk_end(w);
	if (!r && directory && !(creates && !o->created && o->flags & O_EXCL) && !dentry_is_dir(o->path.dentry))
		r = -ENOTDIR;
	return r;
}

/* Before its permissions are looked at: so where it changes nothing, or the host looks at them. */
static bool may_open_at_once(const struct opening *o)
{
	enum { NEVER = O_CREAT | O_TRUNC | O_PATH | O_DIRECTORY | O_NOATIME | O_TMPFILE };
	return !(o->flags & NEVER) && (o->flags & O_ACCMODE) == O_RDONLY;
}

static int walk_to_object(struct opening *o, const struct path *base, const char *name)
{
	struct walk w;
	int err;
	walk_init(&w);
	w.makes = (o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	if (may_open_at_once(o)) {
		w.opened = o->opened;
		w.open_flags = flags_for_object(NULL, o->flags);
	}
	do
		err = open_once(&w, o, base, name);
	while (err == WALK_RESTART);
	return err;
}

/* O_TMPFILE: the name is that of the directory. */
static int open_tmpfile(struct opening *o)
{
	struct path dir = o->path;
	struct inode *dir_inode = path_inode(&dir), *inode = NULL;
	struct vfs_create how = {.open_flags = flags_for_object(NULL, o->flags) & ~O_TRUNC, .opened = o->opened};
	struct acl_birth acl AUTO_ACL_BIRTH = {NULL, NULL};
	char shown[32];
	int err = mount_want_write(dir.mount);
	/* vfs_tmpfile of Linux does not mind that the directory was removed. */
	if (!err && !permission_is_hosts(o->env, dir_inode))
		err = permission_check(o->env, dir_inode, MAY_WRITE | MAY_EXEC);
	if (!err && !dir_inode->ops->tmpfile)
		err = -EOPNOTSUPP;
	if (!err)
		err = permission_new(o->env, dir_inode, o->mode, &how, &acl);
	if (err)
		return err;
	(void)pthread_rwlock_wrlock(&dir_inode->lock);
	err = dir_inode->ops->tmpfile(dir_inode, &how, &inode);
	(void)pthread_rwlock_unlock(&dir_inode->lock);
	if (!err) {
		err = acl_bear(&acl, inode);
		if (err)
			inode_unref(inode);
	}
	if (err)
		return err;
	(void)snprintf(shown, sizeof(shown), "#%llu", (unsigned long long)inode->ino);
	err = dentry_create_unhashed(dir.dentry, shown, inode, o->flags & O_EXCL ? 0 : DENTRY_LINKABLE, &o->path.dentry);
	if (err)
		return err;
	dentry_put(o->env->vfs, dir.dentry);
	o->created = true;
	dcache_removed(o->env->vfs);	/* as good as that */
	if (o->opened->fd >= 0)
		return registry_add(o->env->vfs, o->opened, o->flags, &o->path, BACKING_FILE);
	return open_object(o->env, &o->path, flags_for_object(NULL, o->flags), o->opened);
}

static unsigned walk_flags_of(const struct vfs_open_how *how)
{
	unsigned walk = how->walk;
	if (how->flags & O_DIRECTORY)
		walk |= WALK_DIRECTORY;
	if (!(how->flags & O_NOFOLLOW) && (how->flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		walk |= WALK_FOLLOW;
	return walk;
}

int vfs_open(const struct walk_env *env, const struct path *base, const char *name, const struct vfs_open_how *how,
	     struct vfs_opened *ret, struct path *ret_path)
{
	struct opening o = {
		.env = env,
		.flags = how->flags,
		.mode = S_IFREG | (how->mode & 07777),
		.walk = walk_flags_of(how),
		.opened = ret,
	};
	if (o.flags & O_PATH)
		o.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool tmpfile = (o.flags & O_TMPFILE) == O_TMPFILE;
	*ret = (struct vfs_opened){.fd = -1};
	int err = walk_to_object(&o, base, name);
	if (!err)
		err = tmpfile ? open_tmpfile(&o) : finish_open(&o);
	if (err)
		vfs_opened_drop(ret);
	else
		watch_opened(env->vfs, &o.path, o.created ? o.flags & ~O_TRUNC : o.flags, ret);
	dentry_put(env->vfs, o.above);
	if (!err && ret_path)
		*ret_path = o.path;
	else
		path_put(&o.path);
	return err;
}
