#include "tracer/policy/reload.h"

#include <string.h>

static bool same_test(const struct filter_test *a, const struct filter_test *b)
{
	return a->arg == b->arg && a->op == b->op && a->bits == b->bits && a->is_signed == b->is_signed &&
	       a->mask == b->mask && a->value == b->value;
}

static bool same_rule(const struct filter_rule *a, const struct filter_rule *b)
{
	if (a->action != b->action || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->clauses[i].count != b->clauses[i].count)
			return false;
		for (size_t j = 0; j < a->clauses[i].count; j++) {
			if (!same_test(&a->clauses[i].tests[j], &b->clauses[i].tests[j]))
				return false;
		}
	}
	return true;
}

static bool same_chain(const struct filter_chain *a, const struct filter_chain *b)
{
	if (a->otherwise != b->otherwise || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	}
	return true;
}

static bool same_action(const struct plan *a, uint32_t x, const struct plan *b, uint32_t y)
{
	if (filter_action_is_chain(x) && filter_action_is_chain(y))
		return same_chain(&a->chains[x ^ FILTER_CHAIN_BIT], &b->chains[y ^ FILTER_CHAIN_BIT]);
	return x == y;
}

/* The action that stops a call whatever its arguments. */
static bool always_stops(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
	return !filter_action_is_chain(action) && (kind == SECCOMP_RET_TRACE || kind == SECCOMP_RET_USER_NOTIF);
}

static bool call_may_change(const struct plan *loaded, const struct plan *next, int id)
{
	const struct plan_call *was = &loaded->calls[id], *is = &next->calls[id];
	if (id == CALL_COUNT || call_desc((enum call_id)id)->nr[policy_own_abi()] < 0)
		return was->mechanism == is->mechanism && was->rules == is->rules;
	if (always_stops(was->action) && is->mechanism <= was->mechanism)
		return true;
	return was->mechanism == is->mechanism && same_action(loaded, was->action, next, is->action);
}

static bool same_abis(const struct policy *a, const struct policy *b)
{
	for (int i = 0; i < ABI_COUNT; i++) {
		struct policy_abi x = policy_abi_treatment(a, (enum call_abi)i);
		struct policy_abi y = policy_abi_treatment(b, (enum call_abi)i);
		if (x.treatment != y.treatment || x.action.kind != y.action.kind || x.action.err != y.action.err ||
		    x.action.value != y.action.value)
			return false;
	}
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_identity(const struct policy_identity *a, const struct policy_identity *b)
{
	return a->has_uid == b->has_uid && a->has_gid == b->has_gid && a->uid == b->uid && a->gid == b->gid &&
	       same_text(a->hostname, b->hostname);
}

static bool same_list(const char *const *a, const char *const *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!same_text(a[i], b[i]))
			return false;
	}
	return true;
}

static bool same_mounts(const struct policy *a, const struct policy *b)
{
	const struct policy_mount *x = policy_mount_next(a, NULL), *y = policy_mount_next(b, NULL);
	for (; x && y; x = policy_mount_next(a, x), y = policy_mount_next(b, y)) {
		if (!same_text(x->target, y->target) || x->kind != y->kind || !same_text(x->source, y->source) ||
		    x->lower_count != y->lower_count || !same_list(x->lowers, y->lowers, x->lower_count) ||
		    !same_text(x->upper, y->upper) || x->read_only != y->read_only || x->size != y->size ||
		    x->inodes != y->inodes || x->has_mode != y->has_mode || x->mode != y->mode)
			return false;
	}
	return x == y;
}

static bool same_limits(const struct policy *a, const struct policy *b)
{
	return a->limits.memory == b->limits.memory && a->limits.tasks == b->limits.tasks &&
	       a->limits.files == b->limits.files && a->memory.frames == b->memory.frames &&
	       a->memory.wx == b->memory.wx;
}

/* What was given to the guest as it started, or NULL if nothing of it changed. */
static const char *changed_world(const struct policy *a, const struct policy *b)
{
	if (!same_identity(&a->identity, &b->identity))
		return "the identity";
	if (!same_mounts(a, b))
		return "the mounts";
	return same_limits(a, b) ? NULL : "the limits";
}

bool reload_possible(const struct plan *loaded, const struct plan *next, char *why, size_t size)
{
	size_t n = 0;
	unsigned count = 0;
	why[0] = '\0';
	const char *world = changed_world(loaded->policy, next->policy);
	if (world) {
		(void)snprintf(why, size, "%s cannot change", world);
		return false;
	}
	if (!same_abis(loaded->policy, next->policy)) {
		(void)snprintf(why, size, "what calls of other ABIs get cannot change");
		return false;
	}
	for (int id = 0; id <= CALL_COUNT; id++) {
		if (call_may_change(loaded, next, id))
			continue;
		const char *name = id < CALL_COUNT ? call_desc((enum call_id)id)->name : "unknown numbers";
		if (count++ < 8)
			n += (size_t)snprintf(why + n, n < size ? size - n : 0, "%s%s", count > 1 ? ", " : "", name);
	}
	if (count > 8)
		(void)snprintf(why + n, n < size ? size - n : 0, " and %u more", count - 8);
	if (count && strlen(why) + 80 < size)
		strcat(why, ": the loaded filter decides, which cannot be changed");
	return !count;
}
