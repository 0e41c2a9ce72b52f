/* hostfs: owners, modes and devices that only guests see (-0). */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "hostfs_tree.h"
#include "run_suite.h"

START_TEST(own_files_seem_to_be_roots)
{
	write_host("a", "");
	struct inode *a = lookup(sb->root, "a");
	ck_assert_uint_eq(attributes(a).stx_uid, 0);
	ck_assert_uint_eq(attributes(a).stx_gid, 0);
	inode_unref(a);
}
END_TEST

START_TEST(virtual_owner_and_mode_are_remembered)
{
	struct inode *x = create(sb->root, "x", S_IFREG | 0644);
	const struct vfs_attr attr = {.valid = STATX_UID | STATX_GID | STATX_MODE, .uid = 12, .gid = 34, .mode = 0040};
	ck_assert_int_eq(x->ops->setattr(x, &attr), 0);
	ck_assert_uint_eq(host_stat("x").st_mode & 07777, 0640);
	ck_assert_uint_eq(host_stat("x").st_uid, geteuid());
	inode_unref(x);
	x = lookup(sb->root, "x");
	struct statx stx = attributes(x);
	ck_assert_uint_eq(stx.stx_uid, 12);
	ck_assert_uint_eq(stx.stx_gid, 34);
	ck_assert_uint_eq(stx.stx_mode, S_IFREG | 0040);
	/* Another name is the same object; the last name that goes takes it all along. */
	ck_assert_int_eq(sb->root->ops->link(sb->root, "y", x), 0);
	ck_assert_int_eq(sb->root->ops->unlink(sb->root, "x", x), 0);
	ck_assert_uint_eq(attributes(x).stx_uid, 12);
	ck_assert_int_eq(sb->root->ops->unlink(sb->root, "y", x), 0);
	ck_assert_uint_eq(attributes(x).stx_uid, 12);
	inode_unref(x);
}
END_TEST

START_TEST(devices_are_placeholders)
{
	const struct vfs_create how = {.mode = S_IFBLK | 0660, .uid = 0, .gid = 6, .rdev = makedev(8, 1)};
	inode_unref(create_as(sb->root, "disk", &how));
	ck_assert(S_ISREG(host_stat("disk").st_mode));
	struct inode *disk = lookup(sb->root, "disk");
	ck_assert(S_ISBLK(disk->type));
	struct statx stx = attributes(disk);
	ck_assert_uint_eq(stx.stx_mode, S_IFBLK | 0660);
	ck_assert_uint_eq(stx.stx_rdev_major, 8);
	ck_assert_uint_eq(stx.stx_rdev_minor, 1);
	struct vfs_opened opened;
	ck_assert_int_eq(disk->ops->open(disk, O_RDONLY, &opened), -ENXIO);
	ck_assert_int_eq(disk->ops->setattr(disk, &(struct vfs_attr){.valid = STATX_MODE, .mode = 0600}), 0);
	ck_assert_uint_eq(attributes(disk).stx_mode, S_IFBLK | 0600);
	inode_unref(disk);
	struct listing l = {.reader.emit = collect, .room = 10};
	ck_assert_int_eq(sb->root->ops->iterate(sb->root, &l.reader), 0);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_uint_eq(l.types[0], 6);	/* DT_BLK */
	ck_assert_int_eq(sb->root->ops->open(sb->root, O_RDONLY | O_DIRECTORY, &opened), -EOPNOTSUPP);
}
END_TEST

START_TEST(null_that_was_made_is_null)
{
	const struct vfs_create how = {.mode = S_IFCHR | 0666, .rdev = makedev(1, 3)};
	struct inode *null = create_as(sb->root, "null", &how);
	char buf[8];
	read_inode(null, buf, sizeof(buf));
	ck_assert_str_eq(buf, "");
	inode_unref(null);
}
END_TEST

START_TEST(directories_stay_usable)
{
	struct inode *d = create(sb->root, "d", S_IFDIR | 0000);
	ck_assert_uint_eq(attributes(d).stx_mode, S_IFDIR | 0000);
	ck_assert_uint_eq(host_stat("d").st_mode & 0777, 0700);
	inode_unref(create(d, "x", S_IFREG | 0));
	inode_unref(d);
}
END_TEST

START_TEST(what_was_closed_is_opened_up)
{
	ck_assert_int_eq(mkdirat(dir_fd, "d", 0700), 0);
	write_host("d/f", "secret");
	ck_assert_int_eq(fchmodat(dir_fd, "d/f", 0, 0) | fchmodat(dir_fd, "d", 0055, 0), 0);
	struct inode *d = lookup(sb->root, "d"), *f = lookup(d, "f");
	char buf[16];
	read_inode(f, buf, sizeof(buf));
	ck_assert_str_eq(buf, "secret");
	ck_assert_uint_eq(attributes(d).stx_mode, S_IFDIR | 0055);
	ck_assert_uint_eq(attributes(f).stx_mode, S_IFREG | 0);
	ck_assert_uint_eq(host_stat("d").st_mode, S_IFDIR | (geteuid() == 0 ? 0055 : 0755));
	inode_unref(f);
	inode_unref(d);
}
END_TEST

START_TEST(override_xattrs_outlive_the_mount)
{
	static const struct hostfs_options options = {.virtual_attrs = true, .xattrs = true};
	if (fsetxattr(dir_fd, "user.try", "", 0, 0) < 0)
		return;		/* no such attributes under /tmp */
	ck_assert_int_eq(fremovexattr(dir_fd, "user.try"), 0);
	super_unref(sb);
	mount_with(&options);
	const struct vfs_create how = {.mode = S_IFCHR | 0620, .uid = 1, .gid = 5, .rdev = makedev(136, 2)};
	inode_unref(create_as(sb->root, "tty", &how));
	struct inode *x = create_as(sb->root, "x", &(struct vfs_create){.mode = S_IFREG | 0604, .uid = 7, .gid = 8});
	char buf[64] = "";
	ck_assert_int_eq(x->ops->listxattr(x, buf, sizeof(buf)), 0);
	ck_assert_int_eq(x->ops->getxattr(x, "user.containers.override_stat", buf, sizeof(buf)), -ENODATA);
	inode_unref(x);
	super_unref(sb);
	mount_with(&options);
	struct listing l = {.reader.emit = collect, .room = 10};
	ck_assert_int_eq(sb->root->ops->iterate(sb->root, &l.reader), 0);
	ck_assert_uint_eq(l.types[find_name(&l, "tty")], 2);	/* DT_CHR */
	struct inode *tty = lookup(sb->root, "tty");
	struct statx stx = attributes(tty);
	ck_assert_uint_eq(stx.stx_mode, S_IFCHR | 0620);
	ck_assert_uint_eq(stx.stx_rdev_major, 136);
	ck_assert_uint_eq(stx.stx_gid, 5);
	inode_unref(tty);
	x = lookup(sb->root, "x");
	ck_assert_uint_eq(attributes(x).stx_uid, 7);
	inode_unref(x);
	int fd = openat(dir_fd, "tty", O_RDONLY);
	memset(buf, 0, sizeof(buf));
	ck_assert_int_gt(fgetxattr(fd, "user.containers.override_stat", buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "1:5:0620:char-136-2");
	(void)close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hostfs, virtual attributes");
	TCase *faked = tcase_create("virtual attributes");

	tcase_set_timeout(faked, 30);
	tcase_add_checked_fixture(faked, setup_virtual, teardown);
	tcase_add_test(faked, own_files_seem_to_be_roots);
	tcase_add_test(faked, virtual_owner_and_mode_are_remembered);
	tcase_add_test(faked, devices_are_placeholders);
	tcase_add_test(faked, null_that_was_made_is_null);
	tcase_add_test(faked, directories_stay_usable);
	tcase_add_test(faked, what_was_closed_is_opened_up);
	tcase_add_test(faked, override_xattrs_outlive_the_mount);
	suite_add_tcase(s, faked);
	return run_suite(s);
}
