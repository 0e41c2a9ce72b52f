/* procfs: mounts, mountinfo, mountstats (proc_pid_mountinfo(5)), of the virtual tree. */
#include "kernel/fs/procfs_private.h"

#include <string.h>

struct printing {
	struct strbuf *b;
	void (*print)(struct strbuf *b, const struct mount_info *m);
};

/* Blanks and what would end a line are written in octal. */
static void add_escaped(struct strbuf *b, const char *text)
{
	for (; *text; text++) {
		if (strchr(" \t\n\\#", *text))
			strbuf_addf(b, "\\%03o", (unsigned char)*text);
		else
			strbuf_addc(b, *text);
	}
}

static bool is_read_only(const struct mount_info *m)
{
	return m->flags & MOUNT_READONLY || m->super->flags & SUPER_READONLY;
}

static void add_options(struct strbuf *b, const struct mount_info *m)
{
	strbuf_adds(b, is_read_only(m) ? "ro" : "rw");
	if (m->flags & MOUNT_NOSUID)
		strbuf_adds(b, ",nosuid");
	if (m->flags & MOUNT_NODEV)
		strbuf_adds(b, ",nodev");
	if (m->flags & MOUNT_NOEXEC)
		strbuf_adds(b, ",noexec");
	strbuf_adds(b, ",relatime");
}

static const char *source_of(const struct mount_info *m)
{
	return m->source && *m->source ? m->source : "none";
}

static void print_mount(struct strbuf *b, const struct mount_info *m)
{
	add_escaped(b, source_of(m));
	strbuf_addc(b, ' ');
	add_escaped(b, m->target);
	strbuf_addf(b, " %s ", m->super->type);
	add_options(b, m);
	strbuf_adds(b, " 0 0\n");
}

static void print_mountinfo(struct strbuf *b, const struct mount_info *m)
{
	strbuf_addf(b, "%d %d %u:%u / ", m->id, m->parent_id, m->super->dev_major, m->super->dev_minor);
	add_escaped(b, m->target);
	strbuf_addc(b, ' ');
	add_options(b, m);
	strbuf_addf(b, " - %s ", m->super->type);
	add_escaped(b, source_of(m));
	strbuf_adds(b, is_read_only(m) ? " ro\n" : " rw\n");
}

static void print_mountstats(struct strbuf *b, const struct mount_info *m)
{
	strbuf_adds(b, "device ");
	add_escaped(b, source_of(m));
	strbuf_adds(b, " mounted on ");
	add_escaped(b, m->target);
	strbuf_addf(b, " with fstype %s\n", m->super->type);
}

static int visit(const struct mount_info *m, void *ctx)
{
	const struct printing *p = ctx;
	p->print(p->b, m);
	return 0;
}

static int print_all(const struct proc_inode *pi, struct strbuf *b,
		     void (*print)(struct strbuf *, const struct mount_info *))
{
	struct printing p = {b, print};
	struct task_view view;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	int r = vfs_each_mount(&view.env, visit, &p);
	task_view_finish(&view);
	return r;
}

int proc_print_mounts(const struct proc_inode *pi, struct strbuf *b)
{
	return print_all(pi, b, print_mount);
}

int proc_print_mountinfo(const struct proc_inode *pi, struct strbuf *b)
{
	return print_all(pi, b, print_mountinfo);
}

int proc_print_mountstats(const struct proc_inode *pi, struct strbuf *b)
{
	return print_all(pi, b, print_mountstats);
}
