/* Who the guest is: user and group ids (getuid(2), getresuid(2), getgroups(2)). kernel/sys.c of Linux. */
#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "syscalls/copyio.h"
#include "syscalls/handlers.h"

/* Who the caller is: by the task table where there is one, else what all guests started with. A reference. */
static struct cred *caller(struct kernel *k, const struct call_event *ev)
{
	struct task_view task;
	if (!k->tasks || task_view(k->tasks, ev->tid, &task) < 0)
		return cred_ref(k->cred);
	struct cred *c = cred_ref(task.cred);
	task_view_finish(&task);
	return c;
}

struct verdict sys_getuid(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	return verdict_value(c->ruid);
}

struct verdict sys_geteuid(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	return verdict_value(c->euid);
}

struct verdict sys_getgid(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	return verdict_value(c->rgid);
}

struct verdict sys_getegid(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	return verdict_value(c->egid);
}

/* Three ids to three addresses, in order, stopping at the first bad one as put_user does. */
static struct verdict put_ids(struct call_event *ev, const uint32_t ids[3])
{
	for (int i = 0; i < 3; i++) {
		int r = copy_out(ev, arg_ptr(ev, i), &ids[i], sizeof(ids[i]));
		if (r < 0)
			return verdict_value(r);
	}
	return verdict_value(0);
}

struct verdict sys_getresuid(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	const uint32_t ids[3] = {c->ruid, c->euid, c->suid};
	return put_ids(ev, ids);
}

struct verdict sys_getresgid(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	const uint32_t ids[3] = {c->rgid, c->egid, c->sgid};
	return put_ids(ev, ids);
}

struct verdict sys_getgroups(struct kernel *k, struct call_event *ev)
{
	struct cred *c AUTO_CRED = caller(k, ev);
	if (!c->own_groups)
		return verdict_pass();
	int size = (int)ev->args[0];
	if (size < 0)
		return verdict_value(-EINVAL);
	if (size == 0)
		return verdict_value((int64_t)c->group_count);
	if ((size_t)size < c->group_count)
		return verdict_value(-EINVAL);
	int r = copy_out(ev, arg_ptr(ev, 1), c->groups, c->group_count * sizeof(gid_t));
	return verdict_value(r < 0 ? r : (int64_t)c->group_count);
}
