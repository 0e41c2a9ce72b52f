/*
 * Which entries of the registry nobody has open any more.
 *
 * A file's filesystem may know (inode_ops.in_use), or a lease tells, if the file has no name any more so that nobody
 * can open it meanwhile. Scratch directories are watched: each description that we gave out ends with an event. What
 * cannot be known stays until there are FORCED times as many entries as there should be; then the oldest go that nobody
 * asked about, and a descriptor of one that is open after all counts as a stranger's.
 */
#include <fcntl.h>
#include <signal.h>

#include "kernel/vfs/vfs_private.h"

/*
 * How many entries one open passes, how many of those that should go it looks at, and of how many of these it asks
 * whether somebody has them open, which is dear.
 */
enum { LATELY = 1024, TRIM_PASSED = 256, TRIM_BATCH = 8, TRIM_ASKED = 2, FORCED = 8 };

enum idle { IDLE, BUSY, UNKNOWN };

/* registry.lock held. The next to be looked at: the oldest, which becomes the youngest. NULL: there are none. */
static struct registry_entry *rotate(struct registry *r)
{
	struct registry_entry *e = r->all.after;
	if (e == &r->all)
		return NULL;
	e->before->after = e->after;
	e->after->before = e->before;
	e->after = &r->all;
	e->before = r->all.before;
	e->before->after = e->after->before = e;
	return e;
}

/*
 * A write lease is given where nobody else has the file open (fcntl(2)), and ends when the caller closes. Whoever opens
 * the file within that moment makes the kernel send a signal: not SIGIO, which would be passed on to the command.
 */
static enum idle try_lease(int fd)
{
	if (fcntl(fd, F_SETSIG, SIGCHLD) < 0)
		return UNKNOWN;
	if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0)
		return IDLE;
	return errno == EAGAIN || errno == EBUSY ? BUSY : UNKNOWN;
}

static int backing_of(struct inode *inode, dev_t dev, ino_t ino, int *ret)
{
	if (inode->ops->backing)
		return inode->ops->backing(inode, dev, ino, ret);
	return inode->ops->host ? inode->ops->host(inode, ret) : -EOPNOTSUPP;
}

/* What will not be otherwise the next time, or what a file system failed to do now (EIO), and is asked again. */
static enum idle of_failure(int error)
{
	static const int lasting[] = {EOPNOTSUPP, EACCES, EPERM, ENOENT, ESTALE, ETXTBSY, ENXIO, ENODEV};
	for (size_t i = 0; i < ARRAY_SIZE(lasting); i++) {
		if (error == lasting[i])
			return UNKNOWN;
	}
	return BUSY;
}

static enum idle ask_lease(struct inode *inode, dev_t dev, ino_t ino)
{
	char path[64];
	int host;
	if (inode->type != S_IFREG)
		return UNKNOWN;
	int r = backing_of(inode, dev, ino, &host);
	if (r < 0)
		return of_failure(-r);
	AUTO_CLOSE int object = host;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", object);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? of_failure(errno) : try_lease(fd);
}

/*
 * Outside the lock, since filesystems take theirs. The backing of a device node is the host's device, which others have
 * too.
 */
static enum idle ask(struct inode *inode, dev_t dev, ino_t ino, bool unlinked)
{
	if (inode->type == S_IFCHR || inode->type == S_IFBLK)
		return UNKNOWN;
	if (inode->ops->in_use)
		return inode->ops->in_use(inode) ? BUSY : IDLE;
	return unlinked ? ask_lease(inode, dev, ino) : UNKNOWN;
}

/* Nobody can tell: not asked again because its name is gone. */
static void give_up(struct registry *r, struct registry_entry *e)
{
	r->unlinked_count -= e->unlinked;
	e->unlinked = false;
}

/* registry.lock is held, released to ask, and held again. Is e, which may be gone meanwhile, idle and still there? */
static bool is_idle_file(struct vfs *v, struct registry_entry *e)
{
	struct registry *r = &v->registry;
	const dev_t dev = e->dev;
	const ino_t ino = e->ino;
	const unsigned opened = e->opened;
	const bool unlinked = e->unlinked, uncounted = e->uncounted;
	struct path p = e->path;
	path_get(&p);
	(void)pthread_mutex_unlock(&r->lock);
	/* Who listens to it would hear us asking; and knows. */
	bool heard = watch_hears(v, path_inode(&p));
	enum idle idle = heard ? BUSY : uncounted ? UNKNOWN : ask(path_inode(&p), dev, ino, unlinked);
	path_put(&p);
	(void)pthread_mutex_lock(&r->lock);
	if (registry_find_locked(r, dev, ino) != e || e->opened != opened)
		return false;
	if (idle == UNKNOWN)
		give_up(r, e);
	return idle == IDLE || (idle == UNKNOWN && r->count > FORCED * r->max && !e->used);
}

static bool is_idle_scratch(const struct registry *r, const struct registry_entry *e)
{
	if (e->watched && e->open_count == 0)
		return true;
	return r->scratch_count > FORCED * r->scratch_max && !e->used;
}

static bool is_idle(struct vfs *v, struct registry_entry *e)
{
	return e->kind == BACKING_SCRATCH ? is_idle_scratch(&v->registry, e) : is_idle_file(v, e);
}

static bool is_wanted(const struct registry *r, const struct registry_entry *e)
{
	if (e->unlinked)
		return true;
	return e->kind == BACKING_SCRATCH ? r->scratch_count > r->scratch_max : r->count > r->max;
}

void registry_trim(struct vfs *v)
{
	struct registry *r = &v->registry;
	struct registry_entry *gone[TRIM_BATCH];
	size_t count = 0;
	int asked = 0, looked = 0;
	(void)pthread_mutex_lock(&r->lock);
	scratch_note_closed(v);
	for (int i = 0; i < TRIM_PASSED && looked < TRIM_BATCH && asked < TRIM_ASKED; i++) {
		struct registry_entry *e = rotate(r);
		if (!e)
			break;
		if (!is_wanted(r, e))
			continue;
		looked++;
		if (e->used && !e->unlinked) {
			e->used = false;
			continue;
		}
		asked += e->kind != BACKING_SCRATCH;
		if (is_idle(v, e)) {
			registry_remove_locked(r, e);
			gone[count++] = e;
		}
	}
	(void)pthread_mutex_unlock(&r->lock);
	while (count > 0)
		registry_entry_destroy(gone[--count]);
}

/* e takes the place of the one that was removed longest ago. */
static void remember_removed(struct vfs *v, const struct registry_entry *e, struct registry_names *old)
{
	struct registry *r = &v->registry;
	unsigned at = r->removed_next++ % REGISTRY_REMOVED_DIRS;
	struct registry_entry *last = registry_find_locked(r, r->removed[at].dev, r->removed[at].ino);
	/* The number may have been used again. */
	if (last && last != e && last->kind == BACKING_HOST_DIR && dentry_flags(last->path.dentry) & DENTRY_REMOVED)
		(void)registry_bury_locked(v, last, old);
	r->removed[at].dev = e->dev;
	r->removed[at].ino = e->ino;
}

/*
 * Is e about what lost the name d? Of a directory each mount has its own; a file may have been opened by other names,
 * and not by this one.
 */
static bool is_about(const struct registry_entry *e, const struct dentry *d)
{
	if (e->unlinked)
		return false;
	return e->kind == BACKING_FILE || e->kind == BACKING_STAND_IN ? registry_is_gone_locked(e) : e->path.dentry == d;
}

/* Of a file there is an entry for each layer's that it stood on; and a directory has some more with each mount. */
enum { UNLINKED_MAX = 4 };

struct unlinked {
	const struct registry_entry *seen[UNLINKED_MAX];
	struct registry_entry *gone[UNLINKED_MAX];	/* to be destroyed */
	struct registry_names old[UNLINKED_MAX];
	unsigned count;
};

static bool is_seen(const struct unlinked *u, const struct registry_entry *e)
{
	for (unsigned i = 0; i < u->count; i++) {
		if (u->seen[i] == e)
			return true;
	}
	return false;
}

static struct registry_entry *find_about(struct registry *r, const struct unlinked *u, const struct dentry *d)
{
	struct registry_entry *e = NULL;
	do
		e = registry_next_of_inode_locked(r, e, d->inode);
	while (e && (is_seen(u, e) || !is_about(e, d)));
	return e;
}

/*
 * Does a guest's inotify watch the host's object, or its directory, which the object keeps there while it is there
 * itself?
 */
static bool is_host_watched(const struct registry_entry *e)
{
	if (atomic_load(&path_inode(&e->path)->host_watched))
		return true;
	vfs_read_lock();
	const struct dentry *parent = dentry_name(e->path.dentry)->parent;
	bool watched = parent && parent->inode && atomic_load(&parent->inode->host_watched);
	vfs_read_unlock();
	return watched;
}

/* A file of which no name is left, inside the tree or outside. */
static bool may_bury_file(const struct registry_entry *e)
{
	const struct inode *inode = path_inode(&e->path);
	struct statx stx;
	return e->kind == BACKING_FILE && inode->type == S_IFREG && inode->super->ops->exhume && is_host_watched(e) &&
	       inode->ops->getattr(path_inode(&e->path), &stx) == 0 && stx.stx_nlink == 0;
}

static void unlinked_locked(struct vfs *v, struct registry_entry *e, struct unlinked *u)
{
	struct registry *r = &v->registry;
	unsigned i = u->count++;
	u->seen[i] = e;
	/* IN_DELETE_SELF comes when nobody has the object any more. */
	if (e->kind == BACKING_HOST_DIR) {
		if (!is_host_watched(e) || registry_bury_locked(v, e, &u->old[i]) < 0)
			remember_removed(v, e, &u->old[i]);
		return;
	}
	if (may_bury_file(e) && registry_bury_locked(v, e, &u->old[i]) == 0)
		return;
	r->unlinked_count++;
	e->unlinked = true;
	scratch_note_closed(v);
	if (!is_idle(v, e))
		return;
	registry_remove_locked(r, e);
	u->gone[i] = e;
}

void registry_unlinked(struct vfs *v, const struct path *p)
{
	struct registry *r = &v->registry;
	struct unlinked u = {0};
	struct registry_entry *e;
	(void)pthread_mutex_lock(&r->lock);
	while (u.count < UNLINKED_MAX && (e = find_about(r, &u, p->dentry)))
		unlinked_locked(v, e, &u);
	if (dentry_flags(p->dentry) & DENTRY_HAS_REMAINS)
		registry_leave_locked(v, p->dentry);
	(void)pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < u.count; i++) {
		registry_entry_destroy(u.gone[i]);
		registry_names_finish(&u.old[i]);
	}
	/*
	 * Names that it is known not to have keep it, and with it a descriptor of ours. They were looked for lately,
	 * mostly; others go with their turn.
	 */
	if (dentry_is_dir(p->dentry))
		dentry_forget_below(v, p->dentry, atomic_load(&path_inode(p)->host_watched) ? SIZE_MAX : LATELY);
}

/* ---- for watches ---- */

/* registry.lock held. */
static bool scratch_is_open(const struct registry_entry *e)
{
	return !e->watched || e->open_count > 0;
}

bool registry_is_open(struct vfs *v, struct inode *inode)
{
	struct registry *r = &v->registry;
	struct { dev_t dev; ino_t ino; } files[UNLINKED_MAX];
	unsigned count = 0;
	bool open = false;
	(void)pthread_mutex_lock(&r->lock);
	scratch_note_closed(v);
	for (struct registry_entry *e = NULL; (e = registry_next_of_inode_locked(r, e, inode));) {
		if (e->kind == BACKING_SCRATCH) {
			open = open || scratch_is_open(e);
		} else if (count < UNLINKED_MAX) {
			files[count].dev = e->dev;
			files[count++].ino = e->ino;
		}
	}
	(void)pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < count && !open; i++)
		open = ask(inode, files[i].dev, files[i].ino, true) == BUSY;
	return open;
}

static bool is_near(const struct path *p, const struct inode *inode)
{
	if (path_inode(p) == inode)
		return true;
	vfs_read_lock();
	const struct dentry *parent = dentry_name(p->dentry)->parent;
	bool near = parent && parent->inode == inode;
	vfs_read_unlock();
	return near;
}

/* registry.lock held. By which of the names that it was opened by is it inode, or in that? NULL: none. */
static const struct path *near_name(const struct registry_entry *e, const struct inode *inode)
{
	for (int mark = e->name_count; mark >= 0; mark--) {
		const struct path *p = mark ? &e->names[mark - 1] : &e->path;
		if (is_near(p, inode))
			return p;
	}
	return NULL;
}

ssize_t registry_list_opened(struct vfs *v, const struct inode *inode, struct registry_opened **ret)
{
	enum { NEAR_MAX = 1024 };
	struct registry *r = &v->registry;
	size_t count = 0;
	struct registry_opened *list = calloc(NEAR_MAX, sizeof(*list));
	if (!list)
		return -ENOMEM;
	(void)pthread_mutex_lock(&r->lock);
	scratch_note_closed(v);
	for (const struct registry_entry *e = r->all.after; e != &r->all && count < NEAR_MAX; e = e->after) {
		const struct path *p = e->kind == BACKING_SCRATCH && !scratch_is_open(e) ? NULL : near_name(e, inode);
		if (!p)
			continue;
		int fd = e->kind == BACKING_SCRATCH ? fcntl(e->fd, F_DUPFD_CLOEXEC, 0) : -1;
		list[count++] = (struct registry_opened){.path = *p, .dev = e->dev, .ino = e->ino, .fd = fd};
		path_get(p);
	}
	(void)pthread_mutex_unlock(&r->lock);
	*ret = list;
	return (ssize_t)count;
}

int registry_opened_backing(struct registry_opened *o)
{
	struct inode *inode = path_inode(&o->path);
	if (o->fd >= 0)
		return 0;
	if (ask(inode, o->dev, o->ino, true) == IDLE)
		return -ENOENT;
	return backing_of(inode, o->dev, o->ino, &o->fd);
}

void registry_opened_finish(struct registry_opened *o)
{
	if (o->fd >= 0)
		(void)close(o->fd);
	path_put(&o->path);
}
