/* What the subcommands of "trapline policy" share. */
#ifndef TRAPLINE_CLI_POLICY_H
#define TRAPLINE_CLI_POLICY_H

#include "cli/cli.h"
#include "policy/model.h"
#include "tracer/policy/session_policy.h"

cli_command policy_reload, policy_check, policy_explain, policy_test, policy_learn, policy_import, policy_export;

/*
 * Load a policy for a tool ("-" is standard input) and say on stderr what is wrong with it. 0 with *ret owned by the
 * caller; CLI_EXIT_FAILURE when it cannot be read or has an error. "where" asks about a guest that run would start
 * here, or, so that the answer is the same everywhere, about one without capabilities on the newest kernel.
 */
MUST_CHECK int policy_open(const char *command, const char *path, bool here, struct policy **ret);

/* The file that a name on the command line means: "-" is standard input. */
const char *policy_file_name(const char *path);

/*
 * session_policy_open and _apply for a command: 0, or an exit status after a message; session_policy_finish in either
 * case.
 */
MUST_CHECK int policy_start(struct session_policy *p, const char *command, const char *file, const char *prelude,
			    struct session_options *session, struct kernel_options *kernel);

#endif
