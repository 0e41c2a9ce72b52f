/* How the command of `trapline trace` is started: as whom (-u), under which name (--argv0), beside its tracer (-D). */
#ifndef TRAPLINE_CLI_TRACE_COMMAND_H
#define TRAPLINE_CLI_TRACE_COMMAND_H

#include "cli/trace_options.h"

/* The user by name or number, with all groups. 0, or CLI_EXIT_USAGE after a line on stderr. */
MUST_CHECK int trace_command_user(struct trace_options *o, const char *name);

/*
 * -D: this process becomes the command, and a grandchild its tracer. Returns in the grandchild alone: 0, with the
 * options for attaching to the command that is about to be executed, and *ret_ready to be closed after it was; or the
 * exit status, in this process, where that failed.
 */
MUST_CHECK int trace_command_daemonize(struct trace_options *o, int *ret_ready);

#endif
