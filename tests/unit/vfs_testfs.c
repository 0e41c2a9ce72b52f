#include "vfs_testfs.h"

#include "kernel/vfs/rcu.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { CHILDREN_MAX = 2048 };

struct node {
	struct inode inode;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned nlink;
	off_t size;
	char *target;
	struct vfs *magic;
	int memfd;
	size_t count;
	struct entry {
		char name[VFS_NAME_MAX + 1];
		struct node *node;	/* a reference */
	} *child;			/* of directories */
};

struct testfs {
	struct super super;
	pthread_mutex_t lock;		/* everything */
	uint64_t next_ino;
	unsigned lookups, checks;
	int error;			/* see testfs_fail */
	bool waits;			/* see testfs_wait_for_readers */
	atomic_uint alive;
};

static const struct inode_ops testfs_ops;

static struct testfs *fs_of(const struct inode *inode)
{
	return (struct testfs *)inode->super;
}

static void lock(struct testfs *fs)
{
	(void)pthread_mutex_lock(&fs->lock);
}

static void unlock(struct testfs *fs)
{
	(void)pthread_mutex_unlock(&fs->lock);
}

static void answer_late(const struct testfs *fs)
{
	if (fs->waits)
		urcu_bp_synchronize_rcu();
}

static struct node *node_create(struct testfs *fs, mode_t mode, uid_t uid, gid_t gid, const char *target)
{
	struct node *n = calloc(1, sizeof(*n));
	assert(n);
	inode_init(&n->inode, &fs->super, &testfs_ops, fs->next_ino++, mode);
	n->mode = mode & 07777;
	n->uid = uid;
	n->gid = gid;
	n->nlink = 1;
	n->memfd = -1;
	n->target = target ? strdup(target) : NULL;
	if (S_ISDIR(mode))
		n->child = calloc(CHILDREN_MAX, sizeof(n->child[0]));
	atomic_fetch_add(&fs->alive, 1);
	return n;
}

static struct entry *find(struct node *dir, const char *name)
{
	for (size_t i = 0; i < dir->count; i++)
		if (strcmp(dir->child[i].name, name) == 0)
			return &dir->child[i];
	return NULL;
}

static void add(struct node *dir, const char *name, struct node *node)
{
	assert(dir->count < CHILDREN_MAX);
	struct entry *e = &dir->child[dir->count++];
	(void)snprintf(e->name, sizeof(e->name), "%s", name);
	e->node = node;
}

/* The entry's reference is the caller's now. */
static struct node *take_out(struct node *dir, struct entry *e)
{
	struct node *n = e->node;
	*e = dir->child[--dir->count];
	return n;
}

/* ---- operations ---- */

static int op_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	struct testfs *fs = fs_of(dir);
	answer_late(fs);
	lock(fs);
	fs->lookups++;
	struct entry *e = find((struct node *)dir, name);
	int r = fs->error ? -fs->error : e ? 0 : -ENOENT;
	if (!r)
		*ret = inode_ref(&e->node->inode);
	unlock(fs);
	return r;
}

static int op_revalidate(struct inode *dir, const char *name, struct inode *inode)
{
	struct testfs *fs = fs_of(dir);
	answer_late(fs);
	lock(fs);
	struct entry *e = find((struct node *)dir, name);
	int r = fs->error ? -fs->error : e ? &e->node->inode == inode : !inode;
	fs->checks++;
	unlock(fs);
	return r;
}

static int op_getattr(struct inode *inode, struct statx *ret);

static int op_revalidate_path(struct inode *dir, const char *path, struct inode *inode, struct statx *ret)
{
	struct testfs *fs = fs_of(dir);
	char copy[VFS_PATH_MAX], *save = NULL;
	struct node *n = (struct node *)dir;
	bool through = true;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	answer_late(fs);
	lock(fs);
	for (char *name = strtok_r(copy, "/", &save); name && n; name = strtok_r(NULL, "/", &save)) {
		through &= n->child != NULL;
		struct entry *e = n->child ? find(n, name) : NULL;
		n = e ? e->node : NULL;
	}
	bool same = through && (n ? &n->inode == inode : !inode);
	fs->checks++;
	same = same && !fs->error;
	unlock(fs);
	if (!same)
		return -ESTALE;
	return ret && inode ? op_getattr(inode, ret) : 0;
}

static int op_create(struct inode *dir, const char *name, const struct vfs_create *how, struct inode **ret)
{
	struct testfs *fs = fs_of(dir);
	lock(fs);
	int err = find((struct node *)dir, name) ? -EEXIST : 0;
	if (!err) {
		struct node *n = node_create(fs, how->mode, how->uid, how->gid, how->target);
		add((struct node *)dir, name, n);
		*ret = inode_ref(&n->inode);
	}
	unlock(fs);
	return err;
}

static int op_link(struct inode *dir, const char *name, struct inode *inode)
{
	struct testfs *fs = fs_of(dir);
	lock(fs);
	add((struct node *)dir, name, (struct node *)inode_ref(inode));
	((struct node *)inode)->nlink++;
	unlock(fs);
	return 0;
}

static int op_unlink(struct inode *dir, const char *name, struct inode *inode)
{
	struct testfs *fs = fs_of(dir);
	struct node *n = (struct node *)inode, *gone = NULL;
	lock(fs);
	struct entry *e = find((struct node *)dir, name);
	int err = !e || e->node != n ? -ENOENT : n->count ? -ENOTEMPTY : 0;
	if (!err) {
		gone = take_out((struct node *)dir, e);
		gone->nlink--;
	}
	unlock(fs);
	if (gone)
		inode_unref(&gone->inode);
	return err;
}

static int op_rename(struct inode *old_dir, const char *old_name, struct inode *moved, struct inode *new_dir,
		     const char *new_name, struct inode *replaced, unsigned flags)
{
	struct testfs *fs = fs_of(old_dir);
	struct node *from = (struct node *)old_dir, *to = (struct node *)new_dir, *gone = NULL;
	lock(fs);
	struct entry *e = find(from, old_name), *r = find(to, new_name);
	assert(e && &e->node->inode == moved && (r ? &r->node->inode : NULL) == replaced);
	int err = 0;
	if (flags & RENAME_EXCHANGE) {
		struct node *n = e->node;
		e->node = r->node;
		r->node = n;
	} else if (r && r->node->count) {
		err = -ENOTEMPTY;
	} else {
		if (r) {
			gone = take_out(to, r);
			gone->nlink--;
		}
		add(to, new_name, take_out(from, find(from, old_name)));
	}
	unlock(fs);
	if (gone)
		inode_unref(&gone->inode);
	return err;
}

static int op_tmpfile(struct inode *dir, const struct vfs_create *how, struct inode **ret)
{
	struct testfs *fs = fs_of(dir);
	lock(fs);
	struct node *n = node_create(fs, how->mode, how->uid, how->gid, NULL);
	n->nlink = 0;
	unlock(fs);
	*ret = &n->inode;
	return 0;
}

static int op_iterate(struct inode *dir, struct dir_reader *reader)
{
	struct testfs *fs = fs_of(dir);
	struct node *n = (struct node *)dir;
	lock(fs);
	for (size_t i = reader->cursor >= 3 ? reader->cursor - 2 : 0; i < n->count; i++) {
		const struct entry *e = &n->child[i];
		if (!reader->emit(reader, e->name, strlen(e->name), e->node->inode.ino,
				  (unsigned char)(e->node->inode.type >> 12), i + 3))
			break;
	}
	unlock(fs);
	return 0;
}

static int op_getattr(struct inode *inode, struct statx *ret)
{
	struct node *n = (struct node *)inode;
	memset(ret, 0, sizeof(*ret));
	answer_late(fs_of(inode));
	lock(fs_of(inode));
	ret->stx_mode = (uint16_t)(inode->type | n->mode);
	ret->stx_uid = n->uid;
	ret->stx_gid = n->gid;
	ret->stx_nlink = n->nlink;
	ret->stx_ino = inode->ino;
	ret->stx_size = (uint64_t)n->size;
	unlock(fs_of(inode));
	return 0;
}

static int op_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	struct node *n = (struct node *)inode;
	lock(fs_of(inode));
	if (attr->valid & STATX_MODE)
		n->mode = attr->mode & 07777;
	if (attr->valid & STATX_UID)
		n->uid = attr->uid;
	if (attr->valid & STATX_GID)
		n->gid = attr->gid;
	if (attr->valid & STATX_SIZE)
		n->size = attr->size;
	unlock(fs_of(inode));
	return 0;
}

static ssize_t op_readlink(struct inode *inode, char *buf, size_t size)
{
	const struct node *n = (const struct node *)inode;
	size_t len = strlen(n->target);
	answer_late(fs_of(inode));
	len = len < size ? len : size;
	memcpy(buf, n->target, len);
	return (ssize_t)len;
}

static int op_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	const struct node *n = (const struct node *)inode;
	struct walk_env all = {.vfs = env->vfs};
	vfs_root(n->magic, &all.root);
	all.cwd = all.root;
	int err = vfs_walk(&all, NULL, n->target, 0, ret);
	path_put(&all.root);
	return err;
}

/* Under the lock, so that no open meets the lease of op_in_use. */
static int open_locked(struct inode *inode, int flags, struct vfs_opened *ret)
{
	struct node *n = (struct node *)inode;
	char path[64];
	if (n->memfd < 0)
		n->memfd = memfd_create("testfs", MFD_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", n->memfd);
	ret->fd = open(path, flags | O_CLOEXEC);
	return ret->fd < 0 ? -errno : 0;
}

static int op_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	if (inode->type == S_IFDIR)
		return -EISDIR;
	lock(fs_of(inode));
	int err = open_locked(inode, flags, ret);
	unlock(fs_of(inode));
	return err;
}

/* Asked of the kernel, as tmpfs does it. */
static bool op_in_use(struct inode *inode)
{
	struct vfs_opened o = {.fd = -1};
	bool used = true;
	lock(fs_of(inode));
	if (inode->type == S_IFREG && open_locked(inode, O_RDONLY, &o) == 0) {
		used = fcntl(o.fd, F_SETLEASE, F_WRLCK) < 0;
		(void)close(o.fd);
	}
	unlock(fs_of(inode));
	return used;
}

static void op_destroy(struct inode *inode)
{
	struct node *n = (struct node *)inode;
	for (size_t i = 0; i < n->count; i++)
		inode_unref(&n->child[i].node->inode);
	if (n->memfd >= 0)
		(void)close(n->memfd);
	atomic_fetch_sub(&fs_of(inode)->alive, 1);
	free(n->child);
	free(n->target);
	free(n);
}

static const struct inode_ops testfs_ops = {
	.lookup = op_lookup,
	.revalidate = op_revalidate,
	.revalidate_path = op_revalidate_path,
	.create = op_create,
	.link = op_link,
	.unlink = op_unlink,
	.rename = op_rename,
	.tmpfile = op_tmpfile,
	.iterate = op_iterate,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.open = op_open,
	.in_use = op_in_use,
	.destroy = op_destroy,
};

static void drop_children(struct node *dir)
{
	while (dir->count) {
		struct node *n = take_out(dir, &dir->child[0]);
		drop_children(n);
		inode_unref(&n->inode);
	}
}

static void super_shutdown(struct super *sb)
{
	drop_children((struct node *)sb->root);
}

static void super_destroy(struct super *sb)
{
	assert(atomic_load(&((struct testfs *)sb)->alive) == 0);
	free(sb);
}

static const struct super_ops testfs_super_ops = {.shutdown = super_shutdown, .destroy = super_destroy};

struct super *testfs_create(unsigned flags)
{
	struct testfs *fs = calloc(1, sizeof(*fs));
	assert(fs);
	(void)pthread_mutex_init(&fs->lock, NULL);
	super_init(&fs->super, &testfs_super_ops, "testfs", flags);
	fs->next_ino = 1;
	fs->super.root = &node_create(fs, S_IFDIR | 0755, 0, 0, NULL)->inode;
	return &fs->super;
}

/* ---- behind the VFS's back ---- */

/* The directory of path; *name is its last component. */
static struct node *dir_of(struct super *sb, const char *path, const char **name)
{
	struct node *dir = (struct node *)sb->root;
	char part[VFS_NAME_MAX + 1];
	const char *slash;
	path++;
	while ((slash = strchr(path, '/'))) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		struct entry *e = find(dir, part);
		assert(e);
		dir = e->node;
		path = slash + 1;
	}
	*name = path;
	return dir;
}

static struct node *put(struct super *sb, const char *path, mode_t mode, uid_t uid, gid_t gid, const char *target)
{
	const char *name;
	lock((struct testfs *)sb);
	struct node *dir = dir_of(sb, path, &name);
	struct node *n = node_create((struct testfs *)sb, mode, uid, gid, target);
	add(dir, name, n);
	unlock((struct testfs *)sb);
	return n;
}

void testfs_mkdir(struct super *sb, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	(void)put(sb, path, S_IFDIR | mode, uid, gid, NULL);
}

void testfs_file(struct super *sb, const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	(void)put(sb, path, S_IFREG | mode, uid, gid, NULL);
}

void testfs_node(struct super *sb, const char *path, mode_t mode)
{
	(void)put(sb, path, mode, 0, 0, NULL);
}

void testfs_symlink(struct super *sb, const char *path, const char *target)
{
	(void)put(sb, path, S_IFLNK | 0777, 0, 0, target);
}

void testfs_magic(struct super *sb, const char *path, struct vfs *v, const char *to)
{
	static const struct inode_ops magic_ops = {
		.follow = op_follow,
		.getattr = op_getattr,
		.destroy = op_destroy,
	};
	struct node *n = put(sb, path, S_IFLNK | 0777, 0, 0, to);
	n->magic = v;
	n->inode.ops = &magic_ops;
}

void testfs_remove(struct super *sb, const char *path)
{
	const char *name;
	lock((struct testfs *)sb);
	struct node *dir = dir_of(sb, path, &name);
	struct node *n = take_out(dir, find(dir, name));
	unlock((struct testfs *)sb);
	inode_unref(&n->inode);
}

void testfs_move(struct super *sb, const char *from, const char *to)
{
	const char *old, *new;
	lock((struct testfs *)sb);
	struct node *old_dir = dir_of(sb, from, &old);
	struct node *n = take_out(old_dir, find(old_dir, old));
	struct node *new_dir = dir_of(sb, to, &new);
	add(new_dir, new, n);
	unlock((struct testfs *)sb);
}

unsigned testfs_lookups(const struct super *sb)
{
	return ((const struct testfs *)sb)->lookups;
}

unsigned testfs_checks(const struct super *sb)
{
	return ((const struct testfs *)sb)->checks;
}

void testfs_wait_for_readers(struct super *sb)
{
	((struct testfs *)sb)->waits = true;
}

void testfs_fail(struct super *sb, int error)
{
	struct testfs *fs = (struct testfs *)sb;
	lock(fs);
	fs->error = error;
	unlock(fs);
}

unsigned testfs_alive(const struct super *sb)
{
	return atomic_load(&((struct testfs *)(struct super *)sb)->alive);
}

/* ---- worlds ---- */

void world_init(struct world *w, unsigned super_flags, size_t dentries_max)
{
	const struct vfs_options options = {.dentries_max = dentries_max};
	struct cred *host;
	memset(w, 0, sizeof(*w));
	int err = vfs_create(&options, &w->v);
	assert(!err);
	w->sb = testfs_create(super_flags);
	err = vfs_mount(w->v, "/", w->sb, 0, "test");
	assert(!err);
	err = cred_create_host(&host);
	assert(!err);
	err = cred_copy(host, 1, &w->cred);
	assert(!err);
	cred_unref(host);
	cred_set_uid(w->cred, 0);
	cred_set_gid(w->cred, 0);
	w->env.vfs = w->v;
	w->env.cred = w->cred;
	w->env.umask = 022;
	vfs_root(w->v, &w->env.root);
	vfs_root(w->v, &w->env.cwd);
}

void world_become(struct world *w, uid_t uid, gid_t gid)
{
	cred_set_uid(w->cred, uid);
	cred_set_gid(w->cred, gid);
}

void world_finish(struct world *w)
{
	path_put(&w->env.root);
	path_put(&w->env.cwd);
	vfs_destroy(w->v);
	cred_unref(w->cred);
}

struct super *world_mount(struct world *w, const char *target, unsigned super_flags, unsigned mount_flags)
{
	struct super *sb = testfs_create(super_flags);
	int err = vfs_mount(w->v, target, sb, mount_flags, "test");
	assert(!err);
	return sb;
}

int world_walk(struct world *w, const char *base, const char *name, unsigned flags, char *ret_name, size_t size)
{
	struct path b = {0}, p;
	if (base) {
		int err = vfs_walk(&w->env, NULL, base, WALK_FOLLOW, &b);
		assert(!err);
	}
	int err = vfs_walk(&w->env, base ? &b : NULL, name, flags, &p);
	path_put(&b);
	if (err)
		return err;
	if (ret_name && vfs_shown_name(&w->env, &p, ret_name, size) < 0)
		ret_name[0] = '\0';
	path_put(&p);
	return 0;
}

int world_open(struct world *w, const char *name, int flags, mode_t mode)
{
	const struct vfs_open_how how = {.flags = flags, .mode = mode};
	struct vfs_opened opened;
	int err = vfs_open(&w->env, NULL, name, &how, &opened, NULL);
	return err ? err : opened.fd;
}

bool world_has(struct world *w, const char *name)
{
	return world_walk(w, NULL, name, 0, NULL, 0) == 0;
}
