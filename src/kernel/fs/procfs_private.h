/*
 * procfs: /proc of the guests' tasks.
 *
 * Each inode has a path below the host's /proc: what guests may see as it is, is opened there and handed over; what
 * would show the host's names or ids is printed into a memfd when it is opened. Names are taken from tables, so nothing
 * of the host is reachable that no table has; host directories that are passed on as a whole (sys, PID/net) are
 * read through one name at a time.
 *
 * No locks of its own: inodes are constant, the task table has its lock.
 */
#ifndef TRAPLINE_KERNEL_FS_PROCFS_PRIVATE_H
#define TRAPLINE_KERNEL_FS_PROCFS_PRIVATE_H

#include "base/strbuf.h"
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/task/uts.h"

enum {
	PROC_FIRST_CURSOR = 3,		/* see struct dir_reader */
	PROC_PATH_MAX = 1024,
};

struct proc_super {
	struct super super;
	struct vfs *vfs;		/* borrowed */
	struct tasks *tasks;		/* borrowed */
	struct uts *uts;		/* borrowed */
	int host;			/* O_PATH of the host's /proc; owned */
};

struct proc_inode;

/* What a name in a table stands for. */
struct proc_node {
	const char *name;
	mode_t type;			/* 0: whatever the host has by that name, if it has */
	const struct inode_ops *ops;	/* NULL: proc_file_ops, which prints */
	int (*print)(const struct proc_inode *pi, struct strbuf *b);
	const char *target;		/* of a symbolic link */
};

struct proc_inode {
	struct inode inode;
	const struct proc_node *node;	/* static */
	pid_t tgid, tid;		/* 0: not a task's */
	/*
	 * Of a link in PID/fd: what it was when its name was looked up last. A descriptor of the link itself (O_PATH)
	 * goes on to tell that, as on Linux, when the name leads elsewhere or is gone.
	 */
	atomic_uint kept_mode, kept_uid, kept_gid;
	struct statx_timestamp kept_time;	/* constant */
	char path[];			/* below /proc */
};

static inline struct proc_inode *proc_inode(struct inode *inode)
{
	return (struct proc_inode *)inode;
}

static inline struct proc_super *proc_super(const struct proc_inode *pi)
{
	return (struct proc_super *)pi->inode.super;
}

/* ---- procfs.c ---- */
MUST_CHECK int proc_new_inode(struct proc_super *sb, const struct proc_node *node, mode_t type, pid_t tgid, pid_t tid,
			      const char *path, struct inode **ret);
/* dir's path, a slash and name, in a buffer of PROC_PATH_MAX. -ENAMETOOLONG */
MUST_CHECK int proc_join(const struct proc_inode *dir, const char *name, char *buf);
uint64_t proc_number(const char *path);		/* the inode number that goes with a path */
int proc_getattr(struct inode *inode, struct statx *ret);
void proc_destroy(struct inode *inode);
int proc_revalidate(struct inode *dir, const char *name, struct inode *inode);
/* Is the task that it is about still the one it was? */
bool proc_is_live(const struct proc_inode *pi);
/*
 * Whose a task's files are: the host knows (they are root's once the task changed its ids), unless the ids are virtual.
 */
void proc_set_owner(const struct proc_inode *pi, struct statx *ret);
/* Names of a table. Sub-directories of a task inherit whose they are. */
int proc_table_lookup(struct inode *dir, const struct proc_node *nodes, size_t count, const char *name,
		      struct inode **ret);
/* -1: emit had no room; else 0. The cursors are PROC_FIRST_CURSOR to that plus count. */
int proc_table_iterate(struct inode *dir, const struct proc_node *nodes, size_t count, struct dir_reader *reader);
/* Owners, times and lengths that are set of what belongs to a task are forgotten, modes refused. */
int proc_setattr(struct inode *inode, const struct vfs_attr *attr);
/* May the reader look into this task (ptrace(2), access mode checking)? */
/* Is it about the process that asks, whatever its ids are? */
bool proc_is_own(const struct walk_env *env, const struct proc_inode *pi);
int proc_may_look(const struct walk_env *env, const struct proc_inode *pi);
/* A decimal number as the host's /proc has them in names. -1: not one. */
int proc_parse_number(const char *name);

/* ---- procfs_pass.c: files and directories as the host has them ---- */
extern const struct inode_ops proc_pass_file_ops, proc_pass_dir_ops, proc_pass_link_ops;
int proc_pass_lookup(struct inode *dir, const char *name, struct inode **ret);

/* ---- procfs_text.c, procfs_maps.c, procfs_mounts.c: what is printed ---- */
extern const struct inode_ops proc_file_ops, proc_stat_ops;
int proc_read_host(const struct proc_inode *pi, struct strbuf *b);
int proc_read_path(const struct proc_inode *pi, const char *path, struct strbuf *b);	/* another, below /proc */
int proc_print_status(const struct proc_inode *pi, struct strbuf *b);
int proc_print_stat(const struct proc_inode *pi, struct strbuf *b);
int proc_print_fdinfo(const struct proc_inode *pi, struct strbuf *b);
int proc_print_hostname(const struct proc_inode *pi, struct strbuf *b);
int proc_print_osrelease(const struct proc_inode *pi, struct strbuf *b);
int proc_print_domainname(const struct proc_inode *pi, struct strbuf *b);
int proc_print_maps(const struct proc_inode *pi, struct strbuf *b);
/* Is it the line of maps of memory of trapline's? Lines end in NUL. */
bool proc_is_ours(const char *line);
/* The name of the file in a line of maps, as env knows it. false: it is none of ours. */
bool proc_mapped_name(const struct proc_inode *pi, const struct walk_env *env, const char *line, struct strbuf *b);
int proc_print_numa_maps(const struct proc_inode *pi, struct strbuf *b);
int proc_print_mounts(const struct proc_inode *pi, struct strbuf *b);
int proc_print_mountinfo(const struct proc_inode *pi, struct strbuf *b);
int proc_print_mountstats(const struct proc_inode *pi, struct strbuf *b);

/* ---- procfs_task.c ---- */
extern const struct inode_ops proc_task_ops, proc_thread_ops, proc_threads_ops;
/* /proc/TID, whose path is the number. */
int proc_lookup_task(struct proc_super *sb, pid_t tid, const char *path, struct inode **ret);

/* ---- procfs_map_files.c ---- */
extern const struct inode_ops proc_map_files_ops;

/* ---- procfs_link.c ---- */
/* What readlink(2) makes of a text. */
ssize_t proc_put_text(const char *text, char *buf, size_t size);
extern const struct inode_ops proc_link_ops, proc_self_ops, proc_thread_self_ops;
extern const struct inode_ops proc_exe_ops, proc_cwd_ops, proc_root_ops;

/* ---- procfs_fd.c ---- */
extern const struct inode_ops proc_fd_dir_ops, proc_fdinfo_dir_ops;
/* Where a link of the host's /proc leads that no virtual name stands for: an object that can be opened anew. */
int proc_host_object(const struct proc_inode *pi, struct path *ret);
/* The virtual object that a link of the host's /proc leads to. -ENOENT: none of ours. */
int proc_identify(const struct proc_inode *pi, struct path *ret);

#endif
