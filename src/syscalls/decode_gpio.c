/* What the rows of layouts/gpio.tbl cannot say: arrays whose length is told behind them, and attributes by their id. */
#include <linux/gpio.h>
#include <stddef.h>
#include <string.h>

#include "syscalls/decode_layouts.h"
#include "syscalls/flag_sets.h"

/* The first count of max numbers of an array in place. */
static void show_numbers(struct decoder *d, const uint8_t *at, uint32_t count, uint16_t max, uint16_t size)
{
	struct field_desc numbers = {.format = FIELD_UINT, .size = size, .count = (uint16_t)(count < max ? count : max)};
	if (numbers.count) {
		show_value(d, &numbers, at, at);
		return;
	}
	array_begin(d);
	array_end(d);
}

static uint32_t member(const uint8_t *whole, size_t offset)
{
	return (uint32_t)decode_uint_at(whole + offset, 4);
}

void show_gpio_handle_lines(struct decoder *d, const uint8_t *at UNUSED, const uint8_t *whole)
{
	show_uint(d, member(whole, offsetof(struct gpiohandle_request, lines)));
}

void show_gpio_handle_offsets(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_numbers(d, at, member(whole, offsetof(struct gpiohandle_request, lines)), GPIOHANDLES_MAX, 4);
}

void show_gpio_handle_values(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_numbers(d, at, member(whole, offsetof(struct gpiohandle_request, lines)), GPIOHANDLES_MAX, 1);
}

void show_gpio_request_lines(struct decoder *d, const uint8_t *at UNUSED, const uint8_t *whole)
{
	show_uint(d, member(whole, offsetof(struct gpio_v2_line_request, num_lines)));
}

void show_gpio_request_offsets(struct decoder *d, const uint8_t *at, const uint8_t *whole)
{
	show_numbers(d, at, member(whole, offsetof(struct gpio_v2_line_request, num_lines)), GPIO_V2_LINES_MAX, 4);
}

/* A single member by its name if the id is known and nothing stands in the padding. */
static bool is_plain(const struct gpio_v2_line_attribute *a)
{
	return a->id >= GPIO_V2_LINE_ATTR_ID_FLAGS && a->id <= GPIO_V2_LINE_ATTR_ID_DEBOUNCE && !a->padding;
}

static void show_plain_attribute(struct decoder *d, const struct gpio_v2_line_attribute *a)
{
	if (a->id == GPIO_V2_LINE_ATTR_ID_FLAGS)
		field_flags(d, "flags", &flag_set_gpio_v2_flags, a->flags);
	else if (a->id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)
		field_hex(d, "values", a->values);
	else
		field_uint(d, "debounce_period_us", a->debounce_period_us);
}

static void show_attribute(struct decoder *d, const struct gpio_v2_line_attribute *a)
{
	struct_begin(d);
	if (is_plain(a)) {
		show_plain_attribute(d, a);
	} else {
		field_uint(d, "id", a->id);
		if (a->padding)
			field_hex(d, "padding", a->padding);
		field_hex(d, "data", a->values);
	}
	struct_end(d);
}

static uint32_t at_most(uint32_t count, uint32_t max)
{
	return count < max ? count : max;
}

/* How many, and as a member of their own those there are. */
static uint32_t attributes_begin(struct decoder *d, uint32_t count)
{
	show_uint(d, count);
	if (!count)
		return 0;
	field(d, "attrs");
	array_begin(d);
	return at_most(count, GPIO_V2_LINE_NUM_ATTRS_MAX);
}

void show_gpio_info_attrs(struct decoder *d, const uint8_t *at UNUSED, const uint8_t *whole)
{
	uint32_t count = attributes_begin(d, member(whole, offsetof(struct gpio_v2_line_info, num_attrs)));
	const uint8_t *attrs = whole + offsetof(struct gpio_v2_line_info, attrs);
	for (uint32_t n = 0; n < count; n++) {
		struct gpio_v2_line_attribute a;
		memcpy(&a, attrs + n * sizeof(a), sizeof(a));
		element(d);
		show_attribute(d, &a);
	}
	if (count)
		array_end(d);
}

/* Of a configuration that may lie in a request: at is where its number of attributes stands. */
void show_gpio_config_attrs(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	const size_t before = offsetof(struct gpio_v2_line_config, num_attrs);
	uint32_t count = attributes_begin(d, (uint32_t)decode_uint_at(at, 4));
	const uint8_t *attrs = at + offsetof(struct gpio_v2_line_config, attrs) - before;
	for (uint32_t n = 0; n < count; n++) {
		struct gpio_v2_line_config_attribute a;
		memcpy(&a, attrs + n * sizeof(a), sizeof(a));
		element(d);
		struct_begin(d);
		if (is_plain(&a.attr)) {
			show_plain_attribute(d, &a.attr);
		} else {
			field(d, "attr");
			show_attribute(d, &a.attr);
		}
		field_hex(d, "mask", a.mask);
		struct_end(d);
	}
	if (count)
		array_end(d);
}
