/* Which mechanisms there are, what they can do, and whether this kernel and these privileges allow them. */
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "policy/filter.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"

static const struct mechanism_info descriptions[MECHANISM_COUNT] = {
	[MECHANISM_AUTO] = {.name = "auto"},
	[MECHANISM_NATIVE] = {.name = "native"},
	[MECHANISM_NOTIFY] = {.name = "notify", .can_answer = true, .needs_seccomp = true},
	[MECHANISM_TRACE] = {
		.name = "trace", .can_answer = true, .can_read_regs = true, .can_write_regs = true, .sees_result = true,
		.needs_ptrace = true, .needs_seccomp = true,
	},
	[MECHANISM_SYSEMU] = {
		.name = "sysemu", .can_answer = true, .can_read_regs = true, .can_write_regs = true, .sees_result = true,
		.needs_ptrace = true,
	},
	[MECHANISM_STEP] = {
		.name = "step", .can_answer = true, .can_read_regs = true, .can_write_regs = true, .sees_result = true,
		.needs_ptrace = true, .can_attach = true,
	},
};

const char *mechanism_name(enum mechanism m)
{
	return descriptions[m].name;
}

int mechanism_from_name(const char *name, enum mechanism *ret)
{
	for (int m = 0; m < MECHANISM_COUNT; m++) {
		if (strcmp(descriptions[m].name, name) == 0) {
			*ret = (enum mechanism)m;
			return 0;
		}
	}
	return -ENOENT;
}

/* A child that waits to be killed. */
static pid_t start_sleeper(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* A parent that an outer filter killed meanwhile sends nothing any more. */
		while (getppid() == parent)
			(void)pause();
		_exit(0);
	}
	return pid;
}

static void end_child(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

static int try_ptrace(bool sysemu)
{
	pid_t pid = start_sleeper();
	if (pid < 0)
		return -errno;
	int r = ops_seize(pid, OPS_FILTER_STOPS | OPS_EXIT_KILL);
	if (r == 0)
		r = ops_interrupt(pid);
	int status;
	if (r == 0 && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		struct ptrace_syscall_info info;
		r = ops_syscall_info(pid, &info);
		if (r == 0 && sysemu)
			r = ops_resume(pid, OPS_SYSEMU, 0);
	}
	end_child(pid);
	return r;
}

/* In a child, since a filter cannot be taken off again: its exit status is the errno. */
static int try_filter(uint32_t action, unsigned flags)
{
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		enum call_abi host = regs_arch_host() == REGS_X86_64 ? ABI_X86_64 : ABI_AARCH64;
		const uint32_t actions[] = {SECCOMP_RET_ALLOW};
		struct filter_abi abi = {
			.audit_arch = call_abi_audit_arch(host), .actions = actions, .count = 1, .unknown = SECCOMP_RET_ALLOW,
		};
		struct filter_spec spec = {.abis = &abi, .abi_count = 1, .other_abi = SECCOMP_RET_ALLOW};
		struct filter_prog prog;
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
			_exit(errno);
		int r = filter_build(&spec, &prog);
		if (r == 0)
			r = filter_install(&prog, flags);
		_exit(r < 0 ? -r : 0);
	}
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFSIGNALED(status))
		return -EPERM; /* an outer filter kills for it */
	return -WEXITSTATUS(status);
}

static int try_mechanism(enum mechanism m)
{
	int r = 0;
	switch (m) {
	case MECHANISM_NOTIFY:
		r = try_filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
		break;
	case MECHANISM_TRACE:
		r = try_filter(SECCOMP_RET_TRACE, 0);
		if (r == 0)
			r = try_ptrace(false);
		break;
	case MECHANISM_SYSEMU:
		r = try_ptrace(true);
		break;
	case MECHANISM_STEP:
		r = try_ptrace(false);
		break;
	default:
		break;
	}
	return r;
}

int mechanism_allowed(enum mechanism m)
{
	if (!descriptions[m].needs_seccomp)
		return 0;
	uint32_t action = m == MECHANISM_NOTIFY ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_TRACE;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

const struct mechanism_info *mechanism_description(enum mechanism m)
{
	return &descriptions[m];
}

const struct mechanism_info *mechanism_info(enum mechanism m)
{
	/* A cache of facts about the machine, filled before threads start. */
	static struct mechanism_info known[MECHANISM_COUNT];
	if (!known[m].name) {
		known[m] = descriptions[m];
		known[m].available = try_mechanism(m);
	}
	return &known[m];
}
