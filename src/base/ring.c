/*
 * The ring of ring.h.
 *
 * Positions (head: produced, tail: consumed) count bytes since the ring was made and never wrap in practice; the
 * offset in the buffer is the position modulo the capacity. A message is an 8-byte length and its bytes, padded to 8.
 *
 * Memory order. The producer writes a message, then stores head; the consumer loads head, then reads the message:
 * release and acquire make the bytes visible. The same holds for tail in the other direction, so the producer never
 * overwrites bytes that are still being read. Sleeping needs more: the producer stores head and then loads
 * consumer_state, the consumer stores consumer_state and then loads head (Dekker's pattern), and one of the two must
 * see the other's store or the wake-up is lost. So these four accesses are sequentially consistent, as are the
 * mirrored four of tail and producer_waits. Stand-alone fences would do too, but ThreadSanitizer does not understand
 * them.
 *
 * A state word is a futex: the sleeper sets it, whoever clears it wakes. The kernel compares the word before it puts
 * the sleeper to sleep, so a wake-up between the check and the sleep is not lost either.
 */
#include "base/ring.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

enum { LINE = 64, HEAD_BYTES = sizeof(uint64_t) };

enum consumer_state {
	CONSUMER_AWAKE,
	CONSUMER_GATHERS,	/* wake it when over half full */
	CONSUMER_WAITS,		/* wake it at the next message */
};

struct ring {
	uint8_t *buffer;	/* mapped twice in a row; owned */
	size_t capacity;	/* power of two */
	_Atomic bool closed;

	_Alignas(LINE) _Atomic uint64_t head;	/* stored by the producer */
	uint64_t known_tail;			/* producer's: a tail seen earlier, never ahead of the real one */
	size_t reserved;			/* producer's: bytes of message reserved */

	_Alignas(LINE) _Atomic uint64_t tail;	/* stored by the consumer */
	uint64_t known_head;			/* consumer's: a head seen earlier */

	_Alignas(LINE) _Atomic uint32_t consumer_state;
	_Atomic uint32_t producer_waits;	/* 1 while the producer sleeps for room */
};

static void futex_sleep(_Atomic uint32_t *word, uint32_t value, const struct timespec *timeout)
{
	/* EAGAIN, EINTR and ETIMEDOUT all mean: look again, which every caller does. */
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Where mremap does not make a second mapping (qemu-user). */
static int map_file_twice(size_t capacity, uint8_t *at)
{
	AUTO_CLOSE int fd = memfd_create("trapline-ring", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)capacity) < 0)
		return -errno;
	for (uint8_t *half = at; half < at + 2 * capacity; half += capacity) {
		if (mmap(half, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

/*
 * The same bytes at two neighbouring addresses. Shared memory without a file of ours: RLIMIT_FSIZE has no say, and
 * mremap of no bytes of a shared mapping makes another mapping of it (mremap(2)).
 */
static int map_twice(size_t capacity, uint8_t **ret)
{
	uint8_t *at = mmap(NULL, 2 * capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	int r = 0;
	if (mmap(at, capacity, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ||
	    mremap(at, 0, capacity, MREMAP_MAYMOVE | MREMAP_FIXED, at + capacity) == MAP_FAILED)
		r = map_file_twice(capacity, at);
	if (r < 0) {
		(void)munmap(at, 2 * capacity);
		return r;
	}
	*ret = at;
	return 0;
}

int ring_create(size_t capacity, struct ring **ret)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	while (size < capacity)
		size *= 2;
	struct ring *r = aligned_alloc(LINE, sizeof(*r));
	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	int err = map_twice(size, &r->buffer);
	if (err) {
		free(r);
		return err;
	}
	r->capacity = size;
	*ret = r;
	return 0;
}

void ring_destroy(struct ring *r)
{
	if (!r)
		return;
	(void)munmap(r->buffer, 2 * r->capacity);
	free(r);
}

static size_t message_size(size_t len)
{
	return HEAD_BYTES + ((len + 7) & ~(size_t)7);
}

static uint8_t *slot(const struct ring *r, uint64_t position)
{
	return r->buffer + (position & (r->capacity - 1));
}

/* ---- waking ---- */

static void wake_consumer(struct ring *r)
{
	if (atomic_exchange(&r->consumer_state, CONSUMER_AWAKE) != CONSUMER_AWAKE)
		futex_wake(&r->consumer_state);
}

static void wake_producer(struct ring *r)
{
	if (atomic_exchange(&r->producer_waits, 0))
		futex_wake(&r->producer_waits);
}

void ring_close(struct ring *r)
{
	atomic_store(&r->closed, true);
	wake_consumer(r);
	wake_producer(r);
}

bool ring_closed(const struct ring *r)
{
	return atomic_load(&r->closed);
}

/* ---- producer ---- */

static bool has_room(struct ring *r, uint64_t head, size_t size)
{
	if (r->capacity - (head - r->known_tail) >= size)
		return true;
	r->known_tail = atomic_load(&r->tail);
	return r->capacity - (head - r->known_tail) >= size;
}

/* The consumer clears producer_waits once half of the ring is free, and at close. */
static void sleep_for_room(struct ring *r, uint64_t head, size_t size)
{
	wake_consumer(r);
	atomic_store(&r->producer_waits, 1);
	if (!has_room(r, head, size) && !atomic_load(&r->closed))
		futex_sleep(&r->producer_waits, 1, NULL);
	atomic_store_explicit(&r->producer_waits, 0, memory_order_relaxed);
}

void *ring_reserve(struct ring *r, size_t len)
{
	/* With the length word a message of half the capacity would not meet wake_producer's threshold. */
	if (len > r->capacity / 2 - HEAD_BYTES)
		return NULL;
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t size = message_size(len);
	while (!has_room(r, head, size)) {
		if (atomic_load(&r->closed))
			return NULL;
		sleep_for_room(r, head, size);
	}
	if (atomic_load_explicit(&r->closed, memory_order_relaxed))
		return NULL;
	r->reserved = len;
	return slot(r, head) + HEAD_BYTES;
}

static bool over_half_full(struct ring *r, uint64_t head)
{
	if (head - r->known_tail <= r->capacity / 2)
		return false;
	r->known_tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	return head - r->known_tail > r->capacity / 2;
}

void ring_commit(struct ring *r, size_t len)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	if (len > r->reserved)
		abort(); /* the caller wrote over what the consumer may be reading */
	uint64_t word = len;
	memcpy(slot(r, head), &word, sizeof(word));
	head += message_size(len);
	atomic_store(&r->head, head);
	uint32_t state = atomic_load(&r->consumer_state);
	if (state == CONSUMER_WAITS || (state == CONSUMER_GATHERS && over_half_full(r, head)))
		wake_consumer(r);
}

/* ---- consumer ---- */

const void *ring_peek(struct ring *r, size_t *ret_len)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	if (tail == r->known_head) {
		r->known_head = atomic_load_explicit(&r->head, memory_order_acquire);
		if (tail == r->known_head)
			return NULL;
	}
	uint64_t len;
	memcpy(&len, slot(r, tail), sizeof(len));
	*ret_len = (size_t)len;
	return slot(r, tail) + HEAD_BYTES;
}

void ring_release(struct ring *r)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint64_t len;
	memcpy(&len, slot(r, tail), sizeof(len));
	tail += message_size((size_t)len);
	atomic_store(&r->tail, tail);
	/* Half of the ring is enough for any message; waking for less would make producer and consumer take turns. */
	if (atomic_load(&r->producer_waits) && atomic_load(&r->head) - tail <= r->capacity / 2)
		wake_producer(r);
}

/* Is there a reason for a consumer in this state not to sleep? */
static bool must_wake(struct ring *r, enum consumer_state state)
{
	uint64_t used = atomic_load(&r->head) - atomic_load_explicit(&r->tail, memory_order_relaxed);
	return atomic_load(&r->closed) || used > (state == CONSUMER_WAITS ? 0 : r->capacity / 2);
}

static bool consumer_sleep(struct ring *r, enum consumer_state state, int64_t timeout_ns)
{
	int64_t end = timeout_ns < 0 ? 0 : now_ns() + timeout_ns;
	int64_t left = timeout_ns;
	for (;;) {
		atomic_store(&r->consumer_state, state);
		if (must_wake(r, state) || left == 0)
			break;
		struct timespec t = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
		futex_sleep(&r->consumer_state, state, timeout_ns < 0 ? NULL : &t);
		if (timeout_ns < 0)
			continue;
		left = end - now_ns();
		if (left < 0)
			left = 0;
	}
	atomic_store_explicit(&r->consumer_state, CONSUMER_AWAKE, memory_order_relaxed);
	return atomic_load(&r->head) != atomic_load_explicit(&r->tail, memory_order_relaxed);
}

bool ring_wait(struct ring *r, int64_t timeout_ns)
{
	return consumer_sleep(r, CONSUMER_WAITS, timeout_ns);
}

bool ring_gather(struct ring *r, int64_t timeout_ns)
{
	return consumer_sleep(r, CONSUMER_GATHERS, timeout_ns);
}
