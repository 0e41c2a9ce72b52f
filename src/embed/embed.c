/* The installed library: a thin user of tracer/session.h. */
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "kernel/kernel.h"
#include "tracer/policy/session_policy.h"
#include "tracer/session.h"
#include "trapline/trapline.h"

struct chosen_handler {
	trapline_handler *handler;
	void *context;
};

struct trapline {
	struct session_options session;
	struct policy_identity identity;
	char hostname[UTS_NAME_MAX + 1];
	struct strbuf statements;
	char *policy_file, *cwd;	/* owned */
	struct chosen_handler handlers[CALL_COUNT];
};

struct trapline *trapline_new(void)
{
	struct trapline *t = calloc(1, sizeof(*t));
	if (t)
		strbuf_init(&t->statements);
	return t;
}

void trapline_free(struct trapline *t)
{
	if (!t)
		return;
	strbuf_finish(&t->statements);
	free(t->policy_file);
	free(t->cwd);
	free(t);
}

static int replace(char **text, const char *by)
{
	char *copy = strdup(by);
	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

int trapline_add_policy(struct trapline *t, const char *statements)
{
	strbuf_adds(&t->statements, statements);
	strbuf_addc(&t->statements, '\n');
	return strbuf_error(&t->statements);
}

int trapline_set_policy_file(struct trapline *t, const char *path)
{
	return replace(&t->policy_file, path);
}

int trapline_set_cwd(struct trapline *t, const char *path)
{
	return replace(&t->cwd, path);
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

static int open_policy(const struct trapline *t, struct session_policy *p)
{
	AUTO_STRBUF struct strbuf statements;
	strbuf_init(&statements);
	policy_identity_write(&t->identity, &statements);
	strbuf_add(&statements, t->statements.data, t->statements.len);
	p->prelude_name = "trapline_add_policy";
	p->cwd = t->cwd;
	int r = strbuf_error(&statements);
	if (r == 0)
		r = session_policy_open(p, t->policy_file, strbuf_str(&statements));
	if (r < 0 && r != -EBADMSG)
		log_error("%s: %s", t->policy_file ? t->policy_file : "cannot read the policy", strerror(-r));
	return r;
}

static int run_session(struct session_options *options, const struct kernel_options *wanted, int *wait_status)
{
	struct kernel kernel;
	struct session_result result;
	int r = kernel_init(&kernel, wanted);
	if (r < 0)
		return r;
	options->kernel = &kernel;
	r = session_run(options, &result);
	kernel_finish(&kernel);
	if (r == 0 && wait_status)
		*wait_status = result.status;
	return r;
}

int trapline_run(struct trapline *t, char *const *argv, int *wait_status)
{
	const struct session_probe probe = {.answer = ask_handler, .ctx = t};
	struct session_policy policy = {0};
	struct session_options options = t->session;
	struct kernel_options wanted = {0};
	options.argv = argv;
	options.probe = &probe;
	int r = open_policy(t, &policy);
	if (r == 0)
		r = session_policy_apply(&policy, &options, &wanted);
	if (r == 0)
		r = run_session(&options, &wanted, wait_status);
	session_policy_finish(&policy);
	return r;
}
