/*
 * strace's text. A call's line begins when it is entered and ends when it returns; if another task has something to
 * say in between, the line is broken off with "<unfinished ...>" and taken up again with "<... NAME resumed>". When
 * calls are chosen by how they end (-z, --status), a line is written only then, with the times of its beginning.
 */
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "observe/sink.h"

struct text_sink {
	struct sink base;
	const struct observe_options *options;
	struct printer_ops ops;		/* the text printer's, or with paths of descriptors hidden */
	/* as .options->decode, with them hidden too: a result is the last to read the log */
	struct decode_options result;
	bool at_end;			/* lines are written when calls end */
	struct observed_task *open;	/* whose line is open on the common output */
	uint64_t previous_ns;		/* time of the line before, for -r; 0: none */
	struct strbuf scratch;		/* what is put together before it is written */
};

static struct text_sink *text_sink(struct sink *s)
{
	return (struct text_sink *)s;
}

/* The text printer, told whether the comma in front of the arguments that only the end knows is there already. */
struct call_printer {
	struct text_printer text;
	bool comma;
};

static void resume_behind_comma(struct printer *p, unsigned done)
{
	struct call_printer *c = (struct call_printer *)p;
	c->text.params = c->comma ? 0 : done;
}

static void call_printer_init(struct text_sink *s, struct call_printer *p, struct strbuf *b)
{
	text_printer_init(&p->text, b, &s->options->decode);
	p->text.base.ops = &s->ops;
	p->comma = false;
}

/* ---- lines ---- */

/* ") " and blanks up to the column of "=". */
static void close_arguments(const struct text_sink *s, const struct observed_task *task, struct output *out)
{
	strbuf_add(&out->text, ") ", 2);
	uint64_t end = task->line_start + s->options->column;
	for (uint64_t at = output_position(out); at < end; at++)
		strbuf_addc(&out->text, ' ');
}

/* A call that does not return: its line need not wait for anything. */
static bool ends_task(const struct observed_task *task)
{
	return task->enter.id == CALL_exit || task->enter.id == CALL_exit_group;
}

static void break_open_line(struct text_sink *s, struct observed_task *task, struct output *out)
{
	struct observed_task *open = task->line_open ? task : s->open;
	if (!open)
		return;
	if (ends_task(open)) {
		close_arguments(s, open, out);
		strbuf_adds(&out->text, "= ?\n");
		open->told = true;
	} else {
		strbuf_adds(&out->text, " <unfinished ...>\n");
	}
	open->interrupted = true;
	open->line_open = false;
	s->open = NULL;
}

static void add_padded(struct strbuf *b, uint64_t v, unsigned width, bool left)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	size_t len = sizeof(digits) - at;
	for (size_t i = len; !left && i < width; i++)
		strbuf_addc(b, ' ');
	strbuf_add(b, digits + at, len);
	for (size_t i = len; left && i < width; i++)
		strbuf_addc(b, ' ');
}

static void add_comm(const struct observed_task *task, struct strbuf *b)
{
	if (task->comm[0])
		decode_comm(task->comm, sizeof(task->comm), b);
}

static void add_pid(struct text_sink *s, struct observed_task *task, struct strbuf *b)
{
	if (s->options->per_task)
		return;
	if (s->options->file) {
		add_padded(b, (uint64_t)task->tid, task->comm[0] ? 0 : 5, true);
		add_comm(task, b);
		strbuf_addc(b, ' ');
	} else if (s->base.writer->tasks.count > 1) {
		strbuf_add(b, "[pid ", 5);
		add_padded(b, (uint64_t)task->tid, 5, false);
		add_comm(task, b);
		strbuf_add(b, "] ", 2);
	}
}

static void add_times(struct text_sink *s, struct strbuf *b, uint64_t time_ns)
{
	const struct observe_options *o = s->options;
	if (o->time != TIME_NONE) {
		stamp_time(&s->base.writer->clock, b, time_ns, o->time, o->time_precision);
		strbuf_addc(b, ' ');
	}
	if (!o->relative)
		return;
	uint64_t since = s->previous_ns && time_ns > s->previous_ns ? time_ns - s->previous_ns : 0;
	s->previous_ns = time_ns;
	if (o->time != TIME_NONE)
		strbuf_add(b, "(+", 2);
	stamp_seconds(b, since, o->relative_precision, 6);
	strbuf_adds(b, o->time != TIME_NONE ? ") " : " ");
}

/* Start a line of a task, after whatever is open. */
static struct strbuf *begin_line(struct text_sink *s, struct observed_task *task, const struct record *r)
{
	struct output *out = writer_output(s->base.writer, task);
	if (!out)
		return NULL;
	struct strbuf *b = &out->text;
	break_open_line(s, task, out);
	task->line_start = output_position(out);
	add_pid(s, task, b);
	add_times(s, b, r->time_ns);
	if (s->options->show_nr) {
		strbuf_addc(b, '[');
		add_padded(b, (uint64_t)(r->id != CALL_NONE || r->nr ? r->nr : task->enter.nr), 4, false);
		strbuf_adds(b, "] ");
	}
	if (s->options->show_ip && r->ip)
		strbuf_addf(b, "[%016llx] ", (unsigned long long)r->ip);
	else if (s->options->show_ip)
		strbuf_adds(b, "[????????????????] ");
	return b;
}

/* ---- calls ---- */

/*
 * "NAME(" and the arguments that the kernel does not change. As strace, with a comma behind them if others follow at
 * the end: a parser sees that "read(3, " has more to come.
 */
static void decode_begin(struct text_sink *s, struct observed_task *task, const void *log, size_t len, struct strbuf *b)
{
	char buf[32];
	struct replay_source src;
	struct call_printer p;
	replay_source_init(&src, log, len);
	call_printer_init(s, &p, b);
	strbuf_adds(b, observed_call_name(&task->enter, buf));
	strbuf_addc(b, '(');
	task->first = decode_enter(&task->call, &s->options->decode, &src.base, &p.text.base);
	task->comma = task->enter.id >= 0 && task->first && p.text.params == task->first &&
		      task->first < call_desc((enum call_id)task->enter.id)->nparams;
	if (task->comma)
		strbuf_add(b, ", ", 2);
}

static void enter(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	if (task->hidden)
		return;
	if (s->at_end) {
		strbuf_add(&task->log, e->payload, e->len);
		return;
	}
	struct strbuf *b = begin_line(s, task, e->head);
	if (!b)
		return;
	decode_begin(s, task, e->payload, e->len, b);
	task->line_open = true;
	if (!s->options->per_task)
		s->open = task;
}

/* Make sure that the line of the task's call is the open one. */
static struct strbuf *take_up_line(struct text_sink *s, struct observed_task *task, const struct record *end)
{
	char buf[32];
	struct strbuf *b;
	if (s->at_end) {
		b = begin_line(s, task, &task->enter);
		if (b)
			decode_begin(s, task, task->log.data, task->log.len, b);
		return b;
	}
	struct output *out = writer_output(s->base.writer, task);
	if (!out)
		return NULL;
	if (task->line_open)
		return &out->text;
	b = begin_line(s, task, end);
	strbuf_adds(b, "<... ");
	strbuf_adds(b, observed_call_name(&task->enter, buf));
	strbuf_adds(b, " resumed>");
	return b;
}

/* The fields of a frame of RECORD_STACK. */
enum { FRAME_MODULE, FRAME_SYMBOL, FRAME_OFFSET, FRAME_IP, FRAME_FILE, FRAME_LINE, FRAME_FIELDS };

static void add_frame(struct strbuf *b, const char *frame, size_t len)
{
	const char *field[FRAME_FIELDS] = {"", "", "", "", "", ""};
	int size[FRAME_FIELDS] = {0};
	const char *end = frame + len;
	for (unsigned i = 0; i < FRAME_FIELDS && frame <= end; i++) {
		const char *tab = memchr(frame, '\t', (size_t)(end - frame));
		field[i] = frame;
		size[i] = (int)((tab ? tab : end) - frame);
		frame = (tab ? tab : end) + 1;
	}
	strbuf_adds(b, " > ");
	if (size[FRAME_MODULE])
		strbuf_addf(b, "%.*s(%.*s%s%.*s) ", size[0], field[0], size[1], field[1],
			    size[FRAME_SYMBOL] && size[FRAME_OFFSET] ? "+0x" : "",
			    size[FRAME_SYMBOL] ? size[FRAME_OFFSET] : 0, field[FRAME_OFFSET]);
	strbuf_addf(b, "[0x%.*s]", size[FRAME_IP], field[FRAME_IP]);
	if (size[FRAME_FILE])
		strbuf_addf(b, " %.*s:%.*s", size[FRAME_FILE], field[FRAME_FILE], size[FRAME_LINE], field[FRAME_LINE]);
	strbuf_addc(b, '\n');
}

static void add_stack(struct strbuf *b, const char *stack, size_t len)
{
	while (len) {
		const char *newline = memchr(stack, '\n', len);
		size_t frame = newline ? (size_t)(newline - stack) : len;
		add_frame(b, stack, frame);
		frame += newline != NULL;
		stack += frame;
		len -= frame;
	}
}

/* dump: the lines of -e read= and -e write= behind it, or NULL. */
static void end_line(struct text_sink *s, struct observed_task *task, struct output *out, const struct strbuf *dump)
{
	strbuf_addc(&out->text, '\n');
	if (dump)
		strbuf_add(&out->text, dump->data, dump->len);
	task->line_open = false;
	if (s->open == task)
		s->open = NULL;
	if (task->stack.len)
		add_stack(&out->text, task->stack.data, task->stack.len);
	output_pace(out);
}

static void text_call(struct sink *base, struct observed_task *task, const struct observed_event *e)
{
	struct text_sink *s = text_sink(base);
	const struct observe_options *o = s->options;
	if (!(o->statuses & (e->head->is_error ? STATUS_FAILED : STATUS_SUCCESSFUL)))
		return;
	struct strbuf *b = take_up_line(s, task, e->head);
	if (!b)
		return;
	struct decode_result result = {.value = e->head->result, .is_error = e->head->is_error};
	struct replay_source src;
	struct call_printer p;
	replay_source_init(&src, e->payload, e->len);
	call_printer_init(s, &p, b);
	p.comma = task->comma;
	decode_exit(&task->call, &result, task->first, &o->decode, &src.base, &p.text.base);
	/* The result's text is made by the decoder, which knows nothing of the padding: it goes behind it. */
	struct output *out = writer_output(base->writer, task);
	close_arguments(s, task, out);
	decode_result_text(&task->call, &result, &s->result, &src.base, b);
	if (e->head->injected & 8)
		strbuf_adds(b, e->head->injected & 1 ? " (INJECTED: args, retval)" : " (INJECTED: args)");
	else if (e->head->injected & 1)
		strbuf_adds(b, " (INJECTED)");
	if (e->head->injected & 2)
		strbuf_adds(b, " (DELAYED)");
	if (o->duration) {
		strbuf_add(b, " <", 2);
		stamp_seconds(b, e->head->time_ns - task->enter.time_ns, o->duration_precision, 0);
		strbuf_addc(b, '>');
	}
	strbuf_clear(&s->scratch);
	if (o->decode.dump)
		decode_dump_text(&task->call, &result, &o->decode, &src.base, &s->scratch);
	end_line(s, task, out, &s->scratch);
}

static void text_lost(struct sink *base, struct observed_task *task, enum call_status why)
{
	struct text_sink *s = text_sink(base);
	if (!task->hidden && !task->told && (s->options->statuses & why) && (why != STATUS_DETACHED || s->at_end || task->line_open)) {
		struct strbuf *b = take_up_line(s, task, &task->enter);
		struct output *out = writer_output(base->writer, task);
		if (b && why == STATUS_DETACHED) {
			strbuf_adds(b, " <detached ...>");
			end_line(s, task, out, NULL);
		} else if (b) {
			if (task->enter.id >= 0 && task->first < call_desc((enum call_id)task->enter.id)->nparams)
				strbuf_adds(b, " <unfinished ...>");
			close_arguments(s, task, out);
			strbuf_adds(b, "= ?");
			end_line(s, task, out, NULL);
		}
	}
}

/* ---- other events ---- */

static void event_line(struct text_sink *s, struct observed_task *task, const struct record *r, const char *text)
{
	struct strbuf *b = begin_line(s, task, r);
	if (!b)
		return;
	strbuf_adds(b, text);
	strbuf_addc(b, '\n');
	output_pace(writer_output(s->base.writer, task));
}

static bool signal_shown(const struct text_sink *s, int64_t sig)
{
	return sig >= 1 && sig <= 64 && (s->options->signals >> (sig - 1) & 1);
}

static void signal_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	if (!signal_shown(s, e->head->result))
		return;
	char buf[16];
	struct strbuf *text = &s->scratch;
	strbuf_clear(text);
	strbuf_adds(text, "--- ");
	strbuf_adds(text, decode_signal_name((int)e->head->result, buf));
	if (e->len >= sizeof(siginfo_t)) {
		siginfo_t info;
		struct text_printer p;
		struct replay_source src;
		memcpy(&info, e->payload, sizeof(info));
		replay_source_init(&src, (const char *)e->payload + sizeof(info), e->len - sizeof(info));
		text_printer_init(&p, text, &s->options->decode);
		strbuf_addc(text, ' ');
		decode_siginfo(&info, &s->options->decode, &src.base, &p.base);
	}
	strbuf_adds(text, " ---");
	event_line(s, task, e->head, strbuf_str(text));
}

static void stop_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	char line[64], buf[16];
	if (!signal_shown(s, e->head->result))
		return;
	(void)snprintf(line, sizeof(line), "--- stopped by %s ---", decode_signal_name((int)e->head->result, buf));
	event_line(s, task, e->head, line);
}

static void exited_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	char line[64];
	if (s->options->quiet & QUIET_EXIT)
		return;
	(void)snprintf(line, sizeof(line), "+++ exited with %d +++", (int)e->head->result);
	event_line(s, task, e->head, line);
}

static void killed_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	char line[64], buf[16];
	if (!signal_shown(s, e->head->result))
		return;
	(void)snprintf(line, sizeof(line), "+++ killed by %s%s +++", decode_signal_name((int)e->head->result, buf),
		       e->head->is_error ? " (core dumped)" : "");
	event_line(s, task, e->head, line);
}

/* The thread goes on under its leader's id: so does its line. */
static void change_pid(struct text_sink *s, struct observed_task *thread, pid_t leader)
{
	struct output *out = writer_output(s->base.writer, thread);
	if (out)
		strbuf_addf(&out->text, " <pid changed to %d ...>\n", (int)leader);
	thread->interrupted = true;
	thread->line_open = false;
	if (s->open == thread)
		s->open = NULL;
}

static void superseded_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	struct writer *w = s->base.writer;
	struct observed_task *thread = task_table_find(&w->tasks, (pid_t)e->head->result);
	if (thread && thread->line_open)
		change_pid(s, thread, task->tid);
	if (s->open == task)
		break_open_line(s, task, writer_output(w, task));
	if (s->options->quiet & QUIET_THREAD_EXECVE)
		return;
	char line[64];
	(void)snprintf(line, sizeof(line), "+++ superseded by execve in pid %d +++", (int)e->head->result);
	event_line(s, task, e->head, line);
}

/*
 * Trapline's own words are for the person at the terminal: with the trace on stderr they are lines of it, so that they
 * do not land in the middle of one.
 */
static void message(struct text_sink *s, struct observed_task *task, const char *text)
{
	struct writer *w = s->base.writer;
	if (s->options->file) {
		log_error("%s", text);
		return;
	}
	break_open_line(s, task, &w->main);
	strbuf_addf(&w->main.text, "trapline: %s\n", text);
}

static void attach_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	char line[64];
	bool first = e->head->kind == RECORD_TASK_NEW && e->head->result == 0;
	if ((s->options->quiet & QUIET_ATTACH) || (first && !s->options->attached))
		return;
	(void)snprintf(line, sizeof(line), "Process %d %s", (int)task->tid,
		       e->head->kind == RECORD_DETACHED ? "detached" : "attached");
	message(s, task, line);
}

static void abi_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	static const char *const mode[ABI_COUNT] = {"64 bit", "64 bit", "32 bit", "x32"};
	char line[64];
	if ((s->options->quiet & QUIET_PERSONALITY) || e->head->abi >= ABI_COUNT)
		return;
	(void)snprintf(line, sizeof(line), "[ Process PID=%d runs in %s mode. ]", (int)task->tid, mode[e->head->abi]);
	event_line(s, task, e->head, line);
}

static void stack_event(struct text_sink *s, struct observed_task *task, const struct observed_event *e)
{
	struct output *out = writer_output(s->base.writer, task);
	if (!out || task->hidden)
		return;
	break_open_line(s, task, out);
	add_stack(&out->text, e->payload, e->len);
}

typedef void event_fn(struct text_sink *s, struct observed_task *task, const struct observed_event *e);

static event_fn *const on_event[] = {
	[RECORD_ENTER] = enter,
	[RECORD_EXIT] = NULL,
	[RECORD_SIGNAL] = signal_event,
	[RECORD_GROUP_STOP] = stop_event,
	[RECORD_TASK_NEW] = attach_event,
	[RECORD_TASK_EXITED] = exited_event,
	[RECORD_TASK_KILLED] = killed_event,
	[RECORD_SUPERSEDED] = superseded_event,
	[RECORD_DETACHED] = attach_event,
	[RECORD_STACK] = stack_event,
	[RECORD_ABI_CHANGE] = abi_event,
	[RECORD_COMM] = NULL,
};

static void text_event(struct sink *base, struct observed_task *task, const struct observed_event *e)
{
	if (on_event[e->head->kind])
		on_event[e->head->kind](text_sink(base), task, e);
}

static void text_destroy(struct sink *base)
{
	struct text_sink *s = text_sink(base);
	strbuf_finish(&s->scratch);
	free(s);
}

static const struct sink_ops text_ops = {
	.event = text_event,
	.call = text_call,
	.lost = text_lost,
	.destroy = text_destroy,
};

/* -P without -y: the paths are in the log, for the filter, and the decoder hands them to the printer. */
static void fd_without_path(struct printer *p, int fd, const char *name, const char *path UNUSED,
			    const char *socket UNUSED)
{
	if (name)
		strbuf_adds(((struct text_printer *)p)->out, name);
	else
		strbuf_add_i64(((struct text_printer *)p)->out, fd);
}

struct sink *text_sink_create(struct writer *w)
{
	struct text_sink *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	struct text_printer model;
	text_printer_init(&model, &s->scratch, &w->options->decode);
	s->base.ops = &text_ops;
	s->options = w->options;
	s->ops = *model.base.ops;
	s->ops.resume = resume_behind_comma;
	s->result = w->options->decode;
	if (w->options->hide_fd_paths) {
		s->ops.fd = fd_without_path;
		s->result.fd_paths = 0;
	}
	s->at_end = w->options->statuses != STATUS_ALL;
	return &s->base;
}
