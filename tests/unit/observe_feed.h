/* Synthetic records for the tests of the sinks: what a trap loop would record, over a made-up guest memory. */
#ifndef TRAPLINE_TESTS_OBSERVE_FEED_H
#define TRAPLINE_TESTS_OBSERVE_FEED_H

#include "observe/options.h"
#include "observe/record.h"
#include "observe/recorder.h"

/* Time of a record: this many microseconds behind an arbitrary beginning. */
struct feed {
	struct observe_options options;
	struct recorder *recorder;
	char file[64];			/* where the trace goes; a template until feed_start */
	uint64_t now_us;
};

/* Set up with the defaults; change .options, then start. */
void feed_init(struct feed *f);
void feed_start(struct feed *f);
/* Stop, and return all that was written (static buffer). */
const char *feed_finish(struct feed *f);
/* What a file holds (static buffer), after which it is removed. */
const char *feed_read_file(const char *path);

/* Every string of this guest is "/etc/passwd", every other byte is 'a', and descriptor 7 is /etc/passwd. */
void feed_enter(struct feed *f, pid_t tid, enum call_id id, const uint64_t args[6]);
void feed_exit(struct feed *f, pid_t tid, enum call_id id, const uint64_t args[6], int64_t result);
/* Both. */
void feed_call(struct feed *f, pid_t tid, enum call_id id, const uint64_t args[6], int64_t result);
void feed_event(struct feed *f, pid_t tid, enum record_kind kind, int64_t result);
void feed_payload(struct feed *f, pid_t tid, enum record_kind kind, int64_t result, const void *payload, size_t len);

#endif
