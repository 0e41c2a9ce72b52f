/* From what was done to a policy: fewer and larger paths, rules by kind of call. */
#include <fcntl.h>
#include <string.h>

#include "policy/calls.h"
#include "policy/learn_private.h"

#define ENOUGH 4	/* entries of a directory that were used, for the directory to stand for all */

struct used_path {
	struct policy_string s;
	bool dir;			/* it stands for everything below */
};

struct path_set {
	struct used_path *v;		/* malloc'ed, sorted once reduced */
	size_t count, cap;
};

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

	if (deed_is_open(d))
		return d->flags & (O_ACCMODE | O_CREAT | O_TRUNC);
	for (size_t i = 0; i < ARRAY_SIZE(modifying); i++) {
		if (d->id == modifying[i])
			return true;
	}
	return false;
}

/* ---- writing ---- */

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
		policy_quote(s->v[i].s.text, s->v[i].s.len, out);
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
		strbuf_addc(out, ' ');
		strbuf_adds(out, name);
		column += strlen(name) + 1;
	}
	strbuf_adds(out, rest);
	strbuf_addc(out, '\n');
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
		if (learn_path_count((enum call_id)id) < 2)
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

/* fstat of a pipe, as newer C libraries make it: newfstatat with an empty path. */
static void write_nameless(const struct learner *l, struct strbuf *out)
{
	static const enum fd_kind kinds[] = {FD_PIPE, FD_SOCKET, FD_ANON};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		AUTO_STRBUF struct strbuf when;
		struct call_set calls;

		strbuf_init(&when);
		strbuf_addf(&when, " when %s", learn_nameless_test(kinds[i]));
		call_set_clear(&calls);
		for (const struct deed *d = l->deeds; d; d = d->next) {
			if (d->nameless == kinds[i])
				call_set_add(&calls, d->id);
		}
		write_calls("native", &calls, strbuf_str(&when), out);
	}
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
		if (!d->paths && !d->nameless)
			call_set_add(&plain, d->id);
		else if (d->paths && !deed_is_open(d))
			call_set_add(&with_paths, d->id);
		for (unsigned i = 0; i < 6; i++) {
			if (d->paths >> i & 1)
				(void)add_path(writes(d) ? &written : &read, shorten(d->path[i], d->flags & O_EXCL));
		}
	}
	if (read.count || written.count)
		remove_own(&plain);
	for (size_t i = 0; i < ARRAY_SIZE(plain.bits); i++)
		with_paths.bits[i] &= ~plain.bits[i];
	prune(&read);
	prune(&written);
	while (lift(&read))
		;
	while (lift(&written))
		;
	strbuf_adds(out,
		    "# Learned from a run: what it did passes, what else there is does not.\ndefault errno EPERM\n");
	for (int abi = 0; abi < ABI_COUNT; abi++) {
		if (l->abis[abi] && (abi == ABI_I386 || abi == ABI_X32))
			strbuf_addf(out, "abi %s same\n", call_abi_name((enum call_abi)abi));
	}
	strbuf_addc(out, '\n');
	if (read.count || written.count)
		write_path_rules(&read, &written, &with_paths, out);
	write_nameless(l, out);
	write_calls("native", &plain, "", out);
	strbuf_adds(out, "\n# Newer calls are as on a kernel without them, so that programs fall back.\nerrno ENOSYS "
			 "%unknown openat2\n");
	free(read.v);
	free(written.v);
}
