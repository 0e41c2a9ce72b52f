/* A decode source over a live task: its memory and its descriptors. Valid while the task is stopped or waits for us. */
#ifndef TRAPLINE_TRACER_LIVE_SOURCE_H
#define TRAPLINE_TRACER_LIVE_SOURCE_H

#include <sys/types.h>

#include "syscalls/decode.h"

struct live_source {
	struct decode_source base;
	pid_t tid;
	pid_t tgid;
};

void live_source_init(struct live_source *s, pid_t tid, pid_t tgid);

#endif
