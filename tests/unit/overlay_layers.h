/* Layers made on the host, changed as guests do it (through the VFS), looked at from both sides. */
#ifndef TRAPLINE_TESTS_UNIT_OVERLAY_LAYERS_H
#define TRAPLINE_TESTS_UNIT_OVERLAY_LAYERS_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

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
UNUSED static void shell(const char *format, ...)
{
	char command[1024];
	int n = snprintf(command, sizeof(command), "cd '%s' && ", base);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
	va_end(args);
	ck_assert_msg(system(command) == 0, "failed: %s", command);
}

UNUSED static struct super *host_layer(const char *name, bool readonly)
{
	struct super *sb;
	int fd = openat(base_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(hostfs_create(fd, &(struct hostfs_options){.readonly = readonly, .cached = true}, &sb), 0);
	return sb;
}

UNUSED static void mount_layers(void)
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

UNUSED static void unmount(void)
{
	path_put(&env.root);
	vfs_destroy(vfs);
}

UNUSED static void remount(void)
{
	if (tmpfs_upper)
		return;		/* it would be another one */
	unmount();
	mount_layers();
}

UNUSED static void setup_base(void)
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

UNUSED static void setup(void)
{
	tmpfs_upper = false;
	setup_base();
	mount_layers();
}

UNUSED static void setup_tmpfs(void)
{
	tmpfs_upper = true;
	setup_base();
	mount_layers();
}

UNUSED static void teardown(void)
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

UNUSED static struct path walk(const char *name)
{
	struct path p;
	int r = vfs_walk(&env, NULL, name, 0, &p);
	ck_assert_msg(r == 0, "%s: %s", name, strerror(-r));
	return p;
}

UNUSED static int exists(const char *name)
{
	struct path p;
	int r = vfs_walk(&env, NULL, name, 0, &p);
	if (r == 0)
		path_put(&p);
	return r;
}

UNUSED static struct statx attributes(const char *name)
{
	struct statx stx;
	struct path p = walk(name);
	ck_assert_int_eq(vfs_getattr(&p, &stx), 0);
	path_put(&p);
	return stx;
}

UNUSED static int open_guest(const char *name, int flags)
{
	struct vfs_opened opened = {.fd = -1};
	int r = vfs_open(&env, NULL, name, &(struct vfs_open_how){.flags = flags, .mode = 0644}, &opened, NULL);
	return r < 0 ? r : opened.fd;
}

UNUSED static void write_guest(const char *name, int flags, const char *text)
{
	int fd = open_guest(name, O_WRONLY | flags);
	ck_assert_msg(fd >= 0, "%s: %s", name, strerror(-fd));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

UNUSED static void expect_contents(const char *name, const char *text)
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

UNUSED static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All names but the dots, sorted, with the inode numbers that stat gives checked. */
UNUSED static void expect_names(const char *dir, const char *expected)
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

UNUSED static int rename_guest(const char *from, const char *to, unsigned flags)
{
	return vfs_rename(&env, NULL, from, NULL, to, flags);
}

UNUSED static int unlink_guest(const char *name)
{
	return vfs_unlink(&env, NULL, name, false);
}

UNUSED static int rmdir_guest(const char *name)
{
	return vfs_unlink(&env, NULL, name, true);
}

UNUSED static int mkdir_guest(const char *name)
{
	return vfs_mkdir(&env, NULL, name, 0755);
}

/* ---- both kinds of upper ---- */

static TCase *add_upper(Suite *s, const char *name, SFun begin, void (*add)(TCase *t))
{
	TCase *t = tcase_create(name);
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, begin, teardown);
	add(t);
	suite_add_tcase(s, t);
	return t;
}

/* What add adds, with each; more can be added to the case of the host's. */
static TCase *add_uppers(Suite *s, void (*add)(TCase *t))
{
	(void)add_upper(s, "upper in memory", setup_tmpfs, add);
	return add_upper(s, "upper on the host", setup, add);
}

#endif
