#include "observe/stamp.h"

static const uint64_t second_ns = 1000000000;

void stamp_clock_init(struct stamp_clock *c)
{
	*c = (struct stamp_clock){.second = -1};
	stamp_clock_sync(c);
}

void stamp_clock_sync(struct stamp_clock *c)
{
	struct timespec wall, monotonic;
	(void)clock_gettime(CLOCK_REALTIME, &wall);
	(void)clock_gettime(CLOCK_MONOTONIC, &monotonic);
	uint64_t offset = (uint64_t)(wall.tv_sec - monotonic.tv_sec) * second_ns + (uint64_t)wall.tv_nsec -
			  (uint64_t)monotonic.tv_nsec;
	/* Two clock readings are not one: ignore what is only the time between them, or stamps would jitter. */
	if ((int64_t)(offset - c->offset_ns) > 100000 || (int64_t)(c->offset_ns - offset) > 100000)
		c->offset_ns = offset;
}

static void add_fraction(struct strbuf *out, uint64_t ns, enum time_precision precision)
{
	char digits[10] = ".";
	uint64_t rest = ns % second_ns;
	for (unsigned i = PRECISION_NS; i > 0; i--) {
		digits[i] = (char)('0' + rest % 10);
		rest /= 10;
	}
	if (precision)
		strbuf_add(out, digits, 1 + (size_t)precision);
}

void stamp_seconds(struct strbuf *out, uint64_t ns, enum time_precision precision, unsigned width)
{
	uint64_t seconds = ns / second_ns;
	unsigned digits = 1;
	for (uint64_t v = seconds; v >= 10; v /= 10)
		digits++;
	for (; digits < width; digits++)
		strbuf_addc(out, ' ');
	strbuf_add_u64(out, seconds);
	add_fraction(out, ns, precision);
}

void stamp_time(struct stamp_clock *c, struct strbuf *out, uint64_t time_ns, enum time_format format,
		enum time_precision precision)
{
	uint64_t wall = time_ns + c->offset_ns;
	if (format == TIME_UNIX) {
		stamp_seconds(out, wall, precision, 0);
		return;
	}
	time_t second = (time_t)(wall / second_ns);
	if (second != c->second) {
		struct tm tm;
		c->second = second;
		if (!localtime_r(&second, &tm) || !strftime(c->text, sizeof(c->text), "%H:%M:%S", &tm))
			c->text[0] = '\0';
	}
	strbuf_adds(out, c->text);
	add_fraction(out, wall, precision);
}
