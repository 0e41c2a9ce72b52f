/* overlay: what is merged and copied up, and what else the layers hold. */
#include <linux/fs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "overlay_layers.h"
#include "run_suite.h"

START_TEST(directories_are_merged)
{
	expect_names("/", "d f fifo l");
	expect_names("/d", "hidden low mid sub");
	expect_contents("/d/hidden", "mid\n");
	expect_contents("/d/low", "low\n");
	expect_contents("/d/sub/deep", "deep\n");
	ck_assert_uint_eq(attributes("/").stx_nlink, 3);
	ck_assert_uint_eq(attributes("/d").stx_nlink, 3);
	ck_assert_uint_eq(attributes("/d/sub").stx_nlink, 2);
	ck_assert_int_eq(exists("/nothing"), -ENOENT);
}
END_TEST

START_TEST(writing_copies_up)
{
	struct statx before = attributes("/d/sub/deep"), dir = attributes("/d/sub");
	int reader = open_guest("/d/sub/deep", O_RDONLY);
	write_guest("/d/sub/deep", O_APPEND, "more\n");
	expect_contents("/d/sub/deep", "deep\nmore\n");
	struct statx after = attributes("/d/sub/deep");
	ck_assert_uint_eq(before.stx_ino, after.stx_ino);
	ck_assert_uint_eq(before.stx_mode, after.stx_mode);
	ck_assert_uint_eq(after.stx_nlink, 1);
	struct statx dir_after = attributes("/d/sub");
	ck_assert_uint_eq(dir.stx_ino, dir_after.stx_ino);
	ck_assert_int_eq(dir.stx_mtime.tv_sec, dir_after.stx_mtime.tv_sec);
	char buf[16];
	ck_assert_int_eq(read(reader, buf, sizeof(buf)), 5);	/* what it was when it was opened */
	(void)close(reader);
	shell("test \"$(cat lower/d/sub/deep)\" = deep");
	expect_names("/d/sub", "deep");
	remount();
	expect_names("/d/sub", "deep");
	if (!tmpfs_upper)
		expect_contents("/d/sub/deep", "deep\nmore\n");
}
END_TEST

START_TEST(truncating_and_attributes_copy_up)
{
	write_guest("/f", O_TRUNC, "x");
	expect_contents("/f", "x");
	struct path p = walk("/l");
	struct vfs_attr attr = {.valid = STATX_MTIME, .mtime = {.tv_sec = 77}};
	ck_assert_int_eq(vfs_setattr(&env, &p, &attr), 0);
	path_put(&p);
	ck_assert_int_eq(attributes("/l").stx_mtime.tv_sec, 77);
	p = walk("/d/low");
	attr = (struct vfs_attr){.valid = STATX_MODE, .mode = 0600};
	ck_assert_int_eq(vfs_setattr(&env, &p, &attr), 0);
	path_put(&p);
	ck_assert_uint_eq(attributes("/d/low").stx_mode & 07777, 0600);
	expect_contents("/d/low", "low\n");
	remount();
	if (!tmpfs_upper)
		ck_assert_uint_eq(attributes("/d/low").stx_mode & 07777, 0600);
}
END_TEST

/*
 * The host put something into a lower layer under a name that was missing: once it was copied up it is there for
 * everybody.
 */
START_TEST(what_came_meanwhile_is_copied_and_seen)
{
	ck_assert_int_eq(exists("/d/came"), -ENOENT);
	ck_assert_int_eq(exists("/d/sub/came"), -ENOENT);
	shell("echo came > lower/d/came; mkdir lower/d/sub/came");
	ck_assert_int_eq(rename_guest("/d", "/e", 0), 0);
	expect_contents("/e/came", "came\n");
	ck_assert_int_eq(exists("/e/sub/came"), 0);
	ck_assert_int_eq(exists("/e/sub/other"), -ENOENT);
}
END_TEST

/* What was listed before says what others did in a lower layer since, and so does all that needs a list. */
START_TEST(a_listing_begins_with_what_is_there)
{
	expect_names("/d/sub", "deep");
	expect_names("/d", "hidden low mid sub");
	ck_assert_int_eq(exists("/d/came"), -ENOENT);
	shell("echo came > lower/d/came; rm lower/d/low; mkdir lower/d/new");
	expect_names("/d", "came hidden mid new sub");
	expect_contents("/d/came", "came\n");
	ck_assert_int_eq(unlink_guest("/d/sub/deep"), 0);
	expect_names("/d/sub", "");
	shell("echo > lower/d/sub/late");
	ck_assert_int_eq(rmdir_guest("/d/sub"), -ENOTEMPTY);
	shell("echo > lower/d/late");
	ck_assert_int_eq(rename_guest("/d", "/e", 0), 0);
	expect_names("/e", "came hidden late mid new sub");
}
END_TEST

START_TEST(marks_are_not_shown)
{
	ck_assert_int_eq(unlink_guest("/f"), 0);
	ck_assert_int_eq(exists("/.wh.f"), -ENOENT);
	ck_assert_int_eq(exists("/.wh..wh.work"), -ENOENT);
	ck_assert_int_eq(open_guest("/.wh.x", O_WRONLY | O_CREAT), -EPERM);
	struct path p = walk("/d");
	char buf[256];
	ck_assert_int_eq(rename_guest("/d", "/e", 0), 0);
	ck_assert_int_eq(vfs_listxattr(&env, &p, buf, sizeof(buf)), 0);
	ck_assert_int_eq(vfs_getxattr(&env, &p, "user.overlay.opaque", buf, sizeof(buf)), -ENODATA);
	path_put(&p);
}
END_TEST

START_TEST(other_programs_marks_are_read)
{
	unmount();
	shell("touch middle/.wh.f middle/d/.wh..wh..opq && touch upper/.wh.l && mkdir upper/d && echo w >upper/d/w");
	mount_layers();
	expect_names("/", "d fifo");
	expect_names("/d", "hidden mid w");
	ck_assert_int_eq(exists("/f"), -ENOENT);
	ck_assert_int_eq(exists("/d/low"), -ENOENT);
	write_guest("/f", O_CREAT | O_EXCL, "f");
	ck_assert_int_eq(mkdir_guest("/l"), 0);
	remount();
	expect_names("/", "d f fifo l");
	ck_assert_int_eq(unlink_guest("/f"), 0);
	ck_assert_int_eq(rmdir_guest("/l"), 0);
	remount();
	expect_names("/", "d fifo");
}
END_TEST

START_TEST(what_a_killed_run_left_is_removed)
{
	unmount();
	shell("mkdir -p 'upper/.wh..wh.work/#1/x' && touch 'upper/.wh..wh.work/#2'");
	mount_layers();
	expect_names("/", "d f fifo l");
	shell("test ! -e upper/.wh..wh.work");
}
END_TEST

START_TEST(fifos_meet)
{
	int reader = open_guest("/fifo", O_RDONLY | O_NONBLOCK);
	struct path p = walk("/fifo");
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = 0622};
	ck_assert_int_eq(vfs_setattr(&env, &p, &attr), 0);
	int writer = open_guest("/fifo", O_WRONLY | O_NONBLOCK);
	ck_assert_int_ge(writer, 0);
	ck_assert_uint_eq(attributes("/fifo").stx_mode, S_IFIFO | 0622);
	(void)close(reader);
	(void)close(writer);
	path_put(&p);
}
END_TEST

START_TEST(sparse_files_stay_sparse)
{
	unmount();
	shell("truncate -s 1G lower/sparse && printf x | dd of=lower/sparse bs=1 seek=5M conv=notrunc status=none");
	mount_layers();
	write_guest("/sparse", 0, "y");
	struct statx stx = attributes("/sparse");
	ck_assert_uint_eq(stx.stx_size, 1u << 30);
	ck_assert_uint_lt(stx.stx_blocks, 4096);
	int fd = open_guest("/sparse", O_RDONLY);
	char c;
	ck_assert_int_eq(pread(fd, &c, 1, 5 << 20), 1);
	ck_assert_int_eq(c, 'x');
	(void)close(fd);
}
END_TEST

START_TEST(without_an_upper_it_is_read_only)
{
	unmount();
	struct super *lower = host_layer("lower", true), *sb;
	ck_assert_int_eq(overlay_create(&lower, 1, NULL, &sb), 0);
	ck_assert(sb->flags & SUPER_READONLY);
	struct inode *f;
	ck_assert_int_eq(sb->root->ops->lookup(sb->root, "f", &f), 0);
	ck_assert_int_eq(f->ops->setattr(f, &(struct vfs_attr){.valid = STATX_MODE, .mode = 0600}), -EROFS);
	inode_unref(f);
	super_unref(sb);
	mount_layers();
}
END_TEST

START_TEST(a_full_upper_leaves_nothing)
{
	unmount();
	shell("head -c 3000000 /dev/urandom >lower/big");
	struct super *lower = host_layer("lower", true), *upper, *sb;
	ck_assert_int_eq(tmpfs_create(&(struct tmpfs_options){.mode = 0755, .inodes = 2}, &upper), 0);
	ck_assert_int_eq(overlay_create(&lower, 1, upper, &sb), 0);
	struct inode *d, *deep;
	ck_assert_int_eq(sb->root->ops->lookup(sb->root, "d", &d), 0);
	ck_assert_int_eq(d->ops->lookup(d, "low", &deep), 0);
	ck_assert_int_eq(deep->ops->setattr(deep, &(struct vfs_attr){.valid = STATX_MODE, .mode = 0600}), -ENOSPC);
	struct statx stx;
	ck_assert_int_eq(deep->ops->getattr(deep, &stx), 0);
	ck_assert_uint_eq(stx.stx_size, 4);
	inode_unref(deep);
	inode_unref(d);
	sb->ops->shutdown(sb);
	super_unref(sb);
	mount_layers();
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, directories_are_merged);
	tcase_add_test(t, writing_copies_up);
	tcase_add_test(t, truncating_and_attributes_copy_up);
	tcase_add_test(t, what_came_meanwhile_is_copied_and_seen);
	tcase_add_test(t, a_listing_begins_with_what_is_there);
	tcase_add_test(t, marks_are_not_shown);
	tcase_add_test(t, fifos_meet);
	tcase_add_test(t, sparse_files_stay_sparse);
}

int main(void)
{
	Suite *s = suite_create("overlay");
	TCase *host = add_uppers(s, add_tests);
	tcase_add_test(host, other_programs_marks_are_read);
	tcase_add_test(host, what_a_killed_run_left_is_removed);
	tcase_add_test(host, without_an_upper_it_is_read_only);
	tcase_add_test(host, a_full_upper_leaves_nothing);
	return run_suite(s);
}
