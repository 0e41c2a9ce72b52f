#include "tracer/policy/counters.h"

#include <poll.h>
#include <sys/syscall.h>

enum { BUCKETS = 256, SWEEP_MIN = 64 };

static struct counted **bucket(const struct counters *c, pid_t id)
{
	return &c->buckets[(size_t)(unsigned)id % c->bucket_count];
}

static void free_counted(struct counted *s)
{
	decide_state_destroy(s->injections);
	if (s->pidfd >= 0)
		(void)close(s->pidfd);
	free(s);
}

int counters_init(struct counters *c, bool watches)
{
	*c = (struct counters){.bucket_count = BUCKETS, .sweep_at = SWEEP_MIN, .watches = watches};
	(void)pthread_mutex_init(&c->lock, NULL);
	c->buckets = calloc(c->bucket_count, sizeof(struct counted *));
	return c->buckets ? 0 : -ENOMEM;
}

void counters_clear(struct counters *c)
{
	for (size_t i = 0; c->buckets && i < c->bucket_count; i++) {
		while (c->buckets[i]) {
			struct counted *s = c->buckets[i];
			c->buckets[i] = s->next;
			free_counted(s);
		}
	}
	c->count = 0;
}

void counters_finish(struct counters *c)
{
	counters_clear(c);
	free(c->buckets);
	c->buckets = NULL;
	(void)pthread_mutex_destroy(&c->lock);
}

static void unlink_counted(struct counters *c, struct counted **at)
{
	struct counted *gone = *at;
	*at = gone->next;
	c->count--;
	free_counted(gone);
}

static bool has_ended(const struct counted *s)
{
	struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
	return s->pidfd >= 0 && poll(&p, 1, 0) > 0;
}

/* When twice as many are there as were left the last time: so that it costs a look for each new one. */
static void sweep(struct counters *c)
{
	if (!c->watches || c->count < c->sweep_at)
		return;
	for (size_t i = 0; i < c->bucket_count; i++) {
		for (struct counted **at = &c->buckets[i]; *at;) {
			if (has_ended(*at))
				unlink_counted(c, at);
			else
				at = &(*at)->next;
		}
	}
	c->sweep_at = c->count * 2 > SWEEP_MIN ? c->count * 2 : SWEEP_MIN;
}

struct counted *counters_of(struct counters *c, const struct policy *p, pid_t id)
{
	struct counted **at = bucket(c, id);
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at && !has_ended(*at))
		return *at;
	if (*at)
		unlink_counted(c, at);
	sweep(c);
	struct counted *s = calloc(1, sizeof(*s));
	if (!s || decide_state_create(p, &s->injections) < 0) {
		free(s);
		return NULL;
	}
	s->id = id;
	s->pidfd = c->watches ? (int)syscall(SYS_pidfd_open, id, 0) : -1;
	at = bucket(c, id);
	s->next = *at;
	*at = s;
	c->count++;
	return s;
}

void counters_ended(struct counters *c, pid_t id)
{
	(void)pthread_mutex_lock(&c->lock);
	struct counted **at = bucket(c, id);
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (*at)
		unlink_counted(c, at);
	(void)pthread_mutex_unlock(&c->lock);
}
