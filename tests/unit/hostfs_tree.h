/* hostfs on a temporary directory, its operations called as the VFS calls them. */
#ifndef TRAPLINE_TESTS_UNIT_HOSTFS_TREE_H
#define TRAPLINE_TESTS_UNIT_HOSTFS_TREE_H

#include <check.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/fs/fs.h"

static char dir_path[64];
static int dir_fd = -1;
static struct super *sb;

UNUSED static void remove_tree(void)
{
	char command[192];

	(void)snprintf(command, sizeof(command), "chmod -R u+rwx '%s' && rm -rf '%s'", dir_path, dir_path);
	ck_assert_int_eq(system(command), 0);
}

UNUSED static void mount_with(const struct hostfs_options *options)
{
	int fd = open(dir_path, O_PATH | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(hostfs_create(fd, options, &sb), 0);
}

UNUSED static void setup(void)
{
	(void)umask(0);
	(void)snprintf(dir_path, sizeof(dir_path), "/tmp/trapline-hostfs.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir_path));
	dir_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mount_with(&(struct hostfs_options){0});
}

UNUSED static void setup_virtual(void)
{
	setup();
	super_unref(sb);
	mount_with(&(struct hostfs_options){.virtual_attrs = true});
}

UNUSED static void teardown(void)
{
	super_unref(sb);
	(void)close(dir_fd);
	remove_tree();
}

/* ---- helpers ---- */

UNUSED static struct inode *lookup(struct inode *dir, const char *name)
{
	struct inode *inode;
	ck_assert_int_eq(dir->ops->lookup(dir, name, &inode), 0);
	return inode;
}

UNUSED static int lookup_error(struct inode *dir, const char *name)
{
	struct inode *inode;
	return dir->ops->lookup(dir, name, &inode);
}

UNUSED static struct inode *create_as(struct inode *dir, const char *name, const struct vfs_create *how)
{
	struct inode *inode;
	ck_assert_int_eq(dir->ops->create(dir, name, how, &inode), 0);
	return inode;
}

UNUSED static struct inode *create(struct inode *dir, const char *name, mode_t mode)
{
	const struct vfs_create how = {.mode = mode, .uid = geteuid(), .gid = getegid(), .target = "to"};
	return create_as(dir, name, &how);
}

UNUSED static struct statx attributes(struct inode *inode)
{
	struct statx stx;
	ck_assert_int_eq(inode->ops->getattr(inode, &stx), 0);
	return stx;
}

UNUSED static void write_host(const char *name, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

UNUSED static void read_inode(struct inode *inode, char *buf, size_t size)
{
	struct vfs_opened opened;
	ck_assert_int_eq(inode->ops->open(inode, O_RDONLY, &opened), 0);
	ck_assert(!opened.blocks);
	ck_assert_int_eq(fcntl(opened.fd, F_GETFL) & O_NONBLOCK, 0);
	ssize_t n = read(opened.fd, buf, size - 1);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	(void)close(opened.fd);
}

UNUSED static struct stat host_stat(const char *name)
{
	struct stat st;
	ck_assert_int_eq(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

struct listing {
	struct dir_reader reader;
	size_t room;		/* entries until emit says no */
	size_t count;
	char names[64][32];
	unsigned char types[64];
};

UNUSED static bool collect(struct dir_reader *r, const char *name, size_t len, uint64_t ino UNUSED, unsigned char type,
		    uint64_t next)
{
	struct listing *l = (struct listing *)r;
	if (l->room == 0 || l->count == ARRAY_SIZE(l->names))
		return false;
	ck_assert_uint_ge(next, 3);
	ck_assert_uint_lt(len, sizeof(l->names[0]));
	memcpy(l->names[l->count], name, len + 1);
	l->types[l->count++] = type;
	l->room--;
	return true;
}

UNUSED static size_t find_name(const struct listing *l, const char *name)
{
	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(l->names[i], name) == 0)
			return i;
	}
	return SIZE_MAX;
}

#endif
