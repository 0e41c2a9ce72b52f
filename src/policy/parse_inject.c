/* inject: what is done to a call, and to which of them. */
#include <string.h>

#include "policy/parse_private.h"

static bool parse_probability(struct parser *ps, uint32_t *ret)
{
	const struct token *t = parse_token(ps);
	char text[16], percent = 0, more;
	double v;

	if (t->kind == TOK_WORD && t->len < sizeof(text)) {
		snprintf(text, sizeof(text), "%.*s", (int)t->len, t->text);
		int n = text[0] >= '0' && text[0] <= '9' ? sscanf(text, "%lf%c%c", &v, &percent, &more) : 0;
		if (n == 1 || (n == 2 && percent == '%')) {
			v *= percent ? 10000 : 1000000;
			if (v >= 1 && v <= 1000000) {
				*ret = (uint32_t)(v + 0.5);
				parse_next(ps);
				return true;
			}
		}
	}
	return parse_expected(ps, "a probability such as 0.1 or 5%");
}

static bool parse_positive(struct parser *ps, const char *what, uint64_t *ret)
{
	struct span at = parse_token(ps)->at;

	if (!parse_u64(ps, what, ret))
		return false;
	if (*ret)
		return true;
	diag_error(ps->p->diags, at, "%s starts at 1", what);
	return false;
}

struct inject_state {
	struct policy_inject *inject;
	struct rule_scope *scope;
	bool effect, from, every, at;
};

/* ---- effects ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "text", or bytes in hexadecimal: 0000DEAD. */
static bool parse_bytes(struct parser *ps, struct policy_poke *poke)
{
	const struct token *t = parse_token(ps);
	uint8_t *bytes;

	if (t->kind == TOK_STRING && t->len && t->len <= POKE_MAX) {
		poke->bytes = (const uint8_t *)t->text;
		poke->len = (uint32_t)t->len;
		parse_next(ps);
		return true;
	}
	if (t->kind != TOK_WORD || !t->len || t->len % 2 || t->len / 2 > POKE_MAX)
		return parse_expected(ps, "bytes, as \"text\" or two hexadecimal digits each, 64 KiB at most,");
	bytes = parse_alloc(ps, t->len / 2);
	for (size_t i = 0; bytes && i < t->len; i += 2) {
		int high = hex_digit(t->text[i]), low = hex_digit(t->text[i + 1]);

		if (high < 0 || low < 0)
			return parse_expected(ps, "two hexadecimal digits for each byte");
		bytes[i / 2] = (uint8_t)(high * 16 + low);
	}
	poke->bytes = bytes;
	poke->len = (uint32_t)(t->len / 2);
	parse_next(ps);
	return bytes;
}

/* poke-enter ARGUMENT = BYTES: the memory that the argument points to is overwritten. */
static bool parse_poke(struct parser *ps, struct inject_state *s, bool at_exit)
{
	struct policy_inject *j = s->inject;
	struct policy_poke poke = {.at_exit = at_exit}, *all;
	struct operand o;

	if (!parse_operand(ps, &o))
		return false;
	if (o.source != OPERAND_PARAM || o.field != FIELD_NONE) {
		diag_error(ps->p->diags, o.at, "only what a parameter points to can be overwritten");
		return false;
	}
	if (!operand_narrow(ps, s->scope, &o, CLASS_POINTER))
		return false;
	if (!parse_take_punct(ps, PUNCT_SET))
		return parse_expected(ps, "\"=\" and the bytes");
	poke.symbol = o.symbol;
	if (!parse_bytes(ps, &poke))
		return false;
	if (j->poke_count == POKES_MAX) {
		diag_error(ps->p->diags, o.at, "an injection overwrites at most %d places", POKES_MAX);
		return false;
	}
	all = parse_alloc(ps, (j->poke_count + 1u) * sizeof(*all));
	if (!all)
		return false;
	if (j->poke_count)
		memcpy(all, j->pokes, j->poke_count * sizeof(*all));
	all[j->poke_count++] = poke;
	j->pokes = all;
	return true;
}

/* as CALL: in place of the call that is not made, one that changes nothing. */
static bool parse_stand_in(struct parser *ps, struct policy_inject *j)
{
	const struct token *t = parse_token(ps);
	enum call_id id = t->kind == TOK_WORD ? call_from_name(t->text, t->len) : CALL_NONE;

	if (id < 0 || !call_in_group(id, GROUP_PURE))
		return parse_expected(ps, "a call of %pure, such as getpid,");
	j->has_stand_in = true;
	j->stand_in = id;
	parse_next(ps);
	return true;
}

static bool parse_effect(struct parser *ps, struct inject_state *s)
{
	struct policy_inject *j = s->inject;

	s->effect = true;
	if (parse_take(ps, "error"))
		return parse_errno(ps, &j->err);
	if (parse_take(ps, "retval")) {
		j->has_retval = true;
		return parse_i64(ps, "a return value", &j->retval);
	}
	if (parse_take(ps, "signal"))
		return parse_signal(ps, &j->signal);
	if (parse_take(ps, "delay-enter"))
		return parse_duration(ps, &j->delay_enter_ns);
	if (parse_take(ps, "delay-exit"))
		return parse_duration(ps, &j->delay_exit_ns);
	if (parse_take(ps, "poke-enter"))
		return parse_poke(ps, s, false);
	if (parse_take(ps, "poke-exit"))
		return parse_poke(ps, s, true);
	if (parse_take(ps, "as"))
		return parse_stand_in(ps, j);
	(void)parse_take(ps, "short");
	return parse_positive(ps, "a byte count", &j->short_count);
}

static bool parse_schedule(struct parser *ps, struct inject_state *s)
{
	struct policy_inject *j = s->inject;

	if (parse_take(ps, "every")) {
		s->every = true;
		return parse_positive(ps, "a step", &j->step);
	}
	if (parse_take(ps, "from")) {
		s->from = true;
		return parse_positive(ps, "a count", &j->first);
	}
	if (parse_take(ps, "at")) {
		s->at = true;
		j->step = 0;
		return parse_positive(ps, "a count", &j->first);
	}
	if (parse_take(ps, "first"))
		return parse_positive(ps, "a count", &j->last);
	if (parse_take(ps, "probability"))
		return parse_probability(ps, &j->probability);
	if (parse_take(ps, "seed"))
		return parse_u64(ps, "a seed", &j->seed);
	return parse_expected(ps, "an effect (error, retval, signal, delay-enter, delay-exit, poke-enter, poke-exit, short, as) or "
			      "a schedule (every, from, at, first, probability, seed)");
}

static const char *const effects[] = {"error", "retval", "signal", "delay-enter", "delay-exit", "poke-enter", "poke-exit",
				       "short", "as", NULL};

/* What cannot be meant together, or NULL. */
static const char *find_contradiction(const struct inject_state *s)
{
	const struct policy_inject *j = s->inject;
	bool answered = j->err || j->has_retval;

	if (s->at && (s->every || s->from))
		return "\"at\" is one call, not \"every\" or \"from\"";
	if ((j->err && j->has_retval) || (j->short_count && answered))
		return "only one of error, retval and short";
	if (j->has_stand_in && !answered)
		return "\"as\" is for calls that are not made: with error or retval";
	return NULL;
}

bool parse_inject(struct parser *ps, struct policy_rule *rule, struct rule_scope *scope)
{
	struct policy_inject *j = parse_alloc(ps, sizeof(*j));
	struct inject_state s = {.inject = j, .scope = scope};
	const char *contradiction;

	if (!j)
		return false;
	*j = (struct policy_inject){.first = 1, .step = 1, .probability = 1000000};
	while (!parse_at_end(ps) && !parse_is(ps, "where")) {
		bool effect = false;

		for (size_t i = 0; effects[i]; i++)
			effect = effect || parse_is(ps, effects[i]);
		if (!(effect ? parse_effect : parse_schedule)(ps, &s))
			return false;
	}
	if (!s.effect)
		return parse_expected(ps, "what to inject: error, retval, signal, delay-enter, delay-exit, poke-enter, "
					  "poke-exit or short");
	if (s.every && !s.from)
		j->first = j->step;
	contradiction = find_contradiction(&s);
	if (contradiction) {
		diag_error(ps->p->diags, rule->at, "the injection contradicts itself");
		diag_hint(ps->p->diags, "%s", contradiction);
		return false;
	}
	rule->action.inject = j;
	return true;
}
