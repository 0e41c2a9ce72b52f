/* Opens, and operations on names and objects: the errno of each wrong way, in Linux's order. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "run_suite.h"
#include "vfs_testfs.h"

static struct world w;

#define NOW ((struct timespec){.tv_nsec = UTIME_NOW})

static void setup(void)
{
	world_init(&w, 0, 0);
	testfs_mkdir(w.sb, "/d", 0755, 0, 0);
	testfs_mkdir(w.sb, "/d/e", 0755, 0, 0);
	testfs_file(w.sb, "/d/f", 0644, 0, 0);
	testfs_symlink(w.sb, "/d/l", "f");
	testfs_symlink(w.sb, "/d/dangling", "made");
}

static void teardown(void)
{
	world_finish(&w);
}

static int open_close(const char *name, int flags, mode_t mode)
{
	int fd = world_open(&w, name, flags, mode);
	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

static mode_t mode_of(const char *name)
{
	struct path p;
	struct statx st;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, name, 0, &p), 0);
	ck_assert_int_eq(vfs_getattr(&p, &st), 0);
	path_put(&p);
	return st.stx_mode;
}

static int change(const char *name, struct vfs_attr attr)
{
	struct path p;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, name, 0, &p), 0);
	int err = vfs_setattr(&w.env, &p, &attr);
	path_put(&p);
	return err;
}

START_TEST(open_existing)
{
	ck_assert_int_eq(open_close("/d/f", O_RDONLY, 0), 0);
	ck_assert_int_eq(open_close("/d/none", O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(open_close("/d/f/", O_RDONLY, 0), -ENOTDIR);
	ck_assert_int_eq(open_close("/d/f", O_DIRECTORY, 0), -ENOTDIR);
	ck_assert_int_eq(open_close("/d", O_RDONLY, 0), 0);
	ck_assert_int_eq(open_close("/d", O_RDWR, 0), -EISDIR);
	ck_assert_int_eq(open_close("/d", O_RDONLY | O_TRUNC, 0), -EISDIR);
	ck_assert_int_eq(open_close("/d/l", O_RDONLY, 0), 0);
	ck_assert_int_eq(open_close("/d/l", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	ck_assert_int_eq(open_close("/d/l", O_RDONLY | O_NOFOLLOW | O_DIRECTORY, 0), -ENOTDIR);
	ck_assert_int_eq(open_close("", O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(open_close("/", O_RDONLY, 0), 0);
	testfs_node(w.sb, "/sock", S_IFSOCK | 0666);
	ck_assert_int_eq(open_close("/sock", O_RDWR, 0), -ENXIO);
	world_mount(&w, "/ro", 0, MOUNT_READONLY | MOUNT_NODEV);
}
END_TEST

START_TEST(open_creates)
{
	ck_assert_int_eq(open_close("/d/new", O_CREAT | O_WRONLY, 0666), 0);
	ck_assert_uint_eq(mode_of("/d/new"), S_IFREG | 0644);
	ck_assert_int_eq(open_close("/d/new", O_CREAT | O_WRONLY, 0666), 0);
	ck_assert_int_eq(open_close("/d/new", O_CREAT | O_EXCL | O_WRONLY, 0666), -EEXIST);
	ck_assert_int_eq(open_close("/d/x/", O_CREAT | O_WRONLY, 0666), -EISDIR);
	ck_assert_int_eq(open_close("/d/e/", O_CREAT | O_RDONLY, 0666), -EISDIR);
	ck_assert_int_eq(open_close("/d/e", O_CREAT | O_RDONLY, 0666), -EISDIR);
	ck_assert_int_eq(open_close("/d/.", O_CREAT | O_RDONLY, 0666), -EISDIR);
	ck_assert_int_eq(open_close("/d/e", O_CREAT | O_EXCL, 0666), -EEXIST);
	ck_assert_int_eq(open_close("/d/dangling", O_CREAT | O_EXCL | O_RDWR, 0666), -EEXIST);
	ck_assert_int_eq(open_close("/d/dangling", O_CREAT | O_NOFOLLOW | O_RDWR, 0666), -ELOOP);
	ck_assert(!world_has(&w, "/d/made"));
	ck_assert_int_eq(open_close("/d/dangling", O_CREAT | O_RDWR, 0666), 0);
	ck_assert(world_has(&w, "/d/made"));
	ck_assert_int_eq(open_close("/none/x", O_CREAT | O_RDWR, 0666), -ENOENT);
	ck_assert_int_eq(open_close("/d/f/x", O_CREAT | O_RDWR, 0666), -ENOTDIR);
	/* The mode is for later opens: this one may write. */
	world_become(&w, 0, 0);
	ck_assert_int_eq(open_close("/d/none", O_CREAT | O_RDWR, 0), 0);
}
END_TEST

START_TEST(open_permissions)
{
	testfs_mkdir(w.sb, "/t", 01777, 0, 0);
	testfs_file(w.sb, "/d/secret", 0600, 0, 0);
	testfs_file(w.sb, "/d/mine", 0400, 5, 5);
	world_become(&w, 5, 5);
	ck_assert_int_eq(open_close("/d/secret", O_RDONLY, 0), -EACCES);
	ck_assert_int_eq(open_close("/d/secret", O_PATH, 0), 0);
	ck_assert_int_eq(open_close("/d/f", O_RDONLY, 0), 0);
	ck_assert_int_eq(open_close("/d/f", O_RDWR, 0), -EACCES);
	ck_assert_int_eq(open_close("/d/f", O_RDONLY | O_TRUNC, 0), -EACCES);
	ck_assert_int_eq(open_close("/d/f", O_RDONLY | O_NOATIME, 0), -EPERM);
	ck_assert_int_eq(open_close("/d/mine", O_RDONLY | O_NOATIME, 0), 0);
	ck_assert_int_eq(open_close("/d/mine", O_WRONLY, 0), -EACCES);
	ck_assert_int_eq(open_close("/d/new", O_CREAT | O_RDWR, 0644), -EACCES);
	ck_assert_int_eq(open_close("/d/f", O_CREAT | O_RDONLY, 0644), 0);
	ck_assert_int_eq(open_close("/t/unwritable", O_CREAT | O_RDWR, 0), 0);
	ck_assert_int_eq(open_close("/t/unwritable", O_RDWR, 0), -EACCES);
}
END_TEST

START_TEST(read_only_mounts)
{
	struct super *sb = world_mount(&w, "/ro", 0, MOUNT_READONLY);
	testfs_file(sb, "/f", 0666, 0, 0);
	testfs_mkdir(sb, "/d", 0777, 0, 0);
	testfs_node(sb, "/sock", S_IFSOCK | 0777);
	ck_assert_int_eq(open_close("/ro/f", O_RDONLY, 0), 0);
	ck_assert_int_eq(open_close("/ro/f", O_RDWR, 0), -EROFS);
	ck_assert_int_eq(open_close("/ro/f", O_RDONLY | O_TRUNC, 0), -EROFS);
	ck_assert_int_eq(open_close("/ro/f", O_CREAT | O_RDONLY, 0), 0);
	ck_assert_int_eq(open_close("/ro/f", O_CREAT | O_EXCL, 0), -EEXIST);
	ck_assert_int_eq(open_close("/ro/new", O_CREAT | O_RDWR, 0666), -EROFS);
	ck_assert_int_eq(open_close("/ro/d", O_TMPFILE | O_RDWR, 0666), -EROFS);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/ro/x", 0777), -EROFS);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/ro/f", 0777), -EEXIST);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/ro/f", false), -EROFS);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/ro/none", false), -EROFS);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/ro/f", NULL, "/ro/g", 0), -EROFS);
	ck_assert_int_eq(change("/ro/f", (struct vfs_attr){.valid = STATX_MODE, .mode = 0600}), -EROFS);
	ck_assert_int_eq(change("/ro/f", (struct vfs_attr){.valid = STATX_SIZE}), -EROFS);
	ck_assert_int_eq(change("/ro/d", (struct vfs_attr){.valid = STATX_SIZE}), -EISDIR);
}
END_TEST

START_TEST(tmpfiles)
{
	struct path p, q;
	char name[64];
	const struct vfs_open_how how = {.flags = O_TMPFILE | O_RDWR, .mode = 0600};
	struct vfs_opened o;
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d", &how, &o, &p), 0);
	ck_assert_int_gt(vfs_shown_name(&w.env, &p, name, sizeof(name)), 0);
	ck_assert_int_eq(strncmp(name, "/d/#", 4), 0);
	ck_assert_int_eq(vfs_identify(w.v, o.fd, &q), 0);
	ck_assert_ptr_eq(path_inode(&q), path_inode(&p));
	path_put(&q);
	ck_assert_int_eq(vfs_link(&w.env, &p, "", WALK_EMPTY, NULL, "/d/named"), 0);
	ck_assert(world_has(&w, "/d/named"));
	path_put(&p);
	(void)close(o.fd);
	const struct vfs_open_how excl = {.flags = O_TMPFILE | O_RDWR | O_EXCL, .mode = 0600};
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d", &excl, &o, &p), 0);
	ck_assert_int_eq(vfs_link(&w.env, &p, "", WALK_EMPTY, NULL, "/d/other"), -ENOENT);
	path_put(&p);
	(void)close(o.fd);
	ck_assert_int_eq(open_close("/d/f", O_TMPFILE | O_RDWR, 0600), -ENOTDIR);
}
END_TEST

START_TEST(making)
{
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/n", 0777), 0);
	ck_assert_uint_eq(mode_of("/d/n"), S_IFDIR | 0755);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/n2/", 0777), 0);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/f", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/l", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/dangling", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/dangling/", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/.", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/..", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/", 0777), -EEXIST);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "", 0777), -ENOENT);
	ck_assert_int_eq(vfs_mknod(&w.env, NULL, "/d/fifo", S_IFIFO | 0666, 0), 0);
	ck_assert_int_eq(vfs_mknod(&w.env, NULL, "/d/reg", 0666, 0), 0);
	ck_assert_uint_eq(mode_of("/d/reg"), S_IFREG | 0644);
	ck_assert_int_eq(vfs_mknod(&w.env, NULL, "/d/x", S_IFDIR | 0666, 0), -EPERM);
	ck_assert_int_eq(vfs_mknod(&w.env, NULL, "/d/x", S_IFLNK | 0666, 0), -EINVAL);
	ck_assert_int_eq(vfs_mknod(&w.env, NULL, "/d/x/", S_IFIFO | 0666, 0), -ENOENT);
	ck_assert_int_eq(vfs_symlink(&w.env, "t", NULL, "/d/s"), 0);
	ck_assert_int_eq(vfs_symlink(&w.env, "t", NULL, "/d/s"), -EEXIST);
	ck_assert_int_eq(vfs_symlink(&w.env, "", NULL, "/d/s2"), -ENOENT);
	world_become(&w, 5, 5);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/no", 0777), -EACCES);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/d/n", 0777), -EEXIST);
	world_become(&w, 0, 0);
	testfs_mkdir(w.sb, "/o", 0777, 0, 0);
	world_become(&w, 5, 5);
	ck_assert_int_eq(vfs_mknod(&w.env, NULL, "/o/null", S_IFCHR | 0666, 0x103), -EPERM);
}
END_TEST

START_TEST(setgid_directories)
{
	testfs_mkdir(w.sb, "/g", 02777, 0, 9);
	world_become(&w, 5, 5);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "/g/d", 0755), 0);
	ck_assert_uint_eq(mode_of("/g/d"), S_IFDIR | 02755);
	ck_assert_int_eq(open_close("/g/f", O_CREAT | O_RDWR, 02775), 0);
	ck_assert_uint_eq(mode_of("/g/f"), S_IFREG | 0755);
	struct path p;
	struct statx st;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/g/f", 0, &p), 0);
	ck_assert_int_eq(vfs_getattr(&p, &st), 0);
	path_put(&p);
	ck_assert_uint_eq(st.stx_gid, 9);
	ck_assert_uint_eq(st.stx_uid, 5);
}
END_TEST

START_TEST(linking)
{
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/f", 0, NULL, "/d/f2"), 0);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/f", 0, NULL, "/d/f2"), -EEXIST);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/e", 0, NULL, "/d/e2"), -EPERM);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/none", 0, NULL, "/d/e2"), -ENOENT);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/l", 0, NULL, "/d/l2"), 0);
	ck_assert_uint_eq(mode_of("/d/l2") & S_IFMT, S_IFLNK);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/l", WALK_FOLLOW, NULL, "/d/l3"), 0);
	ck_assert_uint_eq(mode_of("/d/l3") & S_IFMT, S_IFREG);
	world_mount(&w, "/m", 0, 0);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/f", 0, NULL, "/m/f"), -EXDEV);
}
END_TEST

START_TEST(unlinking)
{
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/none", false), -ENOENT);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/none/", false), -ENOENT);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/e", false), -EISDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/e/", false), -EISDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/f/", false), -ENOTDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/.", false), -EISDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/", false), -EISDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/f", true), -ENOTDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d", true), -ENOTEMPTY);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/.", true), -EINVAL);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/e/..", true), -ENOTEMPTY);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/", true), -EBUSY);
	testfs_symlink(w.sb, "/d/dl", "e");
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/dl/", true), -ENOTDIR);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/dl", false), 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/e/", true), 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/f", false), 0);
	ck_assert(!world_has(&w, "/d/f"));
	world_mount(&w, "/d/m", 0, 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/m", true), -EBUSY);
}
END_TEST

START_TEST(sticky_directories)
{
	testfs_mkdir(w.sb, "/t", 01777, 0, 0);
	testfs_file(w.sb, "/t/theirs", 0666, 6, 6);
	testfs_file(w.sb, "/t/mine", 0666, 5, 5);
	world_become(&w, 5, 5);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/t/theirs", false), -EPERM);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/t/theirs", NULL, "/t/x", 0), -EPERM);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/t/mine", NULL, "/t/theirs", 0), -EPERM);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/t/mine", false), 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/f", false), -EACCES);
}
END_TEST

/* In a directory that was removed there is nothing and nothing can be made. */
START_TEST(removed_directory)
{
	struct path old = w.env.cwd;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, "/d/e", 0, &w.env.cwd), 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/e", true), 0);
	ck_assert_int_eq(vfs_mkdir(&w.env, NULL, "x", 0755), -ENOENT);
	ck_assert_int_eq(open_close("x", O_CREAT | O_RDWR, 0644), -ENOENT);
	ck_assert_int_eq(open_close("x", O_RDONLY, 0), -ENOENT);
	ck_assert_int_eq(open_close("..", O_RDONLY, 0), 0);
	ck_assert_int_eq(world_walk(&w, NULL, "../f", 0, NULL, 0), 0);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "f", 0), -ENOENT);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "f/", 0), -ENOENT);
	path_put(&w.env.cwd);
	w.env.cwd = old;
}
END_TEST

START_TEST(renaming)
{
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d/g", 0), 0);
	ck_assert(world_has(&w, "/d/g") && !world_has(&w, "/d/f"));
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d/g", 0), -ENOENT);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/g", NULL, "/d/e", 0), -EISDIR);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/e", NULL, "/d/g", 0), -ENOTDIR);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/g", NULL, "/d/h/", 0), -ENOTDIR);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/g/", NULL, "/d/h", 0), -ENOTDIR);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/e/", NULL, "/d/h/", 0), 0);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d", NULL, "/d/h/x", 0), -EINVAL);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/h", NULL, "/d", 0), -ENOTEMPTY);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/.", NULL, "/x", 0), -EBUSY);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/h", NULL, "/d/..", 0), -EBUSY);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/h", NULL, "/d/..", RENAME_NOREPLACE), -EEXIST);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/g", NULL, "/d/h", RENAME_NOREPLACE), -EEXIST);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/g", NULL, "/d/n", RENAME_NOREPLACE), 0);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/n", NULL, "/d/o", RENAME_NOREPLACE | RENAME_EXCHANGE), -EINVAL);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/n", NULL, "/d/o", 64), -EINVAL);
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/n", 0, NULL, "/d/n2"), 0);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/n", NULL, "/d/n2", 0), 0);
	ck_assert(world_has(&w, "/d/n"));
	world_mount(&w, "/m", 0, 0);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/n", NULL, "/m/n", 0), -EXDEV);
}
END_TEST

START_TEST(exchanging)
{
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d/none", RENAME_EXCHANGE), -ENOENT);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d/e", RENAME_EXCHANGE), 0);
	ck_assert_uint_eq(mode_of("/d/f") & S_IFMT, S_IFDIR);
	ck_assert_uint_eq(mode_of("/d/e") & S_IFMT, S_IFREG);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d", NULL, "/d/f", RENAME_EXCHANGE), -EINVAL);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d", RENAME_EXCHANGE), -EINVAL);
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d/e/", RENAME_EXCHANGE), -ENOTDIR);
}
END_TEST

START_TEST(changing_attributes)
{
	testfs_file(w.sb, "/mine", 06755, 5, 5);
	testfs_file(w.sb, "/theirs", 0666, 6, 6);
	world_become(&w, 5, 5);
	ck_assert_int_eq(change("/theirs", (struct vfs_attr){.valid = STATX_MODE, .mode = 0777}), -EPERM);
	ck_assert_int_eq(change("/theirs", (struct vfs_attr){.valid = STATX_MTIME}), -EPERM);
	ck_assert_int_eq(change("/theirs", (struct vfs_attr){.valid = STATX_ATIME | STATX_MTIME, .atime = NOW, .mtime = NOW}), 0);
	ck_assert_int_eq(change("/d/f", (struct vfs_attr){.valid = STATX_ATIME | STATX_MTIME, .atime = NOW, .mtime = NOW}), -EACCES);
	ck_assert_int_eq(change("/mine", (struct vfs_attr){.valid = STATX_UID, .uid = 6}), -EPERM);
	ck_assert_int_eq(change("/mine", (struct vfs_attr){.valid = STATX_GID, .gid = 6}), -EPERM);
	ck_assert_int_eq(change("/mine", (struct vfs_attr){.valid = STATX_UID | STATX_GID, .uid = 5, .gid = 5}), 0);
	ck_assert_uint_eq(mode_of("/mine"), S_IFREG | 0755);
	ck_assert_int_eq(change("/mine", (struct vfs_attr){.valid = STATX_MODE, .mode = 06711}), 0);
	ck_assert_uint_eq(mode_of("/mine"), S_IFREG | 06711);
	ck_assert_int_eq(change("/mine", (struct vfs_attr){.valid = STATX_SIZE, .size = 9}), 0);
	ck_assert_uint_eq(mode_of("/mine"), S_IFREG | 0711);
	testfs_file(w.sb, "/group", 0644, 5, 8);
	ck_assert_int_eq(change("/group", (struct vfs_attr){.valid = STATX_MODE, .mode = 02755}), 0);
	ck_assert_uint_eq(mode_of("/group"), S_IFREG | 0755);
	ck_assert_int_eq(change("/d/f", (struct vfs_attr){.valid = STATX_SIZE}), -EACCES);
	ck_assert_int_eq(change("/d", (struct vfs_attr){.valid = STATX_SIZE}), -EISDIR);
	ck_assert_int_eq(change("/d/l", (struct vfs_attr){.valid = STATX_SIZE}), -EINVAL);
	world_become(&w, 0, 0);
	ck_assert_int_eq(change("/theirs", (struct vfs_attr){.valid = STATX_MODE, .mode = 06755}), 0);
	ck_assert_int_eq(change("/theirs", (struct vfs_attr){.valid = STATX_UID, .uid = 0}), 0);
	ck_assert_uint_eq(mode_of("/theirs"), S_IFREG | 0755);
}
END_TEST

static int access_of(const char *name, int mask)
{
	struct path p;
	ck_assert_int_eq(vfs_walk(&w.env, NULL, name, WALK_FOLLOW, &p), 0);
	int err = vfs_permission(&w.env, &p, mask);
	path_put(&p);
	return err;
}

START_TEST(access_rights)
{
	testfs_file(w.sb, "/x", 0750, 5, 7);
	testfs_file(w.sb, "/plain", 0, 5, 7);
	ck_assert_int_eq(access_of("/x", R_OK | W_OK | X_OK), 0);
	ck_assert_int_eq(access_of("/plain", R_OK | W_OK), 0);
	ck_assert_int_eq(access_of("/plain", X_OK), -EACCES);
	world_become(&w, 6, 7);
	ck_assert_int_eq(access_of("/x", R_OK | X_OK), 0);
	ck_assert_int_eq(access_of("/x", W_OK), -EACCES);
	world_become(&w, 0, 0);
	struct super *sb = world_mount(&w, "/m", 0, MOUNT_READONLY | MOUNT_NOEXEC);
	testfs_file(sb, "/f", 0777, 0, 0);
	ck_assert_int_eq(access_of("/m/f", W_OK), -EROFS);
	ck_assert_int_eq(access_of("/m/f", X_OK), -EACCES);
	ck_assert_int_eq(access_of("/m/f", R_OK), 0);
}
END_TEST

/* ---- descriptors ---- */

START_TEST(descriptors_are_known)
{
	struct path p, q;
	const struct vfs_open_how how = {.flags = O_RDONLY | O_DIRECTORY};
	struct vfs_opened a, b;
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d", &how, &a, &p), 0);
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d/e/..", &how, &b, NULL), 0);
	struct stat sa, sb;
	ck_assert_int_eq(fstat(a.fd, &sa), 0);
	ck_assert_int_eq(fstat(b.fd, &sb), 0);
	ck_assert_uint_eq(sa.st_ino, sb.st_ino);
	ck_assert_int_eq(vfs_identify(w.v, b.fd, &q), 0);
	ck_assert_ptr_eq(q.dentry, p.dentry);
	path_put(&q);
	ck_assert_int_eq(vfs_identify(w.v, 0, &q), -ENOENT);
	path_put(&p);
	(void)close(a.fd);
	(void)close(b.fd);
}
END_TEST

static void check_shown(int fd, const char *name)
{
	struct path p;
	char shown[64];
	ck_assert_int_eq(vfs_identify(w.v, fd, &p), 0);
	ck_assert_int_gt(vfs_shown_name(&w.env, &p, shown, sizeof(shown)), 0);
	ck_assert_str_eq(shown, name);
	path_put(&p);
}

START_TEST(descriptors_know_their_name)
{
	enum { MANY = 200 };
	char name[32];
	int first = world_open(&w, "/d/f", O_RDONLY, 0), second;
	ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/f", 0, NULL, "/d/g"), 0);
	second = world_open(&w, "/d/g", O_RDONLY, 0);
	check_shown(first, "/d/f");
	check_shown(second, "/d/g");
	ck_assert_int_eq(vfs_rename(&w.env, NULL, "/d/f", NULL, "/d/e/h", 0), 0);
	check_shown(first, "/d/e/h");
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/g", false), 0);
	check_shown(second, "/d/g (deleted)");
	int again = dup(second);
	(void)close(second);
	check_shown(again, "/d/g (deleted)");
	/* More names than there are marks for: the last opened are right, and so is the first. */
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "/d/n%d", i);
		ck_assert_int_eq(vfs_link(&w.env, NULL, "/d/e/h", 0, NULL, name), 0);
		int fd = world_open(&w, name, O_RDONLY, 0);
		check_shown(fd, name);
		(void)close(fd);
	}
	check_shown(first, "/d/e/h");
	(void)close(again);
	(void)close(first);
}
END_TEST

static int list(int fd, const struct path *p, size_t size, char names[][256])
{
	char buf[1024];
	int count = 0;
	ssize_t n;
	while ((n = vfs_getdents64(&w.env, p, fd, buf, size)) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(const void *)(buf + at);
			(void)snprintf(names[count++], 256, "%s", e->d_name);
			at += e->d_reclen;
		}
	}
	return n < 0 ? (int)n : count;
}

START_TEST(listing)
{
	char names[16][256];
	struct path p;
	struct vfs_opened o;
	const struct vfs_open_how how = {.flags = O_RDONLY | O_DIRECTORY};
	world_mount(&w, "/d/ghost/x", 0, 0);
	world_mount(&w, "/d/ghost/y", 0, 0);
	world_mount(&w, "/d/second", 0, 0);
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d", &how, &o, &p), 0);
	for (size_t size = 32; size <= 1024; size *= 2) {
		ck_assert_int_eq(lseek(o.fd, 0, SEEK_SET), 0);
		ck_assert_int_eq(list(o.fd, &p, size, names), 8);
		ck_assert_str_eq(names[0], ".");
		ck_assert_str_eq(names[1], "..");
		ck_assert_str_eq(names[6], "ghost");
		ck_assert_str_eq(names[7], "second");
	}
	ck_assert_int_eq(lseek(o.fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(list(o.fd, &p, 20, names), -EINVAL);
	path_put(&p);
	(void)close(o.fd);
}
END_TEST

/* Directories that were opened and closed do not cost descriptors for ever, and those that are open stay known. */
START_TEST(many_directories)
{
	enum { DIRS = 2500 };
	char name[32];
	struct path p;
	struct vfs_opened kept;
	const struct vfs_open_how how = {.flags = O_RDONLY | O_DIRECTORY};
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d", &how, &kept, NULL), 0);
	int first = dup(0), last;
	(void)close(first);
	for (int i = 0; i < DIRS; i++) {
		(void)snprintf(name, sizeof(name), "/d/%d", i);
		ck_assert_int_eq(vfs_mkdir(&w.env, NULL, name, 0755), 0);
		ck_assert_int_eq(open_close(name, O_RDONLY | O_DIRECTORY, 0), 0);
		ck_assert_int_eq(vfs_unlink(&w.env, NULL, name, true), 0);
	}
	for (int i = 0; i < 1200; i++) {
		(void)snprintf(name, sizeof(name), "/d/%d", i);
		ck_assert_int_eq(vfs_mkdir(&w.env, NULL, name, 0755), 0);
	}
	for (int i = 0; i < DIRS; i++) {
		(void)snprintf(name, sizeof(name), "/d/%d", i % 1200);
		ck_assert_int_eq(open_close(name, O_RDONLY | O_DIRECTORY, 0), 0);
	}
	last = dup(0);
	(void)close(last);
	ck_assert_int_lt(last, first + 1100);
	ck_assert_int_eq(vfs_identify(w.v, kept.fd, &p), 0);
	path_put(&p);
	(void)close(kept.fd);
}
END_TEST

/* An O_PATH descriptor is counted by no lease: its file stays known although its name and all else of it are gone. */
START_TEST(path_descriptor_of_a_removed_file)
{
	struct path p, q;
	struct vfs_opened o;
	const struct vfs_open_how how = {.flags = O_PATH};
	ck_assert_int_eq(open_close("/d/f", O_RDWR, 0), 0);
	ck_assert_int_eq(vfs_open(&w.env, NULL, "/d/f", &how, &o, &p), 0);
	ck_assert_int_eq(vfs_unlink(&w.env, NULL, "/d/f", false), 0);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(open_close("/d/g", O_CREAT | O_RDWR, 0644), 0);
	ck_assert_int_eq(vfs_identify(w.v, o.fd, &q), 0);
	ck_assert_ptr_eq(q.dentry, p.dentry);
	path_put(&q);
	path_put(&p);
	(void)close(o.fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfs ops");
	TCase *t = tcase_create("ops");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 50);
	tcase_add_test(t, open_existing);
	tcase_add_test(t, open_creates);
	tcase_add_test(t, open_permissions);
	tcase_add_test(t, read_only_mounts);
	tcase_add_test(t, tmpfiles);
	tcase_add_test(t, making);
	tcase_add_test(t, setgid_directories);
	tcase_add_test(t, linking);
	tcase_add_test(t, unlinking);
	tcase_add_test(t, sticky_directories);
	tcase_add_test(t, removed_directory);
	tcase_add_test(t, renaming);
	tcase_add_test(t, exchanging);
	tcase_add_test(t, changing_attributes);
	tcase_add_test(t, access_rights);
	tcase_add_test(t, descriptors_are_known);
	tcase_add_test(t, descriptors_know_their_name);
	tcase_add_test(t, listing);
	tcase_add_test(t, many_directories);
	tcase_add_test(t, path_descriptor_of_a_removed_file);
	suite_add_tcase(s, t);
	return run_suite(s);
}
