#include "tracer/event_memory.h"

#include <string.h>

#include "tracer/memory.h"

int event_read(const struct call_event *ev, struct guest_ptr from, void *to, size_t len)
{
	const struct call_copy *c = call_copy_at(ev, from.addr);
	if (!c)
		return memory_read(ev->tid, from.addr, to, len);
	if (len > c->len)
		return -EFAULT;
	memcpy(to, c->data, len);
	return 0;
}

ssize_t event_read_string(const struct call_event *ev, struct guest_ptr from, char *to, size_t size)
{
	const struct call_copy *c = call_copy_at(ev, from.addr);
	bool complete;
	if (c) {
		if (c->len > size)
			return -ENAMETOOLONG;
		memcpy(to, c->data, c->len);
		return (ssize_t)c->len - 1;
	}
	ssize_t n = memory_read_string(ev->tid, from.addr, to, size - 1, &complete);
	if (n < 0)
		return n;
	if (!complete)
		return -ENAMETOOLONG;
	to[n] = '\0';
	return n;
}
