#include "files_guest.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#include "kernel/fs/fs.h"
#include "kernel/unix_names.h"

struct kernel guest_kernel;
bool guest_never_waits;
void (*guest_will_wait)(void);

/* process_vm_readv on ourselves gives EFAULT where a plain copy would die. */
static int copy(uint64_t remote, void *local, size_t len, bool out)
{
	struct iovec here = {local, len};
	struct iovec there = {(void *)remote, len};
	if (!len)
		return 0;
	ssize_t n = out ? process_vm_writev(getpid(), &here, 1, &there, 1, 0) :
		process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	return n == (ssize_t)len ? 0 : -EFAULT;
}

static int guest_read(struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	(void)ev;
	return copy(from.addr, to, len, false);
}

static int guest_write(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	(void)ev;
	return copy(to.addr, (void *)from, len, true);
}

static ssize_t guest_read_string(struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int r = guest_read(ev, (struct guest_ptr){from.addr + i}, to + i, 1);
		if (r < 0)
			return r;
		if (!to[i])
			return (ssize_t)i;
	}
	return -ENAMETOOLONG;
}

static int guest_get_fd(struct call_event *ev, int fd, int *ret)
{
	(void)ev;
	int got = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (got < 0)
		return -errno;
	*ret = got;
	return 0;
}

static int64_t guest_count_fds(struct call_event *ev)
{
	(void)ev;
	return -ENOSYS;
}

static const struct guest_ops ops = {guest_read, guest_write, guest_read_string, guest_get_fd, guest_count_fds};

void guest_start(uid_t uid, gid_t gid)
{
	const struct kernel_options options = {.has_uid = true, .has_gid = true, .uid = uid, .gid = gid};
	ck_assert_int_eq(kernel_init(&guest_kernel, &options), 0);
	struct kernel *k = &guest_kernel;
	k->files = calloc(1, sizeof(*k->files));
	ck_assert_ptr_nonnull(k->files);
	ck_assert_int_eq(unix_names_create(&k->files->unix_names), 0);
	const struct vfs_options vfs_options = {0};
	ck_assert_int_eq(vfs_create(&vfs_options, &k->vfs), 0);
	ck_assert_int_eq(tasks_create(k->vfs, k->cred, &k->tasks), 0);
	const struct tmpfs_options tmpfs = {.mode = 0755, .uid = uid, .gid = gid};
	struct super *sb;
	ck_assert_int_eq(tmpfs_create(&tmpfs, &sb), 0);
	ck_assert_int_eq(vfs_mount(k->vfs, "/", sb, 0, "tmpfs"), 0);
	ck_assert_int_eq(task_add_first(k->tasks, GUEST_TID), 0);
}

void guest_mount_tmpfs(const char *target, uint64_t size)
{
	const struct tmpfs_options tmpfs = {.size = size};
	struct super *sb;
	ck_assert_int_eq(tmpfs_create(&tmpfs, &sb), 0);
	ck_assert_int_eq(vfs_mount(guest_kernel.vfs, target, sb, 0, "tmpfs"), 0);
}

void guest_finish(void)
{
	struct kernel *k = &guest_kernel;
	tasks_destroy(k->tasks);
	vfs_destroy(k->vfs);
	unix_names_destroy(k->files->unix_names);
	free(k->files);
	k->tasks = NULL;
	k->vfs = NULL;
	k->files = NULL;
	kernel_finish(k);
}

void guest_reset(void)
{
	ck_assert_int_eq(task_add_first(guest_kernel.tasks, GUEST_TID), 0);
}

struct call_event guest_event(enum call_id id, uint64_t a, uint64_t b, uint64_t c)
{
	return (struct call_event){.id = id, .args = {a, b, c}, .tid = GUEST_TID, .ops = &ops};
}

int64_t guest_call(enum call_id id, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	struct call_event ev = {.id = id, .args = {a, b, c, d, e, f}, .tid = GUEST_TID, .ops = &ops};
	struct verdict v = syscalls_dispatch(&guest_kernel, &ev);
	if (v.kind == VERDICT_BLOCK && guest_never_waits) {
		v.block->drop(v.block);
		return 0;
	}
	if (v.kind == VERDICT_BLOCK && guest_will_wait)
		guest_will_wait();
	if (v.kind == VERDICT_BLOCK)
		v = v.block->run(v.block);
	ck_assert_int_ne(v.kind, VERDICT_FAIL);
	if (v.kind == VERDICT_PASS)
		return GUEST_PASSED;
	return v.kind == VERDICT_FD ? v.fd : v.value;
}
