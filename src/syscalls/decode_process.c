/* Programs and their children, limits, schedulers, capabilities. */
#include "syscalls/decode_priv.h"

#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define ENVIRONMENT_MAX 65536	/* more variables are not counted */

/* ---- argv, envp ---- */

static void show_string_array(struct decoder *d, uint64_t addr)
{
	struct word_reader r;
	uint64_t word;
	word_reader_init(&r, d, addr);
	if (!addr || !word_reader_next(&r, &word)) {
		show_pointer(d, addr);
		return;
	}
	uint64_t at = addr;
	array_begin(d);
	for (unsigned n = 0; word; n++, at += d->word) {
		if (n == d->options->string_limit && !d->options->verbose) {
			elided(d);
			break;
		}
		element(d);
		show_string_at(d, word);
		if (!word_reader_next(&r, &word)) {
			show_cut(d, at + d->word);
			break;
		}
	}
	array_end(d);
}

static void decode_argv(struct decoder *d, unsigned i)
{
	show_string_array(d, decode_arg(d, i));
}

const struct decode_type decode_type_argv = {.decode = decode_argv, .needs = NEEDS_MEMORY};

static void show_count(struct decoder *d, uint64_t addr)
{
	struct word_reader r;
	uint64_t word;
	unsigned count = 0;
	bool cut = false;
	show_pointer(d, addr);
	if (!addr)
		return;
	word_reader_init(&r, d, addr);
	if (!word_reader_next(&r, &word))
		return;
	while (word && count < ENVIRONMENT_MAX && !cut) {
		count++;
		cut = !word_reader_next(&r, &word);
	}
	show_commentf(d, "%u var%s%s", count, count == 1 ? "" : "s", cut ? ", unterminated" : "");
}

static void decode_envp(struct decoder *d, unsigned i)
{
	if (d->options->verbose)
		show_string_array(d, decode_arg(d, i));
	else
		show_count(d, decode_arg(d, i));
}

const struct decode_type decode_type_envp = {.decode = decode_envp, .needs = NEEDS_MEMORY};

/* ---- waiting ---- */

void show_wait_status(struct decoder *d, uint32_t status)
{
	char buf[16];
	wrap(d, "{");
	if (WIFEXITED(status)) {
		show_textf(d, "WIFEXITED(s) && WEXITSTATUS(s) == %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		show_textf(d, "WIFSIGNALED(s) && WTERMSIG(s) == %s%s", decode_signal_name(WTERMSIG(status), buf),
			   WCOREDUMP(status) ? " && WCOREDUMP(s)" : "");
	} else if (WIFSTOPPED(status)) {
		int sig = WSTOPSIG(status);
		show_textf(d, "WIFSTOPPED(s) && WSTOPSIG(s) == %s%s", decode_signal_name(sig & 0x7f, buf),
			   sig & 0x80 ? " | 0x80" : "");
	} else if (WIFCONTINUED(status)) {
		show_text(d, "WIFCONTINUED(s)");
	} else {
		show_hex(d, status);
	}
	wrap(d, "}");
	if (WIFSTOPPED(status) && status >> 16) {
		const char *event = flag_set_name_of(&flag_set_ptrace_events, status >> 16);
		wrap(d, " | ");
		wrap(d, event ? event : "PTRACE_EVENT_???");
		wrap(d, "<<16");
	}
}

static void decode_wait_status(struct decoder *d, unsigned i)
{
	uint32_t status;
	uint64_t addr = decode_arg(d, i);
	if (!decode_failed(d) && d->result->value == 0) {
		show_pointer(d, addr);	/* WNOHANG, and nothing to tell */
		return;
	}
	if (!decode_fetch(d, addr, &status, sizeof(status)))
		return;
	wrap(d, "[");
	show_wait_status(d, status);
	wrap(d, "]");
}

const struct decode_type decode_type_wait_status = {.decode = decode_wait_status, .needs = NEEDS_MEMORY};

static void decode_waitid_id(struct decoder *d, unsigned i)
{
	if (decode_link(d, i, 0) == 3 /* P_PIDFD */)
		show_fd(d, (int)decode_arg(d, i));
	else
		show_pid(d, (int)decode_arg(d, i));
}

const struct decode_type decode_type_waitid_id = {.decode = decode_waitid_id, .needs = NEEDS_FD | NEEDS_PID};

/* getpriority's PRIO_PROCESS is 0, ioprio_get's IOPRIO_WHO_PROCESS is 1; the group's is behind it. */
static void decode_prio_who(struct decoder *d, unsigned i)
{
	bool io = d->call->id == CALL_ioprio_get || d->call->id == CALL_ioprio_set;
	uint64_t which = decode_link(d, i, 0) - io;
	if (which <= 1)
		show_pid(d, (int)decode_arg(d, i));
	else
		show_sint(d, (int)decode_arg(d, i));
}

const struct decode_type decode_type_prio_who = {.decode = decode_prio_who, .needs = NEEDS_PID};

/* ---- resources ---- */

static void show_rusage_time(struct decoder *d, const char *name, const uint8_t *at, unsigned w)
{
	field(d, name);
	struct_begin(d);
	field_sint(d, "tv_sec", decode_sint_at(at, w));
	field_uint(d, "tv_usec", decode_uint_at(at + w, w));
	struct_end(d);
}

static void decode_rusage(struct decoder *d, unsigned i)
{
	static const char *const names[14] = {
		"ru_maxrss", "ru_ixrss", "ru_idrss", "ru_isrss", "ru_minflt", "ru_majflt", "ru_nswap", "ru_inblock",
		"ru_oublock", "ru_msgsnd", "ru_msgrcv", "ru_nsignals", "ru_nvcsw", "ru_nivcsw",
	};
	uint8_t b[sizeof(struct rusage)];
	unsigned w = d->i386 ? 4 : 8;
	uint64_t addr = decode_arg(d, i);
	bool waits = d->call->id == CALL_wait4;
	if (waits && !decode_failed(d) && d->result->value == 0) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, b, 18u * w))
		return;
	struct_begin(d);
	show_rusage_time(d, "ru_utime", b, w);
	show_rusage_time(d, "ru_stime", b + 2 * w, w);
	if (!d->options->verbose)
		elided(d);
	for (unsigned n = 0; d->options->verbose && n < ARRAY_SIZE(names); n++)
		field_uint(d, names[n], decode_uint_at(b + (4 + n) * w, w));
	struct_end(d);
}

const struct decode_type decode_type_rusage = {.decode = decode_rusage, .needs = NEEDS_MEMORY};

static void show_limit(struct decoder *d, const char *name, uint64_t v, unsigned size)
{
	const char *infinity = size == 4 && v == UINT32_MAX ? "RLIM_INFINITY" : v == UINT64_MAX ? "RLIM64_INFINITY" : NULL;
	char text[32];
	(void)snprintf(text, sizeof(text), "%llu*1024", (unsigned long long)v / 1024);
	const char *form = infinity ? infinity : v > 1024 && v % 1024 == 0 ? text : NULL;
	field(d, name);
	if (!form || d->options->consts != CONST_ABBREV)
		show_uint(d, v);
	else if (infinity)
		show_symbol(d, infinity, v);
	else
		show_text(d, text);
	if (form && d->options->consts == CONST_VERBOSE)
		show_comment(d, form);
}

static void show_rlimit_at(struct decoder *d, uint64_t addr, unsigned size)
{
	uint8_t b[16];
	if (!decode_fetch(d, addr, b, 2 * size))
		return;
	struct_begin(d);
	show_limit(d, "rlim_cur", decode_uint_at(b, size), size);
	show_limit(d, "rlim_max", decode_uint_at(b + size, size), size);
	struct_end(d);
}

static void decode_rlimit(struct decoder *d, unsigned i)
{
	show_rlimit_at(d, decode_arg(d, i), d->i386 ? 4 : 8);
}

static void decode_rlimit64(struct decoder *d, unsigned i)
{
	show_rlimit_at(d, decode_arg(d, i), 8);
}

const struct decode_type decode_type_rlimit_in = {.decode = decode_rlimit, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_rlimit_out = {.decode = decode_rlimit, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_rlimit64_in = {.decode = decode_rlimit64, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_rlimit64_out = {.decode = decode_rlimit64, .needs = NEEDS_MEMORY};

/* ---- the system ---- */

static void show_loads(struct decoder *d, const uint8_t *at, unsigned w)
{
	field(d, "loads");
	array_begin(d);
	for (unsigned n = 0; n < 3; n++) {
		element(d);
		show_uint(d, decode_uint_at(at + n * w, w));
	}
	array_end(d);
}

static void decode_sysinfo(struct decoder *d, unsigned i)
{
	static const char *const sizes[6] = {"totalram", "freeram", "sharedram", "bufferram", "totalswap", "freeswap"};
	uint8_t b[sizeof(struct sysinfo)];
	unsigned w = d->i386 ? 4 : 8;
	if (!decode_fetch(d, decode_arg(d, i), b, d->i386 ? 64 : sizeof(struct sysinfo)))
		return;
	const uint8_t *tail = b + 10 * w + w;	/* behind procs and its padding */
	if (d->i386)
		tail = b + 10 * w + 4;
	struct_begin(d);
	field_sint(d, "uptime", decode_sint_at(b, w));
	show_loads(d, b + w, w);
	for (unsigned n = 0; n < ARRAY_SIZE(sizes); n++)
		field_uint(d, sizes[n], decode_uint_at(b + (4 + n) * w, w));
	field_uint(d, "procs", decode_uint_at(b + 10 * w, 2));
	field_uint(d, "totalhigh", decode_uint_at(tail, w));
	field_uint(d, "freehigh", decode_uint_at(tail + w, w));
	field_uint(d, "mem_unit", decode_uint_at(tail + 2 * w, 4));
	struct_end(d);
}

const struct decode_type decode_type_sysinfo = {.decode = decode_sysinfo, .needs = NEEDS_MEMORY};

static const struct field_desc utsname_fields[] = {
	FIELD(struct utsname, sysname, FIELD_CHARS),
	FIELD(struct utsname, nodename, FIELD_CHARS),
	FIELD_CUT_HERE,
	FIELD(struct utsname, release, FIELD_CHARS),
	FIELD(struct utsname, version, FIELD_CHARS),
	FIELD(struct utsname, machine, FIELD_CHARS),
	FIELD(struct utsname, domainname, FIELD_CHARS),
};
static const struct layout utsname_layout = LAYOUT(struct utsname, utsname_fields);
static const struct layout_pair utsname_pair = {&utsname_layout, &utsname_layout};

const struct decode_type decode_type_utsname = {
	.decode = decode_struct, .data = &utsname_pair, .needs = NEEDS_MEMORY,
};
const struct decode_type decode_type_oldutsname = {0};
const struct decode_type decode_type_oldoldutsname = {0};

/* ---- scheduling ---- */

void show_sched_policy(struct decoder *d, uint32_t v)
{
	static const uint32_t reset = 0x40000000;	/* SCHED_RESET_ON_FORK */
	const char *name = flag_set_name_of(&flag_set_sched_policies, v & ~reset);
	if (name && v & reset)
		show_textf(d, "%s|SCHED_RESET_ON_FORK", name);
	else
		show_flags(d, &flag_set_sched_policies, v);
}

static void decode_sched_policy(struct decoder *d, unsigned i)
{
	show_sched_policy(d, (uint32_t)decode_arg(d, i));
}

const struct decode_type decode_type_sched_policy = {.decode = decode_sched_policy};

static void decode_sched_param(struct decoder *d, unsigned i)
{
	int32_t priority;
	if (!decode_fetch(d, decode_arg(d, i), &priority, sizeof(priority)))
		return;
	wrap(d, "[");
	show_sint(d, priority);
	wrap(d, "]");
}

const struct decode_type decode_type_sched_param_in = {.decode = decode_sched_param, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_sched_param_out = {.decode = decode_sched_param, .needs = NEEDS_MEMORY};

/* Bits as a list of numbers: [0 1 5]. */
static void show_bit_list(struct decoder *d, const uint8_t *bits, size_t len)
{
	d->p->ops->list_begin(d->p);
	for (size_t n = 0; n < 8 * len; n++) {
		if (!(bits[n / 8] >> n % 8 & 1))
			continue;
		d->p->ops->item(d->p);
		show_uint(d, n);
	}
	d->p->ops->list_end(d->p);
}

#define CPU_SET_MAX 1024	/* bytes: 8192 processors */

void show_cpu_set(struct decoder *d, uint64_t addr, uint64_t len)
{
	uint8_t bits[CPU_SET_MAX] = {0};
	if (len > sizeof(bits))
		len = sizeof(bits);
	if (!len && addr && !decode_failed(d))
		show_bit_list(d, bits, 0);
	else if (len ? decode_fetch(d, addr, bits, len) : (show_pointer(d, addr), false))
		show_bit_list(d, bits, len);
}

static void decode_cpu_set_in(struct decoder *d, unsigned i)
{
	show_cpu_set(d, decode_arg(d, i), decode_link(d, i, 0));
}

static void decode_cpu_set_out(struct decoder *d, unsigned i)
{
	show_cpu_set(d, decode_arg(d, i), decode_failed(d) ? 0 : (uint64_t)d->result->value);
}

const struct decode_type decode_type_cpu_set_in = {.decode = decode_cpu_set_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_cpu_set_out = {.decode = decode_cpu_set_out, .needs = NEEDS_MEMORY};

/* ---- capabilities ---- */

static void decode_cap_header(struct decoder *d, unsigned i)
{
	struct __user_cap_header_struct h;
	if (!decode_fetch(d, decode_arg(d, i), &h, sizeof(h)))
		return;
	struct_begin(d);
	field_flags(d, "version", &flag_set_capability_versions, h.version);
	field_pid(d, "pid", (int)h.pid);
	struct_end(d);
}

const struct decode_type decode_type_cap_header = {
	.decode = decode_cap_header, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};

/* 1<<CAP_CHOWN|1<<CAP_KILL */
static void show_capabilities(struct decoder *d, const char *name, uint64_t bits)
{
	struct flag_name names[64];
	char texts[64][40];
	size_t count = 0;
	field(d, name);
	for (uint64_t rest = d->quiet ? 0 : bits; rest; rest &= rest - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(rest);
		const char *cap = flag_set_name_of(&flag_set_capabilities, bit);
		if (!cap)
			continue;
		(void)snprintf(texts[count], sizeof(texts[0]), "1<<%s", cap);
		names[count] = (struct flag_name){texts[count], UINT64_C(1) << bit, UINT64_C(1) << bit};
		count++;
	}
	struct flag_set set = {.name = "capabilities", .names = names, .count = count, .unknown = "CAP_???"};
	show_flags(d, &set, bits);
}

static void decode_cap_data(struct decoder *d, unsigned i)
{
	struct __user_cap_header_struct h;
	struct __user_cap_data_struct data[2] = {0};
	uint64_t addr = decode_arg(d, i);
	if (!addr || decode_failed(d) || !decode_read(d, decode_link(d, i, 0), &h, sizeof(h))) {
		show_pointer(d, addr);
		return;
	}
	bool wide = h.version == _LINUX_CAPABILITY_VERSION_2 || h.version == _LINUX_CAPABILITY_VERSION_3;
	if (!decode_fetch(d, addr, data, wide ? sizeof(data) : sizeof(data[0])))
		return;
	struct_begin(d);
	show_capabilities(d, "effective", data[0].effective | (uint64_t)data[1].effective << 32);
	show_capabilities(d, "permitted", data[0].permitted | (uint64_t)data[1].permitted << 32);
	show_capabilities(d, "inheritable", data[0].inheritable | (uint64_t)data[1].inheritable << 32);
	struct_end(d);
}

const struct decode_type decode_type_cap_data_in = {.decode = decode_cap_data, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_cap_data_out = {.decode = decode_cap_data, .needs = NEEDS_MEMORY};

/* ---- personality, I/O priority ---- */

void show_personality(struct decoder *d, uint32_t v)
{
	show_joined(d, &flag_set_personality_types, v & 0xff, &flag_set_personality_flags, v & ~0xffu);
}

static void decode_personality(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	if (v == UINT32_MAX)
		show_hex(d, v);
	else
		show_personality(d, v);
}

const struct decode_type decode_type_personality = {.decode = decode_personality};

void show_ioprio(struct decoder *d, uint32_t v)
{
	const char *name = flag_set_name_of(&flag_set_ioprio_classes, v >> 13);
	if (name && d->options->consts == CONST_ABBREV)
		show_textf(d, "IOPRIO_PRIO_VALUE(%s, %u)", name, v & 0x1fff);
	else
		show_textf(d, "IOPRIO_PRIO_VALUE(%#x /* %s */, %u)", v >> 13, name ? name : "IOPRIO_CLASS_???",
			   v & 0x1fff);
}

static void decode_ioprio(struct decoder *d, unsigned i)
{
	uint32_t v = (uint32_t)decode_arg(d, i);
	if (d->options->consts != CONST_ABBREV)
		show_sint(d, (int32_t)v);
	if (d->options->consts == CONST_VERBOSE)
		wrap(d, " /* ");
	if (d->options->consts != CONST_RAW)
		show_ioprio(d, v);
	if (d->options->consts == CONST_VERBOSE)
		wrap(d, " */");
}

const struct decode_type decode_type_ioprio = {.decode = decode_ioprio};
