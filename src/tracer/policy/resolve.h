/*
 * Where a path of a guest leads: absolute, without ".", ".." and symbolic links, in the guest's own root and with its own
 * /proc/self. This is what rules are compared with: one file has many names, and a rule means the file.
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
};

/* A root that cannot be had (the task changed its user) is taken to be the supervisor's. tgid: lives as long as *r. */
void resolver_init(struct resolver *r, pid_t tid, pid_t *tgid);
void resolver_finish(struct resolver *r);

/* Descriptor fd of the task (AT_FDCWD: its working directory) as a path. -errno of readlink: no such descriptor. */
MUST_CHECK int resolver_base(const struct resolver *r, int fd, char *buf, size_t size);
/*
 * path, relative to base, resolved into buf (of RESOLVE_PATH_MAX bytes). What does not exist is kept as it is written;
 * so is a link of /proc to something that has no path ("pipe:[1]"). Follow says whether a last component that is a link is
 * followed. Its length; -ELOOP; -ENAMETOOLONG.
 */
MUST_CHECK ssize_t resolver_path(const struct resolver *r, const char *base, const char *path, bool follow, char *buf);

#endif
