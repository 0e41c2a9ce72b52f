/*
 * JSON lines: one object for each event, in the order of their ends. Every object has "type", "pid" (of the process),
 * "tid" and "time" or "start" (seconds since 1970, nanoseconds behind the point). Described in trapline-trace(1).
 */
#include <signal.h>
#include <string.h>

#include "observe/sink.h"

struct json_sink {
	struct sink base;
	const struct observe_options *options;
};

static struct json_sink *json_sink(struct sink *s)
{
	return (struct json_sink *)s;
}

static void add_name(struct strbuf *b, const char *name)
{
	strbuf_add(b, ",\"", 2);
	strbuf_adds(b, name);
	strbuf_add(b, "\":", 2);
}

static void add_text(struct strbuf *b, const char *name, const char *value)
{
	add_name(b, name);
	strbuf_addc(b, '"');
	strbuf_adds(b, value);
	strbuf_addc(b, '"');
}

static void add_number(struct strbuf *b, const char *name, int64_t value)
{
	add_name(b, name);
	strbuf_add_i64(b, value);
}

static struct strbuf *begin(struct json_sink *s, struct observed_task *task, const char *type)
{
	struct output *out = writer_output(s->base.writer, task);
	if (!out)
		return NULL;
	strbuf_adds(&out->text, "{\"type\":\"");
	strbuf_adds(&out->text, type);
	strbuf_adds(&out->text, "\",\"pid\":");
	strbuf_add_i64(&out->text, task->tgid);
	add_number(&out->text, "tid", task->tid);
	return &out->text;
}

static void end(struct json_sink *s, struct observed_task *task)
{
	struct output *out = writer_output(s->base.writer, task);
	strbuf_add(&out->text, "}\n", 2);
	output_pace(out);
}

static void add_time(struct json_sink *s, struct strbuf *b, const char *name, uint64_t time_ns)
{
	add_name(b, name);
	stamp_seconds(b, time_ns + s->base.writer->clock.offset_ns, PRECISION_NS, 0);
}

/* ---- stacks ---- */

static void add_frame(struct strbuf *b, const char *frame, size_t len)
{
	static const char *const names[] = {"module", "symbol", "offset", "ip", "file", "line"};
	const char *stop = frame + len;
	bool first = true;
	strbuf_addc(b, '{');
	for (unsigned i = 0; i < ARRAY_SIZE(names) && frame <= stop; i++) {
		const char *tab = memchr(frame, '\t', (size_t)(stop - frame));
		size_t size = (size_t)((tab ? tab : stop) - frame);
		if (size) {
			strbuf_addf(b, "%s\"%s\":", first ? "" : ",", names[i]);
			bool hex = i == 2 || i == 3;
			if (hex)
				strbuf_addf(b, "\"0x%.*s\"", (int)size, frame);
			else if (i == 5)
				strbuf_add(b, frame, size);
			else
				json_add_string(b, frame, size);
			first = false;
		}
		frame = (tab ? tab : stop) + 1;
	}
	strbuf_addc(b, '}');
}

static void add_stack(struct strbuf *b, const char *stack, size_t len)
{
	add_name(b, "stack");
	strbuf_addc(b, '[');
	for (size_t at = 0; at < len;) {
		const char *newline = memchr(stack + at, '\n', len - at);
		size_t frame = newline ? (size_t)(newline - stack) - at : len - at;
		if (at)
			strbuf_addc(b, ',');
		add_frame(b, stack + at, frame);
		at += frame + 1;
	}
	strbuf_addc(b, ']');
}

/* ---- calls ---- */

/* Both halves of the arguments; exit is NULL for a call without an end. Then the result. */
static void add_arguments(struct json_sink *s, struct observed_task *task, const struct observed_event *e,
			  struct strbuf *b)
{
	const struct decode_options *o = &s->options->decode;
	struct decode_result value = {0};
	struct decode_result *result = NULL;
	struct replay_source src;
	struct json_printer p;
	if (e) {
		value = (struct decode_result){.value = e->head->result, .is_error = e->head->is_error};
		result = &value;
	}
	strbuf_addc(b, ',');
	json_printer_init(&p, b, o);
	if (!task->interrupted) {
		replay_source_init(&src, task->log.data, task->log.len);
		task->first = decode_enter(&task->call, o, &src.base, &p.base);
	}
	replay_source_init(&src, e ? e->payload : NULL, e ? e->len : 0);
	decode_exit(&task->call, result, task->first, o, &src.base, &p.base);
	json_printer_finish(&p);
	strbuf_addc(b, ',');
	decode_result_json(&task->call, result, o, &src.base, b);
}

static void add_call(struct json_sink *s, struct observed_task *task, const struct observed_event *e)
{
	char buf[32];
	struct strbuf *b = begin(s, task, "call");
	if (!b)
		return;
	add_text(b, "syscall", observed_call_name(&task->enter, buf));
	add_number(b, "nr", task->enter.nr);
	add_text(b, "abi", call_abi_name((enum call_abi)task->enter.abi));
	add_arguments(s, task, e, b);
	if (e && e->head->emulated)
		strbuf_adds(b, ",\"emulated\":true");
	if (e && (e->head->injected & 1))
		strbuf_adds(b, ",\"injected\":true");
	if (e && (e->head->injected & 8))
		strbuf_adds(b, ",\"poked\":true");
	add_time(s, b, "start", task->enter.time_ns);
	if (e) {
		add_name(b, "duration");
		stamp_seconds(b, e->head->time_ns - task->enter.time_ns, PRECISION_NS, 0);
	}
	if (task->enter.ip && s->options->show_ip)
		strbuf_addf(b, ",\"ip\":\"0x%llx\"", (unsigned long long)task->enter.ip);
	if (task->stack.len)
		add_stack(b, task->stack.data, task->stack.len);
	end(s, task);
}

static void json_call(struct sink *base, struct observed_task *task, const struct observed_event *e)
{
	struct json_sink *s = json_sink(base);
	if (s->options->statuses & (e->head->is_error ? STATUS_FAILED : STATUS_SUCCESSFUL))
		add_call(s, task, e);
}

static void json_lost(struct sink *base, struct observed_task *task, enum call_status why)
{
	struct json_sink *s = json_sink(base);
	if (!task->hidden && (s->options->statuses & why))
		add_call(s, task, NULL);
}

/* ---- other events ---- */

static bool signal_shown(const struct json_sink *s, int64_t sig)
{
	return sig >= 1 && sig <= 64 && (s->options->signals >> (sig - 1) & 1);
}

static void add_signal(struct json_sink *s, struct strbuf *b, const struct observed_event *e)
{
	char buf[16];
	add_text(b, "signal", decode_signal_name((int)e->head->result, buf));
	if (e->head->kind == RECORD_TASK_KILLED)
		strbuf_adds(b, e->head->is_error ? ",\"core\":true" : ",\"core\":false");
	if (e->len < sizeof(siginfo_t))
		return;
	siginfo_t info;
	struct json_printer p;
	struct replay_source src;
	memcpy(&info, e->payload, sizeof(info));
	replay_source_init(&src, (const char *)e->payload + sizeof(info), e->len - sizeof(info));
	json_printer_init(&p, b, &s->options->decode);
	p.open = true; /* a member of this object, not of "args" */
	strbuf_addc(b, ',');
	p.base.ops->param_begin(&p.base, "info");
	decode_siginfo(&info, &s->options->decode, &src.base, &p.base);
	p.base.ops->param_end(&p.base);
}

/* What an event's object has besides the common members. */
enum event_shape { SHAPE_NONE, SHAPE_PLAIN, SHAPE_SIGNAL, SHAPE_STATUS, SHAPE_PARENT, SHAPE_FORMER, SHAPE_ABI,
		   SHAPE_STACK };

static const struct {
	const char *type;
	enum event_shape shape;
	unsigned quiet;		/* a bit of .quiet leaves it out */
} events[] = {
	[RECORD_EXIT] = {NULL, SHAPE_NONE, 0},
	[RECORD_SIGNAL] = {"signal", SHAPE_SIGNAL, 0},
	[RECORD_GROUP_STOP] = {"stopped", SHAPE_SIGNAL, 0},
	[RECORD_TASK_NEW] = {"new", SHAPE_PARENT, QUIET_ATTACH},
	[RECORD_TASK_EXITED] = {"exited", SHAPE_STATUS, QUIET_EXIT},
	[RECORD_TASK_KILLED] = {"killed", SHAPE_SIGNAL, 0},
	[RECORD_SUPERSEDED] = {"superseded", SHAPE_FORMER, QUIET_THREAD_EXECVE},
	[RECORD_DETACHED] = {"detached", SHAPE_PLAIN, QUIET_ATTACH},
	[RECORD_STACK] = {"stack", SHAPE_STACK, 0},
	[RECORD_ABI_CHANGE] = {"abi", SHAPE_ABI, QUIET_PERSONALITY},
};

static void add_shape(struct json_sink *s, struct strbuf *b, const struct observed_event *e, enum event_shape shape)
{
	if (shape == SHAPE_SIGNAL)
		add_signal(s, b, e);
	else if (shape == SHAPE_STATUS)
		add_number(b, "status", e->head->result);
	else if (shape == SHAPE_PARENT && e->head->result)
		add_number(b, "parent", e->head->result);
	else if (shape == SHAPE_FORMER)
		add_number(b, "former_tid", e->head->result);
	else if (shape == SHAPE_ABI)
		add_text(b, "abi", call_abi_name((enum call_abi)e->head->abi));
	else if (shape == SHAPE_STACK)
		add_stack(b, e->payload, e->len);
}

static void json_event(struct sink *base, struct observed_task *task, const struct observed_event *e)
{
	struct json_sink *s = json_sink(base);
	if (e->head->kind == RECORD_ENTER) {
		strbuf_add(&task->log, e->payload, e->len);
		return;
	}
	enum event_shape shape = events[e->head->kind].shape;
	if (shape == SHAPE_NONE || (s->options->quiet & events[e->head->kind].quiet) ||
	    (shape == SHAPE_SIGNAL && !signal_shown(s, e->head->result)))
		return;
	struct strbuf *b = begin(s, task, events[e->head->kind].type);
	if (!b)
		return;
	add_shape(s, b, e, shape);
	add_time(s, b, "time", e->head->time_ns);
	end(s, task);
}

static void json_destroy(struct sink *base)
{
	free(json_sink(base));
}

static const struct sink_ops json_ops = {
	.event = json_event,
	.call = json_call,
	.lost = json_lost,
	.destroy = json_destroy,
};

struct sink *json_sink_create(struct writer *w)
{
	struct json_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->base.ops = &json_ops;
	s->options = w->options;
	return &s->base;
}
