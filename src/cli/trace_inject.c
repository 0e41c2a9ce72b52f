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
	struct strbuf text;
	bool error, retval, any, when;
};

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
	if (!read_number(value, len, LONG_MAX, &number))
		return bad("a return value", value, len);
	e->retval = true;
	strbuf_addf(&e->text, " retval %llu", (unsigned long long)number);
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
	if (e->when || !read_number(value, digits, COUNT_MAX, &first) || !first)
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
	e->when = true;
	if (!step)
		strbuf_addf(&e->text, " at %llu", (unsigned long long)first);
	else
		strbuf_addf(&e->text, " from %llu every %llu", (unsigned long long)first, (unsigned long long)step);
	if (last)
		strbuf_addf(&e->text, " first %llu", (unsigned long long)last);
	return 0;
}

static int take_part(struct effect *e, struct trace_injections *t, const char *part, size_t len, bool fault)
{
	static const char *const names[] = {"error=", "when=", "retval=", "signal=", "delay_enter=", "delay_exit="};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);
		if (len < n || memcmp(part, names[i], n) != 0 || (fault && i > 1))
			continue;
		const char *value = part + n;
		e->any = e->any || i != 1;
		switch (i) {
		case 0: return take_error(e, value, len - n);
		case 1: return take_when(e, value, len - n);
		case 2: return take_retval(e, value, len - n);
		case 3: t->signals = true; return take_signal(e, value, len - n);
		case 4: return take_delay(e, "delay-enter", value, len - n);
		default: return take_delay(e, "delay-exit", value, len - n);
		}
	}
	return bad(fault ? "what a fault can have: error=, when=" :
		   "what can be injected here: error=, retval=, signal=, delay_enter=, delay_exit=, when=", part, len);
}

static int keep(struct trace_injections *t, const struct call_set *set, const char *text)
{
	char **grown = reallocarray(t->effects, t->count + 1, sizeof(*grown));
	char *copy = strdup(text);
	if (grown)
		t->effects = grown;
	if (!grown || !copy || t->count == UINT16_MAX) {
		free(copy);
		cli_error("trace", "%s", strerror(ENOMEM));
		return CLI_EXIT_FAILURE;
	}
	t->effects[t->count++] = copy;
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
	for (const char *at = text + len; !r && *at;) {
		at++;
		len = strcspn(at, ":");
		r = take_part(&e, t, at, len, fault);
		at += len;
	}
	if (!r && fault && !e.error)
		strbuf_adds(&e.text, " error ENOSYS");
	else if (!r && !fault && !e.any)
		r = bad("an injection: it says what calls, but not what to inject", text, strlen(text));
	if (!r)
		r = keep(t, &set, strbuf_str(&e.text));
	strbuf_finish(&e.text);
	return r;
}

void trace_inject_rules(const struct trace_injections *t, struct strbuf *out)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		if (t->of[id])
			strbuf_addf(out, "inject %s%s\n", call_desc((enum call_id)id)->name, t->effects[t->of[id] - 1]);
	}
}

void trace_inject_finish(struct trace_injections *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->effects[i]);
	free(t->effects);
	t->effects = NULL;
	t->count = 0;
}
