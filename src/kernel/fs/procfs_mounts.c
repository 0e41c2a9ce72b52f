/*
 * procfs: mounts, mountinfo, mountstats (proc_pid_mountinfo(5)), of the virtual tree. A directory of the host is shown
 * as the bind mount that it is like, and the host's mounts below it as its own.
 */
#include "kernel/fs/procfs_private.h"

#include <string.h>

#include "kernel/fs/procfs_mounts.h"

/* A line of mountinfo. Names are as the guest knows them. */
struct shown {
	int id, parent;
	unsigned major, minor;
	const char *root, *target, *options, *type, *source, *super_options;
};

typedef void printer(struct strbuf *b, const struct shown *m);

struct printing {
	const struct proc_inode *pi;
	const struct walk_env *env;
	struct strbuf *b;
	printer *print;
	struct host_mounts *host;
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

static void print_mount(struct strbuf *b, const struct shown *m)
{
	add_escaped(b, m->source);
	strbuf_addc(b, ' ');
	add_escaped(b, m->target);
	strbuf_addf(b, " %s %s", m->type, m->options);
	/* Those of the super block follow, but for the first, which says the same. */
	const char *more = strchr(m->super_options, ',');
	strbuf_addf(b, "%s 0 0\n", more ? more : "");
}

static void print_mountinfo(struct strbuf *b, const struct shown *m)
{
	strbuf_addf(b, "%d %d %u:%u ", m->id, m->parent, m->major, m->minor);
	add_escaped(b, m->root);
	strbuf_addc(b, ' ');
	add_escaped(b, m->target);
	strbuf_addf(b, " %s - %s ", m->options, m->type);
	add_escaped(b, m->source);
	strbuf_addf(b, " %s\n", m->super_options);
}

static void print_mountstats(struct strbuf *b, const struct shown *m)
{
	strbuf_adds(b, "device ");
	add_escaped(b, m->source);
	strbuf_adds(b, " mounted on ");
	add_escaped(b, m->target);
	strbuf_addf(b, " with fstype %s\n", m->type);
}

static bool is_read_only(const struct mount_info *m)
{
	return m->flags & MOUNT_READONLY || m->super->flags & SUPER_READONLY;
}

static const char *source_of(const struct mount_info *m)
{
	return m->source && *m->source ? m->source : "none";
}

/* What stands for nothing of the host's, or for something that is not known there. */
static void add_virtual(const struct printing *p, const struct mount_info *m)
{
	AUTO_STRBUF struct strbuf options;
	strbuf_init(&options);
	strbuf_adds(&options, is_read_only(m) ? "ro" : "rw");
	if (m->flags & MOUNT_NOSUID)
		strbuf_adds(&options, ",nosuid");
	if (m->flags & MOUNT_NODEV)
		strbuf_adds(&options, ",nodev");
	if (m->flags & MOUNT_NOEXEC)
		strbuf_adds(&options, ",noexec");
	strbuf_adds(&options, ",relatime");
	p->print(p->b, &(struct shown){
		m->id, m->parent_id, m->super->dev_major, m->super->dev_minor, "/", m->target, strbuf_str(&options), m->super->type,
		source_of(m), is_read_only(m) ? "ro" : "rw",
	});
}

/* ---- the host's ---- */

static void add_options(struct strbuf *b, const struct mount_info *m, const char *options)
{
	bool writable = strncmp(options, "rw", 2) == 0 && (options[2] == ',' || options[2] == '\0');
	strbuf_adds(b, is_read_only(m) && writable ? "ro" : writable ? "rw" : "");
	strbuf_adds(b, writable ? options + 2 : options);
}

struct cover {
	const char *target;
	int above;		/* the mount that may be covered: later ones count */
	bool covered;
};

/* NULL: target is not dir and not below it; else what follows. */
static const char *below(const char *target, const char *dir)
{
	size_t len = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
	return strncmp(target, dir, len) == 0 && (target[len] == '/' || target[len] == '\0') ? target + len : NULL;
}

static int visit_cover(const struct mount_info *m, void *ctx)
{
	struct cover *c = ctx;
	c->covered = m->id > c->above && below(c->target, m->target);
	return c->covered;
}

static bool is_covered(const struct walk_env *env, const char *target, int above)
{
	struct cover c = {target, above, false};
	return vfs_each_mount(env, visit_cover, &c) && c.covered;
}

/* The mount of the host that h is, or which is below h's directory, at target of the guest's tree. */
static void add_host_mount(const struct printing *p, const struct mount_info *m, const struct host_mount *h, bool top,
			   const char *root, const char *target)
{
	const struct host_mount *parent = top ? NULL : host_mounts_find(p->host, h->parent);
	int id = top ? m->id : host_mount_id(m->id, h->id);
	int parent_id = m->id;
	if (top)
		parent_id = m->parent_id;
	else if (parent && host_mount_is_below(parent, p->host->dir))
		parent_id = host_mount_id(m->id, parent->id);
	AUTO_STRBUF struct strbuf options, super_options;
	strbuf_init(&options);
	strbuf_init(&super_options);
	add_options(&options, m, h->options);
	add_options(&super_options, m, h->super_options);
	p->print(p->b, &(struct shown){
		id, parent_id, h->major, h->minor, root, target, strbuf_str(&options), h->type, h->source, strbuf_str(&super_options),
	});
}

/* false: it is not known what of the host it is. */
static bool add_host(struct printing *p, const struct mount_info *m)
{
	AUTO_STRBUF struct strbuf name;
	strbuf_init(&name);
	const struct host_mount *own = host_mounts_locate(p->host, p->pi, m->super->root);
	const char *rest = own ? below(p->host->dir, own->point) : NULL;
	if (!rest)
		return false;
	strbuf_addf(&name, "%s%s", strcmp(own->root, "/") == 0 && *rest ? "" : own->root, rest);
	add_host_mount(p, m, own, true, strbuf_str(&name), m->target);
	for (const struct host_mount *h = p->host->first; h; h = h->next) {
		if (!host_mount_is_below(h, p->host->dir))
			continue;
		strbuf_clear(&name);
		strbuf_addf(&name, "%s%s", strcmp(m->target, "/") == 0 ? "" : m->target, below(h->point, p->host->dir));
		if (!is_covered(p->env, strbuf_str(&name), m->id))
			add_host_mount(p, m, h, false, h->root, strbuf_str(&name));
	}
	return true;
}

static int visit(const struct mount_info *m, void *ctx)
{
	struct printing *p = ctx;
	if (!host_mounts_has(m->super) || !add_host(p, m))
		add_virtual(p, m);
	return 0;
}

static int print_all(const struct proc_inode *pi, struct strbuf *b, printer *print)
{
	struct host_mounts host AUTO_HOST_MOUNTS = {.first = NULL};
	struct task_view view;
	if (task_view(proc_super(pi)->tasks, pi->tid, &view) < 0)
		return -ENOENT;
	struct printing p = {pi, &view.env, b, print, &host};
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
