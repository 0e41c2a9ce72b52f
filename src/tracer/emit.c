/*
 * From a stop to a record. Decoding runs here once with a printer that prints nothing, over live memory, and every
 * answer of the guest's memory is kept in a read log behind the record; the writer thread decodes again from the log.
 */
#include <time.h>

#include "observe/recorder.h"
#include "tracer/live_source.h"
#include "tracer/session_private.h"
#include "tracer/unwind.h"

uint64_t now_ns(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void put(struct session *s, struct record *r, const void *payload, size_t len)
{
	(void)pthread_mutex_lock(&s->emit_lock);
	recorder_put(s->options->recorder, r, payload, len);
	(void)pthread_mutex_unlock(&s->emit_lock);
}

static struct record call_record(struct tracee *t, enum record_kind kind, uint64_t now)
{
	struct record r = {
		.kind = (uint8_t)kind, .abi = t->abi, .id = t->id, .tid = t->tid, .tgid = tracee_tgid(t),
		.time_ns = now, .nr = t->nr, .ip = t->ip,
	};
	for (int i = 0; i < 6; i++)
		r.args[i] = t->args[i];
	return r;
}

static struct decode_call decode_call_of(const struct tracee *t)
{
	struct decode_call call = {.id = t->id, .abi = (enum call_abi)t->abi, .nr = t->nr, .tid = t->tid};
	for (int i = 0; i < 6; i++)
		call.args[i] = t->args[i];
	return call;
}

static void emit_stack(struct session *s, struct tracee *t, uint64_t now)
{
	strbuf_clear(&s->log);
	if (unwind_stack(s->unwinder, t->tid, tracee_tgid(t), &s->log) < 0)
		return;
	struct record r = call_record(t, RECORD_STACK, now);
	put(s, &r, s->log.data, s->log.len);
}

void emit_enter(struct session *s, struct tracee *t, uint64_t now)
{
	const struct decode_options *options = s->options->decode;
	struct record r = call_record(t, RECORD_ENTER, now);
	struct decode_call call = decode_call_of(t);
	strbuf_clear(&s->log);
	if (decode_needs_source_enter(t->id, options)) {
		struct live_source live;
		struct recording_source recording;
		live_source_init(&live, t->tid, tracee_tgid(t));
		recording_source_init(&recording, &live.base, &s->log);
		t->first_out = (uint8_t)decode_enter(&call, options, &recording.base, null_printer());
	} else {
		struct replay_source nothing;
		replay_source_init(&nothing, NULL, 0);
		t->first_out = (uint8_t)decode_enter(&call, options, &nothing.base, null_printer());
	}
	put(s, &r, s->log.data, s->log.len);
	if (s->options->record_stack)
		emit_stack(s, t, now);
}

void emit_exit(struct session *s, struct tracee *t, int64_t value, bool is_error, uint64_t now)
{
	const struct decode_options *options = s->options->decode;
	struct record r = call_record(t, RECORD_EXIT, now);
	r.result = value;
	r.is_error = is_error;
	r.emulated = t->answered;
	strbuf_clear(&s->log);
	if (decode_needs_source_exit(t->id, options)) {
		struct decode_call call = decode_call_of(t);
		struct decode_result result = {.value = value, .is_error = is_error};
		struct live_source live;
		struct recording_source recording;
		live_source_init(&live, t->tid, tracee_tgid(t));
		recording_source_init(&recording, &live.base, &s->log);
		decode_exit(&call, &result, t->first_out, options, &recording.base, null_printer());
		AUTO_STRBUF struct strbuf text;
		strbuf_init(&text);
		decode_result_text(&call, &result, options, &recording.base, &text);
	}
	put(s, &r, s->log.data, s->log.len);
}

void emit_task(struct session *s, struct tracee *t, int kind, int64_t result, bool flag)
{
	if (!s->options->recorder || !s->options->record_tasks || t->launching)
		return;
	struct record r = {
		.kind = (uint8_t)kind, .abi = t->abi, .id = CALL_NONE, .tid = t->tid, .tgid = tracee_tgid(t),
		.time_ns = now_ns(), .result = result, .is_error = flag,
	};
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
	put(s, &r, info, sizeof(*info));
}

/* A notified call: workers have no tracee, and see no result of a call that they pass on. */
void emit_notified(struct session *s, const struct call_event *ev, const struct verdict *verdict, uint64_t now)
{
	struct tracee t = {.tid = ev->tid, .abi = (uint8_t)ev->abi, .id = ev->id, .nr = ev->nr};
	for (int i = 0; i < 6; i++)
		t.args[i] = ev->args[i];
	struct decode_call call = decode_call_of(&t);
	AUTO_STRBUF struct strbuf log;
	strbuf_init(&log);
	struct live_source live;
	struct recording_source recording;
	live_source_init(&live, t.tid, tracee_tgid(&t));
	recording_source_init(&recording, &live.base, &log);
	unsigned first = decode_enter(&call, s->options->decode, &recording.base, null_printer());
	struct record r = call_record(&t, RECORD_ENTER, now);
	put(s, &r, log.data, log.len);
	if (verdict->kind != VERDICT_VALUE)
		return;
	strbuf_clear(&log);
	struct decode_result result = {.value = verdict->value, .is_error = verdict->value < 0 && verdict->value >= -4095};
	decode_exit(&call, &result, first, s->options->decode, &recording.base, null_printer());
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	decode_result_text(&call, &result, s->options->decode, &recording.base, &text);
	r = call_record(&t, RECORD_EXIT, now_ns());
	r.result = verdict->value;
	r.is_error = result.is_error;
	r.emulated = true;
	put(s, &r, log.data, log.len);
}
