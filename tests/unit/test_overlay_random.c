/*
 * Random changes to an overlay and to an ordinary directory: results, attributes, contents and listings must stay the
 * same; inode numbers must stay what they were. Now and then the overlay is taken down and put up again, at times with
 * its upper as one more lower layer. Where Linux lets us, its overlayfs must see the same in these layers at the end.
 * OVERLAY_SEED and OVERLAY_STEPS make it another or a longer run.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kernel/fs/fs.h"
#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"

enum { NAMES = 3, DEPTH = 3, PATHS = NAMES + NAMES * NAMES + NAMES * NAMES * NAMES, LAYERS_MAX = 12, PATH_ROOM = 16 };

/* What can be seen of one path, on both sides. */
struct seen {
	int error;
	struct statx stx;
	uint32_t contents;
};

static char base[64];
static int base_fd, native_fd;
static struct vfs *vfs;
static struct cred *cred;
static struct walk_env env;
static char layers[LAYERS_MAX][16];
static size_t layer_count;
static unsigned layer_serial;
static bool with_links;
static uint64_t random_state;
static char paths[PATHS][PATH_ROOM];
static struct seen native_before[PATHS], overlay_before[PATHS];
static unsigned step;
static uint64_t seed;

static unsigned random_below(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

/* ---- the overlay ---- */

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
	struct super *lowers[LAYERS_MAX], *sb;
	for (size_t i = 0; i < layer_count; i++)
		lowers[i] = host_layer(layers[layer_count - 1 - i], true);
	ck_assert_int_eq(overlay_create(lowers, layer_count, host_layer("upper", false), &sb), 0);
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

/* The upper becomes a layer. */
static void add_layer(void)
{
	if (layer_count == LAYERS_MAX)
		return;
	char *name = layers[layer_count++];
	(void)snprintf(name, sizeof(layers[0]), "lower%u", layer_serial++);
	ck_assert_int_eq(renameat(base_fd, "upper", base_fd, name), 0);
	ck_assert_int_eq(mkdirat(base_fd, "upper", 0755), 0);
}

static void make_paths(void)
{
	size_t made = 0, from = 0;
	for (int i = 0; i < NAMES; i++)
		(void)snprintf(paths[made++], PATH_ROOM, "%c", 'a' + i);
	for (int depth = 1; depth < DEPTH; depth++) {
		size_t end = made;
		for (size_t parent = from; parent < end; parent++) {
			char above[PATH_ROOM];
			memcpy(above, paths[parent], sizeof(above));
			for (int i = 0; i < NAMES; i++)
				(void)snprintf(paths[made++], PATH_ROOM, "%.8s/%c", above, 'a' + i);
		}
		from = end;
	}
	ck_assert_uint_eq(made, PATHS);
}

static void setup(void)
{
	(void)umask(0);
	(void)snprintf(base, sizeof(base), "/tmp/trapline-overlay.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(base_fd, "native", 0755) | mkdirat(base_fd, "upper", 0755) | mkdirat(base_fd, "first", 0755), 0);
	native_fd = openat(base_fd, "native", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(cred_create_host(&cred), 0);
	(void)snprintf(layers[0], sizeof(layers[0]), "first");
	layer_count = 1;
	layer_serial = 0;
	make_paths();
	mount_layers();
}

static void teardown(void)
{
	unmount();
	cred_unref(cred);
	(void)close(native_fd);
	(void)close(base_fd);
	char command[128];
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
	ck_assert_int_eq(system(command), 0);
}

/* ---- looking ---- */

static uint32_t hash_fd(int fd)
{
	unsigned char buf[4096];
	uint32_t h = 2166136261u;
	ssize_t n;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			h = (h ^ buf[i]) * 16777619u;
	}
	(void)close(fd);
	return h;
}

static uint32_t hash_text(const char *text, ssize_t n)
{
	uint32_t h = 2166136261u;
	for (ssize_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h;
}

static int overlay_open_file(const char *path, int flags, mode_t mode)
{
	struct vfs_opened opened = {.fd = -1};
	int r = vfs_open(&env, NULL, path, &(struct vfs_open_how){.flags = flags, .mode = mode}, &opened, NULL);
	if (r < 0 && opened.fd >= 0)
		(void)close(opened.fd);
	return r < 0 ? r : opened.fd;
}

static struct seen look_native(const char *path)
{
	struct seen s = {0};
	char buf[64];
	if (statx(native_fd, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &s.stx) < 0)
		s.error = errno;
	else if (S_ISREG(s.stx.stx_mode))
		s.contents = hash_fd(openat(native_fd, path, O_RDONLY));
	else if (S_ISLNK(s.stx.stx_mode))
		s.contents = hash_text(buf, readlinkat(native_fd, path, buf, sizeof(buf)));
	return s;
}

static struct seen look_overlay(const char *path)
{
	struct seen s = {0};
	struct path p;
	char buf[64];
	int r = vfs_walk(&env, NULL, path, 0, &p);
	if (r < 0) {
		s.error = -r;
		return s;
	}
	ck_assert_int_eq(vfs_getattr(&p, &s.stx), 0);
	if (S_ISREG(s.stx.stx_mode))
		s.contents = hash_fd(overlay_open_file(path, O_RDONLY, 0));
	else if (S_ISLNK(s.stx.stx_mode))
		s.contents = hash_text(buf, vfs_readlink(&env, &p, buf, sizeof(buf)));
	path_put(&p);
	return s;
}

#define EXPECT(condition, path) \
	ck_assert_msg(condition, "seed %llu step %u: %s: %s", (unsigned long long)seed, step, path, #condition)

static bool same_host_object(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_btime.tv_sec == b->stx_btime.tv_sec &&
	       a->stx_btime.tv_nsec == b->stx_btime.tv_nsec;
}

static void compare_path(size_t i, bool same_session)
{
	const char *path = paths[i];
	struct seen n = look_native(path), o = look_overlay(path);
	EXPECT(n.error == o.error, path);
	if (n.error == 0) {
		EXPECT(n.stx.stx_mode == o.stx.stx_mode, path);
		EXPECT(n.stx.stx_nlink == o.stx.stx_nlink, path);
		EXPECT(n.contents == o.contents, path);
		EXPECT(S_ISDIR(n.stx.stx_mode) || n.stx.stx_size == o.stx.stx_size, path);
		EXPECT(n.stx.stx_uid == o.stx.stx_uid && n.stx.stx_gid == o.stx.stx_gid, path);
		if (same_session && native_before[i].error == 0 && same_host_object(&native_before[i].stx, &n.stx))
			EXPECT(overlay_before[i].stx.stx_ino == o.stx.stx_ino, path);
	}
	native_before[i] = n;
	overlay_before[i] = o;
}

static size_t list_native(const char *path, char names[NAMES + 1])
{
	int fd = openat(native_fd, path, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	size_t count = 0;
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] != '.')
			names[count++] = e->d_name[0];
	}
	(void)closedir(d);
	return count;
}

static void check_listed(const char *dir, const struct dirent64 *e)
{
	char path[PATH_ROOM + 300];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
	struct seen s = look_overlay(path);
	EXPECT(s.error == 0, path);
	EXPECT(s.stx.stx_ino == e->d_ino, path);
	EXPECT(IFTODT(s.stx.stx_mode) == e->d_type, path);
}

static size_t list_overlay(const char *path, char names[NAMES + 1])
{
	_Alignas(8) char buf[512];	/* of which 64 are used: two entries at a time */
	struct path p;
	size_t count = 0;
	int fd = overlay_open_file(path, O_RDONLY | O_DIRECTORY, 0);
	ssize_t n;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(vfs_identify(vfs, fd, &p), 0);
	while ((n = vfs_getdents64(&env, &p, fd, buf, 64)) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(buf + at);
			at += e->d_reclen;
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			EXPECT(count < NAMES, path);
			check_listed(path, e);
			names[count++] = e->d_name[0];
		}
	}
	EXPECT(n == 0, path);
	path_put(&p);
	(void)close(fd);
	return count;
}

static int compare_chars(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void compare_listing(const char *path)
{
	char a[NAMES + 1] = "", b[NAMES + 1] = "";
	size_t n = list_native(path, a), m = list_overlay(path, b);
	qsort(a, n, 1, compare_chars);
	qsort(b, m, 1, compare_chars);
	EXPECT(strcmp(a, b) == 0, path);
}

static void compare_all(bool same_session, bool listings)
{
	for (size_t i = 0; i < PATHS; i++)
		compare_path(i, same_session);
	if (!listings)
		return;
	compare_listing(".");
	for (size_t i = 0; i < PATHS; i++) {
		if (native_before[i].error == 0 && S_ISDIR(native_before[i].stx.stx_mode))
			compare_listing(paths[i]);
	}
}

/* ---- changing ---- */

static int result(int r)
{
	return r < 0 ? -errno : 0;
}

static int write_and_close(int fd, const char *text)
{
	if (fd < 0)
		return fd;
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	return 0;
}

static void do_write(const char *path)
{
	static const int flags[] = {O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC, O_APPEND, O_TRUNC, 0};
	int f = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | flags[random_below(ARRAY_SIZE(flags))];
	char text[32];
	(void)snprintf(text, sizeof(text), "%u.", step);
	int fd = openat(native_fd, path, f, 0640);
	int n = write_and_close(fd < 0 ? -errno : fd, text);
	int o = write_and_close(overlay_open_file(path, f, 0640), text);
	EXPECT(n == o, path);
}

static void do_mkdir(const char *path)
{
	int n = result(mkdirat(native_fd, path, 0751));
	EXPECT(n == vfs_mkdir(&env, NULL, path, 0751), path);
}

static void do_symlink(const char *path)
{
	int n = result(symlinkat("nowhere", native_fd, path));
	EXPECT(n == vfs_symlink(&env, "nowhere", NULL, path), path);
}

static void do_mkfifo(const char *path)
{
	int n = result(mkfifoat(native_fd, path, 0604));
	EXPECT(n == vfs_mknod(&env, NULL, path, S_IFIFO | 0604, 0), path);
}

static void do_unlink(const char *path)
{
	int n = result(unlinkat(native_fd, path, 0));
	EXPECT(n == vfs_unlink(&env, NULL, path, false), path);
}

static void do_rmdir(const char *path)
{
	int n = result(unlinkat(native_fd, path, AT_REMOVEDIR));
	EXPECT(n == vfs_unlink(&env, NULL, path, true), path);
}

static void do_rename(const char *path)
{
	static const unsigned flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	const char *to = paths[random_below(PATHS)];
	unsigned f = flags[random_below(ARRAY_SIZE(flags))];
	int n = result(renameat2(native_fd, path, native_fd, to, f));
	int o = vfs_rename(&env, NULL, path, NULL, to, f);
	ck_assert_msg(n == o, "seed %llu step %u: rename %s %s %u: %d, not %d", (unsigned long long)seed, step, path, to, f, o,
		      n);
}

static void do_link(const char *path)
{
	const char *to = paths[random_below(PATHS)];
	if (!with_links)
		return;
	int n = result(linkat(native_fd, path, native_fd, to, 0));
	EXPECT(n == vfs_link(&env, NULL, path, 0, NULL, to), path);
}

static void do_chmod(const char *path)
{
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = 0700 | random_below(64)};
	struct path p;
	int n = result(fchmodat(native_fd, path, attr.mode, 0));
	int o = vfs_walk(&env, NULL, path, WALK_FOLLOW, &p);
	if (o == 0) {
		o = vfs_setattr(&env, &p, &attr);
		path_put(&p);
	}
	EXPECT(n == o, path);
}

static void change(void)
{
	static void (*const changes[])(const char *path) = {
		do_write, do_write, do_write, do_mkdir, do_mkdir, do_symlink, do_mkfifo, do_unlink, do_rmdir, do_rename,
		do_rename, do_rename, do_link, do_chmod,
	};
	changes[random_below(ARRAY_SIZE(changes))](paths[random_below(PATHS)]);
}

static void run(unsigned steps)
{
	compare_all(false, true);
	for (step = 1; step <= steps; step++) {
		change();
		/* A listing that was made is kept from then on: not always, so that both ways are taken. */
		compare_all(true, random_below(4) == 0);
		if (random_below(60) != 0)
			continue;
		unmount();
		if (!with_links && random_below(3) == 0)
			add_layer();
		mount_layers();
		compare_all(false, random_below(2) == 0);
	}
}

/* A tree of the host, compared with the native one. */
static void compare_host_tree(int fd)
{
	int own = native_fd;
	for (size_t i = 0; i < PATHS; i++) {
		struct seen n = look_native(paths[i]);
		native_fd = fd;
		struct seen o = look_native(paths[i]);
		native_fd = own;
		EXPECT(n.error == o.error, paths[i]);
		EXPECT(n.stx.stx_mode == o.stx.stx_mode, paths[i]);
		EXPECT(n.contents == o.contents, paths[i]);
	}
}

static void compare_with_linux(void)
{
	char options[1024], merged[80];
	int n = snprintf(options, sizeof(options), "lowerdir=%s/upper", base);
	for (size_t i = layer_count; i > 0; i--)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ":%s/%s", base, layers[i - 1]);
	(void)snprintf(merged, sizeof(merged), "%s/merged", base);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mkdir(merged, 0755) < 0 ||
	    mount("overlay", merged, "overlay", MS_RDONLY, options) < 0)
		return;
	int fd = open(merged, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	compare_host_tree(fd);
	(void)close(fd);
	ck_assert_int_eq(umount(merged), 0);
}

static unsigned number_from(const char *variable, unsigned otherwise)
{
	const char *text = getenv(variable);
	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

START_TEST(stays_the_same)
{
	seed = number_from("OVERLAY_SEED", 1) + (unsigned)_i;
	random_state = seed * 0x9e3779b97f4a7c15u;
	with_links = _i % 2;
	run(number_from("OVERLAY_STEPS", 600));
	unmount();
	compare_with_linux();
	mount_layers();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("overlay, random");
	TCase *t = tcase_create("random");
	tcase_set_timeout(t, 0);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, stays_the_same, 0, 4);
	suite_add_tcase(s, t);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
