/* Results that say more than a number. */
#include "syscalls/decode_priv.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/timex.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

static void remark_begin(struct decoder *d)
{
	d->p->ops->remarks_begin(d->p);
	field(d, NULL);
}

static void remark_end(struct decoder *d)
{
	d->p->ops->remarks_end(d->p);
}

/* "0x8002 (flags O_RDWR|O_LARGEFILE)"; 0 has no remark unless zero says so. */
static void show_flags_result(struct decoder *d, int64_t value, const struct flag_set *set, const char *what, bool zero)
{
	show_hex(d, (uint64_t)value);
	if (!value && !zero)
		return;
	remark_begin(d);
	wrap(d, what);
	show_flags(d, set, (uint64_t)value);
	remark_end(d);
}

/* "0x1 (PR_PAC_APIAKEY)"; what has no name at all has no remark. */
static void show_named_bits(struct decoder *d, int64_t value, const struct flag_set *set)
{
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	show_hex(d, (uint64_t)value);
	if (d->quiet || d->options->consts == CONST_RAW || !add_flag_names(&text, set, (uint64_t)value))
		return;
	remark_begin(d);
	show_text(d, strbuf_str(&text));
	remark_end(d);
}

static void show_vector_length(struct decoder *d, int64_t value, const struct flag_set *set)
{
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	show_hex(d, (uint64_t)value);
	if (d->quiet || d->options->consts == CONST_RAW || !(value >> 16))
		return;
	add_vector_length(&text, set, (uint64_t)value);
	remark_begin(d);
	show_text(d, strbuf_str(&text));
	remark_end(d);
}

static void show_tagged_result(struct decoder *d, int64_t value)
{
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	show_hex(d, (uint64_t)value);
	if (d->quiet || d->options->consts == CONST_RAW)
		return;
	add_tagged_address(&text, (uint64_t)value);
	remark_begin(d);
	show_text(d, strbuf_str(&text));
	remark_end(d);
}

/* PR_GET_SPECULATION_CTRL: no bit is said in words, too. */
static void show_speculation(struct decoder *d, int64_t value)
{
	bool known = flag_set_name_of(&flag_set_prctl_spec, decode_arg(d, 1));
	if (known && value) {
		show_named_bits(d, value, &flag_set_prctl_spec_states);
		return;
	}
	show_sint(d, value);
	if (d->options->consts == CONST_RAW || !known)
		return;
	remark_begin(d);
	show_text(d, "PR_SPEC_NOT_AFFECTED");
	remark_end(d);
}

static void show_arch_prctl_result(struct decoder *d, int64_t value)
{
	uint32_t option = (uint32_t)decode_arg(d, 0);
	if (option == 0x1023 || option == 0x1025)	/* ARCH_REQ_XCOMP_PERM, ARCH_REQ_XCOMP_GUEST_PERM */
		show_named_bits(d, value, &flag_set_xfeature_masks);
	else
		show_sint(d, value);
}

const struct decode_type decode_type_arch_prctl_result = {.show_result = show_arch_prctl_result};

static void show_named(struct decoder *d, int64_t value, const struct flag_set *set)
{
	show_sint(d, value);
	const char *name = flag_set_name_of(set, (uint64_t)value);
	if (!name)
		return;
	remark_begin(d);
	show_symbol(d, name, (uint64_t)value);
	remark_end(d);
}

static void show_signal_result(struct decoder *d, int64_t value)
{
	show_sint(d, value);
	if (value <= 0)
		return;
	remark_begin(d);
	show_signal(d, (int)value);
	remark_end(d);
}

static void show_fcntl_result(struct decoder *d, int64_t value)
{
	switch ((uint32_t)decode_arg(d, 1)) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		show_fd(d, (int)value);
		return;
	case F_GETFD:
		show_flags_result(d, value, &flag_set_fd_flags, "flags ", false);
		return;
	case F_GETFL:
		show_flags_result(d, value, &flag_set_open_flags, "flags ", true);
		return;
	case F_GET_SEALS:
		show_flags_result(d, value, &flag_set_seals, "seals ", false);
		return;
	case F_GETLEASE:
		show_flags_result(d, value, &flag_set_lock_types, "", true);
		return;
	case F_GETOWN:
		show_pid(d, (int)value);
		return;
	case F_GETSIG:
		show_signal_result(d, value);
		return;
	default:
		show_sint(d, value);
		return;
	}
}

const struct decode_type decode_type_fcntl_result = {.show_result = show_fcntl_result, .needs = NEEDS_FD | NEEDS_PID};

/* Requests that return a new descriptor. */
static bool ioctl_makes_fd(uint32_t request)
{
	switch (request) {
	case NS_GET_USERNS:
	case NS_GET_PARENT:
	case TIOCGPTPEER:
	case KVM_CREATE_VM:
	case KVM_CREATE_VCPU:
		return true;
	default:
		return false;
	}
}

static void show_ioctl_result(struct decoder *d, int64_t value)
{
	uint32_t request = (uint32_t)decode_arg(d, 1);
	if (ioctl_makes_fd(request)) {
		show_fd(d, (int)value);
		return;
	}
	show_sint(d, value);
	if (request != NS_GET_NSTYPE || !flag_set_name_of(&flag_set_clone_flags, (uint64_t)value))
		return;
	remark_begin(d);
	show_flags(d, &flag_set_clone_flags, (uint64_t)value);
	remark_end(d);
}

const struct decode_type decode_type_ioctl_result = {.show_result = show_ioctl_result, .needs = NEEDS_FD};

/* The version of the ABI, if that was asked for. */
static void show_landlock_result(struct decoder *d, int64_t value)
{
	if (decode_arg(d, 2) & LANDLOCK_CREATE_RULESET_VERSION)
		show_sint(d, value);
	else
		show_fd(d, (int)value);
}

const struct decode_type decode_type_landlock_result = {.show_result = show_landlock_result, .needs = NEEDS_FD};

static void show_plain(struct decoder *d, int64_t value)
{
	show_sint(d, value);
}

const struct decode_type decode_type_keyctl_result = {.show_result = show_plain};

static void show_ptrace_result(struct decoder *d, int64_t value)
{
	uint64_t request = decode_arg(d, 0);
	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER)
		show_hex(d, (uint64_t)value);
	else
		show_sint(d, value);
}

const struct decode_type decode_type_ptrace_result = {.show_result = show_ptrace_result};

static void show_personality_result(struct decoder *d, int64_t value)
{
	show_hex(d, (uint32_t)value);
	remark_begin(d);
	show_personality(d, (uint32_t)value);
	remark_end(d);
}

const struct decode_type decode_type_personality_result = {.show_result = show_personality_result};

static void show_prctl_result(struct decoder *d, int64_t value)
{
	switch ((uint32_t)decode_arg(d, 0)) {
	case PR_GET_DUMPABLE:
		show_named(d, value, &flag_set_prctl_dumpable);
		return;
	case PR_MCE_KILL_GET:
		show_named(d, value, &flag_set_prctl_mce_kill_policy);
		return;
	case PR_GET_FP_MODE:
		show_named_bits(d, value, &flag_set_prctl_fp_mode);
		return;
	case PR_GET_SECUREBITS:
		show_named_bits(d, value, &flag_set_securebits);
		return;
	case PR_PAC_GET_ENABLED_KEYS:
		show_named_bits(d, value, &flag_set_prctl_pac_enabled_keys);
		return;
	case PR_GET_SPECULATION_CTRL:
		show_speculation(d, value);
		return;
	case PR_SVE_SET_VL:
	case PR_SVE_GET_VL:
		show_vector_length(d, value, &flag_set_prctl_sve_flags);
		return;
	case 63: case 64:	/* PR_SME_SET_VL, PR_SME_GET_VL */
		show_vector_length(d, value, &flag_set_prctl_sme_flags);
		return;
	case 56:	/* PR_GET_TAGGED_ADDR_CTRL */
		show_tagged_result(d, value);
		return;
	default:
		show_sint(d, value);
		return;
	}
}

const struct decode_type decode_type_prctl_result = {.show_result = show_prctl_result};

static void show_adjtimex_result(struct decoder *d, int64_t value)
{
	show_named(d, value, &flag_set_adjtimex_states);
}

const struct decode_type decode_type_adjtimex_result = {.show_result = show_adjtimex_result};

static void show_sched_policy_result(struct decoder *d, int64_t value)
{
	show_sint(d, value);
	remark_begin(d);
	show_sched_policy(d, (uint32_t)value);
	remark_end(d);
}

const struct decode_type decode_type_sched_policy_result = {.show_result = show_sched_policy_result};
const struct decode_type decode_type_sigtimedwait_result = {.show_result = show_signal_result};

static void show_time_result(struct decoder *d, int64_t value)
{
	show_sint(d, value);
	if (d->quiet)
		return;
	remark_begin(d);
	d->p->ops->date(d->p, value);
	remark_end(d);
}

const struct decode_type decode_type_time_result = {.show_result = show_time_result};

static void show_ioprio_result(struct decoder *d, int64_t value)
{
	show_hex(d, (uint64_t)value);
	if (d->options->consts == CONST_RAW)
		return;
	remark_begin(d);
	show_ioprio(d, (uint32_t)value);
	remark_end(d);
}

const struct decode_type decode_type_ioprio_result = {.show_result = show_ioprio_result};

static void show_seccomp_result(struct decoder *d, int64_t value)
{
	if (decode_arg(d, 0) == SECCOMP_SET_MODE_FILTER && decode_arg(d, 1) & SECCOMP_FILTER_FLAG_NEW_LISTENER)
		show_fd(d, (int)value);
	else
		show_sint(d, value);
}

const struct decode_type decode_type_seccomp_result = {.show_result = show_seccomp_result, .needs = NEEDS_FD};

static void show_bpf_result(struct decoder *d, int64_t value)
{
	switch (value == (int)value ? decode_arg(d, 0) : UINT64_MAX) {
	case BPF_MAP_CREATE:
	case BPF_PROG_LOAD:
	case BPF_OBJ_GET:
	case BPF_PROG_GET_FD_BY_ID:
	case BPF_MAP_GET_FD_BY_ID:
	case BPF_RAW_TRACEPOINT_OPEN:
	case BPF_BTF_LOAD:
	case BPF_BTF_GET_FD_BY_ID:
	case BPF_LINK_CREATE:
	case BPF_LINK_GET_FD_BY_ID:
	case BPF_ITER_CREATE:
		show_fd(d, (int)value);
		return;
	default:
		show_sint(d, value);
		return;
	}
}

const struct decode_type decode_type_bpf_result = {.show_result = show_bpf_result, .needs = NEEDS_FD};

/* The commands are an enumeration of single bits; the answer of MEMBARRIER_CMD_QUERY has all that are supported. */
static void show_membarrier_commands(struct decoder *d, int64_t value)
{
	struct flag_set bits = flag_set_membarrier_commands;
	bits.exclusive = false;
	show_flags_result(d, value, &bits, "", false);
}

static void show_membarrier_result(struct decoder *d, int64_t value)
{
	if (decode_arg(d, 0) == 0)
		show_membarrier_commands(d, value);
	else
		show_sint(d, value);
}

const struct decode_type decode_type_membarrier_result = {.show_result = show_membarrier_result};

static void show_handler_result(struct decoder *d, int64_t value)
{
	show_handler(d, (uint32_t)value);
}

const struct decode_type decode_type_signal_result = {.show_result = show_handler_result};

static void show_sigmask_result(struct decoder *d, int64_t value)
{
	show_sint(d, value);
	remark_begin(d);
	wrap(d, "old mask ");
	show_sigset(d, (uint32_t)value);
	remark_end(d);
}

const struct decode_type decode_type_sigmask_result = {.show_result = show_sigmask_result};
const struct decode_type decode_type_socketcall_result = {.show_result = show_plain};
const struct decode_type decode_type_ipc_result = {.show_result = show_plain};
