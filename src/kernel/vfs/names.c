/* The names of things: from the dentry up to the root, and for the host. */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

/* A name that is written from its end. */
struct backwards {
	char *buf;
	size_t at;	/* first byte written */
	bool full;
};

static void put_front(struct backwards *b, const char *text, size_t len)
{
	if (b->full || len > b->at) {
		b->full = true;
		return;
	}
	b->at -= len;
	memcpy(b->buf + b->at, text, len);
}

/* In a read-side section. false: the top of everything was reached, and it was not root. */
static bool climb(const struct path *root, struct path p, struct backwards *b)
{
	while (p.dentry != root->dentry || p.mount != root->mount) {
		if (p.dentry == p.mount->root) {
			if (!p.mount->parent)
				return false;
			p = (struct path){.mount = p.mount->parent, .dentry = p.mount->point};
			continue;
		}
		const struct dentry_name *n = dentry_name(p.dentry);
		if (!n->parent)
			return false;
		put_front(b, n->text, n->len);
		put_front(b, "/", 1);
		p.dentry = n->parent;
	}
	return true;
}

/* Write the name with tail, and move it to the front of buf. reachable may be NULL. */
static ssize_t compose(const struct walk_env *env, const struct path *p, const char *tail, char *buf, size_t size,
		       bool *reachable)
{
	struct backwards b;
	unsigned seq;
	vfs_read_lock();
	do {
		seq = atomic_load(&env->vfs->rename_seq);
		b = (struct backwards){.buf = buf, .at = size};
		put_front(&b, tail, strlen(tail) + 1);
		size_t empty = b.at;
		*reachable = climb(&env->root, *p, &b);
		if (b.at == empty)
			put_front(&b, "/", 1);
	} while (seq & 1 || seq != atomic_load(&env->vfs->rename_seq));
	vfs_read_unlock();
	if (b.full)
		return -ERANGE;
	memmove(buf, buf + b.at, size - b.at);
	return (ssize_t)(size - b.at);
}

static bool is_unlinked(const struct path *p)
{
	return p->dentry != p->mount->root && !(dentry_flags(p->dentry) & (DENTRY_HASHED | DENTRY_ANONYMOUS));
}

/* Directories of the host go behind our back. */
static bool is_removed_outside(const struct path *p)
{
	struct inode *inode = path_inode(p);
	struct statx st;
	if (!(inode->super->flags & SUPER_REVALIDATES))
		return false;
	int err = inode->ops->getattr(inode, &st);
	return err == -ESTALE || (err == 0 && st.stx_nlink == 0);
}

static ssize_t name_of(const struct walk_env *env, const struct path *p, char *buf, size_t size, bool *reachable)
{
	if (is_unlinked(p) || dentry_flags(p->dentry) & DENTRY_ANONYMOUS || is_removed_outside(p))
		return -ENOENT;
	return compose(env, p, "", buf, size, reachable);
}

ssize_t vfs_name(const struct walk_env *env, const struct path *p, char *buf, size_t size)
{
	bool reachable;
	ssize_t len = name_of(env, p, buf, size, &reachable);
	return len >= 0 && !reachable ? -ENOENT : len;
}

ssize_t vfs_cwd_name(const struct walk_env *env, char *buf, size_t size)
{
	bool reachable;
	ssize_t len = name_of(env, &env->cwd, buf, size, &reachable);
	if (len < 0 || reachable)
		return len;
	static const char prefix[] = "(unreachable)";
	const size_t extra = strlen(prefix);
	if ((size_t)len + extra > size)
		return -ERANGE;
	memmove(buf + extra, buf, (size_t)len);
	memcpy(buf, prefix, extra);
	return len + (ssize_t)extra;
}

ssize_t vfs_shown_name(const struct walk_env *env, const struct path *p, char *buf, size_t size)
{
	bool reachable;
	if (!(dentry_flags(p->dentry) & DENTRY_ANONYMOUS))
		return compose(env, p, is_unlinked(p) ? " (deleted)" : "", buf, size, &reachable);
	const struct dentry_name *n = dentry_name(p->dentry);	/* anonymous dentries are not renamed */
	if (n->len >= size)
		return -ERANGE;
	memcpy(buf, n->text, n->len + 1u);
	return n->len + 1;
}

void dentry_come_by(const struct dentry *d)
{
	struct inode *inode = d->inode, *dir = NULL;
	char name[VFS_NAME_MAX + 1];
	if (!atomic_load_explicit(&inode->many_names, memory_order_relaxed) || !inode->ops->come_by ||
	    (dentry_flags(d) & (DENTRY_HASHED | DENTRY_REMOVED)) != DENTRY_HASHED)
		return;
	vfs_read_lock();
	const struct dentry_name *n = dentry_name(d);
	if (n->parent && n->len < sizeof(name) && inode_ref_unless_dead(n->parent->inode)) {
		dir = n->parent->inode;
		memcpy(name, n->text, n->len);
		name[n->len] = '\0';
	}
	vfs_read_unlock();
	if (dir)
		inode->ops->come_by(inode, dir, name);
	inode_unref(dir);
}
