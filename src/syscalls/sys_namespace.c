/* setns(2) and unshare(2): kernel/nsproxy.c and kernel/fork.c of Linux. */
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

enum {
	NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWCGROUP |
		CLONE_NEWTIME,
	UNSHARE_FLAGS = NEW_NAMESPACES | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM,
};

static bool is_pidfd(int fd)
{
	char own[FD_NAME_SIZE];
	char target[64];
	ssize_t n = readlink(fd_name(fd, own), target, sizeof(target));
	return n > 0 && (memmem(target, (size_t)n, "[pidfd]", 7) || memmem(target, (size_t)n, "pidfd:", 6));
}

/* One's own user namespace is not entered again. */
static bool is_own_user(const struct file_call *c, int fd)
{
	char path[64];
	struct stat own;
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)c->task.tid);
	return stat(path, &own) == 0 && fstat(fd, &st) == 0 && own.st_dev == st.st_dev && own.st_ino == st.st_ino;
}

static int refuse_namespace(const struct file_call *c, int fd, int type)
{
	struct statfs sf;
	if (fstatfs(fd, &sf) < 0)
		return -errno;
	if (sf.f_type != NSFS_MAGIC)
		return is_pidfd(fd) && type && !(type & ~NEW_NAMESPACES) ? -EPERM : -EINVAL;
	int is = ioctl(fd, NS_GET_NSTYPE);
	if (is < 0 || (type && type != is))
		return -EINVAL;
	return is == CLONE_NEWUSER && is_own_user(c, fd) ? -EINVAL : -EPERM;
}

/* Another mount namespace has another tree; what else a namespace changes comes with it. */
struct verdict sys_setns(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	int fd AUTO_CLOSE = -1;
	int r = ev->ops->get_fd(ev, (int)ev->args[0], &fd);
	return answer(r < 0 ? r : refuse_namespace(&c, fd, (int)ev->args[1]));
}

/* A name space of mounts, or of users (whose owner may mount), is not for guests; the rest is the host's to decide. */
struct verdict sys_unshare(struct kernel *k, struct call_event *ev)
{
	if (!k->vfs || !k->tasks)
		return verdict_pass();
	if (ev->args[0] & ~(uint64_t)UNSHARE_FLAGS)
		return answer(-EINVAL);
	if (ev->args[0] & (CLONE_NEWNS | CLONE_NEWUSER))
		return answer(-EPERM);
	int r = ev->args[0] & CLONE_FS ? task_unshare_fs(k->tasks, ev->tid) : 0;
	return r < 0 ? answer(r) : verdict_pass();
}
