#include "tracer/handed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct handed_call {
	struct handed_call *next;
	pid_t tid;
	uint64_t ip;
	uint64_t args[6];
	struct verdict verdict;		/* VERDICT_FD; owned */
	bool interrupted;
};

void handed_init(struct handed *h)
{
	*h = (struct handed){0};
	(void)pthread_mutex_init(&h->lock, NULL);
}

static void destroy(struct handed_call *c)
{
	verdict_discard(&c->verdict);
	free(c);
}

void handed_finish(struct handed *h)
{
	while (h->list) {
		struct handed_call *c = h->list;
		h->list = c->next;
		destroy(c);
	}
	(void)pthread_mutex_destroy(&h->lock);
}

/*
 * Which of a task's: the one that its next notification is for, or one of those that were interrupted, which a handler
 * may nest.
 */
enum which { EXPECTED, INTERRUPTED, EITHER };

static bool fits(const struct handed_call *c, pid_t tid, enum which which, const struct call_event *again)
{
	if (c->tid != tid || (which != EITHER && c->interrupted != (which == INTERRUPTED)))
		return false;
	return !again || (c->ip == again->ip && memcmp(c->args, again->args, sizeof(c->args)) == 0);
}

/* The last that was added. NULL: none. */
static struct handed_call *take(struct handed *h, pid_t tid, enum which which, const struct call_event *again)
{
	if (!atomic_load(&h->count))
		return NULL;
	(void)pthread_mutex_lock(&h->lock);
	struct handed_call **at = &h->list;
	while (*at && !fits(*at, tid, which, again))
		at = &(*at)->next;
	struct handed_call *c = *at;
	if (c) {
		*at = c->next;
		atomic_fetch_sub(&h->count, 1);
	}
	(void)pthread_mutex_unlock(&h->lock);
	return c;
}

static bool take_verdict(struct handed *h, pid_t tid, enum which which, const struct call_event *again, struct verdict *ret)
{
	struct handed_call *c = take(h, tid, which, again);
	if (!c)
		return false;
	*ret = c->verdict;
	free(c);
	return true;
}

static void drop(struct handed *h, pid_t tid, enum which which)
{
	struct handed_call *c;
	while ((c = take(h, tid, which, NULL)))
		destroy(c);
}

/* A handler that jumped out of an interrupted call never comes back to it: few are kept. */
static bool has_many(struct handed *h, pid_t tid)
{
	enum { KEPT = 4 };
	unsigned count = 0;
	(void)pthread_mutex_lock(&h->lock);
	for (const struct handed_call *c = h->list; c; c = c->next)
		count += c->tid == tid;
	(void)pthread_mutex_unlock(&h->lock);
	return count >= KEPT;
}

int handed_add(struct handed *h, const struct call_event *call, const struct verdict *v)
{
	struct handed_call *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	drop(h, call->tid, has_many(h, call->tid) ? EITHER : EXPECTED);
	c->tid = call->tid;
	c->ip = call->ip;
	memcpy(c->args, call->args, sizeof(c->args));
	c->verdict = *v;
	(void)pthread_mutex_lock(&h->lock);
	c->next = h->list;
	h->list = c;
	atomic_fetch_add(&h->count, 1);
	(void)pthread_mutex_unlock(&h->lock);
	return 0;
}

bool handed_take(struct handed *h, pid_t tid, struct verdict *ret)
{
	return take_verdict(h, tid, EXPECTED, NULL, ret);
}

bool handed_again(struct handed *h, const struct call_event *call, struct verdict *ret)
{
	return take_verdict(h, call->tid, INTERRUPTED, call, ret);
}

void handed_returned(struct handed *h, pid_t tid, bool interrupted)
{
	if (!interrupted) {
		drop(h, tid, EXPECTED);
		return;
	}
	(void)pthread_mutex_lock(&h->lock);
	for (struct handed_call *c = h->list; c; c = c->next)
		c->interrupted |= c->tid == tid;
	(void)pthread_mutex_unlock(&h->lock);
}

void handed_forget(struct handed *h, pid_t tid)
{
	drop(h, tid, EITHER);
}
