/*
 * The recorder: a ring between the trap loop and the writer thread.
 *
 * The writer lets records gather for a few milliseconds before it looks, so that a stream of them costs few wake-ups
 * and few write(2)s, yet a person sees a call that blocks at once. When nothing has come for a while it sleeps until
 * the next record wakes it, so that an idle guest costs nothing.
 */
#include "observe/recorder.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/ring.h"
#include "base/thread.h"
#include "observe/sink.h"

enum {
	RING_BYTES = 256 << 10,
	RING_BYTES_MAX = 64 << 20,
	GATHER_NS = 5000000,
	GATHERS_BEFORE_SLEEP = 10,
};

struct recorder {
	struct ring *ring;	/* owned */
	pthread_t thread;
	struct writer writer;	/* the writer thread's */
};

static bool drain(struct recorder *r)
{
	size_t len;
	const void *message = ring_peek(r->ring, &len);
	if (!message)
		return false;
	for (; message; message = ring_peek(r->ring, &len)) {
		writer_take(&r->writer, message, len);
		ring_release(r->ring);
	}
	writer_idle(&r->writer);
	return true;
}

static void *writer_thread(void *arg)
{
	struct recorder *r = arg;
	unsigned quiet_rounds = 0;
	for (;;) {
		/* Asked before draining: what was recorded before the ring was closed is drained then. */
		bool closed = ring_closed(r->ring);
		quiet_rounds = drain(r) ? 0 : quiet_rounds + 1;
		if (closed)
			return NULL;
		if (quiet_rounds < GATHERS_BEFORE_SLEEP)
			(void)ring_gather(r->ring, GATHER_NS);
		else
			(void)ring_wait(r->ring, -1);
	}
}

/* Signals are the trap loop's; a SIGPIPE of a sink becomes its EPIPE. */
static int start_thread(struct recorder *r)
{
	int err = thread_start_deaf(&r->thread, writer_thread, r);
	if (!err)
		(void)pthread_setname_np(r->thread, "trapline-writer");
	return err;
}

/* A string argument may be -s bytes long, an array of them longer; a record may take half of the ring. */
static size_t ring_bytes(const struct observe_options *options)
{
	size_t want = options->decode.dump ? RING_BYTES_MAX : (size_t)options->decode.string_limit * 8;
	if (want > RING_BYTES_MAX)
		return RING_BYTES_MAX;
	return want > RING_BYTES ? want : RING_BYTES;
}

int recorder_create(const struct observe_options *options, struct recorder **ret)
{
	struct recorder *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	int err = ring_create(ring_bytes(options), &r->ring);
	if (!err)
		err = writer_init(&r->writer, options);
	if (!err) {
		err = start_thread(r);
		if (err) {
			log_error("cannot start the thread that writes the trace: %s", strerror(-err));
			(void)writer_finish(&r->writer);
		}
	}
	if (err) {
		ring_destroy(r->ring);
		free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void recorder_put(struct recorder *r, struct record *head, const void *payload, size_t payload_len)
{
	head->size = (uint32_t)(sizeof(*head) + payload_len);
	uint8_t *at = ring_reserve(r->ring, sizeof(*head) + payload_len);
	if (!at && payload_len) {
		/* Larger than the ring takes: better a call with addresses in place of strings than none. */
		payload_len = 0;
		head->size = sizeof(*head);
		at = ring_reserve(r->ring, sizeof(*head));
	}
	if (!at)
		return;
	memcpy(at, head, sizeof(*head));
	if (payload_len)
		memcpy(at + sizeof(*head), payload, payload_len);
	ring_commit(r->ring, head->size);
}

void recorder_bind(struct recorder *r, const cpu_set_t *cpus)
{
	(void)pthread_setaffinity_np(r->thread, sizeof(*cpus), cpus);
}

int recorder_finish(struct recorder *r)
{
	if (!r)
		return 0;
	ring_close(r->ring);
	(void)pthread_join(r->thread, NULL);
	int err = writer_finish(&r->writer);
	ring_destroy(r->ring);
	free(r);
	return err;
}
