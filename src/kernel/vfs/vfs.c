/* Set-up and end of a VFS, and references to paths. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/vfs/vfs_private.h"

void path_get(const struct path *p)
{
	dentry_ref(p->dentry);
}

void path_put(struct path *p)
{
	if (p->dentry)
		dentry_put(p->mount->vfs, p->dentry);
	*p = (struct path){0};
}

struct inode *path_inode(const struct path *p)
{
	return p->dentry->inode;
}

void vfs_set_exec_checker(struct vfs *v, exec_checker *checker, void *ctx)
{
	v->exec_checker = checker;
	v->exec_ctx = ctx;
}

bool vfs_is_executed(struct vfs *v, struct inode *inode)
{
	return atomic_load_explicit(&inode->executed, memory_order_relaxed) && v->exec_checker &&
	       v->exec_checker(v->exec_ctx, inode);
}

size_t vfs_descriptors_allowed(size_t one_in, size_t most)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / one_in > most)
		return most;
	return limit.rlim_cur / one_in;
}

static int read_switch(const char *path)
{
	char digit = '0';
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &digit, 1) == 1 ? digit - '0' : 0;
}

int vfs_create(const struct vfs_options *options, struct vfs **ret)
{
	struct vfs *v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->virtual_attrs = options && options->virtual_attrs;
	v->protected_hardlinks = read_switch("/proc/sys/fs/protected_hardlinks");
	v->protected_regular = read_switch("/proc/sys/fs/protected_regular");
	v->protected_fifos = read_switch("/proc/sys/fs/protected_fifos");
	watches_init(&v->watches);
	vfs_rcu_begin();
	int err = dcache_init(&v->dcache, options ? options->dentries_max : 0);
	if (!err)
		err = registry_init(&v->registry);
	if (!err)
		err = scratch_init(&v->scratch, options ? options->scratch : NULL);
	if (!err)
		err = mounts_init(v);
	if (err) {
		vfs_destroy(v);
		return err;
	}
	*ret = v;
	return 0;
}

void vfs_destroy(struct vfs *v)
{
	if (!v)
		return;
	dcache_alone(v);
	watches_finish(v);
	if (v->registry.buckets)
		registry_finish(v);
	scratch_finish(&v->scratch);
	mounts_finish(v);
	dcache_finish(v);
	free(v);
}
