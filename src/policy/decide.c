#include "policy/decide.h"

#include <string.h>

#include "policy/decide_private.h"
#include "policy/glob.h"
#include "regs/regs.h"

/* ---- facts, asked once ---- */

const struct policy_string *facts_path(struct facts *f, unsigned param)
{
	const struct decide_event *e = f->event;

	if (!(f->paths_asked >> param & 1)) {
		f->paths_asked |= (uint8_t)(1u << param);
		f->path_err[param] = e->ops ? e->ops->path(e->ctx, param, &f->paths[param]) : -ENOSYS;
		f->lack = f->lack || f->path_err[param] < 0;
	}
	return f->path_err[param] < 0 ? NULL : &f->paths[param];
}

static const struct policy_string *facts_string(struct facts *f, unsigned param)
{
	const struct decide_event *e = f->event;

	if (!(f->strings_asked >> param & 1)) {
		f->strings_asked |= (uint8_t)(1u << param);
		f->string_err[param] = e->ops ? e->ops->string(e->ctx, param, &f->strings[param]) : -ENOSYS;
	}
	return f->string_err[param] < 0 ? NULL : &f->strings[param];
}

const struct decide_addr *facts_addr(struct facts *f, unsigned param)
{
	const struct decide_event *e = f->event;

	if (!(f->addrs_asked >> param & 1)) {
		f->addrs_asked |= (uint8_t)(1u << param);
		f->addr_err[param] = e->ops ? e->ops->addr(e->ctx, param, &f->addrs[param]) : -ENOSYS;
		f->lack = f->lack || f->addr_err[param] < 0;
	}
	return f->addr_err[param] < 0 ? NULL : &f->addrs[param];
}

const struct decide_fd *facts_fd(struct facts *f, unsigned param)
{
	const struct decide_event *e = f->event;

	if (!(f->fds_asked >> param & 1)) {
		f->fds_asked |= (uint8_t)(1u << param);
		f->fd_err[param] = e->ops ? e->ops->fd(e->ctx, param, &f->fds[param]) : -ENOSYS;
		f->lack = f->lack || f->fd_err[param] < 0;
	}
	return f->fd_err[param] < 0 ? NULL : &f->fds[param];
}

const struct decide_task *facts_task(struct facts *f)
{
	const struct decide_event *e = f->event;

	if (!f->task_asked) {
		f->task_asked = 1;
		f->task_err = e->ops ? e->ops->task(e->ctx, &f->task) : -ENOSYS;
		f->lack = f->lack || f->task_err < 0;
	}
	return f->task_err < 0 ? NULL : &f->task;
}

const struct call_param *decide_param_for(enum call_id id, enum call_abi abi, unsigned param)
{
	const struct call_desc *own, *d;

	if (id < 0 || param >= call_desc(id)->nparams)
		return NULL;
	own = call_desc(id);
	d = call_desc_for(id, abi);
	if (d == own || (param < d->nparams && strcmp(d->params[param].name, own->params[param].name) == 0))
		return &d->params[param];
	for (unsigned i = 0; i < d->nparams; i++) {
		if (strcmp(d->params[i].name, own->params[param].name) == 0)
			return &d->params[i];
	}
	return NULL;
}

wide facts_int(const struct facts *f, unsigned param, bool raw)
{
	const struct decide_event *e = f->event;
	const struct call_param *type = raw ? NULL : decide_param_for(e->id, e->abi, param);
	unsigned bits = type ? type->bits : 64;
	bool is_signed = type && type->is_signed;
	uint64_t v = e->args[type ? type->reg : param];

	if (type && type->regs > 1)
		v = (uint32_t)v | e->args[(type->reg + 1u) % 6] << 32;
	else if (e->abi == ABI_I386 || (raw && e->abi == ABI_X32))
		bits = 32;	/* libseccomp, too, compares halves there */
	if (bits == 32)
		return is_signed ? (wide)(int32_t)(uint32_t)v : (wide)(uint32_t)v;
	return is_signed ? (wide)(int64_t)v : (wide)v;
}

/* ---- one test ---- */

enum truth {
	NO, YES, UNKNOWN,
};

static bool in_ranges(const struct policy_atom *a, wide v)
{
	if (a->mask != UINT64_MAX)
		v = (wide)((uint64_t)v & a->mask);
	for (uint32_t i = 0; i < a->count; i++) {
		if (a->ranges[i].low <= v && v <= a->ranges[i].high)
			return true;
	}
	return false;
}

static enum truth int_truth(const struct policy_atom *a, wide v)
{
	if (a->kind == ATOM_BITS)
		return ((uint64_t)v & a->mask) != 0 ? YES : NO;
	return in_ranges(a, v) ? YES : NO;
}

static bool under(const struct policy_string *dir, const struct policy_string *s)
{
	if (s->len < dir->len || memcmp(s->text, dir->text, dir->len) != 0)
		return false;
	return s->len == dir->len || s->text[dir->len] == '/' || (dir->len == 1 && dir->text[0] == '/');
}

static bool base_matches(const struct policy_string *pattern, const struct policy_string *s)
{
	const char *slash = memrchr(s->text, '/', s->len);
	size_t skip = slash ? (size_t)(slash - s->text) + 1 : 0;

	return glob_match(pattern->text, pattern->len, s->text + skip, s->len - skip);
}

static bool string_matches(enum atom_kind kind, const struct policy_string *want, const struct policy_string *s)
{
	switch (kind) {
	case ATOM_EXACT:
		return s->len == want->len && memcmp(s->text, want->text, s->len) == 0;
	case ATOM_UNDER:
		return under(want, s);
	case ATOM_GLOB:
		return glob_match(want->text, want->len, s->text, s->len);
	default:
		return base_matches(want, s);
	}
}

bool atom_matches_string(const struct policy_atom *a, const struct policy_string *s, uint32_t *ret_which)
{
	for (uint32_t i = 0; i < a->count; i++) {
		if (string_matches(a->kind, &a->strings[i], s)) {
			if (ret_which)
				*ret_which = i;
			return true;
		}
	}
	return false;
}

/* No string at all (a descriptor without a path) is like none of them. */
static enum truth string_truth(const struct policy_atom *a, const struct policy_string *s)
{
	if (!s)
		return UNKNOWN;
	return s->text && atom_matches_string(a, s, NULL) ? YES : NO;
}

static bool is_mapped_v4(const uint8_t *ip)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

/* An IPv4 address is in IPv4 networks only, however it is written: ::/0 is all of IPv6. */
static bool in_net(const struct ip_net *n, const uint8_t *ip)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (is_mapped_v4(ip) && n->bits < 96)
		return false;
	if (memcmp(n->bytes, ip, whole) != 0)
		return false;
	return !rest || ((n->bytes[whole] ^ ip[whole]) >> (8 - rest)) == 0;
}

static enum truth addr_truth(const struct policy_atom *a, const struct decide_addr *addr)
{
	if (!addr)
		return UNKNOWN;
	switch (a->field) {
	case FIELD_FAMILY:
		return int_truth(a, addr->family);
	case FIELD_PORT:
		return addr->has_port ? int_truth(a, addr->port) : NO;
	case FIELD_PATH:
		return string_truth(a, &addr->path);
	default:
		break;
	}
	for (uint32_t i = 0; addr->has_ip && i < a->count; i++) {
		if (in_net(&a->nets[i], addr->ip))
			return YES;
	}
	return NO;
}

static enum truth fd_truth(const struct policy_atom *a, const struct decide_fd *fd)
{
	if (!fd)
		return UNKNOWN;
	return a->field == FIELD_KIND ? int_truth(a, fd->kind) : string_truth(a, &fd->path);
}

static enum truth task_truth(const struct policy_atom *a, struct facts *f)
{
	const struct decide_task *t = facts_task(f);

	if (!t)
		return UNKNOWN;
	switch (a->source) {
	case OPERAND_TASK_UID:
		return int_truth(a, t->uid);
	case OPERAND_TASK_GID:
		return int_truth(a, t->gid);
	case OPERAND_TASK_PID:
		return int_truth(a, t->pid);
	case OPERAND_TASK_CALLS:
		return int_truth(a, t->calls);
	default:
		return t->exe.text ? string_truth(a, &t->exe) : UNKNOWN;
	}
}

static enum truth param_truth(const struct policy_atom *a, unsigned param, bool raw, struct facts *f)
{
	enum call_id id = f->event->id;
	enum param_kind kind = id >= 0 && param < call_desc(id)->nparams ? call_desc(id)->params[param].kind
									 : PARAM_UINT;

	if (a->field != FIELD_NONE && kind == PARAM_SOCKADDR)
		return addr_truth(a, facts_addr(f, param));
	if (a->field != FIELD_NONE)
		return fd_truth(a, facts_fd(f, param));
	if (a->kind == ATOM_INT || a->kind == ATOM_BITS)
		return int_truth(a, facts_int(f, param, raw));
	return string_truth(a, kind == PARAM_PATH ? facts_path(f, param) : facts_string(f, param));
}

/*
 * A test in a rule that denies holds when it holds for any parameter of the name (rename has two paths), in one that
 * lets pass when it does for all of them; what cannot be known holds for the first sort and not for the second.
 */
static bool test_holds(const struct policy *p, const struct policy_atom *a, bool permits, struct facts *f)
{
	unsigned params = 1;
	bool raw = false;

	if (a->source == OPERAND_PARAM) {
		raw = p->symbols[a->symbol]->raw;
		params = f->event->id >= 0 ? p->symbols[a->symbol]->params[f->event->id] :
			 p->symbols[a->symbol]->params[0];	/* argN: the same for every call */
	}
	for (; params; params &= params - 1) {
		enum truth t = a->source == OPERAND_PARAM ? param_truth(a, (unsigned)__builtin_ctz(params), raw, f) :
			       task_truth(a, f);
		bool holds = t == UNKNOWN ? !permits : (t == YES) != a->negated;

		if (holds != permits)
			return holds;
	}
	return permits;
}

static bool action_permits(const struct policy_action *a)
{
	return policy_action_passes(a) || a->kind == ACTION_EMULATE;
}

bool rule_applies(const struct policy *p, const struct policy_rule *r, const struct policy_term *t, struct facts *f)
{
	bool permits = action_permits(&r->action);

	if (!r->enabled || !call_set_has(&r->calls, f->event->id))
		return false;
	for (uint32_t i = 0; t && i < t->count; i++) {
		if (!test_holds(p, t->atoms[i], permits, f))
			return false;
	}
	return true;
}

bool atom_is_register(const struct policy_atom *a)
{
	return a->source == OPERAND_PARAM && a->field == FIELD_NONE && (a->kind == ATOM_INT || a->kind == ATOM_BITS);
}

/* ---- schedules ---- */

struct decide_state {
	size_t count;
	uint64_t hits[];	/* per rule: calls that its condition selected */
};

int decide_state_create(const struct policy *p, struct decide_state **ret)
{
	struct decide_state *s = calloc(1, sizeof(*s) + p->rule_count * sizeof(s->hits[0]));

	if (!s)
		return -ENOMEM;
	s->count = p->rule_count;
	*ret = s;
	return 0;
}

void decide_state_destroy(struct decide_state *s)
{
	free(s);
}

static uint64_t mix(uint64_t v)
{
	v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
	return v ^ (v >> 31);
}

static bool inject_due(const struct policy_inject *j, uint64_t hit)
{
	if (hit < j->first || (j->last && hit > j->last))
		return false;
	if (j->step ? (hit - j->first) % j->step != 0 : hit != j->first)
		return false;
	return j->probability >= 1000000 ||
	       mix(j->seed + hit * UINT64_C(0x9e3779b97f4a7c15)) % 1000000 < j->probability;
}

/* An injection that is not due lets the later rules decide. */
static bool rule_is_due(const struct policy_rule *r, uint32_t index, struct decide_state *state)
{
	if (r->action.kind != ACTION_INJECT || !state)
		return true;
	return inject_due(r->action.inject, ++state->hits[index]);
}

/* ---- the decision ---- */

enum call_abi policy_own_abi(void)
{
	return regs_arch_host() == REGS_AARCH64 ? ABI_AARCH64 : ABI_X86_64;
}

static bool only_watches(const struct policy *p)
{
	if (!policy_action_passes(&p->default_action))
		return false;
	for (size_t i = 0; i < p->rule_count; i++) {
		if (p->rules[i].enabled && !policy_action_passes(&p->rules[i].action))
			return false;
	}
	return true;
}

struct policy_abi policy_abi_treatment(const struct policy *p, enum call_abi abi)
{
	if (abi == policy_own_abi() || p->abis[abi].treatment != ABI_DEFAULT)
		return abi == policy_own_abi() ? (struct policy_abi){.treatment = ABI_SAME} : p->abis[abi];
	if (only_watches(p))
		return (struct policy_abi){.treatment = ABI_SAME};
	return (struct policy_abi){.treatment = ABI_ACTION, .action = {.kind = ACTION_ERRNO, .err = ENOSYS}};
}

static bool decided_by_abi(const struct policy *p, enum call_abi abi, struct decision *ret)
{
	struct policy_abi t;

	if (abi == policy_own_abi())
		return false;
	t = policy_abi_treatment(p, abi);
	if (t.treatment != ABI_ACTION)
		return false;
	*ret = (struct decision){.action = t.action, .by_abi = true};
	return true;
}

bool policy_is_off(const struct policy *p, enum call_id id)
{
	return (p->uring_off && id == CALL_io_uring_setup) || (p->socketcall_off && id == CALL_socketcall) ||
	       (p->ipc_off && id == CALL_ipc);
}

/* The first rule at or after from, one by one. */
static bool linear_first(const struct policy *p, struct facts *f, uint32_t from, uint32_t *ret_rule,
			 const struct policy_term **ret_term)
{
	for (uint32_t i = from; i < p->rule_count; i++) {
		const struct policy_rule *r = &p->rules[i];

		*ret_rule = i;
		*ret_term = NULL;
		if (!r->term_count && rule_applies(p, r, NULL, f))
			return true;
		for (uint32_t t = 0; t < r->term_count; t++) {
			*ret_term = &r->terms[t];
			if (rule_applies(p, r, *ret_term, f))
				return true;
		}
	}
	return false;
}

static void decide(const struct policy *p, struct decide_state *state, const struct decide_event *event, bool indexed,
		   struct decision *ret)
{
	struct facts f;
	const struct policy_term *term;
	uint32_t rule, from = 0;

	if (decided_by_abi(p, event->abi, ret))
		return;
	f.event = event;
	f.paths_asked = f.strings_asked = f.addrs_asked = f.fds_asked = f.task_asked = 0;
	f.lack = false;
	for (;; from = rule + 1) {
		bool found = indexed ? index_first(p, &f, from, &rule, &term) : linear_first(p, &f, from, &rule, &term);

		/* The index finds a value; a value that cannot be had is found by asking every rule. */
		if (f.lack && indexed)
			found = linear_first(p, &f, from, &rule, &term);
		if (!found)
			break;
		if (rule_is_due(&p->rules[rule], rule, state)) {
			*ret = (struct decision){
				.action = p->rules[rule].action, .rule = &p->rules[rule], .term = term};
			return;
		}
	}
	*ret = (struct decision){.action = p->default_action};
	if (policy_is_off(p, event->id))
		*ret = (struct decision){.action = {.kind = ACTION_ERRNO, .err = ENOSYS}, .by_detour = true};
}

void policy_decide(const struct policy *p, struct decide_state *state, const struct decide_event *event,
		   struct decision *ret)
{
	decide(p, state, event, p->index, ret);
}

void policy_decide_linear(const struct policy *p, struct decide_state *state, const struct decide_event *event,
			  struct decision *ret)
{
	decide(p, state, event, false, ret);
}

ssize_t policy_redirect_path(const struct decision *d, const struct policy_string *from, char *buf, size_t size)
{
	for (uint32_t i = 0; d->action.kind == ACTION_REDIRECT && d->term && i < d->term->count; i++) {
		const struct policy_atom *a = d->term->atoms[i];
		uint32_t which;
		int n;

		if (a->negated || (a->kind != ATOM_UNDER && a->kind != ATOM_EXACT) || a->field != FIELD_NONE ||
		    a->source != OPERAND_PARAM || !atom_matches_string(a, from, &which))
			continue;
		n = snprintf(buf, size, "%s%.*s", d->action.text, (int)(from->len - a->strings[which].len),
			     from->text + a->strings[which].len);
		return n >= 0 && (size_t)n < size ? n : -ENAMETOOLONG;
	}
	return -EINVAL;
}
