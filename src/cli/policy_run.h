/* A policy and what a session needs to carry it out: for run and trace. */
#ifndef TRAPLINE_CLI_POLICY_RUN_H
#define TRAPLINE_CLI_POLICY_RUN_H

#include "kernel/kernel.h"
#include "policy/model.h"
#include "tracer/policy/apply.h"
#include "tracer/session.h"

struct policy_run {
	struct policy *policy;
	struct plan *plan;
	struct policy_runtime runtime;	/* the caller sets all but .plan and .reload */
	const char *command, *file;
	char *prelude;			/* owned; NULL: none */
	const char *cwd;		/* the caller's: where the guest starts; NULL: where trapline is */
	struct file_mount *mounts;	/* owned; the strings are the policy's */
	struct files_options files;
	struct session_options *session;
	struct policy_run *older;	/* owned: what a reload replaced; a decision may still be using it */
};

/*
 * Read the policy: the statements that the command's options stand for (prelude; NULL: none), then the file (NULL: none).
 * Give the kernel its identity, and make its plan for the session unless there is nothing to decide. The session keeps a
 * pointer to *p, the kernel to its strings. 0, or an exit status after a message; policy_run_finish in either case.
 */
MUST_CHECK int policy_run_start(struct policy_run *p, const char *command, const char *file, const char *prelude,
				struct session_options *session, struct kernel_options *kernel);
void policy_run_finish(struct policy_run *p);

#endif
