#include "syscalls/dispatch.h"

#include "syscalls/handlers.h"

/*
 * A file of the host that others moved away between its lookup and its use: the call is made again from its beginning,
 * as Linux does (retry_estale of fs/namei.c), and finds what is there now. Nothing was changed yet when it is found
 * out.
 */
enum { STALE_TRIES = 64 };

static bool is_stale(const struct verdict *v)
{
	return v->kind == VERDICT_VALUE && v->value == -ESTALE;
}

struct verdict syscalls_dispatch(struct kernel *k, struct call_event *ev)
{
	call_handler *handler = ev->id >= 0 ? call_handler_of(ev->id) : NULL;
	if (!handler)
		return verdict_pass();
	struct verdict v = handler(k, ev);
	for (int i = 1; i < STALE_TRIES && is_stale(&v); i++)
		v = handler(k, ev);
	return v;
}
