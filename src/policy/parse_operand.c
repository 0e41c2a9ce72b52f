/* What a condition looks at: parameters by name or by kind, their fields, facts about the task. */
#include <string.h>

#include "policy/calls.h"
#include "policy/parse_private.h"

/* Names that stand for a kind of parameter where the call has none by that very name. */
static const struct {
	const char *name;
	enum param_kind kind;
	bool all;	/* every parameter of the kind, or the first */
} aliases[] = {
	{"path", PARAM_PATH, true}, {"fd", PARAM_FD, false}, {"dirfd", PARAM_DIRFD, false},
	{"addr", PARAM_SOCKADDR, false}, {"flags", PARAM_FLAGS, false}, {"mode", PARAM_MODE, false},
	{"pid", PARAM_PID, false}, {"sig", PARAM_SIGNAL, false}, {"uid", PARAM_UID, false},
};

static uint8_t by_exact_name(const struct call_desc *d, const char *name, size_t len)
{
	for (unsigned i = 0; i < d->nparams; i++) {
		if (strlen(d->params[i].name) == len && memcmp(d->params[i].name, name, len) == 0)
			return (uint8_t)(1u << i);
	}
	return 0;
}

static uint8_t by_alias(const struct call_desc *d, size_t alias)
{
	uint8_t mask = 0;

	for (unsigned i = 0; i < d->nparams; i++) {
		if (d->params[i].kind != aliases[alias].kind || d->params[i].dir == PARAM_OUT)
			continue;
		mask |= (uint8_t)(1u << i);
		if (!aliases[alias].all)
			break;
	}
	return mask;
}

static uint8_t params_of(const struct call_desc *d, const char *name, size_t len)
{
	uint8_t mask;

	/* "path" is every path, whatever its name; else a parameter of that very name goes before the kind. */
	mask = by_exact_name(d, name, len);
	for (size_t a = 0; a < ARRAY_SIZE(aliases); a++) {
		if (strlen(aliases[a].name) != len || memcmp(aliases[a].name, name, len) != 0)
			continue;
		if (!mask || aliases[a].all)
			mask = by_alias(d, a) ? by_alias(d, a) : mask;
	}
	return mask;
}

/* The symbol of a name, made when it is first seen; -1 when no call at all has it. */
static int find_symbol(struct parser *ps, const char *name, size_t len)
{
	struct policy *p = ps->p;
	struct policy_symbol *s;
	void **place;
	bool any = false;
	void *known = map_find(ps->symbols, name, len);

	if (known)
		return (int)((uintptr_t)known - 1);
	s = parse_alloc(ps, sizeof(*s));
	if (!s)
		return -1;
	s->raw = len == 4 && memcmp(name, "arg", 3) == 0 && name[3] >= '0' && name[3] <= '5';
	for (int id = 0; id < CALL_COUNT; id++) {
		s->params[id] = s->raw ? (uint8_t)(1u << (name[3] - '0'))
				       : params_of(call_desc((enum call_id)id), name, len);
		any = any || s->params[id];
	}
	if (!any || !parse_grow(ps, &p->symbols, &p->symbol_cap, p->symbol_count, sizeof(struct policy_symbol *)))
		return -1;
	s->name = arena_strndup(&p->arena, name, len);
	place = s->name ? map_place(ps->symbols, s->name, len) : NULL;
	if (!place) {
		p->diags->no_memory = true;
		return -1;
	}
	p->symbols[p->symbol_count++] = s;
	*place = (void *)(uintptr_t)p->symbol_count;
	return (int)p->symbol_count - 1;
}

static void suggest_operand(struct parser *ps, const char *name, size_t len)
{
	const char *names[6 * 8 + ARRAY_SIZE(aliases) + 2];
	size_t n = 0;
	const char *near;

	for (size_t a = 0; a < ARRAY_SIZE(aliases); a++)
		names[n++] = aliases[a].name;
	names[n] = NULL;
	near = nearest_word(name, len, names);
	if (near)
		diag_hint(ps->p->diags, "did you mean %s?", near);
}

static bool parse_task(struct parser *ps, const struct token *t, const char *field, size_t len, struct operand *ret)
{
	static const struct {
		const char *name;
		enum operand_source source;
	} facts[] = {
		{"uid", OPERAND_TASK_UID}, {"gid", OPERAND_TASK_GID},	  {"pid", OPERAND_TASK_PID},
		{"exe", OPERAND_TASK_EXE}, {"calls", OPERAND_TASK_CALLS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		if (strlen(facts[i].name) == len && memcmp(facts[i].name, field, len) == 0) {
			ret->source = facts[i].source;
			return true;
		}
	}
	diag_error(ps->p->diags, t->at, "a task has uid, gid, pid, exe and calls, not \"%.*s\"", (int)len, field);
	return false;
}

static bool parse_field(struct parser *ps, const struct token *t, const char *field, size_t len, struct operand *ret)
{
	static const struct {
		const char *name;
		enum operand_field field;
	} fields[] = {
		{"family", FIELD_FAMILY}, {"ip", FIELD_IP},	{"port", FIELD_PORT},
		{"path", FIELD_PATH},	  {"kind", FIELD_KIND},
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) == len && memcmp(fields[i].name, field, len) == 0) {
			ret->field = fields[i].field;
			return true;
		}
	}
	diag_error(ps->p->diags, t->at, "no operand has a field \"%.*s\"", (int)len, field);
	diag_hint(ps->p->diags, "addresses have .family .ip .port .path, descriptors .path .kind");
	return false;
}

bool parse_operand(struct parser *ps, struct operand *ret)
{
	const struct token t = *parse_token(ps);
	const char *dot = t.kind == TOK_WORD ? memchr(t.text, '.', t.len) : NULL;
	size_t base = dot ? (size_t)(dot - t.text) : t.len;
	int symbol;

	if (t.kind != TOK_WORD)
		return parse_expected(ps, "a parameter's name");
	*ret = (struct operand){.at = t.at, .name = arena_strndup(&ps->p->arena, t.text, t.len)};
	if (!ret->name) {
		ps->p->diags->no_memory = true;
		return false;
	}
	parse_next(ps);
	if (dot && base == 4 && memcmp(t.text, "task", 4) == 0)
		return parse_task(ps, &t, dot + 1, t.len - base - 1, ret);
	if (dot && !parse_field(ps, &t, dot + 1, t.len - base - 1, ret))
		return false;
	symbol = find_symbol(ps, t.text, base);
	if (symbol < 0) {
		diag_error(ps->p->diags, t.at, "no system call has a parameter \"%.*s\"", (int)base, t.text);
		if (diags_room(ps->p->diags))
			suggest_operand(ps, t.text, base);
		return false;
	}
	ret->symbol = (uint16_t)symbol;
	return true;
}

static bool is_arg_number(const struct policy *p, const struct operand *o)
{
	return p->symbols[o->symbol]->raw;
}

static const struct call_param raw_argument = {.name = "arg", .kind = PARAM_UINT, .bits = 64, .link = {-1, -1}};

const struct call_param *operand_param(const struct policy *p, const struct operand *o, enum call_id id)
{
	unsigned mask;

	if (o->source != OPERAND_PARAM)
		return NULL;
	if (is_arg_number(p, o))
		return &raw_argument;
	mask = p->symbols[o->symbol]->params[id];
	return mask ? &call_desc(id)->params[__builtin_ctz(mask)] : NULL;
}

static bool is_pointer(const struct call_param *param)
{
	return param == &raw_argument || param->kind == PARAM_PATH || param->kind == PARAM_STRING ||
	       param->kind == PARAM_SOCKADDR || param->kind == PARAM_POINTER;
}

static bool kind_fits(const struct call_param *param, enum operand_field field, enum operand_class class)
{
	bool is_fd = param->kind == PARAM_FD || param->kind == PARAM_DIRFD;

	switch (field) {
	case FIELD_FAMILY:
	case FIELD_IP:
	case FIELD_PORT:
		return param->kind == PARAM_SOCKADDR && param->dir != PARAM_OUT;
	case FIELD_PATH:
		return is_fd || (param->kind == PARAM_SOCKADDR && param->dir != PARAM_OUT);
	case FIELD_KIND:
		return is_fd;
	case FIELD_NONE:
		break;
	}
	switch (class) {
	case CLASS_PATH:
		return param->kind == PARAM_PATH && param->dir != PARAM_OUT;
	case CLASS_STRING:
		return (param->kind == PARAM_PATH || param->kind == PARAM_STRING) && param->dir != PARAM_OUT;
	case CLASS_INT:
		return param->kind != PARAM_PATH && param->kind != PARAM_STRING && param->kind != PARAM_SOCKADDR;
	case CLASS_POINTER:
		return is_pointer(param);
	default:
		return false;
	}
}

static const char *kind_words(const struct call_param *param)
{
	switch (param->kind) {
	case PARAM_PATH:
		return "a path: compare it with ==, under, glob, basename";
	case PARAM_STRING:
		return "a string: compare it with ==";
	case PARAM_SOCKADDR:
		return "an address: compare its .family, .ip, .port or .path";
	case PARAM_FD:
	case PARAM_DIRFD:
		return "a descriptor: compare its number, .path or .kind";
	case PARAM_FLAGS:
		return "flags: compare them with ==, in or &";
	default:
		return "a number: compare it with ==, <, in or &";
	}
}

static void say_parameters(struct parser *ps, const struct call_desc *d)
{
	char list[160] = "none";
	size_t used = 0;

	for (unsigned i = 0; i < d->nparams && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", d->params[i].name);
	diag_hint(ps->p->diags, "its parameters: %s", list);
}

static void say_misfit(struct parser *ps, const struct operand *o, enum operand_class class, enum call_id id)
{
	const struct call_desc *d = call_desc(id);
	const struct call_param *param = operand_param(ps->p, o, id);
	size_t base = strcspn(o->name, ".");

	if (!param) {
		diag_error(ps->p->diags, o->at, "%s has no parameter \"%.*s\"", d->name, (int)base, o->name);
		say_parameters(ps, d);
	} else if (o->field != FIELD_NONE) {
		diag_error(ps->p->diags, o->at, "%.*s of %s has no \"%s\"", (int)base, o->name, d->name,
			   o->name + base);
		diag_hint(ps->p->diags, "it is %s", kind_words(param));
	} else if (class == CLASS_POINTER) {
		diag_error(ps->p->diags, o->at, "%s of %s points to nothing", o->name, d->name);
		say_parameters(ps, d);
	} else {
		diag_error(ps->p->diags, o->at, "%s of %s cannot be compared so", o->name, d->name);
		diag_hint(ps->p->diags, "it is %s", kind_words(param));
	}
}

bool operand_narrow(struct parser *ps, struct rule_scope *scope, const struct operand *o, enum operand_class class)
{
	enum call_id misfit = CALL_NONE;
	bool any = false;

	if (o->source != OPERAND_PARAM)
		return true;
	FOR_EACH_CALL(i, &scope->calls) {
		enum call_id id = (enum call_id)i;
		const struct call_param *param = operand_param(ps->p, o, id);

		if (param && kind_fits(param, o->field, class)) {
			any = true;
			continue;
		}
		if (call_set_has(&scope->named, id)) {
			say_misfit(ps, o, class, id);
			return false;
		}
		misfit = id;
		call_set_remove(&scope->calls, id);
	}
	if (!is_arg_number(ps->p, o))
		scope->calls.unknown = false;
	if (any || scope->calls.unknown || (misfit == CALL_NONE && scope->foreign_count))
		return true;
	if (misfit != CALL_NONE)
		say_misfit(ps, o, class, misfit);
	return false;
}

/* ---- integer constants ---- */

static wide narrow(wide v, unsigned bits, bool is_signed)
{
	if (bits == 32)
		return is_signed ? (wide)(int32_t)(uint32_t)v : (wide)(uint32_t)v;
	return is_signed ? (wide)(int64_t)(uint64_t)v : (wide)(uint64_t)v;
}

static bool named_constant(struct parser *ps, const struct rule_scope *scope, const struct operand *o,
			   const struct token *t, uint64_t *ret, const struct flag_set **ret_set)
{
	const char *first = NULL;

	if (o->source != OPERAND_PARAM || o->field != FIELD_NONE)
		return flag_any_value(t->text, t->len, ret) == 0;
	FOR_EACH_CALL(i, &scope->calls) {
		enum call_id id = (enum call_id)i;
		const struct call_param *param = operand_param(ps->p, o, id);
		uint64_t v;

		if (!param || !param->set)
			continue;
		*ret_set = param->set;
		if (flag_set_value(param->set, t->text, t->len, &v) < 0)
			continue;
		if (first && v != *ret) {
			diag_error(ps->p->diags, t->at, "%.*s differs between %s and %s", (int)t->len, t->text, first,
				   call_desc(id)->name);
			diag_hint(ps->p->diags, "write a rule for each");
			return false;
		}
		first = call_desc(id)->name;
		*ret = v;
	}
	return first || flag_any_value(t->text, t->len, ret) == 0;
}

static void suggest_constant(struct parser *ps, const struct token *t, const struct flag_set *set)
{
	const char *names[256];
	size_t n = 0;
	const char *near;

	for (; set && n < set->count && n + 1 < ARRAY_SIZE(names); n++)
		names[n] = set->names[n].name;
	names[n] = NULL;
	near = nearest_word(t->text, t->len, names);
	if (near)
		diag_hint(ps->p->diags, "did you mean %s?", near);
}

static bool int_term(struct parser *ps, const struct rule_scope *scope, const struct operand *o, wide *ret)
{
	const struct token t = *parse_token(ps);
	const struct flag_set *set = NULL;
	size_t errors = ps->p->diags->errors;
	uint64_t named;

	if (t.kind != TOK_WORD)
		return parse_expected(ps, "a number or a constant");
	parse_next(ps);
	if (parse_number_text(t.text, t.len, ret))
		return true;
	if (t.len == 4 && memcmp(t.text, "NULL", 4) == 0) {
		*ret = 0;
		return true;
	}
	if (named_constant(ps, scope, o, &t, &named, &set)) {
		*ret = named;
		return true;
	}
	if (ps->p->diags->errors == errors) {
		diag_error(ps->p->diags, t.at, "no constant%s%s is named \"%.*s\"", set ? " of " : "",
			   set ? o->name : "", (int)t.len, t.text);
		if (diags_room(ps->p->diags))
			suggest_constant(ps, &t, set);
	}
	return false;
}

/* The type that the operand has in the first call of the scope. */
static void int_type(const struct parser *ps, const struct rule_scope *scope, const struct operand *o, unsigned *bits,
		     bool *is_signed)
{
	*bits = 64;
	*is_signed = false;
	if (o->source != OPERAND_PARAM || o->field != FIELD_NONE)
		return;
	FOR_EACH_CALL(i, &scope->calls) {
		const struct call_param *param = operand_param(ps->p, o, (enum call_id)i);

		if (param) {
			*bits = param->bits;
			*is_signed = param->is_signed;
			return;
		}
	}
}

bool parse_operand_int(struct parser *ps, const struct rule_scope *scope, const struct operand *o, wide *ret)
{
	struct span at = parse_token(ps)->at;
	unsigned bits;
	bool is_signed;
	wide v = 0, low, high;

	do {
		wide term;

		if (!int_term(ps, scope, o, &term))
			return false;
		v = v ? (wide)((uint64_t)v | (uint64_t)term) : term;
	} while (parse_take_punct(ps, PUNCT_OR));
	int_type(ps, scope, o, &bits, &is_signed);
	low = -((wide)1 << (bits - 1));
	high = ((wide)1 << bits) - 1;
	/* AT_FDCWD and the like come out of the table sign-extended to 64 bits. */
	if (bits == 32 && v > high && (int64_t)(uint64_t)v >= (int64_t)low && (int64_t)(uint64_t)v < 0)
		v = (wide)(int64_t)(uint64_t)v;
	if (v < low || v > high) {
		diag_error(ps->p->diags, at, "the value does not fit: %s has %u bits", o->name, bits);
		return false;
	}
	*ret = narrow(v, bits, is_signed);
	return true;
}
