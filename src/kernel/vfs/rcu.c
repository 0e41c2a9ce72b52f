#include "kernel/vfs/rcu.h"

#include <stdbool.h>
#include <stddef.h>

struct queue {
	struct vfs_later *first;
	struct vfs_later **end;
};

/*
 * One grace period at a time is asked of liburcu, for all of .due; what comes meanwhile waits in .coming for the next
 * one. Who takes a queue out of here and is calling what is in it counts in .callers.
 */
static struct {
	pthread_mutex_t lock;		/* guards all */
	struct queue due, coming;
	struct rcu_head grace;		/* liburcu's while .asked */
	bool asked;
	unsigned callers;
	pthread_cond_t called;		/* .callers became 0 */
} later = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.due.end = &later.due.first,
	.coming.end = &later.coming.first,
	.called = PTHREAD_COND_INITIALIZER,
};

static void add(struct queue *q, struct vfs_later *l)
{
	l->next = NULL;
	*q->end = l;
	q->end = &l->next;
}

/* With lock held. The caller calls what it gets, in order. */
static struct vfs_later *take(struct queue *q)
{
	struct vfs_later *first = q->first;
	q->first = NULL;
	q->end = &q->first;
	return first;
}

/* With lock held. */
static void append(struct queue *to, struct queue *from)
{
	if (!from->first)
		return;
	*to->end = from->first;
	to->end = from->end;
	(void)take(from);
}

static void call_all(struct vfs_later *first)
{
	while (first) {
		struct vfs_later *next = first->next;
		first->free_it(first);
		first = next;
	}
}

static void grace_is_over(struct rcu_head *head);

/* With lock held. */
static void ask_for_grace(void)
{
	append(&later.due, &later.coming);
	later.asked = later.due.first;
	if (later.asked)
		urcu_bp_call_rcu(&later.grace, grace_is_over);
}

static void calls_end(void)
{
	if (--later.callers == 0)
		(void)pthread_cond_broadcast(&later.called);
}

static void grace_is_over(struct rcu_head *head)
{
	(void)head;
	(void)pthread_mutex_lock(&later.lock);
	struct vfs_later *due = take(&later.due);
	ask_for_grace();
	later.callers++;
	(void)pthread_mutex_unlock(&later.lock);
	call_all(due);
	(void)pthread_mutex_lock(&later.lock);
	calls_end();
	(void)pthread_mutex_unlock(&later.lock);
}

void vfs_free_later(struct vfs_later *l, void (*free_it)(struct vfs_later *l))
{
	VFS_RCU_RELEASE();
	l->free_it = free_it;
	(void)pthread_mutex_lock(&later.lock);
	add(&later.coming, l);
	if (!later.asked)
		ask_for_grace();
	(void)pthread_mutex_unlock(&later.lock);
}

/* What was freed may have asked for more. */
void vfs_free_all(void)
{
	(void)pthread_mutex_lock(&later.lock);
	while (later.due.first || later.coming.first || later.callers) {
		append(&later.due, &later.coming);
		struct vfs_later *all = take(&later.due);
		if (!all) {
			(void)pthread_cond_wait(&later.called, &later.lock);
			continue;
		}
		later.callers++;
		(void)pthread_mutex_unlock(&later.lock);
		urcu_bp_synchronize_rcu();
		call_all(all);
		(void)pthread_mutex_lock(&later.lock);
		calls_end();
	}
	(void)pthread_mutex_unlock(&later.lock);
	VFS_RCU_ACQUIRE();
}
