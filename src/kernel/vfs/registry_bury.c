/*
 * What is open and has no name any more, but would keep too much: its entry stands for what remains of it.
 *
 * A removed directory of the host costs hostfs a descriptor as long as it is known, and nothing tells when guests close
 * theirs; and who watches an object or its directory waits for the end of both. So when many others were removed since,
 * or somebody watches, an entry's names lead to remains (ghost.c) with its last attributes. Who comes with a descriptor
 * gets at the object itself through that (ghost_exhume). They are shown where they were, and ".." is the directory that
 * they were in. When that is removed too it is not kept for their sake: remains of its own take its place
 * (registry_leave_locked).
 */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

/* Of directories that are all removed; what is above shows as text only. */
enum { REMOVED_ABOVE_MAX = 16 };

/* Shown by its text: nothing is above it. */
static int create_text(struct vfs *v, const struct path *of, struct inode *inode, struct dentry **ret)
{
	char name[VFS_PATH_MAX];
	struct walk_env env = {.vfs = v};
	vfs_root(v, &env.root);
	ssize_t len = vfs_shown_name(&env, of, name, sizeof(name));
	path_put(&env.root);
	return dentry_create_unhashed(NULL, len > 0 ? name : "/ (deleted)", inode, DENTRY_REMOVED | DENTRY_ANONYMOUS, ret);
}

/* The directory that d is in or was in, a reference, and a copy of its name there; NULL: none. */
static struct dentry *parent_of(struct dentry *d, char name[VFS_NAME_MAX + 1])
{
	vfs_read_lock();
	const struct dentry_name *n = dentry_name(d);
	struct dentry *parent = n->parent && n->len <= VFS_NAME_MAX ? n->parent : NULL;
	if (parent && !dentry_ref_unless_dead(parent))
		parent = NULL;
	if (parent)
		memcpy(name, n->text, n->len + 1u);
	vfs_read_unlock();
	return parent;
}

static int create_remains(struct vfs *v, const struct path *of, struct inode *inode, unsigned depth, struct dentry **ret);

/* What is to be above the remains of something in dir, for which a reference is given and taken. NULL: nothing. */
static struct dentry *above(struct vfs *v, struct mount *mount, struct dentry *dir, unsigned depth)
{
	const struct path p = {.mount = mount, .dentry = dir};
	struct dentry *remains = NULL;
	struct inode *inode;
	if (!dir || ghost_is_remains(dir->inode))
		return dir;
	if (!(dentry_flags(dir) & DENTRY_REMOVED)) {
		atomic_fetch_or(&dir->flags, DENTRY_HAS_REMAINS);
		return dir;
	}
	if (depth < REMOVED_ABOVE_MAX && ghost_create_remains(v->ghosts, dir->inode, false, &inode) == 0 &&
	    create_remains(v, &p, inode, depth + 1, &remains) < 0)
		remains = NULL;
	dentry_put(v, dir);
	return remains;
}

/* One of its names. inode: a reference, taken over. */
static int create_remains(struct vfs *v, const struct path *of, struct inode *inode, unsigned depth, struct dentry **ret)
{
	char name[VFS_NAME_MAX + 1];
	bool text = dentry_flags(of->dentry) & DENTRY_ANONYMOUS;
	struct dentry *dir = text ? NULL : above(v, of->mount, parent_of(of->dentry, name), depth);
	if (!dir)
		return create_text(v, of, inode, ret);
	int err = dentry_create_unhashed(dir, name, inode, DENTRY_REMOVED, ret);
	dentry_put(v, dir);
	return err;
}

/* All names of e, the first first. *ret: .names is owned by the caller. */
static int copy_names(const struct registry_entry *e, struct registry_names *ret)
{
	ret->names = calloc(e->name_count + 1u, sizeof(*ret->names));
	if (!ret->names)
		return -ENOMEM;
	ret->count = e->name_count + 1u;
	ret->names[0] = e->path;
	for (unsigned i = 0; i < e->name_count; i++)
		ret->names[i + 1] = e->names[i];
	return 0;
}

int registry_bury_locked(struct vfs *v, struct registry_entry *e, struct registry_names *old)
{
	struct registry_names names;
	struct inode *inode;
	int err = copy_names(e, &names);
	if (err)
		return err;
	err = ghost_create_remains(v->ghosts, path_inode(&e->path), true, &inode);
	if (err)
		names.count = 0;
	for (unsigned i = 0; i < names.count; i++) {
		struct path *p = &names.names[i];
		err = create_remains(v, p, inode_ref(inode), 0, &p->dentry);
		if (err) {
			names.count = i;
			inode_unref(inode);
			break;
		}
	}
	if (err) {
		registry_names_finish(&names);
		return err;
	}
	inode_unref(inode);
	registry_exchange_names_locked(&v->registry, e, &names);
	*old = names;
	return 0;
}

/* The remains at p have been in dir: now they are in what remains of that, a reference of which is given. */
static void move_below(struct vfs *v, struct path *p, const struct dentry *dir, struct dentry *remains)
{
	const struct dentry_name *n = dentry_name(p->dentry);	/* remains are not renamed */
	struct dentry *moved;
	if (n->parent != dir || !ghost_is_remains(path_inode(p)) ||
	    dentry_create_unhashed(remains, n->text, inode_ref(path_inode(p)), DENTRY_REMOVED, &moved) < 0)
		return;
	struct dentry *before = p->dentry;
	p->dentry = moved;
	dentry_put(v, before);
}

void registry_leave_locked(struct vfs *v, struct dentry *dir)
{
	struct registry *r = &v->registry;
	struct dentry *remains = NULL;
	for (struct registry_entry *e = r->all.after; e != &r->all; e = e->after) {
		if (!ghost_is_remains(path_inode(&e->path)))
			continue;
		if (!remains) {
			dentry_ref(dir);
			remains = above(v, e->path.mount, dir, 0);
		}
		if (!remains)
			return;
		move_below(v, &e->path, dir, remains);
		for (unsigned i = 0; i < e->name_count; i++)
			move_below(v, &e->names[i], dir, remains);
	}
	dentry_put(v, remains);
}
