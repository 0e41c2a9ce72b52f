/* Copies between handlers and guests: 0, or the error verdict value that the guest sees (-EFAULT, -ESRCH). */
#ifndef TRAPLINE_SYSCALLS_COPYIO_H
#define TRAPLINE_SYSCALLS_COPYIO_H

#include "syscalls/dispatch.h"

static inline struct guest_ptr arg_ptr(const struct call_event *ev, int i)
{
	return (struct guest_ptr){ev->args[i]};
}

MUST_CHECK static inline int copy_out(struct call_event *ev, struct guest_ptr to, const void *from, size_t len)
{
	return ev->ops->write(ev, to, from, len);
}

MUST_CHECK static inline int copy_in(struct call_event *ev, void *to, struct guest_ptr from, size_t len)
{
	return ev->ops->read(ev, from, to, len);
}

#endif
