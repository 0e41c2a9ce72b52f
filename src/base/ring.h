/*
 * A lock-free ring of variable-length messages between one producer thread and one consumer thread.
 *
 * The buffer is mapped twice in a row, so a message never wraps. The producer blocks when the ring is full and never
 * drops; the consumer sleeps when it is empty. Neither makes a system call otherwise. A consumer sleeps in one of two
 * ways: ring_wait, from which the next message wakes it, and ring_gather, in which messages pile up and only a ring
 * that is over half full wakes it early. So a busy stream costs one wake-up per batch and an idle ring costs none.
 */
#ifndef TRAPLINE_BASE_RING_H
#define TRAPLINE_BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"

struct ring;

/* capacity in bytes, rounded up to a power of two of at least one page. -ENOMEM, -EMFILE or what memfd_create gives. */
MUST_CHECK int ring_create(size_t capacity, struct ring **ret);
void ring_destroy(struct ring *r);

/*
 * Producer: room for a message of len bytes (8-byte aligned), blocking while the ring is full. NULL if len is over half
 * the capacity or the ring was closed by the consumer. Nothing is visible to the consumer before ring_commit.
 */
void *ring_reserve(struct ring *r, size_t len);
void ring_commit(struct ring *r, size_t len);	/* len <= what was reserved */
/* producer: no more messages; consumer: no more reading. Wakes the other. */
void ring_close(struct ring *r);

/*
 * Consumer: the oldest message and its length, or NULL at once when there is none. Valid until ring_release.
 */
const void *ring_peek(struct ring *r, size_t *ret_len);
void ring_release(struct ring *r);		/* done with the message that ring_peek gave */
/*
 * Sleep until there is a message, the ring is closed, or timeout_ns has passed (negative: no time-out).
 * Returns true when a message is there, false on time-out or when closed and drained (ring_closed tells which).
 */
bool ring_wait(struct ring *r, int64_t timeout_ns);
/* Let messages gather: sleep for timeout_ns, or until the ring is over half full or closed. Returns as ring_wait. */
bool ring_gather(struct ring *r, int64_t timeout_ns);
bool ring_closed(const struct ring *r);

#endif
