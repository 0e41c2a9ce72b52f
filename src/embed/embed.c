/* The installed library: a thin user of tracer/session.h. */
#include <string.h>

#include "kernel/kernel.h"
#include "syscalls/identity.h"
#include "tracer/session.h"
#include "trapline/trapline.h"

struct chosen_handler {
	trapline_handler *handler;
	void *context;
};

struct trapline {
	struct session_options session;
	struct kernel_options identity;
	char hostname[UTS_NAME_MAX + 1];
	struct chosen_handler handlers[CALL_COUNT];
};

struct trapline *trapline_new(void)
{
	return calloc(1, sizeof(struct trapline));
}

void trapline_free(struct trapline *t)
{
	free(t);
}

int trapline_set_mechanism(struct trapline *t, const char *name)
{
	return mechanism_from_name(name, &t->session.mechanism) < 0 ? -EINVAL : 0;
}

int trapline_set_uid(struct trapline *t, uid_t uid)
{
	if (uid == (uid_t)-1)
		return -EINVAL;
	t->identity.has_uid = true;
	t->identity.uid = uid;
	return 0;
}

int trapline_set_gid(struct trapline *t, gid_t gid)
{
	if (gid == (gid_t)-1)
		return -EINVAL;
	t->identity.has_gid = true;
	t->identity.gid = gid;
	return 0;
}

int trapline_set_hostname(struct trapline *t, const char *name)
{
	size_t len = strlen(name);
	if (!len || len > UTS_NAME_MAX)
		return -EINVAL;
	memcpy(t->hostname, name, len + 1);
	t->identity.hostname = t->hostname;
	return 0;
}

int trapline_handle(struct trapline *t, const char *call, trapline_handler *handler, void *context)
{
	enum call_id id = call_from_name(call, strlen(call));
	if (id < 0)
		return -EINVAL;
	t->handlers[id] = (struct chosen_handler){handler, context};
	call_set_add(&t->session.emulated, id);
	return 0;
}

int trapline_read(struct trapline_call *call, uint64_t address, void *to, size_t len)
{
	struct call_event *ev = call->opaque;
	return ev->ops->read(ev, (struct guest_ptr){address}, to, len);
}

int trapline_write(struct trapline_call *call, uint64_t address, const void *from, size_t len)
{
	struct call_event *ev = call->opaque;
	return ev->ops->write(ev, (struct guest_ptr){address}, from, len);
}

static struct verdict ask_handler(void *ctx, struct call_event *ev)
{
	const struct trapline *t = ctx;
	const struct chosen_handler *chosen = ev->id >= 0 ? &t->handlers[ev->id] : NULL;
	if (!chosen || !chosen->handler)
		return verdict_pass();
	struct trapline_call call = {
		.name = call_desc(ev->id)->name, .abi = call_abi_name(ev->abi), .number = ev->nr, .task = ev->tid, .opaque = ev,
	};
	memcpy(call.args, ev->args, sizeof(call.args));
	int64_t answer = 0;
	if (chosen->handler(chosen->context, &call, &answer) == TRAPLINE_ANSWER)
		return verdict_value(answer);
	return verdict_pass();
}

int trapline_run(struct trapline *t, char *const *argv, int *wait_status)
{
	struct kernel kernel;
	int r = kernel_init(&kernel, &t->identity);
	if (r < 0)
		return r;
	const struct session_probe probe = {.answer = ask_handler, .ctx = t};
	struct session_options options = t->session;
	struct session_result result;
	identity_calls(&options.emulated, &t->identity);
	options.argv = argv;
	options.kernel = &kernel;
	options.probe = &probe;
	r = session_run(&options, &result);
	kernel_finish(&kernel);
	if (r == 0 && wait_status)
		*wait_status = result.status;
	return r;
}
