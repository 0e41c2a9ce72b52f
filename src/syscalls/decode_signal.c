/* Signals: names, sets, actions, what a signal says about itself. */
#include "syscalls/decode_priv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

const char *decode_signal_name(int sig, char buf[16])
{
	static const char *const names[32] = {
		"0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL",
		"SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",
		"SIGSTOP",
		"SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH",
		"SIGIO", "SIGPWR", "SIGSYS",
	};
	if (sig >= 0 && sig < 32)
		return names[sig];
	if (sig == 32)
		return "SIGRTMIN";
	(void)snprintf(buf, 16, sig > 32 && sig <= 64 ? "SIGRT_%d" : "%d", sig > 32 && sig <= 64 ? sig - 32 : sig);
	return buf;
}

void show_signal(struct decoder *d, int sig)
{
	char buf[16];
	if (sig > 0 && sig <= 64)
		show_symbol(d, decode_signal_name(sig, buf), (uint64_t)sig);
	else
		show_sint(d, sig);
}


/* ---- sets ---- */

static void show_sigset_of(struct decoder *d, uint64_t addr, unsigned size)
{
	uint8_t bits[8] = {0};
	if (decode_fetch(d, addr, bits, size))
		show_sigset(d, decode_uint_at(bits, sizeof(bits)));
}

void show_sigset_at(struct decoder *d, uint64_t addr, uint64_t size)
{
	if (size == 8)
		show_sigset_of(d, addr, 8);
	else
		show_pointer(d, addr);
}

static void decode_sigset(struct decoder *d, unsigned i)
{
	show_sigset_at(d, decode_arg(d, i), has_link(d, i, 0) ? decode_link(d, i, 0) : 8);
}

/* rt_sigpending alone gives as many bytes as it is asked for. */
static void decode_sigset_out(struct decoder *d, unsigned i)
{
	uint64_t size = has_link(d, i, 0) ? decode_link(d, i, 0) : 8;
	if (size && size <= 8)
		show_sigset_of(d, decode_arg(d, i), (unsigned)size);
	else
		show_pointer(d, decode_arg(d, i));
}

static void decode_sigset32(struct decoder *d, unsigned i)
{
	show_sigset_of(d, decode_arg(d, i), 4);
}

/* pselect6's sixth argument. */
static void decode_sigset_with_size(struct decoder *d, unsigned i)
{
	uint8_t buf[16];
	if (!decode_fetch(d, decode_arg(d, i), buf, 2u * d->word))
		return;
	uint64_t size = decode_word_at(d, buf + d->word);
	struct_begin(d);
	field(d, "sigmask");
	show_sigset_at(d, decode_word_at(d, buf), size);
	field_uint(d, "sigsetsize", size);
	struct_end(d);
}

static void decode_sigmask32(struct decoder *d, unsigned i)
{
	show_sigset(d, (uint32_t)decode_arg(d, i));
}

const struct decode_type decode_type_sigset_in = {.decode = decode_sigset, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sigset_out = {.decode = decode_sigset_out, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sigset32_in = {.decode = decode_sigset32, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sigset32_out = {.decode = decode_sigset32, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sigset_with_size = {.decode = decode_sigset_with_size, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sigmask32 = {.decode = decode_sigmask32};

/* Where the mask that sigreturn brings back is from the stack pointer, and its bytes; 0: not known for this ABI. */
static uint64_t frame_mask(const struct decoder *d, unsigned *ret_size)
{
	*ret_size = 8;
	if (d->call->abi == ABI_X86_64)
		return 5 * 8 + 256;		/* uc_flags, uc_link, uc_stack, then struct sigcontext */
	if (!d->i386)
		return 0;
	if (d->call->id == CALL_rt_sigreturn)
		return 12 + 128 + 20 + 88;	/* sig, pinfo, puc, info, then the same with 32 bits */
	*ret_size = 4;
	return 80;				/* sigcontext.oldmask, behind the signal's number that was popped */
}

/* The stack pointer is known where memory is read, not in a replay, so it is not asked whether there is one. */
static void decode_sigreturn_frame(struct decoder *d, unsigned i UNUSED)
{
	uint8_t mask[8];
	unsigned size;
	uint64_t offset = frame_mask(d, &size);
	if (!offset || !decode_read(d, d->call->sp + offset, mask, size)) {
		show_pointer(d, d->call->sp);
		return;
	}
	struct_begin(d);
	field(d, "mask");
	show_sigset(d, decode_uint_at(mask, size));
	struct_end(d);
}

const struct decode_type decode_type_sigreturn_frame = {.decode = decode_sigreturn_frame, .needs = NEEDS_MEMORY};

/* ---- actions ---- */

void show_handler(struct decoder *d, uint64_t handler)
{
	uint64_t error = d->word == 4 ? UINT32_MAX : UINT64_MAX;
	if (handler == 0)
		show_symbol(d, "SIG_DFL", handler);
	else if (handler == 1)
		show_symbol(d, "SIG_IGN", handler);
	else if (handler == error)
		show_symbol(d, "SIG_ERR", handler);
	else
		show_pointer(d, handler);
}

#define SIGACTION_RESTORER 0x04000000

struct sigaction_view {
	uint64_t handler, mask, flags, restorer;
};

static void show_sigaction(struct decoder *d, const struct sigaction_view *a)
{
	struct_begin(d);
	field(d, "sa_handler");
	show_handler(d, a->handler);
	field(d, "sa_mask");
	show_sigset(d, a->mask);
	field_flags(d, "sa_flags", &flag_set_sigaction_flags, a->flags);
	if (a->flags & SIGACTION_RESTORER)
		field_pointer(d, "sa_restorer", a->restorer);
	struct_end(d);
}

/* The kernel's struct sigaction: handler, flags, restorer, mask. */
static void decode_sigaction(struct decoder *d, unsigned i)
{
	uint8_t b[32];
	unsigned w = d->word;
	if (!decode_fetch(d, decode_arg(d, i), b, 3u * w + 8))
		return;
	struct sigaction_view a = {
		.handler = decode_word_at(d, b), .flags = decode_word_at(d, b + w),
		.restorer = decode_word_at(d, b + 2 * w), .mask = decode_uint_at(b + 3 * w, 8),
	};
	show_sigaction(d, &a);
}

/* i386's first struct sigaction: handler, 32-bit mask, flags, restorer. */
static void decode_old_sigaction(struct decoder *d, unsigned i)
{
	uint8_t b[16];
	if (!decode_fetch(d, decode_arg(d, i), b, sizeof(b)))
		return;
	struct sigaction_view a = {
		.handler = decode_uint_at(b, 4), .mask = decode_uint_at(b + 4, 4), .flags = decode_uint_at(b + 8, 4),
		.restorer = decode_uint_at(b + 12, 4),
	};
	show_sigaction(d, &a);
}

static void decode_sighandler(struct decoder *d, unsigned i)
{
	show_handler(d, decode_arg(d, i));
}

const struct decode_type decode_type_sigaction_in = {.decode = decode_sigaction, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sigaction_out = {.decode = decode_sigaction, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_old_sigaction_in = {.decode = decode_old_sigaction, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_old_sigaction_out = {.decode = decode_old_sigaction, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sighandler = {.decode = decode_sighandler};

static void decode_stack(struct decoder *d, unsigned i)
{
	uint8_t b[24];
	unsigned w = d->word;
	if (!decode_fetch(d, decode_arg(d, i), b, 3u * w))
		return;
	struct_begin(d);
	field_pointer(d, "ss_sp", decode_word_at(d, b));
	field_flags(d, "ss_flags", &flag_set_sigaltstack_flags, decode_uint_at(b + w, 4));
	field_uint(d, "ss_size", decode_word_at(d, b + 2 * w));
	struct_end(d);
}

const struct decode_type decode_type_stack_in = {.decode = decode_stack, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_stack_out = {.decode = decode_stack, .needs = NEEDS_MEMORY};

/* ---- siginfo ---- */

static const struct flag_set *si_code_set(int signo, int code)
{
	if (code <= 0 || code == 0x80)
		return &flag_set_siginfo_codes;
	switch (signo) {
	case SIGILL: return &flag_set_sigill_codes;
	case SIGFPE: return &flag_set_sigfpe_codes;
	case SIGSEGV: return &flag_set_sigsegv_codes;
	case SIGBUS: return &flag_set_sigbus_codes;
	case SIGTRAP: return &flag_set_sigtrap_codes;
	case SIGCHLD: return &flag_set_sigchld_codes;
	case SIGIO: return &flag_set_sigpoll_codes;
	case SIGSYS: return &flag_set_sigsys_codes;
	default: return &flag_set_siginfo_codes;
	}
}

static void show_clock_ticks(struct decoder *d, const char *name, int64_t ticks)
{
	field_sint(d, name, ticks);
	if (ticks > 0)
		show_commentf(d, "%lld.%02lld s", (long long)ticks / 100, (long long)ticks % 100);
}

static void show_child(struct decoder *d, const siginfo_t *si)
{
	field_pid(d, "si_pid", si->si_pid);
	field(d, "si_uid");
	show_uid(d, si->si_uid);
	field(d, "si_status");
	if (si->si_code == CLD_EXITED)
		show_sint(d, si->si_status);
	else
		show_signal(d, si->si_status);
	show_clock_ticks(d, "si_utime", si->si_utime);
	show_clock_ticks(d, "si_stime", si->si_stime);
}

static void show_fault(struct decoder *d, const siginfo_t *si)
{
	field_pointer(d, "si_addr", (uintptr_t)si->si_addr);
	if (si->si_signo == SIGSEGV && si->si_code == SEGV_BNDERR) {
		field_pointer(d, "si_lower", (uintptr_t)si->si_lower);
		field_pointer(d, "si_upper", (uintptr_t)si->si_upper);
	}
	if (si->si_signo == SIGSEGV && si->si_code == SEGV_PKUERR)
		field_uint(d, "si_pkey", si->si_pkey);
}

static void show_number_of_call(struct decoder *d, int nr, uint32_t arch)
{
	enum call_id id = call_from_nr(arch == call_abi_audit_arch(ABI_I386) ? ABI_I386 : ABI_X86_64, nr);
	char text[64];
	(void)snprintf(text, sizeof(text), "__NR_%s", id >= 0 ? call_desc(id)->name : "");
	if (id >= 0)
		show_symbol(d, text, (uint64_t)nr);
	else
		show_sint(d, nr);
}

/* Of struct seccomp_data, in which the architecture follows. */
void show_call_number(struct decoder *d, const uint8_t *at, UNUSED const uint8_t *whole)
{
	uint32_t arch = (uint32_t)decode_uint_at(at + 4, 4);
	if (arch == call_abi_audit_arch(ABI_I386) || arch == call_abi_audit_arch(ABI_X86_64))
		show_number_of_call(d, (int)decode_sint_at(at, 4), arch);
	else
		show_uint(d, decode_uint_at(at, 4));
}

static void show_bad_call(struct decoder *d, const siginfo_t *si)
{
	field_pointer(d, "si_call_addr", (uintptr_t)si->si_call_addr);
	field(d, "si_syscall");
	show_number_of_call(d, si->si_syscall, si->si_arch);
	field_flags(d, "si_arch", &flag_set_audit_arches, si->si_arch);
}

static void show_sent(struct decoder *d, const siginfo_t *si)
{
	field_pid(d, "si_pid", si->si_pid);
	field(d, "si_uid");
	show_uid(d, si->si_uid);
	if (si->si_code == SI_USER || si->si_code == SI_TKILL)
		return;
	field_sint(d, "si_int", si->si_int);
	field_pointer(d, "si_ptr", (uintptr_t)si->si_ptr);
}

static void show_kernel_sent(struct decoder *d, const siginfo_t *si)
{
	switch (si->si_signo) {
	case SIGCHLD:
		show_child(d, si);
		return;
	case SIGILL: case SIGFPE: case SIGSEGV: case SIGBUS: case SIGTRAP:
		show_fault(d, si);
		return;
	case SIGIO:
		field_sint(d, "si_band", si->si_band);
		field_sint(d, "si_fd", si->si_fd);
		return;
	case SIGSYS:
		show_bad_call(d, si);
		return;
	default:
		if (si->si_pid || si->si_uid)
			show_sent(d, si);
		return;
	}
}

static bool siginfo_has_fields(const siginfo_t *si)
{
	return si->si_code != SI_KERNEL || si->si_signo == SIGSEGV || si->si_signo == SIGBUS || si->si_pid ||
		si->si_uid;
}

/* The codes of signals that were sent are negative. */
static void show_code(struct decoder *d, const struct flag_set *set, int code)
{
	const char *name = flag_set_name_of(set, (uint64_t)(int64_t)code);
	if (name)
		show_symbol(d, name, (uint32_t)code);
	else
		show_flags(d, set, (uint32_t)code);
}

void show_siginfo(struct decoder *d, const void *info)
{
	const siginfo_t *si = info;
	if (si->si_signo == 0) {
		struct_begin(d);
		struct_end(d);
		return;
	}
	struct_begin(d);
	field(d, "si_signo");
	show_signal(d, si->si_signo);
	field(d, "si_code");
	show_code(d, si_code_set(si->si_signo, si->si_code), si->si_code);
	if (si->si_errno) {
		const char *name = strerrorname_np(si->si_errno);
		field(d, "si_errno");
		if (name)
			show_symbol(d, name, (uint64_t)si->si_errno);
		else
			show_uint(d, (uint32_t)si->si_errno);
	}
	if (si->si_code == SI_TIMER) {
		field_hex(d, "si_timerid", (uint32_t)si->si_timerid);
		field_sint(d, "si_overrun", si->si_overrun);
		field_sint(d, "si_int", si->si_int);
		field_pointer(d, "si_ptr", (uintptr_t)si->si_ptr);
	} else if (si->si_code > 0 && si->si_code != SI_KERNEL) {
		show_kernel_sent(d, si);
	} else if (si->si_code <= 0) {
		show_sent(d, si);
	} else if (siginfo_has_fields(si)) {
		show_kernel_sent(d, si);
	}
	struct_end(d);
}

void decode_siginfo(const void *info, const struct decode_options *options, struct decode_source *src, struct printer *p)
{
	struct decode_call call = {.abi = ABI_X86_64, .id = CALL_NONE};
	struct decoder d = {.call = &call, .options = options, .src = src, .p = p, .word = 8,
			    .quiet = p == null_printer()};
	show_siginfo(&d, info);
}

/* i386's, whose words follow each other without gaps: kernel/signal.c, post_copy_siginfo_from_user32. */
static void widen_siginfo(const uint32_t words[32], siginfo_t *si)
{
	memset(si, 0, sizeof(*si));
	si->si_signo = (int)words[0];
	si->si_errno = (int)words[1];
	si->si_code = (int)words[2];
	/* A timer's id and overrun lie where a sender's ids do. */
	si->si_pid = (int)words[3];
	si->si_uid = words[4];
	if (si->si_code <= 0) {
		si->si_ptr = (void *)(uintptr_t)words[5];
		return;
	}
	switch (si->si_signo) {
	case SIGCHLD:
		si->si_status = (int)words[5];
		si->si_utime = (int)words[6];
		si->si_stime = (int)words[7];
		return;
	case SIGILL: case SIGFPE: case SIGSEGV: case SIGBUS: case SIGTRAP:
		si->si_addr = (void *)(uintptr_t)words[3];
		return;
	case SIGIO:
		si->si_band = (int)words[3];
		si->si_fd = (int)words[4];
		return;
	case SIGSYS:
		si->si_call_addr = (void *)(uintptr_t)words[3];
		si->si_syscall = (int)words[4];
		si->si_arch = words[5];
		return;
	default:
		return;
	}
}

static void decode_siginfo_at(struct decoder *d, unsigned i)
{
	siginfo_t si;
	uint32_t words[32];
	uint64_t addr = decode_arg(d, i);
	if (d->i386) {
		if (!decode_fetch(d, addr, words, sizeof(words)))
			return;
		widen_siginfo(words, &si);
		show_siginfo(d, &si);
	} else if (decode_fetch(d, addr, &si, sizeof(si)))
		show_siginfo(d, &si);
}

const struct decode_type decode_type_siginfo_in = {.decode = decode_siginfo_at, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_siginfo_out = {.decode = decode_siginfo_at, .needs = NEEDS_MEMORY};

/* ---- sigevent ---- */

static void decode_sigevent(struct decoder *d, unsigned i)
{
	uint8_t b[32];
	unsigned w = d->word;
	if (!decode_fetch(d, decode_arg(d, i), b, 3 * w + 8))
		return;
	uint64_t value = decode_word_at(d, b);
	int notify = (int)decode_sint_at(b + w + 4, 4);
	struct_begin(d);
	if (value) {
		field(d, "sigev_value");
		struct_begin(d);
		field_sint(d, "sival_int", (int32_t)value);
		field_pointer(d, "sival_ptr", value);
		struct_end(d);
	}
	field(d, "sigev_signo");
	if (notify == SIGEV_SIGNAL || notify == SIGEV_THREAD_ID || notify == SIGEV_THREAD)
		show_signal(d, (int)decode_sint_at(b + w, 4));
	else
		show_uint(d, decode_uint_at(b + w, 4));
	field_flags(d, "sigev_notify", &flag_set_sigevent_kinds, (uint32_t)notify);
	if (notify == SIGEV_THREAD_ID)
		field_sint(d, "sigev_notify_thread_id", decode_sint_at(b + w + 8, 4));
	if (notify == SIGEV_THREAD) {
		field_pointer(d, "sigev_notify_function", decode_word_at(d, b + w + 8));
		field_pointer(d, "sigev_notify_attributes", decode_word_at(d, b + 2 * w + 8));
	}
	struct_end(d);
}

const struct decode_type decode_type_sigevent = {.decode = decode_sigevent, .needs = NEEDS_MEMORY};
