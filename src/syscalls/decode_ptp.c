/* What the rows of layouts/ptp.tbl cannot say: times, and arrays whose length is told by another member. */
#include <linux/ptp_clock.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

static struct ptp_clock_time time_at(const uint8_t *at)
{
	struct ptp_clock_time t;
	memcpy(&t, at, sizeof(t));
	return t;
}

/* A date is one of a moment: not behind a duration. */
static void show_clock_time(struct decoder *d, const struct ptp_clock_time *t, bool moment)
{
	struct_begin(d);
	field_sint(d, "sec", t->sec);
	field_uint(d, "nsec", t->nsec);
	if (t->reserved)
		field_hex(d, "reserved", t->reserved);
	struct_end(d);
	if (moment && d->options->consts != CONST_RAW)
		d->p->ops->time(d->p, t->sec, t->nsec, 9);
}

void show_ptp_time(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	struct ptp_clock_time t = time_at(at);
	show_clock_time(d, &t, true);
}

/* A time since an unknown moment. */
void show_ptp_duration(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	struct ptp_clock_time t = time_at(at);
	show_clock_time(d, &t, false);
}

static void show_times(struct decoder *d, const uint8_t *at, unsigned count)
{
	array_begin(d);
	for (unsigned n = 0; n < count; n++) {
		if (n >= d->options->string_limit && !d->options->verbose) {
			elided(d);
			break;
		}
		element(d);
		show_ptp_time(d, at + n * sizeof(struct ptp_clock_time), at);
	}
	array_end(d);
}

/* A time of the system before the first and after each sample. */
void show_ptp_samples(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	uint32_t samples = (uint32_t)decode_uint_at(whole, 4);
	show_times(d, at, 2 * (samples < PTP_MAX_SAMPLES ? samples : PTP_MAX_SAMPLES) + 1);
}

/* Three times for each sample. */
void show_ptp_extended(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct ptp_sys_offset_extended o;
	if (!addr || !decode_read(d, addr, &o, sizeof(o))) {
		show_pointer(d, addr);
		return;
	}
	const struct field_desc rsv = {.format = FIELD_HEX, .size = 4, .count = ARRAY_SIZE(o.rsv)};
	unsigned samples = o.n_samples < PTP_MAX_SAMPLES ? o.n_samples : PTP_MAX_SAMPLES;
	struct_begin(d);
	field_uint(d, "n_samples", o.n_samples);
	if (o.rsv[0] || o.rsv[1] || o.rsv[2]) {
		field(d, "rsv");
		show_value(d, &rsv, (const uint8_t *)o.rsv, (const uint8_t *)&o);
	}
	if (!decode_failed(d)) {
		field(d, "ts");
		array_begin(d);
		for (unsigned n = 0; n < samples; n++) {
			element(d);
			show_times(d, (const uint8_t *)o.ts[n], 3);
		}
		array_end(d);
	}
	struct_end(d);
}

static void field_time(struct decoder *d, const char *name, const struct ptp_clock_time *t, bool moment)
{
	field(d, name);
	show_clock_time(d, t, moment);
}

static void show_perout(struct decoder *d, uint64_t addr, bool reserved)
{
	struct ptp_perout_request r;
	if (!decode_fetch(d, addr, &r, sizeof(r)))
		return;
	const struct field_desc rsv = {.format = FIELD_HEX, .size = 4, .count = ARRAY_SIZE(r.rsv)};
	struct_begin(d);
	if (r.flags & PTP_PEROUT_PHASE)
		field_time(d, "phase", &r.phase, false);
	else
		field_time(d, "start", &r.start, true);
	field_time(d, "period", &r.period, false);
	field_uint(d, "index", r.index);
	field_flags(d, "flags", &flag_set_ptp_perout_flags, r.flags);
	if (r.flags & PTP_PEROUT_DUTY_CYCLE) {
		field_time(d, "on", &r.on, false);
	} else if (reserved && (r.rsv[0] || r.rsv[1] || r.rsv[2] || r.rsv[3])) {
		field(d, "rsv");
		show_value(d, &rsv, (const uint8_t *)r.rsv, (const uint8_t *)&r);
	}
	struct_end(d);
}

void show_ptp_perout(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	show_perout(d, addr, false);
}

void show_ptp_perout2(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	show_perout(d, addr, true);
}

void show_ptp_pin_index(struct decoder *d, const uint8_t *at UNUSED, const uint8_t *whole)
{
	show_uint(d, decode_uint_at(whole + offsetof(struct ptp_pin_desc, index), 4));
}

/* The caller's members first, as they were. */
void show_ptp_pin2(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct ptp_pin_desc pin;
	if (!decode_fetch(d, addr, &pin, sizeof(pin)))
		return;
	const struct field_desc rsv = {.format = FIELD_HEX, .size = 4, .count = ARRAY_SIZE(pin.rsv)};
	struct_begin(d);
	field_uint(d, "index", pin.index);
	if (pin.rsv[0] || pin.rsv[1] || pin.rsv[2] || pin.rsv[3] || pin.rsv[4]) {
		field(d, "rsv");
		show_value(d, &rsv, (const uint8_t *)pin.rsv, (const uint8_t *)&pin);
	}
	field(d, "name");
	show_chars(d, (const uint8_t *)pin.name, sizeof(pin.name));
	field_flags(d, "func", &flag_set_ptp_pin_functions, pin.func);
	field_uint(d, "chan", pin.chan);
	struct_end(d);
}
