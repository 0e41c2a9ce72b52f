/* mount: what the guest sees where. */
#include <string.h>

#include "policy/parse_private.h"

enum {
	LOWERS_MAX = 500,	/* as the kernel's overlayfs */
	MODE_MAX = 07777,
};

/* What a kind of mount takes behind its name. */
struct kind_shape {
	const char *source;	/* what its first string is; NULL: it has none */
	bool tmpfs, overlay;	/* takes their options */
};

static const struct kind_shape shapes[MOUNT_KINDS] = {
	[MOUNT_HOST] = {.source = "the file or directory of the host, in quotes"},
	[MOUNT_EXT4] = {.source = "the image, in quotes"},
	[MOUNT_TMPFS] = {.tmpfs = true},
	[MOUNT_OVERLAY] = {.overlay = true},
};

static bool host_path(struct parser *ps, const char *what, const char **ret)
{
	const char *text;

	if (parse_token(ps)->kind == TOK_STRING && !parse_token(ps)->len)
		return parse_expected(ps, what);
	if (!parse_string(ps, what, &text))
		return false;
	*ret = parse_beside(ps, text);
	return *ret;
}

static size_t count_lowers(const char *s)
{
	size_t n = 1;

	for (; *s; s++)
		n += *s == ':';
	return n < LOWERS_MAX ? n : LOWERS_MAX;
}

/* The next directory of "A:B", from s on; "\:" is a colon of its name. The place behind it, NULL at the end. */
static const char *split_lower(const char *s, char *ret)
{
	for (; *s && *s != ':'; s++) {
		if (*s == '\\' && s[1] == ':')
			s++;
		*ret++ = *s;
	}
	*ret = '\0';
	return *s ? s + 1 : NULL;
}

static bool lower_paths(struct parser *ps, struct policy_mount *m)
{
	struct span at = parse_token(ps)->at;
	AUTO_FREE char *one = NULL;
	const char *text, **list;

	if (!parse_string(ps, "the lower directories in quotes, the topmost first: \"A:B\"", &text))
		return false;
	list = parse_alloc(ps, count_lowers(text) * sizeof(*list));
	one = malloc(strlen(text) + 1);
	if (!list || !one)
		return !(ps->p->diags->no_memory = true);
	for (const char *s = text; s; m->lower_count++) {
		s = split_lower(s, one);
		if (!*one || m->lower_count == LOWERS_MAX) {
			diag_error(ps->p->diags, at, *one ? "an overlay has at most %d lower directories" :
				   "an empty name of a lower directory (of at most %d)", LOWERS_MAX);
			return false;
		}
		list[m->lower_count] = parse_beside(ps, one);
		if (!list[m->lower_count])
			return false;
	}
	m->lowers = list;
	return true;
}

static bool mount_mode(struct parser *ps, struct policy_mount *m)
{
	const struct token *t = parse_token(ps);
	uint32_t mode = 0;

	for (size_t i = 0; i < t->len; i++) {
		if (t->kind != TOK_WORD || t->text[i] < '0' || t->text[i] > '7' || mode > MODE_MAX)
			return parse_expected(ps, "an octal mode such as 0755");
		mode = mode * 8 + (uint32_t)(t->text[i] - '0');
	}
	if (!t->len || mode > MODE_MAX)
		return parse_expected(ps, "an octal mode such as 0755");
	m->has_mode = true;
	m->mode = mode;
	parse_next(ps);
	return true;
}

static bool tmpfs_option(struct parser *ps, struct policy_mount *m, bool *ret_taken)
{
	*ret_taken = true;
	if (parse_key(ps, "size"))
		return parse_u64(ps, "a size such as 64M", &m->size);
	if (parse_key(ps, "inodes") || parse_key(ps, "nr_inodes"))
		return parse_u64(ps, "how many files there may be", &m->inodes);
	if (parse_key(ps, "mode"))
		return mount_mode(ps, m);
	*ret_taken = false;
	return true;
}

static bool overlay_option(struct parser *ps, struct policy_mount *m, bool *ret_taken)
{
	*ret_taken = true;
	if (!m->lower_count && parse_key(ps, "lower"))
		return lower_paths(ps, m);
	if (!m->upper && parse_key(ps, "upper"))
		return host_path(ps, "the upper directory, in quotes", &m->upper);
	*ret_taken = false;
	return true;
}

static bool mount_option(struct parser *ps, struct policy_mount *m)
{
	const struct kind_shape *shape = &shapes[m->kind];
	bool taken = false;

	if (parse_take(ps, "ro")) {
		m->read_only = true;
		return true;
	}
	if (parse_take(ps, "rw")) {
		m->read_only = false;
		return true;
	}
	if (shape->tmpfs && !tmpfs_option(ps, m, &taken))
		return false;
	if (shape->overlay && !overlay_option(ps, m, &taken))
		return false;
	if (taken)
		return true;
	return parse_expected(ps, shape->tmpfs ? "ro, rw, size=BYTES, inodes=N or mode=OCTAL" :
			      shape->overlay ? "lower=\"A:B\", upper=\"DIR\" (each once), ro or rw" : "ro or rw");
}

static bool mount_kind(struct parser *ps, enum mount_kind *ret)
{
	for (int k = 0; k < MOUNT_KINDS; k++) {
		if (parse_take(ps, mount_kind_name((enum mount_kind)k))) {
			*ret = (enum mount_kind)k;
			return true;
		}
	}
	return parse_expected(ps, "host, tmpfs, ext4, overlay, proc or dev");
}

static bool mount_body(struct parser *ps, struct policy_mount *m)
{
	struct policy_string target;

	if (parse_token(ps)->kind != TOK_STRING || parse_token(ps)->text[0] != '/')
		return parse_expected(ps, "an absolute mount point in quotes");
	if (!parse_absolute_path(ps, parse_token(ps), true, &target))
		return false;
	m->target = arena_strndup(&ps->p->arena, target.text, target.len);
	if (!m->target)
		return !(ps->p->diags->no_memory = true);
	parse_next(ps);
	if (!mount_kind(ps, &m->kind))
		return false;
	if (shapes[m->kind].source && !host_path(ps, shapes[m->kind].source, &m->source))
		return false;
	while (!parse_at_end(ps)) {
		if (!mount_option(ps, m))
			return false;
	}
	return m->kind != MOUNT_OVERLAY || m->lower_count || parse_expected(ps, "lower=\"DIR\"");
}

static void keep(struct parser *ps, const struct policy_mount *m)
{
	struct policy *p = ps->p;
	void **place = map_place(ps->mounts, m->target, strlen(m->target));

	if (!place) {
		p->diags->no_memory = true;
		return;
	}
	if (*place) {
		const struct policy_mount *before = &p->mounts[(uintptr_t)*place - 1];

		if (!before->by_options || m->by_options)
			parse_say_twice(ps, m->at, before->at, "mount at this place");
		return;
	}
	if (!parse_grow(ps, &p->mounts, &p->mount_cap, p->mount_count, sizeof(*m)))
		return;
	p->mounts[p->mount_count++] = *m;
	*place = (void *)(uintptr_t)p->mount_count;
}

void parse_mount(struct parser *ps, struct span at)
{
	struct policy_mount m = {.at = at, .by_options = ps->by_options};
	char what[24];

	if (!mount_body(ps, &m))
		return;
	snprintf(what, sizeof(what), "mount %s", mount_kind_name(m.kind));
	if (parse_can(ps, policy_mount_feature(m.kind), at, what))
		keep(ps, &m);
}

/* ---- the order ---- */

static unsigned depth(const struct policy_mount *m)
{
	unsigned n = 0;

	for (const char *s = m->target; *s; s++)
		n += s[0] == '/' && s[1];
	return n;
}

/* Few components first; as written among equals. */
static int compare(const void *a, const void *b)
{
	const struct policy_mount *x = a, *y = b;
	unsigned dx = depth(x), dy = depth(y);

	if (dx != dy)
		return dx < dy ? -1 : 1;
	if (x->at.source != y->at.source)
		return x->at.source < y->at.source ? -1 : 1;
	return x->at.offset < y->at.offset ? -1 : x->at.offset > y->at.offset;
}

void parse_order_mounts(struct policy *p)
{
	if (p->mount_count)
		qsort(p->mounts, p->mount_count, sizeof(*p->mounts), compare);
}
