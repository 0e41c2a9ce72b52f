/*
 * Random changes to an overlay and to an ordinary directory: results, attributes, contents and listings must stay the
 * same; inode numbers must stay what they were. Now and then the overlay is taken down and put up again, at times with
 * its upper as one more lower layer. Where Linux lets us, its overlayfs must see the same in these layers at the end.
 * And whenever it is killed, what it leaves is the tree as it was before or after the change that it was at.
 * OVERLAY_SEED, OVERLAY_STEPS and OVERLAY_KILLS make it another or a longer run.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel/fs/fs.h"
#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"
#include "overlay_changes.h"
#include "run_suite.h"

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
		s.contents = hash_fd(overlay_open_file(&env, path, O_RDONLY, 0));
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
	int fd = overlay_open_file(&env, path, O_RDONLY | O_DIRECTORY, 0);
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

static const struct kind *next_change(struct change *ret)
{
	static const int open_flags[] = {O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC, O_APPEND, O_TRUNC, 0};
	static const unsigned rename_flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	const struct kind *kind = &change_kinds[random_below(CHANGE_KINDS)];
	*ret = (struct change){
		.path = paths[random_below(PATHS)], .to = paths[random_below(PATHS)],
		.flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | open_flags[random_below(ARRAY_SIZE(open_flags))],
		.mode = kind->renames ? rename_flags[random_below(ARRAY_SIZE(rename_flags))] : random_below(64),
	};
	(void)snprintf(ret->text, sizeof(ret->text), "%u.", step);
	return kind;
}

static int change_native(const struct kind *kind, const struct change *c)
{
	return kind->links && !with_links ? 0 : kind->native(&(struct sides){.native = native_fd}, c);
}

static int change_overlay(const struct kind *kind, const struct change *c)
{
	return kind->links && !with_links ? 0 : kind->overlay(&(struct sides){.env = &env}, c);
}

static void change(void)
{
	struct change c;
	const struct kind *kind = next_change(&c);
	int native = change_native(kind, &c), overlay = change_overlay(kind, &c);
	ck_assert_msg(native == overlay, "seed %llu step %u: %s %s (%s): %d, not %d", (unsigned long long)seed, step, kind->name,
		      c.path, c.to, overlay, native);
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

/* ---- killed at any moment ---- */

/* Changes an overlay until it is killed. done: how many changes it made. */
static void be_killed(volatile unsigned *done)
{
	struct change c;
	mount_layers();
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	(void)raise(SIGSTOP);
	for (step = 1;; step++) {
		const struct kind *kind = next_change(&c);
		c.text[0] = '\0';	/* a write is a second call */
		(void)change_overlay(kind, &c);
		*done = step;
	}
}

/* Let it run for so many stops at system calls (two for each). */
static void kill_after(pid_t child, unsigned stops)
{
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	for (; WIFSTOPPED(status) && stops > 0; stops--) {
		(void)ptrace(PTRACE_SYSCALL, child, NULL, NULL);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
	}
	ck_assert(WIFSTOPPED(status));
	(void)kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
}

static void replay(unsigned from, unsigned to)
{
	struct change c;
	for (step = from; step <= to; step++) {
		const struct kind *kind = next_change(&c);
		c.text[0] = '\0';
		(void)change_native(kind, &c);
	}
}

static bool same_everywhere(void)
{
	for (size_t i = 0; i < PATHS; i++) {
		struct seen n = look_native(paths[i]), o = look_overlay(paths[i]);
		if (n.error != o.error || n.stx.stx_mode != o.stx.stx_mode || n.contents != o.contents)
			return false;
	}
	return true;
}

START_TEST(a_kill_leaves_it_consistent)
{
	volatile unsigned *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned times = number_from("OVERLAY_KILLS", 25);
	unmount();
	seed = number_from("OVERLAY_SEED", 1);
	random_state = (seed + 7) * 0x9e3779b97f4a7c15u;
	for (unsigned i = 0; i < times; i++) {
		unsigned stops = 2 + random_below(1500);
		if (i % 5 == 4)
			add_layer();
		*done = 0;
		pid_t child = fork();
		if (child == 0)
			be_killed(done);
		kill_after(child, stops);
		replay(1, *done);
		mount_layers();
		if (!same_everywhere()) {
			replay(*done + 1, *done + 1);
			ck_assert_msg(same_everywhere(), "seed %llu: kill %u, after %u stops in change %u", (unsigned long long)seed,
				      i, stops, *done + 1);
		}
		compare_listing(".");
		unmount();
		random_state += i;
	}
	mount_layers();
	(void)munmap((void *)done, 4096);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("overlay, random");
	TCase *t = tcase_create("random");
	tcase_set_timeout(t, 0);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, stays_the_same, 0, 4);
	tcase_add_test(t, a_kill_leaves_it_consistent);
	suite_add_tcase(s, t);
	return run_suite(s);
}
