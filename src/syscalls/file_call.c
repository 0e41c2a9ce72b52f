/* Names and descriptors as arguments of file calls: getname and path_init of Linux's fs/namei.c. */
#include "syscalls/file_call.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

bool file_call_begin(struct file_call *c, struct kernel *k, struct call_event *ev)
{
	c->k = k;
	c->ev = ev;
	c->task = (struct task_view){0};
	c->verdict = verdict_pass();
	if (!k->vfs || !k->tasks)
		return false;
	int r = task_view(k->tasks, ev->tid, &c->task);
	if (r < 0)
		c->verdict = verdict_value(r);
	return r == 0;
}

void file_call_end(struct file_call *c)
{
	if (c->task.cred)
		task_view_finish(&c->task);
}

int name_copy_in(struct file_call *c, struct guest_ptr from, unsigned flags, struct name_arg *ret)
{
	ret->base = (struct path){0};
	ret->text[0] = '\0';
	ret->null = !from.addr && flags & NAME_NULL;
	if (ret->null)
		return 0;
	ssize_t n = c->ev->ops->read_string(c->ev, from, ret->text, sizeof(ret->text));
	if (n < 0)
		return (int)n;
	return n == 0 && !(flags & NAME_EMPTY) ? -ENOENT : 0;
}

/* Below a directory that is not ours nothing is found. */
static int foreign_base(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? -EACCES : -ENOTDIR;
}

int name_find_base(struct file_call *c, int dirfd, struct name_arg *n)
{
	return n->text[0] == '/' ? 0 : name_find_scope(c, dirfd, n);
}

int name_find_scope(struct file_call *c, int dirfd, struct name_arg *n)
{
	if (dirfd == AT_FDCWD)
		return 0;
	struct object o AUTO_OBJECT;
	int r = object_of_fd(c, dirfd, true, &o);
	if (r < 0)
		return r;
	if (object_is_foreign(&o))
		return foreign_base(o.fd);
	n->base = o.path;
	o.path = (struct path){0};
	return 0;
}

const struct path *name_base(const struct name_arg *n)
{
	return n->base.dentry ? &n->base : NULL;
}

void name_put(struct name_arg *n)
{
	path_put(&n->base);
}

static void object_init(struct object *o)
{
	o->path = (struct path){0};
	o->fd = -1;
	o->own = false;
}

int object_of_fd(struct file_call *c, int fd, bool path_only, struct object *ret)
{
	object_init(ret);
	int r = c->ev->ops->get_fd(c->ev, fd, &ret->fd);
	if (r < 0)
		return r;
	if (!path_only && fcntl(ret->fd, F_GETFL) & O_PATH)
		return -EBADF;
	r = vfs_identify_own(c->k->vfs, ret->fd, &ret->path, &ret->own);
	ret->own = ret->own && !path_only;
	return r == -ENOENT ? 0 : r;
}

int object_attr_of_fd(struct file_call *c, int fd, struct object *ret)
{
	object_init(ret);
	int r = c->ev->ops->get_fd(c->ev, fd, &ret->fd);
	if (r < 0)
		return r;
	r = vfs_identify_getattr(c->k->vfs, ret->fd, &ret->path, &ret->attr);
	return r == -ENOENT ? 0 : r;
}

static int find_object(struct file_call *c, int dirfd, struct guest_ptr name, unsigned name_flags, unsigned walk,
		       bool wants_attr, struct object *ret)
{
	object_init(ret);
	struct name_arg n AUTO_NAME;
	int r = name_copy_in(c, name, name_flags, &n);
	if (r < 0)
		return r;
	ret->named = n.text[0];
	if (!n.text[0] && dirfd != AT_FDCWD)
		return wants_attr ? object_attr_of_fd(c, dirfd, ret) : object_of_fd(c, dirfd, true, ret);
	r = name_find_base(c, dirfd, &n);
	if (r < 0)
		return r;
	walk |= n.text[0] ? 0 : WALK_EMPTY;
	if (!wants_attr)
		return vfs_walk(&c->task.env, name_base(&n), n.text, walk, &ret->path);
	return vfs_walk_getattr(&c->task.env, name_base(&n), n.text, walk, &ret->path, &ret->attr);
}

int object_at(struct file_call *c, int dirfd, struct guest_ptr name, unsigned name_flags, unsigned walk,
	      struct object *ret)
{
	return find_object(c, dirfd, name, name_flags, walk, false, ret);
}

int object_attr_at(struct file_call *c, int dirfd, struct guest_ptr name, unsigned name_flags, unsigned walk,
		   struct object *ret)
{
	return find_object(c, dirfd, name, name_flags, walk, true, ret);
}

void object_put(struct object *o)
{
	path_put(&o->path);
	if (o->fd >= 0)
		(void)close(o->fd);
}

/* Terminals are their users' (mesg(1)); any other device node is the whole host's. */
static bool is_shared_device(int fd)
{
	enum { PTS_MAJOR_FIRST = 136, PTS_MAJOR_LAST = 143 };
	struct stat st;
	if (fstat(fd, &st) < 0 || (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode)))
		return false;
	return S_ISBLK(st.st_mode) || major(st.st_rdev) < PTS_MAJOR_FIRST || major(st.st_rdev) > PTS_MAJOR_LAST;
}

int foreign_change(const struct file_call *c, const struct object *o)
{
	bool same = c->task.cred->host || c->task.cred->faked;
	return same && !is_shared_device(o->fd) ? 0 : -EPERM;
}

struct verdict foreign_pass(const struct object *o)
{
	return is_shared_device(o->fd) ? verdict_value(-EPERM) : verdict_pass();
}

/* The line of /proc/PID/limits. */
static int limit_in_text(pid_t tid, const char *name, rlim_t *ret)
{
	char line[128];
	char value[32];
	(void)snprintf(line, sizeof(line), "/proc/%d/limits", (int)tid);
	FILE *f = fopen(line, "re");
	if (!f)
		return -errno;
	bool found = false;
	while (!found && fgets(line, sizeof(line), f))
		found = strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), "%31s", value) == 1;
	(void)fclose(f);
	if (found)
		*ret = strcmp(value, "unlimited") == 0 ? RLIM_INFINITY : strtoull(value, NULL, 10);
	return found ? 0 : -ENOENT;
}

int file_limit(pid_t tid, int resource, rlim_t *ret)
{
	struct rlimit limit;
	if (prlimit(tid, (enum __rlimit_resource)resource, NULL, &limit) == 0) {
		*ret = limit.rlim_cur;
		return 0;
	}
	/* Where the ids of the task are not ours, prlimit is for CAP_SYS_RESOURCE. */
	return limit_in_text(tid, resource == RLIMIT_FSIZE ? "Max file size" : "Max open files", ret);
}

int file_may_grow(const struct file_call *c, uint64_t size, uint64_t length)
{
	rlim_t limit;
	if (length <= size || file_limit(c->task.tid, RLIMIT_FSIZE, &limit) < 0 || limit == RLIM_INFINITY || length <= limit)
		return 0;
	(void)syscall(SYS_tgkill, c->task.tgid, c->task.tid, SIGXFSZ);
	return -EFBIG;
}

const char *fd_name(int fd, char buf[FD_NAME_SIZE])
{
	(void)snprintf(buf, FD_NAME_SIZE, "/proc/self/fd/%d", fd);
	return buf;
}

/* The opening of something that may let us wait. */
struct blocking_open {
	struct blocking base;
	int fd;
	int flags;
	bool cloexec;
};

static void drop_open(struct blocking *b)
{
	struct blocking_open *o = (struct blocking_open *)b;
	(void)close(o->fd);
	free(o);
}

static struct verdict run_open(struct blocking *b)
{
	struct blocking_open *o = (struct blocking_open *)b;
	char name[FD_NAME_SIZE];
	int fd = open(fd_name(o->fd, name), o->flags | O_CLOEXEC);
	if (fd >= 0)
		vfs_mark(fd, o->base.mark);
	struct verdict v = fd < 0 ? verdict_value(-errno) : verdict_fd(fd, o->cloexec);
	drop_open(b);
	return v;
}

struct verdict opened_verdict(const struct vfs_opened *o, bool cloexec)
{
	if (!o->blocks) {
		struct verdict v = verdict_fd(o->fd, cloexec);
		v.path_flags = o->flags & O_PATH ? o->flags & (O_DIRECTORY | O_NOFOLLOW) : 0;
		return v;
	}
	struct blocking_open *b = malloc(sizeof(*b));
	if (!b) {
		(void)close(o->fd);
		return verdict_value(-ENOMEM);
	}
	*b = (struct blocking_open){
		.base = {
			.run = run_open, .drop = drop_open, .opens = true, .fd = o->fd,
			.flags = o->flags | (cloexec ? O_CLOEXEC : 0), .mark = o->mark,
		},
		.fd = o->fd, .flags = o->flags, .cloexec = cloexec,
	};
	return verdict_block(&b->base);
}
