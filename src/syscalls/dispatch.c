#include "syscalls/dispatch.h"

#include "syscalls/handlers.h"

struct verdict syscalls_dispatch(struct kernel *k, struct call_event *ev)
{
	call_handler *handler = ev->id >= 0 ? call_handler_of(ev->id) : NULL;
	return handler ? handler(k, ev) : verdict_pass();
}
