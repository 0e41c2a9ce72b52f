/* Times as strace writes them. */
#ifndef TRAPLINE_OBSERVE_STAMP_H
#define TRAPLINE_OBSERVE_STAMP_H

#include <time.h>

#include "base/strbuf.h"
#include "observe/options.h"

/* Turns the records' CLOCK_MONOTONIC into wall-clock times. */
struct stamp_clock {
	uint64_t offset_ns;	/* wall clock minus monotonic, at the last stamp_clock_sync */
	time_t second;		/* whose local time .text is; -1: none */
	char text[16];
};

void stamp_clock_init(struct stamp_clock *c);
/* The wall clock may have been set since: call now and then. */
void stamp_clock_sync(struct stamp_clock *c);

/* Seconds with as many digits behind the point as the precision says: "12.000345"; blanks in front up to width. */
void stamp_seconds(struct strbuf *out, uint64_t ns, enum time_precision precision, unsigned width);
/* The time of day or since 1970 at a record's time_ns. */
void stamp_time(struct stamp_clock *c, struct strbuf *out, uint64_t time_ns, enum time_format format,
		enum time_precision precision);

#endif
