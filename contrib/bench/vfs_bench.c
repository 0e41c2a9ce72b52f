/*
 * The path walk inside the supervisor, without a guest: nanoseconds of processor time for one walk, by one thread and
 * by two at once. Processor time, so that other work on the machine counts less; what two threads cost each other shows
 * in it.
 *
 *	vfs_bench [rounds]
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "kernel/fs/fs.h"
#include "kernel/task/cred.h"
#include "kernel/vfs/vfs.h"

struct job {
	const struct walk_env *env;
	const char *name;
	long rounds;
	bool opens;
	int failed;
	double used;		/* ns of processor time */
};

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int open_once(const struct job *j)
{
	const struct vfs_open_how how = {.flags = O_RDONLY};
	struct vfs_opened opened;
	int err = vfs_open(j->env, NULL, j->name, &how, &opened, NULL);
	if (!err)
		(void)close(opened.fd);
	return err;
}

static int walk_once(const struct job *j)
{
	struct path p;
	int err = vfs_walk(j->env, NULL, j->name, WALK_FOLLOW, &p);
	if (!err)
		path_put(&p);
	return err == -ENOENT ? 0 : err;
}

static void *run(void *arg)
{
	struct job *j = arg;
	double start = now();
	for (long i = 0; i < j->rounds && !j->failed; i++)
		j->failed = j->opens ? open_once(j) : walk_once(j);
	j->used = now() - start;
	return NULL;
}

/* The best of five, so that other work on the machine counts less. */
static double measure(const struct job *like, int threads)
{
	double best = 0;
	for (int again = 0; again < 5; again++) {
		struct job jobs[2] = {*like, *like};
		pthread_t t[2];
		double used = 0;
		for (int i = 0; i < threads; i++)
			if (pthread_create(&t[i], NULL, run, &jobs[i]))
				return -1;
		for (int i = 0; i < threads; i++) {
			(void)pthread_join(t[i], NULL);
			used += jobs[i].used;
		}
		double each = used / (double)like->rounds / threads;
		if (jobs[0].failed || jobs[threads - 1].failed)
			return -1;
		best = again == 0 || each < best ? each : best;
	}
	return best;
}

static void report(const char *what, const struct walk_env *env, const char *name, long rounds, bool opens)
{
	const struct job j = {.env = env, .name = name, .rounds = rounds, .opens = opens};
	double one = measure(&j, 1), two = measure(&j, 2);
	if (one < 0 || two < 0)
		printf("%-34s failed\n", what);
	else
		printf("%-34s %8.0f ns, two threads %8.0f ns (scales %.2f)\n", what, one, two, 2 * one / two);
}

static int make_tree(const struct walk_env *env, const char *prefix)
{
	static const char *const dirs[] = {"a", "a/b", "a/b/c", "a/b/c/d"};
	char name[256];
	int err = 0;
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && !err; i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", prefix, dirs[i]);
		err = vfs_mkdir(env, NULL, name, 0755);
	}
	(void)snprintf(name, sizeof(name), "%s/a/b/c/d/file", prefix);
	return err ? err : vfs_mknod(env, NULL, name, S_IFREG | 0644, 0);
}

static int mount_host(struct vfs *v, const char *dir, const char *target, bool cached)
{
	const struct hostfs_options options = {.cached = cached};
	struct super *sb;
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? -errno : hostfs_create(fd, &options, &sb);
	return err ? err : vfs_mount(v, target, sb, 0, dir);
}

static int set_up(struct vfs *v, const char *dir, struct walk_env *env)
{
	const struct tmpfs_options options = {.mode = 0755};
	struct super *sb;
	int err = tmpfs_create(&options, &sb);
	if (!err)
		err = vfs_mount(v, "/", sb, 0, "tmpfs");
	if (!err)
		err = mount_host(v, dir, "/host", false);
	if (!err)
		err = mount_host(v, dir, "/cached", true);
	if (err)
		return err;
	vfs_root(v, &env->root);
	vfs_root(v, &env->cwd);
	err = make_tree(env, "");
	return err ? err : make_tree(env, "/host");
}

static void report_all(const struct walk_env *env, long rounds)
{
	report("walk, tmpfs, 5 components", env, "/a/b/c/d/file", rounds, false);
	report("walk, tmpfs, relative, 1", env, "a", rounds, false);
	report("walk, host, kept, 6", env, "/cached/a/b/c/d/file", rounds, false);
	report("walk, host, checked, 6", env, "/host/a/b/c/d/file", rounds / 10, false);
	report("walk, host, checked, 6, not there", env, "/host/a/b/c/d/none", rounds / 10, false);
	report("open and close, tmpfs, 5", env, "/a/b/c/d/file", rounds / 20, true);
	report("open and close, host, checked, 6", env, "/host/a/b/c/d/file", rounds / 20, true);
}

int main(int argc, char **argv)
{
	const long rounds = argc > 1 ? atol(argv[1]) : 500000;
	char dir[] = "/tmp/vfs_bench.XXXXXX", command[64];
	const struct vfs_options options = {0};
	struct walk_env env = {.umask = 022};
	struct cred *host, *cred;
	struct vfs *v;
	if (!mkdtemp(dir) || vfs_create(&options, &v))
		return 1;
	if (cred_create_host(&host) || cred_copy(host, host->group_count, &cred))
		return 1;
	cred_set_uid(cred, getuid());
	env.vfs = v;
	env.cred = host;
	int err = set_up(v, dir, &env);
	if (!err) {
		report_all(&env, rounds);
		env.cred = cred;
		cred_set_uid(cred, 1000);
		report("walk, tmpfs, 5, as uid 1000", &env, "/a/b/c/d/file", rounds, false);
		path_put(&env.root);
		path_put(&env.cwd);
	}
	vfs_destroy(v);
	cred_unref(host);
	cred_unref(cred);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return err || system(command) ? 1 : 0;
}
