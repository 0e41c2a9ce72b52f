/* The values of `trapline trace`'s options: what is a list, a precision, a column or an expression. */
#include "cli/trace_values.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/trace_set.h"

int trace_usage_error(const char *message)
{
	cli_error("trace", "%s", message);
	return CLI_EXIT_USAGE;
}

int trace_unsupported(const char *what)
{
	cli_error("trace", "%s is an option of strace's that trapline does not have", what);
	return CLI_EXIT_USAGE;
}

/* ---- values ---- */

static const struct trace_word precisions[] = {
	{"s", PRECISION_S}, {"ms", PRECISION_MS}, {"us", PRECISION_US}, {"ns", PRECISION_NS},
};

int trace_value_precision(const char *what, const char *text, enum time_precision *ret)
{
	unsigned value;
	if (!text)
		return 0;
	int r = trace_set_word(what, text, strlen(text), precisions, ARRAY_SIZE(precisions), &value);
	if (!r)
		*ret = (enum time_precision)value;
	return r;
}

/* [[format:]FORMAT[,[precision:]PRECISION]] */
int trace_value_absolute(struct trace_options *o, const char *text)
{
	enum { PRECISION_WORD = 100, PRECISION_MASK = PRECISION_WORD - 1 };
	static const struct trace_word words[] = {
		{"time", TIME_OF_DAY}, {"unix", TIME_UNIX}, {"none", TIME_NONE},
		{"format:time", TIME_OF_DAY}, {"format:unix", TIME_UNIX}, {"format:none", TIME_NONE},
		{"s", PRECISION_WORD + PRECISION_S}, {"precision:s", PRECISION_WORD + PRECISION_S},
		{"ms", PRECISION_WORD + PRECISION_MS}, {"precision:ms", PRECISION_WORD + PRECISION_MS},
		{"us", PRECISION_WORD + PRECISION_US}, {"precision:us", PRECISION_WORD + PRECISION_US},
		{"ns", PRECISION_WORD + PRECISION_NS}, {"precision:ns", PRECISION_WORD + PRECISION_NS},
	};
	size_t len;
	if (o->observe.time == TIME_NONE)
		o->observe.time = TIME_OF_DAY;
	for (const char *at = text ? text : "", *item; (item = trace_set_next(&at, ",", &len));) {
		unsigned value;
		int r = trace_set_word("--absolute-timestamps", item, len, words, ARRAY_SIZE(words), &value);
		if (r)
			return r;
		if (value >= PRECISION_WORD)
			o->observe.time_precision = (enum time_precision)(value - PRECISION_WORD);
		else
			o->observe.time = (enum time_format)value;
	}
	return 0;
}

int trace_value_status(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {
		{"successful", STATUS_SUCCESSFUL}, {"failed", STATUS_FAILED}, {"unfinished", STATUS_UNFINISHED},
		{"unavailable", STATUS_UNAVAILABLE}, {"detached", STATUS_DETACHED},
	};
	return trace_set_words("-e status", text, words, ARRAY_SIZE(words), &o->observe.statuses);
}

int trace_value_quiet(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {
		{"attach", QUIET_ATTACH}, {"attached", QUIET_ATTACH}, {"exit", QUIET_EXIT}, {"exits", QUIET_EXIT}, {"path-resolution", QUIET_PATH_RESOLUTION},
		{"path-resolve", QUIET_PATH_RESOLUTION}, {"personality", QUIET_PERSONALITY},
		{"personalities", QUIET_PERSONALITY}, {"thread-execve", QUIET_THREAD_EXECVE},
		{"thread-execves", QUIET_THREAD_EXECVE}, {"superseded", QUIET_THREAD_EXECVE},
	};
	o->quiet_set = true;
	return trace_set_words("-e quiet", text, words, ARRAY_SIZE(words), &o->observe.quiet);
}

int trace_value_daemonize(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {
		{"grandchild", 1}, {"pgroup", 2}, {"pgrp", 2}, {"session", 3},
	};
	o->daemonize = 1;
	return text ? trace_set_word("--daemonize", text, strlen(text), words, ARRAY_SIZE(words), &o->daemonize) : 0;
}

/* The only call that strace and we know to detach on. */
int trace_value_detach_on(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {{"execve", true}};
	unsigned value = 0;
	int r = trace_set_word("-b", text, strlen(text), words, ARRAY_SIZE(words), &value);
	o->detach_on_exec = value;
	return r;
}

int trace_value_interruptible(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {
		{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"anywhere", 1}, {"always", 1}, {"waiting", 2}, {"never", 3}, {"never_tstp", 4},
	};
	return trace_set_word("-I", text, strlen(text), words, ARRAY_SIZE(words), &o->interruptible);
}

int trace_value_decode_fds(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {
		{"path", SHOWN_FD_PATH}, {"socket", SHOWN_FD_SOCKET}, {"dev", SHOWN_FD_DEVICE}, {"pidfd", SHOWN_FD_PIDFD},
	};
	unsigned set = 0;
	int r = trace_set_words("--decode-fds", text, words, ARRAY_SIZE(words), &set);
	if (!r)
		o->fd_level = set == SHOWN_FD_PATH ? 1 : set ? 2 : 0;
	o->observe.decode.fd_kinds = r || set == SHOWN_FD_PATH ? 0 : (uint8_t)set;
	return r;
}

int trace_value_decode_pids(struct trace_options *o, const char *text)
{
	enum { COMM = 1, NAMESPACE = 2 };
	static const struct trace_word words[] = {{"comm", COMM}, {"pidns", NAMESPACE}};
	unsigned set = 0;
	int r = trace_set_words("--decode-pids", text, words, ARRAY_SIZE(words), &set);
	o->observe.decode.pid_comms = set & COMM;
	o->observe.decode.pid_namespaces = set & NAMESPACE;
	return r;
}

int trace_value_dump(struct trace_options *o, const char *what, const char *text, struct dump_set *ret)
{
	bool invert = false;
	const char *list = text;
	for (; *list == '!'; list++)
		invert = !invert;
	bool all = strcmp(list, "all") == 0, none = strcmp(list, "none") == 0;
	struct dump_set set = {.rest = all != invert};
	size_t len, count = 0;
	memset(set.bits, set.rest ? 0xff : 0, sizeof(set.bits));
	for (const char *at = all || none ? "" : list, *item; (item = trace_set_next(&at, ",", &len)); count++) {
		char *end;
		unsigned long fd = strtoul(item, &end, 10);
		if (*item < '0' || *item > '9' || end != item + len || fd >= DUMP_FDS) {
			cli_error("trace", "%s: '%.*s' is not a descriptor from 0 to %d", what, (int)len, item, DUMP_FDS - 1);
			return CLI_EXIT_USAGE;
		}
		if (invert)
			set.bits[fd / 64] &= ~(UINT64_C(1) << fd % 64);
		else
			set.bits[fd / 64] |= UINT64_C(1) << fd % 64;
	}
	if (!all && !none && !count) {
		cli_error("trace", "%s: '%s' names no descriptor (say 'none' if that is meant)", what, text);
		return CLI_EXIT_USAGE;
	}
	*ret = set;
	o->observe.decode.dump = &o->dump;
	return 0;
}

int trace_value_consts(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {
		{"abbrev", CONST_ABBREV}, {"raw", CONST_RAW}, {"verbose", CONST_VERBOSE},
	};
	unsigned value = CONST_ABBREV;
	int r = trace_set_word("-X", text, strlen(text), words, ARRAY_SIZE(words), &value);
	o->observe.decode.consts = (uint8_t)value;
	return r;
}

int trace_value_hex(struct trace_options *o, const char *text)
{
	static const struct trace_word words[] = {{"all", 2}, {"non-ascii", 1}, {"non-ascii-chars", 3}, {"none", 0}};
	if (text)
		return trace_set_word("--strings-in-hex", text, strlen(text), words, ARRAY_SIZE(words), &o->hex_level);
	o->hex_level = 2;
	return 0;
}

/* ---- sets of calls ---- */

int trace_value_raw(struct trace_options *o, const char *text)
{
	o->observe.decode.sets = &o->sets;
	int r = trace_set_calls(text, &o->sets.raw);
	o->observe.decode.raw = !r && call_set_full(&o->sets.raw);
	return r;
}

static void complement(struct call_set *set)
{
	for (size_t i = 0; i < ARRAY_SIZE(set->bits); i++)
		set->bits[i] = ~set->bits[i];
	set->unknown = !set->unknown;
}

int trace_value_verbose(struct trace_options *o, const char *text)
{
	o->observe.decode.sets = &o->sets;
	int r = trace_set_calls(text, &o->sets.undecoded);
	complement(&o->sets.undecoded);
	return r;
}

int trace_value_abbrev(struct trace_options *o, const char *text)
{
	o->observe.decode.sets = &o->sets;
	int r = trace_set_calls(text, &o->sets.verbose);
	complement(&o->sets.verbose);
	o->observe.decode.verbose = !r && call_set_full(&o->sets.verbose);
	return r;
}

/* ---- summaries ---- */

static const struct trace_word column_words[] = {
	{"time", COLUMN_TIME_PERCENT}, {"time-percent", COLUMN_TIME_PERCENT},
	{"total-time", COLUMN_TOTAL_TIME}, {"time-total", COLUMN_TOTAL_TIME},
	{"min-time", COLUMN_MIN_TIME}, {"time-min", COLUMN_MIN_TIME}, {"shortest", COLUMN_MIN_TIME},
	{"max-time", COLUMN_MAX_TIME}, {"time-max", COLUMN_MAX_TIME}, {"longest", COLUMN_MAX_TIME},
	{"avg-time", COLUMN_AVG_TIME}, {"time-avg", COLUMN_AVG_TIME},
	{"calls", COLUMN_CALLS}, {"count", COLUMN_CALLS},
	{"errors", COLUMN_ERRORS}, {"error", COLUMN_ERRORS},
	{"name", COLUMN_NAME}, {"syscall", COLUMN_NAME}, {"syscall-name", COLUMN_NAME},
	{"p50", COLUMN_P50}, {"median", COLUMN_P50}, {"p99", COLUMN_P99},
	{"nothing", COLUMN_NONE}, {"none", COLUMN_NONE},
};

/* strace has both total-time and total_time. */
static char *hyphened(const char *text, size_t len)
{
	char *word = strndup(text, len);
	for (char *c = word; c && *c; c++)
		*c = *c == '_' ? '-' : *c;
	return word;
}

int trace_value_sort(struct trace_options *o, const char *text)
{
	unsigned value;
	AUTO_FREE char *word = hyphened(text, strlen(text));
	if (!word)
		return CLI_EXIT_FAILURE;
	int r = trace_set_word("-S", word, strlen(word), column_words, ARRAY_SIZE(column_words), &value);
	if (!r)
		o->observe.sort = value == COLUMN_TIME_PERCENT ? COLUMN_TOTAL_TIME : (enum summary_column)value;
	return r;
}

int trace_value_columns(struct trace_options *o, const char *text)
{
	size_t len;
	struct observe_options *v = &o->observe;
	unsigned seen = 0;
	v->column_count = 0;
	for (const char *at = text, *item; (item = trace_set_next(&at, ",", &len));) {
		unsigned value;
		AUTO_FREE char *word = hyphened(item, len);
		if (!word)
			return CLI_EXIT_FAILURE;
		int r = trace_set_word("-U", word, len, column_words, ARRAY_SIZE(column_words), &value);
		if (r)
			return r;
		if (value == COLUMN_NONE || (seen & 1u << value)) {
			cli_error("trace", "-U: '%.*s' %s", (int)len, item,
				  value == COLUMN_NONE ? "is no column" : "is there twice");
			return CLI_EXIT_USAGE;
		}
		seen |= 1u << value;
		v->columns[v->column_count++] = (enum summary_column)value;
	}
	/* As strace: a table without names would say nothing. */
	if (!(seen & 1u << COLUMN_NAME))
		v->columns[v->column_count++] = COLUMN_NAME;
	return 0;
}

/* A duration with s, ms, us or ns behind it; microseconds without. */
int trace_value_overhead(struct trace_options *o, const char *text)
{
	static const struct trace_word units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	char *end;
	errno = 0;
	double value = strtod(text, &end);
	unsigned unit = 1000;
	if (end == text || errno || !(value >= 0 && value < 1e9))
		return trace_usage_error("-O: not a time such as 5us or 100ns");
	if (*end) {
		int r = trace_set_word("-O", end, strlen(end), units, ARRAY_SIZE(units), &unit);
		if (r)
			return r;
	}
	o->observe.overhead_ns = (int64_t)(value * unit);
	return 0;
}

/* ---- -e ---- */

enum expression {
	EXPR_TRACE, EXPR_ABBREV, EXPR_VERBOSE, EXPR_RAW, EXPR_SIGNAL, EXPR_STATUS, EXPR_QUIET, EXPR_FDS, EXPR_PIDS,
	EXPR_INJECT, EXPR_FAULT, EXPR_READ, EXPR_WRITE,
	EXPR_NO,	/* strace's, and not ours */
};

static const struct trace_word expressions[] = {
	{"trace", EXPR_TRACE}, {"t", EXPR_TRACE},
	{"abbrev", EXPR_ABBREV}, {"a", EXPR_ABBREV},
	{"verbose", EXPR_VERBOSE}, {"v", EXPR_VERBOSE},
	{"raw", EXPR_RAW}, {"x", EXPR_RAW},
	{"signal", EXPR_SIGNAL}, {"signals", EXPR_SIGNAL}, {"s", EXPR_SIGNAL},
	{"status", EXPR_STATUS},
	{"quiet", EXPR_QUIET}, {"silent", EXPR_QUIET}, {"silence", EXPR_QUIET}, {"q", EXPR_QUIET},
	{"decode-fds", EXPR_FDS}, {"decode-fd", EXPR_FDS}, {"decode-pids", EXPR_PIDS}, {"decode-pid", EXPR_PIDS},
	{"read", EXPR_READ}, {"reads", EXPR_READ}, {"r", EXPR_READ},
	{"write", EXPR_WRITE}, {"writes", EXPR_WRITE}, {"w", EXPR_WRITE},
	{"inject", EXPR_INJECT}, {"fault", EXPR_FAULT}, {"kvm", EXPR_NO},
};

int trace_value_expression(struct trace_options *o, const char *text)
{
	size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz-");
	unsigned kind = EXPR_TRACE;
	const char *set = text;
	if (name && text[name] == '=') {
		int r = trace_set_word("-e", text, name, expressions, ARRAY_SIZE(expressions), &kind);
		if (r)
			return r;
		set = text + name + 1;
	}
	switch (kind) {
	case EXPR_TRACE:
		return trace_set_calls(set, &o->traced);
	case EXPR_ABBREV:
		return trace_value_abbrev(o, set);
	case EXPR_VERBOSE:
		return trace_value_verbose(o, set);
	case EXPR_RAW:
		return trace_value_raw(o, set);
	case EXPR_SIGNAL:
		return trace_set_signals(set, &o->observe.signals);
	case EXPR_STATUS:
		return trace_value_status(o, set);
	case EXPR_QUIET:
		return trace_value_quiet(o, set);
	case EXPR_FDS:
		return trace_value_decode_fds(o, set);
	case EXPR_READ:
		return trace_value_dump(o, "-e read", set, &o->dump.read);
	case EXPR_WRITE:
		return trace_value_dump(o, "-e write", set, &o->dump.write);
	case EXPR_PIDS:
		return trace_value_decode_pids(o, set);
	case EXPR_INJECT:
	case EXPR_FAULT:
		return trace_inject_add(&o->injections, set, kind == EXPR_FAULT);
	default:
		cli_error("trace", "-e %.*s= is strace's, and trapline does not have it", (int)name, text);
		return CLI_EXIT_USAGE;
	}
}
