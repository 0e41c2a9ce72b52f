/* Calls that are many calls in one: prctl, arch_prctl, ptrace, seccomp. */
#include "syscalls/decode_priv.h"

#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* ---- prctl ---- */

enum prctl_kind {
	PRCTL_RAW,		/* all four in hexadecimal */
	PRCTL_NONE,		/* no arguments */
	PRCTL_NUMBER,		/* one, decimal */
	PRCTL_NUMBERS,		/* all four, decimal */
	PRCTL_HEX,
	PRCTL_SIGNAL,
	PRCTL_SIGNAL_OUT,
	PRCTL_INT_OUT,
	PRCTL_ADDR_OUT,
	PRCTL_NAME,
	PRCTL_NAME_OUT,
	PRCTL_ENUM,		/* .set */
	PRCTL_ENUM_OUT,
	PRCTL_FLAGS,
	PRCTL_ENUM_AND_REST,	/* .set, then three numbers */
	PRCTL_SECCOMP,
	PRCTL_VMA,
	PRCTL_AMBIENT,
};

struct prctl_shape {
	uint32_t option;
	uint8_t kind;	/* enum prctl_kind */
	const struct flag_set *set;
};

static const struct prctl_shape prctl_shapes[] = {
	{PR_SET_PDEATHSIG, PRCTL_SIGNAL, NULL},
	{PR_GET_PDEATHSIG, PRCTL_SIGNAL_OUT, NULL},
	{PR_GET_DUMPABLE, PRCTL_NONE, NULL},
	{PR_SET_DUMPABLE, PRCTL_ENUM, &flag_set_prctl_dumpable},
	{PR_GET_KEEPCAPS, PRCTL_NONE, NULL},
	{PR_SET_KEEPCAPS, PRCTL_NUMBER, NULL},
	{PR_GET_TIMING, PRCTL_NONE, NULL},
	{PR_SET_TIMING, PRCTL_ENUM, &flag_set_prctl_timing},
	{PR_SET_NAME, PRCTL_NAME, NULL},
	{PR_GET_NAME, PRCTL_NAME_OUT, NULL},
	{PR_GET_SECCOMP, PRCTL_NONE, NULL},
	{PR_SET_SECCOMP, PRCTL_SECCOMP, &flag_set_seccomp_modes},
	{PR_CAPBSET_READ, PRCTL_ENUM, &flag_set_capabilities},
	{PR_CAPBSET_DROP, PRCTL_ENUM, &flag_set_capabilities},
	{PR_GET_TSC, PRCTL_ENUM_OUT, &flag_set_prctl_tsc},
	{PR_SET_TSC, PRCTL_ENUM, &flag_set_prctl_tsc},
	{PR_GET_SECUREBITS, PRCTL_NONE, NULL},
	{PR_SET_SECUREBITS, PRCTL_FLAGS, &flag_set_securebits},
	{PR_GET_TIMERSLACK, PRCTL_NONE, NULL},
	{PR_SET_TIMERSLACK, PRCTL_NUMBER, NULL},
	{PR_SET_CHILD_SUBREAPER, PRCTL_NUMBER, NULL},
	{PR_GET_CHILD_SUBREAPER, PRCTL_INT_OUT, NULL},
	{PR_SET_NO_NEW_PRIVS, PRCTL_NUMBERS, NULL},
	{PR_GET_NO_NEW_PRIVS, PRCTL_NUMBERS, NULL},
	{PR_SET_THP_DISABLE, PRCTL_NUMBERS, NULL},
	{PR_GET_THP_DISABLE, PRCTL_NUMBERS, NULL},
	{PR_GET_TID_ADDRESS, PRCTL_ADDR_OUT, NULL},
	{PR_SET_PTRACER, PRCTL_ENUM, &flag_set_prctl_ptracer},
	{PR_SET_MM, PRCTL_ENUM_AND_REST, &flag_set_prctl_mm},
	{PR_CAP_AMBIENT, PRCTL_AMBIENT, &flag_set_prctl_cap_ambient},
	{PR_SET_VMA, PRCTL_VMA, &flag_set_prctl_vma},
	{PR_TASK_PERF_EVENTS_DISABLE, PRCTL_NONE, NULL},
	{PR_TASK_PERF_EVENTS_ENABLE, PRCTL_NONE, NULL},
};

static const struct prctl_shape *prctl_shape_of(uint64_t option)
{
	static const struct prctl_shape unknown = {0, PRCTL_RAW, NULL};
	for (size_t n = 0; n < ARRAY_SIZE(prctl_shapes); n++) {
		if (prctl_shapes[n].option == (uint32_t)option)
			return &prctl_shapes[n];
	}
	return &unknown;
}

/* Which of the arguments 2 to 5 this one is, from 0. */
static unsigned prctl_nth(struct decoder *d, unsigned i)
{
	return d->desc->params[i].reg - 1u;
}

static bool prctl_arg_present(struct decoder *d, unsigned i)
{
	const struct prctl_shape *shape = prctl_shape_of(decode_link(d, i, 0));
	switch ((enum prctl_kind)shape->kind) {
	case PRCTL_RAW:
	case PRCTL_NUMBERS:
	case PRCTL_ENUM_AND_REST:
	case PRCTL_VMA:
	case PRCTL_AMBIENT:
		return true;
	case PRCTL_NONE:
		return false;
	case PRCTL_SECCOMP:
		return prctl_nth(d, i) == 0 || (prctl_nth(d, i) == 1 && d->call->args[1] == SECCOMP_MODE_FILTER);
	default:
		return prctl_nth(d, i) == 0;
	}
}

static bool prctl_arg_waits(struct decoder *d, unsigned i)
{
	switch ((enum prctl_kind)prctl_shape_of(decode_link(d, i, 0))->kind) {
	case PRCTL_SIGNAL_OUT:
	case PRCTL_INT_OUT:
	case PRCTL_ADDR_OUT:
	case PRCTL_NAME_OUT:
	case PRCTL_ENUM_OUT:
		return true;
	default:
		return false;
	}
}

static void show_out_value(struct decoder *d, uint64_t addr, const struct prctl_shape *shape)
{
	uint8_t b[8];
	unsigned size = shape->kind == PRCTL_ADDR_OUT ? d->word : 4;
	if (!decode_fetch(d, addr, b, size))
		return;
	wrap(d, "[");
	if (shape->kind == PRCTL_SIGNAL_OUT)
		show_signal(d, (int)decode_sint_at(b, 4));
	else if (shape->kind == PRCTL_ADDR_OUT)
		show_pointer(d, decode_word_at(d, b));
	else if (shape->set)
		show_flags(d, shape->set, decode_uint_at(b, 4));
	else
		show_sint(d, decode_sint_at(b, 4));
	wrap(d, "]");
}

/* A task's name: at most 15 bytes count, whatever follows them. */
static void show_task_name(struct decoder *d, uint64_t addr)
{
	char name[16];
	bool complete = false;
	ssize_t len = decode_failed(d) ? -EFAULT
		: d->src->ops->read_string(d->src, addr, name, sizeof(name) - 1, &complete);
	if (len < 0)
		show_pointer(d, addr);
	else
		d->p->ops->string(d->p, name, (size_t)len, !complete && len == 15 && !d->exiting, true);
}

static void show_first(struct decoder *d, const struct prctl_shape *shape, uint64_t v)
{
	switch ((enum prctl_kind)shape->kind) {
	case PRCTL_NUMBER:
	case PRCTL_NUMBERS:
		show_uint(d, v);
		return;
	case PRCTL_SIGNAL:
		show_signal(d, (int)v);
		return;
	case PRCTL_NAME:
	case PRCTL_NAME_OUT:
		show_task_name(d, v);
		return;
	case PRCTL_SIGNAL_OUT:
	case PRCTL_INT_OUT:
	case PRCTL_ADDR_OUT:
	case PRCTL_ENUM_OUT:
		show_out_value(d, v, shape);
		return;
	case PRCTL_RAW:
	case PRCTL_NONE:
	case PRCTL_HEX:
		show_hex(d, v);
		return;
	default:
		show_flags(d, shape->set, v);
		return;
	}
}

static void show_vma(struct decoder *d, unsigned nth, uint64_t v)
{
	if (nth == 1)
		show_pointer(d, v);
	else if (nth == 2)
		show_uint(d, v);
	else
		show_string_at(d, v);
}

static void decode_prctl_arg(struct decoder *d, unsigned i)
{
	const struct prctl_shape *shape = prctl_shape_of(decode_link(d, i, 0));
	uint64_t v = decode_arg(d, i);
	unsigned nth = prctl_nth(d, i);
	if (nth == 0)
		show_first(d, shape, v);
	else if (shape->kind == PRCTL_SECCOMP)
		show_bpf_program(d, v);
	else if (shape->kind == PRCTL_VMA)
		show_vma(d, nth, v);
	else if (shape->kind == PRCTL_NUMBERS)
		show_uint(d, v);
	else if (shape->kind == PRCTL_AMBIENT && nth == 1 && (d->call->args[1] == 2 || d->call->args[1] == 3))
		show_flags(d, &flag_set_capabilities, v);
	else
		show_hex(d, v);
}

const struct decode_type decode_type_prctl_arg = {
	.decode = decode_prctl_arg, .present = prctl_arg_present, .waits = prctl_arg_waits, .needs = NEEDS_MEMORY,
};

/* ---- arch_prctl ---- */

static bool arch_prctl_gets(uint64_t code)
{
	return code == 0x1003 || code == 0x1004;	/* ARCH_GET_FS, ARCH_GET_GS */
}

static bool arch_prctl_waits(struct decoder *d, unsigned i)
{
	return arch_prctl_gets(decode_link(d, i, 0));
}

static void decode_arch_prctl_arg(struct decoder *d, unsigned i)
{
	uint8_t b[8];
	uint64_t v = decode_arg(d, i);
	if (!arch_prctl_gets(decode_link(d, i, 0))) {
		show_hex(d, v);
	} else if (decode_fetch(d, v, b, 8)) {
		wrap(d, "[");
		show_hex(d, decode_uint_at(b, 8));
		wrap(d, "]");
	}
}

const struct decode_type decode_type_arch_prctl_arg = {
	.decode = decode_arch_prctl_arg, .waits = arch_prctl_waits, .needs = NEEDS_MEMORY,
};

/* ---- seccomp ---- */

void show_bpf_program(struct decoder *d, uint64_t addr)
{
	uint8_t b[16];
	if (!decode_fetch(d, addr, b, 2u * d->word))
		return;
	struct_begin(d);
	field_uint(d, "len", decode_uint_at(b, 2));
	field_pointer(d, "filter", decode_word_at(d, b + d->word));
	struct_end(d);
}

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
