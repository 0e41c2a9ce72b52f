/* The literals of the language: numbers, sizes, durations, errnos, signals, paths, networks. */
#include <arpa/inet.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "policy/parse_private.h"

bool parse_string(struct parser *ps, const char *what, const char **ret)
{
	if (parse_token(ps)->kind != TOK_STRING)
		return parse_expected(ps, what);
	*ret = parse_token(ps)->text;
	parse_next(ps);
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

static int size_shift(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return -1;
	}
}

/* C's notation with an optional sign and an optional K, M, G, T; at most 64 bits. */
bool parse_number_text(const char *s, size_t len, wide *ret)
{
	bool negative = len && *s == '-';
	unsigned base = 10;
	wide v = 0;
	int shift;

	s += negative;
	len -= negative;
	shift = len > 1 ? size_shift(s[len - 1]) : -1;
	if (shift >= 0 && !(len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')))
		len--;
	else
		shift = 0;
	if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
		len -= 2;
	} else if (len > 1 && s[0] == '0') {
		base = 8;
	}
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned d = (unsigned)digit_value(s[i]);

		if (d >= base)
			return false;
		v = v * base + d;
		if (v > UINT64_MAX)
			return false;
	}
	v <<= shift;
	if (v > UINT64_MAX || (negative && v > (wide)1 << 63))
		return false;
	*ret = negative ? -v : v;
	return true;
}

static bool parse_number(struct parser *ps, const char *what, wide low, wide high, wide *ret)
{
	const struct token *t = parse_token(ps);
	wide v = 0;

	if (t->kind != TOK_WORD || !parse_number_text(t->text, t->len, &v))
		return parse_expected(ps, what);
	if (v < low || v > high) {
		diag_error(ps->p->diags, t->at, "%.*s is out of range for %s", (int)t->len, t->text, what);
		return false;
	}
	*ret = v;
	parse_next(ps);
	return true;
}

bool parse_u64(struct parser *ps, const char *what, uint64_t *ret)
{
	wide v = 0;

	if (!parse_number(ps, what, 0, UINT64_MAX, &v))
		return false;
	*ret = (uint64_t)v;
	return true;
}

bool parse_i64(struct parser *ps, const char *what, int64_t *ret)
{
	wide v = 0;

	if (!parse_number(ps, what, INT64_MIN, INT64_MAX, &v))
		return false;
	*ret = (int64_t)v;
	return true;
}

bool parse_duration(struct parser *ps, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	const struct token *t = parse_token(ps);

	for (size_t i = 0; t->kind == TOK_WORD && i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i].unit);
		wide v;

		if (t->len <= n || memcmp(t->text + t->len - n, units[i].unit, n) != 0)
			continue;
		if (!parse_number_text(t->text, t->len - n, &v) || v < 0 || v > 3600 * (wide)(1000000000 / units[i].ns))
			continue;
		*ret_ns = (uint64_t)v * units[i].ns;
		parse_next(ps);
		return true;
	}
	return parse_expected(ps, "a time of at most an hour, such as 10ms or 2s,");
}

/* Edit distance of two short words, stopping early above limit. */
static unsigned edit_distance(const char *a, size_t alen, const char *b, unsigned limit)
{
	unsigned row[33];
	size_t blen = strlen(b);

	if (alen > 32 || blen > 32 || (alen > blen ? alen - blen : blen - alen) > limit)
		return limit + 1;
	for (unsigned j = 0; j <= blen; j++)
		row[j] = j;
	for (unsigned i = 1; i <= alen; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= blen; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[blen];
}

const char *nearest_word(const char *word, size_t len, const char *const *words)
{
	const char *nearest = NULL;
	unsigned best = len < 4 ? 2 : 3;

	for (; *words; words++) {
		unsigned d = edit_distance(word, len, *words, best);

		if (d < best) {
			best = d;
			nearest = *words;
		}
	}
	return nearest;
}

static void suggest_errno(struct parser *ps, const struct token *t)
{
	const char *names[160];
	size_t n = 0;
	const char *nearest;

	for (int e = 1; e < 134; e++) {
		const char *name = errno_name(e);

		if (name && n + 1 < ARRAY_SIZE(names))
			names[n++] = name;
	}
	names[n] = NULL;
	nearest = nearest_word(t->text, t->len, names);
	if (nearest)
		diag_hint(ps->p->diags, "did you mean %s?", nearest);
}

bool parse_errno(struct parser *ps, int32_t *ret)
{
	const struct token *t = parse_token(ps);
	char name[24];
	wide v = 0;

	if (t->kind != TOK_WORD)
		return parse_expected(ps, "an errno such as EPERM");
	if (parse_number_text(t->text, t->len, &v) && v > 0 && v < 4096) {
		*ret = (int32_t)v;
		parse_next(ps);
		return true;
	}
	/* Thousands of rules tend to say the same errno. */
	if (t->len == ps->errno_len && memcmp(t->text, ps->errno_name, t->len) == 0) {
		*ret = ps->errno_value;
		parse_next(ps);
		return true;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(t->len < 23 ? t->len : 23), t->text);
	*ret = errno_from_name(name);
	if (*ret > 0) {
		ps->errno_name = t->text;
		ps->errno_len = t->len;
		ps->errno_value = *ret;
		parse_next(ps);
		return true;
	}
	diag_error(ps->p->diags, t->at, "no errno is named \"%.*s\"", (int)t->len, t->text);
	if (diags_room(ps->p->diags))
		suggest_errno(ps, t);
	return false;
}

bool parse_signal(struct parser *ps, int32_t *ret)
{
	const struct token *t = parse_token(ps);
	wide v = 0;

	if (t->kind == TOK_WORD && parse_number_text(t->text, t->len, &v) && v > 0 && v <= 64) {
		*ret = (int32_t)v;
		parse_next(ps);
		return true;
	}
	for (int s = 1; t->kind == TOK_WORD && s < 32; s++) {
		const char *abbrev = sigabbrev_np(s);
		size_t skip = t->len > 3 && memcmp(t->text, "SIG", 3) == 0 ? 3 : 0;

		if (abbrev && strlen(abbrev) == t->len - skip && memcmp(abbrev, t->text + skip, t->len - skip) == 0) {
			*ret = s;
			parse_next(ps);
			return true;
		}
	}
	return parse_expected(ps, "a signal such as SIGUSR1");
}

/* ---- paths ---- */

static const char *expand_home(struct parser *ps, const struct token *t, size_t *len)
{
	const char *home = getenv("HOME");
	size_t home_len = home ? strlen(home) : 0;
	char *path;

	*len = t->len;
	if (t->text[0] != '~' || (t->len > 1 && t->text[1] != '/'))
		return t->text;
	if (!home_len || home[0] != '/') {
		diag_error(ps->p->diags, t->at, "\"~\" needs HOME to be an absolute path");
		return NULL;
	}
	while (home_len > 1 && home[home_len - 1] == '/')
		home_len--;
	path = parse_alloc(ps, home_len + t->len);
	if (!path)
		return NULL;
	memcpy(path, home, home_len);
	memcpy(path + home_len, t->text + 1, t->len - 1);
	*len = home_len + t->len - 1;
	return path;
}

/* No "//", no "." and no ".." component: such a path never comes up, since decisions are made on resolved ones. */
static bool is_normal(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t rest = len - i - 1, n = 0;

		if (s[i] != '/')
			continue;
		while (n < rest && s[i + 1 + n] != '/')
			n++;
		if ((n == 0 && rest) || (n == 1 && s[i + 1] == '.') || (n == 2 && s[i + 1] == '.' && s[i + 2] == '.'))
			return false;
	}
	return true;
}

bool parse_absolute_path(struct parser *ps, const struct token *t, bool under, struct policy_string *ret)
{
	size_t len;
	const char *s = expand_home(ps, t, &len);

	if (!s)
		return false;
	if (under && len > 1 && s[len - 1] == '/')
		len--;
	if (!len || (s[0] != '/' && s[0] != '@')) {
		diag_error(ps->p->diags, t->at, "conditions compare resolved paths: this one is not absolute");
		diag_hint(ps->p->diags,
			  len ? "did you mean \"/%.*s\", or basename \"%.*s\"?" : "an empty path is never seen",
			  (int)len, s, (int)len, s);
		return false;
	}
	if (s[0] == '/' && (!is_normal(s, len) || (len > 1 && s[len - 1] == '/'))) {
		diag_error(ps->p->diags, t->at, "conditions compare resolved paths: this one would never be seen");
		diag_hint(ps->p->diags, "write it without \"//\", \"/.\", \"/..\" and a last \"/\"");
		return false;
	}
	ret->text = s;
	ret->len = (uint32_t)len;
	return true;
}

/* ---- networks ---- */

static bool read_address(const char *s, struct ip_net *ret, unsigned *ret_width)
{
	struct in_addr four;

	if (inet_pton(AF_INET, s, &four) == 1) {
		memset(ret->bytes, 0, 10);
		memset(ret->bytes + 10, 0xff, 2);
		memcpy(ret->bytes + 12, &four, 4);
		*ret_width = 32;
		return true;
	}
	*ret_width = 128;
	return inet_pton(AF_INET6, s, ret->bytes) == 1;
}

static bool clear_host_bits(struct ip_net *n)
{
	bool clean = true;

	for (unsigned bit = n->bits; bit < 128; bit++) {
		uint8_t m = (uint8_t)(0x80 >> bit % 8);

		clean = clean && !(n->bytes[bit / 8] & m);
		n->bytes[bit / 8] &= (uint8_t)~m;
	}
	return clean;
}

bool parse_net(struct parser *ps, const struct token *t, struct ip_net *ret)
{
	char text[INET6_ADDRSTRLEN + 8];
	char *slash;
	unsigned width;
	wide bits;

	if (t->len >= sizeof(text)) {
		diag_error(ps->p->diags, t->at, "not an address");
		return false;
	}
	snprintf(text, sizeof(text), "%.*s", (int)t->len, t->text);
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (!read_address(text, ret, &width)) {
		diag_error(ps->p->diags, t->at, "\"%.*s\" is not an IPv4 or IPv6 address or network", (int)t->len,
			   t->text);
		diag_hint(ps->p->diags, "such as 10.0.0.0/8 or ::1");
		return false;
	}
	bits = width;
	if (slash && (!parse_number_text(slash, strlen(slash), &bits) || bits < 0 || bits > width)) {
		diag_error(ps->p->diags, t->at, "a prefix length is 0 to %u here", width);
		return false;
	}
	ret->bits = (uint8_t)(128 - width + (unsigned)bits);
	if (!clear_host_bits(ret)) {
		diag_warning(ps->p->diags, t->at, "the address has bits outside its network; they are ignored");
	}
	return true;
}
