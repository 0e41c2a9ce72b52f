/*
 * overlay: listings. A directory that is listed gets a list of all its names, once, which changes of names keep right
 * from then on. What others do in its lower layers is taken in where a listing begins. An entry's cursor is its number
 * in the order of appearance, and the youngest are listed first: so what appears while somebody lists does not keep him
 * listing.
 */
#include "kernel/fs/overlay_private.h"

#include <dirent.h>

enum { CURSOR_FIRST = 3 };

struct overlay_entry {
	char *name;			/* owned; NULL: gone */
	uint64_t ino;
	uint64_t cursor;
	uint32_t next;			/* in its bucket: index + 1 */
	unsigned char type;
};

struct overlay_list {
	struct overlay_entry *entries;	/* by cursor */
	size_t used, room, alive;
	uint32_t *buckets;		/* index + 1 of the first; as many as room */
	uint64_t next_cursor;
	unsigned directories;
	uint64_t seen;			/* stamp of the lower layers when it was last compared with them */
};

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static uint32_t *bucket(struct overlay_list *l, const char *name)
{
	return &l->buckets[hash_name(name) & (l->room - 1)];
}

static struct overlay_entry *find(struct overlay_list *l, const char *name)
{
	if (l->room == 0)
		return NULL;
	for (uint32_t i = *bucket(l, name); i; i = l->entries[i - 1].next) {
		if (strcmp(l->entries[i - 1].name, name) == 0)
			return &l->entries[i - 1];
	}
	return NULL;
}

/* Squeezes out what is gone, or doubles the room. Cursors stay. */
static int make_room(struct overlay_list *l)
{
	size_t room = l->alive * 2 < l->room ? l->room : l->room ? l->room * 2 : 16;
	if (room > UINT32_MAX / 2)
		return -ENOMEM;
	struct overlay_entry *entries = malloc(room * sizeof(*entries));
	uint32_t *buckets = calloc(room, sizeof(*buckets));
	if (!entries || !buckets) {
		free(entries);
		free(buckets);
		return -ENOMEM;
	}
	size_t used = 0;
	for (size_t i = 0; i < l->used; i++) {
		if (l->entries[i].name)
			entries[used++] = l->entries[i];
	}
	free(l->entries);
	free(l->buckets);
	l->entries = entries;
	l->buckets = buckets;
	l->used = used;
	l->room = room;
	for (size_t i = 0; i < used; i++) {
		uint32_t *b = bucket(l, entries[i].name);
		entries[i].next = *b;
		*b = (uint32_t)i + 1;
	}
	return 0;
}

static int add(struct overlay_list *l, const char *name, uint64_t ino, unsigned char type)
{
	char *copy = strdup(name);
	if (!copy || (l->used == l->room && make_room(l) < 0)) {
		free(copy);
		return -ENOMEM;
	}
	uint32_t *b = bucket(l, name);
	l->entries[l->used] = (struct overlay_entry){
		.name = copy, .ino = ino, .cursor = l->next_cursor++, .next = *b, .type = type,
	};
	*b = (uint32_t)++l->used;
	l->alive++;
	l->directories += type == DT_DIR;
	return 0;
}

/* 1: the name is new; 0: it was there and stands for this object now; or an error. */
static int set_entry(struct overlay_list *l, const char *name, uint64_t ino, unsigned char type)
{
	struct overlay_entry *e = find(l, name);
	if (!e) {
		int r = add(l, name, ino, type);
		return r < 0 ? r : 1;
	}
	l->directories -= e->type == DT_DIR;
	l->directories += type == DT_DIR;
	e->ino = ino;
	e->type = type;
	return 0;
}

static void remove_entry(struct overlay_list *l, struct overlay_entry *e)
{
	uint32_t number = (uint32_t)(e - l->entries) + 1;
	uint32_t *b = bucket(l, e->name);

	while (*b != number)
		b = &l->entries[*b - 1].next;
	*b = e->next;
	l->directories -= e->type == DT_DIR;
	l->alive--;
	free(e->name);
	e->name = NULL;
}

void overlay_list_destroy(struct overlay_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->used; i++)
		free(l->entries[i].name);
	free(l->entries);
	free(l->buckets);
	free(l);
}

/* ---- reading the layers ---- */

/*
 * One layer's names, before they are judged: what they are may need a look at them, which its lock does not allow. That
 * is no access of the directory: it may be removed, or just be looked at.
 */
struct layer_names {
	struct dir_reader reader;
	struct overlay_list *list;
	int error;
};

static bool take_name(struct dir_reader *r, const char *name, size_t len UNUSED, uint64_t ino, unsigned char type,
		      uint64_t next)
{
	struct layer_names *n = (struct layer_names *)r;

	n->error = add(n->list, name, ino, type);
	r->cursor = next;
	return n->error == 0;
}

static int read_layer(struct inode *dir, struct overlay_list *ret)
{
	struct layer_names n = {.reader = {.quiet = true, .emit = take_name}, .list = ret};
	size_t before;
	int r;

	do {
		before = ret->used;
		r = layer_iterate(dir, &n.reader);
	} while (r == 0 && n.error == 0 && ret->used > before);
	return r < 0 ? r : n.error;
}

/* What the layers above said of names, besides those that are listed. */
struct merge {
	struct overlay_inode *dir;
	struct overlay_list *list;	/* what is shown */
	struct overlay_list *hidden;	/* what layers below may not show */
};

static int is_whiteout_entry(struct inode *layer, const struct overlay_entry *e)
{
	struct inode *inode;

	if (e->type != DT_CHR && e->type != DT_UNKNOWN)
		return 0;
	int r = layer_lookup(layer, e->name, &inode);
	if (r < 0)
		return r == -ENOENT ? 1 : r;	/* gone meanwhile */
	r = layer_is_whiteout(inode);
	inode_unref(inode);
	return r;
}

static unsigned char known_type(struct inode *layer, const struct overlay_entry *e)
{
	struct inode *inode;

	if (e->type != DT_UNKNOWN || layer_lookup(layer, e->name, &inode) < 0)
		return e->type;
	unsigned char type = IFTODT(inode->type);
	inode_unref(inode);
	return type;
}

static int merge_entry(struct merge *m, struct inode *layer, const struct overlay_entry *e)
{
	struct overlay *ov = overlay_of(&m->dir->inode);

	if (overlay_name_hidden(e->name) || find(m->list, e->name) || find(m->hidden, e->name))
		return 0;
	int r = is_whiteout_entry(layer, e);
	if (r)
		return r < 0 ? r : add(m->hidden, e->name, 0, 0);
	uint64_t ino = overlay_number(ov, layer->super->dev_major, layer->super->dev_minor, e->ino);
	return add(m->list, e->name, ino, known_type(layer, e));
}

/* Files .wh.NAME count for the layers below theirs. */
static int merge_marks(struct merge *m, const struct overlay_list *names)
{
	for (size_t i = 0; i < names->used; i++) {
		const char *name = names->entries[i].name;
		if (!overlay_name_hidden(name))
			continue;
		name += strlen(OVERLAY_WHITEOUT_PREFIX);
		int r = find(m->hidden, name) ? 0 : add(m->hidden, name, 0, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

static int merge_layer(struct merge *m, struct inode *layer)
{
	struct overlay_list names = {.next_cursor = CURSOR_FIRST};
	int r = read_layer(layer, &names);
	for (size_t i = 0; r == 0 && i < names.used; i++)
		r = merge_entry(m, layer, &names.entries[i]);
	if (r == 0)
		r = merge_marks(m, &names);
	for (size_t i = 0; i < names.used; i++)
		free(names.entries[i].name);
	free(names.entries);
	free(names.buckets);
	return r;
}

static struct overlay_list *make_list(void)
{
	struct overlay_list *l = calloc(1, sizeof(*l));
	if (l)
		l->next_cursor = CURSOR_FIRST;
	return l;
}

static int merge_all(struct overlay_inode *dir, struct overlay_list *list)
{
	struct merge m = {.dir = dir, .list = list, .hidden = make_list()};
	struct inode *upper = overlay_upper(dir);
	int r = m.hidden ? 0 : -ENOMEM;
	if (r == 0 && upper)
		r = merge_layer(&m, upper);
	size_t lowers = atomic_load(&dir->lower_count);
	for (size_t i = 0; r == 0 && i < lowers; i++)
		r = merge_layer(&m, dir->lowers[i]);
	overlay_list_destroy(m.hidden);
	return r;
}

/* ---- keeping the list ---- */

/* Another one once somebody changed names in a lower layer; changes of the upper are ours. */
static int stamp_lowers(struct overlay_inode *dir, uint64_t *ret)
{
	size_t lowers = atomic_load(&dir->lower_count);
	struct statx stx;
	*ret = 0;
	for (size_t i = 0; i < lowers; i++) {
		struct inode *lower = dir->lowers[i];
		int r = lower->ops->getattr(lower, &stx);
		if (r < 0)
			return r;
		*ret = *ret * 0x9e3779b97f4a7c15u + (uint64_t)stx.stx_ctime.tv_sec * 1000000000u + stx.stx_ctime.tv_nsec;
	}
	return 0;
}

/* What is in now and not in the directory's list came to a lower layer, what is missing there went. */
static int take_over(struct overlay_inode *dir, struct overlay_list *now)
{
	struct overlay_list *l = dir->list;
	for (size_t i = 0; i < l->used; i++) {
		struct overlay_entry *e = &l->entries[i];
		if (e->name && !find(now, e->name))
			remove_entry(l, e);
	}
	for (size_t i = 0; i < now->used; i++) {
		const struct overlay_entry *e = &now->entries[i];
		int r = set_entry(l, e->name, e->ino, e->type);
		if (r < 0)
			return r;
		if (r > 0)
			atomic_store(&dir->inode.names_came, true);
	}
	l->seen = now->seen;
	return 0;
}

/*
 * list_lock is held; the directory's lock keeps its names as they are. fresh: with what others did in the lower layers,
 * as far as these can be read now.
 */
static int need_list(struct overlay_inode *dir, bool fresh)
{
	if (dir->list && (!fresh || atomic_load(&dir->lower_count) == 0))
		return 0;
	uint64_t stamp;
	int r = stamp_lowers(dir, &stamp);
	if (dir->list && (r < 0 || dir->list->seen == stamp))
		return 0;
	struct overlay_list *list = make_list();
	if (!list)
		return -ENOMEM;
	list->seen = stamp;
	r = merge_all(dir, list);
	if (r == 0 && !dir->list) {
		dir->list = list;
		return 0;
	}
	if (r == 0)
		r = take_over(dir, list);
	overlay_list_destroy(list);
	return r;
}

/* ---- as the rest uses it ---- */

/* How many entries are older than the one that cursor stands for. */
static size_t older(const struct overlay_list *l, uint64_t cursor)
{
	size_t low = 0, high = l->used;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (l->entries[middle].cursor < cursor)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int overlay_iterate(struct inode *inode, struct dir_reader *reader)
{
	struct overlay_inode *dir = overlay_inode(inode);

	(void)pthread_mutex_lock(&dir->list_lock);
	int r = need_list(dir, reader->cursor < CURSOR_FIRST);
	struct overlay_list *l = dir->list;
	size_t left = r < 0 ? 0 : reader->cursor < CURSOR_FIRST ? l->used : older(l, reader->cursor);
	while (left > 0) {
		const struct overlay_entry *e = &l->entries[--left];
		if (!e->name)
			continue;
		if (!reader->emit(reader, e->name, strlen(e->name), e->ino, e->type, e->cursor))
			break;
		reader->cursor = e->cursor;
	}
	(void)pthread_mutex_unlock(&dir->list_lock);
	return r;
}

int overlay_is_empty(struct overlay_inode *dir, bool *ret)
{
	(void)pthread_mutex_lock(&dir->list_lock);
	int r = need_list(dir, true);
	if (r == 0)
		*ret = dir->list->alive == 0;
	(void)pthread_mutex_unlock(&dir->list_lock);
	return r;
}

int overlay_count_directories(struct overlay_inode *dir, unsigned *ret)
{
	(void)pthread_mutex_lock(&dir->list_lock);
	int r = need_list(dir, false);
	if (r == 0)
		*ret = dir->list->directories;
	(void)pthread_mutex_unlock(&dir->list_lock);
	return r;
}

/* A list that cannot be kept right is made anew; cursors are lost then, but only without memory. */
static void drop_list(struct overlay_inode *dir)
{
	overlay_list_destroy(dir->list);
	dir->list = NULL;
}

void overlay_list_add(struct overlay_inode *dir, const char *name, const struct inode *inode)
{
	(void)pthread_mutex_lock(&dir->list_lock);
	if (dir->list && set_entry(dir->list, name, inode->ino, IFTODT(inode->type)) < 0)
		drop_list(dir);
	(void)pthread_mutex_unlock(&dir->list_lock);
}

void overlay_list_remove(struct overlay_inode *dir, const char *name)
{
	(void)pthread_mutex_lock(&dir->list_lock);
	struct overlay_entry *e = dir->list ? find(dir->list, name) : NULL;
	if (e)
		remove_entry(dir->list, e);
	(void)pthread_mutex_unlock(&dir->list_lock);
}

/* Names are copied one at a time: visit changes the upper, and may take its time. */
static int next_name(struct overlay_inode *dir, uint64_t *cursor, char name[VFS_NAME_MAX + 1])
{
	(void)pthread_mutex_lock(&dir->list_lock);
	int r = need_list(dir, *cursor == UINT64_MAX);
	size_t left = r == 0 ? older(dir->list, *cursor) : 0;
	while (left > 0 && !dir->list->entries[left - 1].name)
		left--;
	if (left > 0) {
		const struct overlay_entry *e = &dir->list->entries[left - 1];
		(void)snprintf(name, VFS_NAME_MAX + 1, "%s", e->name);
		*cursor = e->cursor;
		r = 1;
	}
	(void)pthread_mutex_unlock(&dir->list_lock);
	return r;
}

int overlay_each_name(struct overlay_inode *dir, int (*visit)(void *ctx, const char *name), void *ctx)
{
	char name[VFS_NAME_MAX + 1];
	uint64_t cursor = UINT64_MAX;
	int r;

	while ((r = next_name(dir, &cursor, name)) > 0) {
		r = visit(ctx, name);
		if (r < 0)
			return r;
	}
	return r;
}
