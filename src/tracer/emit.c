/*
 * From a stop to a record. Decoding runs here once with a printer that prints nothing, over live memory, and every
 * answer of the guest's memory is kept in a read log behind the record; the writer thread decodes again from the log.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "observe/recorder.h"
#include "tracer/live_source.h"
#include "tracer/multiplexed.h"
#include "tracer/ptrace/handover.h"
#include "tracer/ptrace/ops.h"
#include "tracer/session_private.h"
#include "tracer/unwind.h"

/* include/linux/err.h, MAX_ERRNO */
enum { ERRNO_MAX = 4095 };

uint64_t now_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The second trap thread is started by the first, which is not here then. */
static bool is_only_producer(const struct session *s)
{
	return !handover_several(s) && call_set_empty(&s->notified);
}

static void put(struct session *s, struct record *r, const void *payload, size_t len)
{
	if (is_only_producer(s)) {
		recorder_put(s->options->recorder, r, payload, len);
		return;
	}
	(void)pthread_mutex_lock(&s->emit_lock);
	recorder_put(s->options->recorder, r, payload, len);
	(void)pthread_mutex_unlock(&s->emit_lock);
}

static struct record call_record(struct tracee *t, enum record_kind kind, uint64_t now)
{
	struct record r = {
		.kind = (uint8_t)kind, .abi = (uint8_t)t->shown.abi, .id = t->shown.id, .tid = t->tid,
		.tgid = tracee_tgid(t), .time_ns = now, .nr = t->shown.nr, .ip = t->ip,
	};
	memcpy(r.args, t->shown.args, sizeof(r.args));
	return r;
}

/* What a record is made from: a recording source over the live task. */
struct capture {
	struct live_source live;
	struct recording_source recording;
};

static struct decode_source *capture_init(struct capture *c, struct tracee *t, struct strbuf *log)
{
	strbuf_clear(log);
	live_source_init(&c->live, t->tid, tracee_tgid(t));
	recording_source_init(&c->recording, &c->live.base, log);
	return &c->recording.base;
}

/* The kernel gives a 32-bit program's registers in a form that libunwind, made for the host's, takes for its own. */
static bool innermost_alone(struct tracee *t, uint64_t *ret_ip)
{
	struct regs r;
	if (t->call.abi != ABI_I386)
		return false;
	calls_regs(t, &r);
	return regs_fetch(&r) == 0 && r.narrow && regs_get(&r, REG_IP, ret_ip) == 0;
}

static void emit_stack(struct session *s, struct tracee *t, uint64_t now)
{
	struct strbuf *log = &t->by->log;
	uint64_t ip;
	strbuf_clear(log);
	if (innermost_alone(t, &ip)) {
		if (!ip)	/* behind execve, before it stands in the new program */
			return;
		unwind_innermost(s->unwinder, tracee_tgid(t), ip, log);
	} else if (unwind_stack(s->unwinder, t->tid, tracee_tgid(t), log) < 0)
		return;
	struct record r = call_record(t, RECORD_STACK, now);
	put(s, &r, log->data, log->len);
}

/* Its command, before the line that is to show it. */
void emit_comm(struct session *s, struct tracee *t, uint64_t now)
{
	char path[64], comm[sizeof(t->comm)] = "";
	if (!s->options->recorder || !s->options->decode->pid_comms)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", t->tid);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, comm, sizeof(comm));
	if (len < 1)
		return;
	char *newline = memchr(comm, '\n', (size_t)len);
	if (newline)
		*newline = '\0';
	if (memcmp(comm, t->comm, sizeof(comm)) == 0)
		return;
	memcpy(t->comm, comm, sizeof(comm));
	struct record r = {
		.kind = RECORD_COMM, .abi = t->abi, .id = CALL_NONE, .tid = t->tid, .tgid = tracee_tgid(t), .time_ns = now,
	};
	put(s, &r, comm, strnlen(comm, sizeof(comm)));
}

/* A task starts in the host's ABI; strace's readers are told when it makes calls through another. */
void emit_abi(struct session *s, struct tracee *t)
{
	enum call_abi shown = t->other_abi ? (enum call_abi)t->shown_abi : host_abi();
	if (t->call.abi == shown)
		return;
	t->shown_abi = (uint8_t)t->call.abi;
	t->other_abi = t->call.abi != host_abi();
	emit_task(s, t, RECORD_ABI_CHANGE, 0, false);
}

bool emit_wants(const struct session *s, struct tracee *t)
{
	if (!s->options->recorder || !call_set_has(&s->recorded, t->call.id))
		return false;
	t->shown = t->call;
	multiplexed_resolve(&t->shown);
	return t->shown.id == t->call.id || call_set_has(&s->recorded, t->shown.id);
}

static void capture_enter(struct session *s, struct tracee *t, struct strbuf *log)
{
	struct capture c;
	struct decode_source *src = capture_init(&c, t, log);
	t->first_out = (uint8_t)decode_enter(&t->shown, s->options->decode, src, null_printer());
}

static void decode_late(struct tracee *t, const struct decode_result *result, const struct decode_options *options,
			struct decode_source *src)
{
	decode_exit(&t->shown, result, t->first_out, options, src, null_printer());
	decode_result_text(&t->shown, result, options, src, NULL);
}

static void capture_exit(struct session *s, struct tracee *t, const struct decode_result *result, struct strbuf *log)
{
	struct capture c;
	struct decode_source *src = capture_init(&c, t, log);
	decode_late(t, result, s->options->decode, src);
	if (s->options->decode->dump)
		decode_dump_text(&t->shown, result, s->options->decode, src, NULL);
}

void emit_enter(struct session *s, struct tracee *t, uint64_t now)
{
	struct record r = call_record(t, RECORD_ENTER, now);
	struct strbuf *log = &t->by->log;
	emit_comm(s, t, now);
	t->entered_system_ns = t->by->system_ns;
	capture_enter(s, t, log);
	put(s, &r, log->data, log->len);
}

static struct record exit_record(struct tracee *t, const struct decode_result *result, uint64_t time_ns)
{
	struct record r = call_record(t, RECORD_EXIT, time_ns);
	r.result = result->value;
	r.is_error = result->is_error;
	return r;
}

static bool needs_capture(const struct session *s, const struct tracee *t)
{
	return decode_needs_source_exit(t->shown.id, t->shown.abi, s->options->decode);
}

void emit_exit(struct session *s, struct tracee *t, int64_t value, bool is_error, uint64_t now)
{
	/* Before the end, so that whoever waits for the whole call has it then. */
	if (s->options->record_stack)
		emit_stack(s, t, now);
	struct strbuf *log = &t->by->log;
	struct decode_result result = {.value = multiplexed_result(&t->call, &t->shown, value), .is_error = is_error};
	struct record r = exit_record(t, &result, now);
	r.emulated = t->answered;
	r.injected = t->injected;
	if (t->by->system_ns > t->entered_system_ns)
		r.cpu_ns = t->by->system_ns - t->entered_system_ns;
	if (needs_capture(s, t) || (s->options->decode->dump && decode_dumps(&t->shown, s->options->decode)))
		capture_exit(s, t, &result, log);
	else
		strbuf_clear(log);
	put(s, &r, log->data, log->len);
}

void emit_late_exit(struct trap_thread *by, struct tracee *t, const struct end_slot *end)
{
	struct session *s = by->session;
	struct decode_result result = {.value = end->result, .is_error = (uint64_t)end->result >= (uint64_t)-ERRNO_MAX};
	struct record r = exit_record(t, &result, end->time_ns);
	struct strbuf *log = &by->log;
	strbuf_clear(log);
	if (needs_capture(s, t)) {
		struct capture c;
		struct decode_source *src = capture_init(&c, t, log);
		c.live.late = (struct live_late){.addr = end->addr, .len = end->got, .bytes = end->data};
		decode_late(t, &result, s->options->decode, src);
	}
	put(s, &r, log->data, log->len);
}

void emit_task(struct session *s, struct tracee *t, int kind, int64_t result, bool flag)
{
	if (!s->options->recorder || !s->options->record_tasks || t->launching)
		return;
	struct record r = {
		.kind = (uint8_t)kind, .abi = t->abi, .id = CALL_NONE, .tid = t->tid, .tgid = tracee_tgid(t),
		.time_ns = now_ns(), .result = result, .is_error = flag,
	};
	emit_comm(s, t, r.time_ns);
	put(s, &r, NULL, 0);
}

void emit_signal(struct session *s, struct tracee *t, const siginfo_t *info)
{
	if (!s->options->recorder || !s->options->record_tasks || t->launching)
		return;
	if (!(s->options->recorded_signals >> (info->si_signo - 1) & 1))
		return;
	struct record r = {
		.kind = RECORD_SIGNAL, .abi = t->abi, .id = CALL_NONE, .tid = t->tid, .tgid = tracee_tgid(t),
		.time_ns = now_ns(), .result = info->si_signo,
	};
	struct ptrace_syscall_info stop;
	if (s->options->record_ip && ops_syscall_info(t->tid, &stop) == 0)
		r.ip = stop.instruction_pointer;
	emit_comm(s, t, r.time_ns);
	struct strbuf *log = &t->by->log;
	struct capture c;
	struct decode_source *src = capture_init(&c, t, log);
	strbuf_add(log, info, sizeof(*info));
	decode_siginfo(info, s->options->decode, src, null_printer());
	put(s, &r, log->data, log->len);
}

/* A notified call: workers have no tracee, and see no result of a call that they pass on. */
static struct tracee notified_tracee(struct session *s, const struct call_event *ev)
{
	struct tracee t = {
		.tid = ev->tid, .tgid = tracee_tgid_of(s, ev->tid), .abi = (uint8_t)ev->abi, .ip = ev->ip,
		.call = {.id = ev->id, .abi = ev->abi, .nr = ev->nr, .tid = ev->tid},
	};
	memcpy(t.call.args, ev->args, sizeof(t.call.args));
	t.shown = t.call;
	multiplexed_resolve(&t.shown);
	return t;
}

void emit_notified_enter(struct session *s, const struct call_event *ev, uint64_t now)
{
	struct tracee t = notified_tracee(s, ev);
	if (!call_set_has(&s->recorded, t.shown.id))
		return;
	AUTO_STRBUF struct strbuf log;
	strbuf_init(&log);
	struct record r = call_record(&t, RECORD_ENTER, now);
	capture_enter(s, &t, &log);
	put(s, &r, log.data, log.len);
}

void emit_notified_exit(struct session *s, const struct call_event *ev, int64_t value, uint32_t injected)
{
	struct tracee t = notified_tracee(s, ev);
	if (!call_set_has(&s->recorded, t.shown.id))
		return;
	const struct verdict v = verdict_value(value);
	struct decode_result result = {.value = value, .is_error = verdict_is_error(&v)};
	AUTO_STRBUF struct strbuf log;
	strbuf_init(&log);
	/* What is decoded behind the call depends on where the first walk ended. */
	capture_enter(s, &t, &log);
	strbuf_clear(&log);
	capture_exit(s, &t, &result, &log);
	struct record r = call_record(&t, RECORD_EXIT, now_ns());
	r.result = value;
	r.is_error = result.is_error;
	r.emulated = true;
	r.injected = injected;
	put(s, &r, log.data, log.len);
}
