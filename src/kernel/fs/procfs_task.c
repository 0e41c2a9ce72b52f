/* procfs: the directories of tasks, /proc/PID and /proc/PID/task/TID. */
#include "kernel/fs/procfs_private.h"

#include <string.h>

/* Whatever the host has of these it shows of a guest as well as of any process. Virtual are names, ids and mounts. */
#define OF_EVERY_TASK \
	{.name = "fd", .type = S_IFDIR, .ops = &proc_fd_dir_ops}, \
	{.name = "fdinfo", .type = S_IFDIR, .ops = &proc_fdinfo_dir_ops}, \
	{.name = "cwd", .type = S_IFLNK, .ops = &proc_cwd_ops}, \
	{.name = "root", .type = S_IFLNK, .ops = &proc_root_ops}, \
	{.name = "exe", .type = S_IFLNK, .ops = &proc_exe_ops}, \
	{.name = "status", .type = S_IFREG, .print = proc_print_status}, \
	{.name = "stat", .type = S_IFREG, .ops = &proc_stat_ops, .print = proc_print_stat}, \
	{.name = "maps", .type = S_IFREG, .print = proc_print_maps}, \
	{.name = "smaps", .type = S_IFREG, .print = proc_print_maps}, \
	{.name = "numa_maps", .type = S_IFREG, .print = proc_print_numa_maps}, \
	{.name = "mounts", .type = S_IFREG, .print = proc_print_mounts}, \
	{.name = "mountinfo", .type = S_IFREG, .print = proc_print_mountinfo}, \
	{.name = "arch_status"}, {.name = "attr"}, {.name = "auxv"}, {.name = "cgroup"}, {.name = "clear_refs"}, \
	{.name = "cmdline"}, {.name = "comm"}, {.name = "cpuset"}, {.name = "environ"}, {.name = "gid_map"}, \
	{.name = "io"}, {.name = "ksm_merging_pages"}, {.name = "ksm_stat"}, {.name = "limits"}, \
	{.name = "loginuid"}, {.name = "mem"}, \
	{.name = "net"}, {.name = "ns"}, {.name = "oom_adj"}, {.name = "oom_score"}, {.name = "oom_score_adj"}, \
	{.name = "pagemap"}, {.name = "personality"}, {.name = "projid_map"}, {.name = "sched"}, \
	{.name = "schedstat"}, \
	{.name = "sessionid"}, {.name = "setgroups"}, {.name = "smaps_rollup"}, {.name = "stack"}, \
	{.name = "statm"}, {.name = "syscall"}, {.name = "uid_map"}, {.name = "wchan"}

static const struct proc_node task_nodes[] = {
	OF_EVERY_TASK,
	{.name = "task", .type = S_IFDIR, .ops = &proc_threads_ops},
	{.name = "map_files", .type = S_IFDIR, .ops = &proc_map_files_ops},
	{.name = "mountstats", .type = S_IFREG, .print = proc_print_mountstats},
	{.name = "autogroup"}, {.name = "coredump_filter"}, {.name = "timens_offsets"}, {.name = "timers"}, {.name = "timerslack_ns"},
};

static const struct proc_node thread_nodes[] = {
	OF_EVERY_TASK,
	{.name = "children"},
};

static int task_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	return proc_table_lookup(dir, task_nodes, ARRAY_SIZE(task_nodes), name, ret);
}

static int task_iterate(struct inode *dir, struct dir_reader *reader)
{
	(void)proc_table_iterate(dir, task_nodes, ARRAY_SIZE(task_nodes), reader);
	return 0;
}

const struct inode_ops proc_task_ops = {
	.lookup = task_lookup, .iterate = task_iterate, .revalidate = proc_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};

static int thread_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	return proc_table_lookup(dir, thread_nodes, ARRAY_SIZE(thread_nodes), name, ret);
}

static int thread_iterate(struct inode *dir, struct dir_reader *reader)
{
	(void)proc_table_iterate(dir, thread_nodes, ARRAY_SIZE(thread_nodes), reader);
	return 0;
}

const struct inode_ops proc_thread_ops = {
	.lookup = thread_lookup, .iterate = thread_iterate, .revalidate = proc_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};

pid_t procfs_process(struct inode *inode)
{
	if (inode->ops != &proc_task_ops)
		return -EBADF;
	return proc_is_live(proc_inode(inode)) ? proc_inode(inode)->tgid : -ESRCH;
}

static const struct proc_node task_node = {.type = S_IFDIR, .ops = &proc_task_ops};
static const struct proc_node thread_node = {.type = S_IFDIR, .ops = &proc_thread_ops};

static int make_task_dir(struct proc_super *sb, pid_t tid, pid_t of_group, const struct proc_node *node,
			 const char *path, struct inode **ret)
{
	struct task_view view;
	if (task_view(sb->tasks, tid, &view) < 0)
		return -ENOENT;
	pid_t tgid = view.tgid;
	task_view_finish(&view);
	if (of_group && tgid != of_group)
		return -ENOENT;
	int r = proc_new_inode(sb, node, S_IFDIR, tgid, tid, path, ret);
	if (r == 0)
		atomic_store(&(*ret)->kept, INODE_IMMUTABLE);	/* proc_pid_instantiate of Linux */
	return r;
}

int proc_lookup_task(struct proc_super *sb, pid_t tid, const char *path, struct inode **ret)
{
	return make_task_dir(sb, tid, 0, &task_node, path, ret);
}

/* ---- /proc/PID/task ---- */

static int threads_lookup(struct inode *inode, const char *name, struct inode **ret)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	int tid = proc_parse_number(name);
	int r = proc_join(dir, name, path);
	if (tid <= 0 || r < 0)
		return -ENOENT;
	return make_task_dir(proc_super(dir), tid, dir->tgid, &thread_node, path, ret);
}

static int threads_iterate(struct inode *inode, struct dir_reader *reader)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	char name[16];
	pid_t id = reader->cursor < PROC_FIRST_CURSOR ? 0 : (pid_t)(reader->cursor - PROC_FIRST_CURSOR);
	while ((id = task_next(proc_super(dir)->tasks, dir->tgid, id)) > 0) {
		int len = snprintf(name, sizeof(name), "%d", (int)id);
		if (proc_join(dir, name, path) == 0 &&
		    !reader->emit(reader, name, (size_t)len, proc_number(path), S_IFDIR >> 12,
				  PROC_FIRST_CURSOR + (uint64_t)id))
			break;
	}
	return 0;
}

const struct inode_ops proc_threads_ops = {
	.lookup = threads_lookup, .iterate = threads_iterate, .revalidate = proc_revalidate,
	.setattr = proc_setattr, .getattr = proc_getattr,
	.destroy = proc_destroy,
};
