#include "cli/trace_set.h"

#include <regex.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "regs/regs.h"

const char *trace_set_next(const char **at, const char *delims, size_t *ret_len)
{
	*at += strspn(*at, delims);
	if (!**at)
		return NULL;
	const char *item = *at;
	*ret_len = strcspn(item, delims);
	*at += *ret_len;
	return item;
}

/* "!" turns a set around, "none" is "!all". Returns the rest, which is empty when the set is known already. */
static const char *set_head(const char *text, bool *ret_invert, bool *ret_all)
{
	*ret_invert = false;
	*ret_all = false;
	for (; *text == '!'; text++)
		*ret_invert = !*ret_invert;
	bool none = strcmp(text, "none") == 0;
	if (!none && strcmp(text, "all") != 0)
		return text;
	*ret_all = none == *ret_invert;
	*ret_invert = false;
	return "";
}

static int empty_set(const char *what, const char *text)
{
	cli_error("trace", "%s: '%s' names nothing (say 'none' if that is meant)", what, text);
	return CLI_EXIT_USAGE;
}

/* ---- calls ---- */

static int add_regex(const char *item, size_t len, bool may_miss, struct call_set *set)
{
	AUTO_FREE char *pattern = strndup(item, len);
	regex_t regex;
	if (!pattern)
		return CLI_EXIT_FAILURE;
	int err = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (err) {
		char why[128];
		(void)regerror(err, &regex, why, sizeof(why));
		cli_error("trace", "-e trace: regular expression '%s': %s", pattern, why);
		return CLI_EXIT_USAGE;
	}
	bool any = false;
	for (int id = 0; id < CALL_COUNT; id++) {
		if (regexec(&regex, call_desc((enum call_id)id)->name, 0, NULL, 0) == 0) {
			call_set_add(set, (enum call_id)id);
			any = true;
		}
	}
	regfree(&regex);
	if (any || may_miss)
		return 0;
	cli_error("trace", "-e trace: no system call matches '/%s'", pattern);
	return CLI_EXIT_USAGE;
}

static bool add_group(const char *item, size_t len, struct call_set *set)
{
	int group = len == 4 && memcmp(item, "%net", 4) == 0 ? GROUP_NETWORK : call_group_from_name(item, len);
	if (group < 0)
		return false;
	for (int id = 0; id < CALL_COUNT; id++) {
		if (call_in_group((enum call_id)id, (enum call_group)group))
			call_set_add(set, (enum call_id)id);
	}
	return true;
}

static bool add_number(const char *item, size_t len, struct call_set *set)
{
	char *end;
	if (*item < '0' || *item > '9')
		return false;
	unsigned long nr = strtoul(item, &end, 10);
	if (end != item + len || nr > INT32_MAX)
		return false;
	enum call_abi host = regs_arch_host() == REGS_X86_64 ? ABI_X86_64 : ABI_AARCH64;
	enum call_id id = call_from_nr(host, (int64_t)nr);
	if (id != CALL_NONE)
		call_set_add(set, id);
	return id != CALL_NONE;
}

/* strace's old spelling of these groups, without '%'. */
static bool is_old_group(const char *item, size_t len)
{
	static const char *const names[] = {"file", "desc", "process", "network", "signal", "ipc", "memory"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i]) == len && memcmp(names[i], item, len) == 0)
			return true;
	}
	return false;
}

static size_t without_abi(const char *item, size_t len)
{
	static const char *const suffixes[] = {"@64", "@32", "@x32"};
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i]);
		if (len > n && memcmp(item + len - n, suffixes[i], n) == 0)
			return len - n;
	}
	return len;
}

static int add_call(const char *item, size_t len, struct call_set *set)
{
	bool may_miss = *item == '?';
	if (may_miss) {
		item++;
		len--;
	}
	len = without_abi(item, len);
	if (len && *item == '/')
		return add_regex(item + 1, len - 1, may_miss, set);
	if (len && (*item == '%' || is_old_group(item, len)) && add_group(item, len, set))
		return 0;
	enum call_id id = call_from_name(item, len);
	if (id != CALL_NONE) {
		call_set_add(set, id);
		return 0;
	}
	if (len && (may_miss || add_number(item, len, set)))
		return 0;
	const char *what = *item == '%' ? "group of system calls" : "system call";
	const char *nearest = call_nearest(item, len);
	if (nearest)
		cli_error("trace", "unknown %s '%.*s' (did you mean '%s'?)", what, (int)len, item, nearest);
	else
		cli_error("trace", "unknown %s '%.*s'", what, (int)len, item);
	return CLI_EXIT_USAGE;
}

int trace_set_calls(const char *text, struct call_set *ret)
{
	bool invert, all;
	size_t len;
	struct call_set set;
	const char *at = set_head(text, &invert, &all);
	call_set_clear(&set);
	if (all)
		call_set_fill(&set);
	else if (strspn(at, ",") == strlen(at) && (*at || !*text || invert))
		return empty_set("-e trace", text);
	for (const char *item = trace_set_next(&at, ",", &len); item; item = trace_set_next(&at, ",", &len)) {
		int r = add_call(item, len, &set);
		if (r)
			return r;
	}
	if (invert) {
		for (size_t i = 0; i < ARRAY_SIZE(set.bits); i++)
			set.bits[i] = ~set.bits[i];
		set.unknown = !set.unknown;
	}
	*ret = set;
	return 0;
}

/* ---- signals ---- */

static int signal_number(const char *item, size_t len)
{
	char name[16];
	char *end;
	if (!len || len >= sizeof(name))
		return -1;
	memcpy(name, item, len);
	name[len] = '\0';
	long number = strtol(name, &end, 10);
	if (!*end)
		return number >= 1 && number <= 64 ? (int)number : -1;
	const char *bare = strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name;
	for (int sig = 1; sig < 32; sig++) {
		const char *have = sigabbrev_np(sig);
		if (have && strcasecmp(have, bare) == 0)
			return sig;
	}
	/* As the decoder names them: SIGRTMIN is 32, SIGRT_1 is 33. */
	if (strcasecmp(bare, "RTMIN") == 0)
		return 32;
	if (strncasecmp(bare, "RT_", 3) == 0 && bare[3]) {
		number = strtol(bare + 3, &end, 10);
		return !*end && number >= 1 && number <= 32 ? 32 + (int)number : -1;
	}
	return -1;
}

static int unknown_signal(const char *item, size_t len)
{
	char name[32];
	const char *names[32];
	size_t count = 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)len, item);
	const char *bare = strncasecmp(name, "SIG", 3) == 0 ? name + 3 : name;
	for (int sig = 1; sig < 32; sig++) {
		if (sigabbrev_np(sig))
			names[count++] = sigabbrev_np(sig);
	}
	const char *nearest = cli_nearest(bare, names, count);
	if (nearest)
		cli_error("trace", "unknown signal '%s' (did you mean 'SIG%s'?)", name, nearest);
	else
		cli_error("trace", "unknown signal '%s'", name);
	return CLI_EXIT_USAGE;
}

int trace_set_signals(const char *text, uint64_t *ret)
{
	bool invert, all;
	size_t len;
	const char *at = set_head(text, &invert, &all);
	uint64_t set = all ? UINT64_MAX : 0;
	if (!*text || (invert && !*at))
		return empty_set("-e signal", text);
	for (const char *item = trace_set_next(&at, ",", &len); item; item = trace_set_next(&at, ",", &len)) {
		int sig = signal_number(item, len);
		if (sig < 0)
			return unknown_signal(item, len);
		set |= UINT64_C(1) << (sig - 1);
	}
	*ret = invert ? ~set : set;
	return 0;
}

/* ---- words ---- */

static int unknown_word(const char *what, const char *text, size_t len, const char *const *names, size_t count)
{
	AUTO_STRBUF struct strbuf known;
	strbuf_init(&known);
	strbuf_add(&known, text, len);
	const char *nearest = cli_nearest(strbuf_str(&known), names, count);
	strbuf_clear(&known);
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&known, "%s%s", i ? ", " : "", names[i]);
	if (nearest)
		cli_error("trace", "%s: unknown '%.*s' (did you mean '%s'?)", what, (int)len, text, nearest);
	else
		cli_error("trace", "%s: unknown '%.*s'; known: %s", what, (int)len, text, strbuf_str(&known));
	return CLI_EXIT_USAGE;
}

int trace_set_word(const char *what, const char *text, size_t len, const struct trace_word *words, size_t count,
		   unsigned *ret)
{
	const char *names[32];
	if (count > ARRAY_SIZE(names))
		abort();
	for (size_t i = 0; i < count; i++) {
		names[i] = words[i].name;
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0) {
			*ret = words[i].value;
			return 0;
		}
	}
	return unknown_word(what, text, len, names, count);
}

int trace_set_words(const char *what, const char *text, const struct trace_word *words, size_t count, unsigned *ret)
{
	bool invert, all;
	size_t len;
	unsigned set = 0, every = 0;
	const char *at = set_head(text, &invert, &all);
	for (size_t i = 0; i < count; i++)
		every |= words[i].value;
	if (!*text || (invert && !*at))
		return empty_set(what, text);
	for (const char *item = trace_set_next(&at, ",", &len); item; item = trace_set_next(&at, ",", &len)) {
		unsigned value;
		int r = trace_set_word(what, item, len, words, count, &value);
		if (r)
			return r;
		set |= value;
	}
	if (all)
		set = every;
	*ret = invert ? every & ~set : set;
	return 0;
}
