/* pidfd_send_signal(2), which takes the directory of a process in /proc for a pidfd too: kernel/signal.c of Linux. */
#include <signal.h>
#include <string.h>

#include "kernel/fs/fs.h"
#include "syscalls/file_call.h"
#include "syscalls/handlers.h"

enum { SIGNAL_THREAD = 1, SIGNAL_GROUP = 2, SIGNAL_PROCESS_GROUP = 4 };	/* linux/pidfd.h since 6.9 */

/* The signal number in the guest's siginfo_t must be the argument's; the host checks the rest. */
static int check_info(struct call_event *ev)
{
	int signo;
	int r = ev->ops->read(ev, (struct guest_ptr){ev->args[2]}, &signo, sizeof(signo));
	if (r < 0)
		return r;
	return signo == (int)ev->args[1] ? 0 : -EINVAL;
}

/* The same signal by the process' number, sent by the guest itself: the receiver is told who it was. */
static struct verdict send_by_number(struct call_event *ev, pid_t pid)
{
	const unsigned flags = (unsigned)ev->args[3];
	struct verdict v = {.kind = VERDICT_CALL, .args = {(uint64_t)pid, ev->args[1], ev->args[2], ev->args[3]}};
	int r = ev->args[2] ? check_info(ev) : 0;
	if (r < 0)
		return answer(r);
	if (flags == SIGNAL_THREAD) {
		v.call = ev->args[2] ? CALL_rt_tgsigqueueinfo : CALL_tgkill;
		memcpy(v.args, (uint64_t[]){(uint64_t)pid, (uint64_t)pid, ev->args[1], ev->args[2]}, sizeof(v.args));
	} else if (flags == SIGNAL_PROCESS_GROUP && !ev->args[2]) {
		v.call = CALL_kill;
		v.args[0] = (uint64_t)(int64_t)-pid;
	} else if (flags == 0 || flags == SIGNAL_GROUP) {
		v.call = ev->args[2] ? CALL_rt_sigqueueinfo : CALL_kill;
	} else {
		return verdict_pass();
	}
	return v;
}

/* Real pidfds are the host's; what it says of other descriptors is right too. */
struct verdict sys_pidfd_send_signal(struct kernel *k, struct call_event *ev)
{
	struct file_call c AUTO_FILE_CALL;
	struct object o AUTO_OBJECT = {.fd = -1};
	if (!file_call_begin(&c, k, ev))
		return c.verdict;
	if (!ev->lends || object_of_fd(&c, (int)ev->args[0], false, &o) < 0 || object_is_foreign(&o))
		return verdict_pass();
	pid_t pid = procfs_process(path_inode(&o.path));
	if (pid == -EBADF)
		return verdict_pass();
	return pid < 0 ? answer(pid) : send_by_number(ev, pid);
}
