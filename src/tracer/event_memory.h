/* A handler's reads of guest memory: from the copies of the event where there are some, else from the task. */
#ifndef TRAPLINE_TRACER_EVENT_MEMORY_H
#define TRAPLINE_TRACER_EVENT_MEMORY_H

#include "syscalls/dispatch.h"

/* As guest_ops.read and guest_ops.read_string say. */
MUST_CHECK int event_read(const struct call_event *ev, struct guest_ptr from, void *to, size_t len);
MUST_CHECK ssize_t event_read_string(const struct call_event *ev, struct guest_ptr from, char *to, size_t size);

#endif
