/*
 * From the stop at the entry of a call the number is changed, and the call is run to its exit stop; then the
 * instruction is rewound, for the next one and at last for the task's own call, which stops at its entry again. All
 * signals are blocked meanwhile, so that none is delivered between two of the calls.
 */
#include "tracer/ptrace/remote.h"

#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tracer/ptrace/ops.h"

enum { SYSCALL_STOP = SIGTRAP | 0x80 };

int remote_begin(struct remote *r, struct session *s, struct tracee *t)
{
	*r = (struct remote){.s = s, .t = t};
	calls_regs(t, &r->regs);
	for (int i = 0; i < 6; i++)
		r->args[i] = t->call.args[i];
	int err = ops_get_sigmask(t->tid, &r->mask);
	return err < 0 ? err : ops_set_sigmask(t->tid, UINT64_MAX);
}

enum remote_stop { AT_ENTRY, AT_FILTER, AT_EXIT };

/* Run to a stop of one of these sorts. */
static int run_to(struct remote *r, enum ops_resume how, unsigned wanted)
{
	for (;;) {
		struct ptrace_syscall_info info;
		int status;
		int err = ops_resume(r->t->tid, how, 0);
		if (err < 0)
			return err;
		pid_t got;
		do {
			got = waitpid(r->t->tid, &status, __WALL);
		} while (got < 0 && errno == EINTR);
		if (got < 0)
			return -errno;
		if (!WIFSTOPPED(status)) {
			loop_ended(r->t, status);
			return -ESRCH;
		}
		int event = status >> 16;
		int sig = WSTOPSIG(status);
		if (event == OPS_EVENT_SECCOMP && wanted & 1u << AT_FILTER)
			return 0;
		if (event == 0 && sig == SYSCALL_STOP && ops_syscall_info(r->t->tid, &info) == 0) {
			unsigned at = info.op == PTRACE_SYSCALL_INFO_EXIT ? AT_EXIT : AT_ENTRY;
			if (wanted & 1u << at)
				return 0;
		} else if (event == 0 && sig != SYSCALL_STOP) {
			r->stopped_by = sig;	/* SIGSTOP: the only one that cannot be blocked and does not kill */
		}
	}
}

static void set_args(struct remote *r, const uint64_t args[6])
{
	for (int i = 0; i < 6; i++)
		regs_set(&r->regs, (enum reg)(REG_ARG0 + i), args[i]);
}

/* From an exit stop: the instruction will be run again, with another number. */
static void rewind_to(struct remote *r, uint64_t nr)
{
	regs_reset(&r->regs);
	regs_set(&r->regs, REG_IP, r->t->ip - regs_call_length(regs_arch_host()));
	regs_set(&r->regs, REG_RET, nr);
}

int remote_call(struct remote *r, enum call_id id, const uint64_t args[6], int64_t *ret)
{
	bool compat = r->t->call.abi == ABI_I386;
	uint64_t nr = (uint64_t)call_desc(id)->nr[compat ? ABI_I386 : host_abi()];
	uint64_t value;
	if (r->left)
		rewind_to(r, nr);
	else
		regs_set(&r->regs, REG_NR, nr);
	r->left = true;
	set_args(r, args);
	int err = regs_flush(&r->regs);
	if (err == 0)
		err = run_to(r, OPS_SYSCALL, 1u << AT_EXIT);
	if (err < 0)
		return err;
	regs_reset(&r->regs);
	err = regs_get(&r->regs, REG_RET, &value);
	/*
	 * Of 32 bits, sign-extended: an address may look like a negative number, but no address is one of the last
	 * 4095.
	 */
	if (compat && (uint32_t)value < (uint32_t)-4095)
		value = (uint32_t)value;
	*ret = (int64_t)value;
	return err;
}

int remote_end(struct remote *r)
{
	int err = 0;
	if (r->left) {
		rewind_to(r, (uint64_t)r->t->call.nr);
		set_args(r, r->args);
		err = regs_flush(&r->regs);
		if (err == 0 && r->s->mechanism == MECHANISM_STEP)
			err = run_to(r, OPS_SYSCALL, 1u << AT_ENTRY);
		else if (err == 0)
			err = run_to(r, OPS_CONT, 1u << AT_FILTER);
	}
	if (err == 0)
		err = ops_set_sigmask(r->t->tid, r->mask);
	if (r->stopped_by && err == 0)
		(void)syscall(SYS_tgkill, tracee_tgid(r->t), r->t->tid, r->stopped_by);
	return err;
}
