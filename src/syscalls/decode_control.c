/* Calls that are many calls in one: arch_prctl, ptrace, seccomp; prctl is in decode_prctl.c. */
#include "syscalls/decode_priv.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- arch_prctl ---- */

enum arch_prctl_kind {
	ARCH_ADDRESS,
	ARCH_NOTHING,
	ARCH_ADDRESS_OUT,
	ARCH_FEATURE,		/* one state component, by number */
	ARCH_FEATURES_OUT,
};

static enum arch_prctl_kind arch_prctl_kind(uint64_t code)
{
	switch (code) {
	case 0x1003:	/* ARCH_GET_FS */
	case 0x1004:	/* ARCH_GET_GS */
		return ARCH_ADDRESS_OUT;
	case 0x1011:	/* ARCH_GET_CPUID */
		return ARCH_NOTHING;
	case 0x1021:	/* ARCH_GET_XCOMP_SUPP */
	case 0x1022:	/* ARCH_GET_XCOMP_PERM */
	case 0x1024:	/* ARCH_GET_XCOMP_GUEST_PERM */
		return ARCH_FEATURES_OUT;
	case 0x1023:	/* ARCH_REQ_XCOMP_PERM */
	case 0x1025:	/* ARCH_REQ_XCOMP_GUEST_PERM */
		return ARCH_FEATURE;
	default:
		return ARCH_ADDRESS;
	}
}

static bool arch_prctl_waits(struct decoder *d, unsigned i)
{
	enum arch_prctl_kind kind = arch_prctl_kind(decode_link(d, i, 0));
	return kind == ARCH_ADDRESS_OUT || kind == ARCH_FEATURES_OUT;
}

static bool arch_prctl_present(struct decoder *d, unsigned i)
{
	return arch_prctl_kind(decode_link(d, i, 0)) != ARCH_NOTHING;
}

/* The number first and its name as a comment, except with -X. */
static void show_feature(struct decoder *d, const struct flag_set *set, uint64_t v)
{
	const char *name = flag_set_name_of(set, v);
	show_hex(d, v);
	if (d->options->consts != CONST_RAW)
		show_comment(d, name ? name : set->unknown);
}

static void show_feature_mask(struct decoder *d, uint64_t v)
{
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	if (d->quiet)
		return;
	bool named = add_flag_names(&text, &flag_set_xfeature_masks, v);
	if (!named || d->options->consts != CONST_ABBREV || !d->p->ops->joins) {
		show_flags(d, &flag_set_xfeature_masks, v);
		return;
	}
	show_hex(d, v);
	show_comment(d, strbuf_str(&text));
}

static void decode_arch_prctl_arg(struct decoder *d, unsigned i)
{
	uint8_t b[8];
	uint64_t v = decode_arg(d, i);
	enum arch_prctl_kind kind = arch_prctl_kind(decode_link(d, i, 0));
	if (kind == ARCH_FEATURE) {
		show_feature(d, &flag_set_xfeatures, v);
	} else if (kind == ARCH_ADDRESS) {
		show_hex(d, v);
	} else if (decode_fetch(d, v, b, 8)) {
		wrap(d, "[");
		if (kind == ARCH_ADDRESS_OUT)
			show_pointer(d, decode_uint_at(b, 8));
		else
			show_feature_mask(d, decode_uint_at(b, 8));
		wrap(d, "]");
	}
}

const struct decode_type decode_type_arch_prctl_arg = {
	.decode = decode_arch_prctl_arg, .present = arch_prctl_present, .waits = arch_prctl_waits, .needs = NEEDS_MEMORY,
};

/* ---- seccomp ---- */

static void decode_seccomp_flags(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	if (decode_link(d, i, 0) == SECCOMP_SET_MODE_FILTER)
		show_flags(d, &flag_set_seccomp_filter_flags, v);
	else
		show_hex(d, v);
}

const struct decode_type decode_type_seccomp_flags = {.decode = decode_seccomp_flags};

static bool seccomp_args_wait(struct decoder *d, unsigned i)
{
	return decode_link(d, i, 0) == SECCOMP_GET_NOTIF_SIZES;
}

static void show_notify_sizes(struct decoder *d, uint64_t addr)
{
	struct seccomp_notif_sizes s;
	if (!decode_fetch(d, addr, &s, sizeof(s)))
		return;
	struct_begin(d);
	field_uint(d, "seccomp_notif", s.seccomp_notif);
	field_uint(d, "seccomp_notif_resp", s.seccomp_notif_resp);
	field_uint(d, "seccomp_data", s.seccomp_data);
	struct_end(d);
}

static void decode_seccomp_args(struct decoder *d, unsigned i)
{
	uint32_t action;
	uint64_t addr = decode_arg(d, i);
	switch (decode_link(d, i, 0)) {
	case SECCOMP_SET_MODE_FILTER:
		show_bpf_program(d, addr);
		return;
	case SECCOMP_GET_ACTION_AVAIL:
		if (!decode_fetch(d, addr, &action, sizeof(action)))
			return;
		wrap(d, "[");
		show_flags(d, &flag_set_seccomp_actions, action);
		wrap(d, "]");
		return;
	case SECCOMP_GET_NOTIF_SIZES:
		show_notify_sizes(d, addr);
		return;
	default:
		show_pointer(d, addr);
		return;
	}
}

const struct decode_type decode_type_seccomp_args = {
	.decode = decode_seccomp_args, .waits = seccomp_args_wait, .needs = NEEDS_MEMORY,
};

/* ---- ptrace ---- */

/* Requests of x86 only (arch/x86/include/uapi/asm/ptrace-abi.h), which other architectures' headers do not have. */
enum {
	X86_PTRACE_GETREGS = 12,
	X86_PTRACE_SETREGS = 13,
	X86_PTRACE_GETFPREGS = 14,
	X86_PTRACE_SETFPREGS = 15,
};

static bool ptrace_pid_present(struct decoder *d, unsigned i)
{
	return decode_link(d, i, 0) != PTRACE_TRACEME;
}

static void decode_ptrace_pid(struct decoder *d, unsigned i)
{
	show_pid(d, (int)decode_arg(d, i));
}

const struct decode_type decode_type_ptrace_pid = {
	.decode = decode_ptrace_pid, .present = ptrace_pid_present, .needs = NEEDS_PID,
};

static bool ptrace_has_addr(uint64_t request)
{
	switch (request) {
	case PTRACE_TRACEME: case PTRACE_KILL: case PTRACE_ATTACH: case PTRACE_INTERRUPT: case PTRACE_LISTEN:
	case X86_PTRACE_GETREGS: case X86_PTRACE_SETREGS: case X86_PTRACE_GETFPREGS: case X86_PTRACE_SETFPREGS:
		return false;
	default:
		return true;
	}
}

static bool ptrace_addr_present(struct decoder *d, unsigned i)
{
	return ptrace_has_addr(decode_link(d, i, 0));
}

static void decode_ptrace_addr(struct decoder *d, unsigned i)
{
	uint64_t request = decode_link(d, i, 0);
	uint64_t v = decode_arg(d, i);
	if (request == PTRACE_GETREGSET || request == PTRACE_SETREGSET)
		show_flags(d, &flag_set_note_types, v);
	else
		show_pointer(d, v);
}

const struct decode_type decode_type_ptrace_addr = {.decode = decode_ptrace_addr, .present = ptrace_addr_present};

static bool ptrace_data_present(struct decoder *d, unsigned i)
{
	switch (decode_link(d, i, 0)) {
	case PTRACE_TRACEME: case PTRACE_KILL: case PTRACE_ATTACH: case PTRACE_INTERRUPT: case PTRACE_LISTEN:
		return false;
	default:
		return true;
	}
}

static bool ptrace_data_waits(struct decoder *d, unsigned i)
{
	uint64_t request = decode_link(d, i, 0);
	return request == PTRACE_GETEVENTMSG || request == PTRACE_GETSIGINFO || request == PTRACE_GETSIGMASK;
}

static void show_ptrace_regset(struct decoder *d, uint64_t addr)
{
	uint8_t b[16];
	if (!decode_fetch(d, addr, b, 2u * d->word))
		return;
	struct_begin(d);
	field_pointer(d, "iov_base", decode_word_at(d, b));
	field_uint(d, "iov_len", decode_word_at(d, b + d->word));
	struct_end(d);
}

static void show_ptrace_out(struct decoder *d, uint64_t request, uint64_t addr)
{
	uint8_t b[sizeof(siginfo_t)];
	if (request == PTRACE_GETSIGINFO) {
		if (d->i386)
			show_pointer(d, addr);
		else if (decode_fetch(d, addr, b, sizeof(b)))
			show_siginfo(d, b);
	} else if (request == PTRACE_GETSIGMASK) {
		show_sigset_at(d, addr, 8);
	} else if (decode_fetch(d, addr, b, d->word)) {
		wrap(d, "[");
		show_uint(d, decode_word_at(d, b));
		wrap(d, "]");
	}
}

static void decode_ptrace_data(struct decoder *d, unsigned i)
{
	uint64_t request = decode_link(d, i, 0);
	uint64_t v = decode_arg(d, i);
	switch (request) {
	case PTRACE_CONT: case PTRACE_SINGLESTEP: case PTRACE_SYSCALL: case PTRACE_DETACH: case 31: case 32:
		/* 31, 32: PTRACE_SYSEMU and its single step */
		if (v)
			show_signal(d, (int)v);
		else
			show_sint(d, 0);
		return;
	case PTRACE_SETOPTIONS:
	case PTRACE_SEIZE:
		show_flags(d, &flag_set_ptrace_options, v);
		return;
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		show_ptrace_regset(d, v);
		return;
	case PTRACE_GETSIGINFO:
	case PTRACE_GETEVENTMSG:
	case PTRACE_GETSIGMASK:
		show_ptrace_out(d, request, v);
		return;
	case PTRACE_SETSIGMASK:
		show_sigset_at(d, v, 8);
		return;
	case X86_PTRACE_GETREGS: case X86_PTRACE_SETREGS: case X86_PTRACE_GETFPREGS: case X86_PTRACE_SETFPREGS:
		show_pointer(d, v);
		return;
	default:
		show_hex(d, v);
		return;
	}
}

const struct decode_type decode_type_ptrace_data = {
	.decode = decode_ptrace_data, .present = ptrace_data_present, .waits = ptrace_data_waits, .needs = NEEDS_MEMORY,
};
