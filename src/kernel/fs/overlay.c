/* overlay: the super and the table of its inodes. overlay_private.h says how layers are put together. */
#include "kernel/fs/overlay_private.h"

#include <assert.h>

enum {
	KEY_BUCKETS_MIN = 256,
	NUMBER_BUCKETS = 4096,
	DEVICE_SHIFT = 48,		/* inode numbers of real file systems stay below */
};

static size_t hash_u64(uint64_t v)
{
	return (size_t)((v * 0x9e3779b97f4a7c15u) >> 24);
}

/* ---- inode numbers ---- */

/* lock is held. What does not fit shares the last place. */
static size_t device_index(struct overlay *ov, uint64_t device)
{
	for (size_t i = 0; i < ov->device_count; i++) {
		if (ov->devices[i] == device)
			return i;
	}
	if (ov->device_count == OVERLAY_DEVICES_MAX)
		return OVERLAY_DEVICES_MAX - 1;
	ov->devices[ov->device_count] = device;
	return ov->device_count++;
}

static uint64_t original_number(struct overlay *ov, uint64_t number)
{
	for (struct overlay_number *n = ov->numbers[hash_u64(number) % NUMBER_BUCKETS]; n; n = n->next) {
		if (n->copy == number)
			return n->original;
	}
	return number;
}

uint64_t overlay_number(struct overlay *ov, uint32_t dev_major, uint32_t dev_minor, uint64_t ino)
{
	(void)pthread_mutex_lock(&ov->lock);
	uint64_t number = ino ^ ((uint64_t)device_index(ov, (uint64_t)dev_major << 32 | dev_minor) << DEVICE_SHIFT);
	number = original_number(ov, number);
	(void)pthread_mutex_unlock(&ov->lock);
	return number;
}

static uint64_t number_of(struct overlay *ov, const struct statx *stx)
{
	return overlay_number(ov, stx->stx_dev_major, stx->stx_dev_minor, stx->stx_ino);
}

/* Without memory a copy shows its own number once it was forgotten and looked up again. */
static void remember_number(struct overlay *ov, uint64_t copy, uint64_t original)
{
	struct overlay_number *n = malloc(sizeof(*n));
	if (!n)
		return;
	(void)pthread_mutex_lock(&ov->lock);
	struct overlay_number **p = &ov->numbers[hash_u64(copy) % NUMBER_BUCKETS];
	*n = (struct overlay_number){.next = *p, .copy = copy, .original = original};
	*p = n;
	(void)pthread_mutex_unlock(&ov->lock);
}

/* lock is held. */
static void forget_number(struct overlay *ov, uint64_t copy)
{
	struct overlay_number **p = &ov->numbers[hash_u64(copy) % NUMBER_BUCKETS];

	while (*p && (*p)->copy != copy)
		p = &(*p)->next;
	struct overlay_number *n = *p;
	if (n)
		*p = n->next;
	free(n);
}

/* ---- the table of inodes; lock is held ---- */

static struct overlay_key **key_bucket(struct overlay *ov, const struct inode *real)
{
	return &ov->keys[hash_u64((uintptr_t)real >> 4) & (ov->key_buckets - 1)];
}

static void grow(struct overlay *ov)
{
	size_t old_buckets = ov->key_buckets;
	struct overlay_key **old = ov->keys;
	struct overlay_key **bigger = calloc(old_buckets * 2, sizeof(*bigger));

	if (!bigger)
		return;		/* longer chains do */
	ov->keys = bigger;
	ov->key_buckets = old_buckets * 2;
	for (size_t i = 0; i < old_buckets; i++) {
		while (old[i]) {
			struct overlay_key *k = old[i];
			struct overlay_key **p = key_bucket(ov, k->real);

			old[i] = k->next;
			k->next = *p;
			*p = k;
		}
	}
	free(old);
}

static void add_key(struct overlay *ov, struct overlay_inode *oi, struct overlay_key *k, const struct inode *real)
{
	if (ov->key_count >= ov->key_buckets)
		grow(ov);
	struct overlay_key **p = key_bucket(ov, real);
	*k = (struct overlay_key){.next = *p, .real = real, .owner = oi};
	*p = k;
	ov->key_count++;
}

static void remove_key(struct overlay *ov, struct overlay_key *k)
{
	if (!k->real)
		return;
	struct overlay_key **p = key_bucket(ov, k->real);
	while (*p != k)
		p = &(*p)->next;
	*p = k->next;
	k->real = NULL;
	ov->key_count--;
}

/* Where something was found. */
struct place {
	struct overlay_inode *parent;	/* NULL: nowhere */
	const char *name;
};

static bool is_at(const struct overlay_inode *oi, const struct place *at)
{
	return oi->parent == at->parent && (!at->parent || strcmp(oi->name, at->name) == 0);
}

/*
 * A directory of lower layers that the host moved meanwhile is another one by its new name: who knows it by the old one
 * may have changed it, and what it was told of names in it would not be so by the new one.
 */
static bool is_same(const struct overlay_inode *oi, const struct overlay_stack *s, const struct place *at)
{
	return s->upper || !S_ISDIR(oi->inode.type) || (!overlay_upper(oi) && is_at(oi, at));
}

static struct overlay_inode *find(struct overlay *ov, const struct overlay_stack *s, const struct place *at)
{
	const struct inode *real = s->upper ? s->upper : s->lowers[0];

	for (struct overlay_key *k = *key_bucket(ov, real); k; k = k->next) {
		if (k->real == real && is_same(k->owner, s, at) && inode_ref_unless_dead(&k->owner->inode))
			return k->owner;
	}
	return NULL;
}

/* ---- inodes ---- */

/* Nobody will see its number again if its last name is gone. */
static bool is_gone(struct overlay_inode *oi)
{
	struct inode *upper = overlay_upper(oi);
	struct statx stx;

	if (!upper || !oi->copy_number)
		return false;
	int r = upper->ops->getattr(upper, &stx);
	return r == -ESTALE || (r == 0 && stx.stx_nlink == 0);
}

void overlay_forget_gone(struct overlay_inode *oi)
{
	struct overlay *ov = overlay_of(&oi->inode);

	if (!is_gone(oi))
		return;
	(void)pthread_mutex_lock(&ov->lock);
	forget_number(ov, oi->copy_number);
	oi->copy_number = 0;
	(void)pthread_mutex_unlock(&ov->lock);
}

static void overlay_inode_destroy(struct inode *inode)
{
	struct overlay_inode *oi = overlay_inode(inode);
	struct overlay *ov = overlay_of(inode);

	overlay_forget_gone(oi);
	(void)pthread_mutex_lock(&ov->lock);
	for (size_t i = 0; i < ARRAY_SIZE(oi->keys); i++)
		remove_key(ov, &oi->keys[i]);
	(void)pthread_mutex_unlock(&ov->lock);
	inode_unref(overlay_upper(oi));
	for (size_t i = 0; i < oi->lowers_held; i++)
		inode_unref(oi->lowers[i]);
	free(oi->lowers);
	if (oi->parent)
		inode_unref(&oi->parent->inode);
	free(oi->name);
	overlay_list_destroy(oi->list);
	if (atomic_load(&oi->own) >= 0)
		(void)close(atomic_load(&oi->own));
	(void)pthread_mutex_destroy(&oi->copy_lock);
	(void)pthread_mutex_destroy(&oi->list_lock);
	free(oi);
}

static void overlay_give_room(struct inode *inode)
{
	struct inode *upper = overlay_upper(overlay_inode(inode));

	if (upper)
		inode_give_room(upper);
}

#define OVERLAY_OPS \
	.lookup = overlay_lookup, \
	.create = overlay_create_node, \
	.link = overlay_link, \
	.unlink = overlay_unlink, \
	.rename = overlay_rename, \
	.tmpfile = overlay_tmpfile, \
	.iterate = overlay_iterate, \
	.getattr = overlay_getattr, \
	.setattr = overlay_setattr, \
	.get_flags = overlay_get_flags, \
	.set_flags = overlay_set_flags, \
	.readlink = overlay_readlink, \
	.open = overlay_open, \
	.host = overlay_host, \
	.getxattr = overlay_getxattr, \
	.setxattr = overlay_setxattr, \
	.listxattr = overlay_listxattr, \
	.removexattr = overlay_removexattr, \
	.give_room = overlay_give_room, \
	.acl = overlay_acl, \
	.destroy = overlay_inode_destroy

/* Who has a host file open can be found out at the host. */
static const struct inode_ops host_upper_ops = {
	OVERLAY_OPS,
	.backing = overlay_backing,
};

static const struct inode_ops counted_upper_ops = {
	OVERLAY_OPS,
	.in_use = overlay_in_use,
};

/* Takes over what the stack holds. */
static struct overlay_inode *make_inode(struct overlay *ov, struct overlay_stack *s, const struct place *at, uint64_t number,
					const struct statx *stx)
{
	struct inode *real = s->upper ? s->upper : s->lowers[0];
	bool has_place = at->parent && !s->upper;
	AUTO_FREE char *name = has_place ? strdup(at->name) : NULL;
	struct overlay_inode *oi = calloc(1, sizeof(*oi));
	if (!oi || (has_place && !name)) {
		free(oi);
		return NULL;
	}
	if (has_place) {
		oi->parent = at->parent;
		(void)inode_ref(&at->parent->inode);
		oi->name = name;
		name = NULL;
	}
	bool counted = ov->upper && ov->upper->root->ops->in_use;
	inode_init(&oi->inode, &ov->super, counted ? &counted_upper_ops : &host_upper_ops, number, real->type);
	atomic_init(&oi->upper, s->upper);
	atomic_init(&oi->own, -1);
	oi->lowers = s->lowers;
	oi->lowers_held = s->lower_count;
	atomic_init(&oi->lower_count, s->lower_count);
	atomic_init(&oi->lower_names, s->upper || S_ISDIR(real->type) ? 0 : (long)stx->stx_nlink);
	(void)pthread_mutex_init(&oi->copy_lock, NULL);
	(void)pthread_mutex_init(&oi->list_lock, NULL);
	inode_note_kept(&oi->inode, stx);
	if (s->upper && s->lower_count && atomic_load(&s->lowers[0]->kept))
		atomic_store(&oi->inode.kept, INODE_KEPT_ASK);
	*s = (struct overlay_stack){0};
	return oi;
}

static void hash_inode(struct overlay *ov, struct overlay_inode *oi)
{
	struct inode *upper = overlay_upper(oi);

	if (upper)
		add_key(ov, oi, &oi->keys[0], upper);
	/* A merged directory is found by its upper; the lower alone would be another one, under an opaque name. */
	if (!upper)
		add_key(ov, oi, &oi->keys[1], oi->lowers[0]);
}

void overlay_set_place(struct overlay_inode *oi, struct overlay_inode *parent, const char *name)
{
	struct overlay *ov = overlay_of(&oi->inode);
	char *copy = name ? strdup(name) : NULL;

	if (name && !copy)
		return;		/* it is copied up without a name then */
	if (parent)
		(void)inode_ref(&parent->inode);
	(void)pthread_mutex_lock(&ov->lock);
	struct overlay_inode *old_parent = oi->parent;
	char *old_name = oi->name;
	oi->parent = parent;
	oi->name = copy;
	(void)pthread_mutex_unlock(&ov->lock);
	free(old_name);
	if (old_parent)
		inode_unref(&old_parent->inode);
}

static bool has_place(struct overlay *ov, const struct overlay_inode *oi)
{
	(void)pthread_mutex_lock(&ov->lock);
	bool has = oi->parent;
	(void)pthread_mutex_unlock(&ov->lock);
	return has;
}

static int find_or_make(struct overlay *ov, struct overlay_stack *s, const struct place *at, struct overlay_inode **ret)
{
	struct inode *real = s->upper ? s->upper : s->lowers[0];
	struct statx stx;

	(void)pthread_mutex_lock(&ov->lock);
	*ret = find(ov, s, at);
	(void)pthread_mutex_unlock(&ov->lock);
	if (*ret)
		return 0;
	int r = real->ops->getattr(real, &stx);
	if (r < 0)
		return r;
	uint64_t number = number_of(ov, &stx);
	(void)pthread_mutex_lock(&ov->lock);
	*ret = find(ov, s, at);
	if (!*ret) {
		*ret = make_inode(ov, s, at, number, &stx);
		if (*ret)
			hash_inode(ov, *ret);
	}
	(void)pthread_mutex_unlock(&ov->lock);
	return *ret ? 0 : -ENOMEM;
}

int overlay_get(struct overlay *ov, struct overlay_stack *s, struct overlay_inode *parent, const char *name,
		struct inode **ret)
{
	struct overlay_inode *oi;
	const struct place at = {.parent = parent, .name = name};
	int r = find_or_make(ov, s, &at, &oi);

	overlay_stack_finish(s);
	if (r < 0)
		return r;
	if (parent && !overlay_upper(oi) && !has_place(ov, oi))
		overlay_set_place(oi, parent, name);
	*ret = &oi->inode;
	return 0;
}

void overlay_set_upper(struct overlay_inode *oi, struct inode *upper)
{
	struct overlay *ov = overlay_of(&oi->inode);
	struct statx stx;

	if (upper->ops->getattr(upper, &stx) == 0) {
		oi->copy_number = number_of(ov, &stx);
		remember_number(ov, oi->copy_number, oi->inode.ino);
	}
	(void)pthread_mutex_lock(&ov->lock);
	assert(!overlay_upper(oi));
	add_key(ov, oi, &oi->keys[0], upper);
	atomic_store(&oi->upper, upper);
	(void)pthread_mutex_unlock(&ov->lock);
}

void overlay_keep(struct overlay_inode *oi)
{
	struct overlay *ov = overlay_of(&oi->inode);

	(void)pthread_mutex_lock(&ov->lock);
	if (!oi->kept) {
		oi->kept = true;
		oi->next_kept = ov->kept;
		ov->kept = oi;
		(void)inode_ref(&oi->inode);
	}
	(void)pthread_mutex_unlock(&ov->lock);
}

void overlay_unkeep_own(struct overlay_inode *oi)
{
	struct overlay *ov = overlay_of(&oi->inode);
	bool found = false;

	if (atomic_load(&oi->own) < 0 || atomic_load(&oi->lower_names) > 0)
		return;
	(void)pthread_mutex_lock(&ov->lock);
	for (struct overlay_inode **p = &ov->kept; *p && !found; p = &(*p)->next_kept) {
		found = *p == oi;
		if (found) {
			*p = oi->next_kept;
			break;
		}
	}
	oi->kept = false;
	(void)pthread_mutex_unlock(&ov->lock);
	if (found)
		inode_unref(&oi->inode);
}

/* ---- the super ---- */

static int overlay_statfs(struct super *sb, struct statfs *ret)
{
	struct overlay *ov = (struct overlay *)sb;
	struct super *layer = ov->upper ? ov->upper : ov->lowers[0];
	int r = layer->ops->statfs(layer, ret);

	ret->f_type = 0x794c7630;	/* OVERLAYFS_SUPER_MAGIC */
	return r;
}

static int overlay_sync(struct super *sb)
{
	struct overlay *ov = (struct overlay *)sb;

	return ov->upper && ov->upper->ops->sync ? ov->upper->ops->sync(ov->upper) : 0;
}

static void shut_layer_down(struct super *layer)
{
	if (layer && layer->ops->shutdown)
		layer->ops->shutdown(layer);
}

static void overlay_shutdown(struct super *sb)
{
	struct overlay *ov = (struct overlay *)sb;

	(void)pthread_mutex_lock(&ov->lock);
	struct overlay_inode *kept = ov->kept;
	ov->kept = NULL;
	(void)pthread_mutex_unlock(&ov->lock);
	while (kept) {
		struct overlay_inode *next = kept->next_kept;
		inode_unref(&kept->inode);
		kept = next;
	}
}

static void free_numbers(struct overlay *ov)
{
	for (size_t i = 0; ov->numbers && i < NUMBER_BUCKETS; i++) {
		while (ov->numbers[i]) {
			struct overlay_number *n = ov->numbers[i];
			ov->numbers[i] = n->next;
			free(n);
		}
	}
	free(ov->numbers);
}

/* Also half-made. */
static void overlay_destroy(struct super *sb)
{
	struct overlay *ov = (struct overlay *)sb;

	overlay_work_finish(ov);
	shut_layer_down(ov->upper);
	super_unref(ov->upper);
	for (size_t i = 0; i < ov->lower_count; i++) {
		shut_layer_down(ov->lowers[i]);
		super_unref(ov->lowers[i]);
	}
	free(ov->lowers);
	free_numbers(ov);
	free(ov->keys);
	(void)pthread_mutex_destroy(&ov->lock);
	(void)pthread_mutex_destroy(&ov->names_lock);
	free(ov);
}

static const struct super_ops overlay_super_ops = {
	.statfs = overlay_statfs,
	.sync = overlay_sync,
	.shutdown = overlay_shutdown,
	.destroy = overlay_destroy,
};

static int check_layers(const struct overlay *ov)
{
	if (ov->lower_count == 0 && !ov->upper)
		return -EINVAL;
	if (ov->upper && !S_ISDIR(ov->upper->root->type))
		return -ENOTDIR;
	for (size_t i = 0; i < ov->lower_count; i++) {
		if (!S_ISDIR(ov->lowers[i]->root->type))
			return -ENOTDIR;
	}
	return 0;
}

static int make_root(struct overlay *ov)
{
	struct overlay_stack s = {.lowers = calloc(ov->lower_count + 1, sizeof(struct inode *))};
	if (!s.lowers)
		return -ENOMEM;
	if (ov->upper)
		s.upper = inode_ref(ov->upper->root);
	int opaque = ov->upper ? layer_is_opaque(ov->upper->root) : 0;
	for (size_t i = 0; i < ov->lower_count && !opaque; i++) {
		s.lowers[s.lower_count++] = inode_ref(ov->lowers[i]->root);
		opaque = layer_is_opaque(ov->lowers[i]->root);
	}
	if (opaque < 0) {
		overlay_stack_finish(&s);
		return opaque;
	}
	return overlay_get(ov, &s, NULL, NULL, &ov->super.root);
}

static int init(struct overlay *ov)
{
	int r = check_layers(ov);
	if (r < 0)
		return r;
	ov->key_buckets = KEY_BUCKETS_MIN;
	ov->keys = calloc(ov->key_buckets, sizeof(ov->keys[0]));
	ov->numbers = calloc(NUMBER_BUCKETS, sizeof(ov->numbers[0]));
	if (!ov->keys || !ov->numbers)
		return -ENOMEM;
	if (ov->upper && !(ov->upper->flags & SUPER_READONLY)) {
		r = overlay_work_clean(ov);
		if (r < 0)
			return r;
	}
	return make_root(ov);
}

int overlay_create(struct super *const *lowers, size_t count, struct super *upper, struct super **ret)
{
	struct overlay *ov = calloc(1, sizeof(*ov));
	struct super **copies = calloc(count + 1, sizeof(struct super *));

	if (!ov || !copies) {
		for (size_t i = 0; i < count; i++)
			super_unref(lowers[i]);
		super_unref(upper);
		free(ov);
		free(copies);
		return -ENOMEM;
	}
	memcpy(copies, lowers, count * sizeof(struct super *));
	ov->lowers = copies;
	ov->lower_count = count;
	ov->upper = upper;
	(void)pthread_mutex_init(&ov->lock, NULL);
	(void)pthread_mutex_init(&ov->names_lock, NULL);
	super_init(&ov->super, &overlay_super_ops, "overlay", SUPER_KEEPS_ACLS | (upper ? 0 : SUPER_READONLY));
	int r = init(ov);
	if (r < 0) {
		super_unref(&ov->super);
		return r;
	}
	*ret = &ov->super;
	return 0;
}
