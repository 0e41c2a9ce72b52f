#include "policy/model.h"

#include <string.h>

#include "base/log.h"
#include "policy/decide.h"

void policy_destroy(struct policy *p)
{
	if (!p)
		return;
	decide_index_destroy(p->index);
	free(p->rules);
	free(p->symbols);
	free(p->mounts);
	free(p->kept);
	free(p->expects);
	diags_destroy(p->diags);
	arena_finish(&p->arena);
	free(p);
}

/*
 * The one place that says what this build carries out: a kind of mount is switched on here when the kernel layer has
 * it.
 */
unsigned policy_build_features(void)
{
	return FEATURE_IDENTITY | policy_mount_feature(MOUNT_HOST) | policy_mount_feature(MOUNT_TMPFS) |
	       policy_mount_feature(MOUNT_OVERLAY) | policy_mount_feature(MOUNT_PROC) | policy_mount_feature(MOUNT_DEV);
}

const char *mount_kind_name(enum mount_kind kind)
{
	static const char *const names[MOUNT_KINDS] = {
		[MOUNT_HOST] = "host",	    [MOUNT_TMPFS] = "tmpfs", [MOUNT_EXT4] = "ext4",
		[MOUNT_OVERLAY] = "overlay", [MOUNT_PROC] = "proc",   [MOUNT_DEV] = "dev",
	};

	return names[kind];
}

const struct policy_mount *policy_mount_next(const struct policy *p, const struct policy_mount *before)
{
	size_t next = before ? (size_t)(before - p->mounts) + 1 : 0;

	return next < p->mount_count ? &p->mounts[next] : NULL;
}

bool policy_decides_nothing(const struct policy *p)
{
	for (int i = 0; i < ABI_COUNT; i++) {
		if (p->abis[i].treatment != ABI_DEFAULT)
			return false;
	}
	return !p->rule_count && p->default_action.kind == ACTION_NATIVE;
}

void policy_quote(const char *s, size_t len, struct strbuf *out)
{
	strbuf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			strbuf_addf(out, "\\x%02x", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}

void policy_identity_write(const struct policy_identity *id, struct strbuf *out)
{
	if (!id->has_uid && !id->has_gid && !id->hostname && !id->release)
		return;
	strbuf_adds(out, "identity");
	if (id->has_uid)
		strbuf_addf(out, " uid=%u", id->uid);
	if (id->has_gid)
		strbuf_addf(out, " gid=%u", id->gid);
	if (id->hostname) {
		strbuf_adds(out, " hostname=");
		policy_quote(id->hostname, strlen(id->hostname), out);
	}
	if (id->release) {
		strbuf_adds(out, " release=");
		policy_quote(id->release, strlen(id->release), out);
	}
	strbuf_addc(out, '\n');
}

const char *action_kind_name(enum action_kind kind)
{
	static const char *const names[ACTION_COUNT] = {
		[ACTION_NATIVE] = "native",	[ACTION_EMULATE] = "emulate", [ACTION_ERRNO] = "errno",
		[ACTION_VALUE] = "value",	[ACTION_KILL] = "kill",	      [ACTION_LOG] = "log",
		[ACTION_REDIRECT] = "redirect", [ACTION_REWRITE] = "rewrite", [ACTION_INJECT] = "inject",
		[ACTION_MODULE] = "module",
	};

	return names[kind];
}

bool policy_action_passes(const struct policy_action *a)
{
	return a->kind == ACTION_NATIVE || a->kind == ACTION_LOG;
}

static void format_pokes(const struct policy *p, const struct policy_inject *j, struct strbuf *out)
{
	for (unsigned i = 0; i < j->poke_count; i++) {
		const struct policy_poke *poke = &j->pokes[i];

		strbuf_addf(out, " poke-%s %s = ", poke->at_exit ? "exit" : "enter", p->symbols[poke->symbol]->name);
		for (uint32_t b = 0; b < poke->len; b++)
			strbuf_addf(out, "%02x", poke->bytes[b]);
	}
}

static void format_inject(const struct policy *p, const struct policy_inject *j, struct strbuf *out)
{
	const char *name = j->err ? errno_name(j->err) : NULL;

	if (j->err && name)
		strbuf_addf(out, " error %s", name);
	else if (j->err)
		strbuf_addf(out, " error %d", j->err);
	if (j->has_retval)
		strbuf_addf(out, " retval %lld", (long long)j->retval);
	if (j->signal)
		strbuf_addf(out, " signal %d", j->signal);
	if (j->delay_enter_ns)
		strbuf_addf(out, " delay-enter %lluns", (unsigned long long)j->delay_enter_ns);
	if (j->delay_exit_ns)
		strbuf_addf(out, " delay-exit %lluns", (unsigned long long)j->delay_exit_ns);
	if (j->short_count)
		strbuf_addf(out, " short %llu", (unsigned long long)j->short_count);
	format_pokes(p, j, out);
	if (j->has_stand_in)
		strbuf_addf(out, " as %s", call_desc(j->stand_in)->name);
}

void policy_action_format(const struct policy *p, const struct policy_action *a, struct strbuf *out)
{
	const char *name;

	strbuf_adds(out, action_kind_name(a->kind));
	switch (a->kind) {
	case ACTION_ERRNO:
		name = errno_name(a->err);
		if (name)
			strbuf_addf(out, " %s", name);
		else
			strbuf_addf(out, " %d", a->err);
		break;
	case ACTION_VALUE:
		strbuf_addf(out, " %lld", (long long)a->value);
		break;
	case ACTION_REDIRECT:
		strbuf_addf(out, " to \"%s\"", a->text ? a->text : "");
		break;
	case ACTION_REWRITE:
		strbuf_addf(out, " with %s = %lld", p->symbols[a->symbol]->name, (long long)a->value);
		break;
	case ACTION_MODULE:
		strbuf_addf(out, " %s", a->text);
		break;
	case ACTION_INJECT:
		if (a->inject)
			format_inject(p, a->inject, out);
		break;
	default:
		break;
	}
}

void policy_span_format(const struct policy *p, struct span at, struct strbuf *out)
{
	strbuf_addf(out, "%s:%u", p->diags->sources[at.source].name, at.line);
}
