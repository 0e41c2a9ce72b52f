#include "policy/callparse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/lex.h"
#include "policy/parse_private.h"

struct reader {
	const char *text;
	size_t len, at;
	struct parsed_call *call;
	char *message;
	size_t message_size;
	unsigned nesting;
};

PRINTF_LIKE(2, 3)
static bool fail(struct reader *r, const char *format, ...)
{
	va_list ap;

	if (!r->message[0]) {
		va_start(ap, format);
		(void)vsnprintf(r->message, r->message_size, format, ap);
		va_end(ap);
	}
	return false;
}

static int peek(const struct reader *r)
{
	return r->at < r->len ? (unsigned char)r->text[r->at] : -1;
}

static void skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->at++;
}

static bool take(struct reader *r, char c)
{
	skip_blanks(r);
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static struct policy_string read_name(struct reader *r)
{
	size_t from = r->at;

	while (peek(r) >= 0 && (isalnum(peek(r)) || peek(r) == '_'))
		r->at++;
	return (struct policy_string){.text = r->text + from, .len = (uint32_t)(r->at - from)};
}

static bool name_is(const struct policy_string *s, const char *word)
{
	return s->len == strlen(word) && memcmp(s->text, word, s->len) == 0;
}

/* A literal with its closing quote; "..." behind it says that it was cut. */
static bool read_string(struct reader *r, struct policy_string *ret)
{
	char *bytes = arena_alloc(&r->call->arena, r->len - r->at + 1);
	size_t n = 0;

	if (!bytes)
		return fail(r, "out of memory");
	for (r->at++; peek(r) >= 0 && peek(r) != '"'; n++) {
		size_t used = 1;

		bytes[n] = r->text[r->at];
		if (bytes[n] == '\\')
			used = lex_escape(r->text + r->at, r->len - r->at, &bytes[n]);
		if (!used)
			return fail(r, "no such escape in a string");
		r->at += used;
	}
	if (!take(r, '"'))
		return fail(r, "the string is not closed");
	if (r->len - r->at >= 3 && memcmp(r->text + r->at, "...", 3) == 0)
		r->at += 3;
	*ret = (struct policy_string){.text = bytes, .len = (uint32_t)n};
	return true;
}

/* ---- numbers and constants ---- */

static bool constant(const struct policy_string *name, const struct call_param *param, uint64_t *ret)
{
	if (name_is(name, "NULL")) {
		*ret = 0;
		return true;
	}
	if (param && param->set && flag_set_value(param->set, name->text, name->len, ret) == 0)
		return true;
	if (flag_any_value(name->text, name->len, ret) == 0)
		return true;
	for (int s = 1; name->len > 3 && memcmp(name->text, "SIG", 3) == 0 && s < 32; s++) {
		const char *abbrev = sigabbrev_np(s);

		if (abbrev && strlen(abbrev) == name->len - 3 && memcmp(abbrev, name->text + 3, name->len - 3) == 0) {
			*ret = (uint64_t)s;
			return true;
		}
	}
	return false;
}

static bool read_term(struct reader *r, const struct call_param *param, uint64_t *ret)
{
	size_t from;
	wide v;

	skip_blanks(r);
	from = r->at;
	if (peek(r) == '-')
		r->at++;
	if (peek(r) >= '0' && peek(r) <= '9') {
		while (peek(r) >= 0 && isalnum(peek(r)))
			r->at++;
		if (!parse_number_text(r->text + from, r->at - from, &v)) {
			r->at = from;
			return fail(r, "not a number");
		}
		*ret = (uint64_t)v;
		return true;
	}
	r->at = from;
	if (peek(r) >= 0 && (isalpha(peek(r)) || peek(r) == '_')) {
		struct policy_string name = read_name(r);

		if (constant(&name, param, ret))
			return true;
		r->at = from;
		return fail(r, "no constant is named \"%.*s\"", (int)name.len, name.text);
	}
	return fail(r, "an argument is expected");
}

/* A|B|0x10, and strace's "0x10 /" comments are not for us. */
static bool read_number(struct reader *r, const struct call_param *param, uint64_t *ret)
{
	uint64_t v = 0;

	do {
		uint64_t term;

		if (!read_term(r, param, &term))
			return false;
		v |= term;
	} while (take(r, '|'));
	*ret = v;
	return true;
}

/* ---- "3</path>" ---- */

static enum fd_kind kind_of_link(const struct policy_string *s)
{
	static const struct {
		const char *prefix;
		enum fd_kind kind;
	} kinds[] = {
		{"socket", FD_SOCKET}, {"TCP", FD_SOCKET}, {"UDP", FD_SOCKET}, {"UNIX", FD_SOCKET}, {"pipe", FD_PIPE},
		{"dir:", FD_DIR}, {"char", FD_CHAR}, {"block", FD_BLOCK}, {"anon_inode", FD_ANON}, {"/dev/", FD_CHAR},
		{"/", FD_FILE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (s->len >= n && memcmp(s->text, kinds[i].prefix, n) == 0)
			return kinds[i].kind;
	}
	return FD_UNKNOWN;
}

static bool read_fd_link(struct reader *r, unsigned param)
{
	size_t from = r->at + 1;
	const char *end = memchr(r->text + r->at, '>', r->len - r->at);
	struct decide_fd *fd = &r->call->fds[param];
	struct policy_string link;

	/* An arrow of a socket's end points is no end. */
	while (end && end[-1] == '-' && end + 1 < r->text + r->len)
		end = memchr(end + 1, '>', r->len - (size_t)(end + 1 - r->text));
	if (!end)
		return fail(r, "the \"<\" of a descriptor is not closed");
	link = (struct policy_string){.text = r->text + from, .len = (uint32_t)(end - r->text - from)};
	fd->kind = kind_of_link(&link);
	if (link.len > 4 && memcmp(link.text, "dir:", 4) == 0) {
		link.text += 4;
		link.len -= 4;
	}
	if (link.len && link.text[0] == '/')
		fd->path = link;
	r->call->links[param] = link;
	r->call->has_fd[param] = true;
	r->at = (size_t)(end - r->text) + 1;
	return true;
}

/* ---- "{sa_family=AF_INET, ...}" ---- */

static bool read_ip(struct reader *r, struct decide_addr *a)
{
	struct policy_string s;
	char text[INET6_ADDRSTRLEN];

	if (!read_string(r, &s))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(s.len < sizeof(text) ? s.len : 0), s.text);
	memset(a->ip, 0, 10);
	memset(a->ip + 10, 0xff, 2);
	if (inet_pton(AF_INET, text, a->ip + 12) != 1 && inet_pton(AF_INET6, text, a->ip) != 1)
		return fail(r, "\"%s\" is no address", text);
	a->has_ip = true;
	return true;
}

/* htons(443), inet_addr("1.2.3.4"), inet_pton(AF_INET6, "::1", &sin6_addr) */
static bool read_function(struct reader *r, const struct policy_string *name, struct decide_addr *a)
{
	uint64_t v;

	if (name_is(name, "htons")) {
		if (!read_number(r, NULL, &v))
			return false;
		a->port = (uint16_t)v;
		a->has_port = true;
	} else if (name_is(name, "inet_addr")) {
		skip_blanks(r);
		if (peek(r) != '"')
			return fail(r, "an address in quotes is expected");
		if (!read_ip(r, a))
			return false;
	}
	while (peek(r) >= 0 && peek(r) != ')') {
		if (peek(r) == '"' && name_is(name, "inet_pton")) {
			if (!read_ip(r, a))
				return false;
		} else {
			r->at++;
		}
	}
	return take(r, ')') || fail(r, "\")\" is missing");
}

static bool read_sun_path(struct reader *r, struct decide_addr *a)
{
	bool abstract = take(r, '@');
	char *copy;

	skip_blanks(r);
	if (peek(r) != '"')
		return fail(r, "a path in quotes is expected");
	if (!read_string(r, &a->path) || !abstract)
		return !r->message[0];
	copy = arena_alloc(&r->call->arena, a->path.len + 2);
	if (!copy)
		return fail(r, "out of memory");
	copy[0] = '@';
	memcpy(copy + 1, a->path.text, a->path.len);
	a->path = (struct policy_string){.text = copy, .len = a->path.len + 1};
	return true;
}

static bool read_addr_value(struct reader *r, const struct policy_string *field, struct decide_addr *a)
{
	struct policy_string word;
	size_t from = r->at;
	uint64_t v;

	if (name_is(field, "sun_path"))
		return read_sun_path(r, a);
	word = read_name(r);
	if (word.len && take(r, '('))
		return read_function(r, &word, a);
	r->at = from;
	if (!read_number(r, NULL, &v))
		return false;
	if (name_is(field, "sa_family"))
		a->family = (uint16_t)v;
	else if (name_is(field, "sin_port") || name_is(field, "sin6_port"))
		return fail(r, "a port is written htons(N)");
	return true;
}

static bool read_addr(struct reader *r, unsigned param)
{
	struct decide_addr *a = &r->call->addrs[param];

	r->at++;	/* { */
	do {
		struct policy_string field;

		skip_blanks(r);
		/* strace also prints inet_pton(AF_INET6, "::1", &sin6_addr) as a member by itself. */
		field = read_name(r);
		if (!field.len)
			return fail(r, "a member such as sa_family=AF_INET is expected");
		if (take(r, '(')) {
			if (!read_function(r, &field, a))
				return false;
			continue;
		}
		if (!take(r, '='))
			return fail(r, "\"=\" is expected");
		skip_blanks(r);
		if (!read_addr_value(r, &field, a))
			return false;
	} while (take(r, ','));
	if (!take(r, '}'))
		return fail(r, "\"}\" is missing");
	r->call->has_addr[param] = true;
	r->call->args[param] = 0x1000;	/* some address that is not NULL */
	return true;
}

/* Structures and lists that no condition looks at: over the matching bracket. */
static bool skip_nested(struct reader *r)
{
	unsigned depth = 0;

	do {
		int c = peek(r);
		struct policy_string s;

		if (c < 0)
			return fail(r, "a bracket is not closed");
		if (c == '"') {
			if (!read_string(r, &s))
				return false;
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		r->at++;
	} while (depth);
	return true;
}

/* ---- arguments ---- */

static bool read_argument(struct reader *r, unsigned param)
{
	struct parsed_call *c = r->call;
	const struct call_desc *d = call_desc(c->id);
	const struct call_param *type = param < d->nparams ? &d->params[param] : NULL;

	skip_blanks(r);
	switch (peek(r)) {
	case '"':
		c->args[param] = 0x1000;
		c->has_string[param] = true;
		return read_string(r, &c->strings[param]);
	case '{':
		if (type && type->kind == PARAM_SOCKADDR)
			return read_addr(r, param);
		/* fall through */
	case '[':
		c->args[param] = 0x1000;
		return skip_nested(r);
	default:
		break;
	}
	if (!read_number(r, type, &c->args[param]))
		return false;
	return peek(r) != '<' || read_fd_link(r, param);
}

static bool read_call(struct reader *r)
{
	struct policy_string name;
	const char *near;

	skip_blanks(r);
	name = read_name(r);
	r->call->id = call_from_name(name.text, name.len);
	if (r->call->id < 0) {
		r->at = 0;
		near = call_nearest(name.text, name.len);
		return near ? fail(r, "no system call is named \"%.*s\"; did you mean %s?", (int)name.len, name.text,
				   near)
			    : fail(r, "no system call is named \"%.*s\"", (int)name.len, name.text);
	}
	if (!take(r, '('))
		return fail(r, "\"(\" is expected behind the call's name");
	if (take(r, ')'))
		return true;
	do {
		if (r->call->count == 6)
			return fail(r, "a system call has at most six arguments");
		if (!read_argument(r, r->call->count))
			return false;
		r->call->count++;
	} while (take(r, ','));
	if (!take(r, ')'))
		return fail(r, "\",\" or \")\" is expected");
	if (r->call->count > call_desc(r->call->id)->nparams)
		return fail(r, "%s has %u arguments", call_desc(r->call->id)->name, call_desc(r->call->id)->nparams);
	return true;
}

int call_parse(const char *text, size_t len, struct parsed_call *ret, size_t *ret_at, char *message,
	       size_t message_size)
{
	struct reader r = {.text = text, .len = len, .call = ret, .message = message, .message_size = message_size};

	*ret = (struct parsed_call){.abi = policy_own_abi(), .cwd = {.text = "/", .len = 1}};
	ret->task.calls = 1;
	message[0] = '\0';
	*ret_at = 0;
	if (len > CALL_TEXT_MAX) {
		snprintf(message, message_size, "the call is too long");
		return -EINVAL;
	}
	if (read_call(&r)) {
		skip_blanks(&r);
		if (r.at == r.len)
			return 0;
		fail(&r, "nothing is expected behind the call");
	}
	*ret_at = r.at < len ? r.at : len;
	parsed_call_finish(ret);
	return -EINVAL;
}

void parsed_call_finish(struct parsed_call *c)
{
	arena_finish(&c->arena);
}
