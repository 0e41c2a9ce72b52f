/* Addresses of AF_UNIX sockets as arguments: for connect and bind, and for messages. */
#ifndef TRAPLINE_SYSCALLS_SYS_SOCKET_H
#define TRAPLINE_SYSCALLS_SYS_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "kernel/unix_names.h"
#include "syscalls/file_call.h"

/* A copy of what the guest gave, and after unix_address_find the host's address of the same socket. */
struct unix_address {
	struct sockaddr_un addr;
	socklen_t len;
	bool named;		/* a name in the tree, else abstract, none, or of another family */
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int host;		/* O_PATH, owned: the socket's file; or -1 */
};

/* The caller's socket, owned by the caller of this. 1: not AF_UNIX, so that the call may pass. */
MUST_CHECK int unix_socket_get(struct file_call *c, int fd, int *ret);
MUST_CHECK int unix_address_copy_in(struct file_call *c, struct guest_ptr from, uint64_t len, struct unix_address *ret);
/* Where the name leads: permissions, -ECONNREFUSED for what is no socket. */
MUST_CHECK int unix_address_find(struct file_call *c, struct unix_address *a);
/* Can the caller be made to use the address itself? */
bool unix_address_lends(const struct file_call *c, const struct unix_address *a);
/* a, found, as the argument arg of the caller's own call (-1: in its message); it is taken over. NULL: no memory. */
struct lent_address *unix_address_lend(struct unix_address *a, int arg);
/* move_addr_to_user of Linux. */
MUST_CHECK int unix_address_copy_out(struct call_event *ev, struct guest_ptr to, struct guest_ptr len_to,
				     const struct sockaddr_un *addr, socklen_t len);
void unix_address_put(struct unix_address *a);

/*
 * Is all of this header's data in h's control data, which the guest wrote? CMSG_FIRSTHDR and CMSG_NXTHDR see to the
 * header alone.
 */
static inline bool control_fits(const struct msghdr *h, const struct cmsghdr *at)
{
	size_t before = (size_t)((const char *)at - (const char *)h->msg_control);
	return at->cmsg_len >= CMSG_LEN(0) && at->cmsg_len <= h->msg_controllen - before;
}

#define AUTO_UNIX_ADDRESS CLEANUP(unix_address_put)

#endif
