/*
 * The values of options, private to trace_options.c: each parser changes what its option means in *o, and returns 0 or
 * CLI_EXIT_USAGE after a line on stderr. text is what stands behind the option; NULL where a long option has no value.
 */
#ifndef TRAPLINE_CLI_TRACE_VALUES_H
#define TRAPLINE_CLI_TRACE_VALUES_H

#include "cli/trace_options.h"

int trace_value_abbrev(struct trace_options *o, const char *text);
int trace_value_absolute(struct trace_options *o, const char *text);
int trace_value_columns(struct trace_options *o, const char *text);
int trace_value_decode_fds(struct trace_options *o, const char *text);
int trace_value_expression(struct trace_options *o, const char *text);	/* -e */
int trace_value_decode_pids(struct trace_options *o, const char *text);
/* A set of descriptors, whose bytes are shown from now on. */
int trace_value_dump(struct trace_options *o, const char *what, const char *text, struct dump_set *ret);
int trace_value_daemonize(struct trace_options *o, const char *text);
int trace_value_detach_on(struct trace_options *o, const char *text);
int trace_value_interruptible(struct trace_options *o, const char *text);
int trace_value_consts(struct trace_options *o, const char *text);
int trace_value_hex(struct trace_options *o, const char *text);
int trace_value_overhead(struct trace_options *o, const char *text);
int trace_value_quiet(struct trace_options *o, const char *text);
int trace_value_sort(struct trace_options *o, const char *text);
int trace_value_status(struct trace_options *o, const char *text);

int trace_value_raw(struct trace_options *o, const char *text);
int trace_value_verbose(struct trace_options *o, const char *text);
int trace_value_precision(const char *what, const char *text, enum time_precision *ret);

/* Say it, and return CLI_EXIT_USAGE. */
int trace_usage_error(const char *message);
int trace_unsupported(const char *what);

#endif
