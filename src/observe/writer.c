/* The writer: keeps the table of tasks and hands every record to the sinks. */
#include <string.h>

#include "observe/sink.h"

struct decode_call observed_call(const struct record *r)
{
	struct decode_call call = {.id = (enum call_id)r->id, .abi = (enum call_abi)r->abi, .nr = r->nr, .tid = r->tid};
	memcpy(call.args, r->args, sizeof(call.args));
	return call;
}

const char *observed_call_name(const struct record *r, char buf[32])
{
	if (r->id >= 0)
		return call_desc((enum call_id)r->id)->name;
	(void)snprintf(buf, 32, "syscall_0x%llx", (unsigned long long)r->nr);
	return buf;
}

/* ---- outputs ---- */

struct output *writer_output(struct writer *w, struct observed_task *task)
{
	if (!w->options->per_task)
		return &w->main;
	if (task->own)
		return task->own;
	struct output *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	int err = output_open_task(o, w->options->file, task->tid, w->options->append);
	if (err && !w->error)
		w->error = err;
	o->error = err; /* a file that cannot be opened was reported; its task's text is dropped */
	task->own = o;
	return o;
}

static void close_own(struct writer *w, struct observed_task *task)
{
	if (!task->own)
		return;
	int err = output_finish(task->own);
	if (err && !w->error)
		w->error = err;
	strbuf_finish(&task->own->text);
	free(task->own);
	task->own = NULL;
}

static void remove_task(struct writer *w, struct observed_task *task)
{
	close_own(w, task);
	task_table_remove(&w->tasks, task);
}

/* ---- set-up ---- */

static int add_sink(struct writer *w, struct sink *s)
{
	if (!s)
		return -ENOMEM;
	s->writer = w;
	w->sinks[w->sink_count++] = s;
	return 0;
}

int writer_init(struct writer *w, const struct observe_options *options)
{
	*w = (struct writer){.options = options};
	stamp_clock_init(&w->clock);
	/* The summary of -ff goes to stderr. */
	int err = options->per_task ? output_open_tasks(&w->main, options->file) :
				      output_open(&w->main, options->file, options->append);
	if (!err && options->format == OBSERVE_TEXT)
		err = add_sink(w, text_sink_create(w));
	if (!err && options->format == OBSERVE_JSON)
		err = add_sink(w, json_sink_create(w));
	if (!err && options->summary)
		err = add_sink(w, summary_sink_create(w));
	if (err)
		(void)writer_finish(w);
	return err;
}

int writer_finish(struct writer *w)
{
	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->summary)
			w->sinks[i]->ops->summary(w->sinks[i]);
	}
	for (struct observed_task *t = task_table_any(&w->tasks); t; t = task_table_any(&w->tasks))
		remove_task(w, t);
	for (unsigned i = 0; i < w->sink_count; i++)
		w->sinks[i]->ops->destroy(w->sinks[i]);
	w->sink_count = 0;
	int err = output_finish(&w->main);
	return err ? err : w->error;
}

void writer_idle(struct writer *w)
{
	stamp_clock_sync(&w->clock);
	output_flush(&w->main);
	if (!w->options->per_task)
		return;
	for (unsigned i = 0; i < TASK_BUCKETS; i++) {
		for (struct observed_task *t = w->tasks.bucket[i]; t; t = t->next) {
			if (t->own)
				output_flush(t->own);
		}
	}
}

/* ---- records ---- */

static void tell_event(struct writer *w, struct observed_task *task, const struct observed_event *e)
{
	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->event)
			w->sinks[i]->ops->event(w->sinks[i], task, e);
	}
}

static void lose_call(struct writer *w, struct observed_task *task, enum call_status why)
{
	if (!task->in_call)
		return;
	for (unsigned i = 0; i < w->sink_count; i++) {
		if (w->sinks[i]->ops->lost)
			w->sinks[i]->ops->lost(w->sinks[i], task, why);
	}
	task->in_call = false;
}

static void begin_call(struct observed_task *task, const struct record *head)
{
	bool known = task->enter.size && task->enter.id >= 0;
	uint16_t before = known ? (uint16_t)(task->enter.id + 1) : 0;
	task->enter = *head;
	task->in_call = true;
	task->call = observed_call(head);
	task->call.restarts = before;
	task->first = 0;
	task->comma = false;
	task->hidden = false;
	task->interrupted = false;
	task->told = false;
	task->line_open = false;
	strbuf_clear(&task->log);
	strbuf_clear(&task->stack);
}

static void take_enter(struct writer *w, struct observed_task *task, const struct observed_event *e)
{
	lose_call(w, task, STATUS_UNAVAILABLE);
	begin_call(task, e->head);
	if (w->options->path_count)
		task->hidden = !path_filter_match(w->options, e);
	tell_event(w, task, e);
}

static void take_exit(struct writer *w, struct observed_task *task, const struct observed_event *e)
{
	if (!task->in_call) {
		/* Attached to in the middle of the call: its beginning was not seen, nor what it was about. */
		begin_call(task, e->head);
		task->interrupted = true;
		task->first = e->head->id >= 0 ? call_desc((enum call_id)e->head->id)->nparams : 0;
		task->hidden = w->options->path_count > 0;
	}
	for (unsigned i = 0; !task->hidden && i < w->sink_count; i++)
		w->sinks[i]->ops->call(w->sinks[i], task, e);
	task->in_call = false;
}

static void take_stack(struct writer *w, struct observed_task *task, const struct observed_event *e)
{
	if (task->in_call)
		strbuf_add(&task->stack, e->payload, e->len);
	else
		tell_event(w, task, e);
}

/* The thread that called execve takes over the id of its leader, whose own state ends here. */
static void take_superseded(struct writer *w, struct observed_task *leader, const struct observed_event *e)
{
	if (leader->tid != e->head->result)
		lose_call(w, leader, STATUS_UNFINISHED);
	tell_event(w, leader, e);
	pid_t tid = leader->tid;
	struct observed_task *thread = task_table_find(&w->tasks, (pid_t)e->head->result);
	if (!thread || thread == leader) {
		leader->in_call = false;
		return;
	}
	struct output *own = leader->own;
	leader->own = thread->own;
	thread->own = own;
	remove_task(w, leader);
	task_table_rename(&w->tasks, thread, tid);
}

static void take_comm(struct writer *w UNUSED, struct observed_task *task, const struct observed_event *e)
{
	memset(task->comm, 0, sizeof(task->comm));
	memcpy(task->comm, e->payload, e->len < sizeof(task->comm) ? e->len : sizeof(task->comm));
}

static void take_end(struct writer *w, struct observed_task *task, const struct observed_event *e)
{
	lose_call(w, task, e->head->kind == RECORD_DETACHED ? STATUS_DETACHED : STATUS_UNFINISHED);
	tell_event(w, task, e);
	remove_task(w, task);
}

typedef void take_fn(struct writer *w, struct observed_task *task, const struct observed_event *e);

static take_fn *const take[] = {
	[RECORD_ENTER] = take_enter,
	[RECORD_EXIT] = take_exit,
	[RECORD_SIGNAL] = tell_event,
	[RECORD_GROUP_STOP] = tell_event,
	[RECORD_TASK_NEW] = tell_event,
	[RECORD_TASK_EXITED] = take_end,
	[RECORD_TASK_KILLED] = take_end,
	[RECORD_SUPERSEDED] = take_superseded,
	[RECORD_DETACHED] = take_end,
	[RECORD_STACK] = take_stack,
	[RECORD_ABI_CHANGE] = tell_event,
	[RECORD_COMM] = take_comm,
};

void writer_take(struct writer *w, const void *message, size_t len)
{
	const struct record *head = message;
	if (len < sizeof(*head) || head->kind >= ARRAY_SIZE(take))
		return;
	struct observed_event e = {.head = head, .payload = head + 1, .len = len - sizeof(*head)};
	struct observed_task *task = task_table_get(&w->tasks, head->tid, head->tgid);
	if (!task) {
		w->error = -ENOMEM;
		return;
	}
	if (head->tgid)
		task->tgid = head->tgid;
	take[head->kind](w, task, &e);
}
