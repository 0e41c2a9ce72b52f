#include "policy/glob.h"

#include <string.h>

size_t glob_literal(const char *pattern, size_t plen)
{
	size_t n = 0;

	while (n < plen && !strchr("*?[\\", pattern[n]))
		n++;
	return n;
}

/* Does the class at pattern[0] == '[' hold c? Its length goes to *ret_len; 0: it is not closed and '[' is itself. */
static bool match_class(const char *pattern, size_t plen, char c, size_t *ret_len)
{
	size_t i = 1;
	bool negate = i < plen && (pattern[i] == '!' || pattern[i] == '^'), hit = false;

	i += negate;
	for (size_t first = i; i < plen && (pattern[i] != ']' || i == first); i++) {
		if (i + 2 < plen && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
			hit = hit || ((unsigned char)pattern[i] <= (unsigned char)c &&
				      (unsigned char)c <= (unsigned char)pattern[i + 2]);
			i += 2;
		} else {
			hit = hit || pattern[i] == c;
		}
	}
	*ret_len = i < plen ? i + 1 : 0;
	return hit != negate && c != '/';
}

/* One character against the pattern at its start; the pattern bytes used go to *ret_used. */
static bool match_one(const char *pattern, size_t plen, char c, size_t *ret_used)
{
	size_t len;
	bool hit;

	*ret_used = 1;
	switch (pattern[0]) {
	case '?':
		return c != '/';
	case '[':
		hit = match_class(pattern, plen, c, &len);
		if (!len)
			return c == '[';
		*ret_used = len;
		return hit;
	case '\\':
		if (plen > 1) {
			*ret_used = 2;
			return pattern[1] == c;
		}
		return c == '\\';
	default:
		return pattern[0] == c;
	}
}

struct star {
	bool set;
	size_t pattern, text;	/* go on here: one more character belongs to the star */
};

static bool retry(struct star *star, struct star *deep, const char *text, size_t tlen, size_t *p, size_t *t)
{
	if (star->set && star->text < tlen && text[star->text] != '/') {
		*p = star->pattern;
		*t = ++star->text;
		return true;
	}
	star->set = false;
	if (!deep->set || deep->text >= tlen)
		return false;
	*p = deep->pattern;
	*t = ++deep->text;
	return true;
}

bool glob_match(const char *pattern, size_t plen, const char *text, size_t tlen)
{
	struct star star = {0}, deep = {0};
	size_t p = 0, t = 0;

	for (;;) {
		size_t used;

		if (p < plen && pattern[p] == '*') {
			bool is_deep = p + 1 < plen && pattern[p + 1] == '*';
			struct star *s = is_deep ? &deep : &star;

			p += is_deep ? 2 : 1;
			*s = (struct star){.set = true, .pattern = p, .text = t};
			if (is_deep)
				star.set = false;
			continue;
		}
		if (p == plen && t == tlen)
			return true;
		if (p < plen && t < tlen && match_one(pattern + p, plen - p, text[t], &used)) {
			p += used;
			t++;
			continue;
		}
		if (!retry(&star, &deep, text, tlen, &p, &t))
			return false;
	}
}
