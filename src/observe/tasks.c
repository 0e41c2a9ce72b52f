#include "observe/tasks.h"

static struct observed_task **bucket_of(struct task_table *t, pid_t tid)
{
	return &t->bucket[(unsigned)tid % TASK_BUCKETS];
}

struct observed_task *task_table_find(struct task_table *t, pid_t tid)
{
	if (t->last && t->last->tid == tid)
		return t->last;
	for (struct observed_task *task = *bucket_of(t, tid); task; task = task->next) {
		if (task->tid == tid) {
			t->last = task;
			return task;
		}
	}
	return NULL;
}

static void link_task(struct task_table *t, struct observed_task *task)
{
	struct observed_task **bucket = bucket_of(t, task->tid);
	task->next = *bucket;
	*bucket = task;
	t->last = task;
	t->count++;
}

static void unlink_task(struct task_table *t, struct observed_task *task)
{
	struct observed_task **at = bucket_of(t, task->tid);
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	t->last = NULL;
	t->count--;
}

struct observed_task *task_table_get(struct task_table *t, pid_t tid, pid_t tgid)
{
	struct observed_task *task = task_table_find(t, tid);
	if (task)
		return task;
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	task->tid = tid;
	task->tgid = tgid;
	link_task(t, task);
	return task;
}

void task_table_remove(struct task_table *t, struct observed_task *task)
{
	unlink_task(t, task);
	strbuf_finish(&task->log);
	strbuf_finish(&task->stack);
	free(task);
}

void task_table_rename(struct task_table *t, struct observed_task *task, pid_t tid)
{
	unlink_task(t, task);
	task->tid = tid;
	task->call.tid = tid;
	link_task(t, task);
}

struct observed_task *task_table_any(struct task_table *t)
{
	for (unsigned i = 0; i < TASK_BUCKETS && t->count; i++) {
		if (t->bucket[i])
			return t->bucket[i];
	}
	return NULL;
}
