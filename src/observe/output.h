/*
 * Where a sink's bytes go: a descriptor, a shell command's input, or a file of one task. Bytes gather in .text, which
 * sinks append to directly, and leave in large write(2)s; output_flush sends what is there. A failed write is reported
 * once, remembered, and everything after it is dropped. Writer thread only.
 */
#ifndef TRAPLINE_OBSERVE_OUTPUT_H
#define TRAPLINE_OBSERVE_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/strbuf.h"

struct output {
	struct strbuf text;	/* not yet written */
	uint64_t written;	/* bytes that have left .text, so .written + offset is a position in the stream */
	int fd;			/* -1: opened for each flush (a task's file) */
	bool owns_fd;
	bool keeps_lines;	/* a regular file of ours: cut back to whole lines when the disk is full */
	bool opened;		/* a task's file: exists, append from now on */
	char *name;		/* for messages and, for a task's file, its path; owned */
	int command_fd;		/* pidfd of the shell command, or -1 */
	int error;		/* first failure, a negative errno */
};

/* file as in observe_options. -errno after a line on stderr. */
MUST_CHECK int output_open(struct output *o, const char *file, bool append);
/* Where there is a file for each task: standard error for the rest, and file's directory can be written. */
MUST_CHECK int output_open_tasks(struct output *o, const char *file);
/* FILE.TID: created empty (or appended to) now; no descriptor is kept, so ten thousand tasks need none. */
MUST_CHECK int output_open_task(struct output *o, const char *file, pid_t tid, bool append);
/* Send whole lines if much has gathered: call after each record. */
void output_pace(struct output *o);
/* Send everything, a line that has only begun too. */
void output_flush(struct output *o);
/* Flush, wait for the command to end, close. The first error. */
int output_finish(struct output *o);

static inline uint64_t output_position(const struct output *o)
{
	return o->written + o->text.len;
}

#endif
