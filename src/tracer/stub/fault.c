/* Faults of the stub: where it copies for a call, a bad address is the call's EFAULT, which the supervisor finds out. */
#include "tracer/ptrace/ops.h"
#include "tracer/stub/stub_private.h"

bool stub_mends_fault(struct session *s, struct tracee *t, const siginfo_t *info)
{
	struct stub *st = s->stub;
	struct regs r;
	uint64_t ip;
	if (!st || (info->si_signo != SIGSEGV && info->si_signo != SIGBUS) || info->si_code <= 0)
		return false;
	(void)pthread_mutex_lock(&st->lock);
	const struct stub_space *space = stub_space_of(st, t->tid, true);
	uint64_t base = space && space->trampolines ? space->base : 0;
	(void)pthread_mutex_unlock(&st->lock);
	regs_init(&r, regs_arch_host(), &ops_regs_io, (void *)(intptr_t)t->tid);
	if (!base || regs_get(&r, REG_IP, &ip) < 0)
		return false;
	if (ip < base + loader_symbols.stub_copies || ip >= base + loader_symbols.stub_fault)
		return false;
	regs_set(&r, REG_IP, base + loader_symbols.stub_fault);
	return regs_flush(&r) == 0;
}
