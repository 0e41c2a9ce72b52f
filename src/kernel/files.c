#include "kernel/files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/log.h"
#include "base/thread.h"
#include "kernel/fs/fs.h"
#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "kernel/task/watchers.h"
#include "kernel/task/exec_cache.h"
#include "kernel/unix_names.h"

enum { PROC_ROOT_INO = 1 };	/* of any procfs (include/linux/proc_fs.h) */

static const struct file_mount host_root = {.kind = FILES_HOST, .target = "/", .source = "/"};

/* A host directory (or, for a bind, any file) as a filesystem. */
static int open_host(const struct kernel *k, const char *path, bool read_only, bool layer, struct super **ret)
{
	int fd = open(path, O_PATH | O_CLOEXEC | (layer ? O_DIRECTORY : 0));
	if (fd < 0)
		return -errno;
	const struct hostfs_options options = {
		.readonly = read_only, .virtual_attrs = k->cred->faked, .xattrs = layer && k->cred->faked, .cached = layer,
		.own_uid = k->cred->fsuid, .own_gid = k->cred->fsgid,
	};
	return hostfs_create(fd, &options, ret);
}

static int make_tmpfs(const struct kernel *k, const struct file_mount *m, struct super **ret)
{
	const struct tmpfs_options options = {
		.size = m->size, .inodes = m->inodes, .mode = m->has_mode ? m->mode : 0,
		.uid = k->cred->fsuid, .gid = k->cred->fsgid,
	};
	return tmpfs_create(&options, ret);
}

static void unref_all(struct super **supers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		super_unref(supers[i]);
}

static int make_upper(const struct kernel *k, const struct file_mount *m, struct super **ret)
{
	if (m->upper)
		return open_host(k, m->upper, false, true, ret);
	const struct file_mount memory = {.has_mode = true, .mode = 0755};
	return make_tmpfs(k, &memory, ret);
}

/* Is inner the same directory as outer, or below it? Both without links. */
static bool holds(const char *outer, const char *inner)
{
	size_t len = strlen(outer);
	return strncmp(outer, inner, len) == 0 && (!inner[len] || inner[len] == '/' || len == 1);
}

/*
 * Two layers in which one change shows twice: a layer would change beneath the overlay that caches it. -EINVAL, said.
 */
static int check_apart(const char *a, const char *b)
{
	AUTO_FREE char *real_a = realpath(a, NULL);
	AUTO_FREE char *real_b = realpath(b, NULL);
	if (!real_a || !real_b || (!holds(real_a, real_b) && !holds(real_b, real_a)))
		return 0;
	log_error("the layers '%s' and '%s' overlap", a, b);
	return -EINVAL;
}

static int check_layers(const struct file_mount *m)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < m->lower_count; i++) {
		for (size_t j = i + 1; r == 0 && j < m->lower_count; j++)
			r = check_apart(m->lowers[i], m->lowers[j]);
		if (r == 0 && m->upper)
			r = check_apart(m->lowers[i], m->upper);
	}
	return r;
}

static int make_overlay(const struct kernel *k, const struct file_mount *m, struct super **ret)
{
	AUTO_FREE struct super **lowers = calloc(m->lower_count, sizeof(struct super *));
	if (!lowers)
		return -ENOMEM;
	struct super *upper = NULL;
	size_t made = 0;
	int r = check_layers(m);
	while (r == 0 && made < m->lower_count) {
		r = open_host(k, m->lowers[made], true, true, &lowers[made]);
		if (r < 0)
			log_error("cannot use '%s' as a layer: %s", m->lowers[made], log_cause(-r));
		else
			made++;
	}
	if (r == 0 && !m->read_only) {
		r = make_upper(k, m, &upper);
		if (r < 0)
			log_error("cannot use '%s' as a layer: %s", m->upper ? m->upper : "memory", log_cause(-r));
	}
	if (r < 0) {
		unref_all(lowers, made);
		return r;
	}
	r = overlay_create(lowers, made, upper, ret);
	if (r < 0)
		log_error("cannot put the layers on '%s' over each other: %s", m->target, log_cause(-r));
	return r;
}

static int make_super(struct kernel *k, const struct file_mount *m, struct super **ret)
{
	switch (m->kind) {
	case FILES_HOST:
		return open_host(k, m->source, m->read_only, false, ret);
	case FILES_TMPFS:
		return make_tmpfs(k, m, ret);
	case FILES_OVERLAY:
		return make_overlay(k, m, ret);
	case FILES_PROC:
		return procfs_create(k->vfs, k->tasks, &k->uts, ret);
	case FILES_DEV:
		return devfs_create(ret);
	}
	return -EINVAL;
}

/* As the first column of /proc/mounts shows it. */
static const char *source_name(const struct file_mount *m)
{
	static const char *const names[] = {
		[FILES_TMPFS] = "tmpfs", [FILES_OVERLAY] = "overlay", [FILES_PROC] = "proc", [FILES_DEV] = "dev",
	};
	return m->kind == FILES_HOST ? m->source : names[m->kind];
}

static void say_mount(const struct file_mount *m, int err)
{
	log_error("cannot mount %s on '%s': %s", source_name(m), m->target, log_cause(-err));
}

static int mount_one(struct kernel *k, const struct file_mount *m)
{
	struct super *sb;
	int r = make_super(k, m, &sb);
	if (r < 0) {
		if (m->kind != FILES_OVERLAY)	/* that has said which of its layers it is */
			say_mount(m, r);
		return r;
	}
	r = vfs_mount(k->vfs, m->target, sb, m->read_only ? MOUNT_READONLY : 0, source_name(m));
	if (r < 0)
		say_mount(m, r);
	return r;
}

static bool has_root(const struct files_options *o)
{
	for (size_t i = 0; i < o->count; i++) {
		if (strcmp(o->mounts[i].target, "/") == 0)
			return true;
	}
	return false;
}

/* Where guests start. Only a directory that was asked for must be there. */
static int find_cwd(struct kernel *k, const char *wanted)
{
	struct path root;
	vfs_root(k->vfs, &root);
	const struct walk_env env = {.vfs = k->vfs, .cred = k->cred, .root = root, .cwd = root};
	AUTO_FREE char *own = wanted ? NULL : getcwd(NULL, 0);
	const char *name = wanted ? wanted : own ? own : "/";
	int r = vfs_walk(&env, NULL, name, WALK_FOLLOW | WALK_DIRECTORY, &k->files->cwd);
	if (r < 0 && !wanted)
		r = vfs_walk(&env, NULL, "/", WALK_DIRECTORY, &k->files->cwd);
	if (r < 0)
		log_error("cannot start in '%s': %s", name, log_cause(-r));
	path_put(&root);
	return r;
}

/* above: with CAP_SYS_RESOURCE beyond the hard limit. */
static void raise_limit(enum __rlimit_resource resource, bool above, struct rlimit *inherited)
{
	if (getrlimit(resource, inherited) < 0)
		return;
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	const struct rlimit raised = {inherited->rlim_max, inherited->rlim_max};
	if (above && setrlimit(resource, &unlimited) == 0)
		return;
	if (setrlimit(resource, &raised) < 0)
		log_debug("limit %d stays at %llu", (int)resource, (unsigned long long)inherited->rlim_cur);
}

/*
 * A process with threads waits for a grace period of RCU, some milliseconds, whenever its table of descriptors grows
 * (fs/file.c, expand_fdtable): so it grows now, while there is one thread. 8 bytes a descriptor.
 */
static void grow_descriptors(void)
{
	enum { ROOM = 8192 };
	struct rlimit limit;
	AUTO_CLOSE int fd = open("/", O_PATH | O_CLOEXEC);
	if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	AUTO_CLOSE int high = fcntl(fd, F_DUPFD_CLOEXEC, (int)(limit.rlim_cur < ROOM ? limit.rlim_cur : ROOM) - 1);
	if (high < 0)
		log_debug("no descriptor beyond %d: %s", fd, strerror(errno));
}

/*
 * Virtual objects stand on descriptors of ours; what guests create gets its mode from their umask, not from ours, and
 * how long their files may get is looked up for each.
 */
static void change_process(struct files *f)
{
	f->inherited.umask = umask(0);
	raise_limit(RLIMIT_NOFILE, false, &f->inherited.nofile);
	grow_descriptors();
	raise_limit(RLIMIT_FSIZE, true, &f->inherited.fsize);
}

/*
 * The host's /proc, seen through a mount of the host's files, would take us for who asks: /proc/self is who reads it.
 * So the guests' own goes there.
 */
static bool is_host_proc(const char *path)
{
	struct statfs st;
	return statfs(path, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

/* 1: dir has it. */
static int has_proc(const char *dir)
{
	AUTO_FREE char *below = NULL;
	if (asprintf(&below, "%s/proc", dir) < 0) {
		below = NULL;
		return -ENOMEM;
	}
	return is_host_proc(below);
}

/* Where host files have their /proc: 1, and a name to free; 0: nowhere. */
static int find_proc(const struct file_mount *m, char **ret_target)
{
	int r = m->kind == FILES_HOST ? has_proc(m->source) : m->upper ? has_proc(m->upper) : 0;
	for (size_t i = 0; r == 0 && m->kind == FILES_OVERLAY && i < m->lower_count; i++)
		r = has_proc(m->lowers[i]);
	if (r <= 0)
		return r;
	if (asprintf(ret_target, "%s/proc", strcmp(m->target, "/") == 0 ? "" : m->target) < 0) {
		*ret_target = NULL;
		return -ENOMEM;
	}
	return 1;
}

static int cover_proc(struct kernel *k, const struct file_mount *m)
{
	AUTO_FREE char *target = NULL;
	int r = find_proc(m, &target);
	return r <= 0 ? r : mount_one(k, &(struct file_mount){.kind = FILES_PROC, .target = target});
}

bool files_are_hosts(const struct files_options *options)
{
	const struct file_mount *m = options->mounts;
	AUTO_FREE char *proc = NULL;
	return options->count == 1 && m->kind == FILES_HOST && !m->read_only && strcmp(m->target, "/") == 0 &&
	       find_proc(m, &proc) == 0;
}

static int mount_asked(struct kernel *k, const struct file_mount *m)
{
	struct file_mount proc = *m;
	struct stat st;
	proc.kind = FILES_PROC;
	if (m->kind == FILES_HOST && stat(m->source, &st) == 0 && S_ISDIR(st.st_mode) && is_host_proc(m->source)) {
		if (st.st_ino == PROC_ROOT_INO)
			return mount_one(k, &proc);
		log_error("cannot mount '%s' on '%s': of the host's /proc, which would show trapline for the guest, only files and the "
			  "whole, as the guest's own, can be", m->source, m->target);
		return -EOPNOTSUPP;
	}
	int r = mount_one(k, m);
	return r < 0 ? r : cover_proc(k, m);
}

static void *end_at_once(void *arg)
{
	return arg;
}

/* Where no thread can be made (ulimit -u) liburcu aborts in vfs_create: that is found out with one of ours first. */
static int try_thread(void)
{
	pthread_t trial;
	int r = thread_start(&trial, end_at_once, NULL);
	if (r == 0)
		(void)pthread_join(trial, NULL);
	return r;
}

static int make_tree(struct kernel *k, const struct files_options *options)
{
	const struct vfs_options vfs_options = {.virtual_attrs = !files_are_hosts(options) || k->cred->faked};
	int r = try_thread();
	if (r == 0)
		r = vfs_create(&vfs_options, &k->vfs);
	if (r == 0)
		r = tasks_create(k->vfs, k->cred, &k->tasks);
	if (r < 0) {
		log_error("cannot make the file kernel: %s", log_cause(-r));
		return r;
	}
	vfs_set_watch_lister(k->vfs, watchers_list, k->tasks);
	vfs_set_exec_checker(k->vfs, tasks_execute, k->tasks);
	if (!has_root(options))
		r = mount_asked(k, &host_root);
	for (size_t i = 0; r == 0 && i < options->count; i++)
		r = mount_asked(k, &options->mounts[i]);
	return r < 0 ? r : find_cwd(k, options->cwd);
}

int files_init(struct kernel *k, const struct files_options *options)
{
	k->files = calloc(1, sizeof(*k->files));
	if (!k->files)
		return -ENOMEM;
	change_process(k->files);
	k->files->programs = exec_cache_create();
	int r = unix_names_create(&k->files->unix_names);
	if (r == 0)
		r = make_tree(k, options);
	if (r < 0)
		files_finish(k);
	return r;
}

void files_finish(struct kernel *k)
{
	if (!k->files)
		return;
	path_put(&k->files->cwd);
	if (k->vfs)
		vfs_end_watches(k->vfs);
	tasks_destroy(k->tasks);
	vfs_destroy(k->vfs);
	(void)umask(k->files->inherited.umask);
	(void)setrlimit(RLIMIT_NOFILE, &k->files->inherited.nofile);
	(void)setrlimit(RLIMIT_FSIZE, &k->files->inherited.fsize);
	unix_names_destroy(k->files->unix_names);
	exec_cache_destroy(k->files->programs);
	free(k->files);
	k->tasks = NULL;
	k->vfs = NULL;
	k->files = NULL;
}
