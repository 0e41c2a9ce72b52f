/* Finding the first rule that a call meets: a few questions to the index, each candidate checked in full. */
#include <string.h>

#include "policy/decide_index.h"

struct search {
	const struct policy *p;
	struct facts *f;
	uint32_t from, best;
	const struct policy_term *term;
};

static void scan(struct search *s, const struct bucket *b)
{
	for (const struct entry *e = b ? b->head : NULL; e && e->rule < s->best; e = e->next) {
		if (e->rule < s->from || !rule_applies(s->p, &s->p->rules[e->rule], e->term, s->f))
			continue;
		s->best = e->rule;
		s->term = e->term;
		return;
	}
}

/* The path itself and every directory above it, at the depths at which a rule has one. */
static void scan_dirs(struct search *s, const struct path_tables *t, const struct policy_string *path)
{
	unsigned depth = path->text[0] == '/';

	if (t->depths & 1)
		scan(s, map_find(&t->under, "", 0));
	for (size_t i = 1; i <= path->len; i++) {
		if (i < path->len && path->text[i] != '/')
			continue;
		if (t->depths >> depth_bit(depth) & 1)
			scan(s, map_find(&t->under, path->text, i));
		depth++;
	}
}

static void scan_path(struct search *s, const struct path_tables *t, const struct policy_string *path)
{
	const char *slash, *dot;
	size_t base;

	if (!path || !path->text)
		return;
	scan(s, map_find(&t->exact, path->text, path->len));
	if (t->depths)
		scan_dirs(s, t, path);
	slash = memrchr(path->text, '/', path->len);
	base = slash ? (size_t)(slash - path->text) + 1 : 0;
	scan(s, map_find(&t->base, path->text + base, path->len - base));
	dot = t->extension.count ? memrchr(path->text + base, '.', path->len - base) : NULL;
	if (dot)
		scan(s, map_find(&t->extension, dot + 1, path->len - (size_t)(dot + 1 - path->text)));
}

static void scan_params(struct search *s, const struct decide_index *x, unsigned kinds)
{
	const struct call_desc *d = call_desc(s->f->event->id);

	for (unsigned i = 0; i < d->nparams; i++) {
		const struct call_param *param = &d->params[i];

		if (param->dir == PARAM_OUT)
			continue;
		if (param->kind == PARAM_PATH && (kinds & 1u << PATH_PARAM))
			scan_path(s, &x->paths[PATH_PARAM], facts_path(s->f, i));
		if ((param->kind == PARAM_FD || param->kind == PARAM_DIRFD) && (kinds & 1u << PATH_FD)) {
			const struct decide_fd *fd = facts_fd(s->f, i);

			scan_path(s, &x->paths[PATH_FD], fd ? &fd->path : NULL);
		}
		if (param->kind == PARAM_SOCKADDR && (kinds & 1u << PATH_ADDR)) {
			const struct decide_addr *a = facts_addr(s->f, i);

			scan_path(s, &x->paths[PATH_ADDR], a ? &a->path : NULL);
		}
	}
}

static unsigned params_of_symbol(const struct search *s, uint16_t symbol)
{
	enum call_id id = s->f->event->id;

	return s->p->symbols[symbol]->params[id >= 0 ? id : 0];
}

static bool int_value(struct search *s, const struct int_symbol *sym, unsigned param, uint64_t *ret)
{
	const struct decide_addr *a;

	if (sym->field == FIELD_NONE) {
		*ret = (uint64_t)facts_int(s->f, param, s->p->symbols[sym->symbol]->raw);
		return true;
	}
	if (s->f->event->id < 0 || call_desc(s->f->event->id)->params[param].kind != PARAM_SOCKADDR)
		return false;
	a = facts_addr(s->f, param);
	if (!a)
		return false;
	*ret = sym->field == FIELD_PORT ? a->port : a->family;
	return true;
}

static void scan_ints(struct search *s, const struct decide_index *x)
{
	for (size_t i = 0; i < x->int_symbol_count; i++) {
		const struct int_symbol *sym = &x->int_symbols[i];
		unsigned params = params_of_symbol(s, sym->symbol);

		for (; params; params &= params - 1) {
			struct int_key k;

			memset(&k, 0, sizeof(k));
			if (!int_value(s, sym, (unsigned)__builtin_ctz(params), &k.value))
				continue;
			k.symbol = sym->symbol;
			k.field = sym->field;
			k.call = (int16_t)s->f->event->id;
			scan(s, map_find(&x->ints, &k, sizeof(k)));
			k.call = -1;
			scan(s, map_find(&x->ints, &k, sizeof(k)));
		}
	}
}

static void scan_address(struct search *s, const struct decide_index *x, const uint8_t *ip)
{
	struct net_key k;

	memset(&k, 0, sizeof(k));
	memcpy(k.bytes, ip, 16);
	/* From the longest prefix on, clearing as it goes. */
	for (int bits = 128; bits >= 0; bits--) {
		if (bits < 128)
			k.bytes[bits / 8] &= (uint8_t)~(0x80 >> bits % 8);
		if (x->net_bits[bits / 64] >> bits % 64 & 1) {
			k.bits = (uint64_t)bits;
			scan(s, map_find(&x->nets, &k, sizeof(k)));
		}
	}
}

static void scan_nets(struct search *s, const struct decide_index *x)
{
	for (size_t i = 0; i < x->net_symbols; i++) {
		unsigned params = params_of_symbol(s, x->net_symbol[i]);

		for (; params; params &= params - 1) {
			unsigned param = (unsigned)__builtin_ctz(params);
			const struct decide_addr *a;

			if (s->f->event->id < 0 || call_desc(s->f->event->id)->params[param].kind != PARAM_SOCKADDR)
				continue;
			a = facts_addr(s->f, param);
			if (a && a->has_ip)
				scan_address(s, x, a->ip);
		}
	}
}

bool index_first(const struct policy *p, struct facts *f, uint32_t from, uint32_t *ret_rule,
		 const struct policy_term **ret_term)
{
	const struct decide_index *x = p->index;
	struct search s = {.p = p, .f = f, .from = from, .best = UINT32_MAX};
	enum call_id id = f->event->id;
	size_t place = id >= 0 ? (size_t)id : CALL_COUNT;
	unsigned kinds = x->kinds[place];

	scan(&s, &x->calls[place]);
	scan(&s, &x->wide);
	if (kinds & HAS_INTS)
		scan_ints(&s, x);
	if (kinds & HAS_NETS)
		scan_nets(&s, x);
	if (id >= 0)
		scan_params(&s, x, kinds);
	if (kinds & 1u << PATH_EXE) {
		const struct decide_task *t = facts_task(f);

		scan_path(&s, &x->paths[PATH_EXE], t ? &t->exe : NULL);
	}
	*ret_rule = s.best;
	*ret_term = s.term;
	return s.best != UINT32_MAX;
}
