/*
 * The decision: which rule of a policy a call meets first.
 *
 * Rules whose conditions name paths, networks or integers are found through one index (decide_index.c): hash tables of
 * paths and their prefixes, of networks by prefix length, of integer values. A call asks as many questions as its path
 * has components, whatever the number of rules; every candidate is then checked in full, in the rules' order.
 */
#ifndef TRAPLINE_POLICY_DECIDE_H
#define TRAPLINE_POLICY_DECIDE_H

#include "policy/model.h"

struct decide_addr {
	uint16_t family;
	bool has_ip, has_port;
	uint8_t ip[16];			/* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;			/* host order */
	struct policy_string path;	/* AF_UNIX; "@name" for the abstract ones; .text NULL: none */
};

struct decide_fd {
	enum fd_kind kind;
	struct policy_string path;	/* what it is open on; .text NULL: nothing with a path */
};

struct decide_task {
	uint32_t uid, gid;
	int32_t pid;
	uint64_t calls;			/* how often the process has made this call, this one included */
	struct policy_string exe;	/* .text NULL: unknown */
};

/*
 * What the decision asks about a call beyond its registers, each at most once and only if a rule needs it. Answers stay
 * valid until the decision is made. 0 or a negative errno: a fact that cannot be had makes the tests on it hold for
 * rules that deny and fail for rules that let the call pass.
 */
struct decide_ops {
	/* A path argument, made absolute through the directory descriptor and resolved as the policy's owner wants. */
	int (*path)(void *ctx, unsigned param, struct policy_string *ret);
	int (*string)(void *ctx, unsigned param, struct policy_string *ret);
	int (*addr)(void *ctx, unsigned param, struct decide_addr *ret);
	int (*fd)(void *ctx, unsigned param, struct decide_fd *ret);
	int (*task)(void *ctx, struct decide_task *ret);
};

struct decide_event {
	enum call_id id;		/* CALL_NONE: a number that no table knows */
	enum call_abi abi;
	uint64_t args[6];
	const struct decide_ops *ops;
	void *ctx;
};

/* Counters of inject rules: one for each guest process. Not thread safe; the guest's calls are counted one by one. */
struct decide_state;
MUST_CHECK int decide_state_create(const struct policy *p, struct decide_state **ret);
void decide_state_destroy(struct decide_state *s);

struct decision {
	struct policy_action action;
	const struct policy_rule *rule;		/* NULL: the default, or an ABI's treatment */
	const struct policy_term *term;		/* the alternative that held; NULL: the rule has no condition */
	bool by_abi, by_detour;
};

/* state may be NULL: then every inject rule counts as due. Thread safe for different states. */
void policy_decide(const struct policy *p, struct decide_state *state, const struct decide_event *event,
		   struct decision *ret);
/* The same without the index, rule by rule: what the tests compare with. */
void policy_decide_linear(const struct policy *p, struct decide_state *state, const struct decide_event *event,
			  struct decision *ret);

/*
 * Where a redirect leads: the action's path with what from has behind the matched prefix. The length, or -ENAMETOOLONG
 * or -EINVAL (the decision is no redirect, or from is not what it matched).
 */
ssize_t policy_redirect_path(const struct decision *d, const struct policy_string *from, char *buf, size_t size);

/* How a foreign ABI is treated: what is written, or what follows from the rules. */
struct policy_abi policy_abi_treatment(const struct policy *p, enum call_abi abi);
/* The ABI of this build: its calls are never foreign. */
enum call_abi policy_own_abi(void);

/* ---- for compile.c ---- */

/*
 * A parameter of call_desc(id), by its index, as the ABI has it (i386 splits 64-bit values over two registers and has
 * a few calls with another order): found by its name. NULL: the call has no such parameter there.
 */
const struct call_param *decide_param_for(enum call_id id, enum call_abi abi, unsigned param);

/*
 * Whether the policy, by itself, makes io_uring_setup fail with ENOSYS where no rule names it: the operations of a ring
 * pass no filter, so a policy that refuses or answers file or network calls would not hold.
 */
bool policy_is_off(const struct policy *p, enum call_id id);

/* Whether an atom needs nothing but the registers of a call. */
bool atom_is_register(const struct policy_atom *a);
/* Whether one string fits one of an atom's (EXACT, UNDER, GLOB, BASENAME). *ret_which: which of them. */
bool atom_matches_string(const struct policy_atom *a, const struct policy_string *s, uint32_t *ret_which);

/* ---- the index, for parse.c and model.c ---- */
struct decide_index;
MUST_CHECK int decide_index_create(const struct policy *p, struct decide_index **ret);
void decide_index_destroy(struct decide_index *x);

#endif
