#include "tracer/ptrace/strict.h"

#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

#include "kernel/task/filters.h"
#include "tracer/filter_plan.h"
#include "tracer/proc_status.h"
#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/remote.h"

/*
 * What our SECCOMP_RET_TRAP carries, in si_errno. RET_TRACE would lose against the notifications of the other filter.
 */
enum { STRICT_DATA = 0x5354, STRICT_CALLS = 4, STRICT_LEN_MAX = 2 + 2 * (STRICT_CALLS + 4) };

#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field)))
#define SKIP_UNLESS(value, skipped) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped))
#define GIVE(action) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action))

static const enum call_id allowed[STRICT_CALLS] = {CALL_read, CALL_write, CALL_exit, CALL_rt_sigreturn};
/* kernel/seccomp.c, mode1_syscalls_32: the old return from a signal. */
static const enum call_id allowed_i386[STRICT_CALLS] = {CALL_read, CALL_write, CALL_exit, CALL_sigreturn};

/* One ABI's part: skipped whole for another, and ends with an answer. */
static struct sock_filter *add_abi(struct sock_filter *at, enum call_abi abi, const enum call_id *calls)
{
	*at++ = SKIP_UNLESS(call_abi_audit_arch(abi), STRICT_CALLS + 3);
	*at++ = LOAD(nr);
	for (unsigned char i = 0; i < STRICT_CALLS; i++) {
		unsigned char to_allow = (unsigned char)(STRICT_CALLS - i);
		unsigned nr = (unsigned)call_desc(calls[i])->nr[abi];
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, to_allow, 0);
	}
	*at++ = GIVE(SECCOMP_RET_TRAP | STRICT_DATA);
	*at++ = GIVE(SECCOMP_RET_ALLOW);
	return at;
}

static size_t make_program(struct sock_filter code[STRICT_LEN_MAX])
{
	struct sock_filter *at = code;
	*at++ = LOAD(arch);
	at = add_abi(at, host_abi(), allowed);
	if (host_abi() == ABI_X86_64)
		at = add_abi(at, ABI_I386, allowed_i386);
	*at++ = GIVE(SECCOMP_RET_TRAP | STRICT_DATA);
	return (size_t)(at - code);
}

/* The mode's argument, if the call asks for strict mode as the kernel would take it. */
static bool asks(const struct decode_call *c, unsigned *ret_mode_arg)
{
	*ret_mode_arg = c->id == CALL_prctl;
	if (c->id == CALL_prctl)
		return (int)c->args[0] == PR_SET_SECCOMP && c->args[1] == SECCOMP_MODE_STRICT;
	return c->id == CALL_seccomp && (unsigned)c->args[0] == SECCOMP_SET_MODE_STRICT && !(unsigned)c->args[1] &&
	       !c->args[2];
}

/* A filter needs no_new_privs, strict mode does not; nor can it tell, since no exec is left to it. */
static int allow_filter(struct session *s, struct tracee *t)
{
	static const uint64_t args[6] = {PR_SET_NO_NEW_PRIVS, 1};
	struct remote r;
	int64_t result;
	int err = remote_begin(&r, s, t);
	if (err == 0)
		err = remote_call(&r, CALL_prctl, args, &result);
	return err < 0 ? err : remote_end(&r);
}

void strict_entered(struct session *s, struct tracee *t)
{
	unsigned mode_arg;
	if (!s->uses_filter || s->decides || t->stop_foreign || t->call.abi != host_abi() || !asks(&t->call, &mode_arg))
		return;
	/* With a filter of its own it is EINVAL. */
	if (filters_of_task(t->tid).mode != SECCOMP_MODE_DISABLED)
		return;
	struct {
		struct sock_fprog header;
		struct sock_filter code[STRICT_LEN_MAX];
	} program = {0};
	struct applied a = {.carried = 1u << 2};
	program.header.len = (unsigned short)make_program(program.code);
	a.copies[2] = (struct fact_copy){.data = &program, .len = sizeof(program)};
	/* Where memory for it cannot be had (before Linux 6.10), the host says EINVAL. */
	if (carry_place(s, t, &a) < 0 || allow_filter(s, t) < 0)
		return;
	program.header.filter = (void *)(uintptr_t)(a.args[2] + offsetof(__typeof__(program), code));
	carry_patch(t, a.args[2], &program.header, sizeof(program.header));
	struct regs r;
	calls_regs(t, &r);
	calls_change_arg(t, &r, mode_arg, t->call.id == CALL_prctl ? SECCOMP_MODE_FILTER : SECCOMP_SET_MODE_FILTER);
	if (t->call.id == CALL_seccomp)
		calls_change_arg(t, &r, 0, SECCOMP_SET_MODE_FILTER);
	calls_change_arg(t, &r, 2, a.args[2]);
	calls_flush(s, &r);
	t->strict = true;
}

/* Only this thread: it makes the call that ends it. */
static void end_thread(struct session *s, struct tracee *t, enum call_abi abi)
{
	struct regs r;
	uint64_t ip;
	t->abi = (uint8_t)abi;
	calls_regs(t, &r);
	if (regs_get(&r, REG_IP, &ip) < 0)
		return;
	regs_set(&r, REG_IP, ip - regs_call_length(regs_arch_host()));
	regs_set(&r, REG_RET, (uint64_t)call_desc(CALL_exit)->nr[abi]);
	regs_set(&r, REG_ARG0, SIGKILL);
	calls_flush(s, &r);
}

bool strict_broken(struct session *s, struct tracee *t, const siginfo_t *info, int *ret_sig)
{
	enum { FROM_SECCOMP = 1 };	/* SYS_SECCOMP */
	int64_t nr;
	if (!t->strict || info->si_signo != SIGSYS || info->si_code != FROM_SECCOMP || info->si_errno != STRICT_DATA)
		return false;
	*ret_sig = SIGKILL;
	if (proc_status_pid(t->tid, "Threads") > 1) {
		end_thread(s, t, call_abi_of(info->si_arch, 0, &nr));
		*ret_sig = 0;
	}
	return true;
}
