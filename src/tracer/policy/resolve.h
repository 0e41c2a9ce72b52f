/*
 * Where a path of a guest leads: absolute, without ".", ".." and symbolic links, with its own root and /proc/self in
 * mind, and named as the supervisor sees it: a guest that takes /etc for its root opens /etc/shadow by "/shadow". This
 * is what rules are compared with: one file has many names, and a rule means the file.
 */
#ifndef TRAPLINE_TRACER_POLICY_RESOLVE_H
#define TRAPLINE_TRACER_POLICY_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/errors.h"

#define RESOLVE_PATH_MAX 8192

struct resolver {
	pid_t tid;
	pid_t *tgid;		/* 0: looked up when it is needed */
	int root;		/* the guest's root directory, O_PATH, owned; AT_FDCWD: the supervisor's own */
	/* owned: that root as the supervisor names it; NULL: "/", or of another mount namespace */
	char *prefix;
};

/*
 * A root that cannot be had (the task changed its user) is taken to be the supervisor's; our_root: it is known to be.
 * tgid: lives as long as *r.
 */
void resolver_init(struct resolver *r, pid_t tid, pid_t *tgid, bool our_root);
/* Whether a task's root is the supervisor's, in the same mount namespace. */
bool resolver_has_our_root(pid_t tid);
void resolver_finish(struct resolver *r);

/* Descriptor fd of the task (AT_FDCWD: its working directory) as a path. -errno of readlink: no such descriptor. */
MUST_CHECK int resolver_base(const struct resolver *r, int fd, char *buf, size_t size);
/* A path by which the guest can name what the supervisor names so: what is behind the prefix. NULL: none. */
const char *resolver_guest_path(const struct resolver *r, const char *path);
/*
 * path, relative to base, resolved into buf (of RESOLVE_PATH_MAX bytes). What does not exist is kept as it is written;
 * so is a link of /proc to something that has no path ("pipe:[1]"). Follow says whether a last component that is a link
 * is followed. Its length; -ELOOP; -ENAMETOOLONG.
 */
MUST_CHECK ssize_t resolver_path(const struct resolver *r, const char *base, const char *path, bool follow, char *buf);

#endif
