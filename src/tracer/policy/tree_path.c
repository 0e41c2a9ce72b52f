#include "tracer/policy/tree_path.h"

#include <fcntl.h>
#include <string.h>

#include "kernel/task/task.h"

enum { LINKS_MAX = VFS_SYMLINKS_MAX };

static int descriptor_path(struct kernel *k, struct call_event *ev, int fd, struct path *ret)
{
	AUTO_CLOSE int own = -1;
	int r = ev->ops->get_fd(ev, fd, &own);
	return r < 0 ? r : vfs_identify(k->vfs, own, ret);
}

/* vfs_name counts the NUL. */
static ssize_t name_of(const struct walk_env *env, const struct path *p, char *buf, size_t size)
{
	ssize_t n = vfs_name(env, p, buf, size);
	return n > 0 ? n - 1 : n;
}

ssize_t tree_fd_path(struct kernel *k, struct call_event *ev, int fd, char *buf, size_t size)
{
	struct task_view task;
	ssize_t n = task_view(k->tasks, ev->tid, &task);
	if (n < 0)
		return n;
	struct path p = task.env.cwd;
	if (fd == AT_FDCWD)
		path_get(&p);
	else
		n = descriptor_path(k, ev, fd, &p);
	if (n == 0) {
		n = name_of(&task.env, &p, buf, size);
		path_put(&p);
	}
	task_view_finish(&task);
	return n;
}

struct target {
	char text[VFS_PATH_MAX];
	char *last;		/* in text: behind the last slash that divides */
};

/* Cut off the last component; false when there is none to cut. "a/b/" loses "b/". */
static bool split(struct target *t)
{
	size_t len = strlen(t->text);
	while (len > 1 && t->text[len - 1] == '/')
		t->text[--len] = '\0';
	char *slash = strrchr(t->text, '/');
	t->last = slash ? slash + 1 : t->text;
	return *t->last && strcmp(t->last, "..") != 0 && strcmp(t->last, ".") != 0;
}

/*
 * The object's name, or -ENOENT when it is not there. A link at the end that leads to nothing gives way to its target
 * (*name is replaced).
 */
static ssize_t existing(const struct walk_env *env, const struct path *base, const char *name, bool follow, char *buf,
			size_t size)
{
	struct path p;
	int r = vfs_walk(env, base, name, (follow ? WALK_FOLLOW : 0) | WALK_EMPTY, &p);
	if (r < 0)
		return r;
	ssize_t n = name_of(env, &p, buf, size);
	path_put(&p);
	return n;
}

/* A link that leads nowhere, as the last component: its text; 0: it is no link. */
static ssize_t dangling(const struct walk_env *env, const struct path *base, const char *name, char *buf, size_t size)
{
	struct path p;
	if (vfs_walk(env, base, name, 0, &p) < 0)
		return 0;
	ssize_t n = S_ISLNK(path_inode(&p)->type) ? vfs_readlink(env, &p, buf, size - 1) : 0;
	path_put(&p);
	if (n > 0)
		buf[n] = '\0';
	return n > 0 ? n : 0;
}

/* The name with its last component put behind what the rest of it is. */
static ssize_t missing(const struct walk_env *env, const struct path *base, const char *name, bool follow, unsigned links,
		       char *buf, size_t size)
{
	struct target t, link;
	if (strlen(name) >= sizeof(t.text) || links > LINKS_MAX)
		return links > LINKS_MAX ? -ELOOP : -ENAMETOOLONG;
	(void)strcpy(t.text, name);
	bool splits = split(&t);
	if (follow && splits && dangling(env, base, t.text, link.text, sizeof(link.text)) > 0) {
		char joined[VFS_PATH_MAX];
		int n = link.text[0] == '/' ? snprintf(joined, sizeof(joined), "%s", link.text) :
			snprintf(joined, sizeof(joined), "%.*s%s", (int)(t.last - t.text), t.text, link.text);
		if (n < 0 || (size_t)n >= sizeof(joined))
			return -ENAMETOOLONG;
		ssize_t r = existing(env, base, joined, true, buf, size);
		return r == -ENOENT ? missing(env, base, joined, true, links + 1, buf, size) : r;
	}
	if (!splits)
		return -ENOENT;
	char last[VFS_PATH_MAX];
	(void)strcpy(last, t.last);
	*t.last = '\0';
	const char *parent = *t.text ? t.text : ".";
	ssize_t n = existing(env, base, parent, true, buf, size);
	if (n == -ENOENT)
		n = missing(env, base, parent, true, links + 1, buf, size);
	if (n < 0)
		return n;
	if (n == 1)
		n = 0;	/* "/" */
	int more = snprintf(buf + n, size - (size_t)n, "/%s", last);
	return more < 0 || (size_t)more >= size - (size_t)n ? -ENAMETOOLONG : n + more;
}

ssize_t tree_path(struct kernel *k, struct call_event *ev, int dirfd, const char *name, bool follow, char *buf,
		  size_t size)
{
	struct task_view task;
	struct path base = {0};
	ssize_t n = task_view(k->tasks, ev->tid, &task);
	if (n < 0)
		return n;
	if (name[0] != '/' && dirfd != AT_FDCWD)
		n = descriptor_path(k, ev, dirfd, &base);
	if (n == 0) {
		const struct path *from = base.dentry ? &base : NULL;
		n = existing(&task.env, from, name, follow, buf, size);
		if (n == -ENOENT && *name)
			n = missing(&task.env, from, name, follow, 0, buf, size);
	}
	path_put(&base);
	task_view_finish(&task);
	return n;
}

ssize_t tree_identity(struct kernel *k, pid_t tid, uint32_t *ret_uid, uint32_t *ret_gid, char *exe, size_t size)
{
	struct task_view task;
	struct path p;
	int r = task_view(k->tasks, tid, &task);
	if (r < 0)
		return r;
	*ret_uid = task.cred->euid;
	*ret_gid = task.cred->egid;
	ssize_t n = task_exe(k->tasks, tid, &p);
	if (n == 0) {
		n = name_of(&task.env, &p, exe, size);
		path_put(&p);
	}
	task_view_finish(&task);
	return n < 0 ? 0 : n;
}
