/* prctl: what each option's arguments are is a row. */
#include <linux/prctl.h>
#include <string.h>

#include "syscalls/decode_priv.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

enum arg_kind {
	ARG_NONE,		/* the option has no such argument */
	ARG_HEX,
	ARG_UINT,
	ARG_PID,
	ARG_ADDR,
	ARG_SIGNAL,
	ARG_STRING,
	ARG_NAME,		/* of a task: at most 15 bytes count */
	ARG_SET,		/* .set */
	ARG_SET32,		/* the same of the low half */
	ARG_SET_OR_NUMBER,	/* .set, or a decimal number where it has no name */
	ARG_NUMBER_AND_SET,	/* the number, and its name as a comment */
	ARG_TAGGED,		/* of PR_SET_TAGGED_ADDR_CTRL */
	ARG_LENGTH_AND_SET,	/* flags of .set in the high half, a number in the low one */
	ARG_CAPABILITY,		/* of PR_CAP_AMBIENT: by the argument before */
	ARG_MCE_POLICY,		/* of PR_MCE_KILL: the same */
	ARG_SPECULATION,	/* of PR_SET_SPECULATION_CTRL: the same */
	ARG_VMA_LENGTH,		/* of PR_SET_VMA */
	ARG_VMA_NAME,
	ARG_FILTER,		/* of PR_SET_SECCOMP: in filter mode */
	ARG_UNKNOWN_MODE,	/* of PR_SET_SECCOMP: in no mode that is known */
	/* What the kernel writes. */
	ARG_NAME_OUT,
	ARG_SIGNAL_OUT,
	ARG_INT_OUT,
	ARG_ADDR_OUT,
	ARG_COOKIE_OUT,
	ARG_SET_OUT,
};

struct prctl_arg {
	uint8_t kind;		/* enum arg_kind */
	const struct flag_set *set;
};

struct prctl_row {
	uint32_t option;
	struct prctl_arg args[4];
};

#define HEX {ARG_HEX, NULL}
#define UINT {ARG_UINT, NULL}
#define ADDR {ARG_ADDR, NULL}
#define ONE(kind) {{ARG_##kind, NULL}}
#define SET(name) {{ARG_SET, &flag_set_##name}}
#define SET_OUT(name) {{ARG_SET_OUT, &flag_set_##name}}

static const struct prctl_row rows[] = {
	{PR_SET_PDEATHSIG, ONE(SIGNAL)},
	{PR_GET_PDEATHSIG, ONE(SIGNAL_OUT)},
	{PR_GET_DUMPABLE, {}},
	{PR_SET_DUMPABLE, SET(prctl_dumpable)},
	{PR_GET_UNALIGN, SET_OUT(prctl_unalign)},
	{PR_SET_UNALIGN, SET(prctl_unalign)},
	{PR_GET_FPEMU, SET_OUT(prctl_fpemu)},
	{PR_SET_FPEMU, SET(prctl_fpemu)},
	{PR_GET_FPEXC, ONE(INT_OUT)},
	{PR_SET_FPEXC, ONE(HEX)},
	{PR_GET_ENDIAN, SET_OUT(prctl_endian)},
	{PR_SET_ENDIAN, SET(prctl_endian)},
	{PR_GET_KEEPCAPS, {}},
	{PR_SET_KEEPCAPS, ONE(UINT)},
	{PR_GET_TIMING, {}},
	{PR_SET_TIMING, SET(prctl_timing)},
	{PR_SET_NAME, ONE(NAME)},
	{PR_GET_NAME, ONE(NAME_OUT)},
	{PR_GET_SECCOMP, {}},
	{PR_SET_SECCOMP, {{ARG_SET, &flag_set_seccomp_modes}, {ARG_FILTER, NULL}, {ARG_UNKNOWN_MODE, NULL}, {ARG_UNKNOWN_MODE, NULL}}},
	{PR_CAPBSET_READ, SET(capabilities)},
	{PR_CAPBSET_DROP, SET(capabilities)},
	{PR_GET_TSC, SET_OUT(prctl_tsc)},
	{PR_SET_TSC, {{ARG_SET32, &flag_set_prctl_tsc}}},
	{PR_GET_SECUREBITS, {}},
	{PR_SET_SECUREBITS, SET(securebits)},
	{PR_GET_TIMERSLACK, {}},
	{PR_SET_TIMERSLACK, ONE(UINT)},
	{PR_SET_CHILD_SUBREAPER, ONE(UINT)},
	{PR_GET_CHILD_SUBREAPER, ONE(INT_OUT)},
	{PR_SET_NO_NEW_PRIVS, {UINT, UINT, UINT, UINT}},
	{PR_GET_NO_NEW_PRIVS, {UINT, UINT, UINT, UINT}},
	{PR_SET_THP_DISABLE, {UINT, UINT, UINT, UINT}},
	{PR_GET_THP_DISABLE, {UINT, UINT, UINT, UINT}},
	{PR_GET_TID_ADDRESS, ONE(ADDR_OUT)},
	{PR_SET_PTRACER, {{ARG_SET_OR_NUMBER, &flag_set_prctl_ptracer}}},
	{PR_SET_MM, {{ARG_SET, &flag_set_prctl_mm}, HEX, HEX, HEX}},
	{PR_CAP_AMBIENT, {{ARG_SET, &flag_set_prctl_cap_ambient}, {ARG_CAPABILITY, NULL}, HEX, HEX}},
	{PR_SET_VMA, {{ARG_SET, &flag_set_prctl_vma}, ADDR, {ARG_VMA_LENGTH, NULL}, {ARG_VMA_NAME, NULL}}},
	{55, {{ARG_TAGGED, NULL}, HEX, HEX, HEX}},	/* PR_SET_TAGGED_ADDR_CTRL */
	{PR_TASK_PERF_EVENTS_DISABLE, {}},
	{PR_TASK_PERF_EVENTS_ENABLE, {}},
	{PR_MCE_KILL, {{ARG_SET, &flag_set_prctl_mce_kill}, {ARG_MCE_POLICY, NULL}, HEX, HEX}},
	{PR_MCE_KILL_GET, {HEX, HEX, HEX, HEX}},
	{PR_GET_FP_MODE, {}},
	{PR_SET_FP_MODE, SET(prctl_fp_mode)},
	{PR_SVE_GET_VL, {}},
	{PR_SVE_SET_VL, {{ARG_LENGTH_AND_SET, &flag_set_prctl_sve_flags}}},
	{63, {{ARG_LENGTH_AND_SET, &flag_set_prctl_sme_flags}}},	/* PR_SME_SET_VL */
	{64, {}},							/* PR_SME_GET_VL */
	{PR_PAC_RESET_KEYS, {{ARG_SET, &flag_set_prctl_pac_keys}, HEX, HEX, HEX}},
	{PR_PAC_SET_ENABLED_KEYS, {
		{ARG_SET, &flag_set_prctl_pac_enabled_keys}, {ARG_SET, &flag_set_prctl_pac_enabled_keys}, HEX, HEX}},
	{PR_GET_SPECULATION_CTRL, SET(prctl_spec)},
	{PR_SET_SPECULATION_CTRL, {{ARG_SET, &flag_set_prctl_spec}, {ARG_SPECULATION, NULL}}},
	{PR_SET_SYSCALL_USER_DISPATCH, {{ARG_SET, &flag_set_prctl_syscall_dispatch}, HEX, HEX, ADDR}},
	{PR_SCHED_CORE, {
		{ARG_SET32, &flag_set_prctl_sched_core}, {ARG_PID, NULL},
		{ARG_NUMBER_AND_SET, &flag_set_prctl_sched_core_scopes}, {ARG_COOKIE_OUT, NULL}}},
};

static const struct prctl_row *row_of(uint64_t option)
{
	static const struct prctl_row unknown = {0, {HEX, HEX, HEX, HEX}};
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		if (rows[n].option == (uint32_t)option)
			return &rows[n];
	}
	return &unknown;
}

static const struct prctl_arg *arg_of(struct decoder *d, unsigned i)
{
	return &row_of(decode_link(d, i, 0))->args[d->desc->params[i].reg - 1];
}

static bool prctl_arg_present(struct decoder *d, unsigned i)
{
	const struct prctl_arg *arg = arg_of(d, i);
	uint64_t mode = d->call->args[1];
	if (arg->kind == ARG_FILTER)
		return mode != 0 && mode != 1;	/* SECCOMP_MODE_DISABLED, SECCOMP_MODE_STRICT */
	if (arg->kind == ARG_UNKNOWN_MODE)
		return mode > 2;
	return arg->kind != ARG_NONE;
}

static bool prctl_arg_waits(struct decoder *d, unsigned i)
{
	return arg_of(d, i)->kind >= ARG_NAME_OUT;
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
		d->p->ops->string(d->p, name, (size_t)len, len == 15 && !d->exiting, true);
}


static void show_out(struct decoder *d, uint64_t addr, const struct prctl_arg *arg)
{
	uint8_t b[8];
	unsigned size = arg->kind == ARG_COOKIE_OUT ? 8 : arg->kind == ARG_ADDR_OUT ? d->word : 4;
	if (arg->kind == ARG_COOKIE_OUT && (uint32_t)d->call->args[1] != 0) {	/* PR_SCHED_CORE_GET alone writes one */
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, b, size))
		return;
	wrap(d, "[");
	if (arg->kind == ARG_SIGNAL_OUT)
		show_signal(d, (int)decode_sint_at(b, 4));
	else if (arg->kind == ARG_ADDR_OUT)
		show_pointer(d, decode_word_at(d, b));
	else if (arg->kind == ARG_COOKIE_OUT)
		show_hex(d, decode_uint_at(b, 8));
	else if (arg->set)
		show_flags(d, arg->set, decode_uint_at(b, 4));
	else
		show_sint(d, decode_sint_at(b, 4));
	wrap(d, "]");
}

void add_vector_length(struct strbuf *out, const struct flag_set *set, uint64_t v)
{
	if (!add_flag_names(out, set, v & ~UINT64_C(0xffff)))
		strbuf_addf(out, "%#llx", (unsigned long long)(v & ~UINT64_C(0xffff)));
	strbuf_addf(out, v & 0xffff ? "|%#llx" : "|%llx", (unsigned long long)(v & 0xffff));
}

static void show_length(struct decoder *d, const struct flag_set *set, uint64_t v)
{
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	if (d->quiet)
		return;
	if (!(v >> 16)) {
		show_hex(d, v);
		return;
	}
	add_vector_length(&text, set, v);
	show_hex_symbol(d, strbuf_str(&text), v);
}

void add_tagged_address(struct strbuf *out, uint64_t v)
{
	static const char *const modes[4] = {"PR_MTE_TCF_NONE", "PR_MTE_TCF_SYNC", "PR_MTE_TCF_ASYNC", "PR_MTE_TCF_MASK"};
	strbuf_addf(out, "%sPR_TAGGED_ADDR_ENABLE|%s", v & 1 ? "" : "!", modes[v >> 1 & 3]);
	if (v >> 3 & 0xffff)
		strbuf_addf(out, "|%#llx<<PR_MTE_TAG_SHIFT", (unsigned long long)(v >> 3 & 0xffff));
	if (v >> 19)
		strbuf_addf(out, "|%#llx", (unsigned long long)(v >> 19 << 19));
}

static void show_tagged(struct decoder *d, uint64_t v)
{
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	if (d->quiet)
		return;
	add_tagged_address(&text, v);
	show_hex_symbol(d, strbuf_str(&text), v);
}

static void show_numbered(struct decoder *d, const struct flag_set *set, uint32_t v)
{
	const char *name = flag_set_name_of(set, v);
	show_hex(d, v);
	if (d->options->consts != CONST_RAW)
		show_comment(d, name ? name : set->unknown);
}

/* An argument whose meaning the one before it decides. */
static void show_dependent(struct decoder *d, const struct prctl_arg *arg, uint64_t v)
{
	uint64_t first = d->call->args[1];
	if (arg->kind == ARG_CAPABILITY && first >= 1 && first <= 3)	/* PR_CAP_AMBIENT_IS_SET, RAISE, LOWER */
		show_flags(d, &flag_set_capabilities, v);
	else if (arg->kind == ARG_MCE_POLICY && first == PR_MCE_KILL_SET)
		show_flags(d, &flag_set_prctl_mce_kill_policy, v);
	else if (arg->kind == ARG_SPECULATION && flag_set_name_of(&flag_set_prctl_spec, first))
		show_flags(d, &flag_set_prctl_spec_controls, v);
	else if (arg->kind == ARG_VMA_LENGTH && first == 0)
		show_uint(d, v);
	else if (arg->kind == ARG_VMA_NAME && first == 0)
		show_string_at(d, v);
	else
		show_hex(d, v);
}

static void show_arg(struct decoder *d, const struct prctl_arg *arg, uint64_t v)
{
	switch ((enum arg_kind)arg->kind) {
	case ARG_UINT: show_uint(d, v); return;
	case ARG_PID: show_pid(d, (int32_t)v); return;
	case ARG_ADDR: show_pointer(d, v); return;
	case ARG_STRING: show_string_at(d, v); return;
	case ARG_NAME:
	case ARG_NAME_OUT: show_task_name(d, v); return;
	case ARG_SET: show_flags(d, arg->set, v); return;
	case ARG_SET32: show_flags(d, arg->set, (uint32_t)v); return;
	case ARG_NUMBER_AND_SET: show_numbered(d, arg->set, (uint32_t)v); return;
	case ARG_LENGTH_AND_SET: show_length(d, arg->set, v); return;
	case ARG_TAGGED: show_tagged(d, v); return;
	case ARG_FILTER:
		if (d->call->args[1] == 2)	/* SECCOMP_MODE_FILTER */
			show_bpf_program(d, v);
		else
			show_hex(d, v);
		return;
	case ARG_SIGNAL:
		if (v > INT32_MAX)
			show_uint(d, v);
		else
			show_signal(d, (int)v);
		return;
	case ARG_SET_OR_NUMBER:
		if ((uint32_t)v == UINT32_MAX)
			show_symbol(d, "PR_SET_PTRACER_ANY", UINT64_MAX);
		else
			show_pid(d, (int32_t)v);
		return;
	case ARG_CAPABILITY: case ARG_MCE_POLICY: case ARG_SPECULATION: case ARG_VMA_LENGTH: case ARG_VMA_NAME:
		show_dependent(d, arg, v);
		return;
	case ARG_SIGNAL_OUT: case ARG_INT_OUT: case ARG_ADDR_OUT: case ARG_COOKIE_OUT: case ARG_SET_OUT:
		show_out(d, v, arg);
		return;
	case ARG_NONE:
	case ARG_UNKNOWN_MODE:
	case ARG_HEX:
		show_hex(d, v);
		return;
	}
}

static void decode_prctl_arg(struct decoder *d, unsigned i)
{
	show_arg(d, arg_of(d, i), decode_arg(d, i));
}

const struct decode_type decode_type_prctl_arg = {
	.decode = decode_prctl_arg, .present = prctl_arg_present, .waits = prctl_arg_waits, .needs = NEEDS_MEMORY,
};
