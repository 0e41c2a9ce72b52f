/* A decode source over a live task: its memory and its descriptors. Valid while the task is stopped or waits for us. */
#ifndef TRAPLINE_TRACER_LIVE_SOURCE_H
#define TRAPLINE_TRACER_LIVE_SOURCE_H

#include <sys/types.h>

#include "syscalls/decode.h"

/* Memory as it was behind a call that the task has left since. */
struct live_late {
	uint64_t addr;
	size_t len;
	const void *bytes;	/* not owned */
};

struct live_source {
	struct decode_source base;
	pid_t tid;
	pid_t tgid;
	struct live_late late;	/* asked before the task; len 0: nothing is there */
};

void live_source_init(struct live_source *s, pid_t tid, pid_t tgid);

#endif
