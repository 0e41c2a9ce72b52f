/*
 * Changes of identity: setuid(2) and its kin, setgroups(2), capget(2), capset(2) and what prctl(2) says of
 * capabilities. kernel/sys.c, kernel/groups.c and kernel/capability.c of Linux; the rules are in
 * kernel/task/cred_change.c.
 *
 * A faked identity is changed here alone. Otherwise the change is checked and remembered here, and then made by the
 * host too, so that both agree on who the task is.
 */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#include "kernel/kernel.h"
#include "kernel/task/cred_change.h"
#include "kernel/task/filters.h"
#include "kernel/task/task.h"
#include "syscalls/copyio.h"
#include "syscalls/handlers.h"

/* What a call does to a private copy of the caller's credentials: the call's result, or a negative errno. */
typedef int64_t cred_action(struct cred *c, const uint64_t args[6]);

static int copy_of_caller(struct kernel *k, pid_t tid, size_t groups, struct cred **ret)
{
	struct task_view task CLEANUP(task_view_finish);
	int r = task_view(k->tasks, tid, &task);
	if (r < 0) {
		task = (struct task_view){0};
		return r;
	}
	return cred_copy(task.cred, groups == SIZE_MAX ? task.cred->group_count : groups, ret);
}

/* Takes over c, whose change had this result. */
static struct verdict commit(struct kernel *k, const struct call_event *ev, struct cred *c, int64_t result)
{
	if (result < 0) {
		cred_unref(c);
		return verdict_value(result);
	}
	bool faked = c->faked;
	cred_update_host(c, k->cred);
	int r = task_set_cred(k->tasks, ev->tid, c);
	if (r < 0)
		return verdict_value(r);
	return faked ? verdict_value(result) : verdict_pass();
}

static struct verdict change(struct kernel *k, struct call_event *ev, cred_action *action)
{
	if (!k->tasks)
		return verdict_pass();
	struct cred *c;
	int r = copy_of_caller(k, ev->tid, SIZE_MAX, &c);
	if (r < 0)
		return verdict_value(r);
	return commit(k, ev, c, action(c, ev->args));
}

/* ---- ids ---- */

static int64_t setuid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setuid(c, (uid_t)args[0]);
}

struct verdict sys_setuid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setuid_action);
}

static int64_t setgid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setgid(c, (gid_t)args[0]);
}

struct verdict sys_setgid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setgid_action);
}

static int64_t setreuid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setreuid(c, (uid_t)args[0], (uid_t)args[1]);
}

struct verdict sys_setreuid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setreuid_action);
}

static int64_t setregid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setregid(c, (gid_t)args[0], (gid_t)args[1]);
}

struct verdict sys_setregid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setregid_action);
}

static int64_t setresuid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setresuid(c, (uid_t)args[0], (uid_t)args[1], (uid_t)args[2]);
}

struct verdict sys_setresuid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setresuid_action);
}

static int64_t setresgid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setresgid(c, (gid_t)args[0], (gid_t)args[1], (gid_t)args[2]);
}

struct verdict sys_setresgid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setresgid_action);
}

static int64_t setfsuid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setfsuid(c, (uid_t)args[0]);
}

struct verdict sys_setfsuid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setfsuid_action);
}

static int64_t setfsgid_action(struct cred *c, const uint64_t args[6])
{
	return cred_setfsgid(c, (gid_t)args[0]);
}

struct verdict sys_setfsgid(struct kernel *k, struct call_event *ev)
{
	return change(k, ev, setfsgid_action);
}

struct verdict sys_setgroups(struct kernel *k, struct call_event *ev)
{
	if (!k->tasks)
		return verdict_pass();
	unsigned count = (unsigned)ev->args[0];
	struct cred *c;
	int r = copy_of_caller(k, ev->tid, count <= CRED_GROUPS_MAX ? count : 0, &c);
	if (r < 0)
		return verdict_value(r);
	if (!cred_capable(c, CAP_SETGID))
		return commit(k, ev, c, -EPERM);
	if (count > CRED_GROUPS_MAX)
		return commit(k, ev, c, -EINVAL);
	AUTO_FREE gid_t *groups = malloc((count + 1) * sizeof(gid_t));
	r = groups ? copy_in(ev, groups, arg_ptr(ev, 1), count * sizeof(gid_t)) : -ENOMEM;
	if (r == 0)
		r = cred_setgroups(c, groups, count);
	return commit(k, ev, c, r);
}

/* ---- capabilities ---- */

enum { WORDS_MAX = 2 };

/* cap_validate_magic of Linux: an unknown version is told which one to use. Words of each set, or -EINVAL. */
static int read_header(struct call_event *ev, struct __user_cap_header_struct *ret)
{
	int r = copy_in(ev, ret, arg_ptr(ev, 0), sizeof(*ret));
	if (r < 0)
		return r;
	switch (ret->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return _LINUX_CAPABILITY_U32S_1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return _LINUX_CAPABILITY_U32S_3;
	default:
		break;
	}
	uint32_t version = _LINUX_CAPABILITY_VERSION_3;
	r = copy_out(ev, arg_ptr(ev, 0), &version, sizeof(version));
	return r < 0 ? r : -EINVAL;
}

struct verdict sys_capget(struct kernel *k, struct call_event *ev)
{
	if (!k->tasks)
		return verdict_pass();
	struct __user_cap_header_struct header;
	int words = read_header(ev, &header);
	if ((words > 0 || words == -EINVAL) && !ev->args[1])	/* only the version was asked for */
		return verdict_value(0);
	if (words < 0)
		return verdict_value(words);
	if (header.pid < 0)
		return verdict_value(-EINVAL);
	struct cred *c;
	int r = copy_of_caller(k, header.pid ? header.pid : ev->tid, 0, &c);
	if (r < 0)
		return verdict_value(r);
	struct __user_cap_data_struct data[WORDS_MAX];
	for (int i = 0; i < words; i++) {
		data[i].effective = (uint32_t)(c->effective >> 32 * i);
		data[i].permitted = (uint32_t)(c->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(c->inheritable >> 32 * i);
	}
	cred_unref(c);
	return verdict_value(copy_out(ev, arg_ptr(ev, 1), data, (size_t)words * sizeof(data[0])));
}

struct verdict sys_capset(struct kernel *k, struct call_event *ev)
{
	if (!k->tasks)
		return verdict_pass();
	struct __user_cap_header_struct header;
	int words = read_header(ev, &header);
	if (words < 0)
		return verdict_value(words);
	if (header.pid != 0 && header.pid != ev->tid)
		return verdict_value(-EPERM);
	struct __user_cap_data_struct data[WORDS_MAX] = {0};
	int r = copy_in(ev, data, arg_ptr(ev, 1), (size_t)words * sizeof(data[0]));
	struct cred *c;
	if (r == 0)
		r = copy_of_caller(k, ev->tid, SIZE_MAX, &c);
	if (r < 0)
		return verdict_value(r);
	const struct cred_caps caps = {
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
		.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32,
	};
	return commit(k, ev, c, cred_capset(c, &caps));
}

/* ---- prctl ---- */

static int64_t capbset_read(struct cred *c, const uint64_t args[6])
{
	if (!cap_is_valid(args[1]))
		return -EINVAL;
	return c->bounding >> args[1] & 1;
}

static int64_t capbset_drop(struct cred *c, const uint64_t args[6])
{
	return cred_drop_bounding(c, args[1]);
}

static int64_t get_keepcaps(struct cred *c, const uint64_t args[6])
{
	(void)args;
	return c->securebits >> SECURE_KEEP_CAPS & 1;
}

static int64_t set_keepcaps(struct cred *c, const uint64_t args[6])
{
	return cred_set_keepcaps(c, args[1]);
}

static int64_t get_securebits(struct cred *c, const uint64_t args[6])
{
	(void)args;
	return c->securebits;
}

static int64_t set_securebits(struct cred *c, const uint64_t args[6])
{
	return cred_set_securebits(c, args[1]);
}

static int64_t ambient(struct cred *c, const uint64_t args[6])
{
	if (args[3] | args[4] || (args[1] == PR_CAP_AMBIENT_CLEAR_ALL && args[2]))
		return -EINVAL;
	return cred_ambient(c, args[1], args[2]);
}

/* PR_SET_DUMPABLE, PR_GET_DUMPABLE: see kernel/task/task.h. */
static struct verdict dumpable(struct kernel *k, const struct call_event *ev)
{
	if ((int)ev->args[0] == PR_GET_DUMPABLE)
		return verdict_value(task_dumpable(k->tasks, ev->tid));
	if (ev->args[1] > 1)
		return verdict_value(-EINVAL);
	return verdict_value(task_set_dumpable(k->tasks, ev->tid, (int)ev->args[1]));
}

/* The filter that the guest runs under may have set it on the host long ago. */
static int64_t set_no_new_privs(struct cred *c, const uint64_t args[6])
{
	if (args[1] != 1 || args[2] | args[3] | args[4])
		return -EINVAL;
	c->no_new_privs = true;
	return 0;
}

static int64_t get_no_new_privs(const struct cred *c, const struct call_event *ev)
{
	if (ev->args[1] | ev->args[2] | ev->args[3] | ev->args[4])
		return -EINVAL;
	const struct task_filters f = filters_of_task(ev->tid);
	return filters_no_new_privs(&f, c->no_new_privs);
}

/* What the guest knows of its filters. The host's answer is right for a thread that has some of its own. */
static struct verdict filters(struct kernel *k, struct call_event *ev)
{
	switch ((int)ev->args[0]) {
	case PR_SET_NO_NEW_PRIVS: {
		struct verdict v = change(k, ev, set_no_new_privs);
		return v.kind == VERDICT_VALUE && v.value == 0 ? verdict_pass() : v;
	}
	case PR_GET_NO_NEW_PRIVS: {
		struct cred *c AUTO_CRED = NULL;
		int r = copy_of_caller(k, ev->tid, SIZE_MAX, &c);
		return verdict_value(r < 0 ? r : get_no_new_privs(c, ev));
	}
	default:
		return verdict_value(filters_of_task(ev->tid).mode);
	}
}

/* What Linux 6.18 knows, and the flags that go with others only (kernel/seccomp.c, seccomp_set_mode_filter). */
static bool filter_flags_valid(uint64_t flags)
{
	const uint64_t known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			       SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
			       SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	bool listens = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
	if (flags & ~known)
		return false;
	if (listens && (flags & SECCOMP_FILTER_FLAG_TSYNC) && !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return false;
	return listens || !(flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

/*
 * A filter of the guest's own. The host would take it from anyone, since our filter has set no_new_privs where it must:
 * the guest needs to have done so itself, or CAP_SYS_ADMIN. The host then does the rest, and reads the program.
 */
static struct verdict new_filter(struct kernel *k, struct call_event *ev, uint64_t flags, struct guest_ptr program)
{
	struct cred *c AUTO_CRED = NULL;
	struct sock_fprog header;
	int r = copy_of_caller(k, ev->tid, SIZE_MAX, &c);
	if (r < 0)
		return verdict_value(r);
	const struct task_filters f = filters_of_task(ev->tid);
	if (filters_no_new_privs(&f, c->no_new_privs) || cred_capable(c, CAP_SYS_ADMIN))
		return verdict_pass();
	if (!filter_flags_valid(flags))
		return verdict_value(-EINVAL);
	r = copy_in(ev, &header, program, sizeof(header));
	if (r < 0)
		return verdict_value(r);
	return verdict_value(header.len == 0 || header.len > BPF_MAXINSNS ? -EINVAL : -EACCES);
}

struct verdict sys_seccomp(struct kernel *k, struct call_event *ev)
{
	if (!k->tasks || (unsigned)ev->args[0] != SECCOMP_SET_MODE_FILTER)
		return verdict_pass();
	return new_filter(k, ev, (unsigned)ev->args[1], arg_ptr(ev, 2));
}

static bool is_about_filters(int option)
{
	return option == PR_SET_NO_NEW_PRIVS || option == PR_GET_NO_NEW_PRIVS || option == PR_GET_SECCOMP;
}

struct verdict sys_prctl(struct kernel *k, struct call_event *ev)
{
	static const struct {
		int option;
		cred_action *action;
	} options[] = {
		{PR_CAPBSET_READ, capbset_read}, {PR_CAPBSET_DROP, capbset_drop},
		{PR_GET_KEEPCAPS, get_keepcaps}, {PR_SET_KEEPCAPS, set_keepcaps},
		{PR_GET_SECUREBITS, get_securebits}, {PR_SET_SECUREBITS, set_securebits},
		{PR_CAP_AMBIENT, ambient},
	};
	if (k->tasks && ((int)ev->args[0] == PR_SET_DUMPABLE || (int)ev->args[0] == PR_GET_DUMPABLE))
		return dumpable(k, ev);
	if (k->tasks && is_about_filters((int)ev->args[0]))
		return filters(k, ev);
	if (k->tasks && (int)ev->args[0] == PR_SET_SECCOMP && ev->args[1] == SECCOMP_MODE_FILTER)
		return new_filter(k, ev, 0, arg_ptr(ev, 2));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if ((int)ev->args[0] == options[i].option)
			return change(k, ev, options[i].action);
	}
	return verdict_pass();
}
