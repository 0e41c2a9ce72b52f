/*
 * The producer's side of observation: what the trap loop calls. A recorder owns the ring, the writer thread and the
 * sinks behind it. One thread records; any failure of a sink (disk full, closed pipe) is remembered and returned by
 * recorder_finish, and recording goes on into nothing, so that a guest never suffers from its observer.
 */
#ifndef TRAPLINE_OBSERVE_RECORDER_H
#define TRAPLINE_OBSERVE_RECORDER_H

#include <sched.h>
#include <stddef.h>

#include "base/errors.h"
#include "observe/record.h"

struct recorder;
struct observe_options;	/* observe/options.h: format, file, time stamps, filters */

/* Opens the outputs and starts the writer. options must outlive the recorder. -errno of the open, or -ENOMEM. */
MUST_CHECK int recorder_create(const struct observe_options *options, struct recorder **ret);

/* Hand over one record; head->size is set here from payload_len. Blocks while the ring is full. Copies both. */
void recorder_put(struct recorder *r, struct record *head, const void *payload, size_t payload_len);

/* Where the writer may run (sched_setaffinity(2)). */
void recorder_bind(struct recorder *r, const cpu_set_t *cpus);

/* Write out everything, print the summary if one was asked for, stop the writer, free. First error of a sink, or 0. */
MUST_CHECK int recorder_finish(struct recorder *r);

#endif
