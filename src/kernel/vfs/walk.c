/*
 * The path walk (path_resolution(7), openat2(2)).
 *
 * It runs in a read-side section and borrows what it stands on; to ask a filesystem it leaves the section, with
 * references to what it still needs. When a dentry died under it, it begins again, which nobody can tell from having
 * begun later. Names that are to be checked are checked together (struct walk), since each question costs a host call.
 */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

enum { SCOPED = WALK_BENEATH | WALK_IN_ROOT };

/* Forget the reference to what was asked for last; cur stays readable since this is a read-side section. */
static void hold(struct walk *w, struct dentry *d)
{
	struct dentry *old = w->held;
	w->held = d;
	dentry_put(w->vfs, old);
}

/* Keep d alive outside the read-side section, in *slot. */
static int keep(struct walk *w, struct dentry **slot, struct dentry *d)
{
	struct dentry *old = *slot;
	if (old == d)
		return 0;
	if (!dentry_ref_unless_dead(d))
		return WALK_RESTART;
	*slot = d;
	dentry_put(w->vfs, old);
	return 0;
}

static int hold_cur(struct walk *w)
{
	return keep(w, &w->held, w->cur.dentry);
}

/* Mounts and the caller have references of their own. */
static bool is_kept(const struct walk *w, const struct dentry *d)
{
	return d == w->cur.mount->root || d == w->start || d == w->env->root.dentry;
}

/*
 * Leave the read-side section, to ask about d: an answer of the host may take for ever, and what is freed behind
 * readers waits for them all. What the walk still needs of the cache is kept. come_back is due if there is no error.
 */
static int go_out(struct walk *w, struct dentry *d)
{
	int err = d == w->cur.dentry ? 0 : keep(w, &w->aside, d);
	if (w->asked != w->cur.dentry)
		w->asked = NULL;	/* it may be let go of now */
	if (!err)
		err = hold_cur(w);
	if (!err && w->unchecked && !is_kept(w, w->unchecked))
		err = keep(w, &w->above, w->unchecked);
	if (!err)
		vfs_read_unlock();
	return err;
}

static void come_back(void)
{
	vfs_read_lock();
}

static bool same_path(const struct path *a, const struct path *b)
{
	return a->dentry == b->dentry && a->mount == b->mount;
}

/* Absolute names and links. first: the name itself, for which leaving no mount counts as not crossing one. */
static int jump_to_root(struct walk *w, bool first)
{
	if (w->flags & WALK_BENEATH)
		return -EXDEV;
	/* nd_jump_root of Linux: nor is a root that was not asked for before on any mount. */
	if (w->flags & WALK_NO_XDEV && !first && (!w->root_known || w->cur.mount != w->root.mount))
		return -EXDEV;
	w->root_known = true;
	w->cur = w->root;
	return 0;
}

int walk_begin(struct walk *w, const struct walk_env *env, const struct path *base, const char *name, unsigned flags)
{
	const struct path *start = base ? base : &env->cwd;
	w->env = env;
	w->vfs = env->vfs;
	w->flags = flags;
	w->cur = *start;
	w->start = start->dentry;
	w->held = w->aside = w->above = NULL;
	w->root = flags & SCOPED ? *start : env->root;
	w->root_known = flags & SCOPED;
	/* Odd: a rename is under way, which counts as one that came later. */
	w->rename_seq = atomic_load(&env->vfs->rename_seq) & ~1u;
	w->missing = w->has_attr = w->at_last = false;
	w->unchecked = NULL;
	w->asked = NULL;
	w->links = w->depth = w->bodies = 0;
	w->last = LAST_ROOT;
	w->slash = false;
	w->rest = w->name = name;
	w->len = 0;
	vfs_read_lock();
	size_t len = strnlen(name, VFS_PATH_MAX);
	if (len >= VFS_PATH_MAX)
		return -ENAMETOOLONG;
	if (len == 0)
		return flags & WALK_EMPTY ? 0 : -ENOENT;
	/* path_init: whatever the name is, what it starts from must be a directory. */
	if ((name[0] != '/' || flags & WALK_IN_ROOT) && !dentry_is_dir(start->dentry))
		return -ENOTDIR;
	return name[0] == '/' ? jump_to_root(w, true) : 0;
}

void walk_end(struct walk *w)
{
	vfs_read_unlock();
	dentry_put(w->vfs, w->held);
	dentry_put(w->vfs, w->aside);
	dentry_put(w->vfs, w->above);
	for (unsigned i = 0; i < w->bodies; i++)
		free(w->body[i]);
	w->held = w->aside = w->above = NULL;
	w->bodies = 0;
}

/* What is mounted there counts, not what it is mounted on. */
static int cross_down(struct walk *w, struct path *p)
{
	while (dentry_flags(p->dentry) & DENTRY_MOUNTED) {
		struct mount *m = mount_on(p->mount, p->dentry);
		if (!m)
			break;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		*p = (struct path){.mount = m, .dentry = m->root};
		w->unchecked = NULL;
	}
	return 0;
}

/* ---- checking what was believed ---- */

/* The names from above down to d. */
static bool name_below(const struct dentry *above, const struct dentry *d, char buf[VFS_PATH_MAX], const char **ret)
{
	size_t at = VFS_PATH_MAX;
	while (d && d != above) {
		const struct dentry_name *n = dentry_name(d);
		if (n->len + 1u > at)
			return false;
		at -= n->len + 1u;
		memcpy(buf + at, n->text, n->len);
		buf[at + n->len] = at + n->len + 1 == VFS_PATH_MAX ? '\0' : '/';
		d = n->parent;
	}
	*ret = buf + at;
	return d && at < VFS_PATH_MAX;
}

static int ask_or_open(struct walk *w, struct inode *from, const char *name, struct inode *inode, bool opens,
		       struct statx *attr)
{
	if (opens)
		return from->ops->open_path(from, name, inode, w->open_flags, w->opened);
	return from->ops->revalidate_path(from, name, inode, attr);
}

/* Do the names that led to d still lead there? */
static int check_names(struct walk *w, struct dentry *d, bool opens, struct statx *attr)
{
	char buf[VFS_PATH_MAX];
	const char *name;
	struct dentry *from = w->unchecked;
	if (!from)
		return 0;
	bool asked = name_below(from, d, buf, &name);
	int err = asked ? go_out(w, d) : 0;
	w->unchecked = NULL;
	if (err)
		return err;
	if (asked) {
		err = ask_or_open(w, from->inode, name, d->inode, opens, attr);
		come_back();
		if (!err)
			return 0;
	}
	w->strict = true;
	return WALK_RESTART;
}

static int check_believed(struct walk *w, struct dentry *d, struct statx *attr)
{
	return check_names(w, d, false, attr);
}

/* The walk is over. */
static int check_or_open(struct walk *w)
{
	struct dentry *d = w->cur.dentry;
	bool opens = w->opened && w->unchecked && d->inode->type == S_IFREG && !(w->flags & WALK_DIRECTORY) &&
		     w->unchecked->inode->ops->open_path;
	return check_names(w, d, opens, w->attr);
}

/* A name that the cache knows: does it hold? 1: yes; 0: no; or an error. */
static int believe_or_check(struct walk *w, struct dentry *d)
{
	struct dentry *dir = w->cur.dentry;
	const unsigned flags = dentry_flags(d);
	if (flags & (DENTRY_MOUNTED | DENTRY_GHOST))
		return 1;
	if (!(flags & DENTRY_CHECKED))
		return !dentry_is_stale(d);
	if (!w->strict && dir->inode->ops->revalidate_path) {
		if (!w->unchecked)
			w->unchecked = dir;
		return 1;
	}
	int err = go_out(w, d);
	if (err)
		return err;
	bool holds = vfs_name_holds(w->vfs, dir, d);
	come_back();
	return holds;
}

static int ask(struct walk *w, struct dentry **ret)
{
	struct dentry *d = NULL;
	int err = check_believed(w, w->cur.dentry, NULL);
	if (!err)
		err = hold_cur(w);
	if (err)
		return err;
	struct dentry *dir = w->cur.dentry;
	bool got;
	w->asked = NULL;
	vfs_read_unlock();
	err = vfs_lookup_one(w->vfs, dir, w->name, w->len, &d, w->at_last ? w->attr : NULL, &got);
	vfs_read_lock();
	if (err)
		return err;
	if (!d)
		return -ENOENT;
	hold(w, d);
	w->asked = got ? d : NULL;
	*ret = d;
	return 0;
}

/* The component w->name of cur: borrowed. */
static int find_child(struct walk *w, struct dentry **ret)
{
	if (w->len > VFS_NAME_MAX)
		return dentry_flags(w->cur.dentry) & DENTRY_REMOVED ? -ENOENT : -ENAMETOOLONG;
	struct dentry *d = dcache_find(w->vfs, w->cur.dentry, w->name, w->len);
	if (!d && w->makes && w->at_last && vfs_maker_finds_out(w->cur.dentry)) {
		int err = check_believed(w, w->cur.dentry, NULL);
		return err ? err : -ENOENT;
	}
	int holds = d ? believe_or_check(w, d) : 0;
	if (holds <= 0)
		return holds < 0 ? holds : ask(w, ret);
	if (!d->inode) {
		if (atomic_load_explicit(&w->cur.dentry->inode->names_came, memory_order_relaxed))
			return ask(w, ret);
		int err = check_believed(w, d, NULL);
		return err ? err : -ENOENT;
	}
	*ret = d;
	return 0;
}

static int walk_dotdot(struct walk *w)
{
	struct path p = w->cur;
	w->root_known = true;
	int err = check_believed(w, p.dentry, NULL);
	if (err)
		return err;
	if (same_path(&p, &w->root))
		return w->flags & WALK_BENEATH ? -EXDEV : 0;
	while (p.dentry == p.mount->root) {
		if (!p.mount->parent)
			return 0;
		p = (struct path){.mount = p.mount->parent, .dentry = p.mount->point};
		if (same_path(&p, &w->root))
			return w->flags & WALK_BENEATH ? -EXDEV : 0;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
	}
	struct dentry *parent = dentry_name(p.dentry)->parent;
	if (!parent)
		return 0;
	/* A directory above may have been moved out of the scope since. */
	if (w->flags & SCOPED && atomic_load(&w->vfs->rename_seq) != w->rename_seq)
		return -EAGAIN;
	p.dentry = parent;
	err = cross_down(w, &p);
	if (!err)
		w->cur = p;
	return err;
}

/* ---- symbolic links ---- */

/* Magic links lead to an object, not to a name. */
static int follow_magic(struct walk *w, struct inode *link)
{
	struct path p = {0};
	if (w->flags & WALK_NO_MAGICLINKS)
		return -ELOOP;
	int err = link->ops->follow(link, (struct walk_env *)w->env, &p);
	if (err)
		return err;
	if (w->flags & SCOPED || (w->flags & WALK_NO_XDEV && p.mount != w->cur.mount)) {
		path_put(&p);
		return -EXDEV;
	}
	hold(w, p.dentry);
	w->cur = p;
	w->rest = "";
	return 0;
}

static int follow_text(struct walk *w, struct inode *link)
{
	char buf[VFS_PATH_MAX];
	if (!link->ops->readlink && !link->ops->readlink_as)
		return -EINVAL;
	ssize_t len = link->ops->readlink_as ? link->ops->readlink_as(link, w->env, buf, sizeof(buf)) :
					       link->ops->readlink(link, buf, sizeof(buf));
	if (len < 0)
		return (int)len;
	if (len == 0)
		return -ENOENT;
	if (len >= VFS_PATH_MAX)
		return -ENAMETOOLONG;
	char *body = malloc((size_t)len + 1);
	if (!body)
		return -ENOMEM;
	memcpy(body, buf, (size_t)len);
	body[len] = '\0';
	w->body[w->bodies++] = body;
	w->rest = body;
	return body[0] == '/' ? jump_to_root(w, false) : 0;
}

/* Go on with where the link at the current component leads; what is left of the name waits. */
static int follow_link(struct walk *w, struct dentry *link)
{
	int err = check_believed(w, link, NULL);
	if (err)
		return err;
	if (w->links++ >= VFS_SYMLINKS_MAX || w->flags & WALK_NO_SYMLINKS)
		return -ELOOP;
	if (*w->rest)
		w->stack[w->depth++] = w->rest;
	const bool asks = !(link->inode->super->flags & SUPER_IN_MEMORY);
	if (asks)
		err = go_out(w, link);
	if (err)
		return err;
	err = link->inode->ops->follow ? follow_magic(w, link->inode) : follow_text(w, link->inode);
	if (asks)
		come_back();
	return err;
}

/* ---- components ---- */

static const char *skip_slashes(const char *s)
{
	while (*s == '/')
		s++;
	return s;
}

/* Split the next component off; false: there is none. */
static bool next_component(struct walk *w)
{
	const char *s = skip_slashes(w->rest);
	while (!*s && w->depth > 0)
		s = skip_slashes(w->stack[--w->depth]);
	w->rest = s;
	if (!*s)
		return false;
	w->name = s;
	w->len = (size_t)(strchrnul(s, '/') - s);
	w->slash = s[w->len] == '/';
	w->rest = skip_slashes(s + w->len);
	w->last = LAST_NORMAL;
	if (s[0] == '.' && w->len == 1)
		w->last = LAST_DOT;
	else if (s[0] == '.' && s[1] == '.' && w->len == 2)
		w->last = LAST_DOTDOT;
	return true;
}

/* Go to the current component. 1: a link that is being followed. */
static int step(struct walk *w, bool follow)
{
	struct dentry *d;
	if (w->last == LAST_DOTDOT)
		return walk_dotdot(w);
	if (w->last != LAST_NORMAL)
		return 0;
	int err = find_child(w, &d);
	if (err)
		return err;
	struct path p = {.mount = w->cur.mount, .dentry = d};
	err = cross_down(w, &p);
	if (err)
		return err;
	if (follow && dentry_flags(p.dentry) & DENTRY_SYMLINK) {
		err = follow_link(w, p.dentry);
		return err ? err : 1;
	}
	w->cur = p;
	return 0;
}

/* "." or ".." at the end: nothing is looked up in the directory, at which the host would say who may. */
static int search_end(struct walk *w, struct inode *dir)
{
	if (!permission_search_end_asks(w->env, dir))
		return 0;
	int err = go_out(w, w->cur.dentry);
	if (err)
		return err;
	err = permission_search_end(w->env, dir);
	come_back();
	return err;
}

/* Search permission where the walk stands. */
static int search(struct walk *w)
{
	struct inode *dir = w->cur.dentry->inode;
	if (w->last != LAST_NORMAL && !*w->rest && w->depth == 0 && permission_is_hosts(w->env, dir))
		return search_end(w, dir);
	if (!permission_search_asks(w->env, dir))
		return permission_search(w->env, dir);
	int err = go_out(w, w->cur.dentry);
	if (err)
		return err;
	err = permission_search(w->env, dir);
	come_back();
	return err;
}

int walk_to_last(struct walk *w)
{
	for (;;) {
		if (!next_component(w)) {
			w->last = LAST_ROOT;
			w->slash = false;
			return 0;
		}
		if (!dentry_is_dir(w->cur.dentry))
			return -ENOTDIR;
		int err = search(w);
		if (err)
			return err;
		if (!*w->rest && w->depth == 0)
			return 0;
		err = step(w, true);
		if (err < 0)
			return err;
	}
}

int walk_last(struct walk *w)
{
	if (w->last == LAST_NORMAL && w->slash)
		w->flags |= WALK_FOLLOW | WALK_DIRECTORY;
	unsigned links = w->links;
	w->at_last = !w->slash;
	int r = step(w, w->flags & WALK_FOLLOW);
	w->at_last = false;
	w->missing = r == -ENOENT && w->last == LAST_NORMAL && w->links == links && w->len <= VFS_NAME_MAX;
	return r;
}

/* Renames while we walked may have taken us out of the scope, "" and ".." apart. */
static int check_scope(const struct walk *w)
{
	if (!(w->flags & SCOPED) || atomic_load(&w->vfs->rename_seq) == w->rename_seq)
		return 0;
	struct path p = w->cur;
	while (!same_path(&p, &w->root)) {
		if (p.dentry == p.mount->root) {
			if (!p.mount->parent)
				return -EXDEV;
			p = (struct path){.mount = p.mount->parent, .dentry = p.mount->point};
			continue;
		}
		p.dentry = dentry_name(p.dentry)->parent;
		if (!p.dentry)
			return -EXDEV;
	}
	return 0;
}

int walk_take(struct walk *w, struct path *ret)
{
	w->has_attr = w->attr && (w->unchecked || w->asked == w->cur.dentry);
	int err = check_or_open(w);
	if (!err)
		err = check_scope(w);
	if (!err)
		err = hold_cur(w);
	if (err && w->opened)
		vfs_opened_drop(w->opened);
	if (err)
		return err;
	*ret = w->cur;
	w->held = NULL;
	return 0;
}

int walk_settle(struct walk *w, int r)
{
	if (r < 0 && r != WALK_RESTART && w->unchecked) {
		w->strict = true;
		return WALK_RESTART;
	}
	return r;
}
