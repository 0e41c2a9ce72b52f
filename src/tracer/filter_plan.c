#include "tracer/filter_plan.h"

#include <linux/audit.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "policy/choice.h"
#include "regs/regs.h"
#include "syscalls/files.h"
#include "tracer/session_private.h"

enum { MAX_ABIS = 3 };

static const uint32_t stop_action = SECCOMP_RET_TRACE | FILTER_STOP_DATA;

/*
 * Under emulation a call through a foreign ABI would pass every rule that people wrote for the host's: ENOSYS. Under
 * pure tracing it is shown like any other.
 */
static uint32_t action_for(const struct session *s, enum call_abi abi, enum call_id id)
{
	if (s->emulates && abi != host_abi())
		return s->uses_ptrace && call_set_has(&s->stopping, id) ? stop_action : SECCOMP_RET_ERRNO | ENOSYS;
	if (call_set_has(&s->stopping, id))
		return stop_action;
	if (call_set_has(&s->notified, id))
		return SECCOMP_RET_USER_NOTIF;
	return SECCOMP_RET_ALLOW;
}

/* clone with CLONE_UNTRACED stops, whatever other clones do: its child would escape (keep_in_sight). */
struct mask_chain {
	struct filter_test test;
	struct filter_clause clause;
	struct filter_rule rule;
};

/* Stop if a bit of mask is set in the argument. */
static void fill_mask(struct mask_chain *c, uint8_t arg, uint64_t mask, uint32_t otherwise, struct filter_chain *out)
{
	c->test = (struct filter_test){.arg = arg, .op = FILTER_NE, .bits = 64, .mask = mask, .value = 0};
	c->clause = (struct filter_clause){&c->test, 1};
	c->rule = (struct filter_rule){&c->clause, 1, stop_action};
	*out = (struct filter_chain){.rules = &c->rule, .count = 1, .otherwise = otherwise};
}

/* A descriptor opened with O_PATH cannot be installed behind a notification: ptrace/lend.c. */
static void stop_path_opens(const struct session *s, enum call_id id, uint8_t arg, struct mask_chain *c, uint32_t *actions,
			    struct filter_chain *list, size_t *count)
{
	int nr = call_desc(id)->nr[host_abi()];
	if (nr < 0 || !call_set_has(&s->notified, id))
		return;
	fill_mask(c, arg, O_PATH, actions[nr], &list[*count]);
	actions[nr] = FILTER_CHAIN((*count)++);
}

/*
 * Of prctl's many uses handlers answer only those about credentials, dumps and filters: naming a thread costs no stop.
 */
static const unsigned prctl_answered[] = {
	PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_KEEPCAPS, PR_SET_KEEPCAPS, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_CAP_AMBIENT,
	PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP,
	PR_SET_SECCOMP, PR_SET_SYSCALL_USER_DISPATCH,
};
static const struct call_choice prctl_choice = {CALL_prctl, 0, prctl_answered, ARRAY_SIZE(prctl_answered)};

struct choice_chain {
	struct filter_test tests[CHOICE_TESTS_MAX];
	struct filter_clause clause;
	struct filter_rule rule;
};

/* Ask a worker where the argument is one of these, and nobody otherwise. */
static void fill_choice(struct choice_chain *c, const struct call_choice *choice, struct filter_chain *out)
{
	c->clause = (struct filter_clause){c->tests, choice_tests(choice, c->tests)};
	c->rule = (struct filter_rule){&c->clause, 1, SECCOMP_RET_USER_NOTIF};
	*out = (struct filter_chain){.rules = &c->rule, .count = 1, .otherwise = SECCOMP_RET_ALLOW};
}

/* Of calls that handlers answer, and that nobody records, only those with such an argument. */
static void answer_chosen(const struct session *s, const struct call_choice *choice, struct choice_chain *c, uint32_t *actions,
			  struct filter_chain *list, size_t *count)
{
	int nr = call_desc(choice->id)->nr[host_abi()];
	uint32_t action = nr >= 0 ? actions[nr] : SECCOMP_RET_ALLOW;
	if (call_set_has(&s->recorded, choice->id) || action == SECCOMP_RET_ALLOW)
		return;
	fill_choice(c, choice, &list[*count]);
	c->rule.action = action;
	actions[nr] = FILTER_CHAIN((*count)++);
}

static int fill_abi(const struct session *s, enum call_abi abi, struct filter_abi *out, uint32_t **ret_actions)
{
	int limit = call_nr_limit(abi);
	uint32_t *actions = calloc((size_t)limit, sizeof(*actions));
	if (!actions)
		return -ENOMEM;
	for (int nr = 0; nr < limit; nr++)
		actions[nr] = action_for(s, abi, call_from_nr(abi, nr));
	*out = (struct filter_abi){
		.audit_arch = call_abi_audit_arch(abi), .x32 = abi == ABI_X32,
		.actions = actions, .count = (size_t)limit, .unknown = action_for(s, abi, CALL_NONE),
	};
	*ret_actions = actions;
	return 0;
}

enum call_abi call_abi_of(uint32_t audit_arch, uint64_t nr, int64_t *ret_number)
{
	enum { X32_BIT = 0x40000000 };
	*ret_number = (int)nr;
	switch (audit_arch) {
	case AUDIT_ARCH_I386:
		return ABI_I386;
	case AUDIT_ARCH_AARCH64:
		return ABI_AARCH64;
	default:
		if ((int)nr < 0 || !(nr & X32_BIT))
			return ABI_X86_64;
		*ret_number = (int)(nr & ~(uint64_t)X32_BIT);
		return ABI_X32;
	}
}

/*
 * What a guest asks for or is told about filters of its own (ptrace/strict.c, calls.c), and what handlers answer of
 * prctl. Rules: strict mode, the mode's getter, what is answered.
 */
struct filters_chains {
	struct filter_test strict_option, strict_mode, getter, strict_operation, filter_operation;
	struct filter_clause strict[2], get, operation, new_filter;
	struct filter_rule prctl[3], seccomp[2];
	struct choice_chain answered;
};

static struct filter_test equals(uint8_t arg, uint8_t bits, uint64_t value)
{
	return (struct filter_test){.arg = arg, .op = FILTER_EQ, .bits = bits, .mask = UINT64_MAX, .value = value};
}

static void watch_prctl(const struct session *s, struct filters_chains *c, uint32_t *actions,
			struct filter_chain *list, size_t *count)
{
	int nr = call_desc(CALL_prctl)->nr[host_abi()];
	bool answers = s->files && actions[nr] == SECCOMP_RET_USER_NOTIF && !call_set_has(&s->recorded, CALL_prctl);
	size_t rules = 0;
	if (actions[nr] != SECCOMP_RET_ALLOW && !answers)
		return;
	if (s->uses_ptrace) {
		c->strict_option = equals(0, 32, PR_SET_SECCOMP);
		c->strict_mode = equals(1, 64, SECCOMP_MODE_STRICT);
		c->strict[0] = (struct filter_clause){&c->strict_option, 1};
		c->strict[1] = (struct filter_clause){&c->strict_mode, 1};
		c->prctl[rules++] = (struct filter_rule){c->strict, 2, stop_action};
	}
	if (s->uses_ptrace && !answers) {
		c->getter = equals(0, 32, PR_GET_SECCOMP);
		c->get = (struct filter_clause){&c->getter, 1};
		c->prctl[rules++] = (struct filter_rule){&c->get, 1, stop_action};
	}
	if (answers) {
		struct filter_chain chain;
		fill_choice(&c->answered, &prctl_choice, &chain);
		c->prctl[rules++] = c->answered.rule;
	}
	if (rules == 0)
		return;
	list[*count] = (struct filter_chain){.rules = c->prctl, .count = rules, .otherwise = SECCOMP_RET_ALLOW};
	actions[nr] = FILTER_CHAIN((*count)++);
}

static void watch_seccomp(const struct session *s, struct filters_chains *c, uint32_t *actions,
			struct filter_chain *list, size_t *count)
{
	int nr = call_desc(CALL_seccomp)->nr[host_abi()];
	bool answers = s->files && actions[nr] == SECCOMP_RET_USER_NOTIF && !call_set_has(&s->recorded, CALL_seccomp);
	size_t rules = 0;
	if (!s->uses_ptrace || (actions[nr] != SECCOMP_RET_ALLOW && !answers))
		return;
	c->strict_operation = equals(0, 32, SECCOMP_SET_MODE_STRICT);
	c->operation = (struct filter_clause){&c->strict_operation, 1};
	c->seccomp[rules++] = (struct filter_rule){&c->operation, 1, stop_action};
	if (answers) {
		c->filter_operation = equals(0, 32, SECCOMP_SET_MODE_FILTER);
		c->new_filter = (struct filter_clause){&c->filter_operation, 1};
		c->seccomp[rules++] = (struct filter_rule){&c->new_filter, 1, SECCOMP_RET_USER_NOTIF};
	}
	list[*count] = (struct filter_chain){.rules = c->seccomp, .count = rules, .otherwise = SECCOMP_RET_ALLOW};
	actions[nr] = FILTER_CHAIN((*count)++);
}

/* A task on its way from one trap thread to another has no tracer that could let it wait. */
static void pass_transit(const struct session *s, struct mask_chain *c, uint32_t *actions, struct filter_chain *list, size_t *count)
{
	int nr = call_desc(CALL_ppoll)->nr[host_abi()];
	if (!s->transit_mark)
		return;
	c->test = equals(4, 64, s->transit_mark);
	c->clause = (struct filter_clause){&c->test, 1};
	c->rule = (struct filter_rule){&c->clause, 1, SECCOMP_RET_ALLOW};
	list[*count] = (struct filter_chain){.rules = &c->rule, .count = 1, .otherwise = actions[nr]};
	actions[nr] = FILTER_CHAIN((*count)++);
}

int filter_plan_build(const struct session *s, struct filter_prog *ret)
{
	static const enum call_abi x86_abis[] = {ABI_X86_64, ABI_I386, ABI_X32};
	static const enum call_abi arm_abis[] = {ABI_AARCH64};
	const enum call_abi *abis = host_abi() == ABI_X86_64 ? x86_abis : arm_abis;
	size_t count = host_abi() == ABI_X86_64 ? ARRAY_SIZE(x86_abis) : ARRAY_SIZE(arm_abis);
	struct filter_abi filter_abis[MAX_ABIS];
	uint32_t *actions[MAX_ABIS] = {0};
	struct mask_chain clone_chain, waitid_chain, transit_chain;
	struct filters_chains filters_chains;
	struct choice_chain choice_chains[FILES_CHOICES];
	struct mask_chain open_chain, openat_chain;
	struct filter_chain chain_list[8 + FILES_CHOICES];
	size_t chains = 0;
	int r = 0;
	for (size_t i = 0; i < count && r == 0; i++)
		r = fill_abi(s, abis[i], &filter_abis[i], &actions[i]);
	int clone_nr = call_desc(CALL_clone)->nr[abis[0]];
	if (r == 0 && s->uses_ptrace && actions[0][clone_nr] != stop_action) {
		fill_mask(&clone_chain, 0, CLONE_UNTRACED, actions[0][clone_nr], &chain_list[chains]);
		actions[0][clone_nr] = FILTER_CHAIN(chains++);
	}
	int waitid_nr = call_desc(CALL_waitid)->nr[abis[0]];
	if (r == 0 && s->uses_ptrace && actions[0][waitid_nr] == SECCOMP_RET_ALLOW) {	/* ptrace/zombies.c */
		fill_mask(&waitid_chain, 3, WNOHANG, SECCOMP_RET_ALLOW, &chain_list[chains]);
		actions[0][waitid_nr] = FILTER_CHAIN(chains++);
	}
	if (r == 0 && s->lends) {
		stop_path_opens(s, CALL_open, 1, &open_chain, actions[0], chain_list, &chains);
		stop_path_opens(s, CALL_openat, 2, &openat_chain, actions[0], chain_list, &chains);
	}
	if (r == 0) {
		watch_prctl(s, &filters_chains, actions[0], chain_list, &chains);
		watch_seccomp(s, &filters_chains, actions[0], chain_list, &chains);
	}
	if (r == 0)
		pass_transit(s, &transit_chain, actions[0], chain_list, &chains);
	for (size_t i = 0; i < FILES_CHOICES && r == 0 && s->files; i++)
		answer_chosen(s, &files_choices[i], &choice_chains[i], actions[0], chain_list, &chains);
	if (r == 0 && s->loads.follows_personality)
		actions[0][call_desc(CALL_personality)->nr[abis[0]]] = SECCOMP_RET_USER_NOTIF;
	struct filter_spec spec = {
		.abis = filter_abis, .abi_count = count, .chains = chain_list, .chain_count = chains,
		.other_abi = s->emulates ? SECCOMP_RET_ERRNO | ENOSYS : SECCOMP_RET_ALLOW,
	};
	if (r == 0)
		r = filter_build(&spec, ret);
	for (size_t i = 0; i < MAX_ABIS; i++)
		free(actions[i]);
	return r;
}
