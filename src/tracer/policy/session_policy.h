/* A policy as a person wrote it, and what a session needs to carry it out: for run, trace and the installed library. */
#ifndef TRAPLINE_TRACER_POLICY_SESSION_POLICY_H
#define TRAPLINE_TRACER_POLICY_SESSION_POLICY_H

#include "kernel/kernel.h"
#include "policy/model.h"
#include "tracer/policy/apply.h"
#include "tracer/session.h"

struct session_policy {
	struct policy *policy;
	struct plan *plan;
	struct policy_runtime runtime;	/* the caller sets all but .plan and .reload */
	const char *file;		/* the caller's; NULL: none */
	char *prelude;			/* owned; NULL: none */
	const char *prelude_name;	/* the caller's, for messages; NULL: "command line" */
	const char *cwd;		/* the caller's: where the guest starts; NULL: where trapline is */
	struct file_mount *mounts;	/* owned; the strings are the policy's */
	struct files_options files;
	struct session_options *session;
	struct session_policy *older;	/* owned: what a reload replaced; a decision may still be using it */
};

/*
 * Read the policy: the statements that options stand for (prelude; NULL: none), then the file (NULL: none). 0; -EBADMSG
 * after the diagnostics of a policy that has errors; another negative errno, with nothing said, when the file cannot be
 * read. session_policy_finish in any case.
 */
MUST_CHECK int session_policy_open(struct session_policy *p, const char *file, const char *prelude);

/*
 * Give the kernel its identity and its mounts, and make the policy's plan for the session unless there is nothing to
 * decide. The session keeps a pointer to *p, the kernel to its strings. 0 or a negative errno after a message.
 */
MUST_CHECK int session_policy_apply(struct session_policy *p, struct session_options *session, struct kernel_options *kernel);

void session_policy_finish(struct session_policy *p);

/* Print the diagnostics on stderr and forget them. */
void session_policy_say(struct policy *p);

#endif
