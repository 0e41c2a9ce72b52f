/* What ptrace(2) lets us do to a child, and to a stranger. */
#include "tracer/doctor/checks.h"

#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer/doctor/proc_status.h"
#include "tracer/doctor/tracee.h"

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#endif
#define REQUEST_SET_SYSCALL_INFO 0x4212	/* Linux 6.16 */

static long try_ptrace(void *ctx UNUSED)
{
	pid_t pid;
	int err = tracee_start(NULL, 0, &pid);

	return err ?: tracee_stop_at(pid, PTRACE_SYSCALL, TRACEE_SYSCALL_STOP);
}

void check_ptrace(struct finding *f)
{
	if (finding_try(f, try_ptrace) >= 0)
		finding_set(f, FINDING_OK, "a child was seized and stopped at a call");
}

/* Both are our children, so to each other they are strangers, as a process given by -p is. */
static long try_attach(void *ctx)
{
	pid_t stranger = *(pid_t *)ctx;

	return ptrace(PTRACE_SEIZE, stranger, NULL, NULL) < 0 ? -errno : 0;
}

void check_attach(struct finding *f)
{
	pid_t stranger = attempt_fork();
	struct attempt a;

	if (stranger < 0) {
		f->error = -errno;
		finding_set(f, FINDING_NO, "cannot fork");
		return;
	}
	if (stranger == 0)
		for (;;)
			(void)pause();
	a = attempt_run(try_attach, &stranger);
	finding_from_attempt(f, &a);
	(void)kill(stranger, SIGKILL);
	(void)waitpid(stranger, NULL, 0);
}

void check_yama(struct finding *f)
{
	static const char *const meaning[] = {
		"0: any process of the same user", "1: only descendants, or with CAP_SYS_PTRACE",
		"2: only with CAP_SYS_PTRACE", "3: nobody",
	};
	long scope;

	if (file_number("/proc/sys/kernel/yama/ptrace_scope", &scope) < 0)
		finding_set(f, FINDING_NA, "no Yama in this kernel");
	else if (scope < 0 || scope > 3)
		finding_set(f, FINDING_INFO, "%ld", scope);
	else
		finding_set(f, scope ? FINDING_NO : FINDING_OK, "%s", meaning[scope]);
}

static long info_request(int request)
{
	struct __ptrace_syscall_info info;
	pid_t pid;
	int err = tracee_start(NULL, 0, &pid);

	if (!err)
		err = tracee_stop_at(pid, PTRACE_SYSCALL, TRACEE_SYSCALL_STOP);
	if (err)
		return err;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		return -errno;
	if (request && ptrace((enum __ptrace_request)request, pid, (void *)sizeof(info), &info) < 0)
		return -errno;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? 0 : -EPROTO;
}

static long try_get_syscall_info(void *ctx UNUSED)
{
	return info_request(0);
}

void check_get_syscall_info(struct finding *f)
{
	(void)finding_try(f, try_get_syscall_info);
}

static long try_set_syscall_info(void *ctx UNUSED)
{
	return info_request(REQUEST_SET_SYSCALL_INFO);
}

void check_set_syscall_info(struct finding *f)
{
	(void)finding_try(f, try_set_syscall_info);
}

static long try_sysemu(void *ctx UNUSED)
{
	int err, status;
	pid_t pid;

	err = tracee_start(NULL, 0, &pid);
	if (!err)
		err = tracee_stop_at(pid, (enum __ptrace_request)PTRACE_SYSEMU, TRACEE_SYSCALL_STOP);
	if (err)
		return err;
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) < 0)
		return -errno;
	/* Skipped and not answered: the tracee saw ENOSYS from a call that cannot fail. */
	return WIFEXITED(status) && WEXITSTATUS(status) == ENOSYS ? 0 : -EPROTO;
}

void check_sysemu(struct finding *f)
{
	(void)finding_try(f, try_sysemu);
}
