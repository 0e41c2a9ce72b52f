/*
 * tmpfs: entries of a directory.
 *
 * Each entry has a cookie that grows with each one made, and listings go from the newest to the oldest, so that a
 * program that makes files while it lists (or renames what it finds) comes to an end.
 */
#include "kernel/fs/tmpfs_private.h"

#include <string.h>

enum { FIRST_BUCKETS = 8, FIRST_SLOTS = 8 };

static uint64_t hash_name(const struct tmpfs_inode *dir, const char *name, size_t len)
{
	uint64_t h = ((const struct tmpfs_super *)dir->inode.super)->hash_key;
	for (size_t i = 0; i < len; i++) {
		h ^= (unsigned char)name[i];
		h *= UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

struct tmpfs_entry *tmpfs_find(struct tmpfs_inode *dir, const char *name)
{
	const struct tmpfs_dir *d = &dir->dir;
	if (d->live == 0)
		return NULL;
	size_t len = strlen(name);
	uint64_t hash = hash_name(dir, name, len);
	struct tmpfs_entry *e = d->buckets[hash & (d->bucket_count - 1)];
	while (e && !(e->hash == hash && e->len == len && memcmp(e->name, name, len) == 0))
		e = e->next;
	return e;
}

struct tmpfs_entry *tmpfs_new_entry(struct tmpfs_inode *dir, const char *name, struct tmpfs_inode *inode)
{
	size_t len = strlen(name);
	struct tmpfs_entry *e = calloc(1, sizeof(*e) + len + 1);
	if (!e)
		return NULL;
	(void)inode_ref(&inode->inode);
	e->inode = inode;
	e->hash = hash_name(dir, name, len);
	e->len = len;
	memcpy(e->name, name, len + 1);
	return e;
}

void tmpfs_free_entry(struct tmpfs_entry *e)
{
	if (!e)
		return;
	inode_unref(&e->inode->inode);
	free(e);
}

static int grow_buckets(struct tmpfs_dir *d)
{
	size_t count = d->bucket_count ? d->bucket_count * 2 : FIRST_BUCKETS;
	struct tmpfs_entry **buckets = calloc(count, sizeof(struct tmpfs_entry *));
	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < d->bucket_count; i++) {
		struct tmpfs_entry *next;
		for (struct tmpfs_entry *e = d->buckets[i]; e; e = next) {
			struct tmpfs_entry **bucket = &buckets[e->hash & (count - 1)];
			next = e->next;
			e->next = *bucket;
			*bucket = e;
		}
	}
	free(d->buckets);
	d->buckets = buckets;
	d->bucket_count = count;
	return 0;
}

static void drop_empty_slots(struct tmpfs_dir *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->slot_count; i++) {
		if (d->slots[i].entry)
			d->slots[kept++] = d->slots[i];
	}
	d->slot_count = kept;
}

static int grow_slots(struct tmpfs_dir *d)
{
	size_t cap = d->slot_cap ? d->slot_cap * 2 : FIRST_SLOTS;
	struct tmpfs_slot *slots = reallocarray(d->slots, cap, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	d->slots = slots;
	d->slot_cap = cap;
	return 0;
}

int tmpfs_reserve(struct tmpfs_inode *dir)
{
	struct tmpfs_dir *d = &dir->dir;
	if (d->live >= d->bucket_count) {
		int r = grow_buckets(d);
		if (r < 0)
			return r;
	}
	if (d->slot_count == d->slot_cap) {
		int r = grow_slots(d);
		if (r < 0)
			return r;
	}
	(void)pthread_mutex_lock(&dir->lock);
	bool dead = d->dead;
	if (!dead)
		d->live++;
	(void)pthread_mutex_unlock(&dir->lock);
	return dead ? -ENOENT : 0;
}

int tmpfs_kill_dir(struct tmpfs_inode *dir)
{
	(void)pthread_mutex_lock(&dir->lock);
	bool empty = dir->dir.live == 0;
	if (empty)
		dir->dir.dead = true;
	(void)pthread_mutex_unlock(&dir->lock);
	return empty ? 0 : -ENOTEMPTY;
}

void tmpfs_insert(struct tmpfs_inode *dir, struct tmpfs_entry *e)
{
	struct tmpfs_dir *d = &dir->dir;
	struct tmpfs_entry **bucket = &d->buckets[e->hash & (d->bucket_count - 1)];
	e->next = *bucket;
	*bucket = e;
	e->cookie = d->next_cookie++;
	d->slots[d->slot_count++] = (struct tmpfs_slot){e->cookie, e};
}

/* The number of slots with a smaller cookie. */
static size_t slots_below(const struct tmpfs_dir *d, uint64_t cookie)
{
	size_t low = 0;
	size_t high = d->slot_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (d->slots[middle].cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void tmpfs_remove(struct tmpfs_inode *dir, struct tmpfs_entry *e)
{
	struct tmpfs_dir *d = &dir->dir;
	struct tmpfs_entry **link = &d->buckets[e->hash & (d->bucket_count - 1)];
	while (*link != e)
		link = &(*link)->next;
	*link = e->next;
	d->slots[slots_below(d, e->cookie)].entry = NULL;
	(void)pthread_mutex_lock(&dir->lock);
	d->live--;
	(void)pthread_mutex_unlock(&dir->lock);
	if (d->slot_count > 2 * d->live + FIRST_SLOTS)
		drop_empty_slots(d);
}

int tmpfs_lookup(struct inode *inode, const char *name, struct inode **ret)
{
	struct tmpfs_entry *e = tmpfs_find(tmpfs_inode(inode), name);
	if (!e)
		return -ENOENT;
	*ret = inode_ref(&e->inode->inode);
	return 0;
}

int tmpfs_iterate(struct inode *inode, struct dir_reader *reader)
{
	struct tmpfs_inode *dir = tmpfs_inode(inode);
	const struct tmpfs_dir *d = &dir->dir;
	size_t i = reader->cursor < TMPFS_FIRST_COOKIE ? d->slot_count : slots_below(d, reader->cursor);
	while (i > 0) {
		const struct tmpfs_entry *e = d->slots[--i].entry;
		if (e && !reader->emit(reader, e->name, e->len, e->inode->inode.ino,
				       (unsigned char)(e->inode->inode.type >> 12), e->cookie))
			break;
	}
	if (!reader->quiet)
		tmpfs_touch_atime(dir);
	return 0;
}

/*
 * Directories can be nested as deep as a guest likes, so their inodes are let go in a loop, not by recursion: whoever
 * finds nobody at it empties the list, and directories that come to their end meanwhile add to it.
 */
static void let_go(struct tmpfs_super *sb)
{
	(void)pthread_mutex_lock(&sb->lock);
	if (sb->reaping) {
		(void)pthread_mutex_unlock(&sb->lock);
		return;
	}
	sb->reaping = true;
	(void)super_ref(&sb->super);
	while (sb->orphans) {
		struct tmpfs_entry *e = sb->orphans;
		sb->orphans = e->next;
		(void)pthread_mutex_unlock(&sb->lock);
		tmpfs_free_entry(e);
		(void)pthread_mutex_lock(&sb->lock);
	}
	sb->reaping = false;
	(void)pthread_mutex_unlock(&sb->lock);
	super_unref(&sb->super);
}

void tmpfs_empty_dir(struct tmpfs_inode *dir)
{
	struct tmpfs_dir *d = &dir->dir;
	struct tmpfs_super *sb = tmpfs_super(dir);
	if (d->live == 0)
		return;
	(void)pthread_mutex_lock(&sb->lock);
	for (size_t i = 0; i < d->slot_count; i++) {
		struct tmpfs_entry *e = d->slots[i].entry;
		if (!e)
			continue;
		e->next = sb->orphans;
		sb->orphans = e;
	}
	(void)pthread_mutex_unlock(&sb->lock);
	memset(d->buckets, 0, d->bucket_count * sizeof(struct tmpfs_entry *));
	d->slot_count = 0;
	d->live = 0;
	let_go(sb);
}
