/* Waiting for descriptors: poll, select, epoll. What became ready is shown with the result. */
#include "syscalls/decode_priv.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "syscalls/decode_types.h"
#include "syscalls/flag_sets.h"

#define POLL_SHOWN_MAX 1024

static uint64_t shown_of(struct decoder *d, uint64_t count)
{
	uint64_t limit = d->options->verbose ? POLL_SHOWN_MAX : d->options->string_limit;
	return count < limit ? count : limit;
}

/* ---- poll ---- */

static void decode_pollfds(struct decoder *d, unsigned i)
{
	struct pollfd pfd;
	uint64_t addr = decode_arg(d, i);
	uint64_t count = decode_link(d, i, 0);
	uint64_t shown = shown_of(d, count);
	if (!addr || (count && !decode_read(d, addr, &pfd, sizeof(pfd)))) {
		show_pointer(d, addr);
		return;
	}
	uint64_t n = 0;
	array_begin(d);
	for (; n < shown; n++) {
		if (n && !decode_read(d, addr + n * sizeof(pfd), &pfd, sizeof(pfd)))
			break;
		element(d);
		struct_begin(d);
		field(d, "fd");
		show_fd(d, pfd.fd);
		if (pfd.fd >= 0)
			field_flags(d, "events", &flag_set_poll_events, (uint16_t)pfd.events);
		struct_end(d);
	}
	show_array_rest(d, addr, n, shown, count, sizeof(pfd));
	array_end(d);
	for (; d->options->all_fds && n >= shown && n < count && n < POLL_SHOWN_MAX; n++) {
		if (!decode_read(d, addr + n * sizeof(pfd), &pfd, sizeof(pfd)))
			break;
		meet_fd(d, pfd.fd);
	}
}

const struct decode_type decode_type_pollfds = {
	.decode = decode_pollfds, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};

static void show_ready_fds(struct decoder *d, uint64_t addr, uint64_t count, uint64_t ready)
{
	struct pollfd pfd;
	uint64_t shown = 0;
	uint64_t limit = shown_of(d, ready);
	array_begin(d);
	for (uint64_t n = 0; n < count && n < POLL_SHOWN_MAX && shown < ready; n++) {
		if (!decode_read(d, addr + n * sizeof(pfd), &pfd, sizeof(pfd)))
			break;
		if (!pfd.revents)
			continue;
		element(d);
		if (shown++ == limit) {
			show_text(d, "...");
			break;
		}
		struct_begin(d);
		field_sint(d, "fd", pfd.fd);
		field_flags(d, "revents", &flag_set_poll_events, (uint16_t)pfd.revents);
		struct_end(d);
	}
	array_end(d);
}

/* Bytes of a half of the timeout that ppoll and pselect6 (select: microseconds) write back. */
static bool is_time64(enum call_id id)
{
	return id == CALL_ppoll_time64 || id == CALL_pselect6_time64 || id == CALL_recvmmsg_time64;
}

static void show_left(struct decoder *d, uint64_t timeout, bool micro)
{
	uint8_t buf[16];
	unsigned size = d->i386 && !is_time64(d->call->id) ? 8 : 16;
	if (!timeout || !decode_read(d, timeout, buf, size))
		return;
	field(d, NULL);
	wrap(d, "left ");
	if (micro)
		show_timeval_at(d, timeout, size == 8);
	else
		show_timespec_at(d, timeout, size == 8);
}

/* The parenthesis behind a result, in which fields are separated as in a structure. */
static void remarks_begin(struct decoder *d)
{
	d->p->ops->remarks_begin(d->p);
}

static void remarks_end(struct decoder *d)
{
	d->p->ops->remarks_end(d->p);
}

static void show_poll_result(struct decoder *d, int64_t value)
{
	show_sint(d, value);
	if (d->options->undecoded)
		return;
	remarks_begin(d);
	if (value == 0) {
		field(d, NULL);
		show_text(d, "Timeout");
	} else {
		field(d, NULL);
		show_ready_fds(d, decode_arg(d, 0), decode_arg(d, 1), (uint64_t)value);
		if (d->call->id != CALL_poll)
			show_left(d, decode_arg(d, 2), false);
	}
	remarks_end(d);
}

const struct decode_type decode_type_poll_result = {.show_result = show_poll_result, .needs = NEEDS_RESULT};

/* ---- select ---- */

#define FD_SET_MAX 1024

static bool read_fd_set(struct decoder *d, uint64_t addr, int nfds, uint8_t set[FD_SET_MAX / 8])
{
	if (!addr || nfds < 0)
		return false;
	if (nfds > FD_SET_MAX)
		nfds = FD_SET_MAX;
	/* The kernel reads and writes whole longs. */
	size_t word = d->word;
	size_t len = ((size_t)nfds + 8 * word - 1) / (8 * word) * word;
	return !len || decode_read(d, addr, set, len);
}

/* strace says what the descriptors are where they are asked for, not where they are ready. */
static void show_fd_set(struct decoder *d, const uint8_t *set, int nfds, bool ready)
{
	d->p->ops->list_begin(d->p);
	for (int fd = 0; fd < nfds && fd < FD_SET_MAX; fd++) {
		if (!(set[fd / 8] >> fd % 8 & 1))
			continue;
		d->p->ops->item(d->p);
		if (ready)
			show_sint(d, fd);
		else
			show_fd(d, fd);
	}
	d->p->ops->list_end(d->p);
}

static void decode_fd_set(struct decoder *d, unsigned i)
{
	uint8_t set[FD_SET_MAX / 8];
	uint64_t addr = decode_arg(d, i);
	int nfds = (int)decode_link(d, i, 0);
	if (read_fd_set(d, addr, nfds, set))
		show_fd_set(d, set, nfds, false);
	else
		show_pointer(d, addr);
}

const struct decode_type decode_type_fd_set = {
	.decode = decode_fd_set, .needs = NEEDS_MEMORY, .timing = TIMING_ENTER,
};

static bool fd_set_empty(const uint8_t *set, int nfds)
{
	for (int fd = 0; fd < nfds && fd < FD_SET_MAX; fd++) {
		if (set[fd / 8] >> fd % 8 & 1)
			return false;
	}
	return true;
}

static void show_select_result(struct decoder *d, int64_t value)
{
	static const char *const names[3] = {"in ", "out ", "except "};
	uint8_t set[FD_SET_MAX / 8];
	int nfds = (int)decode_arg(d, 0);
	show_sint(d, value);
	remarks_begin(d);
	if (value == 0) {
		field(d, NULL);
		show_text(d, "Timeout");
	}
	for (unsigned n = 0; n < 3 && value > 0; n++) {
		if (!read_fd_set(d, decode_arg(d, 1 + n), nfds, set) || fd_set_empty(set, nfds))
			continue;
		field(d, NULL);
		wrap(d, names[n]);
		show_fd_set(d, set, nfds, true);
	}
	if (value > 0)
		show_left(d, decode_arg(d, 4), d->call->id == CALL_select || d->call->id == CALL__newselect);
	remarks_end(d);
}

const struct decode_type decode_type_select_result = {.show_result = show_select_result, .needs = NEEDS_RESULT};

static void show_mmsg_result(struct decoder *d, int64_t value)
{
	show_sint(d, value);
	bool receives = d->call->id == CALL_recvmmsg || d->call->id == CALL_recvmmsg_time64;
	if (!receives || !decode_arg(d, 4) || (value && d->options->undecoded))
		return;
	remarks_begin(d);
	if (value == 0) {
		field(d, NULL);
		show_text(d, "Timeout");
	} else {
		show_left(d, decode_arg(d, 4), false);
	}
	remarks_end(d);
}

const struct decode_type decode_type_mmsg_result = {.show_result = show_mmsg_result, .needs = NEEDS_RESULT};

/* ---- epoll ---- */

#define EPOLL_EVENT_SIZE sizeof(struct epoll_event)	/* packed on x86, as in i386 and x32 */

static void show_epoll_event(struct decoder *d, const uint8_t *b)
{
	struct epoll_event ev;
	memcpy(&ev, b, sizeof(ev));
	struct_begin(d);
	field_flags(d, "events", &flag_set_epoll_events, ev.events);
	field(d, "data");
	struct_begin(d);
	field_uint(d, "u32", ev.data.u32);
	field_uint(d, "u64", ev.data.u64);
	struct_end(d);
	struct_end(d);
}

static void decode_epoll_event_in(struct decoder *d, unsigned i)
{
	uint8_t b[EPOLL_EVENT_SIZE];
	uint64_t addr = decode_arg(d, i);
	if (decode_link(d, i, 0) == EPOLL_CTL_DEL)
		show_pointer(d, addr);
	else if (decode_fetch(d, addr, b, sizeof(b)))
		show_epoll_event(d, b);
}

static void decode_epoll_events_out(struct decoder *d, unsigned i)
{
	uint8_t b[64 * EPOLL_EVENT_SIZE];
	uint64_t addr = decode_arg(d, i);
	uint64_t count = decode_failed(d) ? 0 : (uint64_t)d->result->value;
	uint64_t shown = shown_of(d, count);
	if (shown > 64)
		shown = 64;
	if (!addr || decode_failed(d) || (shown && !decode_read(d, addr, b, shown * EPOLL_EVENT_SIZE))) {
		show_pointer(d, addr);
		return;
	}
	array_begin(d);
	for (uint64_t n = 0; n < shown; n++) {
		element(d);
		show_epoll_event(d, b + n * EPOLL_EVENT_SIZE);
	}
	if (shown < count)
		elided(d);
	array_end(d);
}

const struct decode_type decode_type_epoll_event_in = {.decode = decode_epoll_event_in, .needs = NEEDS_MEMORY};
const struct decode_type decode_type_epoll_events_out = {.decode = decode_epoll_events_out, .needs = NEEDS_MEMORY};
