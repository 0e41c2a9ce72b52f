/*
 * What Linux tells of a peer behind a call that may have waited: the name of an AF_UNIX sender or client, and with a
 * virtual identity the ids in SCM_CREDENTIALS. The host carries the call out; this mends what it left in the caller's
 * memory.
 */
#ifndef TRAPLINE_SYSCALLS_SYS_RECEIVED_H
#define TRAPLINE_SYSCALLS_SYS_RECEIVED_H

#include <sys/socket.h>

#include "syscalls/dispatch.h"

/* recvfrom, recvmsg, recvmmsg, accept, accept4 */
bool received_is(enum call_id id);
/* At its entry: is there anything that could be mended behind it? *ret_room: bytes that a name may have, for then. */
bool received_wants(struct kernel *k, struct call_event *ev, uint32_t *ret_room);
/* Behind it; it returned value, which is no error. */
void received_mend(struct kernel *k, struct call_event *ev, uint32_t room, int64_t value);

/*
 * The ids of a peer, as the host tells them, become those that guests know it by. real: of a message, not of a
 * connection.
 */
void peer_ids(struct kernel *k, bool real, struct ucred *c);

#endif
