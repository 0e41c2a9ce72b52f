/* Who the guest is: user and group ids (getuid(2), getresuid(2), getgroups(2)). kernel/sys.c of Linux. */
#include "kernel/kernel.h"
#include "syscalls/copyio.h"
#include "syscalls/handlers.h"

struct verdict sys_getuid(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return verdict_value(k->cred->ruid);
}

struct verdict sys_geteuid(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return verdict_value(k->cred->euid);
}

struct verdict sys_getgid(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return verdict_value(k->cred->rgid);
}

struct verdict sys_getegid(struct kernel *k, struct call_event *ev)
{
	(void)ev;
	return verdict_value(k->cred->egid);
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
	const uint32_t ids[3] = {k->cred->ruid, k->cred->euid, k->cred->suid};
	return put_ids(ev, ids);
}

struct verdict sys_getresgid(struct kernel *k, struct call_event *ev)
{
	const uint32_t ids[3] = {k->cred->rgid, k->cred->egid, k->cred->sgid};
	return put_ids(ev, ids);
}

struct verdict sys_getgroups(struct kernel *k, struct call_event *ev)
{
	if (!k->cred->own_groups)
		return verdict_pass();
	int size = (int)ev->args[0];
	if (size < 0)
		return verdict_value(-EINVAL);
	if (size == 0)
		return verdict_value(1);
	uint32_t group = k->cred->groups[0];
	int r = copy_out(ev, arg_ptr(ev, 1), &group, sizeof(group));
	return verdict_value(r < 0 ? r : 1);
}
