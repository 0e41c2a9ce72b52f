/*
 * A call written as strace prints it: openat(AT_FDCWD, "/etc/shadow", O_RDONLY), connect(3<socket>, {sa_family=AF_INET,
 * sin_port=htons(443), sin_addr=inet_addr("10.0.0.1")}, 16). What is written becomes what a decision asks about:
 * nothing of the machine is looked at.
 */
#ifndef TRAPLINE_POLICY_CALLPARSE_H
#define TRAPLINE_POLICY_CALLPARSE_H

#include "policy/decide.h"

#define CALL_TEXT_MAX 65536

struct parsed_call {
	struct arena arena;
	enum call_id id;
	enum call_abi abi;
	uint64_t args[6];
	unsigned count;			/* arguments written */
	bool has_string[6], has_addr[6], has_fd[6];
	struct policy_string strings[6];
	struct decide_addr addrs[6];
	struct decide_fd fds[6];
	struct policy_string links[6];	/* of fds: what is written between "<" and ">", "pipe:[1]" too */
	struct decide_task task;
	struct policy_string cwd;
};

/*
 * 0 with *ret to be finished by the caller; -EINVAL with *ret_at (an offset into text) and *ret_message (static or in
 * buf) saying what is wrong; -ENOMEM. Arguments that are left out at the end are 0.
 */
MUST_CHECK int call_parse(const char *text, size_t len, struct parsed_call *ret, size_t *ret_at, char *message,
			  size_t message_size);
void parsed_call_finish(struct parsed_call *c);

/* An event that answers from the parsed call, which must outlive it. */
void parsed_call_event(struct parsed_call *c, struct decide_event *ret);

/* "/a/b" and "../c" to "/a/c": by the letters alone. In the arena; 0 or -ENOMEM. */
MUST_CHECK int path_join(struct arena *arena, const struct policy_string *dir, const struct policy_string *path,
			 struct policy_string *ret);

#endif
