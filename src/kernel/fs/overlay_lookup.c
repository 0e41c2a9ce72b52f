/* overlay: what a name stands for in the layers. */
#include "kernel/fs/overlay_private.h"

/* A walk down the layers of one directory, under one name. */
struct descent {
	struct overlay_inode *dir;
	struct inode *upper;		/* of dir; NULL: start below it */
	const char *name;
	size_t marks_checked;		/* layers from the top whose .wh.NAME is known not to be there */
	struct inode *last;		/* the lowest directory found so far */
};

/* 0 is the upper. */
static struct inode *layer_at(const struct descent *d, size_t i)
{
	return i == 0 ? d->upper : d->dir->lowers[i - 1];
}

/* Is the name hidden from layer i by a whiteout file above? Only asked when layer i has the name: it seldom does. */
static int hidden_by_file(struct descent *d, size_t i)
{
	for (; d->marks_checked < i; d->marks_checked++) {
		struct inode *layer = layer_at(d, d->marks_checked);
		int r = layer ? layer_has_whiteout_file(layer, d->name) : 0;
		if (r)
			return r;
	}
	return 0;
}

/* 1: what layer i has does not count. */
static int is_hidden(struct descent *d, size_t i, struct inode *found)
{
	int r = layer_is_whiteout(found);
	if (r == 0)
		r = hidden_by_file(d, i);
	if (r == 0 && d->last)
		r = S_ISDIR(found->type) ? layer_is_opaque(d->last) : 1;
	return r;
}

/* Look in layer i. 1: found, *ret is a reference; 0: go on; -ENOENT: nothing here counts, nor below. */
static int look(struct descent *d, size_t i, struct inode **ret)
{
	struct inode *layer = layer_at(d, i);
	struct inode *found;

	if (!layer)
		return 0;
	int r = layer_lookup(layer, d->name, &found);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = is_hidden(d, i, found);
	if (r) {
		inode_unref(found);
		return r < 0 ? r : -ENOENT;
	}
	if (S_ISDIR(found->type))
		d->last = found;
	*ret = found;
	return 1;
}

void overlay_stack_finish(struct overlay_stack *s)
{
	inode_unref(s->upper);
	for (size_t i = 0; i < s->lower_count; i++)
		inode_unref(s->lowers[i]);
	free(s->lowers);
	*s = (struct overlay_stack){0};
}

static int fill(struct overlay_inode *dir, const char *name, struct overlay_stack *s)
{
	struct descent d = {.dir = dir, .upper = overlay_upper(dir), .name = name};
	size_t layers = 1 + atomic_load(&dir->lower_count);
	int r = 0;

	for (size_t i = 0; i < layers; i++) {
		struct inode *found;
		r = look(&d, i, &found);
		if (r < 0)
			break;
		if (r == 0)
			continue;
		if (i == 0)
			s->upper = found;
		else
			s->lowers[s->lower_count++] = found;
		if (!S_ISDIR(found->type))
			break;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	return s->upper || s->lower_count ? 0 : -ENOENT;
}

int overlay_lookup(struct inode *dir, const char *name, struct inode **ret)
{
	struct overlay_inode *od = overlay_inode(dir);
	struct overlay_stack s = {0};

	if (overlay_name_hidden(name))
		return -ENOENT;
	s.lowers = calloc(atomic_load(&od->lower_count) + 1, sizeof(struct inode *));
	if (!s.lowers)
		return -ENOMEM;
	int r = fill(od, name, &s);
	if (r < 0) {
		overlay_stack_finish(&s);
		return r;
	}
	return overlay_get(overlay_of(dir), &s, od, name, ret);
}

int overlay_lower_has(struct overlay_inode *dir, const char *name, bool *ret)
{
	struct descent d = {.dir = dir, .name = name};
	size_t layers = 1 + atomic_load(&dir->lower_count);
	struct inode *found;
	int r = 0;

	for (size_t i = 1; r == 0 && i < layers; i++)
		r = look(&d, i, &found);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 1)
		inode_unref(found);
	*ret = r == 1;
	return 0;
}

int overlay_upper_entry(struct overlay_inode *dir, const char *name, struct inode **ret)
{
	*ret = NULL;
	int r = layer_lookup(overlay_upper(dir), name, ret);
	return r == -ENOENT ? 0 : r;
}
