/* What a descriptor of a live task stands on beyond its path, in strace's words for -yy. */
#ifndef TRAPLINE_TRACER_LIVE_SOCKET_H
#define TRAPLINE_TRACER_LIVE_SOCKET_H

#include <sys/types.h>

#include "base/errors.h"

/*
 * "TCP:[127.0.0.1:80->127.0.0.1:5000]", "UNIX-STREAM:[12->13,\"/run/x\"]", "NETLINK:[ROUTE:7]", "char 1:3", "block
 * 8:0". The length (without a NUL, at most size), or a negative errno: -ENOENT for what has nothing to say.
 */
MUST_CHECK ssize_t live_descriptor(pid_t tid, pid_t tgid, int fd, char *buf, size_t size);

#endif
