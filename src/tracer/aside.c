#include "tracer/aside.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "kernel/task/exec.h"

struct aside_call {
	struct aside_call *next;
	pid_t tid;
	enum call_id id;
	int64_t nr;
	uint64_t ip;
	uint64_t args[6];
	bool answered;
	struct aside_answer answer;
};

void aside_init(struct aside *a)
{
	*a = (struct aside){.mounts = -1};
	(void)pthread_mutex_init(&a->lock, NULL);
}

static void answer_drop(struct aside_answer *answer)
{
	verdict_discard(&answer->verdict);
	exec_plan_destroy(answer->plan);
}

static void destroy(struct aside_call *c)
{
	answer_drop(&c->answer);
	free(c);
}

void aside_finish(struct aside *a)
{
	while (a->list) {
		struct aside_call *c = a->list;
		a->list = c->next;
		destroy(c);
	}
	if (a->mounts >= 0)
		(void)close(a->mounts);
	(void)pthread_mutex_destroy(&a->lock);
}

/* ---- what is mounted ---- */

static bool is_slow(const char *type)
{
	static const char *const types[] = {
		"fuse", "fuseblk", "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "afs", "coda", "lustre", "gfs2", "ocfs2",
		"orangefs", "gpfs", "beegfs", "vboxsf", "vmhgfs",
	};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len = strlen(types[i]);
		if (strncmp(type, types[i], len) == 0 && (type[len] == '\0' || type[len] == '.'))
			return true;
	}
	return false;
}

/* proc_pid_mountinfo(5): the type is behind a dash that ends the optional fields. */
static bool some_are_slow(void)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool slow = false;
	AUTO_FCLOSE FILE *f = fopen("/proc/self/mountinfo", "re");
	while (f && !slow && getline(&line, &size, f) > 0) {
		char type[64];
		const char *dash = strstr(line, " - ");
		slow = dash && sscanf(dash, " - %63s", type) == 1 && is_slow(type);
	}
	return slow;
}

bool aside_needed(struct aside *a)
{
	struct pollfd p = {.fd = a->mounts, .events = POLLPRI};
	if (a->mounts < 0) {
		a->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
		a->slow = some_are_slow();
	} else if (poll(&p, 1, 0) > 0) {
		a->slow = some_are_slow();	/* it changed */
	}
	return a->slow;
}

/* ---- the calls ---- */

/*
 * Of a task one is asked about at most. Others may be answered: a signal came before the call was made again, and its
 * handler makes calls of its own.
 */
enum { KEPT = 4 };

/* lock held. Where the pointer to the task's last call is that is answered or not; the pointer may be NULL. */
static struct aside_call **find(struct aside *a, pid_t tid, bool answered)
{
	struct aside_call **at = &a->list;
	while (*at && ((*at)->tid != tid || (*at)->answered != answered))
		at = &(*at)->next;
	return at;
}

/* lock held. */
static struct aside_call **find_answered(struct aside *a, const struct call_event *call)
{
	struct aside_call **at = find(a, call->tid, true);
	const struct aside_call *c;
	for (; (c = *at); at = &(*at)->next) {
		if (c->tid == call->tid && c->answered && c->id == call->id && c->ip == call->ip &&
		    memcmp(c->args, call->args, sizeof(c->args)) == 0)
			break;
	}
	return at;
}

/* lock held. */
static struct aside_call *take_out(struct aside *a, struct aside_call **at)
{
	struct aside_call *c = *at;
	if (c) {
		*at = c->next;
		atomic_fetch_sub(&a->count, 1);
	}
	return c;
}

static bool drop_one(struct aside *a, pid_t tid, bool answered)
{
	(void)pthread_mutex_lock(&a->lock);
	struct aside_call *c = take_out(a, find(a, tid, answered));
	(void)pthread_mutex_unlock(&a->lock);
	if (c)
		destroy(c);
	return c;
}

void aside_forget(struct aside *a, pid_t tid)
{
	while (atomic_load(&a->count) && (drop_one(a, tid, false) || drop_one(a, tid, true)))
		;
}

static bool has_many(struct aside *a, pid_t tid)
{
	unsigned count = 0;
	(void)pthread_mutex_lock(&a->lock);
	for (const struct aside_call *c = a->list; c; c = c->next)
		count += c->tid == tid;
	(void)pthread_mutex_unlock(&a->lock);
	return count >= KEPT;
}

int aside_add(struct aside *a, const struct call_event *call)
{
	struct aside_call *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	/* A handler that jumped out of earlier ones never comes back to them. */
	if (has_many(a, call->tid))
		aside_forget(a, call->tid);
	(void)drop_one(a, call->tid, false);
	c->tid = call->tid;
	c->id = call->id;
	c->nr = call->nr;
	c->ip = call->ip;
	memcpy(c->args, call->args, sizeof(c->args));
	(void)pthread_mutex_lock(&a->lock);
	c->next = a->list;
	a->list = c;
	atomic_fetch_add(&a->count, 1);
	(void)pthread_mutex_unlock(&a->lock);
	return 0;
}

bool aside_asked(struct aside *a, struct call_event *ret)
{
	if (!atomic_load(&a->count))
		return false;
	(void)pthread_mutex_lock(&a->lock);
	const struct aside_call *c = *find(a, ret->tid, false);
	bool asked = c && c->ip == ret->ip;
	if (asked) {
		ret->id = c->id;
		ret->nr = c->nr;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return asked;
}

void aside_answer(struct aside *a, pid_t tid, const struct aside_answer *answer)
{
	struct aside_answer unwanted = *answer;
	(void)pthread_mutex_lock(&a->lock);
	struct aside_call *c = *find(a, tid, false);
	if (c) {
		c->answer = *answer;
		c->answered = true;
		unwanted = (struct aside_answer){.verdict = verdict_pass()};
	}
	(void)pthread_mutex_unlock(&a->lock);
	answer_drop(&unwanted);
}

bool aside_has(struct aside *a, const struct call_event *call)
{
	if (!atomic_load(&a->count))
		return false;
	(void)pthread_mutex_lock(&a->lock);
	bool has = *find_answered(a, call);
	(void)pthread_mutex_unlock(&a->lock);
	return has;
}

bool aside_take(struct aside *a, const struct call_event *call, struct aside_answer *ret)
{
	if (!atomic_load(&a->count))
		return false;
	(void)pthread_mutex_lock(&a->lock);
	struct aside_call *c = take_out(a, find_answered(a, call));
	(void)pthread_mutex_unlock(&a->lock);
	if (!c)
		return false;
	*ret = c->answer;
	free(c);
	return true;
}
