/* -P: only calls that name one of some paths, or use a descriptor of one; decided at their entry, as strace does. */
#include <string.h>

#include "observe/sink.h"

/* A printer that prints nothing but looks at what it is told. */
struct path_matcher {
	struct printer base;
	const struct observe_options *options;
	const struct call_desc *desc;
	unsigned param;		/* the one being told, + 1 */
	bool matched;
};

static struct path_matcher *matcher(struct printer *p)
{
	return (struct path_matcher *)p;
}

static void match_path(struct path_matcher *m, const char *path, size_t len)
{
	for (size_t i = 0; i < m->options->path_count && !m->matched; i++)
		m->matched = strlen(m->options->paths[i]) == len && memcmp(m->options->paths[i], path, len) == 0;
}

static void match_param(struct printer *p, const char *name UNUSED)
{
	matcher(p)->param++;
}

static void match_string(struct printer *p, const void *bytes, size_t len, bool more, bool nul UNUSED)
{
	struct path_matcher *m = matcher(p);
	if (!more && m->param && m->param <= m->desc->nparams && m->desc->params[m->param - 1].kind == PARAM_PATH)
		match_path(m, bytes, len);
}

static void match_fd(struct printer *p, const char *path)
{
	match_path(matcher(p), path, strlen(path));
}

bool path_filter_match(const struct observe_options *options, const struct observed_event *e)
{
	if (e->head->id < 0)
		return false;
	struct printer_ops ops = *null_printer()->ops;
	ops.param_begin = match_param;
	ops.string = match_string;
	ops.met = match_fd;
	struct path_matcher m = {.base.ops = &ops, .options = options, .desc = call_desc((enum call_id)e->head->id)};
	struct decode_call call = observed_call(e->head);
	struct replay_source src;
	replay_source_init(&src, e->payload, e->len);
	(void)decode_enter(&call, &options->decode, &src.base, &m.base);
	return m.matched;
}
