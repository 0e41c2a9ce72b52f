/* Messages to the person who runs trapline: one line each on stderr, "trapline: what". */
#ifndef TRAPLINE_BASE_LOG_H
#define TRAPLINE_BASE_LOG_H

#include "base/errors.h"

/* Write "trapline: " and the message and a newline to stderr in one write(2), so lines of threads never mix. */
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
/* Only when the environment has TRAPLINE_DEBUG=1 (read once, by log_init). */
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);
void log_init(void);

/* strerror(3) for a message, with the limit that is to blame where that is known ("ulimit -n"). Static storage. */
const char *log_cause(int err);

/* The symbolic name of an errno ("ENOENT"), or NULL if the kernel has none by that number. Static storage. */
const char *errno_name(int err);
/* The errno with this name, or -1. */
int errno_from_name(const char *name);

#endif
