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

static int open_policy(const struct policy_run *p, struct policy **ret)
{
	return p->rules ? open_rules(p->command, p->file, p->rules, ret) : policy_open(p->command, p->file, NULL, ret);
}

/* The new one becomes an element of the list that policy_run_finish ends; the session says whether it takes it. */
static int reload(void *ctx, const struct plan **ret)
{
	struct policy_run *p = ctx;
	struct policy_run *next = calloc(1, sizeof(*next));
	if (!next)
		return -ENOMEM;
	next->older = p->older;
	p->older = next;
	if (open_policy(p, &next->policy) || session_plan(p->session, next->policy, p->runtime.audit_file, &next->plan) < 0)
		return -EINVAL;
	*ret = next->plan;
	return 0;
}

int policy_run_start(struct policy_run *p, const char *command, const char *file, const char *rules,
		     struct session_options *session, struct kernel_options *kernel)
{
	p->command = command;
	p->file = file;
	p->session = session;
	p->rules = rules ? strdup(rules) : NULL;
	int r = open_policy(p, &p->policy);
	if (r)
		return r;
	take_identity(kernel, &p->policy->identity);
	identity_calls(&session->emulated, kernel);
	if (session_plan(session, p->policy, p->runtime.audit_file, &p->plan) < 0)
		return CLI_EXIT_FAILURE;
	p->runtime.plan = p->plan;
	p->runtime.reload = file ? reload : NULL;
	p->runtime.reload_ctx = p;
	session->policy = &p->runtime;
	return 0;
}

static void finish_one(struct policy_run *p)
{
	plan_destroy(p->plan);
	policy_destroy(p->policy);
	free(p->rules);
	p->plan = NULL;
	p->policy = NULL;
	p->rules = NULL;
}

void policy_run_finish(struct policy_run *p)
{
	while (p->older) {
		struct policy_run *older = p->older;
		p->older = older->older;
		finish_one(older);
		free(older);
	}
	finish_one(p);
}
