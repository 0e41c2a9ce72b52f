/*
 * ioctl(2): requests that change what a file is, or tell it (ioctl_iflags(2)). They are made through descriptors that
 * need not be open for writing, so the host would change a lower layer, or what is bound read-only. All others pass.
 */
#include <linux/fs.h>

#include "syscalls/file_call.h"
#include "syscalls/files.h"
#include "syscalls/handlers.h"

static bool is_answered(unsigned request)
{
	const struct call_choice *choice = files_choice_of(CALL_ioctl);
	for (size_t i = 0; i < choice->count; i++) {
		if (choice->values[i] == request)
			return true;
	}
	return false;
}

/* The descriptor is of the host's file, and the host judges the caller, who is who he says. */
static struct verdict do_on_host(const struct object *o, unsigned request)
{
	if (request == FS_IOC_GETFLAGS)
		return verdict_pass();
	int r = vfs_want_write(&o->path);
	if (r < 0)
		return answer(r);
	vfs_flags_change(&o->path);
	return verdict_pass();
}

static int do_here(struct file_call *c, const struct object *o, unsigned request, struct guest_ptr arg)
{
	unsigned flags;
	int r;
	switch (request) {
	case FS_IOC_GETFLAGS:
		r = vfs_get_flags(&o->path, &flags);
		return r < 0 ? r : copy_out(c->ev, arg, &flags, sizeof(flags));
	case FS_IOC_SETFLAGS:
		r = copy_in(c->ev, &flags, arg, sizeof(flags));
		return r < 0 ? r : vfs_set_flags(&c->task.env, &o->path, flags);
	default:
		r = vfs_want_write(&o->path);
		return r < 0 ? r : request == FS_IOC_FSSETXATTR ? -EOPNOTSUPP : -ENOTTY;
	}
}

struct verdict sys_ioctl(struct kernel *k, struct call_event *ev)
{
	const unsigned request = (unsigned)ev->args[1];
	if (!is_answered(request))
		return verdict_pass();
	struct file_call c AUTO_FILE_CALL;
	struct object o AUTO_OBJECT = {.fd = -1};
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	if (object_of_fd(&c, (int)ev->args[0], false, &o) < 0 || object_is_foreign(&o))
		return verdict_pass();
	const struct inode *inode = path_inode(&o.path);
	bool flags = request == FS_IOC_GETFLAGS || request == FS_IOC_SETFLAGS;
	if (inode->super->flags & SUPER_HOST_EVENTS && S_ISREG(inode->type) && !(flags && c.task.cred->faked))
		return do_on_host(&o, request);
	return answer(do_here(&c, &o, request, arg_ptr(ev, 2)));
}
