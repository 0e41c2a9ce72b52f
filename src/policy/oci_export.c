#include <jansson.h>
#include <string.h>

#include "policy/calls.h"
#include "policy/decide.h"
#include "policy/oci.h"

struct exporter {
	const struct policy *p;
	char *message;
	size_t message_size;
	json_t *rules;		/* the "syscalls" list */
};

PRINTF_LIKE(3, 4)
static bool fail(struct exporter *x, struct span at, const char *format, ...)
{
	va_list ap;
	int n = snprintf(x->message, x->message_size, "%s:%u: ", x->p->diags->sources[at.source].name, at.line);

	va_start(ap, format);
	if (n >= 0 && (size_t)n < x->message_size)
		(void)vsnprintf(x->message + n, x->message_size - (size_t)n, format, ap);
	va_end(ap);
	return false;
}

static const char *action_name(const struct policy_action *a)
{
	switch (a->kind) {
	case ACTION_NATIVE:
		return "SCMP_ACT_ALLOW";
	case ACTION_ERRNO:
		return "SCMP_ACT_ERRNO";
	case ACTION_VALUE:
		return a->value == 0 ? "SCMP_ACT_ERRNO" : NULL;
	case ACTION_KILL:
		return "SCMP_ACT_KILL_PROCESS";
	case ACTION_LOG:
		return "SCMP_ACT_LOG";
	default:
		return NULL;
	}
}

static void set_errno(json_t *o, const char *key, const struct policy_action *a)
{
	if (a->kind == ACTION_ERRNO || a->kind == ACTION_VALUE)
		(void)json_object_set_new(o, key, json_integer(a->err));
}

/* ---- arguments ---- */

static json_t *argument(unsigned index, const char *op, uint64_t value, uint64_t second)
{
	return json_pack("{s:i, s:I, s:I, s:s}", "index", (int)index, "value", (json_int_t)value, "valueTwo",
			 (json_int_t)second, "op", op);
}

/* One test as one argument of a profile, or NULL when there is none for it. */
static json_t *test_argument(const struct policy_atom *a, unsigned index, const struct int_range *r)
{
	if (a->kind == ATOM_BITS) {
		if (a->negated)
			return argument(index, "SCMP_CMP_MASKED_EQ", a->mask, 0);
		return a->mask & (a->mask - 1) ? NULL : argument(index, "SCMP_CMP_MASKED_EQ", a->mask, a->mask);
	}
	if (r->low == r->high && a->mask != UINT64_MAX)
		return a->negated ? NULL : argument(index, "SCMP_CMP_MASKED_EQ", a->mask, (uint64_t)r->low);
	if (a->mask != UINT64_MAX)
		return NULL;
	if (r->low == r->high)
		return argument(index, a->negated ? "SCMP_CMP_NE" : "SCMP_CMP_EQ", (uint64_t)r->low, 0);
	if (r->low <= 0 && r->high <= UINT64_MAX)
		return argument(index, a->negated ? "SCMP_CMP_GT" : "SCMP_CMP_LE", (uint64_t)r->high, 0);
	if (r->high >= UINT64_MAX && r->low > 0)
		return argument(index, a->negated ? "SCMP_CMP_LT" : "SCMP_CMP_GE", (uint64_t)r->low, 0);
	return NULL;
}

/* The register of a test in every call of the rule, or -1. Narrower parameters are not what a profile compares. */
static int argument_index(const struct exporter *x, const struct policy_rule *r, const struct policy_atom *a)
{
	const struct policy_symbol *s = &*x->p->symbols[a->symbol];
	int index = -1;

	if (s->raw)
		return __builtin_ctz(s->params[0]);
	FOR_EACH_CALL(id, &r->calls) {
		int i = s->params[id] ? __builtin_ctz(s->params[id]) : -1;

		if (i < 0 || (index >= 0 && i != index))
			return -1;
		index = i;
	}
	return index;
}

static bool add_argument(struct exporter *x, const struct policy_rule *r, const struct policy_atom *a, uint32_t which,
			 json_t *args, unsigned *used)
{
	int index = atom_is_register(a) ? argument_index(x, r, a) : -1;
	json_t *arg;

	if (index < 0)
		return fail(x, a->at, "a profile compares integer arguments only");
	if (*used >> index & 1)
		return fail(x, a->at, "a profile cannot test one argument twice in a rule");
	*used |= 1u << index;
	arg = test_argument(a, (unsigned)index, a->kind == ATOM_BITS ? NULL : &a->ranges[which]);
	if (!arg)
		return fail(x, a->at, "a profile has no such comparison");
	return json_array_append_new(args, arg) == 0;
}

/* ---- facts ---- */

static void set_words(json_t *o, const char *key, const char *const *words)
{
	json_t *list;

	if (!words)
		return;
	list = json_array();
	for (; *words; words++)
		(void)json_array_append_new(list, json_string(*words));
	(void)json_object_set_new(o, key, list);
}

static void set_where(json_t *rule, const struct policy_where *w)
{
	json_t *in = json_object(), *ex = json_object();
	char version[24];

	if (w) {
		set_words(in, "caps", w->caps);
		set_words(in, "arches", w->arches);
		set_words(ex, "caps", w->no_caps);
		set_words(ex, "arches", w->no_arches);
		if (w->kernel_major) {
			snprintf(version, sizeof(version), "%u.%u", w->kernel_major, w->kernel_minor);
			(void)json_object_set_new(in, "minKernel", json_string(version));
		}
	}
	(void)json_object_set_new(rule, "includes", in);
	(void)json_object_set_new(rule, "excludes", ex);
}

/* ---- rules ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In alphabetical order, as profiles are written. */
static json_t *rule_names(const struct policy_rule *r)
{
	size_t count = 0, n = 0;
	const char **names;
	json_t *list = json_array();

	FOR_EACH_CALL(id, &r->calls)
		count++;
	for (const char *const *f = r->foreign; f && *f; f++)
		count++;
	names = calloc(count + 1, sizeof(*names));
	FOR_EACH_CALL(id, &r->calls) {
		if (names)
			names[n++] = call_desc((enum call_id)id)->name;
	}
	for (const char *const *f = r->foreign; names && f && *f; f++)
		names[n++] = *f;
	if (names)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(names[i]));
	free(names);
	return list;
}

static bool add_rule(struct exporter *x, const struct policy_rule *r, json_t *args)
{
	json_t *rule = json_object();

	(void)json_object_set_new(rule, "names", rule_names(r));
	(void)json_object_set_new(rule, "action", json_string(action_name(&r->action)));
	(void)json_object_set_new(rule, "args", args);
	set_where(rule, r->where);
	set_errno(rule, "errnoRet", &r->action);
	return json_array_append_new(x->rules, rule) == 0;
}

/* The test of the term that lists several values, each of which becomes a rule; *ret_count: how many. */
static bool find_list(struct exporter *x, const struct policy_term *t, uint32_t *ret_which, uint32_t *ret_count)
{
	*ret_which = UINT32_MAX;
	*ret_count = 1;
	for (uint32_t i = 0; i < t->count; i++) {
		const struct policy_atom *a = t->atoms[i];

		if (a->kind != ATOM_INT || a->count == 1)
			continue;
		if (*ret_which != UINT32_MAX || a->negated)
			return fail(x, a->at, "a profile has no such list of values");
		*ret_which = i;
		*ret_count = a->count;
	}
	return true;
}

static bool export_term(struct exporter *x, const struct policy_rule *r, const struct policy_term *t)
{
	uint32_t list, count;

	if (!find_list(x, t, &list, &count))
		return false;
	for (uint32_t v = 0; v < count; v++) {
		json_t *args = json_array();
		unsigned used = 0;

		for (uint32_t i = 0; i < t->count; i++) {
			if (!add_argument(x, r, t->atoms[i], i == list ? v : 0, args, &used)) {
				json_decref(args);
				return false;
			}
		}
		if (!add_rule(x, r, args))
			return false;
	}
	return true;
}

static bool same_answer(const struct policy_action *a, const struct policy_action *b)
{
	return a->kind == b->kind && a->err == b->err && a->value == b->value;
}

/* A profile has no order: a rule without arguments wins over those with, wherever it stands. */
static bool check_order(struct exporter *x, size_t index)
{
	const struct policy_rule *r = &x->p->rules[index];

	if (!r->term_count)
		return true;
	for (size_t i = index + 1; i < x->p->rule_count; i++) {
		const struct policy_rule *later = &x->p->rules[i];

		if (later->term_count || later->where || same_answer(&later->action, &r->action))
			continue;
		FOR_EACH_CALL(id, &r->calls) {
			if (call_set_has(&later->calls, (enum call_id)id))
				return fail(x, r->at,
					    "a profile's rules have no order: line %u, which has no condition, would "
					    "win for %s",
					    later->at.line, call_desc((enum call_id)id)->name);
		}
	}
	return true;
}

static bool export_rule(struct exporter *x, size_t index)
{
	const struct policy_rule *r = &x->p->rules[index];

	if (!action_name(&r->action))
		return fail(x, r->at, "a profile has no action like \"%s\"", action_kind_name(r->action.kind));
	if (r->calls.unknown)
		return fail(x, r->at, "a profile cannot name calls that have no name");
	if (!check_order(x, index))
		return false;
	if (!r->term_count)
		return add_rule(x, r, json_array());
	for (uint32_t t = 0; t < r->term_count; t++) {
		if (!export_term(x, r, &r->terms[t]))
			return false;
	}
	return true;
}

/* ---- the profile ---- */

static void set_arches(const struct policy *p, json_t *root)
{
	json_t *subs = json_array(), *map = json_array();

	if (policy_abi_treatment(p, ABI_I386).treatment == ABI_SAME)
		(void)json_array_append_new(subs, json_string("SCMP_ARCH_X86"));
	if (policy_abi_treatment(p, ABI_X32).treatment == ABI_SAME)
		(void)json_array_append_new(subs, json_string("SCMP_ARCH_X32"));
	if (!json_array_size(subs)) {	/* the native architecture alone is what a profile without the map means */
		json_decref(subs);
		json_decref(map);
		return;
	}
	(void)json_array_append_new(map, json_pack("{s:s, s:o}", "architecture", policy_own_abi() == ABI_AARCH64 ?
						   "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64", "subArchitectures", subs));
	(void)json_object_set_new(root, "archMap", map);
}

static json_t *profile(struct exporter *x)
{
	const struct policy *p = x->p;
	json_t *root = json_object();

	(void)json_object_set_new(root, "defaultAction", json_string(action_name(&p->default_action)));
	set_errno(root, "defaultErrnoRet", &p->default_action);
	set_arches(p, root);
	for (size_t i = 0; i < p->kept_count; i++) {
		json_t *v = json_loads(p->kept[i].json, JSON_DECODE_ANY, NULL);

		if (v)
			(void)json_object_set_new(root, p->kept[i].key, v);
	}
	(void)json_object_set(root, "syscalls", x->rules);
	return root;
}

int oci_export(const struct policy *p, struct strbuf *out, char *message, size_t message_size)
{
	struct exporter x = {.p = p, .message = message, .message_size = message_size, .rules = json_array()};
	bool ok = action_name(&p->default_action) || fail(&x, p->default_at, "a profile has no such default action");
	json_t *root;
	char *text;

	for (size_t i = 0; i < p->rule_count && ok; i++)
		ok = export_rule(&x, i);
	if (!ok) {
		json_decref(x.rules);
		return -EINVAL;
	}
	root = profile(&x);
	json_decref(x.rules);
	text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (!text)
		return -ENOMEM;
	strbuf_adds(out, text);
	strbuf_addc(out, '\n');
	free(text);
	return strbuf_error(out);
}
