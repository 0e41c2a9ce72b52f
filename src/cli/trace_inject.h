/*
 * strace's -e inject=SET:... and -e fault=SET:...: from the command line to rules of the policy language, so that there
 * is one model of what is done to a call. As in strace each call of the set has a count of its own, and the last
 * expression about a call is the one that holds.
 */
#ifndef TRAPLINE_CLI_TRACE_INJECT_H
#define TRAPLINE_CLI_TRACE_INJECT_H

#include "base/errors.h"
#include "base/strbuf.h"
#include "syscalls/call_set.h"

enum { TRACE_POKE_ARGS = 7 };	/* strace counts @arg1 to @arg7 */

struct trace_effect {
	char *text, *when;		/* owned: " error EIO", " from 2 every 1" */
	char *pokes[2][TRACE_POKE_ARGS];	/* owned: at entry, at exit; the bytes in hexadecimal, NULL: none */
};

struct trace_injections {
	struct trace_effect *effects;	/* owned */
	size_t count;
	uint16_t of[CALL_COUNT];	/* index + 1 into effects; 0: nothing is injected */
	bool signals;			/* some expression sends a signal */
};

/* One expression, what is behind "inject=" or "fault=". 0, or an exit status after a line on stderr. */
MUST_CHECK int trace_inject_add(struct trace_injections *t, const char *text, bool fault);
void trace_inject_finish(struct trace_injections *t);
/*
 * The rules, one a line. What an expression would overwrite beyond a call's arguments is said on stderr and left out.
 */
void trace_inject_rules(const struct trace_injections *t, const struct call_set *traced, struct strbuf *out);

#endif
