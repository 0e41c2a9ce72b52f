/* Requests of input devices. Many have a length, a kind of event or an axis in their number. */
#include <linux/input.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "syscalls/decode_input.h"
#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

enum {
	NR_NAME = 0x06,
	NR_PHYS,
	NR_UNIQ,
	NR_PROP,
	NR_SLOTS,
	NR_KEY = 0x18,
	NR_LED,
	NR_SND,
	NR_SW,
	NR_BIT = 0x20,		/* and 31 more: a kind of event each */
	NR_ABS = 0x40,		/* and 63 more: an axis each */
	NR_SET_ABS = 0xc0,	/* the same, written */
	NR_END = 0x100,
};

static uint32_t request_of(struct decoder *d)
{
	return (uint32_t)decode_arg(d, 1);
}

/* ---- the request ---- */

static const char *plain_name(unsigned nr)
{
	switch (nr) {
	case NR_NAME: return "EVIOCGNAME";
	case NR_PHYS: return "EVIOCGPHYS";
	case NR_UNIQ: return "EVIOCGUNIQ";
	case NR_PROP: return "EVIOCGPROP";
	case NR_SLOTS: return "EVIOCGMTSLOTS";
	case NR_KEY: return "EVIOCGKEY";
	case NR_LED: return "EVIOCGLED";
	case NR_SND: return "EVIOCGSND";
	case NR_SW: return "EVIOCGSW";
	default: return NULL;
	}
}

/* In a comment (of -X verbose) there is no other. */
static void add_code(char *to, size_t size, const struct flag_set *set, unsigned code, bool in_comment)
{
	const char *name = flag_set_name_of(set, code);
	if (name)
		(void)snprintf(to, size, "%s", name);
	else if (in_comment)
		(void)snprintf(to, size, "%#x", code);
	else
		(void)snprintf(to, size, "%#x /* %s */", code, set->unknown);
}

bool input_command_name(uint32_t request, bool in_comment, char *to, size_t size)
{
	unsigned nr = _IOC_NR(request);
	char code[64];
	if (_IOC_TYPE(request) != 'E')
		return false;
	if (_IOC_DIR(request) == _IOC_WRITE && nr >= NR_SET_ABS) {
		add_code(code, sizeof(code), &flag_set_input_absolute, nr - NR_SET_ABS, in_comment);
		(void)snprintf(to, size, "EVIOCSABS(%s)", code);
		return true;
	}
	if (_IOC_DIR(request) != _IOC_READ)
		return false;
	if (plain_name(nr)) {
		(void)snprintf(to, size, "%s(%u)", plain_name(nr), _IOC_SIZE(request));
	} else if (nr >= NR_BIT && nr < NR_ABS) {
		/* EV_SYN stands for all kinds. */
		if (nr == NR_BIT)
			(void)snprintf(code, sizeof(code), "0");
		else
			add_code(code, sizeof(code), &flag_set_input_events, nr - NR_BIT, in_comment);
		(void)snprintf(to, size, "EVIOCGBIT(%s, %u)", code, _IOC_SIZE(request));
	} else if (nr >= NR_ABS && nr < NR_ABS + ABS_CNT) {
		add_code(code, sizeof(code), &flag_set_input_absolute, nr - NR_ABS, in_comment);
		(void)snprintf(to, size, "EVIOCGABS(%s)", code);
	} else {
		return false;
	}
	return true;
}

/* ---- what they point to ---- */

#define BITS_SHOWN 4	/* without -v */

static void show_raw_bits(struct decoder *d, const uint8_t *bits, size_t len)
{
	array_begin(d);
	for (size_t n = 0; n < len; n += 8) {
		element(d);
		show_hex(d, decode_uint_at(bits + n, 8));
	}
	array_end(d);
}

/* As many bytes of bits as the call returned, in words of eight: [KEY_ESC KEY_1]. */
static void show_input_bits(struct decoder *d, const struct flag_set *set, uint64_t addr)
{
	uint8_t bits[KEY_CNT / 8] = {0};
	uint64_t len = d->result && d->result->value > 0 ? (uint64_t)d->result->value : 0;
	unsigned shown = 0;
	uint64_t most = set ? set->names[set->count - 1].value + 1 : 0;		/* bits: the names are in their order */
	if (len * 8 < most)
		most = len * 8;
	else
		len = (most + 7) / 8;
	len = len < sizeof(bits) ? (len + 7) / 8 * 8 : sizeof(bits);
	if (!set || !len || decode_failed(d) || !decode_read(d, addr, bits, len)) {
		show_pointer(d, addr);
		return;
	}
	if (d->options->consts == CONST_RAW) {
		show_raw_bits(d, bits, len);
		return;
	}
	d->p->ops->list_begin(d->p);
	for (unsigned n = 0; n < len * 8 && n < most; n++) {
		if (!(bits[n / 8] >> n % 8 & 1))
			continue;
		d->p->ops->item(d->p);
		if (shown++ == BITS_SHOWN && !d->options->verbose) {
			wrap(d, "...");
			break;
		}
		show_flags(d, set, n);
	}
	d->p->ops->list_end(d->p);
	if (d->options->consts == CONST_VERBOSE && d->p->ops->joins) {
		wrap(d, " /* ");
		show_raw_bits(d, bits, len);
		wrap(d, " */");
	}
}

static const struct flag_set *codes_of(unsigned event)
{
	switch (event) {
	case EV_SYN: return &flag_set_input_events;
	case EV_KEY: return &flag_set_input_keys;
	case EV_REL: return &flag_set_input_relative;
	case EV_ABS: return &flag_set_input_absolute;
	case EV_MSC: return &flag_set_input_misc;
	case EV_SW: return &flag_set_input_switches;
	case EV_LED: return &flag_set_input_leds;
	case EV_SND: return &flag_set_input_sounds;
	case EV_REP: return &flag_set_input_repeats;
	case EV_FF: return &flag_set_input_ff;
	case EV_FF_STATUS: return &flag_set_input_ff_status;
	default: return NULL;
	}
}

static const struct flag_set *bits_of(unsigned nr)
{
	switch (nr) {
	case NR_PROP: return &flag_set_input_properties;
	case NR_KEY: return &flag_set_input_keys;
	case NR_LED: return &flag_set_input_leds;
	case NR_SND: return &flag_set_input_sounds;
	case NR_SW: return &flag_set_input_switches;
	default: return codes_of(nr - NR_BIT);
	}
}

/* Older kernels knew no resolution. */
static void show_abs(struct decoder *d, uint64_t addr, uint32_t size)
{
	struct input_absinfo a;
	size_t known = size < sizeof(a) ? offsetof(struct input_absinfo, resolution) : sizeof(a);
	if (size < known) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &a, known))
		return;
	struct_begin(d);
	field_uint(d, "value", (uint32_t)a.value);
	field_uint(d, "minimum", (uint32_t)a.minimum);
	if (d->options->verbose) {
		field_uint(d, "maximum", (uint32_t)a.maximum);
		field_uint(d, "fuzz", (uint32_t)a.fuzz);
		field_uint(d, "flat", (uint32_t)a.flat);
		if (known == sizeof(a))
			field_uint(d, "resolution", (uint32_t)a.resolution);
	}
	if (!d->options->verbose || size > known)
		elided(d);
	struct_end(d);
}

static void show_slots(struct decoder *d, uint64_t addr, uint32_t size)
{
	const struct field_desc values = {.format = FIELD_SINT, .size = 4, .count = FIELD_COUNT_REST};
	uint32_t code;
	if (size < sizeof(code) || decode_failed(d) || !decode_read(d, addr, &code, sizeof(code))) {
		show_pointer(d, addr);
		return;
	}
	struct_begin(d);
	field_flags(d, "code", &flag_set_input_slots, code);
	field(d, "values");
	show_value_at(d, &values, addr + sizeof(code), size - sizeof(code), false);
	struct_end(d);
}

static void show_input_arg(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint32_t request = request_of(d);
	unsigned nr = _IOC_NR(request);
	if (nr >= NR_ABS)
		show_abs(d, addr, _IOC_SIZE(request));
	else if (nr == NR_SLOTS)
		show_slots(d, addr, _IOC_SIZE(request));
	else if (nr >= NR_PROP)
		show_input_bits(d, bits_of(nr), addr);
	else
		show_bytes_at(d, addr, d->result && d->result->value > 0 ? (uint64_t)d->result->value : 0);
}

const struct ioctl_row *input_ioctl_row(uint32_t request)
{
	static const struct attr_decoder shower = {show_input_arg};
	static const struct ioctl_row reads = {.direction = IOCTL_OUT, .type = {.format = FIELD_ATTR, .arg = &shower}};
	static const struct ioctl_row writes = {.direction = IOCTL_IN, .type = {.format = FIELD_ATTR, .arg = &shower}};
	char name[128];
	if (!input_command_name(request, false, name, sizeof(name)))
		return NULL;
	return _IOC_DIR(request) == _IOC_WRITE ? &writes : &reads;
}

/* ---- requests with a number of their own ---- */

void show_keycode(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	uint32_t codes[2];
	if (!decode_fetch(d, addr, codes, sizeof(codes)))
		return;
	array_begin(d);
	element(d);
	show_uint(d, codes[0]);
	element(d);
	show_flags(d, &flag_set_input_keys, codes[1]);
	array_end(d);
}

static void show_effect_of_type(struct decoder *d, const struct ff_effect *e)
{
	static const struct {
		uint16_t type;
		const char *name;
		const struct layout *layout;
	} kinds[] = {
		{FF_CONSTANT, "constant", &layout_ff_constant}, {FF_RAMP, "ramp", &layout_ff_ramp},
		{FF_PERIODIC, "periodic", &layout_ff_periodic}, {FF_RUMBLE, "rumble", &layout_ff_rumble},
	};
	for (size_t n = 0; n < ARRAY_SIZE(kinds); n++) {
		if (kinds[n].type != e->type)
			continue;
		field(d, kinds[n].name);
		show_struct(d, kinds[n].layout, (const uint8_t *)&e->u);
	}
}

void show_ff_effect(struct decoder *d, uint64_t addr, size_t len UNUSED)
{
	struct ff_effect e;
	if (d->i386) {
		show_pointer(d, addr);
		return;
	}
	if (!decode_fetch(d, addr, &e, sizeof(e)))
		return;
	struct_begin(d);
	field_flags(d, "type", &flag_set_input_ff, e.type);
	field_sint(d, "id", e.id);
	field_uint(d, "direction", e.direction);
	if (!d->options->verbose) {
		elided(d);
	} else {
		field(d, "trigger");
		show_struct(d, &layout_ff_trigger, (const uint8_t *)&e.trigger);
		field(d, "replay");
		show_struct(d, &layout_ff_replay, (const uint8_t *)&e.replay);
		show_effect_of_type(d, &e);
	}
	struct_end(d);
}
