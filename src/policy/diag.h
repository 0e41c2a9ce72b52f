/* What is wrong with a policy: collected while it is read, shown all at once with the line and a caret. */
#ifndef TRAPLINE_POLICY_DIAG_H
#define TRAPLINE_POLICY_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "policy/arena.h"

/* One file of a policy. The text is owned by the policy's arena. */
struct source {
	const char *name;
	const char *text;
	size_t len;
};

/* A stretch of a source. */
struct span {
	uint16_t source;	/* index into diags.sources */
	uint32_t line;		/* from 1 */
	uint32_t offset;	/* bytes from the start of the source */
	uint32_t len;
};

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
};

struct diag {
	struct span at;
	enum severity severity;
	const char *message;
	const char *hint;	/* beside the caret, or NULL */
};

#define DIAGS_SHOWN 100		/* the rest are counted */
#define SOURCES_MAX 1024

struct diags {
	struct arena arena;
	struct source sources[SOURCES_MAX];
	unsigned source_count;
	struct diag list[DIAGS_SHOWN];
	unsigned count;		/* in the list */
	size_t errors, warnings;	/* all of them */
	bool full;		/* no more files: there are too many, or too much text */
	bool no_memory;
};

struct diags *diags_create(void);
void diags_destroy(struct diags *d);

/* True when another one would still be shown: a suggestion is worth looking for. */
static inline bool diags_room(const struct diags *d)
{
	return d->count < DIAGS_SHOWN;
}

void diag_error(struct diags *d, struct span at, const char *format, ...) PRINTF_LIKE(3, 4);
void diag_warning(struct diags *d, struct span at, const char *format, ...) PRINTF_LIKE(3, 4);
/* Beside the caret of the diagnostic that was added last (nothing if that one is only counted). */
void diag_hint(struct diags *d, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * "FILE:LINE:COLUMN: error: MESSAGE", the line, the caret; in the order of the text; then the count if some are not
 * shown.
 */
void diags_print(struct diags *d, struct strbuf *out);

/* The 1-based column of a span, in bytes. */
unsigned diag_column(const struct diags *d, struct span at);

#endif
