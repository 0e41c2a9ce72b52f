/* The table of tasks: who shares which context, and what fork, clone, execve and exit do to it. */
#include <check.h>
#include <sched.h>

#include "kernel/task/task.h"
#include "run_suite.h"

/* Paths are counted, not walked: a stand-in for the vfs. */
struct dentry {
	int refs;
	struct inode inode;
};

static struct dentry root_dentry, first, second, program;
static int mount_refs;
static struct mount *const mount_of_all = (struct mount *)&mount_refs;

void path_get(const struct path *p)
{
	p->dentry->refs++;
	mount_refs++;
}

void path_put(struct path *p)
{
	p->dentry->refs--;
	mount_refs--;
	*p = (struct path){NULL, NULL};
}

struct inode *path_inode(const struct path *p)
{
	return &p->dentry->inode;
}

void vfs_root(struct vfs *v, struct path *ret)
{
	(void)v;
	*ret = (struct path){mount_of_all, &root_dentry};
	path_get(ret);
}

static struct path path_to(struct dentry *d)
{
	return (struct path){mount_of_all, d};
}

static struct tasks *t;

static void set_up(void)
{
	struct cred *c;
	ck_assert_int_eq(cred_create_host(&c), 0);
	ck_assert_int_eq(tasks_create((struct vfs *)&root_dentry, c, &t), 0);
	cred_unref(c);
	ck_assert_int_eq(task_add_first(t, 100), 0);
}

static void tear_down(void)
{
	tasks_destroy(t);
	ck_assert_int_eq(mount_refs, 0);
	ck_assert_uint_eq(atomic_load(&program.inode.executed), 0);
	ck_assert_int_eq(root_dentry.refs + first.refs + second.refs + program.refs, 0);
}

static struct dentry *cwd_of(pid_t tid)
{
	struct task_view v;
	ck_assert_int_eq(task_view(t, tid, &v), 0);
	struct dentry *d = v.env.cwd.dentry;
	ck_assert_int_eq(v.tid, tid);
	ck_assert_ptr_eq(v.env.cred, v.cred);
	task_view_finish(&v);
	return d;
}

static pid_t tgid_of(pid_t tid)
{
	struct task_view v;
	ck_assert_int_eq(task_view(t, tid, &v), 0);
	task_view_finish(&v);
	ck_assert_int_ne(v.tid, tid);
	ck_assert_int_eq(task_view(t, tid, &v), 0);
	pid_t tgid = v.tgid;
	task_view_finish(&v);
	return tgid;
}

static void change_cwd(pid_t tid, struct dentry *d)
{
	struct path p = path_to(d);
	ck_assert_int_eq(task_set_cwd(t, tid, &p), 0);
}

START_TEST(test_fork_copies_clone_fs_shares)
{
	ck_assert_int_eq(task_forked(t, 100, 101, 0), 0);
	ck_assert_int_eq(task_forked(t, 100, 102, CLONE_FS | CLONE_THREAD), 0);
	change_cwd(102, &first);
	ck_assert_ptr_eq(cwd_of(100), &first);
	ck_assert_ptr_eq(cwd_of(101), &root_dentry);
	ck_assert_int_eq(task_unshare_fs(t, 102), 0);
	change_cwd(100, &second);
	ck_assert_ptr_eq(cwd_of(102), &first);
	ck_assert_int_eq(tgid_of(102), 100);
	ck_assert_int_eq(tgid_of(101), 101);
	ck_assert_int_eq(task_forked(t, 100, 101, CLONE_FS), 0);	/* known: as it is */
	ck_assert_ptr_eq(cwd_of(101), &root_dentry);
	ck_assert_int_eq(task_forked(t, 999, 103, 0), -ESRCH);
	ck_assert(!task_known(t, 103));
}
END_TEST

START_TEST(test_umask)
{
	ck_assert_int_eq((int)task_set_umask(t, 100, 07777), 022);
	ck_assert_int_eq((int)task_set_umask(t, 100, 027), 0777);
	ck_assert_int_eq(task_forked(t, 100, 101, 0), 0);
	ck_assert_int_eq((int)task_set_umask(t, 101, 0), 027);
	ck_assert_int_eq((int)task_set_umask(t, 100, 0), 027);
}
END_TEST

START_TEST(test_exec_by_thread)
{
	struct path exe = path_to(&program);
	struct path got;
	ck_assert_int_eq(task_exe(t, 100, &got), -ENOENT);
	ck_assert_int_eq(task_forked(t, 100, 105, CLONE_FS | CLONE_THREAD), 0);
	ck_assert_int_eq(task_forked(t, 100, 106, CLONE_FS | CLONE_THREAD), 0);
	ck_assert_int_eq(task_unshare_fs(t, 105), 0);
	change_cwd(105, &second);
	task_execed(t, 105, 100, &exe);
	ck_assert(!task_known(t, 105));
	ck_assert_ptr_eq(cwd_of(100), &second);
	ck_assert_int_eq(task_exe(t, 100, &got), 0);
	ck_assert_ptr_eq(got.dentry, &program);
	ck_assert_uint_gt(atomic_load(&program.inode.executed), 0);
	path_put(&got);
	task_ended(t, 106);
	task_execed(t, 100, 100, NULL);
	ck_assert_int_eq(task_exe(t, 100, &got), -ENOENT);
	task_ended(t, 100);
	struct task_view v;
	ck_assert_int_eq(task_view(t, 100, &v), -ESRCH);
}
END_TEST

START_TEST(test_listing)
{
	for (pid_t tid = 300; tid > 200; tid--)
		ck_assert_int_eq(task_forked(t, 100, tid, tid % 2 ? CLONE_THREAD : 0), 0);
	pid_t seen = 0, count = 0;
	for (pid_t tid = 0; (tid = task_next(t, 0, tid));) {
		ck_assert_int_gt(tid, seen);
		seen = tid;
		count++;
	}
	ck_assert_int_eq(count, 51);
	count = 0;
	for (pid_t tid = 0; (tid = task_next(t, 100, tid));)
		count++;
	ck_assert_int_eq(count, 51);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("tasks");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_fork_copies_clone_fs_shares);
	tcase_add_test(tc, test_umask);
	tcase_add_test(tc, test_exec_by_thread);
	tcase_add_test(tc, test_listing);
	Suite *suite = suite_create("tasks");
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
