/* What seccomp(2) lets us do to ourselves and to a child. */
#include "tracer/doctor/checks.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/strbuf.h"
#include "tracer/doctor/filter.h"
#include "tracer/doctor/tracee.h"

#define MADE_UP 0x5eed

static int install_unprivileged(uint32_t action, unsigned long flags)
{
	int err = filter_give_up_privileges();

	return err ?: doctor_filter_install(action, flags);
}

/* Installed, and seen to work: getppid gives the filter's errno. */
static long try_filter(void *ctx UNUSED)
{
	int err = install_unprivileged(SECCOMP_RET_ERRNO | EXDEV, 0);

	if (err)
		return err;
	return syscall(SYS_getppid) == -1 && errno == EXDEV ? 0 : -EPROTO;
}

void check_filter(struct finding *f)
{
	(void)finding_try(f, try_filter);
}

static long try_filter_privileged(void *ctx UNUSED)
{
	return doctor_filter_install(SECCOMP_RET_ERRNO | EXDEV, 0);
}

void check_filter_privileged(struct finding *f)
{
	(void)finding_try(f, try_filter_privileged);
}

static const struct {
	uint32_t action;
	const char *name;
} actions[] = {
	{ SECCOMP_RET_KILL_PROCESS, "kill_process" },
	{ SECCOMP_RET_TRAP, "trap" },
	{ SECCOMP_RET_ERRNO, "errno" },
	{ SECCOMP_RET_USER_NOTIF, "user_notif" },
	{ SECCOMP_RET_TRACE, "trace" },
	{ SECCOMP_RET_LOG, "log" },
};

/* One bit for each action that this kernel has. */
static long try_actions(void *ctx UNUSED)
{
	long have = 0;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i].action) == 0)
			have |= 1L << i;
		else if (errno != EOPNOTSUPP)
			return -errno;
	}
	return have;
}

void check_actions(struct finding *f)
{
	AUTO_STRBUF struct strbuf names;
	long have;

	strbuf_init(&names);
	have = finding_try(f, try_actions);
	if (have < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (have >> i & 1)
			strbuf_addf(&names, "%s%s", names.len ? " " : "", actions[i].name);
	finding_set(f, have == (1L << ARRAY_SIZE(actions)) - 1 ? FINDING_OK : FINDING_NO, "%s", strbuf_str(&names));
}

static int prepare_ret_trace(void)
{
	return install_unprivileged(SECCOMP_RET_TRACE, 0);
}

static long try_ret_trace(void *ctx UNUSED)
{
	pid_t pid;
	int err = tracee_start(prepare_ret_trace, PTRACE_O_TRACESECCOMP, &pid);

	return err ?: tracee_stop_at(pid, PTRACE_CONT, TRACEE_SECCOMP_STOP);
}

void check_ret_trace(struct finding *f)
{
	(void)finding_try(f, try_ret_trace);
}

static int new_listener(unsigned long flags)
{
	return install_unprivileged(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
}

static long answer_one(int listener)
{
	struct seccomp_notif_resp answer = { .val = MADE_UP };
	struct seccomp_notif call = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return -errno;
	answer.id = call.id;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -errno : 0;
}

/* The child shares the listener by fork and the filter with us, who never call getppid: one round trip. */
static long try_notify(void *ctx UNUSED)
{
	int status, listener = new_listener(0);
	pid_t pid;
	long err;

	if (listener < 0)
		return listener;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(syscall(SYS_getppid) == MADE_UP ? 0 : 1);
	err = answer_one(listener);
	if (err)
		return err;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status == 0 ? 0 : -EPROTO;
}

void check_notify(struct finding *f)
{
	if (finding_try(f, try_notify) == -EBUSY)
		finding_set(f, FINDING_NO, "EBUSY: another supervisor already listens to this process");
}

/* A known flag gets as far as the missing program, EFAULT; an unknown one is EINVAL. Nothing is installed. */
static long try_flag(void *ctx)
{
	int err = filter_give_up_privileges();

	if (err)
		return err;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, *(unsigned long *)ctx, NULL) < 0 && errno != EFAULT)
		return -errno;
	return 0;
}

static void report_flag(struct finding *f, unsigned long flags)
{
	struct attempt a = attempt_run(try_flag, &flags);

	finding_from_attempt(f, &a);
}

void check_flag_new_listener(struct finding *f)
{
	report_flag(f, SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

void check_flag_tsync_esrch(struct finding *f)
{
	report_flag(f, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
}

void check_flag_wait_killable(struct finding *f)
{
	report_flag(f, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

static long try_sync_wake_up(void *ctx UNUSED)
{
	int listener = new_listener(0);

	if (listener < 0)
		return listener;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0 ? -errno : 0;
}

void check_sync_wake_up(struct finding *f)
{
	(void)finding_try(f, try_sync_wake_up);
}

/* No notification is open, so a kernel that knows the request says ENOENT. */
static long try_addfd(void *ctx)
{
	struct seccomp_notif_addfd add = { .id = 1, .flags = *(uint32_t *)ctx };
	int listener = new_listener(0);

	if (listener < 0)
		return listener;
	add.srcfd = (uint32_t)listener;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 && errno != ENOENT && errno != EINPROGRESS)
		return -errno;
	return 0;
}

static void report_addfd(struct finding *f, uint32_t flags)
{
	struct attempt a = attempt_run(try_addfd, &flags);

	finding_from_attempt(f, &a);
}

void check_addfd(struct finding *f)
{
	report_addfd(f, 0);
}

void check_addfd_send(struct finding *f)
{
	report_addfd(f, SECCOMP_ADDFD_FLAG_SEND);
}
