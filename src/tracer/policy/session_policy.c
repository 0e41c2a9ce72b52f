#include "tracer/policy/session_policy.h"

#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "syscalls/files.h"
#include "syscalls/identity.h"
#include "tracer/policy/guest_facts.h"

static void take_identity(struct kernel_options *kernel, const struct policy_identity *id)
{
	kernel->has_uid = id->has_uid;
	kernel->uid = id->uid;
	kernel->has_gid = id->has_gid;
	kernel->gid = id->gid;
	kernel->hostname = id->hostname;
	kernel->release = id->release;
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
static int take_mounts(struct session_policy *p, struct kernel_options *kernel)
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

void session_policy_say(struct policy *p)
{
	AUTO_STRBUF struct strbuf out;
	strbuf_init(&out);
	diags_print(p->diags, &out);
	(void)fputs(strbuf_str(&out), stderr);
}

/* As session_policy_open; *ret is owned by the caller whenever it is not NULL. */
static int load(const struct session_policy *p, struct policy **ret)
{
	struct guest_facts guest;
	guest_facts_init(&guest);
	struct policy_options options = {
		.features = policy_build_features(), .facts = guest.facts, .prelude = p->prelude, .prelude_name = p->prelude_name,
	};
	*ret = NULL;
	int r = p->file ? policy_load_file(p->file, &options, ret) : policy_load_text("command line", "", 0, &options, ret);
	if (r < 0)
		return r;
	session_policy_say(*ret);
	return (*ret)->diags->errors ? -EBADMSG : 0;
}

/* The new one becomes an element of the list that session_policy_finish ends; the session says whether it takes it. */
static int reload(void *ctx, const struct plan **ret)
{
	struct session_policy *p = ctx;
	struct session_policy *next = calloc(1, sizeof(*next));
	if (!next)
		return -ENOMEM;
	next->older = p->older;
	p->older = next;
	int r = load(p, &next->policy);
	if (r < 0 && r != -EBADMSG)
		log_error("%s: %s", p->file, strerror(-r));
	if (r == 0)
		r = session_plan(p->session, next->policy, p->runtime.audit_file, &next->plan);
	if (r < 0)
		return r;
	*ret = next->plan;
	return 0;
}

int session_policy_open(struct session_policy *p, const char *file, const char *prelude)
{
	p->file = file;
	if (prelude) {
		p->prelude = strdup(prelude);
		if (!p->prelude)
			return -ENOMEM;
	}
	return load(p, &p->policy);
}

int session_policy_apply(struct session_policy *p, struct session_options *session, struct kernel_options *kernel)
{
	p->session = session;
	take_identity(kernel, &p->policy->identity);
	int r = take_mounts(p, kernel);
	if (r < 0) {
		log_error("the policy's mounts: %s", strerror(-r));
		return r;
	}
	identity_calls(&session->emulated, kernel);
	const struct files_needs needs = needs_of(kernel);
	if (needs.tree)
		files_calls(&session->emulated, &needs);
	if (!p->file && policy_decides_nothing(p->policy))
		return 0;
	r = session_plan(session, p->policy, p->runtime.audit_file, &p->plan);
	if (r < 0)
		return r;
	p->runtime.plan = p->plan;
	p->runtime.reload = p->file ? reload : NULL;
	p->runtime.reload_ctx = p;
	session->policy = &p->runtime;
	return 0;
}

static void finish_one(struct session_policy *p)
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

void session_policy_finish(struct session_policy *p)
{
	while (p->older) {
		struct session_policy *older = p->older;
		p->older = older->older;
		finish_one(older);
		free(older);
	}
	finish_one(p);
}
