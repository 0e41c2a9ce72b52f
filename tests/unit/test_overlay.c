/* overlay: layers made on the host, changed as guests do it (through the VFS), looked at from both sides. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "kernel/fs/fs.h"
#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"

static char base[64];
static int base_fd = -1;
static struct vfs *vfs;
static struct cred *cred;
static struct walk_env env;
static bool tmpfs_upper;

/* ---- the host's side ---- */

static void shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void shell(const char *format, ...)
{
	char command[1024];
	int n = snprintf(command, sizeof(command), "cd '%s' && ", base);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	ck_assert_msg(system(command) == 0, "failed: %s", command);
}

static struct super *host_layer(const char *name, bool readonly)
{
	struct super *sb;
	int fd = openat(base_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(hostfs_create(fd, &(struct hostfs_options){.readonly = readonly, .cached = true}, &sb), 0);
	return sb;
}

static void mount_layers(void)
{
	struct super *lowers[2] = {host_layer("middle", true), host_layer("lower", true)};
	struct super *upper, *sb;
	if (tmpfs_upper)
		ck_assert_int_eq(tmpfs_create(&(struct tmpfs_options){.mode = 0755, .uid = geteuid(), .gid = getegid()}, &upper), 0);
	else
		upper = host_layer("upper", false);
	ck_assert_int_eq(overlay_create(lowers, 2, upper, &sb), 0);
	ck_assert_int_eq(vfs_create(&(struct vfs_options){0}, &vfs), 0);
	ck_assert_int_eq(vfs_mount(vfs, "/", sb, 0, "overlay"), 0);
	env = (struct walk_env){.vfs = vfs, .cred = cred};
	vfs_root(vfs, &env.root);
	env.cwd = env.root;
}

static void unmount(void)
{
	path_put(&env.root);
	vfs_destroy(vfs);
}

static void remount(void)
{
	if (tmpfs_upper)
		return;		/* it would be another one */
	unmount();
	mount_layers();
}

static void setup_base(void)
{
	(void)umask(0);
	(void)snprintf(base, sizeof(base), "/tmp/trapline-overlay.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(cred_create_host(&cred), 0);
	shell("mkdir upper middle lower lower/d lower/d/sub middle/d && echo low >lower/d/low && echo hid >lower/d/hidden && "
	      "echo mid >middle/d/hidden && echo both >middle/d/mid && echo deep >lower/d/sub/deep && echo f >lower/f && "
	      "ln -s f lower/l && mkfifo lower/fifo && chmod 640 lower/f && touch -d @1000 lower/f lower/d lower/d/sub");
}

static void setup(void)
{
	tmpfs_upper = false;
	setup_base();
	mount_layers();
}

static void setup_tmpfs(void)
{
	tmpfs_upper = true;
	setup_base();
	mount_layers();
}

static void teardown(void)
{
	unmount();
	if (!tmpfs_upper)
		ck_assert_int_eq(faccessat(base_fd, "upper/.wh..wh.work", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	cred_unref(cred);
	(void)close(base_fd);
	base_fd = -1;
	char command[128];
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
	ck_assert_int_eq(system(command), 0);
}

/* ---- the guests' side ---- */

static struct path walk(const char *name)
{
	struct path p;
	int r = vfs_walk(&env, NULL, name, 0, &p);
	ck_assert_msg(r == 0, "%s: %s", name, strerror(-r));
	return p;
}

static int exists(const char *name)
{
	struct path p;
	int r = vfs_walk(&env, NULL, name, 0, &p);
	if (r == 0)
		path_put(&p);
	return r;
}

static struct statx attributes(const char *name)
{
	struct statx stx;
	struct path p = walk(name);
	ck_assert_int_eq(vfs_getattr(&p, &stx), 0);
	path_put(&p);
	return stx;
}

static int open_guest(const char *name, int flags)
{
	struct vfs_opened opened = {.fd = -1};
	int r = vfs_open(&env, NULL, name, &(struct vfs_open_how){.flags = flags, .mode = 0644}, &opened, NULL);
	return r < 0 ? r : opened.fd;
}

static void write_guest(const char *name, int flags, const char *text)
{
	int fd = open_guest(name, O_WRONLY | flags);
	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void expect_contents(const char *name, const char *text)
{
	char buf[64];
	int fd = open_guest(name, O_RDONLY);
	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, text);
	(void)close(fd);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All names but the dots, sorted, with the inode numbers that stat gives checked. */
static void expect_names(const char *dir, const char *expected)
{
	struct path p = walk(dir);
	_Alignas(8) char buf[4096];
	char names[32][64], all[32 * 64] = "";
	size_t count = 0, len = 0;
	int fd = open_guest(dir, O_RDONLY | O_DIRECTORY);
	ssize_t n;
	ck_assert_int_ge(fd, 0);
	while ((n = vfs_getdents64(&env, &p, fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(buf + at);
			at += e->d_reclen;
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			char name[256];
			(void)snprintf(name, sizeof(name), "%s/%.60s", dir, e->d_name);
			struct statx stx = attributes(name);
			ck_assert_msg(stx.stx_ino == e->d_ino, "%s: d_ino %llx, st_ino %llx", name,
				      (unsigned long long)e->d_ino, (unsigned long long)stx.stx_ino);
			ck_assert_uint_eq(IFTODT(stx.stx_mode), e->d_type);
			(void)snprintf(names[count++], sizeof(names[0]), "%.60s", e->d_name);
		}
	}
	ck_assert_int_eq(n, 0);
	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		if (i)
			all[len++] = ' ';
		len = (size_t)(stpcpy(all + len, names[i]) - all);
	}
	ck_assert_str_eq(all, expected);
	(void)close(fd);
	path_put(&p);
}

static int rename_guest(const char *from, const char *to, unsigned flags)
{
	return vfs_rename(&env, NULL, from, NULL, to, flags);
}

static int unlink_guest(const char *name)
{
	return vfs_unlink(&env, NULL, name, false);
}

static int rmdir_guest(const char *name)
{
	return vfs_unlink(&env, NULL, name, true);
}

static int mkdir_guest(const char *name)
{
	return vfs_mkdir(&env, NULL, name, 0755);
}

/* ---- tests ---- */

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

/* The host put something into a lower layer under a name that was missing: once it was copied up it is there for everybody. */
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
	tcase_add_test(t, removing_leaves_whiteouts);
	tcase_add_test(t, copied_then_removed);
	tcase_add_test(t, directories_removed_and_made_again);
	tcase_add_test(t, directories_are_renamed);
	tcase_add_test(t, what_came_meanwhile_is_copied_and_seen);
	tcase_add_test(t, a_listing_begins_with_what_is_there);
	tcase_add_test(t, a_directory_that_moved_below_is_another);
	tcase_add_test(t, files_are_renamed);
	tcase_add_test(t, a_directory_over_an_emptied_one);
	tcase_add_test(t, hard_links_of_lower_files_stay_together);
	tcase_add_test(t, removed_files_live_on);
	tcase_add_test(t, marks_are_not_shown);
	tcase_add_test(t, fifos_meet);
	tcase_add_test(t, sparse_files_stay_sparse);
}

static Suite *suite(void)
{
	Suite *s = suite_create("overlay");
	TCase *host = tcase_create("upper on the host");
	TCase *memory = tcase_create("upper in memory");

	tcase_set_timeout(host, 30);
	tcase_add_checked_fixture(host, setup, teardown);
	add_tests(host);
	tcase_add_test(host, other_programs_marks_are_read);
	tcase_add_test(host, what_a_killed_run_left_is_removed);
	tcase_add_test(host, without_an_upper_it_is_read_only);
	tcase_add_test(host, a_full_upper_leaves_nothing);
	suite_add_tcase(s, host);
	tcase_set_timeout(memory, 30);
	tcase_add_checked_fixture(memory, setup_tmpfs, teardown);
	add_tests(memory);
	suite_add_tcase(s, memory);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
