/* The table of checks, in the order in which people read them. */
#include "tracer/doctor/doctor.h"

#include <string.h>

#include "tracer/doctor/checks.h"

static const struct check checks[] = {
	{
		"system", "kernel", "kernel",
		"before Linux 4.8 a tracer cannot trust a seccomp filter",
		check_kernel,
	},
	{
		"system", "cpus", "CPUs",
		NULL,
		check_cpus,
	},
	{
		"system", "wakeup_same_cpu", "wake-up on one CPU",
		NULL,
		check_wakeup_same_cpu,
	},
	{
		"system", "wakeup_across", "cheap wake-up across CPUs",
		"a stop whose wake-up crosses CPUs costs several times more, so supervisor threads stay on their "
			"guest's CPU; where they cannot, expect 50 000 ns a stop instead of 4 000 to 9 000",
		check_wakeup_across,
	},
	{
		"system", "cpu_dma_latency", "/dev/cpu_dma_latency",
		"idle CPUs cannot be kept awake, so wake-ups across CPUs stay slow",
		check_cpu_dma_latency,
	},
	{
		"system", "realtime", "real-time scheduling",
		"the tail of latencies follows the machine's load",
		check_realtime,
	},
	{
		"system", "nofile", "open files limit",
		"few guests fit: each needs a few descriptors in the supervisor",
		check_nofile,
	},
	{
		"system", "nproc", "processes limit",
		"guests that fork a lot get EAGAIN early, as they would without trapline",
		check_nproc,
	},

	{
		"privileges", "not_traced", "not traced by another",
		"the guest cannot have two tracers: step, sysemu and trace are lost where the outer tracer follows "
			"children; notify remains",
		check_nested_tracer,
	},
	{
		"privileges", "not_filtered", "not inside seccomp",
		"outer filters are judged too and the stricter verdict wins: what they deny stays denied, and each "
			"adds its run time to every call",
		check_inside_seccomp,
	},
	{
		"privileges", "no_new_privs", "no_new_privs",
		NULL,
		check_no_new_privs,
	},
	{
		"privileges", "cap_sys_admin", "CAP_SYS_ADMIN",
		"filters need no_new_privs, so set-uid programs gain nothing in a guest under notify, trace or "
			"errno; step and sysemu do not need it",
		check_cap_sys_admin,
	},
	{
		"privileges", "cap_sys_ptrace", "CAP_SYS_PTRACE",
		"only processes of the same user that are dumpable can be traced or attached to: no set-uid programs",
		check_cap_sys_ptrace,
	},
	{
		"privileges", "user_namespaces", "user namespaces",
		"nothing is lost: trapline does not need them (bwrap and rootless containers do)",
		check_user_namespaces,
	},

	{
		"ptrace", "ptrace", "ptrace of a child",
		"step, sysemu and trace are lost: no registers, no rewriting, no -p, no calls watched. Without "
			"ptrace a signal can interrupt a notified call before the supervisor has it, and the guest "
			"sees an EINTR that Linux never gives (2 677 of 60 000 under a 10 kHz signal); calls that "
			"nobody retries (close, fork, dup) are not notified then",
		check_ptrace,
	},
	{
		"ptrace", "attach", "attach to a stranger",
		"-p PID is refused; programs that trapline starts are not affected",
		check_attach,
	},
	{
		"ptrace", "yama", "Yama ptrace_scope",
		"-p PID needs CAP_SYS_PTRACE (1 and 2) or is impossible (3)",
		check_yama,
	},
	{
		"ptrace", "get_syscall_info", "PTRACE_GET_SYSCALL_INFO",
		"whole register sets are read at each stop: about 400 ns more, and an i386 call cannot be told by "
			"its audit arch",
		check_get_syscall_info,
	},
	{
		"ptrace", "set_syscall_info", "PTRACE_SET_SYSCALL_INFO",
		"arguments are rewritten by register pokes: about 500 ns for each",
		check_set_syscall_info,
	},
	{
		"ptrace", "sysemu", "PTRACE_SYSEMU",
		"the sysemu mechanism is lost: step answers instead, at two stops a call",
		check_sysemu,
	},

	{
		"seccomp", "filter", "filter",
		"errno, notify and trace are lost: every call stops, selected or not (step and sysemu, 60 to 140 "
			"native calls each)",
		check_filter,
	},
	{
		"seccomp", "filter_privileged", "filter without no_new_privs",
		"no_new_privs is set first: set-uid programs gain nothing in the guest",
		check_filter_privileged,
	},
	{
		"seccomp", "actions", "actions",
		"the mechanism of each action that is missing is lost",
		check_actions,
	},
	{
		"seccomp", "ret_trace", "RET_TRACE stop",
		"the trace mechanism is lost: step, which stops at every call and twice, does its work",
		check_ret_trace,
	},
	{
		"seccomp", "user_notif", "USER_NOTIF round trip",
		"the notify mechanism is lost: trace answers instead, at about 8 500 ns a call for 4 000, and "
			"nothing can be answered without ptrace",
		check_notify,
	},
	{
		"seccomp", "new_listener", "flag NEW_LISTENER",
		"the notify mechanism is lost",
		check_flag_new_listener,
	},
	{
		"seccomp", "tsync_esrch", "flag TSYNC_ESRCH",
		"a filter with a listener cannot be put on all threads at once",
		check_flag_tsync_esrch,
	},
	{
		"seccomp", "wait_killable_recv", "flag WAIT_KILLABLE_RECV",
		"a signal can interrupt a notified call even after the supervisor began to answer it: the answer is "
			"then undone or done twice, so such calls go to trace",
		check_flag_wait_killable,
	},
	{
		"seccomp", "sync_wake_up", "SYNC_WAKE_UP",
		"an unpinned notification wakes across CPUs: 47 000 ns for 4 000 on a two-core virtual machine",
		check_sync_wake_up,
	},
	{
		"seccomp", "addfd", "ADDFD",
		"emulated opens cannot install a descriptor by notify: they go to trace",
		check_addfd,
	},
	{
		"seccomp", "addfd_send", "ADDFD with SEND",
		"installing a descriptor and answering are two calls, and a signal between them leaks a descriptor "
			"in the guest",
		check_addfd_send,
	},

	{
		"memory", "process_vm_readv", "process_vm_readv",
		"large reads of guest memory go through /proc/PID/mem",
		check_process_vm_readv,
	},
	{
		"memory", "proc", "/proc of this PID namespace",
		"no other root, overlay or tmpfs (run -r, -b, --tmpfs ...), no -p",
		check_proc,
	},
	{
		"memory", "proc_mem", "/proc/PID/mem",
		"guest memory is read by process_vm_readv, about 400 ns more for small reads; read-only pages cannot "
			"be written",
		check_proc_mem,
	},
	{
		"memory", "pidfd_getfd", "pidfd_getfd",
		"descriptors of the guest are reached through /proc/PID/fd only",
		check_pidfd_getfd,
	},

	{
		"abi", "i386", "i386 calls",
		NULL,
		check_i386,
	},
	{
		"abi", "x32", "x32 calls",
		NULL,
		check_x32,
	},

	{
		"observe", "perf", "perf_event_open",
		"profiles have no scheduler and hardware counters",
		check_perf,
	},
	{
		"observe", "tracefs", "tracefs",
		"profiles have no sched_switch and wake-up events",
		check_tracefs,
	},
	{
		"observe", "bpf", "BPF tracepoint programs",
		"a call that `trace` shows stops twice, at its entry and at its end, instead of once: about 1.5 times the price",
		check_bpf,
	},
};

size_t doctor_check_count(void)
{
	return ARRAY_SIZE(checks);
}

void doctor_check(size_t i, struct finding *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->check = &checks[i];
	checks[i].run(ret);
}

const char *finding_state_name(enum finding_state s)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok", [FINDING_NO] = "no", [FINDING_NA] = "n.a.", [FINDING_INFO] = "info",
	};

	return names[s];
}
