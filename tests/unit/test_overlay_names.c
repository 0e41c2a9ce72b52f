/* overlay: names that are removed, moved and linked. */
#include <linux/fs.h>
#include <sys/xattr.h>

#include "overlay_layers.h"
#include "run_suite.h"

START_TEST(removing_leaves_whiteouts)
{
	ck_assert_int_eq(unlink_guest("/f"), 0);
	ck_assert_int_eq(exists("/f"), -ENOENT);
	ck_assert_int_eq(unlink_guest("/d/hidden"), 0);
	expect_names("/d", "low mid sub");
	expect_names("/", "d fifo l");
	remount();
	if (tmpfs_upper)
		return;
	expect_names("/d", "low mid sub");
	ck_assert_int_eq(exists("/f"), -ENOENT);
	/* And what is made in their place. */
	write_guest("/f", O_CREAT | O_EXCL, "new");
	ck_assert_int_eq(mkdir_guest("/d/hidden"), 0);
	expect_names("/d/hidden", "");
	expect_names("/", "d f fifo l");
	remount();
	expect_contents("/f", "new");
	expect_names("/d/hidden", "");
}
END_TEST

START_TEST(copied_then_removed)
{
	write_guest("/f", O_APPEND, "x");
	ck_assert_int_eq(unlink_guest("/f"), 0);
	expect_names("/", "d fifo l");
	ck_assert_int_eq(vfs_symlink(&env, "new", NULL, "/f"), 0);
	ck_assert_int_eq(unlink_guest("/f"), 0);
	ck_assert_int_eq(vfs_link(&env, NULL, "/d/low", 0, NULL, "/f"), 0);
	expect_contents("/f", "low\n");
	ck_assert_uint_eq(attributes("/f").stx_nlink, 2);
	remount();
	expect_names("/", "d f fifo l");
}
END_TEST

START_TEST(directories_removed_and_made_again)
{
	ck_assert_int_eq(rmdir_guest("/d/sub"), -ENOTEMPTY);
	ck_assert_int_eq(unlink_guest("/d/sub/deep"), 0);
	ck_assert_int_eq(rmdir_guest("/d/sub"), 0);
	expect_names("/d", "hidden low mid");
	ck_assert_int_eq(mkdir_guest("/d/sub"), 0);
	expect_names("/d/sub", "");
	write_guest("/d/sub/own", O_CREAT, "own");
	remount();
	expect_names("/d", tmpfs_upper ? "hidden low mid sub" : "hidden low mid sub");
	expect_names("/d/sub", "own");
}
END_TEST

START_TEST(directories_are_renamed)
{
	struct statx before = attributes("/d");
	ck_assert_int_eq(unlink_guest("/d/low"), 0);
	ck_assert_int_eq(rename_guest("/d", "/e", 0), 0);
	expect_names("/", "e f fifo l");
	expect_names("/e", "hidden mid sub");
	expect_contents("/e/hidden", "mid\n");
	expect_contents("/e/sub/deep", "deep\n");
	ck_assert_uint_eq(attributes("/e").stx_ino, before.stx_ino);
	remount();
	expect_names("/", "e f fifo l");
	expect_names("/e", "hidden mid sub");
	/* Back over the whiteout: what is below must stay hidden. */
	ck_assert_int_eq(rename_guest("/e", "/d", 0), 0);
	expect_names("/d", "hidden mid sub");
	remount();
	expect_names("/", "d f fifo l");
	expect_names("/d", "hidden mid sub");
}
END_TEST

/* A directory that the host moved below is another one by its new name. */
START_TEST(a_directory_that_moved_below_is_another)
{
	ck_assert_int_eq(exists("/d/sub/new"), -ENOENT);
	shell("mv lower/d/sub lower/d/moved");
	expect_contents("/d/moved/deep", "deep\n");
	write_guest("/d/moved/new", O_WRONLY | O_CREAT, "moved");
	ck_assert_int_eq(exists("/d/sub/new"), -ENOENT);
	write_guest("/d/sub/new", O_WRONLY | O_CREAT, "sub");
	expect_contents("/d/moved/new", "moved");
	expect_contents("/d/sub/new", "sub");
}
END_TEST

START_TEST(files_are_renamed)
{
	ck_assert_int_eq(rename_guest("/f", "/d/low", 0), 0);
	expect_contents("/d/low", "f\n");
	expect_names("/", "d fifo l");
	ck_assert_int_eq(rename_guest("/d/low", "/f", 0), 0);
	expect_names("/", "d f fifo l");
	expect_names("/d", "hidden mid sub");
	ck_assert_int_eq(rename_guest("/f", "/d/mid", RENAME_EXCHANGE), 0);
	expect_contents("/f", "both\n");
	expect_contents("/d/mid", "f\n");
	ck_assert_int_eq(rename_guest("/d/sub", "/l", RENAME_EXCHANGE), 0);
	expect_contents("/l/deep", "deep\n");
	ck_assert_uint_eq(attributes("/d/sub").stx_mode, S_IFLNK | 0777);
	remount();
	expect_contents("/l/deep", "deep\n");
	expect_names("/d", "hidden mid sub");
}
END_TEST

START_TEST(a_directory_over_an_emptied_one)
{
	ck_assert_int_eq(mkdir_guest("/new"), 0);
	write_guest("/new/x", O_CREAT, "x");
	ck_assert_int_eq(rename_guest("/new", "/d/sub", 0), -ENOTEMPTY);
	ck_assert_int_eq(unlink_guest("/d/sub/deep"), 0);
	ck_assert_int_eq(rename_guest("/new", "/d/sub", 0), 0);
	expect_names("/d/sub", "x");
	expect_names("/", "d f fifo l");
	remount();
	expect_names("/d/sub", "x");
}
END_TEST

START_TEST(hard_links_of_lower_files_stay_together)
{
	unmount();
	shell("ln lower/f lower/g && ln lower/f lower/d/h");
	mount_layers();
	ck_assert_uint_eq(attributes("/f").stx_nlink, 3);
	ck_assert_uint_eq(attributes("/f").stx_ino, attributes("/g").stx_ino);
	write_guest("/g", O_TRUNC, "changed");
	expect_contents("/f", "changed");
	expect_contents("/d/h", "changed");
	ck_assert_uint_eq(attributes("/f").stx_nlink, 3);
	ck_assert_int_eq(unlink_guest("/d/h"), 0);
	ck_assert_uint_eq(attributes("/g").stx_nlink, 2);
	ck_assert_int_eq(unlink_guest("/g"), 0);
	ck_assert_uint_eq(attributes("/f").stx_nlink, 1);
	expect_contents("/f", "changed");
	ck_assert_int_eq(rename_guest("/f", "/i", 0), 0);
	expect_contents("/i", "changed");
	expect_names("/", "d fifo i l");
	remount();
	if (!tmpfs_upper)
		expect_contents("/i", "changed");
}
END_TEST

START_TEST(removed_files_live_on)
{
	struct path p = walk("/f");
	int fd = open_guest("/f", O_RDONLY);
	ck_assert_int_eq(unlink_guest("/f"), 0);
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = 0604};
	struct statx stx;
	ck_assert_int_eq(vfs_setattr(&env, &p, &attr), 0);
	ck_assert_int_eq(vfs_getattr(&p, &stx), 0);
	ck_assert_uint_eq(stx.stx_mode & 0777, 0604);
	ck_assert_uint_eq(stx.stx_nlink, 0);
	ck_assert_int_eq(exists("/f"), -ENOENT);
	(void)close(fd);
	path_put(&p);
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, removing_leaves_whiteouts);
	tcase_add_test(t, copied_then_removed);
	tcase_add_test(t, directories_removed_and_made_again);
	tcase_add_test(t, directories_are_renamed);
	tcase_add_test(t, a_directory_that_moved_below_is_another);
	tcase_add_test(t, files_are_renamed);
	tcase_add_test(t, a_directory_over_an_emptied_one);
	tcase_add_test(t, hard_links_of_lower_files_stay_together);
	tcase_add_test(t, removed_files_live_on);
}

int main(void)
{
	Suite *s = suite_create("overlay, names");
	(void)add_uppers(s, add_tests);
	return run_suite(s);
}
