/*
 * The dentry cache: names that are known, and names that are known not to exist. Readers take no lock; who changes
 * something holds dcache.lock. See vfs_private.h for the life of dentries and names.
 */
#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "kernel/vfs/vfs_private.h"

enum { DCACHE_UNUSED_MAX = 32768, LRU_BATCH = 32, ORPHANS_LOOKS = 1024 };

int dcache_init(struct dcache *c, size_t unused_max)
{
	c->lru_max = unused_max ? unused_max : DCACHE_UNUSED_MAX;
	size_t size = 1024;
	while (size < c->lru_max && size < 1u << 20)
		size *= 2;
	c->buckets = calloc(size, sizeof(c->buckets[0]));
	if (!c->buckets)
		return -ENOMEM;
	c->mask = (uint32_t)size - 1;
	if (getrandom(&c->key, sizeof(c->key), GRND_NONBLOCK) != (ssize_t)sizeof(c->key))
		c->key = (uintptr_t)c->buckets;
	c->lru.lru_prev = c->lru.lru_next = &c->lru;
	(void)pthread_mutex_init(&c->lock, NULL);
	dcache_removals_init(c);
	return 0;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	unsigned __int128 p = (unsigned __int128)(h ^ v) * 0x9e3779b97f4a7c15u;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint32_t dcache_hash(const struct dcache *c, const struct dentry *parent, const char *name, size_t len)
{
	uint64_t h = mix(c->key, (uintptr_t)parent + len);
	uint64_t v;
	while (len >= 8) {
		memcpy(&v, name, 8);
		h = mix(h, v);
		name += 8;
		len -= 8;
	}
	if (len) {
		v = 0;
		memcpy(&v, name, len);
		h = mix(h, v);
	}
	return (uint32_t)(h ^ h >> 32);
}

struct dentry *dcache_find(struct vfs *v, const struct dentry *parent, const char *name, size_t len)
{
	struct dcache *c = &v->dcache;
	uint32_t hash = dcache_hash(c, parent, name, len);
	struct dentry_name *n = atomic_load_explicit(&c->buckets[hash & c->mask], memory_order_acquire);
	for (; n; n = atomic_load_explicit(&n->next, memory_order_acquire))
		if (n->hash == hash && n->parent == parent && n->len == len && memcmp(n->text, name, len) == 0)
			break;
	if (!n)
		return NULL;
	if (!(dentry_flags(n->dentry) & DENTRY_USED))
		atomic_fetch_or_explicit(&n->dentry->flags, DENTRY_USED, memory_order_relaxed);
	return n->dentry;
}

/* ---- life and death ---- */

static void free_name(struct vfs_later *later)
{
	VFS_RCU_ACQUIRE();
	free((char *)later - offsetof(struct dentry_name, later));
}

/* The root of a filesystem has no reference to it, so the dentry has one. */
static void unref_inode(struct inode *inode)
{
	struct super *super = inode && inode == inode->super->root ? inode->super : NULL;
	inode_unref(inode);
	super_unref(super);
}

static void free_dentry(struct dentry *d)
{
	unref_inode(d->inode);
	free(dentry_name(d));
	free(d);
}

static void free_after_grace(struct vfs_later *later)
{
	VFS_RCU_ACQUIRE();
	struct dentry *d = (struct dentry *)(void *)((char *)later - offsetof(struct dentry, later));
	struct dcache *c = (struct dcache *)(void *)((char *)d->lru_prev - offsetof(struct dcache, lru));
	free_dentry(d);
	atomic_fetch_add(&c->freed, 1);
	VFS_RCU_RELEASE();
}

static void lru_remove(struct dcache *c, struct dentry *d)
{
	if (!(dentry_flags(d) & DENTRY_ON_LRU))
		return;
	d->lru_prev->lru_next = d->lru_next;
	d->lru_next->lru_prev = d->lru_prev;
	c->lru_count--;
	atomic_fetch_and(&d->flags, ~(unsigned)DENTRY_ON_LRU);
}

static void lru_add(struct dcache *c, struct dentry *d)
{
	if (dentry_flags(d) & DENTRY_ON_LRU)
		return;
	d->lru_next = c->lru.lru_next;
	d->lru_prev = &c->lru;
	d->lru_next->lru_prev = d;
	c->lru.lru_next = d;
	c->lru_count++;
	atomic_fetch_or(&d->flags, DENTRY_ON_LRU);
}

static void chain_add(struct dcache *c, struct dentry_name *n)
{
	_Atomic(struct dentry_name *) *bucket = &c->buckets[n->hash & c->mask];
	atomic_store_explicit(&n->next, atomic_load_explicit(bucket, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(bucket, n, memory_order_release);
}

/* Readers that stand on n go on along its .next. */
static void chain_remove(struct dcache *c, struct dentry_name *n)
{
	_Atomic(struct dentry_name *) *at = &c->buckets[n->hash & c->mask];
	struct dentry_name *here;
	while ((here = atomic_load_explicit(at, memory_order_relaxed)) != n)
		at = &here->next;
	atomic_store_explicit(at, atomic_load_explicit(&n->next, memory_order_relaxed), memory_order_release);
}

static void unhash(struct dcache *c, struct dentry *d)
{
	if (!(dentry_flags(d) & DENTRY_HASHED))
		return;
	chain_remove(c, dentry_name(d));
	atomic_fetch_and(&d->flags, ~(unsigned)DENTRY_HASHED);
}

/* dcache.lock held. Readers may stand on d yet, but for the end, when there are none. */
static void bury(struct dcache *c, struct dentry *d)
{
	if (c->alone) {
		d->lru_next = c->graves;
		c->graves = d;
		return;
	}
	c->buried++;
	d->lru_prev = &c->lru;		/* for free_after_grace */
	vfs_free_later(&d->later, free_after_grace);
}

/*
 * dcache.lock held. If nobody uses d, it dies. Returns its parent then, whose reference is to be dropped (NULL: it had
 * none, or d lives).
 */
static struct dentry *kill_unused(struct dcache *c, struct dentry *d)
{
	int unused = 0;
	if (!atomic_compare_exchange_strong(&d->refs, &unused, DENTRY_DEAD))
		return NULL;
	unhash(c, d);
	lru_remove(c, d);
	struct dentry *parent = dentry_name(d)->parent;
	bury(c, d);
	return parent;
}

/* dcache.lock held, in a read-side section. d lost a reference, its last perhaps: keep it cached or let it die. */
static void settle_locked(struct dcache *c, struct dentry *d)
{
	while (d && atomic_load(&d->refs) == 0) {
		if (dentry_flags(d) & DENTRY_HASHED) {
			lru_add(c, d);
			return;
		}
		struct dentry *parent = kill_unused(c, d);
		if (!parent || atomic_fetch_sub(&parent->refs, 1) != 1)
			return;
		d = parent;
	}
}

static void drop_locked(struct dcache *c, struct dentry *d)
{
	if (d && atomic_fetch_sub(&d->refs, 1) == 1)
		settle_locked(c, d);
}

/* The unused dentry that was put on the list first, and not found since, goes. */
static void shrink_locked(struct dcache *c, size_t max)
{
	for (int looked = 0; c->lru_count > max && looked < LRU_BATCH; looked++) {
		struct dentry *d = c->lru.lru_prev;
		unsigned flags = dentry_flags(d);
		lru_remove(c, d);
		if (atomic_load(&d->refs) > 0) {
			/* In use: its last user puts it back, unless that one saw the flag just before it went. */
			continue;
		}
		if (flags & DENTRY_USED && max > 0) {
			atomic_fetch_and(&d->flags, ~(unsigned)DENTRY_USED);
			lru_add(c, d);
			continue;
		}
		drop_locked(c, kill_unused(c, d));
	}
}

void dentry_ref(struct dentry *d)
{
	int before = atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	assert(before >= 0);
}

bool dentry_ref_unless_dead(struct dentry *d)
{
	int refs = atomic_load_explicit(&d->refs, memory_order_relaxed);
	while (refs >= 0)
		if (atomic_compare_exchange_weak(&d->refs, &refs, refs + 1))
			return true;
	return false;
}

/*
 * free_after_grace comes milliseconds later perhaps. A disk that was full must have room when unlink returns. In a
 * read-side section.
 */
static void give_room(struct dentry *d)
{
	if (d->inode && atomic_load(&d->refs) == DENTRY_DEAD)
		inode_give_room(d->inode);
}

/* One of several references: nothing is to be settled, and d is not looked at again. */
static bool put_one_of_many(struct dentry *d)
{
	int refs = atomic_load_explicit(&d->refs, memory_order_relaxed);
	while (refs > 1)
		if (atomic_compare_exchange_weak(&d->refs, &refs, refs - 1))
			return true;
	return false;
}

void dentry_put(struct vfs *v, struct dentry *d)
{
	if (!d || put_one_of_many(d))
		return;
	struct dcache *c = &v->dcache;
	/* When the reference is gone, another thread may end d: the read-side section keeps its memory. */
	vfs_read_lock();
	if (atomic_fetch_sub(&d->refs, 1) == 1) {
		unsigned cached = DENTRY_HASHED | DENTRY_ON_LRU;
		if ((atomic_load(&d->flags) & cached) != cached) {
			(void)pthread_mutex_lock(&c->lock);
			settle_locked(c, d);
			if (c->lru_count > c->lru_max)
				shrink_locked(c, c->lru_max);
			(void)pthread_mutex_unlock(&c->lock);
			give_room(d);
		}
	}
	vfs_read_unlock();
}

/* ---- making and changing ---- */

struct dentry_name *dentry_name_create(struct vfs *v, const struct dentry *parent, const char *name, size_t len)
{
	struct dentry_name *n = malloc(sizeof(*n) + len + 1);
	if (!n)
		return NULL;
	atomic_init(&n->next, NULL);
	n->dentry = NULL;
	n->parent = (struct dentry *)parent;
	n->hash = v ? dcache_hash(&v->dcache, parent, name, len) : 0;
	n->len = (uint16_t)len;
	memcpy(n->text, name, len);
	n->text[len] = '\0';
	return n;
}

static unsigned flags_of_inode(const struct inode *inode)
{
	if (!inode)
		return 0;
	unsigned flags = inode->super->flags & SUPER_REVALIDATES ? DENTRY_CHECKED : 0;
	if (inode->type == S_IFDIR)
		flags |= DENTRY_DIRECTORY;
	if (inode->type == S_IFLNK)
		flags |= DENTRY_SYMLINK;
	return flags;
}

/* One reference; takes over n and the reference to inode. The parent is not yet referenced. */
static struct dentry *allocate(struct dentry_name *n, struct inode *inode, unsigned flags)
{
	struct dentry *d = n ? calloc(1, sizeof(*d)) : NULL;
	if (!d) {
		free(n);
		inode_unref(inode);
		return NULL;
	}
	if (inode && inode == inode->super->root)
		super_ref(inode->super);
	atomic_init(&d->refs, 1);
	atomic_init(&d->flags, flags | flags_of_inode(inode));
	d->inode = inode;
	n->dentry = d;
	atomic_init(&d->name, n);
	return d;
}

/* dcache.lock held. */
static struct dentry *find_locked(struct dcache *c, const struct dentry_name *like)
{
	struct dentry_name *n = atomic_load_explicit(&c->buckets[like->hash & c->mask], memory_order_relaxed);
	for (; n; n = atomic_load_explicit(&n->next, memory_order_relaxed))
		if (n->hash == like->hash && n->parent == like->parent && n->len == like->len &&
		    memcmp(n->text, like->text, like->len) == 0)
			return n->dentry;
	return NULL;
}

/* Is it below a directory that is forgotten, so that no name leads to it? */
static bool is_orphan(const struct dentry *d)
{
	for (const struct dentry *above = dentry_name(d)->parent; above; above = dentry_name(above)->parent)
		if (!(dentry_flags(above) & DENTRY_HASHED) && dentry_name(above)->parent)
			return true;
	return false;
}

/*
 * dcache.lock held, in a read-side section. Unused names below forgotten directories go, or they would keep these, and
 * objects with descriptors of ours, until they are the oldest of all. A directory that is no longer used comes to the
 * head of the list, and so has its turn.
 */
static void drop_orphans(struct dcache *c)
{
	struct dentry place;	/* where to go on, whoever dies meanwhile */
	for (struct dentry *d = c->lru.lru_prev; d != &c->lru; d = place.lru_prev) {
		place.lru_next = d;
		place.lru_prev = d->lru_prev;
		if (atomic_load(&d->refs) != 0 || !is_orphan(d))
			continue;
		d->lru_prev = place.lru_prev->lru_next = &place;
		drop_locked(c, kill_unused(c, d));
		place.lru_prev->lru_next = place.lru_next;
		place.lru_next->lru_prev = place.lru_prev;
	}
}

/* dcache.lock held, in a read-side section. A directory of which names are kept has been forgotten. */
static void note_orphans(struct dcache *c)
{
	if (++c->orphaned * ORPHANS_LOOKS < c->lru_count)
		return;
	c->orphaned = 0;
	drop_orphans(c);
}

/* dcache.lock held, in a read-side section. */
static void forget_locked(struct dcache *c, struct dentry *d, unsigned more)
{
	atomic_fetch_or(&d->flags, more);
	unhash(c, d);
	settle_locked(c, d);
	if (!(more & DENTRY_REMOVED) && dentry_is_dir(d) && atomic_load(&d->refs) > 0)
		note_orphans(c);
}

static void forget_place_locked(struct dcache *c, const struct dentry_name *place, const struct dentry *except)
{
	struct dentry *d = find_locked(c, place);
	if (d && d != except)
		forget_locked(c, d, 0);
}

int dentry_insert(struct vfs *v, struct dentry *parent, const char *name, size_t len, struct inode *inode,
		  unsigned flags, struct dentry **ret)
{
	struct dcache *c = &v->dcache;
	struct dentry *d = allocate(dentry_name_create(v, parent, name, len), inode, flags | DENTRY_HASHED);
	if (!d)
		return -ENOMEM;
	vfs_read_lock();
	(void)pthread_mutex_lock(&c->lock);
	struct dentry *known = find_locked(c, dentry_name(d));
	if (known && known->inode == inode && dentry_ref_unless_dead(known)) {
		(void)pthread_mutex_unlock(&c->lock);
		vfs_read_unlock();
		unref_inode(d->inode);
		free(dentry_name(d));
		free(d);
		*ret = known;
		return 0;
	}
	dentry_ref(parent);
	if (known)
		forget_locked(c, known, 0);
	chain_add(c, dentry_name(d));
	(void)pthread_mutex_unlock(&c->lock);
	vfs_read_unlock();
	*ret = d;
	return 0;
}

int dentry_create_unhashed(struct dentry *parent, const char *name, struct inode *inode, unsigned flags,
			   struct dentry **ret)
{
	struct dentry *d = allocate(dentry_name_create(NULL, parent, name, strlen(name)), inode, flags);
	if (!d)
		return -ENOMEM;
	if (parent)
		dentry_ref(parent);
	*ret = d;
	return 0;
}

void dentry_forget(struct vfs *v, struct dentry *d, unsigned more)
{
	vfs_read_lock();
	(void)pthread_mutex_lock(&v->dcache.lock);
	forget_locked(&v->dcache, d, more);
	(void)pthread_mutex_unlock(&v->dcache.lock);
	vfs_read_unlock();
}

/* dcache.lock held. The old name's parent is given back for its reference to be dropped. */
static struct dentry *rename_locked(struct dcache *c, struct dentry *d, struct dentry_name *room)
{
	struct dentry_name *old = dentry_name(d);
	unhash(c, d);
	room->dentry = d;
	if (room->parent)
		dentry_ref(room->parent);
	atomic_store_explicit(&d->name, room, memory_order_release);
	chain_add(c, room);
	atomic_fetch_or(&d->flags, DENTRY_HASHED);
	vfs_free_later(&old->later, free_name);
	return old->parent;
}

void dentry_move(struct vfs *v, struct dentry *d, struct dentry *to_parent, struct dentry_name *room)
{
	struct dcache *c = &v->dcache;
	assert(room->parent == to_parent);
	vfs_read_lock();
	(void)pthread_mutex_lock(&c->lock);
	forget_place_locked(c, room, d);
	atomic_fetch_add(&v->rename_seq, 1);
	struct dentry *from = rename_locked(c, d, room);
	atomic_fetch_add(&v->rename_seq, 1);
	drop_locked(c, from);
	(void)pthread_mutex_unlock(&c->lock);
	vfs_read_unlock();
}

void dentry_exchange(struct vfs *v, struct dentry *a, struct dentry *b, struct dentry_name *a_room,
		     struct dentry_name *b_room)
{
	struct dcache *c = &v->dcache;
	vfs_read_lock();
	(void)pthread_mutex_lock(&c->lock);
	atomic_fetch_add(&v->rename_seq, 1);
	struct dentry *a_from = rename_locked(c, a, a_room);
	struct dentry *b_from = rename_locked(c, b, b_room);
	atomic_fetch_add(&v->rename_seq, 1);
	drop_locked(c, a_from);
	drop_locked(c, b_from);
	(void)pthread_mutex_unlock(&c->lock);
	vfs_read_unlock();
}

void dentry_forget_below(struct vfs *v, const struct dentry *dir, size_t looks)
{
	struct dcache *c = &v->dcache;
	vfs_read_lock();
	(void)pthread_mutex_lock(&c->lock);
	/* The one reference is the caller's. */
	for (struct dentry *d = c->lru.lru_next, *next; d != &c->lru && looks > 0 && atomic_load(&dir->refs) > 1; d = next, looks--) {
		next = d->lru_next;
		if (atomic_load(&d->refs) == 0 && dentry_name(d)->parent == dir) {
			struct dentry *parent = kill_unused(c, d);
			if (parent)
				atomic_fetch_sub(&parent->refs, 1);
		}
	}
	(void)pthread_mutex_unlock(&c->lock);
	vfs_read_unlock();
}

bool dentry_is_below(struct dentry *d, const struct dentry *above)
{
	bool below = false;
	vfs_read_lock();
	for (; d && !below; d = dentry_name(d)->parent)
		below = d == above;
	vfs_read_unlock();
	return below;
}

void dcache_alone(struct vfs *v)
{
	v->dcache.alone = true;
}

static void free_graves(struct dcache *c)
{
	while (c->graves) {
		struct dentry *d = c->graves;
		c->graves = d->lru_next;
		free_dentry(d);
	}
}

/* Is anything to be freed that looks at the cache then? */
static bool must_wait(struct dcache *c)
{
	(void)pthread_mutex_lock(&c->lock);
	bool wait = c->grace_asked || c->buried != atomic_load(&c->freed);
	(void)pthread_mutex_unlock(&c->lock);
	return wait;
}

void dcache_finish(struct vfs *v)
{
	struct dcache *c = &v->dcache;
	if (!c->buckets)
		return;
	vfs_read_lock();
	(void)pthread_mutex_lock(&c->lock);
	while (c->lru_count > 0)
		shrink_locked(c, 0);
	(void)pthread_mutex_unlock(&c->lock);
	vfs_read_unlock();
	if (must_wait(c))
		vfs_free_all();
	free_graves(c);
	dcache_removals_finish(c);
	(void)pthread_mutex_destroy(&c->lock);
	free(c->buckets);
	c->buckets = NULL;
}
