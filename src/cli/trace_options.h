/* The command line of `trapline trace`, spelt as strace's: from argv to what the session and the sinks want. */
#ifndef TRAPLINE_CLI_TRACE_OPTIONS_H
#define TRAPLINE_CLI_TRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/errors.h"
#include "cli/trace_inject.h"
#include "observe/options.h"
#include "syscalls/call_set.h"
#include "tracer/session.h"

struct trace_options {
	struct observe_options observe;
	struct call_set traced;		/* -e trace= */
	enum mechanism mechanism;
	enum session_ends ends;
	bool free_placement;
	bool stack;			/* -k */
	const char *policy_file;
	const char *audit_file;
	struct trace_injections injections;	/* -e inject=, -e fault= */
	struct decode_sets sets;	/* -e raw=, verbose=, abbrev= */
	struct decode_dump dump;	/* -e read=, -e write= */
	bool help;
	bool version;

	char **command;			/* points into argv; NULL with -p */
	char **environment;		/* owned array of borrowed strings; NULL without -E */
	pid_t *attach;			/* owned */
	size_t attach_count;
	char *argv0;			/* --argv0 */
	const char *program;		/* what the command was called, with --argv0; else NULL */
	struct session_user user;	/* with has_user */
	gid_t *groups;			/* owned; of .user */
	bool has_user;			/* -u */
	bool detach_on_exec;		/* -b execve */
	unsigned daemonize;		/* -D, -DD, -DDD */
	unsigned interruptible;		/* -I; 0: not given */
	char **paths;			/* owned array and strings; .observe.paths is this */
	size_t path_count;

	/* While parsing. */
	unsigned hex_level, time_level, quiet_level, fd_level, follow_level;
	bool summary_only;
	bool quiet_set;
};

/*
 * 0, or the exit status after a line on stderr. trace_options_finish is called in either case. Keeps pointers into argv
 * and its strings; .observe points into *ret, which must not move.
 */
MUST_CHECK int trace_options_parse(int argc, char **argv, struct trace_options *ret);
void trace_options_finish(struct trace_options *o);

#endif
