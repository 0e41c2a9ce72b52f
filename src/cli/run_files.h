/*
 * The files of a guest on the command line: -r, -R, -b, --tmpfs, --overlay, --proc, --dev, --read-only, -w. Each option
 * is written as the mount statement of a policy that it stands for; policy_run.c makes kernel options of what the model
 * says in the end.
 */
#ifndef TRAPLINE_CLI_RUN_FILES_H
#define TRAPLINE_CLI_RUN_FILES_H

#include "base/strbuf.h"
#include "policy/model.h"

enum run_files_option {
	RUN_FILES_ROOT, RUN_FILES_ROOT_WITH_HOST, RUN_FILES_BIND, RUN_FILES_TMPFS, RUN_FILES_OVERLAY, RUN_FILES_PROC,
	RUN_FILES_DEV, RUN_FILES_READ_ONLY, RUN_FILES_CWD,
};

struct run_files {
	struct strbuf statements;
	const char *root;		/* -r or -R; written at the end, when --read-only is known */
	bool read_only;
	const char *cwd;		/* -w */
};

void run_files_init(struct run_files *f);
void run_files_finish(struct run_files *f);
/* 0, or CLI_EXIT_USAGE after a message. */
MUST_CHECK int run_files_option(struct run_files *f, enum run_files_option option, const char *arg);
/* Append all mount statements. */
void run_files_statements(const struct run_files *f, struct strbuf *out);

#endif
