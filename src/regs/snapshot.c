/* Snapshots of the full register state, and their differences by name. */
#include <assert.h>
#include <string.h>

#include "regs/layout.h"

unsigned regs_groups_count(const struct regs_group *groups, size_t n)
{
	unsigned total = 0;

	for (size_t i = 0; i < n; i++)
		total += groups[i].count ? groups[i].count : 1;
	return total;
}

const struct regs_group *regs_groups_at(const struct regs_group *groups, size_t n, unsigned index, unsigned *ret_at)
{
	for (size_t i = 0; i < n; i++) {
		unsigned count = groups[i].count ? groups[i].count : 1;

		if (index < count) {
			*ret_at = index;
			return &groups[i];
		}
		index -= count;
	}
	assert(!"register index out of range");
	return NULL;
}

void regs_groups_name(const struct regs_group *groups, size_t n, unsigned index, char name[REGS_NAME_MAX])
{
	unsigned at;
	const struct regs_group *g = regs_groups_at(groups, n, index, &at);
	const char *suffix = g->suffix ? g->suffix : "";

	if (g->count)
		(void)snprintf(name, REGS_NAME_MAX, "%s%u%s", g->prefix, g->first + at, suffix);
	else
		(void)snprintf(name, REGS_NAME_MAX, "%s", g->prefix);
}

int regs_snapshot_create(enum regs_arch arch, struct regs_snapshot **ret)
{
	struct regs_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->layout = arch == REGS_AARCH64 ? &regs_layout_aarch64 : &regs_layout_x86_64;
	for (size_t i = 0; i < s->layout->set_count; i++) {
		s->set[i].data = malloc(s->layout->sets[i].max);
		if (!s->set[i].data) {
			regs_snapshot_destroy(s);
			return -ENOMEM;
		}
	}
	regs_xsave_layout_of_host(&s->xsave);
	*ret = s;
	return 0;
}

void regs_snapshot_destroy(struct regs_snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < REGS_SET_MAX; i++)
		free(s->set[i].data);
	free(s);
}

static size_t set_index(const struct regs_snapshot *s, unsigned note)
{
	size_t i = 0;

	while (i < s->layout->set_count && s->layout->sets[i].note != note)
		i++;
	return i;
}

/* Not every machine and kernel has every set: these are the ways in which Linux says so. */
static bool is_absent(int err)
{
	return err == -EINVAL || err == -ENODEV || err == -EIO || err == -EOPNOTSUPP;
}

static int take_set(struct regs_snapshot *s, size_t i, struct regs *r)
{
	const struct regs_set_desc *desc = &s->layout->sets[i];
	size_t len = desc->max;

	s->set[i].len = 0;
	if (desc->fallback_of && s->set[set_index(s, desc->fallback_of)].len > 0)
		return 0;
	int err = r->io->get_set(r->ctx, desc->note, s->set[i].data, &len);
	if (err < 0)
		return desc->optional && is_absent(err) ? 0 : err;
	s->set[i].len = len;
	return 0;
}

int regs_snapshot_take(struct regs_snapshot *s, struct regs *r)
{
	assert(s->layout == r->layout);
	for (size_t i = 0; i < s->layout->set_count; i++) {
		int err = take_set(s, i, r);

		if (err < 0)
			return err;
	}
	return 0;
}

int regs_snapshot_restore(const struct regs_snapshot *s, struct regs *r)
{
	assert(s->layout == r->layout);
	for (size_t i = 0; i < s->layout->set_count; i++) {
		if (s->set[i].len == 0)
			continue;
		int err = r->io->put_set(r->ctx, s->layout->sets[i].note, s->set[i].data, s->set[i].len);
		if (err < 0)
			return err;
	}
	regs_reset(r);
	return 0;
}

int regs_snapshot_put(struct regs_snapshot *s, unsigned note, const void *data, size_t len)
{
	size_t i = set_index(s, note);

	if (i == s->layout->set_count)
		return -EINVAL;
	if (len > s->layout->sets[i].max)
		return -E2BIG;
	memcpy(s->set[i].data, data, len);
	s->set[i].len = len;
	return 0;
}

const void *regs_snapshot_set(const struct regs_snapshot *s, unsigned note, size_t *ret_len)
{
	size_t i = set_index(s, note);

	if (i == s->layout->set_count || s->set[i].len == 0)
		return NULL;
	*ret_len = s->set[i].len;
	return s->set[i].data;
}

void regs_snapshot_set_xsave_layout(struct regs_snapshot *s, const struct regs_xsave_layout *layout)
{
	s->xsave = *layout;
}

const struct regs_xsave_layout *regs_snapshot_xsave_layout(const struct regs_snapshot *s)
{
	return &s->xsave;
}

/* The number of the register with this name, or the number of registers. */
static unsigned index_of(const struct regs_snapshot *s, const char *name)
{
	unsigned i = 0, count = s->layout->state_count();

	for (; i < count; i++) {
		char each[REGS_NAME_MAX];

		s->layout->state_name(i, each);
		if (strcmp(each, name) == 0)
			break;
	}
	return i;
}

int regs_snapshot_get(const struct regs_snapshot *s, const char *name, uint8_t buf[REGS_VALUE_MAX])
{
	unsigned i = index_of(s, name);
	size_t size;
	const void *value = i < s->layout->state_count() ? s->layout->state_find(s, i, buf, &size) : NULL;

	if (!value)
		return -ENOENT;
	if (value != buf)
		memcpy(buf, value, size);
	return (int)size;
}

/* The bytes of a register inside the snapshot's own memory, or NULL. */
static uint8_t *find_owned(struct regs_snapshot *s, const char *name, size_t *ret_size)
{
	uint8_t scratch[REGS_VALUE_MAX];
	unsigned i = index_of(s, name);

	if (i == s->layout->state_count())
		return NULL;
	if (s->layout->state_own)
		s->layout->state_own(s, i);
	const uint8_t *value = s->layout->state_find(s, i, scratch, ret_size);

	for (size_t n = 0; value && n < s->layout->set_count; n++) {
		const struct regs_set_bytes *set = &s->set[n];

		if (set->len > 0 && value >= set->data && value + *ret_size <= set->data + set->len)
			return set->data + (value - set->data);
	}
	return NULL;
}

int regs_snapshot_change(struct regs_snapshot *s, const char *name, const void *value, size_t size)
{
	size_t room;
	uint8_t *at = find_owned(s, name, &room);

	if (!at || size > room)
		return -ENOENT;
	memcpy(at, value, size);
	return 0;
}

static bool same_sets(const struct regs_snapshot *a, const struct regs_snapshot *b)
{
	for (size_t i = 0; i < a->layout->set_count; i++) {
		if (a->set[i].len != b->set[i].len || memcmp(a->set[i].data, b->set[i].data, a->set[i].len) != 0)
			return false;
	}
	return memcmp(&a->xsave, &b->xsave, sizeof(a->xsave)) == 0;
}

size_t regs_snapshot_diff(const struct regs_snapshot *a, const struct regs_snapshot *b, regs_diff_fn *fn, void *ctx)
{
	size_t differing = 0;

	assert(a->layout == b->layout);
	if (same_sets(a, b))
		return 0;
	unsigned count = a->layout->state_count();
	for (unsigned i = 0; i < count; i++) {
		char name[REGS_NAME_MAX];
		uint8_t scratch_a[REGS_VALUE_MAX], scratch_b[REGS_VALUE_MAX];
		size_t size_a, size_b;
		const void *in_a = a->layout->state_find(a, i, scratch_a, &size_a);
		const void *in_b = b->layout->state_find(b, i, scratch_b, &size_b);

		if (!in_a || !in_b || (size_a == size_b && memcmp(in_a, in_b, size_a) == 0))
			continue;
		differing++;
		if (fn) {
			a->layout->state_name(i, name);
			fn(ctx, name, in_a, in_b, size_a < size_b ? size_a : size_b);
		}
	}
	return differing;
}

void regs_snapshot_each(const struct regs_snapshot *s, regs_diff_fn *fn, void *ctx)
{
	unsigned count = s->layout->state_count();

	for (unsigned i = 0; i < count; i++) {
		char name[REGS_NAME_MAX];
		uint8_t scratch[REGS_VALUE_MAX];
		size_t size;
		const void *value = s->layout->state_find(s, i, scratch, &size);

		if (!value)
			continue;
		s->layout->state_name(i, name);
		fn(ctx, name, value, value, size);
	}
}
