/*
 * Who got which signal, seen at a place that a signal to the whole group reaches too: at the command's signal stops, or
 * by the guard. So the supervisor knows which of its own the command has already.
 *
 * One process notes, one asks; the memory may be shared between the two.
 */
#ifndef TRAPLINE_TRACER_SIGHTINGS_H
#define TRAPLINE_TRACER_SIGHTINGS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { SIGHTINGS_SIGNALS = 65, SIGHTINGS_WINDOW_MS = 500 };

struct sightings {
	struct {
		_Atomic uint64_t last;	/* pid of the sender << 32 | ms of the monotonic clock */
		_Atomic uint32_t count;
	} of[SIGHTINGS_SIGNALS];
};

/* The asker's own. */
struct sightings_used {
	struct {
		uint32_t count;		/* sightings that belonged to signals it was asked about */
		uint32_t taken_ms;	/* when the last of those was taken */
	} of[SIGHTINGS_SIGNALS];
};

static inline uint32_t sightings_now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* Async-signal-safe. */
static inline void sightings_note(struct sightings *s, int sig, pid_t sender)
{
	if (sig <= 0 || sig >= SIGHTINGS_SIGNALS)
		return;
	atomic_store(&s->of[sig].last, (uint64_t)(uint32_t)sender << 32 | sightings_now_ms());
	atomic_fetch_add(&s->of[sig].count, 1);
}

/*
 * Is a signal that we took at this time one that was seen there too? Each sighting answers for one signal. How long
 * before ours it may have been seen: for half a second on a loaded machine, and since our last one of this number if
 * that is longer (we may have been stopped).
 */
static inline bool sightings_claim(struct sightings *s, struct sightings_used *used, int sig, pid_t sender, uint32_t taken_ms)
{
	uint32_t count = atomic_load(&s->of[sig].count);
	uint64_t last = atomic_load(&s->of[sig].last);
	uint32_t before_ours = taken_ms - (uint32_t)last;
	uint32_t since_last = taken_ms - used->of[sig].taken_ms;
	bool first = !used->of[sig].taken_ms;
	used->of[sig].taken_ms = taken_ms ? taken_ms : 1;
	if (count == used->of[sig].count)
		return false;
	bool recent = (int32_t)before_ours < SIGHTINGS_WINDOW_MS || first ||
		      (int32_t)(before_ours + SIGHTINGS_WINDOW_MS) < (int32_t)since_last;
	if (!recent)
		used->of[sig].count = count;	/* of signals that never reached us */
	if (!recent || (pid_t)(last >> 32) != sender)
		return false;
	used->of[sig].count++;
	return true;
}

#endif
