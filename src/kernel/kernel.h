/*
 * The kernel layer: what handlers answer from. It knows nothing of how a call was caught.
 * Locks: uts.lock is a leaf. Credentials do not change after kernel_create.
 */
#ifndef TRAPLINE_KERNEL_KERNEL_H
#define TRAPLINE_KERNEL_KERNEL_H

#include "kernel/task/cred.h"
#include "kernel/task/uts.h"

struct kernel {
	struct cred cred;	/* one identity for all guests */
	struct uts uts;
};

/* What a session gives its guests; zero or NULL members mean "as the host has it". */
struct kernel_options {
	bool has_uid;
	bool has_gid;
	uid_t uid;
	gid_t gid;
	const char *hostname;	/* at most 64 bytes; NULL: the host's */
};

/* -EINVAL: host name too long. -errno of uname(2). */
MUST_CHECK int kernel_init(struct kernel *k, const struct kernel_options *options);
void kernel_finish(struct kernel *k);

#endif
