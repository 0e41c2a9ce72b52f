/* The table of traced tasks: a hash by tid that grows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer/ptrace/carry.h"
#include "tracer/ptrace/ends.h"
#include "tracer/ptrace/exec.h"
#include "tracer/ptrace/lend.h"
#include "tracer/proc_status.h"
#include "tracer/session_private.h"

enum { INITIAL_BUCKETS = 64 };

int tracee_table_init(struct session *s)
{
	s->table = calloc(INITIAL_BUCKETS, sizeof(*s->table));
	if (!s->table)
		return -ENOMEM;
	s->table_size = INITIAL_BUCKETS;
	return 0;
}

static void free_one(struct session *s, struct tracee *t)
{
	tracee_remove(s, t);
}

void tracee_table_finish(struct session *s)
{
	if (s->table)
		tracee_each(s, free_one);
	free(s->table);
	s->table = NULL;
}

static struct tracee **bucket(struct session *s, pid_t tid)
{
	return &s->table[(size_t)(unsigned)tid & (s->table_size - 1)];
}

/* With table_lock held. */
static struct tracee *find(struct session *s, pid_t tid)
{
	struct tracee *t = *bucket(s, tid);
	while (t && t->tid != tid)
		t = t->next;
	return t;
}

struct tracee *tracee_find(struct session *s, pid_t tid)
{
	(void)pthread_mutex_lock(&s->table_lock);
	struct tracee *t = find(s, tid);
	(void)pthread_mutex_unlock(&s->table_lock);
	return t;
}

void tracee_show_affinity(struct session *s, pid_t tid, bool chooses)
{
	(void)pthread_mutex_lock(&s->table_lock);
	struct tracee *t = find(s, tid);
	if (t && !t->placed.own_mask)
		placement_release_tid(&s->placement, tid);
	if (t && chooses)
		t->placed.own_mask = true;
	(void)pthread_mutex_unlock(&s->table_lock);
}

struct tracee *tracee_find_own(struct trap_thread *by, pid_t tid)
{
	if (by->last && by->last->tid == tid)
		return by->last;
	struct tracee *t = tracee_find(by->session, tid);
	by->last = t && t->by == by ? t : NULL;
	return by->last;
}

static void link_in(struct session *s, struct tracee *t)
{
	struct tracee **head = bucket(s, t->tid);
	t->next = *head;
	*head = t;
}

static void unlink_from(struct session *s, struct tracee *t)
{
	struct tracee **at = bucket(s, t->tid);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
}

/* Failing to grow only makes the chains longer. */
static void grow(struct session *s)
{
	struct tracee **bigger = calloc(s->table_size * 2, sizeof(*bigger));
	if (!bigger)
		return;
	struct tracee **old = s->table;
	size_t old_size = s->table_size;
	s->table = bigger;
	s->table_size = old_size * 2;
	for (size_t i = 0; i < old_size; i++) {
		for (struct tracee *t = old[i], *next; t; t = next) {
			next = t->next;
			link_in(s, t);
		}
	}
	free(old);
}

int tracee_add(struct trap_thread *by, pid_t tid, struct tracee **ret)
{
	struct session *s = by->session;
	struct tracee *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->tid = tid;
	t->by = by;
	t->abi = ABI_COUNT; /* not known before its first call */
	(void)pthread_mutex_lock(&s->table_lock);
	if (s->tracee_count >= s->table_size)
		grow(s);
	link_in(s, t);
	s->tracee_count++;
	by->tracees++;
	(void)pthread_mutex_unlock(&s->table_lock);
	*ret = t;
	return 0;
}

void tracee_hand_over(struct tracee *t, struct trap_thread *to)
{
	struct session *s = to->session;
	yield_forget(t);
	t->by->last = NULL;
	(void)pthread_mutex_lock(&s->table_lock);
	t->by->tracees--;
	t->by = to;
	(void)pthread_mutex_unlock(&s->table_lock);
}

void tracee_rename(struct session *s, struct tracee *t, pid_t tid)
{
	ends_forget(t);
	(void)pthread_mutex_lock(&s->table_lock);
	unlink_from(s, t);
	t->tid = tid;
	link_in(s, t);
	(void)pthread_mutex_unlock(&s->table_lock);
}

void tracee_remove(struct session *s, struct tracee *t)
{
	ends_forget(t);
	yield_forget(t);
	carry_forget(t);
	exec_forget(t);
	lend_end(t);
	handed_forget(&s->handed, t->tid);
	aside_forget(&s->aside, t->tid);
	(void)pthread_mutex_lock(&s->table_lock);
	unlink_from(s, t);
	s->tracee_count--;
	t->by->tracees--;
	t->by->last = NULL;
	(void)pthread_mutex_unlock(&s->table_lock);
	free(t);
}

void tracee_each(struct session *s, void (*visit)(struct session *s, struct tracee *t))
{
	for (size_t i = 0; i < s->table_size; i++) {
		for (struct tracee *t = s->table[i], *next; t; t = next) {
			next = t->next;
			visit(s, t);
		}
	}
}

bool tracee_any(struct session *s, bool (*test)(const struct tracee *t, void *ctx), void *ctx)
{
	bool any = false;
	(void)pthread_mutex_lock(&s->table_lock);
	for (size_t i = 0; i < s->table_size && !any; i++) {
		for (const struct tracee *t = s->table[i]; t && !any; t = t->next)
			any = test(t, ctx);
	}
	(void)pthread_mutex_unlock(&s->table_lock);
	return any;
}

size_t tracee_next_of(struct trap_thread *by, size_t *at, pid_t *ret, size_t max)
{
	struct session *s = by->session;
	size_t count = 0;
	(void)pthread_mutex_lock(&s->table_lock);
	for (size_t looked = 0; looked < s->table_size && count < max; looked++) {
		size_t before = count;
		size_t i = *at & (s->table_size - 1);
		for (const struct tracee *t = s->table[i]; t; t = t->next) {
			if (t->by == by && count < max)
				ret[count] = t->tid;
			count += t->by == by;
		}
		/* Not the half of a bucket, if it can be helped: the rest would never be next. */
		if (count > max && before > 0) {
			count = before;
			break;
		}
		(*at)++;
	}
	(void)pthread_mutex_unlock(&s->table_lock);
	return count < max ? count : max;
}

struct tracee *tracee_any_of(struct trap_thread *by)
{
	struct session *s = by->session;
	struct tracee *found = NULL;
	(void)pthread_mutex_lock(&s->table_lock);
	for (size_t i = 0; i < s->table_size && !found; i++) {
		for (struct tracee *t = s->table[i]; t && !found; t = t->next)
			found = t->by == by && !t->transit ? t : NULL;
	}
	(void)pthread_mutex_unlock(&s->table_lock);
	return found;
}

pid_t tracee_tgid(struct tracee *t)
{
	if (t->tgid)
		return t->tgid;
	t->tgid = proc_status_pid(t->tid, "Tgid");
	if (t->tgid)
		return t->tgid;
	return t->tid; /* it died meanwhile: not remembered */
}

pid_t tracee_tgid_of(struct session *s, pid_t tid)
{
	(void)pthread_mutex_lock(&s->table_lock);
	const struct tracee *t = find(s, tid);
	pid_t tgid = t ? t->tgid : 0;
	(void)pthread_mutex_unlock(&s->table_lock);
	if (tgid)
		return tgid;
	tgid = proc_status_pid(tid, "Tgid");
	(void)pthread_mutex_lock(&s->table_lock);
	struct tracee *again = tgid ? find(s, tid) : NULL;
	if (again)
		again->tgid = tgid;
	(void)pthread_mutex_unlock(&s->table_lock);
	return tgid ? tgid : tid;
}
