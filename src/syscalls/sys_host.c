/* What machine the guest is on: uname(2), sethostname(2), setdomainname(2), sysinfo(2). kernel/sys.c of Linux. */
#include <sys/sysinfo.h>

#include "kernel/kernel.h"
#include "kernel/task/task.h"
#include "syscalls/copyio.h"
#include "syscalls/handlers.h"

struct verdict sys_uname(struct kernel *k, struct call_event *ev)
{
	struct utsname name;
	uts_get(&k->uts, &name);
	return verdict_value(copy_out(ev, arg_ptr(ev, 0), &name, sizeof(name)));
}

static struct verdict set_name(struct kernel *k, struct call_event *ev,
			       void (*set)(struct uts *u, const char *name, size_t len))
{
	/* Without tasks of our own the identity is one for all. */
	struct task_view task CLEANUP(task_view_finish) = {0};
	bool known = k->tasks && task_view(k->tasks, ev->tid, &task) == 0;
	if (!cred_is_root(known ? task.cred : k->cred))
		return verdict_value(-EPERM);
	int len = (int)ev->args[1];
	if (len < 0 || len > UTS_NAME_MAX)
		return verdict_value(-EINVAL);
	char name[UTS_NAME_MAX];
	int r = copy_in(ev, name, arg_ptr(ev, 0), (size_t)len);
	if (r < 0)
		return verdict_value(r);
	set(&k->uts, name, (size_t)len);
	return verdict_value(0);
}

struct verdict sys_sethostname(struct kernel *k, struct call_event *ev)
{
	return set_name(k, ev, uts_set_nodename);
}

struct verdict sys_setdomainname(struct kernel *k, struct call_event *ev)
{
	return set_name(k, ev, uts_set_domainname);
}

struct verdict sys_sysinfo(struct kernel *k, struct call_event *ev)
{
	(void)k;
	struct sysinfo info;
	if (sysinfo(&info) < 0)
		return (struct verdict){.kind = VERDICT_FAIL, .value = -errno};
	return verdict_value(copy_out(ev, arg_ptr(ev, 0), &info, sizeof(info)));
}
