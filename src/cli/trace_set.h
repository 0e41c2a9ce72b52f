/*
 * The grammar of strace's sets, as in -e trace=SET: [!]VALUE[,VALUE...], "all" and "none". Each parser returns 0 or
 * CLI_EXIT_USAGE after a line on stderr that says what is wrong and what is nearest; *ret is set only on success.
 */
#ifndef TRAPLINE_CLI_TRACE_SET_H
#define TRAPLINE_CLI_TRACE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/errors.h"
#include "syscalls/call_set.h"

/* VALUE: a name, a number, %group, /regex; ?VALUE may be unknown; VALUE@64, @32, @x32 means the same as VALUE. */
MUST_CHECK int trace_set_calls(const char *text, struct call_set *ret);

/* Signals by name with or without SIG, or by number; bit sig - 1. */
MUST_CHECK int trace_set_signals(const char *text, uint64_t *ret);

/* A value of a small set. */
struct trace_word {
	const char *name;
	unsigned value;
};

/* An OR of the words' values; what is the name of the set for messages. */
MUST_CHECK int trace_set_words(const char *what, const char *text, const struct trace_word *words, size_t count,
			       unsigned *ret);

/* One of the words. */
MUST_CHECK int trace_set_word(const char *what, const char *text, size_t len, const struct trace_word *words,
			      size_t count, unsigned *ret);

/* The next item of a list separated by any of delims: its start, and its length in *ret_len; NULL at the end. */
const char *trace_set_next(const char **at, const char *delims, size_t *ret_len);

#endif
