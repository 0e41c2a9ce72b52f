/* Where a path of a guest leads in its own tree (kernel/vfs): what rules are compared with when files are emulated. */
#ifndef TRAPLINE_TRACER_POLICY_TREE_PATH_H
#define TRAPLINE_TRACER_POLICY_TREE_PATH_H

#include "kernel/kernel.h"
#include "syscalls/dispatch.h"

/*
 * As resolver_path: name, below descriptor dirfd of the caller if it is relative, absolute and without links, from the
 * caller's root, into buf of size bytes. Its length. What does not exist is kept as it is written.
 */
MUST_CHECK ssize_t tree_path(struct kernel *k, struct call_event *ev, int dirfd, const char *name, bool follow, char *buf,
			     size_t size);
/* The name of what is behind a descriptor of the caller (AT_FDCWD: its working directory); -ENOENT: not of the tree. */
MUST_CHECK ssize_t tree_fd_path(struct kernel *k, struct call_event *ev, int fd, char *buf, size_t size);
/* Effective ids of a task, and its program's name: the length, 0 where it has none. -ESRCH */
MUST_CHECK ssize_t tree_identity(struct kernel *k, pid_t tid, uint32_t *ret_uid, uint32_t *ret_gid, char *exe, size_t size);

#endif
