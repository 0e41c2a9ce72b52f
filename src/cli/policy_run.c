#include "cli/policy_run.h"

#include <string.h>

#include "base/strbuf.h"
#include "cli/guest_facts.h"
#include "cli/policy.h"
#include "syscalls/files.h"
#include "syscalls/identity.h"

static void take_identity(struct kernel_options *kernel, const struct policy_identity *id)
{
	kernel->has_uid = id->has_uid;
	kernel->uid = id->uid;
	kernel->has_gid = id->has_gid;
	kernel->gid = id->gid;
	kernel->hostname = id->hostname;
}

static struct file_mount file_mount_of(const struct policy_mount *m)
{
	static const enum file_mount_kind kinds[MOUNT_KINDS] = {
		[MOUNT_HOST] = FILES_HOST, [MOUNT_TMPFS] = FILES_TMPFS, [MOUNT_OVERLAY] = FILES_OVERLAY,
		[MOUNT_PROC] = FILES_PROC, [MOUNT_DEV] = FILES_DEV,
	};
	return (struct file_mount){
		.kind = kinds[m->kind], .target = m->target, .source = m->source, .lowers = m->lowers,
		.lower_count = m->lower_count, .upper = m->upper, .read_only = m->read_only, .size = m->size,
		.inodes = m->inodes, .has_mode = m->has_mode, .mode = m->mode,
	};
}

/* Without a mount and without a directory to start in, files are the host's. */
static int take_mounts(struct policy_run *p, struct kernel_options *kernel)
{
	if (!p->policy->mount_count && !p->cwd)
		return 0;
	p->mounts = calloc(p->policy->mount_count + 1, sizeof(*p->mounts));
	if (!p->mounts)
		return -ENOMEM;
	size_t count = 0;
	for (const struct policy_mount *m = policy_mount_next(p->policy, NULL); m; m = policy_mount_next(p->policy, m))
		p->mounts[count++] = file_mount_of(m);
	p->files = (struct files_options){.mounts = p->mounts, .count = count, .cwd = p->cwd};
	kernel->files = &p->files;
	return 0;
}

static struct files_needs needs_of(const struct kernel_options *kernel)
{
	struct files_needs needs = {.tree = kernel->files, .faked = kernel->has_uid || kernel->has_gid};
	needs.descriptors = needs.tree && (needs.faked || !files_are_hosts(kernel->files));
	for (size_t i = 0; kernel->files && i < kernel->files->count; i++) {
		const struct file_mount *m = &kernel->files->mounts[i];
		needs.limits |= m->kind == FILES_TMPFS && m->size;
	}
	return needs;
}

static int open_policy(const struct policy_run *p, struct policy **ret)
{
	struct guest_facts guest;
	guest_facts_init(&guest);
	struct policy_options options = {.features = policy_build_features(), .facts = guest.facts, .prelude = p->prelude};
	int r = p->file ? policy_load_file(policy_file_name(p->file), &options, ret) :
			  policy_load_text("command line", "", 0, &options, ret);
	if (r < 0) {
		cli_error(p->command, "%s: %s", p->file ? p->file : "command line", strerror(-r));
		return CLI_EXIT_FAILURE;
	}
	policy_say_diags(*ret);
	return (*ret)->diags->errors ? CLI_EXIT_FAILURE : 0;
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

int policy_run_start(struct policy_run *p, const char *command, const char *file, const char *prelude,
		     struct session_options *session, struct kernel_options *kernel)
{
	p->command = command;
	p->file = file;
	p->session = session;
	p->prelude = prelude ? strdup(prelude) : NULL;
	int r = open_policy(p, &p->policy);
	if (r)
		return r;
	take_identity(kernel, &p->policy->identity);
	if (take_mounts(p, kernel) < 0) {
		cli_error(p->command, "no memory");
		return CLI_EXIT_FAILURE;
	}
	identity_calls(&session->emulated, kernel);
	const struct files_needs needs = needs_of(kernel);
	if (needs.tree)
		files_calls(&session->emulated, &needs);
	if (!file && policy_decides_nothing(p->policy))
		return 0;
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
	free(p->prelude);
	free(p->mounts);
	p->mounts = NULL;
	p->plan = NULL;
	p->policy = NULL;
	p->prelude = NULL;
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
