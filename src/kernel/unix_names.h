/*
 * The names of AF_UNIX sockets that guests bound. A socket of the virtual tree is bound on the host under a name of
 * ours, which Linux keeps with the socket and shows to every peer; this says what the guest called it. Lock:
 * unix_names.lock, a leaf.
 */
#ifndef TRAPLINE_KERNEL_UNIX_NAMES_H
#define TRAPLINE_KERNEL_UNIX_NAMES_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/errors.h"

/* Older names are forgotten, and then shown as the host has them. */
enum { UNIX_NAMES_MAX = 4096, UNIX_HOST_NAME_SIZE = 40 };

struct unix_names;

MUST_CHECK int unix_names_create(struct unix_names **ret);
void unix_names_destroy(struct unix_names *n);		/* NULL is nothing */

/* Remember what a guest gave to bind(2), and make a file name for the host that nothing else has. */
void unix_names_add(struct unix_names *n, const struct sockaddr_un *addr, socklen_t len, char ret[UNIX_HOST_NAME_SIZE]);
/* The guest's name of an address as the host shows it; false: not one of ours, left as it is. */
bool unix_names_show(struct unix_names *n, struct sockaddr_un *addr, socklen_t *len);

#endif
