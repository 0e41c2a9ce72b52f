/* What the sinks show and where: filled in from the command line (cli/trace_options.c), read by the writer thread. */
#ifndef TRAPLINE_OBSERVE_OPTIONS_H
#define TRAPLINE_OBSERVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syscalls/decode.h"

enum observe_format {
	OBSERVE_TEXT,		/* strace's layout */
	OBSERVE_JSON,		/* one object a line */
	OBSERVE_NONE,		/* no events, only a summary (-c) */
};

/* Digits behind the decimal point: the enumerator's value. */
enum time_precision {
	PRECISION_S = 0,
	PRECISION_MS = 3,
	PRECISION_US = 6,
	PRECISION_NS = 9,
};

enum time_format {
	TIME_NONE,
	TIME_OF_DAY,		/* 11:02:33, local time */
	TIME_UNIX,		/* seconds since 1970 */
};

/* Bits of .statuses: the calls that are shown, by how they ended. */
enum call_status {
	STATUS_SUCCESSFUL = 1 << 0,
	STATUS_FAILED = 1 << 1,
	STATUS_UNFINISHED = 1 << 2,	/* the task ended in the call */
	STATUS_UNAVAILABLE = 1 << 3,	/* it ended, how is not known */
	STATUS_DETACHED = 1 << 4,	/* trapline detached first */
	STATUS_ALL = (1 << 5) - 1,
};

/* Bits of .quiet: messages that are left out. */
enum quiet_message {
	QUIET_ATTACH = 1 << 0,		/* Process N attached, detached */
	QUIET_EXIT = 1 << 1,		/* +++ exited with N +++ */
	QUIET_PATH_RESOLUTION = 1 << 2,	/* -P PATH means another path */
	QUIET_PERSONALITY = 1 << 3,	/* Process N runs in 32 bit mode */
	QUIET_THREAD_EXECVE = 1 << 4,	/* +++ superseded by execve in pid N +++ */
	QUIET_ALL = (1 << 5) - 1,
};

/* Columns of the summary, in the order in which strace knows them, then our own. */
enum summary_column {
	COLUMN_TIME_PERCENT,
	COLUMN_TOTAL_TIME,
	COLUMN_MIN_TIME,
	COLUMN_MAX_TIME,
	COLUMN_AVG_TIME,
	COLUMN_CALLS,
	COLUMN_ERRORS,
	COLUMN_NAME,
	COLUMN_P50,
	COLUMN_P99,
	COLUMN_COUNT,
	COLUMN_NONE = COLUMN_COUNT,	/* as a sort key: as the table of calls is sorted */
};

struct observe_options {
	enum observe_format format;
	bool summary;			/* -c, -C */
	struct decode_options decode;
	/*
	 * Given to the sinks besides .decode: with -P the read logs hold paths of descriptors that are not to be shown.
	 */
	bool hide_fd_paths;

	const char *file;		/* NULL: stderr; "|command" or "!command": a shell command's input */
	bool append;			/* -A */
	bool per_task;			/* -ff: FILE.TID, one for each task; only with .file */
	bool attached;			/* -p: the first tasks were attached to, not started */

	unsigned column;		/* -a */
	bool show_ip;			/* -i */
	bool show_nr;			/* -n */
	enum time_format time;		/* -t */
	enum time_precision time_precision;
	bool relative;			/* -r */
	enum time_precision relative_precision;
	bool duration;			/* -T */
	enum time_precision duration_precision;

	unsigned statuses;		/* of enum call_status */
	unsigned quiet;			/* of enum quiet_message */
	uint64_t signals;		/* bit sig - 1: shown */
	const char *const *paths;	/* -P: only calls on one of these */
	size_t path_count;

	enum summary_column sort;
	enum summary_column columns[COLUMN_COUNT];	/* -U */
	unsigned column_count;
	bool system_time;		/* summary of record.cpu_ns instead of the duration */
	int64_t overhead_ns;		/* -O: taken off each call's time in the summary */
};

/* strace's defaults: text on stderr, everything shown. */
void observe_options_init(struct observe_options *o);

#endif
