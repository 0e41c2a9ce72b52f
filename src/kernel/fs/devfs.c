/* /dev: a tmpfs with the nodes in it that every program expects. pts and shm are there to be mounted on. */
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "kernel/fs/devnode.h"
#include "kernel/fs/tmpfs_private.h"

static const struct {
	const char *name;
	mode_t mode;
	const char *target;
} fixtures[] = {
	{"fd", S_IFLNK | 0777, "/proc/self/fd"},
	{"stdin", S_IFLNK | 0777, "/proc/self/fd/0"},
	{"stdout", S_IFLNK | 0777, "/proc/self/fd/1"},
	{"stderr", S_IFLNK | 0777, "/proc/self/fd/2"},
	{"pts", S_IFDIR | 0755, NULL},
	{"shm", S_IFDIR | 01777, NULL},
};

static int add(struct inode *root, const char *name, const struct vfs_create *how)
{
	struct inode *made;
	int r = root->ops->create(root, name, how, &made);
	if (r == 0)
		inode_unref(made);
	return r;
}

static int fill(struct inode *root)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < devnode_count; i++) {
		const struct devnode *d = &devnodes[i];
		const struct vfs_create how = {.mode = S_IFCHR | 0666, .rdev = makedev(d->major, d->minor)};
		r = add(root, d->name, &how);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixtures); i++) {
		const struct vfs_create how = {.mode = fixtures[i].mode, .target = fixtures[i].target};
		r = add(root, fixtures[i].name, &how);
	}
	return r;
}

int devfs_create(struct super **ret)
{
	const struct tmpfs_options options = {.mode = 0755};
	struct super *sb;
	int r = tmpfs_create_type(&options, "devtmpfs", &sb);
	if (r < 0)
		return r;
	r = fill(sb->root);
	if (r < 0) {
		sb->ops->shutdown(sb);
		super_unref(sb);
		return r;
	}
	*ret = sb;
	return 0;
}
