/* A tmpfs for tests of its own operations, as the VFS calls them. */
#ifndef TRAPLINE_TESTS_UNIT_TMPFS_TREE_H
#define TRAPLINE_TESTS_UNIT_TMPFS_TREE_H

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/tmpfs.h"

static struct super *sb;
static struct inode *root;

UNUSED static void mount_with(const struct tmpfs_options *options)
{
	ck_assert_int_eq(tmpfs_create(options, &sb), 0);
	root = sb->root;
}

UNUSED static void mount_plain(void)
{
	const struct tmpfs_options options = {.uid = 1, .gid = 2};
	mount_with(&options);
}

UNUSED static void unmount(void)
{
	sb->ops->shutdown(sb);
	super_unref(sb);
}

/* The directory keeps it; the reference is given back. */
UNUSED static struct inode *make(struct inode *dir, const char *name, mode_t mode)
{
	const struct vfs_create how = {.mode = mode, .uid = 7, .gid = 8, .rdev = makedev(1, 3), .target = "target"};
	struct inode *inode;
	ck_assert_int_eq(dir->ops->create(dir, name, &how, &inode), 0);
	inode_unref(inode);
	return inode;
}

UNUSED static int open_fd(struct inode *inode, int flags)
{
	struct vfs_opened opened;
	ck_assert_int_eq(inode->ops->open(inode, flags, &opened), 0);
	ck_assert(!opened.blocks);
	return opened.fd;
}

UNUSED static struct statx attrs(struct inode *inode)
{
	struct statx stx;
	ck_assert_int_eq(inode->ops->getattr(inode, &stx), 0);
	return stx;
}

UNUSED static bool same(struct statx_timestamp a, struct statx_timestamp b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Which times changed, as "amc". */
UNUSED static const char *changed(struct inode *inode, struct statx *before)
{
	static char text[4];
	struct statx now = attrs(inode);
	char *p = text;
	if (!same(now.stx_atime, before->stx_atime))
		*p++ = 'a';
	if (!same(now.stx_mtime, before->stx_mtime))
		*p++ = 'm';
	if (!same(now.stx_ctime, before->stx_ctime))
		*p++ = 'c';
	*p = '\0';
	*before = now;
	return text;
}

#endif
