/*
 * A sink turns records into bytes. The writer (writer.c) keeps the table of tasks and tells every sink of every record,
 * in order. All of it runs in the writer thread.
 */
#ifndef TRAPLINE_OBSERVE_SINK_H
#define TRAPLINE_OBSERVE_SINK_H

#include "observe/options.h"
#include "observe/output.h"
#include "observe/record.h"
#include "observe/stamp.h"
#include "observe/tasks.h"

struct writer;
struct sink;

/* A record with its payload, as it came out of the ring. */
struct observed_event {
	const struct record *head;
	const void *payload;
	size_t len;
};

struct sink_ops {
	/* Any record but EXIT; of an ENTER, task->enter is set already. NULL: looks at nothing but ends of calls. */
	void (*event)(struct sink *s, struct observed_task *task, const struct observed_event *e);
	/* A call ended: task->enter and e->head are its two records. */
	void (*call)(struct sink *s, struct observed_task *task, const struct observed_event *e);
	/*
	 * The call that the task is in has no end: it was killed (UNFINISHED), detached from (DETACHED), or is
	 * elsewhere by now (UNAVAILABLE: notify does not see results). May be NULL.
	 */
	void (*lost)(struct sink *s, struct observed_task *task, enum call_status why);
	/* All records have been seen. May be NULL. */
	void (*summary)(struct sink *s);
	void (*destroy)(struct sink *s);
};

/* Embedded at the start of a concrete sink. */
struct sink {
	const struct sink_ops *ops;
	struct writer *writer;	/* not owned */
};

/* What sinks share. */
struct writer {
	const struct observe_options *options;	/* not owned */
	struct task_table tasks;
	struct stamp_clock clock;
	struct output main;		/* without -ff */
	struct sink *sinks[2];
	unsigned sink_count;
	int error;			/* first error of a task's file, or -ENOMEM */
};

MUST_CHECK int writer_init(struct writer *w, const struct observe_options *options);
/* One message of the ring. */
void writer_take(struct writer *w, const void *message, size_t len);
/* Nothing more is there at the moment. */
void writer_idle(struct writer *w);
/* Summaries, then everything is closed and freed. The first error of an output. */
int writer_finish(struct writer *w);

/* Where the task's text goes. NULL only when memory ends. */
struct output *writer_output(struct writer *w, struct observed_task *task);
/* Does one of the call's paths or descriptors match -P? e is an ENTER. */
bool path_filter_match(const struct observe_options *options, const struct observed_event *e);

/* The call of a record, as the decoder wants it. */
struct decode_call observed_call(const struct record *r);
/* "read", or "syscall_0x1c8" in buf. */
const char *observed_call_name(const struct record *r, char buf[32]);

/* The sinks. NULL when memory ends. */
struct sink *text_sink_create(struct writer *w);	/* text.c */
struct sink *json_sink_create(struct writer *w);	/* json.c */
struct sink *summary_sink_create(struct writer *w);	/* summary.c */

#endif
