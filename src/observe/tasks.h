/* What the writer knows of the guest's tasks: the call each of them is in. Writer thread only. */
#ifndef TRAPLINE_OBSERVE_TASKS_H
#define TRAPLINE_OBSERVE_TASKS_H

#include "base/strbuf.h"
#include "observe/output.h"
#include "observe/record.h"
#include "syscalls/decode.h"

struct observed_task {
	struct observed_task *next;	/* in the bucket */
	pid_t tid;
	pid_t tgid;
	bool in_call;			/* .enter has been seen, its end has not */
	struct record enter;
	struct strbuf log;		/* of .enter; kept only for sinks that show a call when it ends */
	struct strbuf stack;		/* of the call it is in */
	char comm[16];			/* with -Y; not terminated if it is as long */

	/* Belong to the sink that shows calls. */
	struct decode_call call;	/* as decode_enter left it */
	unsigned first;			/* parameter to go on with */
	bool hidden;			/* -P: this call is not shown */
	bool line_open;			/* the line that its call began has not ended */
	bool interrupted;		/* its call's line was broken off by another */
	bool told;			/* its line has ended before the call: nothing more will be said */
	bool comma;			/* text: the comma before .first is written */
	uint64_t line_start;		/* where in the output the line begins */
	struct output *own;		/* -ff: its file; owned */
};

enum { TASK_BUCKETS = 1024 };

struct task_table {
	struct observed_task *bucket[TASK_BUCKETS];
	struct observed_task *last;	/* the one found last: most records follow one of the same task */
	size_t count;
};

/* The task by this id, made if new; NULL only when memory ends. */
struct observed_task *task_table_get(struct task_table *t, pid_t tid, pid_t tgid);
/* The task if it is known. */
struct observed_task *task_table_find(struct task_table *t, pid_t tid);
/* Take it out and free it. Its .own must have been finished. */
void task_table_remove(struct task_table *t, struct observed_task *task);
/* A thread took over another id by execve: there must be no task of that id. */
void task_table_rename(struct task_table *t, struct observed_task *task, pid_t tid);
/* Any task, or NULL when there is none: for clearing up. */
struct observed_task *task_table_any(struct task_table *t);

#endif
