#include "cli/policy_run.h"

#include <string.h>

#include "base/strbuf.h"
#include "cli/policy.h"
#include "syscalls/identity.h"

/* Options on the command line come before the policy's identity. */
static void take_identity(struct kernel_options *kernel, const struct policy_identity *id)
{
	if (id->has_uid && !kernel->has_uid) {
		kernel->has_uid = true;
		kernel->uid = id->uid;
	}
	if (id->has_gid && !kernel->has_gid) {
		kernel->has_gid = true;
		kernel->gid = id->gid;
	}
	if (!kernel->hostname)
		kernel->hostname = id->hostname;
}

/* Rules of the command line, then the file's: as a policy that includes it. */
static int open_rules(const char *command, const char *file, const char *rules, struct policy **ret)
{
	struct policy_options options = {.features = policy_build_features()};
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	strbuf_adds(&text, rules);
	AUTO_FREE char *path = file ? realpath(file, NULL) : NULL;
	if (file && !path) {
		cli_error(command, "%s: %s", file, strerror(errno));
		return CLI_EXIT_FAILURE;
	}
	if (path)
		strbuf_addf(&text, "include \"%s\"\n", path);
	else
		strbuf_adds(&text, "default native\n");
	int r = policy_load_text("command line", strbuf_str(&text), text.len, &options, ret);
	if (r < 0) {
		cli_error(command, "%s", strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	policy_say_diags(*ret);
	return (*ret)->diags->errors ? CLI_EXIT_FAILURE : 0;
}

int policy_run_start(struct policy_run *p, const char *command, const char *file, const char *rules,
		     struct session_options *session, struct kernel_options *kernel)
{
	int r = rules ? open_rules(command, file, rules, &p->policy) : policy_open(command, file, NULL, &p->policy);
	if (r)
		return r;
	take_identity(kernel, &p->policy->identity);
	identity_calls(&session->emulated, kernel);
	if (session_plan(session, p->policy, p->runtime.audit_file, &p->plan) < 0)
		return CLI_EXIT_FAILURE;
	p->runtime.plan = p->plan;
	session->policy = &p->runtime;
	return 0;
}

void policy_run_finish(struct policy_run *p)
{
	plan_destroy(p->plan);
	policy_destroy(p->policy);
	p->plan = NULL;
	p->policy = NULL;
}
