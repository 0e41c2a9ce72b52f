#include "policy/learn.h"

#include <ctype.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "policy/callparse.h"
#include "policy/decide.h"
#include "policy/learn_private.h"

int learner_create(const char *cwd, bool follow, struct learner **ret)
{
	struct learner *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->follow = follow;
	l->cwd.len = (uint32_t)strlen(cwd);
	l->cwd.text = arena_strndup(&l->arena, cwd, l->cwd.len);
	if (!l->cwd.text) {
		learner_destroy(l);
		return -ENOMEM;
	}
	*ret = l;
	return 0;
}

void learner_destroy(struct learner *l)
{
	if (!l)
		return;
	map_finish(&l->seen);
	map_finish(&l->cwds);
	arena_finish(&l->arena);
	free(l);
}

/* ---- reading ---- */

static struct policy_string *cwd_of(struct learner *l, json_int_t pid)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)pid);
	struct policy_string *s = map_find(&l->cwds, text, (size_t)n);
	char *key;
	void **place;

	if (s)
		return s;
	key = arena_strndup(&l->arena, text, (size_t)n);
	s = arena_memdup(&l->arena, &l->cwd, sizeof(l->cwd));
	place = key && s ? map_place(&l->cwds, key, (size_t)n) : NULL;
	if (!place) {
		l->no_memory = true;
		return &l->cwd;
	}
	*place = s;
	return s;
}

static bool text_of(const json_t *v, struct policy_string *ret)
{
	if (json_is_object(v))
		v = json_object_get(v, "string");
	if (!json_is_string(v) || json_string_length(v) > 4096)
		return false;
	*ret = (struct policy_string){.text = json_string_value(v), .len = (uint32_t)json_string_length(v)};
	return true;
}

static struct policy_string resolve(struct learner *l, const struct policy_string *base,
				    const struct policy_string *path)
{
	struct policy_string full = {.text = "/", .len = 1};

	if (path_join(&l->arena, base, path, &full) < 0)
		l->no_memory = true;
	return full;
}

/* With the links of the directory followed, as far as there is one; what does not exist stays as it is. */
static struct policy_string follow_dir(struct learner *l, struct policy_string p)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct policy_string base, full;

	for (size_t len = p.len; len > 1; len--) {
		if (p.text[len - 1] != '/' || len >= sizeof(path))
			continue;
		memcpy(path, p.text, len);
		path[len] = '\0';
		if (!realpath(path, real))
			continue;
		base = (struct policy_string){.text = real, .len = (uint32_t)strlen(real)};
		full = (struct policy_string){.text = p.text + len, .len = p.len - (uint32_t)len};
		return resolve(l, &base, &full);
	}
	return p;
}

/* /proc/self/exe and the like: to us they lead elsewhere. */
static bool is_process_link(const struct policy_string *p)
{
	static const char *const places[] = {"/proc/self/", "/proc/thread-self/"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i]);
		if (p->len > len && memcmp(p->text, places[i], len) == 0)
			return true;
	}
	return p->len > 6 && memcmp(p->text, "/proc/", 6) == 0 && isdigit((unsigned char)p->text[6]);
}

/* Where the whole path leads, if it is a link: false if it is not. */
static bool follow_last(struct learner *l, struct policy_string *p)
{
	char path[PATH_MAX], real[PATH_MAX];

	if (p->len >= sizeof(path) || is_process_link(p))
		return false;
	memcpy(path, p->text, p->len);
	path[p->len] = '\0';
	if (!realpath(path, real) || !strcmp(path, real))
		return false;
	p->len = (uint32_t)strlen(real);
	p->text = arena_strndup(&l->arena, real, p->len);
	l->no_memory = l->no_memory || !p->text;
	return p->text;
}

/* What /proc shows of descriptors that are open on no file with a name. */
static const struct {
	enum fd_kind kind;
	const char *prefix, *path, *test;
} nameless[] = {
	{FD_PIPE, "pipe:[", "/pipe:[0]", "dirfd.kind == pipe and path glob \"/pipe:*\""},
	{FD_SOCKET, "socket:[", "/socket:[0]", "dirfd.kind == socket and path glob \"/socket:*\""},
	{FD_ANON, "anon_inode:", "/anon_inode:[0]", "dirfd.kind == anon and path glob \"/anon_inode:*\""},
};

const char *learn_nameless_test(enum fd_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(nameless); i++) {
		if (nameless[i].kind == kind)
			return nameless[i].test;
	}
	return NULL;
}

static enum fd_kind nameless_kind(const struct policy_string *link)
{
	for (size_t i = 0; i < ARRAY_SIZE(nameless); i++) {
		if (link->len > strlen(nameless[i].prefix) &&
		    memcmp(link->text, nameless[i].prefix, strlen(nameless[i].prefix)) == 0)
			return nameless[i].kind;
	}
	return FD_UNKNOWN;
}

/* Where a path starts: false if that is no directory with a name. */
static bool read_base(struct learner *l, const json_t *dirfd, const struct policy_string *cwd,
		      const struct policy_string *path, struct deed *d, struct policy_string *ret)
{
	struct policy_string dir;

	*ret = *cwd;
	if (path->len && path->text[0] == '/')
		return true;
	if (!text_of(json_object_get(dirfd, "path"), &dir))
		return true;
	if (dir.len && dir.text[0] == '/') {
		*ret = resolve(l, cwd, &dir);
		return true;
	}
	if (!path->len)
		d->nameless = nameless_kind(&dir);
	return false;
}

static void read_paths(struct learner *l, const json_t *args, struct policy_string *cwd, struct deed *d)
{
	const struct call_desc *desc = call_desc(d->id);

	for (unsigned i = 0; i < desc->nparams; i++) {
		const json_t *dirfd = NULL, *arg = json_object_get(args, desc->params[i].name);
		struct policy_string path, base;

		if (desc->params[i].kind != PARAM_PATH || desc->params[i].dir == PARAM_OUT)
			continue;
		if (i && desc->params[i - 1].kind == PARAM_DIRFD)
			dirfd = json_object_get(args, desc->params[i - 1].name);
		/* utimensat(fd, NULL, ...) means the descriptor, as an empty path does. */
		if (json_is_null(arg) && json_object_get(dirfd, "path"))
			path = (struct policy_string){.text = "", .len = 0};
		else if (!text_of(arg, &path))
			continue;
		if (!read_base(l, dirfd, cwd, &path, d, &base))
			continue;
		d->path[i] = resolve(l, &base, &path);
		if (l->follow)
			d->path[i] = follow_dir(l, d->path[i]);
		d->paths |= 1u << i;
	}
}

static uint64_t read_flags(const json_t *args)
{
	const struct flag_set *set = flag_set_find("open_flags");
	const json_t *v;
	uint64_t flags = 0;
	size_t i;

	json_array_foreach(json_object_get(args, "flags"), i, v) {
		const char *name = json_string_value(v);
		uint64_t bit = 0;

		if (name && set && flag_set_value(set, name, strlen(name), &bit) == 0)
			flags |= bit;
	}
	return flags;
}

static void remember(struct learner *l, const struct deed *d)
{
	AUTO_STRBUF struct strbuf key;
	struct deed *copy;
	void **place;
	char *bytes;

	strbuf_init(&key);
	strbuf_addf(&key, "%d %llx %d", (int)d->id, (unsigned long long)d->flags, (int)d->nameless);
	for (unsigned i = 0; i < 6; i++) {
		strbuf_addc(&key, '\0');
		if (d->paths >> i & 1)
			strbuf_add(&key, d->path[i].text, d->path[i].len);
	}
	if (map_find(&l->seen, strbuf_str(&key), key.len))
		return;
	bytes = arena_memdup(&l->arena, strbuf_str(&key), key.len);
	copy = arena_memdup(&l->arena, d, sizeof(*d));
	place = bytes && copy ? map_place(&l->seen, bytes, key.len) : NULL;
	if (!place) {
		l->no_memory = true;
		return;
	}
	*place = copy;
	copy->next = l->deeds;
	l->deeds = copy;
}

unsigned learn_path_count(enum call_id id)
{
	const struct call_desc *d = call_desc(id);
	unsigned n = 0;

	for (unsigned i = 0; i < d->nparams; i++)
		n += d->params[i].kind == PARAM_PATH && d->params[i].dir != PARAM_OUT;
	return n;
}

/* Where such a link led: what was opened through it. */
static bool opened_path(struct learner *l, const json_t *result, struct policy_string *p)
{
	struct policy_string to;

	if (!is_process_link(p) || !text_of(json_object_get(result, "path"), &to) || !to.len || to.text[0] != '/')
		return false;
	p->text = arena_strndup(&l->arena, to.text, to.len);
	p->len = to.len;
	l->no_memory = l->no_memory || !p->text;
	return p->text;
}

/*
 * Through which ABI the call was made. A call of i386 that is shown as what it stands for is decided on by the number
 * that it has: that is to be allowed as well.
 */
static void learn_abi(struct learner *l, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "abi"));
	int64_t nr = json_integer_value(json_object_get(o, "nr"));

	for (int abi = 0; name && abi < ABI_COUNT; abi++) {
		if (strcmp(name, call_abi_name((enum call_abi)abi)) != 0)
			continue;
		l->abis[abi] = true;
		struct deed made = {.id = call_from_nr((enum call_abi)abi, nr)};
		if (made.id == CALL_socketcall || made.id == CALL_ipc)
			remember(l, &made);
	}
}

static void learn(struct learner *l, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "syscall"));
	const json_t *args = json_object_get(o, "args"), *result = json_object_get(o, "result");
	struct policy_string *cwd = cwd_of(l, json_integer_value(json_object_get(o, "pid")));
	struct deed d = {.id = name ? call_from_name(name, strlen(name)) : CALL_NONE};

	if (d.id < 0)
		return;
	learn_abi(l, o);
	read_paths(l, args, cwd, &d);
	if (deed_is_open(&d))
		d.flags = read_flags(args);
	if (!d.paths && !d.nameless && learn_path_count(d.id))
		return;		/* a null or bad pointer: to allow that would be to allow every path */
	remember(l, &d);
	if (l->follow && d.paths && !(d.paths & (d.paths - 1))) {
		struct policy_string *last = &d.path[__builtin_ctz(d.paths)];
		/* A call may look at the link or at what it leads to. */
		if (follow_last(l, last) || (deed_is_open(&d) && opened_path(l, result, last)))
			remember(l, &d);
	}
	if (d.id == CALL_chdir && json_is_integer(result) && json_integer_value(result) == 0 && d.paths)
		*cwd = d.path[0];
}

int learner_line(struct learner *l, const char *line, size_t len)
{
	json_t *o;

	if (!len)
		return 0;
	o = json_loadb(line, len, JSON_ALLOW_NUL, NULL);	/* what was read or written may have any byte */
	if (!json_is_object(o)) {
		json_decref(o);
		return -EINVAL;
	}
	learn(l, o);
	json_decref(o);
	return l->no_memory ? -ENOMEM : 0;
}

/* ---- what a policy lacks ---- */

static int deed_path(void *ctx, unsigned param, struct policy_string *ret)
{
	const struct deed *d = ctx;

	*ret = d->path[param];
	for (size_t i = 0; i < ARRAY_SIZE(nameless) && d->nameless; i++) {
		if (nameless[i].kind == d->nameless)
			*ret = (struct policy_string){nameless[i].path, (uint32_t)strlen(nameless[i].path)};
	}
	return d->paths >> param & 1 || d->nameless ? 0 : -EFAULT;
}

static int no_addr(void *ctx UNUSED, unsigned param UNUSED, struct decide_addr *ret UNUSED)
{
	return -EFAULT;
}

static int deed_fd(void *ctx, unsigned param UNUSED, struct decide_fd *ret)
{
	const struct deed *d = ctx;

	*ret = (struct decide_fd){.kind = d->nameless};
	return d->nameless ? 0 : -EBADF;
}

static int no_task(void *ctx UNUSED, struct decide_task *ret)
{
	*ret = (struct decide_task){.calls = 1};
	return 0;
}

static bool passes(const struct policy *p, struct deed *d)
{
	static const struct decide_ops ops = {
		.path = deed_path, .string = deed_path, .addr = no_addr, .fd = deed_fd, .task = no_task,
	};
	struct decide_event e = {.id = d->id, .abi = policy_own_abi(), .ops = &ops, .ctx = d};
	struct decision decision;

	if (d->id == CALL_openat)
		e.args[2] = d->flags;
	if (d->id == CALL_open)
		e.args[1] = d->flags;
	policy_decide(p, NULL, &e, &decision);
	return decision.action.kind != ACTION_ERRNO && decision.action.kind != ACTION_KILL;
}

size_t learner_difference(const struct learner *l, const struct policy *p, struct strbuf *out)
{
	size_t n = 0;

	for (struct deed *d = l->deeds; d; d = d->next) {
		if (passes(p, d))
			continue;
		n++;
		strbuf_addf(out, "+ native %s", call_desc(d->id)->name);
		if (d->nameless)
			strbuf_addf(out, " when %s", learn_nameless_test(d->nameless));
		for (unsigned i = 0; i < 6; i++) {
			if (!(d->paths >> i & 1))
				continue;
			strbuf_adds(out, d->paths & ((1u << i) - 1) ? " or path == " : " when path == ");
			policy_quote(d->path[i].text, d->path[i].len, out);
		}
		strbuf_addc(out, '\n');
	}
	return n;
}
