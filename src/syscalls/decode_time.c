/* Times, timers, clocks. A 32-bit program has 32-bit seconds, except in the calls whose names end in 64. */
#include "syscalls/decode_priv.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

struct time_pair {
	int64_t sec;
	int64_t frac;	/* nanoseconds or microseconds */
};

static struct time_pair time_at(const uint8_t *at, unsigned size)
{
	return (struct time_pair){decode_sint_at(at, size), decode_sint_at(at + size, size)};
}

/* Bytes of each half in the ABI's own timespec and timeval. */
static unsigned time_size(const struct decoder *d)
{
	return d->i386 ? 4 : 8;
}

static void show_time(struct decoder *d, const uint8_t *at, unsigned size, const char *fraction)
{
	struct time_pair t = time_at(at, size);
	struct_begin(d);
	field_sint(d, "tv_sec", t.sec);
	field(d, fraction);
	/* strace takes nanoseconds and microseconds for unsigned. */
	show_uint(d, size == 4 ? (uint32_t)t.frac : (uint64_t)t.frac);
	struct_end(d);
}

static void show_timespec(struct decoder *d, const uint8_t *at, unsigned size)
{
	show_time(d, at, size, "tv_nsec");
}

static void show_timeval(struct decoder *d, const uint8_t *at, unsigned size)
{
	show_time(d, at, size, "tv_usec");
}

typedef void show_fn(struct decoder *d, const uint8_t *at, unsigned size);

static void show_one_at(struct decoder *d, uint64_t addr, unsigned size, show_fn *show)
{
	uint8_t buf[16];
	if (decode_fetch(d, addr, buf, 2 * size))
		show(d, buf, size);
}

void show_timespec_at(struct decoder *d, uint64_t addr, bool time32)
{
	show_one_at(d, addr, time32 ? 4 : 8, show_timespec);
}

void show_timeval_at(struct decoder *d, uint64_t addr, bool time32)
{
	show_one_at(d, addr, time32 ? 4 : 8, show_timeval);
}

static void decode_timespec(struct decoder *d, unsigned i)
{
	show_timespec_at(d, decode_arg(d, i), d->i386);
}

static void decode_timespec64(struct decoder *d, unsigned i)
{
	show_timespec_at(d, decode_arg(d, i), false);
}

static void decode_timeval(struct decoder *d, unsigned i)
{
	show_timeval_at(d, decode_arg(d, i), d->i386);
}

/* nanosleep fills in what is left only when a signal ended it. */
static bool remainder_is_set(struct decoder *d)
{
	switch (d->call->id) {
	case CALL_nanosleep:
	case CALL_clock_nanosleep:
	case CALL_clock_nanosleep_time64:
		/* Until a time, nothing is left. */
		if (d->call->id != CALL_nanosleep && d->call->args[1] & 1 /* TIMER_ABSTIME */)
			return false;
		return d->result && d->result->is_error &&
			(d->result->value == -EINTR || (d->result->value <= -512 && d->result->value >= -516));
	default:
		return true;
	}
}

static void show_out(struct decoder *d, uint64_t addr, unsigned size)
{
	uint8_t buf[16];
	if (d->call->id == CALL_nanosleep || d->call->id == CALL_clock_nanosleep ||
	    d->call->id == CALL_clock_nanosleep_time64) {
		if (addr && remainder_is_set(d) && decode_read(d, addr, buf, 2 * size))
			show_timespec(d, buf, size);
		else
			show_pointer(d, addr);
		return;
	}
	show_one_at(d, addr, size, show_timespec);
}

static void decode_timespec_out(struct decoder *d, unsigned i)
{
	show_out(d, decode_arg(d, i), time_size(d));
}

static void decode_timespec64_out(struct decoder *d, unsigned i)
{
	show_out(d, decode_arg(d, i), 8);
}

/*
 * A time to wait for that the kernel overwrites with what is left. recvmmsg shows it at its end, as it was: kept in
 * carry, the fraction inverted so that 0 is none.
 */
static void remember_wait(struct decoder *d, unsigned i, unsigned size)
{
	uint8_t buf[16];
	uint64_t addr = decode_arg(d, i);
	if (!addr || !decode_read(d, addr, buf, 2 * size))
		return;
	struct time_pair t = time_at(buf, size);
	d->call->carry[0] = (uint64_t)t.sec;
	d->call->carry[1] = ~(uint64_t)t.frac;
}

static void show_wait(struct decoder *d, unsigned i, unsigned size)
{
	uint64_t addr = decode_arg(d, i);
	if (!d->exiting || !addr || !d->call->carry[1]) {
		show_timespec_at(d, addr, size == 4);
		return;
	}
	struct_begin(d);
	field_sint(d, "tv_sec", (int64_t)d->call->carry[0]);
	field(d, "tv_nsec");
	show_uint(d, size == 4 ? (uint32_t)~d->call->carry[1] : ~d->call->carry[1]);
	struct_end(d);
}

static void remember_timespec(struct decoder *d, unsigned i)
{
	remember_wait(d, i, time_size(d));
}

static void decode_timespec_wait(struct decoder *d, unsigned i)
{
	show_wait(d, i, time_size(d));
}

static void remember_timespec64(struct decoder *d, unsigned i)
{
	remember_wait(d, i, 8);
}

static void decode_timespec64_wait(struct decoder *d, unsigned i)
{
	show_wait(d, i, 8);
}

const struct decode_type decode_type_timespec_in = {.decode = decode_timespec, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timespec_out = {.decode = decode_timespec_out, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timespec_inout = {
	.decode = decode_timespec_wait, .remember = remember_timespec, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};
const struct decode_type decode_type_timespec64_in = {.decode = decode_timespec64, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timespec64_out = {.decode = decode_timespec64_out, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timespec64_inout = {
	.decode = decode_timespec64_wait, .remember = remember_timespec64, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};
const struct decode_type decode_type_timeval_in = {.decode = decode_timeval, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timeval_out = {.decode = decode_timeval, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timeval_inout = {
	.decode = decode_timeval, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};

/* ---- two times: of access, of modification ---- */

static void show_utime(struct decoder *d, const uint8_t *at, unsigned size)
{
	struct time_pair t = time_at(at, size);
	const char *name = t.frac == UTIME_NOW ? "UTIME_NOW" : t.frac == UTIME_OMIT ? "UTIME_OMIT" : NULL;
	if (name && d->options->consts == CONST_ABBREV) {
		show_text(d, name);
		return;
	}
	show_timespec(d, at, size);
	if (!name)
		d->p->ops->time(d->p, t.sec, (uint64_t)t.frac, 9);
	else if (d->options->consts == CONST_VERBOSE)
		show_comment(d, name);
}

static void show_dated_timeval(struct decoder *d, const uint8_t *at, unsigned size)
{
	struct time_pair t = time_at(at, size);
	show_timeval(d, at, size);
	d->p->ops->time(d->p, t.sec, (uint64_t)t.frac * 1000, 6);
}

static void show_pair_at(struct decoder *d, uint64_t addr, unsigned size, show_fn *show)
{
	uint8_t buf[32];
	if (!decode_fetch(d, addr, buf, 4 * size))
		return;
	array_begin(d);
	element(d);
	show(d, buf, size);
	element(d);
	show(d, buf + 2 * size, size);
	array_end(d);
}

static void decode_timespec_pair(struct decoder *d, unsigned i)
{
	show_pair_at(d, decode_arg(d, i), time_size(d), show_utime);
}

static void decode_timespec64_pair(struct decoder *d, unsigned i)
{
	show_pair_at(d, decode_arg(d, i), 8, show_utime);
}

static void decode_timeval_pair(struct decoder *d, unsigned i)
{
	show_pair_at(d, decode_arg(d, i), time_size(d), show_dated_timeval);
}

const struct decode_type decode_type_timespec_pair = {.decode = decode_timespec_pair, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timespec64_pair = {.decode = decode_timespec64_pair, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_timeval_pair = {.decode = decode_timeval_pair, .needs = NEEDS_MEMORY};

static void decode_utimbuf(struct decoder *d, unsigned i)
{
	uint8_t buf[16];
	unsigned size = time_size(d);
	if (!decode_fetch(d, decode_arg(d, i), buf, 2 * size))
		return;
	struct time_pair t = time_at(buf, size);
	struct_begin(d);
	field_sint(d, "actime", t.sec);
	d->p->ops->time(d->p, t.sec, 0, 9);
	field_sint(d, "modtime", t.frac);
	d->p->ops->time(d->p, t.frac, 0, 9);
	struct_end(d);
}

const struct decode_type decode_type_utimbuf = {.decode = decode_utimbuf, .needs = NEEDS_MEMORY};

/* ---- intervals ---- */

static void show_interval_at(struct decoder *d, uint64_t addr, unsigned size, show_fn *show)
{
	uint8_t buf[32];
	if (!decode_fetch(d, addr, buf, 4 * size))
		return;
	struct_begin(d);
	field(d, "it_interval");
	show(d, buf, size);
	field(d, "it_value");
	show(d, buf + 2 * size, size);
	struct_end(d);
}

static void decode_itimerval(struct decoder *d, unsigned i)
{
	show_interval_at(d, decode_arg(d, i), time_size(d), show_timeval);
}

static void decode_itimerspec(struct decoder *d, unsigned i)
{
	show_interval_at(d, decode_arg(d, i), time_size(d), show_timespec);
}

static void decode_itimerspec64(struct decoder *d, unsigned i)
{
	show_interval_at(d, decode_arg(d, i), 8, show_timespec);
}

const struct decode_type decode_type_itimerval_in = {.decode = decode_itimerval, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_itimerval_out = {.decode = decode_itimerval, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_itimerspec_in = {.decode = decode_itimerspec, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_itimerspec_out = {.decode = decode_itimerspec, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_itimerspec64_in = {.decode = decode_itimerspec64, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_itimerspec64_out = {.decode = decode_itimerspec64, .needs = NEEDS_MEMORY};

/* ---- odds and ends ---- */

static const struct field_desc timezone_fields[] = {
	FIELD(struct timezone, tz_minuteswest, FIELD_SINT),
	FIELD(struct timezone, tz_dsttime, FIELD_SINT),
};
static const struct layout timezone_layout = LAYOUT(struct timezone, timezone_fields);
static const struct layout_pair timezone_pair = {&timezone_layout, &timezone_layout};

const struct decode_type decode_type_timezone_in = {
	.decode = decode_struct, .data = &timezone_pair, .needs = NEEDS_MEMORY,
};
const struct decode_type decode_type_timezone_out = {
	.decode = decode_struct, .data = &timezone_pair, .needs = NEEDS_MEMORY,
};

static void show_timex_time(struct decoder *d, const uint8_t *at, const uint8_t *whole UNUSED)
{
	show_timeval(d, at, 8);
}

static const struct field_desc timex_fields[] = {
	FIELD_SET(struct timex, modes, flag_set_adjtimex_modes),
	FIELD(struct timex, offset, FIELD_SINT),
	FIELD(struct timex, freq, FIELD_SINT),
	FIELD(struct timex, maxerror, FIELD_UINT),
	FIELD(struct timex, esterror, FIELD_UINT),
	FIELD_SET(struct timex, status, flag_set_adjtimex_status),
	FIELD(struct timex, constant, FIELD_SINT),
	FIELD(struct timex, precision, FIELD_UINT),
	FIELD(struct timex, tolerance, FIELD_SINT),
	FIELD_FN(struct timex, time, show_timex_time),
	FIELD(struct timex, tick, FIELD_SINT),
	FIELD(struct timex, ppsfreq, FIELD_SINT),
	FIELD(struct timex, jitter, FIELD_SINT),
	FIELD(struct timex, shift, FIELD_SINT),
	FIELD(struct timex, stabil, FIELD_SINT),
	FIELD(struct timex, jitcnt, FIELD_SINT),
	FIELD(struct timex, calcnt, FIELD_SINT),
	FIELD(struct timex, errcnt, FIELD_SINT),
	FIELD(struct timex, stbcnt, FIELD_SINT),
	FIELD(struct timex, tai, FIELD_SINT),
};
static const struct layout timex_layout = LAYOUT(struct timex, timex_fields);
static const struct layout_pair timex_pair = {&timex_layout, NULL};
static const struct layout_pair timex64_pair = {&timex_layout, &timex_layout};

const struct decode_type decode_type_timex = {
	.decode = decode_struct, .data = &timex_pair, .needs = NEEDS_MEMORY, .timing = TIMING_EXIT,
};
const struct decode_type decode_type_timex64 = {
	.decode = decode_struct, .data = &timex64_pair, .needs = NEEDS_MEMORY, .timing = TIMING_EXIT,
};

static void show_ticks(struct decoder *d, const char *name, int64_t ticks)
{
	field_sint(d, name, ticks);
	if (ticks > 0 && d->options->consts != CONST_RAW)
		show_commentf(d, "%lld.%02lld s", (long long)ticks / 100, (long long)ticks % 100);
}

static void decode_tms(struct decoder *d, unsigned i)
{
	uint8_t buf[32];
	unsigned n = d->word;
	if (!decode_fetch(d, decode_arg(d, i), buf, 4 * n))
		return;
	struct_begin(d);
	show_ticks(d, "tms_utime", decode_sint_at(buf, n));
	show_ticks(d, "tms_stime", decode_sint_at(buf + n, n));
	show_ticks(d, "tms_cutime", decode_sint_at(buf + 2 * n, n));
	show_ticks(d, "tms_cstime", decode_sint_at(buf + 3 * n, n));
	struct_end(d);
}

const struct decode_type decode_type_tms = {.decode = decode_tms, .needs = NEEDS_MEMORY};

/* CLOCK_MONOTONIC, or a clock that belongs to a process, a thread or a descriptor. */
static void decode_clockid(struct decoder *d, unsigned i)
{
	static const char *const kinds[4] = {"PROF", "VIRT", "SCHED", NULL};
	int id = (int)decode_arg(d, i);
	if (id >= 0) {
		show_flags(d, &flag_set_clock_names, (uint32_t)id);
		return;
	}
	int owner = ~(id >> 3);
	unsigned kind = (unsigned)id & 3;
	if ((id & 7) == 3)
		show_textf(d, "FD_TO_CLOCKID(%d)", owner);
	else if (kinds[kind])
		show_textf(d, "MAKE_%s_CPUCLOCK(%d, CPUCLOCK_%s)", id & 4 ? "THREAD" : "PROCESS", owner, kinds[kind]);
	else
		show_textf(d, "MAKE_%s_CPUCLOCK(%d, %#x /* CPUCLOCK_??? */)", id & 4 ? "THREAD" : "PROCESS", owner,
			   kind);
}

const struct decode_type decode_type_clockid = {.decode = decode_clockid};
