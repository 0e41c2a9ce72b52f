/* procfs: what guests see as the host has it. */
#include "kernel/fs/procfs_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

static const struct proc_node pass_file = {.ops = &proc_pass_file_ops};
static const struct proc_node pass_dir = {.ops = &proc_pass_dir_ops};
static const struct proc_node pass_link = {.ops = &proc_pass_link_ops};

/* Inside directories that are passed on as a whole, what the kernel layer knows better. By path. */
static const struct proc_node printed[] = {
	{.name = "sys/kernel/hostname", .print = proc_print_hostname},
	{.name = "sys/kernel/domainname", .print = proc_print_domainname},
	{.name = "sys/kernel/osrelease", .print = proc_print_osrelease},
};

static const struct proc_node *node_of(const char *path, mode_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(printed); i++) {
		if (strcmp(printed[i].name, path) == 0)
			return &printed[i];
	}
	return type == S_IFDIR ? &pass_dir : type == S_IFLNK ? &pass_link : &pass_file;
}

int proc_pass_lookup(struct inode *inode, const char *name, struct inode **ret)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	struct stat st;
	int r = proc_join(dir, name, path);
	if (r < 0)
		return r;
	if (fstatat(proc_super(dir)->host, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	mode_t type = st.st_mode & S_IFMT;
	return proc_new_inode(proc_super(dir), node_of(path, type), type, dir->tgid, dir->tid, path, ret);
}

/* A guest may change what belongs to guests, as far as the host lets it; what belongs to the machine is read-only. */
static int pass_open(struct inode *inode, int flags, struct vfs_opened *ret)
{
	const struct proc_inode *pi = proc_inode(inode);
	if (pi->tid == 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	int fd = openat(proc_super(pi)->host, pi->path, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : errno == ESRCH ? -ENOENT : -errno;
	*ret = (struct vfs_opened){.fd = fd, .flags = flags};
	return 0;
}

static int pass_iterate(struct inode *inode, struct dir_reader *reader)
{
	const struct proc_inode *pi = proc_inode(inode);
	char path[PROC_PATH_MAX];
	AUTO_CLOSE int fd = openat(proc_super(pi)->host, pi->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE ? -ENFILE : errno == ESRCH ? -ENOENT : -errno;
	DIR *dir = fdopendir(fd);
	if (!dir)
		return -errno;
	fd = -1;
	/* The host lists them in the same order each time, so a place in it is a cursor. */
	const struct dirent *e;
	for (uint64_t at = PROC_FIRST_CURSOR; (e = readdir(dir)); at++) {
		if (at < reader->cursor || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (proc_join(pi, e->d_name, path) == 0 &&
		    !reader->emit(reader, e->d_name, strlen(e->d_name), proc_number(path), e->d_type, at + 1))
			break;
	}
	(void)closedir(dir);
	return 0;
}

static ssize_t pass_readlink(struct inode *inode, char *buf, size_t size)
{
	const struct proc_inode *pi = proc_inode(inode);
	ssize_t len = readlinkat(proc_super(pi)->host, pi->path, buf, size);
	return len < 0 ? -errno : len;
}

/* PID/ns/NAME: the object itself. No link that is passed on leads to a directory. */
static int pass_follow(struct inode *inode, struct walk_env *env, struct path *ret)
{
	int r = proc_may_look(env, proc_inode(inode));
	return r < 0 ? r : proc_host_object(proc_inode(inode), ret);
}

const struct inode_ops proc_pass_file_ops = {
	.open = pass_open, .setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};

const struct inode_ops proc_pass_dir_ops = {
	.lookup = proc_pass_lookup, .iterate = pass_iterate, .revalidate = proc_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};

const struct inode_ops proc_pass_link_ops = {
	.readlink = pass_readlink, .follow = pass_follow,
	.setattr = proc_setattr, .getattr = proc_getattr, .destroy = proc_destroy,
};
