#include "policy/learn.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "policy/callparse.h"
#include "policy/calls.h"
#include "policy/decide.h"
#include "policy/map.h"

#define ENOUGH 4	/* entries of a directory that were used, for the directory to stand for all */

/* One thing that was done: a call, with its paths if it has any. */
struct deed {
	enum call_id id;
	unsigned paths;			/* bit: parameter */
	struct policy_string path[6];
	uint64_t flags;			/* open's */
	struct deed *next;
};

struct used_path {
	struct policy_string s;
	bool dir;			/* it stands for everything below */
};

struct path_set {
	struct used_path *v;		/* malloc'ed, sorted once reduced */
	size_t count, cap;
};

struct learner {
	struct arena arena;
	struct map seen;		/* a deed's bytes to the deed */
	struct map cwds;		/* pid's text to struct policy_string: where it is */
	struct policy_string cwd;
	struct deed *deeds;		/* newest first */
	bool follow;			/* symbolic links */
	bool no_memory;
};

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

/* Where the whole path leads, if it is a link: false if it is not. */
static bool follow_last(struct learner *l, struct policy_string *p)
{
	char path[PATH_MAX], real[PATH_MAX];

	if (p->len >= sizeof(path))
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

static void read_paths(struct learner *l, const json_t *args, struct policy_string *cwd, struct deed *d)
{
	const struct call_desc *desc = call_desc(d->id);

	for (unsigned i = 0; i < desc->nparams; i++) {
		struct policy_string path, base = *cwd, dir;

		if (desc->params[i].kind != PARAM_PATH || desc->params[i].dir == PARAM_OUT ||
		    !text_of(json_object_get(args, desc->params[i].name), &path))
			continue;
		if (i && desc->params[i - 1].kind == PARAM_DIRFD &&
		    text_of(json_object_get(json_object_get(args, desc->params[i - 1].name), "path"), &dir))
			base = resolve(l, cwd, &dir);
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

static bool is_open(enum call_id id)
{
	return id == CALL_open || id == CALL_openat;
}

static void remember(struct learner *l, const struct deed *d)
{
	AUTO_STRBUF struct strbuf key;
	struct deed *copy;
	void **place;
	char *bytes;

	strbuf_init(&key);
	strbuf_addf(&key, "%d %llx", (int)d->id, (unsigned long long)d->flags);
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

static unsigned path_count(enum call_id id)
{
	const struct call_desc *d = call_desc(id);
	unsigned n = 0;

	for (unsigned i = 0; i < d->nparams; i++)
		n += d->params[i].kind == PARAM_PATH && d->params[i].dir != PARAM_OUT;
	return n;
}

static void learn(struct learner *l, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "syscall"));
	const json_t *args = json_object_get(o, "args"), *result = json_object_get(o, "result");
	struct policy_string *cwd = cwd_of(l, json_integer_value(json_object_get(o, "pid")));
	struct deed d = {.id = name ? call_from_name(name, strlen(name)) : CALL_NONE};

	if (d.id < 0)
		return;
	read_paths(l, args, cwd, &d);
	if (is_open(d.id))
		d.flags = read_flags(args);
	if (!d.paths && path_count(d.id))
		return;		/* a null or bad pointer: to allow that would be to allow every path */
	remember(l, &d);
	if (l->follow && d.paths && !(d.paths & (d.paths - 1)) && follow_last(l, &d.path[__builtin_ctz(d.paths)]))
		remember(l, &d);	/* a call may look at the link or at what it leads to */
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

/* ---- fewer paths ---- */

static bool add_path(struct path_set *s, struct used_path p)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct used_path *v = reallocarray(s->v, cap, sizeof(*v));

		if (!v)
			return false;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->count++] = p;
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct used_path *u = a, *w = b;
	const struct policy_string *x = &u->s, *y = &w->s;
	uint32_t n = x->len < y->len ? x->len : y->len;

	for (uint32_t i = 0; i < n; i++) {
		/* '/' sorts first, so that what is below a directory follows it at once. */
		int c = x->text[i] == '/' ? 1 : (unsigned char)x->text[i] + 1,
		    e = y->text[i] == '/' ? 1 : (unsigned char)y->text[i] + 1;

		if (c != e)
			return c - e;
	}
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return w->dir - u->dir;
}

static bool is_below(const struct policy_string *dir, const struct policy_string *p)
{
	return p->len >= dir->len && memcmp(dir->text, p->text, dir->len) == 0 &&
	       (p->len == dir->len || p->text[dir->len] == '/');
}

/* Sort, and drop what is there twice or below a directory that stands for it. */
static void prune(struct path_set *s)
{
	const struct used_path *dir = NULL, *last = NULL;
	size_t out = 0;

	if (s->count)
		qsort(s->v, s->count, sizeof(*s->v), by_text);
	for (size_t i = 0; i < s->count; i++) {
		const struct policy_string *p = &s->v[i].s;

		if ((dir && is_below(&dir->s, p)) || (last && last->s.len == p->len && is_below(&last->s, p)))
			continue;
		s->v[out] = s->v[i];
		last = &s->v[out++];
		dir = last->dir ? last : dir;
	}
	s->count = out;
}

static struct policy_string parent(const struct policy_string *p)
{
	const char *slash = memrchr(p->text, '/', p->len);

	return (struct policy_string){.text = p->text, .len = slash ? (uint32_t)(slash - p->text) : 0};
}

static unsigned depth(const struct policy_string *p)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < p->len; i++)
		n += p->text[i] == '/';
	return n;
}

/* One pass: directories with enough entries in the (sorted) set replace them. /etc, /home and the like never do. */
static bool lift(struct path_set *s)
{
	size_t before = s->count;

	for (size_t i = 0; i < before;) {
		struct policy_string dir = parent(&s->v[i].s);
		size_t n = 0;

		for (; i + n < before; n++) {
			struct policy_string other = parent(&s->v[i + n].s);

			if (other.len != dir.len || memcmp(other.text, dir.text, dir.len) != 0)
				break;
		}
		if (n >= ENOUGH && depth(&dir) >= 2)
			s->v[i] = (struct used_path){.s = dir, .dir = true};
		i += n ? n : 1;
	}
	prune(s);
	return s->count != before;
}

static struct used_path shorten(struct policy_string p, bool exclusive)
{
	static const char *const temporary[] = {"/tmp", "/var/tmp", "/dev/shm"};
	struct used_path u = {.s = p};

	if (p.len > 6 && memcmp(p.text, "/proc/", 6) == 0 && p.text[6] >= '0' && p.text[6] <= '9')
		u = (struct used_path){.s = {.text = "/proc", .len = 5}, .dir = true};
	for (size_t i = 0; exclusive && i < ARRAY_SIZE(temporary); i++) {
		struct policy_string dir = {.text = temporary[i], .len = (uint32_t)strlen(temporary[i])};

		if (is_below(&dir, &p))
			u = (struct used_path){.s = dir, .dir = true};
	}
	return u;
}

static bool writes(const struct deed *d)
{
	static const enum call_id modifying[] = {
		CALL_creat, CALL_truncate, CALL_mkdir,	  CALL_mkdirat,	  CALL_mknod,	 CALL_mknodat,
		CALL_rmdir, CALL_unlink,   CALL_unlinkat, CALL_rename,	  CALL_renameat, CALL_renameat2,
		CALL_link,  CALL_linkat,   CALL_symlink,  CALL_symlinkat, CALL_chmod,	 CALL_fchmodat,
		CALL_chown, CALL_lchown,   CALL_fchownat, CALL_utimensat, CALL_setxattr, CALL_lsetxattr,
	};

	if (is_open(d->id))
		return d->flags & (O_ACCMODE | O_CREAT | O_TRUNC);
	for (size_t i = 0; i < ARRAY_SIZE(modifying); i++) {
		if (d->id == modifying[i])
			return true;
	}
	return false;
}

/* ---- writing ---- */

static void add_string(struct strbuf *out, const struct policy_string *s)
{
	strbuf_addc(out, '"');
	for (uint32_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->text[i];

		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			strbuf_addf(out, "\\x%02x", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}

static bool has(const struct path_set *s, bool dirs)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->v[i].dir == dirs)
			return true;
	}
	return false;
}

static void write_set(const char *name, const struct path_set *s, bool dirs, struct strbuf *out)
{
	if (!has(s, dirs))
		return;
	strbuf_addf(out, "set %s =", name);
	for (size_t i = 0; i < s->count; i++) {
		if (s->v[i].dir != dirs)
			continue;
		strbuf_adds(out, " \\\n\t");
		add_string(out, &s->v[i].s);
	}
	strbuf_addc(out, '\n');
}

/* "(PATH in @NAME or PATH under @NAME-dirs)", as far as there are such sets. */
static void add_test(const char *path, const char *name, bool exact, bool dirs, struct strbuf *out)
{
	strbuf_adds(out, exact && dirs ? "(" : "");
	if (exact)
		strbuf_addf(out, "%s in @%s", path, name);
	strbuf_adds(out, exact && dirs ? " or " : "");
	if (dirs)
		strbuf_addf(out, "%s under @%s-dirs", path, name);
	strbuf_adds(out, exact && dirs ? ")" : "");
}

static void write_calls(const char *action, const struct call_set *set, const char *rest, struct strbuf *out)
{
	size_t column = strlen(action);

	if (call_set_next(set, 0) < 0)
		return;
	strbuf_adds(out, action);
	FOR_EACH_CALL(id, set) {
		const char *name = call_desc((enum call_id)id)->name;

		if (column + strlen(name) > 100) {
			strbuf_adds(out, " \\\n\t");
			column = 8;
		}
		strbuf_addf(out, " %s", name);
		column += strlen(name) + 1;
	}
	strbuf_addf(out, "%s\n", rest);
}

/* A call with two paths: each may be any that was used. */
static void write_two_paths(enum call_id id, bool exact, bool dirs, struct strbuf *out)
{
	const struct call_desc *d = call_desc(id);
	const char *joint = " when ";

	strbuf_addf(out, "native %s", d->name);
	for (unsigned i = 0; i < d->nparams; i++) {
		if (d->params[i].kind != PARAM_PATH || d->params[i].dir == PARAM_OUT)
			continue;
		strbuf_adds(out, joint);
		add_test(d->params[i].name, "used", exact, dirs, out);
		joint = " and ";
	}
	strbuf_addc(out, '\n');
}

static void write_other_calls(const struct call_set *calls, bool exact, bool dirs, struct strbuf *out)
{
	struct call_set single = *calls;
	AUTO_STRBUF struct strbuf when;

	strbuf_init(&when);
	strbuf_adds(&when, " when ");
	add_test("path", "used", exact, dirs, &when);
	FOR_EACH_CALL(id, calls) {
		if (path_count((enum call_id)id) < 2)
			continue;
		call_set_remove(&single, (enum call_id)id);
		write_two_paths((enum call_id)id, exact, dirs, out);
	}
	write_calls("native", &single, strbuf_str(&when), out);
}

/* "set used = @read @written", of the sets that there are. */
static void write_union(const char *suffix, bool read, bool written, struct strbuf *out)
{
	if (!read && !written)
		return;
	strbuf_addf(out, "set used%s =", suffix);
	if (read)
		strbuf_addf(out, " @read%s", suffix);
	if (written)
		strbuf_addf(out, " @written%s", suffix);
	strbuf_addc(out, '\n');
}

static void write_path_rules(const struct path_set *read, const struct path_set *written, const struct call_set *calls,
			     struct strbuf *out)
{
	bool exact[2] = {has(read, false), has(written, false)}, dirs[2] = {has(read, true), has(written, true)};

	write_set("read", read, false, out);
	write_set("read-dirs", read, true, out);
	write_set("written", written, false, out);
	write_set("written-dirs", written, true, out);
	write_union("", exact[0], exact[1], out);
	write_union("-dirs", dirs[0], dirs[1], out);
	strbuf_addc(out, '\n');
	if (written->count) {
		strbuf_adds(out, "native open openat when ");
		add_test("path", "written", exact[1], dirs[1], out);
		strbuf_addc(out, '\n');
	}
	if (read->count) {
		strbuf_adds(out, "native open openat when ");
		add_test("path", "read", exact[0], dirs[0], out);
		strbuf_adds(out, " and flags & O_ACCMODE|O_CREAT|O_TRUNC == O_RDONLY\n");
	}
	write_other_calls(calls, exact[0] || exact[1], dirs[0] || dirs[1], out);
	strbuf_adds(out,
		    "# For trapline itself: it keeps the paths that were checked in sealed memory of the guest.\n");
	strbuf_adds(out, "native memfd_create mseal mmap munmap close ftruncate\n");
}

/* What write_path_rules allows for trapline's own sake. */
static void remove_own(struct call_set *s)
{
	static const enum call_id own[] = {
		CALL_memfd_create, CALL_mseal, CALL_mmap, CALL_munmap, CALL_close, CALL_ftruncate,
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		call_set_remove(s, own[i]);
}

void learner_write(const struct learner *l, struct strbuf *out)
{
	struct path_set read = {0}, written = {0};
	struct call_set plain, with_paths;

	call_set_clear(&plain);
	call_set_clear(&with_paths);
	for (const struct deed *d = l->deeds; d; d = d->next) {
		if (!d->paths)
			call_set_add(&plain, d->id);
		else if (!is_open(d->id))
			call_set_add(&with_paths, d->id);
		for (unsigned i = 0; i < 6; i++) {
			if (d->paths >> i & 1)
				(void)add_path(writes(d) ? &written : &read, shorten(d->path[i], d->flags & O_EXCL));
		}
	}
	if (read.count || written.count)
		remove_own(&plain);
	for (size_t i = 0; i < ARRAY_SIZE(plain.bits); i++)	/* fstat by AT_EMPTY_PATH and the like: both ways */
		with_paths.bits[i] &= ~plain.bits[i];
	prune(&read);
	prune(&written);
	while (lift(&read))
		;
	while (lift(&written))
		;
	strbuf_adds(out,
		    "# Learned from a run: what it did passes, what else there is does not.\ndefault errno EPERM\n\n");
	if (read.count || written.count)
		write_path_rules(&read, &written, &with_paths, out);
	write_calls("native", &plain, "", out);
	strbuf_adds(out, "\n# Newer calls are as on a kernel without them, so that programs fall back.\nerrno ENOSYS "
			 "%unknown openat2\n");
	free(read.v);
	free(written.v);
}

/* ---- what a policy lacks ---- */

static int deed_path(void *ctx, unsigned param, struct policy_string *ret)
{
	const struct deed *d = ctx;

	*ret = d->path[param];
	return d->paths >> param & 1 ? 0 : -EFAULT;
}

static int no_addr(void *ctx UNUSED, unsigned param UNUSED, struct decide_addr *ret UNUSED)
{
	return -EFAULT;
}

static int no_fd(void *ctx UNUSED, unsigned param UNUSED, struct decide_fd *ret UNUSED)
{
	return -EBADF;
}

static int no_task(void *ctx UNUSED, struct decide_task *ret)
{
	*ret = (struct decide_task){.calls = 1};
	return 0;
}

static bool passes(const struct policy *p, struct deed *d)
{
	static const struct decide_ops ops = {
		.path = deed_path, .string = deed_path, .addr = no_addr, .fd = no_fd, .task = no_task,
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
		for (unsigned i = 0; i < 6; i++) {
			if (!(d->paths >> i & 1))
				continue;
			strbuf_adds(out, d->paths & ((1u << i) - 1) ? " or path == " : " when path == ");
			add_string(out, &d->path[i]);
		}
		strbuf_addc(out, '\n');
	}
	return n;
}
