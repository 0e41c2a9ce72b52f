#include "tracer/ptrace/ops.h"

#include <elf.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The raw call: glibc's wrapper is variadic and hides PEEK results in errno; here PEEK stores through the pointer. */
static long request(long what, pid_t tid, unsigned long addr, unsigned long data)
{
	long r = syscall(SYS_ptrace, what, (long)tid, addr, data);
	return r < 0 ? -errno : r;
}

static int done(long r)
{
	return r < 0 ? (int)r : 0;
}

/* Without WSTOPPED: stops of the traced are told all the same. */
pid_t ops_teller(void)
{
	siginfo_t info = {0};
	int r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD);
	return r < 0 ? -1 : info.si_pid;
}

int ops_seize(pid_t tid, unsigned flags)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
				PTRACE_O_TRACECLONE;
	if (flags & OPS_FILTER_STOPS)
		options |= PTRACE_O_TRACESECCOMP;
	if (flags & OPS_EXIT_KILL)
		options |= PTRACE_O_EXITKILL;
	return done(request(PTRACE_SEIZE, tid, 0, options));
}

int ops_interrupt(pid_t tid)
{
	return done(request(PTRACE_INTERRUPT, tid, 0, 0));
}

int ops_resume(pid_t tid, enum ops_resume how, int sig)
{
	static const long requests[] = {
		[OPS_CONT] = PTRACE_CONT,
		[OPS_SYSCALL] = PTRACE_SYSCALL,
		[OPS_SYSEMU] = 31, /* PTRACE_SYSEMU: the same on x86 and arm64, absent from linux/ptrace.h */
		[OPS_LISTEN] = PTRACE_LISTEN,
	};
	return done(request(requests[how], tid, 0, (unsigned long)sig));
}

int ops_detach(pid_t tid, int sig)
{
	return done(request(PTRACE_DETACH, tid, 0, (unsigned long)sig));
}

int ops_event_message(pid_t tid, uint64_t *ret)
{
	unsigned long message = 0;
	long r = request(PTRACE_GETEVENTMSG, tid, 0, (unsigned long)&message);
	if (r < 0)
		return (int)r;
	*ret = message;
	return 0;
}

int ops_get_sigmask(pid_t tid, uint64_t *ret)
{
	return done(request(PTRACE_GETSIGMASK, tid, sizeof(*ret), (unsigned long)ret));
}

int ops_set_sigmask(pid_t tid, uint64_t mask)
{
	return done(request(PTRACE_SETSIGMASK, tid, sizeof(mask), (unsigned long)&mask));
}

int ops_siginfo(pid_t tid, siginfo_t *ret)
{
	return done(request(PTRACE_GETSIGINFO, tid, 0, (unsigned long)ret));
}

int ops_syscall_info(pid_t tid, struct ptrace_syscall_info *ret)
{
	return done(request(PTRACE_GET_SYSCALL_INFO, tid, sizeof(*ret), (unsigned long)ret));
}

static pid_t tid_of(void *ctx)
{
	return (pid_t)(intptr_t)ctx;
}

static int get_set(void *ctx, unsigned note, void *buf, size_t *len)
{
	struct iovec iov = {buf, *len};
	long r = request(PTRACE_GETREGSET, tid_of(ctx), note, (unsigned long)&iov);
	if (r < 0)
		return (int)r;
	*len = iov.iov_len;
	return 0;
}

static int put_set(void *ctx, unsigned note, const void *buf, size_t len)
{
	struct iovec iov = {(void *)buf, len};
	return done(request(PTRACE_SETREGSET, tid_of(ctx), note, (unsigned long)&iov));
}

static int peek(void *ctx, size_t offset, uint64_t *ret)
{
	unsigned long word = 0;
	long r = request(PTRACE_PEEKUSR, tid_of(ctx), offset, (unsigned long)&word);
	if (r < 0)
		return (int)r;
	*ret = word;
	return 0;
}

static int poke(void *ctx, size_t offset, uint64_t value)
{
	return done(request(PTRACE_POKEUSR, tid_of(ctx), offset, value));
}

const struct regs_io ops_regs_io = {
	.get_set = get_set,
	.put_set = put_set,
	.peek = peek,
	.poke = poke,
};
