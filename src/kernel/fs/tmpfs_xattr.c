/*
 * tmpfs: extended attributes. user.*, trusted.* and security.*, as Linux has them on tmpfs, and POSIX ACLs (vfs/acl.h).
 * Who may see and set which is the VFS's to know.
 */
#include "kernel/fs/tmpfs_private.h"

#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

/* Without an inode limit, what all attributes of a tmpfs may take. */
static const uint64_t default_space = UINT64_C(256) << 20;

/* -EOPNOTSUPP: a name that no handler takes. */
static int check_name(const struct tmpfs_inode *ti, const char *name)
{
	static const char *const prefixes[] = {"user.", "trusted.", "security."};
	bool of_default;
	if (xattr_is_acl(name, &of_default))
		return ti->inode.type == S_IFLNK ? -EOPNOTSUPP : 0;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		if (strncmp(name, prefixes[i], len) != 0)
			continue;
		if (name[len] == '\0')
			return -EINVAL;
		if (i == 0 && ti->inode.type != S_IFREG && ti->inode.type != S_IFDIR)
			return -EPERM;
		return 0;
	}
	return -EOPNOTSUPP;
}

static size_t space_of(const struct tmpfs_xattr *x)
{
	return sizeof(*x) + strlen(x->name) + 1 + x->size;
}

/* Where name is, or where it would be inserted. ti->lock is held. */
static struct tmpfs_xattr **find_place(struct tmpfs_inode *ti, const char *name)
{
	struct tmpfs_xattr **link = &ti->xattrs;
	while (*link && strcmp((*link)->name, name) < 0)
		link = &(*link)->next;
	return link;
}

static struct tmpfs_xattr *find(struct tmpfs_inode *ti, const char *name)
{
	struct tmpfs_xattr *x = *find_place(ti, name);
	return x && strcmp(x->name, name) == 0 ? x : NULL;
}

ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	int r = check_name(ti, name);
	if (r < 0)
		return r == -EPERM ? -ENODATA : r;
	(void)pthread_mutex_lock(&ti->lock);
	const struct tmpfs_xattr *x = find(ti, name);
	ssize_t len = x ? (ssize_t)x->size : -ENODATA;
	if (x && size > 0) {
		if (x->size > size)
			len = -ERANGE;
		else
			memcpy(value, x->value, x->size);
	}
	(void)pthread_mutex_unlock(&ti->lock);
	return len;
}

static struct tmpfs_xattr *make_xattr(const char *name, const void *value, size_t size)
{
	size_t name_len = strlen(name) + 1;
	struct tmpfs_xattr *x = malloc(sizeof(*x) + name_len + size);
	if (!x)
		return NULL;
	x->size = size;
	x->value = x->name + name_len;
	memcpy(x->name, name, name_len);
	if (size > 0)
		memcpy(x->value, value, size);
	return x;
}

static int charge(struct tmpfs_super *sb, size_t bytes)
{
	uint64_t limit = sb->options.inodes ? sb->options.inodes * TMPFS_INODE_SPACE : default_space;
	if (atomic_fetch_add(&sb->xattr_bytes, bytes) + bytes <= limit)
		return 0;
	atomic_fetch_sub(&sb->xattr_bytes, bytes);
	return -ENOSPC;
}

static void free_xattr(struct tmpfs_super *sb, struct tmpfs_xattr *x)
{
	atomic_fetch_sub(&sb->xattr_bytes, space_of(x));
	free(x);
}

/* ti->lock is held. fresh is taken over on success. */
static int put(struct tmpfs_inode *ti, struct tmpfs_xattr *fresh, int flags)
{
	struct tmpfs_xattr **link = find_place(ti, fresh->name);
	struct tmpfs_xattr *old = *link && strcmp((*link)->name, fresh->name) == 0 ? *link : NULL;
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	fresh->next = old ? old->next : *link;
	*link = fresh;
	if (old)
		free_xattr(tmpfs_super(ti), old);
	return 0;
}

int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	struct tmpfs_super *sb = tmpfs_super(ti);
	int r = check_name(ti, name);
	if (r < 0)
		return r;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	struct tmpfs_xattr *x = make_xattr(name, value, size);
	if (!x)
		return -ENOMEM;
	r = charge(sb, space_of(x));
	if (r < 0) {
		free(x);
		return r;
	}
	(void)pthread_mutex_lock(&ti->lock);
	r = put(ti, x, flags);
	(void)pthread_mutex_unlock(&ti->lock);
	if (r < 0) {
		free_xattr(sb, x);
		return r;
	}
	(void)tmpfs_stamp(ti);
	return 0;
}

ssize_t tmpfs_listxattr(struct inode *inode, char *list, size_t size)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	size_t len = 0;
	(void)pthread_mutex_lock(&ti->lock);
	for (const struct tmpfs_xattr *x = ti->xattrs; x; x = x->next) {
		size_t name_len = strlen(x->name) + 1;
		if (size > 0 && len + name_len <= size)
			memcpy(list + len, x->name, name_len);
		len += name_len;
	}
	(void)pthread_mutex_unlock(&ti->lock);
	if (len > XATTR_LIST_MAX)
		return -E2BIG;
	return size > 0 && len > size ? -ERANGE : (ssize_t)len;
}

int tmpfs_removexattr(struct inode *inode, const char *name)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	int r = check_name(ti, name);
	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&ti->lock);
	struct tmpfs_xattr **link = find_place(ti, name);
	struct tmpfs_xattr *x = *link && strcmp((*link)->name, name) == 0 ? *link : NULL;
	if (x)
		*link = x->next;
	(void)pthread_mutex_unlock(&ti->lock);
	if (!x)
		return -ENODATA;
	free_xattr(tmpfs_super(ti), x);
	(void)tmpfs_stamp(ti);
	return 0;
}

void tmpfs_drop_capability(struct tmpfs_inode *ti)
{
	static const char name[] = "security.capability";
	struct tmpfs_xattr **link = find_place(ti, name);
	struct tmpfs_xattr *x = *link && strcmp((*link)->name, name) == 0 ? *link : NULL;
	if (!x || ti->inode.type == S_IFDIR)
		return;
	*link = x->next;
	free_xattr(tmpfs_super(ti), x);
}

void tmpfs_free_xattrs(struct tmpfs_inode *ti)
{
	while (ti->xattrs) {
		struct tmpfs_xattr *x = ti->xattrs;
		ti->xattrs = x->next;
		free_xattr(tmpfs_super(ti), x);
	}
}
