/* Globs over paths. '*' and '?' stop at '/', "**" does not, [a-z] and [!a-z] are classes, a backslash quotes. */
#ifndef TRAPLINE_POLICY_GLOB_H
#define TRAPLINE_POLICY_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the whole text matches. Never worse than pattern length times text length squared; no recursion. */
bool glob_match(const char *pattern, size_t plen, const char *text, size_t tlen);

/* The length of the pattern's start that has no special character. */
size_t glob_literal(const char *pattern, size_t plen);

#endif
