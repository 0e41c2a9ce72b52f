#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static bool debug_wanted; /* set once by log_init before any thread starts */

void log_init(void)
{
	const char *v = getenv("TRAPLINE_DEBUG");
	debug_wanted = v && *v && strcmp(v, "0") != 0;
}

PRINTF_LIKE(2, 0) static void put(const char *kind, const char *format, va_list ap)
{
	char line[2048];
	int n = snprintf(line, sizeof(line), "trapline: %s", kind);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
	if (m < 0)
		return;
	size_t len = (size_t)n + (size_t)m;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	/* Names may hold anything: a message stays one line and sends the terminal no commands. */
	for (size_t i = 0; i < len; i++)
		line[i] = (unsigned char)line[i] < ' ' || line[i] == 0x7f ? '?' : line[i];
	line[len++] = '\n';
	/* A broken stderr has no one left to tell. */
	ssize_t ignored = write(STDERR_FILENO, line, len);
	(void)ignored;
}

void log_error(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	put("", format, ap);
	va_end(ap);
}

void log_warning(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	put("warning: ", format, ap);
	va_end(ap);
}

void log_debug(const char *format, ...)
{
	if (!debug_wanted)
		return;
	va_list ap;
	va_start(ap, format);
	put("debug: ", format, ap);
	va_end(ap);
}

const char *log_cause(int err)
{
	switch (err) {
	case EMFILE:
		return "Too many open files (ulimit -n)";
	case ENFILE:	/* what a guest is told when it is we that have none */
		return "Too many open files in system (or ulimit -n)";
	default:
		return strerror(err);
	}
}
