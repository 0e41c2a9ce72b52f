/* What a policy refused or was asked to log: lines on stderr, or JSON lines in a file, so many a second at most. */
#ifndef TRAPLINE_TRACER_POLICY_AUDIT_H
#define TRAPLINE_TRACER_POLICY_AUDIT_H

#include <pthread.h>
#include <stdint.h>

#include "policy/decide.h"
#include "tracer/policy/facts.h"

struct audit {
	pthread_mutex_t lock;		/* a leaf */
	FILE *file;			/* owned; NULL: stderr */
	const char *path;		/* of file; the options' */
	bool lost;			/* the file takes no more, and that was said */
	bool quiet;			/* nothing goes to stderr */
	uint64_t second;		/* the second that .said counts in */
	unsigned said, missed;
};

/* path NULL: stderr, unless quiet. -errno of opening the file, which is appended to. */
MUST_CHECK int audit_init(struct audit *a, const char *path, bool quiet);
void audit_finish(struct audit *a);
static inline bool audit_wants(const struct audit *a)
{
	return a->file || !a->quiet;
}

/* Say what was decided about a call, with the paths and addresses that the decision looked at. Any thread. */
void audit_say(struct audit *a, const struct policy *p, const struct task_facts *f, const struct decision *d);

#endif
