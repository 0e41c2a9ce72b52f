/* Walks from their beginning to their end, as often as it takes: to an object, or to the directory of the last name. */
#include <string.h>

#include "kernel/vfs/vfs_private.h"

static int walk_once(struct walk *w, const struct walk_env *env, const struct path *base, const char *name,
		     unsigned flags, struct path *ret)
{
	int r = walk_begin(w, env, base, name, flags);
	if (!r && *name) {
		do {
			r = walk_to_last(w);
			if (!r)
				r = walk_last(w);
		} while (r > 0);
	}
	if (!r && w->flags & WALK_DIRECTORY && !dentry_is_dir(w->cur.dentry))
		r = -ENOTDIR;
	if (!r)
		r = walk_take(w, ret);
	r = walk_settle(w, r);
	walk_end(w);
	return r;
}

int vfs_walk(const struct walk_env *env, const struct path *base, const char *name, unsigned flags, struct path *ret)
{
	struct walk w;
	int err;
	walk_init(&w);
	do
		err = walk_once(&w, env, base, name, flags, ret);
	while (err == WALK_RESTART);
	return err;
}

int vfs_walk_getattr(const struct walk_env *env, const struct path *base, const char *name, unsigned flags,
		     struct path *ret, struct statx *ret_attr)
{
	struct walk w;
	int err;
	walk_init(&w);
	w.attr = ret_attr;
	do
		err = walk_once(&w, env, base, name, flags, ret);
	while (err == WALK_RESTART);
	if (!err && !w.has_attr) {
		err = vfs_getattr(ret, ret_attr);
		if (err)
			path_put(ret);
	}
	return err;
}

static int parent_once(struct walk *w, const struct walk_env *env, const struct path *base, const char *name,
		       struct walk_end *ret)
{
	int err = walk_begin(w, env, base, name, 0);
	if (!err)
		err = walk_to_last(w);
	if (!err)
		err = walk_take(w, &ret->dir);
	if (!err) {
		ret->type = w->last;
		ret->slash = w->slash;
		ret->len = w->last == LAST_NORMAL ? w->len : 0;
		size_t kept = ret->len <= VFS_NAME_MAX ? ret->len : 0;
		memcpy(ret->name, w->name, kept);
		ret->name[kept] = '\0';
	}
	err = walk_settle(w, err);
	walk_end(w);
	return err;
}

int vfs_walk_parent(const struct walk_env *env, const struct path *base, const char *name, struct walk_end *ret)
{
	struct walk w;
	int err;
	walk_init(&w);
	do
		err = parent_once(&w, env, base, name, ret);
	while (err == WALK_RESTART);
	return err;
}

int vfs_walk_above(const struct walk_env *env, const struct path *base, const char *name)
{
	struct walk_end end;
	int err = vfs_walk_parent(env, base, name, &end);
	if (!err)
		walk_end_finish(&end);
	return err;
}

void walk_end_finish(struct walk_end *e)
{
	path_put(&e->dir);
}
