/* procfs: PID/fd and PID/fdinfo. */
#include "kernel/fs/procfs_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/fs/attr_wanted.h"
#include "kernel/fs/proc_fd.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL	/* Linux 6.9 */
#endif

/* ---- objects of the host that no virtual name leads to ---- */

struct host_object {
	struct inode inode;
	int fd;			/* O_PATH, owned */
};

static int host_fd(struct inode *inode)
{
	return ((struct host_object *)inode)->fd;
}

static int object_getattr(struct inode *inode, struct statx *ret)
{
	return statx(host_fd(inode), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, ret) < 0 ? -errno : 0;
}

/* A pipe without a name does not wait for who opens the other end; a fifo does. */
static bool open_waits(struct inode *inode, int flags)
{
	struct statfs sf;
	if (inode->type != S_IFIFO || flags & (O_PATH | O_NONBLOCK) || (flags & O_ACCMODE) == O_RDWR)
		return false;
	return fstatfs(host_fd(inode), &sf) < 0 || sf.f_type != PIPEFS_MAGIC;
}

static int object_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	bool waits = open_waits(inode, flags);
	int fd = proc_fd_reopen(host_fd(inode), waits ? O_PATH : flags);
	if (fd < 0)
		return fd;
	*ret = (struct vfs_opened){.fd = fd, .foreign = true, .blocks = waits, .flags = flags};
	return 0;
}

/* By name, as fchmod and its like do it by descriptor. Device nodes are the whole host's. */
static int object_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	char buf[PROC_FD_PATH_MAX];
	const char *path = proc_fd_path(host_fd(inode), buf);
	struct timespec times[2];
	if (S_ISCHR(inode->type) || S_ISBLK(inode->type))
		return -EPERM;
	if (attr->valid & STATX_SIZE && truncate(path, attr->size) < 0)
		return -errno;
	if (attr->valid & (STATX_UID | STATX_GID | STATX_CTIME) && chown(path, wanted_uid(attr), wanted_gid(attr)) < 0)
		return -errno;
	if (attr->valid & STATX_MODE && chmod(path, attr->mode & 07777) < 0)
		return -errno;
	return wanted_times(attr, times) && utimensat(AT_FDCWD, path, times, 0) < 0 ? -errno : 0;
}

static int object_host(struct inode *inode, int *ret_fd)
{
	*ret_fd = fcntl(host_fd(inode), F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? -ENFILE : 0;
}

static void object_destroy(struct inode *inode)
{
	(void)close(host_fd(inode));
	free(inode);
}

static const struct inode_ops object_ops = {
	.getattr = object_getattr, .setattr = object_setattr, .open = object_open, .host = object_host, .destroy = object_destroy,
};

/* The O_PATH descriptor of what a link of the host's /proc leads to. */
static int open_target(const struct proc_inode *pi)
{
	int fd = openat(proc_super(pi)->host, pi->path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == EMFILE ? -ENFILE : errno == ESRCH ? -ENOENT : -errno;
}

int proc_host_object(const struct proc_inode *pi, struct path *ret)
{
	char shown[VFS_PATH_MAX];
	struct stat st;
	ssize_t len = readlinkat(proc_super(pi)->host, pi->path, shown, sizeof(shown) - 1);
	if (len < 0)
		return -errno;
	shown[len] = '\0';
	AUTO_CLOSE int fd = open_target(pi);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* A directory would be a way out of the tree. */
	if (S_ISDIR(st.st_mode))
		return -EACCES;
	struct host_object *object = calloc(1, sizeof(*object));
	if (!object)
		return -ENOMEM;
	object->fd = fd;
	fd = -1;
	inode_init(&object->inode, &proc_super(pi)->super, &object_ops, st.st_ino, st.st_mode & S_IFMT);
	return vfs_path_of_inode(proc_super(pi)->vfs, &object->inode, shown, ret);
}

/* ---- PID/fd/N ---- */

/* The task's very open file description. */
static int take_description(const struct proc_inode *pi)
{
	int number = proc_parse_number(strrchr(pi->path, '/') + 1);
	if (number < 0)
		return -ENOENT;
	AUTO_CLOSE int task = (int)syscall(SYS_pidfd_open, pi->tid, PIDFD_THREAD);
	if (task < 0)
		task = (int)syscall(SYS_pidfd_open, pi->tgid, 0);
	int fd = task < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, task, number, 0);
	return fd < 0 ? -errno : fd;
}

int proc_identify(const struct proc_inode *pi, struct path *ret)
{
	struct vfs *v = proc_super(pi)->vfs;
	AUTO_CLOSE int fd = open_target(pi);
	if (fd < 0)
		return fd;
	AUTO_CLOSE int own = vfs_has_names(v, fd) ? take_description(pi) : -1;
	return vfs_identify(v, own < 0 ? fd : own, ret);
}

static int fd_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	const struct proc_inode *pi = proc_inode(inode);
	int r = proc_may_look(env, pi);
	if (r < 0)
		return r;
	r = proc_identify(pi, ret);
	return r == -ENOENT ? proc_host_object(pi, ret) : r;
}

/* Also of what cannot be followed. */
static ssize_t fd_readlink(struct inode *inode, const struct walk_env *env, char *buf, size_t size)
{
	const struct proc_inode *pi = proc_inode(inode);
	char name[VFS_PATH_MAX + 16];
	struct path p;
	int r = proc_may_look(env, pi);
	if (r == 0)
		r = proc_identify(pi, &p);
	if (r == 0) {
		ssize_t len = vfs_shown_name(env, &p, name, sizeof(name));
		path_put(&p);
		return len < 0 ? -ENAMETOOLONG : proc_put_text(name, buf, size);
	}
	if (r != -ENOENT)
		return r;
	ssize_t len = readlinkat(proc_super(pi)->host, pi->path, buf, size);
	return len < 0 ? -errno : len;
}

/* proc_setattr of Linux: owners and times can be set, and are forgotten. */
static int link_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	(void)inode;
	return attr->valid & (STATX_MODE | STATX_SIZE) ? -EPERM : 0;
}

static void keep(struct proc_inode *pi, const struct stat *st)
{
	atomic_store(&pi->kept_mode, st->st_mode);
	atomic_store(&pi->kept_uid, st->st_uid);
	atomic_store(&pi->kept_gid, st->st_gid);
}

static int link_getattr(struct inode *inode, struct statx *ret)
{
	enum { PROC_BLOCK = 1024, LINK_SIZE = 64 };
	struct proc_inode *pi = proc_inode(inode);
	*ret = (struct statx){
		.stx_mask = STATX_BASIC_STATS, .stx_blksize = PROC_BLOCK, .stx_nlink = 1, .stx_size = LINK_SIZE, .stx_ino = inode->ino,
		.stx_mode = (uint16_t)atomic_load(&pi->kept_mode),
		.stx_uid = atomic_load(&pi->kept_uid), .stx_gid = atomic_load(&pi->kept_gid),
		.stx_atime = pi->kept_time, .stx_mtime = pi->kept_time, .stx_ctime = pi->kept_time,
		.stx_dev_major = inode->super->dev_major, .stx_dev_minor = inode->super->dev_minor,
	};
	proc_set_owner(pi, ret);
	return 0;
}

static const struct inode_ops fd_link_ops = {
	.setattr = link_setattr,
	.follow = fd_follow, .readlink_as = fd_readlink, .getattr = link_getattr, .destroy = proc_destroy,
};

static const struct proc_node fd_node = {.ops = &fd_link_ops};
static const struct proc_node fdinfo_node = {.print = proc_print_fdinfo};

/* ---- the directories ---- */

static int lookup_fd(struct inode *inode, const char *name, const struct proc_node *node, mode_t type,
		     struct inode **ret)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	struct stat st;
	if (proc_parse_number(name) < 0)
		return -ENOENT;
	int r = proc_join(dir, name, path);
	if (r < 0)
		return r;
	if (fstatat(proc_super(dir)->host, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	r = proc_new_inode(proc_super(dir), node, type, dir->tgid, dir->tid, path, ret);
	if (r < 0)
		return r;
	keep(proc_inode(*ret), &st);
	proc_inode(*ret)->kept_time.tv_sec = st.st_ctim.tv_sec;
	proc_inode(*ret)->kept_time.tv_nsec = (uint32_t)st.st_ctim.tv_nsec;
	return 0;
}

static int fd_revalidate(struct inode *dir, const char *name, struct inode *inode)
{
	(void)dir;
	(void)name;
	struct stat st;
	if (!inode || !proc_is_live(proc_inode(inode)) ||
	    fstatat(proc_super(proc_inode(inode))->host, proc_inode(inode)->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	keep(proc_inode(inode), &st);
	return true;
}

static int fd_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	return lookup_fd(dir, name, &fd_node, S_IFLNK, ret);
}

static int fdinfo_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	return lookup_fd(dir, name, &fdinfo_node, S_IFREG, ret);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;
	return x < y ? -1 : x > y;
}

/* The numbers from first on that a host directory has for names, ascending. *ret: owned by the caller. */
static ssize_t read_numbers(const struct proc_inode *pi, int first, int **ret)
{
	AUTO_CLOSE int fd = openat(proc_super(pi)->host, pi->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : errno == ESRCH ? -ENOENT : -errno;
	DIR *dir = fdopendir(fd);
	if (!dir)
		return -errno;
	fd = -1;
	AUTO_STRBUF struct strbuf numbers;
	strbuf_init(&numbers);
	const struct dirent *e;
	while ((e = readdir(dir))) {
		int n = proc_parse_number(e->d_name);
		if (n >= first)
			strbuf_add(&numbers, &n, sizeof(n));
	}
	(void)closedir(dir);
	if (strbuf_error(&numbers) < 0)
		return -ENOMEM;
	size_t count = numbers.len / sizeof(int);
	*ret = (int *)numbers.data;
	strbuf_init(&numbers);
	if (count > 0)
		qsort(*ret, count, sizeof(int), compare_ints);
	return (ssize_t)count;
}

static int iterate_numbers(struct inode *inode, struct dir_reader *reader, mode_t type)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	char name[16];
	AUTO_FREE int *numbers = NULL;
	int first = reader->cursor < PROC_FIRST_CURSOR ? 0 : (int)(reader->cursor - PROC_FIRST_CURSOR);
	ssize_t count = read_numbers(dir, first, &numbers);
	if (count < 0)
		return (int)count;
	for (ssize_t i = 0; i < count; i++) {
		int len = snprintf(name, sizeof(name), "%d", numbers[i]);
		if (proc_join(dir, name, path) == 0 &&
		    !reader->emit(reader, name, (size_t)len, proc_number(path), (unsigned char)(type >> 12),
				  PROC_FIRST_CURSOR + (uint64_t)numbers[i] + 1))
			break;
	}
	return 0;
}

static int fd_iterate(struct inode *dir, struct dir_reader *reader)
{
	return iterate_numbers(dir, reader, S_IFLNK);
}

static int fdinfo_iterate(struct inode *dir, struct dir_reader *reader)
{
	return iterate_numbers(dir, reader, S_IFREG);
}

/* proc_fd_permission of Linux. */
static bool fd_dir_grants(struct inode *inode, const struct walk_env *env)
{
	return proc_is_own(env, proc_inode(inode));
}

const struct inode_ops proc_fd_dir_ops = {
	.grants = fd_dir_grants,
	.lookup = fd_lookup, .iterate = fd_iterate, .revalidate = fd_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};

const struct inode_ops proc_fdinfo_dir_ops = {
	.grants = fd_dir_grants,
	.lookup = fdinfo_lookup, .iterate = fdinfo_iterate, .revalidate = proc_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};
