/*
 * Mounts. They are few and stay until the end, so the list is only added to, and readers need no lock.
 */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

enum { ROOT_MOUNT_ID = 20, FIRST_MINOR = 0x80000 };

struct mount *mount_on(const struct mount *m, const struct dentry *d)
{
	struct mount *at = atomic_load_explicit(&m->vfs->mounts, memory_order_acquire);
	while (at && !(at->point == d && at->parent == m))
		at = atomic_load_explicit(&at->next, memory_order_acquire);
	return at;
}

static struct mount *mount_of(struct vfs *v, const struct super *sb)
{
	struct mount *m = atomic_load(&v->mounts);
	while (m && m->super != sb)
		m = atomic_load(&m->next);
	return m;
}

/* m is in no list. */
static void mount_destroy(struct mount *m)
{
	if (!m)
		return;
	if (m->super->ops->shutdown && !mount_of(m->vfs, m->super))
		m->super->ops->shutdown(m->super);
	dentry_put(m->vfs, m->root);
	dentry_put(m->vfs, m->point);
	super_unref(m->super);
	free(m->source);
	free(m);
}

/* A filesystem that is mounted twice has one tree of dentries. */
static int root_dentry(struct vfs *v, struct super *sb, struct dentry **ret)
{
	struct mount *m = mount_of(v, sb);
	if (m) {
		dentry_ref(m->root);
		*ret = m->root;
		return 0;
	}
	if (sb->dev_major == 0 && sb->dev_minor >= 0x40000)
		sb->dev_minor = FIRST_MINOR + atomic_fetch_add(&v->next_minor, 1);
	return dentry_create_unhashed(NULL, "", inode_ref(sb->root), 0, ret);
}

/* Takes over sb, also on failure. */
static int mount_create(struct vfs *v, struct super *sb, unsigned flags, const char *source, struct mount **ret)
{
	struct mount *m = calloc(1, sizeof(*m));
	if (!m) {
		super_unref(sb);
		return -ENOMEM;
	}
	m->vfs = v;
	m->super = sb;
	m->flags = flags | (sb->flags & SUPER_READONLY ? MOUNT_READONLY : 0);
	m->source = strdup(source ? source : "none");
	int err = m->source ? root_dentry(v, sb, &m->root) : -ENOMEM;
	if (err) {
		mount_destroy(m);
		return err;
	}
	*ret = m;
	return 0;
}

static void publish(struct vfs *v, struct mount *m)
{
	(void)pthread_mutex_lock(&v->dcache.lock);
	m->id = v->next_id++;
	_Atomic(struct mount *) *at = &v->mounts;
	while (atomic_load(at))
		at = &atomic_load(at)->next;
	atomic_store_explicit(at, m, memory_order_release);
	if (m->point)
		atomic_fetch_or(&m->point->flags, DENTRY_MOUNTED);
	(void)pthread_mutex_unlock(&v->dcache.lock);
}

/* ---- where to ---- */

static int make_ghost(struct vfs *v, const struct path *dir, const char *name, mode_t type, struct path *ret)
{
	struct inode *inode;
	struct dentry *d;
	if (strlen(name) > VFS_NAME_MAX)
		return -ENAMETOOLONG;
	int err = ghost_create(v->ghosts, type, &inode);
	if (err)
		return err;
	err = dentry_insert(v, dir->dentry, name, strlen(name), inode, DENTRY_GHOST, &d);
	if (err)
		return err;
	atomic_fetch_or(&dir->dentry->flags, DENTRY_HAS_GHOSTS);
	*ret = (struct path){.mount = dir->mount, .dentry = d};
	return 0;
}

/* Go from *at (its reference is replaced) to its child, made up if there is none. */
static int enter(const struct walk_env *env, struct path *at, const char *name, mode_t type)
{
	struct path next;
	int err = vfs_walk(env, at, name, WALK_FOLLOW, &next);
	if (err == -ENOENT)
		err = make_ghost(env->vfs, at, name, type, &next);
	if (err)
		return err;
	path_put(at);
	*at = next;
	return 0;
}

static int find_point(struct vfs *v, const char *target, mode_t type, struct path *ret)
{
	AUTO_FREE char *copy = strdup(target);
	if (!copy)
		return -ENOMEM;
	struct path at;
	vfs_root(v, &at);
	struct walk_env env = {.vfs = v, .root = at, .cwd = at};
	path_get(&at);	/* env's */
	int err = 0;
	char *save = NULL;
	char *name = strtok_r(copy, "/", &save);
	while (name && !err) {
		char *after = strtok_r(NULL, "/", &save);
		err = enter(&env, &at, name, after ? S_IFDIR : type);
		name = after;
	}
	path_put(&env.root);
	if (!err && (path_inode(&at)->type == S_IFDIR) != (type == S_IFDIR))
		err = -ENOTDIR;
	if (err)
		path_put(&at);
	else
		*ret = at;
	return err;
}

int vfs_mount(struct vfs *v, const char *target, struct super *sb, unsigned flags, const char *source)
{
	struct mount *m;
	struct path point = {0};
	bool first = !v->root;
	int err = mount_create(v, sb, flags, source, &m);
	if (err)
		return err;
	if (!first)
		err = find_point(v, target, sb->root->type == S_IFDIR ? S_IFDIR : S_IFREG, &point);
	else if (sb->root->type != S_IFDIR || target[strspn(target, "/")] != '\0')
		err = -ENOTDIR;
	if (err) {
		mount_destroy(m);
		return err;
	}
	m->parent = point.mount;
	m->point = point.dentry;
	if (first)
		v->root = m;
	publish(v, m);
	return 0;
}

void vfs_root(struct vfs *v, struct path *ret)
{
	struct path p = {.mount = v->root, .dentry = v->root->root};
	struct mount *m;
	while ((m = mount_on(p.mount, p.dentry)))
		p = (struct path){.mount = m, .dentry = m->root};
	path_get(&p);
	*ret = p;
}

unsigned vfs_mount_flags(const struct path *p)
{
	return p->mount->flags;
}

bool vfs_is_mount_root(const struct path *p)
{
	return p->dentry == p->mount->root;
}

int vfs_mount_id(const struct path *p)
{
	return p->mount->id;
}

int mount_want_write(const struct mount *m)
{
	return m->flags & MOUNT_READONLY ? -EROFS : 0;
}

int vfs_each_mount(const struct walk_env *env, int (*visit)(const struct mount_info *m, void *ctx), void *ctx)
{
	char name[VFS_PATH_MAX];
	for (struct mount *m = atomic_load(&env->vfs->mounts); m; m = atomic_load(&m->next)) {
		const struct path root = {.mount = m, .dentry = m->root};
		if (vfs_name(env, &root, name, sizeof(name)) < 0)
			continue;
		const struct mount_info info = {
			.id = m->id,
			.parent_id = m->parent ? m->parent->id : m->id - 1,
			.super = m->super,
			.flags = m->flags,
			.source = m->source,
			.target = name,
		};
		int r = visit(&info, ctx);
		if (r)
			return r;
	}
	return 0;
}

/* ---- ghosts of a directory ---- */

static bool listed(const struct ghost_list *l, const struct dentry *d)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->ghost[i] == d)
			return true;
	return false;
}

static int add_ghost(struct ghost_list *l, struct dentry *d)
{
	struct dentry **more = realloc(l->ghost, (l->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	l->ghost = more;
	dentry_ref(d);
	l->ghost[l->count++] = d;
	return 0;
}

/* Each ghost leads to a mount point: that of d on the way from this one up. */
static struct dentry *ghost_below(struct dentry *point, const struct dentry *dir)
{
	while (point && dentry_flags(point) & DENTRY_GHOST) {
		struct dentry *parent = dentry_name(point)->parent;
		if (parent == dir)
			return point;
		point = parent;
	}
	return NULL;
}

int ghost_list_init(struct vfs *v, const struct dentry *dir, struct ghost_list *ret)
{
	*ret = (struct ghost_list){0};
	if (!(dentry_flags(dir) & DENTRY_HAS_GHOSTS))
		return 0;
	int err = 0;
	vfs_read_lock();
	for (struct mount *m = atomic_load(&v->mounts); m && !err; m = atomic_load(&m->next)) {
		struct dentry *ghost = ghost_below(m->point, dir);
		if (ghost && !listed(ret, ghost))
			err = add_ghost(ret, ghost);
	}
	vfs_read_unlock();
	if (err)
		ghost_list_finish(v, ret);
	return err;
}

void ghost_list_finish(struct vfs *v, struct ghost_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		dentry_put(v, l->ghost[i]);
	free(l->ghost);
	*l = (struct ghost_list){0};
}

/* ---- set-up ---- */

int mounts_init(struct vfs *v)
{
	v->next_id = ROOT_MOUNT_ID;
	int err = ghosts_create(&v->ghosts);
	if (!err)
		err = mount_create(v, super_ref(v->ghosts), 0, "none", &v->anonymous);
	/*
	 * What is reached through it is not of the super that it stands on: a file that was passed in can be written.
	 */
	if (!err)
		v->anonymous->flags &= ~(unsigned)MOUNT_READONLY;
	return err;
}

/* Later mounts stand on earlier ones. */
void mounts_finish(struct vfs *v)
{
	struct mount *m;
	while ((m = atomic_load(&v->mounts))) {
		_Atomic(struct mount *) *at = &v->mounts;
		while (atomic_load(&m->next)) {
			at = &m->next;
			m = atomic_load(&m->next);
		}
		atomic_store(at, NULL);
		mount_destroy(m);
	}
	mount_destroy(v->anonymous);
	super_unref(v->ghosts);
}

int vfs_path_of_inode(struct vfs *v, struct inode *inode, const char *shown, struct path *ret)
{
	ret->mount = v->anonymous;
	return dentry_create_unhashed(NULL, shown, inode, DENTRY_ANONYMOUS, &ret->dentry);
}
