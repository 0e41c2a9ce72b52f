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

/* A structure larger than a page is no version of any: -E2BIG before it is looked at. */
enum { COPY_VERSIONED_MAX = 4096 };
/*
 * copy_struct_from_user of Linux: known bytes of a structure whose caller may know a shorter one (the rest is zeros) or
 * a longer one (what is behind must be zeros, or -E2BIG). size is at most COPY_VERSIONED_MAX.
 */
MUST_CHECK int copy_in_versioned(struct call_event *ev, void *to, size_t known, struct guest_ptr from, size_t size);

#endif
