/* procfs: links whose text depends on who reads, or that lead to an object rather than to a name. */
#include "kernel/fs/procfs_private.h"

#include <string.h>

ssize_t proc_put_text(const char *text, char *buf, size_t size)
{
	size_t len = strlen(text);
	if (len > size)
		len = size;
	memcpy(buf, text, len);
	return (ssize_t)len;
}

static ssize_t link_readlink(struct inode *inode, char *buf, size_t size)
{
	return proc_put_text(proc_inode(inode)->node->target, buf, size);
}

static int link_setattr(struct inode *inode UNUSED, const struct vfs_attr *attr UNUSED)
{
	return 0;
}

const struct inode_ops proc_link_ops = {
	.setattr = link_setattr, .readlink = link_readlink, .getattr = proc_getattr, .destroy = proc_destroy,
};

/* ---- self, thread-self ---- */

static ssize_t put_self(struct inode *inode, const struct walk_env *env, bool thread, char *buf, size_t size)
{
	struct task_view view;
	char text[64];
	if (task_view(proc_super(proc_inode(inode))->tasks, env->tid, &view) < 0)
		return -ENOENT;
	if (thread)
		(void)snprintf(text, sizeof(text), "%d/task/%d", (int)view.tgid, (int)view.tid);
	else
		(void)snprintf(text, sizeof(text), "%d", (int)view.tgid);
	task_view_finish(&view);
	return proc_put_text(text, buf, size);
}

static ssize_t self_readlink(struct inode *inode, const struct walk_env *env, char *buf, size_t size)
{
	return put_self(inode, env, false, buf, size);
}

static ssize_t thread_self_readlink(struct inode *inode, const struct walk_env *env, char *buf, size_t size)
{
	return put_self(inode, env, true, buf, size);
}

const struct inode_ops proc_self_ops = {
	.readlink_as = self_readlink, .setattr = link_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

const struct inode_ops proc_thread_self_ops = {
	.readlink_as = thread_self_readlink, .setattr = link_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

/* ---- exe, cwd, root ---- */

static int exe_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	const struct proc_inode *pi = proc_inode(inode);
	int r = proc_may_look(env, pi);
	if (r == 0)
		r = task_exe(proc_super(pi)->tasks, pi->tid, ret);
	if (r != -ENOENT)
		return r;
	/* The host's own execve: one of our files that was opened before, or else one by the host's name. */
	r = proc_identify(pi, ret);
	return r == -ENOENT ? proc_host_object(pi, ret) : r;
}

static int view_follow(struct inode *inode, const struct walk_env *env, bool root, struct path *ret)
{
	const struct proc_inode *pi = proc_inode(inode);
	struct task_view view;
	int r = proc_may_look(env, pi);
	if (r < 0)
		return r;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	*ret = root ? view.env.root : view.env.cwd;
	path_get(ret);
	task_view_finish(&view);
	return 0;
}

static int cwd_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	return view_follow(inode, env, false, ret);
}

static int root_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	return view_follow(inode, env, true, ret);
}


const struct inode_ops proc_exe_ops = {
	.follow = exe_follow, .setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

const struct inode_ops proc_cwd_ops = {
	.follow = cwd_follow, .setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

const struct inode_ops proc_root_ops = {
	.follow = root_follow, .setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};
