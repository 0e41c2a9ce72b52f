/* The path walk: names, links, "..", mounts, scopes, permissions, and what the cache may and may not remember. */
#include <check.h>
#include <fcntl.h>
#include <string.h>

#include "kernel/vfs/rcu.h"
#include "run_suite.h"
#include "vfs_testfs.h"

static struct world w;
static char got[VFS_PATH_MAX + 64];

#define ck_walk(name, flags, expected)                                                      \
	do {                                                                                \
		ck_assert_int_eq(world_walk(&w, NULL, name, flags, got, sizeof(got)), 0);   \
		ck_assert_str_eq(got, expected);                                            \
	} while (0)
#define ck_walk_from(base, name, flags, expected)                                           \
	do {                                                                                \
		ck_assert_int_eq(world_walk(&w, base, name, flags, got, sizeof(got)), 0);   \
		ck_assert_str_eq(got, expected);                                            \
	} while (0)
#define ck_fails(name, flags, err) ck_assert_int_eq(world_walk(&w, NULL, name, flags, NULL, 0), err)
#define ck_fails_from(base, name, flags, err) ck_assert_int_eq(world_walk(&w, base, name, flags, NULL, 0), err)

static void setup(void)
{
	world_init(&w, 0, 0);
	testfs_mkdir(w.sb, "/a", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/b", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/b/c", 0755, 0, 0);
	testfs_file(w.sb, "/a/b/c/f", 0644, 0, 0);
}

static void teardown(void)
{
	world_finish(&w);
}

START_TEST(names)
{
	ck_walk("/", 0, "/");
	ck_walk("///", 0, "/");
	ck_walk(".", 0, "/");
	ck_walk("..", 0, "/");
	ck_walk("/a/b/c/f", 0, "/a/b/c/f");
	ck_walk("a//b/./c/../c/f", 0, "/a/b/c/f");
	ck_walk("/a/b/..", 0, "/a");
	ck_walk("/../../a/b/", 0, "/a/b");
	ck_walk_from("/a/b", "c/f", 0, "/a/b/c/f");
	ck_walk_from("/a/b", "/a", 0, "/a");
	ck_walk_from("/a/b/c/f", "/a", 0, "/a");
	ck_fails("", 0, -ENOENT);
	ck_walk_from("/a/b/c/f", "", WALK_EMPTY, "/a/b/c/f");
	ck_fails("/a/x", 0, -ENOENT);
	ck_fails("/a/x/y", 0, -ENOENT);
	ck_fails("/a/b/c/f/", 0, -ENOTDIR);
	ck_fails("/a/b/c/f/.", 0, -ENOTDIR);
	ck_fails("/a/b/c/f/..", 0, -ENOTDIR);
	ck_fails("/a/b/c/f/x", 0, -ENOTDIR);
	ck_fails_from("/a/b/c/f", "x", 0, -ENOTDIR);
	ck_fails("/a/b/c/f", WALK_DIRECTORY, -ENOTDIR);
}
END_TEST

START_TEST(lengths)
{
	char name[VFS_PATH_MAX + 2];
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	ck_fails(name, 0, -ENOENT);
	name[255] = 'n';
	name[256] = '\0';
	ck_fails(name, 0, -ENAMETOOLONG);
	memset(name, '/', sizeof(name));
	name[4095] = '\0';
	ck_walk(name, 0, "/");
	name[4095] = '/';
	name[4096] = '\0';
	ck_fails(name, 0, -ENAMETOOLONG);
}
END_TEST

START_TEST(links)
{
	testfs_symlink(w.sb, "/l", "a/b");
	testfs_symlink(w.sb, "/a/up", "../l/c");
	testfs_symlink(w.sb, "/abs", "/a/up/f");
	testfs_symlink(w.sb, "/slash", "a/b/c/f/");
	testfs_symlink(w.sb, "/nowhere", "x");
	testfs_symlink(w.sb, "/loop", "loop");
	ck_walk("/l", 0, "/l");
	ck_walk("/l", WALK_FOLLOW, "/a/b");
	ck_walk("/l/", 0, "/a/b");
	ck_walk("/l/.", 0, "/a/b");
	ck_walk("/l/..", 0, "/a");
	ck_walk("/a/up/f", 0, "/a/b/c/f");
	ck_walk("abs", WALK_FOLLOW, "/a/b/c/f");
	ck_fails("abs/", 0, -ENOTDIR);
	ck_fails("slash", WALK_FOLLOW, -ENOTDIR);
	ck_walk("nowhere", 0, "/nowhere");
	ck_fails("nowhere", WALK_FOLLOW, -ENOENT);
	ck_fails("nowhere/", 0, -ENOENT);
	ck_fails("loop", WALK_FOLLOW, -ELOOP);
	ck_fails("loop/x", 0, -ELOOP);
	ck_walk("loop", 0, "/loop");
}
END_TEST

START_TEST(forty_links)
{
	char path[32], target[32];
	testfs_file(w.sb, "/l0", 0644, 0, 0);
	for (int i = 1; i <= 41; i++) {
		(void)snprintf(path, sizeof(path), "/l%d", i);
		(void)snprintf(target, sizeof(target), "l%d", i - 1);
		testfs_symlink(w.sb, path, target);
	}
	ck_walk("l40", WALK_FOLLOW, "/l0");
	ck_fails("l41", WALK_FOLLOW, -ELOOP);
	ck_walk("l41", 0, "/l41");
}
END_TEST

/* Links in the middle of links: each level's remainder waits on the stack. */
START_TEST(nested_links)
{
	char path[32], target[64];
	testfs_mkdir(w.sb, "/d", 0755, 0, 0);
	testfs_symlink(w.sb, "/d/n0", ".");
	for (int i = 1; i <= 39; i++) {
		(void)snprintf(path, sizeof(path), "/d/n%d", i);
		(void)snprintf(target, sizeof(target), "./n%d/../d/.", i - 1);
		testfs_symlink(w.sb, path, target);
	}
	ck_walk("/d/n39", WALK_FOLLOW, "/d");
}
END_TEST

START_TEST(mounts)
{
	struct super *m = world_mount(&w, "/a/b", 0, 0);
	testfs_mkdir(m, "/x", 0755, 0, 0);
	testfs_symlink(m, "/x/top", "/a");
	struct super *n = world_mount(&w, "/a/b/x", 0, 0);
	testfs_file(n, "/deep", 0644, 0, 0);
	ck_walk("/a/b/x/deep", 0, "/a/b/x/deep");
	ck_walk("/a/b/x/..", 0, "/a/b");
	ck_walk("/a/b/x/../../..", 0, "/");
	ck_walk("/a/b/x/../../b/x", 0, "/a/b/x");
	ck_fails("/a/b/c", 0, -ENOENT);
	ck_fails("/a/b/x/top", 0, -ENOENT);
	/* Mounted over a mount: the later one counts. */
	struct super *o = world_mount(&w, "/a/b", 0, 0);
	testfs_file(o, "/over", 0644, 0, 0);
	ck_walk("/a/b/over", 0, "/a/b/over");
	ck_walk("/a/b/..", 0, "/a");
	ck_fails("/a/b/x", 0, -ENOENT);
}
END_TEST

START_TEST(made_up_mount_points)
{
	struct super *m = world_mount(&w, "/new/way/point", 0, 0);
	testfs_file(m, "/f", 0644, 0, 0);
	ck_walk("/new/way/point/f", 0, "/new/way/point/f");
	ck_walk("/new/way/..", 0, "/new");
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/new/x", 0755), -EROFS);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/new", 0755), -EEXIST);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/new", true), -EBUSY);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/new/way/point", true), -EROFS);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/new", NULL, "/other", 0), -EBUSY);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/a", NULL, "/new", 0), -EBUSY);
}
END_TEST

/* A bind of one file: the root of what is mounted is no directory. */
START_TEST(file_on_file)
{
	struct super *sb = testfs_create(0);
	ck_assert_int_eq(vfs_mount(w.v, "/a/b/c/f", sb, 0, "x"), -ENOTDIR);
}
END_TEST

START_TEST(chroot_is_the_top)
{
	struct path jail;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/a/b", 0, &jail), 0);
	testfs_symlink(w.sb, "/a/b/out", "/../../a");
	testfs_symlink(w.sb, "/a/b/c/root", "/");
	path_put(&w.env.root);
	w.env.root = jail;
	ck_fails("/a", 0, -ENOENT);
	ck_walk("/../../c", 0, "/c");
	ck_walk("/c/../../../c/f", 0, "/c/f");
	ck_fails("/out", WALK_FOLLOW, -ENOENT);
	ck_walk("/c/root/c", 0, "/c");
	/* cwd is outside: ".." leads on, as in Linux. */
	ck_assert_int_eq(world_walk(&w, NULL, "a/b/..", 0, NULL, 0), 0);
}
END_TEST

START_TEST(resolve_flags)
{
	struct super *m = world_mount(&w, "/a/m", 0, 0);
	testfs_file(m, "/f", 0644, 0, 0);
	testfs_symlink(w.sb, "/a/l", "b");
	testfs_symlink(w.sb, "/a/abs", "/a/b");
	testfs_symlink(w.sb, "/a/esc", "../a/b");
	testfs_symlink(w.sb, "/a/rel", "b/../b/c");
	testfs_magic(w.sb, "/a/magic", w.v, "/a/b/c");
	testfs_magic(w.sb, "/a/far", w.v, "/a/m/f");

	ck_walk_from("/a", "magic", WALK_FOLLOW, "/a/b/c");
	ck_walk_from("/a", "magic/f", 0, "/a/b/c/f");
	ck_walk_from("/a", "l/c", WALK_NO_MAGICLINKS, "/a/b/c");
	ck_fails_from("/a", "magic", WALK_FOLLOW | WALK_NO_MAGICLINKS, -ELOOP);
	ck_walk_from("/a", "magic", WALK_NO_MAGICLINKS, "/a/magic");
	ck_fails_from("/a", "magic/f", WALK_BENEATH, -EXDEV);
	ck_fails_from("/a", "magic/f", WALK_IN_ROOT, -EXDEV);

	ck_fails_from("/a", "l", WALK_FOLLOW | WALK_NO_SYMLINKS, -ELOOP);
	ck_walk_from("/a", "l", WALK_NO_SYMLINKS, "/a/l");
	ck_fails_from("/a", "l/c", WALK_NO_SYMLINKS, -ELOOP);

	ck_fails_from("/a", "m/f", WALK_NO_XDEV, -EXDEV);
	ck_fails_from("/a", "m", WALK_NO_XDEV, -EXDEV);
	ck_fails_from("/a/m", "..", WALK_NO_XDEV, -EXDEV);
	ck_fails_from("/a", "far", WALK_FOLLOW | WALK_NO_XDEV, -EXDEV);
	/* nd_jump_root: a root that was not needed before is on no mount yet */
	ck_assert_int_eq(world_walk(&w, "/a", "abs/c", WALK_NO_XDEV, got, sizeof(got)), -EXDEV);
	ck_walk_from("/a/m", "/a/b", WALK_NO_XDEV, "/a/b");

	ck_fails_from("/a", "..", WALK_BENEATH, -EXDEV);
	ck_fails_from("/a", "/a/b", WALK_BENEATH, -EXDEV);
	ck_fails_from("/a", "abs", WALK_FOLLOW | WALK_BENEATH, -EXDEV);
	ck_fails_from("/a", "esc", WALK_FOLLOW | WALK_BENEATH, -EXDEV);
	ck_walk_from("/a", "rel/f", WALK_BENEATH, "/a/b/c/f");
	ck_walk_from("/a", "m/f", WALK_BENEATH, "/a/m/f");

	ck_walk_from("/a", "../../b", WALK_IN_ROOT, "/a/b");
	ck_walk_from("/a", "/b/c", WALK_IN_ROOT, "/a/b/c");
	ck_fails_from("/a", "abs", WALK_FOLLOW | WALK_IN_ROOT, -ENOENT);
	ck_walk_from("/a/b", "/../../../c/f", WALK_IN_ROOT, "/a/b/c/f");
}
END_TEST

START_TEST(search_permission)
{
	testfs_mkdir(w.sb, "/p", 0700, 5, 5);
	testfs_mkdir(w.sb, "/p/q", 0755, 5, 5);
	testfs_mkdir(w.sb, "/g", 0610, 5, 7);
	testfs_file(w.sb, "/g/f", 0, 5, 7);
	ck_walk("/p/q", 0, "/p/q");
	world_become(&w, 6, 7);
	ck_walk("/p", 0, "/p");
	ck_walk("/p/", 0, "/p");
	ck_fails("/p/.", 0, -EACCES);
	ck_fails("/p/q", 0, -EACCES);
	ck_fails("/p/no", 0, -EACCES);
	ck_walk("/g/f", 0, "/g/f");
	world_become(&w, 5, 9);
	ck_walk("/p/q", 0, "/p/q");
	ck_fails("/g/f", 0, -EACCES);
}
END_TEST

/* ---- the cache ---- */

START_TEST(names_are_remembered)
{
	for (int i = 0; i < 3; i++) {
		ck_walk("/a/b/c/f", 0, "/a/b/c/f");
		ck_fails("/a/none", 0, -ENOENT);
	}
	ck_assert_uint_eq(testfs_lookups(w.sb), 5);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/a/none", 0755), 0);
	ck_walk("/a/none", 0, "/a/none");
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/a/none", true), 0);
	ck_fails("/a/none", 0, -ENOENT);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/a/b", NULL, "/b", 0), 0);
	ck_walk("/b/c/f", 0, "/b/c/f");
	ck_fails("/a/b", 0, -ENOENT);
}
END_TEST

START_TEST(unused_names_go)
{
	char name[32];
	world_finish(&w);
	world_init(&w, 0, 16);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "/f%d", i);
		testfs_file(w.sb, name, 0644, 0, 0);
	}
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "/f%d", i);
		ck_walk(name, 0, name);
	}
	unsigned before = testfs_lookups(w.sb);
	ck_walk("/f0", 0, "/f0");
	ck_assert_uint_eq(testfs_lookups(w.sb), before + 1);
	ck_walk("/f199", 0, "/f199");
	ck_assert_uint_eq(testfs_lookups(w.sb), before + 1);
}
END_TEST

/* Something on the host replaces, removes and makes names. */
START_TEST(host_changes_are_seen)
{
	world_finish(&w);
	world_init(&w, SUPER_REVALIDATES, 0);
	testfs_mkdir(w.sb, "/d", 0755, 0, 0);
	testfs_file(w.sb, "/d/f", 0644, 0, 0);
	ck_walk("/d/f", 0, "/d/f");
	ck_fails("/d/g", 0, -ENOENT);
	testfs_file(w.sb, "/d/g", 0644, 0, 0);
	ck_walk("/d/g", 0, "/d/g");
	testfs_remove(w.sb, "/d/f");
	ck_fails("/d/f", 0, -ENOENT);
	testfs_mkdir(w.sb, "/d/f", 0755, 0, 0);
	testfs_file(w.sb, "/d/f/x", 0644, 0, 0);
	ck_walk("/d/f/x", 0, "/d/f/x");
	testfs_remove(w.sb, "/d/f");
	testfs_symlink(w.sb, "/d/f", "g");
	ck_walk("/d/f", WALK_FOLLOW, "/d/g");
}
END_TEST

/* All that the cache knows of a name is checked at once, and the attributes come with it. */
START_TEST(one_check_for_a_path)
{
	struct path p;
	struct statx st;
	teardown();
	world_init(&w, SUPER_REVALIDATES, 0);
	testfs_mkdir(w.sb, "/a", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/b", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/b/c", 0755, 0, 0);
	testfs_file(w.sb, "/a/b/c/f", 0644, 7, 0);
	testfs_symlink(w.sb, "/l", "a/b");
	ck_walk("/a/b/c/f", 0, "/a/b/c/f");
	unsigned before = testfs_checks(w.sb);
	ck_walk("/a/b/c/f", 0, "/a/b/c/f");
	ck_assert_uint_eq(testfs_checks(w.sb), before + 1);
	ck_assert_int_eq(vfs_walk_getattr(&w.env, NULL, "/a/b/c/f", 0, &p, &st), 0);
	ck_assert_uint_eq(st.stx_uid, 7);
	path_put(&p);
	ck_assert_uint_eq(testfs_checks(w.sb), before + 2);
	ck_fails("/a/b/c/x", 0, -ENOENT);
	ck_assert_uint_eq(testfs_checks(w.sb), before + 3);
	/* What is not there is remembered too, and checked with one question. */
	unsigned lookups = testfs_lookups(w.sb);
	ck_fails("/a/b/c/x", 0, -ENOENT);
	ck_assert_uint_eq(testfs_checks(w.sb), before + 4);
	ck_assert_uint_eq(testfs_lookups(w.sb), lookups);
	testfs_file(w.sb, "/a/b/c/x", 0644, 0, 0);
	ck_walk("/a/b/c/x", 0, "/a/b/c/x");
	ck_walk("/l/c", WALK_FOLLOW, "/a/b/c");
	before = testfs_checks(w.sb);
	ck_walk("/l/c", WALK_FOLLOW, "/a/b/c");
	ck_assert_uint_eq(testfs_checks(w.sb), before + 2);
	/* A directory in the middle was replaced: the walk sees the new one. */
	testfs_move(w.sb, "/a/b", "/a/old");
	testfs_mkdir(w.sb, "/a/b", 0755, 0, 0);
	ck_fails("/a/b/c/f", 0, -ENOENT);
	testfs_symlink(w.sb, "/a/b/c", "../old/c");
	ck_walk("/a/b/c/f", 0, "/a/old/c/f");
}
END_TEST

/* Names below a directory that the host moved away keep nothing. */
START_TEST(names_below_what_is_gone)
{
	teardown();
	world_init(&w, SUPER_REVALIDATES, 0);
	testfs_mkdir(w.sb, "/d", 0755, 0, 0);
	testfs_mkdir(w.sb, "/d/e", 0755, 0, 0);
	testfs_file(w.sb, "/d/e/f", 0644, 0, 0);
	testfs_file(w.sb, "/d/e/g", 0644, 0, 0);
	ck_walk("/d/e/f", 0, "/d/e/f");
	ck_walk("/d/e/g", 0, "/d/e/g");
	testfs_move(w.sb, "/d", "/moved");
	ck_fails("/d", 0, -ENOENT);
	unsigned before = testfs_alive(w.sb);
	testfs_remove(w.sb, "/moved/e/f");
	testfs_remove(w.sb, "/moved/e/g");
	testfs_remove(w.sb, "/moved/e");
	testfs_remove(w.sb, "/moved");
	vfs_free_all();
	ck_assert_uint_eq(testfs_alive(w.sb), before - 4);
}
END_TEST

/* What cannot be told now is an error, and forgotten it is not. */
START_TEST(failures_pass)
{
	struct path before, after;
	teardown();
	world_init(&w, SUPER_REVALIDATES, 0);
	testfs_mkdir(w.sb, "/d", 0755, 0, 0);
	testfs_file(w.sb, "/d/f", 0644, 0, 0);
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/d", 0, &before), 0);
	ck_walk("/d/f", 0, "/d/f");
	testfs_fail(w.sb, EIO);
	ck_fails("/d/f", 0, -EIO);
	ck_fails("/d", 0, -EIO);
	ck_fails("/none", 0, -EIO);
	testfs_fail(w.sb, 0);
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/d", 0, &after), 0);
	ck_assert_ptr_eq(before.dentry, after.dentry);
	path_put(&before);
	path_put(&after);
}
END_TEST

/* An answer may take for ever; what is freed behind readers does not wait for it. */
static void walk_all_ways(void)
{
	ck_walk("/a/b/f", 0, "/a/b/f");
	ck_walk("/a/b/f", 0, "/a/b/f");
	ck_walk("/l/f", WALK_FOLLOW, "/a/b/f");
	ck_walk("/l/../b/f", WALK_FOLLOW, "/a/b/f");
	ck_fails("/a/b/none", 0, -ENOENT);
	ck_fails("/a/b/none", 0, -ENOENT);
	int fd = world_open(&w, "/a/b/f", O_RDONLY, 0);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	testfs_move(w.sb, "/a/b", "/a/old");
	testfs_move(w.sb, "/a/old", "/a/b");
	testfs_move(w.sb, "/a", "/moved");
	ck_fails("/a/b/f", 0, -ENOENT);
	testfs_move(w.sb, "/moved", "/a");
	ck_walk("/a/b/f", 0, "/a/b/f");
	fd = world_open(&w, "/a/new", O_RDWR | O_CREAT, 0644);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/a/new", false), 0);
}

START_TEST(answers_are_waited_for_outside)
{
	const unsigned flags[] = {0, SUPER_REVALIDATES};
	for (size_t i = 0; i < 2; i++) {
		teardown();
		world_init(&w, flags[i], 0);
		testfs_mkdir(w.sb, "/a", 0755, 1000, 1000);
		testfs_mkdir(w.sb, "/a/b", 0755, 0, 0);
		testfs_file(w.sb, "/a/b/f", 0644, 0, 0);
		testfs_symlink(w.sb, "/l", "a/b");
		world_become(&w, 1000, 1000);
		testfs_wait_for_readers(w.sb);
		if (flags[i])
			walk_all_ways();
		else
			ck_walk("/l/f", WALK_FOLLOW, "/a/b/f");
	}
}
END_TEST

/* What is mounted hides what the host does to the names below it. */
START_TEST(mount_points_stay)
{
	teardown();
	world_init(&w, SUPER_REVALIDATES, 0);
	testfs_mkdir(w.sb, "/a", 0755, 0, 0);
	testfs_mkdir(w.sb, "/a/m", 0755, 0, 0);
	struct super *m = world_mount(&w, "/a/m", 0, 0);
	testfs_file(m, "/f", 0644, 0, 0);
	ck_walk("/a/m/f", 0, "/a/m/f");
	testfs_remove(w.sb, "/a/m");
	ck_walk("/a/m/f", 0, "/a/m/f");
	ck_walk("/a/m/..", 0, "/a");
}
END_TEST

START_TEST(shown_names)
{
	struct path p, dir;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/a/b/c/f", 0, &p), 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/a/b/c/f", false), 0);
	ck_assert_int_gt(vfs_shown_name(&w.env, &p, got, sizeof(got)), 0);
	ck_assert_str_eq(got, "/a/b/c/f (deleted)");
	ck_assert_int_eq(vfs_name(&w.env, &p, got, sizeof(got)), -ENOENT);
	path_put(&p);
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/a/b", 0, &dir), 0);
	ck_assert_int_eq(vfs_name(&w.env, &dir, got, 5), 5);
	ck_assert_int_eq(vfs_name(&w.env, &dir, got, 4), -ERANGE);
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/", 0, &p), 0);
	ck_assert_int_eq(vfs_name(&w.env, &p, got, sizeof(got)), 2);
	path_put(&w.env.root);
	w.env.root = dir;
	ck_assert_int_eq(vfs_name(&w.env, &p, got, sizeof(got)), -ENOENT);
	path_put(&p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfs walk");
	TCase *t = tcase_create("walk");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, names);
	tcase_add_test(t, lengths);
	tcase_add_test(t, links);
	tcase_add_test(t, forty_links);
	tcase_add_test(t, nested_links);
	tcase_add_test(t, mounts);
	tcase_add_test(t, made_up_mount_points);
	tcase_add_test(t, file_on_file);
	tcase_add_test(t, chroot_is_the_top);
	tcase_add_test(t, resolve_flags);
	tcase_add_test(t, search_permission);
	tcase_add_test(t, names_are_remembered);
	tcase_add_test(t, unused_names_go);
	tcase_add_test(t, host_changes_are_seen);
	tcase_add_test(t, one_check_for_a_path);
	tcase_add_test(t, names_below_what_is_gone);
	tcase_add_test(t, failures_pass);
	tcase_add_test(t, answers_are_waited_for_outside);
	tcase_add_test(t, mount_points_stay);
	tcase_add_test(t, shown_names);
	suite_add_tcase(s, t);
	return run_suite(s);
}
