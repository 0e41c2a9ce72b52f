/*
 * Which of an object's names a descriptor was opened by: /proc/PID/fd/N shows it, and it follows that name's renames.
 *
 * The backing tells only the object. What the host keeps with an open file description, through dup, fork, exec and
 * SCM_RIGHTS, is, beside what reads and writes need, the signal number of F_SETSIG, which nobody looks at on files like
 * these: it has our mark. A description opened by the first name of an object has none, 0; the others stand for the
 * entry's names.
 *
 * There are as many marks as signals. When they are used up, that of a removed name is given away, or else the oldest:
 * a descriptor that was opened by it shows the other name.
 */
#include <fcntl.h>
#include <string.h>

#include "kernel/vfs/vfs_private.h"

void vfs_mark(int fd, int mark)
{
	if (mark)
		(void)fcntl(fd, F_SETSIG, mark);
}

int vfs_mark_of(int fd)
{
	int mark = fcntl(fd, F_GETSIG);
	return mark > 0 && mark <= REGISTRY_NAMES_MAX ? mark : 0;
}

/* The name, and those above it: a directory that is forgotten is another one when it is found again. */
static bool leads_there(const struct path *p)
{
	bool leads = dentry_flags(p->dentry) & DENTRY_HASHED;
	vfs_read_lock();
	const struct dentry *d = dentry_name(p->dentry)->parent;
	for (const struct dentry *above; leads && d && (above = dentry_name(d)->parent); d = above)
		leads = dentry_flags(d) & DENTRY_HASHED;
	vfs_read_unlock();
	return leads;
}

bool registry_is_gone_locked(const struct registry_entry *e)
{
	bool gone = !leads_there(&e->path);
	for (unsigned i = 0; gone && i < e->name_count; i++)
		gone = !leads_there(&e->names[i]);
	return gone;
}

static int find_mark(const struct registry_entry *e, const struct path *p)
{
	for (unsigned i = 0; i < e->name_count; i++) {
		if (e->names[i].dentry == p->dentry && e->names[i].mount == p->mount)
			return (int)i + 1;
	}
	return 0;
}

/* Room for one more, in sizes that are powers of two. */
static bool make_room(struct registry_entry *e)
{
	unsigned count = e->name_count;
	if (count & (count - 1))
		return true;
	struct path *more = reallocarray(e->names, count ? count * 2 : 1, sizeof(*more));
	if (more)
		e->names = more;
	return more;
}

static int least_needed(const struct registry_entry *e)
{
	for (unsigned i = 0; i < e->name_count; i++) {
		unsigned at = (e->name_last + i) % e->name_count;
		if (!leads_there(&e->names[at]))
			return (int)at + 1;
	}
	return e->name_last % e->name_count + 1;
}

int registry_mark_locked(struct registry_entry *e, const struct path *p, struct path *old)
{
	int mark = find_mark(e, p);
	if (mark)
		return mark;
	if (e->name_count < REGISTRY_NAMES_MAX && make_room(e)) {
		mark = ++e->name_count;
	} else if (e->name_count > 0) {
		mark = least_needed(e);
		*old = e->names[mark - 1];
	} else {
		return 0;
	}
	path_get(p);
	e->names[mark - 1] = *p;
	return mark;
}

const struct path *registry_name_locked(const struct registry_entry *e, int mark)
{
	return mark > 0 && mark <= e->name_count ? &e->names[mark - 1] : &e->path;
}

void registry_take_names_locked(struct registry_entry *e, struct registry_names *ret)
{
	*ret = (struct registry_names){.names = e->names, .count = e->name_count};
	e->names = NULL;
	e->name_count = e->name_last = 0;
}

void registry_names_finish(struct registry_names *n)
{
	for (unsigned i = 0; i < n->count; i++)
		path_put(&n->names[i]);
	free(n->names);
}

void registry_exchange_names_locked(struct registry *r, struct registry_entry *e, struct registry_names *n)
{
	struct path path;
	registry_rename_locked(r, e, &n->names[0], &path);
	path_put(&n->names[0]);
	n->names[0] = path;
	for (unsigned i = 0; i < e->name_count; i++) {
		path = e->names[i];
		e->names[i] = n->names[i + 1];
		n->names[i + 1] = path;
	}
}
