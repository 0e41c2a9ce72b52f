/*
 * A task's place in the tree: chdir(2), fchdir(2), getcwd(2), chroot(2), umask(2). fs/open.c and fs/d_path.c of Linux.
 */
#include <linux/capability.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

/* A directory that the caller may search. */
static int find_directory(struct file_call *c, struct object *ret)
{
	int r = object_at(c, AT_FDCWD, arg_ptr(c->ev, 0), 0, WALK_FOLLOW | WALK_DIRECTORY, ret);
	return r < 0 ? r : vfs_permission(&c->task.env, &ret->path, X_OK);
}

struct verdict sys_chdir(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = find_directory(&c, &o);
	return answer(r < 0 ? r : task_set_cwd(k->tasks, ev->tid, &o.path));
}

struct verdict sys_fchdir(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(&c, (int)ev->args[0], true, &o);
	if (r < 0)
		return answer(r);
	if (object_is_foreign(&o)) {
		struct stat st;
		return answer(fstat(o.fd, &st) == 0 && S_ISDIR(st.st_mode) ? -EACCES : -ENOTDIR);
	}
	if (!S_ISDIR(path_inode(&o.path)->type))
		return answer(-ENOTDIR);
	r = vfs_permission(&c.task.env, &o.path, X_OK);
	return answer(r < 0 ? r : task_set_cwd(k->tasks, ev->tid, &o.path));
}

struct verdict sys_chroot(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	struct object o AUTO_OBJECT;
	int r = find_directory(&c, &o);
	if (r == 0 && !cred_capable(c.task.cred, CAP_SYS_CHROOT))
		r = -EPERM;
	return answer(r < 0 ? r : task_set_root(k->tasks, ev->tid, &o.path));
}

struct verdict sys_getcwd(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	char name[VFS_PATH_MAX];
	ssize_t n = vfs_cwd_name(&c.task.env, name, sizeof(name));
	if (n == -ERANGE)
		return answer(-ENAMETOOLONG);
	if (n < 0)
		return answer(n);
	if ((uint64_t)n > ev->args[1])
		return answer(-ERANGE);
	int r = copy_out(ev, arg_ptr(ev, 0), name, (size_t)n);
	return answer(r < 0 ? r : n);
}

struct verdict sys_umask(struct kernel *k, struct call_event *ev)
{
	if (!k->vfs || !k->tasks)
		return verdict_pass();
	return answer(task_set_umask(k->tasks, ev->tid, (mode_t)ev->args[0] & 0777));
}
