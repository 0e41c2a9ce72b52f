#include "cli/trace_inject.h"

#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/trace_set.h"
#include "policy/calls.h"

enum { COUNT_MAX = 65535 };

/* One expression while it is read. */
struct effect {
	struct strbuf text, when, as;
	struct trace_effect keep;
	bool error, retval, any, stand_in, poked[2];
};

static void free_effect(struct trace_effect *e)
{
	free(e->text);
	free(e->when);
	for (int at_exit = 0; at_exit < 2; at_exit++) {
		for (int i = 0; i < TRACE_POKE_ARGS; i++)
			free(e->pokes[at_exit][i]);
	}
}

static int bad(const char *what, const char *value, size_t len)
{
	cli_error("trace", "-e inject: '%.*s' is not %s", (int)len, value, what);
	return CLI_EXIT_USAGE;
}

static bool read_number(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	char copy[24];
	char *end;
	if (!len || len >= sizeof(copy) || text[0] < '0' || text[0] > '9')
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	*ret = strtoull(copy, &end, 0);
	return !*end && !errno && *ret <= max;
}

static int take_error(struct effect *e, const char *value, size_t len)
{
	char name[32];
	uint64_t number;
	if (e->error || e->retval)
		return bad("possible beside another error or retval", value, len);
	if (!read_number(value, len, 4095, &number)) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, value);
		int err = errno_from_name(name);
		if (err <= 0)
			return bad("the name of an error", value, len);
		number = (uint64_t)err;
	}
	if (!number)
		return bad("an error", value, len);
	e->error = true;
	strbuf_addf(&e->text, " error %llu", (unsigned long long)number);
	return 0;
}

static int take_retval(struct effect *e, const char *value, size_t len)
{
	uint64_t number;
	if (e->error || e->retval)
		return bad("possible beside another error or retval", value, len);
	if (!read_number(value, len, UINT64_MAX, &number))
		return bad("a return value", value, len);
	e->retval = true;
	strbuf_addf(&e->text, " retval %lld", (long long)number);
	return 0;
}

static int take_signal(struct effect *e, const char *value, size_t len)
{
	AUTO_FREE char *name = strndup(value, len);
	uint64_t set;
	if (!name || trace_set_signals(name, &set))
		return CLI_EXIT_USAGE;
	if (__builtin_popcountll(set) != 1 || name[0] == '!')
		return bad("one signal", value, len);
	strbuf_addf(&e->text, " signal %d", __builtin_ctzll(set) + 1);
	return 0;
}

/* Microseconds, or with ns, us, ms or s behind it. */
static int take_delay(struct effect *e, const char *what, const char *value, size_t len)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	size_t digits = strspn(value, "0123456789");
	uint64_t number;
	digits = digits < len ? digits : len;
	const char *unit = digits == len ? "us" : NULL;
	for (size_t i = 0; !unit && i < ARRAY_SIZE(units); i++) {
		if (strlen(units[i]) == len - digits && memcmp(value + digits, units[i], len - digits) == 0)
			unit = units[i];
	}
	if (!unit || !read_number(value, digits, UINT32_MAX, &number))
		return bad("a delay", value, len);
	strbuf_addf(&e->text, " %s %llu%s", what, (unsigned long long)number, unit);
	return 0;
}

/* FIRST[..LAST][+[STEP]] */
static int take_when(struct effect *e, const char *value, size_t len)
{
	const char *end = value + len;
	size_t digits = strspn(value, "0123456789");
	uint64_t first, last = 0, step = 0;
	const char *at = value + digits;
	if (!read_number(value, digits, COUNT_MAX, &first) || !first)
		return bad("a count of calls: FIRST[..LAST][+[STEP]]", value, len);
	if (end - at > 2 && memcmp(at, "..", 2) == 0) {
		digits = strspn(at + 2, "0123456789");
		if (!read_number(at + 2, digits, COUNT_MAX, &last) || last < first)
			return bad("a range of calls", value, len);
		at += 2 + digits;
		step = 1;
	}
	if (at < end && *at == '+') {
		at++;
		step = 1;
		digits = strspn(at, "0123456789");
		if (digits && (!read_number(at, digits, COUNT_MAX, &step) || !step))
			return bad("a step", value, len);
		at += digits;
	}
	if (at != end)
		return bad("a count of calls: FIRST[..LAST][+[STEP]]", value, len);
	strbuf_clear(&e->when);		/* of several, the last counts */
	if (!step)
		strbuf_addf(&e->when, " at %llu", (unsigned long long)first);
	else
		strbuf_addf(&e->when, " from %llu every %llu", (unsigned long long)first, (unsigned long long)step);
	if (last)
		strbuf_addf(&e->when, " first %llu", (unsigned long long)last);
	return 0;
}

/* A call that is made in place of the one that is not. */
static int take_stand_in(struct effect *e, const char *value, size_t len)
{
	enum call_id id = call_from_name(value, len);
	if (e->stand_in)
		return bad("possible beside another syscall", value, len);
	if (id < 0 || !call_in_group(id, GROUP_PURE))
		return bad("a system call of %pure, which has no effect", value, len);
	e->stand_in = true;
	strbuf_addf(&e->as, " as %s", call_desc(id)->name);
	return 0;
}

/* One of "@arg2=5859,@arg3=00", at which value points. */
static int take_poke(struct effect *e, bool at_exit, const char *value, size_t len)
{
	enum { PREFIX = 6 };	/* "@argN=" */
	size_t digits = len > PREFIX ? strspn(value + PREFIX, "0123456789abcdefABCDEF") : 0;
	if (len <= PREFIX || memcmp(value, "@arg", 4) != 0 || value[4] < '1' || value[4] > '0' + TRACE_POKE_ARGS ||
	    value[5] != '=' || digits < len - PREFIX || (len - PREFIX) % 2)
		return bad("an argument and its bytes: @arg2=0000DEAD", value, len);
	char **place = &e->keep.pokes[at_exit][value[4] - '1'];
	if (*place)
		return bad("possible twice", value, len);
	*place = strndup(value + PREFIX, len - PREFIX);
	return *place ? 0 : CLI_EXIT_FAILURE;
}

static int take_pokes(struct effect *e, bool at_exit, const char *value, size_t len)
{
	if (e->poked[at_exit])
		return bad("possible beside another of its kind", value, len);
	e->poked[at_exit] = true;
	for (const char *end = value + len;;) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		int r = take_poke(e, at_exit, value, (size_t)((comma ? comma : end) - value));
		if (r || !comma)
			return r;
		value = comma + 1;
	}
}

enum { PART_ERROR, PART_WHEN, PART_SYSCALL, PART_RETVAL, PART_SIGNAL, PART_DELAY_ENTER, PART_DELAY_EXIT, PART_POKE_ENTER,
	PART_POKE_EXIT };

static int take_value(struct effect *e, struct trace_injections *t, int which, const char *value, size_t len)
{
	e->any = e->any || (which != PART_WHEN && which != PART_SYSCALL);
	switch (which) {
	case PART_ERROR: return take_error(e, value, len);
	case PART_WHEN: return take_when(e, value, len);
	case PART_SYSCALL: return take_stand_in(e, value, len);
	case PART_RETVAL: return take_retval(e, value, len);
	case PART_SIGNAL: t->signals = true; return take_signal(e, value, len);
	case PART_DELAY_ENTER: return take_delay(e, "delay-enter", value, len);
	case PART_DELAY_EXIT: return take_delay(e, "delay-exit", value, len);
	default: return take_pokes(e, which == PART_POKE_EXIT, value, len);
	}
}

static int take_part(struct effect *e, struct trace_injections *t, const char *part, size_t len, bool fault)
{
	static const char *const names[] = {
		[PART_ERROR] = "error=", [PART_WHEN] = "when=", [PART_SYSCALL] = "syscall=", [PART_RETVAL] = "retval=",
		[PART_SIGNAL] = "signal=", [PART_DELAY_ENTER] = "delay_enter=", [PART_DELAY_EXIT] = "delay_exit=",
		[PART_POKE_ENTER] = "poke_enter=", [PART_POKE_EXIT] = "poke_exit=",
	};
	for (int i = 0; i < (fault ? PART_RETVAL : (int)ARRAY_SIZE(names)); i++) {
		size_t n = strlen(names[i]);
		if (len >= n && memcmp(part, names[i], n) == 0)
			return take_value(e, t, i, part + n, len - n);
	}
	return bad(fault ? "what a fault can have: error=, syscall=, when=" :
		   "what can be injected: error=, retval=, signal=, delay_enter=, delay_exit=, poke_enter=, poke_exit=, "
		   "syscall=, when=", part, len);
}

/* Takes the effect's memory over. */
static int keep(struct trace_injections *t, const struct call_set *set, struct effect *e)
{
	struct trace_effect *grown = reallocarray(t->effects, t->count + 1, sizeof(*grown));
	if (grown)
		t->effects = grown;
	AUTO_STRBUF struct strbuf text;
	strbuf_init(&text);
	strbuf_adds(&text, strbuf_str(&e->text));
	if (e->error || e->retval)
		strbuf_adds(&text, strbuf_str(&e->as));
	e->keep.text = strdup(strbuf_str(&text));
	e->keep.when = strdup(strbuf_str(&e->when));
	if (!grown || !e->keep.text || !e->keep.when || t->count == UINT16_MAX) {
		cli_error("trace", "%s", strerror(ENOMEM));
		return CLI_EXIT_FAILURE;
	}
	t->effects[t->count++] = e->keep;
	e->keep = (struct trace_effect){0};
	FOR_EACH_CALL(id, set)
		t->of[id] = (uint16_t)t->count;
	return 0;
}

int trace_inject_add(struct trace_injections *t, const char *text, bool fault)
{
	struct effect e = {0};
	struct call_set set;
	size_t len = strcspn(text, ":");
	AUTO_FREE char *calls = strndup(text, len);
	int r = calls ? trace_set_calls(calls, &set) : CLI_EXIT_FAILURE;
	strbuf_init(&e.text);
	strbuf_init(&e.when);
	strbuf_init(&e.as);
	for (const char *at = text + len; !r && *at;) {
		at++;
		len = strcspn(at, ":");
		r = take_part(&e, t, at, len, fault);
		at += len;
	}
	if (!r && fault && !e.error) {
		strbuf_adds(&e.text, " error ENOSYS");
		e.error = true;
	} else if (!r && !fault && !e.any) {
		r = bad("an injection: it says what calls, but not what to inject", text, strlen(text));
	}
	if (!r)
		r = keep(t, &set, &e);
	strbuf_finish(&e.text);
	strbuf_finish(&e.when);
	strbuf_finish(&e.as);
	free_effect(&e.keep);
	return r;
}

static void write_pokes(const struct trace_effect *e, enum call_id id, struct strbuf *out)
{
	static const char *const when[] = {"enter", "exit"};
	const struct call_desc *d = call_desc(id);
	for (int at_exit = 0; at_exit < 2; at_exit++) {
		for (unsigned i = 0; i < TRACE_POKE_ARGS; i++) {
			if (!e->pokes[at_exit][i])
				continue;
			if (i < d->nparams)
				strbuf_addf(out, " poke-%s arg%u = %s", when[at_exit], i, e->pokes[at_exit][i]);
			else
				cli_error("trace", "-e inject: %s has only %u arguments, there is no @arg%u", d->name,
					  d->nparams, i + 1);
		}
	}
}

void trace_inject_rules(const struct trace_injections *t, const struct call_set *traced, struct strbuf *out)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		if (!t->of[id] || !call_set_has(traced, (enum call_id)id))
			continue;
		const struct trace_effect *e = &t->effects[t->of[id] - 1];
		AUTO_STRBUF struct strbuf effect;
		strbuf_init(&effect);
		write_pokes(e, (enum call_id)id, &effect);
		strbuf_adds(&effect, e->text);
		if (effect.len)
			strbuf_addf(out, "inject %s%s%s\n", call_desc((enum call_id)id)->name, strbuf_str(&effect), e->when);
	}
}

void trace_inject_finish(struct trace_injections *t)
{
	for (size_t i = 0; i < t->count; i++)
		free_effect(&t->effects[i]);
	free(t->effects);
	t->effects = NULL;
	t->count = 0;
}
