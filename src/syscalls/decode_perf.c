/* perf_event_open's attributes, and requests of perf events. */
#include <linux/perf_event.h>
#include <stddef.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

/* Kernels have made the structure longer: what the caller's size does not reach is not there. */
struct attr {
	struct perf_event_attr a;
	uint64_t bits;		/* the bit field, as one number */
	uint32_t size;		/* bytes that are there */
};

#define REACHES(attr, member) \
	((attr)->size >= offsetof(struct perf_event_attr, member) + sizeof(((struct perf_event_attr *)0)->member))

static void show_shifted(struct decoder *d, uint64_t v, const char *shift)
{
	if (!v)
		return;
	show_hex(d, v);
	wrap(d, shift);
}

/* The high half says which processors' PMU is meant, where there are several kinds. */
static void show_generic(struct decoder *d, const struct flag_set *set, uint64_t config)
{
	uint64_t low = d->p->ops->joins ? (uint32_t)config : config;
	if (low != config)
		show_shifted(d, config >> 32, "<<32|");
	show_flags(d, set, low);
}

/* What and whether, each a byte of its own: "L1D, read, misses". */
static void show_cache(struct decoder *d, uint64_t config)
{
	show_shifted(d, config >> 32, "<<32|");
	show_shifted(d, config >> 24 & 0xff, "<<24|");
	show_flags(d, &flag_set_perf_cache_results, config >> 16 & 0xff);
	wrap(d, "<<16|");
	show_flags(d, &flag_set_perf_cache_ops, config >> 8 & 0xff);
	wrap(d, "<<8|");
	show_flags(d, &flag_set_perf_cache, config & 0xff);
}

static void show_config(struct decoder *d, const struct perf_event_attr *a)
{
	field(d, "config");
	switch (a->type) {
	case PERF_TYPE_HARDWARE:
		show_generic(d, &flag_set_perf_hardware, a->config);
		return;
	case PERF_TYPE_SOFTWARE:
		show_flags(d, &flag_set_perf_software, a->config);
		return;
	case PERF_TYPE_TRACEPOINT:
		show_uint(d, a->config);
		return;
	case PERF_TYPE_HW_CACHE:
		if (d->p->ops->joins)
			show_cache(d, a->config);
		else
			show_hex(d, a->config);
		return;
	default:
		show_hex(d, a->config);
		return;
	}
}

static void show_named_bits(struct decoder *d, uint64_t bits, unsigned first, const char *const *names, unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		uint64_t bit = bits >> (first + n) & 1;
		if (bit || d->options->verbose)
			field_uint(d, names[n], bit);
	}
}

#define BITS_LATER 17		/* behind the two of precise_ip */
#define BITS_RESERVED 38	/* the first that strace 6.1 has no name for */

static void show_bit_fields(struct decoder *d, const struct attr *x)
{
	static const char *const skids[4] = {
		"arbitrary skid", "constant skid", "requested to have 0 skid", "must have 0 skid",
	};
	static const char *const names[15] = {
		"disabled", "inherit", "pinned", "exclusive", "exclude_user", "exclude_kernel", "exclude_hv",
		"exclude_idle", "mmap", "comm", "freq", "inherit_stat", "enable_on_exec", "task", "watermark",
	};
	static const char *const later[] = {
		"mmap_data", "sample_id_all", "exclude_host", "exclude_guest", "exclude_callchain_kernel",
		"exclude_callchain_user", "mmap2", "comm_exec", "use_clockid", "context_switch", "write_backward",
		"namespaces", "ksymbol", "bpf_event", "aux_output", "cgroup", "text_poke", "build_id", "inherit_thread",
		"remove_on_exec", "sigtrap",
	};
	show_named_bits(d, x->bits, 0, names, ARRAY_SIZE(names));
	field_uint(d, "precise_ip", x->a.precise_ip);
	show_comment(d, skids[x->a.precise_ip]);
	show_named_bits(d, x->bits, BITS_LATER, later, ARRAY_SIZE(later));
	if (x->bits >> BITS_RESERVED) {
		field_hex(d, "__reserved_1", x->bits >> BITS_RESERVED);
		show_comment(d, "Bits 63..38");
	}
}

/* With -v: what the kernel looks at if a flag above says so. */
static void show_conditions(struct decoder *d, const struct attr *x)
{
	const struct perf_event_attr *a = &x->a;
	bool breakpoint = a->type == PERF_TYPE_BREAKPOINT;
	field_uint(d, a->watermark ? "wakeup_watermark" : "wakeup_events", a->wakeup_events);
	if (breakpoint)
		field_flags(d, "bp_type", &flag_set_perf_breakpoints, a->bp_type);
	field_hex(d, breakpoint ? "bp_addr" : "config1", a->bp_addr);
	if (!REACHES(x, bp_len))
		return;
	if (breakpoint)
		field_uint(d, "bp_len", a->bp_len);
	else
		field_hex(d, "config2", a->bp_len);
	if (REACHES(x, branch_sample_type) && a->sample_type & PERF_SAMPLE_BRANCH_STACK)
		field_flags(d, "branch_sample_type", &flag_set_perf_branch_samples, a->branch_sample_type);
}

static void show_samples(struct decoder *d, const struct attr *x)
{
	const struct perf_event_attr *a = &x->a;
	if (REACHES(x, sample_regs_user))
		field_hex(d, "sample_regs_user", a->sample_regs_user);
	if (REACHES(x, sample_stack_user) && a->sample_type & PERF_SAMPLE_STACK_USER)
		field_hex(d, "sample_stack_user", a->sample_stack_user);
	if (REACHES(x, clockid) && a->use_clockid)
		field_flags(d, "clockid", &flag_set_clock_names, (uint32_t)a->clockid);
	if (REACHES(x, sample_regs_intr))
		field_hex(d, "sample_regs_intr", a->sample_regs_intr);
	if (REACHES(x, aux_watermark))
		field_uint(d, "aux_watermark", a->aux_watermark);
	if (REACHES(x, sample_max_stack))
		field_uint(d, "sample_max_stack", a->sample_max_stack);
	if (REACHES(x, aux_sample_size))
		field_uint(d, "aux_sample_size", a->aux_sample_size);
	if (REACHES(x, sig_data))
		field_hex(d, "sig_data", a->sig_data);
}

static void show_attr(struct decoder *d, const struct attr *x)
{
	const struct perf_event_attr *a = &x->a;
	struct_begin(d);
	field_flags(d, "type", &flag_set_perf_types, a->type);
	field_flags(d, "size", &flag_set_perf_sizes, a->size);
	show_config(d, a);
	field_uint(d, a->freq ? "sample_freq" : "sample_period", a->sample_freq);
	field_flags(d, "sample_type", &flag_set_perf_samples, a->sample_type);
	field_flags(d, "read_format", &flag_set_perf_read_formats, a->read_format);
	show_bit_fields(d, x);
	if (d->options->verbose) {
		show_conditions(d, x);
		show_samples(d, x);
	}
	if (!d->options->verbose || a->size > sizeof(*a))
		elided(d);
	struct_end(d);
}

void show_perf_attributes(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct attr x = {.size = PERF_ATTR_SIZE_VER0};
	uint32_t size;
	if (!decode_fetch(d, addr, &x.a, offsetof(struct perf_event_attr, config)))
		return;
	size = x.a.size;
	if (size > PERF_ATTR_SIZE_VER0)
		x.size = size < sizeof(x.a) ? size : (uint32_t)sizeof(x.a);
	if ((size && size < PERF_ATTR_SIZE_VER0) || !decode_read(d, addr, &x.a, x.size)) {
		show_pointer(d, addr);
		return;
	}
	memcpy(&x.bits, (const uint8_t *)&x.a + offsetof(struct perf_event_attr, read_format) + 8, sizeof(x.bits));
	show_attr(d, &x);
}

static void decode_perf_event_attr(struct decoder *d, unsigned i)
{
	show_perf_attributes(d, decode_arg(d, i), 0);
}

const struct decode_type decode_type_perf_event_attr = {.decode = decode_perf_event_attr, .needs = NEEDS_MEMORY};

/* ---- requests of perf events ---- */

void show_perf_filter(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	show_string_at(d, addr);
}

/* struct perf_event_query_bpf: how many there is room for, and then how many there are. */
void show_perf_programs(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	static const struct field_desc id = {.format = FIELD_UINT, .size = 4, .count = FIELD_COUNT_REST};
	uint32_t counts[2], first;
	if (!d->exiting)
		return;
	bool failed = decode_failed(d);
	if (!addr || !decode_read(d, addr, counts, sizeof(counts[0]))) {
		show_pointer(d, addr);
		return;
	}
	failed = failed || !decode_read(d, addr + sizeof(counts[0]), counts + 1, sizeof(counts[1]));
	struct_begin(d);
	field_uint(d, "ids_len", counts[0]);
	if (failed) {
		elided(d);
	} else {
		field_uint(d, "prog_cnt", counts[1]);
		field(d, "ids");
		if (counts[1] && !decode_read(d, addr + sizeof(counts), &first, sizeof(first)))
			show_pointer(d, addr + sizeof(counts));
		else
			show_value_at(d, &id, addr + sizeof(counts), counts[1] * sizeof(uint32_t), false);
	}
	struct_end(d);
}
