/* What the parser's files share. */
#ifndef TRAPLINE_POLICY_PARSE_PRIVATE_H
#define TRAPLINE_POLICY_PARSE_PRIVATE_H

#include "policy/lex.h"
#include "policy/map.h"
#include "policy/model.h"

#define INCLUDE_DEPTH 16
#define TERMS_MAX 64		/* alternatives of one condition */
#define ATOMS_MAX 32		/* tests of one alternative */
#define TESTS_MAX 256		/* of all alternatives together */
#define NESTING_MAX 64
#define WIDE_LOW (-((wide)1 << 65))
#define WIDE_HIGH ((wide)1 << 65)

/* "set NAME = ...": its items as tokens, read again by whoever uses it. */
struct named_set {
	struct token *tokens;	/* in the arena */
	size_t count;
	struct span at;
	bool used;
};

struct parser {
	struct policy *p;
	const struct policy_options *options;
	struct lexer lex;
	struct map *sets;		/* name to struct named_set, one map for all files */
	struct map *symbols;		/* operand name to index + 1 */
	struct map *mounts;		/* target to index + 1 in policy.mounts */
	bool by_options;		/* reading what command-line options stand for */
	const struct named_set *expansion;	/* tokens come from here while .expansion_at is below its count */
	size_t expansion_at;
	unsigned depth;			/* of includes */
	unsigned nesting;		/* of parentheses */
	const char *errno_name;		/* looked up last, in a source; its length and value */
	size_t errno_len;
	int32_t errno_value;
	uint32_t last_end;		/* offset behind the token that was passed last, in the source being read */
};

/* What a rule is about while it is read. */
struct rule_scope {
	struct call_set calls;		/* narrowed to those that have all operands */
	struct call_set named;		/* of them, those written out: never silently narrowed away */
	const char **foreign;		/* in the arena; NULL-terminated, or NULL */
	size_t foreign_count;
};

struct dnf {
	struct policy_term *terms;
	uint32_t count;
};

/* ---- tokens ---- */
const struct token *parse_token(const struct parser *ps);
void parse_next(struct parser *ps);
bool parse_at_end(const struct parser *ps);		/* of the statement */
bool parse_is(const struct parser *ps, const char *word);
bool parse_is_punct(const struct parser *ps, enum punct punct);
bool parse_take(struct parser *ps, const char *word);	/* pass it if it is there */
bool parse_take_punct(struct parser *ps, enum punct punct);
/* An error at the current token: "WHAT expected, not TOKEN". Always false. */
bool parse_expected(struct parser *ps, const char *what);
void *parse_alloc(struct parser *ps, size_t size);
/* malloc'ed vectors: room for one more; false (and no_memory set) when there is none. */
bool parse_grow(struct parser *ps, void *vector, size_t *cap, size_t count, size_t size);

/* ---- values (parse_value.c) ---- */
bool parse_string(struct parser *ps, const char *what, const char **ret);
bool parse_absolute_path(struct parser *ps, const struct token *t, bool under, struct policy_string *ret);
bool parse_number_text(const char *s, size_t len, wide *ret);
bool parse_u64(struct parser *ps, const char *what, uint64_t *ret);	/* 64M: with a size suffix */
bool parse_i64(struct parser *ps, const char *what, int64_t *ret);
bool parse_duration(struct parser *ps, uint64_t *ret_ns);
bool parse_errno(struct parser *ps, int32_t *ret);
bool parse_signal(struct parser *ps, int32_t *ret);
bool parse_net(struct parser *ps, const struct token *t, struct ip_net *ret);
const char *nearest_word(const char *word, size_t len, const char *const *words);

/* ---- targets (parse_targets.c) ---- */
bool parse_targets(struct parser *ps, struct rule_scope *scope, const char *const *stop);
struct named_set *parse_find_set(struct parser *ps, const struct token *t);

/* ---- conditions (parse_cond.c, parse_operand.c) ---- */
bool parse_condition(struct parser *ps, struct rule_scope *scope, struct dnf *ret);
struct operand {
	enum operand_source source;
	enum operand_field field;
	uint16_t symbol;
	const char *name;		/* for messages */
	struct span at;
};
enum operand_class {
	CLASS_INT, CLASS_PATH, CLASS_STRING, CLASS_IP, CLASS_KIND, CLASS_POINTER,
};
bool parse_operand(struct parser *ps, struct operand *ret);
/* Keep the calls of scope that have the operand in the class; false with an error when a named one or all have not. */
bool operand_narrow(struct parser *ps, struct rule_scope *scope, const struct operand *o, enum operand_class class);
/* Read an integer as the operand's type has it: a number, a constant of its flag set, NAME|NAME. */
bool parse_operand_int(struct parser *ps, const struct rule_scope *scope, const struct operand *o, wide *ret);
/* The parameter of a call that an operand is, the first of several; NULL: none. */
const struct call_param *operand_param(const struct policy *p, const struct operand *o, enum call_id id);

/* ---- rules (parse_rule.c) and other statements (parse_state.c) ---- */
void parse_rule(struct parser *ps, enum action_kind kind, struct span at);
bool parse_simple_action(struct parser *ps, struct policy_action *ret);
bool parse_inject(struct parser *ps, struct policy_rule *rule, struct rule_scope *scope);	/* parse_inject.c */
bool parse_where(struct parser *ps, struct policy_rule *rule);
/* Whether a feature is there; else an error about the statement. */
bool parse_can(struct parser *ps, unsigned feature, struct span at, const char *what);
void parse_say_twice(struct parser *ps, struct span at, struct span before, const char *what);
/* "KEY =": pass both if KEY is there. An error if only KEY is. */
bool parse_key(struct parser *ps, const char *key);
/* A path on the host, in the arena: a relative one is relative to the directory of the file being read. */
char *parse_beside(struct parser *ps, const char *path);
typedef void parse_statement_fn(struct parser *ps, struct span at);
parse_statement_fn parse_default, parse_set, parse_expect, parse_mount, parse_identity, parse_limits, parse_memory,
	parse_abi, parse_oci;
void parse_include(struct parser *ps, struct span at);
/* Put the mounts into the order in which they are made (parse_mount.c). */
void parse_order_mounts(struct policy *p);

/* ---- after reading (check.c) ---- */
void check_policy(struct policy *p);

#endif
