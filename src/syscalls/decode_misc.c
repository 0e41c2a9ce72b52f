/* Values of rare calls, each with a form of its own. Types without members here are shown as addresses. */
#include "syscalls/decode_value_at.h"

#include <linux/mount.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define ADDRESS(name) const struct decode_type decode_type_##name = {0}
ADDRESS(cachestat);
ADDRESS(cachestat_range);
ADDRESS(file_attr_in);
ADDRESS(file_attr_out);
ADDRESS(lsm_ctx_in);
ADDRESS(lsm_ctx_out);
ADDRESS(mnt_id_req);
ADDRESS(ns_id_req);
ADDRESS(statmount);
ADDRESS(xattr_args);

static void decode_word(struct decoder *d, unsigned i)
{
	show_hex(d, decode_arg(d, i));
}

/* ---- mounts ---- */

static void decode_mount_flags(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	static const struct flag_name magic = {"MS_MGC_VAL", MS_MGC_VAL, UINT64_MAX};
	static const struct flag_set magics = {.names = &magic, .count = 1, .exclusive = true};
	if ((v & 0xffff0000) == MS_MGC_VAL)
		show_joined(d, &magics, MS_MGC_VAL, &flag_set_mount_flags, v & 0xffff);
	else
		show_flags(d, &flag_set_mount_flags, v);
}

const struct decode_type decode_type_mount_flags = {.decode = decode_mount_flags};

/* Flags with which there is no file system of a type, and no data for it. */
static bool mounts_nothing_new(uint64_t flags, uint64_t besides)
{
	if ((flags & 0xffff0000) == MS_MGC_VAL)
		flags &= 0xffff;
	return flags & (MS_BIND | MS_MOVE | MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE | besides);
}

static void decode_mount_type(struct decoder *d, unsigned i)
{
	if (mounts_nothing_new(decode_link(d, i, 0), MS_REMOUNT))
		show_pointer(d, decode_arg(d, i));
	else
		show_string_at(d, decode_arg(d, i));
}

const struct decode_type decode_type_mount_type = {.decode = decode_mount_type, .needs = NEEDS_MEMORY};

static void decode_mount_data(struct decoder *d, unsigned i)
{
	if (mounts_nothing_new(decode_link(d, i, 0), 0))
		show_pointer(d, decode_arg(d, i));
	else
		show_string_at(d, decode_arg(d, i));
}

const struct decode_type decode_type_mount_data = {.decode = decode_mount_data, .needs = NEEDS_MEMORY};

#define FSCONFIG_STRING_MAX 256	/* what has no NUL in as many bytes */
#define FSCONFIG_BINARY_MAX (1u << 20)

/* The other commands have none. */
static void decode_fsconfig_key(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (decode_link(d, i, 0) > 5 /* FSCONFIG_SET_FD */)
		show_pointer(d, addr);
	else
		show_string_upto(d, addr, FSCONFIG_STRING_MAX);
}

const struct decode_type decode_type_fsconfig_key = {.decode = decode_fsconfig_key, .needs = NEEDS_MEMORY};

static void decode_fsconfig_value(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	switch (decode_link(d, i, 0)) {
	case 1 /* FSCONFIG_SET_STRING */:
		show_string_upto(d, addr, FSCONFIG_STRING_MAX);
		return;
	case 2 /* FSCONFIG_SET_BINARY */:
		if ((uint32_t)decode_link(d, i, 1) > FSCONFIG_BINARY_MAX)
			show_pointer(d, addr);
		else
			show_hex_at(d, addr, (uint32_t)decode_link(d, i, 1));
		return;
	case 3 /* FSCONFIG_SET_PATH */:
	case 4 /* FSCONFIG_SET_PATH_EMPTY */:
		show_path_at(d, addr);
		return;
	default:
		show_pointer(d, addr);
		return;
	}
}

const struct decode_type decode_type_fsconfig_value = {.decode = decode_fsconfig_value, .needs = NEEDS_MEMORY};

/* A length, or the descriptor that a path begins at or that is given. */
static void decode_fsconfig_aux(struct decoder *d, unsigned i)
{
	uint64_t command = decode_link(d, i, 0);
	int aux = (int)decode_arg(d, i);
	if (command == 3 /* FSCONFIG_SET_PATH */ || command == 4 /* FSCONFIG_SET_PATH_EMPTY */)
		show_dirfd(d, aux);
	else if (command == 5 /* FSCONFIG_SET_FD */)
		show_fd(d, aux);
	else
		show_sint(d, aux);
}

const struct decode_type decode_type_fsconfig_aux = {.decode = decode_fsconfig_aux, .needs = NEEDS_FD};

/* ---- swap, quota, reboot ---- */

#define SWAP_PRIORITY 0x7fffu

static void decode_swap_flags(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	uint32_t flags = v & ~SWAP_PRIORITY;
	if (!flags) {
		show_uint(d, v);
		return;
	}
	show_flags(d, &flag_set_swap_flags, flags);
	if (!d->quiet) {
		char text[16];
		(void)snprintf(text, sizeof(text), "|%u", v & SWAP_PRIORITY);
		wrap(d, text);
	}
}

const struct decode_type decode_type_swap_flags = {.decode = decode_swap_flags};

static void decode_quota_cmd(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	const char *command = flag_set_name_of(&flag_set_quota_commands, v >> 8);
	const char *type = flag_set_name_of(&flag_set_quota_types, v & 0xff);
	char number[2][40];
	(void)snprintf(number[0], sizeof(number[0]), "%#x /* Q_??? */", v >> 8);
	(void)snprintf(number[1], sizeof(number[1]), "%#x /* ???QUOTA */", v & 0xff);
	if (d->options->consts != CONST_ABBREV)
		show_uint(d, v);
	if (d->options->consts == CONST_VERBOSE)
		show_commentf(d, "QCMD(%s, %s)", command ? command : number[0], type ? type : number[1]);
	else if (d->options->consts == CONST_ABBREV)
		show_textf(d, "QCMD(%s, %s)", command ? command : number[0], type ? type : number[1]);
}

const struct decode_type decode_type_quota_cmd = {.decode = decode_quota_cmd};

/* struct kexec_segment: words. */
static void decode_kexec_segments(struct decoder *d, unsigned i)
{
	static const unsigned max = 16;		/* KEXEC_SEGMENT_MAX: the kernel reads none of more */
	uint8_t b[32];
	uint64_t addr = decode_arg(d, i), count = decode_link(d, i, 0);
	unsigned w = d->word;
	if (!addr || count > max || (count && !decode_read(d, addr, b, 4 * w))) {
		show_pointer(d, addr);
		return;
	}
	uint64_t n = 0, shown = d->options->verbose || count < d->options->string_limit ? count : d->options->string_limit;
	array_begin(d);
	for (; n < shown && (!n || decode_read(d, addr + n * 4 * w, b, 4 * w)); n++) {
		element(d);
		struct_begin(d);
		field_pointer(d, "buf", decode_word_at(d, b));
		field_uint(d, "bufsz", decode_word_at(d, b + w));
		field_pointer(d, "mem", decode_word_at(d, b + 2 * w));
		field_uint(d, "memsz", decode_word_at(d, b + 3 * w));
		struct_end(d);
	}
	show_array_rest(d, addr, n, shown, count, 4 * w);
	array_end(d);
}

const struct decode_type decode_type_kexec_segments = {.decode = decode_kexec_segments, .needs = NEEDS_MEMORY};

/* struct __sysctl_args: words, the second of them an int. */
static void decode_sysctl_args(struct decoder *d, unsigned i)
{
	uint8_t b[48];
	unsigned w = d->word;
	if (!decode_fetch(d, decode_arg(d, i), b, 6 * w))
		return;
	struct_begin(d);
	field_pointer(d, "name", decode_word_at(d, b));
	field_sint(d, "nlen", decode_sint_at(b + w, 4));
	field_pointer(d, "oldval", decode_word_at(d, b + 2 * w));
	field_pointer(d, "oldlenp", decode_word_at(d, b + 3 * w));
	field_pointer(d, "newval", decode_word_at(d, b + 4 * w));
	field_uint(d, "newlen", decode_word_at(d, b + 5 * w));
	struct_end(d);
}

const struct decode_type decode_type_sysctl_args = {.decode = decode_sysctl_args, .needs = NEEDS_MEMORY};

static bool reboot_arg_present(struct decoder *d, unsigned i)
{
	return (uint32_t)decode_link(d, i, 0) == LINUX_REBOOT_CMD_RESTART2;
}

#define REBOOT_COMMAND_MAX 255

static void decode_string(struct decoder *d, unsigned i)
{
	show_string_upto(d, decode_arg(d, i), REBOOT_COMMAND_MAX);
}

const struct decode_type decode_type_reboot_arg = {
	.decode = decode_string, .present = reboot_arg_present, .needs = NEEDS_MEMORY,
};

/* ---- the kernel's log ---- */

/* The number first and its name as a comment, as strace does. */
static void decode_syslog_action(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	const char *name = flag_set_name_of(&flag_set_syslog_actions, v);
	show_sint(d, (int32_t)v);
	show_comment(d, name ? name : "SYSLOG_ACTION_???");
}

const struct decode_type decode_type_syslog_action = {.decode = decode_syslog_action};

/* CLOSE, OPEN, CLEAR, CONSOLE_OFF, CONSOLE_ON, SIZE_UNREAD, SIZE_BUFFER take nothing. */
static bool syslog_takes_more(struct decoder *d, unsigned i)
{
	static const uint32_t nothing = 1u << 0 | 1u << 1 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 9 | 1u << 10;
	uint64_t action = decode_link(d, i, 0);
	return action > 10 || !(nothing >> action & 1);
}

/* SYSLOG_ACTION_CONSOLE_LEVEL's is one of linux/kern_levels.h. */
static void decode_syslog_len(struct decoder *d, unsigned i)
{
	static const char *const levels[] = {
		"LOGLEVEL_EMERG", "LOGLEVEL_ALERT", "LOGLEVEL_CRIT", "LOGLEVEL_ERR", "LOGLEVEL_WARNING",
		"LOGLEVEL_NOTICE", "LOGLEVEL_INFO", "LOGLEVEL_DEBUG", "LOGLEVEL_DEBUG+1",
	};
	uint64_t v = decode_arg(d, i);
	show_sint(d, (int32_t)v);
	if (decode_link(d, i, 0) == 8)
		show_comment(d, v < ARRAY_SIZE(levels) ? levels[v] : "LOGLEVEL_???");
}

const struct decode_type decode_type_syslog_len = {.decode = decode_syslog_len, .present = syslog_takes_more};

static bool syslog_buf_waits(struct decoder *d, unsigned i)
{
	uint64_t action = decode_link(d, i, 0);
	return action >= 2 && action <= 4;	/* READ, READ_ALL, READ_CLEAR */
}

static void decode_syslog_buf(struct decoder *d, unsigned i)
{
	uint64_t addr = decode_arg(d, i);
	if (syslog_buf_waits(d, i) && !decode_failed(d))
		show_bytes_at(d, addr, (uint64_t)d->result->value);
	else
		show_pointer(d, addr);
}

const struct decode_type decode_type_syslog_buf = {
	.decode = decode_syslog_buf, .present = syslog_takes_more, .waits = syslog_buf_waits, .needs = NEEDS_MEMORY,
};

/* ---- flags with a number in them ---- */

static void decode_memfd_flags(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	uint32_t huge = v >> 26;
	if (!huge || !d->p->ops->joins || d->options->consts == CONST_RAW) {
		show_flags(d, &flag_set_memfd_create_flags, huge ? v : v & 0x3ffffff);
		return;
	}
	if (d->quiet)
		return;
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	if (v & 0x3ffffff && !add_flag_names(&text, &flag_set_memfd_create_flags, v & 0x3ffffff))
		strbuf_addf(&text, "%#x", v & 0x3ffffff);
	strbuf_addf(&text, "%s%u<<MFD_HUGE_SHIFT", text.len ? "|" : "", huge);
	show_hex_symbol(d, strbuf_str(&text), v);
}

const struct decode_type decode_type_memfd_flags = {.decode = decode_memfd_flags};

static void decode_fanotify_init_flags(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	show_joined(d, &flag_set_fanotify_classes, v & 0xc, &flag_set_fanotify_init_rest, v & ~0xcu);
}

const struct decode_type decode_type_fanotify_init_flags = {.decode = decode_fanotify_init_flags};

static void decode_kexec_load_flags(struct decoder *d, unsigned i)
{
	uint64_t v = decode_arg(d, i);
	show_joined(d, &flag_set_kexec_arches, v & 0xffff0000, &flag_set_kexec_load_flags, v & ~UINT64_C(0xffff0000));
}

const struct decode_type decode_type_kexec_load_flags = {.decode = decode_kexec_load_flags};

static void decode_enum_int(struct decoder *d, unsigned i)
{
	const struct call_param *param = &d->desc->params[i];
	const char *name = param->set ? flag_set_name_of(param->set, (uint32_t)decode_arg(d, i)) : NULL;
	if (name)
		show_symbol(d, name, decode_arg(d, i));
	else if (param->set && param->set->unknown && *param->set->unknown)
		show_flags(d, param->set, (uint32_t)decode_arg(d, i));
	else
		show_sint(d, (int32_t)decode_arg(d, i));
}

const struct decode_type decode_type_enum_int = {.decode = decode_enum_int};

/* struct kcmp_epoll_slot */
static void show_epoll_slot(struct decoder *d, uint64_t addr)
{
	uint32_t slot[3];
	if (!decode_fetch(d, addr, slot, sizeof(slot)))
		return;
	struct_begin(d);
	field_sint(d, "efd", (int)slot[0]);
	field_sint(d, "tfd", (int)slot[1]);
	field_uint(d, "toff", slot[2]);
	struct_end(d);
}

static void decode_kcmp_idx(struct decoder *d, unsigned i)
{
	uint64_t type = decode_link(d, i, 0);
	if (type == 0 /* KCMP_FILE */ || (type == 7 /* KCMP_EPOLL_TFD */ && d->desc->params[i].reg == 3))
		show_fd(d, (int)decode_arg(d, i));
	else if (type == 7)
		show_epoll_slot(d, decode_arg(d, i));
	else
		show_hex(d, decode_arg(d, i));
}

/* KCMP_FILE, KCMP_EPOLL_TFD; the others compare what there is one of. What is not known has both. */
static bool kcmp_idx_present(struct decoder *d, unsigned i)
{
	uint64_t type = decode_link(d, i, 0);
	return type == 0 || type >= 7;
}

const struct decode_type decode_type_kcmp_idx = {
	.decode = decode_kcmp_idx, .present = kcmp_idx_present, .needs = NEEDS_FD | NEEDS_MEMORY,
};

static bool membarrier_cpu_present(struct decoder *d, unsigned i)
{
	return decode_link(d, i, 0) != 0;
}

static void decode_int(struct decoder *d, unsigned i)
{
	show_sint(d, (int32_t)decode_arg(d, i));
}

const struct decode_type decode_type_membarrier_cpu = {.decode = decode_int, .present = membarrier_cpu_present};

/* ---- segments ---- */

/* struct user_desc of x86 (arch/x86/include/uapi/asm/ldt.h), which no other architecture's headers have. */
struct segment_desc {
	uint32_t entry_number;
	uint32_t base_addr;
	uint32_t limit;
	uint32_t seg_32bit : 1;
	uint32_t contents : 2;
	uint32_t read_exec_only : 1;
	uint32_t limit_in_pages : 1;
	uint32_t seg_not_present : 1;
	uint32_t useable : 1;
	uint32_t lm : 1;
};

static void decode_user_desc(struct decoder *d, unsigned i)
{
	struct segment_desc u;
	bool number_alone = d->call->id == CALL_get_thread_area;	/* the rest is for the kernel to write */
	if (!decode_fetch(d, decode_arg(d, i), &u, number_alone ? sizeof(u.entry_number) : sizeof(u)))
		return;
	struct_begin(d);
	field(d, "entry_number");
	show_uid(d, u.entry_number);
	if (number_alone) {
		elided(d);
		struct_end(d);
		return;
	}
	field(d, "base_addr");
	show_textf(d, "%#08x", u.base_addr);
	field(d, "limit");
	show_textf(d, "%#08x", u.limit);
	field_uint(d, "seg_32bit", u.seg_32bit);
	field_uint(d, "contents", u.contents);
	field_uint(d, "read_exec_only", u.read_exec_only);
	field_uint(d, "limit_in_pages", u.limit_in_pages);
	field_uint(d, "seg_not_present", u.seg_not_present);
	field_uint(d, "useable", u.useable);
	if (!d->i386)
		field_uint(d, "lm", u.lm);
	struct_end(d);
}

const struct decode_type decode_type_user_desc = {
	.decode = decode_user_desc, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};

/* One of modify_ldt's, if it is as large as one and not to be filled in. */
static void decode_user_desc_ldt(struct decoder *d, unsigned i)
{
	int32_t func = (int32_t)decode_link(d, i, 0);
	if (decode_link(d, i, 1) == sizeof(struct segment_desc) && func != 0 && func != 2)
		decode_user_desc(d, i);
	else
		show_pointer(d, decode_arg(d, i));
}

const struct decode_type decode_type_user_desc_ldt = {
	.decode = decode_user_desc_ldt, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};

/* The kernel returns an unsigned int: an error is none to the C library. */
static void show_modify_ldt_result(struct decoder *d, int64_t value)
{
	int32_t error = -(int32_t)value;
	const char *name = error > 0 && error < 4096 ? strerrorname_np(error) : NULL;
	show_uint(d, (uint64_t)value);
	if (name && !d->quiet) {
		char text[128];
		(void)snprintf(text, sizeof(text), " %s (%s)", name, strerrordesc_np(error));
		wrap(d, text);
	}
}

const struct decode_type decode_type_modify_ldt_result = {.show_result = show_modify_ldt_result};

/* ---- small extensible structures ---- */

static void decode_mount_attr(struct decoder *d, unsigned i)
{
	struct mount_attr a;
	uint64_t addr = decode_arg(d, i);
	if (decode_link(d, i, 0) < sizeof(a)) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &a, sizeof(a)))
		return;
	struct_begin(d);
	field_flags(d, "attr_set", &flag_set_mount_attr_flags, a.attr_set);
	field_flags(d, "attr_clr", &flag_set_mount_attr_flags, a.attr_clr);
	field_flags(d, "propagation", &flag_set_mount_propagation, a.propagation);
	field(d, "userns_fd");
	if (a.attr_set & MOUNT_ATTR_IDMAP && a.userns_fd <= INT32_MAX)
		show_fd(d, (int)a.userns_fd);
	else
		show_uint(d, a.userns_fd);
	show_tail(d, addr, sizeof(a), decode_link(d, i, 0));
	struct_end(d);
}

const struct decode_type decode_type_mount_attr = {.decode = decode_mount_attr, .needs = NEEDS_MEMORY | NEEDS_FD};

static void decode_landlock_ruleset(struct decoder *d, unsigned i)
{
	uint64_t access;
	uint64_t addr = decode_arg(d, i);
	if (decode_link(d, i, 0) < sizeof(access)) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &access, sizeof(access)))
		return;
	struct_begin(d);
	field_flags(d, "handled_access_fs", &flag_set_landlock_access_fs, access);
	if (decode_link(d, i, 0) > sizeof(access))
		elided(d);
	struct_end(d);
}

static void decode_landlock_rule(struct decoder *d, unsigned i)
{
	uint8_t b[12];
	if (!decode_fetch(d, decode_arg(d, i), b, sizeof(b)))
		return;
	struct_begin(d);
	field_flags(d, "allowed_access", &flag_set_landlock_access_fs, decode_uint_at(b, 8));
	field(d, "parent_fd");
	show_fd(d, (int)decode_sint_at(b + 8, 4));
	struct_end(d);
}

const struct decode_type decode_type_landlock_ruleset_attr = {
	.decode = decode_landlock_ruleset, .needs = NEEDS_MEMORY,
};
const struct decode_type decode_type_landlock_rule_attr = {.decode = decode_landlock_rule, .needs = NEEDS_MEMORY};

/* ---- i386: arguments in memory ---- */

static void show_words_at(struct decoder *d, uint64_t addr, unsigned count)
{
	uint32_t words[6];
	if (!decode_fetch(d, addr, words, count * sizeof(words[0])))
		return;
	array_begin(d);
	for (unsigned n = 0; n < count; n++) {
		element(d);
		show_hex(d, words[n]);
	}
	array_end(d);
}

static void decode_old_mmap_args(struct decoder *d, unsigned i)
{
	show_words_at(d, decode_arg(d, i), 6);
}

static void decode_old_select_args(struct decoder *d, unsigned i)
{
	show_words_at(d, decode_arg(d, i), 5);
}

const struct decode_type decode_type_old_mmap_args = {.decode = decode_old_mmap_args, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_old_select_args = {.decode = decode_old_select_args, .needs = NEEDS_MEMORY};

/* clone is shown as a whole (decode_calls.c); these serve where it is not. */
const struct decode_type decode_type_clone_flags = {.decode = decode_word};
ADDRESS(clone_parent_tid);
ADDRESS(clone_child_tid);
ADDRESS(clone_tls);
