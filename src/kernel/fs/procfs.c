/* procfs: the super, inodes and tables of names; the root directory. */
#include "kernel/fs/procfs_private.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/sysmacros.h>

int proc_join(const struct proc_inode *dir, const char *name, char *buf)
{
	int len = snprintf(buf, PROC_PATH_MAX, "%s%s%s", dir->path, *dir->path ? "/" : "", name);
	return len < PROC_PATH_MAX ? 0 : -ENAMETOOLONG;
}

uint64_t proc_number(const char *path)
{
	uint64_t h = 0;
	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * UINT64_C(0x9e3779b97f4a7c15) ^ h >> 31;
	return (h >> 16) + 2;	/* 1 is the root */
}

int proc_parse_number(const char *name)
{
	long n = 0;
	if (*name == '\0' || (*name == '0' && name[1]))
		return -1;
	for (; *name; name++) {
		if (*name < '0' || *name > '9')
			return -1;
		n = n * 10 + (*name - '0');
		if (n > INT_MAX)
			return -1;
	}
	return (int)n;
}

int proc_new_inode(struct proc_super *sb, const struct proc_node *node, mode_t type, pid_t tgid, pid_t tid,
		   const char *path, struct inode **ret)
{
	size_t len = strlen(path);
	struct proc_inode *pi = calloc(1, sizeof(*pi) + len + 1);
	if (!pi)
		return -ENOMEM;
	pi->node = node;
	pi->tgid = tgid;
	pi->tid = tid;
	memcpy(pi->path, path, len + 1);
	inode_init(&pi->inode, &sb->super, node->ops ? node->ops : &proc_file_ops, len ? proc_number(path) : 1, type);
	*ret = &pi->inode;
	return 0;
}

void proc_destroy(struct inode *inode)
{
	free(proc_inode(inode));
}

void proc_set_owner(const struct proc_inode *pi, struct statx *ret)
{
	struct task_view view;
	if (pi->tid == 0 || task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return;
	if (view.cred->faked) {
		ret->stx_uid = view.cred->euid;
		ret->stx_gid = view.cred->egid;
	}
	task_view_finish(&view);
}

int proc_getattr(struct inode *inode, struct statx *ret)
{
	const struct proc_inode *pi = proc_inode(inode);
	const struct proc_super *sb = proc_super(pi);
	int flags = AT_SYMLINK_NOFOLLOW | (*pi->path ? 0 : AT_EMPTY_PATH);
	if (statx(sb->host, pi->path, flags, STATX_BASIC_STATS, ret) < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	ret->stx_ino = inode->ino;
	ret->stx_dev_major = inode->super->dev_major;
	ret->stx_dev_minor = inode->super->dev_minor;
	ret->stx_mode = (uint16_t)(inode->type | (ret->stx_mode & 07777));
	proc_set_owner(pi, ret);
	return 0;
}

/* What belongs to a task is as proc_setattr of Linux has it; the machine's files are not changed. */
int proc_setattr(struct inode *inode, const struct vfs_attr *attr)
{
	return proc_inode(inode)->tid == 0 || attr->valid & STATX_MODE ? -EPERM : 0;
}

/* Tasks come and go, and so does what belongs to them. */
bool proc_is_live(const struct proc_inode *pi)
{
	struct task_view view;
	if (!pi->tid)
		return true;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return false;
	bool same = view.tgid == pi->tgid;
	task_view_finish(&view);
	return same;
}

int proc_revalidate(struct inode *dir, const char *name, struct inode *inode)
{
	(void)dir;
	(void)name;
	if (!inode || !proc_is_live(proc_inode(inode)))
		return false;
	struct stat st;
	return fstatat(proc_super(proc_inode(inode))->host, proc_inode(inode)->path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool proc_is_own(const struct walk_env *env, const struct proc_inode *pi)
{
	struct task_view view;
	if (task_view(proc_super(pi)->tasks, env->tid, &view) < 0)
		return false;
	bool same = view.tgid == pi->tgid;
	task_view_finish(&view);
	return same;
}

/* __ptrace_may_access and cap_ptrace_access_check of Linux, for the ids and capabilities that count for files. */
static bool is_same(const struct cred *who, const struct cred *of)
{
	return who->fsuid == of->ruid && who->fsuid == of->euid && who->fsuid == of->suid &&
	       who->fsgid == of->rgid && who->fsgid == of->egid && who->fsgid == of->sgid &&
	       !(of->permitted & ~who->effective);
}

int proc_may_look(const struct walk_env *env, const struct proc_inode *pi)
{
	struct task_view view;
	if (!env->cred)
		return 0;
	/* Its own secrets a process may always see, whoever it has become. */
	if (proc_is_own(env, pi))
		return 0;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	bool same = is_same(env->cred, view.cred);
	task_view_finish(&view);
	return same || cred_capable(env->cred, CAP_SYS_PTRACE) ? 0 : -EACCES;
}

/* ---- tables ---- */

int proc_table_lookup(struct inode *inode, const struct proc_node *nodes, size_t count, const char *name,
		      struct inode **ret)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	for (size_t i = 0; i < count; i++) {
		const struct proc_node *node = &nodes[i];
		if (strcmp(node->name, name) != 0)
			continue;
		if (node->type == 0)
			return proc_pass_lookup(inode, name, ret);
		int r = proc_join(dir, name, path);
		return r < 0 ? r : proc_new_inode(proc_super(dir), node, node->type, dir->tgid, dir->tid, path, ret);
	}
	return -ENOENT;
}

int proc_table_iterate(struct inode *inode, const struct proc_node *nodes, size_t count, struct dir_reader *reader)
{
	const struct proc_inode *dir = proc_inode(inode);
	char path[PROC_PATH_MAX];
	uint64_t start = reader->cursor < PROC_FIRST_CURSOR ? 0 : reader->cursor - PROC_FIRST_CURSOR;
	for (uint64_t i = start; i < count; i++) {
		const struct proc_node *node = &nodes[i];
		mode_t type = node->type;
		struct stat st;
		if (proc_join(dir, node->name, path) < 0)
			continue;
		if (type == 0) {
			if (fstatat(proc_super(dir)->host, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			type = st.st_mode & S_IFMT;
		}
		if (!reader->emit(reader, node->name, strlen(node->name), proc_number(path),
				  (unsigned char)(type >> 12), PROC_FIRST_CURSOR + i + 1))
			return -1;
	}
	return 0;
}

/* ---- the root ---- */

/* Of the host's own files, those that tell about the machine, not about its other processes or its memory. */
static const struct proc_node root_nodes[] = {
	{.name = "self", .type = S_IFLNK, .ops = &proc_self_ops},
	{.name = "thread-self", .type = S_IFLNK, .ops = &proc_thread_self_ops},
	{.name = "mounts", .type = S_IFLNK, .ops = &proc_link_ops, .target = "self/mounts"},
	{.name = "net", .type = S_IFLNK, .ops = &proc_link_ops, .target = "self/net"},
	{.name = "acpi"}, {.name = "asound"}, {.name = "bus"}, {.name = "driver"}, {.name = "fs"}, {.name = "irq"},
	{.name = "key-users"}, {.name = "schedstat"}, {.name = "scsi"}, {.name = "slabinfo"}, {.name = "timer_list"},
	{.name = "buddyinfo"}, {.name = "cgroups"}, {.name = "cmdline"}, {.name = "config.gz"}, {.name = "consoles"},
	{.name = "cpuinfo"}, {.name = "crypto"}, {.name = "devices"}, {.name = "diskstats"}, {.name = "dma"},
	{.name = "execdomains"}, {.name = "fb"}, {.name = "filesystems"}, {.name = "interrupts"}, {.name = "loadavg"},
	{.name = "locks"}, {.name = "mdstat"}, {.name = "meminfo"}, {.name = "misc"}, {.name = "modules"},
	{.name = "mtrr"}, {.name = "pagetypeinfo"}, {.name = "partitions"}, {.name = "pressure"}, {.name = "softirqs"},
	{.name = "stat"}, {.name = "swaps"}, {.name = "sys"}, {.name = "sysvipc"}, {.name = "tty"}, {.name = "uptime"},
	{.name = "version"}, {.name = "vmstat"}, {.name = "zoneinfo"},
};

enum { FIRST_TASK_CURSOR = PROC_FIRST_CURSOR + 1024 };

static int root_lookup(struct inode *inode, const char *name, struct inode **ret)
{
	int id = proc_parse_number(name);
	if (id > 0)
		return proc_lookup_task(proc_super(proc_inode(inode)), id, name, ret);
	return proc_table_lookup(inode, root_nodes, ARRAY_SIZE(root_nodes), name, ret);
}

static int root_iterate(struct inode *inode, struct dir_reader *reader)
{
	struct tasks *tasks = proc_super(proc_inode(inode))->tasks;
	char name[16];
	bool in_tasks = reader->cursor >= FIRST_TASK_CURSOR;
	if (!in_tasks && proc_table_iterate(inode, root_nodes, ARRAY_SIZE(root_nodes), reader) < 0)
		return 0;
	pid_t id = in_tasks ? (pid_t)(reader->cursor - FIRST_TASK_CURSOR) : 0;
	while ((id = task_next(tasks, 0, id)) > 0) {
		int len = snprintf(name, sizeof(name), "%d", (int)id);
		if (!reader->emit(reader, name, (size_t)len, proc_number(name), S_IFDIR >> 12,
				  FIRST_TASK_CURSOR + (uint64_t)id))
			break;
	}
	return 0;
}

static const struct inode_ops root_ops = {
	.lookup = root_lookup, .iterate = root_iterate, .revalidate = proc_revalidate, .getattr = proc_getattr,
	.destroy = proc_destroy,
};

static const struct proc_node root_node = {.type = S_IFDIR, .ops = &root_ops};

/* ---- the super ---- */

static int proc_statfs(struct super *sb, struct statfs *ret)
{
	*ret = (struct statfs){
		.f_type = PROC_SUPER_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = VFS_NAME_MAX,
		.f_fsid = {{(int)sb->dev_major, (int)sb->dev_minor}},
	};
	return 0;
}

static void proc_destroy_super(struct super *super)
{
	struct proc_super *sb = (struct proc_super *)super;
	(void)close(sb->host);
	free(sb);
}

static const struct super_ops proc_super_ops = {.statfs = proc_statfs, .destroy = proc_destroy_super};

int procfs_create(struct vfs *v, struct tasks *tasks, struct uts *uts, struct super **ret)
{
	struct statfs sf;
	struct proc_super *sb = calloc(1, sizeof(*sb));
	if (!sb)
		return -ENOMEM;
	sb->vfs = v;
	sb->tasks = tasks;
	sb->uts = uts;
	int r = 0;
	sb->host = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sb->host < 0 || fstatfs(sb->host, &sf) < 0)
		r = -errno;
	else if (sf.f_type != PROC_SUPER_MAGIC)
		r = -ENODEV;
	if (r == 0) {
		super_init(&sb->super, &proc_super_ops, "proc", SUPER_REVALIDATES | SUPER_FIXED_NAMES);
		r = proc_new_inode(sb, &root_node, S_IFDIR, 0, 0, "", &sb->super.root);
	}
	if (r < 0) {
		if (sb->host >= 0)
			(void)close(sb->host);
		free(sb);
		return r;
	}
	*ret = &sb->super;
	return 0;
}
