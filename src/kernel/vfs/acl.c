#include "kernel/vfs/acl.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

#include "base/thread.h"
#include "kernel/task/cred.h"

enum { SMALL_SIZE = 512, NO_ID = -1 };

struct acl_entry {
	unsigned tag, perm;
	uint32_t id;
};

struct acl {
	size_t count;
	struct acl_entry entries[];
};

#define FOR_EACH_ENTRY(e, acl) for (struct acl_entry *e = (acl)->entries; e < (acl)->entries + (acl)->count; e++)

static void cleanup_acl(struct acl **acl)
{
	free(*acl);
}
#define AUTO_ACL CLEANUP(cleanup_acl)

static const char *const names[] = {
	[ACL_ACCESS] = "system.posix_acl_access",
	[ACL_DEFAULT] = "system.posix_acl_default",
};

bool xattr_is_acl(const char *name, bool *ret_default)
{
	*ret_default = strcmp(name, names[ACL_DEFAULT]) == 0;
	return *ret_default || strcmp(name, names[ACL_ACCESS]) == 0;
}

/* ---- the attribute's format ---- */

/* *ret NULL: an ACL without entries, which is none. */
static int decode(const void *value, size_t size, struct acl **ret)
{
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry raw;
	*ret = NULL;
	if (size < sizeof(header))
		return -EINVAL;
	memcpy(&header, value, sizeof(header));
	if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
		return -EOPNOTSUPP;
	if ((size - sizeof(header)) % sizeof(raw))
		return -EINVAL;
	size_t count = (size - sizeof(header)) / sizeof(raw);
	if (!count)
		return 0;
	struct acl *acl = calloc(1, sizeof(*acl) + count * sizeof(acl->entries[0]));
	if (!acl)
		return -ENOMEM;
	acl->count = count;
	for (size_t i = 0; i < count; i++) {
		memcpy(&raw, (const char *)value + sizeof(header) + i * sizeof(raw), sizeof(raw));
		acl->entries[i] = (struct acl_entry){le16toh(raw.e_tag), le16toh(raw.e_perm), le32toh(raw.e_id)};
	}
	*ret = acl;
	return 0;
}

static void *encode(const struct acl *acl, size_t *ret_size)
{
	const struct posix_acl_xattr_header header = {.a_version = htole32(POSIX_ACL_XATTR_VERSION)};
	const struct acl_entry *from = acl->entries;
	*ret_size = sizeof(header) + acl->count * sizeof(struct posix_acl_xattr_entry);
	char *value = malloc(*ret_size);
	if (!value)
		return NULL;
	memcpy(value, &header, sizeof(header));
	for (char *at = value + sizeof(header); from < acl->entries + acl->count; from++) {
		bool named = from->tag == ACL_USER || from->tag == ACL_GROUP;
		const struct posix_acl_xattr_entry raw = {
			.e_tag = htole16(from->tag), .e_perm = htole16(from->perm), .e_id = htole32(named ? from->id : (uint32_t)NO_ID),
		};
		memcpy(at, &raw, sizeof(raw));
		at += sizeof(raw);
	}
	return value;
}

/* posix_acl_valid: owner, users, group, groups, mask, others; the mask may lack where nobody is named. */
static bool is_valid(const struct acl *acl)
{
	static const unsigned order[] = {ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK, ACL_OTHER};
	size_t at = 0;
	bool needs_mask = false;
	FOR_EACH_ENTRY(e, (struct acl *)acl) {
		bool named = e->tag == ACL_USER || e->tag == ACL_GROUP;
		size_t place = at;
		while (place < ARRAY_SIZE(order) && order[place] != e->tag) {
			/* Of what is left out only these may be. */
			if (order[place] != ACL_USER && order[place] != ACL_GROUP && (order[place] != ACL_MASK || needs_mask))
				return false;
			place++;
		}
		if (place == ARRAY_SIZE(order) || e->perm & ~7u || (named && e->id == (uint32_t)NO_ID))
			return false;
		needs_mask |= named;
		at = named ? place : place + 1;
	}
	return at == ARRAY_SIZE(order);
}

/* ---- what a filesystem keeps ---- */

static ssize_t read_value(struct inode *inode, enum acl_kind kind, void *value, size_t size)
{
	if (inode->ops->acl)
		return inode->ops->acl(inode, kind == ACL_DEFAULT, value, size);
	return inode->ops->getxattr ? inode->ops->getxattr(inode, names[kind], value, size) : -EOPNOTSUPP;
}

/* *ret NULL: none. */
static int load(struct inode *inode, enum acl_kind kind, struct acl **ret)
{
	char small[SMALL_SIZE];
	AUTO_FREE char *big = NULL;
	const char *value = small;
	*ret = NULL;
	ssize_t n = read_value(inode, kind, small, sizeof(small));
	if (n == -ERANGE) {
		value = big = malloc(XATTR_SIZE_MAX);
		if (!big)
			return -ENOMEM;
		n = read_value(inode, kind, big, XATTR_SIZE_MAX);
	}
	return n > 0 ? decode(value, (size_t)n, ret) : n == -ENOMEM ? -ENOMEM : 0;
}

static int forget(struct inode *inode, enum acl_kind kind)
{
	int r = inode->ops->removexattr ? inode->ops->removexattr(inode, names[kind]) : 0;
	return r == -ENODATA || r == -EOPNOTSUPP ? 0 : r;
}

static int keep(struct inode *inode, enum acl_kind kind, const struct acl *acl)
{
	size_t size;
	AUTO_FREE void *value = encode(acl, &size);
	return value ? inode->ops->setxattr(inode, names[kind], value, size, 0) : -ENOMEM;
}

/* ---- permission ---- */

static const struct acl_entry *find(const struct acl *acl, unsigned tag)
{
	FOR_EACH_ENTRY(e, (struct acl *)acl) {
		if (e->tag == tag)
			return e;
	}
	return NULL;
}

static int masked(const struct acl *acl, const struct acl_entry *e, unsigned want)
{
	const struct acl_entry *mask = find(acl, ACL_MASK);
	return (want & ~(e->perm & (mask ? mask->perm : 7u))) == 0 ? 0 : -EACCES;
}

static int ask(const struct acl *acl, const struct cred *c, const struct owner *o, unsigned want)
{
	bool in_some_group = false;
	FOR_EACH_ENTRY(e, (struct acl *)acl) {
		if (e->tag == ACL_USER && e->id == c->fsuid)
			return masked(acl, e, want);
		if ((e->tag == ACL_GROUP_OBJ && cred_in_group(c, o->gid)) || (e->tag == ACL_GROUP && cred_in_group(c, e->id))) {
			in_some_group = true;
			if ((want & ~e->perm) == 0)
				return masked(acl, e, want);
		}
		if (e->tag == ACL_OTHER)
			return !in_some_group && (want & ~e->perm) == 0 ? 0 : -EACCES;
	}
	return -EACCES;
}

int acl_permission(const struct cred *c, struct inode *inode, const struct owner *o, int mask)
{
	struct acl *acl AUTO_ACL = NULL;
	if (inode->type == S_IFLNK || !(o->mode & S_IRWXG) || load(inode, ACL_ACCESS, &acl) < 0 || !acl)
		return 1;
	return ask(acl, c, o, (unsigned)mask);
}

/* ---- with the mode ---- */

/* The mode that says the same as far as a mode can; true: it says all. */
static bool to_mode(const struct acl *acl, mode_t *mode)
{
	mode_t bits = 0;
	bool all = true;
	FOR_EACH_ENTRY(e, (struct acl *)acl) {
		if (e->tag == ACL_USER_OBJ)
			bits |= e->perm << 6;
		else if (e->tag == ACL_OTHER)
			bits |= e->perm;
		else if (e->tag == ACL_GROUP_OBJ)
			bits |= e->perm << 3;
		else
			all = false;
	}
	const struct acl_entry *mask = find(acl, ACL_MASK);
	if (mask)
		bits = (bits & ~(mode_t)070) | mask->perm << 3;
	*mode = (*mode & ~(mode_t)0777) | bits;
	return all;
}

/* The entries that a mode's classes stand for. */
static unsigned class_of(const struct acl *acl, const struct acl_entry *e)
{
	unsigned middle = find(acl, ACL_MASK) ? ACL_MASK : ACL_GROUP_OBJ;
	return e->tag == ACL_USER_OBJ ? 6 : e->tag == middle ? 3 : e->tag == ACL_OTHER ? 0 : 16;
}

static bool set_mode_of(struct acl *acl, mode_t mode)
{
	bool changed = false;
	FOR_EACH_ENTRY(e, acl) {
		unsigned shift = class_of(acl, e);
		unsigned perm = shift < 16 ? mode >> shift & 7 : e->perm;
		changed |= perm != e->perm;
		e->perm = perm;
	}
	return changed;
}

int acl_chmod(struct inode *inode, mode_t mode)
{
	struct acl *acl AUTO_ACL = NULL;
	if (!(inode->super->flags & SUPER_KEEPS_ACLS) || inode->type == S_IFLNK)
		return 0;
	int r = load(inode, ACL_ACCESS, &acl);
	return r == 0 && acl && set_mode_of(acl, mode) ? keep(inode, ACL_ACCESS, acl) : r;
}

static int set_access(const struct walk_env *env, struct inode *inode, const struct acl *acl)
{
	struct owner o;
	int r = inode_owner(inode, &o);
	if (r < 0)
		return r;
	struct vfs_attr attr = {.valid = STATX_MODE, .mode = o.mode & 07777};
	bool is_mode = to_mode(acl, &attr.mode);
	if (env->cred && !cred_in_group(env->cred, o.gid) && !cred_capable(env->cred, CAP_FSETID))
		attr.mode &= ~(mode_t)S_ISGID;
	r = inode->ops->setattr ? inode->ops->setattr(inode, &attr) : -EOPNOTSUPP;
	if (r < 0)
		return r;
	return is_mode ? forget(inode, ACL_ACCESS) : keep(inode, ACL_ACCESS, acl);
}

int acl_set(const struct walk_env *env, struct inode *inode, enum acl_kind kind, const void *value, size_t size)
{
	struct acl *acl AUTO_ACL = NULL;
	int r = size ? decode(value, size, &acl) : 0;
	if (r < 0)
		return r;
	if (inode->type == S_IFLNK || !inode->ops->setxattr)
		return -EOPNOTSUPP;
	if (kind == ACL_DEFAULT && inode->type != S_IFDIR)
		return acl ? -EACCES : 0;
	if (!acl)
		return forget(inode, kind);
	if (!is_valid(acl))
		return -EINVAL;
	return kind == ACL_ACCESS ? set_access(env, inode, acl) : keep(inode, kind, acl);
}

int acl_check(const void *value, size_t size)
{
	struct acl *acl AUTO_ACL = NULL;
	return size ? decode(value, size, &acl) : 0;
}

/* ---- new objects ---- */

/* posix_acl_create_masq: what was asked for and what the default leaves, in both; true: the mode says all of it. */
static bool limit(struct acl *acl, mode_t *mode)
{
	mode_t left = *mode;
	bool all = true;
	FOR_EACH_ENTRY(e, acl) {
		unsigned shift = class_of(acl, e);
		all = all && (e->tag == ACL_USER_OBJ || e->tag == ACL_GROUP_OBJ || e->tag == ACL_OTHER);
		if (shift >= 16)
			continue;
		e->perm &= *mode >> shift & 7;
		left &= ~((mode_t)7 << shift) | e->perm << shift;
	}
	*mode = left;
	return all;
}

int acl_inherit(const struct walk_env *env, struct inode *dir, struct vfs_create *how, struct acl_birth *ret)
{
	struct acl *acl AUTO_ACL = NULL;
	*ret = (struct acl_birth){NULL, NULL};
	if (S_ISLNK(how->mode))
		return 0;
	if (dir->super->flags & SUPER_HOST_UMASK && thread_own_fs()) {
		how->umask = env->umask;
		return 0;
	}
	int r = load(dir, ACL_DEFAULT, &acl);
	if (r < 0)
		return r;
	if (!acl)
		how->mode &= ~env->umask;
	/* Where the host has them it also carries out what they say. */
	if (!acl || !(dir->super->flags & SUPER_KEEPS_ACLS))
		return 0;
	if (S_ISDIR(how->mode)) {
		size_t size = sizeof(*acl) + acl->count * sizeof(acl->entries[0]);
		ret->of_dir = malloc(size);
		if (!ret->of_dir)
			return -ENOMEM;
		memcpy(ret->of_dir, acl, size);
	}
	if (!limit(acl, &how->mode)) {
		ret->access = acl;
		acl = NULL;
	}
	return 0;
}

int acl_bear(const struct acl_birth *b, struct inode *inode)
{
	int r = b->access && inode->ops->setxattr ? keep(inode, ACL_ACCESS, b->access) : 0;
	return r == 0 && b->of_dir && inode->ops->setxattr ? keep(inode, ACL_DEFAULT, b->of_dir) : r;
}

void acl_birth_finish(struct acl_birth *b)
{
	free(b->access);
	free(b->of_dir);
	*b = (struct acl_birth){NULL, NULL};
}
