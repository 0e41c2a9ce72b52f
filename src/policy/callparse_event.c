/* What a decision asks about a parsed call. */
#include <string.h>

#include "policy/callparse.h"

/* Append the components of s to buf (of n bytes used, always normal): the new length. */
static size_t add_components(char *buf, size_t n, const struct policy_string *s)
{
	for (size_t i = 0; i < s->len;) {
		size_t len = 0;

		while (i + len < s->len && s->text[i + len] != '/')
			len++;
		if (len == 2 && memcmp(s->text + i, "..", 2) == 0) {
			while (n && buf[--n] != '/')
				;
		} else if (len && !(len == 1 && s->text[i] == '.')) {
			buf[n++] = '/';
			memcpy(buf + n, s->text + i, len);
			n += len;
		}
		i += len + 1;
	}
	return n;
}

int path_join(struct arena *arena, const struct policy_string *dir, const struct policy_string *path,
	      struct policy_string *ret)
{
	char *buf = arena_alloc(arena, (size_t)dir->len + path->len + 4);
	size_t n = 0;

	if (!buf)
		return -ENOMEM;
	if (!path->len || path->text[0] != '/')
		n = add_components(buf, 0, dir);
	n = add_components(buf, n, path);
	if (!n)
		buf[n++] = '/';
	*ret = (struct policy_string){.text = buf, .len = (uint32_t)n};
	return 0;
}

/* A *at call's directory is the descriptor before its path. */
static int base_dir(struct parsed_call *c, unsigned param, struct policy_string *ret)
{
	const struct call_desc *d = call_desc(c->id);

	*ret = c->cwd;
	if (!param || d->params[param - 1].kind != PARAM_DIRFD || (int32_t)c->args[param - 1] == -100)
		return 0;
	if (!c->has_fd[param - 1] || !c->links[param - 1].len)
		return -EBADF;
	*ret = c->links[param - 1];
	return 0;
}

static int event_path(void *ctx, unsigned param, struct policy_string *ret)
{
	struct parsed_call *c = ctx;
	struct policy_string dir = c->cwd;
	int r;

	if (!c->has_string[param])
		return -EFAULT;
	if (!c->strings[param].len || c->strings[param].text[0] != '/') {
		r = base_dir(c, param, &dir);
		if (r < 0)
			return r;
	}
	return path_join(&c->arena, &dir, &c->strings[param], ret);
}

static int event_string(void *ctx, unsigned param, struct policy_string *ret)
{
	struct parsed_call *c = ctx;

	*ret = c->strings[param];
	return c->has_string[param] ? 0 : -EFAULT;
}

static int event_addr(void *ctx, unsigned param, struct decide_addr *ret)
{
	struct parsed_call *c = ctx;

	*ret = c->addrs[param];
	return c->has_addr[param] ? 0 : -EFAULT;
}

static int event_fd(void *ctx, unsigned param, struct decide_fd *ret)
{
	struct parsed_call *c = ctx;

	*ret = c->fds[param];
	return c->has_fd[param] ? 0 : -EBADF;
}

static int event_task(void *ctx, struct decide_task *ret)
{
	*ret = ((struct parsed_call *)ctx)->task;
	return 0;
}

void parsed_call_event(struct parsed_call *c, struct decide_event *ret)
{
	static const struct decide_ops ops = {
		.path = event_path, .string = event_string, .addr = event_addr, .fd = event_fd, .task = event_task,
	};

	*ret = (struct decide_event){.id = c->id, .abi = c->abi, .ops = &ops, .ctx = c};
	/* Arguments are written in the call's order; into the registers that the ABI has for them. */
	for (unsigned i = 0; i < 6; i++) {
		const struct call_param *param = decide_param_for(c->id, c->abi, i);

		if (!param)
			continue;
		ret->args[param->reg] = c->args[i];
		if (param->regs > 1 && param->reg < 5)
			ret->args[param->reg + 1] = c->args[i] >> 32;
		if (c->abi == ABI_I386)
			ret->args[param->reg] = (uint32_t)c->args[i];
	}
}
